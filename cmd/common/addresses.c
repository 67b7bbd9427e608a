/* Load addresses; see addresses.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <kext/version.h>
#include "common/addresses.h"
#include "common/print.h"

struct address {
	char *identifier;
	uint64_t value;
};

static void *checked(void *memory)
{
	if (memory)
		return memory;
	print_error("out of memory");
	exit(EX_OSERR);
}

static void add(struct addresses *addresses, const char *identifier, size_t length,
		uint64_t value)
{
	addresses->items = checked(reallocarray(addresses->items, addresses->count + 1,
						sizeof(*addresses->items)));
	addresses->items[addresses->count++] =
		(struct address){checked(strndup(identifier, length)), value};
}

/* Hexadecimal, 0x or not; false for zero and for what is no number. */
static bool read_value(const char *text, uint64_t *ret)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 16);
	if (errno || end == text || *end || !value || *text == '-' || *text == '+')
		return false;
	*ret = value;
	return true;
}

static bool add_pair(struct addresses *addresses, const char *pair)
{
	const char *at = strrchr(pair, '@');
	uint64_t value;
	if (!at || at == pair || !read_value(at + 1, &value))
		return false;
	add(addresses, pair, (size_t)(at - pair), value);
	return true;
}

static char *trim(char *line)
{
	line += strspn(line, " \t\r\n");
	for (size_t length = strlen(line); length && strchr(" \t\r\n", line[length - 1]);)
		line[--length] = '\0';
	return line;
}

/* Lines of ID@ADDRESS; empty ones and comments are skipped. */
static void add_file(struct addresses *addresses, const char *path)
{
	char *line = NULL;
	size_t room = 0;
	FILE *file = fopen(path, "re");
	if (!file) {
		print_error("%s: %s", path, strerror(errno));
		exit(EX_NOINPUT);
	}
	for (unsigned number = 1; getline(&line, &room, file) >= 0; number++) {
		const char *pair = trim(line);
		if (!*pair || *pair == '#' || add_pair(addresses, pair))
			continue;
		print_error("%s:%u: '%s' is not IDENTIFIER@ADDRESS, with a hexadecimal "
			    "address that is not zero",
			    path, number, pair);
		exit(EX_USAGE);
	}
	free(line);
	fclose(file);
}

void addresses_parse(struct addresses *addresses, const struct command *command,
		     const struct option_list *arguments)
{
	for (size_t i = 0; i < arguments->count; i++) {
		const char *text = arguments->items[i];
		if (text[0] == '@')
			add_file(addresses, text + 1);
		else if (!add_pair(addresses, text))
			options_fail(command,
				     "'%s' is not IDENTIFIER@ADDRESS, with a hexadecimal "
				     "address that is not zero",
				     text);
	}
}

/* ---- the running kernel ---- */

static int64_t read_version(const struct kext_value *row, const char *key)
{
	int64_t version;
	const char *text = kext_value_string(kext_value_get(row, key));
	return text && kext_version_parse(text, &version) == 0 ? version : 0;
}

static void note_loaded(struct addresses *addresses, const struct kext_value *row)
{
	const char *identifier =
		kext_value_string(kext_value_get(row, "CFBundleIdentifier"));
	uint64_t address = kext_value_integer(kext_value_get(row, "OSBundleLoadAddress"));
	if (!identifier)
		return;
	addresses->kexts[addresses->kext_count++] = (struct kext_loaded){
		.identifier = identifier,
		.version = read_version(row, "CFBundleVersion"),
		.compatible_version = read_version(row, "OSBundleCompatibleVersion"),
		.tag = (uint32_t)kext_value_integer(
			kext_value_get(row, "OSBundleLoadTag")),
	};
	if (address)
		add(addresses, identifier, strlen(identifier), address);
}

int addresses_read_kernel(struct addresses *addresses, enum kext_instance instance)
{
	struct kext_client *client = NULL;
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	int error = instance_connect(instance, 0, &client);
	if (error == 1)
		error = kext_client_list(client, diagnostics, &addresses->loaded);
	size_t count = kext_value_count(addresses->loaded);
	addresses->kexts = checked(calloc(count + 1, sizeof(*addresses->kexts)));
	for (size_t i = 0; i < count; i++)
		note_loaded(addresses, kext_value_at(addresses->loaded, i));
	if (error < 0)
		print_diagnostics(diagnostics, KEXT_ERROR);
	kext_diagnostics_free(diagnostics);
	kext_client_free(client);
	return error;
}

/* ---- asking ---- */

bool addresses_ask(struct addresses *addresses, const char *identifier,
		   uint64_t *ret_address)
{
	char *line = NULL;
	size_t room = 0;
	bool has_value = false;
	while (!has_value) {
		fprintf(stderr, "%s: ", identifier);
		if (getline(&line, &room, stdin) < 0 || !*trim(line))
			break;
		has_value = read_value(trim(line), ret_address);
		if (!has_value)
			print_error("'%s' is no hexadecimal address", trim(line));
	}
	free(line);
	if (has_value)
		add(addresses, identifier, strlen(identifier), *ret_address);
	return has_value;
}

/* ---- finding ---- */

/* The last one given wins. */
bool addresses_find(const struct addresses *addresses, const char *identifier,
		    uint64_t *ret_address)
{
	for (size_t i = addresses->count; i-- > 0;) {
		if (strcmp(addresses->items[i].identifier, identifier) != 0)
			continue;
		*ret_address = addresses->items[i].value;
		return true;
	}
	return false;
}

const char *addresses_named(const struct addresses *addresses, size_t index)
{
	return index < addresses->count ? addresses->items[index].identifier : NULL;
}

void addresses_free(struct addresses *addresses)
{
	for (size_t i = 0; i < addresses->count; i++)
		free(addresses->items[i].identifier);
	free(addresses->items);
	free(addresses->kexts);
	kext_value_unref(addresses->loaded);
	*addresses = (struct addresses){0};
}
