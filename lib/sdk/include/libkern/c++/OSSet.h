/* Members without order or repetition. */
#ifndef _LIBKERN_OSSET_H
#define _LIBKERN_OSSET_H

#include <libkern/c++/OSArray.h>

class OSSet;
typedef OSSet *OSSetPtr;

class OSSet : public OSCollection
{
	friend class OSSerialize;
	OSDeclareDefaultStructors(OSSet);

private:
	OSArrayPtr members;

protected:
	struct ExpansionData {
	};
	ExpansionData *reserved;

	virtual unsigned int iteratorSize() const;
	virtual bool initIterator(void *iterator) const;
	virtual bool getNextObjectForIterator(void *iterator,
					      OSObject **ret_object) const;

public:
	static OSSetPtr withCapacity(unsigned int capacity);
	static OSSetPtr withObjects(const OSObject *objects[], unsigned int count,
				    unsigned int capacity = 0);
	static OSSetPtr withArray(const OSArray *array, unsigned int capacity = 0);
	static OSSetPtr withSet(const OSSet *other, unsigned int capacity = 0);

	virtual bool initWithCapacity(unsigned int capacity);
	virtual bool initWithObjects(const OSObject *objects[], unsigned int count,
				     unsigned int capacity = 0);
	virtual bool initWithArray(const OSArray *array, unsigned int capacity = 0);
	virtual bool initWithSet(const OSSet *other, unsigned int capacity = 0);
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
	virtual bool merge(const OSArray *array);
	virtual bool merge(const OSSet *other);
	virtual void removeObject(const OSMetaClassBase *object);
	virtual bool containsObject(const OSMetaClassBase *object) const;
	virtual bool member(const OSMetaClassBase *object) const;
	virtual OSObject *getAnyObject() const;

	virtual bool isEqualTo(const OSSet *other) const;
	virtual bool isEqualTo(const OSMetaClassBase *other) const;
	virtual bool serialize(OSSerialize *serializer) const;
#ifdef XNU_KERNEL_PRIVATE
	OSObject *getObject(unsigned int index) const;
#endif

	OSMetaClassDeclareReservedUnused(OSSet, 0);
	OSMetaClassDeclareReservedUnused(OSSet, 1);
	OSMetaClassDeclareReservedUnused(OSSet, 2);
	OSMetaClassDeclareReservedUnused(OSSet, 3);
	OSMetaClassDeclareReservedUnused(OSSet, 4);
	OSMetaClassDeclareReservedUnused(OSSet, 5);
	OSMetaClassDeclareReservedUnused(OSSet, 6);
	OSMetaClassDeclareReservedUnused(OSSet, 7);
};

#endif
