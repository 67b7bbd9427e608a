/* Ends with: __cxa_pure_virtual */
#include "kpi.h"

void __cxa_pure_virtual(void);

void check(void)
{
	__cxa_pure_virtual();
}
