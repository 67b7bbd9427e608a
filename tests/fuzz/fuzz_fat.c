/* Fat files: the mutator gives slices places within the file, and often changes what is
 * in them only. */
#include "codec/fat.h"
#include "mutate.h"
#include "wrapped.h"

static void mend(uint8_t *data, size_t size, unsigned *state)
{
	static const uint32_t cpus[] = {7, 0x01000007, 18, 0x0100000c};
	uint32_t count = 1 + draw_from(state, 4), room = 8 + count * 20;
	if (size < room)
		return;
	store32(data, 0xcafebabe, true);
	store32(data + 4, count, true);
	for (uint32_t i = 0; i < count; i++) {
		uint8_t *arch = data + 8 + i * 20;
		uint32_t from = room + draw_from(state, size - room + 1);
		store32(arch, cpus[draw_from(state, 4)], true);
		store32(arch + 4, draw_from(state, 4), true);
		store32(arch + 8, from, true);
		store32(arch + 12, draw_from(state, size - from + 1), true);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	unsigned state = seed, how = draw_from(&state, 4);
	if (how == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	if (how == 1)
		mend(data, size, &state);
	else
		mutate_in_place(data, how == 2 ? 48 : 4, size, &state);
	return size;
}

/* All slices lie in the file, and the one that is found is one of them. */
static void check_slices(struct bytes file)
{
	struct fat_slice slices[FAT_MAX_SLICES];
	struct bytes found;
	int count = fat_is(file) ? fat_slices(file, slices) : 0;
	bool is_one = false;
	if (count <= 0 || fat_find(file, KEXT_CPU_X86_64, 3, &found))
		return;
	for (int i = 0; i < count; i++) {
		const uint8_t *data = slices[i].bytes.data;
		if (data < file.data ||
		    slices[i].bytes.size > file.size - (size_t)(data - file.data))
			abort();
		is_one = is_one ||
			 (data == found.data && slices[i].bytes.size == found.size);
	}
	if (!is_one)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_slices(bytes_of(data, size));
	return fuzz_wrapped(data, size);
}
