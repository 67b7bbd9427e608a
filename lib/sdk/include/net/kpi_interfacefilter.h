/* Filters of what an interface sends and receives. */
#ifndef _SDK_NET_KPI_INTERFACEFILTER_H_
#define _SDK_NET_KPI_INTERFACEFILTER_H_

#include <net/kpi_interface.h>

struct kev_msg;
struct iff_filter;
struct opaque_interface_filter;
typedef struct opaque_interface_filter *interface_filter_t;
typedef u_int32_t protocol_family_t;
typedef errno_t (*iff_input_func)(void *cookie, ifnet_t interface, protocol_family_t protocol,
				  mbuf_t *data, char **frame);
typedef errno_t (*iff_output_func)(void *cookie, ifnet_t interface,
				   protocol_family_t protocol, mbuf_t *data);
typedef void (*iff_event_func)(void *cookie, ifnet_t interface, protocol_family_t protocol,
			       const struct kev_msg *message);
typedef errno_t (*iff_ioctl_func)(void *cookie, ifnet_t interface, protocol_family_t protocol,
				  unsigned long command, void *data);
typedef void (*iff_detached_func)(void *cookie, ifnet_t interface);

struct iff_filter {
	void *iff_cookie;
	const char *iff_name;
	protocol_family_t iff_protocol;
	iff_input_func iff_input;
	iff_output_func iff_output;
	iff_event_func iff_event;
	iff_ioctl_func iff_ioctl;
	iff_detached_func iff_detached;
};

__BEGIN_DECLS
errno_t iflt_attach(ifnet_t interface, const struct iff_filter *filter,
		    interface_filter_t *reference);
void iflt_detach(interface_filter_t reference);
__END_DECLS

#endif
