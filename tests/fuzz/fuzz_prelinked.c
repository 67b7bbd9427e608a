/* Prelinked kernels: most changes leave everything where it is. */
#include "mutate.h"
#include "archive.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	unsigned state = seed, how = draw_from(&state, 8);
	size_t info = find_text(data, size, "_PrelinkInfoDictionary");
	if (how == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	/* Load commands, then the kexts' dictionaries, then anything. */
	if (how < 3)
		mutate_in_place(data, 16, size < 4096 ? size : 4096, &state);
	else if (how < 5 && info != SIZE_MAX)
		mutate_in_place(data, info, size, &state);
	else
		mutate_in_place(data, 0, size, &state);
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_archive(data, size);
}
