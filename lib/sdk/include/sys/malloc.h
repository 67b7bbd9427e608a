/* BSD's typed allocation. */
#ifndef _SDK_SYS_MALLOC_H_
#define _SDK_SYS_MALLOC_H_

#include <sys/types.h>

#define M_TEMP	 80
#define M_WAITOK 0x0000
#define M_NOWAIT 0x0001
#define M_ZERO	 0x0004

__BEGIN_DECLS
void *_MALLOC(size_t size, int type, int flags);
void _FREE(void *address, int type);
__END_DECLS

#define MALLOC(space, cast, size, type, flags) (space) = (cast)_MALLOC(size, type, flags)
#define FREE(address, type)		       _FREE((void *)(address), type)

#endif
