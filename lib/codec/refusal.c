/* Reasons of decoders; see refusal.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <kext/error.h>
#include "codec/refusal.h"

int codec_refuse(struct codec_refusal *reterr, const char *slug, uint64_t offset,
		 const char *format, ...)
{
	if (!reterr)
		return KEXT_ERR_BAD_DATA;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(reterr->message, sizeof(reterr->message), format, arguments);
	va_end(arguments);
	reterr->slug = slug;
	reterr->offset = offset;
	return KEXT_ERR_BAD_DATA;
}

int codec_no_memory(struct codec_refusal *reterr, uint64_t size)
{
	codec_refuse(reterr, CODEC_MEMORY, 0, "no memory for %" PRIu64 " bytes", size);
	return -ENOMEM;
}
