/*
 * The accumulator that objects write themselves into, as text: elements of the kernel's
 * XML, each with a number by which a later occurrence of the same object refers to it.
 * The binary form is in OSSerializeBinary.cpp.
 */
#include <libkern/c++/OSCollection.h>
#include <libkern/c++/OSData.h>
#include <libkern/c++/OSLib.h>
#include <libkern/c++/OSSerialize.h>
#include "binary_format.h"
#include "cxx.h"
#include "pads.h"
#include "serialize_tags.h"

OSDefineMetaClassAndStructors(OSSerialize, OSObject)

	static const unsigned int page = 4096,
				  not_found = 0xffffffffu;
static const unsigned int default_increment = 256, large = 65536;
/* As deep as the parsers read; it has to fit on the stack of a thread. */
static const unsigned int depth_max = 1000;

/* The next multiple of a page, or 0. */
static unsigned int in_pages(unsigned int size)
{
	return size > not_found - page ? 0 : (size + page - 1) & -page;
}

bool OSSerialize::initWithCapacity(unsigned int wanted)
{
	unsigned int room = in_pages(wanted ? wanted : 1);
	if (!room || !OSObject::init())
		return false;
	tags = SerializeTags::make();
	data = (char *)kern_os_malloc(room);
	if (!tags || !data)
		return false;
	length = 1;
	capacity = capacityIncrement = room;
	return true;
}

OSSerializePtr OSSerialize::withCapacity(unsigned int capacity)
{
	OSSerialize *made = new OSSerialize;
	if (!made->initWithCapacity(capacity))
		OSSafeReleaseNULL(made);
	return made;
}

void OSSerialize::free()
{
	OSSafeRelease(tags);
	OSSafeRelease(indexData);
	kern_os_free(data);
	OSObject::free();
}

/* ---- the buffer ---- */
char *OSSerialize::text() const
{
	return data;
}

void OSSerialize::clearText()
{
	memset(data, 0, capacity);
	length = 1;
	tags->flushCollection();
	if (binary)
		writeSignature();
}

unsigned int OSSerialize::getLength() const
{
	return length;
}

unsigned int OSSerialize::getCapacity() const
{
	return capacity;
}

unsigned int OSSerialize::getCapacityIncrement() const
{
	return capacityIncrement;
}

unsigned int OSSerialize::setCapacityIncrement(unsigned int increment)
{
	return capacityIncrement = increment ? increment : default_increment;
}

unsigned int OSSerialize::ensureCapacity(unsigned int wanted)
{
	if (wanted <= capacity)
		return capacity;
	unsigned int room = in_pages(wanted);
	char *grown = room ? (char *)kern_os_malloc(room) : NULL;
	if (!grown)
		return capacity;
	memcpy(grown, data, length);
	kern_os_free(data);
	data = grown;
	return capacity = room;
}

/*
 * Room for `size` more bytes, by whole increments: one as a rule, as many as make half of
 * a large text, which is copied each time.
 */
bool OSSerialize::growFor(unsigned int size)
{
	unsigned int total, room;
	if (__builtin_add_overflow(length, size, &total))
		return false;
	if (total <= capacity)
		return true;
	unsigned int missing = total - capacity;
	if (capacity >= large && missing < capacity / 2)
		missing = capacity / 2;
	unsigned int steps = (missing - 1) / capacityIncrement + 1;
	if (__builtin_mul_overflow(steps, capacityIncrement, &room) ||
	    __builtin_add_overflow(room, capacity, &room))
		return false;
	return ensureCapacity(room) >= total;
}

/* ---- text ---- */
bool OSSerialize::addChar(const char character)
{
	if (binary) {
		kernel_log("a class adds text to a binary serialisation; it has to "
			   "delegate to a standard class\n");
		return false;
	}
	if (!growFor(1))
		return false;
	data[length - 1] = character;
	data[length++] = '\0';
	return true;
}

/* False for an empty string: Darwin's answer, which callers know. */
bool OSSerialize::addString(const char *of_text)
{
	bool done = false;
	while (*of_text) {
		done = addChar(*of_text++);
		if (!done)
			break;
	}
	return done;
}

bool OSSerialize::addEscaped(const char *of_text)
{
	for (; *of_text; of_text++) {
		bool done = *of_text == '<'   ? addString("&lt;")
			    : *of_text == '>' ? addString("&gt;")
			    : *of_text == '&' ? addString("&amp;")
					      : addChar(*of_text);
		if (!done)
			return false;
	}
	return true;
}

bool OSSerialize::previouslySerialized(const OSMetaClassBase *object)
{
	if (binary)
		return binarySerialize(object);
	unsigned int tag = tags->getNextIndexOfObject(object, 0);
	if (tag == not_found) {
		(void)tags->setObject(object);
		return false;
	}
	char reference[40];
	xnu_snprintf(reference, sizeof(reference), "<reference IDREF=\"%u\"/>", tag);
	return addString(reference);
}

bool OSSerialize::addXMLStartTag(const OSMetaClassBase *object, const char *tag)
{
	if (binary)
		return addChar('<');
	unsigned int number = tags->getNextIndexOfObject(object, 0);
	char identity[24];
	xnu_snprintf(identity, sizeof(identity), " ID=\"%u\">", number);
	return number != not_found && addChar('<') && addString(tag) &&
	       addString(identity);
}

bool OSSerialize::addXMLEndTag(const char *tag)
{
	return addString("</") && addString(tag) && addChar('>');
}

/* ---- depth ---- */
bool OSSerialize::enter()
{
	SerializeTags *known = static_cast<SerializeTags *>(tags);
	if (known->depth == depth_max) {
		kernel_log("collections nested deeper than %u are not serialised\n",
			   depth_max);
		return false;
	}
	known->depth++;
	return true;
}

void OSSerialize::leave()
{
	static_cast<SerializeTags *>(tags)->depth--;
}

bool OSSerialize::openCollection(const OSCollection *collection, const char *tag)
{
	return enter() && addXMLStartTag(collection, tag);
}

bool OSSerialize::closeCollection(const char *tag)
{
	leave();
	return addXMLEndTag(tag);
}

PADS_0_7(OSSerialize)

/* ---- an object whose serialisation is a function's ---- */
OSDefineMetaClassAndStructors(OSSerializer, OSObject)

	struct block_literal {
	void *isa;
	int flags, reserved;
	bool (*invoke)(const block_literal *self, OSSerialize *serializer);
};

extern "C" void *_Block_copy(const void *block);
extern "C" void _Block_release(const void *block);

static bool call_block(void *block, void *, OSSerialize *serializer)
{
	const block_literal *literal = (const block_literal *)block;
	return literal->invoke(literal, serializer);
}

OSSerializerPtr OSSerializer::forTarget(void *target, OSSerializerCallback callback,
					void *context)
{
	OSSerializer *made = new OSSerializer;
	if (!made->init()) {
		made->release();
		return NULL;
	}
	made->target = target;
	made->ref = context;
	made->callback = callback;
	return made;
}

OSSerializerPtr OSSerializer::withBlockLiteral(const void *block)
{
	void *copy = _Block_copy(block);
	OSSerializer *made = copy ? forTarget(copy, call_block) : NULL;
	if (copy && !made)
		_Block_release(copy);
	return made;
}

/* OSCollection.cpp says why methods that take blocks are written like this. */
extern "C" OSSerializer *serializer_with_block(const void *block) __asm__(
	"_ZN12OSSerializer9withBlockEU13block_pointerFbP11OSSerializeE");

extern "C" OSSerializer *serializer_with_block(const void *block)
{
	return OSSerializer::withBlockLiteral(block);
}

void OSSerializer::free()
{
	if (callback == call_block)
		_Block_release(target);
	OSObject::free();
}

bool OSSerializer::serialize(OSSerialize *serializer) const
{
	return callback(target, ref, serializer);
}
