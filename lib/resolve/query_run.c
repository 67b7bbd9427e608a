/*
 * Applying queries: which kexts they are true of, and what is printed of those, or
 * collected as data.
 */
#include <errno.h>
#include <string.h>
#include "base/buffer.h"
#include "base/memory.h"
#include "resolve/query.h"

/* Recursion is bounded by what the parser accepted, save for long chains, which lean
 * left. */
static bool evaluate(struct query_subject *subject, const struct query_node *node)
{
	if (!node)
		return true;
	switch (node->kind) {
	case QUERY_NOT:
		return !evaluate(subject, node->left);
	case QUERY_AND:
		return evaluate(subject, node->left) && evaluate(subject, node->right);
	case QUERY_OR:
		return evaluate(subject, node->left) || evaluate(subject, node->right);
	case QUERY_TEST:
		break;
	}
	return node->predicate->test(subject, node);
}

/* ---- what is printed ---- */

static void report_row(struct query_subject *subject, const struct kext_query *query)
{
	for (size_t i = 0; i < query->columns.count; i++) {
		const struct query_node *column = query->columns.items[i];
		if (i)
			query_emit(subject, "\t");
		if (column->predicate->value)
			column->predicate->value(subject, column);
		else
			query_emit(subject, column->predicate->test(subject, column)
						    ? "yes"
						    : "no");
	}
	query_emit(subject, "\n");
}

static void emit_label(struct query_subject *subject, const struct query_node *column)
{
	query_emit(subject, column->predicate->name);
	for (size_t a = 0; a < column->argument_count; a++) {
		query_emit(subject, " ");
		query_emit(subject, column->arguments[a]);
	}
}

static void report_header(struct query_subject *subject, const struct kext_query *query)
{
	for (size_t i = 0; i < query->columns.count; i++) {
		query_emit(subject, i ? "\t" : "");
		emit_label(subject, query->columns.items[i]);
	}
	query_emit(subject, "\n");
}

static int print_match(struct query_subject *subject, const struct kext_query *query,
		       void *unused)
{
	(void)unused;
	if (query->has_report) {
		report_row(subject, query);
	} else if (!query->has_command) {
		query_emit_path(subject, kext_bundle_path(subject->bundle));
		if (subject->options->nul)
			subject->options->emit(subject->options->data, "", 1);
		else
			query_emit(subject, "\n");
	}
	return 0;
}

/* ---- what is collected ---- */

/* What is emitted becomes a text; the subject's sink is this one. */
static void append(void *data, const char *text, size_t length)
{
	buffer_append(data, text, length);
}

/* The text so far, which is forgotten; NULL without memory. */
static char *take_text(struct buffer *buffer)
{
	size_t size;
	buffer_append(buffer, "", 1);
	return buffer_error(buffer) < 0 ? NULL : (char *)buffer_steal(buffer, &size);
}

static int set_taken(struct kext_value *to, const char *key, struct buffer *buffer)
{
	_cleanup_free_ char *text = take_text(buffer);
	return text ? kext_value_set(to, key, kext_value_new_string(text)) : -ENOMEM;
}

static int collect_column(struct query_subject *subject, const struct query_node *column,
			  struct buffer *buffer, struct kext_value *to)
{
	emit_label(subject, column);
	_cleanup_free_ char *label = take_text(buffer);
	if (!label)
		return -ENOMEM;
	if (!column->predicate->value)
		return kext_value_set(
			to, label,
			kext_value_new_boolean(column->predicate->test(subject, column)));
	column->predicate->value(subject, column);
	return set_taken(to, label, buffer);
}

static int collect_report(struct query_subject *subject, const struct kext_query *query,
			  struct buffer *buffer, struct kext_value *match)
{
	struct kext_value *report = kext_value_new_dictionary();
	int error = kext_value_set(match, "report", report); /* keeps it alive */
	array_for_each (column, &query->columns)
		if (error == 0)
			error = collect_column(subject, *column, buffer, report);
	return error;
}

static int fill_match(struct query_subject *subject, const struct kext_query *query,
		      struct buffer *buffer, struct kext_value *match)
{
	const struct kext_bundle *bundle = subject->bundle;
	query_emit_path(subject, kext_bundle_path(bundle));
	int error = set_taken(match, "path", buffer);
	if (error == 0)
		error = kext_value_set(
			match, "identifier",
			kext_value_new_string(kext_bundle_identifier(bundle)));
	if (error == 0)
		error = kext_value_set(
			match, "version",
			kext_value_new_string(kext_bundle_version_text(bundle)));
	return error == 0 && query->has_report
		       ? collect_report(subject, query, buffer, match)
		       : error;
}

static int collect_match(struct query_subject *subject, const struct kext_query *query,
			 void *matches)
{
	_cleanup_buffer_ struct buffer buffer = {0};
	struct kext_query_options options = *subject->options;
	const struct kext_query_options *saved = subject->options;
	struct kext_value *match = kext_value_new_dictionary();
	int error = kext_value_append(matches, match); /* keeps it alive */
	if (error < 0)
		return error;
	options.emit = append;
	options.data = &buffer;
	subject->options = &options;
	error = fill_match(subject, query, &buffer, match);
	subject->options = saved;
	return error;
}

/* ---- every kext ---- */

typedef int (*on_match)(struct query_subject *subject, const struct kext_query *query,
			void *data);

static int apply(struct kext_query *query, const struct kext_query_options *options,
		 struct kext_bundle *bundle, on_match take, void *data)
{
	struct query_subject subject = {
		.options = options,
		.bundle = bundle,
		.diagnostics = kext_diagnostics_new(),
	};
	int error = subject.diagnostics ? 0 : -ENOMEM;
	if (error == 0 && evaluate(&subject, query->root)) {
		query->matches++;
		error = take(&subject, query, data);
	}
	kext_diagnostics_free(subject.diagnostics);
	return error == 0 && subject.out_of_memory ? -ENOMEM : error;
}

/* One kext for which memory lacked does not end it. */
static int apply_to_all(struct kext_query *query,
			const struct kext_query_options *options, on_match take,
			void *data)
{
	int error = 0;
	query->matches = 0;
	for (size_t i = 0; i < kext_repository_count(options->searched); i++) {
		int own = apply(query, options, kext_repository_at(options->searched, i),
				take, data);
		error = error ? error : own;
	}
	return error;
}

int kext_query_run(struct kext_query *query, const struct kext_query_options *options)
{
	if (query->has_report && query->has_header) {
		struct query_subject nobody = {.options = options};
		report_header(&nobody, query);
	}
	return apply_to_all(query, options, print_match, NULL);
}

int kext_query_collect(struct kext_query *query, const struct kext_query_options *options,
		       struct kext_value **ret_matches)
{
	if (query->has_command)
		return KEXT_ERR_INVALID_ARGUMENT;
	struct kext_value *matches = kext_value_new_array();
	int error =
		matches ? apply_to_all(query, options, collect_match, matches) : -ENOMEM;
	if (error == 0)
		*ret_matches = matches;
	else
		kext_value_unref(matches);
	return error;
}

size_t kext_query_matches(const struct kext_query *query)
{
	return query->matches;
}
