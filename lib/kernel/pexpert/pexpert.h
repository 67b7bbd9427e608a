/*
 * The platform expert's C interfaces.
 */
#ifndef KERNEL_PEXPERT_PEXPERT_H
#define KERNEL_PEXPERT_PEXPERT_H

#include "kernel/kernel.h"

boolean_t PE_parse_boot_argn(const char *name, void *buffer, int size);
boolean_t PE_parse_boot_arg_str(const char *name, char *buffer, int size);
boolean_t PE_get_default(const char *name, void *buffer, unsigned size);
char *PE_boot_args(void);
boolean_t PE_i_can_has_debugger(uint32_t *ret_flags);
int csr_check(uint32_t mask);
int csr_get_active_config(uint32_t *ret_config);

#endif
