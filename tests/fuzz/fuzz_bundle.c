/*
 * Takes any bytes as an Info.plist and judges the bundle that results, for a 64-bit and
 * a 32-bit architecture, by the rules of each era. In XML, the part behind a NUL is its
 * executable.
 */
#include <stdlib.h>
#include <string.h>
#include <kext/bundle.h>
#include <kext/resolve.h>
#include <kext/version.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(struct kext_bundle *bundle, struct kext_repository *repository,
		  const char *arch_name)
{
	const struct kext_arch *arch = kext_arch_named(arch_name);
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_load_list *list = NULL;
	int error = kext_bundle_validate(bundle, arch, diagnostics);
	/* Whatever is refused says why. */
	if (error < 0 && kext_diagnostics_count(diagnostics, KEXT_ERROR) == 0)
		abort();
	kext_diagnostics_free(diagnostics);
	diagnostics = kext_diagnostics_new();
	error = kext_resolve(repository, bundle, NULL, 0, arch, diagnostics, &list);
	if (error < 0 && kext_diagnostics_count(diagnostics, KEXT_ERROR) == 0)
		abort();
	kext_load_list_free(list);
	kext_diagnostics_free(diagnostics);
}

static void judge_all(struct kext_context *context, struct kext_bundle *bundle)
{
	char text[KEXT_VERSION_TEXT_MAX];
	struct kext_repository *repository;
	kext_version_format(kext_bundle_version(bundle), text);
	if (kext_repository_new(context, &repository) < 0)
		return;
	if (kext_repository_add(repository, bundle) == 0) {
		judge(bundle, repository, "x86_64");
		judge(bundle, repository, "i386");
	}
	kext_repository_free(repository);
}

static bool is_binary(const uint8_t *data, size_t size)
{
	return size >= 8 && memcmp(data, "bplist00", 8) == 0;
}

static int parse(const uint8_t *data, size_t size, struct kext_value **ret_info)
{
	if (is_binary(data, size))
		return kext_value_from_binary(data, size, ret_info);
	return kext_value_from_xml((const char *)data, size, "fuzz", NULL, ret_info);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kext_context *context;
	struct kext_value *info;
	struct kext_bundle *bundle;
	const uint8_t *end =
		is_binary(data, size) || !size ? NULL : memchr(data, 0, size);
	size_t info_size = end ? (size_t)(end - data) : size;
	if (info_size > 1 << 20 || parse(data, info_size, &info) < 0)
		return 0;
	size_t executable_size = end ? size - info_size - 1 : 0;
	void *executable = executable_size ? malloc(executable_size) : NULL;
	if (executable)
		memcpy(executable, end + 1, executable_size);
	if (kext_context_new(&context) < 0)
		abort();
	for (enum kext_era era = KEXT_ERA_TIGER; era <= KEXT_ERA_MODERN; era++) {
		kext_context_set_era(context, era);
		void *copy = executable ? malloc(executable_size) : NULL;
		if (copy)
			memcpy(copy, executable, executable_size);
		if (kext_bundle_new_archived(context, NULL, copy ? "MacOS/X" : NULL, info,
					     copy, executable_size, NULL, &bundle) < 0)
			break;
		judge_all(context, bundle);
		kext_bundle_unref(bundle);
	}
	free(executable);
	kext_value_unref(info);
	kext_context_unref(context);
	return 0;
}
