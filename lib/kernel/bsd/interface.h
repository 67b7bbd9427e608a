/*
 * Network interfaces, as the host had them when the kernel started: the loopback is lo0,
 * the others are en0 and so on. They never change and never carry a packet.
 */
#ifndef KERNEL_BSD_INTERFACE_H
#define KERNEL_BSD_INTERFACE_H

#include "kernel/bsd/bsd.h"

/* Darwin's numbers of address families. */
enum { FAMILY_INET = 2, FAMILY_LINK = 18, FAMILY_INET6 = 30 };
enum { SOCKADDR_MAX = 28 };

/* An address and its mask, as Darwin's sockaddr: the first byte is its length. */
struct interface_address {
	struct interface_address *next;
	struct ifnet *interface;
	uint8_t address[SOCKADDR_MAX], netmask[SOCKADDR_MAX];
};

struct ifnet {
	struct ifnet *next;
	char host_name[16], name[4];
	uint32_t unit, family, flags, mtu;
	uint32_t offload, tso_v4, tso_v6;
	uint8_t link_address[6];
	size_t link_size;
	struct interface_address *addresses;
};

/* Looks at the host; before the sandbox is entered, which forbids that. */
void interface_startup(void);
struct ifnet *interface_first(void);

#endif
