/* Declaration helpers shared by the kernel's C headers. */
#ifndef _SDK_SYS_CDEFS_H_
#define _SDK_SYS_CDEFS_H_

#ifdef __cplusplus
#define __BEGIN_DECLS extern "C" {
#define __END_DECLS   }
#else
#define __BEGIN_DECLS
#define __END_DECLS
#endif

#define __P(arguments) arguments
#define __CONCAT1(a, b) a##b
#define __CONCAT(a, b) __CONCAT1(a, b)
#define __STRING(x)    #x
#define __unused       __attribute__((__unused__))
#define __used	       __attribute__((__used__))
#define __dead2	       __attribute__((__noreturn__))
#define __pure2	       __attribute__((__const__))
#define __deprecated   __attribute__((__deprecated__))
#define __packed       __attribute__((__packed__))
#undef __private_extern__ /* clang has one of its own */
#define __private_extern__ __attribute__((__visibility__("hidden"))) extern
#define __printflike(format, first) __attribute__((__format__(__printf__, format, first)))
#define __scanflike(format, first)  __attribute__((__format__(__scanf__, format, first)))
#define __probable(x)	__builtin_expect(!!(x), 1)
#define __improbable(x) __builtin_expect(!!(x), 0)

#endif
