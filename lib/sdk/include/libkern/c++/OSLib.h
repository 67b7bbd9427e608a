/* What the sources of libkern's classes share. */
#ifndef _LIBKERN_OSLIB_H
#define _LIBKERN_OSLIB_H

#include <libkern/OSBase.h>
#include <libkern/c++/OSMetaClass.h>
#include <libkern/libkern.h>

__BEGIN_DECLS
void *kern_os_malloc(size_t size);
void kern_os_free(void *block);
void *kern_os_realloc(void *block, size_t size);
__END_DECLS

#endif
