/* Machine-independent limits and sleep priorities. */
#ifndef _SDK_SYS_PARAM_H_
#define _SDK_SYS_PARAM_H_

#include <limits.h>
#include <sys/errno.h>
#include <sys/types.h>

#define MAXPATHLEN 1024
#define MAXCOMLEN  16
#define PAGE_SIZE  4096
#define PAGE_SHIFT 12
#define PAGE_MASK  4095

#define PSWP  0
#define PVM   4
#define PINOD 8
#define PRIBIO 16
#define PVFS  20
#define PZERO 22
#define PSOCK 24
#define PWAIT 32
#define PLOCK 36
#define PPAUSE 40
#define PUSER 50
#define PRIMASK 0x0ff
#define PCATCH 0x100
#define PDROP  0x400
#define PSPIN  0x800

#ifndef MIN
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#endif
#define howmany(x, y) ((((x) % (y)) == 0) ? ((x) / (y)) : (((x) / (y)) + 1))
#define roundup(x, y) (howmany(x, y) * (y))

#endif
