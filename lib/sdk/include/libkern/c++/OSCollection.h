/* What all containers have in common: a stamp that changes with them, options, iteration.
 */
#ifndef _LIBKERN_OSCOLLECTION_H
#define _LIBKERN_OSCOLLECTION_H

#include <libkern/c++/OSObject.h>

class OSCollection;
class OSDictionary;
typedef OSCollection *OSCollectionPtr;

class OSCollection : public OSObject
{
	friend class OSCollectionIterator;
	OSDeclareAbstractStructors(OSCollection);

protected:
	unsigned int updateStamp;

private:
	unsigned int fOptions;

protected:
	/* Called before every change: refuses one to an immutable collection. */
	void haveUpdated();

	virtual unsigned int iteratorSize() const = 0;
	virtual bool initIterator(void *iterator) const = 0;
	virtual bool getNextObjectForIterator(void *iterator,
					      OSObject **ret_object) const = 0;
	virtual bool init();

public:
	enum { kImmutable = 1, kSort = 2, kMASK = 0xffffffffu };

	virtual unsigned int getCount() const = 0;
	virtual unsigned int getCapacity() const = 0;
	virtual unsigned int getCapacityIncrement() const = 0;
	virtual unsigned int setCapacityIncrement(unsigned int increment) = 0;
	virtual unsigned int ensureCapacity(unsigned int capacity) = 0;
	virtual void flushCollection() = 0;
	/* The options before; those of the mask are set. */
	virtual unsigned int setOptions(unsigned int options, unsigned int mask,
					void *context = NULL);
	/* A mutable copy of the tree; what is not a collection is shared. */
	virtual OSCollectionPtr copyCollection(OSDictionary *copies = NULL);

	/* False when the collection changed meanwhile; the body stops it with true. */
	bool iterateObjects(void *context, bool (*body)(void *context, OSObject *object));
#ifdef __BLOCKS__
	bool iterateObjects(bool (^body)(OSObject *object));
#endif
#ifdef XNU_KERNEL_PRIVATE
	bool needsOptions(unsigned int options, unsigned int mask) const;
	bool copyMember(OSObject *member, OSDictionary *copies, OSCollection **ret_copy);
	OSDictionary *beginCopy(OSDictionary *copies, OSCollection **ret_copy);
	unsigned int stamp() const
	{
		return updateStamp;
	}
#endif

	OSMetaClassDeclareReservedUnused(OSCollection, 2);
	OSMetaClassDeclareReservedUnused(OSCollection, 3);
	OSMetaClassDeclareReservedUnused(OSCollection, 4);
	OSMetaClassDeclareReservedUnused(OSCollection, 5);
	OSMetaClassDeclareReservedUnused(OSCollection, 6);
	OSMetaClassDeclareReservedUnused(OSCollection, 7);
};

#endif
