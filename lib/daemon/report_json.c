/*
 * The content of a panic report as a value, taken from its text: the kernel writes each
 * section under a title at the left edge and indents what kexts wrote, so that a line is
 * known by its first character and by the title above it. The text may all the same be a
 * lie: what does not look right is left out. kextd(8) documents the keys.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "daemon/daemon.h"
#include "daemon/row.h"

#define INDENT 3u

struct content {
	struct row row;
	const struct section *section;
	struct kext_value *cause; /* lines of it */
	struct row registers, code;
	struct kext_value *frames; /* the backtrace being read; owned by its parent */
	struct kext_value *kexts, *threads, *log;
};

struct section {
	const char *title;
	/* The title's own line, behind the title. */
	void (*begin)(struct content *content, const char *rest);
	/* A line below it. */
	void (*line)(struct content *content, const char *line);
};

static void append(struct content *content, struct kext_value *array,
		   struct kext_value *value)
{
	int error =
		content->row.error ? content->row.error : kext_value_append(array, value);
	if (content->row.error)
		kext_value_unref(value);
	content->row.error = error;
}

/* An empty dictionary; without memory the report as a whole fails. */
static struct row new_row(struct content *content)
{
	struct row row = {kext_value_new_dictionary(), 0};
	if (!row.value)
		row.error = content->row.error = -ENOMEM;
	return row;
}

/* A dictionary that is complete becomes an item. */
static void append_row(struct content *content, struct kext_value *array, struct row *row)
{
	if (row->error < 0) {
		content->row.error = row->error;
		kext_value_unref(row->value);
		return;
	}
	append(content, array, row->value);
}

/* The same under a key of the report. */
static void put_row(struct content *content, const char *key, struct row *row)
{
	if (row->error < 0) {
		content->row.error = row->error;
		kext_value_unref(row->value);
		return;
	}
	put(&content->row, key, row->value);
}

static const char *indented(const char *line)
{
	return strncmp(line, "   ", INDENT) == 0 ? line + INDENT : NULL;
}

/* ---- frames ---- */

/* 0xADDRESS : IMAGE + 0xOFFSET (SYMBOL + 0xOFFSET), the last perhaps missing. */
static void fill_symbol(struct row *row, const char *text)
{
	const char *end = strrchr(text, ')'), *plus = NULL;
	for (const char *p = text; (p = strstr(p, " + 0x")) && p < end; p++)
		plus = p;
	if (text[0] != '(' || !plus)
		return;
	put(row, "symbol", kext_value_new_string_n(text + 1, (size_t)(plus - text - 1)));
	put(row, "symbol_offset",
	    kext_value_new_string_n(plus + 3, (size_t)(end - plus - 3)));
}

bool report_read_place(struct row *into, const char *line)
{
	char address[20], image[65], offset[20];
	int used = 0;
	if (sscanf(line, "%19[0-9a-fx] : %64s + %19[0-9a-fx]%n", address, image, offset,
		   &used) != 3 ||
	    !used)
		return false;
	put_text(into, "address", address);
	put_text(into, "image", image);
	put_text(into, "offset", offset);
	if (line[used] == ' ')
		fill_symbol(into, line + used + 1);
	return true;
}

static bool read_frame(struct content *content, const char *line, struct row *ret)
{
	*ret = new_row(content);
	if (!ret->error && report_read_place(ret, line))
		return true;
	kext_value_unref(ret->value);
	return false;
}

static void frame_line(struct content *content, const char *line)
{
	struct row frame;
	if (content->frames && read_frame(content, line, &frame))
		append_row(content, content->frames, &frame);
}

static struct kext_value *begin_frames(struct content *content, struct row *parent)
{
	struct kext_value *frames = kext_value_new_array();
	put(parent, "backtrace", frames);
	content->frames = parent->error ? NULL : frames;
	return content->frames;
}

/* ---- sections ---- */

/* "panic(cpu 0 caller 0x…): CAUSE", behind "panic(". */
static void begin_panic(struct content *content, const char *rest)
{
	const char *cause = strstr(rest, "): ");
	if (cause)
		append(content, content->cause, kext_value_new_string(cause + 3));
}

static void panic_line(struct content *content, const char *line)
{
	if (indented(line))
		append(content, content->cause, kext_value_new_string(indented(line)));
}

static void caller_line(struct content *content, const char *line)
{
	struct row frame;
	if (read_frame(content, line, &frame))
		put_row(content, "caller", &frame);
}

/* ID NAME */
static bool read_thread(const char *text, size_t size, struct row *row)
{
	uint64_t id;
	int used = 0;
	if (sscanf(text, "%" SCNu64 " %n", &id, &used) != 1 || (size_t)used > size)
		return false;
	put(row, "id", kext_value_new_integer(id, 64));
	put(row, "name", kext_value_new_string_n(text + used, size - (size_t)used));
	return true;
}

static void begin_thread(struct content *content, const char *rest)
{
	struct row row = new_row(content);
	if (read_thread(rest, strlen(rest), &row))
		put_row(content, "thread", &row);
	else
		kext_value_unref(row.value);
}

static void begin_fault(struct content *content, const char *rest)
{
	put_text(&content->row, "fault_address", rest);
}

/* "RAX: 0x…, RBX: 0x…, …" */
static void register_line(struct content *content, const char *line)
{
	char name[4], value[20];
	int used = 0;
	while (sscanf(line, "%3[A-Z0-9] : %19[0-9a-fx]%n", name, value, &used) == 2) {
		put_text(&content->registers, name, value);
		line += used + strspn(line + used, ", ");
	}
}

static void begin_code(struct content *content, const char *rest)
{
	char address[20];
	if (sscanf(rest, "%19[0-9a-fx]:", address) == 1)
		put_text(&content->code, "address", address);
}

static void code_line(struct content *content, const char *line)
{
	put_text(&content->code, "bytes", line);
}

static void begin_backtrace(struct content *content, const char *rest)
{
	(void)rest;
	if (!kext_value_get(content->row.value, "backtrace"))
		begin_frames(content, &content->row);
}

/* IDENTIFIER(VERSION)[UUID]@0xSTART->0xEND size 0xSIZE STATE */
static void fill_kext(struct row *row, const char *line)
{
	char identifier[65], version[65] = "", uuid[40] = "", address[20] = "",
			     size[20] = "", state[16] = "";
	if (sscanf(line, "%64[^(\n](%64[^)])[%39[^]]]@%19[0-9a-fx]->%*s size %19s %15s",
		   identifier, version, uuid, address, size, state) < 1)
		return;
	put_text(row, "identifier", identifier);
	put_text(row, "version", version);
	put_text(row, "uuid", uuid);
	put_text(row, "address", address);
	put_text(row, "size", size);
	put_text(row, "state", state);
	put(row, "dependencies", kext_value_new_array());
}

/* dependency: IDENTIFIER(VERSION)@0xADDRESS, of the kext above it */
static void add_dependency(struct content *content, const char *line)
{
	size_t count = kext_value_count(content->kexts);
	const struct kext_value *kext =
		count ? kext_value_at(content->kexts, count - 1) : NULL;
	struct kext_value *list = kext_value_get(kext, "dependencies");
	char identifier[65], version[65], address[20];
	if (!list || sscanf(line, "dependency: %64[^(](%64[^)])@%19[0-9a-fx]", identifier,
			    version, address) != 3)
		return;
	struct row row = new_row(content);
	put_text(&row, "identifier", identifier);
	put_text(&row, "version", version);
	put_text(&row, "address", address);
	append_row(content, list, &row);
}

static void kext_line(struct content *content, const char *line)
{
	const char *text = indented(line);
	if (text && indented(text)) {
		add_dependency(content, indented(text));
	} else if (text) {
		struct row row = new_row(content);
		fill_kext(&row, text);
		if (kext_value_get(row.value, "identifier"))
			append_row(content, content->kexts, &row);
		else
			kext_value_unref(row.value);
	}
}

static void begin_boot_args(struct content *content, const char *rest)
{
	put(&content->row, "boot_arguments", kext_value_new_string(rest));
}

static void begin_version(struct content *content, const char *rest)
{
	put_text(&content->row, "kernel_version", rest);
}

static void begin_uuid(struct content *content, const char *rest)
{
	put_text(&content->row, "kernel_uuid", rest);
}

static void begin_uptime(struct content *content, const char *rest)
{
	uint64_t nanoseconds;
	if (sscanf(rest, "%" SCNu64, &nanoseconds) == 1)
		put(&content->row, "uptime_nanoseconds",
		    kext_value_new_integer(nanoseconds, 64));
}

static void log_line(struct content *content, const char *line)
{
	if (indented(line))
		append(content, content->log, kext_value_new_string(indented(line)));
}

/* "ID NAME (host thread N)" */
static bool read_host_thread(const char *text, struct row *row)
{
	const char *host = NULL;
	int number;
	for (const char *p = text; (p = strstr(p, " (host thread ")); p++)
		host = p;
	if (!host || sscanf(host, " (host thread %d", &number) != 1 || number < 0 ||
	    !read_thread(text, (size_t)(host - text), row))
		return false;
	put(row, "host_thread", kext_value_new_integer((uint64_t)number, 32));
	return true;
}

static void thread_line(struct content *content, const char *line)
{
	const char *text = indented(line);
	struct row row = new_row(content);
	if (text && read_host_thread(text, &row))
		append_row(content, content->threads, &row);
	else
		kext_value_unref(row.value);
}

static struct kext_value *find_thread(struct content *content, uint64_t id)
{
	for (size_t i = 0; i < kext_value_count(content->threads); i++) {
		struct kext_value *thread = kext_value_at(content->threads, i);
		if (kext_value_integer(kext_value_get(thread, "id")) == id)
			return thread;
	}
	return NULL;
}

static void begin_thread_backtrace(struct content *content, const char *rest)
{
	uint64_t id;
	struct row thread = {NULL, 0};
	content->frames = NULL;
	if (sscanf(rest, "%" SCNu64, &id) == 1)
		thread.value = find_thread(content, id);
	if (thread.value && !kext_value_get(thread.value, "backtrace"))
		begin_frames(content, &thread);
	if (thread.error)
		content->row.error = thread.error;
}

static const struct section sections[] = {
	{"panic(", begin_panic, panic_line},
	{"Caller:", NULL, caller_line},
	{"Thread: ", begin_thread, NULL},
	{"Fault address: ", begin_fault, NULL},
	{"Registers:", NULL, register_line},
	{"Code at ", begin_code, code_line},
	{"Backtrace of thread ", begin_thread_backtrace, frame_line},
	{"Backtrace:", begin_backtrace, frame_line},
	{"Loaded kexts:", NULL, kext_line},
	{"Boot args: ", begin_boot_args, NULL},
	{"Kernel version: ", begin_version, NULL},
	{"Kernel UUID: ", begin_uuid, NULL},
	{"System uptime in nanoseconds: ", begin_uptime, NULL},
	{"Last log lines:", NULL, log_line},
	{"Threads:", NULL, thread_line},
};

static void read_line(struct content *content, const char *line)
{
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		const struct section *section = &sections[i];
		size_t length = strlen(section->title);
		if (strncmp(line, section->title, length) != 0)
			continue;
		content->section = section;
		if (section->begin)
			section->begin(content, line + length);
		return;
	}
	if (content->section && content->section->line && line[0])
		content->section->line(content, line);
}

static int read_lines(struct content *content, const char *text)
{
	while (*text && content->row.error == 0) {
		size_t size = strcspn(text, "\n");
		_cleanup_free_ char *line = mem_string_n(text, size);
		if (!line)
			return -ENOMEM;
		read_line(content, line);
		text += size + (text[size] == '\n');
	}
	return content->row.error;
}

int report_parse(const char *text, struct kext_value *into)
{
	struct content content = {.row = {into, 0}};
	content.registers.value = kext_value_new_dictionary();
	content.code.value = kext_value_new_dictionary();
	content.cause = kext_value_new_array();
	content.kexts = kext_value_new_array();
	content.log = kext_value_new_array();
	content.threads = kext_value_new_array();
	put(&content.row, "cause", content.cause);
	put(&content.row, "registers", content.registers.value);
	put(&content.row, "code", content.code.value);
	put(&content.row, "kexts", content.kexts);
	put(&content.row, "log", content.log);
	put(&content.row, "threads", content.threads);
	int error = content.row.error ? content.row.error : read_lines(&content, text);
	if (error == 0)
		error = content.registers.error ? content.registers.error
						: content.code.error;
	return error;
}
