/*
 * kextld: ld64's command line for kexts over the library's static linker. Options that
 * shape other kinds of output, or optimise what a kext has not, are accepted and have no
 * effect, so that makefiles and compiler drivers written for Darwin work unchanged.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <kext/ld.h>
#include "common/print.h"

#define VERSION "1.0"

struct text_list {
	const char **items;
	size_t count;
};

static struct {
	struct kext_ld_options options;
	struct kext_ld_input *inputs;
	size_t input_count;
	struct text_list folders, undefined, exported, unexported;
	struct text_list kept; /* texts that others point into, to the end */
	const char *sysroot;
	bool has_exported, no_warnings, fatal_warnings, no_standard_folders, verbose;
} line;

static _Noreturn void fail(const char *what, const char *subject)
{
	print_error("%s: %s", what, subject);
	exit(1);
}

static void *check(void *block)
{
	if (!block)
		fail("error", "out of memory");
	return block;
}

static void add_text(struct text_list *list, const char *text)
{
	list->items = check(realloc(list->items, (list->count + 1) * sizeof(char *)));
	list->items[list->count++] = text;
}

static void add_input(const char *path, bool is_library, bool all_members)
{
	line.inputs = check(
		realloc(line.inputs, (line.input_count + 1) * sizeof(*line.inputs)));
	line.inputs[line.input_count++] = (struct kext_ld_input){
		.path = path, .is_library = is_library, .all_members = all_members};
}

static char *keep(char *text)
{
	add_text(&line.kept, check(text));
	return text;
}

static char *join(const char *a, const char *b, const char *c)
{
	char *text;
	if (asprintf(&text, "%s%s%s", a, b, c) < 0)
		text = NULL;
	return keep(text);
}

/* The whole text of a file; it lives as long as the program. */
static char *read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t capacity = 0;
	if (!file || (getdelim(&text, &capacity, '\0', file) < 0 && ferror(file)))
		fail("file cannot be read", path);
	fclose(file);
	return keep(text ? text : strdup(""));
}

/* Lines of a file without surrounding blanks; with `comments`, # ends a line. */
static void read_lines(const char *path, bool comments, void (*each)(const char *text))
{
	char *rest = read_text(path), *text;
	while ((text = strsep(&rest, "\r\n"))) {
		if (comments)
			text[strcspn(text, "#")] = 0;
		text += strspn(text, " \t");
		size_t length = strlen(text);
		while (length && isspace((unsigned char)text[length - 1]))
			text[--length] = 0;
		if (length)
			each(text);
	}
}

static void add_exported(const char *name)
{
	line.has_exported = true;
	add_text(&line.exported, name);
}

static void add_unexported(const char *name)
{
	add_text(&line.unexported, name);
}

static void read_exported(const char *path)
{
	line.has_exported = true;
	read_lines(path, true, add_exported);
}

static void read_unexported(const char *path)
{
	read_lines(path, true, add_unexported);
}

static const char *list_folder;

static void add_listed(const char *path)
{
	add_input(list_folder ? join(list_folder, "/", path) : path, false, false);
}

/* FILE or FILE,FOLDER, the folder being put in front of each path. */
static void read_filelist(const char *argument)
{
	char *path = keep(strdup(argument));
	char *comma = strrchr(path, ',');
	list_folder = comma ? comma + 1 : NULL;
	if (comma)
		*comma = 0;
	read_lines(path, false, add_listed);
}

static void set_output(const char *path)
{
	line.options.output = path;
}

static void set_arch(const char *name)
{
	line.options.arch = kext_arch_named(name);
	if (!line.options.arch)
		fail("unknown architecture", name);
}

static void set_map(const char *path)
{
	line.options.map_path = path;
}

static void set_sysroot(const char *path)
{
	line.sysroot = path;
}

static void want(const char *name)
{
	add_text(&line.undefined, name);
}

static void force_load(const char *path)
{
	add_input(path, false, true);
}

static void add_library(const char *name)
{
	add_input(name, true, false);
}

static void add_library_file(const char *path)
{
	add_input(path, false, false);
}

/* A.B.C.D.E packed as LC_SOURCE_VERSION has it: 24, 10, 10, 10 and 10 bits. */
static void set_source_version(const char *text)
{
	static const unsigned width[5] = {24, 10, 10, 10, 10};
	uint64_t version = 0;
	const char *rest = text;
	for (unsigned i = 0; i < 5; i++) {
		char *end = (char *)rest;
		unsigned long part = *rest ? strtoul(rest, &end, 10) : 0;
		if (part >> width[i] || (*rest && end == rest))
			fail("malformed source version", text);
		version = version << width[i] | part;
		rest = *end == '.' ? end + 1 : end;
	}
	if (*rest)
		fail("malformed source version", text);
	line.options.source_version = version;
}

static void refuse_kind(const char *option)
{
	fail("only kexts can be linked; option not supported", option);
}

/* An option by its whole name: words it takes, a flag it sets, or what gets its word. */
static const struct option {
	const char *name;
	unsigned words;
	bool *flag;
	void (*call)(const char *word);
} options[] = {
	{"-o", 1, NULL, set_output},
	{"-arch", 1, NULL, set_arch},
	{"-map", 1, NULL, set_map},
	{"-syslibroot", 1, NULL, set_sysroot},
	{"-u", 1, NULL, want},
	{"-filelist", 1, NULL, read_filelist},
	{"-force_load", 1, NULL, force_load},
	{"-source_version", 1, NULL, set_source_version},
	{"-exported_symbols_list", 1, NULL, read_exported},
	{"-exported_symbol", 1, NULL, add_exported},
	{"-unexported_symbols_list", 1, NULL, read_unexported},
	{"-unexported_symbol", 1, NULL, add_unexported},
	{"-needed-l", 1, NULL, add_library},
	{"-weak_library", 1, NULL, add_library_file},
	{"-needed_library", 1, NULL, add_library_file},
	{"-dead_strip", 0, &line.options.dead_strip, NULL},
	{"-S", 0, &line.options.strip_debug, NULL},
	{"-x", 0, &line.options.strip_locals, NULL},
	{"-all_load", 0, &line.options.all_load, NULL},
	{"-no_uuid", 0, &line.options.no_uuid, NULL},
	{"-w", 0, &line.no_warnings, NULL},
	{"-fatal_warnings", 0, &line.fatal_warnings, NULL},
	{"-Z", 0, &line.no_standard_folders, NULL},
	{"-v", 0, &line.verbose, NULL},
	{"--version", 0, &line.verbose, NULL},
	{"-r", 0, NULL, refuse_kind},
	{"-dylib", 0, NULL, refuse_kind},
	{"-execute", 0, NULL, refuse_kind},
	{"-preload", 0, NULL, refuse_kind},
	{"-dylinker", 0, NULL, refuse_kind},
};

/* Accepted without effect, by the number of words that follow. */
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

static bool is_ignored(const char *name, unsigned *ret_words)
{
	for (unsigned words = 0; words < 4; words++)
		for (const char *const *item = ignored[words]; *item; item++)
			if (!strcmp(name, *item)) {
				*ret_words = words;
				return true;
			}
	return false;
}

static void add_folder(const char *folder)
{
	if (line.sysroot && folder[0] == '/')
		add_text(&line.folders, join(line.sysroot, folder, ""));
	add_text(&line.folders, folder);
}

/* Options whose word is glued on: -lX, -LX, -FX, and a few prefixed ones. */
static bool take_glued(const char *word)
{
	if (!strncmp(word, "-l", 2) && word[2])
		add_library(word + 2);
	else if (!strncmp(word, "-weak-l", 7) && word[7])
		add_library(word + 7);
	else if (!strncmp(word, "-L", 2) && word[2])
		add_text(&line.folders, word + 2);
	else
		return !strncmp(word, "-F", 2);
	return true;
}

static const struct option *find_option(const char *name)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (!strcmp(options[i].name, name))
			return &options[i];
	return NULL;
}

/* Takes one option and returns how many words behind it are its own. */
static unsigned take_option(char **words, size_t left)
{
	const struct option *option = find_option(words[0]);
	unsigned count = 0;
	if (option)
		count = option->words;
	else if (!is_ignored(words[0], &count) && !take_glued(words[0]))
		fail("unknown option", words[0]);
	if (count >= left)
		fail("missing argument of option", words[0]);
	if (option && option->flag)
		*option->flag = true;
	if (option && option->call)
		option->call(words[count]);
	if (!strcmp(words[0], "-L"))
		add_text(&line.folders, words[1]);
	return count;
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

static void expand(struct text_list *words, const char *word, unsigned depth)
{
	if (word[0] != '@' || !word[1]) {
		add_text(words, word);
		return;
	}
	if (depth == 8)
		fail("response files nest too deeply", word + 1);
	char *rest = read_text(word + 1), *inner;
	while ((inner = next_word(&rest)))
		expand(words, inner, depth + 1);
}

static void parse(int argc, char **argv)
{
	struct text_list words = {0};
	for (int i = 1; i < argc; i++)
		expand(&words, argv[i], 0);
	for (size_t i = 0; i < words.count; i++) {
		char **word = (char **)&words.items[i];
		if (word[0][0] == '-' && word[0][1])
			i += take_option(word, words.count - i);
		else
			add_input(*word, false, false);
	}
	free(words.items);
}

static void complete_options(void)
{
	struct text_list given = line.folders;
	line.folders = (struct text_list){0};
	for (size_t i = 0; i < given.count; i++)
		add_folder(given.items[i]);
	free(given.items);
	if (!line.no_standard_folders)
		add_text(&line.folders, join(kext_data_folder(), "/sdk/lib", ""));
	struct kext_ld_options *o = &line.options;
	o->output = o->output ? o->output : "a.out";
	o->inputs = line.inputs;
	o->input_count = line.input_count;
	o->library_folders = line.folders.items;
	o->library_folder_count = line.folders.count;
	o->undefined = line.undefined.items;
	o->undefined_count = line.undefined.count;
	/* An empty list exports nothing, which is not the same as no list. */
	static const char *const nothing[1];
	if (line.has_exported)
		o->exported = line.exported.count ? line.exported.items : nothing;
	o->exported_count = line.exported.count;
	o->unexported = line.unexported.items;
	o->unexported_count = line.unexported.count;
}

static int link_kext(void)
{
	struct kext_context *context;
	struct kext_diagnostics *diagnostics = check(kext_diagnostics_new());
	if (kext_context_new(&context))
		fail("error", "out of memory");
	int error = kext_ld(context, &line.options, diagnostics);
	print_diagnostics(diagnostics, line.no_warnings ? KEXT_ERROR : KEXT_WARNING);
	if (error && !kext_diagnostics_count(diagnostics, KEXT_ERROR))
		print_error("%s: %s", line.options.output, kext_error_string(error));
	if (!error && line.fatal_warnings &&
	    kext_diagnostics_count(diagnostics, KEXT_WARNING)) {
		remove(line.options.output);
		error = KEXT_ERR_LINK;
	}
	kext_diagnostics_free(diagnostics);
	kext_context_unref(context);
	return error ? 1 : 0;
}

int main(int argc, char **argv)
{
	print_start("kextld");
	parse(argc, argv);
	if (line.verbose) {
		printf("kextld %s: links x86_64 objects into MH_KEXT_BUNDLE\n", VERSION);
		if (line.input_count == 0)
			return print_finish(0);
	}
	if (line.input_count == 0)
		fail("no input files", "give objects and archives");
	complete_options();
	return print_finish(link_kext());
}
