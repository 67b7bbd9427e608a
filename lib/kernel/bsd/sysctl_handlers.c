/*
 * The standard handlers and the sysctl_io_* bodies for handlers of kexts' own. All read
 * first: an old buffer that is too small prevents the write.
 */
#include <limits.h>
#include <string.h>
#include "kernel/bsd/sysctl.h"

static int out(struct sysctl_req *request, const void *from, size_t n)
{
	return request->oldfunc(request, from, n);
}

static int in(struct sysctl_req *request, void *to, size_t n)
{
	return request->newfunc(request, to, n);
}

static bool fits_int(long long value)
{
	return value >= INT_MIN && value <= INT_MAX;
}

/* A caller with room for 4 bytes gets a 64-bit value that fits. */
static int out_number(struct sysctl_req *request, long long value, size_t size)
{
	int narrow = (int)value;
	if (size == sizeof(narrow))
		return out(request, &narrow, sizeof(narrow));
	if (request->oldptr && request->oldlen == sizeof(narrow))
		return fits_int(value) ? out(request, &narrow, sizeof(narrow))
				       : XNU_ERANGE;
	return out(request, &value, sizeof(value));
}

/* Reads the new value in the width that the caller gave it. */
static int in_number(struct sysctl_req *request, size_t size, long long *ret)
{
	int narrow = 0;
	long long wide = 0;
	bool is_wide = request->newlen == sizeof(wide) ||
		       (size == sizeof(wide) && request->newlen != sizeof(narrow));
	int error = is_wide ? in(request, &wide, sizeof(wide))
			    : in(request, &narrow, sizeof(narrow));
	if (error)
		return error;
	if (!is_wide)
		wide = narrow;
	if (size == sizeof(narrow) && !fits_int(wide))
		return XNU_ERANGE;
	*ret = wide;
	return 0;
}

static void store(void *pointer, size_t size, long long value)
{
	int narrow = (int)value;
	if (size == sizeof(narrow))
		memcpy(pointer, &narrow, sizeof(narrow));
	else
		memcpy(pointer, &value, sizeof(value));
}

int sysctl_io_number(struct sysctl_req *request, long long value, size_t size,
		     void *pointer, int *ret_changed)
{
	long long new;
	if (ret_changed)
		*ret_changed = 0;
	if (size != sizeof(int) && size != sizeof(long long))
		return XNU_EINVAL;
	int error = out_number(request, value, size);
	if (error || !request->newptr)
		return error;
	if (!pointer)
		return XNU_EPERM;
	error = in_number(request, size, &new);
	if (error)
		return error;
	store(pointer, size, new);
	if (ret_changed)
		*ret_changed = 1;
	return 0;
}

/* As much as fits and a NUL, where the caller asked for that. */
static int out_string(struct sysctl_req *request, const char *text, bool truncate)
{
	size_t length = strlen(text);
	if (!truncate || !request->oldptr || request->oldlen == 0 ||
	    request->oldlen >= length + 1)
		return out(request, text, length + 1);
	int error = out(request, text, request->oldlen - 1);
	return error ? error : out(request, "", 1);
}

int sysctl_io_string(struct sysctl_req *request, char *text, size_t size, int truncate,
		     int *ret_changed)
{
	if (ret_changed)
		*ret_changed = 0;
	if (!text)
		return XNU_EINVAL;
	int error = out_string(request, text, truncate != 0);
	if (error || !request->newptr)
		return error;
	if (size == 0)
		return XNU_EPERM;
	if (request->newlen >= size)
		return XNU_EINVAL;
	size_t length = request->newlen;
	error = in(request, text, length);
	if (error)
		return error;
	text[length] = 0;
	if (ret_changed)
		*ret_changed = 1;
	return 0;
}

int sysctl_io_opaque(struct sysctl_req *request, void *data, size_t size,
		     int *ret_changed)
{
	if (ret_changed)
		*ret_changed = 0;
	int error = out(request, data, size);
	if (error || !request->newptr)
		return error;
	error = in(request, data, size);
	if (!error && ret_changed)
		*ret_changed = 1;
	return error;
}

int sysctl_handle_int(struct sysctl_oid *oid, void *arg1, int arg2,
		      struct sysctl_req *request)
{
	(void)oid;
	return sysctl_io_number(request, arg1 ? *(int *)arg1 : arg2, sizeof(int), arg1,
				NULL);
}
KPI(sysctl_handle_int);

int sysctl_handle_long(struct sysctl_oid *oid, void *arg1, int arg2,
		       struct sysctl_req *request)
{
	(void)oid;
	(void)arg2;
	if (!arg1)
		return XNU_EINVAL;
	return sysctl_io_number(request, *(long *)arg1, sizeof(long), arg1, NULL);
}
KPI(sysctl_handle_long);

int sysctl_handle_quad(struct sysctl_oid *oid, void *arg1, int arg2,
		       struct sysctl_req *request)
{
	(void)oid;
	(void)arg2;
	if (!arg1)
		return XNU_EINVAL;
	return sysctl_io_number(request, *(long long *)arg1, sizeof(long long), arg1,
				NULL);
}
KPI(sysctl_handle_quad);

/* An int that callers see as 64 bits. */
int sysctl_handle_int2quad(struct sysctl_oid *oid, void *arg1, int arg2,
			   struct sysctl_req *request)
{
	long long value;
	(void)oid;
	(void)arg2;
	if (!arg1)
		return XNU_EINVAL;
	value = *(int *)arg1;
	int error = out(request, &value, sizeof(value));
	if (error || !request->newptr)
		return error;
	error = in(request, &value, sizeof(value));
	if (error)
		return error;
	if (!fits_int(value))
		return XNU_ERANGE;
	*(int *)arg1 = (int)value;
	return 0;
}
KPI(sysctl_handle_int2quad);

int sysctl_handle_string(struct sysctl_oid *oid, void *arg1, int arg2,
			 struct sysctl_req *request)
{
	(void)oid;
	return sysctl_io_string(request, arg1, (size_t)(arg2 > 0 ? arg2 : 0), 0, NULL);
}
KPI(sysctl_handle_string);

int sysctl_handle_opaque(struct sysctl_oid *oid, void *arg1, int arg2,
			 struct sysctl_req *request)
{
	(void)oid;
	return sysctl_io_opaque(request, arg1, (size_t)(arg2 > 0 ? arg2 : 0), NULL);
}
KPI(sysctl_handle_opaque);

KPI(sysctl_io_number);
KPI(sysctl_io_string);
KPI(sysctl_io_opaque);
