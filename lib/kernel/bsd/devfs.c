/*
 * Device nodes that kexts make: names below /dev with a device's number. Nobody outside
 * sees them.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "kernel/bsd/registry.h"

#define NAME_SIZE 256

enum { DEVFS_CHAR = 0, DEVFS_BLOCK = 1 };

struct node {
	struct registration registration;
	int32_t device;
	int kind;
	uint32_t uid, gid;
	int permissions;
	int (*clone)(int32_t device, int action); /* chooses minor numbers; may be NULL */
	char name[NAME_SIZE];
};

typedef int (*clone_function)(int32_t device, int action);

void *devfs_make_node(int32_t device, int kind, uint32_t uid, uint32_t gid,
		      int permissions, const char *format, ...);
void *devfs_make_node_clone(int32_t device, int kind, uint32_t uid, uint32_t gid,
			    int permissions, clone_function clone, const char *format,
			    ...);
void devfs_remove(void *handle);

/* Components that are not empty, "." or "..", with single slashes between them. */
static bool is_name(const char *name)
{
	for (;;) {
		size_t size = strcspn(name, "/");
		if (!size || strncmp(name, ".", size) == 0 ||
		    (size == 2 && memcmp(name, "..", 2) == 0))
			return false;
		if (!name[size])
			return true;
		name += size + 1;
	}
}

/* Whether both cannot be there: they are equal, or one is a folder for the other. */
static bool is_in_the_way(const char *a, const char *b)
{
	size_t i = 0;
	while (a[i] && a[i] == b[i])
		i++;
	return (!a[i] && (!b[i] || b[i] == '/')) || (!b[i] && a[i] == '/');
}

/* Takes the node over: into the list, or freed and NULL. */
static void *enter(struct node *node)
{
	bool is_taken = false;
	registry_lock();
	const struct registration *other = NULL;
	while ((other = registry_next(other, REGISTRY_NODE)))
		is_taken |= is_in_the_way(((const struct node *)other)->name, node->name);
	if (!is_taken)
		registry_insert(&node->registration);
	registry_unlock();
	if (!is_taken)
		return node;
	free(node);
	return NULL;
}

static void *make(const struct node *wanted, const char *format, va_list arguments)
{
	if (wanted->kind != DEVFS_CHAR && wanted->kind != DEVFS_BLOCK)
		return NULL;
	struct node *node = mem_alloc(sizeof(*node));
	if (!node)
		return NULL;
	*node = *wanted;
	node->registration.kind = REGISTRY_NODE;
	xnu_vsnprintf(node->name, sizeof(node->name), format, arguments);
	if (is_name(node->name))
		return enter(node);
	free(node);
	return NULL;
}

void *devfs_make_node(int32_t device, int kind, uint32_t uid, uint32_t gid,
		      int permissions, const char *format, ...)
{
	va_list arguments;
	struct node node = {{.code = __builtin_return_address(0)},
			    .device = device,
			    .kind = kind,
			    .uid = uid,
			    .gid = gid,
			    .permissions = permissions};
	va_start(arguments, format);
	void *handle = make(&node, format, arguments);
	va_end(arguments);
	return handle;
}
KPI(devfs_make_node);

void *devfs_make_node_clone(int32_t device, int kind, uint32_t uid, uint32_t gid,
			    int permissions, clone_function clone, const char *format,
			    ...)
{
	va_list arguments;
	struct node node = {{.code = __builtin_return_address(0)},
			    .device = device,
			    .kind = kind,
			    .uid = uid,
			    .gid = gid,
			    .permissions = permissions,
			    .clone = clone};
	va_start(arguments, format);
	void *handle = make(&node, format, arguments);
	va_end(arguments);
	return handle;
}
KPI(devfs_make_node_clone);

void devfs_remove(void *handle)
{
	registry_lock();
	bool is_there = registry_take(handle, REGISTRY_NODE);
	registry_unlock();
	if (!is_there)
		panic_at(__builtin_return_address(0), "devfs_remove: %p is no node",
			 handle);
	free(handle);
}
KPI(devfs_remove);
