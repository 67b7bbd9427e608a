/*
 * User memory. A client's memory is never reachable here: its request carries pieces of
 * it, and the numbers that kexts see as user addresses are looked up among those pieces.
 * A kernel thread that serves no client copies kernel memory instead, as Darwin's does.
 */
#include <string.h>
#include "kernel/bsd/bsd.h"

#define MAX_COPY (64ull << 20)

/* The window that holds all of [address, address + n) in the wanted direction, or NULL.
 */
static const struct user_window *window_for(user_addr_t address, size_t n, bool writable)
{
	const struct user_window *w = thread_self()->windows;
	for (; w; w = w->next) {
		if (w->writable == writable && address >= w->address &&
		    address - w->address <= w->size &&
		    n <= w->size - (address - w->address))
			return w;
	}
	return NULL;
}

static void *host_address(const struct user_window *window, user_addr_t address)
{
	return (char *)window->host + (address - window->address);
}

static void check(const void *caller, const char *name, const void *kernel, size_t n)
{
	if (n > MAX_COPY)
		panic_at(caller, "%s: %zu bytes are too many", name, n);
	if ((uint64_t)kernel < 4096)
		panic_at(caller, "%s: %p is no kernel address", name, kernel);
}

int copyin(user_addr_t from, void *to, size_t n)
{
	const struct user_window *window;
	if (n == 0)
		return 0;
	check(__builtin_return_address(0), "copyin", to, n);
	if (!thread_self()->windows)
		return machine_guarded_copy(to, (const void *)from, n);
	window = window_for(from, n, false);
	return window ? machine_guarded_copy(to, host_address(window, from), n)
		      : XNU_EFAULT;
}
KPI(copyin);

int copyout(const void *from, user_addr_t to, size_t n)
{
	const struct user_window *window;
	if (n == 0)
		return 0;
	check(__builtin_return_address(0), "copyout", from, n);
	if (!thread_self()->windows)
		return machine_guarded_copy((void *)to, from, n);
	window = window_for(to, n, true);
	return window ? machine_guarded_copy(host_address(window, to), from, n)
		      : XNU_EFAULT;
}
KPI(copyout);

/*
 * Copies through `step`, one byte at a time, until a NUL went over. *ret_done counts the
 * NUL; it is `max` when there was none and 0 after a fault.
 */
static int copy_text(int (*step)(uint64_t from, uint64_t to), uint64_t from, uint64_t to,
		     size_t max, size_t *ret_done)
{
	size_t done = 0;
	int error = XNU_ENAMETOOLONG;
	while (done < max) {
		int last = step(from + done, to + done);
		if (last < 0) {
			error = XNU_EFAULT;
			done = 0;
			break;
		}
		done++;
		if (last) {
			error = 0;
			break;
		}
	}
	if (ret_done)
		*ret_done = done;
	return error;
}

/* Each step: -1 after a fault, 1 when the byte was NUL, else 0. */
static int step_in(uint64_t from, uint64_t to)
{
	return copyin(from, (void *)to, 1) != 0 ? -1 : *(const char *)to == 0;
}

static int step_out(uint64_t from, uint64_t to)
{
	return copyout((const void *)from, to, 1) != 0 ? -1 : *(const char *)from == 0;
}

static int step_kernel(uint64_t from, uint64_t to)
{
	return (*(char *)to = *(const char *)from) == 0;
}

int copyinstr(user_addr_t from, void *to, size_t max, size_t *ret_done)
{
	return copy_text(step_in, from, (uint64_t)to, max, ret_done);
}
KPI(copyinstr);

int copyoutstr(const void *from, user_addr_t to, size_t max, size_t *ret_done)
{
	return copy_text(step_out, (uint64_t)from, to, max, ret_done);
}
KPI(copyoutstr);

int copystr(const void *from, void *to, size_t max, size_t *ret_done)
{
	return copy_text(step_kernel, (uint64_t)from, (uint64_t)to, max, ret_done);
}
KPI(copystr);
