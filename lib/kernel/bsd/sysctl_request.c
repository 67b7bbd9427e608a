/*
 * Requests: from clients, whose buffers are windows of user memory, and from inside the
 * kernel. A request record has two movers; which two tells the callers apart.
 */
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "kernel/bsd/sysctl.h"

#define MAX_TRIES 16
#define MAX_TEXT  1024u

/* Numbers that stand for the client's buffers; nothing is mapped there. */
#define OLD_ADDRESS 0x100000000ull
#define NEW_ADDRESS 0x200000000ull
#define USUAL_SIZE  (64u << 10) /* old values rarely exceed it */
#define MAX_SIZE    (8u << 20)

static bool is_enough(const struct sysctl_req *request, size_t n)
{
	return n <= request->oldlen && request->oldidx <= request->oldlen - n;
}

static int user_old(struct sysctl_req *request, const void *from, size_t n)
{
	if (request->oldptr) {
		if (!is_enough(request, n))
			return XNU_ENOMEM;
		int error = copyout(from, request->oldptr + request->oldidx, n);
		if (error)
			return error;
	}
	request->oldidx += n;
	return 0;
}

static int kernel_old(struct sysctl_req *request, const void *from, size_t n)
{
	size_t at = request->oldidx, room = 0;
	request->oldidx += n;
	if (!request->oldptr)
		return 0;
	if (at < request->oldlen)
		room = request->oldlen - at;
	memcpy((char *)request->oldptr + (room ? at : 0), from, room < n ? room : n);
	return room < n ? XNU_ENOMEM : 0;
}

/* 1 when there is something to copy; else 0 or EINVAL, negated. */
static int new_left(const struct sysctl_req *request, size_t n)
{
	if (!request->newptr)
		return 0;
	return request->newlen - request->newidx < n ? -XNU_EINVAL : 1;
}

static int user_new(struct sysctl_req *request, void *to, size_t n)
{
	int left = new_left(request, n);
	if (left <= 0)
		return -left;
	int error = copyin(request->newptr + request->newidx, to, n);
	request->newidx += n;
	return error;
}

static int kernel_new(struct sysctl_req *request, void *to, size_t n)
{
	int left = new_left(request, n);
	if (left <= 0)
		return -left;
	memcpy(to, (const char *)request->newptr + request->newidx, n);
	request->newidx += n;
	return 0;
}

/* Handlers may say EAGAIN: then everything is done again, with the record as it was. */
static int dispatch(const int *name, unsigned length, struct sysctl_req *request,
		    bool is_kernel, bool is_superuser, struct sysctl_reply *ret)
{
	int error = XNU_EAGAIN;
	for (int i = 0; i < MAX_TRIES && error == XNU_EAGAIN; i++) {
		request->oldidx = request->newidx = 0;
		error = sysctl_dispatch(name, length, request, is_kernel, is_superuser,
					ret);
	}
	return error;
}

int kernel_sysctlbyname(const char *text, void *old, size_t *old_size, void *new,
			size_t new_size)
{
	int name[SYSCTL_MAX_NAME];
	unsigned length;
	int error = sysctl_numbers(text, name, &length);
	if (error)
		return error;
	struct sysctl_req request = {
		.p = current_proc(),
		.oldptr = (user_addr_t)old,
		.oldlen = old && old_size ? *old_size : 0,
		.oldfunc = kernel_old,
		.newptr = (user_addr_t) new,
		.newlen = new_size,
		.newfunc = kernel_new,
	};
	error = dispatch(name, length, &request, true, true, NULL);
	if (old_size && (!error || error == XNU_ENOMEM))
		*old_size = request.oldidx;
	return error;
}
KPI(kernel_sysctlbyname);

/* One try with `size` bytes for the old value (0: only ask for its size). */
static int user_try(const int *name, unsigned length, struct sysctl_req *request,
		    bool is_superuser, size_t size, struct sysctl_reply *ret)
{
	free(ret->data);
	ret->data = mem_alloc(size ? size : 1);
	if (!ret->data)
		return XNU_ENOMEM;
	struct user_window old = {OLD_ADDRESS, ret->data, size, true,
				  thread_self()->windows};
	thread_self()->windows = &old;
	request->oldptr = size ? OLD_ADDRESS : 0;
	request->oldlen = size;
	int error = dispatch(name, length, request, false, is_superuser, ret);
	thread_self()->windows = old.next;
	ret->size = size && !error ? request->oldidx : 0;
	return error;
}

/* The usual room first; a value that needs more says how much. */
static int user_dispatch(const int *name, unsigned length, struct sysctl_req *request,
			 bool is_superuser, struct sysctl_reply *ret)
{
	user_addr_t new = request->newptr;
	int error = user_try(name, length, request, is_superuser, USUAL_SIZE, ret);
	if (error != XNU_ENOMEM)
		return error;
	request->newptr = 0;
	error = user_try(name, length, request, is_superuser, 0, ret);
	size_t size = request->oldidx;
	request->newptr = new;
	if (error || size <= USUAL_SIZE || size > MAX_SIZE)
		return error ? error : XNU_ENOMEM;
	return user_try(name, length, request, is_superuser, size + size / 8, ret);
}

void sysctl_request(const char *text, const void *value, size_t value_size,
		    bool is_superuser, struct sysctl_reply *ret)
{
	static const char empty;
	int name[SYSCTL_MAX_NAME];
	unsigned length;
	struct sysctl_reply reply = {0};
	reply.error = sysctl_numbers(text, name, &length);
	if (!reply.error) {
		void *bytes = (void *)(value_size ? value : &empty);
		struct user_window new = {NEW_ADDRESS, bytes, value_size, false,
					  thread_self()->windows};
		struct sysctl_req request = {
			.p = current_proc(),
			.oldfunc = user_old,
			.newptr = value ? NEW_ADDRESS : 0,
			.newlen = value_size,
			.newfunc = user_new,
		};
		thread_self()->windows = &new;
		reply.error = user_dispatch(name, length, &request, is_superuser, &reply);
		thread_self()->windows = new.next;
	}
	*ret = reply;
}
