/*
 * Property values as the kernel knows them: more than a property list holds (sets, integer
 * widths, shared objects, 64-bit addresses). A value is reference-counted; once shared
 * between threads it must not be changed.
 */
#ifndef KEXT_VALUE_H
#define KEXT_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <kext/diagnostic.h>

enum kext_value_kind {
	KEXT_VALUE_BOOLEAN,
	KEXT_VALUE_INTEGER,
	KEXT_VALUE_STRING,
	KEXT_VALUE_DATA,
	KEXT_VALUE_ARRAY,
	KEXT_VALUE_SET,
	KEXT_VALUE_DICTIONARY,
};

struct kext_value;

/* Makers. A new value with one reference, or NULL without memory. Content is copied. */
KEXT_API struct kext_value *kext_value_new_boolean(bool boolean);
/* `bits` is the width the kernel's number object has: 8, 16, 32 or 64. */
KEXT_API struct kext_value *kext_value_new_integer(uint64_t integer, unsigned bits);
KEXT_API struct kext_value *kext_value_new_string(const char *text);
KEXT_API struct kext_value *kext_value_new_string_n(const char *text, size_t length);
KEXT_API struct kext_value *kext_value_new_data(const void *data, size_t size);
KEXT_API struct kext_value *kext_value_new_array(void);
KEXT_API struct kext_value *kext_value_new_set(void);
KEXT_API struct kext_value *kext_value_new_dictionary(void);

KEXT_API struct kext_value *kext_value_ref(struct kext_value *value);
/* Takes NULL. Returns NULL. Not recursive on the C stack, however deep the value. */
KEXT_API struct kext_value *kext_value_unref(struct kext_value *value);

KEXT_API enum kext_value_kind kext_value_kind(const struct kext_value *value);
/* All getters take NULL or a value of another kind and then give the neutral answer. */
KEXT_API bool kext_value_is(const struct kext_value *value, enum kext_value_kind kind);
KEXT_API bool kext_value_boolean(const struct kext_value *value);	/* else false */
KEXT_API uint64_t kext_value_integer(const struct kext_value *value);	/* else 0 */
KEXT_API unsigned kext_value_bits(const struct kext_value *value);	/* else 0 */
KEXT_API const char *kext_value_string(const struct kext_value *value);	/* else NULL */
KEXT_API const void *kext_value_data(const struct kext_value *value, size_t *ret_size);
/* Items of an array or set, entries of a dictionary; else 0. */
KEXT_API size_t kext_value_count(const struct kext_value *value);
/* Item of an array or set, value of a dictionary's entry, by position; borrowed, or NULL. */
KEXT_API struct kext_value *kext_value_at(const struct kext_value *value, size_t index);
/* Key of a dictionary's entry, in order of insertion (that of the file); or NULL. */
KEXT_API const char *kext_value_key_at(const struct kext_value *value, size_t index);
/* Value of a key; borrowed, or NULL. */
KEXT_API struct kext_value *kext_value_get(const struct kext_value *value, const char *key);

/*
 * Builders. They consume the caller's reference to `item`, also on failure, and take a NULL item
 * as -ENOMEM, so that `kext_value_set(d, "k", kext_value_new_string(s))` needs one check.
 */
KEXT_API KEXT_MUST_CHECK int kext_value_append(struct kext_value *array,
					       struct kext_value *item);
KEXT_API KEXT_MUST_CHECK int kext_value_set(struct kext_value *dictionary, const char *key,
					    struct kext_value *item);
KEXT_API void kext_value_remove(struct kext_value *dictionary, const char *key);
/* A copy whose containers are new and whose leaves are shared. NULL without memory. */
KEXT_API struct kext_value *kext_value_copy(const struct kext_value *value);
/* Equal by content: kinds, text, bytes, numbers; dictionaries and sets in any order. */
KEXT_API bool kext_value_equal(const struct kext_value *a, const struct kext_value *b);

/*
 * Parses XML in the kernel's dialect (ID/IDREF, size, hex data, sets, bare root). Comments
 * and a prolog are skipped; nesting deeper than 128, more than 64 MiB, or a syntax error is
 * KEXT_ERR_SERIALIZATION with a diagnostic "plist.syntax" that names `subject` and the line.
 */
KEXT_API KEXT_MUST_CHECK int kext_value_from_xml(const char *text, size_t size,
						 const char *subject,
						 struct kext_diagnostics *diagnostics,
						 struct kext_value **ret_value);
/* The same, without the entities that the kernel's parser refuses: all but lt, gt and amp. */
KEXT_API KEXT_MUST_CHECK int
kext_value_from_kernel_xml(const char *text, size_t size, const char *subject,
			   struct kext_diagnostics *diagnostics,
			   struct kext_value **ret_value);

enum kext_xml_flags {
	KEXT_XML_PLIST = 1 << 0,	/* prolog, doctype and <plist> around it */
	KEXT_XML_SHARE = 1 << 1,	/* ID/IDREF for objects that occur twice, size= on integers */
};
/* XML text of a value, NUL-terminated, *ret_size without the NUL; the caller frees. */
KEXT_API KEXT_MUST_CHECK int kext_value_to_xml(const struct kext_value *value,
					       unsigned flags, char **ret_text,
					       size_t *ret_size);

/*
 * Binary property lists, through libplist behind a pre-scan (1 M objects, depth 128, 64 MiB).
 * Sets become arrays. KEXT_ERR_SERIALIZATION for what is damaged or hostile.
 */
KEXT_API KEXT_MUST_CHECK int kext_value_from_binary(const void *data, size_t size,
						    struct kext_value **ret_value);
KEXT_API KEXT_MUST_CHECK int kext_value_to_binary(const struct kext_value *value,
						  void **ret_data, size_t *ret_size);
/* JSON text of a value (data as base64 text); integers unsigned. The caller frees. */
KEXT_API KEXT_MUST_CHECK int kext_value_to_json(const struct kext_value *value,
						char **ret_text);

#endif
