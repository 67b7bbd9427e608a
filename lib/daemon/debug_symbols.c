/*
 * A linked kext's symbols as an ELF file without content, which is what debuggers on
 * Linux read: one section stands for all of the kext at its address, and the symbol table
 * names what lies in it. The kernel keeps it in memory for gdb.
 */
#include <elf.h>
#include <string.h>
#include "daemon/daemon.h"
#include "macho/macho.h"

enum { SECTION_NONE, SECTION_KEXT, SECTION_SYMTAB, SECTION_STRTAB, SECTION_COUNT };

/* The names of the sections, in front of the symbols' names. */
static const char section_names[] = "\0.text\0.symtab\0.strtab";
static const Elf64_Word section_name_at[SECTION_COUNT] = {0, 1, 7, 15};

struct range {
	uint64_t start, end;
};

static struct range range_of(const struct macho *macho)
{
	struct range range = {UINT64_MAX, 0};
	array_for_each (segment, &macho->segments) {
		uint64_t end = segment->address + segment->size;
		range.start =
			segment->address < range.start ? segment->address : range.start;
		range.end = end > range.end ? end : range.end;
	}
	return range;
}

static bool is_executable(const struct macho *macho, uint64_t address)
{
	array_for_each (segment, &macho->segments) {
		if (address >= segment->address &&
		    address - segment->address < segment->size)
			return segment->initprot & VM_PROT_EXECUTE;
	}
	return false;
}

static bool is_named(const struct macho_symbol *symbol)
{
	return !(symbol->type & N_STAB) && (symbol->type & N_TYPE) == N_SECT &&
	       symbol->name[0];
}

/* Mach-O's names have an underscore before C's. */
static void put_symbol(const struct macho *macho, const struct macho_symbol *symbol,
		       struct buffer *symbols, struct buffer *strings)
{
	bool is_code = is_executable(macho, symbol->value);
	Elf64_Sym entry = {
		.st_name = (Elf64_Word)strings->size,
		.st_info = ELF64_ST_INFO(symbol->type & N_EXT ? STB_GLOBAL : STB_LOCAL,
					 is_code ? STT_FUNC : STT_OBJECT),
		.st_shndx = is_code ? SECTION_KEXT : SHN_ABS,
		.st_value = symbol->value,
	};
	const char *name = symbol->name + (symbol->name[0] == '_');
	buffer_append(symbols, &entry, sizeof(entry));
	buffer_append(strings, name, strlen(name) + 1);
}

/* ELF wants local symbols in front; their number is the result. */
static size_t put_symbols(const struct macho *macho, struct buffer *symbols,
			  struct buffer *strings)
{
	struct macho_symbol symbol;
	size_t locals = 0;
	buffer_zeros(symbols, sizeof(Elf64_Sym));
	for (int is_global = 0; is_global < 2; is_global++) {
		for (uint32_t i = 0; macho_symbol_at(macho, i, &symbol); i++) {
			if (is_named(&symbol) && !(symbol.type & N_EXT) == !is_global)
				put_symbol(macho, &symbol, symbols, strings);
		}
		locals = is_global ? locals : symbols->size / sizeof(Elf64_Sym);
	}
	return locals;
}

static void put_header(struct buffer *file)
{
	Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_shoff = sizeof(header),
		.e_ehsize = sizeof(header),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = SECTION_COUNT,
		.e_shstrndx = SECTION_STRTAB,
	};
	buffer_append(file, &header, sizeof(header));
}

static void put_sections(struct buffer *file, struct range range, size_t locals,
			 const struct buffer *symbols, const struct buffer *strings)
{
	Elf64_Off at = sizeof(Elf64_Ehdr) + SECTION_COUNT * sizeof(Elf64_Shdr);
	Elf64_Shdr sections[SECTION_COUNT] = {
		[SECTION_KEXT] = {.sh_type = SHT_NOBITS,
				  .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
				  .sh_addr = range.start,
				  .sh_offset = at,
				  .sh_size = range.end - range.start,
				  .sh_addralign = 16},
		[SECTION_SYMTAB] = {.sh_type = SHT_SYMTAB,
				    .sh_offset = at,
				    .sh_size = symbols->size,
				    .sh_link = SECTION_STRTAB,
				    .sh_info = (Elf64_Word)locals,
				    .sh_addralign = 8,
				    .sh_entsize = sizeof(Elf64_Sym)},
		[SECTION_STRTAB] = {.sh_type = SHT_STRTAB,
				    .sh_offset = at + symbols->size,
				    .sh_size = strings->size,
				    .sh_addralign = 1},
	};
	for (unsigned i = 0; i < SECTION_COUNT; i++)
		sections[i].sh_name = section_name_at[i];
	buffer_append(file, sections, sizeof(sections));
}

void debug_symbols_make(const struct macho *macho, struct buffer *ret)
{
	_cleanup_buffer_ struct buffer symbols = {0}, strings = {0};
	buffer_append(&strings, section_names, sizeof(section_names));
	size_t locals = put_symbols(macho, &symbols, &strings);
	put_header(ret);
	put_sections(ret, range_of(macho), locals, &symbols, &strings);
	buffer_append(ret, symbols.data, symbols.size);
	buffer_append(ret, strings.data, strings.size);
	ret->failed = ret->failed || symbols.failed || strings.failed;
}
