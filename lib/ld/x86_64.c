/*
 * x86_64 relocations of objects, turned into references: what is referred to and how,
 * with the addend that the bytes in place hold. The rules of those bytes: behind an
 * external relocation they are the addend (less the number of bytes that follow the field
 * in the instruction), behind a section-relative one they lead to the target's address in
 * the object.
 */
#include <errno.h>
#include "ld/linker.h"

struct decoder {
	struct linker *ld;
	struct ld_object *object;
	struct ld_section *section;
	struct macho_table table;
	uint32_t index; /* of the next entry */
};

static int broken(const struct decoder *d, const struct macho_relocation *relocation,
		  const char *what)
{
	return ld_error(d->ld, "ld.object", d->object->name, NULL,
			"relocation at 0x%x of %s,%s %s", relocation->address,
			d->section->segment, d->section->name, what);
}

static int64_t read_addend(const struct decoder *d, const struct macho_relocation *r)
{
	const uint8_t *place = d->section->content.data + r->address;
	if (r->length == 3)
		return (int64_t)load64(place, false);
	/* A pointer of four bytes holds an address, everything else a distance. */
	uint32_t word = load32(place, false);
	bool is_address = r->type == X86_64_RELOC_UNSIGNED && !r->external;
	return is_address ? (int64_t)word : (int64_t)(int32_t)word;
}

static int target_of_symbol(const struct decoder *d, const struct macho_relocation *r,
			    int64_t addend, struct ld_target *ret)
{
	struct ld_symbol *symbol = NULL;
	if (r->symbol < d->object->macho.symbols.count)
		symbol = d->object->symbols[r->symbol];
	if (!symbol)
		return broken(d, r,
			      "refers to a symbol that is not kept or does not exist");
	symbol->is_wanted = true;
	*ret = (struct ld_target){.symbol = symbol, .offset = addend};
	return 0;
}

static int target_of_section(const struct decoder *d, const struct macho_relocation *r,
			     uint64_t address, struct ld_target *ret)
{
	if (r->symbol == 0 || r->symbol > d->object->section_count)
		return broken(d, r, "refers to a section that does not exist");
	struct ld_section *section = &d->object->sections[r->symbol - 1];
	if (section->is_dropped)
		return broken(d, r, "refers to debug or unwinding information");
	uint64_t offset = address - section->input_address;
	if ((int64_t)offset < 0)
		offset = 0;
	struct ld_piece *piece = ld_piece_at(section, offset);
	uint64_t start = section->input_address + piece->offset;
	*ret = (struct ld_target){.piece = piece, .offset = (int64_t)(address - start)};
	return 0;
}

static uint8_t trailing_bytes(uint8_t type)
{
	switch (type) {
	case X86_64_RELOC_SIGNED_1:
		return 1;
	case X86_64_RELOC_SIGNED_2:
		return 2;
	case X86_64_RELOC_SIGNED_4:
		return 4;
	}
	return 0;
}

static int check_entry(const struct decoder *d, const struct macho_relocation *r)
{
	if (r->scattered || r->length < 2)
		return broken(d, r, "has a form that x86_64 does not use");
	if (!bytes_holds(d->section->content, r->address, 1ull << r->length))
		return broken(d, r, "is outside its section");
	return 0;
}

static int kind_of(const struct decoder *d, const struct macho_relocation *r,
		   enum ld_reference_kind *ret)
{
	switch (r->type) {
	case X86_64_RELOC_UNSIGNED:
		*ret = LD_REF_POINTER;
		return r->pcrel ? broken(d, r, "is an address relative to the pc") : 0;
	case X86_64_RELOC_SIGNED:
	case X86_64_RELOC_SIGNED_1:
	case X86_64_RELOC_SIGNED_2:
	case X86_64_RELOC_SIGNED_4:
		*ret = LD_REF_DATA;
		break;
	case X86_64_RELOC_BRANCH:
		*ret = LD_REF_BRANCH;
		break;
	case X86_64_RELOC_GOT_LOAD:
		*ret = LD_REF_GOT_LOAD;
		break;
	case X86_64_RELOC_GOT:
		*ret = LD_REF_GOT;
		break;
	case X86_64_RELOC_TLV:
		return broken(d, r,
			      "is of a thread-local variable, which kexts cannot have");
	default:
		return broken(d, r, "is of an unknown type");
	}
	if (!r->pcrel || r->length != 2)
		return broken(d, r, "is not a distance of four bytes");
	if (!r->external && (*ret == LD_REF_GOT_LOAD || *ret == LD_REF_GOT))
		return broken(d, r, "is of the GOT without a symbol");
	return 0;
}

static int decode_plain(const struct decoder *d, const struct macho_relocation *r,
			struct ld_reference *reference)
{
	int error = kind_of(d, r, &reference->kind);
	if (error)
		return error;
	int64_t addend = read_addend(d, r);
	reference->trailing = trailing_bytes(r->type);
	if (r->external) {
		if (reference->kind == LD_REF_DATA)
			addend += reference->trailing;
		return target_of_symbol(d, r, addend, &reference->target);
	}
	uint64_t address = (uint64_t)addend;
	if (r->pcrel)
		address +=
			d->section->input_address + r->address + 4 + reference->trailing;
	return target_of_section(d, r, address, &reference->target);
}

/* SUBTRACTOR names what is taken away; the UNSIGNED behind it, of the same field, the
 * rest. */
static int decode_pair(struct decoder *d, const struct macho_relocation *r,
		       struct ld_reference *reference)
{
	struct macho_relocation second;
	if (!macho_relocation_at(&d->object->macho, d->table, d->index, &second) ||
	    second.type != X86_64_RELOC_UNSIGNED || second.address != r->address ||
	    second.length != r->length || second.pcrel || second.scattered)
		return broken(d, r, "lacks the second half of its pair");
	d->index++;
	reference->kind = LD_REF_DIFFERENCE;
	int64_t addend = read_addend(d, &second);
	if (second.length == 2)
		addend = (int32_t)addend;
	int error;
	if (r->external) {
		error = target_of_symbol(d, r, 0, &reference->subtrahend);
	} else {
		/* The bytes in place count from the section's address. */
		uint64_t base = 0;
		if (r->symbol != 0 && r->symbol <= d->object->section_count)
			base = d->object->sections[r->symbol - 1].input_address;
		error = target_of_section(d, r, base, &reference->subtrahend);
		addend += (int64_t)base;
	}
	if (error)
		return error;
	if (second.external)
		return target_of_symbol(d, &second, addend, &reference->target);
	return target_of_section(d, &second, (uint64_t)addend, &reference->target);
}

static int decode_next(struct decoder *d)
{
	struct macho_relocation r;
	if (!macho_relocation_at(&d->object->macho, d->table, d->index++, &r))
		return ld_error(d->ld, "ld.object", d->object->name, NULL,
				"the relocations of %s,%s are cut off",
				d->section->segment, d->section->name);
	int error = check_entry(d, &r);
	if (error)
		return error;
	struct ld_reference *reference = array_push(&d->section->references);
	if (!reference)
		return -ENOMEM;
	reference->offset = r.address;
	reference->size = (uint8_t)(1u << r.length);
	if (r.type == X86_64_RELOC_SUBTRACTOR)
		return decode_pair(d, &r, reference);
	return decode_plain(d, &r, reference);
}

static int compare_references(const void *a, const void *b)
{
	uint64_t x = ((const struct ld_reference *)a)->offset;
	uint64_t y = ((const struct ld_reference *)b)->offset;
	return x < y ? -1 : x > y;
}

/* Deals the sorted references out to the pieces they lie in. */
static int share_out(struct linker *ld, struct ld_section *section)
{
	uint64_t end = 0;
	for (size_t i = 0; i < section->references.count; i++) {
		struct ld_reference *reference = &section->references.items[i];
		struct ld_piece *piece = ld_piece_at(section, reference->offset);
		bool is_across =
			reference->offset + reference->size > piece->offset + piece->size;
		if (is_across || reference->offset < end)
			return ld_error(ld, "ld.object", section->object->name, NULL,
					"relocation at 0x%llx of %s,%s crosses %s",
					(unsigned long long)reference->offset,
					section->segment, section->name,
					is_across ? "a symbol" : "another");
		end = reference->offset + reference->size;
		if (piece->reference_count++ == 0)
			piece->first_reference = i;
	}
	return 0;
}

int ld_x86_64_decode(struct linker *ld, struct ld_object *object,
		     struct ld_section *section, uint32_t ordinal)
{
	const struct macho_section *from = &object->macho.sections.items[ordinal - 1];
	struct decoder d = {
		.ld = ld,
		.object = object,
		.section = section,
		.table = {from->reloff, from->nreloc},
	};
	while (d.index < d.table.count) {
		int error = decode_next(&d);
		if (error)
			return error;
	}
	if (section->references.count)
		qsort(section->references.items, section->references.count,
		      sizeof(struct ld_reference), compare_references);
	return share_out(ld, section);
}

/* movq slot(%rip), reg is 48/4c 8b modrm; leaq differs in the middle byte alone. */
bool ld_x86_64_can_relax(const struct ld_section *section,
			 const struct ld_reference *reference)
{
	return reference->offset >= 2 &&
	       section->content.data[reference->offset - 2] == 0x8b;
}
