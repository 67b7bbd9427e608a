/*
 * Drives the real kernel_task as kextd does: starts it with a socket and a panic pipe,
 * asks, and hands it images made of a few bytes of machine code.
 */
#ifndef KERNEL_DRIVER_H
#define KERNEL_DRIVER_H

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/fields.h"
#include "base/file.h"
#include "base/frame.h"
#include "macho/macho.h"

#define UNUSED __attribute__((unused))
#define PAGE   0x1000u

#ifdef __SANITIZE_ADDRESS__
#define HAS_SANDBOX false /* the sanitizer's own system calls are not allowed in it */
#else
#define HAS_SANDBOX true
#endif

struct kernel {
	pid_t pid;
	int socket, panic_pipe;
	uint64_t next_id;
	struct frame_reader reader;
	struct frame answer; /* of the last question */
	struct frame upcall; /* the last request from the kernel */
	uint64_t log_end;    /* as the last LOG frame said */
	char report[65536];
};

/* The folder of the build that this program belongs to, then `path`. */
static UNUSED const char *in_build(const char *path)
{
	static char text[4096];
	ssize_t length = readlink("/proc/self/exe", text, sizeof(text) - 256);
	assert_true(length > 0);
	text[length] = 0;
	*strrchr(text, '/') = 0;
	*strrchr(text, '/') = 0;
	strcat(text, "/");
	strcat(text, path);
	return text;
}

static UNUSED struct bytes answer(const struct kernel *kernel)
{
	return bytes_of(kernel->answer.body, kernel->answer.size);
}

/* Waits for a frame of this type and id; keeps up-calls that come before it. */
static UNUSED bool receive(struct kernel *kernel, uint16_t type, uint64_t id)
{
	for (;;) {
		struct frame frame;
		int got = frame_reader_read(&kernel->reader, &frame);
		if (got <= 0)
			return false;
		assert_true(fields_valid(bytes_of(frame.body, frame.size)));
		if (frame.type == KERNEL_LOG)
			kernel->log_end = fields_u64(bytes_of(frame.body, frame.size),
						     FIELD_POSITION);
		struct frame *keep = &kernel->answer;
		bool is_answer = frame.type == type && frame.id == id;
		if (frame.type == KERNEL_REQUEST_LOAD ||
		    frame.type == KERNEL_REQUEST_RESOURCE || frame.type == KERNEL_OPEN)
			keep = &kernel->upcall;
		if (is_answer || keep == &kernel->upcall) {
			frame_free(keep);
			*keep = frame;
		} else {
			frame_free(&frame);
		}
		if (is_answer)
			return true;
	}
}

static UNUSED uint64_t send_request(struct kernel *kernel, uint16_t type,
				    struct buffer *body, int fd)
{
	struct frame frame = {
		.type = type, .id = kernel->next_id++, .fds = {fd}, .fd_count = fd >= 0};
	assert_int_equal(buffer_error(body), 0);
	frame.body = body->data;
	frame.size = body->size;
	int error = frame_send(kernel->socket, &frame);
	buffer_free(body);
	*body = (struct buffer){0};
	assert_int_equal(error, 0);
	return frame.id;
}

/* Asks and returns the ERROR field of the answer. */
static UNUSED uint32_t ask(struct kernel *kernel, uint16_t type, struct buffer *body,
			   int fd)
{
	uint64_t id = send_request(kernel, type, body, fd);
	assert_true(receive(kernel, type, id));
	assert_true(fields_has(answer(kernel), FIELD_ERROR));
	return fields_u32(answer(kernel), FIELD_ERROR);
}

static UNUSED uint32_t ask_tag(struct kernel *kernel, uint16_t type, uint32_t tag)
{
	struct buffer body = {0};
	fields_put_u32(&body, FIELD_TAG, tag);
	return ask(kernel, type, &body, -1);
}

static UNUSED void run_kernel(int socket, int panic_pipe, const char *const *options)
{
	const char *arguments[16] = {in_build("libexec/kext/kernel_task")};
	int count = 1;
	if (!HAS_SANDBOX)
		arguments[count++] = "--sandbox=off";
	while (options && *options)
		arguments[count++] = *options++;
	/* First out of the way of the places where they go. */
	int high_socket = fcntl(socket, F_DUPFD_CLOEXEC, 10);
	int high_pipe = fcntl(panic_pipe, F_DUPFD_CLOEXEC, 10);
	dup2(high_socket, 3);
	dup2(high_pipe, 4);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (!getenv("KERNEL_STDERR"))
		dup2(null, 2);
	close_range(5, ~0u, CLOSE_RANGE_CLOEXEC);
	execv(arguments[0], (char **)arguments);
	_exit(127);
}

/* Starts a kernel and takes its greeting. */
static UNUSED void boot(struct kernel *kernel, const char *const *options)
{
	int pair[2], pipe_ends[2];
	struct timeval patience = {.tv_sec = 20};
	memset(kernel, 0, sizeof(*kernel));
	kernel->next_id = 1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
	kernel->pid = fork();
	assert_true(kernel->pid >= 0);
	if (kernel->pid == 0)
		run_kernel(pair[1], pipe_ends[1], options);
	close(pair[1]);
	close(pipe_ends[1]);
	kernel->socket = pair[0];
	kernel->panic_pipe = pipe_ends[0];
	setsockopt(kernel->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	frame_reader_init(&kernel->reader, kernel->socket, 17u << 20);
	assert_true(receive(kernel, KERNEL_HELLO, 0));
}

/* Waits for the kernel's end; its exit status, or 256 + signal. Reads the panic report.
 */
static UNUSED int await_end(struct kernel *kernel)
{
	size_t size = 0;
	ssize_t got;
	while ((got = read(kernel->panic_pipe, kernel->report + size,
			   sizeof(kernel->report) - 1 - size)) > 0)
		size += (size_t)got;
	kernel->report[size] = 0;
	int status;
	assert_int_equal(waitpid(kernel->pid, &status, 0), kernel->pid);
	frame_reader_free(&kernel->reader);
	frame_free(&kernel->answer);
	frame_free(&kernel->upcall);
	close(kernel->socket);
	close(kernel->panic_pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static UNUSED int shut_down(struct kernel *kernel)
{
	struct buffer body = {0};
	send_request(kernel, KERNEL_SHUTDOWN, &body, -1);
	return await_end(kernel);
}

/* The address of a symbol in mach_kernel. */
static UNUSED uint64_t kernel_symbol(const char *name)
{
	struct file_map map;
	struct macho macho;
	struct macho_symbol symbol;
	assert_int_equal(file_map_path(AT_FDCWD, in_build("share/kext/mach_kernel"),
				       1u << 30, &map),
			 0);
	assert_int_equal(macho_parse(map.bytes, "mach_kernel", NULL, &macho), 0);
	assert_true(macho_find_symbol(&macho, name, &symbol));
	macho_free(&macho);
	file_unmap(&map);
	return symbol.value;
}

/* ---- images: a page of code, a page of data with kmod_info at its start ---- */

#define INFO_AT	    PAGE	    /* offset of kmod_info */
#define STOP_AT	    0x800u	    /* offset of the stop routine */
#define START_AT    0x100u	    /* offset of the start routine */
#define POINTERS_AT (PAGE + 0x200u) /* constructors: two words */
#define DATA_AT	    (PAGE + 0x400u) /* for texts and records */
#define IMAGE_SIZE  (2 * PAGE)

struct image {
	const char *identifier;
	uint64_t address;
	uint32_t tag;
	uint8_t bytes[IMAGE_SIZE];
	uint32_t dependencies[8];
	unsigned dependency_count;
	bool has_structors;
	int seals;
	uint32_t text_protection;
};

/* The routine becomes: mov eax, value; ret. */
static UNUSED void put_return(struct image *image, unsigned at, uint32_t value)
{
	image->bytes[at] = 0xb8;
	store32(image->bytes + at + 1, value, false);
	image->bytes[at + 5] = 0xc3;
}

static UNUSED void put_code(struct image *image, unsigned at, const void *code,
			    size_t size)
{
	memcpy(image->bytes + at, code, size);
}

/* push rbp; mov rbp, rsp; mov rdi, a; mov rsi, b; xor eax, eax; mov r11, f; call r11 … */
static UNUSED unsigned put_call(struct image *image, unsigned at, uint64_t function,
				uint64_t a, uint64_t b)
{
	uint8_t *p = image->bytes + at;
	memcpy(p, "\x48\xbf", 2);
	store64(p + 2, a, false);
	memcpy(p + 10, "\x48\xbe", 2);
	store64(p + 12, b, false);
	memcpy(p + 20, "\x31\xc0\x49\xbb", 4);
	store64(p + 24, function, false);
	memcpy(p + 32, "\x41\xff\xd3", 3);
	return at + 35;
}

static UNUSED unsigned put_entry(struct image *image, unsigned at)
{
	memcpy(image->bytes + at, "\x55\x48\x89\xe5", 4);
	return at + 4;
}

/* Leaves with this value, or with what the last call returned when `value` is -1. */
static UNUSED void put_exit(struct image *image, unsigned at, int value)
{
	uint8_t *p = image->bytes + at;
	if (value >= 0) {
		p[0] = 0xb8;
		store32(p + 1, (uint32_t)value, false);
		p += 5;
	}
	memcpy(p, "\x5d\xc3", 2);
}

/* Reserves memory and lays out an image whose routines return 0. */
static UNUSED void new_image(struct kernel *kernel, struct image *image,
			     const char *identifier)
{
	struct buffer body = {0};
	fields_put_text(&body, FIELD_IDENTIFIER, identifier);
	fields_put_u64(&body, FIELD_SIZE, IMAGE_SIZE);
	assert_int_equal(ask(kernel, KERNEL_RESERVE, &body, -1), 0);
	memset(image, 0, sizeof(*image));
	image->identifier = identifier;
	image->tag = fields_u32(answer(kernel), FIELD_TAG);
	image->address = fields_u64(answer(kernel), FIELD_ADDRESS);
	image->seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	image->text_protection = 5;
	put_return(image, START_AT, 0);
	put_return(image, STOP_AT, 0);
	uint8_t *info = image->bytes + INFO_AT;
	store32(info + 8, 1, false);
	store32(info + 12, 0xffffffff, false);
	store32(info + 144, 0xffffffff, false);
	store64(info + 172, 0x100, false);
	store64(info + 180, image->address + START_AT, false);
	store64(info + 188, image->address + STOP_AT, false);
}

static UNUSED int seal_image(const struct image *image)
{
	int fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, image->bytes, IMAGE_SIZE), IMAGE_SIZE);
	if (image->seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, image->seals), 0);
	return fd;
}

static UNUSED void put_segment(struct buffer *body, const char *name, uint64_t address,
			       uint64_t size, uint32_t protection)
{
	size_t begun = fields_begin(body, FIELD_SEGMENT);
	fields_put_u64(body, FIELD_ADDRESS, address);
	fields_put_u64(body, FIELD_SIZE, size);
	fields_put_u32(body, FIELD_PROTECTION, protection);
	fields_put_text(body, FIELD_NAME, name);
	fields_end(body, begun);
}

static UNUSED void put_array(struct buffer *body, enum field field, uint64_t address,
			     uint64_t size)
{
	size_t begun = fields_begin(body, field);
	fields_put_u64(body, FIELD_ADDRESS, address);
	fields_put_u64(body, FIELD_SIZE, size);
	fields_end(body, begun);
}

static UNUSED void map_body(const struct image *image, struct buffer *body)
{
	uint64_t address = image->address;
	fields_put_u32(body, FIELD_TAG, image->tag);
	fields_put_text(body, FIELD_IDENTIFIER, image->identifier);
	fields_put_text(body, FIELD_VERSION, "1.2.3");
	fields_put_text(body, FIELD_COMPATIBLE, "1.0");
	fields_put_text(body, FIELD_PATH, "/tmp/Test.kext");
	fields_put_bytes(body, FIELD_UUID, "0123456789abcdef", 16);
	fields_put_u64(body, FIELD_KMOD_INFO, address + INFO_AT);
	fields_put_u64(body, FIELD_WIRED, IMAGE_SIZE);
	fields_put_u32(body, FIELD_MISSING, 7);
	for (unsigned i = 0; i < image->dependency_count; i++)
		fields_put_u32(body, FIELD_DEPENDENCY, image->dependencies[i]);
	put_segment(body, "__TEXT", address, PAGE, image->text_protection);
	put_segment(body, "__DATA", address + PAGE, PAGE, 3);
	if (image->has_structors) {
		put_array(body, FIELD_CONSTRUCTORS, address + POINTERS_AT, 8);
		put_array(body, FIELD_DESTRUCTORS, address + POINTERS_AT + 8, 8);
	}
}

static UNUSED uint32_t map_image(struct kernel *kernel, const struct image *image)
{
	struct buffer body = {0};
	map_body(image, &body);
	int fd = seal_image(image);
	uint32_t error = ask(kernel, KERNEL_MAP, &body, fd);
	close(fd);
	return error;
}

/* Maps and starts: the ERROR of START. */
static UNUSED uint32_t load_image(struct kernel *kernel, const struct image *image)
{
	assert_int_equal(map_image(kernel, image), 0);
	return ask_tag(kernel, KERNEL_START, image->tag);
}

/* The KEXT record of this identifier in LIST's answer; empty when it is not there. */
static UNUSED struct bytes listed(struct kernel *kernel, const char *identifier)
{
	struct buffer body = {0};
	struct bytes kext;
	size_t position = 0;
	assert_int_equal(ask(kernel, KERNEL_LIST, &body, -1), 0);
	while (fields_next(answer(kernel), FIELD_KEXT, &position, &kext)) {
		if (strcmp(fields_text(kext, FIELD_IDENTIFIER), identifier) == 0)
			return kext;
	}
	return bytes_of(NULL, 0);
}

/* Everything in the log, terminated; static. */
static UNUSED const char *whole_log(struct kernel *kernel)
{
	static char text[1 << 18];
	struct buffer body = {0};
	fields_put_u64(&body, FIELD_POSITION, 0);
	assert_int_equal(ask(kernel, KERNEL_LOG_READ, &body, -1), 0);
	struct bytes data = fields_bytes(answer(kernel), FIELD_DATA);
	assert_true(data.size < sizeof(text));
	memcpy(text, data.data, data.size);
	text[data.size] = 0;
	return text;
}

/* Asks for a sysctl as the instance's owner or as a stranger; its Darwin errno. */
static UNUSED uint32_t ask_sysctl(struct kernel *kernel, const char *name,
				  const void *value, size_t size, bool is_owner)
{
	struct buffer body = {0};
	fields_put_text(&body, FIELD_NAME, name);
	if (value)
		fields_put_bytes(&body, FIELD_DATA, value, size);
	fields_put_u32(&body, FIELD_UID, 1234);
	fields_put_u32(&body, FIELD_SUPERUSER, is_owner);
	return ask(kernel, KERNEL_SYSCTL, &body, -1);
}

#endif
