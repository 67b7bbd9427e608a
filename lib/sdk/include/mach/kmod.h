/* A kext's kmod_info record: what the kernel knows of it, and its start and stop routines. */
#ifndef _SDK_MACH_KMOD_H_
#define _SDK_MACH_KMOD_H_

#include <mach/kern_return.h>
#include <mach/vm_types.h>
#include <stdint.h>
#include <sys/cdefs.h>

#define KMOD_MAX_NAME	    64
#define KMOD_INFO_VERSION   1
#define KMOD_RETURN_SUCCESS KERN_SUCCESS
#define KMOD_RETURN_FAILURE KERN_FAILURE

struct kmod_info;
typedef kern_return_t kmod_start_func_t(struct kmod_info *kmod, void *data);
typedef kern_return_t kmod_stop_func_t(struct kmod_info *kmod, void *data);

/* Packed to four bytes: the kernel, debuggers and linkers agree on these offsets. */
#pragma pack(push, 4)
typedef struct kmod_reference {
	struct kmod_reference *next;
	struct kmod_info *info;
} kmod_reference_t;

typedef struct kmod_info {
	struct kmod_info *next;
	int32_t info_version;
	uint32_t id;
	char name[KMOD_MAX_NAME];
	char version[KMOD_MAX_NAME];
	int32_t reference_count;
	kmod_reference_t *reference_list;
	vm_address_t address;
	vm_size_t size;
	vm_size_t hdr_size;
	kmod_start_func_t *start;
	kmod_stop_func_t *stop;
} kmod_info_t;
#pragma pack(pop)

/* The one variable of a kext with code; `name` is the identifier as a bare token. */
#define KMOD_EXPLICIT_DECL(name, version, start, stop)                                 \
	__attribute__((__visibility__("default"))) kmod_info_t kmod_info = {           \
		0,	 KMOD_INFO_VERSION, -1U,	#name, version, -1,		       \
		0,	 0,		    0,		0,     start,	stop,		       \
	};

/* The same with routines named after the kext, which the file must define. */
#define KMOD_DECL(name, version)                                                       \
	static kmod_start_func_t name##_module_start;                                  \
	static kmod_stop_func_t name##_module_stop;                                    \
	KMOD_EXPLICIT_DECL(name, version, name##_module_start, name##_module_stop)

#endif
