/* What a kext leaves undefined and who may define it; see kext/needs.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <kext/needs.h>
#include "base/array.h"
#include "base/memory.h"
#include "codec/fat.h"
#include "macho/macho.h"

struct kext_needs {
	struct kext_bundle *bundle; /* the names are in its executable */
	const struct kext_providers *index;
	unsigned flags;
	ARRAY_OF(const char *) names;
	ARRAY_OF(struct kext_need) needs;
	ARRAY_OF(struct kext_bundle *) libraries;
};

static bool begins(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static bool may_serve(const struct kext_needs *needs, const struct kext_bundle *library)
{
	const char *identifier = kext_bundle_identifier(library);
	bool is_kpi = begins(identifier, "com.apple.kpi.");
	bool is_kernel = begins(identifier, "com.apple.kernel.");
	if (strcmp(identifier, kext_bundle_identifier(needs->bundle)) == 0 ||
	    strcmp(identifier, "com.apple.kernel") == 0 ||
	    strcmp(identifier, "com.apple.kpi.private") == 0)
		return false;
	if (strcmp(identifier, "com.apple.kpi.unsupported") == 0)
		return needs->flags & KEXT_NEEDS_UNSUPPORTED;
	if (is_kpi)
		return !(needs->flags & KEXT_NEEDS_NON_KPI);
	return !is_kernel || needs->flags & KEXT_NEEDS_NON_KPI;
}

static int note_library(struct kext_needs *needs, struct kext_bundle *library)
{
	array_for_each (known, &needs->libraries)
		if (*known == library)
			return 0;
	struct kext_bundle **place = array_push(&needs->libraries);
	if (!place)
		return -ENOMEM;
	*place = library;
	return 0;
}

static int add_need(struct kext_needs *needs, const char *symbol)
{
	ARRAY_OF(const struct kext_provider *) found = {0};
	const struct kext_provider *provider;
	struct kext_need *need = array_push(&needs->needs);
	int error = need ? 0 : -ENOMEM;
	for (size_t i = 0;
	     error == 0 && (provider = kext_providers_find(needs->index, symbol, i));
	     i++) {
		if (!may_serve(needs, provider->bundle))
			continue;
		const struct kext_provider **place = array_push(&found);
		error = place ? note_library(needs, provider->bundle) : -ENOMEM;
		if (place)
			*place = provider;
	}
	if (need)
		*need = (struct kext_need){symbol, found.items, found.count};
	else
		free(found.items);
	return error;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_bundles(const void *a, const void *b)
{
	return strcmp(kext_bundle_identifier(*(struct kext_bundle *const *)a),
		      kext_bundle_identifier(*(struct kext_bundle *const *)b));
}

/* Undefined and indirect names; a common symbol defines itself. */
static int collect_names(struct kext_needs *needs, const struct macho *macho)
{
	struct macho_symbol symbol;
	for (uint32_t i = 0; i < macho->symbols.count; i++) {
		if (!macho_symbol_at(macho, i, &symbol) || symbol.type & N_STAB ||
		    (symbol.type & N_TYPE) != N_UNDF || symbol.value || !*symbol.name)
			continue;
		const char **place = array_push(&needs->names);
		if (!place)
			return -ENOMEM;
		*place = symbol.name;
	}
	if (needs->names.count)
		qsort(needs->names.items, needs->names.count, sizeof(*needs->names.items),
		      compare_names);
	return 0;
}

static int find_needs(struct kext_needs *needs)
{
	int error = 0;
	for (size_t i = 0; error == 0 && i < needs->names.count; i++) {
		const char *name = needs->names.items[i];
		if (i == 0 || strcmp(name, needs->names.items[i - 1]) != 0)
			error = add_need(needs, name);
	}
	if (needs->libraries.count)
		qsort(needs->libraries.items, needs->libraries.count,
		      sizeof(*needs->libraries.items), compare_bundles);
	return error;
}

int kext_needs_new(struct kext_bundle *bundle, const struct kext_arch *arch,
		   const struct kext_providers *providers, unsigned flags,
		   struct kext_diagnostics *diagnostics, struct kext_needs **ret_needs)
{
	const void *data;
	size_t size;
	_cleanup_macho_ struct macho macho = {0};
	int error = kext_bundle_slice(bundle, arch, diagnostics, &data, &size);
	if (error == 0)
		error = macho_parse(bytes_of(data, size), kext_bundle_name(bundle),
				    diagnostics, &macho);
	if (error < 0)
		return error;
	struct kext_needs *needs = mem_zero(1, sizeof(*needs));
	if (!needs)
		return -ENOMEM;
	needs->bundle = kext_bundle_ref(bundle);
	needs->index = providers;
	needs->flags = flags;
	error = collect_names(needs, &macho);
	if (error == 0)
		error = find_needs(needs);
	if (error < 0)
		kext_needs_free(needs);
	else
		*ret_needs = needs;
	return error;
}

struct kext_needs *kext_needs_free(struct kext_needs *needs)
{
	if (!needs)
		return NULL;
	array_for_each (need, &needs->needs)
		free((void *)need->providers);
	array_free(&needs->needs);
	array_free(&needs->names);
	array_free(&needs->libraries);
	kext_bundle_unref(needs->bundle);
	free(needs);
	return NULL;
}

size_t kext_needs_count(const struct kext_needs *needs)
{
	return needs->needs.count;
}

const struct kext_need *kext_needs_at(const struct kext_needs *needs, size_t index)
{
	return index < needs->needs.count ? &needs->needs.items[index] : NULL;
}

struct kext_bundle *kext_needs_library(const struct kext_needs *needs, size_t index)
{
	return index < needs->libraries.count ? needs->libraries.items[index] : NULL;
}

int kext_bundle_architectures(struct kext_bundle *bundle,
			      struct kext_diagnostics *diagnostics,
			      const struct kext_arch **ret_archs, size_t room)
{
	const void *data;
	size_t size, used = 0;
	struct fat_slice slices[FAT_MAX_SLICES] = {0};
	int error = kext_bundle_executable(bundle, diagnostics, &data, &size);
	if (error < 0)
		return error;
	int count = fat_slices(bytes_of(data, size), slices);
	for (int i = 0; i < count && used < room; i++) {
		const struct kext_arch *arch =
			kext_arch_numbered(slices[i].cputype, slices[i].cpusubtype);
		if (arch)
			ret_archs[used++] = arch;
	}
	if (used)
		return (int)used;
	kext_diagnose(diagnostics, KEXT_ERROR, "executable.bad", kext_bundle_name(bundle),
		      "build it again",
		      "its executable is no Mach-O file of a known architecture");
	return KEXT_ERR_VALIDATION;
}
