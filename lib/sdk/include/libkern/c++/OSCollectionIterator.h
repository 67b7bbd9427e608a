/* An iterator of any collection. */
#ifndef _LIBKERN_OSCOLLECTIONITERATOR_H
#define _LIBKERN_OSCOLLECTIONITERATOR_H

#include <libkern/c++/OSCollection.h>
#include <libkern/c++/OSIterator.h>

class OSCollectionIterator;
typedef OSCollectionIterator *OSCollectionIteratorPtr;

class OSCollectionIterator : public OSIterator
{
	OSDeclareDefaultStructors(OSCollectionIterator);

protected:
	const OSCollection *collection;
	void *collIterator;
	unsigned int initialUpdateStamp;
	bool valid;

public:
	static OSCollectionIteratorPtr withCollection(const OSCollection *collection);

	virtual bool initWithCollection(const OSCollection *collection);
	virtual void free();
	virtual void reset();
	virtual bool isValid();
	virtual OSObject *getNextObject();
};

#endif
