/*
 * Descriptors of the current process. The kernel's own has none, and a client's stay on
 * its side of kextd's socket: no number leads to a file.
 */
#include "kernel/bsd/files.h"

int file_vnode(int descriptor, struct vnode **ret_vnode);
int file_vnode_withvid(int descriptor, struct vnode **ret_vnode, uint32_t *ret_vid);
int file_flags(int descriptor, int *ret_flags);
int file_socket(int descriptor, void **ret_socket);
int file_drop(int descriptor);

int file_vnode(int descriptor, struct vnode **ret_vnode)
{
	(void)descriptor;
	(void)ret_vnode;
	return XNU_EBADF;
}
KPI(file_vnode);

int file_vnode_withvid(int descriptor, struct vnode **ret_vnode, uint32_t *ret_vid)
{
	(void)ret_vid;
	return file_vnode(descriptor, ret_vnode);
}
KPI(file_vnode_withvid);

int file_flags(int descriptor, int *ret_flags)
{
	(void)descriptor;
	(void)ret_flags;
	return XNU_EBADF;
}
KPI(file_flags);

int file_socket(int descriptor, void **ret_socket)
{
	(void)descriptor;
	(void)ret_socket;
	return XNU_EBADF;
}
KPI(file_socket);

int file_drop(int descriptor)
{
	(void)descriptor;
	return XNU_EBADF;
}
KPI(file_drop);
