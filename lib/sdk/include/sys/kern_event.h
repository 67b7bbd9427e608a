/* Events that the kernel tells clients of. */
#ifndef _SDK_SYS_KERN_EVENT_H_
#define _SDK_SYS_KERN_EVENT_H_

#include <sys/types.h>

#define KEV_ANY_VENDOR	 0
#define KEV_VENDOR_APPLE 1
#define N_KEV_VECTORS	 5

struct kev_d_vectors {
	u_int32_t data_length;
	void *data_ptr;
};
struct kev_msg {
	u_int32_t vendor_code, kev_class, kev_subclass, event_code;
	struct kev_d_vectors dv[N_KEV_VECTORS];
};

__BEGIN_DECLS
errno_t kev_vendor_code_find(const char *vendor, u_int32_t *code);
errno_t kev_msg_post(struct kev_msg *message);
__END_DECLS

#endif
