/* Ends with: length error: vector */
#include "kpi.h"

void throw_length_error(const char *text) __asm("__ZSt20__throw_length_errorPKc");

void check(void)
{
	throw_length_error("vector");
}
