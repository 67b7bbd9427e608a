/* Text. Lengths are stored with the terminator, as kexts' subclasses expect. */
#include <libkern/c++/OSData.h>
#include <libkern/c++/OSLib.h>
#include <libkern/c++/OSSerialize.h>
#include <libkern/c++/OSString.h>
#include "cxx.h"
#include "pads.h"

/* Lengths with the terminator are below 2^18. */
static const size_t length_limit = (1u << 18) - 2;

OSDefineMetaClassAndStructors(OSString, OSObject)

	static bool is_too_long(size_t size)
{
	return size >= length_limit;
}

bool OSString::initWithStringOfLength(const char *text, size_t size)
{
	if (!text || is_too_long(size) || strnlen(text, size) < size || !init())
		return false;
	char *copy = (char *)kern_os_malloc(size + 1);
	if (!copy)
		return false;
	memcpy(copy, text, size);
	if (!(flags & kOSStringNoCopy))
		kern_os_free(string);
	string = copy;
	length = (unsigned int)size + 1;
	flags &= ~(unsigned int)kOSStringNoCopy;
	return true;
}

bool OSString::initWithString(const OSString *other)
{
	return initWithCString(other->string);
}

bool OSString::initWithCString(const char *text)
{
	return text && OSString::initWithStringOfLength(text, strlen(text));
}

bool OSString::initWithCStringNoCopy(const char *text)
{
	if (!text || is_too_long(strlen(text)) || !init())
		return false;
	if (!(flags & kOSStringNoCopy))
		kern_os_free(string);
	length = (unsigned int)strlen(text) + 1;
	string = const_cast<char *>(text);
	flags |= kOSStringNoCopy;
	return true;
}

OSStringPtr OSString::withString(const OSString *other)
{
	OSString *made = new OSString;
	if (!made->initWithString(other))
		OSSafeReleaseNULL(made);
	return made;
}

OSStringPtr OSString::withCString(const char *text)
{
	OSString *made = new OSString;
	if (!made->initWithCString(text))
		OSSafeReleaseNULL(made);
	return made;
}

OSStringPtr OSString::withCStringNoCopy(const char *text)
{
	OSString *made = new OSString;
	if (!made->initWithCStringNoCopy(text))
		OSSafeReleaseNULL(made);
	return made;
}

OSStringPtr OSString::withStringOfLength(const char *text, size_t size)
{
	OSString *made = new OSString;
	if (!made->initWithStringOfLength(text, size))
		OSSafeReleaseNULL(made);
	return made;
}

void OSString::free()
{
	if (!(flags & kOSStringNoCopy))
		kern_os_free(string);
	OSObject::free();
}

unsigned int OSString::getLength() const
{
	return length ? length - 1 : 0;
}

const char *OSString::getCStringNoCopy() const
{
	return string;
}

bool OSString::setChar(char character, unsigned int index)
{
	if ((flags & kOSStringNoCopy) || index >= getLength())
		return false;
	string[index] = character;
	return true;
}

char OSString::getChar(unsigned int index) const
{
	return index < length ? string[index] : '\0';
}

bool OSString::isEqualTo(const OSString *other) const
{
	return length == other->length && memcmp(string, other->string, length) == 0;
}

bool OSString::isEqualTo(const char *text) const
{
	return strncmp(string, text, length) == 0;
}

/* The data has to hold the terminator, and may hold one more. */
bool OSString::isEqualTo(const OSData *data) const
{
	if (!data)
		return false;
	unsigned int size = data->getLength();
	const char *bytes = (const char *)data->getBytesNoCopy();
	if (size == length + 1 && bytes[size - 1] == '\0')
		size--;
	return size == length && memcmp(string, bytes, size) == 0;
}

bool OSString::isEqualTo(const OSMetaClassBase *other) const
{
	const OSString *of_string = OSDynamicCast(OSString, other);
	if (of_string)
		return isEqualTo(of_string);
	const OSData *data = OSDynamicCast(OSData, other);
	return data && isEqualTo(data);
}

bool OSString::serialize(OSSerialize *serializer) const
{
	if (serializer->previouslySerialized(this))
		return true;
	return serializer->addXMLStartTag(this, "string") &&
	       serializer->addEscaped(string) && serializer->addXMLEndTag("string");
}

PADS_0_7(OSString)
PADS_8_15(OSString)
