/*
 * Whether the members of a load list are fit for being loaded: valid, authentic, and
 * eligible in a safe boot.
 */
#include <errno.h>
#include <string.h>
#include <kext/resolve.h>

struct check {
	const struct kext_load_list *list;
	const struct kext_load_checks *checks;
	struct kext_diagnostics *diagnostics;
	struct kext_bundle *root;
};

/* NULL: nothing there that would be loaded. */
static struct kext_bundle *bundle_at(const struct check *check, size_t index)
{
	const struct kext_load_item *item = kext_load_list_at(check->list, index);
	return item->loaded || item->is_kernel_component ? NULL : item->bundle;
}

static void blame(const struct check *check, const char *slug,
		  const struct kext_bundle *dependency, const char *what)
{
	kext_diagnose_value(check->diagnostics, KEXT_ERROR, slug,
			    kext_bundle_identifier(check->root),
			    kext_bundle_identifier(dependency), NULL, "needs %s, %s",
			    kext_bundle_identifier(dependency), what);
}

static int check_validity(const struct check *check, struct kext_bundle *bundle)
{
	int error = kext_bundle_validate(bundle, check->checks->arch, check->diagnostics);
	if (error == 0 || error == -ENOMEM)
		return error;
	blame(check, "dependency.invalid", bundle, "which is not a valid kext");
	return KEXT_ERR_DEPENDENCIES;
}

static int check_owner(const struct check *check, struct kext_bundle *bundle)
{
	int error = kext_bundle_authenticate(bundle, check->checks->owner,
					     check->diagnostics);
	if (error == 0 || error == -ENOMEM)
		return error;
	blame(check, "dependency.inauthentic", bundle,
	      "whose owner or modes do not vouch for it");
	return KEXT_ERR_AUTHENTICATION;
}

static int check_boot_level(const struct check *check, struct kext_bundle *bundle)
{
	if (kext_bundle_required(bundle, check->checks->arch))
		return 0;
	if (bundle == check->root)
		kext_diagnose(
			check->diagnostics, KEXT_ERROR, "boot.level",
			kext_bundle_identifier(bundle),
			"set OSBundleRequired in its Info.plist",
			"is not loaded in a safe boot: it has no legal OSBundleRequired");
	else
		blame(check, "boot.dependency", bundle,
		      "which is not loaded in a safe boot: it has no legal "
		      "OSBundleRequired");
	return KEXT_ERR_BOOT_LEVEL;
}

/* All members are checked, so that all findings come at once; the first error stays. */
static int check_members(const struct check *check, size_t count,
			 int (*function)(const struct check *, struct kext_bundle *))
{
	int result = 0;
	for (size_t i = 0; result != -ENOMEM && i < count; i++) {
		struct kext_bundle *bundle = bundle_at(check, i);
		int error = bundle ? function(check, bundle) : 0;
		if (result == 0 || error == -ENOMEM)
			result = error;
	}
	return result;
}

int kext_load_list_check(const struct kext_load_list *list,
			 const struct kext_load_checks *checks,
			 struct kext_diagnostics *diagnostics)
{
	size_t count = kext_load_list_count(list);
	if (!count || !kext_load_list_at(list, count - 1)->bundle)
		return 0;
	const struct check check = {list, checks, diagnostics,
				    kext_load_list_at(list, count - 1)->bundle};
	int error = check_members(&check, count - 1, check_validity);
	if (error == 0 && checks->authenticates)
		error = check_members(&check, count - 1, check_owner);
	if (error == 0 && checks->is_safe_boot)
		error = check_members(&check, count, check_boot_level);
	return error;
}
