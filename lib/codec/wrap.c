/* Layers around a kernel or archive; see wrap.h. */
#include <errno.h>
#include <stdio.h>
#include <kext/arch.h>
#include <kext/error.h>
#include "base/memory.h"
#include "codec/comp.h"
#include "codec/fat.h"
#include "codec/im4p.h"
#include "codec/lzfse.h"
#include "codec/lzss.h"
#include "codec/wrap.h"

#define IMG3_MAGIC 0x496d6733u /* "Img3" as read from a little-endian header */

struct peeler {
	const struct wrap_options *options;
	const char *subject;
	struct kext_diagnostics *diagnostics;
	uint64_t budget; /* bytes that may still be made */
	struct unwrapped result;
	/* What the IM4P around the next layer says of it. */
	bool is_announced, is_encrypted;
	enum im4p_algorithm algorithm;
	uint64_t announced_size;
};

static const char *const kind_names[] = {
	[WRAP_FAT] = "fat file",
	[WRAP_COMP_LZSS] = "compressed kernel (lzss)",
	[WRAP_COMP_LZVN] = "compressed kernel (lzvn)",
	[WRAP_LZFSE] = "LZFSE stream",
	[WRAP_LZSS] = "LZSS stream",
	[WRAP_IM4P] = "Image4 payload",
};

const char *wrap_kind_name(enum wrap_kind kind)
{
	return kind_names[kind];
}

/* Where we are, for messages: the layers around the bytes that are looked at. */
static const char *place_of(const struct peeler *p, char *text, size_t size)
{
	size_t used = 0;
	text[0] = '\0';
	for (unsigned i = 0; i < p->result.count && used < size; i++) {
		int n = snprintf(text + used, size - used,
				 "in %s: ", kind_names[p->result.layers[i].kind]);
		used += n > 0 ? (size_t)n : 0;
	}
	return text;
}

/* Turns a decoder's reason into a diagnostic and hands on its code. */
static int tell(const struct peeler *p, int error, const struct codec_refusal *why)
{
	char place[256];
	kext_diagnose(p->diagnostics, KEXT_ERROR, why->slug, p->subject, NULL,
		      "%soffset 0x%llx: %s", place_of(p, place, sizeof(place)),
		      (unsigned long long)why->offset, why->message);
	return error;
}

static int refuse(const struct peeler *p, int error, const char *slug, const char *hint,
		  const char *message)
{
	char place[256];
	kext_diagnose(p->diagnostics, KEXT_ERROR, slug, p->subject, hint, "%s%s",
		      place_of(p, place, sizeof(place)), message);
	return error;
}

/* Whether a layer may make so many bytes; then they count. */
static int take_budget(struct peeler *p, uint64_t size)
{
	char place[256];
	if (size <= p->budget) {
		p->budget -= size;
		p->result.made += size;
		return 0;
	}
	kext_diagnose(p->diagnostics, KEXT_ERROR, CODEC_BOMB, p->subject,
		      "--max-size allows more",
		      "%soffset 0x0: expands to %llu bytes, expected at most %llu",
		      place_of(p, place, sizeof(place)), (unsigned long long)size,
		      (unsigned long long)p->budget);
	return KEXT_ERR_BAD_DATA;
}

/* Memory for what a layer declares, unless that is too much. */
static int make_room(struct peeler *p, uint64_t size, uint8_t **ret)
{
	struct codec_refusal why;
	int error = take_budget(p, size);
	if (error)
		return error;
	uint8_t *memory = mem_alloc((size_t)size);
	if (!memory)
		return tell(p, codec_no_memory(&why, size), &why);
	*ret = memory;
	return 0;
}

/* The next layer's bytes are in new memory; the last layer's are no longer needed. */
static void replace_memory(struct peeler *p, uint8_t *memory, size_t size)
{
	free(p->result.memory);
	p->result.memory = memory;
	p->result.bytes = bytes_of(memory, size);
}

static int peel_fat(struct peeler *p, struct wrap_layer *layer)
{
	struct fat_slice slices[FAT_MAX_SLICES];
	struct bytes slice, whole = p->result.bytes;
	int count = fat_slices(whole, slices);
	if (count < 0)
		return refuse(
			p, count, CODEC_HEADER, NULL,
			"offset 0x4: fat header with slices outside the file, or too "
			"many");
	if (p->options->cputype == KEXT_CPU_ANY) {
		if (count != 1)
			return refuse(p, KEXT_ERR_ARCH_NOT_FOUND, "codec.architecture",
				      "name an architecture",
				      "fat file with more or fewer slices than one");
		slice = slices[0].bytes;
	} else {
		int error = fat_find(whole, p->options->cputype, p->options->cpusubtype,
				     &slice);
		if (error)
			return refuse(p, error, "codec.architecture", NULL,
				      "fat file without a slice for the architecture");
	}
	layer->kind = WRAP_FAT;
	layer->packed_size = whole.size;
	p->result.bytes = slice;
	return 0;
}

static void warn_of_checksum(const struct peeler *p, const struct comp_header *header,
			     uint32_t checksum)
{
	char place[256];
	kext_diagnose(
		p->diagnostics, KEXT_WARNING, CODEC_CHECKSUM, p->subject, NULL,
		"%soffset 0x8: Adler-32 0x%08x of the expanded bytes, expected 0x%08x; "
		"ignored",
		place_of(p, place, sizeof(place)), checksum, header->checksum);
}

static int peel_comp(struct peeler *p, struct wrap_layer *layer)
{
	struct codec_refusal why;
	struct comp_header header;
	struct bytes whole = p->result.bytes;
	bool is_lenient = p->options->flags & WRAP_IGNORE_CHECKSUM;
	uint8_t *memory = NULL;
	uint32_t checksum;
	size_t consumed;
	int error = comp_read(whole, &header, &why);
	if (error)
		return tell(p, error, &why);
	error = make_room(p, header.plain_size, &memory);
	if (error)
		return error;
	error = comp_decode(whole, &header, memory, is_lenient ? COMP_IGNORE_CHECKSUM : 0,
			    &checksum, &consumed, &why);
	if (error) {
		free(memory);
		return tell(p, error, &why);
	}
	layer->kind = header.kind == COMP_LZSS ? WRAP_COMP_LZSS : WRAP_COMP_LZVN;
	layer->packed_size = consumed;
	layer->trailing = whole.size - consumed;
	layer->is_damaged = checksum != header.checksum;
	if (layer->is_damaged)
		warn_of_checksum(p, &header, checksum);
	replace_memory(p, memory, header.plain_size);
	return 0;
}

/* What an IM4P said of the size of its payload must be so. */
static int check_announced(struct peeler *p, uint64_t size)
{
	struct codec_refusal why;
	if (!p->is_announced || size == p->announced_size)
		return 0;
	int error = codec_refuse(&why, CODEC_SHORT, 0,
				 "%llu bytes, expected %llu as the Image4 payload says",
				 (unsigned long long)size,
				 (unsigned long long)p->announced_size);
	return tell(p, error, &why);
}

static int peel_lzfse(struct peeler *p, struct wrap_layer *layer)
{
	struct codec_refusal why;
	struct bytes whole = p->result.bytes;
	uint8_t *memory = NULL;
	uint64_t declared;
	size_t consumed, size;
	int error = lzfse_measure(whole, &declared, &consumed, &why);
	if (error)
		return tell(p, error, &why);
	error = check_announced(p, declared);
	if (error == 0)
		error = take_budget(p, declared);
	if (error)
		return error;
	error = lzfse_unpack(whole, declared, &memory, &size, &why);
	if (error)
		return tell(p, error, &why);
	layer->kind = WRAP_LZFSE;
	layer->packed_size = consumed;
	layer->trailing = whole.size - consumed;
	replace_memory(p, memory, size);
	return 0;
}

/* A bare LZSS stream, whose size only the IM4P around it knows. */
static int peel_lzss(struct peeler *p, struct wrap_layer *layer)
{
	struct codec_refusal why;
	struct bytes whole = p->result.bytes;
	uint64_t size = p->announced_size;
	uint8_t *memory = NULL;
	size_t consumed;
	if (size > lzss_most(whole.size)) {
		int error = codec_refuse(&why, CODEC_BOMB, 0,
					 "%llu bytes declared, expected at most %llu",
					 (unsigned long long)size,
					 (unsigned long long)lzss_most(whole.size));
		return tell(p, error, &why);
	}
	int error = make_room(p, size, &memory);
	if (error)
		return error;
	error = lzss_decode(whole, memory, (size_t)size, &consumed, &why);
	if (error) {
		free(memory);
		return tell(p, error, &why);
	}
	layer->kind = WRAP_LZSS;
	layer->packed_size = consumed;
	layer->trailing = whole.size - consumed;
	replace_memory(p, memory, (size_t)size);
	return 0;
}

static int peel_im4p(struct peeler *p, struct wrap_layer *layer)
{
	struct codec_refusal why;
	struct im4p image;
	int error = im4p_read(p->result.bytes, &image, &why);
	if (error)
		return tell(p, error, &why);
	layer->kind = WRAP_IM4P;
	layer->packed_size = p->result.bytes.size;
	memcpy(layer->type, image.type, sizeof(layer->type));
	p->result.bytes = image.payload;
	p->is_announced = image.is_compressed;
	p->algorithm = image.algorithm;
	p->announced_size = image.plain_size;
	p->is_encrypted = image.key_bag.size != 0;
	return 0;
}

typedef int peel(struct peeler *p, struct wrap_layer *layer);

/* How the bytes are to be peeled, by how they begin; NULL: they are no wrapper. */
static peel *sniff(struct bytes bytes)
{
	if (fat_is(bytes))
		return peel_fat;
	if (comp_is(bytes))
		return peel_comp;
	if (lzfse_is(bytes))
		return peel_lzfse;
	return im4p_is(bytes) ? peel_im4p : NULL;
}

static bool is_macho(struct bytes bytes)
{
	uint32_t magic = bytes.size < 4 ? 0 : load32(bytes.data, false);
	return magic == 0xfeedface || magic == 0xfeedfacf || magic == 0xcefaedfe ||
	       magic == 0xcffaedfe;
}

/* How to go on, also with what an IM4P just said; *ret NULL: the innermost is reached. */
static int choose(const struct peeler *p, peel **ret)
{
	struct bytes bytes = p->result.bytes;
	peel *how = sniff(bytes);
	if (!how && p->is_encrypted && !is_macho(bytes))
		return refuse(p, KEXT_ERR_UNSUPPORTED, "codec.encrypted", NULL,
			      "the payload is encrypted (there is a key bag)");
	if (!how && bytes.size >= 4 && load32(bytes.data, false) == IMG3_MAGIC)
		return refuse(p, KEXT_ERR_UNSUPPORTED, "codec.img3", NULL,
			      "an IMG3 container, which is not read");
	if (!how && p->is_announced && !is_macho(bytes)) {
		if (p->algorithm != IM4P_LZSS)
			return refuse(p, KEXT_ERR_BAD_DATA, CODEC_HEADER, NULL,
				      "offset 0x0: no LZFSE stream, expected one");
		how = peel_lzss;
	}
	*ret = how;
	return 0;
}

/* What an IM4P says is of what is right inside it. */
static int peel_one(struct peeler *p, peel *how)
{
	struct wrap_layer layer = {0};
	if (p->result.count == WRAP_MAX_LAYERS)
		return refuse(p, KEXT_ERR_BAD_DATA, "codec.depth", NULL,
			      "offset 0x0: one layer more than are peeled off");
	p->is_encrypted = false;
	int error = how(p, &layer);
	if (error)
		return error;
	layer.plain_size = p->result.bytes.size;
	p->result.layers[p->result.count++] = layer;
	if (how == peel_im4p)
		return 0;
	if (how != peel_fat)
		error = check_announced(p, layer.plain_size);
	p->is_announced = false;
	return error;
}

static int peel_all(struct peeler *p)
{
	for (;;) {
		peel *how = NULL;
		int error = choose(p, &how);
		if (error == 0 && !how)
			return check_announced(p, p->result.bytes.size);
		if (error == 0)
			error = peel_one(p, how);
		if (error)
			return error;
	}
}

int unwrap(struct bytes input, const struct wrap_options *options, const char *subject,
	   struct kext_diagnostics *diagnostics, struct unwrapped *ret)
{
	struct peeler p = {.options = options,
			   .subject = subject,
			   .diagnostics = diagnostics,
			   .budget = options->max_bytes ? options->max_bytes
							: WRAP_MAX_BYTES,
			   .result = {.bytes = input}};
	int error = peel_all(&p);
	if (error)
		unwrapped_free(&p.result);
	else
		*ret = p.result;
	return error;
}

void unwrapped_free(struct unwrapped *unwrapped)
{
	free(unwrapped->memory);
	*unwrapped = (struct unwrapped){0};
}
