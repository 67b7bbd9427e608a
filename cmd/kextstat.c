/* kextstat: what is loaded, in the layouts of three eras, in chosen columns, or as JSON.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "common/columns.h"
#include "common/instance.h"
#include "common/json.h"
#include "common/loaded.h"
#include "common/print.h"

static struct option_list identifiers;
static bool no_kernel, list_only, as_json, with_arch, by_address, wide;
static unsigned era = KEXT_ERA_MODERN;
static const char *instance_text, *column_names;

static const struct option_row rows[] = {
	{'a', "arch", OPTION_FLAG, &with_arch, NULL, "show architectures", NULL},
	{'b', "bundle-id", OPTION_LIST, &identifiers, "IDENTIFIER", "only this kext",
	 NULL},
	{'k', "no-kernel", OPTION_FLAG, &no_kernel, NULL, "leave the kernel's parts out",
	 NULL},
	{'l', "list-only", OPTION_FLAG, &list_only, NULL, "no header", NULL},
	{'s', "sort", OPTION_FLAG, &by_address, NULL, "sort by load address", NULL},
	OPTION_ROW_ERA(era, "whose layout"),
	{'o', "output", OPTION_TEXT, &column_names, "COLUMN,...",
	 "these columns: index, refs, address, size, wired, arch, name, version, "
	 "compatible, uuid, started, path, linked",
	 NULL},
	{0, "wide", OPTION_FLAG, &wide, NULL, "all columns", NULL},
	{0, "json", OPTION_FLAG, &as_json, NULL, "print JSON", NULL},
	OPTION_ROW_INSTANCE(instance_text),
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "kextstat",
	.synopsis = "[-ahkls] [--era ERA] [--wide | -o COLUMN,... | --json] [-b ID]...",
	.purpose = "Lists the kexts that are loaded in the userland kernel.",
	.rows = rows,
	.era = &era,
};

/* What is to be listed, in its order; borrowed from the answer. */
struct listing {
	const struct kext_value **kexts;
	size_t count;
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
	const struct kext_value *tag = kext_value_get(kext, "OSBundleLoadTag");
	bool named = is_named(loaded_string(kext, "CFBundleIdentifier"));
	if (identifiers.count && !named)
		return false;
	/* Tag 0 is the kernel as a whole, which no list ever showed. */
	if (tag && kext_value_integer(tag) == 0)
		return false;
	return named || !no_kernel ||
	       !kext_value_boolean(kext_value_get(kext, "OSKernelResource"));
}

/* The invalid tag, 0xffffffff, comes first, and so does a kext whose tag is not told. */
static uint32_t load_order(const struct kext_value *kext)
{
	const struct kext_value *tag = kext_value_get(kext, "OSBundleLoadTag");
	return tag ? (uint32_t)kext_value_integer(tag) + 1 : 0;
}

static int by_load_order(const void *a, const void *b)
{
	uint32_t x = load_order(*(const struct kext_value *const *)a);
	uint32_t y = load_order(*(const struct kext_value *const *)b);
	return (x > y) - (x < y);
}

static int by_load_address(const void *a, const void *b)
{
	uint64_t x = loaded_number(*(const struct kext_value *const *)a,
				   "OSBundleLoadAddress");
	uint64_t y = loaded_number(*(const struct kext_value *const *)b,
				   "OSBundleLoadAddress");
	return x == y ? by_load_order(a, b) : (x > y) - (x < y);
}

static int choose(const struct kext_value *kexts, struct listing *ret)
{
	size_t count = kext_value_count(kexts);
	struct listing listing = {calloc(count + 1, sizeof(*listing.kexts)), 0};
	if (!listing.kexts)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (is_wanted(kext_value_at(kexts, i)))
			listing.kexts[listing.count++] = kext_value_at(kexts, i);
	}
	qsort(listing.kexts, listing.count, sizeof(*listing.kexts),
	      by_address ? by_load_address : by_load_order);
	*ret = listing;
	return 0;
}

/* ---- one value as text ---- */

static int descending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x < y) - (x > y);
}

/* Tiger's tool looked references up in what it was about to print. */
static bool is_shown(const struct listing *listing, uint64_t tag)
{
	for (size_t i = 0; i < listing->count; i++) {
		if (loaded_number(listing->kexts[i], "OSBundleLoadTag") == tag)
			return true;
	}
	return era != KEXT_ERA_TIGER;
}

/* "4 1", the load tags of what it is linked against; "" for none. NULL without memory. */
static char *linked_text(const struct listing *listing, const struct kext_value *kext)
{
	const struct kext_value *list = kext_value_get(kext, "OSBundleDependencies");
	size_t count = kext_value_count(list), size = 0;
	uint64_t *tags = calloc(count + 1, sizeof(*tags));
	char *text = NULL;
	FILE *stream = tags ? open_memstream(&text, &size) : NULL;
	for (size_t i = 0; stream && i < count; i++)
		tags[i] = kext_value_integer(kext_value_at(list, i));
	if (stream) {
		const char *between = "";
		qsort(tags, count, sizeof(*tags), descending);
		for (size_t i = 0; i < count; i++) {
			if (!is_shown(listing, tags[i]))
				continue;
			fprintf(stream, "%s%llu", between, (unsigned long long)tags[i]);
			between = " ";
		}
		fclose(stream);
	}
	free(tags);
	return text;
}

/* ---- the classic layouts ---- */

static void print_header(void)
{
	printf("Index Refs Address    %sSize       Wired      %sName (Version) %s"
	       "<Linked Against>\n",
	       era == KEXT_ERA_TIGER ? "" : "        ",
	       with_arch ? "Architecture       " : "",
	       era == KEXT_ERA_MODERN ? "UUID " : "");
}

static void print_hex(const struct kext_value *kext, const char *key, int width)
{
	char text[LOADED_TEXT_SIZE];
	loaded_hex_text(kext, key, era == KEXT_ERA_TIGER, text);
	printf(" %-*s", width, text);
}

static int print_row(const struct listing *listing, const struct kext_value *kext)
{
	const char *name = loaded_string(kext, "CFBundleIdentifier");
	const char *version = loaded_string(kext, "CFBundleVersion");
	char index[LOADED_TEXT_SIZE], refs[LOADED_TEXT_SIZE], text[LOADED_TEXT_SIZE],
		*linked = linked_text(listing, kext);
	if (!linked)
		return -ENOMEM;
	loaded_count_text(kext, "OSBundleLoadTag", index);
	loaded_count_text(kext, "OSBundleRetainCount", refs);
	printf("%5s %4s", index, refs);
	print_hex(kext, "OSBundleLoadAddress", era == KEXT_ERA_TIGER ? 10 : 18);
	print_hex(kext, "OSBundleLoadSize", 10);
	print_hex(kext, "OSBundleWiredSize", 10);
	if (with_arch) {
		loaded_arch_text(kext, text);
		printf(" %s", text);
	}
	printf(" %s (%s)", name ? name : "????", version ? version : "????");
	if (era == KEXT_ERA_MODERN)
		printf(" %s", loaded_uuid_text(kext, text) ? text : "no UUID");
	printf(*linked ? " <%s>\n" : "\n", linked);
	free(linked);
	return 0;
}

static int print_classic(const struct listing *listing)
{
	int error = 0;
	if (!list_only)
		print_header();
	for (size_t i = 0; error == 0 && i < listing->count; i++)
		error = print_row(listing, listing->kexts[i]);
	return error;
}

/* ---- chosen columns ---- */

enum {
	COLUMN_INDEX,
	COLUMN_REFS,
	COLUMN_ADDRESS,
	COLUMN_SIZE,
	COLUMN_WIRED,
	COLUMN_ARCH,
	COLUMN_NAME,
	COLUMN_VERSION,
	COLUMN_COMPATIBLE,
	COLUMN_UUID,
	COLUMN_STARTED,
	COLUMN_LINKED,
	COLUMN_PATH,
};

static const struct column known_columns[] = {
	[COLUMN_INDEX] = {"index", "Index", true},
	[COLUMN_REFS] = {"refs", "Refs", true},
	[COLUMN_ADDRESS] = {"address", "Address", false},
	[COLUMN_SIZE] = {"size", "Size", false},
	[COLUMN_WIRED] = {"wired", "Wired", false},
	[COLUMN_ARCH] = {"arch", "Architecture", false},
	[COLUMN_NAME] = {"name", "Name", false},
	[COLUMN_VERSION] = {"version", "Version", false},
	[COLUMN_COMPATIBLE] = {"compatible", "Compatible", false},
	[COLUMN_UUID] = {"uuid", "UUID", false},
	[COLUMN_STARTED] = {"started", "Started", false},
	[COLUMN_LINKED] = {"linked", "Linked-Against", false},
	[COLUMN_PATH] = {"path", "Path", false},
	{0},
};

static struct columns table = {.known = known_columns};

static const char *const column_keys[] = {
	[COLUMN_INDEX] = "OSBundleLoadTag",
	[COLUMN_REFS] = "OSBundleRetainCount",
	[COLUMN_ADDRESS] = "OSBundleLoadAddress",
	[COLUMN_SIZE] = "OSBundleLoadSize",
	[COLUMN_WIRED] = "OSBundleWiredSize",
	[COLUMN_NAME] = "CFBundleIdentifier",
	[COLUMN_VERSION] = "CFBundleVersion",
	[COLUMN_COMPATIBLE] = "OSBundleCompatibleVersion",
	[COLUMN_STARTED] = "OSBundleStarted",
	[COLUMN_PATH] = "OSBundlePath",
};

/* Dependencies are joined by commas, so that blanks separate columns alone. */
static char *linked_cell(const struct listing *listing, const struct kext_value *kext)
{
	char *text = linked_text(listing, kext);
	for (char *at = text; at && (at = strchr(at, ' ')); at++)
		*at = ',';
	if (!text || *text)
		return text;
	free(text);
	return strdup("-");
}

/* The text of a cell; "-" where there is nothing to tell. NULL without memory. */
static char *cell(const struct listing *listing, const struct kext_value *kext,
		  size_t column)
{
	char text[LOADED_TEXT_SIZE] = "-";
	const char *found;
	switch (column) {
	case COLUMN_INDEX:
	case COLUMN_REFS:
		loaded_count_text(kext, column_keys[column], text);
		return strdup(text);
	case COLUMN_ADDRESS:
	case COLUMN_SIZE:
	case COLUMN_WIRED:
		loaded_hex_text(kext, column_keys[column], era == KEXT_ERA_TIGER, text);
		return strdup(text);
	case COLUMN_ARCH:
		loaded_arch_text(kext, text);
		found = text + strspn(text, " ");
		return strndup(found, strcspn(found, " "));
	case COLUMN_UUID:
		loaded_uuid_text(kext, text);
		return strdup(text);
	case COLUMN_STARTED:
		return strdup(
			kext_value_boolean(kext_value_get(kext, column_keys[column]))
				? "yes"
				: "no");
	case COLUMN_LINKED:
		return linked_cell(listing, kext);
	default:
		found = loaded_string(kext, column_keys[column]);
		return strdup(found && *found ? found : "-");
	}
}

static void choose_columns(void)
{
	const char *wrong = column_names ? columns_choose(&table, column_names) : NULL;
	if (wrong)
		options_fail(&command, "'%.*s' is no column: see --help",
			     (int)strcspn(wrong, ","), wrong);
	if (wide)
		columns_choose_all(&table);
}

static int print_columns(const struct listing *listing)
{
	int error = 0;
	for (size_t i = 0; i < listing->count; i++) {
		for (size_t j = 0; error == 0 && j < table.count; j++)
			error = columns_add(&table, cell(listing, listing->kexts[i],
							 table.chosen[j]));
	}
	columns_print(&table, !list_only);
	return error;
}

/* ---- JSON ---- */

/* As the kernel's answer has it, but for the UUID, which is text. */
static struct kext_value *json_kext(const struct kext_value *kext)
{
	struct kext_value *copy = kext_value_copy(kext);
	char uuid[LOADED_TEXT_SIZE];
	if (copy && loaded_uuid_text(kext, uuid) &&
	    kext_value_set(copy, "OSBundleUUID", kext_value_new_string(uuid)) < 0)
		return kext_value_unref(copy);
	return copy;
}

static int print_json(const struct listing *listing)
{
	struct kext_value *kexts = kext_value_new_array();
	for (size_t i = 0; kexts && i < listing->count; i++) {
		if (kext_value_append(kexts, json_kext(listing->kexts[i])) < 0)
			kexts = kext_value_unref(kexts);
	}
	return json_print(json_document_of("kextstat/1", "kexts", kexts));
}

/* ---- the whole ---- */

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
			print_error("Couldn't get list of loaded kexts from kernel - %s",
				    kext_error_string(error));
	}
	kext_diagnostics_free(diagnostics);
	kext_client_free(client);
	return error;
}

static void check_options(void)
{
	if (era != KEXT_ERA_MODERN && (with_arch || by_address))
		options_fail(&command, "-a and -s are modern's alone");
	if ((as_json ? 1 : 0) + (wide ? 1 : 0) + (column_names ? 1 : 0) > 1)
		options_fail(&command, "only one of --json, --wide and -o is allowed");
	choose_columns();
}

int main(int argc, char **argv)
{
	struct kext_value *kexts = NULL;
	struct listing listing = {0};
	print_start(command.name);
	options_parse(&command, argc, argv);
	check_options();
	int error = list(&kexts);
	if (error == 0)
		error = choose(kexts, &listing);
	if (error == 0)
		error = as_json	      ? print_json(&listing)
			: table.count ? print_columns(&listing)
				      : print_classic(&listing);
	free(listing.kexts);
	kext_value_unref(kexts);
	return print_finish(error == 0 ? EX_OK : era == KEXT_ERA_TIGER ? 1 : EX_OSERR);
}
