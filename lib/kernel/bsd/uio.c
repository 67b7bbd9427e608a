/*
 * uio: where bytes of a transfer go to or come from, and how far it is. Vectors before
 * `at` are done with; the present one shrinks from its front.
 */
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "kernel/bsd/files.h"

#define VECTORS_MAX 1024

struct vector {
	user_addr_t base;
	uint64_t size;
};

struct uio {
	int64_t offset, resid;
	int space, direction;
	unsigned max, at, count; /* vectors: there is room for, done with, left */
	struct vector vectors[];
};

void uio_reset(struct uio *uio, int64_t offset, int space, int direction);
struct uio *uio_duplicate(const struct uio *uio);
int uio_iovcnt(const struct uio *uio);
int uio_isuserspace(const struct uio *uio);
user_addr_t uio_curriovbase(const struct uio *uio);
uint64_t uio_curriovlen(const struct uio *uio);
int uio_getiov(const struct uio *uio, int index, user_addr_t *ret_base,
	       uint64_t *ret_size);
void uio_update(struct uio *uio, uint64_t size);
void uio_setrw(struct uio *uio, int direction);
int uiomove64(uint64_t kernel, int size, struct uio *uio);

static bool is_user(int space)
{
	return space == UIO_USERSPACE || space == UIO_USERSPACE32 ||
	       space == UIO_USERSPACE64;
}

static void check(const void *caller, const char *what, int space, int direction)
{
	if (!is_user(space) && space != UIO_SYSSPACE && space != UIO_SYSSPACE32)
		panic_at(caller, "%s: %d is no address space", what, space);
	if (direction != UIO_READ && direction != UIO_WRITE)
		panic_at(caller, "%s: %d is no direction", what, direction);
}

static size_t size_of(unsigned max)
{
	return sizeof(struct uio) + max * sizeof(struct vector);
}

struct uio *uio_create(int max, int64_t offset, int space, int direction)
{
	const void *caller = __builtin_return_address(0);
	if (max < 0 || max > VECTORS_MAX)
		panic_at(caller, "uio_create: %d vectors", max);
	check(caller, "uio_create", space, direction);
	struct uio *uio = mem_zero(1, size_of((unsigned)max));
	if (!uio)
		return NULL;
	uio->max = (unsigned)max;
	uio_reset(uio, offset, space, direction);
	return uio;
}
KPI(uio_create);

void uio_reset(struct uio *uio, int64_t offset, int space, int direction)
{
	check(__builtin_return_address(0), "uio_reset", space, direction);
	unsigned max = uio->max;
	memset(uio, 0, size_of(max));
	uio->max = max;
	uio->offset = offset;
	uio->space = space;
	uio->direction = direction;
}
KPI(uio_reset);

struct uio *uio_duplicate(const struct uio *uio)
{
	struct uio *copy = mem_alloc(size_of(uio->max));
	if (copy)
		memcpy(copy, uio, size_of(uio->max));
	return copy;
}
KPI(uio_duplicate);

void uio_free(struct uio *uio)
{
	if (!uio)
		panic_at(__builtin_return_address(0), "uio_free: NULL");
	free(uio);
}
KPI(uio_free);

/* A vector of nothing at address 0 leaves its place free. */
int uio_addiov(struct uio *uio, user_addr_t base, uint64_t size)
{
	for (unsigned i = uio->at; i < uio->max; i++) {
		struct vector *vector = &uio->vectors[i];
		if (vector->base || vector->size)
			continue;
		if (size > INT64_MAX ||
		    __builtin_add_overflow(uio->resid, (int64_t)size, &uio->resid))
			panic_at(__builtin_return_address(0),
				 "uio_addiov: the lengths overflow");
		*vector = (struct vector){base, size};
		uio->count++;
		return 0;
	}
	return -1;
}
KPI(uio_addiov);

int64_t uio_resid(const struct uio *uio)
{
	if (!uio)
		kernel_log("uio_resid: NULL\n");
	return uio ? uio->resid : 0;
}
KPI(uio_resid);

void uio_setresid(struct uio *uio, int64_t resid)
{
	uio->resid = resid;
}
KPI(uio_setresid);

int64_t uio_offset(const struct uio *uio)
{
	return uio->offset;
}
KPI(uio_offset);

void uio_setoffset(struct uio *uio, int64_t offset)
{
	uio->offset = offset;
}
KPI(uio_setoffset);

int uio_rw(const struct uio *uio)
{
	return uio->direction;
}
KPI(uio_rw);

void uio_setrw(struct uio *uio, int direction)
{
	check(__builtin_return_address(0), "uio_setrw", uio->space, direction);
	uio->direction = direction;
}
KPI(uio_setrw);

int uio_iovcnt(const struct uio *uio)
{
	return (int)uio->count;
}
KPI(uio_iovcnt);

int uio_isuserspace(const struct uio *uio)
{
	return is_user(uio->space);
}
KPI(uio_isuserspace);

user_addr_t uio_curriovbase(const struct uio *uio)
{
	return uio->count ? uio->vectors[uio->at].base : 0;
}
KPI(uio_curriovbase);

uint64_t uio_curriovlen(const struct uio *uio)
{
	return uio->count ? uio->vectors[uio->at].size : 0;
}
KPI(uio_curriovlen);

int uio_getiov(const struct uio *uio, int index, user_addr_t *ret_base,
	       uint64_t *ret_size)
{
	if (index < 0 || (unsigned)index >= uio->count)
		return -1;
	const struct vector *vector = &uio->vectors[uio->at + (unsigned)index];
	if (ret_base)
		*ret_base = vector->base;
	if (ret_size)
		*ret_size = vector->size;
	return 0;
}
KPI(uio_getiov);

/* More than the present vector has ends it, and counts all the same. */
void uio_update(struct uio *uio, uint64_t size)
{
	if (!uio->count)
		return;
	struct vector *vector = &uio->vectors[uio->at];
	uint64_t step = size < vector->size ? size : vector->size;
	int64_t left = uio->resid > 0 ? uio->resid : 0;
	int64_t counted = size < (uint64_t)left ? (int64_t)size : left;
	vector->base += step;
	vector->size -= step;
	uio->offset = (int64_t)((uint64_t)uio->offset + (uint64_t)counted);
	uio->resid -= counted;
	while (uio->count && !uio->vectors[uio->at].size) {
		uio->at++;
		uio->count--;
	}
}
KPI(uio_update);

/* One piece within the present vector. Kernel addresses that lead nowhere fault. */
static int move_piece(struct uio *uio, void *kernel, uint64_t size)
{
	user_addr_t other = uio_curriovbase(uio);
	bool is_read = uio->direction == UIO_READ;
	if (is_user(uio->space))
		return is_read ? copyout(kernel, other, size)
			       : copyin(other, kernel, size);
	if (is_read)
		memcpy((void *)other, kernel, size);
	else
		memcpy(kernel, (const void *)other, size);
	return 0;
}

int uiomove(void *kernel, int size, struct uio *uio)
{
	char *at = kernel;
	while (size > 0 && uio->resid > 0) {
		uio_update(uio, 0);
		uint64_t step = uio_curriovlen(uio);
		step = step < (uint64_t)size ? step : (uint64_t)size;
		step = step < (uint64_t)uio->resid ? step : (uint64_t)uio->resid;
		int error = step ? move_piece(uio, at, step) : 0;
		if (error || !step)
			return error;
		uio_update(uio, step);
		at += step;
		size -= (int)step;
	}
	return 0;
}
KPI(uiomove);

int uiomove64(uint64_t kernel, int size, struct uio *uio)
{
	return uiomove((void *)kernel, size, uio);
}
KPI(uiomove64);
