/*
 * Objects out of the kernel's binary form (binary_format.h). Every item gets a number as
 * it begins, so an item may refer to the collection that it is in.
 */
#include <libkern/c++/OSContainers.h>
#include <libkern/c++/OSLib.h>
#include "binary_format.h"
#include "cxx.h"

enum { NESTING_MAX = 63 };

class BinaryReader
{
	const char *bytes;
	size_t size, position;
	bool is_indexed;
	OSObject **items; /* all that have a number, each with a reference */
	size_t count, capacity;

	bool read_word(uint32_t *ret_word);
	const char *read_bytes(size_t length);
	bool remember(OSObject *object);
	OSObject *make_leaf(uint32_t type, uint32_t datum);
	OSObject *make_number(uint32_t bits);
	OSObject *make_string(uint32_t length);
	OSObject *read_item(int depth, bool *ret_is_last);
	OSObject *read_collection(uint32_t type, uint32_t datum, int depth);
	bool read_members(OSObject *collection, int depth);
	bool read_entries(OSDictionary *dictionary, int depth);
	bool read_entry(OSDictionary *dictionary, int depth, bool *ret_is_last);

public:
	BinaryReader(const char *of_bytes, size_t of_size)
	    : bytes(of_bytes), size(of_size), position(0), is_indexed(false), items(NULL),
	      count(0), capacity(0)
	{
	}
	~BinaryReader();
	OSObject *run();
};

/* What refers to itself lives on by that; on failure the knots have to be undone first.
 */
BinaryReader::~BinaryReader()
{
	for (size_t i = 0; i < count; i++)
		items[i]->release();
	kern_os_free(items);
}

bool BinaryReader::read_word(uint32_t *ret_word)
{
	if (size - position < sizeof(*ret_word))
		return false;
	memcpy(ret_word, bytes + position, sizeof(*ret_word));
	position += sizeof(*ret_word);
	return true;
}

/* A payload, with its padding; NULL when the buffer ends before. */
const char *BinaryReader::read_bytes(size_t length)
{
	size_t padded = (length + 3) & ~(size_t)3;
	if (size - position < padded)
		return NULL;
	const char *payload = bytes + position;
	position += padded;
	return payload;
}

bool BinaryReader::remember(OSObject *object)
{
	if (count == capacity) {
		size_t more = capacity ? capacity * 2 : 64;
		OSObject **grown = (OSObject **)kern_os_malloc(more * sizeof(*grown));
		if (!grown)
			return false;
		if (count)
			memcpy(grown, items, count * sizeof(*grown));
		kern_os_free(items);
		items = grown;
		capacity = more;
	}
	object->retain();
	items[count++] = object;
	return true;
}

/* ---- leaves ---- */
OSObject *BinaryReader::make_number(uint32_t bits)
{
	uint64_t value;
	const char *payload = read_bytes(sizeof(value));
	if (!payload || (bits != 8 && bits != 16 && bits != 32 && bits != 64))
		return NULL;
	memcpy(&value, payload, sizeof(value));
	return OSNumber::withNumber(value, bits);
}

OSObject *BinaryReader::make_string(uint32_t length)
{
	const char *payload = read_bytes(length);
	if (!payload)
		return NULL;
	if (is_indexed && (!length || payload[--length] != '\0'))
		return NULL;
	return OSString::withStringOfLength(payload, length);
}

OSObject *BinaryReader::make_leaf(uint32_t type, uint32_t datum)
{
	const char *payload;
	switch (type) {
	case BINARY_NUMBER:
		return make_number(datum);
	case BINARY_STRING:
		return make_string(datum);
	case BINARY_SYMBOL:
		payload = read_bytes(datum);
		if (!payload || datum < 2 || payload[datum - 1] != '\0')
			return NULL;
		return const_cast<OSSymbol *>(OSSymbol::withCString(payload));
	case BINARY_DATA:
		payload = read_bytes(datum);
		return payload ? OSData::withBytes(payload, datum) : NULL;
	case BINARY_BOOLEAN:
		return OSBoolean::withBoolean(datum != 0);
	default:
		return NULL;
	}
}

/* ---- collections ---- */
bool BinaryReader::read_members(OSObject *collection, int depth)
{
	OSArray *array = OSDynamicCast(OSArray, collection);
	OSSet *set = OSDynamicCast(OSSet, collection);
	bool is_last = false;
	while (!is_last) {
		OSObject *member = read_item(depth, &is_last);
		bool done = member &&
			    (array ? array->setObject(member) : set->setObject(member));
		OSSafeRelease(member);
		if (!done)
			return false;
	}
	return true;
}

/* An entry whose value is its own dictionary is one that an editor dropped. */
bool BinaryReader::read_entry(OSDictionary *dictionary, int depth, bool *ret_is_last)
{
	bool is_last_key;
	OSObject *key = read_item(depth, &is_last_key);
	const OSString *text = OSDynamicCast(OSString, key);
	OSObject *value = text ? read_item(depth, ret_is_last) : NULL;
	bool done = value && (value == dictionary || dictionary->setObject(text, value));
	OSSafeRelease(key);
	OSSafeRelease(value);
	return done;
}

bool BinaryReader::read_entries(OSDictionary *dictionary, int depth)
{
	bool is_last = false;
	while (!is_last) {
		if (!read_entry(dictionary, depth, &is_last))
			return false;
	}
	return true;
}

/* The datum is a hint of the size, and says whether there are members at all. */
OSObject *BinaryReader::read_collection(uint32_t type, uint32_t datum, int depth)
{
	uint32_t words, room = datum < 256 ? datum : 256;
	OSCollection *made = NULL;
	if (depth > NESTING_MAX || (is_indexed && !read_word(&words)))
		return NULL;
	if (type == BINARY_DICTIONARY)
		made = OSDictionary::withCapacity(room);
	else if (type == BINARY_ARRAY)
		made = OSArray::withCapacity(room);
	else
		made = OSSet::withCapacity(room);
	if (!made)
		return NULL;
	bool done = remember(made);
	if (done && datum)
		done = type == BINARY_DICTIONARY
			       ? read_entries(static_cast<OSDictionary *>(made),
					      depth + 1)
			       : read_members(made, depth + 1);
	if (done)
		return made;
	made->flushCollection();
	made->release();
	return NULL;
}

/* ---- items ---- */
OSObject *BinaryReader::read_item(int depth, bool *ret_is_last)
{
	uint32_t key;
	if (!read_word(&key))
		return NULL;
	uint32_t type = key & BINARY_TYPES, datum = key & BINARY_DATUM;
	*ret_is_last = (key & binary_last) != 0;
	if (type == BINARY_REFERENCE) {
		if (datum >= count)
			return NULL;
		items[datum]->retain();
		return items[datum];
	}
	if (type == BINARY_DICTIONARY || type == BINARY_ARRAY || type == BINARY_SET)
		return read_collection(type, datum, depth);
	if (count > BINARY_DATUM)
		return NULL;
	OSObject *leaf = make_leaf(type, datum);
	if (leaf && !remember(leaf))
		OSSafeReleaseNULL(leaf);
	return leaf;
}

/* The top object has to be the last of its kind. */
OSObject *BinaryReader::run()
{
	uint32_t signature;
	bool is_last = false;
	if (((uintptr_t)bytes & 3) || !read_word(&signature))
		return NULL;
	is_indexed = (signature & 0xff) == BINARY_INDEXED;
	OSObject *top = read_item(1, &is_last);
	if (top && !is_last)
		OSSafeReleaseNULL(top);
	for (size_t i = 0; !top && i < count; i++) {
		OSCollection *collection = OSDynamicCast(OSCollection, items[i]);
		if (collection)
			collection->flushCollection();
	}
	return top;
}

OSObject *OSUnserializeBinary(const char *bytes, size_t size, OSString **ret_error);
OSObject *OSUnserializeBinary(const char *bytes, size_t size, OSString **ret_error)
{
	if (ret_error)
		*ret_error = NULL;
	BinaryReader reader(bytes, size);
	return reader.run();
}
