/* LZSS streams; see lzss.h. */
#include <kext/error.h>
#include "codec/lzss.h"

#define RING_SIZE 4096u
#define MATCH_MAX 18u
#define MATCH_MIN 3u

/*
 * The ring starts with blanks up to where writing begins; the last 18 bytes are defined
 * by nobody, so a match that reads one of them before it is written is refused.
 */
struct ring {
	uint8_t bytes[RING_SIZE];
	unsigned at;
	bool is_round; /* has been written through once */
};

static void put(struct ring *ring, uint8_t byte)
{
	ring->bytes[ring->at++] = byte;
	if (ring->at == RING_SIZE) {
		ring->at = 0;
		ring->is_round = true;
	}
}

static bool is_defined(const struct ring *ring, unsigned position)
{
	return ring->is_round || position < RING_SIZE - MATCH_MAX || position < ring->at;
}

/* Copies a match; as many bytes of it as there is room for. False: undefined bytes. */
static bool copy_match(struct ring *ring, unsigned pair, uint8_t *output, size_t room,
		       size_t *ret_written)
{
	unsigned position = (pair & 0xff) | (pair >> 4 & 0xf00);
	size_t length = (pair >> 8 & 15) + MATCH_MIN;
	if (length > room)
		length = room;
	for (size_t i = 0; i < length; i++) {
		unsigned from = (position + (unsigned)i) % RING_SIZE;
		if (!is_defined(ring, from))
			return false;
		output[i] = ring->bytes[from];
		put(ring, output[i]);
	}
	*ret_written = length;
	return true;
}

int lzss_unpack(struct bytes input, uint8_t *output, size_t size)
{
	struct ring ring = {.at = RING_SIZE - MATCH_MAX};
	struct cursor c = cursor_at(input, 0, false);
	unsigned flags = 0;
	memset(ring.bytes, ' ', RING_SIZE - MATCH_MAX);
	for (size_t used = 0; used < size; flags >>= 1) {
		if (flags <= 1) /* a bit above the eight marks how many are left */
			flags = cursor_u8(&c) | 0x100u;
		size_t written = 1;
		if (flags & 1) {
			output[used] = cursor_u8(&c);
			put(&ring, output[used]);
		} else if (!copy_match(&ring, cursor_u16(&c), output + used, size - used,
				       &written)) {
			return KEXT_ERR_BAD_DATA;
		}
		if (c.failed)
			return KEXT_ERR_BAD_DATA;
		used += written;
	}
	return 0;
}
