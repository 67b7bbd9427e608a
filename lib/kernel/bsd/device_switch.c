/*
 * The switch of character devices: 64 slots, of which the console, terminals, memory,
 * logs and keyboard have theirs as on a Mac. Records are copied; no node leads to them
 * here.
 */
#include <string.h>
#include "kernel/bsd/bsd.h"

enum { SLOTS = 64, ENTRIES = 14 };

/* Darwin's cdevsw: open, close, read, write, ioctl, stop, reset, ttys, select, mmap,
 * strategy, two reserved, type. */
struct device_switch {
	const void *entries[ENTRIES];
};
_Static_assert(sizeof(struct device_switch) == 112, "cdevsw");

int cdevsw_add(int index, const struct device_switch *device);
int cdevsw_remove(int index, const struct device_switch *device);
int cdevsw_isfree(int index);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct device_switch slots[SLOTS];
static bool is_used[SLOTS] = {
	[0] = true, [2] = true, [3] = true, [4] = true,	 [5] = true,
	[6] = true, [7] = true, [8] = true, [12] = true,
};

/* What entries of tables lead to: numbers are Darwin's. */
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

static int no_such_call(void)
{
	return XNU_ENOSYS;
}
KPI_AS("_enosys", no_such_call);

static int always_ready(void)
{
	return 1;
}
KPI_AS("_seltrue", always_ready);

static bool is_in_range(int index)
{
	return index >= 0 && index < SLOTS;
}

/* The slot itself, or the first free one from -index on (from 0 for -1); -1 if none. */
static int find_free(int index)
{
	if (index >= 0)
		return is_in_range(index) && !is_used[index] ? index : -1;
	for (int64_t i = index == -1 ? 0 : -(int64_t)index; i < SLOTS; i++) {
		if (!is_used[i])
			return (int)i;
	}
	return -1;
}

int cdevsw_isfree(int index)
{
	int slot;

	pthread_mutex_lock(&lock);
	slot = find_free(index);
	pthread_mutex_unlock(&lock);
	return slot;
}
KPI(cdevsw_isfree);

int cdevsw_add(int index, const struct device_switch *device)
{
	int slot;

	pthread_mutex_lock(&lock);
	slot = find_free(index);
	if (slot >= 0) {
		slots[slot] = *device;
		is_used[slot] = true;
	}
	pthread_mutex_unlock(&lock);
	return slot;
}
KPI(cdevsw_add);

int cdevsw_remove(int index, const struct device_switch *device)
{
	bool is_same;

	pthread_mutex_lock(&lock);
	is_same = is_in_range(index) && is_used[index] &&
		  memcmp(&slots[index], device, sizeof(*device)) == 0;
	if (is_same)
		is_used[index] = false;
	pthread_mutex_unlock(&lock);
	return is_same ? index : -1;
}
KPI(cdevsw_remove);

static bool is_inside(const void *code, const void *start, const void *end)
{
	return (const char *)code >= (const char *)start &&
	       (const char *)code < (const char *)end;
}

void device_switch_kmod_unloaded(const char *identifier, const void *start,
				 const void *end)
{
	for (int i = 0; i < SLOTS; i++) {
		pthread_mutex_lock(&lock);
		bool is_left = is_used[i] && is_inside(slots[i].entries[0], start, end);
		if (is_left)
			is_used[i] = false;
		pthread_mutex_unlock(&lock);
		if (is_left)
			report_left(identifier, "left character device %d registered", i);
	}
}
