/*
 * One relocatable object: parsed at once, so that broken bytes are reported whether or
 * not it is linked, and loaded when it takes part in the link.
 */
#include <errno.h>
#include "base/memory.h"
#include "ld/linker.h"

#define MAX_ALIGN 12u /* a kext is placed at a page: more cannot be kept */

struct ld_object *ld_object_free(struct ld_object *object)
{
	if (!object)
		return NULL;
	for (size_t i = 0; i < object->section_count; i++) {
		array_free(&object->sections[i].pieces);
		array_free(&object->sections[i].references);
	}
	free(object->sections);
	free(object->symbols);
	free(object->locals);
	if (object->is_parsed)
		macho_free(&object->macho);
	free(object->name);
	free(object);
	return NULL;
}

static int check_kind(struct linker *ld, const struct ld_object *object)
{
	const struct macho *macho = &object->macho;
	if (macho->cputype != ld->arch->cputype) {
		const struct kext_arch *other =
			kext_arch_numbered(macho->cputype, macho->cpusubtype);
		return ld_error(
			ld, "ld.arch", object->name, "compile it with -arch x86_64",
			"built for %s, but %s is being linked",
			other ? other->name : "an unknown architecture", ld->arch->name);
	}
	if (macho->filetype != MH_OBJECT)
		return ld_error(
			ld, "ld.object", object->name,
			"only relocatable objects and archives of them make a kext",
			"Mach-O file type is %u, expected %u (MH_OBJECT)",
			macho->filetype, MH_OBJECT);
	return 0;
}

int ld_object_parse(struct linker *ld, const char *name, struct bytes bytes,
		    struct ld_object **ret)
{
	struct ld_object *object = mem_zero(1, sizeof(*object));
	if (!object)
		return -ENOMEM;
	object->name = mem_string(name);
	int error = object->name ? 0 : -ENOMEM;
	if (!error)
		error = macho_parse(bytes, name, ld->diagnostics, &object->macho);
	object->is_parsed = !error;
	if (error == KEXT_ERR_VALIDATION) {
		ld->error_count++;
		error = KEXT_ERR_LINK;
	}
	if (!error)
		error = check_kind(ld, object);
	if (error) {
		ld_object_free(object);
		return error;
	}
	*ret = object;
	return 0;
}

/* Kexts carry no debug information and no unwinding tables: nothing would read them. */
static bool is_unwanted(const struct macho_section *section)
{
	return (section->flags & S_ATTR_DEBUG) || !strcmp(section->segment, "__DWARF") ||
	       !strcmp(section->segment, "__LD") || !strcmp(section->segment, "__LLVM") ||
	       !strcmp(section->name, "__eh_frame") ||
	       !strcmp(section->name, "__compact_unwind");
}

static bool is_type_known(uint32_t type)
{
	switch (type) {
	case S_REGULAR:
	case S_ZEROFILL:
	case S_GB_ZEROFILL:
	case S_CSTRING_LITERALS:
	case S_4BYTE_LITERALS:
	case S_8BYTE_LITERALS:
	case S_16BYTE_LITERALS:
	case S_LITERAL_POINTERS:
	case S_MOD_INIT_FUNC_POINTERS:
	case S_MOD_TERM_FUNC_POINTERS:
	case S_COALESCED:
		return true;
	}
	return false;
}

static void set_place(struct ld_section *section, const char *segment, const char *name,
		      uint32_t type)
{
	strcpy(section->segment, segment);
	strcpy(section->name, name);
	section->flags = (section->flags & ~0xffu) | type;
}

/*
 * Static code's lists of constructors and destructors become the pointer lists that the
 * kernel runs.
 */
static void move_constructors(struct ld_section *section)
{
	if (strcmp(section->segment, "__TEXT"))
		return;
	if (!strcmp(section->name, "__constructor"))
		set_place(section, "__DATA", "__mod_init_func", S_MOD_INIT_FUNC_POINTERS);
	else if (!strcmp(section->name, "__destructor"))
		set_place(section, "__DATA", "__mod_term_func", S_MOD_TERM_FUNC_POINTERS);
}

static int check_section(struct linker *ld, const struct ld_object *object,
			 const struct macho_section *from)
{
	if (!is_type_known(from->flags & 0xff))
		return ld_error(ld, "ld.object", object->name, NULL,
				"section %s,%s has type 0x%x, which kexts cannot have",
				from->segment, from->name, from->flags & 0xff);
	if (from->align > MAX_ALIGN)
		return ld_error(
			ld, "ld.object", object->name, NULL,
			"section %s,%s is aligned to 2^%u, at most 2^%u is possible",
			from->segment, from->name, from->align, MAX_ALIGN);
	if (!ld_is_zero_fill(from->flags) && from->content.size != from->size)
		return ld_error(ld, "ld.object", object->name, NULL,
				"section %s,%s has no content", from->segment,
				from->name);
	if (from->size > LD_IMAGE_MAX)
		return ld_error(ld, "ld.object", object->name, NULL,
				"section %s,%s is larger than a kext can be",
				from->segment, from->name);
	return 0;
}

static int load_section(struct linker *ld, struct ld_object *object, uint32_t index)
{
	const struct macho_section *from = &object->macho.sections.items[index];
	struct ld_section *to = &object->sections[index];
	to->object = object;
	memcpy(to->segment, from->segment, sizeof(to->segment));
	memcpy(to->name, from->name, sizeof(to->name));
	to->flags = from->flags;
	to->input_address = from->address;
	to->size = from->size;
	to->is_dropped = is_unwanted(from);
	if (to->is_dropped)
		return 0;
	int error = check_section(ld, object, from);
	if (error)
		return error;
	to->align = (uint8_t)from->align;
	if (!ld_is_zero_fill(from->flags))
		to->content = from->content;
	move_constructors(to);
	return ld_cut_section(object, to, index + 1);
}

/* The piece a symbol is in; NULL with *ret_dropped when its section is not kept. */
static int find_piece(struct linker *ld, struct ld_object *object,
		      const struct macho_symbol *symbol, struct ld_piece **ret)
{
	if (symbol->section == 0 || symbol->section > object->section_count)
		return ld_error(ld, "ld.object", object->name, NULL,
				"symbol %s is in section %u of %zu", symbol->name,
				symbol->section, object->section_count);
	struct ld_section *section = &object->sections[symbol->section - 1];
	uint64_t offset = symbol->value - section->input_address;
	if (symbol->value < section->input_address || offset > section->size)
		return ld_error(ld, "ld.object", object->name, NULL,
				"symbol %s at 0x%llx is outside its section %s,%s",
				symbol->name, (unsigned long long)symbol->value,
				section->segment, section->name);
	*ret = section->is_dropped ? NULL : ld_piece_at(section, offset);
	return 0;
}

static void fill_local(struct ld_symbol *to, struct ld_object *object,
		       const struct macho_symbol *from, struct ld_piece *piece)
{
	to->name = from->name;
	to->kind = piece ? LD_DEFINED : LD_ABSOLUTE;
	to->object = object;
	to->piece = piece;
	to->value = from->value;
	if (piece)
		to->value -= piece->section->input_address + piece->offset;
	to->is_no_dead_strip = from->desc & N_NO_DEAD_STRIP;
}

static int load_symbol(struct linker *ld, struct ld_object *object, uint32_t index)
{
	struct macho_symbol from;
	if (!macho_symbol_at(&object->macho, index, &from))
		return ld_error(ld, "ld.object", object->name, NULL,
				"the name of symbol %u is outside the string table",
				index);
	uint8_t type = from.type & N_TYPE;
	struct ld_piece *piece = NULL;
	if (from.type & N_STAB)
		return 0;
	if (type != N_UNDF && type != N_ABS && type != N_SECT)
		return ld_error(ld, "ld.object", object->name, NULL,
				"symbol %s has type 0x%x, which is not supported",
				from.name, from.type);
	if (type == N_SECT) {
		int error = find_piece(ld, object, &from, &piece);
		if (error || !piece)
			return error;
		piece->is_named = true;
		piece->has_global |= from.type & N_EXT;
	}
	if (from.type & N_EXT)
		return ld_symbol_define(ld, object, &from, piece,
					&object->symbols[index]);
	if (type == N_UNDF)
		return 0;
	struct ld_symbol *local = &object->locals[object->local_count++];
	fill_local(local, object, &from, piece);
	object->symbols[index] = local;
	return 0;
}

static int make_room(struct ld_object *object)
{
	const struct macho *macho = &object->macho;
	object->sections = mem_zero(macho->sections.count + 1, sizeof(struct ld_section));
	object->symbols = mem_zero(macho->symbols.count + 1, sizeof(struct ld_symbol *));
	object->locals = mem_zero(macho->symbols.count + 1, sizeof(struct ld_symbol));
	if (!object->sections || !object->symbols || !object->locals)
		return -ENOMEM;
	object->section_count = macho->sections.count;
	return 0;
}

/* References are decoded last: they lead to pieces and symbols of the whole object. */
static int load_references(struct linker *ld, struct ld_object *object)
{
	for (uint32_t i = 0; i < object->section_count; i++) {
		if (object->sections[i].is_dropped)
			continue;
		int error = ld_x86_64_decode(ld, object, &object->sections[i], i + 1);
		if (error)
			return error;
	}
	return 0;
}

int ld_object_load(struct linker *ld, struct ld_object *object)
{
	struct ld_object **place = array_push(&ld->objects);
	if (!place) {
		ld_object_free(object);
		return -ENOMEM;
	}
	*place = object;
	object->is_loaded = true;
	int error = make_room(object);
	for (uint32_t i = 0; !error && i < object->section_count; i++)
		error = load_section(ld, object, i);
	for (uint32_t i = 0; !error && i < object->macho.symbols.count; i++)
		error = load_symbol(ld, object, i);
	return error ? error : load_references(ld, object);
}
