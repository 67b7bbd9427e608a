/* Image4 payloads: the mutator takes the payload out, changes it, and builds the DER
 * around it anew, with lengths that are true. */
#include "base/buffer.h"
#include "codec/im4p.h"
#include "mutate.h"
#include "wrapped.h"

static void put(struct buffer *b, unsigned tag, const void *data, size_t size)
{
	buffer_u8(b, (uint8_t)tag);
	if (size < 0x80) {
		buffer_u8(b, (uint8_t)size);
	} else {
		buffer_u8(b, 0x83);
		buffer_u8(b, (uint8_t)(size >> 16));
		buffer_u16(b, (uint16_t)size, true);
	}
	buffer_append(b, data, size);
}

/* The note on how the payload is compressed, and then perhaps parts that may follow it.
 */
static void put_notes(struct buffer *b, uint32_t size, unsigned *state)
{
	struct buffer note = {0};
	uint8_t big[5] = {0};
	uint8_t algorithm = (uint8_t)draw_from(state, 3);
	store32(big + 1, size, true);
	put(&note, 0x02, &algorithm, 1);
	put(&note, 0x02, big, 5);
	if (draw_from(state, 2))
		put(b, 0x30, note.data, note.size);
	if (draw_from(state, 8) == 0)
		put(b, 0x04, note.data, note.size); /* a key bag */
	if (draw_from(state, 4) == 0)
		put(b, 0xa0, note.data, note.size);
	buffer_free(&note);
}

static size_t rebuild(uint8_t *data, struct bytes payload, size_t max_size,
		      unsigned *state)
{
	struct buffer inner = {0}, whole = {0};
	put(&inner, 0x16, "IM4P", 4);
	put(&inner, 0x16, "krnl", 4);
	put(&inner, 0x16, "", 0);
	put(&inner, 0x04, payload.data, payload.size);
	put_notes(&inner, (uint32_t)payload.size * draw_from(state, 9), state);
	put(&whole, 0x30, inner.data, inner.size);
	size_t size = whole.size <= max_size ? whole.size : 0;
	if (size)
		memcpy(data, whole.data, size);
	buffer_free(&inner);
	buffer_free(&whole);
	return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	unsigned state = seed;
	struct im4p image;
	if (draw_from(&state, 3) == 0 || im4p_read(bytes_of(data, size), &image, NULL) ||
	    !image.payload.size)
		return LLVMFuzzerMutate(data, size, max_size);
	size_t room = image.payload.size + 64;
	uint8_t *copy = malloc(room);
	memcpy(copy, image.payload.data, image.payload.size);
	size_t changed = LLVMFuzzerMutate(copy, image.payload.size, room);
	size_t whole = rebuild(data, bytes_of(copy, changed), max_size, &state);
	free(copy);
	return whole ? whole : size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_wrapped(data, size);
}
