/* Sizes and addresses of virtual memory. */
#ifndef _SDK_MACH_VM_TYPES_H_
#define _SDK_MACH_VM_TYPES_H_

#include <stdint.h>

typedef unsigned long vm_offset_t;
typedef unsigned long vm_address_t;
typedef unsigned long vm_size_t;
typedef uint64_t mach_vm_address_t;
typedef uint64_t mach_vm_offset_t;
typedef uint64_t mach_vm_size_t;
typedef int vm_prot_t;
typedef unsigned int vm_inherit_t;

#endif
