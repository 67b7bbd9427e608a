/*
 * A client of kextd: what is loaded, load, unload, log and sysctls of the userland kernel.
 */
#ifndef KEXT_CLIENT_H
#define KEXT_CLIENT_H

#include <stdbool.h>
#include <kext/context.h>
#include <kext/diagnostic.h>
#include <kext/value.h>

struct kext_client;

enum kext_instance { KEXT_INSTANCE_DEFAULT, KEXT_INSTANCE_USER, KEXT_INSTANCE_SYSTEM };

enum kext_client_flags {
	KEXT_CLIENT_START = 1 << 0,	/* start kextd when none answers */
};

/*
 * Connects to the instance's kextd: one's own, or root's. KEXT_ERR_NO_SERVER when none
 * runs (readers take that as "nothing is loaded"), KEXT_ERR_NOT_PRIVILEGED, KEXT_ERR_PROTOCOL, or
 * system errors, with a diagnostic that names the socket.
 */
KEXT_API KEXT_MUST_CHECK int kext_client_connect(struct kext_context *context,
						 enum kext_instance instance, unsigned flags,
						 struct kext_diagnostics *diagnostics,
						 struct kext_client **ret_client);
/* Takes NULL. Returns NULL. */
KEXT_API struct kext_client *kext_client_free(struct kext_client *client);

struct kext_load_options {
	const char *path;		/* of a bundle; or NULL and */
	const char *identifier;		/* an identifier in the repositories */
	const char *const *repositories;	/* further folders */
	size_t repository_count;
	const char *const *dependencies;	/* bundles that may serve */
	size_t dependency_count;
	bool no_system_extensions, allow_missing;
	bool delay_autounload;		/* the next look for unused kexts spares it */
	unsigned timeout_ms;		/* 0: none */
};

struct kext_load_reply {
	bool was_loaded;		/* it was there already, with this UUID */
	uint32_t tag, start_result;
	char *report;			/* path of the panic report; NULL. free() */
};

/*
 * Loads and starts a kext and what it needs. kextd's findings come as diagnostics. Errors:
 * the closed list; KEXT_ERR_PANIC, _TIMEOUT and _CANCELLED come with a report.
 * kext_client_cancel may be called from a signal handler while it waits.
 */
KEXT_API KEXT_MUST_CHECK int kext_client_load(struct kext_client *client,
					      const struct kext_load_options *options,
					      struct kext_diagnostics *diagnostics,
					      struct kext_load_reply *ret_reply);
/* Stops and unloads by identifier. ret_reply->report as above. */
KEXT_API KEXT_MUST_CHECK int kext_client_unload(struct kext_client *client,
						const char *identifier, unsigned timeout_ms,
						struct kext_diagnostics *diagnostics,
						struct kext_load_reply *ret_reply);
/* Async-signal-safe: asks kextd to interrupt the request that is under way. */
KEXT_API void kext_client_cancel(struct kext_client *client);

/*
 * Loaded kexts in load order: an array of dictionaries in the vocabulary of kext_request
 * (OSBundleLoadTag, OSBundleRetainCount, OSBundleLoadAddress, …).
 */
KEXT_API KEXT_MUST_CHECK int kext_client_list(struct kext_client *client,
					      struct kext_diagnostics *diagnostics,
					      struct kext_value **ret_kexts);
/*
 * Log text from stream position *position on (0: all that is kept); the caller frees
 * *ret_text. `wait`: blocks until there is more.
 */
KEXT_API KEXT_MUST_CHECK int kext_client_log(struct kext_client *client, uint64_t *position,
					     bool wait, char **ret_text);
struct kext_sysctl {
	void *data;			/* old value; free() */
	size_t size;
	uint32_t kind;			/* CTLTYPE in the low 4 bits */
	char format[64];
};
/*
 * Reads, and with `value` writes, a sysctl of the kernel by name. KEXT_ERR_NOT_FOUND, -EPERM, -EINVAL, …
 */
KEXT_API KEXT_MUST_CHECK int kext_client_sysctl(struct kext_client *client, const char *name,
						const void *value, size_t value_size,
						struct kext_sysctl *ret_sysctl);
/* All names, an array of strings. */
KEXT_API KEXT_MUST_CHECK int kext_client_sysctl_names(struct kext_client *client,
						      struct kext_value **ret_names);
/* What `kextd --status` shows: a dictionary. */
KEXT_API KEXT_MUST_CHECK int kext_client_status(struct kext_client *client,
						struct kext_value **ret_status);
/*
 * What the kernel's checks found in kexts since kextd started: an array of dictionaries with
 * "check" (its name, such as heap.leak), "message", "kext" and, where known, "site" and "origin":
 * the code that did it and that from which the memory came, each with "address", "image",
 * "offset" and perhaps "symbol" and "symbol_offset".
 */
KEXT_API KEXT_MUST_CHECK int kext_client_findings(struct kext_client *client,
						  struct kext_value **ret_findings);
/* Asks kextd to leave (stops the kernel), or to boot a fresh kernel. */
KEXT_API KEXT_MUST_CHECK int kext_client_shutdown(struct kext_client *client);
KEXT_API KEXT_MUST_CHECK int kext_client_restart(struct kext_client *client);

#endif
