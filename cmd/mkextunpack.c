/* mkextunpack: lists the kexts of an mkext and unpacks them as bundles. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <kext/archive.h>
#include <kext/version.h>
#include "common/options.h"
#include "common/print.h"

static struct {
	bool lists, is_verbose, is_forced, ignores_checksum;
	const char *arch, *folder;
	struct option_list operands;
} arguments;

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
	{.letter = 'd',
	 .name = "directory",
	 .kind = OPTION_TEXT,
	 .place = &arguments.folder,
	 .argument = "DIR",
	 .help = "folder to unpack to; made if it does not exist"},
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
	{.name = "ignore-checksum",
	 .kind = OPTION_FLAG,
	 .place = &arguments.ignores_checksum,
	 .help = "read an archive whose checksum is wrong"},
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "mkextunpack",
	.synopsis = "[-v] [-l] [-f] [-a ARCH] [-d DIR] MKEXT",
	.purpose = "List or unpack the kexts of an mkext archive.",
	.rows = rows,
	.operands = &arguments.operands,
};

/* Version 1 stores no paths: there the name is the one we give, the version as written.
 */
static void list_kexts(const struct kext_archive *archive)
{
	size_t count = kext_archive_count(archive);
	bool is_old = kext_archive_format(archive) == KEXT_ARCHIVE_MKEXT1;
	printf("Found %zu kexts:\n", count);
	for (size_t i = 0; i < count; i++) {
		const struct kext_bundle *bundle = kext_archive_at(archive, i);
		const char *path = kext_bundle_path(bundle);
		char text[KEXT_VERSION_TEXT_MAX];
		const char *version =
			is_old ? kext_bundle_version_text(bundle)
			       : kext_version_format(kext_bundle_version(bundle), text);
		printf("%s - %s (%s)\n",
		       *path ? path : kext_archive_folder_name(archive, i),
		       kext_bundle_identifier(bundle), version);
	}
}

static int open_folder(const char *folder)
{
	if (mkdir(folder, 0777) < 0 && errno != EEXIST)
		return -errno;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Unpacks what can be; the first error is the one returned. */
static int unpack_kexts(const struct kext_archive *archive, const char *folder,
			struct kext_diagnostics *diagnostics)
{
	unsigned flags = arguments.is_forced ? KEXT_UNPACK_FORCE : 0;
	int first_error = 0, fd = open_folder(folder);
	if (fd < 0) {
		kext_diagnose(diagnostics, KEXT_ERROR, "archive.file", folder, NULL,
			      "cannot unpack there: %s", strerror(-fd));
		return fd;
	}
	for (size_t i = 0; i < kext_archive_count(archive); i++) {
		int error =
			kext_archive_unpack(archive, i, fd, folder, flags, diagnostics);
		if (error < 0 && first_error == 0)
			first_error = error;
	}
	close(fd);
	return first_error;
}

static int run(struct kext_context *context, const struct kext_arch *arch,
	       struct kext_diagnostics *diagnostics)
{
	struct kext_archive *archive = NULL;
	unsigned flags = arguments.ignores_checksum ? KEXT_ARCHIVE_IGNORE_CHECKSUM : 0;
	int error = kext_archive_open_file(context, arguments.operands.items[0], arch,
					   flags, diagnostics, &archive);
	if (error < 0)
		return error;
	/* A kext that had to be left out is a failure, though the others are served. */
	if (kext_diagnostics_count(diagnostics, KEXT_ERROR))
		error = KEXT_ERR_VALIDATION;
	if (arguments.lists || arguments.is_verbose)
		list_kexts(archive);
	if (arguments.folder) {
		int failed = unpack_kexts(archive, arguments.folder, diagnostics);
		error = failed < 0 ? failed : error;
	}
	kext_archive_free(archive);
	return error;
}

int main(int argc, char **argv)
{
	struct kext_context *context = NULL;
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	const struct kext_arch *arch = NULL;
	print_set_program(command.name);
	options_parse(&command, argc, argv);
	if (!arguments.folder && !arguments.lists && !arguments.is_verbose)
		options_fail(&command, "no work to do; please specify -d, -l or -v");
	if (arguments.operands.count != 1)
		options_fail(&command, "expected one mkext file");
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
	return print_finish(kext_error_exit_status(error));
}
