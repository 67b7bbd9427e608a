/* Values by symbols, which are compared by address. */
#include <libkern/c++/OSArray.h>
#include <libkern/c++/OSCollectionIterator.h>
#include <libkern/c++/OSDictionary.h>
#include <libkern/c++/OSLib.h>
#include <libkern/c++/OSSerialize.h>
#include <libkern/c++/OSSymbol.h>
#include "cxx.h"
#include "pads.h"
#include "growth.h"

OSDefineMetaClassAndStructors(OSDictionary, OSCollection)

	/* Shorter ones are searched from the front, sorted or not. */
	static const unsigned int least_for_bisection = 5;

static OSObject *as_object(const OSMetaClassBase *member)
{
	return static_cast<OSObject *>(const_cast<OSMetaClassBase *>(member));
}

bool OSDictionary::initWithCapacity(unsigned int wanted)
{
	if (!OSCollection::init() || !container_start(&dictionary, wanted))
		return false;
	count = 0;
	capacity = wanted;
	capacityIncrement = wanted ? wanted : default_increment;
	return true;
}

bool OSDictionary::fill(const OSObject *objects[], const OSMetaClassBase *const keys[],
			unsigned int number, bool are_symbols)
{
	for (unsigned int i = 0; i < number; i++) {
		if (!objects[i] || !keys[i])
			return false;
		bool done = are_symbols
				    ? setObject((const OSSymbol *)keys[i], objects[i])
				    : setObject((const OSString *)keys[i], objects[i]);
		if (!done)
			return false;
	}
	return true;
}

bool OSDictionary::initWithObjects(const OSObject *objects[], const OSSymbol *keys[],
				   unsigned int number, unsigned int wanted)
{
	return objects && keys && (!wanted || number <= wanted) &&
	       initWithCapacity(wanted ? wanted : number) &&
	       fill(objects, (const OSMetaClassBase *const *)keys, number, true);
}

bool OSDictionary::initWithObjects(const OSObject *objects[], const OSString *keys[],
				   unsigned int number, unsigned int wanted)
{
	return objects && keys && (!wanted || number <= wanted) &&
	       initWithCapacity(wanted ? wanted : number) &&
	       fill(objects, (const OSMetaClassBase *const *)keys, number, false);
}

/* The order is kept; options are not. */
bool OSDictionary::initWithDictionary(const OSDictionary *other, unsigned int wanted)
{
	if (!other || (wanted && other->count > wanted) ||
	    !initWithCapacity(wanted ? wanted : other->count))
		return false;
	for (unsigned int i = 0; i < other->count; i++) {
		dictionary[i] = other->dictionary[i];
		dictionary[i].key->taggedRetain(OSTypeID(OSCollection));
		dictionary[i].value->taggedRetain(OSTypeID(OSCollection));
		count++;
	}
	return true;
}

OSDictionaryPtr OSDictionary::withCapacity(unsigned int capacity)
{
	OSDictionary *made = new OSDictionary;
	if (!made->initWithCapacity(capacity))
		OSSafeReleaseNULL(made);
	return made;
}

OSDictionaryPtr OSDictionary::withObjects(const OSObject *objects[],
					  const OSSymbol *keys[], unsigned int count,
					  unsigned int capacity)
{
	OSDictionary *made = new OSDictionary;
	if (!made->initWithObjects(objects, keys, count, capacity))
		OSSafeReleaseNULL(made);
	return made;
}

OSDictionaryPtr OSDictionary::withObjects(const OSObject *objects[],
					  const OSString *keys[], unsigned int count,
					  unsigned int capacity)
{
	OSDictionary *made = new OSDictionary;
	if (!made->initWithObjects(objects, keys, count, capacity))
		OSSafeReleaseNULL(made);
	return made;
}

OSDictionaryPtr OSDictionary::withDictionary(const OSDictionary *other,
					     unsigned int capacity)
{
	OSDictionary *made = new OSDictionary;
	if (!made->initWithDictionary(other, capacity))
		OSSafeReleaseNULL(made);
	return made;
}

void OSDictionary::free()
{
	(void)OSCollection::setOptions(0, kImmutable);
	flushCollection();
	kern_os_free(dictionary);
	OSCollection::free();
}

/* ---- sizes ---- */
unsigned int OSDictionary::getCount() const
{
	return count;
}

unsigned int OSDictionary::getCapacity() const
{
	return capacity;
}

unsigned int OSDictionary::getCapacityIncrement() const
{
	return capacityIncrement;
}

unsigned int OSDictionary::setCapacityIncrement(unsigned int increment)
{
	return capacityIncrement = increment ? increment : default_increment;
}

unsigned int OSDictionary::ensureCapacity(unsigned int wanted)
{
	return capacity =
		       container_grow(&dictionary, capacity, capacityIncrement, wanted);
}

void OSDictionary::flushCollection()
{
	haveUpdated();
	for (unsigned int i = 0; i < count; i++) {
		dictionary[i].key->taggedRelease(OSTypeID(OSCollection));
		dictionary[i].value->taggedRelease(OSTypeID(OSCollection));
	}
	count = 0;
}

/* ---- entries ---- */
/*
 * Where a key of a dictionary was last found. Dictionaries share the table and threads
 * write it without a lock: a hint is a guess, which the look-up proves before it believes
 * it.
 */
static unsigned int hints[1024];

static unsigned int *hint_for(const OSDictionary *dictionary, const OSSymbol *key)
{
	uintptr_t mixed = ((uintptr_t)dictionary >> 4) * 31 + ((uintptr_t)key >> 4);
	return &hints[(uint32_t)mixed * 2654435769u >> 22];
}

/* Whether the key is there; *ret_index is its place, or where it would be put. */
bool OSDictionary::find(const OSSymbol *key, unsigned int *ret_index) const
{
	unsigned int *hint = hint_for(this, key);
	unsigned int guess = __atomic_load_n(hint, __ATOMIC_RELAXED);
	if (guess < count && dictionary[guess].key == key) {
		*ret_index = guess;
		return true;
	}
	if (!search(key, ret_index))
		return false;
	__atomic_store_n(hint, *ret_index, __ATOMIC_RELAXED);
	return true;
}

bool OSDictionary::search(const OSSymbol *key, unsigned int *ret_index) const
{
	bool is_sorted = !needsOptions(kSort, kSort);
	if (is_sorted && count >= least_for_bisection) {
		*ret_index = OSSymbol::bsearch(key, dictionary, count, sizeof(dictEntry));
		return *ret_index < count && dictionary[*ret_index].key == key;
	}
	unsigned int place = count;
	for (unsigned int i = 0; i < count; i++) {
		if (dictionary[i].key == key) {
			*ret_index = i;
			return true;
		}
		if (is_sorted && place == count && dictionary[i].key > key)
			place = i;
	}
	*ret_index = place;
	return false;
}

bool OSDictionary::setObject(const OSSymbol *key, const OSMetaClassBase *value,
			     bool only_new)
{
	unsigned int index;
	if (!key || !value)
		return false;
	if (find(key, &index)) {
		if (only_new)
			return false;
		const OSMetaClassBase *old = dictionary[index].value;
		haveUpdated();
		value->taggedRetain(OSTypeID(OSCollection));
		dictionary[index].value = value;
		old->taggedRelease(OSTypeID(OSCollection));
		return true;
	}
	if (count == 0xffffffffu || ensureCapacity(count + 1) <= count)
		return false;
	haveUpdated();
	memmove(&dictionary[index + 1], &dictionary[index],
		(count - index) * sizeof(*dictionary));
	key->taggedRetain(OSTypeID(OSCollection));
	value->taggedRetain(OSTypeID(OSCollection));
	dictionary[index].key = key;
	dictionary[index].value = value;
	count++;
	return true;
}

bool OSDictionary::setObject(const OSSymbol *key, const OSMetaClassBase *value)
{
	return setObject(key, value, false);
}

bool OSDictionary::setObject(const OSString *key, const OSMetaClassBase *value)
{
	const OSSymbol *symbol = key ? OSSymbol::withString(key) : NULL;
	bool done = setObject(symbol, value);
	OSSafeRelease(symbol);
	return done;
}

bool OSDictionary::setObject(const char *key, const OSMetaClassBase *value)
{
	const OSSymbol *symbol = OSSymbol::withCString(key);
	bool done = setObject(symbol, value);
	OSSafeRelease(symbol);
	return done;
}

void OSDictionary::removeObject(const OSSymbol *key)
{
	unsigned int index;
	if (!key || !find(key, &index))
		return;
	haveUpdated();
	dictEntry old = dictionary[index];
	count--;
	memmove(&dictionary[index], &dictionary[index + 1],
		(count - index) * sizeof(*dictionary));
	old.key->taggedRelease(OSTypeID(OSCollection));
	old.value->taggedRelease(OSTypeID(OSCollection));
}

/* A key of which there is no symbol is in no dictionary. */
void OSDictionary::removeObject(const OSString *key)
{
	const OSSymbol *symbol = OSSymbol::existingSymbolForString(key);
	removeObject(symbol);
	OSSafeRelease(symbol);
}

void OSDictionary::removeObject(const char *key)
{
	const OSSymbol *symbol = OSSymbol::existingSymbolForCString(key);
	removeObject(symbol);
	OSSafeRelease(symbol);
}

OSObject *OSDictionary::getObject(const OSSymbol *key) const
{
	unsigned int index;
	return key && find(key, &index) ? as_object(dictionary[index].value) : NULL;
}

OSObject *OSDictionary::getObject(const OSString *key) const
{
	const OSSymbol *symbol = OSSymbol::existingSymbolForString(key);
	OSObject *value = getObject(symbol);
	OSSafeRelease(symbol);
	return value;
}

OSObject *OSDictionary::getObject(const char *key) const
{
	const OSSymbol *symbol = OSSymbol::existingSymbolForCString(key);
	OSObject *value = getObject(symbol);
	OSSafeRelease(symbol);
	return value;
}

/* Replacing changes the stamp: a merge with itself ends with the first entry. */
bool OSDictionary::merge(const OSDictionary *other)
{
	if (!OSDynamicCast(OSDictionary, other))
		return false;
	for (unsigned int i = 0; i < other->count && (other != this || i == 0); i++) {
		if (!setObject(other->dictionary[i].key, other->dictionary[i].value))
			return false;
	}
	return true;
}

OSArray *OSDictionary::copyKeys() const
{
	OSArray *keys = OSArray::withCapacity(count);
	for (unsigned int i = 0; keys && i < count; i++) {
		if (!keys->setObject(dictionary[i].key))
			OSSafeReleaseNULL(keys);
	}
	return keys;
}

/* ---- iteration: over the keys ---- */
unsigned int OSDictionary::iteratorSize() const
{
	return sizeof(unsigned int);
}

bool OSDictionary::initIterator(void *iterator) const
{
	*(unsigned int *)iterator = 0;
	return true;
}

bool OSDictionary::getNextObjectForIterator(void *iterator, OSObject **ret_object) const
{
	return container_next(
		iterator, count,
		[this](unsigned int i) { return as_object(dictionary[i].key); },
		ret_object);
}

bool OSDictionary::iterateObjects(void *context,
				  bool (*body)(void *context, const OSSymbol *key,
					       OSObject *value))
{
	unsigned int old = stamp();
	for (unsigned int i = 0; stamp() == old && i < count; i++) {
		if (body(context, dictionary[i].key, as_object(dictionary[i].value)))
			break;
	}
	return stamp() == old;
}

/* The form that takes a block; OSCollection.cpp says why it is written like this. */
struct block_literal {
	void *isa;
	int flags, reserved;
	bool (*invoke)(const block_literal *self, const OSSymbol *key, OSObject *value);
};

static bool call_block(void *block, const OSSymbol *key, OSObject *value)
{
	const block_literal *literal = (const block_literal *)block;
	return literal->invoke(literal, key, value);
}

extern "C" bool dictionary_iterate_block(OSDictionary *self, void *block) __asm__(
	"_ZN12OSDictionary14iterateObjectsEU13block_pointerFbPK8OSSymbolP8OSObjectE");

extern "C" bool dictionary_iterate_block(OSDictionary *self, void *block)
{
	return self->iterateObjects(block, call_block);
}

/* ---- the whole ---- */
bool OSDictionary::isEqualTo(const OSDictionary *other, const OSCollection *keys) const
{
	if (this == other)
		return true;
	if (!other || !keys || count < keys->getCount() ||
	    other->count < keys->getCount())
		return false;
	OSCollectionIterator *iterator = OSCollectionIterator::withCollection(keys);
	bool is_equal = iterator != NULL;
	while (is_equal) {
		const OSString *key = OSDynamicCast(OSString, iterator->getNextObject());
		if (!key)
			break;
		const OSObject *mine = getObject(key), *theirs = other->getObject(key);
		is_equal = mine && theirs && mine->isEqualTo(theirs);
	}
	OSSafeRelease(iterator);
	return is_equal;
}

bool OSDictionary::isEqualTo(const OSDictionary *other) const
{
	if (this == other)
		return true;
	if (count != other->count)
		return false;
	for (unsigned int i = 0; i < count; i++) {
		const OSObject *theirs = other->getObject(dictionary[i].key);
		if (!theirs || !dictionary[i].value->isEqualTo(theirs))
			return false;
	}
	return true;
}

bool OSDictionary::isEqualTo(const OSMetaClassBase *other) const
{
	const OSDictionary *of_dictionary = OSDynamicCast(OSDictionary, other);
	return of_dictionary && isEqualTo(of_dictionary);
}

/* By insertion: dictionaries are short, and mostly sorted before they are full. */
void OSDictionary::sort()
{
	for (unsigned int i = 1; i < count; i++) {
		dictEntry entry = dictionary[i];
		unsigned int at = i;
		for (; at > 0 && dictionary[at - 1].key > entry.key; at--)
			dictionary[at] = dictionary[at - 1];
		dictionary[at] = entry;
	}
}

unsigned int OSDictionary::setOptions(unsigned int options, unsigned int mask,
				      void *context)
{
	bool has_changed = needsOptions(options, mask);
	if (options & mask & kSort && needsOptions(kSort, kSort))
		sort();
	unsigned int old = OSCollection::setOptions(options, mask, context);
	for (unsigned int i = 0; has_changed && i < count; i++) {
		OSCollection *value = OSDynamicCast(OSCollection, dictionary[i].value);
		if (value)
			value->setOptions(options, mask, context);
	}
	return old;
}

OSCollectionPtr OSDictionary::copyCollection(OSDictionary *copies)
{
	OSCollection *known;
	OSDictionary *all = beginCopy(copies, &known);
	if (!all)
		return known;
	OSDictionary *copy = OSDictionary::withDictionary(this);
	bool done = copy && all->setObject((const OSSymbol *)(const void *)this, copy);
	for (unsigned int i = 0; done && i < copy->count; i++) {
		OSCollection *value;
		done = copyMember(as_object(copy->dictionary[i].value), all, &value);
		if (value)
			done = copy->setObject(copy->dictionary[i].key, value);
		OSSafeRelease(value);
	}
	all->release();
	if (!done)
		OSSafeReleaseNULL(copy);
	return copy;
}

static bool serialize_key(OSSerialize *serializer, const OSMetaClassBase *key)
{
	const OSSymbol *symbol = OSDynamicCast(OSSymbol, key);
	return symbol && serializer->addString("<key>") &&
	       serializer->addEscaped(symbol->getCStringNoCopy()) &&
	       serializer->addString("</key>");
}

bool OSDictionary::serialize(OSSerialize *serializer) const
{
	if (serializer->previouslySerialized(this))
		return true;
	if (!serializer->openCollection(this, "dict"))
		return false;
	for (unsigned int i = 0; i < count; i++) {
		if (!serialize_key(serializer, dictionary[i].key) ||
		    !dictionary[i].value->serialize(serializer))
			return false;
	}
	return serializer->closeCollection("dict");
}

PADS_0_7(OSDictionary)
