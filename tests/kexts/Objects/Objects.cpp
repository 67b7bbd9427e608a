/*
 * A sample in C++: a container of each kind with objects of own classes, serialised to XML
 * when it starts, which the log and the sysctl debug.objects show. With debug.objects_kept
 * set, the kext keeps a shape and so cannot be unloaded.
 */
#include "Shape.h"
#include <libkern/libkern.h>
#include <mach/mach_types.h>
#include <sys/sysctl.h>

static char text[2048];
SYSCTL_STRING(_debug, OID_AUTO, objects, CTLFLAG_RD, text, sizeof(text), "a tree of objects");

static Rectangle *kept;
static int is_kept;

static int handle_kept SYSCTL_HANDLER_ARGS
{
	int error = sysctl_handle_int(oidp, &is_kept, 0, req);
	if (is_kept && !kept)
		kept = Rectangle::withSize("kept", 1, 1);
	else if (!is_kept)
		OSSafeReleaseNULL(kept);
	return error;
}
SYSCTL_PROC(_debug, OID_AUTO, objects_kept, CTLTYPE_INT | CTLFLAG_RW, NULL, 0, handle_kept,
	    "I", "keeps an object");

static SInt32 larger_first(const OSMetaClassBase *a, const OSMetaClassBase *b, void *context)
{
	const Shape *first = OSDynamicCast(Shape, a), *second = OSDynamicCast(Shape, b);
	return (SInt32)first->area() - (SInt32)second->area();
}

static OSDictionary *make_tree()
{
	Rectangle *field = Rectangle::withSize("field <&>", 3, 5);
	Square *tile = Square::withSide("tile", 2);
	OSDictionary *tree = OSDictionary::withCapacity(4);
	OSArray *array = OSArray::withCapacity(2);
	OSSet *set = OSSet::withCapacity(1);
	OSOrderedSet *ordered = OSOrderedSet::withCapacity(2, larger_first);
	OSData *data = OSData::withBytes("\x00\x01\xfe\xff", 4);
	array->setObject(tile);
	array->setObject(field);
	set->setObject(kOSBooleanFalse);
	ordered->setObject(tile);
	ordered->setObject(field);
	tree->setObject("shapes", array);
	tree->setObject("set", set);
	tree->setObject("largest", ordered->getFirstObject());
	tree->setObject("data", data);
	field->release();
	tile->release();
	array->release();
	set->release();
	ordered->release();
	data->release();
	return tree;
}

extern "C" kern_return_t Objects_start(kmod_info_t *kmod, void *data)
{
	OSDictionary *tree = make_tree();
	OSSerialize *serializer = OSSerialize::withCapacity(256);
	if (tree->serialize(serializer))
		strlcpy(text, serializer->text(), sizeof(text));
	serializer->release();
	tree->release();
	printf("objects: %s\n", text);
	printf("shapes left: %u\n", Shape::metaClass->getInstanceCount());
	sysctl_register_oid(&sysctl__debug_objects);
	sysctl_register_oid(&sysctl__debug_objects_kept);
	return KERN_SUCCESS;
}

extern "C" kern_return_t Objects_stop(kmod_info_t *kmod, void *data)
{
	sysctl_unregister_oid(&sysctl__debug_objects);
	sysctl_unregister_oid(&sysctl__debug_objects_kept);
	return KERN_SUCCESS;
}
