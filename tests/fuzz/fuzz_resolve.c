/* Takes bytes as a small set of kexts and holds the resolver against the solver. */
#include "../unit/graph_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model model;
	model_init(&model, data, size);
	for (int root = 0; root < model.kext_count; root++)
		model_compare(&model, root);
	model_compare_all(&model);
	model_free(&model);
	return 0;
}
