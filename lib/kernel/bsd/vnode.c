/*
 * Vnodes: one record a file, found by what the file is and not by its path, with two
 * counts: iocounts hold it for a while, usecounts as long as somebody has it open.
 * Records are never freed, so that an old pointer can be told by its vid. A vnode whose
 * counts are 0 keeps its descriptor until another file needs the record.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/file.h"
#include "kernel/bsd/files.h"
#include "kernel/osfmk/osfmk.h"

enum {
	VNODES_MAX =
		128, /* and as many descriptors: the sandbox has room for twice that */
	PATH_SIZE = 1024,
};
enum {
	FREAD = 1,
	FWRITE = 2,
	NOFOLLOW = 0x100,
	CREAT = 0x200,
	TRUNC = 0x400,
	EXCL = 0x800
};
enum { VNODE_LOOKUP_NOFOLLOW = 1 };
enum { FILEOP_OPEN = 1, FILEOP_CLOSE = 2 };

int vnode_lookup(const char *path, int flags, struct vnode **ret_vnode,
		 struct vfs_context *context);
int vnode_open(const char *path, int mode, int permissions, int flags,
	       struct vnode **ret_vnode, struct vfs_context *context);
int vnode_close(struct vnode *vnode, int flags, struct vfs_context *context);
int vnode_get(struct vnode *vnode);
int vnode_getwithvid(struct vnode *vnode, uint32_t vid);
int vnode_ref(struct vnode *vnode);
int vnode_recycle(struct vnode *vnode);
int vnode_isrecycled(struct vnode *vnode);
int vnode_isinuse(struct vnode *vnode, int count);
int vnode_iocount(struct vnode *vnode);
uint32_t vnode_vid(struct vnode *vnode);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct vnode vnodes[VNODES_MAX];
static uint64_t clock_of_idleness;
static _Atomic bool is_tree_read_only;

/* ---- records; with the lock ---- */

static bool is_idle(const struct vnode *vnode)
{
	return !vnode->iocount && !vnode->usecount;
}

static void reclaim(struct vnode *vnode)
{
	if (vnode->is_taken)
		file_close(vnode->fd);
	free(vnode->path);
	*vnode = (struct vnode){.vid = vnode->vid + 1};
}

/* One that is nobody's, or the one that is idle for longest; NULL: all are in use. */
static struct vnode *find_record(void)
{
	struct vnode *oldest = NULL;
	for (int i = 0; i < VNODES_MAX; i++) {
		struct vnode *vnode = &vnodes[i];
		if (!vnode->is_taken)
			return vnode;
		if (vnode->path && is_idle(vnode) &&
		    (!oldest || vnode->idle_since < oldest->idle_since))
			oldest = vnode;
	}
	if (oldest)
		reclaim(oldest);
	return oldest;
}

static void settle(struct vnode *vnode)
{
	if (!is_idle(vnode))
		return;
	vnode->idle_since = ++clock_of_idleness;
	if (vnode->is_doomed)
		reclaim(vnode);
}

static void take(struct vnode *vnode, const void *caller)
{
	if (is_idle(vnode)) {
		vnode->owner = caller;
		vnode->is_shared = false;
	} else if (kmod_name_at(caller) != kmod_name_at(vnode->owner)) {
		vnode->is_shared = true;
	}
	vnode->iocount++;
}

static bool is_record(const struct vnode *vnode)
{
	uintptr_t offset = (uintptr_t)vnode - (uintptr_t)vnodes;
	return offset < sizeof(vnodes) && offset % sizeof(*vnodes) == 0;
}

struct vnode *vnode_check(struct vnode *vnode, const void *caller, const char *what)
{
	if (!is_record(vnode))
		panic_at(caller, "%s: %p is no vnode", what, (void *)vnode);
	if (!vnode->path)
		panic_at(caller, "%s: the vnode %p was released and reclaimed", what,
			 (void *)vnode);
	return vnode;
}

/* ---- looking up ---- */

/* How many bytes a character of UTF-8 has that starts so; 0: none does. */
static unsigned character_size(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/* The file systems of Darwin know no other names. Surrogates and long forms are none. */
static bool is_utf8(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	while (*at) {
		unsigned size = character_size(*at);
		if (!size || (at[0] == 0xe0 && at[1] < 0xa0) ||
		    (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
		    (at[0] == 0xf4 && at[1] > 0x8f))
			return false;
		for (unsigned i = 1; i < size; i++) {
			if ((at[i] & 0xc0) != 0x80)
				return false;
		}
		at += size;
	}
	return true;
}

static int check_path(const char *path)
{
	if (strnlen(path, PATH_SIZE) == PATH_SIZE)
		return XNU_ENAMETOOLONG;
	if (!*path)
		return XNU_ENOENT;
	return is_utf8(path) ? 0 : XNU_EILSEQ;
}

static enum vnode_type type_of(const struct stat *st)
{
	if (S_ISREG(st->st_mode))
		return VNODE_FILE;
	return S_ISDIR(st->st_mode) ? VNODE_FOLDER : VNODE_LINK;
}

/* With the lock: the vnode that the file has already, or NULL. */
static struct vnode *find_same(const struct stat *st)
{
	for (int i = 0; i < VNODES_MAX; i++) {
		struct vnode *vnode = &vnodes[i];
		if (vnode->path && vnode->device == st->st_dev &&
		    vnode->inode == st->st_ino)
			return vnode;
	}
	return NULL;
}

static void fill(struct vnode *vnode, struct opened_file *file, const struct stat *st)
{
	file_close(vnode->fd);
	free(vnode->path);
	vnode->fd = file->fd;
	vnode->rights = file->flags & (OPEN_READ | OPEN_WRITE);
	vnode->path = file->path;
	vnode->type = type_of(st);
	vnode->device = st->st_dev;
	vnode->inode = st->st_ino;
	*file = (struct opened_file){.fd = -1};
}

/* The file's vnode: `fresh`, or the one it has; an idle one sees the file as it is now.
 */
static int adopt(struct vnode *fresh, struct opened_file *file, uint32_t wishes,
		 const void *caller, struct vnode **ret_vnode)
{
	struct stat st;
	if (syscall(SYS_fstat, file->fd, &st) < 0)
		return XNU_EIO;
	uint32_t use = wishes & (OPEN_READ | OPEN_WRITE);
	pthread_mutex_lock(&lock);
	struct vnode *vnode = find_same(&st);
	if (!vnode || is_idle(vnode))
		fill(vnode ? vnode : fresh, file, &st);
	vnode = vnode ? vnode : fresh;
	int error = vnode->type == VNODE_FILE && (use & ~vnode->rights) ? XNU_EACCES : 0;
	if (!error)
		take(vnode, caller);
	pthread_mutex_unlock(&lock);
	if (!error)
		*ret_vnode = vnode;
	return error;
}

/* A record for a file about to be opened: descriptors are never more than records. */
static struct vnode *reserve(void)
{
	pthread_mutex_lock(&lock);
	struct vnode *vnode = find_record();
	if (vnode) {
		vnode->is_taken = true;
		vnode->fd = -1;
	}
	pthread_mutex_unlock(&lock);
	return vnode;
}

static void end_reservation(struct vnode *vnode)
{
	pthread_mutex_lock(&lock);
	if (!vnode->path)
		reclaim(vnode);
	else
		settle(vnode);
	pthread_mutex_unlock(&lock);
}

int vnode_find(const char *path, uint32_t flags, uint32_t mode, const void *caller,
	       struct vnode **ret_vnode)
{
	struct opened_file file = {.fd = -1};
	int error = check_path(path);
	struct vnode *fresh = error ? NULL : reserve();
	if (!fresh)
		return error ? error : XNU_ENFILE;
	error = file_ask(path, flags, mode, &file);
	if (!error) {
		atomic_store(&is_tree_read_only, file.flags & OPEN_READ_ONLY);
		error = adopt(fresh, &file, flags, caller, ret_vnode);
	}
	end_reservation(fresh);
	file_close(file.fd);
	free(file.path);
	return error;
}

bool vnode_is_tree_read_only(void)
{
	return atomic_load(&is_tree_read_only);
}

int vnode_lookup(const char *path, int flags, struct vnode **ret_vnode,
		 struct vfs_context *context)
{
	const void *caller = __builtin_return_address(0);
	(void)context;
	context_may_block(caller, "vnode_lookup");
	*ret_vnode = NULL;
	return vnode_find(path, flags & VNODE_LOOKUP_NOFOLLOW ? OPEN_NO_FOLLOW : 0, 0,
			  caller, ret_vnode);
}
KPI(vnode_lookup);

/* ---- open and close ---- */

static uint32_t wishes_of(int mode, int flags)
{
	static const struct {
		int darwin;
		uint32_t wish;
	} table[] = {{FREAD, OPEN_READ},     {FWRITE, OPEN_WRITE},
		     {CREAT, OPEN_CREATE},   {EXCL, OPEN_EXCLUSIVE},
		     {TRUNC, OPEN_TRUNCATE}, {NOFOLLOW, OPEN_NO_FOLLOW}};
	uint32_t wishes = flags & VNODE_LOOKUP_NOFOLLOW ? OPEN_NO_FOLLOW : 0;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		wishes |= mode & table[i].darwin ? table[i].wish : 0;
	return wishes;
}

int vnode_open(const char *path, int mode, int permissions, int flags,
	       struct vnode **ret_vnode, struct vfs_context *context)
{
	const void *caller = __builtin_return_address(0);
	struct vnode *vnode;
	(void)context;
	context_may_block(caller, "vnode_open");
	*ret_vnode = NULL;
	if (!(mode & (FREAD | FWRITE)))
		return XNU_EINVAL;
	int error = vnode_find(path, wishes_of(mode, flags), (uint32_t)permissions,
			       caller, &vnode);
	if (error)
		return error;
	vnode_ref(vnode);
	kauth_tell_fileop(kauth_cred_get(), FILEOP_OPEN, (uintptr_t)vnode,
			  (uintptr_t)vnode->path);
	*ret_vnode = vnode;
	return 0;
}
KPI(vnode_open);

/* Whose caller had one of the counts that are none any more. */
static void release(struct vnode *vnode, const void *caller, const char *what,
		    unsigned iocounts, unsigned usecounts)
{
	vnode_check(vnode, caller, what);
	pthread_mutex_lock(&lock);
	bool has_both = vnode->iocount >= iocounts && vnode->usecount >= usecounts;
	unsigned iocount = vnode->iocount, usecount = vnode->usecount;
	if (has_both) {
		vnode->iocount -= iocounts;
		vnode->usecount -= usecounts;
		settle(vnode);
	}
	pthread_mutex_unlock(&lock);
	if (!has_both)
		panic_at(caller, "%s: the vnode %p has %u iocounts and %u usecounts",
			 what, (void *)vnode, iocount, usecount);
}

int vnode_close(struct vnode *vnode, int flags, struct vfs_context *context)
{
	const void *caller = __builtin_return_address(0);
	(void)context;
	(void)flags;
	vnode_check(vnode, caller, "vnode_close");
	if (vnode->iocount && vnode->usecount)
		kauth_tell_fileop(kauth_cred_get(), FILEOP_CLOSE, (uintptr_t)vnode,
				  (uintptr_t)vnode->path);
	release(vnode, caller, "vnode_close", 1, 1);
	return 0;
}
KPI(vnode_close);

/* ---- counts ---- */

/* With `vid` NULL whatever file the record is of now. */
static int get(struct vnode *vnode, const uint32_t *vid, const void *caller,
	       const char *what)
{
	if (!is_record(vnode))
		panic_at(caller, "%s: %p is no vnode", what, (void *)vnode);
	pthread_mutex_lock(&lock);
	bool is_there = vnode->path && !vnode->is_doomed && (!vid || vnode->vid == *vid);
	if (is_there)
		take(vnode, caller);
	pthread_mutex_unlock(&lock);
	return is_there ? 0 : XNU_ENOENT;
}

int vnode_get(struct vnode *vnode)
{
	return get(vnode, NULL, __builtin_return_address(0), "vnode_get");
}
KPI(vnode_get);
KPI_AS("_vnode_getwithref", vnode_get);

int vnode_getwithvid(struct vnode *vnode, uint32_t vid)
{
	return get(vnode, &vid, __builtin_return_address(0), "vnode_getwithvid");
}
KPI(vnode_getwithvid);

int vnode_put(struct vnode *vnode)
{
	release(vnode, __builtin_return_address(0), "vnode_put", 1, 0);
	return 0;
}
KPI(vnode_put);

int vnode_ref(struct vnode *vnode)
{
	const void *caller = __builtin_return_address(0);
	vnode_check(vnode, caller, "vnode_ref");
	pthread_mutex_lock(&lock);
	bool is_held = !is_idle(vnode);
	if (is_held)
		vnode->usecount++;
	pthread_mutex_unlock(&lock);
	if (!is_held)
		panic_at(caller, "vnode_ref: the vnode %p is not held", (void *)vnode);
	return 0;
}
KPI(vnode_ref);

int vnode_rele(struct vnode *vnode)
{
	release(vnode, __builtin_return_address(0), "vnode_rele", 0, 1);
	return 0;
}
KPI(vnode_rele);

/* 1 when it was reclaimed at once; else it will be when the last count goes. */
int vnode_recycle(struct vnode *vnode)
{
	vnode_check(vnode, __builtin_return_address(0), "vnode_recycle");
	pthread_mutex_lock(&lock);
	bool is_free = is_idle(vnode);
	vnode->is_doomed = true;
	settle(vnode);
	pthread_mutex_unlock(&lock);
	return is_free;
}
KPI(vnode_recycle);

int vnode_isrecycled(struct vnode *vnode)
{
	return vnode->is_doomed || !vnode->path;
}
KPI(vnode_isrecycled);

int vnode_isinuse(struct vnode *vnode, int count)
{
	return (int64_t)vnode->usecount > count;
}
KPI(vnode_isinuse);

int vnode_iocount(struct vnode *vnode)
{
	return (int)vnode->iocount;
}
KPI(vnode_iocount);

uint32_t vnode_vid(struct vnode *vnode)
{
	return vnode->vid;
}
KPI(vnode_vid);

/* ---- what a kext leaves ---- */

static bool is_inside(const void *code, const void *start, const void *end)
{
	return (const char *)code >= (const char *)start &&
	       (const char *)code < (const char *)end;
}

/* One that no other kext has taken since is let go. */
void vnode_kmod_unloaded(const char *identifier, const void *start, const void *end)
{
	for (int i = 0; i < VNODES_MAX; i++) {
		struct vnode *vnode = &vnodes[i], old;
		char path[PATH_SIZE] = "";
		pthread_mutex_lock(&lock);
		old = *vnode;
		bool is_left =
			old.path && !is_idle(vnode) && is_inside(old.owner, start, end);
		if (is_left) {
			xnu_snprintf(path, sizeof(path), "%s", old.path);
			vnode->owner = NULL;
		}
		if (is_left && !old.is_shared) {
			vnode->iocount = vnode->usecount = 0;
			settle(vnode);
		}
		pthread_mutex_unlock(&lock);
		if (is_left)
			report_left(identifier,
				    "left the vnode of %s behind, with %u iocounts and "
				    "%u usecounts",
				    path, old.iocount, old.usecount);
	}
}
