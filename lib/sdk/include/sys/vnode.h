/* Vnodes: files and folders as the kernel sees them. */
#ifndef _SDK_SYS_VNODE_H_
#define _SDK_SYS_VNODE_H_

#include <sys/fcntl.h>
#include <sys/kauth.h>
#include <sys/kernel_types.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/vnode_if.h>

enum vtype { VNON, VREG, VDIR, VBLK, VCHR, VLNK, VSOCK, VFIFO, VBAD, VSTR, VCPLX };

#define NULLVP ((struct vnode *)NULL)

/* vnode_lookup, vnode_open */
#define VNODE_LOOKUP_NOFOLLOW	      0x01
#define VNODE_LOOKUP_NOCROSSMOUNT     0x02
#define VNODE_LOOKUP_CROSSMOUNTNOWAIT 0x04

/* VNOP_READ, VNOP_WRITE, vn_rdwr */
#define IO_UNIT	      0x0001
#define IO_APPEND     0x0002
#define IO_SYNC	      0x0004
#define IO_NODELOCKED 0x0008
#define IO_NOCACHE    0x0800
#define IO_NOAUTH     0x8000

/* Attributes: those that are wanted, or set, are `active`; those that came, `supported`.
 */
struct vnode_attr {
	uint64_t va_supported, va_active;
	int va_vaflags;
	dev_t va_rdev;
	uint64_t va_nlink;
	uint64_t va_total_size, va_total_alloc;
	uint64_t va_data_size, va_data_alloc;
	uint32_t va_iosize;
	uid_t va_uid;
	gid_t va_gid;
	mode_t va_mode;
	uint32_t va_flags;
	struct kauth_acl *va_acl;
	struct timespec va_create_time, va_access_time, va_modify_time, va_change_time,
		va_backup_time;
	uint64_t va_fileid, va_linkid, va_parentid;
	uint32_t va_fsid;
	uint64_t va_filerev;
	uint32_t va_gen;
	uint32_t va_encoding;
	enum vtype va_type;
	char *va_name;
	guid_t va_uuuid, va_guuid;
	uint64_t va_nchildren, va_dirlinkcount;
	void *va_reserved1;
	struct timespec va_addedtime;
	uint32_t va_dataprotect_class, va_dataprotect_flags;
	uint32_t va_document_id;
	uint32_t va_devid, va_objtype, va_objtag, va_user_access;
	uint8_t va_finderinfo[32];
	uint64_t va_rsrc_length, va_rsrc_alloc;
	uint32_t va_fsid64[2];
	uint32_t va_write_gencount;
	uint64_t va_private_size;
};

#define VNODE_ATTR_va_rdev	  (1ull << 0)
#define VNODE_ATTR_va_nlink	  (1ull << 1)
#define VNODE_ATTR_va_total_size  (1ull << 2)
#define VNODE_ATTR_va_total_alloc (1ull << 3)
#define VNODE_ATTR_va_data_size	  (1ull << 4)
#define VNODE_ATTR_va_data_alloc  (1ull << 5)
#define VNODE_ATTR_va_iosize	  (1ull << 6)
#define VNODE_ATTR_va_uid	  (1ull << 7)
#define VNODE_ATTR_va_gid	  (1ull << 8)
#define VNODE_ATTR_va_mode	  (1ull << 9)
#define VNODE_ATTR_va_flags	  (1ull << 10)
#define VNODE_ATTR_va_acl	  (1ull << 11)
#define VNODE_ATTR_va_create_time (1ull << 12)
#define VNODE_ATTR_va_access_time (1ull << 13)
#define VNODE_ATTR_va_modify_time (1ull << 14)
#define VNODE_ATTR_va_change_time (1ull << 15)
#define VNODE_ATTR_va_backup_time (1ull << 16)
#define VNODE_ATTR_va_fileid	  (1ull << 17)
#define VNODE_ATTR_va_linkid	  (1ull << 18)
#define VNODE_ATTR_va_parentid	  (1ull << 19)
#define VNODE_ATTR_va_fsid	  (1ull << 20)
#define VNODE_ATTR_va_filerev	  (1ull << 21)
#define VNODE_ATTR_va_gen	  (1ull << 22)
#define VNODE_ATTR_va_encoding	  (1ull << 23)
#define VNODE_ATTR_va_type	  (1ull << 24)
#define VNODE_ATTR_va_name	  (1ull << 25)

#define VATTR_INIT(v)		  ((v)->va_supported = (v)->va_active = 0, (v)->va_vaflags = 0)
#define VATTR_WANTED(v, a)	  ((v)->va_active |= VNODE_ATTR_##a)
#define VATTR_SET(v, a, x)	  ((v)->va_active |= VNODE_ATTR_##a, (v)->a = (x))
#define VATTR_IS_ACTIVE(v, a)	  (((v)->va_active & VNODE_ATTR_##a) != 0)
#define VATTR_IS_SUPPORTED(v, a)  (((v)->va_supported & VNODE_ATTR_##a) != 0)

__BEGIN_DECLS
errno_t vnode_lookup(const char *path, int flags, vnode_t *vnode, vfs_context_t context);
errno_t vnode_open(const char *path, int mode, int permissions, int flags, vnode_t *vnode,
		   vfs_context_t context);
errno_t vnode_close(vnode_t vnode, int flags, vfs_context_t context);
int vnode_get(vnode_t vnode);
int vnode_getwithref(vnode_t vnode);
int vnode_getwithvid(vnode_t vnode, uint32_t vid);
int vnode_put(vnode_t vnode);
errno_t vnode_ref(vnode_t vnode);
void vnode_rele(vnode_t vnode);
int vnode_recycle(vnode_t vnode);
int vnode_isrecycled(vnode_t vnode);
int vnode_isinuse(vnode_t vnode, int count);
int vnode_iocount(vnode_t vnode);
uint32_t vnode_vid(vnode_t vnode);
enum vtype vnode_vtype(vnode_t vnode);
int vnode_isreg(vnode_t vnode);
int vnode_isdir(vnode_t vnode);
int vnode_islnk(vnode_t vnode);
int vnode_isblk(vnode_t vnode);
int vnode_ischr(vnode_t vnode);
int vnode_isfifo(vnode_t vnode);
int vnode_istty(vnode_t vnode);
int vnode_isswap(vnode_t vnode);
int vnode_issystem(vnode_t vnode);
int vnode_isnamedstream(vnode_t vnode);
int vnode_ismount(vnode_t vnode);
int vnode_isvroot(vnode_t vnode);
int vnode_vfsisrdonly(vnode_t vnode);
int vnode_vfs64bitready(vnode_t vnode);
mount_t vnode_mount(vnode_t vnode);
vnode_t vnode_getparent(vnode_t vnode);
vnode_t vfs_rootvnode(void);
const char *vnode_getname(vnode_t vnode);
void vnode_putname(const char *name);
int vn_getpath(vnode_t vnode, char *path, int *size);
errno_t vnode_getattr(vnode_t vnode, struct vnode_attr *attributes,
		      vfs_context_t context);
errno_t vnode_setattr(vnode_t vnode, struct vnode_attr *attributes,
		      vfs_context_t context);
int vn_rdwr(enum uio_rw direction, vnode_t vnode, caddr_t base, int size, off_t offset,
	    enum uio_seg space, int flags, kauth_cred_t credential, int *resid,
	    proc_t process);

vfs_context_t vfs_context_create(vfs_context_t context);
int vfs_context_rele(vfs_context_t context);
vfs_context_t vfs_context_current(void);
kauth_cred_t vfs_context_ucred(vfs_context_t context);
proc_t vfs_context_proc(vfs_context_t context);
int vfs_context_pid(vfs_context_t context);
int vfs_context_suser(vfs_context_t context);
int vfs_context_is64bit(vfs_context_t context);
int vfs_context_issignal(vfs_context_t context, sigset_t mask);
__END_DECLS

#endif
