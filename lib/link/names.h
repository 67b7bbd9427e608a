/*
 * What the mangled names of I/O Kit classes say: which symbol is a vtable, a metaclass, a
 * pointer to the superclass's metaclass, and how the names of one class derive from
 * another. Names carry Mach-O's leading underscore. A class is cut out by length, not
 * parsed.
 */
#ifndef LINK_NAMES_H
#define LINK_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define NAME_PURE_VIRTUAL "___cxa_pure_virtual"
#define NAME_LIMIT	  1024 /* of a composed name, with its NUL */

struct class_name {
	const char *text; /* "9IOService"; not terminated */
	size_t length;
};

static inline bool name_is_pure_virtual(const char *name)
{
	return strcmp(name, NAME_PURE_VIRTUAL) == 0;
}

static inline bool name_is_cxx(const char *name)
{
	return strncmp(name, "__Z", 3) == 0 || name_is_pure_virtual(name);
}

static inline bool name_is_vtable(const char *name)
{
	return strncmp(name, "__ZTV", 5) == 0;
}

static inline bool name_is_pad(const char *name)
{
	return !name_is_vtable(name) && strstr(name, "_RESERVED");
}

/* Cuts "__ZN" + class + suffix; false when the name has another form. */
static inline bool name_cut(const char *name, size_t length, const char *suffix,
			    struct class_name *ret)
{
	size_t tail = strlen(suffix);
	if (length <= 4 + tail || memcmp(name + length - tail, suffix, tail) != 0 ||
	    memcmp(name, "__ZN", 4) != 0 || name_is_pad(name))
		return false;
	*ret = (struct class_name){name + 4, length - 4 - tail};
	return true;
}

/* The class of a method "__ZN9IOService5startEPS_", when no namespace is around it. */
static inline bool name_is_method(const char *name, struct class_name *ret)
{
	size_t at = 4, length = 0;
	if (strncmp(name, "__ZNK", 5) == 0)
		at = 5;
	else if (strncmp(name, "__ZN", 4) != 0)
		return false;
	const char *class = name + at;
	for (; name[at] >= '0' && name[at] <= '9' && length < NAME_LIMIT; at++)
		length = length * 10 + (size_t)(name[at] - '0');
	if (length == 0 || strnlen(name + at, length + 1) <= length)
		return false;
	*ret = (struct class_name){class, at + length - (size_t)(class - name)};
	return true;
}

static inline bool name_is_super_pointer(const char *name, size_t length,
					 struct class_name *ret)
{
	return name_cut(name, length, "10superClassE", ret);
}

static inline bool name_is_metaclass(const char *name, size_t length,
				     struct class_name *ret)
{
	return name_cut(name, length, "10gMetaClassE", ret);
}

/* prefix + class + suffix into `buffer`; false when it does not fit NAME_LIMIT. */
static inline bool name_compose(char buffer[NAME_LIMIT], const char *prefix,
				struct class_name class, const char *suffix)
{
	size_t before = strlen(prefix), after = strlen(suffix);
	if (class.length >= NAME_LIMIT - before - after)
		return false;
	memcpy(buffer, prefix, before);
	memcpy(buffer + before, class.text, class.length);
	memcpy(buffer + before + class.length, suffix, after + 1);
	return true;
}

static inline bool name_of_vtable(char buffer[NAME_LIMIT], struct class_name class)
{
	return name_compose(buffer, "__ZTV", class, "");
}

static inline bool name_of_meta_vtable(char buffer[NAME_LIMIT], struct class_name class)
{
	return name_compose(buffer, "__ZTVN", class, "9MetaClassE");
}

#endif
