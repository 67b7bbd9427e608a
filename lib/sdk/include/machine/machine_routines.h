/* Interrupt state. */
#ifndef _SDK_MACHINE_MACHINE_ROUTINES_H_
#define _SDK_MACHINE_MACHINE_ROUTINES_H_

#include <mach/mach_types.h>

__BEGIN_DECLS
boolean_t ml_get_interrupts_enabled(void);
boolean_t ml_set_interrupts_enabled(boolean_t enable);
boolean_t ml_at_interrupt_context(void);
__END_DECLS

#endif
