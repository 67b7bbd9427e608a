/* Members by number. */
#ifndef _LIBKERN_OSARRAY_H
#define _LIBKERN_OSARRAY_H

#include <libkern/c++/OSCollection.h>

class OSArray;
typedef OSArray *OSArrayPtr;

class OSArray : public OSCollection
{
	friend class OSSet;
	friend class OSSerialize;
	OSDeclareDefaultStructors(OSArray);

protected:
	const OSMetaClassBase **array;
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
	static OSArrayPtr withCapacity(unsigned int capacity);
	static OSArrayPtr withObjects(const OSObject *objects[], unsigned int count,
				      unsigned int capacity = 0);
	static OSArrayPtr withArray(const OSArray *other, unsigned int capacity = 0);

	virtual bool initWithCapacity(unsigned int capacity);
	virtual bool initWithObjects(const OSObject *objects[], unsigned int count,
				     unsigned int capacity = 0);
	virtual bool initWithArray(const OSArray *other, unsigned int capacity = 0);
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
	virtual bool setObject(unsigned int index, const OSMetaClassBase *object);
	virtual bool merge(const OSArray *other);
	virtual void replaceObject(unsigned int index, const OSMetaClassBase *object);
	virtual void removeObject(unsigned int index);

	virtual bool isEqualTo(const OSArray *other) const;
	virtual bool isEqualTo(const OSMetaClassBase *other) const;
	virtual OSObject *getObject(unsigned int index) const;
	virtual OSObject *getLastObject() const;
	/* All ones when there is none. */
	virtual unsigned int getNextIndexOfObject(const OSMetaClassBase *object,
						  unsigned int from) const;
	virtual bool serialize(OSSerialize *serializer) const;

	OSMetaClassDeclareReservedUnused(OSArray, 0);
	OSMetaClassDeclareReservedUnused(OSArray, 1);
	OSMetaClassDeclareReservedUnused(OSArray, 2);
	OSMetaClassDeclareReservedUnused(OSArray, 3);
	OSMetaClassDeclareReservedUnused(OSArray, 4);
	OSMetaClassDeclareReservedUnused(OSArray, 5);
	OSMetaClassDeclareReservedUnused(OSArray, 6);
	OSMetaClassDeclareReservedUnused(OSArray, 7);
};

#endif
