/* Ends with: OSMetaClass::getClassDictionary */
#include "kpi.h"

void *class_dictionary(void) __asm("__ZN11OSMetaClass18getClassDictionaryEv");

void check(void)
{
	class_dictionary();
}
