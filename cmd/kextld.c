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
#include "common/ldwords.h"
#include "common/print.h"

#define VERSION "1.0"

static struct {
	struct kext_ld_options options;
	struct kext_ld_input *inputs;
	size_t input_count;
	struct word_list folders, undefined, exported, unexported;
	const char *sysroot;
	bool has_exported, no_warnings, fatal_warnings, no_standard_folders, verbose;
} line;

static void add_input(const char *path, bool is_library, bool all_members)
{
	line.inputs = words_check(
		realloc(line.inputs, (line.input_count + 1) * sizeof(*line.inputs)));
	line.inputs[line.input_count++] = (struct kext_ld_input){
		.path = path, .is_library = is_library, .all_members = all_members};
}

static char *join(const char *a, const char *b, const char *c)
{
	char *text;
	if (asprintf(&text, "%s%s%s", a, b, c) < 0)
		text = NULL;
	return words_keep(text);
}

/* Lines of a file without surrounding blanks; with `comments`, # ends a line. */
static void read_lines(const char *path, bool comments, void (*each)(const char *text))
{
	char *rest = words_read(path), *text;
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
	words_add(&line.exported, name);
}

static void add_unexported(const char *name)
{
	words_add(&line.unexported, name);
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
	char *path = words_keep(strdup(argument));
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
		words_fail("unknown architecture", name);
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
	words_add(&line.undefined, name);
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
			words_fail("malformed source version", text);
		version = version << width[i] | part;
		rest = *end == '.' ? end + 1 : end;
	}
	if (*rest)
		words_fail("malformed source version", text);
	line.options.source_version = version;
}

static void refuse_kind(const char *option)
{
	words_fail("only kexts can be linked; option not supported", option);
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

static void add_folder(const char *folder)
{
	if (line.sysroot && folder[0] == '/')
		words_add(&line.folders, join(line.sysroot, folder, ""));
	words_add(&line.folders, folder);
}

/* Options whose word is glued on: -lX, -LX, -FX, and a few prefixed ones. */
static bool take_glued(const char *word)
{
	if (!strncmp(word, "-l", 2) && word[2])
		add_library(word + 2);
	else if (!strncmp(word, "-weak-l", 7) && word[7])
		add_library(word + 7);
	else if (!strncmp(word, "-L", 2) && word[2])
		words_add(&line.folders, word + 2);
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
	else if (!words_ignored(words[0], &count) && !take_glued(words[0]))
		words_fail("unknown option", words[0]);
	if (count >= left)
		words_fail("missing argument of option", words[0]);
	if (option && option->flag)
		*option->flag = true;
	if (option && option->call)
		option->call(words[count]);
	if (!strcmp(words[0], "-L"))
		words_add(&line.folders, words[1]);
	return count;
}

static void parse(int argc, char **argv)
{
	struct word_list words = {0};
	for (int i = 1; i < argc; i++)
		words_expand(&words, argv[i]);
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
	struct word_list given = line.folders;
	line.folders = (struct word_list){0};
	for (size_t i = 0; i < given.count; i++)
		add_folder(given.items[i]);
	free(given.items);
	if (!line.no_standard_folders)
		words_add(&line.folders, join(kext_data_folder(), "/sdk/lib", ""));
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
	struct kext_diagnostics *diagnostics = words_check(kext_diagnostics_new());
	if (kext_context_new(&context))
		words_fail("error", "out of memory");
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
		words_fail("no input files", "give objects and archives");
	complete_options();
	return print_finish(link_kext());
}
