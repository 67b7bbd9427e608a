/* Arrays, sets, ordered sets, dictionaries, iterators; options and copies of trees. */
#include "checks.h"

static OSNumber *number(unsigned int value)
{
	return OSNumber::withNumber(value, 32);
}

static bool is_number(OSObject *object, unsigned int value)
{
	OSNumber *of_number = OSDynamicCast(OSNumber, object);
	return of_number && of_number->unsigned32BitValue() == value;
}

/* An array of the numbers 0 to count - 1. */
static OSArray *numbers(unsigned int count)
{
	OSArray *array = OSArray::withCapacity(count);
	for (unsigned int i = 0; i < count; i++) {
		OSNumber *one = number(i);
		array->setObject(one);
		one->release();
	}
	return array;
}

static void check_arrays()
{
	OSArray *array = OSArray::withCapacity(0);
	OSNumber *five = number(5);
	CHECK("array_first_growth", array->setObject(five) && array->getCapacity() >= 16);
	array->release();
	array = numbers(3);
	CHECK("array_insert_outside", !array->setObject(5, five));
	CHECK("array_insert_null", !array->setObject(0, (OSObject *)NULL));
	CHECK("array_insert", array->setObject(1, five) && array->getCount() == 4 &&
				      is_number(array->getObject(1), 5) &&
				      is_number(array->getObject(2), 1));
	array->replaceObject(0, five);
	CHECK("array_replace", is_number(array->getObject(0), 5));
	CHECK("array_index", array->getNextIndexOfObject(five, 0) == 0 &&
				     array->getNextIndexOfObject(five, 1) == 1 &&
				     array->getNextIndexOfObject(five, 2) == 0xffffffff);
	array->removeObject(0);
	CHECK("array_remove", array->getCount() == 3 && is_number(array->getObject(1), 1));
	CHECK("array_ends", is_number(array->getLastObject(), 2) &&
				    array->getObject(3) == NULL);
	OSArray *copy = OSArray::withArray(array);
	CHECK("array_equal", copy->isEqualTo(array));
	CHECK("array_merge", copy->merge(array) && copy->getCount() == 6 &&
				     !copy->isEqualTo(array));
	CHECK("array_too_small", OSArray::withArray(array, 2) == NULL);
	copy->flushCollection();
	CHECK("array_flush", copy->getCount() == 0 && copy->getLastObject() == NULL);
	CHECK("array_increment", copy->setCapacityIncrement(0) == 16);
	copy->release();
	array->release();
	const OSObject *objects[] = {five, NULL};
	CHECK("array_of_null", OSArray::withObjects(objects, 2) == NULL);
	CHECK("member_is_released", five->getRetainCount() == 1);
	five->release();
}

static void check_iterators()
{
	OSArray *array = numbers(3);
	OSCollectionIterator *iterator = OSCollectionIterator::withCollection(array);
	CHECK("iterator_first", is_number(iterator->getNextObject(), 0));
	array->setObject(kOSBooleanTrue);
	CHECK("iterator_invalid", iterator->getNextObject() == NULL && !iterator->isValid());
	iterator->reset();
	CHECK("iterator_reset", iterator->isValid() && is_number(iterator->getNextObject(), 0));
	iterator->getNextObject();
	iterator->getNextObject();
	CHECK("iterator_last", iterator->getNextObject() == kOSBooleanTrue);
	CHECK("iterator_end", iterator->getNextObject() == NULL && iterator->isValid());
	iterator->release();
	array->release();
	CHECK("iterator_of_null", OSCollectionIterator::withCollection(NULL) == NULL);
}

static bool stop_at_one(void *context, OSObject *object)
{
	++*(int *)context;
	return is_number(object, 1);
}

static bool change(void *context, OSObject *object)
{
	((OSArray *)context)->setObject(kOSBooleanTrue);
	return false;
}

static void check_iteration()
{
	OSArray *array = numbers(3);
	int calls = 0;
	int sum = 0, *sum_too = &sum;
	CHECK("iterate_stops", array->iterateObjects(&calls, stop_at_one) && calls == 2);
	CHECK("iterate_sees_changes", !array->iterateObjects(array, change) &&
					      array->getCount() == 4);
	array->removeObject(3);
	bool done = array->iterateObjects(^bool(OSObject *object) {
	  *sum_too += (int)OSDynamicCast(OSNumber, object)->unsigned32BitValue();
	  return false;
	});
	CHECK("iterate_with_a_block", done && sum == 3);
	array->release();
}

static void check_sets()
{
	OSSet *set = OSSet::withCapacity(2);
	OSNumber *one = number(1), *two = number(2), *other = number(1);
	CHECK("set_add", set->setObject(one) && set->setObject(two));
	CHECK("set_repetition", !set->setObject(one) && set->getCount() == 2);
	CHECK("set_is_by_identity", set->setObject(other) && set->getCount() == 3);
	set->removeObject(other);
	CHECK("set_member", set->member(two) && set->containsObject(one) &&
				    !set->containsObject(other) && !set->containsObject(NULL));
	OSArray *array = OSArray::withCapacity(2);
	array->setObject(two);
	array->setObject(other);
	CHECK("set_merge", set->merge(array) && set->getCount() == 3);
	OSSet *copy = OSSet::withSet(set);
	CHECK("set_equal", copy->isEqualTo(set) && copy->getAnyObject() == one);
	copy->removeObject(one);
	CHECK("set_unequal", !copy->isEqualTo(set));
	CHECK("set_too_small", OSSet::withSet(set, 2) == NULL);
	copy->release();
	array->release();
	set->release();
	one->release();
	two->release();
	CHECK("set_releases", other->getRetainCount() == 1);
	other->release();
}

static SInt32 by_value(const OSMetaClassBase *a, const OSMetaClassBase *b, void *context)
{
	unsigned int x = OSDynamicCast(OSNumber, a)->unsigned32BitValue();
	unsigned int y = b ? OSDynamicCast(OSNumber, b)->unsigned32BitValue() : 0;
	return x > y ? 1 : x < y ? -1 : 0;
}

static void check_ordered_sets()
{
	OSOrderedSet *set = OSOrderedSet::withCapacity(1, by_value, &set);
	OSNumber *one = number(1), *five = number(5), *five2 = number(5), *three = number(3);
	set->setObject(one);
	set->setObject(five);
	set->setObject(five2);
	set->setObject(three);
	CHECK("ordered_by_priority", set->getObject(0) == five && set->getObject(1) == five2 &&
					     set->getObject(2) == three &&
					     set->getObject(3) == one);
	CHECK("ordered_refuses_repetition", !set->setObject(one) && !set->setLastObject(one));
	CHECK("ordered_ref", set->getOrderingRef() == &set && set->orderObject(three) == 1);
	set->removeObject(five);
	CHECK("ordered_remove", set->getCount() == 3 && set->getFirstObject() == five2 &&
					set->getLastObject() == one);
	CHECK("ordered_first_ignores_order", set->setFirstObject(five) == true);
	set->removeObject(one);
	CHECK("ordered_explicit_place", set->setObject(1u, one) && set->getObject(1) == one &&
						!set->setObject(9u, five));
	OSOrderedSet *copy = (OSOrderedSet *)set->copyCollection();
	CHECK("ordered_copy", copy->isEqualTo(set) && copy->getObject(1) == one);
	copy->release();
	set->release();
	one->release();
	five->release();
	five2->release();
	three->release();
}

static bool keys_are(OSDictionary *dictionary, const char *wanted)
{
	char found[64] = "";
	OSCollectionIterator *iterator = OSCollectionIterator::withCollection(dictionary);
	while (OSSymbol *key = OSDynamicCast(OSSymbol, iterator->getNextObject())) {
		strlcat(found, key->getCStringNoCopy(), sizeof(found));
		strlcat(found, " ", sizeof(found));
	}
	iterator->release();
	return same(found, wanted);
}

static void check_dictionaries()
{
	OSDictionary *dictionary = OSDictionary::withCapacity(2);
	dictionary->setObject("k3", kOSBooleanTrue);
	dictionary->setObject("k1", kOSBooleanTrue);
	dictionary->setObject("k2", kOSBooleanTrue);
	dictionary->setObject("k3", kOSBooleanFalse);
	CHECK("dictionary_replace_keeps_place", keys_are(dictionary, "k3 k1 k2 "));
	dictionary->removeObject("k1");
	dictionary->setObject("k1", kOSBooleanFalse);
	CHECK("dictionary_order", keys_are(dictionary, "k3 k2 k1 "));
	CHECK("dictionary_get", dictionary->getObject("k3") == kOSBooleanFalse &&
					dictionary->getObject("k9") == NULL);
	CHECK("dictionary_no_symbol_made",
	      OSSymbol::existingSymbolForCString("k9") == NULL);
	OSString *name = OSString::withCString("k2");
	CHECK("dictionary_by_string", dictionary->getObject(name) == kOSBooleanTrue);
	name->release();
	CHECK("dictionary_null", !dictionary->setObject("k4", NULL));
	OSDictionary *copy = OSDictionary::withDictionary(dictionary);
	CHECK("dictionary_equal", copy->isEqualTo(dictionary));
	copy->setObject("k1", kOSBooleanTrue);
	CHECK("dictionary_unequal", !copy->isEqualTo(dictionary));
	CHECK("dictionary_merge",
	      copy->merge(dictionary) && copy->isEqualTo(dictionary) && copy->merge(copy));
	OSArray *keys = OSArray::withCapacity(1);
	const OSSymbol *key = OSSymbol::withCString("k3");
	keys->setObject(key);
	copy->setObject("k2", kOSBooleanFalse);
	CHECK("dictionary_equal_for_keys", copy->isEqualTo(dictionary, keys) &&
						   !copy->isEqualTo(dictionary));
	key->release();
	keys->release();
	CHECK("dictionary_too_small", OSDictionary::withDictionary(dictionary, 2) == NULL);
	copy->release();
	dictionary->release();
}

static bool is_ascending(OSDictionary *dictionary)
{
	OSCollectionIterator *iterator = OSCollectionIterator::withCollection(dictionary);
	OSObject *last = NULL;
	bool is_good = true;
	while (OSObject *key = iterator->getNextObject()) {
		is_good = is_good && key > last;
		last = key;
	}
	iterator->release();
	return is_good;
}

static void check_sorting()
{
	OSDictionary *dictionary = OSDictionary::withCapacity(2);
	const OSSymbol *symbols[40];
	char text[16];
	for (unsigned int i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "sorted %u", i);
		symbols[i] = OSSymbol::withCString(text);
	}
	/* In an order that is neither that of names nor that of addresses. */
	for (unsigned int i = 0; i < 20; i++) {
		OSNumber *value = number(i * 7 % 20);
		dictionary->setObject(symbols[i * 7 % 20], value);
		value->release();
	}
	dictionary->setOptions(OSCollection::kSort, OSCollection::kSort);
	CHECK("sorting_sorts", is_ascending(dictionary));
	for (unsigned int i = 39; i >= 20; i--) {
		OSNumber *value = number(i);
		dictionary->setObject(symbols[i], value);
		value->release();
	}
	CHECK("sorting_stays", is_ascending(dictionary) && dictionary->getCount() == 40);
	bool is_good = true;
	for (unsigned int i = 0; i < 40; i++)
		is_good = is_good && is_number(dictionary->getObject(symbols[i]), i);
	CHECK("sorted_look_ups", is_good);
	dictionary->release();
	dictionary = OSDictionary::withCapacity(4);
	dictionary->setOptions(OSCollection::kSort, OSCollection::kSort);
	for (unsigned int i = 0; i < 4; i++)
		dictionary->setObject(symbols[i], kOSBooleanTrue);
	is_good = is_ascending(dictionary);
	dictionary->flushCollection();
	for (unsigned int i = 4; i-- > 0;)
		dictionary->setObject(symbols[i], kOSBooleanTrue);
	CHECK("few_are_sorted_too", is_good && is_ascending(dictionary));
	dictionary->release();
	for (unsigned int i = 0; i < 40; i++)
		symbols[i]->release();
}

static void check_options()
{
	OSDictionary *dictionary = OSDictionary::withCapacity(1);
	OSArray *array = numbers(1);
	dictionary->setObject("array", array);
	CHECK("options_are_old", dictionary->setOptions(OSCollection::kImmutable,
							OSCollection::kImmutable) == 0);
	CHECK("options_reach_members", array->setOptions(0, 0) == OSCollection::kImmutable);
	OSDictionary *copy = (OSDictionary *)dictionary->copyCollection();
	OSArray *inner = OSDynamicCast(OSArray, copy->getObject("array"));
	CHECK("copy_is_deep", inner && inner != array && inner->isEqualTo(array));
	CHECK("copy_is_mutable", copy->setObject("more", kOSBooleanTrue) &&
					 inner->setObject(kOSBooleanTrue));
	CHECK("copy_shares_leaves", inner->getObject(0) == array->getObject(0));
	copy->release();
	array->release();
	dictionary->release();
}

/* A recursion would use up the stack: on the way in, and so on the way out. */
static void check_deep_copy()
{
	OSArray *outer = OSArray::withCapacity(1);
	for (int i = 0; i < 20000; i++) {
		OSArray *inner = outer;
		outer = OSArray::withCapacity(1);
		outer->setObject(inner);
		inner->release();
	}
	CHECK("copy_refuses_depth", outer->copyCollection() == NULL);
	while (outer) {
		OSArray *inner = (OSArray *)outer->getObject(0);
		if (inner)
			inner->retain();
		outer->release();
		outer = inner;
	}
}

/* The copy has the original's shape, knots included. */
static void check_copies()
{
	OSArray *array = OSArray::withCapacity(3);
	OSDictionary *shared = OSDictionary::withCapacity(1);
	array->setObject(shared);
	array->setObject(shared);
	array->setObject(array);
	OSArray *copy = (OSArray *)array->copyCollection();
	CHECK("copy_contains_itself", copy != array && copy->getObject(2) == copy);
	CHECK("copy_shares_alike",
	      copy->getObject(0) == copy->getObject(1) && copy->getObject(0) != shared);
	copy->flushCollection();
	copy->release();
	array->flushCollection();
	array->release();
	CHECK("copy_released", shared->getRetainCount() == 1);
	shared->release();
}

void check_containers()
{
	check_arrays();
	check_iterators();
	check_iteration();
	check_sets();
	check_ordered_sets();
	check_dictionaries();
	check_sorting();
	check_options();
	check_copies();
	check_deep_copy();
}
