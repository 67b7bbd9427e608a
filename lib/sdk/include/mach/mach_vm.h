/* Memory of a map, by addresses of 64 bits. */
#ifndef _SDK_MACH_MACH_VM_H_
#define _SDK_MACH_MACH_VM_H_

#include <mach/mach_types.h>

__BEGIN_DECLS
kern_return_t mach_vm_allocate(vm_map_t map, mach_vm_address_t *address,
			       mach_vm_size_t size, int flags);
kern_return_t mach_vm_deallocate(vm_map_t map, mach_vm_address_t address,
				 mach_vm_size_t size);
kern_return_t mach_vm_protect(vm_map_t map, mach_vm_address_t address, mach_vm_size_t size,
			      boolean_t set_maximum, vm_prot_t protection);
__END_DECLS

#endif
