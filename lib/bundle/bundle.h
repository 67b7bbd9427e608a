/*
 * Inside of a bundle, shared by the files of this folder. Where a bundle's bytes come
 * from is behind its source: a folder on disk or an entry of an archive.
 */
#ifndef BUNDLE_BUNDLE_H
#define BUNDLE_BUNDLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <kext/bundle.h>
#include "base/array.h"
#include "base/file.h"

#define BUNDLE_EXECUTABLE_LIMIT (UINT64_C(1) << 30)

/* Which file it was, so that another one in its place is noticed. */
struct file_identity {
	bool is_known;
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

struct bundle_source {
	/* The executable's bytes, at first use; called with the bundle's lock held. */
	int (*map_executable)(struct kext_bundle *bundle,
			      struct kext_diagnostics *diagnostics, struct file_map *ret);
	void (*unmap_executable)(struct file_map *map);
	int (*authenticate)(struct kext_bundle *bundle, uid_t owner,
			    struct kext_diagnostics *diagnostics);
};

struct kext_bundle {
	atomic_int references;
	struct kext_context *context;
	const struct bundle_source *source;
	char *path, *name;
	const char *base; /* what precedes Info.plist, "Contents/" */
	struct kext_value *info;
	const char *identifier; /* within info, or what stands for one */
	int64_t version, compatible_version;
	bool is_kernel_component, is_interface;
	bool is_binary; /* Info.plist is a binary property list */
	char *executable_path;
	ARRAY_OF(char *) plugins;
	struct bundle_origin *origin; /* makes the executable; owned */

	pthread_mutex_t lock; /* for what follows, which is filled at first use */
	bool is_mapped;
	struct file_map executable;
	struct file_identity folder, info_file, executable_file;
};

/*
 * A bundle around an Info.plist, which is referenced: KEXT_ERR_VALIDATION with a
 * diagnostic unless it is a dictionary. `name` is for messages.
 */
int bundle_new(struct kext_context *context, const struct bundle_source *source,
	       const char *name, struct kext_value *info,
	       struct kext_diagnostics *diagnostics, struct kext_bundle **ret_bundle)
	__attribute__((warn_unused_result));

/* 0, or KEXT_ERR_VALIDATION with a diagnostic: CFBundleIdentifier is a text. */
int bundle_check_identifier(const struct kext_value *info, const char *name,
			    struct kext_diagnostics *diagnostics)
	__attribute__((warn_unused_result));

static inline enum kext_era bundle_era(const struct kext_bundle *bundle)
{
	return kext_context_era(bundle->context);
}

/* Whether it is one of the five values that OSBundleRequired may have. */
bool bundle_is_boot_level(const char *text);

/* CFBundleExecutable when it can name a file: not empty, no path. NULL otherwise. */
const char *bundle_executable_name(const struct kext_bundle *bundle);
/* KEY_ARCH or KEY, whichever applies, and which of the two (for messages). */
const struct kext_value *bundle_property(const struct kext_bundle *bundle,
					 const char *key, const struct kext_arch *arch,
					 char name[128]);

/* Fills the plug-in list from the folder `fd`. 0, -ENOMEM; unreadable is a diagnostic. */
int bundle_read_plugins(struct kext_bundle *bundle, int fd,
			struct kext_diagnostics *diagnostics)
	__attribute__((warn_unused_result));

/* A descriptor of the folder that was opened, if it is still the one at its path. */
int bundle_reopen(const struct kext_bundle *bundle, struct kext_diagnostics *diagnostics)
	__attribute__((warn_unused_result));
struct file_identity file_identity_of(const struct stat *stat);
bool file_identity_equal(const struct file_identity *a, const struct file_identity *b);

/* Parts of kext_bundle_validate; each finding that forbids loading is an error. */
void bundle_check_properties(const struct kext_bundle *bundle,
			     const struct kext_arch *arch,
			     struct kext_diagnostics *diagnostics);
void bundle_check_personalities(const struct kext_bundle *bundle,
				const struct kext_arch *arch,
				struct kext_diagnostics *diagnostics);
/* 0, KEXT_ERR_VALIDATION, KEXT_ERR_ARCH_NOT_FOUND or -ENOMEM. */
int bundle_check_executable(struct kext_bundle *bundle, const struct kext_arch *arch,
			    struct kext_diagnostics *diagnostics)
	__attribute__((warn_unused_result));
int bundle_authenticate_folder(struct kext_bundle *bundle, uid_t owner,
			       struct kext_diagnostics *diagnostics)
	__attribute__((warn_unused_result));

#endif
