/* ksysctl: reads and writes sysctls of the userland kernel. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "common/instance.h"
#include "common/print.h"

/* Low four bits of a sysctl's kind, as Darwin's sys/sysctl.h numbers them. */
enum kind { KIND_NODE = 1, KIND_INT, KIND_STRING, KIND_QUAD, KIND_OPAQUE };

static struct option_list names;
static bool all, values_only, quiet;
static const char *instance_text;

static const struct option_row rows[] = {
	{'a', "all", OPTION_FLAG, &all, NULL, "print every sysctl", NULL},
	{'n', "values", OPTION_FLAG, &values_only, NULL, "print values without names",
	 NULL},
	{'q', "quiet", OPTION_FLAG, &quiet, NULL, "print nothing when writing", NULL},
	OPTION_ROW_INSTANCE(instance_text),
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "ksysctl",
	.synopsis = "[-hnq] NAME[=VALUE]... | [-hn] -a",
	.purpose = "Reads and writes sysctls of the userland kernel.",
	.rows = rows,
	.operands = &names,
};

static struct kext_client *client;

/* ---- values as text ---- */

static bool is_unsigned(const struct kext_sysctl *sysctl)
{
	return strchr(sysctl->format, 'U') != NULL;
}

static void print_int(const struct kext_sysctl *sysctl, size_t at)
{
	uint32_t value;
	memcpy(&value, (const uint8_t *)sysctl->data + at, sizeof(value));
	if (is_unsigned(sysctl))
		printf("%" PRIu32, value);
	else
		printf("%" PRId32, (int32_t)value);
}

static void print_quad(const struct kext_sysctl *sysctl, size_t at)
{
	uint64_t value;
	memcpy(&value, (const uint8_t *)sysctl->data + at, sizeof(value));
	if (is_unsigned(sysctl))
		printf("%" PRIu64, value);
	else
		printf("%" PRId64, (int64_t)value);
}

/* A node of numbers may hold several of them. */
static void print_numbers(const struct kext_sysctl *sysctl, size_t width,
			  void (*print)(const struct kext_sysctl *sysctl, size_t at))
{
	for (size_t at = 0; at + width <= sysctl->size; at += width) {
		if (at)
			putchar(' ');
		print(sysctl, at);
	}
}

static void print_bytes(const struct kext_sysctl *sysctl)
{
	const uint8_t *bytes = sysctl->data;
	for (size_t i = 0; i < sysctl->size; i++)
		printf("%02x", bytes[i]);
}

static void print_value(const struct kext_sysctl *sysctl)
{
	switch (sysctl->kind & 0xf) {
	case KIND_INT:
		print_numbers(sysctl, sizeof(uint32_t), print_int);
		break;
	case KIND_QUAD:
		print_numbers(sysctl, sizeof(uint64_t), print_quad);
		break;
	case KIND_STRING:
		fputs(sysctl->data, stdout);
		break;
	default:
		print_bytes(sysctl);
	}
}

/* ---- values from text ---- */

union number {
	uint32_t narrow;
	uint64_t wide;
};

/* 0, or KEXT_ERR_INVALID_ARGUMENT for what is no number or too large. */
static int parse_number(const char *text, bool is_wide, union number *ret)
{
	char *end;
	bool is_negative = text[0] == '-';
	errno = 0;
	uint64_t value =
		is_negative ? (uint64_t)strtoll(text, &end, 0) : strtoull(text, &end, 0);
	if (errno || end == text || *end)
		return KEXT_ERR_INVALID_ARGUMENT;
	if (is_wide) {
		ret->wide = value;
		return 0;
	}
	if (is_negative ? (int64_t)value < INT32_MIN : value > UINT32_MAX)
		return KEXT_ERR_INVALID_ARGUMENT;
	ret->narrow = (uint32_t)value;
	return 0;
}

static int write_value(const char *name, const char *text,
		       const struct kext_sysctl *known, struct kext_sysctl *ret)
{
	union number number;
	bool is_wide = (known->kind & 0xf) == KIND_QUAD;
	int error;
	switch (known->kind & 0xf) {
	case KIND_STRING:
		return kext_client_sysctl(client, name, text, strlen(text), ret);
	case KIND_INT:
	case KIND_QUAD:
		error = parse_number(text, is_wide, &number);
		return error < 0 ? error
				 : kext_client_sysctl(client, name, &number,
						      is_wide ? sizeof(number.wide)
							      : sizeof(number.narrow),
						      ret);
	default:
		return KEXT_ERR_UNSUPPORTED;
	}
}

/* ---- one name ---- */

static int fail(const char *name, int error)
{
	if (error == KEXT_ERR_NOT_FOUND)
		print_error("%s: no such sysctl", name);
	else if (error == KEXT_ERR_UNSUPPORTED)
		print_error("%s: only numbers and strings can be written", name);
	else if (error == KEXT_ERR_INVALID_ARGUMENT)
		print_error("%s: its value is a number of 32 or 64 bits, not this text",
			    name);
	else if (error == -EPERM)
		print_error("%s: it is read-only, or yours to read only", name);
	else
		print_error("%s: %s", name, kext_error_string(error));
	return kext_error_exit_status(error);
}

static void print_name(const char *name)
{
	if (!values_only)
		printf("%s: ", name);
}

static int show(const char *name)
{
	struct kext_sysctl sysctl = {0};
	int error = kext_client_sysctl(client, name, NULL, 0, &sysctl);
	if (error < 0)
		return fail(name, error);
	print_name(name);
	print_value(&sysctl);
	putchar('\n');
	free(sysctl.data);
	return EX_OK;
}

/* As Darwin's tool: `NAME: OLD -> NEW`, the new value as the kernel then reads it. */
static int change(const char *name, const char *text)
{
	struct kext_sysctl old = {0}, ignored = {0}, fresh = {0};
	int error = kext_client_sysctl(client, name, NULL, 0, &old);
	if (error == 0)
		error = write_value(name, text, &old, &ignored);
	if (error == 0)
		error = kext_client_sysctl(client, name, NULL, 0, &fresh);
	if (error == 0 && !quiet) {
		print_name(name);
		print_value(&old);
		fputs(" -> ", stdout);
		print_value(&fresh);
		putchar('\n');
	}
	free(old.data);
	free(ignored.data);
	free(fresh.data);
	return error < 0 ? fail(name, error) : EX_OK;
}

static int handle(const char *operand)
{
	const char *equals = strchr(operand, '=');
	if (!equals)
		return show(operand);
	char *name = strndup(operand, (size_t)(equals - operand));
	if (!name)
		return EX_OSERR;
	int status = change(name, equals + 1);
	free(name);
	return status;
}

/* A node that cannot be read is left out, as there may be some that only can be written.
 */
static int show_all(void)
{
	struct kext_value *list;
	int error = kext_client_sysctl_names(client, &list);
	if (error < 0)
		return fail("-a", error);
	for (size_t i = 0; i < kext_value_count(list); i++) {
		const char *name = kext_value_string(kext_value_at(list, i));
		struct kext_sysctl sysctl = {0};
		if (!name || kext_client_sysctl(client, name, NULL, 0, &sysctl) < 0)
			continue;
		print_name(name);
		print_value(&sysctl);
		putchar('\n');
		free(sysctl.data);
	}
	kext_value_unref(list);
	return EX_OK;
}

int main(int argc, char **argv)
{
	int status = EX_OK;
	print_start(command.name);
	options_parse(&command, argc, argv);
	if (all == (names.count > 0))
		options_fail(&command, "name sysctls, or give -a");
	int error = instance_connect(instance_named(&command, instance_text), 0, &client);
	if (error < 0)
		return kext_error_exit_status(error);
	if (error == 0 && all)
		return EX_OK;
	if (error == 0) {
		print_error("no kextd is running, so there is no kernel to ask");
		return kext_error_exit_status(KEXT_ERR_NO_SERVER);
	}
	if (all)
		status = show_all();
	for (size_t i = 0; i < names.count; i++) {
		int own = handle(names.items[i]);
		status = status ? status : own;
	}
	kext_client_free(client);
	return print_finish(status);
}
