#include "Shape.h"

#define super OSObject
OSDefineMetaClassAndAbstractStructors(Shape, OSObject)
OSMetaClassDefineReservedUnused(Shape, 0);
OSMetaClassDefineReservedUnused(Shape, 1);

bool Shape::initWithName(const char *text)
{
	if (!super::init())
		return false;
	name = OSString::withCString(text);
	return name != NULL;
}

void Shape::free()
{
	OSSafeReleaseNULL(name);
	super::free();
}

OSDictionary *Shape::describe() const
{
	OSDictionary *description = OSDictionary::withCapacity(2);
	OSNumber *size = OSNumber::withNumber(area(), 32);
	description->setObject("name", name);
	description->setObject("area", size);
	size->release();
	return description;
}

/* In either form: what describes the shape takes its place. */
bool Shape::serialize(OSSerialize *serializer) const
{
	OSDictionary *description = describe();
	bool done = description->serialize(serializer);
	description->release();
	return done;
}

OSDefineMetaClassAndStructors(Rectangle, Shape)

Rectangle *Rectangle::withSize(const char *text, unsigned int width, unsigned int height)
{
	Rectangle *made = new Rectangle;
	if (made && !made->initWithName(text))
		OSSafeReleaseNULL(made);
	if (made) {
		made->width = width;
		made->height = height;
	}
	return made;
}

unsigned int Rectangle::area() const
{
	return width * height;
}

OSDefineMetaClassAndFinalStructors(Square, Rectangle)

Square *Square::withSide(const char *text, unsigned int side)
{
	Square *made = OSTypeAlloc(Square);
	if (made && !made->initWithName(text))
		OSSafeReleaseNULL(made);
	if (made)
		made->width = made->height = side;
	return made;
}

OSDictionary *Square::describe() const
{
	OSDictionary *description = Rectangle::describe();
	description->setObject("square", kOSBooleanTrue);
	return description;
}
