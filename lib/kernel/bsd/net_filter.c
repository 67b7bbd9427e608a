/*
 * Socket, IP and interface filters: registered, told apart and detached as in Darwin.
 * There are no sockets here, so no traffic ever reaches them.
 */
#include <stdlib.h>
#include "base/memory.h"
#include "kernel/bsd/interface.h"
#include "kernel/bsd/registry.h"

enum { TYPE_STREAM = 1, TYPE_DATAGRAM = 2, TYPE_RAW = 3 };
enum { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_ICMP6 = 58 };

/* The head of Darwin's sflt_filter. */
struct socket_filter {
	uint32_t handle;
	int flags;
	const char *name;
	void (*unregistered)(uint32_t handle);
	const void *attach, *detach;
};

struct ip_filter {
	void *cookie;
	const char *name;
	const void *input, *output;
	void (*detach)(void *cookie);
};

struct interface_filter {
	void *cookie;
	const char *name;
	uint32_t protocol;
	const void *input, *output, *event, *ioctl;
	void (*detached)(void *cookie, struct ifnet *interface);
};
_Static_assert(sizeof(struct interface_filter) == 64, "iff_filter");

struct interface_filter_record {
	struct registration registration;
	struct interface_filter content;
	struct ifnet *interface;
};

struct socket_filter_record {
	struct registration registration;
	struct socket_filter content;
};

struct ip_filter_record {
	struct registration registration;
	struct ip_filter content;
};

int sflt_register(const struct socket_filter *filter, int domain, int type, int protocol);
int sflt_unregister(uint32_t handle);
int ipf_addv4(const struct ip_filter *filter, struct ip_filter_record **ret_filter);
int ipf_addv6(const struct ip_filter *filter, struct ip_filter_record **ret_filter);
int ipf_remove(struct ip_filter_record *filter);
int iflt_attach(struct ifnet *interface, const struct interface_filter *filter,
		struct interface_filter_record **ret_filter);
void iflt_detach(struct interface_filter_record *filter);

static bool has_protocol(int domain, int type, int protocol)
{
	int icmp = domain == FAMILY_INET ? PROTOCOL_ICMP : PROTOCOL_ICMP6;

	return type == TYPE_RAW || (type == TYPE_STREAM && protocol == PROTOCOL_TCP) ||
	       (type == TYPE_DATAGRAM && (protocol == PROTOCOL_UDP || protocol == icmp));
}

static struct socket_filter_record *find_socket_filter(uint32_t handle)
{
	struct registration *r = registry_next(NULL, REGISTRY_SOCKET_FILTER);

	while (r && ((struct socket_filter_record *)r)->content.handle != handle)
		r = registry_next(r, REGISTRY_SOCKET_FILTER);
	return (struct socket_filter_record *)r;
}

int sflt_register(const struct socket_filter *filter, int domain, int type, int protocol)
{
	struct socket_filter_record *record;
	bool is_new;

	if (domain != FAMILY_INET && domain != FAMILY_INET6)
		return XNU_ENOTSUP;
	if (!has_protocol(domain, type, protocol))
		return XNU_ENOENT;
	if (!filter->attach || !filter->detach || !filter->name || !filter->handle)
		return XNU_EINVAL;
	record = mem_zero(1, sizeof(*record));
	if (!record)
		return XNU_ENOBUFS;
	record->registration.kind = REGISTRY_SOCKET_FILTER;
	record->registration.code = filter->attach;
	record->content = *filter;
	registry_lock();
	is_new = !find_socket_filter(filter->handle);
	if (is_new)
		registry_insert(&record->registration);
	registry_unlock();
	if (!is_new)
		free(record);
	return is_new ? 0 : XNU_EEXIST;
}
KPI(sflt_register);

int sflt_unregister(uint32_t handle)
{
	struct socket_filter_record *record;

	registry_lock();
	record = find_socket_filter(handle);
	if (record)
		registry_take(record, REGISTRY_SOCKET_FILTER);
	registry_unlock();
	if (!record)
		return XNU_ENOENT;
	if (record->content.unregistered)
		record->content.unregistered(handle);
	free(record);
	return 0;
}
KPI(sflt_unregister);

static int add_ip_filter(const struct ip_filter *filter,
			 struct ip_filter_record **ret_filter)
{
	struct ip_filter_record *record;

	if (!filter || !ret_filter || !filter->name ||
	    (!filter->input && !filter->output))
		return XNU_EINVAL;
	record = mem_zero(1, sizeof(*record));
	if (!record)
		return XNU_ENOMEM;
	record->registration.kind = REGISTRY_IP_FILTER;
	record->registration.code = filter->input ? filter->input : filter->output;
	record->content = *filter;
	registry_lock();
	registry_insert(&record->registration);
	registry_unlock();
	*ret_filter = record;
	return 0;
}

int ipf_addv4(const struct ip_filter *filter, struct ip_filter_record **ret_filter)
{
	return add_ip_filter(filter, ret_filter);
}
KPI(ipf_addv4);

int ipf_addv6(const struct ip_filter *filter, struct ip_filter_record **ret_filter)
{
	return add_ip_filter(filter, ret_filter);
}
KPI(ipf_addv6);

int ipf_remove(struct ip_filter_record *filter)
{
	bool is_ours;

	registry_lock();
	is_ours = registry_take(filter, REGISTRY_IP_FILTER);
	registry_unlock();
	if (!is_ours)
		return XNU_ENOENT;
	if (filter->content.detach)
		filter->content.detach(filter->content.cookie);
	free(filter);
	return 0;
}
KPI(ipf_remove);

/* The kext's code is any of its hooks: `detached` is the one that all but few have. */
static const void *code_of(const struct interface_filter *filter)
{
	return filter->detached ? (const void *)filter->detached
	       : filter->input	? filter->input
	       : filter->output ? filter->output
	       : filter->event	? filter->event
				: filter->ioctl;
}

int iflt_attach(struct ifnet *interface, const struct interface_filter *filter,
		struct interface_filter_record **ret_filter)
{
	struct interface_filter_record *record;

	if (!interface || !filter || !ret_filter)
		return XNU_EINVAL;
	record = mem_zero(1, sizeof(*record));
	if (!record)
		return XNU_ENOMEM;
	record->registration.kind = REGISTRY_INTERFACE_FILTER;
	record->registration.code = code_of(filter);
	record->content = *filter;
	record->interface = interface;
	registry_lock();
	registry_insert(&record->registration);
	registry_unlock();
	*ret_filter = record;
	return 0;
}
KPI(iflt_attach);

void iflt_detach(struct interface_filter_record *filter)
{
	bool is_ours;

	registry_lock();
	is_ours = registry_take(filter, REGISTRY_INTERFACE_FILTER);
	registry_unlock();
	if (!is_ours)
		return;
	if (filter->content.detached)
		filter->content.detached(filter->content.cookie, filter->interface);
	free(filter);
}
KPI(iflt_detach);
