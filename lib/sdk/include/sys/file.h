/* Descriptors of the current process. */
#ifndef _SDK_SYS_FILE_H_
#define _SDK_SYS_FILE_H_

#include <sys/fcntl.h>
#include <sys/kernel_types.h>

__BEGIN_DECLS
errno_t file_vnode(int descriptor, vnode_t *vnode);
errno_t file_vnode_withvid(int descriptor, vnode_t *vnode, uint32_t *vid);
errno_t file_flags(int descriptor, int *flags);
errno_t file_socket(int descriptor, socket_t *socket);
errno_t file_drop(int descriptor);
__END_DECLS

#endif
