/* Reference counts: the two halves of the word, pegging, releases with a threshold. */
#include "checks.h"

static void check_birth()
{
	unsigned int things = Thing::metaClass->getInstanceCount();
	Thing *thing = new Thing;
	CHECK("new_has_one_reference", thing->getRetainCount() == 1);
	CHECK("new_is_zeroed", thing->number == 0 && thing->pointer == NULL);
	CHECK("new_is_counted", Thing::metaClass->getInstanceCount() == things + 1);
	thing->retain();
	CHECK("retain_adds_one", thing->getRetainCount() == 2);
	thing->release();
	int frees = Thing::frees;
	thing->release();
	CHECK("last_release_frees_once", Thing::frees == frees + 1);
	CHECK("free_is_counted", Thing::metaClass->getInstanceCount() == things);
}

static void check_superclass_counts()
{
	const OSMetaClass *super = Thing::metaClass;
	unsigned int before = super->getInstanceCount();
	SubThing *first = new SubThing, *second = new SubThing;
	CHECK("second_instance_counts", SubThing::metaClass->getInstanceCount() == 2);
	CHECK("superclass_counts_the_first_alone", super->getInstanceCount() == before + 1);
	first->release();
	CHECK("superclass_waits_for_the_last", super->getInstanceCount() == before + 1);
	second->release();
	CHECK("counts_return", super->getInstanceCount() == before &&
				       SubThing::metaClass->getInstanceCount() == 0);
}

/* The pegged count never changes again. */
static void check_pegging()
{
	Immortal *object = new Immortal;
	for (int i = 0; i < 65534; i++)
		object->retain();
	CHECK("count_sticks_at_65534", object->getRetainCount() == 65534);
	for (int i = 0; i < 70000; i++)
		object->release();
	CHECK("pegged_is_never_freed", object->getRetainCount() == 65534 && !object->frees);
	object->end();
}

static void check_threshold()
{
	Immortal *object = new Immortal;
	object->retain();
	object->retain();
	object->drop(2);
	CHECK("release_2_of_3_keeps", object->getRetainCount() == 2 && !object->frees);
	object->drop(2);
	CHECK("release_2_of_2_frees", object->frees == 1);
	CHECK("count_reads_65535_while_freed", object->getRetainCount() == 65535);
	object->release();
	CHECK("release_of_a_freed_is_ignored", object->frees == 1);
	object->end();
}

static void check_tags()
{
	Thing *thing = Thing::make();
	OSArray *array = OSArray::withCapacity(1);
	array->setObject(thing);
	CHECK("collection_adds_one", thing->getRetainCount() == 2);
	thing->release();
	CHECK("collection_keeps_its_member", thing->getRetainCount() == 1);
	int frees = Thing::frees;
	array->removeObject(0);
	CHECK("removal_frees", Thing::frees == frees + 1);
	array->release();
	thing = Thing::make();
	thing->taggedRetain(OSTypeID(OSCollection));
	thing->release();
	CHECK("plain_release_beside_a_tag", thing->getRetainCount() == 1);
	thing->taggedRelease(OSTypeID(OSCollection));
	CHECK("tagged_release_frees", Thing::frees == frees + 2);
}

static void check_booleans()
{
	for (int i = 0; i < 5; i++)
		kOSBooleanTrue->retain();
	for (int i = 0; i < 9; i++)
		kOSBooleanTrue->release();
	CHECK("boolean_is_not_counted", kOSBooleanTrue->getRetainCount() == 1);
}

void check_counting()
{
	check_birth();
	check_superclass_counts();
	check_pegging();
	check_threshold();
	check_tags();
	check_booleans();
}
