/* Image4 payloads; see im4p.h. */
#include <kext/error.h>
#include "codec/im4p.h"

enum tag {
	TAG_INTEGER = 0x02,
	TAG_OCTETS = 0x04,
	TAG_TEXT = 0x16, /* IA5String */
	TAG_SEQUENCE = 0x30,
};

/* What is read: offsets in messages count from the start of `whole`. */
struct reader {
	struct bytes whole;
	struct codec_refusal *reterr;
};

struct element {
	unsigned tag;
	struct bytes content;
};

static uint64_t offset_of(const struct reader *r, const struct cursor *c)
{
	return (uint64_t)(c->bytes.data - r->whole.data) + c->at;
}

/* A length of up to four bytes behind a count of them, or a single byte below 128. */
static int read_length(const struct reader *r, struct cursor *c, size_t *ret)
{
	uint64_t at = offset_of(r, c);
	size_t length = cursor_u8(c);
	if (length >= 0x80) {
		unsigned count = length & 0x7f;
		if (!count || count > 4)
			return codec_refuse(
				r->reterr, CODEC_HEADER, at,
				"length byte 0x%02zx, expected 00 to 84 but 80", length);
		for (length = 0; count; count--)
			length = length << 8 | cursor_u8(c);
	}
	if (c->failed || length > c->bytes.size - c->at)
		return codec_refuse(r->reterr, CODEC_TRUNCATED, at,
				    "an element of %zu bytes, expected at most %zu",
				    length, c->bytes.size - c->at);
	*ret = length;
	return 0;
}

static int read_element(const struct reader *r, struct cursor *c, struct element *ret)
{
	size_t length = 0;
	uint64_t at = offset_of(r, c);
	unsigned tag = cursor_u8(c);
	if (c->failed)
		return codec_refuse(r->reterr, CODEC_TRUNCATED, at,
				    "nothing left, expected an element");
	int error = read_length(r, c, &length);
	if (error)
		return error;
	ret->tag = tag;
	ret->content = bytes_of(c->bytes.data + c->at, length);
	c->at += length;
	return 0;
}

/* The next element, which must have this tag. */
static int read_tagged(const struct reader *r, struct cursor *c, enum tag tag,
		       const char *name, struct bytes *ret)
{
	struct element e;
	uint64_t at = offset_of(r, c);
	int error = read_element(r, c, &e);
	if (error)
		return error;
	if (e.tag != tag)
		return codec_refuse(r->reterr, CODEC_HEADER, at,
				    "%s with tag 0x%02x, expected 0x%02x", name, e.tag,
				    tag);
	*ret = e.content;
	return 0;
}

static int read_integer(const struct reader *r, struct cursor *c, const char *name,
			uint64_t *ret)
{
	struct bytes content;
	uint64_t at = offset_of(r, c), value = 0;
	int error = read_tagged(r, c, TAG_INTEGER, name, &content);
	if (error)
		return error;
	if (!content.size || content.size > 8 || content.data[0] & 0x80)
		return codec_refuse(r->reterr, CODEC_HEADER, at,
				    "%s of %zu bytes, expected 1 to 8, not negative",
				    name, content.size);
	for (size_t i = 0; i < content.size; i++)
		value = value << 8 | content.data[i];
	*ret = value;
	return 0;
}

/* SEQUENCE { algorithm, expanded size } */
static int read_compression(const struct reader *r, struct bytes content,
			    struct im4p *ret)
{
	struct cursor c = cursor_at(content, 0, true);
	uint64_t algorithm, at = offset_of(r, &c);
	int error = read_integer(r, &c, "compression algorithm", &algorithm);
	if (!error)
		error = read_integer(r, &c, "expanded size", &ret->plain_size);
	if (error)
		return error;
	if (algorithm != IM4P_LZSS && algorithm != IM4P_LZFSE) {
		codec_refuse(r->reterr, CODEC_HEADER, at,
			     "compression algorithm %llu, expected 0 or 1",
			     (unsigned long long)algorithm);
		return KEXT_ERR_UNSUPPORTED;
	}
	ret->algorithm = (enum im4p_algorithm)algorithm;
	ret->is_compressed = true;
	return 0;
}

/* Octets behind the payload are a key bag, which is a sequence, or a hash, which is not.
 */
static bool is_key_bag(struct bytes content)
{
	struct reader r = {content, NULL};
	struct cursor c = cursor_at(content, 0, true);
	struct element e;
	return read_element(&r, &c, &e) == 0 && e.tag == TAG_SEQUENCE &&
	       c.at == content.size;
}

/* What may follow the payload: any of it, in any order; what is unknown is passed over.
 */
static int read_tail(const struct reader *r, struct cursor *c, struct im4p *ret)
{
	while (c->at < c->bytes.size) {
		struct element e;
		int error = read_element(r, c, &e);
		if (!error && e.tag == TAG_OCTETS && is_key_bag(e.content))
			ret->key_bag = e.content;
		else if (!error && e.tag == TAG_SEQUENCE)
			error = read_compression(r, e.content, ret);
		if (error)
			return error;
	}
	return 0;
}

/* What follows the name in an IM4P. */
static int read_payload(const struct reader *r, struct cursor *c, struct im4p *ret)
{
	struct bytes type;
	int error = read_tagged(r, c, TAG_TEXT, "type", &type);
	if (error)
		return error;
	if (type.size != 4)
		return codec_refuse(r->reterr, CODEC_HEADER, offset_of(r, c) - type.size,
				    "type of %zu bytes, expected 4", type.size);
	memcpy(ret->type, type.data, 4);
	error = read_tagged(r, c, TAG_TEXT, "description", &ret->description);
	if (!error)
		error = read_tagged(r, c, TAG_OCTETS, "payload", &ret->payload);
	return error ? error : read_tail(r, c, ret);
}

static bool is_named(struct bytes name, const char *expected)
{
	return name.size == 4 && !memcmp(name.data, expected, 4);
}

/* SEQUENCE { name, … }; an IMG4 holds an IM4P as its second element. */
static int read_image(const struct reader *r, struct cursor *c, bool is_inner,
		      struct im4p *ret)
{
	struct bytes content, name;
	int error = read_tagged(r, c, TAG_SEQUENCE, "image", &content);
	if (error)
		return error;
	struct cursor inner = cursor_at(content, 0, true);
	error = read_tagged(r, &inner, TAG_TEXT, "name", &name);
	if (error)
		return error;
	if (is_named(name, "IM4P"))
		return read_payload(r, &inner, ret);
	if (!is_named(name, "IMG4") || is_inner)
		return codec_refuse(r->reterr, CODEC_HEADER,
				    offset_of(r, &inner) - name.size,
				    "name of %zu bytes, expected IM4P%s", name.size,
				    is_inner ? "" : " or IMG4");
	ret->is_signed = true;
	return read_image(r, &inner, true, ret);
}

/* Passes over a tag and a length, whatever that is. */
static unsigned skip_head(struct cursor *c)
{
	unsigned tag = cursor_u8(c), length = cursor_u8(c);
	if (length >= 0x80)
		cursor_take(c, length & 0x7f);
	return tag;
}

/* A file that is cut off still begins like one, so that the reader tells what it lacks.
 */
bool im4p_is(struct bytes input)
{
	struct cursor c = cursor_at(input, 0, true);
	unsigned outer = skip_head(&c), inner = skip_head(&c);
	const uint8_t *name = cursor_take(&c, 4);
	return name && outer == TAG_SEQUENCE && inner == TAG_TEXT &&
	       (is_named(bytes_of(name, 4), "IM4P") ||
		is_named(bytes_of(name, 4), "IMG4"));
}

int im4p_read(struct bytes input, struct im4p *ret, struct codec_refusal *reterr)
{
	struct reader r = {input, reterr};
	struct cursor c = cursor_at(input, 0, true);
	struct im4p image = {0};
	int error = read_image(&r, &c, false, &image);
	if (!error)
		*ret = image;
	return error;
}
