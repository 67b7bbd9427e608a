/* Members without repetition: an array that refuses what it holds. */
#include <libkern/c++/OSDictionary.h>
#include <libkern/c++/OSLib.h>
#include <libkern/c++/OSSerialize.h>
#include <libkern/c++/OSSet.h>
#include "cxx.h"
#include "pads.h"
#include "growth.h"

OSDefineMetaClassAndStructors(OSSet, OSCollection)

	static const unsigned int not_found = 0xffffffffu;

bool OSSet::initWithCapacity(unsigned int capacity)
{
	if (!OSCollection::init())
		return false;
	members = OSArray::withCapacity(capacity);
	return members != NULL;
}

/* NULL is passed over, repetitions are dropped; only too many for the capacity fail. */
bool OSSet::initWithObjects(const OSObject *objects[], unsigned int number,
			    unsigned int capacity)
{
	unsigned int room = capacity ? capacity : number;
	if (!objects || (capacity && number > capacity) || !initWithCapacity(room))
		return false;
	for (unsigned int i = 0; i < number; i++) {
		if (members->count >= room && !member(objects[i]))
			return false;
		(void)setObject(objects[i]);
	}
	return true;
}

bool OSSet::initWithArray(const OSArray *array, unsigned int capacity)
{
	return array &&
	       initWithObjects((const OSObject **)array->array, array->count, capacity);
}

bool OSSet::initWithSet(const OSSet *other, unsigned int capacity)
{
	return other && initWithArray(other->members, capacity);
}

OSSetPtr OSSet::withCapacity(unsigned int capacity)
{
	OSSet *made = new OSSet;
	if (!made->initWithCapacity(capacity))
		OSSafeReleaseNULL(made);
	return made;
}

OSSetPtr OSSet::withObjects(const OSObject *objects[], unsigned int count,
			    unsigned int capacity)
{
	OSSet *made = new OSSet;
	if (!made->initWithObjects(objects, count, capacity))
		OSSafeReleaseNULL(made);
	return made;
}

OSSetPtr OSSet::withArray(const OSArray *array, unsigned int capacity)
{
	OSSet *made = new OSSet;
	if (!made->initWithArray(array, capacity))
		OSSafeReleaseNULL(made);
	return made;
}

OSSetPtr OSSet::withSet(const OSSet *other, unsigned int capacity)
{
	OSSet *made = new OSSet;
	if (!made->initWithSet(other, capacity))
		OSSafeReleaseNULL(made);
	return made;
}

void OSSet::free()
{
	if (members) {
		(void)members->OSCollection::setOptions(0, kImmutable);
		members->release();
	}
	OSCollection::free();
}

/* ---- sizes ---- */
unsigned int OSSet::getCount() const
{
	return members->count;
}

unsigned int OSSet::getCapacity() const
{
	return members->capacity;
}

unsigned int OSSet::getCapacityIncrement() const
{
	return members->capacityIncrement;
}

unsigned int OSSet::setCapacityIncrement(unsigned int increment)
{
	return members->setCapacityIncrement(increment);
}

unsigned int OSSet::ensureCapacity(unsigned int capacity)
{
	return members->ensureCapacity(capacity);
}

void OSSet::flushCollection()
{
	haveUpdated();
	members->flushCollection();
}

/* ---- members ---- */
bool OSSet::setObject(const OSMetaClassBase *object)
{
	if (containsObject(object))
		return false;
	haveUpdated();
	return members->setObject(object);
}

bool OSSet::merge(const OSArray *array)
{
	for (unsigned int i = 0; i < array->count; i++) {
		const OSMetaClassBase *object = array->array[i];
		if (!containsObject(object) && !setObject(object))
			return false;
	}
	return true;
}

bool OSSet::merge(const OSSet *other)
{
	return merge(other->members);
}

void OSSet::removeObject(const OSMetaClassBase *object)
{
	unsigned int index = members->getNextIndexOfObject(object, 0);
	if (index == not_found)
		return;
	haveUpdated();
	members->removeObject(index);
}

bool OSSet::containsObject(const OSMetaClassBase *object) const
{
	return object && member(object);
}

bool OSSet::member(const OSMetaClassBase *object) const
{
	return members->getNextIndexOfObject(object, 0) != not_found;
}

OSObject *OSSet::getAnyObject() const
{
	return members->getObject(0);
}

OSObject *OSSet::getObject(unsigned int index) const
{
	return members->getObject(index);
}

/* ---- iteration: by the set's own stamp ---- */
unsigned int OSSet::iteratorSize() const
{
	return sizeof(unsigned int);
}

bool OSSet::initIterator(void *iterator) const
{
	*(unsigned int *)iterator = 0;
	return true;
}

bool OSSet::getNextObjectForIterator(void *iterator, OSObject **ret_object) const
{
	const OSArray *of_members = members;
	return container_next(
		iterator, of_members->count,
		[of_members](unsigned int i) { return of_members->getObject(i); },
		ret_object);
}

/* ---- the whole ---- */
/* A member that is not the other's has to equal the one at the same place there. */
bool OSSet::isEqualTo(const OSSet *other) const
{
	if (this == other)
		return true;
	unsigned int count = members->count;
	if (count != other->members->count)
		return false;
	for (unsigned int i = 0; i < count; i++) {
		const OSMetaClassBase *theirs = other->members->array[i];
		if (!containsObject(theirs) && !members->array[i]->isEqualTo(theirs))
			return false;
	}
	return true;
}

bool OSSet::isEqualTo(const OSMetaClassBase *other) const
{
	const OSSet *set = OSDynamicCast(OSSet, other);
	return set && isEqualTo(set);
}

unsigned int OSSet::setOptions(unsigned int options, unsigned int mask, void *context)
{
	bool has_changed = needsOptions(options, mask);
	unsigned int old = OSCollection::setOptions(options, mask, context);
	if (has_changed)
		members->setOptions(options, mask, context);
	return old;
}

OSCollectionPtr OSSet::copyCollection(OSDictionary *copies)
{
	OSCollection *known;
	OSDictionary *all = beginCopy(copies, &known);
	if (!all)
		return known;
	OSSet *copy = OSSet::withSet(this);
	bool done = copy && all->setObject((const OSSymbol *)(const void *)this, copy);
	for (unsigned int i = 0; done && i < members->count; i++) {
		OSCollection *member;
		done = copyMember(members->getObject(i), all, &member);
		if (member)
			copy->members->replaceObject(i, member);
		OSSafeRelease(member);
	}
	all->release();
	if (!done)
		OSSafeReleaseNULL(copy);
	return copy;
}

bool OSSet::serialize(OSSerialize *serializer) const
{
	if (serializer->previouslySerialized(this))
		return true;
	if (!serializer->openCollection(this, "set"))
		return false;
	for (unsigned int i = 0; i < members->count; i++) {
		if (!members->array[i]->serialize(serializer))
			return false;
	}
	return serializer->closeCollection("set");
}

PADS_0_7(OSSet)
