/*
 * The kernel's symbols: every name of the KPI lists, at its implementation or else at a
 * trap page of its own, and whatever is implemented besides. Trap pages are numbered by
 * the lists alone, so that implementing one symbol moves no other.
 */
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "kernel/machine/machine.h"
#include "macho/uuid.h"

static struct kernel_symbol *symbols;
static size_t symbol_count;
static uint8_t known_uuid[16];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int compare_exports(const void *a, const void *b)
{
	const struct kpi_export *const *x = a, *const *y = b;
	return strcmp((*x)->symbol, (*y)->symbol);
}

/* Symbols of the copies of vtables. */
static struct kpi_export *vtable_exports(unsigned count)
{
	struct kpi_export *exports = mem_zero(count + 1u, sizeof(*exports));
	if (!exports)
		panic("no memory for the kernel's symbols");
	vtables_export(exports);
	return exports;
}

/* Pointers to the implemented symbols, sorted by name. */
static const struct kpi_export **sorted_exports(const struct kpi_export *vtables,
						size_t *ret_count)
{
	size_t own = (size_t)(__stop_kpi_exports - __start_kpi_exports);
	size_t count = own + vtables_count();
	const struct kpi_export **sorted = mem_zero(count + 1, sizeof(*sorted));
	if (!sorted)
		return NULL;
	for (size_t i = 0; i < count; i++)
		sorted[i] = i < own ? &__start_kpi_exports[i] : &vtables[i - own];
	qsort(sorted, count, sizeof(*sorted), compare_exports);
	*ret_count = count;
	return sorted;
}

/* One Darwin symbol, one address. */
static void check_unique(const struct kpi_export **exports, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (strcmp(exports[i - 1]->symbol, exports[i]->symbol) == 0)
			panic("%s is exported twice", exports[i]->symbol);
	}
}

/* Merges the two sorted lists; a name in both is at its implementation. */
static void merge(const struct kpi_export **exports, size_t export_count)
{
	size_t name = 0, export = 0;
	while (name < kpi_name_count || export < export_count) {
		struct kernel_symbol *symbol = &symbols[symbol_count++];
		int order = name == kpi_name_count ? 1
			    : export == export_count
				    ? -1
				    : strcmp(kpi_names[name], exports[export]->symbol);
		if (order < 0) {
			symbol->name = kpi_names[name];
			symbol->address = KERNEL_TRAPS + KERNEL_PAGE * name;
		} else {
			symbol->name = exports[export]->symbol;
			symbol->address = (uint64_t)exports[export ++]->address;
		}
		name += order <= 0;
	}
}

static void make_symbols(void)
{
	size_t count = 0;
	struct kpi_export *vtables = vtable_exports(vtables_count());
	const struct kpi_export **exports = sorted_exports(vtables, &count);
	symbols = mem_zero(count + kpi_name_count, sizeof(*symbols));
	if (!exports || !symbols)
		panic("no memory for the kernel's symbols");
	check_unique(exports, count);
	merge(exports, count);
	free(exports);
	free(vtables);
}

const struct kernel_symbol *kernel_symbols(size_t *ret_count)
{
	pthread_once(&once, make_symbols);
	*ret_count = symbol_count;
	return symbols;
}

/* A kext linked against other slots must not be loaded. */
static void append_vtables(struct buffer *content)
{
	uint8_t *words = mem_zero(vtables_size() + 1, 1);
	if (!words)
		panic("no memory for the kernel's UUID");
	vtables_copy(words);
	buffer_append(content, words, vtables_size());
	free(words);
}

void kernel_uuid(uint8_t uuid[16])
{
	size_t count;
	const struct kernel_symbol *all = kernel_symbols(&count);
	_cleanup_buffer_ struct buffer content = {0};
	for (size_t i = 0; i < count; i++) {
		buffer_append(&content, all[i].name, strlen(all[i].name) + 1);
		buffer_u64(&content, all[i].address, false);
	}
	append_vtables(&content);
	if (buffer_error(&content))
		panic("no memory for the kernel's UUID");
	macho_uuid_from_content(bytes_of(content.data, content.size), uuid);
	memcpy(known_uuid, uuid, sizeof(known_uuid));
}

void kernel_known_uuid(uint8_t uuid[16])
{
	memcpy(uuid, known_uuid, sizeof(known_uuid));
}

const char *trap_symbol_at(uint64_t address)
{
	if (address < KERNEL_TRAPS || address >= KERNEL_KEXTS)
		return NULL;
	uint64_t index = (address - KERNEL_TRAPS) / KERNEL_PAGE;
	return index < kpi_name_count ? kpi_names[index] : NULL;
}

static int compare_name(const void *name, const void *entry)
{
	return strcmp(name, *(const char *const *)entry);
}

static int compare_symbol(const void *name, const void *entry)
{
	return strcmp(name, ((const struct kernel_symbol *)entry)->name);
}

uint64_t address_of_symbol(const char *name)
{
	size_t count;
	const struct kernel_symbol *all = kernel_symbols(&count);
	const struct kernel_symbol *entry =
		bsearch(name, all, count, sizeof(*all), compare_symbol);
	return entry ? entry->address : 0;
}

uint64_t trap_of_symbol(const char *name)
{
	const char *const *entry = bsearch(name, kpi_names, kpi_name_count,
					   sizeof(*kpi_names), compare_name);
	return entry ? KERNEL_TRAPS + KERNEL_PAGE * (uint64_t)(entry - kpi_names) : 0;
}
