/*
 * Names of kernel_task's own functions, for backtraces: mach_kernel names only what kexts
 * may use. They come from the ELF symbol table of the program that ran, which the kernel
 * itself never loads; a stripped one has none, and mach_kernel's names have to do.
 */
#include <elf.h>
#include <string.h>
#include "base/memory.h"
#include "daemon/daemon.h"

#define PROGRAM_MAX (1u << 30)

struct kernel_names {
	struct file_map file;
	struct bytes symbols, strings;
};

struct section {
	uint32_t type, link;
	uint64_t offset, size;
};

static bool read_section(struct bytes file, uint64_t table, uint16_t index,
			 struct section *ret)
{
	struct bytes header;
	if (!bytes_slice(file, table, (index + 1u) * sizeof(Elf64_Shdr), &header))
		return false;
	const uint8_t *p = header.data + index * sizeof(Elf64_Shdr);
	ret->type = load32(p + offsetof(Elf64_Shdr, sh_type), false);
	ret->link = load32(p + offsetof(Elf64_Shdr, sh_link), false);
	ret->offset = load64(p + offsetof(Elf64_Shdr, sh_offset), false);
	ret->size = load64(p + offsetof(Elf64_Shdr, sh_size), false);
	return true;
}

static bool take_symbols(struct kernel_names *names, const struct section *symbols,
			 const struct section *strings)
{
	struct bytes file = names->file.bytes;
	return bytes_slice(file, symbols->offset, symbols->size, &names->symbols) &&
	       bytes_slice(file, strings->offset, strings->size, &names->strings);
}

/* The full table; what a stripped program keeps for the loader names next to nothing. */
static bool find_symbols(struct kernel_names *names)
{
	struct bytes file = names->file.bytes;
	struct section section, strings;
	if (file.size < sizeof(Elf64_Ehdr) || memcmp(file.data, ELFMAG, SELFMAG) != 0 ||
	    file.data[EI_CLASS] != ELFCLASS64)
		return false;
	uint64_t table = load64(file.data + offsetof(Elf64_Ehdr, e_shoff), false);
	uint16_t count = load16(file.data + offsetof(Elf64_Ehdr, e_shnum), false);
	for (uint16_t i = 0; i < count && read_section(file, table, i, &section); i++) {
		if (section.type == SHT_SYMTAB && section.link < count &&
		    read_section(file, table, (uint16_t)section.link, &strings))
			return take_symbols(names, &section, &strings);
	}
	return false;
}

struct kernel_names *kernel_names_free(struct kernel_names *names)
{
	if (names)
		file_unmap(&names->file);
	free(names);
	return NULL;
}

struct kernel_names *kernel_names_read(int program)
{
	struct kernel_names *names = mem_zero(1, sizeof(*names));
	if (!names || file_map_fd(program, PROGRAM_MAX, &names->file) < 0) {
		free(names);
		return NULL;
	}
	return find_symbols(names) ? names : kernel_names_free(names);
}

const char *kernel_names_at(const struct kernel_names *names, uint64_t address,
			    uint64_t *ret_offset)
{
	for (size_t at = 0; names && at + sizeof(Elf64_Sym) <= names->symbols.size;
	     at += sizeof(Elf64_Sym)) {
		const uint8_t *p = names->symbols.data + at;
		uint64_t value = load64(p + offsetof(Elf64_Sym, st_value), false);
		uint64_t size = load64(p + offsetof(Elf64_Sym, st_size), false);
		if (ELF64_ST_TYPE(p[offsetof(Elf64_Sym, st_info)]) != STT_FUNC ||
		    address < value || address - value >= size)
			continue;
		*ret_offset = address - value;
		return bytes_string(names->strings, load32(p, false));
	}
	return NULL;
}
