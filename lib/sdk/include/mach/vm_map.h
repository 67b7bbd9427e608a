/* Memory of a map, and the kernel's own map. */
#ifndef _SDK_MACH_VM_MAP_H_
#define _SDK_MACH_VM_MAP_H_

#include <mach/mach_types.h>

#define VM_FLAGS_FIXED	  0x0000
#define VM_FLAGS_ANYWHERE 0x0001
#define VM_PROT_NONE	  0
#define VM_PROT_READ	  1
#define VM_PROT_WRITE	  2
#define VM_PROT_EXECUTE	  4

__BEGIN_DECLS
extern vm_map_t kernel_map;
kern_return_t vm_allocate(vm_map_t map, vm_address_t *address, vm_size_t size, int flags);
kern_return_t vm_deallocate(vm_map_t map, vm_address_t address, vm_size_t size);
kern_return_t vm_protect(vm_map_t map, vm_address_t address, vm_size_t size,
			 boolean_t set_maximum, vm_prot_t protection);
kern_return_t kmem_alloc(vm_map_t map, vm_offset_t *address, vm_size_t size);
void kmem_free(vm_map_t map, vm_offset_t address, vm_size_t size);
__END_DECLS

#endif
