/*
 * What kexts ask about interfaces and their addresses. Both outlive every kext, so that
 * references need no counting; lists are blocks of the kernel heap.
 */
#include <string.h>
#include "kernel/bsd/interface.h"
#include "kernel/osfmk/kheap.h"

enum { TSO_IPV4 = 0x100000, TSO_IPV6 = 0x200000 };

int ifnet_list_get(uint32_t family, struct ifnet ***ret_list, uint32_t *ret_count);
void ifnet_list_free(struct ifnet **list);
int ifnet_find_by_name(const char *name, struct ifnet **ret_interface);
int ifnet_reference(struct ifnet *interface);
int ifnet_release(struct ifnet *interface);
const char *ifnet_name(struct ifnet *interface);
uint32_t ifnet_unit(struct ifnet *interface);
uint32_t ifnet_family(struct ifnet *interface);
uint16_t ifnet_flags(struct ifnet *interface);
uint32_t ifnet_mtu(struct ifnet *interface);
uint32_t ifnet_offload(struct ifnet *interface);
int ifnet_set_offload(struct ifnet *interface, uint32_t offload);
int ifnet_set_tso_mtu(struct ifnet *interface, uint8_t family, uint32_t mtu);
int ifnet_get_tso_mtu(struct ifnet *interface, uint8_t family, uint32_t *ret_mtu);
int ifnet_lladdr_copy_bytes(struct ifnet *interface, void *to, size_t size);
int ifnet_get_address_list(struct ifnet *interface, struct interface_address ***ret_list);
int ifnet_get_address_list_family(struct ifnet *interface,
				  struct interface_address ***ret_list, uint8_t family);
void ifnet_free_address_list(struct interface_address **list);
int ifaddr_reference(struct interface_address *address);
int ifaddr_release(struct interface_address *address);
int ifaddr_address(struct interface_address *address, void *to, uint32_t room);
int ifaddr_netmask(struct interface_address *address, void *to, uint32_t room);
uint8_t ifaddr_address_family(struct interface_address *address);
struct ifnet *ifaddr_ifnet(struct interface_address *address);

#define LIST_CALL(name) ((struct heap_call){name, __builtin_return_address(0), false})

/* ---- lists: NULL at the end ---- */

int ifnet_list_get(uint32_t family, struct ifnet ***ret_list, uint32_t *ret_count)
{
	struct ifnet **list;
	uint32_t count = 0;

	if (!ret_list || !ret_count)
		return XNU_EINVAL;
	for (struct ifnet *i = interface_first(); i; i = i->next)
		count += family == 0 || i->family == family;
	if (!count)
		return XNU_ENXIO;
	list = kheap_alloc(LIST_CALL("ifnet_list_get"), HEAP_BSD,
			   (count + 1) * sizeof(*list), 0, true);
	if (!list)
		return XNU_ENOMEM;
	*ret_list = list;
	*ret_count = count;
	for (struct ifnet *i = interface_first(); i; i = i->next) {
		if (family == 0 || i->family == family)
			*list++ = i;
	}
	return 0;
}
KPI(ifnet_list_get);

void ifnet_list_free(struct ifnet **list)
{
	kheap_free(LIST_CALL("ifnet_list_free"), HEAP_BSD, list, HEAP_ANY_SIZE);
}
KPI(ifnet_list_free);

static bool is_in_family(const struct interface_address *address, uint8_t family)
{
	return family == 0 || address->address[1] == family;
}

static int address_list(struct heap_call call, struct ifnet *interface,
			struct interface_address ***ret_list, uint8_t family)
{
	struct interface_address **list;
	size_t count = 0;

	if (!interface || !ret_list)
		return XNU_EINVAL;
	for (struct interface_address *a = interface->addresses; a; a = a->next)
		count += is_in_family(a, family);
	if (!count)
		return XNU_ENXIO;
	list = kheap_alloc(call, HEAP_BSD, (count + 1) * sizeof(*list), 0, true);
	if (!list)
		return XNU_ENOMEM;
	*ret_list = list;
	for (struct interface_address *a = interface->addresses; a; a = a->next) {
		if (is_in_family(a, family))
			*list++ = a;
	}
	return 0;
}

int ifnet_get_address_list(struct ifnet *interface, struct interface_address ***ret_list)
{
	return address_list(LIST_CALL("ifnet_get_address_list"), interface, ret_list, 0);
}
KPI(ifnet_get_address_list);

int ifnet_get_address_list_family(struct ifnet *interface,
				  struct interface_address ***ret_list, uint8_t family)
{
	return address_list(LIST_CALL("ifnet_get_address_list_family"), interface,
			    ret_list, family);
}
KPI(ifnet_get_address_list_family);

void ifnet_free_address_list(struct interface_address **list)
{
	kheap_free(LIST_CALL("ifnet_free_address_list"), HEAP_BSD, list, HEAP_ANY_SIZE);
}
KPI(ifnet_free_address_list);

/* ---- interfaces ---- */

/* By name and unit, "en0". */
int ifnet_find_by_name(const char *name, struct ifnet **ret_interface)
{
	char full[16];

	if (!name || !ret_interface)
		return XNU_EINVAL;
	*ret_interface = NULL;
	for (struct ifnet *i = interface_first(); i; i = i->next) {
		xnu_snprintf(full, sizeof(full), "%s%u", i->name, i->unit);
		if (strcmp(full, name) == 0) {
			*ret_interface = i;
			return 0;
		}
	}
	return XNU_ENXIO;
}
KPI(ifnet_find_by_name);

int ifnet_reference(struct ifnet *interface)
{
	return interface ? 0 : XNU_EINVAL;
}
KPI(ifnet_reference);

int ifnet_release(struct ifnet *interface)
{
	return interface ? 0 : XNU_EINVAL;
}
KPI(ifnet_release);

const char *ifnet_name(struct ifnet *interface)
{
	return interface->name;
}
KPI(ifnet_name);

uint32_t ifnet_unit(struct ifnet *interface)
{
	return interface ? interface->unit : UINT32_MAX;
}
KPI(ifnet_unit);

uint32_t ifnet_family(struct ifnet *interface)
{
	return interface ? interface->family : 0;
}
KPI(ifnet_family);

uint16_t ifnet_flags(struct ifnet *interface)
{
	return interface ? (uint16_t)interface->flags : 0;
}
KPI(ifnet_flags);

uint32_t ifnet_mtu(struct ifnet *interface)
{
	return interface ? interface->mtu : 0;
}
KPI(ifnet_mtu);

uint32_t ifnet_offload(struct ifnet *interface)
{
	return interface ? interface->offload : 0;
}
KPI(ifnet_offload);

int ifnet_set_offload(struct ifnet *interface, uint32_t offload)
{
	if (!interface)
		return XNU_EINVAL;
	interface->offload = offload;
	return 0;
}
KPI(ifnet_set_offload);

/* The interface's field for a family's segments, if it offers to cut them; or an error.
 */
static int tso_field(struct ifnet *interface, uint8_t family, uint32_t **ret_field)
{
	bool is_v4 = family == FAMILY_INET;

	if (!interface)
		return XNU_EINVAL;
	if (!is_v4 && family != FAMILY_INET6)
		return XNU_EPROTONOSUPPORT;
	if (!(interface->offload & (is_v4 ? TSO_IPV4 : TSO_IPV6)))
		return XNU_ENOTSUP;
	*ret_field = is_v4 ? &interface->tso_v4 : &interface->tso_v6;
	return 0;
}

int ifnet_set_tso_mtu(struct ifnet *interface, uint8_t family, uint32_t mtu)
{
	uint32_t *field;
	int error = tso_field(interface, family, &field);

	if (error == XNU_ENOTSUP || (!error && mtu < interface->mtu))
		return XNU_EINVAL;
	if (!error)
		*field = mtu;
	return error;
}
KPI(ifnet_set_tso_mtu);

int ifnet_get_tso_mtu(struct ifnet *interface, uint8_t family, uint32_t *ret_mtu)
{
	uint32_t *field;
	int error = ret_mtu ? tso_field(interface, family, &field) : XNU_EINVAL;

	if (!error)
		*ret_mtu = *field;
	return error;
}
KPI(ifnet_get_tso_mtu);

int ifnet_lladdr_copy_bytes(struct ifnet *interface, void *to, size_t size)
{
	if (!interface || !to)
		return XNU_EINVAL;
	if (size != interface->link_size) {
		memset(to, 0, size);
		return XNU_EMSGSIZE;
	}
	memcpy(to, interface->link_address, size);
	return 0;
}
KPI(ifnet_lladdr_copy_bytes);

/* ---- addresses ---- */

int ifaddr_reference(struct interface_address *address)
{
	return address ? 0 : XNU_EINVAL;
}
KPI(ifaddr_reference);

int ifaddr_release(struct interface_address *address)
{
	return address ? 0 : XNU_EINVAL;
}
KPI(ifaddr_release);

/* Cut to the room, which is an error. */
static int copy_out(const uint8_t from[SOCKADDR_MAX], void *to, uint32_t room)
{
	if (!from[0])
		return XNU_ENOTSUP;
	memcpy(to, from, from[0] < room ? from[0] : room);
	return from[0] > room ? XNU_EMSGSIZE : 0;
}

int ifaddr_address(struct interface_address *address, void *to, uint32_t room)
{
	return address && to ? copy_out(address->address, to, room) : XNU_EINVAL;
}
KPI(ifaddr_address);

int ifaddr_netmask(struct interface_address *address, void *to, uint32_t room)
{
	return address && to ? copy_out(address->netmask, to, room) : XNU_EINVAL;
}
KPI(ifaddr_netmask);

uint8_t ifaddr_address_family(struct interface_address *address)
{
	return address ? address->address[1] : 0;
}
KPI(ifaddr_address_family);

struct ifnet *ifaddr_ifnet(struct interface_address *address)
{
	return address ? address->interface : NULL;
}
KPI(ifaddr_ifnet);
