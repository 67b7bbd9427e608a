/* Bytes: owned ones grow, borrowed ones only get looked at. */
#include <libkern/c++/OSData.h>
#include <libkern/c++/OSLib.h>
#include <libkern/c++/OSSerialize.h>
#include <libkern/c++/OSString.h>
#include "cxx.h"
#include "pads.h"

OSDefineMetaClassAndStructors(OSData, OSObject)

	struct OSData::ExpansionData {
	DeallocFunction dealloc;
	bool is_not_serializable;
};

static const unsigned int borrowed = 0xffffffffu, page = 4096;

/* Storage from a page on comes in whole pages; 0 when that does not fit. */
static unsigned int rounded(unsigned int capacity)
{
	if (capacity < page)
		return capacity;
	return capacity > borrowed - page ? 0 : (capacity + page - 1) & -page;
}

void OSData::dropBytes()
{
	if (capacity != borrowed)
		kern_os_free(data);
	else if (reserved && reserved->dealloc && data && length)
		reserved->dealloc(data, length);
	data = NULL;
	capacity = length = 0;
}

bool OSData::initWithCapacity(unsigned int wanted)
{
	if (!OSObject::init() || (wanted && !rounded(wanted)))
		return false;
	if (data && (!wanted || capacity < wanted || capacity == borrowed))
		dropBytes();
	if (wanted && !data) {
		capacity = rounded(wanted);
		data = kern_os_malloc(capacity);
		if (!data) {
			capacity = 0;
			return false;
		}
	}
	length = 0;
	capacityIncrement = capacity < 16 ? 16 : capacity;
	return true;
}

bool OSData::initWithBytes(const void *bytes, unsigned int size)
{
	if ((size && !bytes) || !initWithCapacity(size))
		return false;
	if (size)
		memcpy(data, bytes, size);
	length = size;
	return true;
}

bool OSData::initWithBytesNoCopy(void *bytes, unsigned int size)
{
	if (!OSObject::init())
		return false;
	dropBytes();
	length = size;
	capacity = borrowed;
	data = bytes;
	return true;
}

bool OSData::initWithData(const OSData *other)
{
	return initWithBytes(other->data, other->length);
}

bool OSData::initWithData(const OSData *other, unsigned int start, unsigned int size)
{
	const void *bytes = other->getBytesNoCopy(start, size);
	return bytes && initWithBytes(bytes, size);
}

/* ---- factories ---- */
OSDataPtr OSData::withCapacity(unsigned int capacity)
{
	OSData *made = new OSData;
	if (!made->initWithCapacity(capacity))
		OSSafeReleaseNULL(made);
	return made;
}

OSDataPtr OSData::withBytes(const void *bytes, unsigned int size)
{
	OSData *made = new OSData;
	if (!made->initWithBytes(bytes, size))
		OSSafeReleaseNULL(made);
	return made;
}

OSDataPtr OSData::withBytesNoCopy(void *bytes, unsigned int size)
{
	OSData *made = new OSData;
	if (!made->initWithBytesNoCopy(bytes, size))
		OSSafeReleaseNULL(made);
	return made;
}

OSDataPtr OSData::withData(const OSData *other)
{
	OSData *made = new OSData;
	if (!made->initWithData(other))
		OSSafeReleaseNULL(made);
	return made;
}

OSDataPtr OSData::withData(const OSData *other, unsigned int start, unsigned int size)
{
	OSData *made = new OSData;
	if (!made->initWithData(other, start, size))
		OSSafeReleaseNULL(made);
	return made;
}

void OSData::free()
{
	dropBytes();
	kern_os_free(reserved);
	OSObject::free();
}

/* ---- sizes ---- */
unsigned int OSData::getLength() const
{
	return length;
}

unsigned int OSData::getCapacity() const
{
	return capacity;
}

unsigned int OSData::getCapacityIncrement() const
{
	return capacityIncrement;
}

unsigned int OSData::setCapacityIncrement(unsigned int increment)
{
	return capacityIncrement = increment;
}

/* The next multiple of the increment that holds `wanted`, or 0. */
static unsigned int next_capacity(unsigned int wanted, unsigned int increment)
{
	unsigned int step = increment ? increment : 16;
	unsigned int steps = (wanted - 1) / step + 1, result;
	return __builtin_mul_overflow(steps, step, &result) ? 0 : rounded(result);
}

unsigned int OSData::ensureCapacity(unsigned int wanted)
{
	if (wanted <= capacity)
		return capacity;
	unsigned int larger = next_capacity(wanted, capacityIncrement);
	if (larger < wanted)
		return capacity;
	void *grown = kern_os_malloc(larger);
	if (!grown)
		return capacity;
	if (length)
		memcpy(grown, data, length);
	kern_os_free(data);
	data = grown;
	return capacity = larger;
}

/* Makes room for `size` bytes behind the present ones; nobody extends borrowed bytes. */
bool OSData::growFor(unsigned int size)
{
	unsigned int total;
	if (capacity == borrowed || __builtin_add_overflow(length, size, &total))
		return false;
	return ensureCapacity(total) >= total;
}

/* ---- contents ---- */
bool OSData::appendBytes(const void *bytes, unsigned int size)
{
	if (!size)
		return true;
	/* Growing moves the bytes; those of this very object move along. */
	uintptr_t offset = (uintptr_t)bytes - (uintptr_t)data;
	bool is_own = data && bytes && offset < length;
	if (!growFor(size))
		return false;
	char *end = (char *)data + length;
	if (is_own)
		bytes = (const char *)data + offset;
	if (bytes)
		memmove(end, bytes, size);
	else
		memset(end, 0, size);
	length += size;
	return true;
}

bool OSData::appendBytes(const OSData *other)
{
	return appendBytes(other->data, other->length);
}

bool OSData::appendByte(unsigned char byte, unsigned int count)
{
	if (!count)
		return true;
	if (!growFor(count))
		return false;
	memset((char *)data + length, byte, count);
	length += count;
	return true;
}

const void *OSData::getBytesNoCopy() const
{
	return length ? data : NULL;
}

const void *OSData::getBytesNoCopy(unsigned int start, unsigned int size) const
{
	unsigned int end;
	if (start >= length || __builtin_add_overflow(start, size, &end) || end > length)
		return NULL;
	return (const char *)data + start;
}

/* ---- comparing ---- */
/* A prefix will do. */
bool OSData::isEqualTo(const void *bytes, unsigned int size) const
{
	return length >= size && (size == 0 || memcmp(data, bytes, size) == 0);
}

bool OSData::isEqualTo(const OSData *other) const
{
	return length == other->length && isEqualTo(other->data, length);
}

/* The terminator may be there or not. */
bool OSData::isEqualTo(const OSString *string) const
{
	if (!string)
		return false;
	unsigned int size = length, wanted = string->getLength();
	if (size == wanted + 1 && ((const char *)data)[wanted] == '\0')
		size--;
	return size == wanted && isEqualTo(string->getCStringNoCopy(), size);
}

bool OSData::isEqualTo(const OSMetaClassBase *other) const
{
	const OSData *of_data = OSDynamicCast(OSData, other);
	if (of_data)
		return isEqualTo(of_data);
	const OSString *string = OSDynamicCast(OSString, other);
	return string && isEqualTo(string);
}

/* ---- what few need ---- */
void OSData::setDeallocFunction(DeallocFunction function)
{
	if (!reserved)
		reserved = (ExpansionData *)kern_os_malloc(sizeof(*reserved));
	if (reserved)
		reserved->dealloc = function;
}

void OSData::setSerializable(bool serializable)
{
	if (!reserved)
		reserved = (ExpansionData *)kern_os_malloc(sizeof(*reserved));
	if (reserved)
		reserved->is_not_serializable = !serializable;
}

bool OSData::isSerializable() const
{
	return !reserved || !reserved->is_not_serializable;
}

static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Up to three bytes as four digits. */
static void encode(const unsigned char *bytes, unsigned int count, char *text)
{
	unsigned int group = bytes[0] << 16u;
	if (count > 1)
		group |= bytes[1] << 8u;
	if (count > 2)
		group |= bytes[2];
	text[0] = digits[group >> 18 & 63];
	text[1] = digits[group >> 12 & 63];
	text[2] = count > 1 ? digits[group >> 6 & 63] : '=';
	text[3] = count > 2 ? digits[group & 63] : '=';
	text[4] = '\0';
}

bool OSData::serialize(OSSerialize *serializer) const
{
	if (serializer->previouslySerialized(this))
		return true;
	if (!serializer->addXMLStartTag(this, "data"))
		return false;
	unsigned int size = isSerializable() ? length : 0;
	for (unsigned int i = 0; i < size; i += 3) {
		char text[5];
		encode((const unsigned char *)data + i, size - i, text);
		if (!serializer->addString(text))
			return false;
	}
	return serializer->addXMLEndTag("data");
}

PADS_1_7(OSData)
