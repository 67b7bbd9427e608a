/* Metaclasses: names, casts, allocation by name. */
#include "checks.h"

static void check_facts()
{
	const OSMetaClass *meta = SubThing::metaClass;
	CHECK("class_name", same(meta->getClassName(), "SubThing"));
	CHECK("class_size", meta->getClassSize() == sizeof(SubThing));
	CHECK("superclass", meta->getSuperClass() == Thing::metaClass);
	CHECK("superclass_of_root", OSObject::metaClass->getSuperClass() == NULL);
	CHECK("metaclass_is_not_counted",
	      ((const OSMetaClassBase *)meta)->getRetainCount() == 0);
	CHECK("metaclass_of_metaclass", meta->getMetaClass() == OSMetaClass::metaClass);
	CHECK("metaclass_casts", OSDynamicCast(OSMetaClass, (OSMetaClassBase *)meta) != NULL);
	CHECK("metaclass_is_no_object",
	      OSDynamicCast(OSObject, (OSMetaClassBase *)meta) == NULL);
}

static void check_casts()
{
	SubThing *sub = new SubThing;
	Thing *thing = new Thing;
	OSObject *object = sub;
	CHECK("cast_up", OSDynamicCast(Thing, object) == sub);
	CHECK("cast_to_own", OSDynamicCast(SubThing, object) == sub);
	CHECK("cast_down_fails", OSDynamicCast(SubThing, thing) == NULL);
	CHECK("cast_across_fails", OSDynamicCast(OSArray, object) == NULL);
	CHECK("cast_of_null", OSDynamicCast(Thing, (OSObject *)NULL) == NULL);
	CHECK("cast_by_name", object->metaCast("Thing") == sub);
	CHECK("cast_by_unknown_name", object->metaCast("NoSuchClass") == NULL);
	CHECK("check_type_inst", OSCheckTypeInst(thing, sub) && !OSCheckTypeInst(sub, thing));
	CHECK("equal_is_identity", thing->isEqualTo(thing) && !thing->isEqualTo(sub));
	sub->release();
	thing->release();
}

static void check_allocation()
{
	OSObject *array = OSMetaClass::allocClassWithName("OSArray");
	CHECK("alloc_by_name", array && array->getRetainCount() == 1);
	OSArray *of_array = OSDynamicCast(OSArray, array);
	CHECK("allocated_wants_init", of_array && of_array->initWithCapacity(4) &&
					      of_array->setObject(of_array));
	of_array->flushCollection();
	array->release();
	OSObject *thing = OSMetaClass::allocClassWithName("Thing");
	CHECK("alloc_of_a_kexts_class", OSDynamicCast(Thing, thing) != NULL);
	OSSafeRelease(thing);
	CHECK("alloc_of_abstract", OSMetaClass::allocClassWithName("OSCollection") == NULL);
	CHECK("alloc_of_unknown", OSMetaClass::allocClassWithName("NoSuchClass") == NULL);
	const OSSymbol *name = OSSymbol::withCString("Thing");
	CHECK("class_by_symbol", OSMetaClass::getMetaClassWithName(name) == Thing::metaClass);
	name->release();
	CHECK("class_by_null", OSMetaClass::getMetaClassWithName(NULL) == NULL);
}

static void check_registry()
{
	CHECK("kext_has_no_instances", !OSMetaClass::modHasInstance("test.LibkernTests"));
	Thing *thing = Thing::make();
	CHECK("kext_has_instances", OSMetaClass::modHasInstance("test.LibkernTests"));
	OSDictionary *all = OSDictionary::withCapacity(1);
	OSMetaClass::serializeClassDictionary(all);
	OSDictionary *classes = OSDynamicCast(OSDictionary, all->getObject("Classes"));
	OSNumber *count = classes ? OSDynamicCast(OSNumber, classes->getObject("Thing")) : NULL;
	CHECK("class_dictionary", count && count->unsigned32BitValue() == 1 &&
					  count->numberOfBits() == 32);
	all->release();
	thing->release();
}

/* An answer of a plain class to a remote call. */
static void check_dispatch()
{
	Thing *thing = Thing::make();
	IORPC rpc = {NULL, NULL, 0, 0};
	CHECK("dispatch_is_unsupported", (unsigned)thing->Dispatch(rpc) == 0xe00002c7);
	thing->release();
}

void check_classes()
{
	check_facts();
	check_casts();
	check_allocation();
	check_registry();
	check_dispatch();
}
