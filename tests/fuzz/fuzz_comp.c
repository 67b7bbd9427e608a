/* Compressed kernels: the mutator changes the stream and mends the checksum of what it
 * then expands to. */
#include "codec/comp.h"
#include "mutate.h"
#include "wrapped.h"

#define MOST (256u << 10)

/* Bigger or smaller by a little: streams grow and shrink with their changes. */
static void change_size(uint8_t *data, unsigned *state)
{
	uint32_t size = load32(data + 12, true);
	store32(data + 12, size + draw_from(state, 33) - 16, true);
}

static void mend(uint8_t *data, size_t size)
{
	struct comp_header header;
	uint32_t checksum;
	store32(data + 16, (uint32_t)(size - COMP_HEADER_SIZE), true);
	if (comp_read(bytes_of(data, size), &header, NULL) || header.plain_size > MOST)
		return;
	uint8_t *output = malloc(header.plain_size + 1);
	if (comp_decode(bytes_of(data, size), &header, output, COMP_IGNORE_CHECKSUM,
			&checksum, NULL, NULL) == 0)
		store32(data + 8, checksum, true);
	free(output);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	unsigned state = seed, how = draw_from(&state, 8);
	if (how == 0 || size < COMP_HEADER_SIZE + 1)
		return LLVMFuzzerMutate(data, size, max_size);
	if (how < 4)
		mutate_in_place(data, COMP_HEADER_SIZE, size, &state);
	else if (how < 6)
		size = mutate_tail(data, COMP_HEADER_SIZE, size, max_size);
	else if (how < 7)
		change_size(data, &state);
	else
		mutate_in_place(data, 0, COMP_HEADER_SIZE, &state);
	if (size > COMP_HEADER_SIZE)
		mend(data, size);
	return size;
}

static void round_trip(struct bytes plain, enum comp_kind kind)
{
	struct comp_header header;
	uint8_t *packed, *output = malloc(plain.size);
	size_t size;
	if (comp_pack(plain, kind, 1, &packed, &size))
		abort();
	struct bytes input = bytes_of(packed, size);
	if (comp_read(input, &header, NULL) || header.plain_size != plain.size ||
	    comp_decode(input, &header, output, 0, NULL, NULL, NULL) ||
	    memcmp(output, plain.data, plain.size))
		abort();
	free(packed);
	free(output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && data[size - 1] == 0) /* much the slower of the two */
		round_trip(bytes_of(data, size), size % 2 ? COMP_LZSS : COMP_LZVN);
	return fuzz_wrapped(data, size);
}
