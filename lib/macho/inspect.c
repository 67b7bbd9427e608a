/*
 * The second opinion: LIEF's reading of a file, as the worker sent it, compared with ours
 * field by field. The answer is as untrusted as the file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <kext/inspect.h>
#include "base/memory.h"
#include "codec/fat.h"
#include "macho/inspect.h"
#include "macho/macho.h"
#include "macho/preflight.h"

#define CAPABILITY_BITS 0xff000000u /* of a cpusubtype; fat headers may lack them */
#define MAX_REPORTED	50 /* differences named per file; further ones are counted */

struct comparison {
	struct cursor answer;
	const struct macho *image; /* our reading of the slice being compared */
	int slice;
	const char *subject;
	struct kext_diagnostics *diagnostics;
	size_t differences;
};

struct file_reading {
	struct fat_slice slices[FAT_MAX_SLICES];
	struct macho images[FAT_MAX_SLICES];
	int count;
};

/* "segment 2 __DATA": what a field belongs to. */
struct thing {
	const char *kind, *name;
	uint32_t index;
};

static void differs(struct comparison *x, const struct thing *thing, const char *field,
		    const char *ours, const char *theirs)
{
	if (x->differences++ >= MAX_REPORTED)
		return;
	char where[400] = "";
	if (thing)
		snprintf(where, sizeof(where), ", %s %" PRIu32 "%s%.300s", thing->kind,
			 thing->index, thing->name ? " " : "",
			 thing->name ? thing->name : "");
	kext_diagnose(x->diagnostics, KEXT_WARNING, "inspect.differs", x->subject, NULL,
		      "slice %d%s: %s is %s to us, %s to LIEF", x->slice, where, field,
		      ours, theirs);
}

static void check(struct comparison *x, const struct thing *thing, const char *field,
		  uint64_t ours, uint64_t theirs)
{
	char a[32], b[32];
	if (ours == theirs || x->answer.failed)
		return;
	snprintf(a, sizeof(a), "%#" PRIx64, ours);
	snprintf(b, sizeof(b), "%#" PRIx64, theirs);
	differs(x, thing, field, a, b);
}

static void check_u32(struct comparison *x, const struct thing *thing, const char *field,
		      uint64_t ours)
{
	check(x, thing, field, ours, cursor_u32(&x->answer));
}

static void check_u64(struct comparison *x, const struct thing *thing, const char *field,
		      uint64_t ours)
{
	check(x, thing, field, ours, cursor_u64(&x->answer));
}

/* `ours` is NULL for a name that we do not read at all. */
static void check_text(struct comparison *x, const struct thing *thing, const char *field,
		       const char *ours)
{
	uint32_t size = cursor_u32(&x->answer);
	const char *theirs = (const char *)cursor_take(&x->answer, size);
	if (!theirs || (ours && size == strlen(ours) && memcmp(theirs, ours, size) == 0))
		return;
	char a[160] = "outside the strings", b[160];
	if (ours)
		snprintf(a, sizeof(a), "\"%.150s\"", ours);
	snprintf(b, sizeof(b), "\"%.*s\"", size > 150 ? 150 : (int)size, theirs);
	differs(x, thing, field, a, b);
}

/* The number of records that follow. When it is not ours, they cannot be paired. */
static bool check_count(struct comparison *x, const char *field, uint64_t ours)
{
	uint32_t theirs = cursor_u32(&x->answer);
	check(x, NULL, field, ours, theirs);
	return !x->answer.failed && ours == theirs;
}

static void compare_header(struct comparison *x, const struct fat_slice *slice)
{
	const struct macho *m = x->image;
	size_t after_magic = 4;
	struct cursor raw = cursor_at(m->bytes, after_magic, m->big);
	check_u32(x, NULL, "magic", m->is_64 ? MH_MAGIC_64 : MH_MAGIC);
	uint32_t cputype = cursor_u32(&x->answer), cpusubtype = cursor_u32(&x->answer);
	check(x, NULL, "cputype", cursor_u32(&raw), cputype);
	check(x, NULL, "cpusubtype", cursor_u32(&raw), cpusubtype);
	check(x, NULL, "cputype in the fat header", slice->cputype, cputype);
	check(x, NULL, "cpusubtype in the fat header",
	      slice->cpusubtype & ~CAPABILITY_BITS, cpusubtype & ~CAPABILITY_BITS);
	check_u32(x, NULL, "filetype", m->filetype);
	cursor_u32(&raw);
	check_u32(x, NULL, "ncmds", m->commands.count);
	cursor_u32(&raw);
	check_u32(x, NULL, "sizeofcmds", cursor_u32(&raw));
	check_u32(x, NULL, "flags", m->flags);
}

static bool compare_commands(struct comparison *x)
{
	const struct macho *m = x->image;
	if (!check_count(x, "number of load commands read", m->commands.count))
		return false;
	for (uint32_t i = 0; i < m->commands.count; i++) {
		const struct macho_command *command = &m->commands.items[i];
		struct thing thing = {"load command", NULL, i};
		check_u32(x, &thing, "type", command->type);
		check_u32(x, &thing, "size", command->size);
		check_u64(x, &thing, "hash of its bytes",
			  inspect_hash(m->bytes.data + command->offset, command->size));
	}
	return true;
}

static bool compare_segments(struct comparison *x)
{
	const struct macho *m = x->image;
	if (!check_count(x, "number of segments", m->segments.count))
		return false;
	for (uint32_t i = 0; i < m->segments.count; i++) {
		const struct macho_segment *s = &m->segments.items[i];
		struct thing thing = {"segment", s->name, i};
		check_text(x, &thing, "name", s->name);
		check_u64(x, &thing, "vmaddr", s->address);
		check_u64(x, &thing, "vmsize", s->size);
		check_u64(x, &thing, "fileoff", s->file_offset);
		check_u64(x, &thing, "filesize", s->file_size);
		check_u32(x, &thing, "maxprot", s->maxprot);
		check_u32(x, &thing, "initprot", s->initprot);
		check_u32(x, &thing, "nsects", s->section_count);
		check_u32(x, &thing, "flags", s->flags);
	}
	return true;
}

static bool compare_sections(struct comparison *x)
{
	const struct macho *m = x->image;
	if (!check_count(x, "number of sections", m->sections.count))
		return false;
	for (uint32_t i = 0; i < m->sections.count; i++) {
		const struct macho_section *s = &m->sections.items[i];
		struct thing thing = {"section", s->name, i};
		check_text(x, &thing, "sectname", s->name);
		check_text(x, &thing, "segname", s->segment);
		check_u64(x, &thing, "addr", s->address);
		check_u64(x, &thing, "size", s->size);
		check_u64(x, &thing, "offset", s->offset);
		check_u32(x, &thing, "align", s->align);
		check_u32(x, &thing, "reloff", s->reloff);
		check_u32(x, &thing, "nreloc", s->nreloc);
		check_u32(x, &thing, "flags", s->flags);
		check_u32(x, &thing, "reserved1", s->reserved1);
		check_u32(x, &thing, "reserved2", s->reserved2);
	}
	return true;
}

static bool compare_symbols(struct comparison *x)
{
	const struct macho *m = x->image;
	if (!check_count(x, "number of symbols", m->symbols.count))
		return false;
	for (uint32_t i = 0; i < m->symbols.count; i++) {
		struct macho_symbol symbol = {0};
		bool is_named = macho_symbol_at(m, i, &symbol);
		struct thing thing = {"symbol", symbol.name, i};
		check_text(x, &thing, "name", symbol.name);
		if (!is_named) {
			cursor_take(&x->answer, 12);
			continue;
		}
		check(x, &thing, "type", symbol.type, cursor_u8(&x->answer));
		check(x, &thing, "section", symbol.section, cursor_u8(&x->answer));
		check(x, &thing, "desc", symbol.desc, cursor_u16(&x->answer));
		check_u64(x, &thing, "value", symbol.value);
	}
	return true;
}

/* Whether the next slice can be compared as well: all records of this one were paired. */
static bool compare_slice(struct comparison *x, const struct fat_slice *slice)
{
	compare_header(x, slice);
	return compare_commands(x) && compare_segments(x) && compare_sections(x) &&
	       compare_symbols(x) && !x->answer.failed;
}

static int compare(struct comparison *x, const struct file_reading *ours)
{
	bool paired = check_count(x, "number of slices", (uint64_t)ours->count);
	for (int i = 0; i < ours->count && paired; i++) {
		x->slice = i;
		x->image = &ours->images[i];
		paired = compare_slice(x, &ours->slices[i]);
	}
	if (x->answer.failed || (paired && x->answer.at != x->answer.bytes.size)) {
		kext_diagnose(x->diagnostics, KEXT_WARNING, "inspect.worker", x->subject,
			      NULL,
			      "the worker's answer of %zu bytes is malformed at %#zx",
			      x->answer.bytes.size, x->answer.at);
		return KEXT_ERR_VALIDATION;
	}
	if (x->differences > MAX_REPORTED)
		kext_diagnose(x->diagnostics, KEXT_WARNING, "inspect.differs", x->subject,
			      NULL, "%zu further fields differ",
			      x->differences - MAX_REPORTED);
	return x->differences ? KEXT_ERR_VALIDATION : 0;
}

static int read_slices(struct bytes file, const char *subject,
		       struct kext_diagnostics *diagnostics, struct file_reading *reading)
{
	int count = fat_slices(file, reading->slices);
	if (count < 0) {
		kext_diagnose(
			diagnostics, KEXT_ERROR, "macho.fat", subject, NULL,
			"a slice of the fat file lies outside its %zu bytes, or there "
			"are more than %u",
			file.size, FAT_MAX_SLICES);
		return KEXT_ERR_VALIDATION;
	}
	for (int i = 0; i < count; i++) {
		int error = macho_parse(reading->slices[i].bytes, subject, diagnostics,
					&reading->images[i]);
		if (error)
			return error;
		reading->count++;
	}
	return 0;
}

static int ask_and_compare(struct bytes file, const char *subject,
			   struct kext_diagnostics *diagnostics,
			   const struct file_reading *reading)
{
	_cleanup_free_ uint8_t *answer = NULL;
	size_t size;
	int error = inspect_ask_worker(file, subject, diagnostics, &answer, &size);
	if (error)
		return error;
	struct comparison x = {
		.answer = cursor_at(bytes_of(answer, size), 0, false),
		.subject = subject,
		.diagnostics = diagnostics,
	};
	return compare(&x, reading);
}

static int inspect(struct bytes file, const char *subject,
		   struct kext_diagnostics *diagnostics, bool is_guarded)
{
	struct file_reading *reading = mem_zero(1, sizeof(*reading));
	if (!reading)
		return -ENOMEM;
	int error = read_slices(file, subject, diagnostics, reading);
	if (!error && is_guarded)
		error = preflight_file(file, reading->count, subject, diagnostics);
	for (int i = 0; i < reading->count && !error && is_guarded; i++)
		error = preflight_image(&reading->images[i], subject, diagnostics);
	if (!error)
		error = ask_and_compare(file, subject, diagnostics, reading);
	for (int i = 0; i < reading->count; i++)
		macho_free(&reading->images[i]);
	free(reading);
	return error;
}

int inspect_unguarded(struct bytes file, const char *subject,
		      struct kext_diagnostics *diagnostics)
{
	return inspect(file, subject, diagnostics, false);
}

int kext_inspect(struct kext_context *context, const void *data, size_t size,
		 const char *subject, struct kext_diagnostics *diagnostics)
{
	kext_context_log(context, KEXT_LOG_DETAIL, "%s: asking LIEF for a second reading",
			 subject);
	if (size <= INSPECT_MAX_FILE)
		return inspect(bytes_of(data, size), subject, diagnostics, true);
	kext_diagnose(diagnostics, KEXT_NOTE, "inspect.preflight", subject, NULL,
		      "not shown to LIEF: %zu bytes, at most %u are", size,
		      INSPECT_MAX_FILE);
	return KEXT_ERR_VALIDATION;
}
