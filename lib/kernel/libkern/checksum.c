/*
 * CRC-32 (reflected 0xEDB88320, inverted before and after) and Adler-32: both chain by
 * passing the last result.
 */
#include "kernel/libkern/libkern.h"

uint32_t xnu_crc32(uint32_t crc, const void *data, size_t size)
{
	const uint8_t *p = data;

	crc = ~crc;
	while (size--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}
KPI_XNU(crc32);

/* NULL data asks for the first value. */
unsigned long xnu_adler32(unsigned long adler, const uint8_t *data, unsigned size)
{
	uint32_t a = adler & 0xffff, b = adler >> 16 & 0xffff;

	if (!data)
		return 1;
	while (size--) {
		a = (a + *data++) % 65521;
		b = (b + a) % 65521;
	}
	return (unsigned long)b << 16 | a;
}
KPI_XNU(adler32);
