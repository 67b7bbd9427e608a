/*
 * The kernel's side of a prelinked kernel. A kernel is built with empty segments
 * __PRELINK_TEXT and __PRELINK_INFO; kexts and their property lists go behind its last
 * address and its last byte, and nothing else in its header changes. Kexts run in the
 * 2 GiB below the end of the kernel's text, from where calls reach it, so they are linked
 * for other addresses than those at which their bytes lie.
 */
#include <errno.h>
#include "archive/prelink.h"
#include "archive/prelink_write.h"

#define REACH		  UINT64_C(0x80000000)
#define SEGMENT_SIZE	  72u /* of LC_SEGMENT_64 without sections */
#define SECTION_SIZE	  80u
#define OF_SEGMENT_FIELDS 24u /* vmaddr, vmsize, fileoff, filesize */
#define OF_SECTION_ADDR	  32u /* addr, size, offset */

static uint64_t round_page(uint64_t value)
{
	return (value + PRELINK_PAGE - 1) & ~(PRELINK_PAGE - 1);
}

static int refuse(const struct kext_kernel_file *file,
		  struct kext_diagnostics *diagnostics, const char *reason)
{
	kext_diagnose(diagnostics, KEXT_ERROR, "prelink.kernel",
		      kext_kernel_file_path(file),
		      "name another kernel with -K, one for x86_64 that holds no kexts",
		      "cannot take kexts: %s", reason);
	return KEXT_ERR_UNSUPPORTED;
}

/* Why the kernel is none to be filled; NULL: it is. */
static const char *reason_against(const struct prelink_kernel *kernel,
				  const struct macho_segment *text)
{
	const struct macho *macho = &kernel->macho;
	if (macho->cputype != KEXT_CPU_X86_64 || !macho->is_64 || macho->big)
		return "it is not for x86_64";
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
	kernel.load = round_page(text->address + text->size) - REACH;
	*ret = kernel;
	return 0;
}

void prelink_kernel_close(struct prelink_kernel *kernel)
{
	macho_free(&kernel->macho);
}

struct extent {
	uint64_t address, offset;
	struct bytes content;
};

/* Segments are whole pages; a section is what is in it. */
static void patch_segment(const struct prelink_kernel *kernel,
			  const struct macho_segment *segment, const char *section_name,
			  const struct extent *extent, struct buffer *out)
{
	uint8_t *command = out->data + segment->command;
	uint64_t room = round_page(extent->content.size);
	store64(command + OF_SEGMENT_FIELDS, extent->address, false);
	store64(command + OF_SEGMENT_FIELDS + 8, room, false);
	store64(command + OF_SEGMENT_FIELDS + 16, extent->offset, false);
	store64(command + OF_SEGMENT_FIELDS + 24, room, false);
	for (uint32_t i = 0; i < segment->section_count; i++) {
		const struct macho_section *section =
			&kernel->macho.sections.items[segment->first_section + i];
		uint8_t *fields =
			command + SEGMENT_SIZE + i * SECTION_SIZE + OF_SECTION_ADDR;
		if (strcmp(section->name, section_name) != 0)
			continue;
		store64(fields, extent->address, false);
		store64(fields + 8, extent->content.size, false);
		store32(fields + 16, (uint32_t)extent->offset, false);
	}
}

static void append_pages(struct buffer *out, struct bytes content)
{
	buffer_append(out, content.data, content.size);
	buffer_align(out, PRELINK_PAGE);
}

int prelink_kernel_fill(const struct prelink_kernel *kernel, struct bytes text,
			struct bytes info, struct buffer *out)
{
	uint64_t base = round_page(kernel->bytes.size);
	uint64_t text_room = round_page(text.size);
	struct extent text_extent = {kernel->source, base, text};
	struct extent info_extent = {kernel->source + text_room, base + text_room, info};
	if (info_extent.offset + round_page(info.size) > UINT32_MAX)
		return KEXT_ERR_UNSUPPORTED;
	append_pages(out, kernel->bytes);
	append_pages(out, text);
	append_pages(out, info);
	if (buffer_error(out) < 0)
		return -ENOMEM;
	patch_segment(kernel, kernel->text, PRELINK_SECTION_TEXT, &text_extent, out);
	patch_segment(kernel, kernel->info, PRELINK_SECTION_INFO, &info_extent, out);
	return 0;
}
