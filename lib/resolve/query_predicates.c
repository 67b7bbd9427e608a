/*
 * The predicates of queries: one table, and a short function for each row that asks
 * query_facts.c. Commands are in query_commands.c.
 */
#include <string.h>
#include <kext/version.h>
#include "base/memory.h"
#include "resolve/query.h"
#include "resolve/query_commands.h"

#define TEST(name)                                                                       \
	static bool name(struct query_subject *subject, const struct query_node *node)
#define UNUSED(node) (void)(node)

static const char *bundle_folder_name(const struct kext_bundle *bundle)
{
	const char *path = kext_bundle_path(bundle), *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static const struct kext_value *property(const struct query_subject *subject,
					 const char *key)
{
	return kext_bundle_property(subject->bundle, key, subject->options->arch);
}

TEST(bundle_id)
{
	return query_text_matches(subject, node, kext_bundle_identifier(subject->bundle),
				  node->arguments[0]);
}

TEST(bundle_name)
{
	return query_text_matches(subject, node, bundle_folder_name(subject->bundle),
				  node->arguments[0]);
}

TEST(duplicate_id)
{
	UNUSED(node);
	return kext_repository_version(subject->options->searched,
				       kext_bundle_identifier(subject->bundle),
				       1) != NULL;
}

TEST(property_is)
{
	return query_value_matches(subject, node, property(subject, node->arguments[0]),
				   node->arguments[1]);
}

TEST(property_exists)
{
	return property(subject, node->arguments[0]) != NULL;
}

static bool personality_has(struct query_subject *subject, const struct query_node *node,
			    const char *name, const struct kext_value *personality)
{
	const struct kext_value *value = kext_value_get(personality, node->arguments[0]);
	UNUSED(name);
	if (node->argument_count < 2)
		return value != NULL;
	return query_value_matches(subject, node, value, node->arguments[1]);
}

TEST(match_property)
{
	return query_any_personality(subject, personality_has, node);
}

TEST(authentic)
{
	UNUSED(node);
	return query_is_authentic(subject);
}

TEST(inauthentic)
{
	return !authentic(subject, node);
}

TEST(dependencies_met)
{
	UNUSED(node);
	return query_is_resolved(subject);
}

TEST(dependencies_missing)
{
	return !dependencies_met(subject, node);
}

TEST(valid)
{
	UNUSED(node);
	return query_is_valid(subject);
}

TEST(invalid)
{
	return !valid(subject, node);
}

TEST(loadable)
{
	UNUSED(node);
	return query_is_valid(subject) && query_is_authentic(subject) &&
	       query_is_resolved(subject);
}

TEST(nonloadable)
{
	return !loadable(subject, node);
}

TEST(loaded)
{
	UNUSED(node);
	return query_is_loaded(subject);
}

TEST(warnings)
{
	loadable(subject, node);
	return kext_diagnostics_count(subject->diagnostics, KEXT_WARNING) >
	       kext_diagnostics_count(subject->diagnostics, KEXT_ERROR);
}

/* How many of the names "A,B,…" the kext has; *ret_wanted: how many there are. */
static size_t count_arches(const struct kext_arch *const *has, size_t has_count,
			   const char *names, size_t *ret_wanted)
{
	size_t found = 0;
	*ret_wanted = 0;
	while (*names) {
		size_t length = strcspn(names, ",");
		for (size_t i = 0; i < has_count; i++) {
			if (strlen(has[i]->name) == length &&
			    strncmp(has[i]->name, names, length) == 0) {
				found++;
				break;
			}
		}
		++*ret_wanted;
		names += length + (names[length] == ',');
	}
	return found;
}

TEST(arch)
{
	const struct kext_arch *has[64];
	size_t wanted;
	size_t found = count_arches(has, query_arches(subject, has, 64),
				    node->arguments[0], &wanted);
	return found == wanted;
}

TEST(arch_exact)
{
	const struct kext_arch *has[64];
	size_t wanted, count = query_arches(subject, has, 64);
	return count_arches(has, count, node->arguments[0], &wanted) == wanted &&
	       wanted == count;
}

TEST(defines_symbol)
{
	return query_symbol_use(subject, node->arguments[0]) & QUERY_SYMBOL_DEFINED;
}

TEST(references_symbol)
{
	return query_symbol_use(subject, node->arguments[0]) & QUERY_SYMBOL_REFERENCED;
}

static void symbol_value(struct query_subject *subject, const struct query_node *node)
{
	int use = query_symbol_use(subject, node->arguments[0]);
	if (use & QUERY_SYMBOL_DEFINED)
		query_emit(subject, "defines");
	else if (use & QUERY_SYMBOL_REFERENCED)
		query_emit(subject, "references");
}

TEST(executable)
{
	UNUSED(node);
	return kext_bundle_has_executable(subject->bundle);
}

TEST(no_executable)
{
	return !executable(subject, node);
}

static bool personality_debugs(struct query_subject *subject,
			       const struct query_node *node, const char *name,
			       const struct kext_value *personality)
{
	UNUSED(subject);
	UNUSED(node);
	UNUSED(name);
	return kext_value_integer(kext_value_get(personality, "IOKitDebug")) != 0;
}

TEST(debug)
{
	return kext_value_boolean(property(subject, "OSBundleEnableKextLogging")) ||
	       query_any_personality(subject, personality_debugs, node);
}

TEST(has_plugins)
{
	UNUSED(node);
	return kext_bundle_plugin_count(subject->bundle) > 0;
}

TEST(plugin)
{
	UNUSED(node);
	return strstr(kext_bundle_path(subject->bundle), ".kext/") != NULL;
}

TEST(integrity)
{
	UNUSED(node);
	UNUSED(subject);
	return false; /* receipts ended with Leopard */
}

TEST(kernel_resource)
{
	UNUSED(node);
	return kext_bundle_is_kernel_component(subject->bundle);
}

TEST(library)
{
	UNUSED(node);
	return kext_bundle_compatible_version(subject->bundle) > 0;
}

static bool is_required(const struct query_subject *subject, const char *wanted)
{
	const char *value = kext_value_string(property(subject, "OSBundleRequired"));
	return value && strcmp(value, wanted) == 0;
}

#define REQUIRED(name, text)                                                             \
	TEST(name)                                                                       \
	{                                                                                \
		UNUSED(node);                                                            \
		return is_required(subject, text);                                       \
	}

REQUIRED(console, "Console")
REQUIRED(local_root, "Local-Root")
REQUIRED(network_root, "Network-Root")
REQUIRED(root, "Root")
REQUIRED(safe_boot, "Safe Boot")

TEST(compatible_with)
{
	int64_t wanted, compatible = kext_bundle_compatible_version(subject->bundle);
	return kext_version_parse(node->arguments[0], &wanted) == 0 && compatible > 0 &&
	       compatible <= wanted && wanted <= kext_bundle_version(subject->bundle);
}

TEST(version)
{
	return query_version_matches(kext_bundle_version(subject->bundle),
				     node->arguments[0]);
}

static void identifier_value(struct query_subject *subject, const struct query_node *node)
{
	UNUSED(node);
	query_emit(subject, kext_bundle_identifier(subject->bundle));
}

static void name_value(struct query_subject *subject, const struct query_node *node)
{
	UNUSED(node);
	query_emit(subject, bundle_folder_name(subject->bundle));
}

/* Columns whose predicate takes an argument in a query but none in a report come last. */
#define FLAG(name, short_name, test)                                                     \
	{                                                                                \
		name, short_name, 0, false, false, test, NULL, true                      \
	}
#define CHOICE(name, short_name, arguments, match_options, test)                         \
	{                                                                                \
		name, short_name, arguments, match_options, false, test, NULL, false     \
	}
#define COMMAND(name, short_name, arguments, test)                                       \
	{                                                                                \
		name, short_name, arguments, false, true, test, NULL, false              \
	}
/* A command that is also a column, of values. */
#define PRINTER(name, short_name, test, value)                                           \
	{                                                                                \
		name, short_name, 0, false, true, test, value, true                      \
	}

const struct query_predicate query_predicates[] = {
	CHOICE("bundle-id", "b", 1, true, bundle_id),
	CHOICE("bundle-name", "B", 1, true, bundle_name),
	FLAG("duplicate-id", "dup", duplicate_id),
	CHOICE("property", "p", 2, true, property_is),
	CHOICE("property-exists", "pe", 1, false, property_exists),
	CHOICE("match-property", "m", 2, true, match_property),
	CHOICE("match-property-exists", "me", 1, false, match_property),
	FLAG("authentic", "a", authentic),
	FLAG("inauthentic", "na", inauthentic),
	FLAG("dependencies-met", "d", dependencies_met),
	FLAG("dependencies-missing", "nd", dependencies_missing),
	FLAG("valid", "v", valid),
	FLAG("invalid", "nv", invalid),
	FLAG("loadable", "l", loadable),
	FLAG("nonloadable", "nl", nonloadable),
	FLAG("loaded", NULL, loaded),
	FLAG("warnings", "w", warnings),
	{"arch", NULL, 1, false, false, arch, NULL, true},
	{"arch-exact", "ax", 1, false, false, arch_exact, NULL, true},
	CHOICE("defines-symbol", "dsym", 1, false, defines_symbol),
	CHOICE("references-symbol", "rsym", 1, false, references_symbol),
	FLAG("executable", "x", executable),
	FLAG("no-executable", "nx", no_executable),
	FLAG("debug", NULL, debug),
	FLAG("has-plugins", NULL, has_plugins),
	FLAG("plugin", NULL, plugin),
	CHOICE("integrity", NULL, 1, false, integrity),
	FLAG("kernel-resource", NULL, kernel_resource),
	FLAG("library", "lib", library),
	FLAG("console", "C", console),
	FLAG("local-root", "L", local_root),
	FLAG("network-root", "N", network_root),
	FLAG("root", "R", root),
	FLAG("safe-boot", "S", safe_boot),
	CHOICE("compatible-with-version", NULL, 1, false, compatible_with),
	CHOICE("version", "V", 1, false, version),
	COMMAND("echo", NULL, 1, query_echo),
	COMMAND("exec", NULL, -1, query_exec),
	PRINTER("print", NULL, query_print, query_path_value),
	COMMAND("print0", NULL, 0, query_print0),
	PRINTER("print-arches", "pa", query_print_arches, query_arches_value),
	PRINTER("print-dependencies", NULL, query_print_dependencies,
		query_dependencies_value),
	PRINTER("print-dependents", NULL, query_print_dependents, query_dependents_value),
	COMMAND("print-diagnostics", "pdiag", 0, query_print_diagnostics),
	PRINTER("print-executable", "px", query_print_executable, query_executable_value),
	PRINTER("print-info-dictionary", "pid", query_print_info, query_info_value),
	COMMAND("print-integrity", NULL, 0, query_print_integrity),
	PRINTER("print-plugins", NULL, query_print_plugins, query_plugins_value),
	COMMAND("print-match-property", "pm", 1, query_print_match_property),
	COMMAND("print-property", "pp", 1, query_print_property),
	{NULL, NULL, 0, false, false, NULL, NULL, false},
};

/* In a report these are values, with arguments of their own. */
const struct query_predicate query_columns[] = {
	{"bundle-id", "b", 0, false, false, NULL, identifier_value, true},
	{"bundle-name", "B", 0, false, false, NULL, name_value, true},
	{"integrity", NULL, 0, false, false, NULL, query_integrity_value, true},
	{"version", "V", 0, false, false, NULL, query_version_value, true},
	{"property", "p", 1, false, false, NULL, query_property_value, true},
	{"symbol", "sym", 1, false, false, NULL, symbol_value, true},
	{NULL, NULL, 0, false, false, NULL, NULL, false},
};
