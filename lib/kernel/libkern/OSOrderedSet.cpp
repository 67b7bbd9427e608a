/* Members in the order that a function decides: greatest first, equals as they came. */
#include <libkern/c++/OSDictionary.h>
#include <libkern/c++/OSLib.h>
#include <libkern/c++/OSOrderedSet.h>
#include "cxx.h"
#include "pads.h"
#include "growth.h"

struct _Element {
	const OSMetaClassBase *object;
};

OSDefineMetaClassAndStructors(OSOrderedSet, OSCollection)

	static OSObject *as_object(const OSMetaClassBase *member)
{
	return static_cast<OSObject *>(const_cast<OSMetaClassBase *>(member));
}

bool OSOrderedSet::initWithCapacity(unsigned int wanted, OSOrderFunction order,
				    void *context)
{
	if (!OSCollection::init() || !container_start(&array, wanted))
		return false;
	count = 0;
	capacity = wanted;
	capacityIncrement = wanted ? wanted : default_increment;
	ordering = order;
	orderingRef = context;
	return true;
}

OSOrderedSetPtr OSOrderedSet::withCapacity(unsigned int capacity, OSOrderFunction order,
					   void *context)
{
	OSOrderedSet *made = new OSOrderedSet;
	if (!made->initWithCapacity(capacity, order, context))
		OSSafeReleaseNULL(made);
	return made;
}

void OSOrderedSet::free()
{
	(void)OSCollection::setOptions(0, kImmutable);
	flushCollection();
	kern_os_free(array);
	OSCollection::free();
}

/* ---- sizes ---- */
unsigned int OSOrderedSet::getCount() const
{
	return count;
}

unsigned int OSOrderedSet::getCapacity() const
{
	return capacity;
}

unsigned int OSOrderedSet::getCapacityIncrement() const
{
	return capacityIncrement;
}

unsigned int OSOrderedSet::setCapacityIncrement(unsigned int increment)
{
	return capacityIncrement = increment ? increment : default_increment;
}

unsigned int OSOrderedSet::ensureCapacity(unsigned int wanted)
{
	return capacity = container_grow(&array, capacity, capacityIncrement, wanted);
}

void OSOrderedSet::flushCollection()
{
	haveUpdated();
	for (unsigned int i = 0; i < count; i++)
		array[i].object->taggedRelease(OSTypeID(OSCollection));
	count = 0;
}

/* ---- members ---- */
bool OSOrderedSet::setObject(unsigned int index, const OSMetaClassBase *object)
{
	if (index > count || !object || containsObject(object) ||
	    ensureCapacity(count + 1) <= count)
		return false;
	haveUpdated();
	memmove(&array[index + 1], &array[index], (count - index) * sizeof(*array));
	array[index].object = object;
	object->taggedRetain(OSTypeID(OSCollection));
	count++;
	return true;
}

bool OSOrderedSet::setFirstObject(const OSMetaClassBase *object)
{
	return setObject(0u, object);
}

bool OSOrderedSet::setLastObject(const OSMetaClassBase *object)
{
	return setObject(count, object);
}

bool OSOrderedSet::setObject(const OSMetaClassBase *object)
{
	unsigned int index = 0;
	if (!object)
		return false;
	while (index < count &&
	       (!ordering || ordering(array[index].object, object, orderingRef) >= 0))
		index++;
	return setObject(index, object);
}

void OSOrderedSet::removeObject(const OSMetaClassBase *object)
{
	unsigned int index = 0;
	while (index < count && array[index].object != object)
		index++;
	if (index == count)
		return;
	haveUpdated();
	count--;
	memmove(&array[index], &array[index + 1], (count - index) * sizeof(*array));
	object->taggedRelease(OSTypeID(OSCollection));
}

bool OSOrderedSet::containsObject(const OSMetaClassBase *object) const
{
	return object && member(object);
}

bool OSOrderedSet::member(const OSMetaClassBase *object) const
{
	unsigned int index = 0;
	while (index < count && array[index].object != object)
		index++;
	return index < count;
}

OSObject *OSOrderedSet::getObject(unsigned int index) const
{
	return index < count ? as_object(array[index].object) : NULL;
}

OSObject *OSOrderedSet::getFirstObject() const
{
	return getObject(0);
}

OSObject *OSOrderedSet::getLastObject() const
{
	return count ? getObject(count - 1) : NULL;
}

SInt32 OSOrderedSet::orderObject(const OSMetaClassBase *object)
{
	return ordering ? ordering(object, NULL, orderingRef) : 0;
}

void *OSOrderedSet::getOrderingRef()
{
	return orderingRef;
}

/* ---- iteration ---- */
unsigned int OSOrderedSet::iteratorSize() const
{
	return sizeof(unsigned int);
}

bool OSOrderedSet::initIterator(void *iterator) const
{
	*(unsigned int *)iterator = 0;
	return true;
}

bool OSOrderedSet::getNextObjectForIterator(void *iterator, OSObject **ret_object) const
{
	return container_next(
		iterator, count,
		[this](unsigned int i) { return as_object(array[i].object); },
		ret_object);
}

/* ---- the whole ---- */
bool OSOrderedSet::isEqualTo(const OSOrderedSet *other) const
{
	if (this == other)
		return true;
	if (count != other->count)
		return false;
	for (unsigned int i = 0; i < count; i++) {
		if (!array[i].object->isEqualTo(other->array[i].object))
			return false;
	}
	return true;
}

bool OSOrderedSet::isEqualTo(const OSMetaClassBase *other) const
{
	const OSOrderedSet *set = OSDynamicCast(OSOrderedSet, other);
	return set && isEqualTo(set);
}

unsigned int OSOrderedSet::setOptions(unsigned int options, unsigned int mask,
				      void *context)
{
	bool has_changed = needsOptions(options, mask);
	unsigned int old = OSCollection::setOptions(options, mask, context);
	for (unsigned int i = 0; has_changed && i < count; i++) {
		OSCollection *of_members = OSDynamicCast(OSCollection, array[i].object);
		if (of_members)
			of_members->setOptions(options, mask, context);
	}
	return old;
}

OSCollectionPtr OSOrderedSet::copyCollection(OSDictionary *copies)
{
	OSCollection *known;
	OSDictionary *all = beginCopy(copies, &known);
	if (!all)
		return known;
	OSOrderedSet *copy = OSOrderedSet::withCapacity(capacity, ordering, orderingRef);
	bool done = copy && all->setObject((const OSSymbol *)(const void *)this, copy);
	for (unsigned int i = 0; done && i < count; i++) {
		OSCollection *of_member;
		OSObject *object = as_object(array[i].object);
		done = copyMember(object, all, &of_member) &&
		       copy->setLastObject(of_member ? of_member : object);
		OSSafeRelease(of_member);
	}
	all->release();
	if (!done)
		OSSafeReleaseNULL(copy);
	return copy;
}

PADS_0_7(OSOrderedSet)
