/*
 * zlib as kexts know it: Darwin has 1.2.3, whose stream record and calls later versions
 * keep. The host's library does the work; its memory comes from the kernel heap, on
 * behalf of whoever opened the stream, unless the kext brings an allocator.
 */
#include <zlib.h>
#include "kernel/libkern/libkern.h"
#include "kernel/osfmk/kheap.h"

_Static_assert(sizeof(z_stream) == 112, "Darwin's z_stream");

int xnu_inflateInit2_(z_stream *stream, int bits, const char *wanted, int size);
int xnu_inflateInit_(z_stream *stream, const char *wanted, int size);
int xnu_deflateInit2_(z_stream *stream, int level, int method, int bits, int memory,
		      int strategy, const char *wanted, int size);
int xnu_deflateInit_(z_stream *stream, int level, const char *wanted, int size);
const char *xnu_zlibVersion(void);

/* `opaque` is the address that opened the stream. */
static void *stream_alloc(void *opaque, unsigned count, unsigned size)
{
	struct heap_call call = {"inflateInit or deflateInit", opaque, false};

	return kheap_alloc(call, HEAP_ZLIB, (size_t)count * size, 0, true);
}

static void stream_free(void *opaque, void *block)
{
	kheap_free((struct heap_call){"inflateEnd or deflateEnd", opaque, false},
		   HEAP_ZLIB, block, HEAP_ANY_SIZE);
}

static void use_heap(z_stream *stream, void *caller)
{
	if (stream && !stream->zalloc) {
		stream->zalloc = stream_alloc;
		stream->opaque = caller;
	}
	if (stream && !stream->zfree)
		stream->zfree = stream_free;
}

int xnu_inflateInit2_(z_stream *stream, int bits, const char *wanted, int size)
{
	use_heap(stream, __builtin_return_address(0));
	return inflateInit2_(stream, bits, wanted, size);
}
KPI_XNU(inflateInit2_);

int xnu_inflateInit_(z_stream *stream, const char *wanted, int size)
{
	use_heap(stream, __builtin_return_address(0));
	return inflateInit_(stream, wanted, size);
}
KPI_XNU(inflateInit_);

int xnu_deflateInit2_(z_stream *stream, int level, int method, int bits, int memory,
		      int strategy, const char *wanted, int size)
{
	use_heap(stream, __builtin_return_address(0));
	return deflateInit2_(stream, level, method, bits, memory, strategy, wanted, size);
}
KPI_XNU(deflateInit2_);

int xnu_deflateInit_(z_stream *stream, int level, const char *wanted, int size)
{
	use_heap(stream, __builtin_return_address(0));
	return deflateInit_(stream, level, wanted, size);
}
KPI_XNU(deflateInit_);

const char *xnu_zlibVersion(void)
{
	return "1.2.3";
}
KPI_XNU(zlibVersion);

/* The rest by stubs of ours: an address in the host's library would be no kernel symbol.
 */
#define FORWARD(name, parameters, arguments)                                             \
	int xnu_##name parameters;                                                       \
	int xnu_##name parameters                                                        \
	{                                                                                \
		return name arguments;                                                   \
	}                                                                                \
	KPI_XNU(name)

FORWARD(inflate, (z_stream * stream, int flush), (stream, flush));
FORWARD(inflateEnd, (z_stream * stream), (stream));
FORWARD(inflateReset, (z_stream * stream), (stream));
FORWARD(inflateSync, (z_stream * stream), (stream));
FORWARD(inflateSyncPoint, (z_stream * stream), (stream));
FORWARD(inflateSetDictionary, (z_stream * stream, const uint8_t *data, unsigned size),
	(stream, data, size));
FORWARD(deflate, (z_stream * stream, int flush), (stream, flush));
FORWARD(deflateEnd, (z_stream * stream), (stream));
FORWARD(deflateReset, (z_stream * stream), (stream));
FORWARD(deflateCopy, (z_stream * to, z_stream *from), (to, from));
FORWARD(deflateParams, (z_stream * stream, int level, int strategy),
	(stream, level, strategy));
FORWARD(deflateSetDictionary, (z_stream * stream, const uint8_t *data, unsigned size),
	(stream, data, size));

const char *xnu_zError(int error);

const char *xnu_zError(int error)
{
	return zError(error);
}
KPI_XNU(zError);
