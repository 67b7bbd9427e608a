/* kextsymboltool: turns export lists into the symbol set of a KPI plug-in. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <kext/symbolset.h>
#include "common/json.h"
#include "common/options.h"
#include "common/print.h"

static struct {
	const char *arch, *output;
	struct option_list exports, imports;
	bool keep_missing, diff, json;
} arguments;

static const struct option_row rows[] = {
	{.name = "arch",
	 .kind = OPTION_TEXT,
	 .place = &arguments.arch,
	 .argument = "ARCH",
	 .help = "CPU of the symbol set (x86_64)"},
	{.name = "export",
	 .kind = OPTION_LIST,
	 .place = &arguments.exports,
	 .argument = "FILE",
	 .help = "list of exported symbols; repeatable"},
	{.name = "import",
	 .kind = OPTION_LIST,
	 .place = &arguments.imports,
	 .argument = "FILE",
	 .help = "kernel, or list of its names, that must define them; repeatable"},
	{.letter = 'o',
	 .name = "output",
	 .kind = OPTION_TEXT,
	 .place = &arguments.output,
	 .argument = "FILE",
	 .help = "where the symbol set goes"},
	{.name = "sect",
	 .kind = OPTION_FLAG,
	 .place = &arguments.keep_missing,
	 .help = "keep also what the imports do not define"},
	{.name = "diff",
	 .kind = OPTION_FLAG,
	 .place = &arguments.diff,
	 .help = "print how lists and imports differ, write nothing"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .place = &arguments.json,
	 .help = "print it as JSON"},
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "kextsymboltool",
	.synopsis =
		"[-arch ARCH] [-import FILE]... -export FILE... {[-sect] -output FILE | "
		"-diff [-json]}",
	.purpose = "Make the symbol set of a KPI plug-in from export lists.",
	.rows = rows,
};

/* The names of the lines that begin with `mark`; NULL without memory. */
static struct kext_value *names_marked(const char *text, char mark)
{
	struct kext_value *names = kext_value_new_array();
	for (const char *line = text; names && *line;) {
		size_t length = strcspn(line, "\n");
		char *name = *line == mark ? strndup(line + 1, length - 1) : NULL;
		if (*line == mark &&
		    (!name || kext_value_append(names, kext_value_new_string(name)) < 0))
			names = kext_value_unref(names);
		free(name);
		line += length + (line[length] == '\n');
	}
	return names;
}

static int print_json(const char *text)
{
	struct kext_value *document = json_document("kextsymboltool/1");
	int error = document
			    ? kext_value_set(document, "missing", names_marked(text, '-'))
			    : -ENOMEM;
	if (error == 0)
		error = kext_value_set(document, "unlisted", names_marked(text, '+'));
	if (error == 0)
		return json_print(document);
	kext_value_unref(document);
	return error;
}

static int print_diff(const struct kext_symbolset_options *options,
		      struct kext_diagnostics *diagnostics)
{
	char *text;
	int error = kext_symbolset_diff(options, diagnostics, &text);
	if (error < 0)
		return error;
	if (arguments.json)
		error = print_json(text);
	else
		fputs(text, stdout);
	free(text);
	return error;
}

int main(int argc, char **argv)
{
	struct kext_context *context = NULL;
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	print_start(command.name);
	options_parse(&command, argc, argv);
	if (!arguments.exports.count || !arguments.output == !arguments.diff)
		options_fail(&command, "name at least one -export list, and the -output "
				       "or -diff");
	if (arguments.json && !arguments.diff)
		options_fail(&command, "-json belongs to -diff");
	if (arguments.diff && !arguments.imports.count)
		options_fail(&command, "-diff compares with an -import");
	struct kext_symbolset_options options = {
		.arch = arguments.arch ? kext_arch_named(arguments.arch) : NULL,
		.exports = arguments.exports.items,
		.export_count = arguments.exports.count,
		.imports = arguments.imports.items,
		.import_count = arguments.imports.count,
		.output = arguments.output,
		.keep_missing = arguments.keep_missing,
	};
	if (arguments.arch && !options.arch)
		options_fail(&command, "%s: not an architecture", arguments.arch);
	int error = kext_context_new(&context);
	if (error == 0 && arguments.diff)
		error = print_diff(&options, diagnostics);
	else if (error == 0)
		error = kext_symbolset_write(context, &options, diagnostics);
	print_diagnostics(diagnostics, KEXT_WARNING);
	kext_diagnostics_free(diagnostics);
	kext_context_unref(context);
	return print_finish(error ? EXIT_FAILURE : EXIT_SUCCESS);
}
