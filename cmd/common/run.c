/* A private kernel; see run.h. Its kextd is found by folders that only we know. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include <kext/client.h>
#include <kext/error.h>
#include "common/instance.h"
#include "common/interrupt.h"
#include "common/json.h"
#include "common/print.h"
#include "common/run.h"

enum { KIND_INT = 2, KIND_STRING = 3, KIND_QUAD = 5 };

struct run {
	const struct run_plan *plan;
	char folder[4096];
	struct kext_value *findings; /* as kextd has them */
	char *report;		     /* text of the panic report; NULL */
	int error;		     /* the first */
};

static struct kext_client *client;

/* ---- the folders ---- */

static int make_folder(struct run *run)
{
	char place[sizeof(run->folder) + 8];
	const char *parent = getenv("TMPDIR");
	if (!parent || parent[0] != '/' || strlen(parent) > 1024)
		parent = "/tmp";
	snprintf(run->folder, sizeof(run->folder), "%s/kext-run.XXXXXX", parent);
	if (!mkdtemp(run->folder))
		return -errno;
	snprintf(place, sizeof(place), "%s/run", run->folder);
	int failed = setenv("KEXT_RUNDIR", place, 1);
	snprintf(place, sizeof(place), "%s/state", run->folder);
	failed |= setenv("KEXT_STATEDIR", place, 1);
	/* Of two arguments of one name the kernel takes the last. */
	snprintf(place, sizeof(place), "kheap_guard=1 %s",
		 run->plan->boot_args ? run->plan->boot_args : "");
	failed |= setenv("KEXT_BOOTARGS", place, 1);
	return failed ? -ENOMEM : 0;
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *where)
{
	(void)st, (void)type, (void)where;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

/* kextd leaves a moment after its answer, and may write until then. */
static void remove_folder(struct run *run)
{
	for (int i = 0; i < 50 && access(run->folder, F_OK) == 0; i++) {
		nftw(run->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
		if (access(run->folder, F_OK) == 0)
			usleep(20000);
	}
}

/* ---- what went wrong ---- */

static void keep_error(struct run *run, int error)
{
	if (error < 0 && run->error == 0)
		run->error = error;
}

static void keep_report(struct run *run, const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = path && !run->report ? fopen(path, "re") : NULL;
	if (!file)
		return;
	if (getdelim(&text, &size, '\0', file) > 0)
		run->report = text;
	else
		free(text);
	fclose(file);
}

static void take_outcome(struct run *run, const char *what, const char *verb, int error,
			 struct kext_diagnostics *diagnostics,
			 struct kext_load_reply *reply)
{
	print_diagnostics(diagnostics, run->plan->load.at_least);
	if (error < 0)
		print_error("%s failed to %s - %s", what, verb, kext_error_string(error));
	else if (!run->plan->as_json)
		print_result("%s: %sed", what, verb);
	keep_report(run, reply->report);
	keep_error(run, error);
	free(reply->report);
	kext_diagnostics_free(diagnostics);
}

/* ---- loading, setting, unloading ---- */

static void load_one(struct run *run, const char *path, const char *identifier)
{
	const struct load_plan *plan = &run->plan->load;
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_load_reply reply = {0};
	struct kext_load_options options = {
		.path = path,
		.identifier = identifier,
		.repositories = plan->repositories->items,
		.repository_count = plan->repositories->count,
		.dependencies = plan->dependencies->items,
		.dependency_count = plan->dependencies->count,
		.no_system_extensions = plan->no_system,
		.allow_missing = plan->allow_missing,
		.timeout_ms = plan->timeout_ms,
	};
	int error = kext_client_load(client, &options, diagnostics, &reply);
	take_outcome(run, path ? path : identifier, "load", error, diagnostics, &reply);
}

static int write_setting(const char *name, const char *text)
{
	struct kext_sysctl old = {0}, fresh = {0};
	int error = kext_client_sysctl(client, name, NULL, 0, &old);
	unsigned kind = old.kind & 0xf;
	char *end = NULL;
	free(old.data);
	if (error < 0)
		return error;
	errno = 0;
	uint64_t number = text[0] == '-' ? (uint64_t)strtoll(text, &end, 0)
					 : strtoull(text, &end, 0);
	if (kind == KIND_STRING)
		error = kext_client_sysctl(client, name, text, strlen(text), &fresh);
	else if ((kind != KIND_INT && kind != KIND_QUAD) || errno || end == text || *end)
		error = -EINVAL;
	else if (kind == KIND_INT && (int64_t)number != (int32_t)number &&
		 number > UINT32_MAX)
		error = -EINVAL;
	else /* x86_64 stores the low half first */
		error = kext_client_sysctl(client, name, &number,
					   kind == KIND_INT ? 4 : 8, &fresh);
	free(fresh.data);
	return error;
}

static void set_one(struct run *run, const char *setting)
{
	const char *equals = strchr(setting, '=');
	char name[512];
	int error = -EINVAL;
	if (equals && equals != setting && (size_t)(equals - setting) < sizeof(name)) {
		memcpy(name, setting, (size_t)(equals - setting));
		name[equals - setting] = '\0';
		error = write_setting(name, equals + 1);
	}
	if (error < 0)
		print_error("%s: %s", setting, kext_error_string(error));
	keep_error(run, error);
}

static void unload_one(struct run *run, const char *identifier)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_load_reply reply = {0};
	int error = kext_client_unload(client, identifier, run->plan->load.timeout_ms,
				       diagnostics, &reply);
	take_outcome(run, identifier, "unload", error, diagnostics, &reply);
}

/* All that came in, libraries too: what is loaded later may need what was earlier. */
static void unload_all(struct run *run)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_value *kexts = NULL;
	int error = kext_client_list(client, diagnostics, &kexts);
	kext_diagnostics_free(diagnostics);
	keep_error(run, error);
	for (size_t i = error < 0 ? 0 : kext_value_count(kexts);
	     i-- > 0 && !run->report && !interrupt_came();) {
		const struct kext_value *kext = kext_value_at(kexts, i);
		const char *identifier =
			kext_value_string(kext_value_get(kext, "CFBundleIdentifier"));
		if (identifier &&
		    kext_value_integer(kext_value_get(kext, "OSBundleLoadTag")) &&
		    !kext_value_boolean(kext_value_get(kext, "OSKernelResource")))
			unload_one(run, identifier);
	}
	kext_value_unref(kexts);
}

static void live(struct run *run)
{
	const struct load_plan *plan = &run->plan->load;
	for (size_t i = 0; i < plan->identifiers->count && !run->error; i++)
		load_one(run, NULL, plan->identifiers->items[i]);
	for (size_t i = 0; i < plan->paths->count && !run->error; i++)
		load_one(run, plan->paths->items[i], NULL);
	for (size_t i = 0; i < run->plan->settings->count && !run->error; i++)
		set_one(run, run->plan->settings->items[i]);
	if (!run->report)
		unload_all(run);
}

/* ---- findings ---- */

static const char *text_of(const struct kext_value *value, const char *key)
{
	const char *text = kext_value_string(kext_value_get(value, key));
	return text ? text : "";
}

static void print_place(const char *title, const struct kext_value *place)
{
	const char *symbol = text_of(place, "symbol");
	if (!place)
		return;
	print_error("    %s %s + %s%s%s%s%s%s", title, text_of(place, "image"),
		    text_of(place, "offset"), symbol[0] ? " (" : "", symbol,
		    symbol[0] ? " + " : "", text_of(place, "symbol_offset"),
		    symbol[0] ? ")" : "");
}

static void print_finding(const struct kext_value *finding)
{
	print_error("%s: %s: %s", text_of(finding, "kext"), text_of(finding, "check"),
		    text_of(finding, "message"));
	print_place("by", kext_value_get(finding, "site"));
	print_place("memory of", kext_value_get(finding, "origin"));
}

static void read_findings(struct run *run)
{
	struct kext_value *findings = NULL;
	int error = kext_client_findings(client, &findings);
	keep_error(run, error);
	if (error < 0)
		return;
	kext_value_unref(run->findings);
	run->findings = findings;
	for (size_t i = 0; i < kext_value_count(findings); i++)
		print_finding(kext_value_at(findings, i));
}

static int exit_status(const struct run *run)
{
	if (run->error == KEXT_ERR_TIMEOUT || interrupt_came())
		return EX_TEMPFAIL;
	if (run->report || run->error == KEXT_ERR_PANIC)
		return EX_SOFTWARE;
	if (run->error < 0)
		return EX_OSERR;
	return kext_value_count(run->findings) ? EX_DATAERR : EX_OK;
}

static int print_json(const struct run *run, int status)
{
	struct kext_value *top = json_document("kextutil-run/1");
	int error = kext_value_set(top, "status",
				   kext_value_new_integer((uint64_t)status, 32));
	if (error == 0)
		error = kext_value_set(top, "findings", kext_value_ref(run->findings));
	if (error == 0 && run->error < 0)
		error = kext_value_set(
			top, "error",
			kext_value_new_string(kext_error_string(run->error)));
	if (error == 0 && run->report)
		error = kext_value_set(top, "report", kext_value_new_string(run->report));
	if (error == 0)
		return json_print(top);
	kext_value_unref(top);
	return error;
}

int run_privately(const struct run_plan *plan)
{
	struct run run = {.plan = plan, .findings = kext_value_new_array()};
	int error = run.findings ? make_folder(&run) : -ENOMEM;
	if (error < 0) {
		print_error("no folder for a kernel: %s", kext_error_string(error));
		kext_value_unref(run.findings);
		return EX_OSERR;
	}
	keep_error(&run,
		   instance_connect(KEXT_INSTANCE_DEFAULT, KEXT_CLIENT_START, &client));
	if (client) {
		interrupt_cancels(client);
		live(&run);
		read_findings(&run);
		keep_error(&run, kext_client_shutdown(client));
		interrupt_cancels(NULL);
		client = kext_client_free(client);
	}
	remove_folder(&run);
	int status = exit_status(&run);
	if (run.report && !plan->as_json)
		fputs(run.report, stderr);
	if (plan->as_json && print_json(&run, status) < 0)
		status = EX_OSERR;
	free(run.report);
	kext_value_unref(run.findings);
	return status;
}
