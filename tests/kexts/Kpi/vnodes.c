/* Files: what vnodes are, how they are counted, and what can be done with their bytes. */
#include "kpi.h"
#include <kern/thread.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/vnode.h>

int vn_getpath_fsenter(vnode_t vnode, char *path, int *size);
int vn_getpath_no_firmlink(vnode_t vnode, char *path, int *size);
int mac_vnop_getxattr(vnode_t vnode, const char *name, char *data, size_t size,
		      size_t *attribute_size);
int mac_vnop_setxattr(vnode_t vnode, const char *name, char *data, size_t size);
int mac_vnop_removexattr(vnode_t vnode, const char *name);

static vfs_context_t context;

static vnode_t look_up(const char *path)
{
	vnode_t vnode = NULL;

	return vnode_lookup(path, 0, &vnode, context) == 0 ? vnode : NULL;
}

static int write_at(vnode_t vnode, const char *text, off_t offset, int flags)
{
	uio_t uio = uio_create(1, offset, UIO_SYSSPACE, UIO_WRITE);
	int error;

	uio_addiov(uio, (user_addr_t)text, strlen(text));
	error = VNOP_WRITE(vnode, uio, flags, context);
	if (!error && uio_resid(uio))
		error = EIO;
	uio_free(uio);
	return error;
}

static int has_text(vnode_t vnode, const char *text)
{
	char data[64] = "";
	int left = 0, size = sizeof(data);

	return vn_rdwr(UIO_READ, vnode, data, size, 0, UIO_SYSSPACE, 0,
		       vfs_context_ucred(context), &left, NULL) == 0 &&
	       size - left == (int)strlen(text) && memcmp(data, text, size - left) == 0;
}

static void check_opening(void)
{
	vnode_t vnode = NULL, same = NULL;

	CHECK("vnode-none",
	      vnode_lookup("/none", 0, &vnode, context) == ENOENT && !vnode);
	CHECK("vnode-empty-path", vnode_lookup("", 0, &vnode, context) == ENOENT);
	CHECK("vnode-open-none",
	      vnode_open("/none", FREAD, 0, 0, &vnode, context) == ENOENT && !vnode);
	CHECK("vnode-open-for-nothing",
	      vnode_open("/none", O_CREAT, 0600, 0, &vnode, context) == EINVAL);
	CHECK("vnode-create", vnode_open("/a.txt", FREAD | FWRITE | O_CREAT | O_TRUNC,
					 0640, 0, &vnode, context) == 0);
	CHECK("vnode-counts", vnode_isinuse(vnode, 0) && !vnode_isinuse(vnode, 1) &&
				      vnode_iocount(vnode) == 1);
	CHECK("vnode-create-exclusively", vnode_open("/a.txt", FWRITE | O_CREAT | O_EXCL,
						     0600, 0, &same, NULL) == EEXIST);
	CHECK("vnode-write", write_at(vnode, "hello world", 0, IO_UNIT) == 0);
	CHECK("vnode-append", write_at(vnode, "!", 0, IO_APPEND | IO_SYNC) == 0);
	CHECK("vnode-read", has_text(vnode, "hello world!"));
	CHECK("vnode-same", vnode_lookup("a.txt", 0, &same, context) == 0 &&
				    same == vnode && vnode_iocount(vnode) == 2);
	vnode_put(same);
	CHECK("vnode-fsync",
	      VNOP_FSYNC(vnode, 0, context) == 0 && VNOP_FSYNC(vnode, 0, NULL) == EINVAL);
	CHECK("vnode-close", vnode_close(vnode, FREAD | FWRITE, context) == 0);
	CHECK("vnode-truncate",
	      vnode_open("/./a.txt", FWRITE | O_TRUNC, 0, 0, &vnode, NULL) == 0 &&
		      has_text(vnode, ""));
	vnode_close(vnode, FWRITE, NULL);
	CHECK("vnode-below-a-file", vnode_lookup("/a.txt/b", 0, &vnode, NULL) == ENOTDIR);
}

static void check_counts(void)
{
	vnode_t vnode = look_up("/a.txt");
	uint32_t vid = vnode_vid(vnode);

	CHECK("vnode-get", vnode_get(vnode) == 0 && vnode_iocount(vnode) == 2);
	CHECK("vnode-put", vnode_put(vnode) == 0 && vnode_iocount(vnode) == 1);
	CHECK("vnode-ref", vnode_ref(vnode) == 0 && vnode_isinuse(vnode, 0));
	vnode_put(vnode);
	CHECK("vnode-getwithref", vnode_getwithref(vnode) == 0);
	vnode_rele(vnode);
	CHECK("vnode-rele", !vnode_isinuse(vnode, 0));
	vnode_put(vnode);
	CHECK("vnode-getwithvid", vnode_getwithvid(vnode, vid) == 0);
	CHECK("vnode-getwithvid-of-another", vnode_getwithvid(vnode, vid + 1) == ENOENT);
	CHECK("vnode-recycle", vnode_recycle(vnode) == 0 && vnode_isrecycled(vnode));
	vnode_put(vnode);
	CHECK("vnode-reclaimed",
	      vnode_getwithvid(vnode, vid) == ENOENT && vnode_get(vnode) == ENOENT);
}

static void check_kinds(void)
{
	vnode_t file = look_up("/a.txt"), root = vfs_rootvnode();

	CHECK("vnode-type", vnode_vtype(file) == VREG && vnode_vtype(root) == VDIR);
	CHECK("vnode-isreg", vnode_isreg(file) == 1 && vnode_isreg(root) == 0);
	CHECK("vnode-isdir", vnode_isdir(file) == 0 && vnode_isdir(root) == 1);
	CHECK("vnode-islnk", !vnode_islnk(file) && !vnode_islnk(root));
	CHECK("vnode-is-no-device", !vnode_isblk(file) && !vnode_ischr(file) &&
					    !vnode_isfifo(file) && !vnode_istty(file));
	CHECK("vnode-is-nothing-special",
	      !vnode_isswap(file) && !vnode_issystem(file) && !vnode_isnamedstream(file));
	CHECK("vnode-mounts", !vnode_mount(file) && !vnode_ismount(root));
	CHECK("vnode-isvroot", vnode_isvroot(root) && !vnode_isvroot(file));
	CHECK("vnode-volume", !vnode_vfsisrdonly(file) && vnode_vfs64bitready(file));
	CHECK("vnode-folder-is-not-written", write_at(root, "x", 0, 0) == EISDIR);
	vnode_put(root);
	vnode_put(file);
}

static void check_names(void)
{
	char path[1024];
	const char *name, *again;
	int size = sizeof(path);
	vnode_t file = look_up("//.././a.txt"), parent = vnode_getparent(file);

	CHECK("vnode-getpath", vn_getpath(file, path, &size) == 0 && size == 7 &&
				       strcmp(path, "/a.txt") == 0);
	size = 6;
	CHECK("vnode-getpath-too-small", vn_getpath(file, path, &size) == ENOSPC);
	size = 7;
	CHECK("vnode-getpath-just-enough",
	      vn_getpath_fsenter(file, path, &size) == 0 &&
		      vn_getpath_no_firmlink(file, path, &size) == 0);
	name = vnode_getname(file);
	again = vnode_getname(file);
	CHECK("vnode-getname", strcmp(name, "a.txt") == 0 && name == again);
	vnode_putname(again);
	CHECK("vnode-putname", strcmp(name, "a.txt") == 0);
	vnode_putname(name);
	CHECK("vnode-getparent", parent && vnode_isvroot(parent));
	CHECK("vnode-root-has-no-parent", vnode_getparent(parent) == NULL);
	vnode_put(parent);
	vnode_put(file);
}

_Static_assert(sizeof(struct vnode_attr) >= 408, "vnode_attr");
_Static_assert(__builtin_offsetof(struct vnode_attr, va_data_size) == 48, "vnode_attr");
_Static_assert(__builtin_offsetof(struct vnode_attr, va_name) == 232, "vnode_attr");

static void check_attributes(void)
{
	struct vnode_attr attributes;
	char name[1024];
	vnode_t file = look_up("/a.txt");

	VATTR_INIT(&attributes);
	VATTR_SET(&attributes, va_data_size, 5);
	CHECK("vnode-set-size", vnode_setattr(file, &attributes, context) == 0 &&
					VATTR_IS_SUPPORTED(&attributes, va_data_size));
	VATTR_INIT(&attributes);
	VATTR_WANTED(&attributes, va_data_size);
	VATTR_WANTED(&attributes, va_mode);
	VATTR_WANTED(&attributes, va_type);
	VATTR_WANTED(&attributes, va_nlink);
	VATTR_WANTED(&attributes, va_fileid);
	VATTR_WANTED(&attributes, va_modify_time);
	VATTR_WANTED(&attributes, va_create_time);
	VATTR_WANTED(&attributes, va_name);
	attributes.va_name = name;
	attributes.va_uid = 77;
	CHECK("vnode-getattr", vnode_getattr(file, &attributes, context) == 0);
	CHECK("vnode-size", VATTR_IS_SUPPORTED(&attributes, va_data_size) &&
				    attributes.va_data_size == 5);
	CHECK("vnode-mode", (attributes.va_mode & 0777) == 0640);
	CHECK("vnode-attribute-type", attributes.va_type == VREG);
	CHECK("vnode-links", attributes.va_nlink == 1 && attributes.va_fileid);
	CHECK("vnode-times", attributes.va_modify_time.tv_sec > 1000000000 &&
				     attributes.va_modify_time.tv_nsec < 1000000000);
	CHECK("vnode-attribute-name", strcmp(name, "a.txt") == 0);
	CHECK("vnode-has-no-create-time",
	      !VATTR_IS_SUPPORTED(&attributes, va_create_time));
	CHECK("vnode-unasked",
	      attributes.va_uid == 77 && !VATTR_IS_SUPPORTED(&attributes, va_uid));
	attributes.va_active = 1ull << 63;
	CHECK("vnode-unknown-attribute",
	      vnode_getattr(file, &attributes, context) == EINVAL);
	vnode_put(file);
}

static void check_transfers(void)
{
	vnode_t file = NULL;
	char data[16], *large = IOMalloc(200000);
	int left = -1;
	uio_t uio = uio_create(2, 2, UIO_SYSSPACE, UIO_READ);

	vnode_open("/b", FREAD | FWRITE | O_CREAT | O_TRUNC, 0600, 0, &file, context);
	write_at(file, "0123456789", 0, 0);
	uio_addiov(uio, (user_addr_t)data, 3);
	uio_addiov(uio, (user_addr_t)(data + 8), 8);
	CHECK("vnop-read", VNOP_READ(file, uio, 0, context) == 0 && uio_resid(uio) == 3 &&
				   uio_offset(uio) == 10 && !memcmp(data, "234", 3) &&
				   !memcmp(data + 8, "56789", 5));
	CHECK("vnop-read-at-the-end",
	      VNOP_READ(file, uio, 0, context) == 0 && uio_resid(uio) == 3);
	CHECK("vnop-without-context", VNOP_READ(file, uio, 0, NULL) == EINVAL &&
					      VNOP_WRITE(file, uio, 0, NULL) == EINVAL);
	CHECK("vnop-wrong-way", VNOP_WRITE(file, uio, 0, context) == EINVAL);
	uio_setoffset(uio, -1);
	CHECK("vnop-before-the-start", VNOP_READ(file, uio, 0, context) == EINVAL);
	uio_free(uio);
	CHECK("vn_rdwr-short", vn_rdwr(UIO_READ, file, data, 16, 4, UIO_SYSSPACE, 0,
				       kauth_cred_get(), NULL, NULL) == EIO);
	CHECK("vn_rdwr-resid", vn_rdwr(UIO_READ, file, data, 16, 4, UIO_SYSSPACE, 0,
				       kauth_cred_get(), &left, NULL) == 0 &&
				       left == 10);
	CHECK("vn_rdwr-negative", vn_rdwr(UIO_READ, file, data, -1, 0, UIO_SYSSPACE, 0,
					  kauth_cred_get(), &left, NULL) == EINVAL);
	memset(large, 7, 200000);
	CHECK("vn_rdwr-large", vn_rdwr(UIO_WRITE, file, large, 200000, 0, UIO_SYSSPACE, 0,
				       kauth_cred_get(), NULL, NULL) == 0);
	memset(large, 0, 200000);
	CHECK("vn_rdwr-large-back",
	      vn_rdwr(UIO_READ, file, large, 200000, 0, UIO_SYSSPACE, 0, kauth_cred_get(),
		      NULL, NULL) == 0 &&
		      all_bytes(large, 7, 200000));
	CHECK("vnop-too-large", write_at(file, "x", 256ll << 20, 0) == EFBIG);
	IOFree(large, 200000);
	vnode_close(file, FREAD | FWRITE, context);
}

static void check_extended_attributes(void)
{
	vnode_t file = look_up("/a.txt");
	size_t size = 0;
	char data[8];

	CHECK("xattr-none",
	      VNOP_GETXATTR(file, "com.apple.x", NULL, &size, 0, context) == ENOATTR &&
		      mac_vnop_getxattr(file, "com.apple.x", data, 8, &size) == ENOATTR);
	CHECK("xattr-without-context",
	      VNOP_GETXATTR(file, "com.apple.x", NULL, &size, 0, NULL) == EINVAL);
	CHECK("xattr-remove", mac_vnop_removexattr(file, "com.apple.x") == ENOATTR);
	CHECK("xattr-set", mac_vnop_setxattr(file, "com.apple.x", data, 8) == ENOTSUP &&
				   VNOP_SETXATTR(file, "x", NULL, 0, context) == ENOTSUP);
	vnode_put(file);
}

/* 1,000 files are opened and closed: kpi.sh looks at the descriptors afterwards. */
static void check_many(void)
{
	vnode_t held[200], vnode;
	char path[16];
	int count = 0, error = 0, i;

	for (i = 0; i < 1000 && !error; i++) {
		snprintf(path, sizeof(path), "/many-%d", i % 300);
		error = vnode_open(path, FWRITE | O_CREAT, 0600, 0, &vnode, context);
		if (!error)
			vnode_close(vnode, FWRITE, context);
	}
	CHECK("vnode-thousand", error == 0);
	while (count < 200) {
		snprintf(path, sizeof(path), "/many-%d", count);
		error = vnode_lookup(path, 0, &held[count], context);
		if (error)
			break;
		count++;
	}
	CHECK("vnode-most", error == ENFILE && count == 128);
	while (count)
		vnode_put(held[--count]);
}

static vnode_t told_of[8];

static int on_file_operation(kauth_cred_t credential, void *cookie, kauth_action_t action,
			     uintptr_t vnode, uintptr_t path, uintptr_t c, uintptr_t d)
{
	if (action < 8 && strcmp((const char *)path, "/a.txt") == 0)
		told_of[action] = (vnode_t)vnode;
	return KAUTH_RESULT_DENY; /* makes no difference */
}

static void check_listeners(void)
{
	kauth_listener_t listener =
		kauth_listen_scope(KAUTH_SCOPE_FILEOP, on_file_operation, NULL);
	vnode_t vnode = NULL;

	CHECK("fileop-open", vnode_open("/a.txt", FREAD, 0, 0, &vnode, context) == 0 &&
				     told_of[KAUTH_FILEOP_OPEN] == vnode &&
				     !told_of[KAUTH_FILEOP_CLOSE]);
	CHECK("fileop-close", vnode_close(vnode, FREAD, context) == 0 &&
				      told_of[KAUTH_FILEOP_CLOSE] == vnode);
	kauth_unlisten_scope(listener);
}

/* Nobody has descriptors that a kext sees. */
static void check_descriptors(void)
{
	vnode_t vnode = NULL;
	socket_t socket = NULL;
	uint32_t vid = 0;
	int flags = 0;

	CHECK("file-vnode", file_vnode(0, &vnode) == EBADF &&
				    file_vnode_withvid(0, &vnode, &vid) == EBADF &&
				    !vnode);
	CHECK("file-facts",
	      file_flags(0, &flags) == EBADF && file_socket(0, &socket) == EBADF);
	CHECK("file-drop", file_drop(0) == EBADF);
}

enum { THREADS = 4, ROUNDS = 200 };
static SInt32 threads_left = THREADS, rounds_done;

static void open_and_close(void *parameter, wait_result_t result)
{
	vnode_t vnode;
	char path[16];
	int i;

	for (i = 0; i < ROUNDS; i++) {
		snprintf(path, sizeof(path), "/many-%d", i % 7);
		if (vnode_lookup(path, 0, &vnode, context) != 0)
			continue;
		if (i % 3 == 0)
			vnode_recycle(vnode);
		if (vnode_isreg(vnode) && has_text(vnode, ""))
			OSIncrementAtomic(&rounds_done);
		vnode_put(vnode);
	}
	OSDecrementAtomic(&threads_left);
}

static void check_threads(void)
{
	thread_t thread;
	int i;

	for (i = 0; i < THREADS; i++) {
		kernel_thread_start(open_and_close, NULL, &thread);
		thread_deallocate(thread);
	}
	while (OSAddAtomic(0, &threads_left) > 0)
		IOSleep(1);
	CHECK("vnode-threads", rounds_done == THREADS * ROUNDS);
}

void check(void)
{
	context = vfs_context_create(NULL);
	CHECK("vfs-context", context && vfs_context_ucred(context) == kauth_cred_get() &&
				     vfs_context_proc(context) == current_proc() &&
				     vfs_context_pid(context) == 0 &&
				     vfs_context_suser(context) == 0);
	CHECK("vfs-context-facts", vfs_context_is64bit(context) &&
					   !vfs_context_issignal(context, 1) &&
					   vfs_context_current() != context);
	check_opening();
	check_counts();
	check_kinds();
	check_names();
	check_attributes();
	check_transfers();
	check_extended_attributes();
	check_listeners();
	check_descriptors();
	check_many();
	check_threads();
	CHECK("vfs-context-rele", vfs_context_rele(context) == 0);
}
