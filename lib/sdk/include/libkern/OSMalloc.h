/* Tagged allocation. */
#ifndef _SDK_LIBKERN_OSMALLOC_H_
#define _SDK_LIBKERN_OSMALLOC_H_

#include <libkern/OSTypes.h>
#include <sys/cdefs.h>

struct __OSMallocTag__;
typedef struct __OSMallocTag__ *OSMallocTag;
#define OSMT_DEFAULT  0x00
#define OSMT_PAGEABLE 0x01

__BEGIN_DECLS
OSMallocTag OSMalloc_Tagalloc(const char *name, uint32_t flags);
void OSMalloc_Tagfree(OSMallocTag tag);
void *OSMalloc(uint32_t size, OSMallocTag tag);
void *OSMalloc_nowait(uint32_t size, OSMallocTag tag);
void *OSMalloc_noblock(uint32_t size, OSMallocTag tag);
void OSFree(void *address, uint32_t size, OSMallocTag tag);
__END_DECLS

#endif
