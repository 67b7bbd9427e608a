/*
 * The tables of relocations, and each relocation by the address it edits: one hash table,
 * so that a slot costs one look. A bundle has an external and a local table; in an object
 * file every section has one, whose addresses start from the section. Relocations are
 * numbered through all tables.
 */
#include <errno.h>
#include "base/memory.h"
#include "link/link.h"

#define RELOCATIONS_MAX (1u << 30)

static int add_table(struct link *link, struct relocation_table table, uint64_t *total)
{
	table.first = (uint32_t)*total;
	link->tables[link->table_count++] = table;
	*total += table.table.count;
	/* Tables that overlap would hold more than the file has room for. */
	if (*total <= link->request->size / 8 && *total <= RELOCATIONS_MAX)
		return 0;
	return report_bad(&link->report, NULL,
			  "offset %#x: the tables of relocations overlap: %llu entries "
			  "in %zu bytes",
			  table.table.offset, (unsigned long long)*total,
			  link->request->size);
}

static int add_sections(struct link *link, uint64_t *total)
{
	for (size_t i = 0; i < link->section_count; i++) {
		const struct placed_section *section = &link->sections[i];
		const struct macho_section *source = section->source;
		struct relocation_table table = {
			.table = {source->reloff, source->nreloc},
			.name = source->name,
			.section = section,
			.base = source->address,
		};
		int r = source->nreloc ? add_table(link, table, total) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int places_tables(struct link *link)
{
	uint64_t total = 0;
	link->tables = mem_zero(link->section_count + 2, sizeof(*link->tables));
	if (!link->tables)
		return -ENOMEM;
	int r = 0;
	if (link_is_object(link)) {
		r = add_sections(link, &total);
	} else {
		struct relocation_table external = {
			.table = link->macho.external_relocations, .name = "external"};
		struct relocation_table local = {.table = link->macho.local_relocations,
						 .name = "local",
						 .is_local = true};
		r = add_table(link, external, &total);
		if (r == 0)
			r = add_table(link, local, &total);
	}
	link->relocation_count = (uint32_t)total;
	return r;
}

/* Entries are the number, doubled, plus 1 for a local one, plus 1 so that 0 is free. */
static uint32_t entry_of(uint32_t number, bool local)
{
	return (number << 1 | local) + 1;
}

/* Reads it with its address in the file's own terms, which *ret_address gets. */
static bool entry_read(const struct link *link, uint32_t entry, uint64_t *ret_address,
		       struct macho_relocation *ret)
{
	uint32_t number = (entry - 1) >> 1;
	const struct relocation_table *table = link->tables;
	while (number - table->first >= table->table.count)
		table++;
	if (!macho_relocation_at(&link->macho, table->table, number - table->first, ret))
		return false;
	*ret_address = ret->address + table->base;
	return true;
}

/* The table slot of that address and kind, or the free one where it would go. */
static uint32_t *find_entry(const struct link *link, uint64_t address, bool local,
			    struct macho_relocation *ret)
{
	uint32_t at = address_hash(address) & link->place_mask;
	uint64_t found;
	for (; link->places[at]; at = (at + 1) & link->place_mask) {
		if (((link->places[at] - 1) & 1) != local)
			continue;
		if (entry_read(link, link->places[at], &found, ret) && found == address)
			break;
	}
	return &link->places[at];
}

/* Of several at one address the first counts. */
static void index_table(struct link *link, const struct relocation_table *table)
{
	struct macho_relocation r, other;
	for (uint32_t i = 0; macho_relocation_at(&link->macho, table->table, i, &r);
	     i++) {
		uint32_t number = table->first + i;
		i += link->cpu->pair(&r) != PAIR_NONE;
		if (table->section && r.address >= table->section->source->size)
			continue; /* would look like the next section's */
		bool local = table->is_local || (table->section && !r.external);
		uint32_t *slot = find_entry(link, r.address + table->base, local, &other);
		if (!*slot)
			*slot = entry_of(number, local);
	}
}

int places_index(struct link *link)
{
	if (link->places)
		return 0;
	uint32_t size = table_size(link->relocation_count);
	link->places = size ? mem_zero(size, sizeof(*link->places)) : NULL;
	if (!link->places)
		return -ENOMEM;
	link->place_mask = size - 1;
	for (size_t i = 0; i < link->table_count; i++)
		index_table(link, &link->tables[i]);
	return 0;
}

bool places_external(const struct link *link, uint64_t address, uint32_t *ret_number,
		     struct macho_relocation *ret)
{
	uint32_t entry = *find_entry(link, address, false, ret);
	if (!entry)
		return false;
	*ret_number = (entry - 1) >> 1;
	return true;
}

bool places_local(const struct link *link, uint64_t address, struct macho_relocation *ret)
{
	return *find_entry(link, address, true, ret) != 0;
}
