/*
 * What a property list says about other kexts, held against those that are here: the
 * kexts that personalities name, and the one whose executable is shared. Tiger did not
 * look.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <kext/repository.h>

struct check {
	const struct kext_repository *repository;
	struct kext_bundle *bundle;
	const struct kext_arch *arch;
	struct kext_diagnostics *diagnostics;
};

static void warn(const struct check *check, const char *slug, const char *personality,
		 const char *identifier, const char *what)
{
	char value[256];
	snprintf(value, sizeof(value), "'%.100s' -> '%.100s'", personality, identifier);
	kext_diagnose_value(check->diagnostics, KEXT_WARNING, slug,
			    kext_bundle_name(check->bundle), value, NULL,
			    "IOKitPersonalities.%s names %s, %s", personality, identifier,
			    what);
}

static int check_personality(const struct check *check, const char *name,
			     const char *identifier)
{
	if (strcmp(identifier, kext_bundle_identifier(check->bundle)) == 0)
		return 0;
	struct kext_bundle *named = kext_repository_find(check->repository, identifier);
	if (!named) {
		warn(check, "personality.unknown", name, identifier,
		     "which is in no repository");
		return 0;
	}
	if (!kext_bundle_has_executable(named) &&
	    !kext_bundle_shared_executable(named, check->arch) &&
	    !kext_bundle_is_kernel_component(named))
		warn(check, "personality.codeless", name, identifier,
		     "which has no executable");
	int error = kext_bundle_validate(named, check->arch, NULL);
	if (error == -ENOMEM)
		return error;
	if (error < 0)
		warn(check, "personality.nonloadable", name, identifier,
		     "which cannot be loaded");
	return 0;
}

static int check_personalities(const struct check *check)
{
	const struct kext_value *all =
		kext_bundle_property(check->bundle, "IOKitPersonalities", check->arch);
	int error = 0;
	if (!kext_value_is(all, KEXT_VALUE_DICTIONARY))
		return 0;
	for (size_t i = 0; error == 0 && i < kext_value_count(all); i++) {
		const char *identifier = kext_value_string(
			kext_value_get(kext_value_at(all, i), "CFBundleIdentifier"));
		if (identifier)
			error = check_personality(check, kext_value_key_at(all, i),
						  identifier);
	}
	return error;
}

static int check_shared_executable(const struct check *check)
{
	const char *identifier =
		kext_bundle_shared_executable(check->bundle, check->arch);
	if (!identifier || kext_repository_find(check->repository, identifier))
		return 0;
	kext_diagnose_value(check->diagnostics, KEXT_ERROR, "executable.shared-missing",
			    kext_bundle_name(check->bundle), identifier,
			    "name it with -d, or its folder with -r",
			    "shares the executable of %s, which is in no repository",
			    identifier);
	return KEXT_ERR_VALIDATION;
}

int kext_repository_check(const struct kext_repository *repository,
			  struct kext_bundle *bundle, const struct kext_arch *arch,
			  struct kext_diagnostics *diagnostics)
{
	const struct check check = {repository, bundle, arch, diagnostics};
	if (kext_context_era(kext_bundle_context(bundle)) == KEXT_ERA_TIGER)
		return 0;
	int error = check_personalities(&check);
	return error < 0 ? error : check_shared_executable(&check);
}
