/* Ends with: call of a weak symbol that nothing defines */
#include "kpi.h"
#include <libkern/OSKextLib.h>

extern void no_such_symbol(void) __attribute__((weak_import));

void check(void)
{
	CHECK("weak-missing", !OSKextSymbolIsResolved(no_such_symbol));
	no_such_symbol();
}
