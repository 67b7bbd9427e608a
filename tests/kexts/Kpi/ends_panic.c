/* Ends with: the last word of a kext */
#include "kpi.h"

void check(void)
{
	panic("the last word of a kext");
}
