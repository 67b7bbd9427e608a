/* Objects in the kernel's binary form (binary_format.h). */
#include <libkern/c++/OSContainers.h>
#include <libkern/c++/OSLib.h>
#include "binary_format.h"
#include "cxx.h"

static const unsigned int not_found = 0xffffffffu;

OSSerializePtr OSSerialize::binaryWithCapacity(unsigned int capacity, Editor editor,
					       void *context)
{
	if (capacity < sizeof(uint32_t))
		return NULL;
	OSSerialize *made = OSSerialize::withCapacity(capacity);
	if (!made)
		return NULL;
	made->binary = true;
	made->editor = editor;
	made->editRef = context;
	made->writeSignature();
	return made;
}

void OSSerialize::setIndexed(bool indexed)
{
	OSSafeReleaseNULL(indexData);
	if (indexed)
		indexData = OSData::withCapacity(256);
	writeSignature();
}

/* The whole text is then the signature, and the next object is a top object. */
void OSSerialize::writeSignature()
{
	uint32_t signature = indexData ? BINARY_INDEXED : BINARY_SIGNATURE;
	if (indexData)
		(void)indexData->initWithCapacity(256);
	memcpy(data, &signature, sizeof(signature));
	length = sizeof(signature);
	endCollection = true;
}

/* Bytes and the padding up to a word. */
bool OSSerialize::putBytes(const void *bytes, unsigned int size)
{
	unsigned int padded = (size + 3) & -4u;
	if (padded < size || !growFor(padded))
		return false;
	if (size)
		memcpy(data + length, bytes, size);
	memset(data + length + size, 0, padded - size);
	length += padded;
	return true;
}

bool OSSerialize::putKey(uint32_t type, size_t datum)
{
	if (datum > BINARY_DATUM)
		return false;
	uint32_t key = type | (uint32_t)datum | (endCollection ? binary_last : 0);
	endCollection = false;
	return putBytes(&key, sizeof(key));
}

bool OSSerialize::putPayload(uint32_t type, size_t datum, const void *bytes, size_t size)
{
	return putKey(type, datum) && putBytes(bytes, (unsigned int)size);
}

/* To an earlier item: by its number, or in the indexed variant by its place. */
bool OSSerialize::putReference(unsigned int tag)
{
	if (!indexData)
		return putKey(BINARY_REFERENCE, tag);
	const uint32_t *place = (const uint32_t *)indexData->getBytesNoCopy(
		tag * (unsigned int)sizeof(*place), sizeof(*place));
	return place && putKey(BINARY_REFERENCE, *place);
}

/* Gives the object that is about to be written its number. */
bool OSSerialize::remember(const OSMetaClassBase *object)
{
	if (!tags->setObject(object))
		return false;
	if (!indexData)
		return true;
	uint32_t place = length / (uint32_t)sizeof(uint32_t);
	uint32_t signature = BINARY_INDEXED | tags->getCount() << 8;
	memcpy(data, &signature, sizeof(signature));
	return indexData->appendBytes(&place, sizeof(place));
}

/* ---- collections ---- */
bool OSSerialize::putMembers(const OSArray *members)
{
	for (unsigned int i = 0; i < members->count; i++) {
		endCollection = i + 1 == members->count;
		if (!binarySerialize(members->array[i]))
			return false;
	}
	return true;
}

/* An entry that the editor drops keeps its key, and refers to its own dictionary. */
bool OSSerialize::putEntry(const OSDictionary *dictionary, unsigned int index)
{
	const OSSymbol *key = OSDynamicCast(OSSymbol, dictionary->dictionary[index].key);
	const OSMetaClassBase *value = dictionary->dictionary[index].value;
	if (!key)
		return false;
	endCollection = false;
	if (!binarySerialize(key))
		return false;
	endCollection = index + 1 == dictionary->count;
	if (!editor)
		return binarySerialize(value);
	OSDictionary *container = const_cast<OSDictionary *>(dictionary);
	value = editor(editRef, this, container, key, value);
	bool done = binarySerialize(value ? value : dictionary);
	OSSafeRelease(value);
	return done;
}

bool OSSerialize::putContents(const OSCollection *collection)
{
	const OSArray *array = OSDynamicCast(OSArray, collection);
	if (array)
		return putMembers(array);
	const OSSet *set = OSDynamicCast(OSSet, collection);
	if (set)
		return putMembers(set->members);
	const OSDictionary *dictionary = OSDynamicCast(OSDictionary, collection);
	for (unsigned int i = 0; dictionary && i < dictionary->count; i++) {
		if (!putEntry(dictionary, i))
			return false;
	}
	return true;
}

/* With an index, the word behind the key says how many words it all takes. */
bool OSSerialize::putCollection(uint32_t type, const OSCollection *collection)
{
	unsigned int start = length;
	uint32_t words = 0;
	if (!enter() || !putKey(type, collection->getCount()) ||
	    (indexData && !putBytes(&words, sizeof(words))) || !putContents(collection))
		return false;
	leave();
	if (indexData) {
		words = (length - start) / (uint32_t)sizeof(words);
		memcpy(data + start + sizeof(words), &words, sizeof(words));
	}
	return true;
}

/* ---- leaves ---- */
bool OSSerialize::putData(const OSData *bytes)
{
	unsigned int size = bytes->isSerializable() ? bytes->getLength() : 0;
	return putPayload(BINARY_DATA, size, bytes->getBytesNoCopy(), size);
}

static uint32_t type_of_collection(const OSMetaClassBase *object)
{
	return OSDynamicCast(OSDictionary, object) ? BINARY_DICTIONARY
	       : OSDynamicCast(OSArray, object)	   ? BINARY_ARRAY
	       : OSDynamicCast(OSSet, object)	   ? BINARY_SET
						   : 0;
}

static bool is_leaf(const OSMetaClassBase *object)
{
	return OSDynamicCast(OSString, object) || OSDynamicCast(OSNumber, object) ||
	       OSDynamicCast(OSData, object) || OSDynamicCast(OSBoolean, object);
}

bool OSSerialize::putLeaf(const OSMetaClassBase *object)
{
	const OSString *string = OSDynamicCast(OSString, object);
	if (string) {
		const char *bytes = string->getCStringNoCopy();
		size_t size = string->getLength();
		if (OSDynamicCast(OSSymbol, object))
			return putPayload(BINARY_SYMBOL, size + 1, bytes, size + 1);
		size += indexData != NULL;
		return putPayload(BINARY_STRING, size, bytes, size);
	}
	const OSNumber *number = OSDynamicCast(OSNumber, object);
	if (number) {
		uint64_t value = number->unsigned64BitValue();
		return putPayload(BINARY_NUMBER, number->numberOfBits(), &value,
				  sizeof(value));
	}
	const OSData *bytes = OSDynamicCast(OSData, object);
	return bytes ? putData(bytes)
		     : putKey(BINARY_BOOLEAN, OSDynamicCast(OSBoolean, object)->isTrue());
}

/* An object of any other class writes a standard object in its place. */
bool OSSerialize::binarySerialize(const OSMetaClassBase *object)
{
	unsigned int tag = tags->getNextIndexOfObject(object, 0);
	if (tag != not_found)
		return putReference(tag);
	uint32_t type = type_of_collection(object);
	if (!type && !is_leaf(object))
		return object->serialize(this);
	if (!remember(object))
		return false;
	return type ? putCollection(type, static_cast<const OSCollection *>(object))
		    : putLeaf(object);
}
