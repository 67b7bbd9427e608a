/* Ends with: ends_assert.c:9 Assertion failed: a wish */
#include "kpi.h"

void Assert(const char *file, int line, const char *expression);

void check(void)
{
	Assert("ends_assert.c", 9, "a wish");
}
