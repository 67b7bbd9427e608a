/* Kexts of the prelinked kernels of Mac OS X 10.4 and 10.5; see tiger.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "archive/prelink.h"
#include "archive/tiger.h"
#include "value/utf8.h"

/* The data under OSBundlePrelink, big-endian words whatever the CPU: address of the
 * kmod_info, 0, where the dependencies begin, where they end; then a number for each. */
#define RECORD_SIZE 16u
#define PAGE	    0x1000u
#define MAX_PAGES   4096u /* of a kext, before its kmod_info */

/* kmod_info; both CPUs of these kernels have 32 bits. */
enum {
	KMOD_VERSION_TEXT = 76,
	KMOD_ADDRESS = 148,
	KMOD_SIZE = 152,
	KMOD_INFO_SIZE = 168,
	KMOD_TEXT_SIZE = 64,
};

static int damaged(const struct prelink_image *image,
		   struct kext_diagnostics *diagnostics, const char *identifier,
		   const void *where, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* `where`: in the file; NULL: its information, whose text is no longer at hand. */
static int damaged(const struct prelink_image *image,
		   struct kext_diagnostics *diagnostics, const char *identifier,
		   const void *where, const char *format, ...)
{
	const struct macho_section *info = macho_section_named(
		&image->macho, PRELINK_SEGMENT_EARLY, PRELINK_SECTION_INFO);
	const uint8_t *at = where ? where : info ? info->content.data : image->data;
	char text[256];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	kext_diagnose(diagnostics, KEXT_ERROR, "prelink.damaged", image->subject, NULL,
		      "kext %s, offset 0x%zx, is damaged: %s", identifier,
		      (size_t)(at - image->data), text);
	return KEXT_ERR_BAD_DATA;
}

static bool is_header(const struct prelink_image *image, uint64_t address)
{
	struct bytes bytes;
	return macho_at_address(&image->macho, address, 28, &bytes) &&
	       load32(bytes.data, image->macho.big) == MH_MAGIC;
}

/* What the linker did not note in the kmod_info: kexts begin with a page that has just
 * their Mach-O header. 0: there is none before that address. */
static uint64_t find_header_before(const struct prelink_image *image, uint64_t address)
{
	const struct macho_segment *s =
		macho_segment_holding(&image->macho, address, KMOD_INFO_SIZE);
	uint64_t at = address & ~(uint64_t)(PAGE - 1);
	for (unsigned i = 0; s && i < MAX_PAGES && at >= s->address; i++, at -= PAGE)
		if (is_header(image, at))
			return at;
	return 0;
}

static int read_record(const struct prelink_image *image, struct bytes record,
		       const char *identifier, struct kext_diagnostics *diagnostics,
		       uint64_t *ret_kmod_info)
{
	struct cursor c = cursor_at(record, 0, true);
	uint32_t kmod_info = cursor_u32(&c);
	cursor_u32(&c);
	uint32_t begin = cursor_u32(&c), end = cursor_u32(&c);
	if (c.failed || begin < RECORD_SIZE || begin > end || end > record.size ||
	    (end - begin) % 4)
		return damaged(image, diagnostics, identifier, NULL,
			       "%zu bytes of " PRELINK_KEY_TIGER
			       " with dependencies from %" PRIu32 " to %" PRIu32,
			       record.size, begin, end);
	*ret_kmod_info = kmod_info;
	return 0;
}

int tiger_find_place(const struct prelink_image *image, const struct kext_value *info,
		     const char *identifier, struct kext_diagnostics *diagnostics,
		     struct prelink_place *ret_place, bool *ret_has_code)
{
	size_t size = 0;
	const void *data =
		kext_value_data(kext_value_get(info, PRELINK_KEY_TIGER), &size);
	struct prelink_place place = {0};
	struct bytes kmod_info;
	if (!data) {
		*ret_has_code = false;
		return 0;
	}
	int error = read_record(image, bytes_of(data, size), identifier, diagnostics,
				&place.kmod_info);
	if (error < 0)
		return error;
	if (!macho_at_address(&image->macho, place.kmod_info, KMOD_INFO_SIZE, &kmod_info))
		return damaged(image, diagnostics, identifier, NULL,
			       "its kmod_info at 0x%" PRIx64 " is not in the file",
			       place.kmod_info);
	bool big = image->macho.big;
	place.source = load32(kmod_info.data + KMOD_ADDRESS, big);
	place.size = load32(kmod_info.data + KMOD_SIZE, big);
	if (!place.source)
		place.source = find_header_before(image, place.kmod_info);
	place.load = place.source;
	if (!is_header(image, place.source))
		return damaged(image, diagnostics, identifier, kmod_info.data,
			       "no Mach-O header is at 0x%" PRIx64
			       ", where its kmod_info at 0x%" PRIx64 " says it begins",
			       place.source, place.kmod_info);
	*ret_place = place;
	*ret_has_code = true;
	return 0;
}

static int set_text(struct kext_value *plain, const char *key, const char *text,
		    size_t size)
{
	return kext_value_get(plain, key)
		       ? 0
		       : kext_value_set(plain, key, kext_value_new_string_n(text, size));
}

int tiger_complete(const struct prelink_image *image, const struct prelink_place *place,
		   struct kext_value *plain)
{
	const char *identifier =
		kext_value_string(kext_value_get(plain, "CFBundleIdentifier"));
	struct bytes kmod_info;
	if (!identifier || !macho_at_address(&image->macho, place->kmod_info,
					     KMOD_INFO_SIZE, &kmod_info))
		return 0;
	const char *dot = strrchr(identifier, '.');
	const char *name = dot && dot[1] ? dot + 1 : identifier;
	const char *version = (const char *)kmod_info.data + KMOD_VERSION_TEXT;
	size_t size = strnlen(version, KMOD_TEXT_SIZE);
	int error = utf8_is_valid(version, size)
			    ? set_text(plain, "CFBundleVersion", version, size)
			    : 0;
	return error < 0 ? error
			 : set_text(plain, "CFBundleExecutable", name, strlen(name));
}
