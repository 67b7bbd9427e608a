/*
 * kext-inspect: what LIEF reads in a Mach-O file. As `kext-inspect --worker` it answers
 * kext_inspect (see macho/inspect.h), as `kext-inspect FILE` it prints. The only program
 * with LIEF in it, and no other file may include its headers: they undefine Mach-O
 * macros, and LIEF's macho_parse is not ours.
 *
 * LIEF throws through its C interface and dies on hostile files, so before it sees one
 * the process gives up what it does not need. Fields that differ between LIEF's versions
 * are not used: contents, names of enums, and a section's size and flags, which are taken
 * from the raw load command.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>
#include <LIEF/MachO.h>
#include <LIEF/logging.h>
#include "base/array.h"
#include "base/buffer.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/frame.h"
#include "macho/inspect.h"

#define MEMORY_LIMIT	   (UINT64_C(2) << 30)
#define COMMAND_SEGMENT	   0x1u
#define COMMAND_SEGMENT_64 0x19u

/* A section's fields that LIEF's own structure lacks or changes, from the load command.
 */
struct raw_section {
	char segment[17];
	uint64_t size;
	uint32_t flags;
};

struct raw_sections {
	struct raw_section *items;
	size_t count, capacity;
};

static void limit(__rlimit_resource_t resource, uint64_t value)
{
	struct rlimit limits = {value, value};
	setrlimit(resource, &limits);
}

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
/* No new programs, processes, connections or signals to others. */
static void forbid_calls(void)
{
#define DENY(call)                                                                       \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##call, 0, 1),                          \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), /* x32 numbers */
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		DENY(execve),
		DENY(execveat),
		DENY(fork),
		DENY(vfork),
		DENY(clone),
		DENY(clone3),
		DENY(socket),
		DENY(connect),
		DENY(bind),
		DENY(ptrace),
		DENY(process_vm_writev),
		DENY(unlink),
		DENY(unlinkat),
		DENY(rename),
		DENY(renameat2),
		DENY(chmod),
		DENY(fchmodat),
		DENY(kill),
		DENY(io_uring_setup),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
#undef DENY
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#else
static void forbid_calls(void)
{
}
#endif

/* A dump may be sent to a file; the worker writes none. */
static void give_up_privileges(bool is_worker)
{
	limit(RLIMIT_CORE, 0);
	if (is_worker)
		limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_CPU, INSPECT_SECONDS);
#ifndef __SANITIZE_ADDRESS__ /* whose shadow memory alone is larger */
	limit(RLIMIT_AS, MEMORY_LIMIT);
#endif
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	alarm(INSPECT_SECONDS);
	forbid_calls();
}

/* The sections of one segment command. Big-endian images never get here: LIEF misreads
 * them. */
static bool read_raw_sections(const Macho_Command_t *command,
			      struct raw_sections *sections)
{
	bool is_64 = command->command == COMMAND_SEGMENT_64;
	if (!is_64 && command->command != COMMAND_SEGMENT)
		return true;
	struct cursor c =
		cursor_at(bytes_of(command->data, command->size), is_64 ? 64 : 48, false);
	uint32_t count = cursor_u32(&c);
	cursor_u32(&c);
	for (uint32_t i = 0; i < count && !c.failed; i++) {
		struct raw_section section = {0};
		cursor_take(&c, 16);
		const uint8_t *name = cursor_take(&c, 16);
		is_64 ? cursor_u64(&c) : cursor_u32(&c);
		section.size = is_64 ? cursor_u64(&c) : cursor_u32(&c);
		cursor_take(&c, 16);
		section.flags = cursor_u32(&c);
		cursor_take(&c, is_64 ? 12 : 8);
		if (c.failed)
			break;
		memcpy(section.segment, name, 16);
		struct raw_section *place = array_push(sections);
		if (!place)
			return false;
		*place = section;
	}
	return !c.failed;
}

static bool collect_raw_sections(const Macho_Binary_t *image,
				 struct raw_sections *sections)
{
	size_t count = 0;
	for (Macho_Command_t **command = image->commands; *command; command++)
		if (!read_raw_sections(*command, sections))
			return false;
	while (image->sections[count])
		count++;
	return count == sections->count;
}

/* --- the answer ------------------------------------------------------------------------
 */

static void put_text(struct buffer *b, const char *text)
{
	text = text ? text : "";
	buffer_u32(b, (uint32_t)strlen(text), false);
	buffer_string(b, text);
}

static void put_words(struct buffer *b, const uint32_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buffer_u32(b, words[i], false);
}

static void put_quads(struct buffer *b, const uint64_t *quads, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buffer_u64(b, quads[i], false);
}

/* A NULL-terminated list's length, as LIEF's C interface gives all its lists. */
#define PUT_COUNT(b, list)                                                               \
	do {                                                                             \
		uint32_t count_ = 0;                                                     \
		while ((list)[count_])                                                   \
			count_++;                                                        \
		buffer_u32(b, count_, false);                                            \
	} while (0)

static void put_header(struct buffer *b, const Macho_Header_t *h)
{
	uint32_t words[] = {
		h->magic,   (uint32_t)h->cpu_type, h->cpu_subtype, h->file_type,
		h->nb_cmds, h->sizeof_cmds,	   h->flags};
	put_words(b, words, 7);
}

static void put_commands(struct buffer *b, Macho_Command_t **list)
{
	PUT_COUNT(b, list);
	for (; *list; list++) {
		buffer_u32(b, (*list)->command, false);
		buffer_u32(b, (*list)->size, false);
		buffer_u64(b, inspect_hash((*list)->data, (*list)->size), false);
	}
}

static void put_segments(struct buffer *b, Macho_Segment_t **list)
{
	PUT_COUNT(b, list);
	for (; *list; list++) {
		const Macho_Segment_t *s = *list;
		uint64_t quads[] = {s->virtual_address, s->virtual_size, s->file_offset,
				    s->file_size};
		uint32_t words[] = {s->max_protection, s->init_protection,
				    s->numberof_sections, s->flags};
		put_text(b, s->name);
		put_quads(b, quads, 4);
		put_words(b, words, 4);
	}
}

static bool put_sections(struct buffer *b, const Macho_Binary_t *image)
{
	struct raw_sections raw = {0};
	bool is_paired = collect_raw_sections(image, &raw);
	PUT_COUNT(b, image->sections);
	for (size_t i = 0; is_paired && i < raw.count; i++) {
		const Macho_Section_t *s = image->sections[i];
		uint64_t quads[] = {s->virtual_address, raw.items[i].size, s->offset};
		uint32_t words[] = {
			s->alignment,	    s->relocation_offset, s->numberof_relocations,
			raw.items[i].flags, s->reserved1,	  s->reserved2};
		put_text(b, s->name);
		put_text(b, raw.items[i].segment);
		put_quads(b, quads, 3);
		put_words(b, words, 6);
	}
	array_free(&raw);
	return is_paired;
}

/* Names may repeat one long string: past the answer's limit there is no point in going
 * on. */
static bool put_symbols(struct buffer *b, Macho_Symbol_t **list)
{
	PUT_COUNT(b, list);
	for (; *list; list++) {
		put_text(b, (*list)->name);
		buffer_u8(b, (*list)->type);
		buffer_u8(b, (*list)->numberof_sections);
		buffer_u16(b, (*list)->description, false);
		buffer_u64(b, (*list)->value, false);
		if (b->size > INSPECT_MAX_READING)
			return false;
	}
	return true;
}

static bool put_image(struct buffer *b, const Macho_Binary_t *image)
{
	put_header(b, &image->header);
	put_commands(b, image->commands);
	put_segments(b, image->segments);
	return put_sections(b, image) && put_symbols(b, image->symbols);
}

static int answer(int socket, uint64_t id, int file)
{
	char path[32];
	struct buffer body = {0};
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	Macho_Binary_t **images = macho_parse(path);
	if (!images)
		return EX_DATAERR;
	PUT_COUNT(&body, images);
	for (; *images; images++)
		if (!put_image(&body, *images))
			return EX_DATAERR;
	if (buffer_error(&body) || body.size > INSPECT_MAX_READING)
		return EX_OSERR;
	struct frame frame = {
		.type = INSPECT_READING, .id = id, .body = body.data, .size = body.size};
	return frame_send(socket, &frame) ? EX_IOERR : EX_OK;
}

static int serve(int socket)
{
	struct frame_reader reader;
	struct frame question = {0};
	frame_reader_init(&reader, socket, 0);
	if (frame_reader_read(&reader, &question) != 1 || question.type != INSPECT_FILE)
		return EX_PROTOCOL;
	int file = frame_take_fd(&question, 0);
	return file < 0 ? EX_PROTOCOL : answer(socket, question.id, file);
}

/* --- the dump
 * --------------------------------------------------------------------------- */

static void print_header(const Macho_Header_t *h)
{
	printf("header: magic 0x%08" PRIx32 " cputype 0x%08" PRIx32
	       " cpusubtype 0x%08" PRIx32 " filetype %" PRIu32 " ncmds %" PRIu32
	       " sizeofcmds %" PRIu32 " flags 0x%08" PRIx32 "\n",
	       h->magic, (uint32_t)h->cpu_type, h->cpu_subtype, (uint32_t)h->file_type,
	       h->nb_cmds, h->sizeof_cmds, h->flags);
}

static void print_commands(Macho_Command_t **list)
{
	for (; *list; list++)
		printf("command: type 0x%08" PRIx32 " size %" PRIu32 " offset 0x%" PRIx32
		       "\n",
		       (uint32_t)(*list)->command, (*list)->size, (*list)->offset);
}

static void print_segments(Macho_Segment_t **list)
{
	for (; *list; list++)
		printf("segment: %s address 0x%" PRIx64 " size 0x%" PRIx64
		       " fileoff 0x%" PRIx64 " filesize 0x%" PRIx64 " maxprot %" PRIu32
		       " initprot %" PRIu32 " sections %" PRIu32 " flags 0x%" PRIx32 "\n",
		       (*list)->name, (*list)->virtual_address, (*list)->virtual_size,
		       (*list)->file_offset, (*list)->file_size, (*list)->max_protection,
		       (*list)->init_protection, (*list)->numberof_sections,
		       (*list)->flags);
}

static void print_sections(const Macho_Binary_t *image)
{
	struct raw_sections raw = {0};
	bool is_paired = collect_raw_sections(image, &raw);
	for (size_t i = 0; is_paired && i < raw.count; i++) {
		const Macho_Section_t *s = image->sections[i];
		printf("section: %s,%s address 0x%" PRIx64 " size 0x%" PRIx64
		       " offset 0x%" PRIx64 " align 2^%" PRIu32 " reloff 0x%" PRIx32
		       " nreloc %" PRIu32 " flags 0x%08" PRIx32 "\n",
		       raw.items[i].segment, s->name, s->virtual_address,
		       raw.items[i].size, s->offset, s->alignment, s->relocation_offset,
		       s->numberof_relocations, raw.items[i].flags);
	}
	if (!is_paired)
		printf("sections: LIEF's list does not agree with the segment "
		       "commands\n");
	array_free(&raw);
}

static void print_image(const Macho_Binary_t *image, unsigned index)
{
	size_t symbols = 0, commands = 0;
	while (image->symbols[symbols])
		symbols++;
	while (image->commands[commands])
		commands++;
	printf("image %u\n", index);
	print_header(&image->header);
	print_commands(image->commands);
	if (commands != image->header.nb_cmds)
		printf("commands: LIEF read only %zu\n", commands);
	print_segments(image->segments);
	print_sections(image);
	printf("symbols: %zu\n", symbols);
}

static const char *dumped;

static void on_death(int number)
{
	char text[512];
	int size =
		snprintf(text, sizeof(text),
			 "kext-inspect: %.300s: LIEF cannot read this file (signal %d)\n",
			 dumped, number);
	if (write(STDERR_FILENO, text, (size_t)size) < 0)
		_exit(EX_IOERR);
	_exit(EX_DATAERR);
}

static int dump(const char *path)
{
	struct file_map map;
	int error = file_map_path(AT_FDCWD, path, INSPECT_MAX_FILE, &map);
	if (error) {
		fprintf(stderr, "kext-inspect: %s: %s\n", path, kext_error_string(error));
		return EX_NOINPUT;
	}
	file_unmap(&map);
	dumped = path;
	signal(SIGABRT, on_death);
	signal(SIGSEGV, on_death);
	signal(SIGALRM, on_death);
	Macho_Binary_t **images = macho_parse(path);
	if (!images || !*images) {
		fprintf(stderr, "kext-inspect: %s: LIEF finds no Mach-O image\n", path);
		return EX_DATAERR;
	}
	for (unsigned i = 0; images[i]; i++)
		print_image(images[i], i);
	return fflush(stdout) ? EX_IOERR : EX_OK;
}

static int usage(FILE *to, int status)
{
	fputs("usage: kext-inspect FILE\n"
	      "Prints what LIEF reads in a Mach-O file. Other programs run it as a "
	      "worker.\n",
	      to);
	return status;
}

int main(int count, char **arguments)
{
	if (count == 2 && strcmp(arguments[1], "--help") == 0)
		return usage(stdout, EX_OK);
	if (count != 2 ||
	    (arguments[1][0] == '-' && strcmp(arguments[1], "--worker") != 0))
		return usage(stderr, EX_USAGE);
	bool is_worker = strcmp(arguments[1], "--worker") == 0;
	give_up_privileges(is_worker);
	lief_logging_disable();
	int status = is_worker ? serve(INSPECT_SOCKET) : dump(arguments[1]);
	fflush(stdout);
	_exit(status); /* LIEF's destructors have nothing to save */
}
