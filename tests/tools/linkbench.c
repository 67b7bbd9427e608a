/*
 * Links the set that tests/bench/gen_link.py wrote and prints what it cost, as one
 * JSON object:
 *
 *	linkbench FOLDER THREADS
 *
 * Measured from the first open to the last image in memory; kexts of one dependency level
 * are linked side by side, each at an address that its place in the plan gives it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <kext/link.h>
#include "base/file.h"
#include "common/heap.h"

#define KPIS	  7
#define MAX_KEXTS 1024
#define MAX_LINKS 32
#define STRIDE	  0x400000ull
#define START	  0xffffff7fa0000000ull

struct item {
	char name[16];
	bool is_library;
	size_t direct, count; /* of links; the direct ones come first */
	unsigned links[MAX_LINKS], level;
	struct file_map map;
	struct kext_image *image;
	struct kext_link_result result;
};

static struct item items[MAX_KEXTS];
static size_t item_count;
static int folder;
static struct file_map kernel_maps[KPIS + 1];
static struct kext_image *kernel, *interfaces[KPIS];
static atomic_size_t next_item;
static pthread_barrier_t barrier;
static unsigned levels;

static void fail(const char *what, const char *name, struct kext_diagnostics *list)
{
	fprintf(stderr, "linkbench: %s: %s\n", name, what);
	for (size_t i = 0; i < kext_diagnostics_length(list); i++)
		fprintf(stderr, "  %s\n", kext_diagnostics_at(list, i)->message);
	exit(1);
}

static struct kext_image *open_file(const char *name, struct file_map *map)
{
	struct kext_image *image;
	if (file_map_path(folder, name, 1u << 30, map) ||
	    kext_image_open(map->bytes.data, map->bytes.size, name, NULL, &image))
		fail("cannot be opened", name, NULL);
	return image;
}

static void parse_line(char *line, struct item *item)
{
	char *save, *word = strtok_r(line, " \n", &save);
	bool direct = true;
	snprintf(item->name, sizeof(item->name), "%s", word);
	item->is_library = strtok_r(NULL, " \n", &save)[0] != '0';
	while ((word = strtok_r(NULL, " \n", &save)) && item->count < MAX_LINKS) {
		if (word[0] == '|') {
			direct = false;
			continue;
		}
		unsigned other = (unsigned)strtoul(word, NULL, 10);
		item->links[item->count++] = other;
		item->direct += direct;
		if (item->level <= items[other].level)
			item->level = items[other].level + 1;
	}
}

static unsigned read_plan(const char *path)
{
	char line[1024], name[4096];
	unsigned depth = 0;
	snprintf(name, sizeof(name), "%s/plan", path);
	FILE *file = fopen(name, "r");
	folder = open(path, O_RDONLY | O_DIRECTORY);
	if (!file || folder < 0)
		fail("no plan", path, NULL);
	while (item_count < MAX_KEXTS && fgets(line, sizeof(line), file)) {
		parse_line(line, &items[item_count]);
		if (items[item_count].level >= depth)
			depth = items[item_count].level + 1;
		item_count++;
	}
	fclose(file);
	return depth;
}

static int allocate(void *data, uint64_t size, uint64_t *ret_address)
{
	*ret_address = START + STRIDE * (uint64_t)((struct item *)data - items);
	return size <= STRIDE ? 0 : -1;
}

static void link_item(struct item *item)
{
	struct kext_link_dependency dependencies[KPIS + MAX_LINKS];
	struct kext_diagnostics *list = kext_diagnostics_new();
	size_t count = 0;
	if (file_map_path(folder, item->name, 1u << 30, &item->map))
		fail("cannot be read", item->name, NULL);
	for (; count < KPIS; count++)
		dependencies[count] =
			(struct kext_link_dependency){kernel, interfaces[count], true};
	for (size_t i = 0; i < item->count; i++)
		dependencies[count++] = (struct kext_link_dependency){
			items[item->links[i]].image, NULL, i < item->direct};
	struct kext_link_request request = {.data = item->map.bytes.data,
					    .size = item->map.bytes.size,
					    .name = item->name,
					    .dependencies = dependencies,
					    .dependency_count = count,
					    .allocate = allocate,
					    .allocate_data = item};
	if (kext_link(&request, list, &item->result))
		fail("does not link", item->name, list);
	if (item->is_library && kext_image_open(item->result.data, item->result.size,
						item->name, list, &item->image))
		fail("cannot be linked against", item->name, list);
	kext_diagnostics_free(list);
}

static void link_level(unsigned level)
{
	size_t i;
	while ((i = atomic_fetch_add(&next_item, 1)) < item_count)
		if (items[i].level == level)
			link_item(&items[i]);
}

/* The kernel and the interfaces, the largest first. */
static void open_images(void)
{
	char name[8];
	size_t i;
	while ((i = atomic_fetch_add(&next_item, 1)) <= KPIS) {
		snprintf(name, sizeof(name), i ? "kpi%zu" : "kernel", i - 1);
		if (i)
			interfaces[i - 1] = open_file(name, &kernel_maps[i]);
		else
			kernel = open_file(name, &kernel_maps[i]);
	}
}

/* Every thread does a share of each step; a step begins when the one before has ended. */
static void *work(void *unused)
{
	open_images();
	for (unsigned level = 0; level < levels; level++) {
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			atomic_store(&next_item, 0);
		pthread_barrier_wait(&barrier);
		link_level(level);
	}
	return unused;
}

static void on_threads(unsigned threads)
{
	pthread_t others[64];
	pthread_barrier_init(&barrier, NULL, threads);
	for (unsigned i = 1; i < threads; i++)
		if (pthread_create(&others[i], NULL, work, NULL))
			fail("no thread", "pthread_create", NULL);
	work(NULL);
	for (unsigned i = 1; i < threads; i++)
		pthread_join(others[i], NULL);
}

static double now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds to copy all inputs once, into memory that is there already. */
static double copy_inputs(void)
{
	double best = 1e9;
	uint8_t *target = calloc(1, STRIDE);
	for (int round = 0; target && round < 5; round++) {
		double start = now(CLOCK_MONOTONIC);
		for (size_t i = 0; i < item_count; i++)
			memcpy(target, items[i].map.bytes.data, items[i].map.bytes.size);
		__asm__ volatile("" ::"r"(target) : "memory");
		double took = now(CLOCK_MONOTONIC) - start;
		best = took < best ? took : best;
	}
	free(target);
	return best;
}

/* One number over all images, so that runs can be compared. */
static uint64_t checksum(void)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < item_count; i++)
		for (size_t at = 0; at + 8 <= items[i].result.size; at += 8)
			sum = sum * 31 + load64(items[i].result.data + at, false);
	return sum;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	unsigned threads = (unsigned)strtoul(argv[2], NULL, 10);
	threads = threads < 64 && threads ? threads : 1;
	levels = read_plan(argv[1]);
	heap_expect_large_blocks();
	double start = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	on_threads(threads);
	double took = now(CLOCK_MONOTONIC) - start;
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	uint64_t input = 0, output = 0, kexts = 0;
	for (unsigned i = 0; i <= KPIS; i++)
		input += kernel_maps[i].bytes.size;
	for (size_t i = 0; i < item_count; i++) {
		kexts += items[i].map.bytes.size;
		output += items[i].result.size;
	}
	printf("{\"mbps\": %.1f, \"seconds\": %.4f, \"cpu\": %.4f, \"memory\": %.3f, "
	       "\"memcpy\": %.1f, \"levels\": %u, \"sum\": \"%016llx\"}\n",
	       (double)kexts / took / 1e6, took, cpu,
	       (double)usage.ru_maxrss * 1024 / (double)(input + kexts + output),
	       took / copy_inputs(), levels, (unsigned long long)checksum());
	return 0;
}
