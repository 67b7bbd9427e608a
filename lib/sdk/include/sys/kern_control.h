/* Kernel controls: sockets between a kext and its clients. */
#ifndef _SDK_SYS_KERN_CONTROL_H_
#define _SDK_SYS_KERN_CONTROL_H_

#include <sys/kpi_mbuf.h>

#define MAX_KCTL_NAME	       96
#define CTL_FLAG_PRIVILEGED    0x1
#define CTL_FLAG_REG_ID_UNIT   0x2
#define CTL_FLAG_REG_SOCK_STREAM 0x4
#define CTL_DATA_NOWAKEUP      0x1
#define CTL_DATA_EOR	       0x2

struct __kern_ctl;
typedef struct __kern_ctl *kern_ctl_ref;

struct sockaddr_ctl {
	u_char sc_len, sc_family;
	u_int16_t ss_sysaddr;
	u_int32_t sc_id, sc_unit, sc_reserved[5];
};

typedef errno_t (*ctl_connect_func)(kern_ctl_ref control, struct sockaddr_ctl *address,
				    void **unit_info);
typedef errno_t (*ctl_disconnect_func)(kern_ctl_ref control, u_int32_t unit, void *unit_info);
typedef errno_t (*ctl_send_func)(kern_ctl_ref control, u_int32_t unit, void *unit_info,
				 mbuf_t mbuf, int flags);
typedef errno_t (*ctl_setopt_func)(kern_ctl_ref control, u_int32_t unit, void *unit_info,
				   int option, void *data, size_t len);
typedef errno_t (*ctl_getopt_func)(kern_ctl_ref control, u_int32_t unit, void *unit_info,
				   int option, void *data, size_t *len);

struct kern_ctl_reg {
	char ctl_name[MAX_KCTL_NAME];
	u_int32_t ctl_id, ctl_unit, ctl_flags, ctl_sendsize, ctl_recvsize;
	ctl_connect_func ctl_connect;
	ctl_disconnect_func ctl_disconnect;
	ctl_send_func ctl_send;
	ctl_setopt_func ctl_setopt;
	ctl_getopt_func ctl_getopt;
};

__BEGIN_DECLS
errno_t ctl_register(struct kern_ctl_reg *registration, kern_ctl_ref *control);
errno_t ctl_deregister(kern_ctl_ref control);
errno_t ctl_enqueuedata(kern_ctl_ref control, u_int32_t unit, void *data, size_t len,
			u_int32_t flags);
errno_t ctl_enqueuembuf(kern_ctl_ref control, u_int32_t unit, mbuf_t mbuf, u_int32_t flags);
errno_t ctl_getenqueuespace(kern_ctl_ref control, u_int32_t unit, size_t *space);
__END_DECLS

#endif
