/* The resolver against a solver that tries every choice, on many small random sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "graph_model.h"

#define SETS 4000

static uint64_t random_state = 20260101;

static uint8_t random_byte(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint8_t)(random_state >> 32);
}

static void test_random_graphs(void **state)
{
	(void)state;
	unsigned solvable = 0, total = 0, single = 0;
	for (int set = 0; set < SETS; set++) {
		uint8_t bytes[512];
		struct model model;
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = random_byte();
		model_init(&model, bytes, sizeof(bytes));
		for (int root = 0; root < model.kext_count; root++, total++)
			solvable += model_compare(&model, root);
		model_compare_all(&model);
		single += model.is_single;
		model_free(&model);
	}
	/* Neither outcome may be so rare that the comparison says nothing. */
	assert_true(solvable > total / 10 && solvable < total * 9 / 10);
	assert_true(single > SETS / 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_graphs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
