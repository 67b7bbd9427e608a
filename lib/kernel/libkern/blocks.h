/*
 * C blocks as compilers lay them out.
 */
#ifndef KERNEL_LIBKERN_BLOCKS_H
#define KERNEL_LIBKERN_BLOCKS_H

#include "kernel/kernel.h"

struct block_descriptor {
	unsigned long reserved, size;
	void (*copy)(void *to, const void *from); /* if the flags say so */
	void (*dispose)(const void *block);
};

struct block {
	void *isa;
	_Atomic int flags;
	int reserved;
	void (*invoke)(void *block, ...);
	struct block_descriptor *descriptor;
};

extern void *_NSConcreteStackBlock[32], *_NSConcreteMallocBlock[32];
extern void *_NSConcreteGlobalBlock[32], *_NSConcreteAutoBlock[32];
extern void *_NSConcreteFinalizingBlock[32], *_NSConcreteWeakBlockVariable[32];

void *_Block_copy(const void *block);
void _Block_release(const void *block);
void _Block_object_assign(void *to, const void *object, int flags);
void _Block_object_dispose(const void *object, int flags);

#endif
