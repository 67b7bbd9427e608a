/* What the host says of its interfaces, put into Darwin's words. */
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/memory.h"
#include "kernel/bsd/interface.h"

enum { FAMILY_OF_LOOPBACK = 1, FAMILY_OF_ETHERNET = 2 };
enum { MTU_ETHERNET = 1500, MTU_LOOPBACK = 16384, INTERFACES_MAX = 64 };
/* Flags whose numbers are the same on both systems: up, broadcast, loopback, running, …
 */
enum {
	SHARED_FLAGS = IFF_UP | IFF_BROADCAST | IFF_LOOPBACK | IFF_POINTOPOINT |
		       IFF_RUNNING | IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI
};
enum { DARWIN_MULTICAST = 0x8000 };

static struct ifnet *first;
static unsigned count;

struct ifnet *interface_first(void)
{
	return first;
}

static struct ifnet *add_interface(const char *host_name, unsigned host_flags)
{
	struct ifnet *interface = mem_zero(1, sizeof(*interface)), **end = &first;
	bool is_loopback = host_flags & IFF_LOOPBACK;

	if (!interface)
		return NULL;
	strncpy(interface->host_name, host_name, sizeof(interface->host_name) - 1);
	memcpy(interface->name, is_loopback ? "lo" : "en", 3);
	interface->family = is_loopback ? FAMILY_OF_LOOPBACK : FAMILY_OF_ETHERNET;
	interface->mtu = is_loopback ? MTU_LOOPBACK : MTU_ETHERNET;
	interface->flags = (host_flags & SHARED_FLAGS) |
			   (host_flags & IFF_MULTICAST ? DARWIN_MULTICAST : 0);
	for (; *end; end = &(*end)->next)
		interface->unit += (*end)->family == interface->family;
	*end = interface;
	count++;
	return interface;
}

static struct ifnet *interface_of(const struct ifaddrs *host)
{
	struct ifnet *interface = first;

	while (interface && strncmp(interface->host_name, host->ifa_name,
				    sizeof(interface->host_name) - 1) != 0)
		interface = interface->next;
	if (!interface && count < INTERFACES_MAX)
		interface = add_interface(host->ifa_name, host->ifa_flags);
	return interface;
}

/* Length and family lead; port and the bytes of the address are the same on both. */
static void to_darwin(const struct sockaddr *host, uint8_t to[SOCKADDR_MAX])
{
	if (!host)
		return;
	if (host->sa_family == AF_INET) {
		memcpy(to, host, sizeof(struct sockaddr_in));
		to[0] = sizeof(struct sockaddr_in);
		to[1] = FAMILY_INET;
	} else if (host->sa_family == AF_INET6) {
		memcpy(to, host, sizeof(struct sockaddr_in6));
		to[0] = sizeof(struct sockaddr_in6);
		to[1] = FAMILY_INET6;
	}
}

/* sockaddr_dl: index, type (loopback 24, Ethernet 6), lengths, the name, the address. */
static void link_to_darwin(struct ifnet *interface, const struct sockaddr_ll *host,
			   uint8_t to[SOCKADDR_MAX])
{
	bool is_loopback = interface->family == FAMILY_OF_LOOPBACK;
	size_t name = 3, size = 0;

	if (!is_loopback && host->sll_halen == sizeof(interface->link_address)) {
		size = host->sll_halen;
		memcpy(interface->link_address, host->sll_addr, size);
		interface->link_size = size;
	}
	to[0] = 20;
	to[1] = FAMILY_LINK;
	to[2] = (uint8_t)count;
	to[4] = is_loopback ? 24 : 6;
	to[5] = (uint8_t)name;
	to[6] = (uint8_t)size;
	to[8] = (uint8_t)interface->name[0];
	to[9] = (uint8_t)interface->name[1];
	to[10] = (uint8_t)('0' + interface->unit % 10);
	memcpy(to + 11, interface->link_address, size);
}

static void add_address(struct ifnet *interface, const struct ifaddrs *host)
{
	struct interface_address *address = mem_zero(1, sizeof(*address)),
				 **end = &interface->addresses;

	if (!address)
		return;
	address->interface = interface;
	if (host->ifa_addr->sa_family == AF_PACKET) {
		link_to_darwin(interface, (const struct sockaddr_ll *)host->ifa_addr,
			       address->address);
	} else {
		to_darwin(host->ifa_addr, address->address);
		to_darwin(host->ifa_netmask, address->netmask);
	}
	while (*end)
		end = &(*end)->next;
	*end = address;
}

static void ask_mtu(int socket, struct ifnet *interface)
{
	struct ifreq request = {0};

	memcpy(request.ifr_name, interface->host_name, sizeof(request.ifr_name));
	if (ioctl(socket, SIOCGIFMTU, &request) == 0 && request.ifr_mtu > 0)
		interface->mtu = (uint32_t)request.ifr_mtu;
}

static bool is_wanted(const struct ifaddrs *host)
{
	int family = host->ifa_addr ? host->ifa_addr->sa_family : AF_UNSPEC;

	return family == AF_INET || family == AF_INET6 || family == AF_PACKET;
}

/* A host that tells nothing has a loopback with 127.0.0.1 all the same. */
static void ensure_loopback(void)
{
	struct sockaddr_in local = {.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(0x7f000001)};
	struct sockaddr_in mask = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(0xff000000)};
	struct ifaddrs host = {
		.ifa_name = (char[]){"lo"},
		.ifa_flags = IFF_LOOPBACK | IFF_UP | IFF_RUNNING,
		.ifa_addr = (struct sockaddr *)&local,
		.ifa_netmask = (struct sockaddr *)&mask,
	};
	struct ifnet *interface = interface_of(&host);
	const struct interface_address *a = interface ? interface->addresses : NULL;

	while (a && a->address[1] != FAMILY_INET)
		a = a->next;
	if (interface && !a)
		add_address(interface, &host);
}

void interface_startup(void)
{
	struct ifaddrs *hosts = NULL;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (getifaddrs(&hosts) < 0)
		hosts = NULL;
	for (struct ifaddrs *host = hosts; host; host = host->ifa_next) {
		struct ifnet *interface = is_wanted(host) ? interface_of(host) : NULL;
		if (interface)
			add_address(interface, host);
	}
	if (hosts)
		freeifaddrs(hosts);
	ensure_loopback();
	for (struct ifnet *interface = first; fd >= 0 && interface;
	     interface = interface->next)
		ask_mtu(fd, interface);
	if (fd >= 0)
		close(fd);
}
