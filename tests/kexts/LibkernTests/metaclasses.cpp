/* Metaclasses as objects, and what finds them by name. */
#include "checks.h"

/* Nobody counts a metaclass. */
static void check_counts()
{
	const OSMetaClass *meta = Thing::metaClass;
	for (int i = 0; i < 3; i++) {
		meta->release();
		meta->release(1);
		meta->taggedRelease(OSTypeID(OSCollection), 2);
		meta->taggedRelease();
	}
	meta->retain();
	meta->taggedRetain();
	CHECK("metaclass_is_never_freed",
	      meta->getRetainCount() == 0 && same(meta->getClassName(), "Thing"));
	CHECK("metaclass_symbol", meta->getClassNameSymbol()->isEqualTo("Thing"));
}

static void check_casts()
{
	const OSSymbol *symbol = OSSymbol::withCString("Thing");
	OSString *string = OSString::withCString("Thing");
	SubThing *sub = new SubThing;
	OSArray *array = OSArray::withCapacity(1);
	CHECK("cast_by_metaclass", Thing::metaClass->checkMetaCast(sub) == sub &&
					   !Thing::metaClass->checkMetaCast(array));
	CHECK("cast_by_names",
	      OSMetaClass::checkMetaCastWithName(symbol, sub) == sub &&
		      OSMetaClass::checkMetaCastWithName(string, sub) == sub &&
		      OSMetaClass::checkMetaCastWithName("Thing", sub) == sub);
	CHECK("cast_fails_by_names",
	      !OSMetaClass::checkMetaCastWithName(symbol, array) &&
		      !OSMetaClass::checkMetaCastWithName(string, array) &&
		      !OSMetaClass::checkMetaCastWithName("NoSuchClass", array));
	CHECK("meta_cast", sub->metaCast(Thing::metaClass) == sub &&
				   sub->metaCast(symbol) == sub &&
				   sub->metaCast(string) == sub &&
				   !array->metaCast(Thing::metaClass) &&
				   !array->metaCast(symbol) && !array->metaCast(string));
	OSObject *made = OSMetaClass::allocClassWithName(symbol);
	CHECK("alloc_by_symbol", OSDynamicCast(Thing, made) != NULL);
	OSSafeRelease(made);
	made = OSMetaClass::allocClassWithName(string);
	CHECK("alloc_by_string", OSDynamicCast(Thing, made) != NULL);
	OSSafeRelease(made);
	array->release();
	sub->release();
	string->release();
	symbol->release();
}

/* Lines in the log, which the test script looks for. */
extern "C" void log_error(OSReturn error) __asm("__ZN11OSMetaClass8logErrorEi");

static void check_reports()
{
	Thing *thing = Thing::make();
	printf("reported instances:\n");
	OSMetaClass::reportModInstances("test.LibkernTests");
	OSMetaClass::printInstanceCounts();
	OSMetaClass::considerUnloads();
	log_error((OSReturn)0xdc004001);
	thing->release();
	CHECK("reports_leave_the_counts", Thing::metaClass->getInstanceCount() == 0);
}

void check_metaclasses()
{
	check_counts();
	check_casts();
	check_reports();
}
