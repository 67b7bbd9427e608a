/* Iterators. */
#include <libkern/c++/OSCollectionIterator.h>
#include <libkern/c++/OSLib.h>
#include "cxx.h"
#include "pads.h"

OSDefineMetaClassAndAbstractStructors(OSIterator, OSObject)

	PADS_0_3(OSIterator)

		OSDefineMetaClassAndStructors(OSCollectionIterator, OSIterator)

			bool OSCollectionIterator::initWithCollection(
				const OSCollection *of_collection)
{
	if (!of_collection || !OSObject::init())
		return false;
	of_collection->retain();
	collection = of_collection;
	valid = false;
	return true;
}

OSCollectionIteratorPtr
OSCollectionIterator::withCollection(const OSCollection *collection)
{
	OSCollectionIterator *made = new OSCollectionIterator;
	if (!made->initWithCollection(collection))
		OSSafeReleaseNULL(made);
	return made;
}

void OSCollectionIterator::free()
{
	kern_os_free(collIterator);
	OSSafeRelease(collection);
	OSObject::free();
}

void OSCollectionIterator::reset()
{
	valid = false;
	if (!collIterator)
		collIterator = kern_os_malloc(collection->iteratorSize());
	if (!collIterator || !collection->initIterator(collIterator))
		return;
	initialUpdateStamp = collection->updateStamp;
	valid = true;
}

/* The first question or step is what starts the walk. */
bool OSCollectionIterator::isValid()
{
	if (!collIterator) {
		reset();
		return valid;
	}
	return valid && collection->updateStamp == initialUpdateStamp;
}

OSObject *OSCollectionIterator::getNextObject()
{
	OSObject *object;
	if (!isValid())
		return NULL;
	return collection->getNextObjectForIterator(collIterator, &object) ? object
									   : NULL;
}
