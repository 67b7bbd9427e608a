/* Text: bytes with a terminator, by convention UTF-8. */
#ifndef _LIBKERN_OSSTRING_H
#define _LIBKERN_OSSTRING_H

#include <libkern/c++/OSObject.h>

class OSData;
class OSString;
typedef OSString *OSStringPtr;

class OSString : public OSObject
{
	OSDeclareDefaultStructors(OSString);

protected:
	char *string;
	unsigned int flags;  /* kOSStringNoCopy */
	unsigned int length; /* with the terminator */

public:
	static OSStringPtr withString(const OSString *other);
	static OSStringPtr withCString(const char *text);
	static OSStringPtr withCStringNoCopy(const char *text);

#ifdef XNU_KERNEL_PRIVATE
	static OSStringPtr withStringOfLength(const char *text, size_t size);
	bool initWithStringOfLength(const char *text, size_t size);
	bool isNoCopy() const
	{
		return flags & 1;
	}
#endif

	virtual bool initWithString(const OSString *other);
	virtual bool initWithCString(const char *text);
	virtual bool initWithCStringNoCopy(const char *text);
	virtual void free();

	virtual unsigned int getLength() const;
	virtual char getChar(unsigned int index) const;
	virtual bool setChar(char character, unsigned int index);
	virtual const char *getCStringNoCopy() const;

	virtual bool isEqualTo(const OSString *other) const;
	virtual bool isEqualTo(const char *text) const;
	virtual bool isEqualTo(const OSMetaClassBase *other) const;
	virtual bool isEqualTo(const OSData *data) const;
	virtual bool serialize(OSSerialize *serializer) const;

	OSMetaClassDeclareReservedUnused(OSString, 0);
	OSMetaClassDeclareReservedUnused(OSString, 1);
	OSMetaClassDeclareReservedUnused(OSString, 2);
	OSMetaClassDeclareReservedUnused(OSString, 3);
	OSMetaClassDeclareReservedUnused(OSString, 4);
	OSMetaClassDeclareReservedUnused(OSString, 5);
	OSMetaClassDeclareReservedUnused(OSString, 6);
	OSMetaClassDeclareReservedUnused(OSString, 7);
	OSMetaClassDeclareReservedUnused(OSString, 8);
	OSMetaClassDeclareReservedUnused(OSString, 9);
	OSMetaClassDeclareReservedUnused(OSString, 10);
	OSMetaClassDeclareReservedUnused(OSString, 11);
	OSMetaClassDeclareReservedUnused(OSString, 12);
	OSMetaClassDeclareReservedUnused(OSString, 13);
	OSMetaClassDeclareReservedUnused(OSString, 14);
	OSMetaClassDeclareReservedUnused(OSString, 15);
};

enum { kOSStringNoCopy = 1 };

#endif
