/*
 * The registry of classes. A class is constructed by its image's constructors, inside the
 * bracket of preModLoad and postModLoad; only the end of the bracket registers the
 * classes of the image, all or none. Counts of instances decide whether an image may go.
 */
#include <libkern/c++/OSContainers.h>
#include <libkern/c++/OSLib.h>
#include "cxx.h"
#include "metaclass.h"

enum { METACLASS_ERROR = (int)0xdc004000 };
enum {
	kOSMetaClassInternal = METACLASS_ERROR + 1,
	kOSMetaClassNoTempData = METACLASS_ERROR + 4,
	kOSMetaClassNoDicts = METACLASS_ERROR + 5,
	kOSMetaClassNoInsKModSet = METACLASS_ERROR + 7,
	kOSMetaClassDuplicateClass = METACLASS_ERROR + 10,
	kOSMetaClassNoKext = METACLASS_ERROR + 11,
};

/* The kext whose constructors are running. */
struct stalled_load {
	const char *kext;
	OSReturn result;
	unsigned int count, capacity;
	OSMetaClass **classes;
};

static const unsigned int stalled_step = 10;
static const char kernel_name[] = "__kernel__";

/* Zero before any constructor runs, as they have none of their own. */
static stalled_load *stalled;
static bool is_kernel_registered;
OSDictionary *metaclass_dictionary;
OSMetaClass *metaclass_list;

/* ---- the class of metaclasses ---- */
class OSMetaClassMeta : public OSMetaClass
{
public:
	OSMetaClassMeta();
	OSObject *alloc() const;
};

OSMetaClassMeta::OSMetaClassMeta() : OSMetaClass("OSMetaClass", NULL, sizeof(OSMetaClass))
{
}

OSObject *OSMetaClassMeta::alloc() const
{
	return NULL;
}

static OSMetaClassMeta metaclass_of_metaclasses;
const OSMetaClass *const OSMetaClass::metaClass = &metaclass_of_metaclasses;

const OSMetaClass *OSMetaClass::getMetaClass() const
{
	return &metaclass_of_metaclasses;
}

/* ---- life of a metaclass ---- */
void *OSMetaClass::operator new(size_t)
{
	void *volatile none = NULL;
	return none;
}

void OSMetaClass::operator delete(void *, size_t)
{
}

static bool stalled_append(stalled_load *load, OSMetaClass *meta)
{
	if (load->count == load->capacity) {
		size_t size = (load->capacity + stalled_step) * sizeof(meta);
		OSMetaClass **grown = (OSMetaClass **)kern_os_malloc(size);
		if (!grown)
			return false;
		memcpy(grown, load->classes, load->count * sizeof(meta));
		kern_os_free(load->classes);
		load->classes = grown;
		load->capacity += stalled_step;
	}
	load->classes[load->count++] = meta;
	return true;
}

/* The kernel's own classes are constructed before main: the first opens their bracket. */
OSMetaClass::OSMetaClass(const char *name, const OSMetaClass *super, unsigned int size)
    : reserved((ExpansionData *)kern_os_malloc(sizeof(ExpansionData))),
      superClassLink(super), className((const OSSymbol *)name), classSize(size),
      instanceCount(0)
{
	if (!stalled && !is_kernel_registered)
		preModLoad(kernel_name);
	if (!stalled)
		kernel_log(
			"class %s is constructed outside of a kext's load; it will not "
			"be registered\n",
			name);
	else if (stalled->result == kOSReturnSuccess &&
		 (!reserved || !stalled_append(stalled, this)))
		stalled->result = kOSMetaClassNoTempData;
}

static void stalled_remove(stalled_load *load, const OSMetaClass *meta)
{
	for (unsigned int i = 0; i < load->count; i++) {
		if (load->classes[i] != meta)
			continue;
		load->count--;
		memmove(&load->classes[i], &load->classes[i + 1],
			(load->count - i) * sizeof(meta));
		return;
	}
}

/*
 * A class that was refused as a duplicate must not take the first one of its name along;
 * one that goes with instances takes its share of the superclass's count along.
 */
OSMetaClass::~OSMetaClass()
{
	libkern_lock(LIBKERN_CLASSES, false);
	bool was_registered = isRegistered();
	if (was_registered) {
		if (metaclass_dictionary->getObject(className) ==
		    (const OSObject *)(const void *)this)
			metaclass_dictionary->removeObject(className);
		OSMetaClass **link = &metaclass_list;
		while (*link != this)
			link = &(*link)->reserved->next;
		*link = reserved->next;
	}
	libkern_unlock(LIBKERN_CLASSES);
	if (was_registered) {
		if (instanceCount && superClassLink)
			superClassLink->instanceDestructed();
		className->release();
		reserved->kext->release();
	}
	if (stalled)
		stalled_remove(stalled, this);
	kern_os_free(reserved);
}

bool OSMetaClass::isRegistered() const
{
	return reserved && reserved->kext;
}

/* ---- the bracket ---- */
void *OSMetaClass::preModLoad(const char *kext)
{
	libkern_lock(LIBKERN_STALLED, false);
	stalled_load *load = (stalled_load *)kern_os_malloc(sizeof(*load));
	size_t size = stalled_step * sizeof(*load->classes);
	if (load && (load->classes = (OSMetaClass **)kern_os_malloc(size))) {
		load->kext = kext;
		load->capacity = stalled_step;
		stalled = load;
		return load;
	}
	kern_os_free(load);
	libkern_unlock(LIBKERN_STALLED);
	return NULL;
}

bool OSMetaClass::checkModLoad(void *handle)
{
	return stalled && stalled == handle && stalled->result == kOSReturnSuccess;
}

/* With the registry locked: whether each new class has a name of its own. */
static OSReturn check_duplicates(const stalled_load *load)
{
	for (unsigned int i = 0; i < load->count; i++) {
		const char *name = load->classes[i]->getClassName();
		const OSMetaClass *old = (const OSMetaClass *)(const void *)
						 metaclass_dictionary->getObject(name);
		if (!old)
			continue;
		kernel_log("kext %s defines class %s, which kext %s has defined already; "
			   "its classes are refused\n",
			   load->kext, name, old->getKmodName()->getCStringNoCopy());
		return kOSMetaClassDuplicateClass;
	}
	return kOSReturnSuccess;
}

void OSMetaClass::enter(const OSSymbol *kext)
{
	className = OSSymbol::withCStringNoCopy((const char *)className);
	kext->retain();
	reserved->kext = kext;
	reserved->next = metaclass_list;
	metaclass_list = this;
}

/* Drivers go when nothing is left to drive. */
static bool is_driver(const OSMetaClass *meta)
{
	while ((meta = meta->getSuperClass())) {
		if (strcmp(meta->getClassName(), "IOService") == 0)
			return true;
	}
	return false;
}

/* Registers the classes of the bracket, in the order of their construction. */
OSReturn OSMetaClass::registerStalled(const OSSymbol *kext)
{
	bool has_driver = false;
	libkern_lock(LIBKERN_CLASSES, false);
	OSReturn result = check_duplicates(stalled);
	for (unsigned int i = 0; !result && i < stalled->count; i++) {
		OSMetaClass *meta = stalled->classes[i];
		meta->enter(kext);
		if (!metaclass_dictionary->setObject(meta->className, meta))
			result = kOSMetaClassNoInsKModSet;
		has_driver |= is_driver(meta);
	}
	libkern_unlock(LIBKERN_CLASSES);
	if (has_driver && !result)
		libkern_may_autounload(kext->getCStringNoCopy());
	return result;
}

/* The names of classes are found with the pool's help: made before the registry locks. */
static OSReturn make_registry()
{
	if (metaclass_dictionary)
		return kOSReturnSuccess;
	metaclass_dictionary = OSDictionary::withCapacity(40);
	if (!metaclass_dictionary)
		return kOSMetaClassNoDicts;
	metaclass_dictionary->setOptions(OSCollection::kSort, OSCollection::kSort);
	return kOSReturnSuccess;
}

static OSReturn check_bracket(const stalled_load *load, const void *handle)
{
	if (!load || load != handle)
		return kOSMetaClassInternal;
	if (load->result)
		return load->result;
	OSReturn result = make_registry();
	if (!result && load->count && !libkern_is_kext(load->kext)) {
		kernel_log("classes of %s cannot be registered: there is no such kext\n",
			   load->kext);
		result = kOSMetaClassNoKext;
	}
	return result;
}

void OSMetaClass::logError(OSReturn error)
{
	const char *text = "unknown error";
	switch (error) {
	case kOSMetaClassNoInsKModSet:
	case kOSMetaClassDuplicateClass:
	case kOSMetaClassNoKext:
		return; /* told where they happened */
	case kOSMetaClassInternal:
		text = "internal error";
		break;
	case kOSMetaClassNoTempData:
	case kOSMetaClassNoDicts:
		text = "not enough memory";
		break;
	}
	kernel_log("classes could not be registered: %s (0x%x)\n", text, (unsigned)error);
}

OSReturn OSMetaClass::postModLoad(void *handle)
{
	OSReturn result = check_bracket(stalled, handle);
	if (!result && stalled->count) {
		const OSSymbol *kext = OSSymbol::withCString(stalled->kext);
		result = kext ? registerStalled(kext) : (OSReturn)kOSMetaClassNoTempData;
		OSSafeRelease(kext);
	}
	if (result)
		logError(result);
	if (stalled && stalled == handle) {
		kern_os_free(stalled->classes);
		kern_os_free(stalled);
		stalled = NULL;
		libkern_unlock(LIBKERN_STALLED);
	}
	return result;
}

/* ---- instances ---- */
void OSMetaClass::instanceConstructed() const
{
	if (__atomic_fetch_add(&instanceCount, 1, __ATOMIC_RELAXED) == 0 &&
	    superClassLink)
		superClassLink->instanceConstructed();
}

void OSMetaClass::instanceDestructed() const
{
	unsigned int old = __atomic_fetch_sub(&instanceCount, 1, __ATOMIC_RELAXED);
	if (old == 1 && superClassLink)
		superClassLink->instanceDestructed();
	if ((int)(old - 1) < 0)
		kernel_log(
			"kext %s: more instances of class %s went than came (bad retain "
			"or release)\n",
			getKmodName()->getCStringNoCopy(), getClassName());
}

unsigned int OSMetaClass::getInstanceCount() const
{
	return __atomic_load_n(&instanceCount, __ATOMIC_RELAXED);
}

/* ---- facts of a class ---- */
const OSMetaClass *OSMetaClass::getSuperClass() const
{
	return superClassLink;
}

const OSSymbol *OSMetaClass::getKmodName() const
{
	static const OSSymbol *unknown;
	if (isRegistered())
		return reserved->kext;
	if (!unknown)
		unknown = OSSymbol::withCString("unknown");
	return unknown;
}

const OSSymbol *OSMetaClass::getClassNameSymbol() const
{
	return className;
}

/* Before registration the name is still the constructor's argument. */
const char *OSMetaClass::getClassName() const
{
	if (!className || !isRegistered())
		return (const char *)className;
	return className->getCStringNoCopy();
}

unsigned int OSMetaClass::getClassSize() const
{
	return classSize;
}

/* ---- metaclasses are never counted ---- */
void OSMetaClass::retain() const
{
}

void OSMetaClass::release() const
{
}

void OSMetaClass::release(int) const
{
}

void OSMetaClass::taggedRetain(const void *) const
{
}

void OSMetaClass::taggedRelease(const void *) const
{
}

void OSMetaClass::taggedRelease(const void *, const int) const
{
}

int OSMetaClass::getRetainCount() const
{
	return 0;
}

bool OSMetaClass::serialize(OSSerialize *) const
{
	panic("OSMetaClass::serialize: metaclass %s cannot be serialised",
	      getClassName());
}

OSDictionary *OSMetaClass::getClassDictionary()
{
	panic("OSMetaClass::getClassDictionary has gone; serializeClassDictionary is "
	      "there");
}

/* ---- reserved slots ---- */
void OSMetaClass::reservedCalled(int index) const
{
	panic("%s: reserved slot %d was called", getClassName(), index);
}

#define PAD(index)                                                                       \
	void OSMetaClass::_RESERVEDOSMetaClass##index()                                  \
	{                                                                                \
		reservedCalled(index);                                                   \
	}
PAD(0)
PAD(1)
PAD(2)
PAD(3)
PAD(4)
PAD(5)
PAD(6)
PAD(7)

/* ---- for C ---- */
void libkern_startup(void)
{
	OSSymbol::initialize();
	OSBoolean::initialize();
	if (!stalled || OSMetaClass::postModLoad(stalled) != kOSReturnSuccess)
		panic("the kernel's classes cannot be registered");
	is_kernel_registered = true;
}

void *libkern_pre_mod_load(const char *kext)
{
	return OSMetaClass::preModLoad(kext);
}

bool libkern_check_mod_load(void *handle)
{
	return OSMetaClass::checkModLoad(handle);
}

uint32_t libkern_post_mod_load(void *handle)
{
	return (uint32_t)OSMetaClass::postModLoad(handle);
}

bool libkern_has_instances(const char *kext)
{
	return OSMetaClass::modHasInstance(kext);
}

void libkern_report_instances(const char *kext)
{
	OSMetaClass::reportModInstances(kext);
}

bool libkern_remove_classes(const char *kext)
{
	return OSMetaClass::removeClasses(kext);
}

void libkern_restore_classes(const char *kext)
{
	OSMetaClass::restoreClasses(kext);
}

void libkern_keep_symbols(uint64_t start, uint64_t end)
{
	OSSymbol::checkForPageUnload((void *)start, (void *)end);
}
