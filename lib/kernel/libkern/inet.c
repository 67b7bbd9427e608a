/*
 * Network addresses as text. Darwin's AF_INET6 is 30.
 */
#include <arpa/inet.h>
#include "kernel/libkern/libkern.h"

enum { DARWIN_AF_INET = 2, DARWIN_AF_INET6 = 30 };

const char *xnu_inet_ntop(int family, const void *address, char *text, uint32_t size)
{
	if (family == DARWIN_AF_INET)
		return inet_ntop(AF_INET, address, text, size);
	if (family == DARWIN_AF_INET6)
		return inet_ntop(AF_INET6, address, text, size);
	return NULL;
}
KPI_XNU(inet_ntop);

/* 1 and the address in network order, or 0. */
int xnu_inet_aton(const char *text, void *address)
{
	struct in_addr result;

	if (!inet_aton(text, &result))
		return 0;
	__builtin_memcpy(address, &result, sizeof(result));
	return 1;
}
KPI_XNU(inet_aton);
