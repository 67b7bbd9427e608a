/*
 * The inside of a property value, for the readers and writers of lib/value alone: what a
 * node looks like in memory, and the makers that avoid a second copy.
 */
#ifndef VALUE_VALUE_H
#define VALUE_VALUE_H

#include <stdatomic.h>
#include <kext/value.h>

#define VALUE_MAX_DEPTH 128u	    /* nesting that readers and writers accept */
#define VALUE_MAX_TEXT	(64u << 20) /* size of a document */
#define VALUE_MAX_NODES (1u << 20)  /* nodes of a document, references followed */
#define VALUE_INDEX_MIN 9u	    /* entries from which a dictionary has an index */

struct value_entry {
	struct kext_value *key; /* a string; shared between dictionaries by the reader */
	struct kext_value *value;
};

struct kext_value {
	atomic_uint references;
	uint8_t kind;
	uint8_t bits;	  /* of an integer */
	bool truth;	  /* of a boolean */
	bool is_unsigned; /* integer: its top bit is no sign (see value_is_negative) */
	union {
		uint64_t integer;
		struct {
			uint32_t size; /* of `bytes`, without the NUL that follows them */
			char bytes[];
		};
		struct {
			uint32_t count;
			uint32_t slot_count;
			union {
				size_t capacity;
				struct kext_value *next_dead; /* while being freed */
			};
			union {
				struct kext_value **items;
				struct value_entry *entries;
			};
			uint32_t *slots; /* entry index + 1, open addressing; or NULL */
		};
	};
};

static inline bool value_is_container(const struct kext_value *value)
{
	return value->kind >= KEXT_VALUE_ARRAY;
}

/*
 * A number made by the program or from decimal text without a minus is what it says. One
 * read from hexadecimal is negative when it was sign-extended past its width, or fills 64
 * bits and has the top one set: that is how Darwin's serializer writes negative ones.
 */
static inline bool value_is_negative(const struct kext_value *value)
{
	return !value->is_unsigned && value->bits &&
	       value->integer >> (value->bits - 1) & 1;
}

/* The number in 64 bits, a negative one sign-extended. */
static inline uint64_t value_extended(const struct kext_value *value)
{
	if (!value_is_negative(value) || value->bits >= 64)
		return value->integer;
	return value->integer | ~UINT64_C(0) << value->bits;
}

/* A node whose content is to be filled in: string or data of `size` bytes, NUL behind
 * them. */
struct kext_value *value_new_bytes(enum kext_value_kind kind, size_t size);
struct kext_value *value_new_container(enum kext_value_kind kind);
uint32_t value_hash(const char *text, size_t length);
/* kext_value_set with a ready key, whose reference is consumed too. */
int value_set_entry(struct kext_value *dictionary, struct kext_value *key, uint32_t hash,
		    struct kext_value *item) __attribute__((warn_unused_result));
/* Gives an empty array or set these items; takes the block and the references over. */
int value_adopt(struct kext_value *list, struct kext_value **items, size_t count)
	__attribute__((warn_unused_result));
/* Room for `count` more entries of a dictionary. */
int value_reserve_entries(struct kext_value *dictionary, size_t count)
	__attribute__((warn_unused_result));

/* Cleanup attribute of a reference. */
static inline void cleanup_value(struct kext_value **value)
{
	kext_value_unref(*value);
}
#define _cleanup_value_ __attribute__((cleanup(cleanup_value)))

#endif
