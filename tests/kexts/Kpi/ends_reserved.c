/* Ends with: OSNumber: reserved slot 3 was called */
#include "kpi.h"

extern const char number_meta[] __asm("__ZN8OSNumber10gMetaClassE");
void reserved_called(const void *meta,
		     int index) __asm("__ZNK11OSMetaClass14reservedCalledEi");

void check(void)
{
	reserved_called(number_meta, 3);
}
