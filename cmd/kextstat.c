/* kextstat: what is loaded, as a table or as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <kext/arch.h>
#include "common/instance.h"
#include "common/print.h"

static struct option_list identifiers;
static bool no_kernel, list_only, as_json, with_arch;
static const char *instance_text;

static const struct option_row rows[] = {
	{'a', "arch", OPTION_FLAG, &with_arch, NULL, "show architectures", NULL},
	{'b', "bundle-id", OPTION_LIST, &identifiers, "IDENTIFIER", "only this kext",
	 NULL},
	{'k', "no-kernel", OPTION_FLAG, &no_kernel, NULL, "leave the kernel's parts out",
	 NULL},
	{'l', "list-only", OPTION_FLAG, &list_only, NULL, "no header", NULL},
	{0, "json", OPTION_FLAG, &as_json, NULL, "print JSON", NULL},
	OPTION_ROW_INSTANCE(instance_text),
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "kextstat",
	.synopsis = "[-ahkl] [--json] [-b ID]...",
	.purpose = "Lists the kexts that are loaded in the userland kernel.",
	.rows = rows,
};

/* ---- choosing ---- */

static bool is_named(const char *identifier)
{
	for (size_t i = 0; identifier && i < identifiers.count; i++) {
		if (strcmp(identifiers.items[i], identifier) == 0)
			return true;
	}
	return false;
}

static bool is_wanted(const struct kext_value *kext)
{
	bool named =
		is_named(kext_value_string(kext_value_get(kext, "CFBundleIdentifier")));
	if (identifiers.count && !named)
		return false;
	/* Tag 0 is the kernel as a whole, which no list ever showed. */
	if (kext_value_integer(kext_value_get(kext, "OSBundleLoadTag")) == 0)
		return false;
	return named || !no_kernel ||
	       !kext_value_boolean(kext_value_get(kext, "OSKernelResource"));
}

/* ---- the table ---- */

static void print_header(void)
{
	printf("Index Refs Address            Size       Wired      %sName (Version) "
	       "UUID "
	       "<Linked Against>\n",
	       with_arch ? "Architecture       " : "");
}

/* A number, or marks when the kernel did not tell; the original prints 0 without 0x. */
static void print_number(const struct kext_value *kext, const char *key,
			 const char *format, const char *unknown)
{
	const struct kext_value *value = kext_value_get(kext, key);
	if (!value)
		fputs(unknown, stdout);
	else
		printf(format, (unsigned long long)kext_value_integer(value));
}

static void print_arch(const struct kext_value *kext)
{
	uint32_t type =
		(uint32_t)kext_value_integer(kext_value_get(kext, "OSBundleCPUType"));
	uint32_t subtype =
		(uint32_t)kext_value_integer(kext_value_get(kext, "OSBundleCPUSubtype"));
	const struct kext_arch *arch = type ? kext_arch_numbered(type, subtype) : NULL;
	if (arch)
		printf(" %-18s", arch->name);
	else if (type)
		printf(" %#010x/%#-7x", type, subtype);
	else
		printf(" %10s/%-7s", "????", "????");
}

static void print_uuid(const struct kext_value *kext)
{
	size_t size = 0;
	const uint8_t *u = kext_value_data(kext_value_get(kext, "OSBundleUUID"), &size);
	if (size != 16) {
		fputs(" no UUID", stdout);
		return;
	}
	printf(" %02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X",
	       u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11],
	       u[12], u[13], u[14], u[15]);
}

static int descending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x < y) - (x > y);
}

static void print_dependencies(const struct kext_value *kext)
{
	const struct kext_value *list = kext_value_get(kext, "OSBundleDependencies");
	size_t count = kext_value_count(list);
	uint64_t *tags = count ? calloc(count, sizeof(*tags)) : NULL;
	if (!tags)
		return;
	for (size_t i = 0; i < count; i++)
		tags[i] = kext_value_integer(kext_value_at(list, i));
	qsort(tags, count, sizeof(*tags), descending);
	for (size_t i = 0; i < count; i++)
		printf("%s%llu", i ? " " : " <", (unsigned long long)tags[i]);
	putchar('>');
	free(tags);
}

static void print_row(const struct kext_value *kext)
{
	const char *name = kext_value_string(kext_value_get(kext, "CFBundleIdentifier"));
	const char *version = kext_value_string(kext_value_get(kext, "CFBundleVersion"));
	print_number(kext, "OSBundleLoadTag", "%5llu", "   ??");
	print_number(kext, "OSBundleRetainCount", " %4llu", "   ??");
	print_number(kext, "OSBundleLoadAddress", " %#-18llx", " ????              ");
	print_number(kext, "OSBundleLoadSize", " %#-10llx", " ????      ");
	print_number(kext, "OSBundleWiredSize", " %#-10llx", " ????      ");
	if (with_arch)
		print_arch(kext);
	printf(" %s (%s)", name ? name : "????", version ? version : "????");
	print_uuid(kext);
	print_dependencies(kext);
	putchar('\n');
}

static void print_table(const struct kext_value *kexts)
{
	if (!list_only)
		print_header();
	for (size_t i = 0; i < kext_value_count(kexts); i++) {
		if (is_wanted(kext_value_at(kexts, i)))
			print_row(kext_value_at(kexts, i));
	}
}

/* ---- JSON ---- */

static int print_json(const struct kext_value *kexts)
{
	struct kext_value *wanted = kext_value_new_array();
	char *text;
	int error = wanted ? 0 : -1;
	for (size_t i = 0; error == 0 && i < kext_value_count(kexts); i++) {
		if (is_wanted(kext_value_at(kexts, i)))
			error = kext_value_append(
				wanted, kext_value_ref(kext_value_at(kexts, i)));
	}
	if (error == 0)
		error = kext_value_to_json(wanted, &text);
	kext_value_unref(wanted);
	if (error < 0)
		return error;
	printf("%s\n", text);
	free(text);
	return 0;
}

static int list(struct kext_value **ret_kexts)
{
	struct kext_client *client = NULL;
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	int connected =
		instance_connect(instance_named(&command, instance_text), 0, &client);
	int error = connected < 0 ? connected : 0;
	if (connected == 1) {
		error = kext_client_list(client, diagnostics, ret_kexts);
		print_diagnostics(diagnostics, KEXT_ERROR);
		if (error < 0)
			print_error("couldn't get list of loaded kexts from kernel - %s",
				    kext_error_string(error));
	}
	kext_diagnostics_free(diagnostics);
	kext_client_free(client);
	return error;
}

int main(int argc, char **argv)
{
	struct kext_value *kexts = NULL;
	print_set_program(command.name);
	options_parse(&command, argc, argv);
	if (list(&kexts) < 0)
		return EX_OSERR;
	int status = EX_OK;
	if (!as_json)
		print_table(kexts);
	else if (print_json(kexts) < 0)
		status = EX_OSERR;
	kext_value_unref(kexts);
	return print_finish(status);
}
