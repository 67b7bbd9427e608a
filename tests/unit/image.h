/*
 * A small Mach-O image written out from the format, in both widths and byte orders, and
 * edits of it. Layout, the same for all four: content of __const at 0x200, its relocation
 * at 0x210, a local relocation at 0x218, two external ones at 0x220, an indirect symbol
 * at 0x230, two symbols at 0x238, strings at 0x258, end at 0x260.
 */
#ifndef TEST_IMAGE_H
#define TEST_IMAGE_H

#include <stdlib.h>
#include "base/buffer.h"
#include "base/bytes.h"

#define IMAGE_SIZE 0x260

struct image {
	bool is_64, big;
	struct buffer b;
	uint8_t *data; /* exactly IMAGE_SIZE bytes, so that a sanitizer sees overruns */
};

static inline void image_u32(struct image *i, uint32_t value)
{
	buffer_u32(&i->b, value, i->big);
}

static inline void image_word(struct image *i, uint64_t value)
{
	if (i->is_64)
		buffer_u64(&i->b, value, i->big);
	else
		image_u32(i, (uint32_t)value);
}

static inline void image_name(struct image *i, const char *name)
{
	char field[16] = {0};
	memcpy(field, name, strlen(name));
	buffer_append(&i->b, field, 16);
}

static inline void image_words(struct image *i, const uint32_t *words, size_t count)
{
	for (size_t n = 0; n < count; n++)
		image_u32(i, words[n]);
}

static inline void image_section(struct image *i, const char *name, uint64_t address,
				 uint64_t size, uint32_t offset, uint32_t nreloc,
				 uint32_t flags)
{
	image_name(i, name);
	image_name(i, "__DATA");
	image_word(i, address);
	image_word(i, size);
	uint32_t words[] = {offset, 3, nreloc ? 0x210 : 0, nreloc, flags, 11, 12, 0};
	image_words(i, words, i->is_64 ? 8 : 7);
}

static inline void image_symbol(struct image *i, uint32_t strx, uint8_t type,
				uint8_t section, uint16_t desc, uint64_t value)
{
	image_u32(i, strx);
	buffer_u8(&i->b, type);
	buffer_u8(&i->b, section);
	buffer_u16(&i->b, desc, i->big);
	image_word(i, value);
}

/* symbol number, pc-relative, log2 of the length, external, type */
static inline void image_relocation(struct image *i, uint32_t address, uint32_t symbol,
				    uint32_t pcrel, uint32_t length, uint32_t external,
				    uint32_t type)
{
	image_u32(i, address);
	if (i->big)
		image_u32(i,
			  symbol << 8 | pcrel << 7 | length << 5 | external << 4 | type);
	else
		image_u32(i, symbol | pcrel << 24 | length << 25 | external << 27 |
				     type << 28);
}

static inline void image_commands(struct image *i)
{
	static const uint32_t symtab[] = {2, 24, 0x238, 2, 0x258, 8};
	static const uint32_t dysymtab[20] = {0xb, 80,		 0, 0,	   0, 1,     1,
					      1,   [14] = 0x230, 1, 0x220, 2, 0x218, 1};
	image_words(i, symtab, 6);
	image_words(i, dysymtab, 20);
	image_u32(i, 0x1b);
	image_u32(i, 24);
	buffer_append(&i->b, "0123456789abcdef", 16);
}

static inline void image_tables(struct image *i)
{
	buffer_zeros(&i->b, 0x200 - i->b.size);
	buffer_append(&i->b, "sixteen bytes...", 16);
	image_relocation(i, 4, 1, 0, 3, 0, 0);
	image_relocation(i, 8, 1, 0, 2, 0, 0);
	image_relocation(i, 12, 1, 1, 2, 1, 2);
	image_u32(i, 0xa4000010); /* scattered where that exists */
	image_u32(i, 0x1234);
	image_u32(i, 0x80000000);
	image_u32(i, 0);
	image_symbol(i, 1, 0x0f, 1, 0x80, 0x1008);
	image_symbol(i, 4, 0x01, 0, 0, 0);
	buffer_zeros(&i->b, 0x258 - i->b.size);
	buffer_append(&i->b, "\0_a\0_bc\0", 8);
}

/* MH_KEXT_BUNDLE of x86_64, i386, or (big) PPC. Freed with image_free. */
static inline void image_make(struct image *i, bool is_64, bool big)
{
	*i = (struct image){.is_64 = is_64, .big = big};
	uint32_t segment = is_64 ? 72 + 2 * 80 : 56 + 2 * 68;
	uint32_t cpu = (big ? 18 : 7) | (is_64 ? 0x01000000 : 0);
	uint32_t header[] = {is_64 ? 0xfeedfacf : 0xfeedface,
			     cpu,
			     big ? 0 : 3,
			     11,
			     4,
			     segment + 128,
			     0x85,
			     0};
	image_words(i, header, is_64 ? 8 : 7);
	image_u32(i, is_64 ? 0x19 : 1);
	image_u32(i, segment);
	image_name(i, "__DATA");
	image_word(i, 0x1000);
	image_word(i, 0x1000);
	image_word(i, 0x200);
	image_word(i, 0x10);
	static const uint32_t rest[] = {7, 3, 2, 0};
	image_words(i, rest, 4);
	image_section(i, "__const", 0x1000, 0x10, 0x200, 1, 0);
	image_section(i, "__bss", 0x1010, 0x20, 0, 0, 1);
	image_commands(i);
	image_tables(i);
	size_t size;
	i->data = buffer_steal(&i->b, &size);
	i->data = realloc(i->data, size);
}

static inline void image_free(struct image *i)
{
	free(i->data);
}

static inline struct bytes image_bytes(const struct image *i)
{
	return bytes_of(i->data, IMAGE_SIZE);
}

/* Offsets of commands and fields, for edits. */
static inline uint32_t image_header_size(const struct image *i)
{
	return i->is_64 ? 32 : 28;
}

static inline uint32_t image_symtab_at(const struct image *i)
{
	return image_header_size(i) + (i->is_64 ? 232 : 192);
}

static inline void image_set(struct image *i, uint32_t offset, uint32_t value)
{
	store32(i->data + offset, value, i->big);
}

#endif
