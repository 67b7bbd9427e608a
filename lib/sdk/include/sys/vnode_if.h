/* Operations of file systems. */
#ifndef _SDK_SYS_VNODE_IF_H_
#define _SDK_SYS_VNODE_IF_H_

#include <sys/kernel_types.h>
#include <sys/types.h>
#include <sys/uio.h>

__BEGIN_DECLS
errno_t VNOP_READ(vnode_t vnode, uio_t uio, int flags, vfs_context_t context);
errno_t VNOP_WRITE(vnode_t vnode, uio_t uio, int flags, vfs_context_t context);
errno_t VNOP_FSYNC(vnode_t vnode, int flags, vfs_context_t context);
errno_t VNOP_GETXATTR(vnode_t vnode, const char *name, uio_t uio, size_t *size,
		      int options, vfs_context_t context);
errno_t VNOP_SETXATTR(vnode_t vnode, const char *name, uio_t uio, int options,
		      vfs_context_t context);
__END_DECLS

#endif
