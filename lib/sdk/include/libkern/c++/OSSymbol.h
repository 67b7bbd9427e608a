/* Text of which there is one object in the whole kernel: equal is identical. */
#ifndef _LIBKERN_OSSYMBOL_H
#define _LIBKERN_OSSYMBOL_H

#include <libkern/c++/OSString.h>

class OSSymbol;
typedef OSSymbol *OSSymbolPtr;
typedef const OSSymbol *OSSymbolConstPtr;

class OSSymbol : public OSString
{
	OSDeclareDefaultStructors(OSSymbol);

private:
	virtual bool initWithString(const OSString *other);
	virtual bool initWithCString(const char *text);
	virtual bool initWithCStringNoCopy(const char *text);

protected:
	virtual void taggedRelease(const void *tag, const int freeWhen) const;
	virtual void free();

public:
	virtual void taggedRelease(const void *tag) const;
	static void initialize();
	static void checkForPageUnload(void *start, void *end);
	static unsigned int bsearch(const void *key, const void *array,
				    unsigned int count, size_t stride);

	static OSSymbolConstPtr withString(const OSString *string);
	static OSSymbolConstPtr withCString(const char *text);
	static OSSymbolConstPtr withCStringNoCopy(const char *text);
	static OSSymbolConstPtr existingSymbolForString(const OSString *string);
	static OSSymbolConstPtr existingSymbolForCString(const char *text);

#ifdef XNU_KERNEL_PRIVATE
	friend struct SymbolPool;

private:
	bool initUnique(const char *text, size_t size, bool is_copied);
	void ownBytes();

public:
#endif

	virtual bool isEqualTo(const char *text) const;
	virtual bool isEqualTo(const OSSymbol *other) const;
	virtual bool isEqualTo(const OSMetaClassBase *other) const;

	OSMetaClassDeclareReservedUnused(OSSymbol, 0);
	OSMetaClassDeclareReservedUnused(OSSymbol, 1);
	OSMetaClassDeclareReservedUnused(OSSymbol, 2);
	OSMetaClassDeclareReservedUnused(OSSymbol, 3);
	OSMetaClassDeclareReservedUnused(OSSymbol, 4);
	OSMetaClassDeclareReservedUnused(OSSymbol, 5);
	OSMetaClassDeclareReservedUnused(OSSymbol, 6);
	OSMetaClassDeclareReservedUnused(OSSymbol, 7);
};

#endif
