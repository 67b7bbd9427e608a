/* What gives one object after another. */
#ifndef _LIBKERN_OSITERATOR_H
#define _LIBKERN_OSITERATOR_H

#include <libkern/c++/OSObject.h>

class OSIterator : public OSObject
{
	OSDeclareAbstractStructors(OSIterator);

public:
	virtual void reset() = 0;
	/* False once what is walked has changed; reset makes it true again. */
	virtual bool isValid() = 0;
	virtual OSObject *getNextObject() = 0;

	OSMetaClassDeclareReservedUnused(OSIterator, 0);
	OSMetaClassDeclareReservedUnused(OSIterator, 1);
	OSMetaClassDeclareReservedUnused(OSIterator, 2);
	OSMetaClassDeclareReservedUnused(OSIterator, 3);
};

#endif
