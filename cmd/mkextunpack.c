/*
 * mkextunpack: lists the kexts of an mkext, a prelinked kernel or a kernel collection and
 * unpacks them as bundles.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <kext/archive.h>
#include <kext/version.h>
#include "common/archivelist.h"
#include "common/options.h"
#include "common/print.h"
#include "common/progress.h"

static struct {
	bool lists, is_json, is_verbose, is_forced, ignores_checksum;
	const char *arch, *folder, *boot, *system;
	unsigned jobs;
	uint64_t max_size;
	struct option_list identifiers, operands;
} arguments = {.max_size = KEXT_ARCHIVE_MAX_BYTES};

static const struct option_row rows[] = {
	{.letter = 'v',
	 .name = "verbose",
	 .kind = OPTION_FLAG,
	 .place = &arguments.is_verbose,
	 .help = "list the kexts, and unpack them if -d is given"},
	{.letter = 'l',
	 .name = "list",
	 .kind = OPTION_FLAG,
	 .place = &arguments.lists,
	 .help = "list the kexts"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .place = &arguments.is_json,
	 .help = "list them as JSON"},
	{.letter = 'd',
	 .name = "directory",
	 .kind = OPTION_TEXT,
	 .place = &arguments.folder,
	 .argument = "DIR",
	 .help = "folder to unpack to; made if it does not exist"},
	{.letter = 'b',
	 .name = "bundle-id",
	 .kind = OPTION_LIST,
	 .place = &arguments.identifiers,
	 .argument = "ID",
	 .help = "only the kext with this identifier; may be repeated"},
	{.letter = 'a',
	 .name = "arch",
	 .kind = OPTION_TEXT,
	 .place = &arguments.arch,
	 .argument = "ARCH",
	 .help = "which archive of a fat file (this machine's)"},
	{.letter = 'f',
	 .name = "force",
	 .kind = OPTION_FLAG,
	 .place = &arguments.is_forced,
	 .help = "replace bundles that exist"},
	{.letter = 'j',
	 .name = "jobs",
	 .kind = OPTION_NUMBER,
	 .place = &arguments.jobs,
	 .argument = "N",
	 .help = "unpack N kexts at a time (one a core)"},
	{.name = "max-size",
	 .kind = OPTION_SIZE,
	 .place = &arguments.max_size,
	 .argument = "SIZE",
	 .help = "largest file, and most it may expand to (2G)"},
	{.name = "boot-collection",
	 .kind = OPTION_TEXT,
	 .place = &arguments.boot,
	 .argument = "FILE",
	 .help = "the boot collection that FILE, another one, leads into"},
	{.name = "system-collection",
	 .kind = OPTION_TEXT,
	 .place = &arguments.system,
	 .argument = "FILE",
	 .help = "the system collection that FILE, an auxiliary one, leads into"},
	{.name = "ignore-checksum",
	 .kind = OPTION_FLAG,
	 .place = &arguments.ignores_checksum,
	 .help = "read an archive whose checksum is wrong"},
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "mkextunpack",
	.synopsis = "[-v] [-l] [--json] [-f] [-a ARCH] [-b ID]... [-j N] [-d DIR] FILE",
	.purpose = "List or unpack the kexts of an mkext, a prelinked kernel or a kernel "
		   "collection.",
	.rows = rows,
	.operands = &arguments.operands,
};

/* ---- which kexts ---- */

static bool has_identifier(const struct kext_archive *archive, size_t index,
			   const char *identifier)
{
	return strcmp(kext_bundle_identifier(kext_archive_at(archive, index)),
		      identifier) == 0;
}

static bool is_chosen(const struct kext_archive *archive, size_t index)
{
	for (size_t i = 0; i < arguments.identifiers.count; i++)
		if (has_identifier(archive, index, arguments.identifiers.items[i]))
			return true;
	return arguments.identifiers.count == 0;
}

static int check_identifier(const struct kext_archive *archive, const char *identifier,
			    struct kext_diagnostics *diagnostics)
{
	for (size_t i = 0; i < kext_archive_count(archive); i++)
		if (has_identifier(archive, i, identifier))
			return 0;
	kext_diagnose(diagnostics, KEXT_ERROR, "archive.identifier",
		      arguments.operands.items[0], "--list shows what it holds",
		      "holds no kext %s", identifier);
	return KEXT_ERR_NOT_FOUND;
}

/* The indices of the chosen kexts, to be freed; an unknown identifier is an error, which
 * leaves the others. */
static int choose_kexts(const struct kext_archive *archive,
			struct kext_diagnostics *diagnostics, size_t **ret_chosen,
			size_t *ret_count)
{
	size_t *chosen = calloc(kext_archive_count(archive) + 1, sizeof(*chosen));
	size_t count = 0;
	int error = 0;
	if (!chosen)
		return -ENOMEM;
	for (size_t i = 0; i < arguments.identifiers.count; i++) {
		int missing = check_identifier(archive, arguments.identifiers.items[i],
					       diagnostics);
		error = missing < 0 ? missing : error;
	}
	for (size_t i = 0; i < kext_archive_count(archive); i++)
		if (is_chosen(archive, i))
			chosen[count++] = i;
	*ret_chosen = chosen;
	*ret_count = count;
	return error;
}

/* ---- listing ---- */

/* In an mkext the line ends with the version, as scripts know it. */
static const char *remark(const struct kext_archive *archive, size_t index)
{
	enum kext_archive_format format = kext_archive_format(archive);
	const struct kext_bundle *bundle = kext_archive_at(archive, index);
	struct kext_prelink_info place;
	if (format == KEXT_ARCHIVE_MKEXT1 || format == KEXT_ARCHIVE_MKEXT2 ||
	    kext_archive_prelink_info(archive, index, &place))
		return "";
	return kext_bundle_is_kernel_component(bundle) ? ", pseudo-kext without code"
						       : ", without code";
}

/* Version 1 stores no paths: there it is the name that the folder gets before ".kext". */
static void print_name(const struct kext_archive *archive, size_t index)
{
	const char *path = kext_bundle_path(kext_archive_at(archive, index));
	const char *folder = kext_archive_folder_name(archive, index);
	if (*path)
		printf("%s", path);
	else
		printf("%.*s", (int)(strlen(folder) - strlen(".kext")), folder);
}

/* In version 1 versions are printed as written. */
static void list_kexts(const struct kext_archive *archive, const size_t *chosen,
		       size_t count)
{
	bool is_old = kext_archive_format(archive) == KEXT_ARCHIVE_MKEXT1;
	printf("Found %zu kexts:\n", count);
	for (size_t i = 0; i < count; i++) {
		const struct kext_bundle *bundle = kext_archive_at(archive, chosen[i]);
		char text[KEXT_VERSION_TEXT_MAX];
		const char *version =
			is_old ? kext_bundle_version_text(bundle)
			       : kext_version_format(kext_bundle_version(bundle), text);
		print_name(archive, chosen[i]);
		printf(" - %s (%s)%s\n", kext_bundle_identifier(bundle), version,
		       remark(archive, chosen[i]));
	}
}

/* ---- unpacking ---- */

static int open_folder(const char *folder)
{
	if (mkdir(folder, 0777) < 0 && errno != EEXIST)
		return -errno;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void show_progress(void *data, size_t done, size_t total)
{
	progress_step(data, done, total);
}

/* Unpacks what can be; the first error is the one returned. */
static int unpack_kexts(const struct kext_archive *archive, const size_t *chosen,
			size_t count, struct kext_diagnostics *diagnostics)
{
	struct progress progress;
	struct kext_unpack_options options = {
		.flags = arguments.is_forced ? KEXT_UNPACK_FORCE : 0,
		.jobs = arguments.jobs,
		.progress = show_progress,
		.data = &progress};
	int fd = open_folder(arguments.folder);
	if (fd < 0) {
		kext_diagnose(diagnostics, KEXT_ERROR, "archive.file", arguments.folder,
			      NULL, "cannot unpack there: %s", strerror(-fd));
		return fd;
	}
	progress_begin(&progress, "unpacking");
	int error = kext_archive_unpack_all(archive, chosen, count, fd, arguments.folder,
					    &options, diagnostics);
	progress_end(&progress);
	close(fd);
	return error;
}

static int serve(const struct kext_archive *archive, struct kext_diagnostics *diagnostics)
{
	size_t *chosen = NULL, count = 0;
	int error = choose_kexts(archive, diagnostics, &chosen, &count);
	if (!chosen)
		return error;
	if (arguments.is_json) {
		int failed = archive_print_json(archive, chosen, count, diagnostics);
		error = failed < 0 ? failed : error;
	} else if (arguments.lists || arguments.is_verbose) {
		list_kexts(archive, chosen, count);
	}
	if (arguments.folder) {
		int failed = unpack_kexts(archive, chosen, count, diagnostics);
		error = failed < 0 ? failed : error;
	}
	free(chosen);
	return error;
}

/* The file to be read, and those it leads into. */
struct inputs {
	struct kext_archive *archive, *boot, *system;
};

/* Opens one of the collections that the file leads into; none is named: that is fine. */
static int open_other(struct kext_context *context, const char *path,
		      const struct kext_archive_options *options,
		      struct kext_diagnostics *diagnostics, struct kext_archive **ret)
{
	return path ? kext_archive_open_file(context, path, options, diagnostics, ret)
		    : 0;
}

static int open_inputs(struct kext_context *context, const struct kext_arch *arch,
		       struct kext_diagnostics *diagnostics, struct inputs *inputs)
{
	const char *file = arguments.operands.items[0];
	struct kext_archive_options options = {
		.arch = arch,
		.flags = arguments.ignores_checksum ? KEXT_ARCHIVE_IGNORE_CHECKSUM : 0,
		.max_bytes = arguments.max_size};
	int error =
		open_other(context, arguments.boot, &options, diagnostics, &inputs->boot);
	options.boot_collection = inputs->boot;
	if (error == 0)
		error = open_other(context, arguments.system, &options, diagnostics,
				   &inputs->system);
	options.system_collection = inputs->system;
	if (error < 0)
		return error;
	if (strcmp(file, "-") == 0)
		return kext_archive_open_stream(context, STDIN_FILENO, "standard input",
						&options, diagnostics, &inputs->archive);
	return kext_archive_open_file(context, file, &options, diagnostics,
				      &inputs->archive);
}

static int run(struct kext_context *context, const struct kext_arch *arch,
	       struct kext_diagnostics *diagnostics)
{
	struct inputs inputs = {0};
	int error = open_inputs(context, arch, diagnostics, &inputs);
	struct kext_archive *archive = inputs.archive;
	kext_archive_free(inputs.boot);
	kext_archive_free(inputs.system);
	if (error < 0)
		return error;
	/* A kext that had to be left out is a failure, though the others are served. */
	if (kext_diagnostics_count(diagnostics, KEXT_ERROR))
		error = KEXT_ERR_VALIDATION;
	/* Nothing is listed or written of an archive that is damaged anywhere. */
	int failed = kext_archive_verify(archive, arguments.jobs, diagnostics);
	if (failed == 0)
		failed = serve(archive, diagnostics);
	kext_archive_free(archive);
	return failed < 0 ? failed : error;
}

int main(int argc, char **argv)
{
	struct kext_context *context = NULL;
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	const struct kext_arch *arch = NULL;
	print_start(command.name);
	options_parse(&command, argc, argv);
	if (!arguments.folder && !arguments.lists && !arguments.is_verbose &&
	    !arguments.is_json)
		options_fail(&command, "no work to do; please specify -d, -l or -v");
	if (arguments.operands.count != 1)
		options_fail(&command, "expected one file");
	if (arguments.arch && !(arch = kext_arch_named(arguments.arch)))
		options_fail(&command, "unknown CPU arch %s", arguments.arch);
	int error = kext_context_new(&context);
	if (error == 0)
		error = run(context, arch, diagnostics);
	print_diagnostics(diagnostics, KEXT_WARNING);
	if (error < 0 && !kext_diagnostics_count(diagnostics, KEXT_ERROR))
		print_error("%s", kext_error_string(error));
	kext_diagnostics_free(diagnostics);
	kext_context_unref(context);
	/* As Darwin's mkextunpack has it, whatever went wrong. */
	return print_finish(error < 0 ? 1 : 0);
}
