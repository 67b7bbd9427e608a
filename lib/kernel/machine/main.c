/* kernel_task's options and the order in which its parts come up. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <unistd.h>
#include "kernel/bsd/files.h"
#include "kernel/bsd/interface.h"
#include "kernel/libkern/cxx.h"
#include "kernel/libkern/libkern.h"
#include "kernel/machine/machine.h"

#define SOCKET_FD 3
#define PANIC_FD  4

struct options {
	const char *boot_args, *describe, *trap;
	long uid;
	bool has_sandbox;
};

static _Noreturn void usage(FILE *to, int status)
{
	fputs("usage: kernel_task [--boot-args LINE] [--sandbox=off] [--uid N]\n"
	      "       kernel_task [--trap SYMBOL] --describe FILE | --version | --help\n"
	      "The userland kernel; kextd starts it with a socket as descriptor 3 and a "
	      "pipe "
	      "as 4.\n",
	      to);
	exit(status);
}

static long parse_uid(const char *text)
{
	char *end;
	errno = 0;
	long uid = strtol(text, &end, 10);
	if (errno || *end || end == text || uid < 0 || uid >= (long)UINT32_MAX) {
		fprintf(stderr, "kernel_task: --uid wants a user id, not \"%s\"\n", text);
		exit(64);
	}
	return uid;
}

static bool parse_sandbox(const char *text)
{
	if (strcmp(text, "off") != 0) {
		fprintf(stderr, "kernel_task: --sandbox can only be off, not \"%s\"\n",
			text);
		exit(64);
	}
	return false;
}

static void parse(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		{"boot-args", required_argument, NULL, 'b'},
		{"sandbox", required_argument, NULL, 's'},
		{"uid", required_argument, NULL, 'u'},
		{"describe", required_argument, NULL, 'd'},
		{"trap", required_argument, NULL, 't'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;
	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (option == 'b') {
			options->boot_args = optarg;
		} else if (option == 's') {
			options->has_sandbox = parse_sandbox(optarg);
		} else if (option == 'u') {
			options->uid = parse_uid(optarg);
		} else if (option == 'd') {
			options->describe = optarg;
		} else if (option == 't') {
			options->trap = optarg;
		} else if (option == 'V') {
			puts(version);
			exit(0);
		} else {
			usage(option == 'h' ? stdout : stderr, option == 'h' ? 0 : 64);
		}
	}
	if (optind < argc)
		usage(stderr, 64);
}

/*
 * The heap was in the way of the kernel's ranges before even our first instruction ran.
 * Without randomisation Linux puts it right behind the program; starting over settles it.
 */
static void ensure_space(char **argv)
{
	if (space_is_reserved())
		return;
	int old = personality(0xffffffff);
	if (old >= 0 && !(old & ADDR_NO_RANDOMIZE) &&
	    personality((unsigned long)old | ADDR_NO_RANDOMIZE) >= 0)
		execv("/proc/self/exe", argv);
	fprintf(stderr, "kernel_task: the addresses from 0x%llx on are taken\n",
		KERNEL_TRAPS);
	exit(71);
}

/*
 * One arena for all threads: glibc reads a file of /proc when it shrinks another thread's
 * arena, and nothing here may open files.
 */
static void start_parts(const struct options *options)
{
	mallopt(M_ARENA_MAX, 1);
	machine_thread_setup();
	bootargs_set(options->boot_args);
	trap_startup();
	host_startup();
	clock_startup();
	thread_startup();
	kheap_startup();
	msgbuf_startup();
	proc_startup();
	files_startup();
	interface_startup();
	sysctl_startup();
	vtables_startup();
	kmod_startup();
	autounload_startup();
	libkern_startup();
}

/* A sanitizer's runtime needs what the sandbox forbids. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

int kernel_main(int argc, char **argv)
{
	struct options options = {.boot_args = "", .uid = -1, .has_sandbox = !SANITIZED};
	parse(argc, argv, &options);
	if (options.describe) {
		int error = kernel_describe(options.describe, options.trap);
		if (error)
			fprintf(stderr, "kernel_task: cannot write %s (error %d)\n",
				options.describe, error);
		return error ? 74 : 0;
	}
	ensure_space(argv);
	panic_set_output(PANIC_FD);
	start_parts(&options);
	if (options.has_sandbox)
		sandbox_enter(options.uid);
	else
		kernel_log("WARNING: no sandbox%s\n",
			   SANITIZED ? ": this kernel is built with a sanitizer" : "");
	thread_call_startup(); /* its threads run kexts: they inherit the sandbox */
	kernel_log("%s\n", version);
	server_run(SOCKET_FD);
}
