/* The work of objects_kext.cpp with GLib: a hash table that owns references, unique
 * counted text, and objects. Prints the same lines. */
#include <glib-object.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { KEYS = 32, NAMES = 1024, ROUNDS = 7, REPEATS = 20000, OPERATIONS = 1000000 };

static const char *keys[KEYS];
static char names[NAMES][48];
static GHashTable *table;
static GObject *value;

static uint64_t dictionary_work(void)
{
	for (int i = 0; i < REPEATS; i++) {
		for (int k = 0; k < KEYS; k++)
			g_hash_table_insert(table, (void *)keys[k], g_object_ref(value));
		for (int k = 0; k < KEYS; k++)
			if (g_hash_table_lookup(table, keys[k]) != value)
				abort();
	}
	return (uint64_t)REPEATS * KEYS * 2;
}

static uint64_t symbol_work(void)
{
	for (int i = 0; i < OPERATIONS; i++)
		g_ref_string_release(g_ref_string_new_intern(names[i % NAMES]));
	return OPERATIONS;
}

static uint64_t retain_work(void)
{
	for (int i = 0; i < OPERATIONS; i++) {
		g_object_ref(value);
		g_object_unref(value);
	}
	return OPERATIONS;
}

static uint64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void measure(const char *name, uint64_t (*work)(void))
{
	uint64_t best = UINT64_MAX;
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start = now(), operations = work();
		uint64_t time = (now() - start) * 1000 / operations;
		if (time < best)
			best = time;
	}
	printf("objects: %s %llu\n", name, (unsigned long long)best);
}

int main(void)
{
	value = g_object_new(G_TYPE_OBJECT, NULL);
	table = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL,
				      g_object_unref);
	for (int i = 0; i < NAMES; i++) {
		snprintf(names[i], sizeof(names[i]), "IOClassOfSomeLength%dProperty%d",
			 i % 7, i);
		char *held = g_ref_string_new_intern(names[i]);
		if (i % (NAMES / KEYS) == 0)
			keys[i / (NAMES / KEYS)] = held;
	}
	measure("dictionary", dictionary_work);
	measure("symbol", symbol_work);
	measure("retain", retain_work);
	return 0;
}
