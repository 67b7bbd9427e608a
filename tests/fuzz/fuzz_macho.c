/* Parses any bytes as a fat file and each slice as Mach-O, and touches all that can be
 * read. */
#include <kext/diagnostic.h>
#include "codec/fat.h"
#include "macho/macho.h"
#include "macho/preflight.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint64_t sink;

static void touch(struct bytes bytes)
{
	for (size_t i = 0; i < bytes.size; i++)
		sink += bytes.data[i];
}

static void walk_relocations(const struct macho *m, struct macho_table table)
{
	struct macho_relocation r;
	for (uint32_t i = 0; macho_relocation_at(m, table, i, &r); i++)
		sink += r.address + r.symbol + r.value;
}

static void walk_sections(const struct macho *m)
{
	struct bytes content;
	array_for_each (section, &m->sections) {
		touch(section->content);
		walk_relocations(m,
				 (struct macho_table){section->reloff, section->nreloc});
		if (macho_at_address(m, section->address, section->size, &content))
			touch(content);
	}
	array_for_each (segment, &m->segments)
		if (macho_at_address(m, segment->address, segment->file_size, &content))
			touch(content);
}

static void walk(const struct macho *m)
{
	struct macho_symbol symbol;
	uint32_t index;
	for (uint32_t i = 0; i < m->symbols.count; i++)
		if (macho_symbol_at(m, i, &symbol))
			sink += strlen(symbol.name) + symbol.value;
	for (uint32_t i = 0; macho_indirect_at(m, i, &index); i++)
		sink += index;
	sink += macho_find_symbol(m, "_kmod_info", &symbol);
	walk_relocations(m, m->local_relocations);
	walk_relocations(m, m->external_relocations);
	walk_sections(m);
}

static void parse(struct bytes bytes)
{
	struct kext_diagnostics *list = kext_diagnostics_new();
	struct macho m;
	if (macho_parse(bytes, "input", list, &m) == 0) {
		walk(&m);
		sink += (uint64_t)preflight_image(&m, "input", list);
		macho_free(&m);
	}
	kext_diagnostics_free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fat_slice slices[FAT_MAX_SLICES];
	int count = fat_slices(bytes_of(data, size), slices);
	for (int i = 0; i < count; i++)
		parse(slices[i].bytes);
	return 0;
}
