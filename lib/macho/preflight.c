/* The preflight before LIEF; see preflight.h. Each rule stands for an observed failure.
 */
#include <inttypes.h>
#include "macho/preflight.h"

#define MAX_SLICES	10     /* more: an empty list, silently */
#define MAX_COMMANDS	255    /* more: only the first 255, silently */
#define MAX_RELOCATIONS 65535u /* more: cut */
#define SLUG		"inspect.preflight"

#define hold_back(subject, diagnostics, ...)                                             \
	(kext_diagnose(diagnostics, KEXT_NOTE, SLUG, subject, NULL, __VA_ARGS__),        \
	 KEXT_ERR_VALIDATION)

int preflight_file(struct bytes file, int count, const char *subject,
		   struct kext_diagnostics *diagnostics)
{
	if (file.size >= 4 && load32(file.data, true) == FAT_MAGIC_64)
		return hold_back(subject, diagnostics,
				 "not shown to LIEF: it aborts on 64-bit fat headers");
	if (count > MAX_SLICES)
		return hold_back(subject, diagnostics,
				 "not shown to LIEF: %d slices, it reads at most %d",
				 count, MAX_SLICES);
	return 0;
}

/* Zero-fill sections included: an offset that is not 0 sends LIEF to the segment's bytes.
 */
static bool is_within_segment(const struct macho_section *section,
			      const struct macho_segment *segment)
{
	if (!section->offset || !section->size)
		return true;
	if (section->offset < segment->file_offset)
		return false;
	uint64_t offset = section->offset - segment->file_offset;
	return offset <= segment->file_size &&
	       section->size <= segment->file_size - offset;
}

static int check_sections(const struct macho *image, const char *subject,
			  struct kext_diagnostics *diagnostics)
{
	array_for_each (section, &image->sections) {
		const struct macho_segment *segment =
			&image->segments.items[section->segment_index];
		if (!is_within_segment(section, segment))
			return hold_back(
				subject, diagnostics,
				"not shown to LIEF: section %s,%s, %#" PRIx64
				" bytes at offset %#" PRIx32
				", lies outside its segment's bytes, on which LIEF "
				"aborts",
				section->segment, section->name, section->size,
				section->offset);
		if (section->nreloc > MAX_RELOCATIONS)
			return hold_back(
				subject, diagnostics,
				"not shown to LIEF: %" PRIu32
				" relocations in section %s,%s, it reads at most %u",
				section->nreloc, section->segment, section->name,
				MAX_RELOCATIONS);
		if ((section->flags & 0xff) == S_SYMBOL_STUBS && !section->reserved2)
			return hold_back(
				subject, diagnostics,
				"not shown to LIEF: section %s,%s holds stubs of size "
				"0, by which LIEF may divide",
				section->segment, section->name);
	}
	return 0;
}

/* LIEF copies each segment's bytes: overlapping ones multiply the file in memory. */
static int check_segments(const struct macho *image, const char *subject,
			  struct kext_diagnostics *diagnostics)
{
	uint64_t sum = 0;
	array_for_each (segment, &image->segments)
		if (__builtin_add_overflow(sum, segment->file_size, &sum))
			sum = UINT64_MAX;
	if (sum / 2 > image->bytes.size)
		return hold_back(subject, diagnostics,
				 "not shown to LIEF: its segments hold %#" PRIx64
				 " bytes, over twice the image's %#zx",
				 sum, image->bytes.size);
	return 0;
}

int preflight_image(const struct macho *image, const char *subject,
		    struct kext_diagnostics *diagnostics)
{
	if (image->big)
		return hold_back(subject, diagnostics,
				 "not shown to LIEF: it misreads big-endian images");
	if (image->commands.count > MAX_COMMANDS)
		return hold_back(
			subject, diagnostics,
			"not shown to LIEF: %zu load commands, it reads at most %d",
			image->commands.count, MAX_COMMANDS);
	int error = check_sections(image, subject, diagnostics);
	return error ? error : check_segments(image, subject, diagnostics);
}
