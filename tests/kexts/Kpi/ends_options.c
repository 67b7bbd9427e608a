/* Ends with: by options 7 */
#include "kpi.h"

void panic_with_options(unsigned int reason, void *context, uint64_t options,
			const char *format, ...);

void check(void)
{
	panic_with_options(0, NULL, 1, "by options %d", 7);
}
