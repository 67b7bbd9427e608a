/*
 * The vtables that kexts see. Darwin's tools know the end of a vtable by a zero word,
 * which ELF compilers do not write; so the exported tables are copies with that word, at
 * addresses that follow from the table of them alone: mach_kernel states them, and every
 * start of the kernel maps them there, read-only.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include "base/memory.h"
#include "kernel/machine/machine.h"
#include "kernel/pexpert/pexpert.h"

/* Generated from the objects: the compilers' own tables, ended by a NULL symbol. */
extern const struct kernel_vtable {
	const char *symbol;
	const void *words;
	uint64_t size;
	uint64_t destructors[2]; /* for slots that the compiler left empty */
} kernel_vtables[];

static uint64_t room_of(const struct kernel_vtable *vtable)
{
	return (vtable->size + sizeof(uint64_t) + 15) & -16ull;
}

uint64_t vtables_size(void)
{
	uint64_t size = 0;
	for (const struct kernel_vtable *v = kernel_vtables; v->symbol; v++)
		size += room_of(v);
	return (size + KERNEL_PAGE - 1) & -KERNEL_PAGE;
}

unsigned vtables_count(void)
{
	unsigned count = 0;
	while (kernel_vtables[count].symbol)
		count++;
	return count;
}

void vtables_export(struct kpi_export *exports)
{
	uint64_t address = KERNEL_VTABLES;
	for (const struct kernel_vtable *v = kernel_vtables; v->symbol; v++) {
		*exports++ = (struct kpi_export){v->symbol, (const void *)address};
		address += room_of(v);
	}
}

/* Behind the two header words. */
static void fill_destructors(uint8_t *to, const struct kernel_vtable *vtable)
{
	for (unsigned i = 0; i < 2; i++) {
		uint64_t *slot = (uint64_t *)to + 2 + i;
		if (!*slot)
			*slot = vtable->destructors[i];
	}
}

void vtables_copy(uint8_t *to)
{
	for (const struct kernel_vtable *v = kernel_vtables; v->symbol; v++) {
		memcpy(to, v->words, v->size);
		fill_destructors(to, v);
		memset(to + v->size, 0, room_of(v) - v->size);
		to += room_of(v);
	}
}

void vtables_startup(void)
{
	uint64_t size = vtables_size();
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	void *place = (void *)KERNEL_VTABLES;
	if (mmap(place, size, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED)
		panic("the vtables' pages cannot be had");
	vtables_copy(place);
	if (mprotect(place, size, PROT_READ) < 0)
		panic("the vtables cannot be protected");
}

/* ---- a trap in the place of a method ---- */
static void replace(void *words, uint64_t size, uint64_t from, uint64_t to)
{
	uint64_t *slots = words;
	for (uint64_t i = 0; i < size / sizeof(*slots); i++) {
		if (slots[i] == from)
			slots[i] = to;
	}
}

void vtables_trap(uint8_t *copies, const char *symbol)
{
	uint64_t address = address_of_symbol(symbol);
	if (address)
		replace(copies, vtables_size(), address, trap_of_symbol(symbol));
}

/* The pages stay writable: nobody runs a kernel with traps for anything else. */
static void replace_in_place(void *words, uint64_t size, uint64_t from, uint64_t to)
{
	uint64_t page = (uint64_t)words & -KERNEL_PAGE;
	if (mprotect((void *)page, (uint64_t)words + size - page,
		     PROT_READ | PROT_WRITE) < 0)
		panic("the vtables cannot be changed");
	replace(words, size, from, to);
}

void vtables_arm(bool is_on)
{
	char symbol[256];
	if (!PE_parse_boot_argn("trap", symbol, sizeof(symbol)))
		return;
	uint64_t method = address_of_symbol(symbol), trap = trap_of_symbol(symbol);
	if (!method || !trap)
		return;
	uint64_t from = is_on ? method : trap, to = is_on ? trap : method;
	for (const struct kernel_vtable *v = kernel_vtables; v->symbol; v++)
		replace_in_place((void *)v->words, v->size, from, to);
	replace_in_place((void *)KERNEL_VTABLES, vtables_size(), from, to);
}
