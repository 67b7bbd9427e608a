/* Bytes, owned or borrowed. */
#ifndef _LIBKERN_OSDATA_H
#define _LIBKERN_OSDATA_H

#include <libkern/c++/OSObject.h>

class OSData;
class OSString;
typedef OSData *OSDataPtr;

class OSData : public OSObject
{
	friend class OSSerialize;
	OSDeclareDefaultStructors(OSData);

protected:
	void *data;
	unsigned int length;
	unsigned int capacity; /* all ones: the bytes are somebody else's */
	unsigned int capacityIncrement;
	struct ExpansionData;
	ExpansionData *reserved;

public:
	typedef void (*DeallocFunction)(void *bytes, unsigned int length);

	static OSDataPtr withCapacity(unsigned int capacity);
	static OSDataPtr withBytes(const void *bytes, unsigned int size);
	static OSDataPtr withBytesNoCopy(void *bytes, unsigned int size);
	static OSDataPtr withData(const OSData *other);
	static OSDataPtr withData(const OSData *other, unsigned int start,
				  unsigned int size);

	virtual bool initWithCapacity(unsigned int capacity);
	virtual bool initWithBytes(const void *bytes, unsigned int size);
	virtual bool initWithBytesNoCopy(void *bytes, unsigned int size);
	virtual bool initWithData(const OSData *other);
	virtual bool initWithData(const OSData *other, unsigned int start,
				  unsigned int size);
	virtual void free();

	virtual unsigned int getLength() const;
	virtual unsigned int getCapacity() const;
	virtual unsigned int getCapacityIncrement() const;
	virtual unsigned int setCapacityIncrement(unsigned int increment);
	virtual unsigned int ensureCapacity(unsigned int capacity);

	virtual bool appendBytes(const void *bytes, unsigned int size);
	virtual bool appendBytes(const OSData *other);
	virtual const void *getBytesNoCopy() const;
	virtual const void *getBytesNoCopy(unsigned int start, unsigned int size) const;

	virtual bool isEqualTo(const OSData *other) const;
	virtual bool isEqualTo(const void *bytes, unsigned int size) const;
	virtual bool isEqualTo(const OSMetaClassBase *other) const;
	virtual bool isEqualTo(const OSString *string) const;
	virtual bool serialize(OSSerialize *serializer) const;
	virtual bool appendByte(unsigned char byte, unsigned int count);

#ifdef XNU_KERNEL_PRIVATE
	void setSerializable(bool serializable);
	bool isSerializable() const;

private:
	bool growFor(unsigned int size);
	void dropBytes();

public:
#endif
	/* What frees borrowed bytes at the end. */
	virtual void setDeallocFunction(DeallocFunction function);

	OSMetaClassDeclareReservedUnused(OSData, 1);
	OSMetaClassDeclareReservedUnused(OSData, 2);
	OSMetaClassDeclareReservedUnused(OSData, 3);
	OSMetaClassDeclareReservedUnused(OSData, 4);
	OSMetaClassDeclareReservedUnused(OSData, 5);
	OSMetaClassDeclareReservedUnused(OSData, 6);
	OSMetaClassDeclareReservedUnused(OSData, 7);
};

#endif
