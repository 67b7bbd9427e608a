/*
 * The index of kext/providers.h. Names are borrowed from the executables, which stay
 * mapped as long as their bundles are referenced. Knows who exports a name; who may be
 * named by whom is the dependency rules' business, of which the advice repeats the one
 * that people meet: com.apple.kpi.private is not for everybody.
 */
#include <errno.h>
#include <string.h>
#include <kext/providers.h>
#include <kext/version.h>
#include "base/array.h"
#include "base/map.h"
#include "base/memory.h"
#include "macho/macho.h"

struct export
{
	struct kext_provider provider;
	size_t next; /* of the same name: index + 1; 0: none */
};

struct kext_providers {
	ARRAY_OF(struct kext_bundle *) bundles;
	ARRAY_OF(struct export) exports;
	struct map by_name; /* name → index + 1 */
};

static bool has_code(struct kext_bundle *bundle, const struct kext_arch *arch)
{
	const void *data;
	size_t size;
	return kext_bundle_compatible_version(bundle) &&
	       kext_bundle_has_executable(bundle) &&
	       kext_bundle_slice(bundle, arch, NULL, &data, &size) == 0;
}

/* The repository lists versions of an identifier together, the newest first. */
static int choose_bundles(struct kext_providers *providers,
			  const struct kext_repository *repository,
			  const struct kext_arch *arch)
{
	const char *chosen = "";
	struct kext_bundle *bundle;
	for (size_t i = 0; (bundle = kext_repository_at(repository, i)); i++) {
		if (strcmp(kext_bundle_identifier(bundle), chosen) == 0 ||
		    !has_code(bundle, arch))
			continue;
		struct kext_bundle **place = array_push(&providers->bundles);
		if (!place)
			return -ENOMEM;
		*place = kext_bundle_ref(bundle);
		chosen = kext_bundle_identifier(bundle);
	}
	return 0;
}

/* A KPI's plug-in exports what it leaves undefined, an alias is an indirect symbol. */
static bool is_export(const struct macho_symbol *symbol, bool is_interface)
{
	unsigned kind = symbol->type & N_TYPE;
	if (symbol->type & N_STAB || !(symbol->type & N_EXT) || symbol->type & N_PEXT ||
	    !*symbol->name)
		return false;
	return is_interface ? kind == N_UNDF || kind == N_INDR
			    : kind == N_SECT || kind == N_ABS;
}

static const char *target_of(const struct macho *macho, const struct macho_symbol *symbol)
{
	if ((symbol->type & N_TYPE) != N_INDR || symbol->value >= macho->strings.size)
		return NULL;
	const char *target = (const char *)macho->strings.data + symbol->value;
	return memchr(target, 0, macho->strings.size - symbol->value) ? target : NULL;
}

static int add_export(struct kext_providers *providers, const char *name,
		      struct kext_provider provider)
{
	void **slot = map_slot(&providers->by_name, name, NULL);
	struct export *place = slot ? array_push(&providers->exports) : NULL;
	if (!place)
		return -ENOMEM;
	*place = (struct export){provider, (uintptr_t)*slot};
	*slot = (void *)providers->exports.count;
	return 0;
}

static int add_symbols(struct kext_providers *providers, struct kext_bundle *bundle,
		       const struct macho *macho)
{
	bool is_interface = kext_bundle_is_kernel_component(bundle) ||
			    kext_bundle_is_interface(bundle);
	struct macho_symbol symbol;
	int error = 0;
	for (uint32_t i = 0; error == 0 && i < macho->symbols.count; i++) {
		if (!macho_symbol_at(macho, i, &symbol) ||
		    !is_export(&symbol, is_interface))
			continue;
		struct kext_provider provider = {bundle, target_of(macho, &symbol)};
		error = add_export(providers, symbol.name, provider);
	}
	return error;
}

static int add_bundle(struct kext_providers *providers, struct kext_bundle *bundle,
		      const struct kext_arch *arch)
{
	const void *data;
	size_t size;
	_cleanup_macho_ struct macho macho = {0};
	int error = kext_bundle_slice(bundle, arch, NULL, &data, &size);
	if (error == 0)
		error = macho_parse(bytes_of(data, size), kext_bundle_name(bundle), NULL,
				    &macho);
	if (error < 0)
		return error == -ENOMEM ? error : 0;
	return add_symbols(providers, bundle, &macho);
}

int kext_providers_new(const struct kext_repository *repository,
		       const struct kext_arch *arch,
		       struct kext_providers **ret_providers)
{
	struct kext_providers *providers = mem_zero(1, sizeof(*providers));
	int error = providers ? choose_bundles(providers, repository, arch) : -ENOMEM;
	/* Backwards, since later exports of a name are found first. */
	for (size_t i = error < 0 ? 0 : providers->bundles.count; error == 0 && i-- > 0;)
		error = add_bundle(providers, providers->bundles.items[i], arch);
	if (error < 0)
		kext_providers_free(providers);
	else
		*ret_providers = providers;
	return error;
}

struct kext_providers *kext_providers_free(struct kext_providers *providers)
{
	if (!providers)
		return NULL;
	array_for_each (bundle, &providers->bundles)
		kext_bundle_unref(*bundle);
	array_free(&providers->bundles);
	array_free(&providers->exports);
	map_free(&providers->by_name);
	free(providers);
	return NULL;
}

const struct kext_provider *kext_providers_find(const struct kext_providers *providers,
						const char *symbol, size_t index)
{
	size_t at = (uintptr_t)map_get(&providers->by_name, symbol);
	while (at) {
		const struct export *export = &providers->exports.items[at - 1];
		const struct kext_provider *same = &export->provider;
		at = export->next;
		/* A library that lists a name twice counts once. */
		if (at &&
		    providers->exports.items[at - 1].provider.bundle == same->bundle)
			continue;
		if (index-- == 0)
			return same;
	}
	return NULL;
}

/* ---- advice ---- */

static const char *declared_version(const struct kext_bundle *bundle,
				    const struct kext_arch *arch, const char *library)
{
	const struct kext_value *libraries =
		kext_bundle_property(bundle, "OSBundleLibraries", arch);
	return kext_value_string(kext_value_get(libraries, library));
}

static bool is_reserved(const struct kext_bundle *bundle, const char *library)
{
	return strcmp(library, "com.apple.kpi.private") == 0 &&
	       strncmp(kext_bundle_identifier(bundle), "com.apple.", 10) != 0;
}

static char *advise_declared(const struct kext_bundle *library, const char *declared)
{
	const char *identifier = kext_bundle_identifier(library);
	const char *version = kext_bundle_version_text(library);
	int64_t wanted;
	char text[KEXT_VERSION_TEXT_MAX];
	if (kext_version_parse(declared, &wanted) == 0 &&
	    wanted < kext_bundle_compatible_version(library))
		return mem_format(
			"%s %s exports it, but OSBundleLibraries asks for version %s, "
			"which is too old for that one (compatible from %s on): ask for "
			"%s.",
			identifier, version, declared,
			kext_version_format(kext_bundle_compatible_version(library),
					    text),
			version);
	if (kext_bundle_is_kernel_component(library))
		return mem_format("%s %s lists it, but this kernel does not have it: "
				  "kernel and System.kext do not belong together.",
				  identifier, version);
	return mem_format("%s %s exports it, but that is not the version that was linked "
			  "against: ask for %s in OSBundleLibraries.",
			  identifier, version, version);
}

char *kext_providers_advise(const struct kext_providers *providers,
			    const struct kext_bundle *bundle,
			    const struct kext_arch *arch, const char *symbol)
{
	const struct kext_provider *provider, *reserved = NULL, *found = NULL;
	for (size_t i = 0; (provider = kext_providers_find(providers, symbol, i)); i++) {
		const char *library = kext_bundle_identifier(provider->bundle);
		const char *declared = declared_version(bundle, arch, library);
		if (strcmp(library, kext_bundle_identifier(bundle)) == 0)
			continue;
		if (declared)
			return advise_declared(provider->bundle, declared);
		if (is_reserved(bundle, library))
			reserved = provider;
		else if (!found)
			found = provider;
	}
	if (found)
		return mem_format("%s %s exports it: add that to OSBundleLibraries.",
				  kext_bundle_identifier(found->bundle),
				  kext_bundle_version_text(found->bundle));
	if (reserved)
		return mem_format("Only com.apple.kpi.private exports it, which is "
				  "reserved to com.apple kexts.");
	return NULL;
}
