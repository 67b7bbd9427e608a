/*
 * Reading and writing vnodes, by positions, through descriptors that kextd opened. What
 * is moved goes through a buffer, as either end may be a client's memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/memory.h"
#include "kernel/bsd/files.h"
#include "kernel/osfmk/osfmk.h"

#define CHUNK (64u << 10)

enum { IO_APPEND = 2, IO_SYNC = 4 };

int VNOP_FSYNC(struct vnode *vnode, int flags, struct vfs_context *context);
int VNOP_GETXATTR(struct vnode *vnode, const char *name, struct uio *uio,
		  size_t *ret_size, int options, struct vfs_context *context);
int VNOP_SETXATTR(struct vnode *vnode, const char *name, struct uio *uio, int options,
		  struct vfs_context *context);
int mac_vnop_getxattr(struct vnode *vnode, const char *name, char *data, size_t size,
		      size_t *ret_size);
int mac_vnop_setxattr(struct vnode *vnode, const char *name, char *data, size_t size);
int mac_vnop_removexattr(struct vnode *vnode, const char *name);
int vn_rdwr(int direction, struct vnode *vnode, char *base, int size, int64_t offset,
	    int space, int flags, struct credential *credential, int *ret_resid,
	    struct proc *process);

static int check(struct vnode *vnode, const struct uio *uio, uint32_t right)
{
	if (vnode->type == VNODE_FOLDER)
		return XNU_EISDIR;
	if (vnode->type != VNODE_FILE || uio_offset(uio) < 0 || uio_resid(uio) < 0)
		return XNU_EINVAL;
	if (right == OPEN_WRITE && vnode_is_tree_read_only())
		return XNU_EROFS;
	return vnode->rights & right ? 0 : XNU_EACCES;
}

static size_t chunk_of(const struct uio *uio)
{
	int64_t left = uio_resid(uio);
	return left < (int64_t)CHUNK ? (size_t)left : CHUNK;
}

/* Without the vectors that resid promises there is nowhere to move anything. */
static int move(void *chunk, size_t size, struct uio *uio)
{
	int64_t before = uio_resid(uio);
	int error = uiomove(chunk, (int)size, uio);
	return !error && before - uio_resid(uio) != (int64_t)size ? XNU_EINVAL : error;
}

static int read_all(struct vnode *vnode, struct uio *uio, void *chunk)
{
	while (uio_resid(uio) > 0) {
		ssize_t got = pread(vnode->fd, chunk, chunk_of(uio), uio_offset(uio));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? darwin_errno(errno) : 0;
		int error = move(chunk, (size_t)got, uio);
		if (error)
			return error;
	}
	return 0;
}

/* What of the chunk did not go is still in the uio's account. */
static int write_chunk(struct vnode *vnode, struct uio *uio, const char *chunk,
		       size_t size, int64_t offset)
{
	size_t done = 0;
	int error = 0;
	while (done < size && !error) {
		ssize_t n = pwrite(vnode->fd, chunk + done, size - done,
				   offset + (int64_t)done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			error = darwin_errno(errno);
	}
	uio_setoffset(uio, offset + (int64_t)done);
	uio_setresid(uio, uio_resid(uio) + (int64_t)(size - done));
	return error;
}

static int write_all(struct vnode *vnode, struct uio *uio, char *chunk)
{
	int error = 0;
	while (uio_resid(uio) > 0 && !error) {
		int64_t offset = uio_offset(uio);
		size_t size = chunk_of(uio);
		error = move(chunk, size, uio);
		if (!error)
			error = write_chunk(vnode, uio, chunk, size, offset);
	}
	return error;
}

static int transfer(struct vnode *vnode, struct uio *uio, uint32_t right)
{
	char *chunk = mem_alloc(CHUNK);
	if (!chunk)
		return XNU_ENOMEM;
	int error = right == OPEN_READ ? read_all(vnode, uio, chunk)
				       : write_all(vnode, uio, chunk);
	free(chunk);
	return error;
}

int VNOP_READ(struct vnode *vnode, struct uio *uio, int flags,
	      struct vfs_context *context)
{
	const void *caller = __builtin_return_address(0);
	(void)flags;
	context_may_block(caller, "VNOP_READ");
	vnode_check(vnode, caller, "VNOP_READ");
	if (!context || uio_rw(uio) != UIO_READ)
		return XNU_EINVAL;
	int error = check(vnode, uio, OPEN_READ);
	return error ? error : transfer(vnode, uio, OPEN_READ);
}
KPI(VNOP_READ);

/* Where a write with these flags starts, and whether all of it has room. */
static int place_write(struct vnode *vnode, struct uio *uio, int flags)
{
	struct stat st;
	int64_t end;
	if (flags & IO_APPEND) {
		if (syscall(SYS_fstat, vnode->fd, &st) < 0)
			return darwin_errno(errno);
		uio_setoffset(uio, st.st_size);
	}
	return __builtin_add_overflow(uio_offset(uio), uio_resid(uio), &end) ||
			       end > FILE_SIZE_MAX
		       ? XNU_EFBIG
		       : 0;
}

int VNOP_WRITE(struct vnode *vnode, struct uio *uio, int flags,
	       struct vfs_context *context)
{
	const void *caller = __builtin_return_address(0);
	context_may_block(caller, "VNOP_WRITE");
	vnode_check(vnode, caller, "VNOP_WRITE");
	if (!context || uio_rw(uio) != UIO_WRITE)
		return XNU_EINVAL;
	int error = check(vnode, uio, OPEN_WRITE);
	if (!error)
		error = place_write(vnode, uio, flags);
	if (!error)
		error = transfer(vnode, uio, OPEN_WRITE);
	if (!error && (flags & IO_SYNC) && fsync(vnode->fd) < 0)
		error = darwin_errno(errno);
	return error;
}
KPI(VNOP_WRITE);

int VNOP_FSYNC(struct vnode *vnode, int flags, struct vfs_context *context)
{
	const void *caller = __builtin_return_address(0);
	(void)flags;
	context_may_block(caller, "VNOP_FSYNC");
	vnode_check(vnode, caller, "VNOP_FSYNC");
	if (!context)
		return XNU_EINVAL;
	if (!(vnode->rights & OPEN_WRITE))
		return 0; /* nothing was written through it */
	return fsync(vnode->fd) < 0 ? darwin_errno(errno) : 0;
}
KPI(VNOP_FSYNC);

/* Whoever does not ask for what is left over wants all or nothing. */
int vn_rdwr(int direction, struct vnode *vnode, char *base, int size, int64_t offset,
	    int space, int flags, struct credential *credential, int *ret_resid,
	    struct proc *process)
{
	struct vfs_context *context = vfs_context_current();
	(void)credential;
	(void)process;
	if (size < 0)
		return XNU_EINVAL;
	struct uio *uio = uio_create(1, offset, space, direction);
	if (!uio)
		return XNU_ENOMEM;
	uio_addiov(uio, (user_addr_t)base, (uint64_t)size);
	int error = direction == UIO_READ ? VNOP_READ(vnode, uio, flags, context)
					  : VNOP_WRITE(vnode, uio, flags, context);
	int64_t left = uio_resid(uio);
	if (ret_resid)
		*ret_resid = (int)left;
	else if (!error && left)
		error = XNU_EIO;
	uio_free(uio);
	return error;
}
KPI(vn_rdwr);

/* ---- extended attributes: no file here has any, and none can be given one ---- */

int VNOP_GETXATTR(struct vnode *vnode, const char *name, struct uio *uio,
		  size_t *ret_size, int options, struct vfs_context *context)
{
	(void)uio;
	(void)ret_size;
	(void)options;
	vnode_check(vnode, __builtin_return_address(0), "VNOP_GETXATTR");
	return context && name && *name ? XNU_ENOATTR : XNU_EINVAL;
}
KPI(VNOP_GETXATTR);

int VNOP_SETXATTR(struct vnode *vnode, const char *name, struct uio *uio, int options,
		  struct vfs_context *context)
{
	(void)uio;
	(void)options;
	vnode_check(vnode, __builtin_return_address(0), "VNOP_SETXATTR");
	if (!context || !name || !*name)
		return XNU_EINVAL;
	return vnode_is_tree_read_only() ? XNU_EROFS : XNU_ENOTSUP;
}
KPI(VNOP_SETXATTR);

int mac_vnop_getxattr(struct vnode *vnode, const char *name, char *data, size_t size,
		      size_t *ret_size)
{
	(void)data;
	(void)size;
	return VNOP_GETXATTR(vnode, name, NULL, ret_size, 0, vfs_context_current());
}
KPI(mac_vnop_getxattr);

int mac_vnop_setxattr(struct vnode *vnode, const char *name, char *data, size_t size)
{
	(void)data;
	(void)size;
	return VNOP_SETXATTR(vnode, name, NULL, 0, vfs_context_current());
}
KPI(mac_vnop_setxattr);

int mac_vnop_removexattr(struct vnode *vnode, const char *name)
{
	int error = VNOP_GETXATTR(vnode, name, NULL, NULL, 0, vfs_context_current());
	return error == XNU_ENOATTR && vnode_is_tree_read_only() ? XNU_EROFS : error;
}
KPI(mac_vnop_removexattr);
