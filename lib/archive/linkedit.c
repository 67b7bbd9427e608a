/*
 * The part of a __LINKEDIT that is one kext's own: its symbols with just the names they
 * use out of a table that all share, its relocations, and tables that are copied as they
 * are.
 */
#include <errno.h>
#include <inttypes.h>
#include "archive/standalone.h"
#include "base/memory.h"

/* A run of the old string table, which is copied whole. */
struct run {
	uint32_t start, end, copied_to;
};

struct symbols {
	struct bytes table, strings;
	uint32_t count;
	size_t item; /* bytes of a symbol */
	ARRAY_OF(struct run) runs;
};

static uint32_t place_of(const struct standalone *s)
{
	return (uint32_t)(s->content_end + s->linkedit_data.size);
}

static bool is_stripped(const struct standalone *s)
{
	return !s->linkedit || !s->linkedit->file_size;
}

/*
 * Copies a table of `count` items at a file offset and states its new place in the two
 * words at `words`. Without __LINKEDIT there are no tables, whatever the command says.
 */
static int copy_table(struct standalone *s, uint8_t *words, size_t item, const char *what)
{
	uint32_t offset = load32(words, s->big), count = load32(words + 4, s->big);
	struct bytes table = {0};
	if (count && is_stripped(s))
		count = 0;
	if (count && !standalone_bytes_at(s, offset, count * (uint64_t)item, &table))
		return standalone_damaged(
			s, "its %s, %" PRIu32 " at 0x%" PRIx32 ", are not in the file",
			what, count, offset);
	buffer_align(&s->linkedit_data, 8);
	store32(words, count ? place_of(s) : 0, s->big);
	store32(words + 4, count, s->big);
	buffer_append(&s->linkedit_data, table.data, table.size);
	return 0;
}

static uint8_t *copy_command(struct standalone *s, struct bytes command)
{
	uint8_t *copy = buffer_extend(&s->new_commands, command.size);
	if (copy)
		memcpy(copy, command.data, command.size);
	return copy;
}

static int copy_data(struct standalone *s, struct bytes command)
{
	uint8_t *copy = copy_command(s, command);
	return copy ? copy_table(s, copy + 8, 1, "tables") : -ENOMEM;
}

static int copy_dysymtab(struct standalone *s, struct bytes command)
{
	static const size_t unused[] = {32, 40, 48}; /* tables of dynamic libraries */
	uint8_t *copy = copy_command(s, command);
	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(unused) / sizeof(*unused); i++)
		memset(copy + unused[i], 0, 8);
	if (is_stripped(s))
		memset(copy + 8, 0, 24);
	store32(copy + 20, s->state.count ? s->state.count : load32(copy + 20, s->big),
		s->big); /* what a link state has is external and defined */
	int error = copy_table(s, copy + 56, 4, "indirect symbols");
	if (error == 0)
		error = copy_table(s, copy + 64, 8, "external relocations");
	if (error == 0)
		error = copy_table(s, copy + 72, 8, "local relocations");
	return error;
}

/* ---- symbols ---- */

static bool is_alias(const uint8_t *symbol)
{
	return !(symbol[4] & N_STAB) && (symbol[4] & N_TYPE) == N_INDR;
}

static uint32_t alias_target(const struct standalone *s, const uint8_t *symbol)
{
	/* The index fits in 32 bits; of 64, it is the low half. */
	return load32(symbol + (s->is_64 && s->big ? 12 : 8), s->big);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

/* Every index into the strings, in ascending order; the caller frees. */
static uint32_t *sorted_names(const struct standalone *s, const struct symbols *symbols,
			      size_t *ret_count)
{
	uint32_t *names = mem_alloc((symbols->count * 2 + (size_t)1) * sizeof(*names));
	size_t count = 0;
	if (!names)
		return NULL;
	for (uint32_t i = 0; i < symbols->count; i++) {
		const uint8_t *symbol = symbols->table.data + i * symbols->item;
		names[count++] = load32(symbol, s->big);
		if (is_alias(symbol))
			names[count++] = alias_target(s, symbol);
	}
	qsort(names, count, sizeof(*names), compare);
	*ret_count = count;
	return names;
}

/*
 * Merges the names into runs, one per terminated string that something points into, so
 * that no byte is looked at or copied twice however many symbols share it.
 */
static int find_runs(struct standalone *s, struct symbols *symbols)
{
	size_t count;
	_cleanup_free_ uint32_t *names = sorted_names(s, symbols, &count);
	uint32_t end = 0, copied = 1;
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const char *name;
		if (names[i] == 0 || names[i] < end)
			continue;
		if (!(name = bytes_string(symbols->strings, names[i])))
			return standalone_damaged(s,
						  "a symbol's name at %" PRIu32
						  " of %zu bytes of strings "
						  "does not end",
						  names[i], symbols->strings.size);
		struct run *run = array_push(&symbols->runs);
		if (!run)
			return -ENOMEM;
		end = names[i] + (uint32_t)strlen(name) + 1;
		*run = (struct run){names[i], end, copied};
		copied += end - names[i];
	}
	return 0;
}

static uint32_t moved_name(const struct symbols *symbols, uint32_t name)
{
	size_t low = 0, high = symbols->runs.count;
	if (name == 0)
		return 0;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (symbols->runs.items[middle].start <= name)
			low = middle;
		else
			high = middle;
	}
	const struct run *run = &symbols->runs.items[low];
	return run->copied_to + (name - run->start);
}

static void write_symbols(struct standalone *s, const struct symbols *symbols)
{
	if (!symbols->count)
		return;
	uint8_t *out = buffer_extend(&s->linkedit_data, symbols->table.size);
	if (!out)
		return;
	memcpy(out, symbols->table.data, symbols->table.size);
	for (uint32_t i = 0; i < symbols->count; i++, out += symbols->item) {
		store32(out, moved_name(symbols, load32(out, s->big)), s->big);
		if (is_alias(out))
			store32(out + (s->is_64 && s->big ? 12 : 8),
				moved_name(symbols, alias_target(s, out)), s->big);
	}
}

static void write_strings(struct standalone *s, const struct symbols *symbols)
{
	buffer_zeros(&s->linkedit_data, 1);
	array_for_each (run, &symbols->runs)
		buffer_append(&s->linkedit_data, symbols->strings.data + run->start,
			      run->end - run->start);
}

static int find_symbols(struct standalone *s, const uint8_t *command,
			struct symbols *symbols)
{
	uint32_t at = load32(command + 8, s->big), count = load32(command + 12, s->big);
	uint32_t strings = load32(command + 16, s->big),
		 size = load32(command + 20, s->big);
	symbols->item = s->is_64 ? 16 : 12;
	if (!count || is_stripped(s))
		return 0;
	if (!standalone_bytes_at(s, at, count * (uint64_t)symbols->item,
				 &symbols->table) ||
	    !standalone_bytes_at(s, strings, size, &symbols->strings))
		return standalone_damaged(
			s,
			"its %" PRIu32 " symbols at 0x%" PRIx32 ", or %" PRIu32
			" bytes of strings at 0x%" PRIx32 ", are not in the file",
			count, at, size, strings);
	symbols->count = count;
	return find_runs(s, symbols);
}

static int copy_symtab(struct standalone *s, struct bytes command)
{
	struct symbols symbols = {0};
	uint8_t *copy = copy_command(s, command);
	if (!copy)
		return -ENOMEM;
	int error = find_symbols(s, copy, &symbols);
	if (error == 0) {
		buffer_align(&s->linkedit_data, 8);
		store32(copy + 8, place_of(s), s->big);
		store32(copy + 12, symbols.count, s->big);
		write_symbols(s, &symbols);
		uint32_t strings = place_of(s);
		write_strings(s, &symbols);
		store32(copy + 16, strings, s->big);
		store32(copy + 20, place_of(s) - strings, s->big);
	}
	array_free(&symbols.runs);
	return error;
}

int standalone_copy_linkedit(struct standalone *s, struct bytes command, uint32_t type,
			     bool *ret_done)
{
	size_t least = type == LC_SYMTAB ? 24 : type == LC_DYSYMTAB ? 80 : 16;
	bool is_done = true;
	int error = 0;
	switch (type) {
	case LC_SYMTAB:
	case LC_DYSYMTAB:
	case LC_FUNCTION_STARTS:
	case LC_DATA_IN_CODE:
	case LC_SEGMENT_SPLIT_INFO:
	case LC_DYLD_EXPORTS_TRIE:
	case LC_LINKER_OPTIMIZATION_HINT:
		if (command.size < least)
			error = standalone_damaged(
				s, "load command 0x%" PRIx32 " of %zu bytes is too short",
				type, command.size);
		else if (type == LC_SYMTAB)
			error = copy_symtab(s, command);
		else if (type == LC_DYSYMTAB)
			error = copy_dysymtab(s, command);
		else
			error = copy_data(s, command);
		break;
	default:
		is_done = false;
	}
	if (error == 0)
		*ret_done = is_done;
	return error;
}
