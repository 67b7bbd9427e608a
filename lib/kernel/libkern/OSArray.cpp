/* Members by number. */
#include <libkern/c++/OSArray.h>
#include <libkern/c++/OSDictionary.h>
#include <libkern/c++/OSLib.h>
#include <libkern/c++/OSSerialize.h>
#include "cxx.h"
#include "pads.h"
#include "growth.h"

OSDefineMetaClassAndStructors(OSArray, OSCollection)

	static OSObject *as_object(const OSMetaClassBase *member)
{
	return static_cast<OSObject *>(const_cast<OSMetaClassBase *>(member));
}

bool OSArray::initWithCapacity(unsigned int wanted)
{
	if (!OSCollection::init() || !container_start(&array, wanted))
		return false;
	count = 0;
	capacity = wanted;
	capacityIncrement = wanted ? wanted : default_increment;
	return true;
}

bool OSArray::initWithObjects(const OSObject *objects[], unsigned int number,
			      unsigned int wanted)
{
	if (!objects || (wanted && number > wanted) ||
	    !initWithCapacity(wanted ? wanted : number))
		return false;
	for (unsigned int i = 0; i < number; i++) {
		if (!OSArray::setObject(count, objects[i]))
			return false;
	}
	return true;
}

bool OSArray::initWithArray(const OSArray *other, unsigned int wanted)
{
	return other &&
	       initWithObjects((const OSObject **)other->array, other->count, wanted);
}

OSArrayPtr OSArray::withCapacity(unsigned int capacity)
{
	OSArray *made = new OSArray;
	if (!made->initWithCapacity(capacity))
		OSSafeReleaseNULL(made);
	return made;
}

OSArrayPtr OSArray::withObjects(const OSObject *objects[], unsigned int count,
				unsigned int capacity)
{
	OSArray *made = new OSArray;
	if (!made->initWithObjects(objects, count, capacity))
		OSSafeReleaseNULL(made);
	return made;
}

OSArrayPtr OSArray::withArray(const OSArray *other, unsigned int capacity)
{
	OSArray *made = new OSArray;
	if (!made->initWithArray(other, capacity))
		OSSafeReleaseNULL(made);
	return made;
}

void OSArray::free()
{
	(void)OSCollection::setOptions(0, kImmutable);
	flushCollection();
	kern_os_free(array);
	OSCollection::free();
}

/* ---- sizes ---- */
unsigned int OSArray::getCount() const
{
	return count;
}

unsigned int OSArray::getCapacity() const
{
	return capacity;
}

unsigned int OSArray::getCapacityIncrement() const
{
	return capacityIncrement;
}

unsigned int OSArray::setCapacityIncrement(unsigned int increment)
{
	return capacityIncrement = increment ? increment : default_increment;
}

unsigned int OSArray::ensureCapacity(unsigned int wanted)
{
	return capacity = container_grow(&array, capacity, capacityIncrement, wanted);
}

void OSArray::flushCollection()
{
	haveUpdated();
	for (unsigned int i = 0; i < count; i++)
		array[i]->taggedRelease(OSTypeID(OSCollection));
	count = 0;
}

/* ---- members ---- */
bool OSArray::setObject(const OSMetaClassBase *object)
{
	return OSArray::setObject(count, object);
}

bool OSArray::setObject(unsigned int index, const OSMetaClassBase *object)
{
	if (index > count || !object || count == 0xffffffffu ||
	    count >= ensureCapacity(count + 1))
		return false;
	haveUpdated();
	memmove(&array[index + 1], &array[index], (count - index) * sizeof(*array));
	array[index] = object;
	object->taggedRetain(OSTypeID(OSCollection));
	count++;
	return true;
}

bool OSArray::merge(const OSArray *other)
{
	unsigned int total, number = other->count;
	if (!number)
		return true;
	if (__builtin_add_overflow(count, number, &total) ||
	    ensureCapacity(total) < total)
		return false;
	haveUpdated();
	for (unsigned int i = 0; i < number; i++) {
		array[count] = other->array[i];
		array[count++]->taggedRetain(OSTypeID(OSCollection));
	}
	return true;
}

void OSArray::replaceObject(unsigned int index, const OSMetaClassBase *object)
{
	if (index >= count || !object)
		return;
	haveUpdated();
	const OSMetaClassBase *old = array[index];
	object->taggedRetain(OSTypeID(OSCollection));
	array[index] = object;
	old->taggedRelease(OSTypeID(OSCollection));
}

void OSArray::removeObject(unsigned int index)
{
	if (index >= count)
		return;
	haveUpdated();
	const OSMetaClassBase *old = array[index];
	count--;
	memmove(&array[index], &array[index + 1], (count - index) * sizeof(*array));
	old->taggedRelease(OSTypeID(OSCollection));
}

OSObject *OSArray::getObject(unsigned int index) const
{
	return index < count ? as_object(array[index]) : NULL;
}

OSObject *OSArray::getLastObject() const
{
	return count ? as_object(array[count - 1]) : NULL;
}

unsigned int OSArray::getNextIndexOfObject(const OSMetaClassBase *object,
					   unsigned int from) const
{
	while (from < count && array[from] != object)
		from++;
	return from < count ? from : 0xffffffffu;
}

/* ---- iteration ---- */
unsigned int OSArray::iteratorSize() const
{
	return sizeof(unsigned int);
}

bool OSArray::initIterator(void *iterator) const
{
	*(unsigned int *)iterator = 0;
	return true;
}

bool OSArray::getNextObjectForIterator(void *iterator, OSObject **ret_object) const
{
	return container_next(
		iterator, count, [this](unsigned int i) { return as_object(array[i]); },
		ret_object);
}

/* ---- the whole ---- */
bool OSArray::isEqualTo(const OSArray *other) const
{
	if (this == other)
		return true;
	if (count != other->count)
		return false;
	for (unsigned int i = 0; i < count; i++) {
		if (!array[i]->isEqualTo(other->array[i]))
			return false;
	}
	return true;
}

bool OSArray::isEqualTo(const OSMetaClassBase *other) const
{
	const OSArray *of_array = OSDynamicCast(OSArray, other);
	return of_array && isEqualTo(of_array);
}

unsigned int OSArray::setOptions(unsigned int options, unsigned int mask, void *context)
{
	bool has_changed = needsOptions(options, mask);
	unsigned int old = OSCollection::setOptions(options, mask, context);
	for (unsigned int i = 0; has_changed && i < count; i++) {
		OSCollection *member = OSDynamicCast(OSCollection, array[i]);
		if (member)
			member->setOptions(options, mask, context);
	}
	return old;
}

OSCollectionPtr OSArray::copyCollection(OSDictionary *copies)
{
	OSCollection *known;
	OSDictionary *all = beginCopy(copies, &known);
	if (!all)
		return known;
	OSArray *copy = OSArray::withArray(this);
	bool done = copy && all->setObject((const OSSymbol *)(const void *)this, copy);
	for (unsigned int i = 0; done && i < copy->count; i++) {
		OSCollection *member;
		done = copyMember(as_object(copy->array[i]), all, &member);
		if (member)
			copy->replaceObject(i, member);
		OSSafeRelease(member);
	}
	all->release();
	if (!done)
		OSSafeReleaseNULL(copy);
	return copy;
}

bool OSArray::serialize(OSSerialize *serializer) const
{
	if (serializer->previouslySerialized(this))
		return true;
	if (!serializer->openCollection(this, "array"))
		return false;
	for (unsigned int i = 0; i < count; i++) {
		if (!array[i]->serialize(serializer))
			return false;
	}
	return serializer->closeCollection("array");
}

PADS_0_7(OSArray)
