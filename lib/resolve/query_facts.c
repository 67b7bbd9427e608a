/*
 * What is true of a kext, for the predicates of queries: its validity, owners and
 * dependencies, found out once; its symbols and architectures; comparisons of text.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <kext/version.h>
#include "base/memory.h"
#include "codec/fat.h"
#include "macho/macho.h"
#include "resolve/query.h"

static bool known(int *fact, int error, struct query_subject *subject)
{
	if (error == -ENOMEM)
		subject->out_of_memory = true;
	*fact = error == 0 ? 1 : -1;
	return error == 0;
}

bool query_is_valid(struct query_subject *subject)
{
	if (!subject->valid)
		known(&subject->valid,
		      kext_bundle_validate(subject->bundle, subject->options->arch,
					   subject->diagnostics),
		      subject);
	return subject->valid > 0;
}

bool query_is_authentic(struct query_subject *subject)
{
	if (!subject->authentic)
		known(&subject->authentic,
		      kext_bundle_authenticate(subject->bundle, subject->options->owner,
					       subject->diagnostics),
		      subject);
	return subject->authentic > 0;
}

bool query_is_resolved(struct query_subject *subject)
{
	if (!subject->resolved) {
		struct kext_load_list *list = NULL;
		known(&subject->resolved,
		      kext_resolve(subject->options->universe, subject->bundle, NULL, 0,
				   subject->options->arch, subject->diagnostics, &list),
		      subject);
		kext_load_list_free(list);
	}
	return subject->resolved > 0;
}

/* Each slice of the executable that is a Mach-O, until `visit` says true. */
static bool any_slice(struct query_subject *subject,
		      bool (*visit)(void *data, const struct macho *macho), void *data)
{
	struct fat_slice slices[FAT_MAX_SLICES];
	const void *bytes;
	size_t size;
	bool found = false;
	if (kext_bundle_executable(subject->bundle, NULL, &bytes, &size) < 0)
		return false;
	int count = fat_slices(bytes_of(bytes, size), slices);
	for (int i = 0; i < count && !found; i++) {
		struct macho macho = {0};
		if (macho_parse(slices[i].bytes, "", NULL, &macho) < 0)
			continue;
		found = visit(data, &macho);
		macho_free(&macho);
	}
	return found;
}

static bool has_uuid(void *data, const struct macho *macho)
{
	return macho->has_uuid && memcmp(macho->uuid, data, sizeof(macho->uuid)) == 0;
}

static bool is_same_as(struct query_subject *subject, const struct kext_value *loaded)
{
	const char *identifier =
		kext_value_string(kext_value_get(loaded, "CFBundleIdentifier"));
	const char *text = kext_value_string(kext_value_get(loaded, "CFBundleVersion"));
	int64_t version;
	size_t size = 0;
	const void *uuid = kext_value_data(kext_value_get(loaded, "OSBundleUUID"), &size);
	if (!identifier ||
	    strcmp(identifier, kext_bundle_identifier(subject->bundle)) != 0)
		return false;
	if (kext_version_parse(text, &version) < 0 ||
	    version != kext_bundle_version(subject->bundle))
		return false;
	/* The kernel's own parts have none. */
	return size != 16 || any_slice(subject, has_uuid, (void *)uuid);
}

bool query_is_loaded(struct query_subject *subject)
{
	const struct kext_value *list = subject->options->loaded;
	for (size_t i = 0; i < kext_value_count(list); i++) {
		if (is_same_as(subject, kext_value_at(list, i)))
			return true;
	}
	return false;
}

bool query_text_matches(const struct query_subject *subject,
			const struct query_node *node, const char *text,
			const char *wanted)
{
	bool ignore_case = node->ignore_case || subject->options->ignore_case;
	bool substring = node->substring || subject->options->substring;
	if (!text)
		return false;
	if (substring)
		return (ignore_case ? strcasestr(text, wanted) : strstr(text, wanted)) !=
		       NULL;
	return (ignore_case ? strcasecmp(text, wanted) : strcmp(text, wanted)) == 0;
}

static bool boolean_matches(bool value, const char *wanted)
{
	static const char *const words[2][3] = {{"false", "no", "0"},
						{"true", "yes", "1"}};
	for (size_t i = 0; i < 3; i++) {
		if (strcasecmp(words[value][i], wanted) == 0)
			return true;
	}
	return false;
}

bool query_value_matches(const struct query_subject *subject,
			 const struct query_node *node, const struct kext_value *value,
			 const char *wanted)
{
	char *end;
	if (!value)
		return false;
	switch (kext_value_kind(value)) {
	case KEXT_VALUE_STRING:
		return query_text_matches(subject, node, kext_value_string(value),
					  wanted);
	case KEXT_VALUE_BOOLEAN:
		return boolean_matches(kext_value_boolean(value), wanted);
	case KEXT_VALUE_INTEGER:
		errno = 0;
		return strtoull(wanted, &end, 0) == kext_value_integer(value) && !*end &&
		       end != wanted && !errno;
	default:
		return false;
	}
}

bool query_any_personality(struct query_subject *subject,
			   bool (*test)(struct query_subject *subject,
					const struct query_node *node, const char *name,
					const struct kext_value *personality),
			   const struct query_node *node)
{
	const struct kext_value *all = kext_bundle_property(
		subject->bundle, "IOKitPersonalities", subject->options->arch);
	if (!kext_value_is(all, KEXT_VALUE_DICTIONARY))
		return false;
	for (size_t i = 0; i < kext_value_count(all); i++) {
		if (test(subject, node, kext_value_key_at(all, i), kext_value_at(all, i)))
			return true;
	}
	return false;
}

struct symbol_search {
	const char *name;
	int use;
};

static bool search_symbol(void *data, const struct macho *macho)
{
	struct symbol_search *search = data;
	struct macho_symbol symbol;
	for (uint32_t i = 0; i < macho->symbols.count; i++) {
		if (!macho_symbol_at(macho, i, &symbol) || symbol.type & N_STAB ||
		    strcmp(symbol.name, search->name) != 0)
			continue;
		bool is_undefined = (symbol.type & N_TYPE) == N_UNDF && !symbol.value;
		search->use |=
			is_undefined ? QUERY_SYMBOL_REFERENCED : QUERY_SYMBOL_DEFINED;
	}
	return false;
}

int query_symbol_use(struct query_subject *subject, const char *name)
{
	struct symbol_search search = {.name = name};
	any_slice(subject, search_symbol, &search);
	return search.use;
}

size_t query_arches(struct query_subject *subject, const struct kext_arch **ret,
		    size_t limit)
{
	struct fat_slice slices[FAT_MAX_SLICES];
	const void *bytes;
	size_t size, found = 0;
	if (kext_bundle_executable(subject->bundle, NULL, &bytes, &size) < 0)
		return 0;
	int count = fat_slices(bytes_of(bytes, size), slices);
	for (int i = 0; i < count && found < limit; i++) {
		const struct kext_arch *arch =
			kext_arch_numbered(slices[i].cputype, slices[i].cpusubtype);
		if (arch)
			ret[found++] = arch;
	}
	return found;
}

static bool version_in_range(int64_t version, const char *expression, const char *dash)
{
	int64_t low, high;
	char first[64];
	snprintf(first, sizeof(first), "%.*s", (int)(dash - expression), expression);
	return kext_version_parse(first, &low) == 0 &&
	       kext_version_parse(dash + 1, &high) == 0 && version >= low &&
	       version <= high;
}

bool query_version_matches(int64_t version, const char *expression)
{
	static const char *const relations[] = {"ne", "gt", "ge", "lt", "le"};
	const char *dash = strchr(expression, '-');
	int64_t wanted;
	size_t relation = 0;
	if (dash)
		return version_in_range(version, expression, dash);
	while (relation < 5 && strncmp(expression, relations[relation], 2) != 0)
		relation++;
	if (kext_version_parse(expression + (relation < 5 ? 2 : 0), &wanted) < 0)
		return false;
	switch (relation) {
	case 0:
		return version != wanted;
	case 1:
		return version > wanted;
	case 2:
		return version >= wanted;
	case 3:
		return version < wanted;
	case 4:
		return version <= wanted;
	default:
		return version == wanted;
	}
}
