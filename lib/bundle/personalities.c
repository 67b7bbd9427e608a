/*
 * IOKitPersonalities: what a driver tells the I/O Kit catalogue it can drive. Whether the
 * kext a personality names exists is the repository's knowledge, not ours. Tiger looked
 * at the types of everything in them; later parsers let no other types through.
 */
#include <stdio.h>
#include <string.h>
#include "bundle/bundle.h"

struct personality {
	const struct kext_bundle *bundle;
	const char *name;
	const struct kext_value *value;
	struct kext_diagnostics *diagnostics;
	bool is_tiger;
};

static void path_of(const struct personality *p, const char *key, char path[256])
{
	char separator = p->is_tiger ? ':' : '.';
	snprintf(path, 256, "IOKitPersonalities%c%.100s%c%.100s", separator, p->name,
		 separator, key);
}

static void wrong_type(const struct personality *p, enum kext_severity severity,
		       const char *key, const char *expected)
{
	char path[256];
	path_of(p, key, path);
	kext_diagnose_value(
		p->diagnostics, severity,
		severity == KEXT_ERROR ? "property.type" : "property.type-warning",
		p->bundle->name, path, "correct the key in Info.plist", "%s %s be %s",
		path, severity == KEXT_ERROR ? "must" : "should", expected);
}

static void check_class(const struct personality *p, const char *key)
{
	char path[256];
	const struct kext_value *class = kext_value_get(p->value, key);
	if (class && !kext_value_is(class, KEXT_VALUE_STRING))
		wrong_type(p, KEXT_ERROR, key, "a string");
	if (class)
		return;
	path_of(p, key, path);
	kext_diagnose_value(p->diagnostics, KEXT_ERROR, "property.missing",
			    p->bundle->name, path, "add the key to Info.plist",
			    "%s is missing; it must be a string", path);
}

static void check_other_identifier(const struct personality *p, const char *identifier)
{
	char value[256];
	const char *own = p->bundle->identifier;
	if (strcmp(identifier, own) == 0)
		return;
	snprintf(value, sizeof(value), "%.80s -> %.80s (kext is %.80s)", p->name,
		 identifier, own);
	kext_diagnose_value(p->diagnostics, KEXT_WARNING, "personality.other-identifier",
			    p->bundle->name, value, NULL,
			    "IOKitPersonalities.%s names %s, but the kext is %s", p->name,
			    identifier, own);
}

static void check_identifier(const struct personality *p)
{
	const struct kext_value *value = kext_value_get(p->value, "CFBundleIdentifier");
	const char *identifier = kext_value_string(value);
	if (value && !identifier)
		wrong_type(p, KEXT_ERROR, "CFBundleIdentifier", "a string");
	else if (p->is_tiger)
		return; /* it may be missing, and may be any kext's */
	else if (identifier)
		check_other_identifier(p, identifier);
	else
		kext_diagnose_value(
			p->diagnostics, KEXT_WARNING, "personality.no-identifier",
			p->bundle->name, p->name, NULL,
			"IOKitPersonalities.%s lacks CFBundleIdentifier; the kext's own "
			"is used",
			p->name);
}

/* On IOResources every driver matches, so the match category must be its own. */
static void check_category(const struct personality *p)
{
	const char *provider =
		kext_value_string(kext_value_get(p->value, "IOProviderClass"));
	const char *class = kext_value_string(kext_value_get(p->value, "IOClass"));
	const struct kext_value *value = kext_value_get(p->value, "IOMatchCategory");
	if (!value || !provider || strcmp(provider, "IOResources") != 0)
		return;
	const char *category = kext_value_string(value);
	if (!category)
		wrong_type(p, KEXT_ERROR, "IOMatchCategory", "a string");
	else if (class && strcmp(category, class) != 0)
		kext_diagnose_value(
			p->diagnostics, KEXT_WARNING, "personality.match-category",
			p->bundle->name, p->name, NULL,
			"IOKitPersonalities.%s matches IOResources with IOMatchCategory "
			"%s, which should equal its IOClass, %s",
			p->name, category, class);
}

static void check_numbers(const struct personality *p)
{
	const struct kext_value *score = kext_value_get(p->value, "IOProbeScore");
	const struct kext_value *debug = kext_value_get(p->value, "IOKitDebug");
	if (!p->is_tiger && score && !kext_value_is(score, KEXT_VALUE_INTEGER))
		wrong_type(p, KEXT_WARNING, "IOProbeScore", "an integer");
	if (debug && !kext_value_is(debug, KEXT_VALUE_INTEGER))
		wrong_type(p, KEXT_ERROR, "IOKitDebug", "an integer");
}

/* Property lists nest 128 deep at most, so the recursion is bounded. */
static bool has_sets(const struct kext_value *value)
{
	if (kext_value_is(value, KEXT_VALUE_SET))
		return true;
	for (size_t i = 0; i < kext_value_count(value); i++)
		if (has_sets(kext_value_at(value, i)))
			return true;
	return false;
}

static void check_types(const struct personality *p)
{
	for (size_t i = 0; i < kext_value_count(p->value); i++)
		if (has_sets(kext_value_at(p->value, i)))
			wrong_type(p, KEXT_ERROR, kext_value_key_at(p->value, i),
				   "made of dictionaries, arrays, strings, data, "
				   "booleans and integers only");
}

static void check_personality(const struct personality *p)
{
	char path[256];
	snprintf(path, sizeof(path), "IOKitPersonalities%c%.200s",
		 p->is_tiger ? ':' : '.', p->name);
	if (!kext_value_is(p->value, KEXT_VALUE_DICTIONARY)) {
		kext_diagnose_value(p->diagnostics, KEXT_ERROR,
				    p->is_tiger ? "personality.kind" : "property.type",
				    p->bundle->name, path, NULL,
				    "%s must be a dictionary", path);
		return;
	}
	check_identifier(p);
	check_class(p, "IOClass");
	check_class(p, "IOProviderClass");
	if (p->is_tiger)
		check_types(p);
	else
		check_category(p);
	check_numbers(p);
}

void bundle_check_personalities(const struct kext_bundle *bundle,
				const struct kext_arch *arch,
				struct kext_diagnostics *diagnostics)
{
	char name[128];
	bool is_tiger = bundle_era(bundle) == KEXT_ERA_TIGER;
	const struct kext_value *all =
		bundle_property(bundle, "IOKitPersonalities", arch, name);
	if (all && !kext_value_is(all, KEXT_VALUE_DICTIONARY))
		kext_diagnose_value(diagnostics, KEXT_ERROR,
				    is_tiger ? "personality.kind" : "property.type",
				    bundle->name, name, NULL,
				    "%s must be a dictionary of dictionaries", name);
	if (!kext_value_is(all, KEXT_VALUE_DICTIONARY))
		return;
	for (size_t i = 0; i < kext_value_count(all); i++) {
		struct personality p = {bundle, kext_value_key_at(all, i),
					kext_value_at(all, i), diagnostics, is_tiger};
		check_personality(&p);
	}
}
