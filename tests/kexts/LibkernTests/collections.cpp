/* What all collections have: init methods, capacities, options, their iterators. */
#include "checks.h"

/* A collection of one member at most, with the base class's answers otherwise. */
class Box : public OSCollection
{
	OSDeclareDefaultStructors(Box)

		public : OSObject *content;
	bool init() APPLE_KEXT_OVERRIDE
	{
		return OSCollection::init();
	}
	unsigned int iteratorSize() const APPLE_KEXT_OVERRIDE
	{
		return sizeof(int);
	}
	bool initIterator(void *iterator) const APPLE_KEXT_OVERRIDE
	{
		*(int *)iterator = 0;
		return true;
	}
	bool getNextObjectForIterator(void *iterator,
				      OSObject **ret) const APPLE_KEXT_OVERRIDE
	{
		*ret = ++*(int *)iterator == 1 ? content : NULL;
		return *ret != NULL;
	}
	unsigned int getCount() const APPLE_KEXT_OVERRIDE
	{
		return content != NULL;
	}
	unsigned int getCapacity() const APPLE_KEXT_OVERRIDE
	{
		return 1;
	}
	unsigned int getCapacityIncrement() const APPLE_KEXT_OVERRIDE
	{
		return 0;
	}
	unsigned int setCapacityIncrement(unsigned int) APPLE_KEXT_OVERRIDE
	{
		return 0;
	}
	unsigned int ensureCapacity(unsigned int) APPLE_KEXT_OVERRIDE
	{
		return 1;
	}
	void flushCollection() APPLE_KEXT_OVERRIDE
	{
		put(NULL);
	}
	void put(OSObject *object)
	{
		haveUpdated();
		content = object;
	}
};

OSDefineMetaClassAndStructors(Box, OSCollection)

	static void check_base()
{
	Box *box = new Box;
	CHECK("collection_init", box->init());
	box->put(kOSBooleanTrue);
	OSCollectionIterator *iterator = new OSCollectionIterator;
	CHECK("iterator_init",
	      iterator->initWithCollection(box) && box->getRetainCount() == 2);
	CHECK("iterator_of_a_kexts_class", iterator->getNextObject() == kOSBooleanTrue &&
						   !iterator->getNextObject() &&
						   iterator->isValid());
	box->flushCollection();
	CHECK("collection_has_updated", !iterator->isValid());
	iterator->release();
	CHECK("options_are_kept",
	      box->setOptions(OSCollection::kSort, OSCollection::kSort) == 0 &&
		      box->setOptions(0, 0) == OSCollection::kSort &&
		      box->setOptions(0, OSCollection::kMASK) == OSCollection::kSort &&
		      box->setOptions(0, 0) == 0);
	OSCollection *copy = box->copyCollection();
	CHECK("collection_is_shared", copy == box && box->getRetainCount() == 2);
	OSSafeRelease(copy);
	OSDictionary *copies = OSDictionary::withCapacity(1);
	CHECK("collection_without_copy", box->copyCollection(copies) == NULL);
	copies->setObject((const OSSymbol *)box, kOSBooleanFalse);
	CHECK("collection_has_a_copy",
	      (OSObject *)box->copyCollection(copies) == kOSBooleanFalse);
	copies->release();
	box->release();
}

/* ---- init methods ---- */
static void check_arrays()
{
	const OSObject *objects[] = {kOSBooleanTrue, kOSBooleanFalse};
	OSArray *array = new OSArray, *other = new OSArray;
	CHECK("init_array", array->initWithObjects(objects, 2) &&
				    array->getCount() == 2 &&
				    array->getObject(1) == kOSBooleanFalse &&
				    array->getCapacityIncrement() == 2);
	CHECK("init_array_of_array",
	      other->initWithArray(array, 5) && other->isEqualTo(array) &&
		      other->getCapacity() >= 5 && other->getCapacityIncrement() == 5);
	other->release();
	other = new OSArray;
	CHECK("init_array_too_small", !other->initWithArray(array, 1));
	other->release();
	array->release();
}

static const OSObject *seen[4];
static int seen_count;

static bool see(void *context, const OSSymbol *key, OSObject *value)
{
	seen[seen_count++] = value;
	return key == context;
}

static void check_dictionaries()
{
	const OSSymbol *a = OSSymbol::withCString("a"), *b = OSSymbol::withCString("b");
	OSString *c = OSString::withCString("c");
	const OSSymbol *symbols[] = {a, b, a};
	const OSString *strings[] = {a, c, b};
	const OSObject *objects[] = {kOSBooleanTrue, kOSBooleanFalse, b};
	OSDictionary *dictionary = OSDictionary::withObjects(objects, symbols, 3);
	CHECK("dictionary_later_key_wins",
	      dictionary && dictionary->getCount() == 2 && dictionary->getObject(a) == b);
	OSDictionary *other = OSDictionary::withObjects(objects, strings, 3, 3);
	CHECK("dictionary_of_strings",
	      other && other->getCount() == 3 && other->getObject(c) == kOSBooleanFalse);
	CHECK("dictionary_too_small",
	      !OSDictionary::withObjects(objects, strings, 3, 2) &&
		      !OSDictionary::withObjects(objects, symbols, 3, 1));
	other->removeObject(c);
	CHECK("dictionary_remove_by_string",
	      other->getCount() == 2 && !other->getObject("c"));
	bool stopped = dictionary->iterateObjects((void *)a, see);
	CHECK("dictionary_iterate", stopped && seen_count == 1 && seen[0] == b);
	int sum = 0, *sum_too = &sum;
	bool done =
		dictionary->iterateObjects(^bool(const OSSymbol *key, OSObject *value) {
		  ++*sum_too;
		  return false;
		});
	CHECK("dictionary_iterate_block", done && sum == 2);
	other->release();
	other = new OSDictionary;
	CHECK("init_dictionary",
	      other->initWithDictionary(dictionary, 7) && other->isEqualTo(dictionary) &&
		      other->getCapacity() >= 7 && other->getCapacityIncrement() == 7 &&
		      other->setCapacityIncrement(0) == 16);
	other->release();
	other = new OSDictionary;
	CHECK("init_dictionary_of_symbols",
	      other->initWithObjects(objects, symbols, 2) &&
		      other->getObject(b) == kOSBooleanFalse);
	other->release();
	other = new OSDictionary;
	CHECK("init_dictionary_of_strings",
	      other->initWithObjects(objects, strings, 2) &&
		      other->getObject(c) == kOSBooleanFalse);
	other->release();
	other = new OSDictionary;
	CHECK("init_dictionary_of_null", !other->initWithDictionary(NULL));
	other->release();
	dictionary->release();
	a->release();
	b->release();
	c->release();
}

static void check_sets()
{
	const OSObject *objects[] = {kOSBooleanTrue, kOSBooleanFalse, kOSBooleanTrue};
	OSSet *set = OSSet::withObjects(objects, 3);
	CHECK("set_drops_repetitions",
	      set && set->getCount() == 2 && set->getAnyObject() == kOSBooleanTrue);
	CHECK("set_too_small", OSSet::withObjects(objects, 2, 1) == NULL);
	OSArray *array = OSArray::withObjects(objects, 3);
	OSSet *of_array = OSSet::withArray(array), *of_set = new OSSet;
	CHECK("set_of_array", of_array && of_array->isEqualTo(set));
	CHECK("init_set_of_set", of_set->initWithSet(set, 6) && of_set->isEqualTo(set) &&
					 of_set->getCapacity() >= 6 &&
					 of_set->getCapacityIncrement() == 6 &&
					 of_set->setCapacityIncrement(0) == 16);
	CHECK("set_capacity",
	      of_set->ensureCapacity(40) >= 40 && of_set->getCapacity() >= 40);
	of_set->removeObject(kOSBooleanTrue);
	CHECK("set_merge_set", of_set->merge(set) && of_set->getCount() == 2 &&
				       of_set->containsObject(kOSBooleanTrue));
	OSCollectionIterator *iterator = OSCollectionIterator::withCollection(set);
	CHECK("set_iterator", iterator->getNextObject() == kOSBooleanTrue &&
				      iterator->getNextObject() == kOSBooleanFalse &&
				      !iterator->getNextObject() && iterator->isValid());
	iterator->release();
	set->release();
	set = new OSSet;
	CHECK("init_set_of_array", set->initWithArray(array) && set->getCount() == 2);
	of_set->release();
	of_array->release();
	array->release();
	set->release();
}

/* Options reach the members, and a copy has copies of them. */
static void check_tree(OSCollection *tree, OSArray *member, const char *options,
		       const char *copies)
{
	CHECK(options,
	      tree->setOptions(OSCollection::kImmutable, OSCollection::kImmutable) == 0 &&
		      member->setOptions(0, 0) == OSCollection::kImmutable &&
		      tree->setOptions(0, OSCollection::kImmutable) ==
			      OSCollection::kImmutable &&
		      member->setOptions(0, 0) == 0);
	OSCollection *copy = tree->copyCollection();
	OSCollectionIterator *iterator = OSCollectionIterator::withCollection(copy);
	OSObject *of_copy = iterator->getNextObject();
	CHECK(copies, copy != tree && of_copy != member && of_copy->isEqualTo(member));
	iterator->release();
	copy->release();
}

static SInt32 by_count(const OSMetaClassBase *a, const OSMetaClassBase *b, void *context)
{
	unsigned int first = ((const OSArray *)a)->getCount();
	return (SInt32)(first - (b ? ((const OSArray *)b)->getCount()
				   : *(unsigned int *)context));
}

static void check_ordered_sets()
{
	unsigned int reference = 1;
	const OSObject *objects[] = {kOSBooleanTrue};
	OSArray *small = OSArray::withCapacity(1),
		*big = OSArray::withObjects(objects, 1);
	OSOrderedSet *set = new OSOrderedSet, *other = OSOrderedSet::withCapacity(2);
	CHECK("init_ordered_set", set->initWithCapacity(3, by_count, &reference) &&
					  set->getCapacity() >= 3 &&
					  set->getCapacityIncrement() == 3 &&
					  set->setCapacityIncrement(0) == 16);
	CHECK("ordered_set_orders", set->setObject(small) && set->setObject(big) &&
					    set->getFirstObject() == big);
	OSCollectionIterator *iterator = OSCollectionIterator::withCollection(set);
	CHECK("ordered_set_iterator", iterator->getNextObject() == big &&
					      iterator->getNextObject() == small &&
					      !iterator->getNextObject());
	iterator->release();
	other->setLastObject(big);
	CHECK("ordered_set_unequal", !set->isEqualTo((OSMetaClassBase *)other) &&
					     !set->isEqualTo((OSMetaClassBase *)big));
	other->setLastObject(small);
	CHECK("ordered_set_equal", set->isEqualTo((OSMetaClassBase *)other));
	check_tree(set, big, "ordered_set_options", "ordered_set_copy");
	set->release();
	other->release();
	small->release();
	big->release();
}

static void check_set_tree()
{
	OSArray *member = OSArray::withCapacity(1);
	OSSet *set = OSSet::withCapacity(1);
	set->setObject(member);
	check_tree(set, member, "set_options", "set_copy");
	set->release();
	member->release();
}

void check_collections()
{
	check_base();
	check_arrays();
	check_dictionaries();
	check_sets();
	check_set_tree();
	check_ordered_sets();
}
