/* kextcache: puts kexts together in an mkext archive. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include <kext/archive.h>
#include <kext/repository.h>
#include <kext/resolve.h>
#include "common/options.h"
#include "common/print.h"

/* Exit statuses of kextcache alone. */
enum { EXIT_NOT_FOUND = 1, EXIT_ARCH = 2, EXIT_BAD_KEXT = 3, EXIT_STALE = 4 };

static struct {
	const char *output, *arch;
	unsigned level;
	bool is_quiet, skips_authentication;
	struct option_list operands;
} arguments;

static const struct option_row rows[] = {
	{.letter = 'm',
	 .name = "mkext",
	 .kind = OPTION_TEXT,
	 .place = &arguments.output,
	 .argument = "FILE",
	 .help = "write an mkext (version 2); - is standard output"},
	{.name = "mkext2",
	 .kind = OPTION_TEXT,
	 .place = &arguments.output,
	 .argument = "FILE"},
	{.letter = 'a',
	 .name = "arch",
	 .kind = OPTION_TEXT,
	 .place = &arguments.arch,
	 .argument = "ARCH",
	 .help = "architecture of the executables (this machine's)"},
	{.letter = 'z',
	 .name = "no-authentication",
	 .kind = OPTION_FLAG,
	 .place = &arguments.skips_authentication,
	 .help = "take kexts whatever their owners and modes"},
	{.letter = 'v',
	 .name = "verbose",
	 .kind = OPTION_LEVEL,
	 .place = &arguments.level,
	 .argument = "0-6",
	 .help = "say what is done"},
	{.letter = 'q',
	 .name = "quiet",
	 .kind = OPTION_FLAG,
	 .place = &arguments.is_quiet,
	 .help = "print errors only"},
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "kextcache",
	.synopsis = "-m FILE [-z] [-a ARCH] [-v [0-6]] [-q] KEXT|DIR...",
	.purpose = "Put kexts, or all kexts of a folder, into an mkext archive.",
	.rows = rows,
	.operands = &arguments.operands,
};

struct selection {
	struct kext_context *context;
	const struct kext_arch *arch;
	struct kext_repository *folders; /* of the folders given */
	struct kext_repository *known;	 /* where dependencies are looked for */
	struct kext_bundle **bundles;	 /* chosen so far */
	size_t count, capacity;
	int status; /* exit status so far */
};

/* A finding about one kext goes out at once, before what is decided about it. */
static void flush(struct kext_diagnostics **diagnostics, enum kext_severity at_least)
{
	print_diagnostics(*diagnostics, at_least);
	kext_diagnostics_free(*diagnostics);
	*diagnostics = kext_diagnostics_new();
}

static bool has_path(const struct selection *s, const char *path)
{
	for (size_t i = 0; i < s->count; i++) {
		if (strcmp(kext_bundle_path(s->bundles[i]), path) == 0)
			return true;
	}
	return false;
}

static void push(struct selection *s, struct kext_bundle *bundle)
{
	if (s->count == s->capacity) {
		s->capacity = s->capacity ? s->capacity * 2 : 64;
		struct kext_bundle **grown =
			reallocarray(s->bundles, s->capacity, sizeof(*grown));
		if (!grown) {
			print_error("%s", strerror(ENOMEM));
			exit(EX_OSERR);
		}
		s->bundles = grown;
	}
	s->bundles[s->count++] = kext_bundle_ref(bundle);
}

/* Why a kext is left out, or NULL; *ret_status is the exit status that stands for it. */
static const char *reason_against(const struct selection *s, struct kext_bundle *bundle,
				  struct kext_diagnostics *diagnostics, int *ret_status)
{
	const void *data;
	size_t size;
	*ret_status = EXIT_BAD_KEXT;
	if (kext_bundle_has_executable(bundle) &&
	    kext_bundle_slice(bundle, s->arch, diagnostics, &data, &size) ==
		    KEXT_ERR_ARCH_NOT_FOUND) {
		*ret_status = EXIT_ARCH;
		return "has no code for the architecture";
	}
	if (kext_bundle_validate(bundle, s->arch, diagnostics) < 0)
		return "is not valid";
	*ret_status = EX_NOPERM;
	if (!arguments.skips_authentication &&
	    kext_bundle_authenticate(bundle, geteuid(), diagnostics) < 0)
		return "is not authentic";
	return NULL;
}

/* What cannot be resolved here may be where the archive is used: a warning only. */
static void warn_of_dependencies(struct selection *s, struct kext_bundle *bundle)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_load_list *list = NULL;
	if (kext_resolve(s->known, bundle, NULL, 0, s->arch, diagnostics, &list) < 0) {
		if (arguments.level > 0)
			print_diagnostics(diagnostics, KEXT_WARNING);
		if (!arguments.is_quiet)
			print_error("%s is missing dependencies (including anyway)",
				    kext_bundle_name(bundle));
	}
	kext_load_list_free(list);
	kext_diagnostics_free(diagnostics);
}

/* A kext that was named and is left out makes the command fail; one of a folder does not.
 */
static void consider(struct selection *s, struct kext_bundle *bundle, bool is_named)
{
	int status;
	if (has_path(s, kext_bundle_path(bundle)))
		return;
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	const char *reason = reason_against(s, bundle, diagnostics, &status);
	if (is_named || arguments.level > 0)
		print_diagnostics(diagnostics, KEXT_WARNING);
	kext_diagnostics_free(diagnostics);
	if (!reason) {
		warn_of_dependencies(s, bundle);
		push(s, bundle);
		return;
	}
	if (is_named || !arguments.is_quiet)
		print_error("%s %s; omitting from mkext.", kext_bundle_name(bundle),
			    reason);
	if (is_named)
		s->status = status;
}

static struct kext_bundle *open_kext(struct selection *s, const char *path)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_bundle *bundle = NULL;
	int error = kext_bundle_open(s->context, path, diagnostics, &bundle);
	if (error < 0)
		s->status = error == -ENOENT ? EXIT_NOT_FOUND : EXIT_BAD_KEXT;
	flush(&diagnostics, KEXT_WARNING);
	kext_diagnostics_free(diagnostics);
	return bundle;
}

/* Opens what is named and lets all know each other, so that dependencies are found. */
static void gather(struct selection *s, struct kext_bundle **named)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	int error = kext_repository_add_default(s->known, false, NULL);
	for (size_t i = 0; i < arguments.operands.count; i++) {
		const char *path = arguments.operands.items[i];
		size_t length = strlen(path);
		while (length > 1 && path[length - 1] == '/')
			length--;
		if (length > 5 && memcmp(path + length - 5, ".kext", 5) == 0) {
			named[i] = open_kext(s, path);
			if (named[i] && error == 0)
				error = kext_repository_add(s->known, named[i]);
		} else if (kext_repository_add_folder(s->folders, path, diagnostics) <
			   0) {
			s->status = EXIT_NOT_FOUND;
		}
		flush(&diagnostics, arguments.level > 0 ? KEXT_WARNING : KEXT_ERROR);
	}
	for (size_t i = 0; error == 0 && i < kext_repository_count(s->folders); i++)
		error = kext_repository_add(s->known, kext_repository_at(s->folders, i));
	kext_diagnostics_free(diagnostics);
	if (error < 0) {
		print_error("%s", kext_error_string(error));
		exit(kext_error_exit_status(error));
	}
}

static void consider_with_plugins(struct selection *s, struct kext_bundle *bundle)
{
	consider(s, bundle, true);
	for (size_t i = 0; i < kext_bundle_plugin_count(bundle); i++) {
		struct kext_bundle *plugin =
			open_kext(s, kext_bundle_plugin_path(bundle, i));
		if (plugin)
			consider(s, plugin, true);
		kext_bundle_unref(plugin);
	}
}

/* Named kexts in the order given, then those of the folders by identifier. */
static void choose(struct selection *s)
{
	struct kext_bundle **named = calloc(arguments.operands.count, sizeof(*named));
	if (!named)
		exit(EX_OSERR);
	gather(s, named);
	for (size_t i = 0; i < arguments.operands.count; i++) {
		if (named[i])
			consider_with_plugins(s, named[i]);
		kext_bundle_unref(named[i]);
	}
	free(named);
	for (size_t i = 0; i < kext_repository_count(s->folders); i++)
		consider(s, kext_repository_at(s->folders, i), false);
}

static int write_output(const void *data, size_t size,
			struct kext_diagnostics *diagnostics)
{
	if (strcmp(arguments.output, "-") == 0)
		return fwrite(data, 1, size, stdout) == size ? EX_OK : EX_IOERR;
	if (kext_archive_save(arguments.output, data, size, diagnostics) < 0)
		return EX_CANTCREAT;
	if (arguments.level > 0)
		print_error("Created mkext archive %s.", arguments.output);
	return EX_OK;
}

/* The newest change of the folders given; kexts may come and go while we read. */
static struct timespec folder_time(void)
{
	struct timespec newest = {0};
	for (size_t i = 0; i < arguments.operands.count; i++) {
		struct stat stat_of;
		if (stat(arguments.operands.items[i], &stat_of) == 0 &&
		    (stat_of.st_mtim.tv_sec > newest.tv_sec ||
		     (stat_of.st_mtim.tv_sec == newest.tv_sec &&
		      stat_of.st_mtim.tv_nsec > newest.tv_nsec)))
			newest = stat_of.st_mtim;
	}
	return newest;
}

static bool has_changed(struct timespec before)
{
	struct timespec now = folder_time();
	if (now.tv_sec == before.tv_sec && now.tv_nsec == before.tv_nsec)
		return false;
	print_error(
		"a source folder has changed since starting; not saving cache file %s.",
		arguments.output);
	return true;
}

static int make_archive(struct selection *s, struct timespec before)
{
	struct kext_mkext_options options = {.arch = s->arch};
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	void *data = NULL;
	size_t size = 0;
	int status, error = kext_mkext_write(s->bundles, s->count, &options, diagnostics,
					     &data, &size);
	if (error < 0)
		status = kext_error_exit_status(error);
	else
		status = has_changed(before) ? EXIT_STALE
					     : write_output(data, size, diagnostics);
	print_diagnostics(diagnostics, KEXT_WARNING);
	if (error < 0 && !kext_diagnostics_count(diagnostics, KEXT_ERROR))
		print_error("%s", kext_error_string(error));
	kext_diagnostics_free(diagnostics);
	free(data);
	return status ? status : s->status;
}

static int run(struct selection *s)
{
	struct timespec before = folder_time();
	choose(s);
	if (s->count)
		return make_archive(s, before);
	print_error("no kexts are left for the archive; %s is not written",
		    arguments.output);
	return s->status ? s->status : EXIT_NOT_FOUND;
}

int main(int argc, char **argv)
{
	struct selection s = {.arch = kext_arch_host()};
	print_set_program(command.name);
	options_parse(&command, argc, argv);
	print_set_quiet(arguments.is_quiet);
	if (!arguments.output)
		options_fail(&command, "No work to do; check options and try again.");
	if (!arguments.operands.count)
		options_fail(&command, "No kexts or directories specified.");
	if (arguments.arch && !(s.arch = kext_arch_named(arguments.arch)))
		options_fail(&command, "unknown CPU arch %s", arguments.arch);
	int error = kext_context_new(&s.context);
	if (error == 0)
		error = kext_repository_new(s.context, &s.folders);
	if (error == 0)
		error = kext_repository_new(s.context, &s.known);
	int status = error < 0 ? kext_error_exit_status(error) : run(&s);
	for (size_t i = 0; i < s.count; i++)
		kext_bundle_unref(s.bundles[i]);
	free(s.bundles);
	kext_repository_free(s.known);
	kext_repository_free(s.folders);
	kext_context_unref(s.context);
	return print_finish(status);
}
