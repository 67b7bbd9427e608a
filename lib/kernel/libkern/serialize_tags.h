/*
 * The objects that a serialiser has written, in their order: an array that finds its
 * members by a hash, and how deep in collections the serialiser is.
 */
#ifndef KERNEL_LIBKERN_SERIALIZE_TAGS_H
#define KERNEL_LIBKERN_SERIALIZE_TAGS_H

#include <libkern/c++/OSArray.h>

/* To all others it is an OSArray; a member never moves and is never replaced. */
class SerializeTags : public OSArray
{
	unsigned int *slots; /* numbers plus one; 0: free */
	unsigned int room;   /* a power of two, or 0 */

	unsigned int *find(const OSMetaClassBase *object) const;
	bool grow();

public:
	unsigned int depth;

	static SerializeTags *make();
	void free() APPLE_KEXT_OVERRIDE;
	void flushCollection() APPLE_KEXT_OVERRIDE;
	bool setObject(const OSMetaClassBase *object) APPLE_KEXT_OVERRIDE;
	unsigned int getNextIndexOfObject(const OSMetaClassBase *object,
					  unsigned int from) const APPLE_KEXT_OVERRIDE;
};

#endif
