/* Words of ld64's command line; see ldwords.h. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/ldwords.h"
#include "common/print.h"

#define MAX_DEPTH 8u /* of response files */

static struct word_list kept;

_Noreturn void words_fail(const char *what, const char *subject)
{
	print_error("%s: %s", what, subject);
	exit(1);
}

void *words_check(void *block)
{
	if (!block)
		words_fail("error", "out of memory");
	return block;
}

void words_add(struct word_list *list, const char *text)
{
	list->items =
		words_check(realloc(list->items, (list->count + 1) * sizeof(char *)));
	list->items[list->count++] = text;
}

char *words_keep(char *text)
{
	words_add(&kept, words_check(text));
	return text;
}

char *words_read(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t capacity = 0;
	if (!file || (getdelim(&text, &capacity, '\0', file) < 0 && ferror(file)))
		words_fail("file cannot be read", path);
	fclose(file);
	return words_keep(text ? text : strdup(""));
}

/* The next word of a response file, quotes and backslashes as a shell has them. */
static char *next_word(char **rest)
{
	char *in = *rest + strspn(*rest, " \t\r\n"), *word = in, *out = in, quote = 0;
	if (!*in)
		return NULL;
	for (; *in && (quote || !isspace((unsigned char)*in)); in++) {
		if (*in == quote)
			quote = 0;
		else if (!quote && (*in == '"' || *in == '\''))
			quote = *in;
		else if (*in == '\\' && quote != '\'' && in[1])
			*out++ = *++in;
		else
			*out++ = *in;
	}
	*rest = *in ? in + 1 : in;
	*out = 0;
	return word;
}

static void expand(struct word_list *words, const char *word, unsigned depth)
{
	if (word[0] != '@' || !word[1]) {
		words_add(words, word);
		return;
	}
	if (depth == MAX_DEPTH)
		words_fail("response files nest too deeply", word + 1);
	char *rest = words_read(word + 1), *inner;
	while ((inner = next_word(&rest)))
		expand(words, inner, depth + 1);
}

void words_expand(struct word_list *list, const char *word)
{
	expand(list, word, 0);
}

/* By the number of words that follow. */
static const char *const ignored[][80] = {
	{"-kext",
	 "-bundle",
	 "-dynamic",
	 "-static",
	 "-demangle",
	 "-ObjC",
	 "-X",
	 "-d",
	 "-noall_load",
	 "-no_deduplicate",
	 "-no_compact_unwind",
	 "-no_function_starts",
	 "-function_starts",
	 "-data_in_code_info",
	 "-no_data_in_code_info",
	 "-no_version_load_command",
	 "-version_load_command",
	 "-no_source_version",
	 "-add_source_version",
	 "-adhoc_codesign",
	 "-no_adhoc_codesign",
	 "-no_dead_strip_inits_and_terms",
	 "-search_paths_first",
	 "-search_dylibs_first",
	 "-headerpad_max_install_names",
	 "-export_dynamic",
	 "-print_statistics",
	 "-t",
	 "-why_live",
	 "-warn_commons",
	 "-no_arch_warnings",
	 "-arch_errors_fatal",
	 "-pie",
	 "-no_pie",
	 "-bind_at_load",
	 "-twolevel_namespace",
	 "-flat_namespace",
	 "-no_objc_category_merging",
	 "-fixup_chains",
	 "-no_fixup_chains",
	 "-no_eh_labels",
	 "-no_keep_dwarf_unwind",
	 "-keep_dwarf_unwind",
	 "-random_uuid",
	 "-no_inits",
	 "-no_weak_imports",
	 "-application_extension",
	 "-no_application_extension",
	 "-no_implicit_dylibs",
	 "-reproducible",
	 "-ld_classic",
	 "-no_warn_duplicate_libraries",
	 "-root_safe",
	 "-setuid_safe",
	 "-M",
	 "-dead_strip_dylibs",
	 "-merge_zero_fill_sections",
	 "-no_zero_fill_sections",
	 "-no_order_inits",
	 "-no_order_data",
	 "-warn_weak_exports"},
	{"-e",
	 "-lto_library",
	 "-macosx_version_min",
	 "-macos_version_min",
	 "-sdk_version",
	 "-F",
	 "-L",
	 "-framework",
	 "-weak_framework",
	 "-final_output",
	 "-object_path_lto",
	 "-headerpad",
	 "-rpath",
	 "-undefined",
	 "-read_only_relocs",
	 "-commons",
	 "-seg1addr",
	 "-image_base",
	 "-segalign",
	 "-pagezero_size",
	 "-stack_size",
	 "-mllvm",
	 "-umbrella",
	 "-order_file",
	 "-current_version",
	 "-compatibility_version",
	 "-install_name",
	 "-bundle_loader",
	 "-cache_path_lto",
	 "-max_default_common_align",
	 "-dependency_info",
	 "-client_name",
	 "-oso_prefix",
	 "-ios_version_min"},
	{NULL},
	{"-platform_version", "-segprot"},
};

bool words_ignored(const char *name, unsigned *ret_words)
{
	for (unsigned words = 0; words < 4; words++)
		for (const char *const *item = ignored[words]; *item; item++)
			if (!strcmp(name, *item)) {
				*ret_words = words;
				return true;
			}
	return false;
}
