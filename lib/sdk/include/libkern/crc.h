/* CRC-32 as zlib has it. */
#ifndef _SDK_LIBKERN_CRC_H_
#define _SDK_LIBKERN_CRC_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/cdefs.h>

__BEGIN_DECLS
uint32_t crc32(uint32_t start, const void *data, size_t size);
__END_DECLS

#endif
