/* Mach's boolean. */
#ifndef _SDK_MACH_BOOLEAN_H_
#define _SDK_MACH_BOOLEAN_H_

typedef int boolean_t;
#ifndef TRUE
#define TRUE  1
#define FALSE 0
#endif

#endif
