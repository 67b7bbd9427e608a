/*
 * Error codes of libkext. Every fallible function returns 0 or a negative code: -errno for
 * failures of the system, one of these for failures of the domain.
 */
#ifndef KEXT_ERROR_H
#define KEXT_ERROR_H

#include <stdint.h>

#define KEXT_API __attribute__((visibility("default")))
#define KEXT_MUST_CHECK __attribute__((warn_unused_result))

/*
 * The closed list of domain errors. The column behind each is the Darwin OSReturn it stands
 * for and the exit status a command gives it (sysexits.h numbering).
 */
enum kext_error {
	KEXT_ERR_INTERNAL = -10000,	     /* 0xdc008001, 70 */
	KEXT_ERR_NOT_PRIVILEGED = -10001,    /* 0xdc008004, 77 */
	KEXT_ERR_INVALID_ARGUMENT = -10002,  /* 0xdc008005, 64 */
	KEXT_ERR_NOT_FOUND = -10003,	     /* 0xdc008006, 71 */
	KEXT_ERR_BAD_DATA = -10004,	     /* 0xdc008007, 71 */
	KEXT_ERR_SERIALIZATION = -10005,     /* 0xdc008008, 71 */
	KEXT_ERR_UNSUPPORTED = -10006,	     /* 0xdc008009, 71 */
	KEXT_ERR_DISABLED = -10007,	     /* 0xdc00800a, 71 */
	KEXT_ERR_NOT_A_KEXT = -10008,	     /* 0xdc00800b, 71 */
	KEXT_ERR_VALIDATION = -10009,	     /* 0xdc00800c, 71 */
	KEXT_ERR_AUTHENTICATION = -10010,    /* 0xdc00800d, 71 */
	KEXT_ERR_DEPENDENCIES = -10011,	     /* 0xdc00800e, 71 */
	KEXT_ERR_ARCH_NOT_FOUND = -10012,    /* 0xdc00800f, 71 */
	KEXT_ERR_CACHE = -10013,	     /* 0xdc008010, 71 */
	KEXT_ERR_DEFERRED = -10014,	     /* 0xdc008011, 71 */
	KEXT_ERR_BOOT_LEVEL = -10015,	     /* 0xdc008012, 71 */
	KEXT_ERR_NOT_LOADABLE = -10016,	     /* 0xdc008013, 71 */
	KEXT_ERR_LOADED_DIFFERS = -10017,    /* 0xdc008014, 71 */
	KEXT_ERR_DEPENDENCY_LOAD = -10018,   /* 0xdc008015, 71 */
	KEXT_ERR_LINK = -10019,		     /* 0xdc008016, 71 */
	KEXT_ERR_START_STOP = -10020,	     /* 0xdc008017, 71 */
	KEXT_ERR_IN_USE = -10021,	     /* 0xdc008018, 71 */
	KEXT_ERR_TIMEOUT = -10022,	     /* 0xdc008019, 75 */
	KEXT_ERR_STOPPING = -10023,	     /* 0xdc00801a, 71 */
	KEXT_ERR_SYSTEM_POLICY = -10024,     /* 0xdc00801b, 27 */
	KEXT_ERR_PANIC = -10025,	     /* 0xdc000001, 70: the userland kernel panicked */
	KEXT_ERR_CANCELLED = -10026,	     /* 0xdc000001, 130: the user interrupted */
	KEXT_ERR_PROTOCOL = -10027,	     /* 0xdc008001, 76: peer speaks otherwise */
	KEXT_ERR_NO_SERVER = -10028,	     /* 0xdc000001, 69: kextd cannot be reached */
};

/* Darwin's OSReturn value for a code of either kind; 0 for 0. */
KEXT_API uint32_t kext_error_osreturn(int error);

/* The code that stands for an OSReturn value; KEXT_ERR_INTERNAL for values we do not know. */
KEXT_API int kext_error_from_osreturn(uint32_t value);

/* Exit status a command uses for the code: 0 for 0, otherwise a sysexits.h value. */
KEXT_API int kext_error_exit_status(int error);

/*
 * Text for a code: what Darwin's error-string function yields ("(libkern/kext) link error") for domain
 * errors, strerror's text for system errors. The string is static or thread-local and
 * valid until the thread's next call.
 */
KEXT_API const char *kext_error_string(int error);

#endif
