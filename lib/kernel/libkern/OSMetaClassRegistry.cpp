/* Questions to the registry of classes: by name, by kext, all of them, their instances.
 */
#include <libkern/c++/OSLib.h>
#include "cxx.h"
#include "metaclass.h"

/* ---- classes of a kext ---- */
static bool is_of(const OSMetaClass *meta, const char *kext)
{
	return strcmp(meta->getKmodName()->getCStringNoCopy(), kext) == 0;
}

bool OSMetaClass::modHasInstance(const char *kext)
{
	bool has_instance = false;
	libkern_lock(LIBKERN_CLASSES, true);
	for (OSMetaClass *m = metaclass_list; m && !has_instance; m = m->reserved->next)
		has_instance = m->getInstanceCount() && is_of(m, kext);
	libkern_unlock(LIBKERN_CLASSES);
	return has_instance;
}

void OSMetaClass::reportModInstances(const char *kext)
{
	libkern_lock(LIBKERN_CLASSES, true);
	for (OSMetaClass *m = metaclass_list; m; m = m->reserved->next) {
		unsigned int count = m->getInstanceCount();
		if (count && is_of(m, kext))
			kernel_log("kext %s: class %s has %u instance%s\n", kext,
				   m->getClassName(), count, count == 1 ? "" : "s");
	}
	libkern_unlock(LIBKERN_CLASSES);
}

bool OSMetaClass::removeClasses(const char *kext)
{
	bool is_busy = false;
	libkern_lock(LIBKERN_CLASSES, false);
	for (OSMetaClass *m = metaclass_list; m && !is_busy; m = m->reserved->next)
		is_busy =
			is_of(m, kext) && (m->getInstanceCount() || m->reserved->retain);
	for (OSMetaClass *m = metaclass_list; m && !is_busy; m = m->reserved->next) {
		if (is_of(m, kext))
			metaclass_dictionary->removeObject(m->className);
	}
	libkern_unlock(LIBKERN_CLASSES);
	return !is_busy;
}

void OSMetaClass::restoreClasses(const char *kext)
{
	libkern_lock(LIBKERN_CLASSES, false);
	for (OSMetaClass *m = metaclass_list; m; m = m->reserved->next) {
		if (is_of(m, kext))
			metaclass_dictionary->setObject(m->className, m);
	}
	libkern_unlock(LIBKERN_CLASSES);
}

/* ---- look-up ---- */
const OSMetaClass *OSMetaClass::getMetaClassWithName(const OSSymbol *name)
{
	if (!name || !metaclass_dictionary)
		return NULL;
	libkern_lock(LIBKERN_CLASSES, true);
	const void *meta = metaclass_dictionary->getObject(name);
	libkern_unlock(LIBKERN_CLASSES);
	return (const OSMetaClass *)meta;
}

const OSMetaClass *OSMetaClass::copyMetaClassWithName(const OSSymbol *name)
{
	if (!name || !metaclass_dictionary)
		return NULL;
	libkern_lock(LIBKERN_CLASSES, true);
	const OSMetaClass *meta =
		(const OSMetaClass *)(const void *)metaclass_dictionary->getObject(name);
	if (meta)
		__atomic_fetch_add(&meta->reserved->retain, 1, __ATOMIC_RELAXED);
	libkern_unlock(LIBKERN_CLASSES);
	return meta;
}

void OSMetaClass::releaseMetaClass() const
{
	__atomic_fetch_sub(&reserved->retain, 1, __ATOMIC_RELEASE);
}

OSObject *OSMetaClass::allocClassWithName(const OSSymbol *name)
{
	const OSMetaClass *meta = copyMetaClassWithName(name);
	if (!meta)
		return NULL;
	OSObject *object = meta->alloc();
	meta->releaseMetaClass();
	return object;
}

/* No class has a name of which there is no symbol. */
OSObject *OSMetaClass::allocClassWithName(const OSString *name)
{
	const OSSymbol *symbol = OSSymbol::existingSymbolForString(name);
	OSObject *object = allocClassWithName(symbol);
	OSSafeRelease(symbol);
	return object;
}

OSObject *OSMetaClass::allocClassWithName(const char *name)
{
	const OSSymbol *symbol = OSSymbol::existingSymbolForCString(name);
	OSObject *object = allocClassWithName(symbol);
	OSSafeRelease(symbol);
	return object;
}

OSMetaClassBase *OSMetaClass::checkMetaCastWithName(const OSSymbol *name,
						    const OSMetaClassBase *object)
{
	const OSMetaClass *meta = getMetaClassWithName(name);
	return meta ? meta->checkMetaCast(object) : NULL;
}

OSMetaClassBase *OSMetaClass::checkMetaCastWithName(const OSString *name,
						    const OSMetaClassBase *object)
{
	const OSSymbol *symbol = OSSymbol::existingSymbolForString(name);
	OSMetaClassBase *result = checkMetaCastWithName(symbol, object);
	OSSafeRelease(symbol);
	return result;
}

OSMetaClassBase *OSMetaClass::checkMetaCastWithName(const char *name,
						    const OSMetaClassBase *object)
{
	const OSSymbol *symbol = OSSymbol::existingSymbolForCString(name);
	OSMetaClassBase *result = checkMetaCastWithName(symbol, object);
	OSSafeRelease(symbol);
	return result;
}

OSMetaClassBase *OSMetaClass::checkMetaCast(const OSMetaClassBase *object) const
{
	for (const OSMetaClass *m = object->getMetaClass(); m; m = m->superClassLink) {
		if (m == this)
			return (OSMetaClassBase *)object;
	}
	return NULL;
}

/* ---- unused kexts ---- */
void OSMetaClass::considerUnloads()
{
	libkern_consider_unloads();
}

/* ---- lists of all classes ---- */
void OSMetaClass::serializeClassDictionary(OSDictionary *dictionary)
{
	OSDictionary *classes = OSDictionary::withCapacity(40);
	libkern_lock(LIBKERN_CLASSES, true);
	for (OSMetaClass *m = metaclass_list; m && classes; m = m->reserved->next) {
		OSNumber *count = OSNumber::withNumber(m->getInstanceCount(), 32);
		if (count)
			classes->setObject(m->className, count);
		OSSafeRelease(count);
	}
	libkern_unlock(LIBKERN_CLASSES);
	if (classes)
		dictionary->setObject("Classes", classes);
	OSSafeRelease(classes);
}

void OSMetaClass::printInstanceCounts()
{
	libkern_lock(LIBKERN_CLASSES, true);
	for (OSMetaClass *m = metaclass_list; m; m = m->reserved->next) {
		unsigned int count = m->getInstanceCount();
		kernel_log("%24s count: %03u x 0x%03x = 0x%06x\n", m->getClassName(),
			   count, m->classSize, count * m->classSize);
	}
	kernel_log("\n");
	libkern_unlock(LIBKERN_CLASSES);
}

/* ---- sets of instances: a class's own, and those of its subclasses ---- */
void OSMetaClass::addInstance(const OSObject *instance, bool super) const
{
	if (!super)
		libkern_lock(LIBKERN_INSTANCES, false);
	if (!reserved->instances) {
		reserved->instances = OSOrderedSet::withCapacity(16);
		if (superClassLink)
			superClassLink->addInstance(reserved->instances, true);
	}
	reserved->instances->setLastObject(instance);
	if (!super)
		libkern_unlock(LIBKERN_INSTANCES);
}

void OSMetaClass::removeInstance(const OSObject *instance, bool super) const
{
	if (!super)
		libkern_lock(LIBKERN_INSTANCES, false);
	if (reserved->instances) {
		reserved->instances->removeObject(instance);
		if (!reserved->instances->getCount()) {
			if (superClassLink)
				superClassLink->removeInstance(reserved->instances, true);
			OSSafeReleaseNULL(reserved->instances);
		}
	}
	if (!super)
		libkern_unlock(LIBKERN_INSTANCES);
}

/* Depth first; a set among the instances is a subclass's. True when `apply` stopped it.
 */
static bool apply_to(const OSOrderedSet *set, OSMetaClassInstanceApplierFunction apply,
		     void *context)
{
	for (unsigned int i = 0; i < set->getCount(); i++) {
		OSObject *object = set->getObject(i);
		const OSOrderedSet *inner = OSDynamicCast(OSOrderedSet, object);
		if (inner ? apply_to(inner, apply, context) : apply(object, context))
			return true;
	}
	return false;
}

void OSMetaClass::applyToInstances(OSMetaClassInstanceApplierFunction apply,
				   void *context) const
{
	libkern_lock(LIBKERN_INSTANCES, false);
	if (reserved->instances)
		apply_to(reserved->instances, apply, context);
	libkern_unlock(LIBKERN_INSTANCES);
}

void OSMetaClass::applyToInstancesOfClassName(const OSSymbol *name,
					      OSMetaClassInstanceApplierFunction apply,
					      void *context)
{
	const OSMetaClass *meta = copyMetaClassWithName(name);
	if (!meta)
		return;
	meta->applyToInstances(apply, context);
	meta->releaseMetaClass();
}
