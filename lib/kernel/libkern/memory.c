/*
 * Copying, filling and comparing memory. memcpy is a memmove: kexts that overlap by
 * mistake get what they meant.
 */
#include <string.h>
#include "kernel/libkern/libkern.h"

void xnu_bzero(void *to, size_t n)
{
	memset(to, 0, n);
}
KPI_XNU(bzero);
KPI_AS("___bzero", xnu_bzero);

void xnu_bcopy(const void *from, void *to, size_t n)
{
	memmove(to, from, n);
}
KPI_XNU(bcopy);
KPI_AS("_ovbcopy", xnu_bcopy);

int xnu_bcmp(const void *a, const void *b, size_t n)
{
	return memcmp(a, b, n) != 0;
}
KPI_XNU(bcmp);

void *xnu_memcpy(void *to, const void *from, size_t n)
{
	return memmove(to, from, n);
}
KPI_XNU(memcpy);

void *xnu_memmove(void *to, const void *from, size_t n)
{
	return memmove(to, from, n);
}
KPI_XNU(memmove);

void *xnu_memset(void *to, int value, size_t n)
{
	return memset(to, value, n);
}
KPI_XNU(memset);

int xnu_memcmp(const void *a, const void *b, size_t n)
{
	return memcmp(a, b, n);
}
KPI_XNU(memcmp);

/* A fill that no optimiser takes away; too long a fill fills all there is and says so. */
int xnu_memset_s(void *to, size_t to_size, int value, size_t n)
{
	int error = 0;

	if (!to)
		return XNU_EINVAL;
	if (to_size > SIZE_MAX / 2)
		return XNU_E2BIG;
	if (n > to_size) {
		n = to_size;
		error = XNU_EOVERFLOW;
	}
	memset(to, value, n);
	__asm__ volatile("" : : "r"(to) : "memory");
	return error;
}
KPI_XNU(memset_s);

int cc_clear(size_t n, void *to)
{
	return xnu_memset_s(to, n, 0, n);
}
KPI(cc_clear);

int xnu_timingsafe_bcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;
	unsigned difference = 0;

	for (size_t i = 0; i < n; i++)
		difference |= (unsigned)(x[i] ^ y[i]);
	return difference != 0;
}
KPI_XNU(timingsafe_bcmp);

/* ---- the forms with the object's size ---- */

static void check_object(const void *caller, const char *name, const void *to,
			 const void *from, size_t object, size_t wanted)
{
	if (wanted > object)
		panic_at(caller,
			 "%s object size check failed: dst %p, src %p, (%zu < %zu)", name,
			 to, from, object, wanted);
}

#define CHECK(name, to, from, object, wanted)                                            \
	check_object(__builtin_return_address(0), name, to, from, object, wanted)

void *xnu_memcpy_chk(void *to, const void *from, size_t n, size_t object)
{
	CHECK("__memcpy_chk", to, from, object, n);
	return memmove(to, from, n);
}
KPI_AS("___memcpy_chk", xnu_memcpy_chk);

void *xnu_memmove_chk(void *to, const void *from, size_t n, size_t object)
{
	CHECK("__memmove_chk", to, from, object, n);
	return memmove(to, from, n);
}
KPI_AS("___memmove_chk", xnu_memmove_chk);

void *xnu_memset_chk(void *to, int value, size_t n, size_t object)
{
	CHECK("__memset_chk", to, NULL, object, n);
	return memset(to, value, n);
}
KPI_AS("___memset_chk", xnu_memset_chk);

char *xnu_strcpy_chk(char *to, const char *from, size_t object)
{
	CHECK("__strcpy_chk", to, from, object, strlen(from) + 1);
	return strcpy(to, from);
}
KPI_AS("___strcpy_chk", xnu_strcpy_chk);

char *xnu_strncpy_chk(char *to, const char *from, size_t n, size_t object)
{
	CHECK("__strncpy_chk", to, from, object, n);
	return xnu_strncpy(to, from, n);
}
KPI_AS("___strncpy_chk", xnu_strncpy_chk);

char *xnu_strcat_chk(char *to, const char *from, size_t object)
{
	CHECK("__strcat_chk", to, from, object, strlen(to) + strlen(from) + 1);
	return strcat(to, from);
}
KPI_AS("___strcat_chk", xnu_strcat_chk);

char *xnu_strncat_chk(char *to, const char *from, size_t n, size_t object)
{
	CHECK("__strncat_chk", to, from, object, strlen(to) + strnlen(from, n) + 1);
	return xnu_strncat(to, from, n);
}
KPI_AS("___strncat_chk", xnu_strncat_chk);

size_t xnu_strlcpy_chk(char *to, const char *from, size_t n, size_t object)
{
	CHECK("__strlcpy_chk", to, from, object, n);
	return xnu_strlcpy(to, from, n);
}
KPI_AS("___strlcpy_chk", xnu_strlcpy_chk);

size_t xnu_strlcat_chk(char *to, const char *from, size_t n, size_t object)
{
	CHECK("__strlcat_chk", to, from, object, n);
	return xnu_strlcat(to, from, n);
}
KPI_AS("___strlcat_chk", xnu_strlcat_chk);
