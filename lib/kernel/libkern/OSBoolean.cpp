/* The two truth values. Nobody counts their references. */
#include <libkern/c++/OSBoolean.h>
#include <libkern/c++/OSLib.h>
#include <libkern/c++/OSSerialize.h>
#include "cxx.h"
#include "pads.h"

OSDefineMetaClassAndStructors(OSBoolean, OSObject)

	/* What the exported references refer to. */
	static OSBoolean *true_object,
	*false_object;
OSBoolean *const &kOSBooleanTrue = true_object;
OSBoolean *const &kOSBooleanFalse = false_object;

void OSBoolean::initialize()
{
	if (true_object)
		return;
	true_object = new OSBoolean;
	true_object->value = true;
	false_object = new OSBoolean;
}

OSBooleanPtr OSBoolean::withBoolean(bool of_value)
{
	return of_value ? true_object : false_object;
}

void OSBoolean::free()
{
}

void OSBoolean::taggedRetain(const void *) const
{
}

void OSBoolean::taggedRelease(const void *, const int) const
{
}

bool OSBoolean::isTrue() const
{
	return value;
}

bool OSBoolean::isFalse() const
{
	return !value;
}

bool OSBoolean::getValue() const
{
	return value;
}

bool OSBoolean::isEqualTo(const OSBoolean *other) const
{
	return this == other;
}

bool OSBoolean::isEqualTo(const OSMetaClassBase *other) const
{
	const OSBoolean *boolean = OSDynamicCast(OSBoolean, other);
	return boolean && isEqualTo(boolean);
}

/* In the text form a boolean has no identity to refer to. */
bool OSBoolean::serialize(OSSerialize *serializer) const
{
	if (serializer->isBinary())
		return serializer->previouslySerialized(this);
	return serializer->addString(value ? "<true/>" : "<false/>");
}

PADS_0_7(OSBoolean)
