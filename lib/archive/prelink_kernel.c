/*
 * The kernel's side of a prelinked kernel. A kernel is built with empty segments
 * __PRELINK_TEXT and __PRELINK_INFO; kexts and their property lists go behind its last
 * address and its last byte, and nothing else in its header changes. On x86_64 kexts run
 * in the 2 GiB below the end of the kernel's text, from where calls reach it, so they are
 * linked for other addresses than those at which their bytes lie; on i386 they run where
 * they lie.
 */
#include <errno.h>
#include "archive/prelink.h"
#include "archive/prelink_write.h"

#define REACH		  UINT64_C(0x80000000)
#define OF_SECTION_FIELDS 32u /* addr, size, offset */

static uint64_t round_page(uint64_t value)
{
	return (value + PRELINK_PAGE - 1) & ~(PRELINK_PAGE - 1);
}

static int refuse(const struct kext_kernel_file *file,
		  struct kext_diagnostics *diagnostics, const char *reason)
{
	kext_diagnose(
		diagnostics, KEXT_ERROR, "prelink.kernel", kext_kernel_file_path(file),
		"name another kernel with -K, one for x86_64 or i386 that holds no kexts",
		"cannot take kexts: %s", reason);
	return KEXT_ERR_UNSUPPORTED;
}

/* Why the kernel is none to be filled; NULL: it is. */
static const char *reason_against(const struct prelink_kernel *kernel,
				  const struct macho_segment *text)
{
	const struct macho *macho = &kernel->macho;
	bool is_64 = macho->cputype == KEXT_CPU_X86_64;
	if ((!is_64 && macho->cputype != KEXT_CPU_I386) || macho->is_64 != is_64 ||
	    macho->big)
		return "it is for neither x86_64 nor i386";
	if (macho->filetype != MH_EXECUTE)
		return "it is no executable Mach-O";
	if (!text)
		return "it has no segment __TEXT";
	if (!kernel->text || !kernel->info ||
	    !macho_section_named(macho, PRELINK_SEGMENT_TEXT, PRELINK_SECTION_TEXT) ||
	    !macho_section_named(macho, PRELINK_SEGMENT_INFO, PRELINK_SECTION_INFO))
		return "it has no segments __PRELINK_TEXT and __PRELINK_INFO with "
		       "sections __text and __info";
	if (kernel->text->size || kernel->info->size)
		return "it holds kexts already";
	return NULL;
}

static uint64_t end_of_space(const struct macho *macho)
{
	uint64_t end = 0;
	array_for_each (segment, &macho->segments) {
		uint64_t segment_end = segment->address + segment->size;
		if (segment->size && segment_end > end)
			end = segment_end;
	}
	return round_page(end);
}

int prelink_kernel_open(const struct kext_kernel_file *file,
			struct kext_diagnostics *diagnostics, struct prelink_kernel *ret)
{
	struct prelink_kernel kernel = {0};
	size_t size;
	const void *data = kext_kernel_file_data(file, &size);
	kernel.bytes = bytes_of(data, size);
	int error = macho_parse(kernel.bytes, kext_kernel_file_path(file), diagnostics,
				&kernel.macho);
	if (error < 0)
		return error;
	const struct macho_segment *text = macho_segment_named(&kernel.macho, "__TEXT");
	kernel.text = macho_segment_named(&kernel.macho, PRELINK_SEGMENT_TEXT);
	kernel.info = macho_segment_named(&kernel.macho, PRELINK_SEGMENT_INFO);
	const char *reason = reason_against(&kernel, text);
	if (reason) {
		macho_free(&kernel.macho);
		return refuse(file, diagnostics, reason);
	}
	kernel.source = end_of_space(&kernel.macho);
	kernel.load = kernel.macho.is_64 ? round_page(text->address + text->size) - REACH
					 : kernel.source;
	*ret = kernel;
	return 0;
}

void prelink_kernel_close(struct prelink_kernel *kernel)
{
	macho_free(&kernel->macho);
}

struct extent {
	uint64_t address, offset, size;
};

/* Word number `index` of the fields at `at`, as wide as an address. */
static void put_word(const struct prelink_kernel *kernel, uint8_t *at, unsigned index,
		     uint64_t value)
{
	if (kernel->macho.is_64)
		store64(at + 8 * index, value, false);
	else
		store32(at + 4 * index, (uint32_t)value, false);
}

static void patch_section(const struct prelink_kernel *kernel, uint8_t *fields,
			  const struct extent *extent)
{
	put_word(kernel, fields, 0, extent->address);
	put_word(kernel, fields, 1, extent->size);
	store32(fields + (kernel->macho.is_64 ? 16 : 8), (uint32_t)extent->offset, false);
}

/* Segments are whole pages; a section is what is in it. */
static void patch_segment(const struct prelink_kernel *kernel,
			  const struct macho_segment *segment, const char *section_name,
			  const struct extent *extent, struct buffer *out)
{
	bool is_64 = kernel->macho.is_64;
	uint8_t *command = out->data + segment->command;
	uint8_t *fields = command + PRELINK_OF_SEGMENT;
	uint64_t room = round_page(extent->size);
	put_word(kernel, fields, 0, extent->address);
	put_word(kernel, fields, 1, room);
	put_word(kernel, fields, 2, extent->offset);
	put_word(kernel, fields, 3, room);
	uint8_t *section = command + (is_64 ? 72 : 56) + OF_SECTION_FIELDS;
	for (uint32_t i = 0; i < segment->section_count;
	     i++, section += is_64 ? 80 : 68) {
		uint32_t number = segment->first_section + i;
		const char *name = kernel->macho.sections.items[number].name;
		if (strcmp(name, section_name) == 0)
			patch_section(kernel, section, extent);
	}
}

static void append_pages(struct buffer *out, struct bytes content)
{
	buffer_append(out, content.data, content.size);
	buffer_align(out, PRELINK_PAGE);
}

int prelink_kernel_fill(const struct prelink_kernel *kernel, uint64_t text_size,
			struct bytes info, struct buffer *out, uint8_t **ret_text)
{
	uint64_t base = round_page(kernel->bytes.size);
	uint64_t text_room = round_page(text_size);
	struct extent text_extent = {kernel->source, base, text_size};
	struct extent info_extent = {kernel->source + text_room, base + text_room,
				     info.size};
	if (text_size > UINT32_MAX ||
	    info_extent.offset + round_page(info.size) > UINT32_MAX)
		return KEXT_ERR_UNSUPPORTED;
	append_pages(out, kernel->bytes);
	buffer_zeros(out, (size_t)text_room);
	append_pages(out, info);
	if (buffer_error(out) < 0)
		return -ENOMEM;
	patch_segment(kernel, kernel->text, PRELINK_SECTION_TEXT, &text_extent, out);
	patch_segment(kernel, kernel->info, PRELINK_SECTION_INFO, &info_extent, out);
	*ret_text = out->data + base;
	return 0;
}
