/* What containers share: the stamp of changes, options, copying of trees, iteration. */
#include <libkern/c++/OSCollection.h>
#include <libkern/c++/OSDictionary.h>
#include <libkern/c++/OSLib.h>
#include "cxx.h"
#include "pads.h"

OSDefineMetaClassAndAbstractStructors(OSCollection, OSObject)

	/* I/O Kit's debug bit that lets changes of the registry's collections through. */
	static const uint64_t allows_changes = 0x40000;

bool OSCollection::init()
{
	if (!OSObject::init())
		return false;
	updateStamp = 0;
	return true;
}

void OSCollection::haveUpdated()
{
	if (fOptions & kImmutable) {
		if (!(libkern_debug_bits() & allows_changes))
			panic("an immutable %s, one that the registry holds, is being "
			      "changed",
			      getMetaClass()->getClassName());
		OSReportWithBacktrace("an immutable %s is being changed",
				      getMetaClass()->getClassName());
	}
	updateStamp++;
}

unsigned int OSCollection::setOptions(unsigned int options, unsigned int mask, void *)
{
	unsigned int old = fOptions;
	if (mask)
		fOptions = (old & ~mask) | (options & mask);
	return old;
}

bool OSCollection::needsOptions(unsigned int options, unsigned int mask) const
{
	return ((fOptions ^ options) & mask) != 0;
}

/* ---- copies of trees: `copies` leads from an original to its copy ---- */
static const OSSymbol *as_key(const OSCollection *collection)
{
	return (const OSSymbol *)(const void *)collection;
}

/*
 * `copies` or a new dictionary, with a reference for the caller; or NULL when this was
 * copied already, and then *ret_copy is that copy with a reference.
 */
OSDictionary *OSCollection::beginCopy(OSDictionary *copies, OSCollection **ret_copy)
{
	*ret_copy = NULL;
	if (!copies)
		return OSDictionary::withCapacity(16);
	*ret_copy = OSCollection::copyCollection(copies);
	if (*ret_copy)
		return NULL;
	copies->retain();
	return copies;
}

/*
 * True with a copy of a member that is a collection, or with NULL for any other member;
 * false also when collections are nested deeper than the stack is large.
 */
bool OSCollection::copyMember(OSObject *member, OSDictionary *copies,
			      OSCollection **ret_copy)
{
	OSCollection *collection = OSDynamicCast(OSCollection, member);
	bool has_stack = !collection || libkern_has_stack();
	*ret_copy = collection && has_stack ? collection->copyCollection(copies) : NULL;
	return !collection || *ret_copy;
}

OSCollectionPtr OSCollection::copyCollection(OSDictionary *copies)
{
	OSCollection *result = this;
	if (copies)
		result = (OSCollection *)copies->getObject(as_key(this));
	if (result)
		result->retain();
	return result;
}

/* ---- iteration ---- */
static const unsigned int iterator_room = 16;

bool OSCollection::iterateObjects(void *context,
				  bool (*body)(void *context, OSObject *object))
{
	uint64_t iterator[iterator_room / sizeof(uint64_t)] = {0};
	unsigned int old = updateStamp;
	OSObject *object;
	if (iteratorSize() > iterator_room || !initIterator(iterator))
		return false;
	while (updateStamp == old && getNextObjectForIterator(iterator, &object)) {
		if (body(context, object))
			break;
	}
	return updateStamp == old;
}

/*
 * The form that takes a block. Not every compiler of the kernel knows blocks, so the
 * method is written as what it is to callers: a function under the method's name.
 */
struct block_literal {
	void *isa;
	int flags, reserved;
	bool (*invoke)(const block_literal *self, OSObject *object);
};

static bool call_block(void *block, OSObject *object)
{
	const block_literal *literal = (const block_literal *)block;
	return literal->invoke(literal, object);
}

extern "C" bool collection_iterate_block(OSCollection *self, void *block) __asm__(
	"_ZN12OSCollection14iterateObjectsEU13block_pointerFbP8OSObjectE");

extern "C" bool collection_iterate_block(OSCollection *self, void *block)
{
	return self->iterateObjects(block, call_block);
}

PADS_2_7(OSCollection)
