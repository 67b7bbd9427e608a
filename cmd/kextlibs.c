/* kextlibs: which libraries a kext needs, by its undefined symbols. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <kext/kernelfile.h>
#include <kext/needs.h>
#include "common/options.h"
#include "common/json.h"
#include "common/print.h"
#include "common/root.h"

#define ARCHS_MAX 64

static struct option_list paths, repositories;
static bool all_symbols, onedef_symbols, multdef_symbols, undef_symbols, compatible;
static bool non_kpi, unsupported, system_extensions, as_xml, as_json, references;
static unsigned level, era = KEXT_ERA_MODERN;
static const char *arch_name;

static const struct option_row rows[] = {
	{0, "xml", OPTION_FLAG, &as_xml, NULL, "print OSBundleLibraries for Info.plist",
	 NULL},
	{0, "json", OPTION_FLAG, &as_json, NULL, "print everything as JSON", NULL},
	{0, "undef-symbols", OPTION_FLAG, &undef_symbols, NULL,
	 "list the symbols found nowhere", NULL},
	{0, "multdef-symbols", OPTION_FLAG, &multdef_symbols, NULL,
	 "list the symbols found more than once", NULL},
	{0, "onedef-symbols", OPTION_FLAG, &onedef_symbols, NULL,
	 "list the symbols found once", NULL},
	{0, "all-symbols", OPTION_FLAG, &all_symbols, NULL, "list all symbols", NULL},
	{'c', "compatible-versions", OPTION_FLAG, &compatible, NULL,
	 "print the oldest compatible versions", NULL},
	{0, "unsupported", OPTION_FLAG, &unsupported, NULL,
	 "search com.apple.kpi.unsupported, too", NULL},
	{0, "non-kpi", OPTION_FLAG, &non_kpi, NULL,
	 "search com.apple.kernel libraries instead of KPIs", NULL},
	{'r', "repository", OPTION_LIST, &repositories, "FOLDER",
	 "search this folder, and the system's only with -e", NULL},
	{'e', "system-extensions", OPTION_FLAG, &system_extensions, NULL,
	 "search the system's folders", NULL},
	OPTION_ROW_ROOT,
	OPTION_ROW_ERA(era, "whose rules Info.plist and versions are read by"),
	{0, "arch", OPTION_TEXT, &arch_name, "ARCH", "this architecture only", NULL},
	{0, "library-references", OPTION_FLAG, &references, NULL, NULL, NULL},
	{'v', "verbose", OPTION_LEVEL, &level, NULL, "print more", NULL},
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "kextlibs",
	.synopsis = "[-xml | -json] [-ceh] [-unsupported] [-non-kpi] [-undef-symbols] "
		    "[-multdef-symbols] [-onedef-symbols] [-all-symbols] [-arch ARCH] "
		    "[-r FOLDER]... KEXT",
	.purpose = "Finds the libraries that a kext must name in OSBundleLibraries.",
	.rows = rows,
	.operands = &paths,
};

/* What one architecture needs. */
struct result {
	const struct kext_arch *arch;
	struct kext_providers *providers;
	struct kext_needs *needs;
	size_t once, never, often;
};

struct search {
	struct kext_context *context;
	struct kext_repository *repository;
	struct kext_bundle *bundle;
	struct kext_kernel_file *kernel; /* ours, when our KPIs are searched */
	struct result results[ARCHS_MAX];
	size_t count;
	bool is_uniform; /* all architectures need the same libraries */
};

/* ---- searching ---- */

static int open_search(struct search *search, struct kext_diagnostics *diagnostics)
{
	int error = kext_context_new(&search->context);
	if (error == 0)
		kext_context_set_era(search->context, era);
	if (error == 0)
		error = kext_bundle_open(search->context, paths.items[0], diagnostics,
					 &search->bundle);
	if (error == 0)
		error = kext_repository_new(search->context, &search->repository);
	if (error == 0 && (system_extensions || !repositories.count))
		error = kext_repository_add_system(search->repository, NULL);
	if (error == 0)
		error = kext_repository_add(search->repository, search->bundle);
	for (size_t i = 0; error == 0 && i < repositories.count; i++) {
		error = kext_repository_add_folder(search->repository,
						   repositories.items[i], NULL);
		if (error < 0)
			print_error("%s: the folder cannot be read",
				    repositories.items[i]);
	}
	return error < 0 ? error : kext_repository_add_own(search->repository, NULL);
}

/* Our kernel's gaps matter to who links against our KPIs. */
static void open_kernel(struct search *search)
{
	char folder[PATH_MAX];
	struct kext_bundle *kpi =
		kext_repository_find(search->repository, "com.apple.kpi.libkern");
	if (!kpi || !realpath(kext_data_folder(), folder) ||
	    strncmp(kext_bundle_path(kpi), folder, strlen(folder)) != 0)
		return;
	if (kext_kernel_file_open(NULL, kext_arch_host(), NULL, &search->kernel) < 0)
		search->kernel = NULL;
}

static int search_one(struct search *search, struct result *result,
		      struct kext_diagnostics *diagnostics)
{
	const struct kext_need *need;
	unsigned flags = (unsupported ? KEXT_NEEDS_UNSUPPORTED : 0) |
			 (non_kpi ? KEXT_NEEDS_NON_KPI : 0);
	int error =
		kext_providers_new(search->repository, result->arch, &result->providers);
	if (error == 0)
		error = kext_needs_new(search->bundle, result->arch, result->providers,
				       flags, diagnostics, &result->needs);
	for (size_t i = 0; error == 0 && (need = kext_needs_at(result->needs, i)); i++) {
		result->once += need->provider_count == 1;
		result->never += need->provider_count == 0;
		result->often += need->provider_count > 1;
	}
	return error;
}

static bool is_same(const struct result *a, const struct result *b)
{
	struct kext_bundle *library;
	size_t i = 0;
	for (; (library = kext_needs_library(a->needs, i)); i++)
		if (library != kext_needs_library(b->needs, i))
			return false;
	return !kext_needs_library(b->needs, i) && a->never == b->never &&
	       a->often == b->often;
}

static int search_all(struct search *search, struct kext_diagnostics *diagnostics)
{
	const struct kext_arch *archs[ARCHS_MAX] = {
		kext_arch_named(arch_name ? arch_name : "")};
	int count = arch_name ? 1
			      : kext_bundle_architectures(search->bundle, diagnostics,
							  archs, ARCHS_MAX);
	int error = count < 0 ? count : 0;
	for (int i = 0; error == 0 && i < count; i++) {
		search->results[i].arch = archs[i];
		search->count++;
		error = search_one(search, &search->results[i], diagnostics);
	}
	search->is_uniform = true;
	for (size_t i = 1; error == 0 && i < search->count; i++)
		search->is_uniform &= is_same(&search->results[0], &search->results[i]);
	return error;
}

static bool lacks(const struct search *search, const struct result *result,
		  const struct kext_need *need)
{
	if (!search->kernel || result->arch != kext_arch_host() ||
	    !need->provider_count ||
	    !kext_bundle_is_kernel_component(need->providers[0]->bundle))
		return false;
	const char *target = need->providers[0]->target;
	return kext_kernel_file_lacks(search->kernel, target ? target : need->symbol);
}

/* ---- text ---- */

static const char *version_of(const struct kext_bundle *library)
{
	const char *text = kext_value_string(
		kext_bundle_property(library, "OSBundleCompatibleVersion", NULL));
	return compatible && text ? text : kext_bundle_version_text(library);
}

static void print_libraries(const struct result *result)
{
	struct kext_bundle *library;
	size_t i = 0;
	for (; (library = kext_needs_library(result->needs, i)); i++)
		printf("    %s = %s\n", kext_bundle_identifier(library),
		       version_of(library));
	if (i == 0)
		puts("    No libraries found.");
}

static void print_xml(const struct search *search, const struct result *result)
{
	struct kext_bundle *library;
	const char *generic = kext_arch_generic_name(result->arch->cputype);
	printf("\t<key>OSBundleLibraries%s%s</key>\n\t<dict>\n",
	       search->is_uniform ? "" : "_",
	       search->is_uniform ? ""
	       : generic	  ? generic
				  : result->arch->name);
	for (size_t i = 0; (library = kext_needs_library(result->needs, i)); i++)
		printf("\t\t<key>%s</key>\n\t\t<string>%s</string>\n",
		       kext_bundle_identifier(library), version_of(library));
	puts("\t</dict>");
}

static void list_need(const struct kext_need *need)
{
	if (need->provider_count == 0)
		fprintf(stderr, "\t%s\n", need->symbol);
	else if (need->provider_count == 1)
		fprintf(stderr, "    %s in %s (%s)\n", need->symbol,
			kext_bundle_identifier(need->providers[0]->bundle),
			kext_bundle_version_text(need->providers[0]->bundle));
	else
		fprintf(stderr, "    %s: in\n", need->symbol);
	for (size_t i = 0; need->provider_count > 1 && i < need->provider_count; i++)
		fprintf(stderr, "        %s (%s)\n",
			kext_bundle_identifier(need->providers[i]->bundle),
			kext_bundle_version_text(need->providers[i]->bundle));
}

/* `wanted`: how many providers, 2 for any number above one. */
static void print_class(const struct result *result, size_t count, size_t wanted,
			bool is_listed, const char *where)
{
	const struct kext_need *need;
	is_listed = (is_listed || all_symbols) && count;
	fprintf(stderr, "    %zu symbol%s %s%s\n", count, count == 1 ? "" : "s", where,
		is_listed ? ":" : "");
	for (size_t i = 0; is_listed && (need = kext_needs_at(result->needs, i)); i++) {
		size_t class = need->provider_count > 2 ? 2 : need->provider_count;
		if (class == wanted)
			list_need(need);
	}
}

static void print_gaps(const struct search *search, const struct result *result)
{
	const struct kext_need *need;
	size_t count = 0;
	for (size_t i = 0; (need = kext_needs_at(result->needs, i)); i++)
		count += lacks(search, result, need);
	if (!count)
		return;
	fprintf(stderr, "    %zu symbol%s not implemented by this kernel:\n", count,
		count == 1 ? "" : "s");
	for (size_t i = 0; (need = kext_needs_at(result->needs, i)); i++)
		if (lacks(search, result, need))
			fprintf(stderr, "\t%s\n", need->symbol);
}

static void print_references(const struct result *result)
{
	struct kext_bundle *library;
	const struct kext_need *need;
	for (size_t i = 0; (library = kext_needs_library(result->needs, i)); i++) {
		fprintf(stderr, "    From %s:\n", kext_bundle_identifier(library));
		for (size_t j = 0; (need = kext_needs_at(result->needs, j)); j++)
			for (size_t k = 0; k < need->provider_count; k++)
				if (need->providers[k]->bundle == library)
					fprintf(stderr, "\t%s\n", need->symbol);
	}
}

static void print_result_text(const struct search *search, const struct result *result)
{
	fprintf(stderr, search->is_uniform ? "For all architectures:\n" : "For %s:\n",
		result->arch->name);
	fflush(stderr);
	if (as_xml)
		print_xml(search, result);
	else
		print_libraries(result);
	fflush(stdout);
	print_class(result, result->once, 1, onedef_symbols,
		    "found in one library kext each");
	print_class(result, result->never, 0, undef_symbols,
		    "not found in any library kext");
	print_class(result, result->often, 2, multdef_symbols,
		    "found in more than one library kext");
	print_gaps(search, result);
	if (references)
		print_references(result);
}

/* ---- JSON ---- */

/* Without memory the whole is given up: `value` becomes NULL and stays so. */
static void put(struct kext_value **value, const char *key, struct kext_value *item)
{
	int error = -ENOMEM;
	if (*value)
		error = key ? kext_value_set(*value, key, item)
			    : kext_value_append(*value, item);
	else
		kext_value_unref(item);
	if (error < 0)
		*value = kext_value_unref(*value);
}

static struct kext_value *json_providers(const struct kext_need *need)
{
	struct kext_value *list = kext_value_new_array();
	for (size_t i = 0; i < need->provider_count; i++)
		put(&list, NULL,
		    kext_value_new_string(
			    kext_bundle_identifier(need->providers[i]->bundle)));
	return list;
}

static struct kext_value *json_result(const struct search *search,
				      const struct result *result)
{
	struct kext_bundle *library;
	const struct kext_need *need;
	struct kext_value *row = kext_value_new_dictionary();
	struct kext_value *libraries = kext_value_new_dictionary();
	struct kext_value *symbols = kext_value_new_dictionary();
	struct kext_value *gaps = kext_value_new_array();
	for (size_t i = 0; (library = kext_needs_library(result->needs, i)); i++)
		put(&libraries, kext_bundle_identifier(library),
		    kext_value_new_string(version_of(library)));
	for (size_t i = 0; (need = kext_needs_at(result->needs, i)); i++) {
		put(&symbols, need->symbol, json_providers(need));
		if (lacks(search, result, need))
			put(&gaps, NULL, kext_value_new_string(need->symbol));
	}
	put(&row, "arch", kext_value_new_string(result->arch->name));
	put(&row, "libraries", libraries);
	put(&row, "symbols", symbols);
	put(&row, "unimplemented", gaps);
	return row;
}

static int print_json(const struct search *search)
{
	struct kext_value *whole = json_document("kextlibs/1");
	struct kext_value *archs = kext_value_new_array();
	for (size_t i = 0; i < search->count; i++)
		put(&archs, NULL, json_result(search, &search->results[i]));
	put(&whole, "identifier",
	    kext_value_new_string(kext_bundle_identifier(search->bundle)));
	put(&whole, "architectures", archs);
	return json_print(whole);
}

/* ---- the whole ---- */

static int report(const struct search *search)
{
	bool is_undefined = false, is_multiple = false;
	int error = as_json ? print_json(search) : 0;
	if (error < 0)
		return EX_OSERR;
	for (size_t i = 0; i < search->count; i++) {
		if (!as_json && (i == 0 || !search->is_uniform))
			print_result_text(search, &search->results[i]);
		is_undefined |= search->results[i].never != 0;
		is_multiple |= search->results[i].often != 0;
	}
	return is_multiple ? 2 : is_undefined ? 1 : EX_OK;
}

static int tell_codeless(const struct search *search)
{
	const struct kext_bundle *bundle = search->bundle;
	int error = as_json ? print_json(search) : 0;
	print_error("%s has no executable; %s", paths.items[0],
		    kext_bundle_compatible_version(bundle)
			    ? "as a library it should name in OSBundleLibraries what its "
			      "users are to link against"
			    : "it should have no OSBundleLibraries");
	return error < 0 ? EX_OSERR : EX_OK;
}

static void free_search(struct search *search)
{
	for (size_t i = 0; i < search->count; i++) {
		kext_needs_free(search->results[i].needs);
		kext_providers_free(search->results[i].providers);
	}
	kext_kernel_file_unref(search->kernel);
	kext_repository_free(search->repository);
	kext_bundle_unref(search->bundle);
	kext_context_unref(search->context);
}

static int run(void)
{
	struct search search = {0};
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	int status, error = open_search(&search, diagnostics);
	bool has_code = error == 0 && kext_bundle_has_executable(search.bundle);
	if (has_code)
		error = search_all(&search, diagnostics);
	if (has_code && error == 0)
		open_kernel(&search);
	print_diagnostics(diagnostics, level ? KEXT_NOTE : KEXT_ERROR);
	if (error < 0 && !kext_diagnostics_count(diagnostics, KEXT_ERROR))
		print_error("%s: %s", paths.items[0], kext_error_string(error));
	if (error < 0)
		status = EX_OSERR; /* no verdict, whatever the reason */
	else
		status = has_code ? report(&search) : tell_codeless(&search);
	free_search(&search);
	kext_diagnostics_free(diagnostics);
	return status;
}

int main(int argc, char **argv)
{
	print_start(command.name);
	options_parse(&command, argc, argv);
	if (paths.count != 1)
		options_fail(&command, "name one kext");
	if (arch_name && !kext_arch_named(arch_name))
		options_fail(&command, "'%s' is no architecture", arch_name);
	if (as_xml && as_json)
		options_fail(&command, "-xml and -json exclude each other");
	root_apply(&paths);
	root_apply(&repositories);
	return print_finish(run());
}
