/* Filters of IP packets. */
#ifndef _SDK_NETINET_KPI_IPFILTER_H_
#define _SDK_NETINET_KPI_IPFILTER_H_

#include <sys/kpi_mbuf.h>

struct opaque_ipfilter;
typedef struct opaque_ipfilter *ipfilter_t;
typedef struct ipf_pktopts *ipf_pktopts_t;
typedef errno_t (*ipf_input_func)(void *cookie, mbuf_t *data, int offset, u_int8_t protocol);
typedef errno_t (*ipf_output_func)(void *cookie, mbuf_t *data, ipf_pktopts_t options);
typedef void (*ipf_detach_func)(void *cookie);

struct ipf_filter {
	void *cookie;
	const char *name;
	ipf_input_func ipf_input;
	ipf_output_func ipf_output;
	ipf_detach_func ipf_detach;
};

__BEGIN_DECLS
errno_t ipf_addv4(const struct ipf_filter *filter, ipfilter_t *reference);
errno_t ipf_addv6(const struct ipf_filter *filter, ipfilter_t *reference);
errno_t ipf_remove(ipfilter_t reference);
__END_DECLS

#endif
