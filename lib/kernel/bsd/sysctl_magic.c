/*
 * Names and numbers: turning one into the other, listing, and node 0 of the tree, through
 * which programs ask for that themselves. Also the tree's list heads.
 */
#include <stdlib.h>
#include <string.h>
#include "base/buffer.h"
#include "base/memory.h"
#include "kernel/bsd/sysctl.h"

#define MAX_TEXT 1024u

struct sysctl_oid_list sysctl__children, sysctl__debug_children, sysctl__kern_children,
	sysctl__machdep_children, sysctl__net_children, sysctl__vfs_children,
	sysctl__vfs_generic_children, sysctl__vm_children, sysctl__sysctl_children,
	sysctl__security_mac_children, sysctl__hw_children, sysctl__hw_features_children,
	sysctl__hw_optional_children, sysctl__user_children, sysctl__security_children,
	sysctl__machdep_cpu_children;
KPI(sysctl__children);
KPI(sysctl__debug_children);
KPI(sysctl__kern_children);
KPI(sysctl__machdep_children);
KPI(sysctl__net_children);
KPI(sysctl__vfs_children);
KPI(sysctl__vfs_generic_children);
KPI(sysctl__vm_children);
KPI(sysctl__sysctl_children);
KPI(sysctl__security_mac_children);
KPI(sysctl__hw_features_children);

/* The list below a node, or NULL for a leaf (nodes with handlers are leaves). */
static struct sysctl_oid_list *children(const struct sysctl_oid *oid)
{
	if ((oid->oid_kind & SYSCTL_TYPE) != SYSCTL_NODE || oid->oid_handler)
		return NULL;
	return oid->oid_arg1;
}

/* ---- name to numbers ---- */

static struct sysctl_oid *named(const struct sysctl_oid_list *list, const char *text,
				size_t length)
{
	struct sysctl_oid *oid = list->first;
	while (oid && (strlen(oid->oid_name) != length ||
		       memcmp(oid->oid_name, text, length) != 0))
		oid = oid->oid_next;
	return oid;
}

static int numbers_locked(const char *text, int *name, unsigned *ret_length)
{
	const struct sysctl_oid_list *list = &sysctl__children;
	unsigned length = 0;
	while (*text) {
		size_t part = strcspn(text, ".");
		if (!list || length == SYSCTL_MAX_NAME)
			return XNU_ENOENT;
		const struct sysctl_oid *oid = named(list, text, part);
		if (!oid)
			return XNU_ENOENT;
		name[length++] = oid->oid_number;
		list = children(oid);
		text += part + (text[part] == '.');
	}
	*ret_length = length;
	return length ? 0 : XNU_ENOENT;
}

int sysctl_numbers(const char *text, int *name, unsigned *ret_length)
{
	if (strnlen(text, MAX_TEXT) == MAX_TEXT)
		return XNU_ENAMETOOLONG;
	sysctl_lock();
	int error = numbers_locked(text, name, ret_length);
	sysctl_unlock();
	return error;
}

/* ---- listing ---- */

static void put_names(struct buffer *names, const struct sysctl_oid_list *list,
		      const char *prefix, unsigned depth)
{
	char text[MAX_TEXT];
	for (const struct sysctl_oid *oid = list->first; oid; oid = oid->oid_next) {
		const struct sysctl_oid_list *below = children(oid);
		if ((oid->oid_kind & SYSCTL_MASKED) || depth == SYSCTL_MAX_NAME)
			continue;
		xnu_snprintf(text, sizeof(text), "%s%s%s", prefix, *prefix ? "." : "",
			     oid->oid_name);
		if (below)
			put_names(names, below, text, depth + 1);
		else
			buffer_append(names, text, strlen(text) + 1);
	}
}

char *sysctl_names(size_t *ret_size)
{
	struct buffer names = {0};
	sysctl_lock();
	put_names(&names, &sysctl__children, "", 0);
	sysctl_unlock();
	if (buffer_error(&names)) {
		buffer_free(&names);
		return NULL;
	}
	return (char *)buffer_steal(&names, ret_size);
}

/* ---- node 0 ---- */

/* 0.1: the text of the numbers that follow; numbers nobody has are printed as such. */
static int handle_name(struct sysctl_oid *oid, void *arg1, int arg2,
		       struct sysctl_req *request)
{
	const struct sysctl_oid_list *list = &sysctl__children;
	const int *name = arg1;
	_cleanup_buffer_ struct buffer text = {0};
	(void)oid;
	sysctl_lock();
	for (int i = 0; i < arg2; i++) {
		const struct sysctl_oid *child = list ? list->first : NULL;
		while (child && child->oid_number != name[i])
			child = child->oid_next;
		buffer_string(&text, i ? "." : "");
		if (child)
			buffer_string(&text, child->oid_name);
		else
			buffer_printf(&text, "%d", name[i]);
		list = child ? children(child) : NULL;
	}
	sysctl_unlock();
	buffer_u8(&text, 0);
	if (buffer_error(&text))
		return XNU_ENOMEM;
	return request->oldfunc(request, text.data, text.size);
}

/*
 * The first leaf whose numbers are greater than `after` (length 0: the first of all).
 * `is_bound` says that what leads here equals the beginning of `after`.
 */
static bool find_next(const struct sysctl_oid_list *list, const int *after, int length,
		      bool is_bound, int *next, unsigned depth, unsigned *ret_depth)
{
	if (depth == SYSCTL_MAX_NAME)
		return false;
	for (const struct sysctl_oid *oid = list->first; oid; oid = oid->oid_next) {
		bool has_bound = is_bound && (int)depth < length;
		if ((oid->oid_kind & SYSCTL_MASKED) ||
		    (has_bound && oid->oid_number < after[depth]))
			continue;
		bool is_same = has_bound && oid->oid_number == after[depth];
		const struct sysctl_oid_list *below = children(oid);
		next[depth] = oid->oid_number;
		if (below &&
		    find_next(below, after, length, is_same, next, depth + 1, ret_depth))
			return true;
		if (below || is_same)
			continue;
		*ret_depth = depth + 1;
		return true;
	}
	return false;
}

/* 0.2: the numbers of the leaf after the given one. */
static int handle_next(struct sysctl_oid *oid, void *arg1, int arg2,
		       struct sysctl_req *request)
{
	int next[SYSCTL_MAX_NAME];
	unsigned length;
	(void)oid;
	sysctl_lock();
	bool is_found = find_next(&sysctl__children, arg1, arg2, true, next, 0, &length);
	sysctl_unlock();
	if (!is_found)
		return XNU_ENOENT;
	return request->oldfunc(request, next, length * sizeof(*next));
}

/* 0.3: the numbers of the name that is written. */
static int handle_name2oid(struct sysctl_oid *oid, void *arg1, int arg2,
			   struct sysctl_req *request)
{
	char text[MAX_TEXT] = "";
	int name[SYSCTL_MAX_NAME];
	unsigned length;
	(void)oid;
	(void)arg1;
	(void)arg2;
	if (!request->newlen)
		return XNU_ENOENT;
	if (request->newlen >= MAX_TEXT)
		return XNU_ENAMETOOLONG;
	int error = request->newfunc(request, text, request->newlen);
	if (!error)
		error = sysctl_numbers(text, name, &length);
	return error ? error : request->oldfunc(request, name, length * sizeof(*name));
}

/* With the lock held: the record with exactly these numbers. */
static int find_exactly(const int *name, int length, const struct sysctl_oid **ret)
{
	const struct sysctl_oid_list *list = &sysctl__children;
	const struct sysctl_oid *oid = NULL;
	for (int i = 0; i < length; i++) {
		if (!list)
			return XNU_EISDIR;
		oid = list->first;
		while (oid && oid->oid_number != name[i])
			oid = oid->oid_next;
		if (!oid)
			return XNU_ENOENT;
		list = children(oid);
	}
	*ret = oid;
	return oid ? 0 : XNU_ENOENT;
}

/* 0.4: kind and format. */
static int handle_oidfmt(struct sysctl_oid *self, void *arg1, int arg2,
			 struct sysctl_req *request)
{
	const struct sysctl_oid *oid;
	uint32_t kind = 0;
	char format[256] = "";
	(void)self;
	sysctl_lock();
	int error = find_exactly(arg1, arg2, &oid);
	if (!error && !oid->oid_fmt)
		error = XNU_ENOENT;
	if (!error) {
		kind = (uint32_t)oid->oid_kind;
		xnu_snprintf(format, sizeof(format), "%s", oid->oid_fmt);
	}
	sysctl_unlock();
	if (!error)
		error = request->oldfunc(request, &kind, sizeof(kind));
	return error ? error : request->oldfunc(request, format, strlen(format) + 1);
}

/* 0.0: prints the tree to the log. */
static int handle_debug(struct sysctl_oid *oid, void *arg1, int arg2,
			struct sysctl_req *request)
{
	size_t size, at;
	(void)oid;
	(void)arg1;
	(void)arg2;
	(void)request;
	char *names = sysctl_names(&size);
	for (at = 0; names && at < size; at += strlen(names + at) + 1)
		kernel_log("%s\n", names + at);
	free(names);
	return XNU_ENOENT;
}

#define MAGIC(number, flags, name, handler)                                              \
	{                                                                                \
		.oid_parent = &sysctl__sysctl_children, .oid_number = number,            \
		.oid_kind = (int)(SYSCTL_NODE | SYSCTL_RD | SYSCTL_LOCKED |              \
				  SYSCTL_OID2 | (flags)),                                \
		.oid_name = name, .oid_handler = handler, .oid_fmt = "",                 \
		.oid_version = 1                                                         \
	}

static struct sysctl_oid magic[] = {
	{.oid_parent = &sysctl__children,
	 .oid_number = 0,
	 .oid_kind = (int)(SYSCTL_NODE | SYSCTL_RD | SYSCTL_LOCKED | SYSCTL_OID2 |
			   SYSCTL_MASKED),
	 .oid_arg1 = &sysctl__sysctl_children,
	 .oid_name = "sysctl",
	 .oid_fmt = "N",
	 .oid_version = 1},
	MAGIC(0, 0, "debug", handle_debug),
	MAGIC(1, 0, "name", handle_name),
	MAGIC(2, 0, "next", handle_next),
	MAGIC(3, SYSCTL_WR | SYSCTL_ANYBODY | SYSCTL_KERN, "name2oid", handle_name2oid),
	MAGIC(4, 0, "oidfmt", handle_oidfmt),
};

void sysctl_magic_startup(void)
{
	for (size_t i = 0; i < sizeof(magic) / sizeof(*magic); i++)
		sysctl_register_oid(&magic[i]);
}
