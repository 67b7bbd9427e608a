/* Members in an order that a function decides. */
#ifndef _LIBKERN_OSORDEREDSET_H
#define _LIBKERN_OSORDEREDSET_H

#include <libkern/OSTypes.h>
#include <libkern/c++/OSCollection.h>

class OSOrderedSet;
typedef OSOrderedSet *OSOrderedSetPtr;
struct _Element;

class OSOrderedSet : public OSCollection
{
	OSDeclareDefaultStructors(OSOrderedSet);

public:
	/* Positive: the first comes before the second. */
	typedef SInt32 (*OSOrderFunction)(const OSMetaClassBase *first,
					  const OSMetaClassBase *second, void *context);

protected:
	struct _Element *array;
	OSOrderFunction ordering;
	void *orderingRef;
	unsigned int count;
	unsigned int capacity;
	unsigned int capacityIncrement;
	struct ExpansionData {
	};
	ExpansionData *reserved;

	virtual unsigned int iteratorSize() const;
	virtual bool initIterator(void *iterator) const;
	virtual bool getNextObjectForIterator(void *iterator,
					      OSObject **ret_object) const;

public:
	static OSOrderedSetPtr withCapacity(unsigned int capacity,
					    OSOrderFunction order = NULL,
					    void *context = NULL);
	virtual bool initWithCapacity(unsigned int capacity, OSOrderFunction order = NULL,
				      void *context = NULL);
	virtual void free();

	virtual unsigned int getCount() const;
	virtual unsigned int getCapacity() const;
	virtual unsigned int getCapacityIncrement() const;
	virtual unsigned int setCapacityIncrement(unsigned int increment);
	virtual unsigned int ensureCapacity(unsigned int capacity);
	virtual void flushCollection();
	virtual unsigned int setOptions(unsigned int options, unsigned int mask,
					void *context = NULL);
	OSCollectionPtr copyCollection(OSDictionary *copies = NULL);

	virtual bool setObject(const OSMetaClassBase *object);
	virtual bool setFirstObject(const OSMetaClassBase *object);
	virtual bool setLastObject(const OSMetaClassBase *object);
	virtual void removeObject(const OSMetaClassBase *object);
	virtual bool containsObject(const OSMetaClassBase *object) const;
	virtual bool member(const OSMetaClassBase *object) const;
	virtual OSObject *getFirstObject() const;
	virtual OSObject *getLastObject() const;
	virtual SInt32 orderObject(const OSMetaClassBase *object);
	virtual bool setObject(unsigned int index, const OSMetaClassBase *object);
	virtual OSObject *getObject(unsigned int index) const;
	virtual void *getOrderingRef();
	virtual bool isEqualTo(const OSOrderedSet *other) const;
	virtual bool isEqualTo(const OSMetaClassBase *other) const;

	OSMetaClassDeclareReservedUnused(OSOrderedSet, 0);
	OSMetaClassDeclareReservedUnused(OSOrderedSet, 1);
	OSMetaClassDeclareReservedUnused(OSOrderedSet, 2);
	OSMetaClassDeclareReservedUnused(OSOrderedSet, 3);
	OSMetaClassDeclareReservedUnused(OSOrderedSet, 4);
	OSMetaClassDeclareReservedUnused(OSOrderedSet, 5);
	OSMetaClassDeclareReservedUnused(OSOrderedSet, 6);
	OSMetaClassDeclareReservedUnused(OSOrderedSet, 7);
};

#endif
