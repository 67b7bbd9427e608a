/* The executable of a bundle: its bytes, the slice for an architecture, and whether it is
 * one. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <kext/version.h>
#include "base/buffer.h"
#include "base/memory.h"
#include "bundle/bundle.h"
#include "codec/fat.h"
#include "macho/macho.h"

/* kmod_info is packed to 4 bytes, as Darwin's mach/kmod.h lays it out. */
#define KMOD_NAME_32   12u
#define KMOD_NAME_64   16u
#define KMOD_NAME_SIZE 64u

static int map_at_first_use(struct kext_bundle *bundle,
			    struct kext_diagnostics *diagnostics)
{
	pthread_mutex_lock(&bundle->lock);
	int error = 0;
	if (!bundle->is_mapped)
		error = bundle->source->map_executable(bundle, diagnostics,
						       &bundle->executable);
	if (error == 0)
		bundle->is_mapped = true;
	pthread_mutex_unlock(&bundle->lock);
	return error;
}

int kext_bundle_executable(struct kext_bundle *bundle,
			   struct kext_diagnostics *diagnostics, const void **ret_data,
			   size_t *ret_size)
{
	if (!kext_bundle_has_executable(bundle)) {
		kext_diagnose(diagnostics, KEXT_ERROR, "executable.none", bundle->name,
			      NULL,
			      "has no executable (no CFBundleExecutable in Info.plist)");
		return KEXT_ERR_NOT_FOUND;
	}
	if (!bundle->executable_path && !bundle->is_mapped) {
		kext_diagnose(
			diagnostics, KEXT_ERROR, "property.value", bundle->name, NULL,
			"CFBundleExecutable must be a string that names a file, without "
			"a path and at most 255 bytes long");
		return KEXT_ERR_VALIDATION;
	}
	int error = map_at_first_use(bundle, diagnostics);
	if (error < 0)
		return error;
	*ret_data = bundle->executable.bytes.data;
	*ret_size = bundle->executable.bytes.size;
	return 0;
}

/* "x86_64, i386": what the file has instead. Empty when it is no Mach-O. */
static void list_architectures(struct bytes file, struct buffer *names)
{
	struct fat_slice slices[FAT_MAX_SLICES];
	int count = fat_slices(file, slices);
	for (int i = 0; i < count; i++) {
		const struct kext_arch *arch =
			kext_arch_numbered(slices[i].cputype, slices[i].cpusubtype);
		buffer_string(names, i ? ", " : "");
		if (arch)
			buffer_string(names, arch->name);
		else
			buffer_printf(names, "CPU %#" PRIx32, slices[i].cputype);
	}
	buffer_u8(names, 0);
}

static void diagnose_slice(const struct kext_bundle *bundle, struct bytes file, int error,
			   const struct kext_arch *arch,
			   struct kext_diagnostics *diagnostics)
{
	_cleanup_buffer_ struct buffer names = {0};
	if (error != KEXT_ERR_ARCH_NOT_FOUND) {
		kext_diagnose(
			diagnostics, KEXT_ERROR, "executable.bad", bundle->name,
			"build it again",
			"%s is no Mach-O file, or its list of architectures is damaged",
			bundle->executable_path);
		return;
	}
	list_architectures(file, &names);
	kext_diagnose_value(
		diagnostics, KEXT_ERROR, "executable.arch", bundle->name, arch->name,
		"build it for this architecture, or choose another one with -arch",
		"%s has no code for %s (it has: %s)", bundle->executable_path, arch->name,
		names.failed ? "?" : (const char *)names.data);
}

/* Whether it begins as some Mach-O or fat file does; fat_find does not tell the two
 * apart. */
static bool has_magic(struct bytes file)
{
	if (fat_is(file))
		return true;
	if (file.size < 4)
		return false;
	switch (load32(file.data, false)) {
	case MH_MAGIC:
	case MH_MAGIC_64:
	case MH_CIGAM:
	case MH_CIGAM_64:
		return true;
	default:
		return false;
	}
}

int kext_bundle_slice(struct kext_bundle *bundle, const struct kext_arch *arch,
		      struct kext_diagnostics *diagnostics, const void **ret_data,
		      size_t *ret_size)
{
	const void *data;
	size_t size;
	struct bytes slice;
	int error = kext_bundle_executable(bundle, diagnostics, &data, &size);
	if (error < 0)
		return error;
	struct bytes file = bytes_of(data, size);
	error = has_magic(file) ? fat_find(file, arch->cputype, arch->cpusubtype, &slice)
				: KEXT_ERR_BAD_DATA;
	if (error < 0) {
		diagnose_slice(bundle, file, error, arch, diagnostics);
		return error == KEXT_ERR_BAD_DATA ? KEXT_ERR_VALIDATION : error;
	}
	*ret_data = slice.data;
	*ret_size = slice.size;
	return 0;
}

/* Kexts are MH_KEXT_BUNDLE; 32-bit ones were MH_OBJECT until 10.6. */
static bool is_kext_type(const struct macho *macho)
{
	return macho->filetype == MH_KEXT_BUNDLE ||
	       (macho->filetype == MH_OBJECT && !macho->is_64);
}

static bool is_kernel_library(const char *identifier, bool or_kpi)
{
	return strncmp(identifier, "com.apple.kernel", 16) == 0 ||
	       (or_kpi && strncmp(identifier, "com.apple.kpi.", 14) == 0);
}

/*
 * Only kexts of before Darwin 6 are still held to their kmod_info: those that name a
 * kernel library older than that; for Tiger, those that name no newer one.
 */
static bool needs_matching_kmod_info(const struct kext_bundle *bundle,
				     const struct kext_arch *arch)
{
	const struct kext_value *libraries =
		kext_bundle_property(bundle, "OSBundleLibraries", arch);
	bool is_tiger = bundle_era(bundle) == KEXT_ERA_TIGER;
	int64_t version, limit;
	if (kext_version_parse("6.0", &limit) < 0)
		return false;
	for (size_t i = 0; i < kext_value_count(libraries); i++) {
		const char *key = kext_value_key_at(libraries, i);
		const char *text = kext_value_string(kext_value_at(libraries, i));
		if (key && is_kernel_library(key, is_tiger) &&
		    kext_version_parse(text, &version) == 0 &&
		    (version < limit) != is_tiger)
			return !is_tiger;
	}
	return is_tiger;
}

static void check_kmod_text(const struct kext_bundle *bundle, const char *field,
			    struct bytes text, const char *expected, bool is_version,
			    struct kext_diagnostics *diagnostics)
{
	char found[KMOD_NAME_SIZE + 1] = {0};
	int64_t a, b;
	memcpy(found, text.data, KMOD_NAME_SIZE);
	bool is_equal = is_version
				? kext_version_parse(found, &a) == 0 &&
					  kext_version_parse(expected, &b) == 0 && a == b
				: strcmp(found, expected) == 0;
	if (!is_equal)
		kext_diagnose(
			diagnostics,
			bundle_era(bundle) == KEXT_ERA_TIGER ? KEXT_ERROR : KEXT_WARNING,
			is_version ? "kmod.version" : "kmod.identifier", bundle->name,
			NULL, "kmod_info's %s is \"%s\", but Info.plist says \"%s\"",
			field, found, expected);
}

static void check_kmod_info(const struct kext_bundle *bundle, const struct macho *macho,
			    uint64_t address, struct kext_diagnostics *diagnostics)
{
	struct bytes name, version;
	uint64_t offset = macho->is_64 ? KMOD_NAME_64 : KMOD_NAME_32;
	if (!macho_at_address(macho, address + offset, KMOD_NAME_SIZE, &name) ||
	    !macho_at_address(macho, address + offset + KMOD_NAME_SIZE, KMOD_NAME_SIZE,
			      &version))
		return;
	check_kmod_text(bundle, "name", name, bundle->identifier, false, diagnostics);
	check_kmod_text(bundle, "version", version, kext_bundle_version_text(bundle),
			true, diagnostics);
}

static int bad_executable(const struct kext_bundle *bundle, const char *hint,
			  struct kext_diagnostics *diagnostics, const char *what)
{
	kext_diagnose(diagnostics, KEXT_ERROR, "executable.bad", bundle->name, hint,
		      "%s %s", bundle->executable_path, what);
	return KEXT_ERR_VALIDATION;
}

static int check_image(const struct kext_bundle *bundle, const struct kext_arch *arch,
		       const struct macho *macho, struct kext_diagnostics *diagnostics)
{
	struct macho_symbol symbol;
	struct bytes record;
	if (!is_kext_type(macho))
		return bad_executable(bundle, "link it as a kext (kext-cc, or ld -kext)",
				      diagnostics,
				      "is a Mach-O file, but not of the type of kexts "
				      "(MH_KEXT_BUNDLE)");
	if (!macho_find_symbol(macho, "_kmod_info", &symbol))
		return bad_executable(
			bundle, "compile KMOD_EXPLICIT_DECL into it, and do not strip it",
			diagnostics, "defines no symbol _kmod_info");
	if (!macho_at_address(macho, symbol.value, macho->is_64 ? 196 : 168, &record))
		return bad_executable(
			bundle, "build it again", diagnostics,
			"defines _kmod_info outside of what the file holds");
	if (needs_matching_kmod_info(bundle, arch))
		check_kmod_info(bundle, macho, symbol.value, diagnostics);
	return 0;
}

int bundle_check_executable(struct kext_bundle *bundle, const struct kext_arch *arch,
			    struct kext_diagnostics *diagnostics)
{
	const void *data;
	size_t size;
	_cleanup_macho_ struct macho macho = {0};
	if (!kext_bundle_has_executable(bundle))
		return 0;
	int error = kext_bundle_slice(bundle, arch, diagnostics, &data, &size);
	if (error == KEXT_ERR_NOT_FOUND ||
	    (error == KEXT_ERR_ARCH_NOT_FOUND && bundle_era(bundle) == KEXT_ERA_TIGER))
		return KEXT_ERR_VALIDATION;
	if (error < 0 || bundle->is_interface)
		return error;
	error = macho_parse(bytes_of(data, size), bundle->name, diagnostics, &macho);
	return error < 0 ? error : check_image(bundle, arch, &macho, diagnostics);
}
