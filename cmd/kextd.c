/* kextd: serves one instance, or speaks to the one that runs. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <kext/daemon.h>
#include "common/instance.h"
#include "common/json.h"
#include "common/print.h"
#include "common/root.h"

static struct option_list repositories;
static bool foreground, restore, want_status, want_shutdown, want_restart, as_json;
static bool no_caches, quiet, safe_boot, of_old, file_writes;
static unsigned level, idle_ms, ready_fd = ~0u;
static const char *boot_args, *instance_text, *sandbox, *file_root;

static const struct option_row rows[] = {
	{'d', "foreground", OPTION_FLAG, &foreground, NULL,
	 "stay attached, log to stderr", NULL},
	{0, "debug", OPTION_FLAG, &foreground, NULL, NULL, NULL},
	{'c', "no-caches", OPTION_FLAG, &no_caches, NULL,
	 "do not believe caches of folders", NULL},
	{'x', "safe-boot", OPTION_FLAG, &safe_boot, NULL,
	 "load only what may be loaded in a safe boot; implies -c", NULL},
	{'q', "quiet", OPTION_FLAG, &quiet, NULL, "log nothing", NULL},
	{'v', "verbose", OPTION_LEVEL, &level, NULL, "what is logged", NULL},
	{'r', "repository", OPTION_LIST, &repositories, "FOLDER",
	 "a further folder of kexts", NULL},
	OPTION_ROW_ROOT,
	{0, "boot-args", OPTION_TEXT, &boot_args, "LINE", "the kernel's boot arguments",
	 NULL},
	{0, "file-root", OPTION_TEXT, &file_root, "FOLDER",
	 "what kexts see as the root of all files", NULL},
	{0, "file-writes", OPTION_FLAG, &file_writes, NULL,
	 "kexts may write files in that folder", NULL},
	{0, "idle", OPTION_SECONDS, &idle_ms, "SECONDS",
	 "leave when idle that long with nothing loaded", NULL},
	{0, "restore", OPTION_FLAG, &restore, NULL,
	 "after a panic load again what was loaded, save the culprit", NULL},
	{0, "sandbox", OPTION_TEXT, &sandbox, "on|off",
	 "off: for sanitizers and debuggers only", NULL},
	{0, "ready-fd", OPTION_NUMBER, &ready_fd, "FD", NULL, NULL},
	{0, "status", OPTION_FLAG, &want_status, NULL, "print what the running kextd is",
	 NULL},
	{0, "json", OPTION_FLAG, &as_json, NULL, "print the status as JSON", NULL},
	{0, "shutdown", OPTION_FLAG, &want_shutdown, NULL, "make the running kextd leave",
	 NULL},
	{0, "restart", OPTION_FLAG, &want_restart, NULL, "make it boot a fresh kernel",
	 NULL},
	OPTION_ROW_INSTANCE(instance_text),
	{'b', NULL, OPTION_FLAG, &of_old, NULL, "ignored", NULL},
	{'f', NULL, OPTION_FLAG, &of_old, NULL, "ignored", NULL},
	{'j', NULL, OPTION_FLAG, &of_old, NULL, "ignored", NULL},
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "kextd",
	.synopsis = "[-cdhqx] [-v [0-6]] [--boot-args LINE] [--idle SECONDS] [-r "
		    "FOLDER]... | --status | "
		    "--shutdown | --restart",
	.purpose = "Serves kexts: finds, checks and links them, and runs the userland "
		   "kernel.",
	.rows = rows,
};

/* ---- speaking to the one that runs ---- */

static void print_status_line(const char *key, const struct kext_value *value)
{
	printf("%s: ", key);
	if (kext_value_is(value, KEXT_VALUE_STRING))
		printf("%s\n", kext_value_string(value));
	else if (kext_value_is(value, KEXT_VALUE_BOOLEAN))
		printf("%s\n", kext_value_boolean(value) ? "yes" : "no");
	else
		printf("%" PRIu64 "\n", kext_value_integer(value));
}

static int print_status(struct kext_client *client)
{
	struct kext_value *status;
	int error = kext_client_status(client, &status);
	if (error < 0)
		return error;
	if (as_json)
		return json_print(json_document_of("kextd/1", "", status));
	for (size_t i = 0; i < kext_value_count(status); i++)
		print_status_line(kext_value_key_at(status, i), kext_value_at(status, i));
	kext_value_unref(status);
	return error;
}

static int speak(enum kext_instance instance)
{
	struct kext_client *client = NULL;
	int error = instance_connect(instance, 0, &client);
	if (error == 0) {
		print_error("not running");
		return want_shutdown ? EX_OK : EX_UNAVAILABLE;
	}
	error = error == 1 ? 0 : error;
	if (error == 0 && want_status)
		error = print_status(client);
	if (error == 0 && want_restart)
		error = kext_client_restart(client);
	if (error == 0 && want_shutdown)
		error = kext_client_shutdown(client);
	if (error < 0 && client)
		print_error("%s", kext_error_string(error));
	kext_client_free(client);
	return kext_error_exit_status(error);
}

/* ---- serving ---- */

static bool without_sandbox(void)
{
	if (!sandbox || strcmp(sandbox, "on") == 0)
		return false;
	if (strcmp(sandbox, "off") != 0)
		options_fail(&command, "--sandbox is on or off");
	print_error("warning: the kernel runs without its sandbox");
	return true;
}

/* kextd leaves the folder it was started in: its folders are named from the root. */
static const char *from_root(const char *folder)
{
	char *path = realpath(folder, NULL); /* for the program's life */
	if (path)
		return path;
	print_error("%s: %s", folder, strerror(errno));
	exit(EX_NOINPUT);
}

static int serve(enum kext_instance instance)
{
	if (file_root)
		file_root = from_root(file_root);
	for (size_t i = 0; i < repositories.count; i++)
		repositories.items[i] = from_root(repositories.items[i]);
	struct kext_daemon_options options = {
		.instance = instance,
		.boot_args = boot_args,
		.repositories = repositories.items,
		.repository_count = repositories.count,
		.file_root = file_root,
		.file_writes = file_writes,
		.foreground = foreground,
		.restore = restore,
		.quiet = quiet || (level && !print_has_level(3)),
		.safe_boot = safe_boot,
		.no_sandbox = without_sandbox(),
		.ready_fd = ready_fd == ~0u ? -1 : (int)ready_fd,
		/* Part of a second is a second: 0 means never. */
		.idle_seconds = (idle_ms + 999) / 1000,
	};
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_context *context = NULL;
	int error = kext_context_new(&context);
	if (error == 0)
		kext_context_set_caches(context, !no_caches && !safe_boot);
	if (error == 0)
		error = kext_daemon_run(context, &options, diagnostics);
	print_diagnostics(diagnostics, KEXT_WARNING);
	if (error < 0)
		print_error("%s", kext_error_string(error));
	kext_diagnostics_free(diagnostics);
	kext_context_unref(context);
	/* Another one serves. */
	return error == -EBUSY ? EX_UNAVAILABLE : kext_error_exit_status(error);
}

int main(int argc, char **argv)
{
	print_start(command.name);
	options_parse(&command, argc, argv);
	print_set_level(level);
	if (of_old)
		print_error("-b, -f and -j of Mac OS X 10.4 are ignored");
	enum kext_instance instance = instance_named(&command, instance_text);
	if (want_status || want_shutdown || want_restart)
		return print_finish(speak(instance));
	return serve(instance);
}
