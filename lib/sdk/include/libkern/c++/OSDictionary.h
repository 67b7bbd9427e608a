/* Values by key; keys are symbols. */
#ifndef _LIBKERN_OSDICTIONARY_H
#define _LIBKERN_OSDICTIONARY_H

#include <libkern/c++/OSCollection.h>

class OSArray;
class OSSymbol;
class OSString;
class OSDictionary;
typedef OSDictionary *OSDictionaryPtr;

class OSDictionary : public OSCollection
{
	friend class OSSerialize;
	OSDeclareDefaultStructors(OSDictionary);

protected:
	struct dictEntry {
		const OSSymbol *key;
		const OSMetaClassBase *value;
	};
	dictEntry *dictionary;
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
	static OSDictionaryPtr withCapacity(unsigned int capacity);
	static OSDictionaryPtr withObjects(const OSObject *objects[],
					   const OSSymbol *keys[], unsigned int count,
					   unsigned int capacity = 0);
	static OSDictionaryPtr withObjects(const OSObject *objects[],
					   const OSString *keys[], unsigned int count,
					   unsigned int capacity = 0);
	static OSDictionaryPtr withDictionary(const OSDictionary *other,
					      unsigned int capacity = 0);

	virtual bool initWithCapacity(unsigned int capacity);
	virtual bool initWithObjects(const OSObject *objects[], const OSSymbol *keys[],
				     unsigned int count, unsigned int capacity = 0);
	virtual bool initWithObjects(const OSObject *objects[], const OSString *keys[],
				     unsigned int count, unsigned int capacity = 0);
	virtual bool initWithDictionary(const OSDictionary *other,
					unsigned int capacity = 0);
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

	virtual bool setObject(const OSSymbol *key, const OSMetaClassBase *value);
	virtual bool setObject(const OSString *key, const OSMetaClassBase *value);
	virtual bool setObject(const char *key, const OSMetaClassBase *value);
	virtual void removeObject(const OSSymbol *key);
	virtual void removeObject(const OSString *key);
	virtual void removeObject(const char *key);
	virtual bool merge(const OSDictionary *other);
	virtual OSObject *getObject(const OSSymbol *key) const;
	virtual OSObject *getObject(const OSString *key) const;
	virtual OSObject *getObject(const char *key) const;

	virtual bool isEqualTo(const OSDictionary *other, const OSCollection *keys) const;
	virtual bool isEqualTo(const OSDictionary *other) const;
	virtual bool isEqualTo(const OSMetaClassBase *other) const;
	virtual bool serialize(OSSerialize *serializer) const;

	bool iterateObjects(void *context,
			    bool (*body)(void *context, const OSSymbol *key,
					 OSObject *value));
#ifdef __BLOCKS__
	bool iterateObjects(bool (^body)(const OSSymbol *key, OSObject *value));
#endif
#ifdef XNU_KERNEL_PRIVATE
	OSArray *copyKeys() const;
	bool setObject(const OSSymbol *key, const OSMetaClassBase *value, bool only_new);

private:
	bool find(const OSSymbol *key, unsigned int *ret_index) const;
	bool search(const OSSymbol *key, unsigned int *ret_index) const;
	bool fill(const OSObject *objects[], const OSMetaClassBase *const keys[],
		  unsigned int number, bool are_symbols);
	void sort();

public:
#endif

	OSMetaClassDeclareReservedUnused(OSDictionary, 0);
	OSMetaClassDeclareReservedUnused(OSDictionary, 1);
	OSMetaClassDeclareReservedUnused(OSDictionary, 2);
	OSMetaClassDeclareReservedUnused(OSDictionary, 3);
	OSMetaClassDeclareReservedUnused(OSDictionary, 4);
	OSMetaClassDeclareReservedUnused(OSDictionary, 5);
	OSMetaClassDeclareReservedUnused(OSDictionary, 6);
	OSMetaClassDeclareReservedUnused(OSDictionary, 7);
};

#endif
