/*
 * Panic reports: what the kernel wrote as it died, with the symbols it could not know, as
 * text and as JSON; and which kext's code it was.
 */
#include <errno.h>
#include <libiberty/demangle.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/memory.h"
#include "daemon/daemon.h"
#include "daemon/row.h"

/*
 * mach_kernel names only what kexts may use: far behind such a symbol lies some function
 * of the kernel's own, and the symbol would mislead. Of use when kernel_task is stripped.
 */
#define KERNEL_SYMBOL_REACH 0x400u
#define SYMBOL_MAX	    4096u /* longer ones are not demangled */

/* ---- symbols ---- */

/* An address in a report: `0xADDR : IDENTIFIER + 0xOFF`. */
struct place_in_code {
	uint64_t address;
	char identifier[65];
};

static bool parse_line(const char *line, size_t size, struct place_in_code *ret)
{
	_cleanup_free_ char *text = mem_string_n(line, size);
	unsigned long long address, offset;
	char *hex = text ? strstr(text, "0x") : NULL;
	/* A line may hold other numbers before the one that has a name. */
	while (hex && sscanf(hex, "0x%llx : %64s + 0x%llx", &address, ret->identifier,
			     &offset) != 3)
		hex = strstr(hex + 2, "0x");
	ret->address = hex ? address : 0;
	return hex != NULL;
}

/* A function's name as its author knows it; the caller frees. */
static char *readable(const char *symbol)
{
	char *clear = strlen(symbol) < SYMBOL_MAX
			      ? cplus_demangle(symbol, DMGL_PARAMS | DMGL_ANSI)
			      : NULL;
	return clear ? clear : mem_string(symbol);
}

/* Mach-O's names have an underscore before C's; with kernel->lock held. */
static const char *kext_symbol(struct kernel *kernel, const struct place_in_code *place,
			       uint64_t *ret_offset)
{
	array_for_each (image, &kernel->images) {
		if (strcmp((*image)->identifier, place->identifier) == 0)
			return kext_image_symbol_near((*image)->image, place->address,
						      ret_offset);
	}
	return NULL;
}

static const char *kernel_symbol(struct kernel *kernel, uint64_t address,
				 uint64_t *ret_offset)
{
	struct kext_image *image = kernel->daemon->catalog.kernel_image;
	const char *symbol =
		image ? kext_image_symbol_near(image, address, ret_offset) : NULL;
	return symbol && *ret_offset < KERNEL_SYMBOL_REACH ? symbol : NULL;
}

/* The name and distance of what is there, or NULL; the caller frees. */
static char *find_symbol(struct kernel *kernel, const struct kernel_names *names,
			 const struct place_in_code *place, uint64_t *ret_offset)
{
	bool is_kernel = strcmp(place->identifier, "mach_kernel") == 0;
	const char *own =
		is_kernel ? kernel_names_at(names, place->address, ret_offset) : NULL;
	if (own)
		return readable(own);
	pthread_mutex_lock(&kernel->lock);
	const char *symbol = is_kernel ? kernel_symbol(kernel, place->address, ret_offset)
				       : kext_symbol(kernel, place, ret_offset);
	char *name = symbol ? readable(symbol + (symbol[0] == '_')) : NULL;
	pthread_mutex_unlock(&kernel->lock);
	return name;
}

static void copy_line(struct kernel *kernel, const struct kernel_names *names,
		      const char *line, size_t size, struct buffer *ret)
{
	struct place_in_code place;
	uint64_t offset = 0;
	buffer_append(ret, line, size);
	if (parse_line(line, size, &place)) {
		_cleanup_free_ char *symbol = find_symbol(kernel, names, &place, &offset);
		if (symbol)
			buffer_printf(ret, " (%s + 0x%llx)", symbol,
				      (unsigned long long)offset);
	}
	buffer_u8(ret, '\n');
}

int report_symbolicate(struct kernel *kernel, const char *text, struct buffer *ret)
{
	struct kernel_names *names = kernel_names_read(kernel->program);
	while (*text) {
		size_t size = strcspn(text, "\n");
		copy_line(kernel, names, text, size, ret);
		text += size + (text[size] == '\n');
	}
	kernel_names_free(names);
	return buffer_error(ret);
}

/* ---- the culprit ---- */

static bool is_loaded(struct kernel *kernel, const char *identifier)
{
	bool found = false;
	pthread_mutex_lock(&kernel->lock);
	array_for_each (image, &kernel->images)
		found = found || strcmp((*image)->identifier, identifier) == 0;
	pthread_mutex_unlock(&kernel->lock);
	return found;
}

static const char *culprit_of_frame(struct kernel *kernel, const struct kext_value *frame)
{
	const char *image = kext_value_string(kext_value_get(frame, "image"));
	return image && is_loaded(kernel, image) ? image : NULL;
}

static const char *culprit_of_frames(struct kernel *kernel,
				     const struct kext_value *frames)
{
	const char *found = NULL;
	for (size_t i = 0; !found && i < kext_value_count(frames); i++)
		found = culprit_of_frame(kernel, kext_value_at(frames, i));
	return found;
}

/* The kext whose routine runs, perhaps without a stack that can be read. */
static const char *culprit_by_state(struct kernel *kernel, const struct kext_value *kexts)
{
	for (size_t i = 0; i < kext_value_count(kexts); i++) {
		const struct kext_value *kext = kext_value_at(kexts, i);
		const char *state = kext_value_string(kext_value_get(kext, "state"));
		const char *name = kext_value_string(kext_value_get(kext, "identifier"));
		bool is_running = state && (strcmp(state, "starting") == 0 ||
					    strcmp(state, "stopping") == 0);
		if (is_running && name && is_loaded(kernel, name))
			return name;
	}
	return NULL;
}

/* Where it went wrong; else what was under way; else whose code some thread was in. */
static const char *find_culprit(struct kernel *kernel, const struct kext_value *content)
{
	const struct kext_value *threads = kext_value_get(content, "threads");
	const char *found = culprit_of_frame(kernel, kext_value_get(content, "caller"));
	if (!found)
		found = culprit_of_frames(kernel, kext_value_get(content, "backtrace"));
	if (!found)
		found = culprit_by_state(kernel, kext_value_get(content, "kexts"));
	for (size_t i = 0; !found && i < kext_value_count(threads); i++)
		found = culprit_of_frames(
			kernel, kext_value_get(kext_value_at(threads, i), "backtrace"));
	return found;
}

/* ---- the report ---- */

/* A kernel that could write nothing: what kextd knows in its stead. */
static void describe_loaded(struct kernel *kernel, struct buffer *ret)
{
	buffer_string(ret, "The kernel left no report of its own.\n\nLoaded kexts:\n");
	pthread_mutex_lock(&kernel->lock);
	array_for_each (image, &kernel->images)
		buffer_printf(ret, "   %s\n", (*image)->identifier);
	pthread_mutex_unlock(&kernel->lock);
}

/* What the report is about; `text` is the kernel's, with symbols. */
struct report {
	struct kernel *kernel;
	const char *end;
	time_t time;
	struct buffer text;
	struct kext_value *content;
};

static void format_time(time_t time, const char *format, char text[64])
{
	struct tm local;
	localtime_r(&time, &local);
	strftime(text, 64, format, &local);
}

static int fill_content(struct report *report)
{
	struct row row = {report->content, 0};
	char when[64];
	format_time(report->time, "%Y-%m-%dT%H:%M:%S%z", when);
	put(&row, "schema", kext_value_new_string("kext-panic-report"));
	put(&row, "version", kext_value_new_integer(1, 32));
	put(&row, "process", kext_value_new_integer((uint64_t)report->kernel->pid, 32));
	put(&row, "time", kext_value_new_string(when));
	put(&row, "end", kext_value_new_string(report->end));
	if (row.error < 0)
		return row.error;
	int error = report_parse((const char *)report->text.data, report->content);
	if (error < 0)
		return error;
	const char *culprit = find_culprit(report->kernel, report->content);
	if (culprit)
		put(&row, "culprit", kext_value_new_string(culprit));
	return row.error;
}

static int store(struct report *report, char **ret_path)
{
	_cleanup_buffer_ struct buffer text = {0};
	const char *culprit =
		kext_value_string(kext_value_get(report->content, "culprit"));
	char when[64];
	format_time(report->time, "%Y-%m-%d %H:%M:%S %z", when);
	buffer_printf(&text, "kernel_task %d, %s\nEnd: %s\n", (int)report->kernel->pid,
		      when, report->end);
	if (culprit)
		buffer_printf(&text, "Culprit: %s\n", culprit);
	buffer_u8(&text, '\n');
	buffer_append(&text, report->text.data, report->text.size - 1);
	int error = buffer_error(&text);
	return error < 0 ? error
			 : report_store(report->kernel->daemon, report->time, &text,
					report->content, ret_path);
}

static int make(struct report *report, const char *text)
{
	if (!text[0])
		describe_loaded(report->kernel, &report->text);
	int error = report_symbolicate(report->kernel, text, &report->text);
	buffer_u8(&report->text, 0);
	if (error == 0)
		error = buffer_error(&report->text);
	report->content = kext_value_new_dictionary();
	if (error == 0)
		error = report->content ? fill_content(report) : -ENOMEM;
	return error;
}

int report_write(struct kernel *kernel, const char *text, const char *end,
		 char **ret_path, char **ret_culprit)
{
	struct report report = {.kernel = kernel, .end = end, .time = time(NULL)};
	int error = make(&report, text);
	if (error == 0)
		error = store(&report, ret_path);
	if (error == 0) {
		const char *culprit =
			kext_value_string(kext_value_get(report.content, "culprit"));
		*ret_culprit = culprit ? mem_string(culprit) : NULL;
	}
	buffer_free(&report.text);
	kext_value_unref(report.content);
	return error;
}
