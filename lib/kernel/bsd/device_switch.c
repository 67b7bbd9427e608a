/*
 * The switches of character and block devices: 64 slots, of which the console, terminals,
 * memory, logs and keyboard have theirs as on a Mac, and 24. Records are copied.
 */
#include <string.h>
#include "kernel/bsd/bsd.h"

enum { CHARACTER_SLOTS = 64, BLOCK_SLOTS = 24 };

/* Darwin's cdevsw: open, close, read, write, ioctl, stop, reset, ttys, select, mmap,
 * strategy, two reserved, type. */
struct character_switch {
	const void *entries[14];
};
_Static_assert(sizeof(struct character_switch) == 112, "cdevsw");

/* Darwin's bdevsw: open, close, strategy, ioctl, dump, size, type. */
struct block_switch {
	const void *entries[7];
};
_Static_assert(sizeof(struct block_switch) == 56, "bdevsw");

int cdevsw_add(int index, const struct character_switch *device);
int cdevsw_add_with_bdev(int index, const struct character_switch *device, int block);
int cdevsw_remove(int index, const struct character_switch *device);
int cdevsw_isfree(int index);
int bdevsw_add(int index, const struct block_switch *device);
int bdevsw_remove(int index, const struct block_switch *device);
int bdevsw_isfree(int index);

static struct character_switch character_records[CHARACTER_SLOTS];
static struct block_switch block_records[BLOCK_SLOTS];
static bool is_character_used[CHARACTER_SLOTS] = {
	[0] = true, [2] = true, [3] = true, [4] = true,	 [5] = true,
	[6] = true, [7] = true, [8] = true, [12] = true,
};
static bool is_block_used[BLOCK_SLOTS];

/* One of the two; each record begins with its open entry. */
struct table {
	const char *kind;
	char *records;
	size_t size; /* of a record */
	bool *is_used;
	int count;
};

static const struct table characters = {"character", (char *)character_records,
					sizeof(*character_records), is_character_used,
					CHARACTER_SLOTS};
static const struct table blocks = {"block", (char *)block_records,
				    sizeof(*block_records), is_block_used, BLOCK_SLOTS};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of both */

/* ---- what entries lead to: numbers are Darwin's ---- */

static int no_device(void)
{
	return XNU_ENODEV;
}
KPI_AS("_enodev", no_device);

static void no_strategy(void)
{
}
KPI_AS("_enodev_strat", no_strategy);

static int nothing(void)
{
	return 0;
}
KPI_AS("_nullop", nothing);

static int nothing_at_all(void)
{
	return 0;
}
KPI_AS("_nulldev", nothing_at_all);

static int no_such_device(void)
{
	return XNU_ENXIO;
}
KPI_AS("_enxio", no_such_device);

static int no_such_control(void)
{
	return XNU_ENOTTY;
}
KPI_AS("_enoioctl", no_such_control);

static int no_such_call(void)
{
	return XNU_ENOSYS;
}
KPI_AS("_enosys", no_such_call);

static int not_supported(void)
{
	return XNU_ENOTSUP;
}
KPI_AS("_eopnotsupp", not_supported);

static int always_ready(void)
{
	return 1;
}
KPI_AS("_seltrue", always_ready);

/* ---- slots ---- */

/* With the lock: the slot itself, or for a negative index the first free one from there
 * on, where -1 means 0; -1 if there is none. */
static int find_free(const struct table *table, int index)
{
	int64_t first = index == -1 ? 0 : -(int64_t)index;
	if (index >= 0)
		return index < table->count && !table->is_used[index] ? index : -1;
	while (first < table->count && table->is_used[first])
		first++;
	return first < table->count ? (int)first : -1;
}

static int find(const struct table *table, int index)
{
	pthread_mutex_lock(&lock);
	int slot = find_free(table, index);
	pthread_mutex_unlock(&lock);
	return slot;
}

static int add(const struct table *table, int index, const void *record)
{
	pthread_mutex_lock(&lock);
	int slot = find_free(table, index);
	if (slot >= 0) {
		memcpy(table->records + (size_t)slot * table->size, record, table->size);
		table->is_used[slot] = true;
	}
	pthread_mutex_unlock(&lock);
	return slot;
}

/* Only with the very record that is there. */
static int take_out(const struct table *table, int index, const void *record)
{
	if (index < 0 || index >= table->count)
		return -1;
	const char *place = table->records + (size_t)index * table->size;
	pthread_mutex_lock(&lock);
	bool is_same = table->is_used[index] && memcmp(place, record, table->size) == 0;
	if (is_same)
		table->is_used[index] = false;
	pthread_mutex_unlock(&lock);
	return is_same ? index : -1;
}

int cdevsw_isfree(int index)
{
	return find(&characters, index);
}
KPI(cdevsw_isfree);

int cdevsw_add(int index, const struct character_switch *device)
{
	return add(&characters, index, device);
}
KPI(cdevsw_add);

/* The block device that the character device is the raw side of has to be possible. */
int cdevsw_add_with_bdev(int index, const struct character_switch *device, int block)
{
	return block < 0 || block >= BLOCK_SLOTS ? -1 : cdevsw_add(index, device);
}
KPI(cdevsw_add_with_bdev);

int cdevsw_remove(int index, const struct character_switch *device)
{
	return take_out(&characters, index, device);
}
KPI(cdevsw_remove);

int bdevsw_isfree(int index)
{
	return find(&blocks, index);
}
KPI(bdevsw_isfree);

int bdevsw_add(int index, const struct block_switch *device)
{
	return add(&blocks, index, device);
}
KPI(bdevsw_add);

int bdevsw_remove(int index, const struct block_switch *device)
{
	return take_out(&blocks, index, device);
}
KPI(bdevsw_remove);

/* ---- what a kext leaves ---- */

static bool is_inside(const void *code, const void *start, const void *end)
{
	return (const char *)code >= (const char *)start &&
	       (const char *)code < (const char *)end;
}

static void clear(const struct table *table, const char *identifier, const void *start,
		  const void *end)
{
	for (int i = 0; i < table->count; i++) {
		const void *open;
		pthread_mutex_lock(&lock);
		memcpy(&open, table->records + (size_t)i * table->size, sizeof(open));
		bool is_left = table->is_used[i] && is_inside(open, start, end);
		if (is_left)
			table->is_used[i] = false;
		pthread_mutex_unlock(&lock);
		if (is_left)
			report_left(identifier, "left %s device %d registered",
				    table->kind, i);
	}
}

void device_switch_kmod_unloaded(const char *identifier, const void *start,
				 const void *end)
{
	clear(&characters, identifier, start, end);
	clear(&blocks, identifier, start, end);
}
