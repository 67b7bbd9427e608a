/* A class, two subclasses, and a final one. */
#ifndef SHAPE_H
#define SHAPE_H

#include <libkern/c++/OSContainers.h>

class Shape : public OSObject
{
	OSDeclareAbstractStructors(Shape)

protected:
	OSString *name;

public:
	virtual bool initWithName(const char *text);
	virtual void free() APPLE_KEXT_OVERRIDE;
	virtual unsigned int area() const = 0;
	/* A dictionary of name and area. */
	virtual OSDictionary *describe() const;
	bool serialize(OSSerialize *serializer) const APPLE_KEXT_OVERRIDE;
	OSMetaClassDeclareReservedUnused(Shape, 0);
	OSMetaClassDeclareReservedUnused(Shape, 1);
};

class Rectangle : public Shape
{
	OSDeclareDefaultStructors(Rectangle)

protected:
	unsigned int width, height;

public:
	static Rectangle *withSize(const char *text, unsigned int width, unsigned int height);
	unsigned int area() const APPLE_KEXT_OVERRIDE;
};

class Square : public Rectangle
{
	OSDeclareFinalStructors(Square)

public:
	static Square *withSide(const char *text, unsigned int side);
	OSDictionary *describe() const APPLE_KEXT_OVERRIDE;
};

#endif
