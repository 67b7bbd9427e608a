/* The counting of references, and what an object is born and dies with. */
#include <libkern/c++/OSCollection.h>
#include <libkern/c++/OSLib.h>
#include <libkern/c++/OSSerialize.h>
#include <libkern/c++/OSString.h>
#include "cxx.h"
#include "pads.h"

static const kern_return_t unsupported = (kern_return_t)0xe00002c7;

/* The low half of the word when the count has run full, and when free has begun. */
static const unsigned int pegged = 0xfffe, freed = 0xffff;

OSObject::MetaClass OSObject::gMetaClass;
const OSMetaClass *const OSObject::metaClass = &OSObject::gMetaClass;
const OSMetaClass *const OSObject::superClass = NULL;

OSObject::MetaClass::MetaClass() : OSMetaClass("OSObject", NULL, sizeof(OSObject))
{
}

OSObject *OSObject::MetaClass::alloc() const
{
	return NULL;
}

const OSMetaClass *OSObject::getMetaClass() const
{
	return &gMetaClass;
}

OSObject::OSObject() : retainCount(1)
{
}

OSObject::OSObject(const OSMetaClass *) : retainCount(1)
{
}

OSObject::~OSObject()
{
}

bool OSObject::init()
{
	return true;
}

/* The class is asked while the object still is of its most derived class. */
void OSObject::free()
{
	const OSMetaClass *meta = getMetaClass();
	if (meta)
		meta->instanceDestructed();
	delete this;
}

void *OSObject::operator new(size_t size)
{
	return libkern_new_object(__builtin_return_address(0), size);
}

void OSObject::operator delete(void *object, size_t size)
{
	if (object)
		libkern_delete_object(__builtin_return_address(0), object, size);
}

/* ---- references ---- */
/* One reference; for collections' tag also one in the high half. */
static unsigned int step_of(const void *tag)
{
	return tag == OSCollection::metaClass ? 0x10001 : 1;
}

static bool exchange(volatile int *word, unsigned int *old, unsigned int replacement)
{
	return __atomic_compare_exchange_n((volatile unsigned int *)word, old,
					   replacement, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

int OSObject::getRetainCount() const
{
	return retainCount & 0xffff;
}

bool OSObject::taggedTryRetain(const void *tag) const
{
	unsigned int step = step_of(tag);
	unsigned int old = (unsigned int)retainCount;
	do {
		if ((old & 0xffff) == freed)
			return false;
		if ((old & 0xffff) == pegged)
			return true;
	} while (!exchange(&retainCount, &old, old + step));
	return true;
}

void OSObject::taggedRetain(const void *tag) const
{
	if (!taggedTryRetain(tag))
		panic("retain of the object %p, whose free has begun", this);
}

void OSObject::retain() const
{
	taggedRetain(NULL);
}

static __attribute__((noreturn)) void panic_corrupted(const OSObject *object)
{
	const OSMetaClass *meta = object->getMetaClass();
	panic("a kext released a(n) %s more often than it had retained it: a collection "
	      "still holds it",
	      meta ? meta->getClassName() : "object of unknown class");
}

void OSObject::taggedRelease(const void *tag, const int freeWhen) const
{
	unsigned int step = step_of(tag), actual, next;
	unsigned int old = (unsigned int)retainCount;
	do {
		if ((old & 0xffff) >= pegged)
			return;
		actual = old - step;
		next = (int)(actual & 0xffff) < freeWhen ? freed : actual;
	} while (!exchange(&retainCount, &old, next));
	if ((actual & 0xffff) < actual >> 16)
		panic_corrupted(this);
	if (next == freed)
		const_cast<OSObject *>(this)->free();
}

void OSObject::taggedRelease(const void *tag) const
{
	taggedRelease(tag, 1);
}

void OSObject::release() const
{
	taggedRelease(NULL);
}

void OSObject::release(int freeWhen) const
{
	taggedRelease(NULL, freeWhen);
}

/* ---- what any object can do ---- */
bool OSObject::serialize(OSSerialize *serializer) const
{
	char text[128];
	xnu_snprintf(text, sizeof(text), "%s is not serializable",
		     getMetaClass()->getClassName());
	OSString *string = OSString::withCString(text);
	bool done = string && string->serialize(serializer);
	OSSafeRelease(string);
	return done;
}

bool OSObject::iterateObjects(void *context,
			      bool (*body)(void *context, OSObject *object))
{
	OSCollection *collection = OSDynamicCast(OSCollection, this);
	return collection ? collection->iterateObjects(context, body)
			  : body(context, this);
}

/* ---- DriverKit's remote calls: nothing here is served from user space ---- */
kern_return_t OSObject::Dispatch(const IORPC rpc)
{
	return _Dispatch(this, rpc);
}

kern_return_t OSObject::_Dispatch(OSObject *, const IORPC)
{
	return unsupported;
}

kern_return_t OSObject::MetaClass::Dispatch(const IORPC)
{
	return unsupported;
}

kern_return_t OSObject::SetDispatchQueue_Invoke(const IORPC, OSMetaClassBase *,
						SetDispatchQueue_Handler)
{
	return unsupported;
}

kern_return_t OSObject::CopyDispatchQueue_Invoke(const IORPC, OSMetaClassBase *,
						 CopyDispatchQueue_Handler)
{
	return unsupported;
}

PADS_0_7(OSObject)
PADS_8_15(OSObject)
