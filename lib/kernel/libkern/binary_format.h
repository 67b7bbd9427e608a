/*
 * The kernel's binary form of objects. Little-endian words; an item is a key word and a
 * padded payload; a key word has a type, a datum, and a bit that says that the item is
 * the last of its collection. In the indexed variant a collection's key word is followed
 * by its length in words, and references are offsets in words.
 */
#ifndef KERNEL_LIBKERN_BINARY_FORMAT_H
#define KERNEL_LIBKERN_BINARY_FORMAT_H

enum {
	BINARY_SIGNATURE = 0xd3,
	BINARY_INDEXED = 0xd4, /* in the first byte; above it the number of items */
};

enum {
	BINARY_DICTIONARY = 0x01000000,
	BINARY_ARRAY = 0x02000000,
	BINARY_SET = 0x03000000,
	BINARY_NUMBER = 0x04000000,
	BINARY_SYMBOL = 0x08000000,
	BINARY_STRING = 0x09000000,
	BINARY_DATA = 0x0a000000,
	BINARY_BOOLEAN = 0x0b000000,
	BINARY_REFERENCE = 0x0c000000,
	BINARY_TYPES = 0x7f000000,
	BINARY_DATUM = 0x00ffffff,
};
static const unsigned int binary_last = 0x80000000u;

#endif
