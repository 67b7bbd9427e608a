/*
 * The library context: where its caller wants log text, and below which root the default
 * places lie. Reference-counted; objects that need it later keep a reference.
 */
#ifndef KEXT_CONTEXT_H
#define KEXT_CONTEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <kext/error.h>

enum kext_log_level {
	KEXT_LOG_ERROR = 1,
	KEXT_LOG_WARNING = 2,
	KEXT_LOG_BASIC = 3,
	KEXT_LOG_PROGRESS = 4,
	KEXT_LOG_STEP = 5,
	KEXT_LOG_DETAIL = 6,
	KEXT_LOG_DEBUG = 7,
};

/* The library's version, "0.2.0"; static. */
KEXT_API const char *kext_library_version(void);

/*
 * Whose rules hold where Darwin's tools changed their mind: Mac OS X 10.4 and 10.5, 10.6 to
 * 10.13, 10.14 and later. One parameter for validation, authentication and resolution.
 */
enum kext_era { KEXT_ERA_TIGER, KEXT_ERA_SNOWLEOPARD, KEXT_ERA_MODERN };

struct kext_context;
typedef void kext_log_function(void *data, enum kext_log_level level, const char *text);

/*
 * A context with the default root ($KEXT_ROOT, else "/") and no log. 0 or -ENOMEM;
 * the caller ends its use with kext_context_unref.
 */
KEXT_API KEXT_MUST_CHECK int kext_context_new(struct kext_context **ret_context);
KEXT_API struct kext_context *kext_context_ref(struct kext_context *context);
/* Takes NULL. Returns NULL. */
KEXT_API struct kext_context *kext_context_unref(struct kext_context *context);

/* Text of level `up_to` and below goes to `function` (one line, no newline); NULL: none. */
KEXT_API void kext_context_set_log(struct kext_context *context, kext_log_function *function,
				   void *data, enum kext_log_level up_to);
/* Folder that stands for "/" in the default places. Copied. 0 or -ENOMEM. */
KEXT_API KEXT_MUST_CHECK int kext_context_set_root(struct kext_context *context,
						   const char *root);
KEXT_API const char *kext_context_root(const struct kext_context *context);
/* Modern unless set; to be set before bundles are opened, which read their versions by it. */
KEXT_API void kext_context_set_era(struct kext_context *context, enum kext_era era);
KEXT_API enum kext_era kext_context_era(const struct kext_context *context);
/* Whether identifier caches of folders are believed; they are unless set. */
KEXT_API void kext_context_set_caches(struct kext_context *context, bool believed);
KEXT_API bool kext_context_caches(const struct kext_context *context);
/* "tiger", "snowleopard", "modern": whether `name` is one of them, and which. */
KEXT_API bool kext_era_named(const char *name, enum kext_era *ret_era);
KEXT_API void kext_context_log(struct kext_context *context, enum kext_log_level level,
			       const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Our own places, without a trailing slash, static: the folder of mach_kernel and System.kext
 * ($KEXT_DATADIR, else found from where the library lies: ../share/kext beside lib), and that of
 * kernel_task and kext-inspect ($KEXT_LIBEXECDIR, else ../libexec/kext), and of the programs
 * (the sbin folder kextd is in).
 */
KEXT_API const char *kext_data_folder(void);
KEXT_API const char *kext_libexec_folder(void);
KEXT_API const char *kext_sbin_folder(void);

#endif
