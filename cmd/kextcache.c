/*
 * kextcache: puts kexts together in mkext archives and prelinked kernels, and keeps the
 * caches of folders and volumes. Here are the options and their rules; what is made is in
 * common/cachefile.c, common/pick.c, common/systemcaches.c and common/volume.c.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include "common/instance.h"
#include "common/json.h"
#include "common/options.h"
#include "common/prelinking.h"
#include "common/print.h"
#include "common/root.h"
#include "common/systemcaches.h"
#include "common/volume.h"

static void set_mkext1(const char *path);
static void set_mkext2(const char *path);
static void set_prelinked(const char *path);
static void set_system_prelinked(const char *unused);

static unsigned era = KEXT_ERA_MODERN;
static struct {
	const char *mkext, *prelinked, *kernel, *symbols, *volume_root, *compression;
	const char *update, *boot_update, *invalidate;
	unsigned mkext_version, level, jobs;
	bool makes_prelinked, makes_system_kernel, makes_system_caches;
	bool makes_folder_caches;
	bool local, local_all, network, network_all, safe, safe_all;
	bool is_quiet, skips_authentication, prints_findings, all_loaded, low_priority;
	bool force, caches_only, boot, is_compressed, is_uncompressed;
	bool no_link_failures, all_personalities, strip_symbols, json, ignored;
	struct option_list archs, identifiers, operands;
} arguments;

#define FLAG(option_letter, option_name, field, text)                                    \
	{                                                                                \
		.letter = (option_letter), .name = (option_name), .kind = OPTION_FLAG,   \
		.place = &arguments.field, .help = (text)                                \
	}
#define TEXT(option_letter, option_name, field, what, text)                              \
	{                                                                                \
		.letter = (option_letter), .name = (option_name), .kind = OPTION_TEXT,   \
		.place = &arguments.field, .argument = (what), .help = (text)            \
	}
#define CALL(option_letter, option_name, function, what, text)                           \
	{                                                                                \
		.letter = (option_letter), .name = (option_name), .kind = OPTION_CALL,   \
		.call = (function), .argument = (what), .help = (text)                   \
	}

static const struct option_row rows[] = {
	CALL('m', "mkext", set_mkext2, "FILE", "write an mkext; - is standard output"),
	CALL(0, "mkext1", set_mkext1, "FILE", "write one of version 1, for 10.2 to 10.5"),
	CALL(0, "mkext2", set_mkext2, "FILE", "write one of version 2, for 10.6"),
	CALL('c', "prelinked-kernel", set_prelinked, "[FILE]",
	     "write a prelinked kernel; without FILE the system's"),
	CALL(0, "system-prelinked-kernel", set_system_prelinked, NULL,
	     "write the system's prelinked kernel"),
	CALL('e', "system-mkext", set_system_prelinked, NULL, "the same"),
	TEXT('K', "kernel", kernel, "FILE", "the kernel to put kexts into"),
	{.letter = 'a',
	 .name = "arch",
	 .kind = OPTION_LIST,
	 .place = &arguments.archs,
	 .argument = "ARCH",
	 .help = "architecture (this machine's, or all of the kernel's); repeatable"},
	{.letter = 'b',
	 .name = "bundle-id",
	 .kind = OPTION_LIST,
	 .place = &arguments.identifiers,
	 .argument = "ID",
	 .help = "take the kext of this identifier, and no others"},
	FLAG('l', "local-root", local, "of folders, kexts for a local root"),
	FLAG('L', "local-root-all", local_all, "of all, kexts for a local root"),
	FLAG('n', "network-root", network, "of folders, kexts for a network root"),
	FLAG('N', "network-root-all", network_all, "of all, kexts for a network root"),
	FLAG('s', "safe-boot", safe, "of folders, kexts for a safe boot"),
	FLAG('S', "safe-boot-all", safe_all, "of all, kexts for a safe boot"),
	FLAG('r', "all-loaded", all_loaded, "take kexts that are loaded, too"),
	FLAG('z', "no-authentication", skips_authentication,
	     "take kexts whatever their owners and modes"),
	FLAG(0, "no-authenticate", skips_authentication, NULL),
	TEXT(0, "volume-root", volume_root, "DIR", "leave DIR out of stored paths"),
	TEXT(0, "symbols", symbols, "DIR", "write symbol files of prelinked kexts"),
	FLAG(0, "no-link-failures", no_link_failures,
	     "a kext that cannot be linked is a failure"),
	FLAG(0, "all-personalities", all_personalities,
	     "keep personalities that no early boot needs"),
	FLAG(0, "strip-symbols", strip_symbols,
	     "leave out symbols that kexts do not export"),
	FLAG(0, "omit-link-state", ignored, NULL),
	FLAG(0, "compressed", is_compressed, "compress, or compress FILE of -c"),
	FLAG(0, "uncompressed", is_uncompressed, "do not, or expand FILE of -c"),
	TEXT(0, "compression", compression, "lzss|lzvn",
	     "how a prelinked kernel is compressed (lzss)"),
	FLAG('k', "folder-caches", makes_folder_caches,
	     "write the caches of the folders"),
	FLAG(0, "system-caches", makes_system_caches,
	     "write the caches of the system's folders"),
	TEXT('u', "update-volume", update, "DIR", "update the boot cache of a volume"),
	TEXT('U', NULL, boot_update, "DIR", "the same; status 72 if it was stale"),
	TEXT('i', "invalidate", invalidate, "DIR",
	     "give a volume's folders the time of now, then as -u"),
	FLAG('f', "force", force, "with -u: even if it is up to date"),
	FLAG(0, "caches-only", caches_only,
	     "with -u: caches alone, which is all there is"),
	FLAG(0, "Boot", boot, "with -u, -U: what booting needs, which is the same"),
	FLAG(0, "Installer", ignored, NULL),
	FLAG('F', NULL, low_priority, "run at low priority"),
	{.letter = 'j',
	 .name = "jobs",
	 .kind = OPTION_NUMBER,
	 .place = &arguments.jobs,
	 .argument = "N",
	 .help = "threads (one a core)"},
	FLAG('t', "print-diagnostics", prints_findings, "print all findings"),
	FLAG(0, "json", json, "print what was judged, and how, as JSON"),
	OPTION_ROW_ERA(era, "whose rules kexts are judged by"),
	{.letter = 'v',
	 .name = "verbose",
	 .kind = OPTION_LEVEL,
	 .place = &arguments.level,
	 .argument = "0-6",
	 .help = "say what is done"},
	FLAG('q', "quiet", is_quiet, "print errors only"),
	OPTION_ROW_ROOT,
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "kextcache",
	.synopsis = "[-m FILE | -c [FILE] -K KERNEL | -k | -system-caches | -u DIR] "
		    "[OPTION]... KEXT|DIR...",
	.purpose = "Put kexts, or all kexts of folders, into an mkext archive or a "
		   "prelinked kernel.",
	.rows = rows,
	.operands = &arguments.operands,
	.era = &era,
};

static struct option_list loaded; /* with -r: identifiers */
static struct option_list system_folders;
static struct kext_value *judged; /* with --json: the kexts */

/* ---- options ---- */

static char **words; /* the command line */

static void set_mkext(const char *path, unsigned version)
{
	if (arguments.mkext)
		options_fail(&command, "an output filename has already been set");
	arguments.mkext = path;
	arguments.mkext_version = version;
}

static void set_mkext1(const char *path)
{
	set_mkext(path, 1);
}

static void set_mkext2(const char *path)
{
	set_mkext(path, 2);
}

static void begin_prelinked(const char *path)
{
	if (arguments.makes_prelinked)
		options_fail(&command, "an output filename has already been set");
	arguments.makes_prelinked = true;
	arguments.prelinked = path;
	arguments.makes_system_kernel = !*path;
}

/* The file may be the next word; without one, or before an option, it is the system's. */
static void set_prelinked(const char *path)
{
	if (!*path && words[optind] && words[optind][0] != '-')
		path = words[optind++];
	begin_prelinked(path);
}

static void set_system_prelinked(const char *unused)
{
	(void)unused;
	begin_prelinked("");
}

static bool updates_volume(void)
{
	return arguments.update || arguments.boot_update || arguments.invalidate;
}

static bool converts(void)
{
	return arguments.makes_prelinked && !arguments.makes_system_kernel &&
	       !arguments.operands.count && !arguments.identifiers.count &&
	       (arguments.is_compressed || arguments.is_uncompressed);
}

static bool makes_system_files(void)
{
	return arguments.makes_system_kernel || arguments.makes_system_caches;
}

static void check_compression(void)
{
	const char *name = arguments.compression;
	if (name && strcmp(name, "lzss") != 0 && strcmp(name, "lzvn") != 0)
		options_fail(&command, "'%s' is no compression; lzss and lzvn are", name);
	if (arguments.is_compressed && arguments.is_uncompressed) {
		print_error("-compressed and -uncompressed exclude each other; "
			    "using -compressed");
		arguments.is_uncompressed = false;
	}
}

/* The system's files are root's, unless another folder stands for /. */
static void require_root(const char *what)
{
	const char *root = getenv("KEXT_ROOT");
	if (geteuid() == 0 || (root && strcmp(root, "/") != 0))
		return;
	print_error("You must be running as root to %s.", what);
	exit(EX_NOPERM);
}

/* The folders that are used in any case may be named, too. */
static void check_system_files(void)
{
	bool is_custom = arguments.identifiers.count > 0;
	if (!makes_system_files())
		return;
	for (size_t i = 0; i < arguments.operands.count; i++)
		is_custom |= !systemcaches_is_folder(&system_folders,
						     arguments.operands.items[i]);
	if (is_custom)
		options_fail(&command,
			     "Custom kexts and repository directories are not allowed "
			     "when updating system kext caches.");
	require_root("update system kext caches");
}

static void check_volume(void)
{
	if (arguments.caches_only && arguments.force)
		options_fail(&command, "-force and -caches-only exclude each other.");
	if ((arguments.force || arguments.caches_only) &&
	    (!arguments.update || arguments.boot_update))
		options_fail(&command, "-force and -caches-only belong to -u.");
	if (arguments.boot && !arguments.update && !arguments.boot_update)
		options_fail(&command, "-Boot belongs to -u and -U.");
	if (arguments.invalidate)
		require_root("invalidate a volume's caches");
}

static void check_arguments(void)
{
	struct stat st;
	if (!arguments.mkext && !arguments.makes_prelinked && !makes_system_files() &&
	    !arguments.makes_folder_caches && !updates_volume())
		options_fail(&command, "No work to do; check options and try again.");
	check_compression();
	check_volume();
	if (arguments.volume_root && !arguments.mkext && !arguments.makes_prelinked)
		options_fail(&command, "-volume-root belongs to -m and -c.");
	if (!arguments.operands.count && !makes_system_files() && !updates_volume() &&
	    !converts())
		options_fail(&command, "No kexts or directories specified.");
	if (arguments.json && (converts() || !(arguments.mkext || updates_volume() ||
					       arguments.makes_prelinked)))
		options_fail(&command, "--json belongs to -m, -c and -u.");
	if (arguments.json && arguments.mkext && strcmp(arguments.mkext, "-") == 0)
		options_fail(&command, "--json and -m - both want standard output.");
	if (arguments.kernel && stat(arguments.kernel, &st) < 0)
		options_fail(&command, "kernel %s: %s", arguments.kernel,
			     strerror(errno));
	check_system_files();
}

static size_t read_archs(const struct kext_arch **archs)
{
	const struct option_list *names = &arguments.archs;
	size_t count = 0;
	if (names->count > CACHEFILE_MAX_ARCHS)
		options_fail(&command, "more than %u architectures", CACHEFILE_MAX_ARCHS);
	for (size_t i = 0; i < names->count; i++) {
		const struct kext_arch *arch = kext_arch_named(names->items[i]);
		bool is_new = true;
		if (!arch)
			options_fail(&command, "unknown CPU arch %s", names->items[i]);
		for (size_t k = 0; k < count; k++)
			is_new &= archs[k] != arch;
		if (is_new)
			archs[count++] = arch;
	}
	return count;
}

/* ---- work ---- */

static void free_all(void)
{
	for (size_t i = 0; i < loaded.count; i++)
		free((char *)loaded.items[i]);
	for (size_t i = 0; i < system_folders.count; i++)
		free((char *)system_folders.items[i]);
	free(loaded.items);
	free(system_folders.items);
}

static unsigned filter_of(bool local, bool network, bool safe)
{
	return (local ? PICK_LOCAL_ROOT : 0) | (network ? PICK_NETWORK_ROOT : 0) |
	       (safe ? PICK_SAFE_BOOT : 0);
}

static struct cachefile base_file(const struct kext_arch *const *archs, size_t arch_count)
{
	bool is_lzvn =
		arguments.compression && strcmp(arguments.compression, "lzvn") == 0;
	return (struct cachefile){
		.archs = archs,
		.arch_count = arch_count,
		.symbols = arguments.symbols,
		.volume_root = arguments.volume_root,
		.compression = arguments.is_uncompressed ? KEXT_COMPRESSION_NONE
			       : is_lzvn		 ? KEXT_COMPRESSION_LZVN
							 : KEXT_COMPRESSION_LZSS,
		.no_link_failures = arguments.no_link_failures,
		.all_personalities = arguments.all_personalities,
		.strip_symbols = arguments.strip_symbols,
		.jobs = arguments.jobs,
		.pick =
			{
				.operands = &arguments.operands,
				.identifiers = &arguments.identifiers,
				.loaded = &loaded,
				.folder_filter = filter_of(
					arguments.local || arguments.local_all,
					arguments.network || arguments.network_all,
					arguments.safe || arguments.safe_all),
				.named_filter = filter_of(arguments.local_all,
							  arguments.network_all,
							  arguments.safe_all),
				.skips_authentication = arguments.skips_authentication,
				.prints_findings = arguments.prints_findings,
				.quiet = arguments.is_quiet,
				.level = arguments.level,
				.log = judged,
			},
	};
}

/* What is not said the volume says. */
static int make_prelinked(struct kext_context *context, struct cachefile file)
{
	struct prelinking how = {
		.volume = arguments.volume_root ? arguments.volume_root
						: kext_context_root(context),
		.chooses_compression =
			!arguments.compression && !arguments.is_uncompressed,
		.system_folders = arguments.makes_system_kernel ? &system_folders : NULL,
	};
	file.kind = CACHEFILE_PRELINKED;
	file.path = arguments.prelinked;
	file.kernel = arguments.kernel;
	return prelinking_make(context, &how, &file);
}

static int make_mkext(struct kext_context *context, struct cachefile file)
{
	file.kind = arguments.mkext_version == 1 ? CACHEFILE_MKEXT1 : CACHEFILE_MKEXT2;
	file.path = arguments.mkext;
	return cachefile_make(context, &file);
}

/* -U tells its caller that it booted from what is stale now. */
static int update_volume(struct kext_context *context, const struct cachefile *base)
{
	const char *path = arguments.update	   ? arguments.update
			   : arguments.boot_update ? arguments.boot_update
						   : arguments.invalidate;
	int status = volume_update(context, path,
				   arguments.invalidate ? VOLUME_INVALIDATE
				   : arguments.force	? VOLUME_FORCE
							: VOLUME_IF_STALE,
				   base);
	if (status != VOLUME_UPDATED)
		return status;
	return arguments.boot_update ? EX_OSFILE : EX_OK;
}

/* In the order in which one depends on the other; the first failure ends it. */
static int run(struct kext_context *context, const struct kext_arch *const *archs,
	       size_t arch_count)
{
	if (arguments.json && !(judged = kext_value_new_array()))
		return EX_OSERR;
	struct cachefile base = base_file(archs, arch_count);
	int status = EX_OK;
	if (converts())
		return cachefile_convert(arguments.prelinked, base.compression,
					 arguments.level);
	if (arguments.all_loaded && instance_loaded(&loaded) < 0)
		return EX_UNAVAILABLE;
	if (arguments.makes_system_caches)
		status = systemcaches_write(context, &system_folders);
	if (status == EX_OK && arguments.makes_folder_caches)
		status = systemcaches_write_folders(context, &arguments.operands);
	if (status != EX_OK || updates_volume())
		return status != EX_OK ? status : update_volume(context, &base);
	if (arguments.mkext)
		status = make_mkext(context, base);
	if (status == EX_OK && arguments.makes_prelinked)
		status = make_prelinked(context, base);
	return status;
}

int main(int argc, char **argv)
{
	const struct kext_arch *archs[CACHEFILE_MAX_ARCHS];
	struct kext_context *context = NULL;
	words = argv;
	print_start(command.name);
	options_parse(&command, argc, argv);
	print_set_quiet(arguments.is_quiet);
	root_apply(&arguments.operands);
	size_t arch_count = read_archs(archs);
	int error = kext_context_new(&context);
	if (error == 0)
		systemcaches_folders(context, &system_folders);
	check_arguments();
	if (arguments.low_priority)
		(void)setpriority(PRIO_PROCESS, 0, 20);
	if (error == 0)
		kext_context_set_era(context, era);
	int status = error < 0 ? kext_error_exit_status(error)
			       : run(context, archs, arch_count);
	if (judged && json_print(json_document_of("kextcache/1", "kexts", judged)) < 0)
		status = EX_OSERR;
	kext_context_unref(context);
	free_all();
	return print_finish(era == KEXT_ERA_TIGER && status ? 1 : status);
}
