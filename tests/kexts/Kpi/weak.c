/* Weak references, to what is there and to what is not. */
#include "kpi.h"
#include <libkern/OSKextLib.h>

extern void no_such_symbol(void) __attribute__((weak_import));
extern void read_random(void *data, u_int size) __attribute__((weak_import));

void check(void)
{
	CHECK("weak-missing", !OSKextSymbolIsResolved(no_such_symbol));
	CHECK("weak-there", OSKextSymbolIsResolved(read_random));
}
