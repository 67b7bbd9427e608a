/*
 * Weak references: what the kext linker puts in place of a weak symbol that nothing
 * defines, and the variable that kexts compare a symbol's address with to find out.
 */
#include "kernel/libkern/libkern.h"

void kext_weak_symbol_referenced(void);
void kext_weak_symbol_referenced(void)
{
	panic_at(__builtin_return_address(0),
		 "call of a weak symbol that nothing defines (compare its address with "
		 "gOSKextUnresolved first)");
}
KPI(kext_weak_symbol_referenced);

const void *const gOSKextUnresolved = (const void *)kext_weak_symbol_referenced;
KPI(gOSKextUnresolved);
