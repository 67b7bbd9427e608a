/* The root of all classes that live on the heap and count their references. */
#ifndef _LIBKERN_OSOBJECT_H
#define _LIBKERN_OSOBJECT_H

#include <libkern/c++/OSMetaClass.h>

class OSSymbol;
class OSString;
struct IODispatchQueue;

class OSObject : public OSMetaClassBase
{
	friend class OSMetaClass;

private:
	static const OSMetaClass *const superClass;

public:
	static const OSMetaClass *const metaClass;
	static class MetaClass : public OSMetaClass
	{
	public:
		MetaClass();
		virtual OSObject *alloc() const;
		virtual kern_return_t Dispatch(const IORPC rpc);
	} gMetaClass;
	friend class OSObject::MetaClass;
	virtual const OSMetaClass *getMetaClass() const;

	typedef kern_return_t (*SetDispatchQueue_Handler)(OSMetaClassBase *target,
							  const char *name,
							  IODispatchQueue *queue);
	typedef kern_return_t (*CopyDispatchQueue_Handler)(OSMetaClassBase *target,
							   const char *name,
							   IODispatchQueue **queue);
	virtual kern_return_t Dispatch(const IORPC rpc);
	static kern_return_t _Dispatch(OSObject *self, const IORPC rpc);
	static kern_return_t SetDispatchQueue_Invoke(const IORPC rpc,
						     OSMetaClassBase *target,
						     SetDispatchQueue_Handler handler);
	static kern_return_t CopyDispatchQueue_Invoke(const IORPC rpc,
						      OSMetaClassBase *target,
						      CopyDispatchQueue_Handler handler);

protected:
	OSObject(const OSMetaClass *);
	virtual ~OSObject();

private:
	OSObject();
	/* Low half: references; high half: how many of them collections hold. */
	mutable volatile int retainCount;

protected:
	virtual void release(int freeWhen) const;
	virtual void taggedRelease(const void *tag, const int freeWhen) const;

public:
	virtual bool init();
	virtual void free();

	static void *operator new(size_t size);
	static void operator delete(void *object, size_t size);

	virtual int getRetainCount() const;
	virtual void retain() const;
	virtual void release() const;
	virtual void taggedRetain(const void *tag = NULL) const;
	virtual void taggedRelease(const void *tag = NULL) const;
	virtual bool serialize(OSSerialize *serializer) const;

#ifdef XNU_KERNEL_PRIVATE
	/* False for an object whose free has begun. */
	bool taggedTryRetain(const void *tag) const;
	/* A collection: its members; any other object: itself, once. */
	bool iterateObjects(void *context, bool (*body)(void *context, OSObject *object));
#endif

	OSMetaClassDeclareReservedUnused(OSObject, 0);
	OSMetaClassDeclareReservedUnused(OSObject, 1);
	OSMetaClassDeclareReservedUnused(OSObject, 2);
	OSMetaClassDeclareReservedUnused(OSObject, 3);
	OSMetaClassDeclareReservedUnused(OSObject, 4);
	OSMetaClassDeclareReservedUnused(OSObject, 5);
	OSMetaClassDeclareReservedUnused(OSObject, 6);
	OSMetaClassDeclareReservedUnused(OSObject, 7);
	OSMetaClassDeclareReservedUnused(OSObject, 8);
	OSMetaClassDeclareReservedUnused(OSObject, 9);
	OSMetaClassDeclareReservedUnused(OSObject, 10);
	OSMetaClassDeclareReservedUnused(OSObject, 11);
	OSMetaClassDeclareReservedUnused(OSObject, 12);
	OSMetaClassDeclareReservedUnused(OSObject, 13);
	OSMetaClassDeclareReservedUnused(OSObject, 14);
	OSMetaClassDeclareReservedUnused(OSObject, 15);
};

#endif
