/* What every bundle is, wherever it stands: its properties and its life. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <kext/version.h>
#include "base/memory.h"
#include "bundle/archived.h"
#include "bundle/bundle.h"

/* What kexts are filed under whose own identifier cannot be used, as Darwin does. */
#define UNKNOWN_IDENTIFIER "__unknown__"

static int check_info(const struct kext_value *info, const char *name,
		      struct kext_diagnostics *diagnostics)
{
	if (kext_value_is(info, KEXT_VALUE_DICTIONARY))
		return 0;
	kext_diagnose(diagnostics, KEXT_ERROR, "property.type", name, NULL,
		      "Info.plist does not hold a dictionary");
	return KEXT_ERR_VALIDATION;
}

int bundle_check_identifier(const struct kext_value *info, const char *name,
			    struct kext_diagnostics *diagnostics)
{
	const struct kext_value *identifier = kext_value_get(info, "CFBundleIdentifier");
	const char *text = kext_value_string(identifier);
	if (text && *text)
		return 0;
	if (!identifier)
		kext_diagnose_value(diagnostics, KEXT_ERROR, "property.missing", name,
				    "CFBundleIdentifier",
				    "add the key to Info.plist, e.g. com.example.driver",
				    "Info.plist lacks CFBundleIdentifier, a string");
	else
		kext_diagnose_value(diagnostics, KEXT_ERROR,
				    text ? "property.value" : "property.type", name,
				    "CFBundleIdentifier", NULL,
				    "CFBundleIdentifier in Info.plist must be a string "
				    "that is not empty");
	return KEXT_ERR_VALIDATION;
}

static bool host_boolean(const struct kext_bundle *bundle, const char *key)
{
	return kext_value_boolean(kext_bundle_property(bundle, key, kext_arch_host()));
}

static int64_t packed(const struct kext_bundle *bundle, const struct kext_value *text)
{
	int64_t version;
	const char *string = kext_value_string(text);
	return kext_version_parse_as(bundle_era(bundle), string, &version) < 0 ? 0
									       : version;
}

static void read_properties(struct kext_bundle *bundle)
{
	const char *identifier =
		kext_value_string(kext_value_get(bundle->info, "CFBundleIdentifier"));
	bundle->identifier = identifier && *identifier ? identifier : UNKNOWN_IDENTIFIER;
	bundle->version = packed(bundle, kext_value_get(bundle->info, "CFBundleVersion"));
	bundle->compatible_version =
		packed(bundle, kext_bundle_property(bundle, "OSBundleCompatibleVersion",
						    kext_arch_host()));
	bundle->is_kernel_component = host_boolean(bundle, "OSKernelResource");
	bundle->is_interface = bundle->is_kernel_component ||
			       host_boolean(bundle, "OSBundleIsInterface");
}

int bundle_new(struct kext_context *context, const struct bundle_source *source,
	       const char *name, struct kext_value *info,
	       struct kext_diagnostics *diagnostics, struct kext_bundle **ret_bundle)
{
	int error = check_info(info, name, diagnostics);
	if (error < 0)
		return error;
	struct kext_bundle *bundle = mem_zero(1, sizeof(*bundle));
	if (!bundle)
		return -ENOMEM;
	bundle->references = 1;
	bundle->source = source;
	bundle->context = kext_context_ref(context);
	bundle->info = kext_value_ref(info);
	bundle->base = "";
	pthread_mutex_init(&bundle->lock, NULL);
	read_properties(bundle);
	bundle->name = mem_string(name);
	if (!bundle->name) {
		kext_bundle_unref(bundle);
		return -ENOMEM;
	}
	*ret_bundle = bundle;
	return 0;
}

struct kext_bundle *kext_bundle_ref(struct kext_bundle *bundle)
{
	atomic_fetch_add(&bundle->references, 1);
	return bundle;
}

struct kext_bundle *kext_bundle_unref(struct kext_bundle *bundle)
{
	if (!bundle || atomic_fetch_sub(&bundle->references, 1) != 1)
		return NULL;
	if (bundle->is_mapped)
		bundle->source->unmap_executable(&bundle->executable);
	if (bundle->origin)
		bundle->origin->free(bundle->origin);
	array_for_each (plugin, &bundle->plugins)
		free(*plugin);
	array_free(&bundle->plugins);
	pthread_mutex_destroy(&bundle->lock);
	kext_value_unref(bundle->info);
	kext_context_unref(bundle->context);
	free(bundle->executable_path);
	free(bundle->path);
	free(bundle->name);
	free(bundle);
	return NULL;
}

const char *kext_bundle_path(const struct kext_bundle *bundle)
{
	return bundle->path;
}

const char *kext_bundle_name(const struct kext_bundle *bundle)
{
	return bundle->name;
}

const char *kext_bundle_identifier(const struct kext_bundle *bundle)
{
	return bundle->identifier;
}

const char *kext_bundle_version_text(const struct kext_bundle *bundle)
{
	const char *text =
		kext_value_string(kext_value_get(bundle->info, "CFBundleVersion"));
	return text ? text : "";
}

int64_t kext_bundle_version(const struct kext_bundle *bundle)
{
	return bundle->version;
}

int64_t kext_bundle_compatible_version(const struct kext_bundle *bundle)
{
	return bundle->compatible_version;
}

struct kext_context *kext_bundle_context(const struct kext_bundle *bundle)
{
	return bundle->context;
}

const struct kext_value *kext_bundle_info(const struct kext_bundle *bundle)
{
	return bundle->info;
}

/*
 * Only Darwin's own keys have variants per architecture; Core Foundation's do not. Tiger
 * knew none.
 */
static bool has_variants(const struct kext_bundle *bundle, const char *key)
{
	if (bundle_era(bundle) == KEXT_ERA_TIGER)
		return false;
	return strncmp(key, "OS", 2) == 0 || strncmp(key, "IO", 2) == 0;
}

const struct kext_value *bundle_property(const struct kext_bundle *bundle,
					 const char *key, const struct kext_arch *arch,
					 char name[128])
{
	const char *suffix = arch ? kext_arch_generic_name(arch->cputype) : NULL;
	if (suffix && has_variants(bundle, key)) {
		snprintf(name, 128, "%s_%s", key, suffix);
		const struct kext_value *value = kext_value_get(bundle->info, name);
		if (value)
			return value;
	}
	snprintf(name, 128, "%s", key);
	return kext_value_get(bundle->info, key);
}

const struct kext_value *kext_bundle_property(const struct kext_bundle *bundle,
					      const char *key,
					      const struct kext_arch *arch)
{
	char name[128];
	return bundle_property(bundle, key, arch, name);
}

bool kext_bundle_is_kernel_component(const struct kext_bundle *bundle)
{
	return bundle->is_kernel_component;
}

bool kext_bundle_is_interface(const struct kext_bundle *bundle)
{
	return bundle->is_interface;
}

bool kext_bundle_has_executable(const struct kext_bundle *bundle)
{
	return kext_value_get(bundle->info, "CFBundleExecutable") != NULL;
}

const char *kext_bundle_shared_executable(const struct kext_bundle *bundle,
					  const struct kext_arch *arch)
{
	if (bundle_era(bundle) == KEXT_ERA_TIGER)
		return NULL; /* nothing was shared yet */
	return kext_value_string(
		kext_bundle_property(bundle, "OSBundleSharedExecutableIdentifier", arch));
}

bool bundle_is_boot_level(const char *text)
{
	static const char *const legal[] = {"Root", "Local-Root", "Network-Root",
					    "Console", "Safe Boot"};
	for (size_t i = 0; text && i < sizeof(legal) / sizeof(*legal); i++)
		if (strcmp(text, legal[i]) == 0)
			return true;
	return false;
}

const char *kext_bundle_required(const struct kext_bundle *bundle,
				 const struct kext_arch *arch)
{
	static const char *const keys[] = {"OSBundleRequired",
					   "OSBundleRequiredPromotion"};
	for (size_t i = 0; i < 2; i++) {
		const char *text =
			kext_value_string(kext_bundle_property(bundle, keys[i], arch));
		if (bundle_is_boot_level(text))
			return text;
	}
	return NULL;
}

const char *bundle_executable_name(const struct kext_bundle *bundle)
{
	const char *name =
		kext_value_string(kext_value_get(bundle->info, "CFBundleExecutable"));
	if (!name || !*name || strchr(name, '/') || strlen(name) > 255)
		return NULL;
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? NULL : name;
}

const char *kext_bundle_executable_path(const struct kext_bundle *bundle)
{
	return bundle->executable_path;
}

size_t kext_bundle_plugin_count(const struct kext_bundle *bundle)
{
	return bundle->plugins.count;
}

const char *kext_bundle_plugin_path(const struct kext_bundle *bundle, size_t index)
{
	return index < bundle->plugins.count ? bundle->plugins.items[index] : NULL;
}

int kext_bundle_authenticate(struct kext_bundle *bundle, uid_t owner,
			     struct kext_diagnostics *diagnostics)
{
	return bundle->source->authenticate(bundle, owner, diagnostics);
}
