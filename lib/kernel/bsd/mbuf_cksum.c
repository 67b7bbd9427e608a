/*
 * The Internet checksum over packets, with the pseudo headers of IPv4 and IPv6, and the
 * checksums that a stack left for the driver to fill in.
 */
#include <string.h>
#include "base/bytes.h"
#include "kernel/bsd/mbuf.h"

enum { FAMILY_INET = 2, FAMILY_INET6 = 30 };
enum {
	REQUEST_IP = 1,
	REQUEST_TCP = 2,
	REQUEST_UDP = 4,
	REQUEST_TCP6 = 0x20,
	REQUEST_UDP6 = 0x40
};
/* Where in an IP header things are. */
enum { IP_LENGTH = 2, IP_PROTOCOL = 9, IP_CHECKSUM = 10, IP_SOURCE = 12, IP_SIZE = 20 };
enum { IP6_LENGTH = 4, IP6_NEXT = 6, IP6_SOURCE = 8, IP6_SIZE = 40 };

int mbuf_inet_cksum(struct mbuf *m, int protocol, uint32_t offset, uint32_t size,
		    uint16_t *ret_sum);
int mbuf_inet6_cksum(struct mbuf *m, int protocol, uint32_t offset, uint32_t size,
		     uint16_t *ret_sum);
void mbuf_outbound_finalize(struct mbuf *m, uint32_t family, size_t offset);

/* Sums big-endian halves; an odd last byte counts as a high one. */
static uint64_t sum_bytes(const uint8_t *bytes, size_t size)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += i % 2 ? bytes[i] : (uint64_t)bytes[i] << 8;
	return sum;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Of `size` bytes at `offset`, which the packet has. */
static uint64_t sum_range(const struct mbuf *m, size_t offset, size_t size)
{
	uint64_t sum = 0;
	size_t position = 0;

	for (; m && size; m = m->next) {
		size_t skip = offset < m->len ? offset : m->len;
		size_t part = m->len - skip < size ? m->len - skip : size;
		uint64_t one = fold(sum_bytes(m->data + skip, part));

		/* Bytes at odd places change sides. */
		sum += position % 2 ? (one & 0xff) << 8 | one >> 8 : one;
		position += part;
		offset -= skip;
		size -= part;
	}
	return sum;
}

static bool has_range(const struct mbuf *m, size_t offset, size_t size)
{
	size_t total = mbuf_total(m);

	return offset <= total && size <= total - offset;
}

/* The addresses of the IP header at the packet's front, the protocol and the length. */
static bool pseudo_header(const struct mbuf *m, size_t source, size_t size_of_addresses,
			  int protocol, uint32_t size, uint64_t *sum)
{
	uint8_t addresses[32];

	if (!protocol)
		return true;
	if (!mbuf_read(m, source, size_of_addresses, addresses))
		return false;
	*sum += sum_bytes(addresses, size_of_addresses) + (uint32_t)protocol +
		(size >> 16) + (size & 0xffff);
	return true;
}

/* As the bytes lie in a packet: what is stored is in network order. */
static uint16_t network_order(uint16_t sum)
{
	return (uint16_t)(sum << 8 | sum >> 8);
}

static int checksum(struct mbuf *m, size_t source, size_t size_of_addresses, int protocol,
		    uint32_t offset, uint32_t size, uint16_t *ret_sum)
{
	uint64_t sum = 0;

	if (!m || !size || !ret_sum || !has_range(m, offset, size) ||
	    !pseudo_header(m, source, size_of_addresses, protocol, size, &sum))
		return XNU_EINVAL;
	*ret_sum = network_order((uint16_t)~fold(sum + sum_range(m, offset, size)));
	return 0;
}

int mbuf_inet_cksum(struct mbuf *m, int protocol, uint32_t offset, uint32_t size,
		    uint16_t *ret_sum)
{
	return checksum(m, IP_SOURCE, 8, protocol, offset, size, ret_sum);
}
KPI(mbuf_inet_cksum);

int mbuf_inet6_cksum(struct mbuf *m, int protocol, uint32_t offset, uint32_t size,
		     uint16_t *ret_sum)
{
	return checksum(m, IP6_SOURCE, 32, protocol, offset, size, ret_sum);
}
KPI(mbuf_inet6_cksum);

/* Writes the two bytes, which may lie in two mbufs. */
static void store(struct mbuf *m, size_t offset, uint16_t sum)
{
	const uint8_t bytes[2] = {(uint8_t)(sum >> 8), (uint8_t)sum};

	for (int i = 0; i < 2; i++) {
		struct mbuf *at = m;
		size_t inside = offset + (size_t)i;

		for (; at && inside >= at->len; at = at->next)
			inside -= at->len;
		if (at)
			at->data[inside] = bytes[i];
	}
}

/*
 * A TCP or UDP checksum over what follows the IP header. Its field holds the sum of the
 * pseudo header already, so that summing over it gives the whole.
 */
static void finish_transport(struct mbuf *m, size_t start, size_t size, bool is_udp)
{
	size_t field = start + (m->header.checksum_value & 0xffff);
	uint16_t sum;

	if (!has_range(m, start, size) || !has_range(m, field, 2))
		return;
	sum = (uint16_t)~fold(sum_range(m, start, size));
	store(m, field, is_udp && !sum ? 0xffff : sum);
}

static void finish_inet(struct mbuf *m, size_t offset, uint32_t flags)
{
	uint8_t ip[IP_SIZE];
	size_t size, total;

	if (!mbuf_read(m, offset, sizeof(ip), ip))
		return;
	size = (size_t)(ip[0] & 15) * 4;
	total = load16(ip + IP_LENGTH, true);
	if (size < IP_SIZE || total < size || !has_range(m, offset, size))
		return;
	if (flags & (REQUEST_TCP | REQUEST_UDP))
		finish_transport(m, offset + size, total - size,
				 (flags & REQUEST_UDP) != 0);
	if (flags & REQUEST_IP) {
		store(m, offset + IP_CHECKSUM, 0);
		store(m, offset + IP_CHECKSUM,
		      (uint16_t)~fold(sum_range(m, offset, size)));
	}
}

/* Extension headers end where the transport's begin: the value's high half tells where.
 */
static void finish_inet6(struct mbuf *m, size_t offset, uint32_t flags)
{
	size_t header = m->header.checksum_value >> 16, size;
	uint8_t ip[IP6_SIZE];

	if (!(flags & (REQUEST_TCP6 | REQUEST_UDP6)) ||
	    !mbuf_read(m, offset, sizeof(ip), ip))
		return;
	if (header < IP6_SIZE)
		header = IP6_SIZE;
	size = IP6_SIZE + (size_t)load16(ip + IP6_LENGTH, true);
	if (size > header)
		finish_transport(m, offset + header, size - header,
				 (flags & REQUEST_UDP6) != 0);
}

/* Other families are left alone, requests included. */
void mbuf_outbound_finalize(struct mbuf *m, uint32_t family, size_t offset)
{
	uint32_t flags = m->header.checksum_flags;

	if (family == FAMILY_INET) {
		finish_inet(m, offset, flags);
		m->header.checksum_flags &=
			~(uint32_t)(REQUEST_IP | REQUEST_TCP | REQUEST_UDP);
	} else if (family == FAMILY_INET6) {
		finish_inet6(m, offset, flags);
		m->header.checksum_flags &= ~(uint32_t)(REQUEST_TCP6 | REQUEST_UDP6);
	}
}
KPI(mbuf_outbound_finalize);
