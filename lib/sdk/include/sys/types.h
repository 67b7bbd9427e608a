/* BSD's elementary types. */
#ifndef _SDK_SYS_TYPES_H_
#define _SDK_SYS_TYPES_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/cdefs.h>

typedef unsigned char u_char;
typedef unsigned short u_short;
typedef unsigned int u_int;
typedef unsigned long u_long;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef uint8_t u_int8_t;
typedef uint16_t u_int16_t;
typedef uint32_t u_int32_t;
typedef uint64_t u_int64_t;
typedef int64_t quad_t;
typedef uint64_t u_quad_t;
typedef long ssize_t;
typedef int64_t off_t;
typedef int64_t daddr64_t;
typedef int32_t daddr_t;
typedef char *caddr_t;
typedef int errno_t;
typedef int32_t dev_t;
typedef int32_t pid_t;
typedef uint32_t uid_t;
typedef uint32_t gid_t;
typedef uint16_t mode_t;
typedef uint16_t nlink_t;
typedef uint32_t id_t;
typedef uint64_t ino64_t;
typedef uint64_t ino_t;
typedef uint32_t fixpt_t;
typedef long time_t;
typedef int32_t suseconds_t;
typedef uint32_t useconds_t;
typedef unsigned long clock_t;
typedef uint32_t sigset_t;
typedef uint64_t user_addr_t;
typedef uint64_t user_size_t;
typedef int64_t user_ssize_t;
typedef int64_t user_long_t;
typedef uint64_t user_ulong_t;
typedef int64_t user_time_t;
typedef uint64_t addr64_t;
typedef long register_t;
typedef uint64_t syscall_arg_t;
typedef unsigned char uuid_t[16];

#define USER_ADDR_NULL	      ((user_addr_t)0)
#define CAST_USER_ADDR_T(pointer) ((user_addr_t)(uintptr_t)(pointer))
#define major(device)	      ((int32_t)(((uint32_t)(device) >> 24) & 0xff))
#define minor(device)	      ((int32_t)((device)&0xffffff))
#define makedev(high, low)    ((dev_t)(((high) << 24) | (low)))

#endif
