/* BSD's opaque objects. */
#ifndef _SDK_SYS_KERNEL_TYPES_H_
#define _SDK_SYS_KERNEL_TYPES_H_

#include <stdint.h>
#include <sys/types.h>

struct proc;
struct vnode;
struct mount;
struct ucred;
struct uio;
struct buf;
struct vfs_context;
struct __ifnet;
struct __mbuf;
struct __socket;
typedef struct proc *proc_t;
typedef struct vnode *vnode_t;
typedef struct mount *mount_t;
typedef struct ucred *kauth_cred_t;
typedef struct uio *uio_t;
typedef struct buf *buf_t;
typedef struct vfs_context *vfs_context_t;
typedef struct __ifnet *ifnet_t;
typedef struct __mbuf *mbuf_t;
typedef struct __socket *socket_t;

#endif
