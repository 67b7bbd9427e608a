/*
 * Unique text. A pool finds the one symbol of given bytes; a symbol whose last reference
 * is gone may meet a look-up before it has left the pool, and then counts as absent.
 */
#include <libkern/c++/OSLib.h>
#include <libkern/c++/OSSymbol.h>
#include "cxx.h"
#include "pads.h"

OSDefineMetaClassAndStructors(OSSymbol, OSString)

	/* The pool is open-hashed by chains of nodes; all members need LIBKERN_SYMBOLS.
	 */
	struct SymbolPool {
	struct Node {
		Node *next;
		OSSymbol *symbol;
		unsigned int hash;
	};
	Node **buckets;
	unsigned int bucket_count, count;

	static unsigned int hash_of(const char *text, size_t size);
	Node *find(const char *text, size_t size, unsigned int hash) const;
	bool resize(unsigned int wanted);
	bool insert(OSSymbol *symbol, unsigned int hash);
	void remove(OSSymbol *symbol);
	void own(const char *start, const char *end);
	static const OSSymbol *find_or_make(const char *text, bool is_copied);
};

static const unsigned int least_buckets = 31;
static SymbolPool pool;

unsigned int SymbolPool::hash_of(const char *text, size_t size)
{
	unsigned int hash = 2166136261u;
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (unsigned char)text[i]) * 16777619u;
	return hash;
}

/* A symbol that can still be had, with a reference for the caller. */
SymbolPool::Node *SymbolPool::find(const char *text, size_t size, unsigned int hash) const
{
	if (!buckets)
		return NULL;
	for (Node *node = buckets[hash % bucket_count]; node; node = node->next) {
		if (node->hash == hash && node->symbol->length == size + 1 &&
		    memcmp(node->symbol->string, text, size) == 0 &&
		    node->symbol->taggedTryRetain(NULL))
			return node;
	}
	return NULL;
}

bool SymbolPool::resize(unsigned int wanted)
{
	Node **fresh = (Node **)kern_os_malloc(wanted * sizeof(*fresh));
	if (!fresh)
		return false;
	for (unsigned int i = 0; i < bucket_count; i++) {
		while (Node *node = buckets[i]) {
			buckets[i] = node->next;
			node->next = fresh[node->hash % wanted];
			fresh[node->hash % wanted] = node;
		}
	}
	kern_os_free(buckets);
	buckets = fresh;
	bucket_count = wanted;
	return true;
}

/* Growing is an optimisation and may fail, except for the first buckets. */
bool SymbolPool::insert(OSSymbol *symbol, unsigned int hash)
{
	if (!buckets && !resize(least_buckets))
		return false;
	Node *node = (Node *)kern_os_malloc(sizeof(*node));
	if (!node)
		return false;
	node->symbol = symbol;
	node->hash = hash;
	node->next = buckets[hash % bucket_count];
	buckets[hash % bucket_count] = node;
	if (++count > bucket_count)
		(void)resize(bucket_count * 2 + 1);
	return true;
}

void SymbolPool::remove(OSSymbol *symbol)
{
	unsigned int hash = hash_of(symbol->string, symbol->length - 1);
	Node **link = buckets ? &buckets[hash % bucket_count] : NULL;
	while (link && *link && (*link)->symbol != symbol)
		link = &(*link)->next;
	if (!link || !*link)
		panic("the symbol \"%s\" is not in the pool", symbol->string);
	Node *node = *link;
	*link = node->next;
	kern_os_free(node);
	if (--count * 3 < bucket_count && bucket_count > least_buckets) {
		unsigned int fewer = (bucket_count - 1) / 2;
		(void)resize(fewer > least_buckets ? fewer : least_buckets);
	}
}

void SymbolPool::own(const char *start, const char *end)
{
	for (unsigned int i = 0; i < bucket_count; i++) {
		for (Node *node = buckets[i]; node; node = node->next) {
			const char *bytes = node->symbol->string;
			if (bytes >= start && bytes < end)
				node->symbol->ownBytes();
		}
	}
}

/* ---- making ---- */
void OSSymbol::initialize()
{
	libkern_lock(LIBKERN_SYMBOLS, false);
	if (!pool.buckets && !pool.resize(least_buckets))
		panic("no memory for the pool of symbols");
	libkern_unlock(LIBKERN_SYMBOLS);
}

/* Symbols come from the factories alone. */
bool OSSymbol::initWithString(const OSString *)
{
	return false;
}

bool OSSymbol::initWithCString(const char *)
{
	return false;
}

bool OSSymbol::initWithCStringNoCopy(const char *)
{
	return false;
}

bool OSSymbol::initUnique(const char *text, size_t size, bool is_copied)
{
	return is_copied ? OSString::initWithStringOfLength(text, size)
			 : OSString::initWithCStringNoCopy(text);
}

static OSSymbol *find_existing(const char *text, size_t size, unsigned int hash)
{
	libkern_lock(LIBKERN_SYMBOLS, true);
	const SymbolPool::Node *node = pool.find(text, size, hash);
	OSSymbol *symbol = node ? node->symbol : NULL;
	libkern_unlock(LIBKERN_SYMBOLS);
	return symbol;
}

/* `fresh` enters the pool, unless another thread was faster: then that one's is returned.
 */
static OSSymbol *enter(OSSymbol *fresh, const char *text, size_t size, unsigned int hash,
		       bool *ret_entered)
{
	libkern_lock(LIBKERN_SYMBOLS, false);
	const SymbolPool::Node *node = pool.find(text, size, hash);
	OSSymbol *symbol = node ? node->symbol : NULL;
	*ret_entered = !node && pool.insert(fresh, hash);
	libkern_unlock(LIBKERN_SYMBOLS);
	return *ret_entered ? fresh : symbol;
}

static const OSSymbol *existing(const char *text)
{
	size_t size = strlen(text);
	return find_existing(text, size, SymbolPool::hash_of(text, size));
}

OSSymbolConstPtr OSSymbol::existingSymbolForCString(const char *text)
{
	return text ? existing(text) : NULL;
}

OSSymbolConstPtr OSSymbol::existingSymbolForString(const OSString *string)
{
	if (!string)
		return NULL;
	const OSSymbol *symbol = OSDynamicCast(OSSymbol, string);
	if (!symbol)
		return existing(string->getCStringNoCopy());
	symbol->retain();
	return symbol;
}

/* A symbol that was never in the pool goes as the string it is. */
static void discard(OSSymbol *symbol)
{
	symbol->OSString::free();
}

const OSSymbol *SymbolPool::find_or_make(const char *text, bool is_copied)
{
	if (!text)
		return NULL;
	size_t size = strlen(text);
	unsigned int hash = hash_of(text, size);
	OSSymbol *symbol = find_existing(text, size, hash);
	if (symbol)
		return symbol;
	OSSymbol *fresh = new OSSymbol;
	bool was_entered = false;
	if (fresh->initUnique(text, size, is_copied))
		symbol = enter(fresh, text, size, hash, &was_entered);
	if (!was_entered)
		discard(fresh);
	return symbol;
}

OSSymbolConstPtr OSSymbol::withCString(const char *text)
{
	return SymbolPool::find_or_make(text, true);
}

OSSymbolConstPtr OSSymbol::withCStringNoCopy(const char *text)
{
	return SymbolPool::find_or_make(text, false);
}

OSSymbolConstPtr OSSymbol::withString(const OSString *string)
{
	const OSSymbol *symbol = OSDynamicCast(OSSymbol, string);
	if (symbol) {
		symbol->retain();
		return symbol;
	}
	return SymbolPool::find_or_make(string->getCStringNoCopy(), !string->isNoCopy());
}

/* ---- life ---- */
void OSSymbol::ownBytes()
{
	char *copy = (char *)kern_os_malloc(length);
	if (!copy)
		panic("no memory for the symbol \"%s\"", string);
	memcpy(copy, string, length);
	string = copy;
	flags &= ~(unsigned int)kOSStringNoCopy;
}

void OSSymbol::checkForPageUnload(void *start, void *end)
{
	libkern_lock(LIBKERN_SYMBOLS, false);
	pool.own((const char *)start, (const char *)end);
	libkern_unlock(LIBKERN_SYMBOLS);
}

void OSSymbol::taggedRelease(const void *tag) const
{
	taggedRelease(tag, 1);
}

void OSSymbol::taggedRelease(const void *tag, const int freeWhen) const
{
	OSString::taggedRelease(tag, freeWhen);
}

/* An object that alloc made has no bytes and never was in the pool. */
void OSSymbol::free()
{
	if (string) {
		libkern_lock(LIBKERN_SYMBOLS, false);
		pool.remove(this);
		libkern_unlock(LIBKERN_SYMBOLS);
	}
	OSString::free();
}

/* ---- comparing ---- */
bool OSSymbol::isEqualTo(const OSSymbol *other) const
{
	return this == other;
}

bool OSSymbol::isEqualTo(const char *text) const
{
	return OSString::isEqualTo(text);
}

bool OSSymbol::isEqualTo(const OSMetaClassBase *other) const
{
	const OSSymbol *symbol = OSDynamicCast(OSSymbol, other);
	if (symbol)
		return isEqualTo(symbol);
	const OSString *of_string = OSDynamicCast(OSString, other);
	return of_string && OSString::isEqualTo(of_string);
}

/* Records start with a symbol and are sorted by its address. */
unsigned int OSSymbol::bsearch(const void *key, const void *array, unsigned int count,
			       size_t stride)
{
	unsigned int low = 0, high = count;
	while (low < high) {
		unsigned int middle = low + (high - low) / 2;
		uintptr_t there =
			*(const uintptr_t *)((const char *)array + middle * stride);
		if (there == (uintptr_t)key)
			return middle;
		if (there < (uintptr_t)key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

PADS_0_7(OSSymbol)
