/* Paths and names of vnodes, as they were when the file was looked up last. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/memory.h"
#include "kernel/bsd/files.h"
#include "kernel/osfmk/osfmk.h"

/* A name that kexts hold; the same text is the same name. */
struct name {
	struct name *next;
	unsigned references;
	char text[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct name *names; /* guarded by lock */

int vn_getpath(struct vnode *vnode, char *text, int *size);
const char *vnode_getname(struct vnode *vnode);
void vnode_putname(const char *name);
struct vnode *vnode_getparent(struct vnode *vnode);
struct vnode *vfs_rootvnode(void);

const char *vnode_base_name(const struct vnode *vnode)
{
	const char *slash = strrchr(vnode->path, '/');
	return slash && slash[1] ? slash + 1 : vnode->path;
}

/* A file that has lost its last name has no path. */
int vn_getpath(struct vnode *vnode, char *text, int *size)
{
	struct stat st;
	vnode_check(vnode, __builtin_return_address(0), "vn_getpath");
	if (syscall(SYS_fstat, vnode->fd, &st) < 0)
		return darwin_errno(errno);
	if (st.st_nlink == 0)
		return XNU_ENOENT;
	size_t needed = strlen(vnode->path) + 1;
	if (*size < 0 || (size_t)*size < needed)
		return XNU_ENOSPC;
	memcpy(text, vnode->path, needed);
	*size = (int)needed;
	return 0;
}
KPI(vn_getpath);
KPI_AS("_vn_getpath_fsenter", vn_getpath);
KPI_AS("_vn_getpath_no_firmlink", vn_getpath);

/* With the lock: the name of this text, a new one if need be; NULL without memory. */
static struct name *find_name(const char *text)
{
	size_t size = strlen(text) + 1;
	struct name *name = names;
	while (name && strcmp(name->text, text) != 0)
		name = name->next;
	if (name)
		return name;
	name = mem_zero(1, sizeof(*name) + size);
	if (!name)
		return NULL;
	memcpy(name->text, text, size);
	name->next = names;
	names = name;
	return name;
}

const char *vnode_getname(struct vnode *vnode)
{
	vnode_check(vnode, __builtin_return_address(0), "vnode_getname");
	pthread_mutex_lock(&lock);
	struct name *name = find_name(vnode_base_name(vnode));
	if (name)
		name->references++;
	pthread_mutex_unlock(&lock);
	return name ? name->text : NULL;
}
KPI(vnode_getname);

void vnode_putname(const char *text)
{
	pthread_mutex_lock(&lock);
	struct name **link = &names;
	while (*link && (*link)->text != text)
		link = &(*link)->next;
	struct name *name = *link;
	bool is_last = name && --name->references == 0;
	if (is_last)
		*link = name->next;
	pthread_mutex_unlock(&lock);
	if (!name)
		panic_at(__builtin_return_address(0),
			 "vnode_putname: %p is no name that was given out",
			 (const void *)text);
	if (is_last)
		free(name);
}
KPI(vnode_putname);

/* NULL for the root, and when the folder cannot be looked up any more. */
struct vnode *vnode_getparent(struct vnode *vnode)
{
	const void *caller = __builtin_return_address(0);
	struct vnode *parent = NULL;
	context_may_block(caller, "vnode_getparent");
	vnode_check(vnode, caller, "vnode_getparent");
	if (strcmp(vnode->path, "/") == 0)
		return NULL;
	size_t size = (size_t)(strrchr(vnode->path, '/') - vnode->path);
	char *path = mem_format("/%.*s", (int)(size ? size - 1 : 0), vnode->path + 1);
	int error =
		path ? vnode_find(path, OPEN_NO_FOLLOW, 0, caller, &parent) : XNU_ENOMEM;
	free(path);
	return error ? NULL : parent;
}
KPI(vnode_getparent);

struct vnode *vfs_rootvnode(void)
{
	const void *caller = __builtin_return_address(0);
	struct vnode *root = NULL;
	context_may_block(caller, "vfs_rootvnode");
	return vnode_find("/", 0, 0, caller, &root) ? NULL : root;
}
KPI(vfs_rootvnode);
