/* See serialize_tags.h. The hash has open addressing and is half empty at least. */
#include <libkern/c++/OSLib.h>
#include "serialize_tags.h"

static const unsigned int first_room = 512, not_found = 0xffffffffu;

SerializeTags *SerializeTags::make()
{
	SerializeTags *made = new SerializeTags;
	if (!made->initWithCapacity(first_room / 2))
		OSSafeReleaseNULL(made);
	return made;
}

void SerializeTags::free()
{
	kern_os_free(slots);
	slots = NULL;
	room = 0;
	OSArray::free();
}

void SerializeTags::flushCollection()
{
	if (room)
		memset(slots, 0, room * sizeof(*slots));
	depth = 0;
	OSArray::flushCollection();
}

/* The slot that has the object, or a free one. There is room. */
unsigned int *SerializeTags::find(const OSMetaClassBase *object) const
{
	uint64_t hash = (uint64_t)object * 0x9e3779b97f4a7c15ull;
	unsigned int at = (unsigned int)(hash >> 32) & (room - 1);
	while (slots[at] && array[slots[at] - 1] != object)
		at = (at + 1) & (room - 1);
	return &slots[at];
}

bool SerializeTags::grow()
{
	unsigned int larger = room ? room * 2 : first_room;
	unsigned int *old = slots;
	unsigned int *made = (unsigned int *)kern_os_malloc(larger * sizeof(*slots));
	if (!made || larger < room) {
		kern_os_free(made);
		return false;
	}
	slots = made;
	room = larger;
	for (unsigned int i = 0; i < count; i++)
		*find(array[i]) = i + 1;
	kern_os_free(old);
	return true;
}

bool SerializeTags::setObject(const OSMetaClassBase *object)
{
	if (count >= room / 2 && !grow())
		return false;
	if (!OSArray::setObject(object))
		return false;
	unsigned int *slot = find(object);
	if (!*slot)
		*slot = count;
	return true;
}

unsigned int SerializeTags::getNextIndexOfObject(const OSMetaClassBase *object,
						 unsigned int from) const
{
	if (from)
		return OSArray::getNextIndexOfObject(object, from);
	unsigned int slot = room ? *find(object) : 0;
	return slot ? slot - 1 : not_found;
}
