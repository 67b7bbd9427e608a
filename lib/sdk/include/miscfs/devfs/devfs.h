/* Nodes of devices in /dev. */
#ifndef _SDK_MISCFS_DEVFS_DEVFS_H_
#define _SDK_MISCFS_DEVFS_DEVFS_H_

#include <sys/types.h>

#define DEVFS_CHAR	  0
#define DEVFS_BLOCK	  1

#define DEVFS_CLONE_ALLOC 1
#define DEVFS_CLONE_FREE  0

__BEGIN_DECLS
void *devfs_make_node(dev_t device, int kind, uid_t uid, gid_t gid, int permissions,
		      const char *format, ...);
void *devfs_make_node_clone(dev_t device, int kind, uid_t uid, gid_t gid, int permissions,
			    int (*clone)(dev_t device, int action), const char *format,
			    ...);
void devfs_remove(void *handle);
__END_DECLS

#endif
