/*
 * The root of libkern's classes: run-time type information, reference counting by tag,
 * and the macros that declare and define a class to the kernel.
 *
 * The order of virtual methods, the names of all symbols and the layout of OSMetaClass
 * are the binary interface between kexts and the kernel.
 */
#ifndef _LIBKERN_OSMETACLASS_H
#define _LIBKERN_OSMETACLASS_H

#include <kern/debug.h>
#include <libkern/OSReturn.h>
#include <sys/types.h>

class OSMetaClass;
class OSObject;
class OSString;
class OSSymbol;
class OSDictionary;
class OSSerialize;
class OSOrderedSet;
class OSCollection;

/* Plain pointers; the names say who owns a reference where smart pointers are in use. */
#define OSPtr(type)		    type *
#define OSTaggedPtr(type, tag)	    type *
#define OSCollectionTaggedPtr(type) type *

/* Marks of ownership for analysers. */
#define LIBKERN_RETURNS_RETAINED
#define LIBKERN_RETURNS_NOT_RETAINED
#define LIBKERN_CONSUMED
#define LIBKERN_CONSUMES_THIS
#define LIBKERN_RETURNS_RETAINED_ON_ZERO
#define LIBKERN_RETURNS_RETAINED_ON_NONZERO

/* What sources written for several SDKs wrap around their declarations. */
#if __cplusplus >= 201103L
#define APPLE_KEXT_OVERRIDE override
#else
#define APPLE_KEXT_OVERRIDE
#endif
#define APPLE_KEXT_DEPRECATED __attribute__((deprecated))
#define APPLE_KEXT_COMPATIBILITY
#define APPLE_KEXT_COMPATIBILITY_VIRTUAL
#define APPLE_KEXT_VTABLE_PADDING 1
#define APPLE_KEXT_LEGACY_ABI	  0
#ifdef __clang__
#define APPLE_KEXT_WSHADOW_PUSH                                                          \
	_Pragma("clang diagnostic push")                                                 \
		_Pragma("clang diagnostic ignored \"-Wunknown-warning-option\"")         \
			_Pragma("clang diagnostic ignored \"-Wshadow-field\"")
#define APPLE_KEXT_WSHADOW_POP _Pragma("clang diagnostic pop")
#else
#define APPLE_KEXT_WSHADOW_PUSH
#define APPLE_KEXT_WSHADOW_POP
#endif
#define __IODEFAULT_EMPTY
#define OSMetaClassAbstract

/* ---- reserved slots: room in the vtable for later methods ---- */
#define OSMetaClassDeclareReservedUnused(className, index)                               \
private:                                                                                 \
	virtual void _RESERVED##className##index()
#define OSMetaClassDeclareReservedUsed(className, index)
#define OSMetaClassDefineReservedUnused(className, index)                                \
	void className::_RESERVED##className##index()                                    \
	{                                                                                \
		gMetaClass.reservedCalled(index);                                        \
	}
#define OSMetaClassDefineReservedUsed(className, index)

/* A message of DriverKit's remote calls; here it only takes its place in vtables. */
struct IORPCMessage;
struct IORPC {
	IORPCMessage *message;
	IORPCMessage *reply;
	uint32_t sendSize;
	uint32_t replySize;
};

/* Everything that can be retained, compared, serialised and cast. */
class OSMetaClassBase
{
public:
	virtual ~OSMetaClassBase();
	virtual void release(int freeWhen) const = 0;
	virtual int getRetainCount() const = 0;
	virtual void retain() const = 0;
	virtual void release() const = 0;
	virtual bool serialize(OSSerialize *serializer) const = 0;
	virtual const OSMetaClass *getMetaClass() const = 0;
	virtual bool isEqualTo(const OSMetaClassBase *other) const;
	virtual void taggedRetain(const void *tag = NULL) const = 0;
	virtual void taggedRelease(const void *tag = NULL) const = 0;

protected:
	virtual void taggedRelease(const void *tag, const int freeWhen) const = 0;

public:
	virtual kern_return_t Dispatch(const IORPC rpc);
	kern_return_t Invoke(const IORPC rpc);

	/* NULL stays NULL; otherwise what metaCast says. */
	static OSMetaClassBase *safeMetaCast(const OSMetaClassBase *object,
					     const OSMetaClass *wanted);
	static OSMetaClassBase *requiredMetaCast(const OSMetaClassBase *object,
						 const OSMetaClass *wanted);
	static bool checkTypeInst(const OSMetaClassBase *instance,
				  const OSMetaClassBase *of_type);
	static void initialize();

	/* The object itself when it is of the class or of a subclass, else NULL. */
	OSMetaClassBase *metaCast(const OSMetaClass *wanted) const;
	OSMetaClassBase *metaCast(const OSSymbol *wanted) const;
	OSMetaClassBase *metaCast(const OSString *wanted) const;
	OSMetaClassBase *metaCast(const char *wanted) const;

protected:
	OSMetaClassBase();

private:
	OSMetaClassBase(OSMetaClassBase &);
	void operator=(OSMetaClassBase &);
	virtual void _RESERVEDOSMetaClassBase4();
	virtual void _RESERVEDOSMetaClassBase5();
	virtual void _RESERVEDOSMetaClassBase6();
	virtual void _RESERVEDOSMetaClassBase7();
};

typedef bool (*OSMetaClassInstanceApplierFunction)(const OSObject *instance,
						   void *context);

/* One object per class: its name, size, superclass, and how many instances live. */
class OSMetaClass : public OSMetaClassBase
{
	friend class OSMetaClassBase;
	static void *operator new(size_t size);
#ifdef XNU_KERNEL_PRIVATE
public:
#endif
	struct ExpansionData;
	ExpansionData *reserved;
	const OSMetaClass *superClassLink;
	const OSSymbol *className;
	unsigned int classSize;
	mutable unsigned int instanceCount;

private:
	OSMetaClass();
	OSMetaClass(OSMetaClass &);
	void operator=(OSMetaClass &);
	static void logError(OSReturn error);

protected:
	/* Metaclasses are static; nothing allocates or frees one. */
#ifdef XNU_KERNEL_PRIVATE
	static void operator delete(void *object, size_t size);
#else
	static void operator delete(void *, size_t)
	{
	}
#endif
	OSMetaClass(const char *name, const OSMetaClass *super, unsigned int size);
	virtual ~OSMetaClass();

public:
	static const OSMetaClass *const metaClass;

	/* The bracket around a kext's constructors: nothing is registered before its end.
	 */
	static void *preModLoad(const char *kext);
	static bool checkModLoad(void *handle);
	static OSReturn postModLoad(void *handle);

	static bool modHasInstance(const char *kext);
	static void reportModInstances(const char *kext);
	static void considerUnloads();

	/* An object with one reference that init was not yet called for, or NULL. */
	static OSObject *allocClassWithName(const OSSymbol *name);
	static OSObject *allocClassWithName(const OSString *name);
	static OSObject *allocClassWithName(const char *name);
	static OSMetaClassBase *checkMetaCastWithName(const OSSymbol *name,
						      const OSMetaClassBase *object);
	static OSMetaClassBase *checkMetaCastWithName(const OSString *name,
						      const OSMetaClassBase *object);
	static OSMetaClassBase *checkMetaCastWithName(const char *name,
						      const OSMetaClassBase *object);
	static const OSMetaClass *getMetaClassWithName(const OSSymbol *name);
	static OSDictionary *getClassDictionary();
	static void serializeClassDictionary(OSDictionary *dictionary);
	static void printInstanceCounts();

	OSMetaClassBase *checkMetaCast(const OSMetaClassBase *object) const;
	void instanceConstructed() const;
	void instanceDestructed() const;
	unsigned int getInstanceCount() const;
	const OSMetaClass *getSuperClass() const;
	const OSSymbol *getClassNameSymbol() const;
	const char *getClassName() const;
	unsigned int getClassSize() const;
	/* What a reserved slot does when somebody calls it: panics. */
	void reservedCalled(int index) const;

	virtual OSObject *alloc() const = 0;

	virtual void retain() const;
	virtual void release() const;
	virtual void release(int freeWhen) const;
	virtual void taggedRetain(const void *tag = NULL) const;
	virtual void taggedRelease(const void *tag = NULL) const;
	virtual void taggedRelease(const void *tag, const int freeWhen) const;
	virtual int getRetainCount() const;
	virtual const OSMetaClass *getMetaClass() const;
	virtual bool serialize(OSSerialize *serializer) const;

#ifdef XNU_KERNEL_PRIVATE
	const OSSymbol *getKmodName() const;
	void addInstance(const OSObject *instance, bool super = false) const;
	void removeInstance(const OSObject *instance, bool super = false) const;
	void applyToInstances(OSMetaClassInstanceApplierFunction apply,
			      void *context) const;
	static void applyToInstancesOfClassName(const OSSymbol *name,
						OSMetaClassInstanceApplierFunction apply,
						void *context);
	static const OSMetaClass *copyMetaClassWithName(const OSSymbol *name);
	void releaseMetaClass() const;
	/* Takes a kext's classes out of the registry, all of them or none. */
	static bool removeClasses(const char *kext);
	static void restoreClasses(const char *kext);

private:
	static OSReturn registerStalled(const OSSymbol *kext);
	void enter(const OSSymbol *kext);
	bool isRegistered() const;
#endif

private:
	virtual void _RESERVEDOSMetaClass0();
	virtual void _RESERVEDOSMetaClass1();
	virtual void _RESERVEDOSMetaClass2();
	virtual void _RESERVEDOSMetaClass3();
	virtual void _RESERVEDOSMetaClass4();
	virtual void _RESERVEDOSMetaClass5();
	virtual void _RESERVEDOSMetaClass6();
	virtual void _RESERVEDOSMetaClass7();
};

/* ---- casts ---- */
#define OSTypeID(type)	       (type::metaClass)
#define OSTypeIDInst(instance) ((instance)->getMetaClass())
#define OSTypeAlloc(type)      ((type *)((type::metaClass)->alloc()))
#define OSDynamicCast(type, inst)                                                        \
	((type *)OSMetaClassBase::safeMetaCast((inst), OSTypeID(type)))
#define OSRequiredCast(type, inst)                                                       \
	((type *)OSMetaClassBase::requiredMetaCast((inst), OSTypeID(type)))
#define OSCheckTypeInst(typeinst, inst) OSMetaClassBase::checkTypeInst(inst, typeinst)
#define OSSafeRelease(inst)                                                              \
	do {                                                                             \
		if (inst)                                                                \
			(inst)->release();                                               \
	} while (0)
#define OSSafeReleaseNULL(inst)                                                          \
	do {                                                                             \
		if (inst)                                                                \
			(inst)->release();                                               \
		(inst) = NULL;                                                           \
	} while (0)

typedef void (*_ptf_t)(void);

/*
 * The code behind a pointer to a member function: a virtual one is an offset into the
 * vtable with its lowest bit set, any other is the address itself.
 */
static inline _ptf_t _ptmf2ptf(const OSMetaClassBase *self,
			       void (OSMetaClassBase::*function)(void))
{
	union {
		void (OSMetaClassBase::*function)(void);
		struct {
			uintptr_t code, adjustment;
		} parts;
	} map;
	map.function = function;
	if (!(map.parts.code & 1))
		return (_ptf_t)map.parts.code;
	const char *vtable = *(const char *const *)self;
	return *(const _ptf_t *)(vtable + map.parts.code - 1);
}
#define OSMemberFunctionCast(cptrtype, self, function)                                   \
	((cptrtype)_ptmf2ptf((self), (void(OSMetaClassBase::*)(void))(function)))

/* ---- declarations of a class ---- */
#define OSDeclareCommonStructors(className)                                              \
private:                                                                                 \
	static const OSMetaClass *const superClass;                                      \
                                                                                         \
public:                                                                                  \
	static const OSMetaClass *const metaClass;                                       \
	static class MetaClass : public OSMetaClass                                      \
	{                                                                                \
	public:                                                                          \
		MetaClass();                                                             \
		virtual OSObject *alloc() const;                                         \
	} gMetaClass;                                                                    \
	friend class className::MetaClass;                                               \
	virtual const OSMetaClass *getMetaClass() const;                                 \
                                                                                         \
protected:                                                                               \
	className(const OSMetaClass *);                                                  \
	virtual ~className()

#define OSDeclareDefaultStructors(className)                                             \
	OSDeclareCommonStructors(className);                                             \
                                                                                         \
public:                                                                                  \
	className();                                                                     \
                                                                                         \
protected:
#define OSDeclareAbstractStructors(className)                                            \
	OSDeclareCommonStructors(className);                                             \
                                                                                         \
private:                                                                                 \
	className();                                                                     \
                                                                                         \
protected:
/* A subclass would redeclare nothing, but could not be constructed from outside. */
#define OSDeclareFinalStructors(className)                                               \
	OSDeclareDefaultStructors(className) private : void __OSFinalClass(void);        \
                                                                                         \
protected:

/* ---- definitions of a class ---- */
#define OSDefineMetaClassWithInit(className, superclassName, init)                       \
	className ::MetaClass className ::gMetaClass;                                    \
	const OSMetaClass *const className ::metaClass = &className ::gMetaClass;        \
	const OSMetaClass *const className ::superClass = &superclassName ::gMetaClass;  \
	className ::className(const OSMetaClass *meta) : superclassName(meta)            \
	{                                                                                \
	}                                                                                \
	className ::~className()                                                         \
	{                                                                                \
	}                                                                                \
	const OSMetaClass *className ::getMetaClass() const                              \
	{                                                                                \
		return &gMetaClass;                                                      \
	}                                                                                \
	className ::MetaClass::MetaClass()                                               \
	    : OSMetaClass(#className, className::superClass, sizeof(className))          \
	{                                                                                \
		init;                                                                    \
	}
#define OSDefineMetaClass(className, superclassName)                                     \
	OSDefineMetaClassWithInit(className, superclassName, )

#define OSDefineAbstractStructors(className, superclassName)                             \
	OSObject *className ::MetaClass::alloc() const                                   \
	{                                                                                \
		return NULL;                                                             \
	}
#define OSDefineDefaultStructors(className, superclassName)                              \
	OSObject *className ::MetaClass::alloc() const                                   \
	{                                                                                \
		return new className;                                                    \
	}                                                                                \
	className ::className() : superclassName(&gMetaClass)                            \
	{                                                                                \
		gMetaClass.instanceConstructed();                                        \
	}
#define OSDefineFinalStructors(className, superclassName)                                \
	OSDefineDefaultStructors(className, superclassName) void                         \
	className ::__OSFinalClass(void)                                                 \
	{                                                                                \
	}

#define OSDefineMetaClassAndStructorsWithInit(className, superclassName, init)           \
	OSDefineMetaClassWithInit(className, superclassName, init)                       \
		OSDefineDefaultStructors(className, superclassName)
#define OSDefineMetaClassAndStructors(className, superclassName)                         \
	OSDefineMetaClassAndStructorsWithInit(className, superclassName, )
#define OSDefineMetaClassAndAbstractStructorsWithInit(className, superclassName, init)   \
	OSDefineMetaClassWithInit(className, superclassName, init)                       \
		OSDefineAbstractStructors(className, superclassName)
#define OSDefineMetaClassAndAbstractStructors(className, superclassName)                 \
	OSDefineMetaClassAndAbstractStructorsWithInit(className, superclassName, )
#define OSDefineMetaClassAndFinalStructorsWithInit(className, superclassName, init)      \
	OSDefineMetaClassWithInit(className, superclassName, init)                       \
		OSDefineFinalStructors(className, superclassName)
#define OSDefineMetaClassAndFinalStructors(className, superclassName)                    \
	OSDefineMetaClassAndFinalStructorsWithInit(className, superclassName, )

#endif
