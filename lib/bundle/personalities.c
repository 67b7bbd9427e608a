/*
 * IOKitPersonalities: what a driver tells the I/O Kit catalogue it can drive. Whether the
 * kext a personality names exists is the repository's knowledge, not ours.
 */
#include <string.h>
#include "bundle/bundle.h"

struct personality {
	const struct kext_bundle *bundle;
	const char *name;
	const struct kext_value *value;
	struct kext_diagnostics *diagnostics;
};

static void check_class(const struct personality *p, const char *key)
{
	const struct kext_value *class = kext_value_get(p->value, key);
	if (kext_value_is(class, KEXT_VALUE_STRING))
		return;
	kext_diagnose(p->diagnostics, KEXT_ERROR,
		      class ? "property.type" : "property.missing", p->bundle->name, NULL,
		      "IOKitPersonalities.%s.%s %s", p->name, key,
		      class ? "must be a string" : "is missing; it must be a string");
}

static void check_identifier(const struct personality *p)
{
	const struct kext_value *value = kext_value_get(p->value, "CFBundleIdentifier");
	const char *identifier = kext_value_string(value);
	if (!value)
		kext_diagnose(
			p->diagnostics, KEXT_WARNING, "personality.no-identifier",
			p->bundle->name, NULL,
			"IOKitPersonalities.%s lacks CFBundleIdentifier; the kext's own "
			"is used",
			p->name);
	else if (!identifier)
		kext_diagnose(p->diagnostics, KEXT_ERROR, "property.type",
			      p->bundle->name, NULL,
			      "IOKitPersonalities.%s.CFBundleIdentifier must be a string",
			      p->name);
	else if (strcmp(identifier, p->bundle->identifier) != 0)
		kext_diagnose(p->diagnostics, KEXT_WARNING,
			      "personality.other-identifier", p->bundle->name, NULL,
			      "IOKitPersonalities.%s names %s, but the kext is %s",
			      p->name, identifier, p->bundle->identifier);
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
		kext_diagnose(p->diagnostics, KEXT_ERROR, "property.type",
			      p->bundle->name, NULL,
			      "IOKitPersonalities.%s.IOMatchCategory must be a string",
			      p->name);
	else if (class && strcmp(category, class) != 0)
		kext_diagnose(
			p->diagnostics, KEXT_WARNING, "personality.match-category",
			p->bundle->name, NULL,
			"IOKitPersonalities.%s matches IOResources with IOMatchCategory "
			"%s, which should equal its IOClass, %s",
			p->name, category, class);
}

static void check_numbers(const struct personality *p)
{
	const struct kext_value *score = kext_value_get(p->value, "IOProbeScore");
	const struct kext_value *debug = kext_value_get(p->value, "IOKitDebug");
	if (score && !kext_value_is(score, KEXT_VALUE_INTEGER))
		kext_diagnose(p->diagnostics, KEXT_WARNING, "property.type-warning",
			      p->bundle->name, NULL,
			      "IOKitPersonalities.%s.IOProbeScore should be an integer",
			      p->name);
	if (debug && !kext_value_is(debug, KEXT_VALUE_INTEGER))
		kext_diagnose(p->diagnostics, KEXT_ERROR, "property.type",
			      p->bundle->name, NULL,
			      "IOKitPersonalities.%s.IOKitDebug must be an integer",
			      p->name);
}

static void check_personality(const struct personality *p)
{
	if (!kext_value_is(p->value, KEXT_VALUE_DICTIONARY)) {
		kext_diagnose(p->diagnostics, KEXT_ERROR, "property.type",
			      p->bundle->name, NULL,
			      "IOKitPersonalities.%s must be a dictionary", p->name);
		return;
	}
	check_identifier(p);
	check_class(p, "IOClass");
	check_class(p, "IOProviderClass");
	check_category(p);
	check_numbers(p);
}

void bundle_check_personalities(const struct kext_bundle *bundle,
				const struct kext_arch *arch,
				struct kext_diagnostics *diagnostics)
{
	const struct kext_value *all =
		kext_bundle_property(bundle, "IOKitPersonalities", arch);
	if (all && !kext_value_is(all, KEXT_VALUE_DICTIONARY))
		kext_diagnose(diagnostics, KEXT_ERROR, "property.type", bundle->name,
			      NULL,
			      "IOKitPersonalities must be a dictionary of dictionaries");
	if (!kext_value_is(all, KEXT_VALUE_DICTIONARY))
		return;
	for (size_t i = 0; i < kext_value_count(all); i++) {
		struct personality p = {bundle, kext_value_key_at(all, i),
					kext_value_at(all, i), diagnostics};
		check_personality(&p);
	}
}
