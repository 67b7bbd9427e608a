/* What every class has: casts, comparison, and the places of unused methods. */
#include <libkern/c++/OSObject.h>
#include <libkern/c++/OSString.h>
#include <libkern/c++/OSSymbol.h>
#include "cxx.h"

static const kern_return_t unsupported = (kern_return_t)0xe00002c7;

OSMetaClassBase::OSMetaClassBase()
{
}

/* An object used after its end crashes at an address that can be recognised. */
OSMetaClassBase::~OSMetaClassBase()
{
	*(void *volatile *)(void *)this = (void *)-1l;
}

/* The locks of the runtime are static. */
void OSMetaClassBase::initialize()
{
}

bool OSMetaClassBase::isEqualTo(const OSMetaClassBase *other) const
{
	return this == other;
}

kern_return_t OSMetaClassBase::Dispatch(const IORPC)
{
	return unsupported;
}

kern_return_t OSMetaClassBase::Invoke(const IORPC rpc)
{
	return Dispatch(rpc);
}

OSMetaClassBase *OSMetaClassBase::safeMetaCast(const OSMetaClassBase *object,
					       const OSMetaClass *wanted)
{
	return object ? object->metaCast(wanted) : NULL;
}

OSMetaClassBase *OSMetaClassBase::requiredMetaCast(const OSMetaClassBase *object,
						   const OSMetaClass *wanted)
{
	OSMetaClassBase *result = safeMetaCast(object, wanted);
	if (object && !result)
		panic("an object of class %s is not a %s",
		      object->getMetaClass()->getClassName(), wanted->getClassName());
	return result;
}

bool OSMetaClassBase::checkTypeInst(const OSMetaClassBase *instance,
				    const OSMetaClassBase *of_type)
{
	return instance && of_type && instance->metaCast(of_type->getMetaClass());
}

OSMetaClassBase *OSMetaClassBase::metaCast(const OSMetaClass *wanted) const
{
	return wanted->checkMetaCast(this);
}

OSMetaClassBase *OSMetaClassBase::metaCast(const OSSymbol *wanted) const
{
	return OSMetaClass::checkMetaCastWithName(wanted, this);
}

OSMetaClassBase *OSMetaClassBase::metaCast(const OSString *wanted) const
{
	return OSMetaClass::checkMetaCastWithName(wanted, this);
}

OSMetaClassBase *OSMetaClassBase::metaCast(const char *wanted) const
{
	return OSMetaClass::checkMetaCastWithName(wanted, this);
}

#define PAD(index)                                                                       \
	void OSMetaClassBase::_RESERVEDOSMetaClassBase##index()                          \
	{                                                                                \
		panic("OSMetaClassBase: reserved slot %d was called", index);            \
	}
PAD(4)
PAD(5)
PAD(6)
PAD(7)
