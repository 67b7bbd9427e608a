/*
 * The commands of queries and the values of report columns; see query_commands.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/buffer.h"
#include "base/memory.h"
#include "resolve/query_commands.h"

static void end_line(struct query_subject *subject, const struct query_node *node)
{
	if (node->no_newline)
		return;
	if (node->nul || subject->options->nul)
		subject->options->emit(subject->options->data, "", 1);
	else
		query_emit(subject, "\n");
}

static void emit_count(struct query_subject *subject, size_t count)
{
	char text[32];
	snprintf(text, sizeof(text), "%zu", count);
	query_emit(subject, text);
}

bool query_echo(struct query_subject *subject, const struct query_node *node)
{
	query_emit(subject, node->arguments[0]);
	end_line(subject, node);
	return true;
}

/* ---- paths inside the bundle ---- */

static char *path_below(struct query_subject *subject, const char *relative)
{
	char *path = mem_format("%s/%s", kext_bundle_path(subject->bundle), relative);
	if (!path)
		subject->out_of_memory = true;
	return path;
}

static char *executable_path(struct query_subject *subject)
{
	const char *relative = kext_bundle_executable_path(subject->bundle);
	return relative ? path_below(subject, relative) : NULL;
}

/* Where it is first found, in the order in which bundles look for it. */
static char *info_path(struct query_subject *subject)
{
	static const char *const places[] = {"Contents/Info.plist", "Info.plist",
					     "Support Files/Info.plist"};
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		char *path = path_below(subject, places[i]);
		if (!path || access(path, F_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

/* ---- -exec ---- */

struct substitution {
	const char *mark;
	const char *text;
};

static char *substitute(const char *word, const struct substitution *all, size_t count)
{
	struct buffer out = {0};
	while (*word) {
		size_t i = 0;
		while (i < count && strncmp(word, all[i].mark, strlen(all[i].mark)) != 0)
			i++;
		if (i < count) {
			buffer_string(&out, all[i].text ? all[i].text : "");
			word += strlen(all[i].mark);
		} else {
			buffer_append(&out, word++, 1);
		}
	}
	buffer_append(&out, "", 1);
	if (out.failed)
		buffer_free(&out);
	return (char *)out.data;
}

bool query_exec(struct query_subject *subject, const struct query_node *node)
{
	char *executable = executable_path(subject), *info = info_path(subject);
	const struct substitution all[] = {
		{"{info-dictionary}", info},
		{"{executable}", executable},
		{"{}", kext_bundle_path(subject->bundle)},
	};
	char **words = mem_zero(node->argument_count + 1, sizeof(*words));
	bool complete = words != NULL, is_true = false;
	for (size_t i = 0; complete && i < node->argument_count; i++) {
		words[i] = substitute(node->arguments[i], all, 3);
		complete = words[i] != NULL;
	}
	if (complete)
		is_true = subject->options->run(subject->options->data, words);
	else
		subject->out_of_memory = true;
	for (size_t i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
	free(executable);
	free(info);
	return is_true;
}

/* ---- printing paths ---- */

void query_path_value(struct query_subject *subject, const struct query_node *node)
{
	(void)node;
	query_emit_path(subject, kext_bundle_path(subject->bundle));
}

bool query_print(struct query_subject *subject, const struct query_node *node)
{
	query_path_value(subject, node);
	end_line(subject, node);
	return true;
}

bool query_print0(struct query_subject *subject, const struct query_node *node)
{
	query_path_value(subject, node);
	subject->options->emit(subject->options->data, "", 1);
	return true;
}

static void emit_file(struct query_subject *subject, char *path)
{
	if (path)
		query_emit_path(subject, path);
	free(path);
}

void query_executable_value(struct query_subject *subject, const struct query_node *node)
{
	(void)node;
	emit_file(subject, executable_path(subject));
}

bool query_print_executable(struct query_subject *subject, const struct query_node *node)
{
	if (kext_bundle_executable_path(subject->bundle)) {
		query_executable_value(subject, node);
		end_line(subject, node);
	}
	return true;
}

void query_info_value(struct query_subject *subject, const struct query_node *node)
{
	(void)node;
	emit_file(subject, info_path(subject));
}

bool query_print_info(struct query_subject *subject, const struct query_node *node)
{
	query_info_value(subject, node);
	end_line(subject, node);
	return true;
}

void query_plugins_value(struct query_subject *subject, const struct query_node *node)
{
	(void)node;
	emit_count(subject, kext_bundle_plugin_count(subject->bundle));
}

bool query_print_plugins(struct query_subject *subject, const struct query_node *node)
{
	for (size_t i = 0; i < kext_bundle_plugin_count(subject->bundle); i++) {
		query_emit_path(subject, kext_bundle_plugin_path(subject->bundle, i));
		end_line(subject, node);
	}
	return true;
}

/* ---- architectures, versions, properties ---- */

void query_arches_value(struct query_subject *subject, const struct query_node *node)
{
	const struct kext_arch *arches[64];
	size_t count = query_arches(subject, arches, 64);
	(void)node;
	for (size_t i = 0; i < count; i++) {
		query_emit(subject, i ? "," : "");
		query_emit(subject, arches[i]->name);
	}
}

bool query_print_arches(struct query_subject *subject, const struct query_node *node)
{
	query_arches_value(subject, node);
	end_line(subject, node);
	return true;
}

void query_version_value(struct query_subject *subject, const struct query_node *node)
{
	(void)node;
	query_emit(subject, kext_bundle_version_text(subject->bundle));
}

void query_integrity_value(struct query_subject *subject, const struct query_node *node)
{
	(void)node;
	query_emit(subject, "n/a");
}

bool query_print_integrity(struct query_subject *subject, const struct query_node *node)
{
	query_integrity_value(subject, node);
	end_line(subject, node);
	return true;
}

void query_property_value(struct query_subject *subject, const struct query_node *node)
{
	query_emit_value(subject,
			 kext_bundle_property(subject->bundle, node->arguments[0],
					      subject->options->arch));
}

bool query_print_property(struct query_subject *subject, const struct query_node *node)
{
	if (!kext_bundle_property(subject->bundle, node->arguments[0],
				  subject->options->arch))
		return true;
	query_emit(subject, node->arguments[0]);
	query_emit(subject, " = ");
	query_property_value(subject, node);
	end_line(subject, node);
	return true;
}

static bool print_personality(struct query_subject *subject,
			      const struct query_node *node, const char *name,
			      const struct kext_value *personality)
{
	const struct kext_value *value = kext_value_get(personality, node->arguments[0]);
	if (value) {
		query_emit(subject, name);
		query_emit(subject, ": ");
		query_emit(subject, node->arguments[0]);
		query_emit(subject, " = ");
		query_emit_value(subject, value);
		end_line(subject, node);
	}
	return false;
}

bool query_print_match_property(struct query_subject *subject,
				const struct query_node *node)
{
	query_any_personality(subject, print_personality, node);
	return true;
}

/* ---- dependencies both ways ---- */

static size_t visit_dependencies(struct query_subject *subject,
				 const struct query_node *print)
{
	struct kext_load_list *list = NULL;
	size_t count = 0;
	if (kext_resolve(subject->options->universe, subject->bundle, NULL, 0,
			 subject->options->arch, NULL, &list) < 0)
		return 0;
	for (size_t i = 0; i + 1 < kext_load_list_count(list); i++, count++) {
		if (!print)
			continue;
		query_emit_path(subject,
				kext_bundle_path(kext_load_list_at(list, i)->bundle));
		end_line(subject, print);
	}
	kext_load_list_free(list);
	return count;
}

void query_dependencies_value(struct query_subject *subject,
			      const struct query_node *node)
{
	(void)node;
	emit_count(subject, visit_dependencies(subject, NULL));
}

bool query_print_dependencies(struct query_subject *subject,
			      const struct query_node *node)
{
	visit_dependencies(subject, node);
	return true;
}

static size_t visit_dependents(struct query_subject *subject,
			       const struct query_node *print)
{
	const struct kext_repository *all = subject->options->universe;
	const char *identifier = kext_bundle_identifier(subject->bundle);
	size_t count = 0;
	for (size_t i = 0; i < kext_repository_count(all); i++) {
		struct kext_bundle *other = kext_repository_at(all, i);
		const struct kext_value *libraries = kext_bundle_property(
			other, "OSBundleLibraries", subject->options->arch);
		if (!kext_value_get(libraries, identifier))
			continue;
		count++;
		if (!print)
			continue;
		query_emit_path(subject, kext_bundle_path(other));
		end_line(subject, print);
	}
	return count;
}

void query_dependents_value(struct query_subject *subject, const struct query_node *node)
{
	(void)node;
	emit_count(subject, visit_dependents(subject, NULL));
}

bool query_print_dependents(struct query_subject *subject, const struct query_node *node)
{
	visit_dependents(subject, node);
	return true;
}

bool query_print_diagnostics(struct query_subject *subject, const struct query_node *node)
{
	query_is_valid(subject);
	query_is_authentic(subject);
	query_is_resolved(subject);
	for (size_t i = 0; i < kext_diagnostics_length(subject->diagnostics); i++) {
		const struct kext_diagnostic *d =
			kext_diagnostics_at(subject->diagnostics, i);
		query_emit(subject, kext_severity_name(d->severity));
		query_emit(subject, ": ");
		query_emit(subject, d->subject);
		query_emit(subject, ": ");
		query_emit(subject, d->message);
		end_line(subject, node);
	}
	return true;
}
