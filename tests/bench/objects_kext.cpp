/*
 * The work of objects_glib.c with libkern's classes, done in start: each kind of work is
 * timed over ROUNDS rounds and logged as "objects: NAME
 * nanoseconds-per-operation-in-thousandths".
 */
#include <IOKit/IOLib.h>
#include <libkern/c++/OSContainers.h>
#include <mach/mach_time.h>
#include <mach/mach_types.h>

enum { KEYS = 32, NAMES = 1024, ROUNDS = 7, REPEATS = 20000, OPERATIONS = 1000000 };

static const OSSymbol *keys[KEYS];
static char names[NAMES][48];
static OSDictionary *dictionary;
static OSString *value;

/* Each key set and looked up, the value replaced every time. */
static uint64_t dictionary_work()
{
	for (int i = 0; i < REPEATS; i++) {
		for (int k = 0; k < KEYS; k++)
			dictionary->setObject(keys[k], value);
		for (int k = 0; k < KEYS; k++)
			if (dictionary->getObject(keys[k]) != value)
				panic("a key is lost");
	}
	return (uint64_t)REPEATS * KEYS * 2;
}

/* A reference to existing unique text taken and dropped. */
static uint64_t symbol_work()
{
	for (int i = 0; i < OPERATIONS; i++)
		OSSymbol::withCString(names[i % NAMES])->release();
	return OPERATIONS;
}

static uint64_t retain_work()
{
	for (int i = 0; i < OPERATIONS; i++) {
		value->retain();
		value->release();
	}
	return OPERATIONS;
}

static void measure(const char *name, uint64_t (*work)())
{
	uint64_t best = ~0ULL;
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start = mach_absolute_time();
		uint64_t operations = work();
		uint64_t time = (mach_absolute_time() - start) * 1000 / operations;
		if (time < best)
			best = time;
	}
	IOLog("objects: %s %llu\n", name, best);
}

extern "C" kern_return_t Bench_start(kmod_info_t *k, void *d)
{
	dictionary = OSDictionary::withCapacity(KEYS);
	value = OSString::withCString("value");
	for (int i = 0; i < NAMES; i++)
		snprintf(names[i], sizeof(names[i]), "IOClassOfSomeLength%dProperty%d",
			 i % 7, i);
	const OSSymbol *held[NAMES];
	for (int i = 0; i < NAMES; i++)
		held[i] = OSSymbol::withCString(names[i]);
	for (int i = 0; i < KEYS; i++)
		keys[i] = held[i * (NAMES / KEYS)];
	measure("dictionary", dictionary_work);
	measure("symbol", symbol_work);
	measure("retain", retain_work);
	dictionary->release();
	value->release();
	for (int i = 0; i < NAMES; i++)
		held[i]->release();
	return KERN_SUCCESS;
}

extern "C" kern_return_t Bench_stop(kmod_info_t *k, void *d)
{
	return KERN_SUCCESS;
}
