/* Objects as text or in the kernel's binary form. */
#ifndef _LIBKERN_OSSERIALIZE_H
#define _LIBKERN_OSSERIALIZE_H

#include <libkern/c++/OSObject.h>

class OSCollection;
class OSSet;
class OSDictionary;
class OSArray;
class OSData;
class OSSymbol;
class OSString;
class OSSerialize;
class OSSerializer;
typedef OSSerialize *OSSerializePtr;
typedef OSSerializer *OSSerializerPtr;

class OSSerialize : public OSObject
{
	OSDeclareDefaultStructors(OSSerialize);

public:
#ifdef XNU_KERNEL_PRIVATE
	/* A replacement with a reference for the caller, or NULL to leave the entry out.
	 */
	typedef const OSMetaClassBase *(*Editor)(void *context, OSSerialize *serializer,
						 OSCollection *container,
						 const OSSymbol *name,
						 const OSMetaClassBase *value);
#else
	/* To kexts a function of the kernel's own, of which they only hand on the address. */
	typedef void *Editor;
#endif

private:
	char *data;
	unsigned int length;
	unsigned int capacity;
	unsigned int capacityIncrement;
	OSArray *tags;
	bool binary;
	bool endCollection;
	Editor editor;
	void *editRef;
	OSData *indexData;

public:
	static OSSerializePtr withCapacity(unsigned int capacity);
	static OSSerializePtr binaryWithCapacity(unsigned int capacity,
						 Editor editor = NULL,
						 void *context = NULL);

	virtual char *text() const;
	virtual void clearText();
	/* True when nothing is left to do for the object. */
	virtual bool previouslySerialized(const OSMetaClassBase *object);
	virtual bool addXMLStartTag(const OSMetaClassBase *object, const char *tag);
	virtual bool addXMLEndTag(const char *tag);
	virtual bool addChar(const char character);
	virtual bool addString(const char *text);

	virtual bool initWithCapacity(unsigned int capacity);
	virtual unsigned int getLength() const;
	virtual unsigned int getCapacity() const;
	virtual unsigned int getCapacityIncrement() const;
	virtual unsigned int setCapacityIncrement(unsigned int increment);
	virtual unsigned int ensureCapacity(unsigned int capacity);
	virtual void free();

	/* Before anything is serialised: the binary form with an index. */
	void setIndexed(bool indexed);
#ifdef XNU_KERNEL_PRIVATE
	bool addEscaped(const char *text);
	/* The tags around a collection's members; false also when it lies too deep. */
	bool openCollection(const OSCollection *collection, const char *tag);
	bool closeCollection(const char *tag);
	bool isBinary() const
	{
		return binary;
	}

private:
	bool enter();
	void leave();
	bool growFor(unsigned int size);
	bool putBytes(const void *bytes, unsigned int size);
	bool putKey(uint32_t type, size_t datum);
	bool putPayload(uint32_t type, size_t datum, const void *bytes, size_t size);
	bool putReference(unsigned int tag);
	bool putMembers(const OSArray *members);
	bool putEntry(const OSDictionary *dictionary, unsigned int index);
	bool putCollection(uint32_t type, const OSCollection *collection);
	bool putContents(const OSCollection *collection);
	bool putData(const OSData *bytes);
	bool putLeaf(const OSMetaClassBase *object);
	bool binarySerialize(const OSMetaClassBase *object);
	bool remember(const OSMetaClassBase *object);
	void writeSignature();

public:
#endif

	OSMetaClassDeclareReservedUnused(OSSerialize, 0);
	OSMetaClassDeclareReservedUnused(OSSerialize, 1);
	OSMetaClassDeclareReservedUnused(OSSerialize, 2);
	OSMetaClassDeclareReservedUnused(OSSerialize, 3);
	OSMetaClassDeclareReservedUnused(OSSerialize, 4);
	OSMetaClassDeclareReservedUnused(OSSerialize, 5);
	OSMetaClassDeclareReservedUnused(OSSerialize, 6);
	OSMetaClassDeclareReservedUnused(OSSerialize, 7);
};

typedef bool (*OSSerializerCallback)(void *target, void *context,
				     OSSerialize *serializer);
#ifdef __BLOCKS__
typedef bool (^OSSerializerBlock)(OSSerialize *serializer);
#endif

/* An object whose serialisation is a function's. */
class OSSerializer : public OSObject
{
	OSDeclareDefaultStructors(OSSerializer);

	void *target;
	void *ref;
	OSSerializerCallback callback;

public:
	static OSSerializerPtr forTarget(void *target, OSSerializerCallback callback,
					 void *context = NULL);
#ifdef __BLOCKS__
	static OSSerializerPtr withBlock(OSSerializerBlock block);
#endif
#ifdef XNU_KERNEL_PRIVATE
	static OSSerializerPtr withBlockLiteral(const void *block);
#endif
	virtual void free();
	virtual bool serialize(OSSerialize *serializer) const;
};

#endif
