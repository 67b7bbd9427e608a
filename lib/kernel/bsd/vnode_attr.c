/*
 * What a vnode is: its type, its attributes, and what its file system could be, which is
 * none of those that Darwin has.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "kernel/bsd/files.h"
#include "kernel/osfmk/osfmk.h"

struct time_of_file {
	int64_t seconds, nanoseconds;
};

/* Darwin 19's vnode_attr, as far as kexts of its days and older ones have it. */
struct vnode_attr {
	uint64_t supported, active;
	int control;
	int32_t rdev;
	uint64_t nlink, total_size, total_alloc, data_size, data_alloc;
	uint32_t iosize, uid, gid;
	uint16_t mode;
	uint32_t flags;
	void *acl;
	struct time_of_file create_time, access_time, modify_time, change_time,
		backup_time;
	uint64_t fileid, linkid, parentid;
	uint32_t fsid;
	uint64_t filerev;
	uint32_t gen, encoding;
	int type;
	char *name; /* the caller's, of 1024 bytes */
};
_Static_assert(offsetof(struct vnode_attr, data_size) == 48, "vnode_attr");
_Static_assert(offsetof(struct vnode_attr, acl) == 88, "vnode_attr");
_Static_assert(offsetof(struct vnode_attr, fileid) == 176, "vnode_attr");
_Static_assert(offsetof(struct vnode_attr, name) == 232, "vnode_attr");

/* Bits of `active` and `supported`. */
enum {
	RDEV,
	NLINK,
	TOTAL_SIZE,
	TOTAL_ALLOC,
	DATA_SIZE,
	DATA_ALLOC,
	IOSIZE,
	UID,
	GID,
	MODE,
	FLAGS,
	ACCESS_TIME = 13,
	MODIFY_TIME,
	CHANGE_TIME,
	FILEID = 17,
	LINKID,
	FSID = 20,
	TYPE = 24,
	NAME,
	ATTRIBUTES = 44, /* that Darwin 19 knows */
};

#define BIT(n)	  (UINT64_C(1) << (n))
#define NAME_SIZE 1024

int vnode_getattr(struct vnode *vnode, struct vnode_attr *attributes,
		  struct vfs_context *context);
int vnode_setattr(struct vnode *vnode, struct vnode_attr *attributes,
		  struct vfs_context *context);

static void give(struct vnode_attr *attributes, unsigned bit, void *place, size_t size,
		 uint64_t value)
{
	if (!(attributes->active & BIT(bit)))
		return;
	memcpy(place, &value, size); /* little-endian */
	attributes->supported |= BIT(bit);
}

#define GIVE(bit, field, value)                                                          \
	give(attributes, bit, &attributes->field, sizeof(attributes->field),             \
	     (uint64_t)(value))

static void give_time(struct vnode_attr *attributes, unsigned bit,
		      struct time_of_file *place, const struct timespec *time)
{
	if (!(attributes->active & BIT(bit)))
		return;
	*place = (struct time_of_file){time->tv_sec, time->tv_nsec};
	attributes->supported |= BIT(bit);
}

static void give_name(struct vnode_attr *attributes, const struct vnode *vnode)
{
	if (!(attributes->active & BIT(NAME)) || !attributes->name)
		return;
	xnu_snprintf(attributes->name, NAME_SIZE, "%s", vnode_base_name(vnode));
	attributes->supported |= BIT(NAME);
}

int vnode_getattr(struct vnode *vnode, struct vnode_attr *attributes,
		  struct vfs_context *context)
{
	const void *caller = __builtin_return_address(0);
	struct stat st;
	(void)context;
	vnode_check(vnode, caller, "vnode_getattr");
	if (attributes->active >> ATTRIBUTES)
		return XNU_EINVAL;
	if (syscall(SYS_fstat, vnode->fd, &st) < 0)
		return darwin_errno(errno);
	attributes->supported = 0;
	GIVE(RDEV, rdev, 0);
	GIVE(NLINK, nlink, st.st_nlink);
	GIVE(TOTAL_SIZE, total_size, st.st_size);
	GIVE(TOTAL_ALLOC, total_alloc, st.st_blocks * 512);
	GIVE(DATA_SIZE, data_size, st.st_size);
	GIVE(DATA_ALLOC, data_alloc, st.st_blocks * 512);
	GIVE(IOSIZE, iosize, st.st_blksize);
	GIVE(UID, uid, st.st_uid);
	GIVE(GID, gid, st.st_gid);
	GIVE(MODE, mode, st.st_mode);
	GIVE(FLAGS, flags, 0);
	GIVE(FILEID, fileid, st.st_ino);
	GIVE(LINKID, linkid, st.st_ino);
	GIVE(FSID, fsid, st.st_dev);
	GIVE(TYPE, type, vnode->type);
	give_time(attributes, ACCESS_TIME, &attributes->access_time, &st.st_atim);
	give_time(attributes, MODIFY_TIME, &attributes->modify_time, &st.st_mtim);
	give_time(attributes, CHANGE_TIME, &attributes->change_time, &st.st_ctim);
	give_name(attributes, vnode);
	return 0;
}
KPI(vnode_getattr);

/* Only the size can be set: owners, permissions and times are the host's. */
int vnode_setattr(struct vnode *vnode, struct vnode_attr *attributes,
		  struct vfs_context *context)
{
	const void *caller = __builtin_return_address(0);
	(void)context;
	context_may_block(caller, "vnode_setattr");
	vnode_check(vnode, caller, "vnode_setattr");
	if (vnode_is_tree_read_only())
		return XNU_EROFS;
	if (attributes->active & ~BIT(DATA_SIZE))
		return XNU_ENOTSUP;
	attributes->supported = 0;
	if (!attributes->active)
		return 0;
	if (vnode->type != VNODE_FILE)
		return vnode->type == VNODE_FOLDER ? XNU_EISDIR : XNU_EINVAL;
	if (!(vnode->rights & OPEN_WRITE))
		return XNU_EACCES;
	if (attributes->data_size > FILE_SIZE_MAX)
		return XNU_EFBIG;
	if (ftruncate(vnode->fd, (off_t)attributes->data_size) < 0)
		return darwin_errno(errno);
	attributes->supported = BIT(DATA_SIZE);
	return 0;
}
KPI(vnode_setattr);

/* ---- types ---- */

int vnode_vtype(struct vnode *vnode);
int vnode_vtype(struct vnode *vnode)
{
	return (int)vnode_check(vnode, __builtin_return_address(0), "vnode_vtype")->type;
}
KPI(vnode_vtype);

#define IS(name, condition)                                                              \
	int name(struct vnode *vnode);                                                   \
	int name(struct vnode *vnode)                                                    \
	{                                                                                \
		vnode_check(vnode, __builtin_return_address(0), #name);                  \
		return condition;                                                        \
	}                                                                                \
	KPI(name)

IS(vnode_isreg, vnode->type == VNODE_FILE);
IS(vnode_isdir, vnode->type == VNODE_FOLDER);
IS(vnode_islnk, vnode->type == VNODE_LINK);
IS(vnode_isvroot, strcmp(vnode->path, "/") == 0);
IS(vnode_vfsisrdonly, vnode_is_tree_read_only());
IS(vnode_vfs64bitready, 1);
/* What kextd never hands over, and what no file system of the host marks. */
IS(vnode_isblk, 0);
IS(vnode_ischr, 0);
IS(vnode_isfifo, 0);
IS(vnode_istty, 0);
IS(vnode_isswap, 0);
IS(vnode_issystem, 0);
IS(vnode_isnamedstream, 0);
IS(vnode_ismount, 0);

/* There are no mounts: every vnode is in none. */
void *vnode_mount(struct vnode *vnode);
void *vnode_mount(struct vnode *vnode)
{
	vnode_check(vnode, __builtin_return_address(0), "vnode_mount");
	return NULL;
}
KPI(vnode_mount);
