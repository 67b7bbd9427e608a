/* ksysctl: reads and writes sysctls of the userland kernel. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "common/instance.h"
#include "common/json.h"
#include "common/print.h"

/* Low four bits of a sysctl's kind, as Darwin's sys/sysctl.h numbers them. */
enum kind { KIND_NODE = 1, KIND_INT, KIND_STRING, KIND_QUAD, KIND_OPAQUE };

static struct option_list names;
static bool all, values_only, quiet, as_json;
static struct kext_value *list; /* for JSON; NULL: out of memory */
static const char *instance_text;

static const struct option_row rows[] = {
	{'a', "all", OPTION_FLAG, &all, NULL, "print every sysctl", NULL},
	{'n', "values", OPTION_FLAG, &values_only, NULL, "print values without names",
	 NULL},
	{'q', "quiet", OPTION_FLAG, &quiet, NULL, "print nothing when writing", NULL},
	{0, "json", OPTION_FLAG, &as_json, NULL, "print JSON", NULL},
	OPTION_ROW_INSTANCE(instance_text),
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "ksysctl",
	.synopsis = "[-hnq] [--json] NAME[=VALUE]... | [-hn] [--json] -a",
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

static void print_int(FILE *to, const struct kext_sysctl *sysctl, size_t at)
{
	uint32_t value;
	memcpy(&value, (const uint8_t *)sysctl->data + at, sizeof(value));
	if (is_unsigned(sysctl))
		fprintf(to, "%" PRIu32, value);
	else
		fprintf(to, "%" PRId32, (int32_t)value);
}

static void print_quad(FILE *to, const struct kext_sysctl *sysctl, size_t at)
{
	uint64_t value;
	memcpy(&value, (const uint8_t *)sysctl->data + at, sizeof(value));
	if (is_unsigned(sysctl))
		fprintf(to, "%" PRIu64, value);
	else
		fprintf(to, "%" PRId64, (int64_t)value);
}

/* A node of numbers may hold several of them. */
static void print_numbers(FILE *to, const struct kext_sysctl *sysctl, size_t width,
			  void (*print)(FILE *to, const struct kext_sysctl *sysctl,
					size_t at))
{
	for (size_t at = 0; at + width <= sysctl->size; at += width) {
		if (at)
			fputc(' ', to);
		print(to, sysctl, at);
	}
}

static void print_bytes(FILE *to, const struct kext_sysctl *sysctl)
{
	const uint8_t *bytes = sysctl->data;
	for (size_t i = 0; i < sysctl->size; i++)
		fprintf(to, "%02x", bytes[i]);
}

static void print_value(FILE *to, const struct kext_sysctl *sysctl)
{
	switch (sysctl->kind & 0xf) {
	case KIND_INT:
		print_numbers(to, sysctl, sizeof(uint32_t), print_int);
		break;
	case KIND_QUAD:
		print_numbers(to, sysctl, sizeof(uint64_t), print_quad);
		break;
	case KIND_STRING:
		fputs(sysctl->data, to);
		break;
	default:
		print_bytes(to, sysctl);
	}
}

/* ---- values as JSON ---- */

/* All values are text, as they are printed: JSON's numbers need not hold 64 bits. */
static struct kext_value *value_text(const struct kext_sysctl *sysctl)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	if (!stream)
		return NULL;
	print_value(stream, sysctl);
	struct kext_value *value =
		fclose(stream) == 0 ? kext_value_new_string_n(text, size) : NULL;
	free(text);
	return value;
}

static const char *kind_name(const struct kext_sysctl *sysctl)
{
	static const char *const kinds[] = {
		[KIND_NODE] = "node", [KIND_INT] = "int",	[KIND_STRING] = "string",
		[KIND_QUAD] = "quad", [KIND_OPAQUE] = "opaque",
	};
	unsigned kind = sysctl->kind & 0xf;
	return kind >= KIND_NODE && kind <= KIND_OPAQUE ? kinds[kind] : "opaque";
}

static void add_json(const char *name, const struct kext_sysctl *sysctl)
{
	struct kext_value *object = kext_value_new_dictionary();
	int error = kext_value_append(list, object); /* keeps it alive */
	if (error == 0)
		error = kext_value_set(object, "name", kext_value_new_string(name));
	if (error == 0)
		error = kext_value_set(object, "kind",
				       kext_value_new_string(kind_name(sysctl)));
	if (error == 0)
		error = kext_value_set(object, "value", value_text(sysctl));
	if (error < 0)
		list = kext_value_unref(list);
}

static void print_name(const char *name)
{
	if (!values_only)
		printf("%s: ", name);
}

/* `NAME: VALUE`, or a further object of the list. */
static void tell(const char *name, const struct kext_sysctl *sysctl)
{
	if (as_json) {
		add_json(name, sysctl);
		return;
	}
	print_name(name);
	print_value(stdout, sysctl);
	putchar('\n');
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

static int show(const char *name)
{
	struct kext_sysctl sysctl = {0};
	int error = kext_client_sysctl(client, name, NULL, 0, &sysctl);
	if (error < 0)
		return fail(name, error);
	tell(name, &sysctl);
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
	if (error == 0 && as_json) {
		add_json(name, &fresh);
	} else if (error == 0 && !quiet) {
		print_name(name);
		print_value(stdout, &old);
		fputs(" -> ", stdout);
		print_value(stdout, &fresh);
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
	struct kext_value *known;
	int error = kext_client_sysctl_names(client, &known);
	if (error < 0)
		return fail("-a", error);
	for (size_t i = 0; i < kext_value_count(known); i++) {
		const char *name = kext_value_string(kext_value_at(known, i));
		struct kext_sysctl sysctl = {0};
		if (!name || kext_client_sysctl(client, name, NULL, 0, &sysctl) < 0)
			continue;
		tell(name, &sysctl);
		free(sysctl.data);
	}
	kext_value_unref(known);
	return EX_OK;
}

/* What was read is told, whatever else failed. */
static int finish_json(int status)
{
	if (as_json && json_print(json_document_of("ksysctl/1", "sysctls", list)) < 0)
		return status ? status : EX_OSERR;
	return status;
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
	list = as_json ? kext_value_new_array() : NULL;
	if (error == 0 && all)
		return print_finish(finish_json(EX_OK));
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
	return print_finish(finish_json(status));
}
