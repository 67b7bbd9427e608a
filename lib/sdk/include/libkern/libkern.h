/* Text, strings, memory and numbers. */
#ifndef _SDK_LIBKERN_LIBKERN_H_
#define _SDK_LIBKERN_LIBKERN_H_

#include <libkern/copyio.h>
#include <mach/vm_types.h>
#include <stdarg.h>
#include <sys/types.h>

__BEGIN_DECLS
int printf(const char *format, ...) __printflike(1, 2);
int vprintf(const char *format, va_list arguments) __printflike(1, 0);
int snprintf(char *text, size_t size, const char *format, ...) __printflike(3, 4);
int vsnprintf(char *text, size_t size, const char *format, va_list arguments)
	__printflike(3, 0);
int scnprintf(char *text, size_t size, const char *format, ...) __printflike(3, 4);
int vscnprintf(char *text, size_t size, const char *format, va_list arguments)
	__printflike(3, 0);
int sscanf(const char *text, const char *format, ...) __scanflike(2, 3);

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memset_s(void *to, size_t room, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
int bcmp(const void *a, const void *b, size_t size);
void bcopy(const void *from, void *to, size_t size);
void bzero(void *to, size_t size);

size_t strlen(const char *text);
size_t strnlen(const char *text, size_t limit);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t limit);
int strcasecmp(const char *a, const char *b);
int strncasecmp(const char *a, const char *b, size_t limit);
size_t strlcpy(char *to, const char *from, size_t room);
size_t strlcat(char *to, const char *from, size_t room);
char *strncpy(char *to, const char *from, size_t size);
char *strcpy(char *to, const char *from);
char *strcat(char *to, const char *from);
char *strncat(char *to, const char *from, size_t size);
int sprintf(char *text, const char *format, ...) __printflike(2, 3);
void flush_dcache(vm_offset_t address, unsigned int size, int is_physical);
void flush_dcache64(uint64_t address, unsigned int size, int is_physical);
void invalidate_icache(vm_offset_t address, unsigned int size, int is_physical);
void invalidate_icache64(uint64_t address, unsigned int size, int is_physical);
char *strchr(const char *text, int character);
char *strnstr(char *text, const char *wanted, size_t limit);
char *strsep(char **text, const char *separators);
int strprefix(const char *text, const char *prefix);
long strtol(const char *text, char **end, int base);
unsigned long strtoul(const char *text, char **end, int base);
quad_t strtoq(const char *text, char **end, int base);
u_quad_t strtouq(const char *text, char **end, int base);
int ffs(unsigned int bits);
u_int32_t random(void);
__END_DECLS

#ifndef min
static inline int imax(int a, int b) { return a > b ? a : b; }
static inline int imin(int a, int b) { return a < b ? a : b; }
static inline u_int max(u_int a, u_int b) { return a > b ? a : b; }
static inline u_int min(u_int a, u_int b) { return a < b ? a : b; }
#endif

#endif
