/* The error table: code, Darwin's OSReturn, its text, and the exit status of commands. */
#include <errno.h>
#include <string.h>
#include <kext/error.h>

struct row {
	int code;
	uint32_t osreturn;
	int exit_status;
	const char *text;
};

/* The "(libkern/kext) …" texts are what scripts match; the rest are our own words. */
static const struct row rows[] = {
	{KEXT_ERR_INTERNAL, 0xdc008001, 70, "(libkern/kext) internal error"},
	{KEXT_ERR_NOT_PRIVILEGED, 0xdc008004, 77, "(libkern/kext) not privileged"},
	{KEXT_ERR_INVALID_ARGUMENT, 0xdc008005, 64, "(libkern/kext) invalid argument"},
	{KEXT_ERR_NOT_FOUND, 0xdc008006, 71, "(libkern/kext) not found"},
	{KEXT_ERR_BAD_DATA, 0xdc008007, 71, "(libkern/kext) bad data (mkext/other)"},
	{KEXT_ERR_SERIALIZATION, 0xdc008008, 71,
	 "(libkern/kext) XML (un)serialization error"},
	{KEXT_ERR_UNSUPPORTED, 0xdc008009, 71,
	 "(libkern/kext) function/version unsupported"},
	{KEXT_ERR_DISABLED, 0xdc00800a, 71, "(libkern/kext) function disabled"},
	{KEXT_ERR_NOT_A_KEXT, 0xdc00800b, 71,
	 "(libkern/kext) malformed kext (bundle layout/missing plist)"},
	{KEXT_ERR_VALIDATION, 0xdc00800c, 71,
	 "(libkern/kext) validation failure (plist/executable)"},
	{KEXT_ERR_AUTHENTICATION, 0xdc00800d, 71,
	 "(libkern/kext) authentication failure (file ownership/permissions)"},
	{KEXT_ERR_DEPENDENCIES, 0xdc00800e, 71,
	 "(libkern/kext) dependency resolution failure"},
	{KEXT_ERR_ARCH_NOT_FOUND, 0xdc00800f, 71,
	 "(libkern/kext) requested architecture/executable not found"},
	{KEXT_ERR_CACHE, 0xdc008010, 71, "(libkern/kext) cache error"},
	{KEXT_ERR_DEFERRED, 0xdc008011, 71,
	 "(libkern/kext) operation deferred (queued to user space)"},
	{KEXT_ERR_BOOT_LEVEL, 0xdc008012, 71,
	 "(libkern/kext) operation/kext not allowed at current boot level"},
	{KEXT_ERR_NOT_LOADABLE, 0xdc008013, 71,
	 "(libkern/kext) not loadable (reason unspecified)"},
	{KEXT_ERR_LOADED_DIFFERS, 0xdc008014, 71,
	 "(libkern/kext) different version/uuid already loaded"},
	{KEXT_ERR_DEPENDENCY_LOAD, 0xdc008015, 71, "(libkern/kext) dependency load failed"},
	{KEXT_ERR_LINK, 0xdc008016, 71, "(libkern/kext) link error"},
	{KEXT_ERR_START_STOP, 0xdc008017, 71,
	 "(libkern/kext) kext (kmod) start/stop routine failed"},
	{KEXT_ERR_IN_USE, 0xdc008018, 71,
	 "(libkern/kext) kext is in use or retained (cannot unload)"},
	{KEXT_ERR_TIMEOUT, 0xdc008019, 75, "(libkern/kext) kext request timed out"},
	{KEXT_ERR_STOPPING, 0xdc00801a, 71,
	 "(libkern/kext) kext is stopping and cannot issue requests"},
	{KEXT_ERR_SYSTEM_POLICY, 0xdc00801b, 27,
	 "(libkern/kext) system policy prevents loading"},
	{KEXT_ERR_PANIC, 0xdc000001, 70, "the userland kernel panicked"},
	{KEXT_ERR_CANCELLED, 0xdc000001, 130, "cancelled"},
	{KEXT_ERR_PROTOCOL, 0xdc008001, 76, "the other side speaks another protocol version"},
	{KEXT_ERR_NO_SERVER, 0xdc000001, 69, "kextd cannot be reached"},
};

static const struct row *find(int code)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (rows[i].code == code)
			return &rows[i];
	}
	return NULL;
}

uint32_t kext_error_osreturn(int error)
{
	const struct row *row = find(error);
	if (error >= 0)
		return 0;
	if (row)
		return row->osreturn;
	switch (-error) {
	case ENOMEM:
		return 0xdc008002;
	case EACCES:
	case EPERM:
		return 0xdc008004;
	case ENOENT:
		return 0xdc008006;
	default:
		return 0xdc000001;
	}
}

int kext_error_from_osreturn(uint32_t value)
{
	if (value == 0)
		return 0;
	if (value == 0xdc008002)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (rows[i].osreturn == value && (value & 0xffff8000u) == 0xdc008000u)
			return rows[i].code;
	}
	return KEXT_ERR_INTERNAL;
}

int kext_error_exit_status(int error)
{
	const struct row *row = find(error);
	if (error >= 0)
		return 0;
	if (row)
		return row->exit_status;
	return error == -EACCES || error == -EPERM ? 77 : 71;
}

const char *kext_error_string(int error)
{
	static _Thread_local char text[128];
	const struct row *row = find(error);
	if (row)
		return row->text;
	/* GNU strerror_r: may or may not use the buffer. */
	return error == 0 ? "success" : strerror_r(error < 0 ? -error : error, text, sizeof(text));
}
