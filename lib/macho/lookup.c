/*
 * Reading symbols, relocations and contents of a parsed image where they lie; see
 * macho.h.
 */
#include <kext/arch.h>
#include "macho/macho.h"

/* Index 0 means "no name", whatever the table's first byte is. */
static const char *name_at(const struct macho *macho, uint32_t strx)
{
	if (strx == 0)
		return "";
	return strx < macho->strings.size ? (const char *)macho->strings.data + strx
					  : NULL;
}

bool macho_symbol_at(const struct macho *macho, uint32_t index, struct macho_symbol *ret)
{
	if (index >= macho->symbols.count)
		return false;
	size_t item = macho->is_64 ? 16 : 12;
	const uint8_t *p = macho->bytes.data + macho->symbols.offset + index * item;
	struct macho_symbol symbol = {
		.strx = load32(p, macho->big),
		.type = p[4],
		.section = p[5],
		.desc = load16(p + 6, macho->big),
		.value = macho->is_64 ? load64(p + 8, macho->big)
				      : load32(p + 8, macho->big),
	};
	symbol.name = name_at(macho, symbol.strx);
	if (!symbol.name)
		return false;
	*ret = symbol;
	return true;
}

/* x86_64 and arm64 use the bit that marks scattered entries elsewhere as part of
 * r_address. */
static bool has_scattered(const struct macho *macho)
{
	return macho->cputype != KEXT_CPU_X86_64 && macho->cputype != KEXT_CPU_ARM64;
}

static struct macho_relocation read_scattered(uint32_t head, uint32_t value)
{
	return (struct macho_relocation){
		.scattered = true,
		.pcrel = head >> 30 & 1,
		.length = head >> 28 & 3,
		.type = head >> 24 & 15,
		.address = head & 0xffffff,
		.value = value,
	};
}

/* The bit-fields of the second word run from the low end, or on big-endian from the high.
 */
static struct macho_relocation read_plain(uint32_t address, uint32_t word, bool big)
{
	struct macho_relocation r = {.address = address};
	r.symbol = big ? word >> 8 : word & 0xffffff;
	uint32_t bits = big ? word & 0xff : word >> 24;
	r.pcrel = (big ? bits >> 7 : bits) & 1;
	r.length = (big ? bits >> 5 : bits >> 1) & 3;
	r.external = (big ? bits >> 4 : bits >> 3) & 1;
	r.type = (big ? bits : bits >> 4) & 15;
	return r;
}

bool macho_relocation_at(const struct macho *macho, struct macho_table table,
			 uint32_t index, struct macho_relocation *ret)
{
	uint64_t offset = table.offset + (uint64_t)index * 8;
	if (index >= table.count || !bytes_holds(macho->bytes, offset, 8))
		return false;
	uint32_t first = load32(macho->bytes.data + offset, macho->big);
	uint32_t second = load32(macho->bytes.data + offset + 4, macho->big);
	*ret = first >> 31 && has_scattered(macho)
		       ? read_scattered(first, second)
		       : read_plain(first, second, macho->big);
	return true;
}

bool macho_indirect_at(const struct macho *macho, uint32_t index, uint32_t *ret_symbol)
{
	if (index >= macho->indirect_symbols.count)
		return false;
	const uint8_t *table = macho->bytes.data + macho->indirect_symbols.offset;
	*ret_symbol = load32(table + (size_t)index * 4, macho->big);
	return true;
}

const struct macho_segment *macho_segment_named(const struct macho *macho,
						const char *name)
{
	array_for_each (segment, &macho->segments)
		if (strcmp(segment->name, name) == 0)
			return segment;
	return NULL;
}

const struct macho_section *macho_section_named(const struct macho *macho,
						const char *segment, const char *name)
{
	array_for_each (section, &macho->sections)
		if (strcmp(section->name, name) == 0 &&
		    strcmp(section->segment, segment) == 0)
			return section;
	return NULL;
}

const struct macho_segment *macho_segment_holding(const struct macho *macho,
						  uint64_t address, uint64_t size)
{
	array_for_each (segment, &macho->segments) {
		uint64_t offset = address - segment->address;
		if (address >= segment->address && offset <= segment->size &&
		    size <= segment->size - offset && (size || offset < segment->size))
			return segment;
	}
	return NULL;
}

bool macho_at_address(const struct macho *macho, uint64_t address, uint64_t size,
		      struct bytes *ret)
{
	const struct macho_segment *segment = macho_segment_holding(macho, address, size);
	if (!segment)
		return false;
	uint64_t offset = address - segment->address;
	if (offset > segment->file_size || size > segment->file_size - offset)
		return false;
	return bytes_slice(macho->bytes, segment->file_offset + offset, size, ret);
}

bool macho_find_symbol(const struct macho *macho, const char *name,
		       struct macho_symbol *ret)
{
	for (uint32_t i = 0; i < macho->symbols.count; i++) {
		struct macho_symbol symbol;
		if (!macho_symbol_at(macho, i, &symbol) || symbol.type & N_STAB ||
		    (symbol.type & N_TYPE) != N_SECT || strcmp(symbol.name, name) != 0)
			continue;
		*ret = symbol;
		return true;
	}
	return false;
}
