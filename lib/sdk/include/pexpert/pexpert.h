/* Boot arguments. */
#ifndef _SDK_PEXPERT_PEXPERT_H_
#define _SDK_PEXPERT_PEXPERT_H_

#include <mach/mach_types.h>

__BEGIN_DECLS
boolean_t PE_parse_boot_argn(const char *name, void *value, int size);
__END_DECLS

#endif
