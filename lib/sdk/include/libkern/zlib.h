/* zlib, the part that the kernel exports. */
#ifndef _SDK_LIBKERN_ZLIB_H_
#define _SDK_LIBKERN_ZLIB_H_

#include <stdint.h>
#include <sys/cdefs.h>

#define ZLIB_VERSION "1.2.3"

typedef unsigned char Byte;
typedef Byte Bytef;
typedef unsigned int uInt;
typedef unsigned long uLong;
typedef void *voidpf;
typedef voidpf (*alloc_func)(voidpf opaque, uInt items, uInt size);
typedef void (*free_func)(voidpf opaque, voidpf address);

typedef struct z_stream_s {
	Bytef *next_in;
	uInt avail_in;
	uLong total_in;
	Bytef *next_out;
	uInt avail_out;
	uLong total_out;
	char *msg;
	struct internal_state *state;
	alloc_func zalloc;
	free_func zfree;
	voidpf opaque;
	int data_type;
	uLong adler;
	uLong reserved;
} z_stream;
typedef z_stream *z_streamp;

#define Z_NO_FLUSH   0
#define Z_SYNC_FLUSH 2
#define Z_FULL_FLUSH 3
#define Z_FINISH     4
#define Z_OK	     0
#define Z_STREAM_END 1
#define Z_NEED_DICT  2
#define Z_STREAM_ERROR	(-2)
#define Z_DATA_ERROR	(-3)
#define Z_MEM_ERROR	(-4)
#define Z_BUF_ERROR	(-5)
#define Z_VERSION_ERROR (-6)
#define Z_DEFAULT_COMPRESSION (-1)
#define Z_BEST_COMPRESSION 9
#define Z_DEFAULT_STRATEGY 0
#define Z_DEFLATED   8
#define Z_NULL	     0

__BEGIN_DECLS
const char *zlibVersion(void);
const char *zError(int error);
uLong adler32(uLong adler, const Bytef *data, uInt size);
int deflateInit_(z_streamp stream, int level, const char *version, int size);
int deflateInit2_(z_streamp stream, int level, int method, int bits, int memory,
		  int strategy, const char *version, int size);
int deflate(z_streamp stream, int flush);
int deflateEnd(z_streamp stream);
int deflateReset(z_streamp stream);
int deflateCopy(z_streamp to, z_streamp from);
int deflateParams(z_streamp stream, int level, int strategy);
int deflateSetDictionary(z_streamp stream, const Bytef *data, uInt size);
int inflateInit_(z_streamp stream, const char *version, int size);
int inflateInit2_(z_streamp stream, int bits, const char *version, int size);
int inflate(z_streamp stream, int flush);
int inflateEnd(z_streamp stream);
int inflateReset(z_streamp stream);
int inflateSync(z_streamp stream);
int inflateSyncPoint(z_streamp stream);
int inflateSetDictionary(z_streamp stream, const Bytef *data, uInt size);
__END_DECLS

#define deflateInit(stream, level) \
	deflateInit_((stream), (level), ZLIB_VERSION, (int)sizeof(z_stream))
#define deflateInit2(stream, level, method, bits, memory, strategy)                     \
	deflateInit2_((stream), (level), (method), (bits), (memory), (strategy),        \
		      ZLIB_VERSION, (int)sizeof(z_stream))
#define inflateInit(stream) inflateInit_((stream), ZLIB_VERSION, (int)sizeof(z_stream))
#define inflateInit2(stream, bits) \
	inflateInit2_((stream), (bits), ZLIB_VERSION, (int)sizeof(z_stream))

#endif
