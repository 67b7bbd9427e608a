/*
 * libkern's C interfaces: text output, strings and memory, atomics, digests, random
 * numbers, version data. Functions named xnu_* are exported under the name after xnu_.
 */
#ifndef KERNEL_LIBKERN_LIBKERN_H
#define KERNEL_LIBKERN_LIBKERN_H

#include "kernel/kernel.h"

/* ---- text ---- */
/* sysctl debug.hide_kernel_pointers: non-zero prints <ptr> for kernel addresses in the
 * log. */
extern int hide_kernel_pointers;
int xnu_printf(const char *format, ...);
int xnu_vprintf(const char *format, va_list arguments);
void kprintf(const char *format, ...);
void IOLog(const char *format, ...);
void IOLogv(const char *format, va_list arguments);
void xnu_log(int level, const char *format, ...);
/* printf on behalf of a return address. */
void log_format(const void *caller, const char *format, ...);
int xnu_scnprintf(char *text, size_t size, const char *format, ...);
int xnu_vscnprintf(char *text, size_t size, const char *format, va_list arguments);
int xnu_sprintf(char *text, const char *format, ...);
int xnu_vsprintf(char *text, const char *format, va_list arguments);
int xnu_doprnt(const char *format, va_list *arguments, void (*put)(char), int radix);
int xnu_doprnt_log(const char *format, va_list *arguments, void (*put)(char), int radix);
extern void (*PE_kputc)(char c);

/* ---- os_log ---- */
struct os_log_s {
	uintptr_t opaque[4];
};
extern struct os_log_s _os_log_default;
struct os_log_s *os_log_create(const char *subsystem, const char *category);
bool os_log_info_enabled(struct os_log_s *log);
bool os_log_debug_enabled(struct os_log_s *log);
void _os_log_internal(void *dso, struct os_log_s *log, uint8_t type, const char *format,
		      ...);

/* ---- reports ---- */
_Noreturn void Assert(const char *file, int line, const char *expression);
void Debugger(const char *message);
unsigned OSBacktrace(void **addresses, unsigned count);
void OSReportWithBacktrace(const char *format, ...);
void OSPrintMemory(void);
extern uintptr_t xnu_stack_chk_guard[8];
_Noreturn void xnu_stack_chk_fail(void);
void stack_guard_startup(void);

/* ---- strings ---- */
size_t xnu_strlen(const char *text);
size_t xnu_strnlen(const char *text, size_t max);
int xnu_strcmp(const char *a, const char *b);
int xnu_strncmp(const char *a, const char *b, size_t n);
int xnu_strcasecmp(const char *a, const char *b);
int xnu_strncasecmp(const char *a, const char *b, size_t n);
char *xnu_strcpy(char *to, const char *from);
char *xnu_strncpy(char *to, const char *from, size_t n);
char *xnu_strcat(char *to, const char *from);
char *xnu_strncat(char *to, const char *from, size_t n);
size_t xnu_strlcpy(char *to, const char *from, size_t size);
size_t xnu_strlcat(char *to, const char *from, size_t size);
char *xnu_strchr(const char *text, int c);
char *xnu_strnstr(const char *text, const char *part, size_t n);
char *xnu_strsep(char **text, const char *delimiters);
int strprefix(const char *text, const char *prefix);
int xnu_ffs(unsigned value);
char *itoa(int value, char *text);

/* ---- numbers in text ---- */
int xnu_atoi(const char *text);
long xnu_strtol(const char *text, char **ret_end, int base);
unsigned long xnu_strtoul(const char *text, char **ret_end, int base);
int64_t xnu_strtoq(const char *text, char **ret_end, int base);
uint64_t xnu_strtouq(const char *text, char **ret_end, int base);
int xnu_sscanf(const char *text, const char *format, ...);
int xnu_vsscanf(const char *text, const char *format, va_list arguments);

/* ---- memory ---- */
void xnu_bzero(void *to, size_t n);
void xnu_bcopy(const void *from, void *to, size_t n);
int xnu_bcmp(const void *a, const void *b, size_t n);
void *xnu_memcpy(void *to, const void *from, size_t n);
void *xnu_memmove(void *to, const void *from, size_t n);
void *xnu_memset(void *to, int value, size_t n);
int xnu_memcmp(const void *a, const void *b, size_t n);
int xnu_memset_s(void *to, size_t to_size, int value, size_t n);
int xnu_timingsafe_bcmp(const void *a, const void *b, size_t n);
int cc_clear(size_t n, void *to);

/* The forms compilers emit when they know the object's size. */
void *xnu_memcpy_chk(void *to, const void *from, size_t n, size_t object);
void *xnu_memmove_chk(void *to, const void *from, size_t n, size_t object);
void *xnu_memset_chk(void *to, int value, size_t n, size_t object);
char *xnu_strcpy_chk(char *to, const char *from, size_t object);
char *xnu_strncpy_chk(char *to, const char *from, size_t n, size_t object);
char *xnu_strcat_chk(char *to, const char *from, size_t object);
char *xnu_strncat_chk(char *to, const char *from, size_t n, size_t object);
size_t xnu_strlcpy_chk(char *to, const char *from, size_t n, size_t object);
size_t xnu_strlcat_chk(char *to, const char *from, size_t n, size_t object);

/* ---- atomics; all return the value before the operation ---- */
int8_t OSAddAtomic8(int32_t amount, volatile int8_t *value);
int16_t OSAddAtomic16(int32_t amount, volatile int16_t *value);
int32_t OSAddAtomic(int32_t amount, volatile int32_t *value);
int64_t OSAddAtomic64(int64_t amount, volatile int64_t *value);
int8_t OSIncrementAtomic8(volatile int8_t *value);
int16_t OSIncrementAtomic16(volatile int16_t *value);
int32_t OSIncrementAtomic(volatile int32_t *value);
int8_t OSDecrementAtomic8(volatile int8_t *value);
int16_t OSDecrementAtomic16(volatile int16_t *value);
int32_t OSDecrementAtomic(volatile int32_t *value);
uint8_t OSBitAndAtomic8(uint32_t mask, volatile uint8_t *value);
uint16_t OSBitAndAtomic16(uint32_t mask, volatile uint16_t *value);
uint32_t OSBitAndAtomic(uint32_t mask, volatile uint32_t *value);
uint8_t OSBitOrAtomic8(uint32_t mask, volatile uint8_t *value);
uint16_t OSBitOrAtomic16(uint32_t mask, volatile uint16_t *value);
uint32_t OSBitOrAtomic(uint32_t mask, volatile uint32_t *value);
uint8_t OSBitXorAtomic8(uint32_t mask, volatile uint8_t *value);
uint16_t OSBitXorAtomic16(uint32_t mask, volatile uint16_t *value);
uint32_t OSBitXorAtomic(uint32_t mask, volatile uint32_t *value);
Boolean OSCompareAndSwap(uint32_t from, uint32_t to, volatile uint32_t *value);
Boolean OSCompareAndSwap64(uint64_t from, uint64_t to, volatile uint64_t *value);
Boolean OSCompareAndSwapPtr(void *from, void *to, void *volatile *value);
Boolean OSTestAndSet(uint32_t bit, volatile uint8_t *base);
Boolean OSTestAndClear(uint32_t bit, volatile uint8_t *base);
bool OSSpinLockTry(volatile int32_t *lock);
void OSSpinLockUnlock(volatile int32_t *lock);

/* ---- reference counts (os/refcnt.h) ---- */
struct os_refcnt {
	_Atomic uint32_t count;
};
void os_ref_init_count_internal(struct os_refcnt *count, void *group, uint32_t value);
void os_ref_retain_internal(struct os_refcnt *count, void *group);
void os_ref_retain_locked_internal(struct os_refcnt *count, void *group);
bool os_ref_retain_try_internal(struct os_refcnt *count, void *group);
uint32_t os_ref_release_internal(struct os_refcnt *count, void *group);
uint32_t os_ref_release_barrier_internal(struct os_refcnt *count, void *group);
uint32_t os_ref_release_relaxed_internal(struct os_refcnt *count, void *group);
uint32_t os_ref_release_locked_internal(struct os_refcnt *count, void *group);

/* ---- check sums, digests, random numbers ---- */
uint32_t xnu_crc32(uint32_t crc, const void *data, size_t size);
unsigned long xnu_adler32(unsigned long adler, const uint8_t *data, unsigned size);
void xnu_MD5Init(void *context);
void xnu_MD5Update(void *context, const void *data, unsigned size);
void xnu_MD5Final(uint8_t *digest, void *context);
void xnu_SHA1Init(void *context);
void xnu_SHA1Update(void *context, const void *data, size_t size);
void xnu_SHA1Final(void *digest, void *context);
void xnu_SHA1Final_r(void *context, void *digest);
void xnu_SHA256_Init(void *context);
void xnu_SHA256_Update(void *context, const void *data, size_t size);
void xnu_SHA256_Final(void *digest, void *context);
void xnu_SHA384_Init(void *context);
void xnu_SHA384_Update(void *context, const void *data, size_t size);
void xnu_SHA384_Final(void *digest, void *context);
void xnu_SHA512_Init(void *context);
void xnu_SHA512_Update(void *context, const void *data, size_t size);
void xnu_SHA512_Final(void *digest, void *context);
void read_random(void *data, unsigned size);
void read_frandom(void *data, unsigned size);
int write_random(void *data, unsigned size);
int random_buf(void *data, size_t size);
unsigned xnu_random(void);
uint32_t RandomULong(void);
int register_crypto_functions(const void *functions);
/* corecrypto's generator; the record's two first members are init and initgen. */
struct prng_functions {
	int (*init)(void *context, size_t generators, size_t pool_size, void *pool,
		    const int *samples, size_t seed_size, const void *seed,
		    size_t nonce_size, const void *nonce);
	void (*initgen)(void *context, unsigned index);
};
void register_and_init_prng(void *context, const struct prng_functions *functions);

/* ---- uuid ---- */
void xnu_uuid_clear(uint8_t *uuid);
int xnu_uuid_compare(const uint8_t *a, const uint8_t *b);
void xnu_uuid_copy(uint8_t *to, const uint8_t *from);
void xnu_uuid_generate(uint8_t *uuid);
void xnu_uuid_generate_time(uint8_t *uuid);
int xnu_uuid_is_null(const uint8_t *uuid);
int xnu_uuid_parse(const char *text, uint8_t *uuid);
void xnu_uuid_unparse(const uint8_t *uuid, char *text);
void xnu_uuid_unparse_lower(const uint8_t *uuid, char *text);

/* ---- network addresses ---- */
const char *xnu_inet_ntop(int family, const void *address, char *text, uint32_t size);
int xnu_inet_aton(const char *text, void *address);

/* ---- version data ---- */
extern const char version[], version_variant[], osrelease[], ostype[];
extern const int version_major, version_minor, version_revision, version_stage,
	version_prerelease_level;
extern char osversion[256];

/* ---- odds and ends ---- */
void flush_dcache(uintptr_t address, unsigned size, int is_physical);
void invalidate_icache(uintptr_t address, unsigned size, int is_physical);
void *os_retain(void *object);
void os_release(void *object);
extern int kext_assertions_enable;

#endif
