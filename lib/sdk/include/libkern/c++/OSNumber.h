/* An unsigned integer of up to 64 bits and its width. */
#ifndef _LIBKERN_OSNUMBER_H
#define _LIBKERN_OSNUMBER_H

#include <libkern/c++/OSObject.h>

class OSNumber;
typedef OSNumber *OSNumberPtr;

class OSNumber : public OSObject
{
	OSDeclareDefaultStructors(OSNumber);

protected:
	unsigned long long value;
	unsigned int size; /* in bits */
	struct ExpansionData {
	};
	ExpansionData *reserved;

public:
	static OSNumberPtr withNumber(unsigned long long value, unsigned int bits);
	static OSNumberPtr withNumber(const char *text, unsigned int bits);

	virtual bool init(unsigned long long value, unsigned int bits);
	virtual bool init(const char *text, unsigned int bits);
	virtual void free();

	virtual unsigned int numberOfBits() const;
	virtual unsigned int numberOfBytes() const;
	virtual unsigned char unsigned8BitValue() const;
	virtual unsigned short unsigned16BitValue() const;
	virtual unsigned int unsigned32BitValue() const;
	virtual unsigned long long unsigned64BitValue() const;
	virtual void addValue(signed long long amount);
	virtual void setValue(unsigned long long value);

	virtual bool isEqualTo(const OSNumber *other) const;
	virtual bool isEqualTo(const OSMetaClassBase *other) const;
	virtual bool serialize(OSSerialize *serializer) const;

	OSMetaClassDeclareReservedUnused(OSNumber, 0);
	OSMetaClassDeclareReservedUnused(OSNumber, 1);
	OSMetaClassDeclareReservedUnused(OSNumber, 2);
	OSMetaClassDeclareReservedUnused(OSNumber, 3);
	OSMetaClassDeclareReservedUnused(OSNumber, 4);
	OSMetaClassDeclareReservedUnused(OSNumber, 5);
	OSMetaClassDeclareReservedUnused(OSNumber, 6);
	OSMetaClassDeclareReservedUnused(OSNumber, 7);
};

#endif
