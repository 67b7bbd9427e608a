/* The two truth values, one object each for ever. */
#ifndef _LIBKERN_OSBOOLEAN_H
#define _LIBKERN_OSBOOLEAN_H

#include <libkern/c++/OSObject.h>

class OSBoolean;
typedef OSBoolean *OSBooleanPtr;

class OSBoolean : public OSObject
{
	OSDeclareDefaultStructors(OSBoolean);

protected:
	bool value;
	virtual void taggedRelease(const void *tag, const int freeWhen) const;

public:
	static void initialize();
	static OSBooleanPtr withBoolean(bool value);

	virtual void free();
	virtual void taggedRetain(const void *tag) const;

	virtual bool isTrue() const;
	virtual bool isFalse() const;
	virtual bool getValue() const;

	virtual bool isEqualTo(const OSBoolean *other) const;
	virtual bool isEqualTo(const OSMetaClassBase *other) const;
	virtual bool serialize(OSSerialize *serializer) const;

	OSMetaClassDeclareReservedUnused(OSBoolean, 0);
	OSMetaClassDeclareReservedUnused(OSBoolean, 1);
	OSMetaClassDeclareReservedUnused(OSBoolean, 2);
	OSMetaClassDeclareReservedUnused(OSBoolean, 3);
	OSMetaClassDeclareReservedUnused(OSBoolean, 4);
	OSMetaClassDeclareReservedUnused(OSBoolean, 5);
	OSMetaClassDeclareReservedUnused(OSBoolean, 6);
	OSMetaClassDeclareReservedUnused(OSBoolean, 7);
};

/* References to the kernel's pointers: a kext loads twice. */
extern OSBoolean *const &kOSBooleanTrue;
extern OSBoolean *const &kOSBooleanFalse;

#endif
