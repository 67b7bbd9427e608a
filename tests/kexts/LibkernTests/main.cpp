/* Runs all checks when the kext starts. */
#include "checks.h"
#include <mach/mach_types.h>

OSDefineMetaClassAndStructors(Thing, OSObject)
OSDefineMetaClassAndStructors(SubThing, Thing)
OSDefineMetaClassAndStructors(Immortal, OSObject)

int Thing::frees;

Thing *Thing::make()
{
	Thing *thing = new Thing;
	if (thing && !thing->init())
		OSSafeReleaseNULL(thing);
	return thing;
}

void Thing::free()
{
	frees++;
	OSObject::free();
}

void Immortal::free()
{
	frees++;
}

void check_line(const char *name, bool is_good, const char *file, int line)
{
	if (is_good)
		printf("ok libkern.%s\n", name);
	else
		printf("not ok libkern.%s (%s:%d)\n", name, file, line);
}

extern "C" kern_return_t LibkernTests_start(kmod_info_t *kmod, void *data)
{
	check_counting();
	check_classes();
	check_values();
	check_containers();
	check_text();
	check_binary();
	check_creation();
	check_collections();
	check_metaclasses();
	printf("all checks have run\n");
	return KERN_SUCCESS;
}

extern "C" kern_return_t LibkernTests_stop(kmod_info_t *kmod, void *data)
{
	return KERN_SUCCESS;
}
