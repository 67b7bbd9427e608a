/* How files are opened inside the kernel. */
#ifndef _SDK_SYS_FCNTL_H_
#define _SDK_SYS_FCNTL_H_

#define FREAD	   0x0001
#define FWRITE	   0x0002
#define O_NONBLOCK 0x0004
#define O_APPEND   0x0008
#define O_NOFOLLOW 0x0100
#define O_CREAT	   0x0200
#define O_TRUNC	   0x0400
#define O_EXCL	   0x0800

#endif
