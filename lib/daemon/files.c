/*
 * The files that kexts see. The kernel is sandboxed and opens nothing itself: it asks for
 * a path, which is looked up here as if one folder were the root of all, and is sent a
 * descriptor. Regular files are handed over open, folders and links as names only;
 * devices, FIFOs and sockets are refused before anything opens them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/memory.h"
#include "daemon/daemon.h"

#define FOLDER_NAME  "root"
#define PATH_SIZE    4096u
#define PERMISSIONS  0777u /* nothing that a kext makes is set-user-id */
#define CREATE_TRIES 4	   /* against somebody who makes and removes the file */

/* ---- the root ---- */

static int open_folder(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_own_folder(struct daemon *daemon)
{
	if (mkdirat(daemon->state.fd, FOLDER_NAME, 0700) < 0 && errno != EEXIST)
		return -errno;
	int fd = openat(daemon->state.fd, FOLDER_NAME,
			O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int files_open_root(struct daemon *daemon, struct kext_diagnostics *diagnostics)
{
	const char *named = daemon->options->file_root;
	if (!named)
		named = getenv("KEXT_FILEROOT");
	named = named && *named ? named : NULL;
	int fd = !named		 ? open_own_folder(daemon)
		 : *named == '/' ? open_folder(AT_FDCWD, named)
				 : KEXT_ERR_INVALID_ARGUMENT;
	if (fd < 0) {
		kext_diagnose(diagnostics, KEXT_ERROR, "daemon.files",
			      named ? named : daemon->state.path,
			      "name a folder that exists, by its absolute path, or none",
			      "the folder of files for kexts cannot be opened: %s",
			      kext_error_string(fd));
		return fd;
	}
	daemon->file_root = fd;
	daemon->has_writable_files = !named || daemon->options->file_writes;
	return 0;
}

/* Where a descriptor leads; -ENAMETOOLONG when `text` does not hold it. */
static int read_place(int fd, char text[static PATH_SIZE])
{
	char link[64];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t size = readlink(link, text, PATH_SIZE);
	if (size < 0)
		return -errno;
	if (size == PATH_SIZE)
		return -ENAMETOOLONG;
	text[size] = '\0';
	return 0;
}

char *files_root_path(const struct daemon *daemon)
{
	char text[PATH_SIZE];
	return mem_string(read_place(daemon->file_root, text) == 0 ? text : "");
}

/* ---- one file ---- */

/* What the kernel asks for, and what it gets. */
struct opening {
	int root;
	bool is_writable;
	const char *path;
	uint32_t wishes;
	mode_t mode;
	int fd; /* -1 */
	uint32_t rights;
	char where[PATH_SIZE]; /* below the root */
};

static int find(const struct opening *opening)
{
	int flags = O_PATH | (opening->wishes & OPEN_NO_FOLLOW ? O_NOFOLLOW : 0);
	return file_open_in_root(opening->root, opening->path, flags, 0);
}

/* A new file is opened as such, so that it cannot be anything that lay there. */
static int create(const struct opening *opening)
{
	return opening->is_writable
		       ? file_open_in_root(opening->root, opening->path,
					   O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
					   opening->mode & PERMISSIONS)
		       : -EROFS;
}

/* What lies there, as a name; or with *ret_is_open, the file that was made. */
static int find_or_create(const struct opening *opening, bool *ret_is_open)
{
	int fd = -ENOENT;
	*ret_is_open = false;
	for (int i = 0; fd == -ENOENT && i < CREATE_TRIES; i++) {
		fd = find(opening);
		if (fd >= 0 && (opening->wishes & OPEN_CREATE) &&
		    (opening->wishes & OPEN_EXCLUSIVE)) {
			file_close(fd);
			return -EEXIST;
		}
		if (fd != -ENOENT || !(opening->wishes & OPEN_CREATE))
			return fd;
		fd = create(opening);
		*ret_is_open = fd >= 0;
		if (fd == -EEXIST)
			fd = -ENOENT;
	}
	return fd;
}

/* The file behind a name, with all the rights that there are. */
static int open_named(struct opening *opening, int name)
{
	static const struct {
		int flags;
		uint32_t rights;
	} ways[] = {{O_RDWR, OPEN_READ | OPEN_WRITE},
		    {O_RDONLY, OPEN_READ},
		    {O_WRONLY, OPEN_WRITE}};
	char link[64];
	int error = -EACCES;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", name);
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		if ((ways[i].rights & OPEN_WRITE) && !opening->is_writable)
			continue;
		int fd = open(link, ways[i].flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fd >= 0) {
			opening->fd = fd;
			opening->rights = ways[i].rights;
			return 0;
		}
		error = errno == EMFILE || errno == ENFILE ? -errno : error;
	}
	return error;
}

static int judge(const struct opening *opening, mode_t kind)
{
	uint32_t use = opening->wishes & (OPEN_READ | OPEN_WRITE);
	if (kind == S_IFREG)
		return 0;
	if (kind == S_IFDIR)
		return use & OPEN_WRITE ? -EISDIR : 0;
	if (kind == S_IFLNK)
		return use ? -ELOOP : 0;
	return -EACCES;
}

/* Where the descriptor leads, seen from the root. */
static int find_place(struct opening *opening)
{
	char root[PATH_SIZE];
	int error = read_place(opening->root, root);
	if (error == 0)
		error = read_place(opening->fd, opening->where);
	if (error < 0)
		return error;
	size_t skip = strcmp(root, "/") == 0 ? 0 : strlen(root);
	if (strncmp(root, opening->where, skip) != 0)
		return -ENOENT; /* moved out of it meanwhile */
	memmove(opening->where, opening->where + skip, strlen(opening->where + skip) + 1);
	if (!opening->where[0])
		strcpy(opening->where, "/");
	return opening->where[0] == '/' ? 0 : -ENOENT;
}

/* `name` becomes opening->fd, or a descriptor with rights that takes its place does. */
static int take_name(struct opening *opening, int name)
{
	struct stat st;
	int error = fstat(name, &st) < 0 ? -errno : judge(opening, st.st_mode & S_IFMT);
	uint32_t use = opening->wishes & (OPEN_READ | OPEN_WRITE);
	if (error == 0 && st.st_nlink == 0)
		error = -ENOENT;
	if (error == 0 && S_ISREG(st.st_mode))
		error = open_named(opening, name);
	if (error == -EACCES && S_ISREG(st.st_mode) && !use)
		error = 0; /* to look at it needs no right */
	if (error == 0 && S_ISREG(st.st_mode) && (use & ~opening->rights))
		error = use & OPEN_WRITE && !opening->is_writable ? -EROFS : -EACCES;
	if (error < 0 || opening->fd >= 0)
		file_close(name);
	else
		opening->fd = name;
	return error;
}

static int open_file(struct opening *opening)
{
	bool is_open;
	int fd = find_or_create(opening, &is_open);
	if (fd < 0)
		return fd;
	int error = 0;
	if (is_open) {
		opening->fd = fd;
		opening->rights = OPEN_READ | OPEN_WRITE;
	} else {
		error = take_name(opening, fd);
	}
	if (error == 0)
		error = find_place(opening);
	if (error == 0 && (opening->wishes & OPEN_TRUNCATE) &&
	    (opening->wishes & OPEN_WRITE) && ftruncate(opening->fd, 0) < 0)
		error = -errno;
	return error;
}

bool files_answer(struct kernel *kernel, struct frame *question)
{
	struct bytes asked = bytes_of(question->body, question->size);
	_cleanup_buffer_ struct buffer body = {0};
	struct opening opening = {
		.root = kernel->daemon->file_root,
		.is_writable = kernel->daemon->has_writable_files,
		.path = fields_text(asked, FIELD_PATH),
		.wishes = fields_u32(asked, FIELD_FLAGS),
		.mode = fields_u32(asked, FIELD_MODE),
		.fd = -1,
	};
	if (!fields_has(asked, FIELD_PATH) || (opening.wishes & ~OPEN_WISHES))
		return false;
	int error = open_file(&opening);
	fields_put_u32(&body, FIELD_ERROR, (uint32_t)-error);
	if (error == 0) {
		fields_put_u32(&body, FIELD_FLAGS,
			       opening.rights |
				       (opening.is_writable ? 0 : OPEN_READ_ONLY));
		fields_put_text(&body, FIELD_PATH, opening.where);
	}
	if (kernel_answer(kernel, question, &body, error == 0 ? opening.fd : -1) < 0)
		daemon_log(kernel->daemon, "a file could not be sent to the kernel");
	file_close(opening.fd);
	return true;
}
