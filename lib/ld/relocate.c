/*
 * Content: pieces copied to their places and references turned into bytes. What this link
 * knows is final; what slides with the kext or is bound when it is loaded leaves one of
 * the three relocations that a kext linker knows: symbol, symbol less pc, and slide.
 */
#include <errno.h>
#include "base/memory.h"
#include "ld/linker.h"

#define NOP 0x90

enum value_kind { IS_UNDEFINED, IS_CONSTANT, IS_ADDRESS };

struct value {
	enum value_kind kind;
	uint64_t value;	  /* with the target's offset; that offset alone when undefined */
	uint32_t ordinal; /* of the section, for an address */
};

struct place {
	struct linker *ld;
	const struct ld_section *section;
	const struct ld_reference *reference;
	uint64_t address;
	uint8_t *bytes;
};

static struct value evaluate(const struct ld_target *target)
{
	const struct ld_symbol *symbol = target->symbol;
	uint64_t offset = (uint64_t)target->offset;
	if (symbol && symbol->kind == LD_ABSOLUTE)
		return (struct value){IS_CONSTANT, symbol->value + offset, 0};
	if (symbol && !symbol->piece)
		return (struct value){IS_UNDEFINED, offset, 0};
	const struct ld_piece *piece =
		ld_piece_final(symbol ? symbol->piece : target->piece);
	if (symbol)
		offset += symbol->value;
	return (struct value){IS_ADDRESS, piece->address + offset,
			      piece->section->output->ordinal};
}

static const char *name_of(const struct ld_target *target)
{
	return target->symbol ? target->symbol->name : "data of its own";
}

/* Names the function or object that holds the place, as the reader of a message wants it.
 */
static int refuse(const struct place *p, const char *hint, const char *what)
{
	return ld_error(p->ld, "ld.reference", p->section->object->name, hint,
			"%s,%s+0x%llx refers to %s %s", p->section->segment,
			p->section->name, (unsigned long long)p->reference->offset,
			name_of(&p->reference->target), what);
}

static int add_relocation(struct linker *ld, uint64_t address, const struct value *value,
			  struct ld_symbol *symbol, bool is_branch)
{
	struct ld_output_relocation *r = symbol ? array_push(&ld->external_relocations)
						: array_push(&ld->local_relocations);
	if (!r)
		return -ENOMEM;
	r->address = address;
	r->symbol = symbol;
	r->ordinal = value->ordinal;
	r->type = is_branch ? X86_64_RELOC_BRANCH : X86_64_RELOC_UNSIGNED;
	r->length = is_branch ? 2 : 3;
	r->pcrel = is_branch;
	return 0;
}

static int put_distance(const struct place *p, uint64_t target)
{
	int64_t distance = (int64_t)(target - (p->address + 4 + p->reference->trailing));
	if (distance != (int32_t)distance)
		return refuse(p, NULL, "which is more than 2 GiB away");
	store32(p->bytes, (uint32_t)distance, false);
	return 0;
}

static int put_pointer(const struct place *p)
{
	struct value value = evaluate(&p->reference->target);
	if (p->reference->size == 8) {
		store64(p->bytes, value.value, false);
		if (value.kind == IS_CONSTANT)
			return 0;
		return add_relocation(
			p->ld, p->address, &value,
			value.kind == IS_UNDEFINED ? p->reference->target.symbol : NULL,
			false);
	}
	if (value.kind != IS_CONSTANT)
		return refuse(
			p, "compile with -mkernel and without -mcmodel=…",
			"with an address of 32 bits, but kexts are loaded above 4 GiB");
	if (value.value != (uint32_t)value.value &&
	    (int64_t)value.value != (int32_t)value.value)
		return refuse(p, NULL, "whose value does not fit into 32 bits");
	store32(p->bytes, (uint32_t)value.value, false);
	return 0;
}

static int put_difference(const struct place *p)
{
	struct value target = evaluate(&p->reference->target);
	struct value subtrahend = evaluate(&p->reference->subtrahend);
	if (target.kind == IS_UNDEFINED || target.kind != subtrahend.kind)
		return refuse(p, NULL, "in a difference that only loading could compute");
	int64_t difference = (int64_t)(target.value - subtrahend.value);
	if (p->reference->size == 8) {
		store64(p->bytes, (uint64_t)difference, false);
		return 0;
	}
	if (difference != (int32_t)difference)
		return refuse(p, NULL, "in a difference that does not fit into 32 bits");
	store32(p->bytes, (uint32_t)difference, false);
	return 0;
}

static int put_branch(const struct place *p)
{
	struct value value = evaluate(&p->reference->target);
	if (value.kind == IS_ADDRESS)
		return put_distance(p, value.value);
	if (value.kind == IS_CONSTANT)
		return refuse(p, NULL, "by a call, but it is an absolute symbol");
	store32(p->bytes, (uint32_t)value.value, false);
	return add_relocation(p->ld, p->address, &value, p->reference->target.symbol,
			      true);
}

static int put_data(const struct place *p)
{
	struct value value = evaluate(&p->reference->target);
	if (value.kind == IS_ADDRESS)
		return put_distance(p, value.value);
	if (value.kind == IS_CONSTANT)
		return refuse(p, NULL,
			      "relative to the pc, but it is an absolute symbol");
	return refuse(p,
		      "compile with -mkernel, without -mdynamic-no-pic, and without "
		      "hidden visibility on what another file or the kernel defines",
		      "directly, but nothing here defines it");
}

static int put_got(const struct place *p)
{
	const struct ld_target *target = &p->reference->target;
	struct value value = evaluate(target);
	if (p->reference->kind == LD_REF_GOT_LOAD && value.kind == IS_ADDRESS &&
	    ld_x86_64_can_relax(p->section, p->reference)) {
		p->bytes[-2] = 0x8d;
		return put_distance(p, value.value);
	}
	uint64_t slot = p->ld->got.pieces.items[0].address +
			8ull * (target->symbol->got_slot - 1);
	return put_distance(p, slot + (uint64_t)target->offset);
}

static int put(const struct place *p)
{
	switch (p->reference->kind) {
	case LD_REF_POINTER:
		return put_pointer(p);
	case LD_REF_DIFFERENCE:
		return put_difference(p);
	case LD_REF_BRANCH:
		return put_branch(p);
	case LD_REF_DATA:
		return put_data(p);
	case LD_REF_GOT_LOAD:
	case LD_REF_GOT:
		return put_got(p);
	}
	return KEXT_ERR_INTERNAL;
}

/* Every bad reference is reported, so only failures of the system stop the pass. */
static int copy_piece(struct linker *ld, const struct ld_piece *piece, uint8_t *bytes)
{
	const struct ld_section *section = piece->section;
	if (section->content.size && piece->size)
		memcpy(bytes, section->content.data + piece->offset, piece->size);
	for (size_t i = 0; i < piece->reference_count; i++) {
		const struct ld_reference *reference =
			&section->references.items[piece->first_reference + i];
		uint64_t within = reference->offset - piece->offset;
		struct place p = {
			.ld = ld,
			.section = section,
			.reference = reference,
			.address = piece->address + within,
			.bytes = bytes + within,
		};
		int error = put(&p);
		if (error && error != KEXT_ERR_LINK)
			return error;
	}
	return 0;
}

static int fill_section(struct linker *ld, const struct ld_output_section *section)
{
	uint8_t *bytes = ld->image.data + section->file_offset;
	if (section->flags & S_ATTR_PURE_INSTRUCTIONS)
		memset(bytes, NOP, section->size);
	for (size_t i = 0; i < section->pieces.count; i++) {
		const struct ld_piece *piece = section->pieces.items[i];
		int error = copy_piece(ld, piece,
				       bytes + (piece->address - section->address));
		if (error)
			return error;
	}
	return 0;
}

static int fill_got(struct linker *ld)
{
	if (ld->got_slots.count == 0)
		return 0;
	const struct ld_output_section *section = ld->got.output;
	for (size_t i = 0; i < ld->got_slots.count; i++) {
		struct ld_target target = {.symbol = ld->got_slots.items[i]};
		struct value value = evaluate(&target);
		store64(ld->image.data + section->file_offset + 8 * i, value.value,
			false);
		if (value.kind == IS_CONSTANT)
			continue;
		int error = add_relocation(
			ld, section->address + 8 * i, &value,
			value.kind == IS_UNDEFINED ? target.symbol : NULL, false);
		if (error)
			return error;
	}
	return 0;
}

int ld_relocate(struct linker *ld)
{
	buffer_zeros(&ld->image, ld->linkedit_offset);
	int error = buffer_error(&ld->image);
	if (!error)
		error = fill_got(ld);
	for (size_t i = 0; !error && i < ld->sections.count; i++)
		if (!ld->sections.items[i]->is_zero_fill)
			error = fill_section(ld, ld->sections.items[i]);
	return error ? error : ld_verdict(ld);
}
