/*
 * Files inside the kernel: how they come from kextd, vnodes, and the uios that carry
 * their bytes. Kexts see pointers to the records and none of their fields.
 */
#ifndef KERNEL_BSD_FILES_H
#define KERNEL_BSD_FILES_H

#include "base/fields.h"
#include "kernel/bsd/bsd.h"

/* ---- kern_credential.c ---- */
struct vfs_context;
struct vfs_context *vfs_context_current(void);

/* ---- machine/files.c ---- */
struct opened_file {
	int fd;
	uint32_t flags; /* enum open_flags of the answer */
	char *path;	/* from the root, without links; the caller's to free */
};

void files_startup(void);
/* Asks kextd for a file with enum open_flags; waits. 0 or a Darwin errno. */
int file_ask(const char *path, uint32_t flags, uint32_t mode, struct opened_file *ret);

/* ---- errno.c ---- */
/* Darwin's number for Linux's. */
int darwin_errno(int error);

/* ---- uio.c ---- */
enum { UIO_READ = 0, UIO_WRITE = 1 };
enum {
	UIO_USERSPACE = 0,
	UIO_SYSSPACE = 2,
	UIO_USERSPACE32 = 5,
	UIO_USERSPACE64 = 8,
	UIO_SYSSPACE32 = 11,
};

struct uio;
struct uio *uio_create(int max, int64_t offset, int space, int direction);
void uio_free(struct uio *uio);
int uio_addiov(struct uio *uio, user_addr_t base, uint64_t size);
int64_t uio_resid(const struct uio *uio);
void uio_setresid(struct uio *uio, int64_t resid);
int64_t uio_offset(const struct uio *uio);
void uio_setoffset(struct uio *uio, int64_t offset);
int uio_rw(const struct uio *uio);
int uiomove(void *kernel, int size, struct uio *uio);

/* ---- vnode.c ---- */
enum vnode_type {
	VNODE_NONE = 0,
	VNODE_FILE = 1,
	VNODE_FOLDER = 2,
	VNODE_LINK = 5,
};

struct vnode {
	unsigned iocount, usecount; /* all is guarded by vnode_lock … */
	uint32_t vid;		    /* changes when the record is used anew */
	bool is_taken;		    /* is some file's, or with `path` NULL about to be */
	bool is_doomed;		    /* reclaimed when the last count goes */
	uint64_t idle_since;	    /* a counter; when both counts became 0 */
	const void *owner;	    /* return address of who took it out of idleness */
	bool is_shared;		    /* others too took it since then */
	/* … and what follows stays as it is while a count is not 0: */
	int fd; /* -1: none */
	uint32_t rights;
	enum vnode_type type;
	uint64_t device, inode;
	char *path;
};

/* The record, or a panic in the name of the caller who handed in something else. */
struct vnode *vnode_check(struct vnode *vnode, const void *caller, const char *what);
/* Looks a path up with enum open_flags: one with an iocount. 0 or a Darwin errno. */
int vnode_find(const char *path, uint32_t flags, uint32_t mode, const void *caller,
	       struct vnode **ret_vnode);
int vnode_put(struct vnode *vnode);
int vnode_rele(struct vnode *vnode);
/* Last component of its path. */
const char *vnode_base_name(const struct vnode *vnode);
/* Whether no file can be written. Known once a file was opened. */
bool vnode_is_tree_read_only(void);
void vnode_kmod_unloaded(const char *identifier, const void *start, const void *end);

/* ---- vnode_io.c ---- */
#define FILE_SIZE_MAX (256ll << 20) /* what a kext may make of one */

int VNOP_READ(struct vnode *vnode, struct uio *uio, int flags,
	      struct vfs_context *context);
int VNOP_WRITE(struct vnode *vnode, struct uio *uio, int flags,
	       struct vfs_context *context);

#endif
