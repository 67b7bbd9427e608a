/* How files are opened inside the kernel. */
#ifndef _SDK_SYS_FCNTL_H_
#define _SDK_SYS_FCNTL_H_

/* vnode_open */
#define FREAD	    0x00000001
#define FWRITE	    0x00000002
#define O_NONBLOCK  0x00000004
#define O_APPEND    0x00000008
#define O_NOFOLLOW  0x00000100
#define O_CREAT	    0x00000200
#define O_TRUNC	    0x00000400
#define O_EXCL	    0x00000800
#define FWASWRITTEN 0x00010000 /* vnode_close */

/* open, by programs */
#define O_RDONLY  0x0000
#define O_WRONLY  0x0001
#define O_RDWR	  0x0002
#define O_ACCMODE 0x0003

#endif
