/* Ends with: Debugger: nobody listens */
#include "kpi.h"

void Debugger(const char *message);

void check(void)
{
	Debugger("nobody listens");
}
