/*
 * Random numbers, all from the host's getrandom. A generator that a kext registers is
 * run, so that its own tests see life, and never trusted.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include "kernel/libkern/libkern.h"
#include "kernel/osfmk/osfmk.h"

void read_random(void *data, unsigned size)
{
	random_buf(data, size);
}
KPI(read_random);
KPI_AS("_read_frandom", read_random);

int random_buf(void *data, size_t size)
{
	uint8_t *to = data;

	while (size) {
		ssize_t n = getrandom(to, size < 65536 ? size : 65536, 0);

		if (n < 0 && errno != EINTR)
			panic_at(__builtin_return_address(0), "no random numbers");
		if (n > 0) {
			to += n;
			size -= (size_t)n;
		}
	}
	return 0;
}
KPI(random_buf);

/* The host's pool needs no help. */
int write_random(void *data, unsigned size)
{
	(void)data;
	(void)size;
	return 0;
}
KPI(write_random);

unsigned xnu_random(void)
{
	return RandomULong() & 0x7fffffff;
}
KPI_XNU(random);

uint32_t RandomULong(void)
{
	uint32_t value;

	random_buf(&value, sizeof(value));
	return value;
}
KPI(RandomULong);

static const void *_Atomic crypto_functions;

/* 0 for the first table, -1 for any other. Our own digests do not need it. */
int register_crypto_functions(const void *functions)
{
	const void *none = NULL;

	return atomic_compare_exchange_strong(&crypto_functions, &none, functions) ? 0
										   : -1;
}
KPI(register_crypto_functions);

void register_and_init_prng(void *context, const struct prng_functions *functions)
{
	static uint8_t pool[4096];
	static int samples;
	uint8_t seed[64], nonce[8];

	random_buf(pool, sizeof(pool));
	random_buf(seed, sizeof(seed));
	random_buf(nonce, sizeof(nonce));
	samples = (int)sizeof(pool);
	functions->init(context, real_ncpus, sizeof(pool), pool, &samples, sizeof(seed),
			seed, sizeof(nonce), nonce);
	functions->initgen(context, 0);
	memset(seed, 0, sizeof(seed));
}
KPI(register_and_init_prng);
