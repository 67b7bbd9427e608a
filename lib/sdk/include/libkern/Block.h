/* Blocks that outlive the function that made them. */
#ifndef _SDK_LIBKERN_BLOCK_H_
#define _SDK_LIBKERN_BLOCK_H_

#include <sys/cdefs.h>

__BEGIN_DECLS
void *_Block_copy(const void *block);
void _Block_release(const void *block);
/* What compilers call for captured variables, and the classes that blocks point to. */
void _Block_object_assign(void *to, const void *object, const int flags);
void _Block_object_dispose(const void *object, const int flags);
extern void *_NSConcreteGlobalBlock[32];
extern void *_NSConcreteStackBlock[32];
__END_DECLS

#define Block_copy(block)    ((__typeof__(block))_Block_copy((const void *)(block)))
#define Block_release(block) _Block_release((const void *)(block))

#endif
