/* Ends with: stack memory corruption */
#include "kpi.h"

void __stack_chk_fail(void);

void check(void)
{
	__stack_chk_fail();
}
