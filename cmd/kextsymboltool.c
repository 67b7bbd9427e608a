/* kextsymboltool: turns export lists into the symbol set of a KPI plug-in. */
#include <stdio.h>
#include <stdlib.h>
#include <kext/symbolset.h>
#include "common/options.h"
#include "common/print.h"

static struct {
	const char *arch, *output;
	struct option_list exports, imports;
	bool keep_missing, diff;
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
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "kextsymboltool",
	.synopsis =
		"[-arch ARCH] [-import FILE]... -export FILE... {[-sect] -output FILE | "
		"-diff}",
	.purpose = "Make the symbol set of a KPI plug-in from export lists.",
	.rows = rows,
};

static int print_diff(const struct kext_symbolset_options *options,
		      struct kext_diagnostics *diagnostics)
{
	char *text;
	int error = kext_symbolset_diff(options, diagnostics, &text);
	if (error == 0) {
		fputs(text, stdout);
		free(text);
	}
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
