/* Network interfaces and their addresses. */
#ifndef _SDK_NET_KPI_INTERFACE_H_
#define _SDK_NET_KPI_INTERFACE_H_

#include <sys/kpi_mbuf.h>

struct __ifaddr;
struct sockaddr;
typedef struct __ifaddr *ifaddr_t;
typedef u_int8_t sa_family_t;
typedef u_int32_t ifnet_family_t;
typedef u_int32_t ifnet_offload_t;

enum { IFNET_FAMILY_ANY = 0, IFNET_FAMILY_LOOPBACK = 1, IFNET_FAMILY_ETHERNET = 2 };
enum { IFNET_TSO_IPV4 = 0x100000, IFNET_TSO_IPV6 = 0x200000 };

__BEGIN_DECLS
errno_t ifnet_list_get(ifnet_family_t family, ifnet_t **list, u_int32_t *count);
void ifnet_list_free(ifnet_t *list);
errno_t ifnet_find_by_name(const char *name, ifnet_t *interface);
errno_t ifnet_reference(ifnet_t interface);
errno_t ifnet_release(ifnet_t interface);
const char *ifnet_name(ifnet_t interface);
u_int32_t ifnet_unit(ifnet_t interface);
ifnet_family_t ifnet_family(ifnet_t interface);
u_int16_t ifnet_flags(ifnet_t interface);
u_int32_t ifnet_mtu(ifnet_t interface);
ifnet_offload_t ifnet_offload(ifnet_t interface);
errno_t ifnet_set_offload(ifnet_t interface, ifnet_offload_t offload);
errno_t ifnet_set_tso_mtu(ifnet_t interface, sa_family_t family, u_int32_t mtu);
errno_t ifnet_get_tso_mtu(ifnet_t interface, sa_family_t family, u_int32_t *mtu);
errno_t ifnet_lladdr_copy_bytes(ifnet_t interface, void *to, size_t size);
errno_t ifnet_get_address_list(ifnet_t interface, ifaddr_t **list);
errno_t ifnet_get_address_list_family(ifnet_t interface, ifaddr_t **list, sa_family_t family);
void ifnet_free_address_list(ifaddr_t *list);
errno_t ifaddr_reference(ifaddr_t address);
errno_t ifaddr_release(ifaddr_t address);
errno_t ifaddr_address(ifaddr_t address, struct sockaddr *to, u_int32_t room);
errno_t ifaddr_netmask(ifaddr_t address, struct sockaddr *to, u_int32_t room);
sa_family_t ifaddr_address_family(ifaddr_t address);
ifnet_t ifaddr_ifnet(ifaddr_t address);
__END_DECLS

#endif
