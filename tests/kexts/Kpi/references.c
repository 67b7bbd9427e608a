/* Blocks and counted references. */
#include "kpi.h"
#include <libkern/Block.h>

/* os_refcnt as the kernel's calls take it. */
struct os_refcnt {
	uint32_t count;
};
void os_ref_init_count_external(struct os_refcnt *count, void *group, uint32_t value);
void os_ref_retain_external(struct os_refcnt *count);
uint32_t os_ref_release_external(struct os_refcnt *count);
uint32_t os_ref_release_relaxed_external(struct os_refcnt *count);
uint32_t os_ref_release_barrier_external(struct os_refcnt *count);
int os_ref_retain_try_external(struct os_refcnt *count);
void os_ref_retain_locked_external(struct os_refcnt *count);
uint32_t os_ref_release_locked_external(struct os_refcnt *count);
void *os_retain(void *object);
void os_release(void *object);
extern void *_NSConcreteMallocBlock[32], *_NSConcreteAutoBlock[32];
extern void *_NSConcreteFinalizingBlock[32], *_NSConcreteWeakBlockVariable[32];

static void check_blocks(void)
{
	int captured = 41;
	int (^block)(int) = ^(int more) {
	  return captured + more;
	};
	int (^copy)(int) = (int (^)(int))_Block_copy((const void *)block);

	CHECK("block-copy", (const void *)copy != (const void *)block && copy(1) == 42);
	CHECK("block-copy-again", _Block_copy((const void *)copy) == (const void *)copy);
	_Block_release((const void *)copy);
	CHECK("block-still-there", copy(2) == 43);
	_Block_release((const void *)copy);
}

/* The compiler's helpers copy what a block captures by reference, and another block. */
static void check_captures(void)
{
	__block int shared = 1;
	void (^inner)(void) = ^{
	  shared++;
	};
	void (^outer)(void) = ^{
	  inner();
	  shared *= 3;
	};
	void (^copy)(void) = (void (^)(void))_Block_copy((const void *)outer);

	copy();
	outer();
	CHECK("block-shares", shared == 21);
	_Block_release((const void *)copy);
}

/* Blocks have their addresses and no more. */
static void check_block_classes(void)
{
	void (^nothing)(void) = ^{
	};

	CHECK("block-class", *(void **)nothing == _NSConcreteGlobalBlock &&
				     all_bytes(_NSConcreteGlobalBlock, 0, 256));
	CHECK("block-classes", all_bytes(_NSConcreteStackBlock, 0, 256) &&
				       all_bytes(_NSConcreteMallocBlock, 0, 256) &&
				       all_bytes(_NSConcreteAutoBlock, 0, 256) &&
				       all_bytes(_NSConcreteFinalizingBlock, 0, 256) &&
				       all_bytes(_NSConcreteWeakBlockVariable, 0, 256));
}

static void check_counts(void)
{
	struct os_refcnt count = {0};

	os_ref_init_count_external(&count, NULL, 1);
	os_ref_retain_external(&count);
	CHECK("reference-try", os_ref_retain_try_external(&count));
	CHECK("reference-release", os_ref_release_external(&count) == 2);
	CHECK("reference-relaxed", os_ref_release_relaxed_external(&count) == 1);
	os_ref_retain_locked_external(&count);
	CHECK("reference-locked", os_ref_release_locked_external(&count) == 1);
	CHECK("reference-last", os_ref_release_barrier_external(&count) == 0);
	CHECK("reference-too-late", !os_ref_retain_try_external(&count));
}

void check(void)
{
	check_blocks();
	check_captures();
	check_block_classes();
	check_counts();
	CHECK("os-retain", os_retain(&check_counts) == &check_counts);
	os_release(NULL);
}
