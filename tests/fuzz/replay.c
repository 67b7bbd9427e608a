/*
 * Runs a fuzz target without libFuzzer: each seed as it is, cut short at many places, and
 * changed in small ways drawn from a fixed generator, so that every run does the same.
 *
 *	replay_NAME MUTANTS SEED-FILE...
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
/* A target's own, which knows its format; half of the mutants are its. */
__attribute__((weak)) size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
						     size_t max_size, unsigned seed);

static uint64_t state = 0x9e3779b97f4a7c15ull;

static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return below ? (uint32_t)(state >> 33) % below : 0;
}

/* A copy of exact size, so that a sanitizer sees a read past its end. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void mutate(uint8_t *data, uint32_t size)
{
	static const uint32_t words[] = {0,	     1,		 0x7fffffff,
					 0x80000000, 0xffffffff, 0xfffffff0};
	for (uint32_t n = 1 + draw(4); n; n--) {
		/* Headers and tables lie in front: half of the changes go there. */
		uint32_t at = draw(draw(2) && size > 512 ? 512 : size);
		uint32_t word = words[draw(6)];
		switch (draw(3)) {
		case 0:
			data[at] ^= (uint8_t)(1u << draw(8));
			break;
		case 1:
			data[at] = (uint8_t)draw(256);
			break;
		default:
			if (at + 4 <= size)
				memcpy(data + (at & ~3u), &word, 4);
		}
	}
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
	(void)max_size;
	if (size)
		mutate(data, (uint32_t)size);
	return size;
}

#define GROWTH 64u /* what a mutant may be longer */

static void replay(const uint8_t *seed, uint32_t size, unsigned mutants)
{
	uint8_t *copy = malloc(size + GROWTH);
	if (!copy)
		abort();
	run(seed, size);
	for (uint32_t cut = 0; cut < 64; cut++)
		run(seed, (uint32_t)((uint64_t)size * cut / 64));
	for (unsigned i = 0; i < mutants; i++) {
		memcpy(copy, seed, size);
		size_t changed = size;
		if (LLVMFuzzerCustomMutator && i % 2)
			changed = LLVMFuzzerCustomMutator(copy, size, size + GROWTH,
							  draw(UINT32_MAX));
		else
			mutate(copy, size);
		run(copy, changed);
	}
	free(copy);
}

int main(int argc, char **argv)
{
	unsigned mutants = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	for (int i = 2; i < argc; i++) {
		static uint8_t seed[4u << 20];
		FILE *file = fopen(argv[i], "rb");
		if (!file) {
			perror(argv[i]);
			return 1;
		}
		size_t size = fread(seed, 1, sizeof(seed), file);
		fclose(file);
		if (size)
			replay(seed, (uint32_t)size, mutants);
	}
	printf("ok %d seeds\n", argc - 2);
	return argc < 3;
}
