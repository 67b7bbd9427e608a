/* Integers: a value and the width that it is cut to. */
#include <libkern/c++/OSLib.h>
#include <libkern/c++/OSNumber.h>
#include <libkern/c++/OSSerialize.h>
#include "cxx.h"
#include "pads.h"

OSDefineMetaClassAndStructors(OSNumber, OSObject)

	/* A width of 0 keeps the whole value. */
	static unsigned long long cut(unsigned long long value, unsigned int bits)
{
	return bits && bits < 64 ? value & ((1ull << bits) - 1) : value;
}

bool OSNumber::init(unsigned long long of_value, unsigned int bits)
{
	if (bits > 64 || !OSObject::init())
		return false;
	size = bits;
	value = cut(of_value, bits);
	return true;
}

bool OSNumber::init(const char *text, unsigned int bits)
{
	return text && init(xnu_strtoul(text, NULL, 0), bits);
}

void OSNumber::free()
{
	OSObject::free();
}

OSNumberPtr OSNumber::withNumber(unsigned long long value, unsigned int bits)
{
	OSNumber *number = new OSNumber;
	if (!number->init(value, bits))
		OSSafeReleaseNULL(number);
	return number;
}

OSNumberPtr OSNumber::withNumber(const char *text, unsigned int bits)
{
	OSNumber *number = new OSNumber;
	if (!number->init(text, bits))
		OSSafeReleaseNULL(number);
	return number;
}

unsigned int OSNumber::numberOfBits() const
{
	return size;
}

unsigned int OSNumber::numberOfBytes() const
{
	return (size + 7) / 8;
}

unsigned char OSNumber::unsigned8BitValue() const
{
	return (unsigned char)value;
}

unsigned short OSNumber::unsigned16BitValue() const
{
	return (unsigned short)value;
}

unsigned int OSNumber::unsigned32BitValue() const
{
	return (unsigned int)value;
}

unsigned long long OSNumber::unsigned64BitValue() const
{
	return value;
}

void OSNumber::addValue(signed long long amount)
{
	value = cut(value + (unsigned long long)amount, size);
}

void OSNumber::setValue(unsigned long long to)
{
	value = cut(to, size);
}

bool OSNumber::isEqualTo(const OSNumber *other) const
{
	return value == other->value;
}

bool OSNumber::isEqualTo(const OSMetaClassBase *other) const
{
	const OSNumber *number = OSDynamicCast(OSNumber, other);
	return number && isEqualTo(number);
}

/* The width comes before the identity, so the start tag is written here. */
bool OSNumber::serialize(OSSerialize *serializer) const
{
	char text[40];
	if (serializer->previouslySerialized(this))
		return true;
	xnu_snprintf(text, sizeof(text), "integer size=\"%u\"", size);
	if (!serializer->addXMLStartTag(this, text))
		return false;
	xnu_snprintf(text, sizeof(text), "0x%llx", value);
	return serializer->addString(text) && serializer->addXMLEndTag("integer");
}

PADS_0_7(OSNumber)
