/* What the two text parsers share (parse.h). */
#include "parse.h"
#include "cxx.h"

enum { OBJECTS_MAX = 131071, REFERENCES_MAX = 65535 };
/* Every level costs stack: here, and when the tree is serialised, copied or freed. */
enum { DEPTH_MAX = 1000 };

ParsedObjects::ParsedObjects() : slots(NULL), capacity(0), count(0)
{
}

ParsedObjects::~ParsedObjects()
{
	for (unsigned int i = 0; i < capacity; i++)
		OSSafeRelease(slots[i].object);
	kern_os_free(slots);
}

/* The number's slot, or the free one where it belongs; a third of the slots is free. */
ParsedObjects::Slot *ParsedObjects::slot_of(int number) const
{
	unsigned int i = (unsigned int)number * 2654435761u & (capacity - 1);
	while (slots[i].object && slots[i].number != number)
		i = (i + 1) & (capacity - 1);
	return &slots[i];
}

bool ParsedObjects::grow()
{
	ParsedObjects larger;
	larger.capacity = capacity ? capacity * 2 : 64;
	larger.slots = (Slot *)kern_os_malloc(larger.capacity * sizeof(Slot));
	if (!larger.slots) {
		larger.capacity = 0;
		return false;
	}
	for (unsigned int i = 0; i < capacity; i++) {
		if (slots[i].object)
			*larger.slot_of(slots[i].number) = slots[i];
	}
	kern_os_free(slots);
	slots = larger.slots;
	capacity = larger.capacity;
	larger.slots = NULL;
	larger.capacity = 0;
	return true;
}

bool ParsedObjects::remember(int number, OSObject *object)
{
	if (count * 3 >= capacity * 2 && !grow())
		return false;
	Slot *slot = slot_of(number);
	count += !slot->object;
	object->retain();
	OSSafeRelease(slot->object);
	slot->number = number;
	slot->object = object;
	return true;
}

OSObject *ParsedObjects::find(int number) const
{
	return capacity ? slot_of(number)->object : NULL;
}

Parser::Parser(const char *of_name, const char *text)
    : name(of_name), at(text), line(1), depth(0), objects(0), references(0), error(NULL)
{
}

Parser::~Parser()
{
	OSSafeRelease(error);
}

OSObject *Parser::fail(const char *reason)
{
	char text[128];
	if (error)
		return NULL;
	xnu_snprintf(text, sizeof(text), "%s: %s near line %d\n", name, reason, line);
	error = OSString::withCString(text);
	return NULL;
}

OSObject *Parser::take(OSObject *made, const char *step)
{
	if (!made)
		return fail(step);
	if (++objects <= OBJECTS_MAX)
		return made;
	made->release();
	return fail("maximum object count");
}

OSObject *Parser::refer(int number)
{
	if (++references > REFERENCES_MAX)
		return fail("maximum object reference count");
	OSObject *object = known.find(number);
	if (!object)
		return fail("forward reference detected");
	object->retain();
	return take(object, "");
}

bool Parser::enter()
{
	if (++depth <= DEPTH_MAX)
		return true;
	fail("parser stack exhausted");
	return false;
}

void Parser::leave()
{
	depth--;
}

OSObject *Parser::finish(OSObject *result, OSString **ret_error)
{
	if (!result && ret_error) {
		*ret_error = error;
		error = NULL;
	}
	return result;
}
