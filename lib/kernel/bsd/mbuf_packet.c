/*
 * The packet header: flags, length, and what a stack and a driver tell each other about
 * checksums, segmentation and VLANs.
 */
#include <limits.h>
#include <string.h>
#include "kernel/bsd/mbuf.h"

enum { TSO_BOTH = 0x300000, CHECKSUM_REQUESTS = 0x1067, CHECKSUM_LOW = 0xffff };

uint32_t mbuf_flags(const struct mbuf *m);
int mbuf_setflags(struct mbuf *m, uint32_t flags);
int mbuf_setflags_mask(struct mbuf *m, uint32_t flags, uint32_t mask);
size_t mbuf_pkthdr_len(const struct mbuf *m);
void mbuf_pkthdr_setlen(struct mbuf *m, size_t len);
void mbuf_pkthdr_adjustlen(struct mbuf *m, int amount);
void *mbuf_pkthdr_rcvif(const struct mbuf *m);
int mbuf_pkthdr_setrcvif(struct mbuf *m, void *interface);
void *mbuf_pkthdr_header(const struct mbuf *m);
void mbuf_pkthdr_setheader(struct mbuf *m, void *header);
int mbuf_copy_pkthdr(struct mbuf *to, struct mbuf *from);
int mbuf_set_vlan_tag(struct mbuf *m, uint16_t tag);
int mbuf_get_vlan_tag(struct mbuf *m, uint16_t *ret_tag);
int mbuf_clear_vlan_tag(struct mbuf *m);
int mbuf_get_tso_requested(struct mbuf *m, uint32_t *ret_request, uint32_t *ret_value);
int mbuf_set_csum_requested(struct mbuf *m, uint32_t request, uint32_t value);
int mbuf_get_csum_requested(struct mbuf *m, uint32_t *ret_request, uint32_t *ret_value);
int mbuf_clear_csum_requested(struct mbuf *m);
int mbuf_set_csum_performed(struct mbuf *m, uint32_t performed, uint32_t value);
int mbuf_get_csum_performed(struct mbuf *m, uint32_t *ret_performed, uint32_t *ret_value);
int mbuf_clear_csum_performed(struct mbuf *m);
int mbuf_set_traffic_class(struct mbuf *m, uint32_t class);
uint32_t mbuf_get_traffic_class(struct mbuf *m);
int mbuf_is_traffic_class_privileged(struct mbuf *m);
void mbuf_inbound_modified(struct mbuf *m);

/* ---- flags ---- */

uint32_t mbuf_flags(const struct mbuf *m)
{
	return m->flags & MBUF_PUBLIC_FLAGS;
}
KPI(mbuf_flags);

/* With or without a packet header, the room inside an mbuf begins elsewhere. */
static int change_header(struct heap_call call, struct mbuf *m)
{
	if (!(m->flags & MBUF_EXT) && m->len)
		return XNU_EBUSY;
	mbuf_drop_tags(call, m);
	memset(&m->header, 0, sizeof(m->header));
	m->flags ^= MBUF_PKTHDR;
	m->inside_start = m->flags & MBUF_PKTHDR ? MBUF_MLEN - MBUF_MHLEN : 0;
	if (!(m->flags & MBUF_EXT))
		m->data = mbuf_start(m);
	return 0;
}

static int set_flags(struct heap_call call, struct mbuf *m, uint32_t flags, uint32_t mask)
{
	uint32_t changed = (m->flags ^ flags) & mask;

	if (mask & flags & ~(uint32_t)MBUF_PUBLIC_FLAGS ||
	    changed & ~(uint32_t)MBUF_PUBLIC_FLAGS || changed & MBUF_EXT)
		return XNU_EINVAL;
	if (changed & MBUF_PKTHDR) {
		int error = change_header(call, m);
		if (error)
			return error;
	}
	m->flags ^= changed & ~(uint32_t)MBUF_PKTHDR;
	return 0;
}

int mbuf_setflags(struct mbuf *m, uint32_t flags)
{
	if (flags & ~(uint32_t)MBUF_PUBLIC_FLAGS)
		return XNU_EINVAL;
	return set_flags(MBUF_FREE_CALL, m, flags, MBUF_PUBLIC_FLAGS);
}
KPI(mbuf_setflags);

int mbuf_setflags_mask(struct mbuf *m, uint32_t flags, uint32_t mask)
{
	return set_flags(MBUF_FREE_CALL, m, flags, mask);
}
KPI(mbuf_setflags_mask);

/* ---- the header as a whole ---- */

void mbuf_move_header(struct heap_call call, struct mbuf *to, struct mbuf *from)
{
	const uint32_t kept = MBUF_EXT | MBUF_PKTHDR;

	if (!(from->flags & MBUF_PKTHDR))
		return;
	mbuf_drop_tags(call, to);
	to->flags = (to->flags & kept) | (from->flags & MBUF_PUBLIC_FLAGS & ~kept) |
		    MBUF_PKTHDR;
	to->header = from->header;
	from->header.tags = NULL;
	from->flags &= ~(uint32_t)MBUF_PKTHDR;
}

/* `from` keeps all of its header but the tags. Data that is in `to` already stays. */
int mbuf_copy_pkthdr(struct mbuf *to, struct mbuf *from)
{
	uint32_t flags = from->flags;

	if (!(flags & MBUF_PKTHDR))
		return XNU_EINVAL;
	mbuf_move_header(MBUF_FREE_CALL, to, from);
	from->flags = flags;
	return 0;
}
KPI(mbuf_copy_pkthdr);

size_t mbuf_pkthdr_len(const struct mbuf *m)
{
	return m->header.len;
}
KPI(mbuf_pkthdr_len);

void mbuf_pkthdr_setlen(struct mbuf *m, size_t len)
{
	m->header.len = len < INT_MAX ? len : INT_MAX;
}
KPI(mbuf_pkthdr_setlen);

void mbuf_pkthdr_adjustlen(struct mbuf *m, int amount)
{
	m->header.len += (size_t)(int64_t)amount;
}
KPI(mbuf_pkthdr_adjustlen);

void *mbuf_pkthdr_rcvif(const struct mbuf *m)
{
	return m->header.interface;
}
KPI(mbuf_pkthdr_rcvif);

int mbuf_pkthdr_setrcvif(struct mbuf *m, void *interface)
{
	m->header.interface = interface;
	return 0;
}
KPI(mbuf_pkthdr_setrcvif);

void *mbuf_pkthdr_header(const struct mbuf *m)
{
	return m->header.protocol_header;
}
KPI(mbuf_pkthdr_header);

void mbuf_pkthdr_setheader(struct mbuf *m, void *header)
{
	m->header.protocol_header = header;
}
KPI(mbuf_pkthdr_setheader);

/* ---- VLAN ---- */

int mbuf_set_vlan_tag(struct mbuf *m, uint16_t tag)
{
	m->header.vlan_tag = tag;
	m->header.has_vlan_tag = true;
	return 0;
}
KPI(mbuf_set_vlan_tag);

int mbuf_get_vlan_tag(struct mbuf *m, uint16_t *ret_tag)
{
	if (!m->header.has_vlan_tag)
		return XNU_ENXIO;
	*ret_tag = m->header.vlan_tag;
	return 0;
}
KPI(mbuf_get_vlan_tag);

int mbuf_clear_vlan_tag(struct mbuf *m)
{
	m->header.has_vlan_tag = false;
	m->header.vlan_tag = 0;
	return 0;
}
KPI(mbuf_clear_vlan_tag);

/* ---- offload ---- */

int mbuf_get_tso_requested(struct mbuf *m, uint32_t *ret_request, uint32_t *ret_value)
{
	if (!m || !(m->flags & MBUF_PKTHDR) || !ret_request || !ret_value)
		return XNU_EINVAL;
	*ret_request = m->header.tso_flags & TSO_BOTH;
	if (*ret_request)
		*ret_value = m->header.tso_size;
	return 0;
}
KPI(mbuf_get_tso_requested);

int mbuf_set_csum_requested(struct mbuf *m, uint32_t request, uint32_t value)
{
	m->header.checksum_flags = (m->header.checksum_flags & ~(uint32_t)CHECKSUM_LOW) |
				   (request & CHECKSUM_REQUESTS);
	m->header.checksum_value = value;
	return 0;
}
KPI(mbuf_set_csum_requested);

int mbuf_get_csum_requested(struct mbuf *m, uint32_t *ret_request, uint32_t *ret_value)
{
	*ret_request = m->header.checksum_flags & CHECKSUM_REQUESTS;
	if (ret_value)
		*ret_value = m->header.checksum_value;
	return 0;
}
KPI(mbuf_get_csum_requested);

int mbuf_clear_csum_requested(struct mbuf *m)
{
	m->header.checksum_flags &= ~(uint32_t)CHECKSUM_LOW;
	m->header.checksum_value = 0;
	return 0;
}
KPI(mbuf_clear_csum_requested);

/* Requests on the way out and results on the way in share their place, as in Darwin. */
int mbuf_set_csum_performed(struct mbuf *m, uint32_t performed, uint32_t value)
{
	m->header.checksum_flags = (m->header.checksum_flags & ~(uint32_t)CHECKSUM_LOW) |
				   (performed & CHECKSUM_LOW);
	m->header.checksum_value = value;
	return 0;
}
KPI(mbuf_set_csum_performed);

int mbuf_get_csum_performed(struct mbuf *m, uint32_t *ret_performed, uint32_t *ret_value)
{
	*ret_performed = m->header.checksum_flags & CHECKSUM_LOW;
	*ret_value = m->header.checksum_value;
	return 0;
}
KPI(mbuf_get_csum_performed);

int mbuf_clear_csum_performed(struct mbuf *m)
{
	return mbuf_clear_csum_requested(m);
}
KPI(mbuf_clear_csum_performed);

/* What a driver found out no longer holds. */
void mbuf_inbound_modified(struct mbuf *m)
{
	m->header.checksum_flags = 0;
}
KPI(mbuf_inbound_modified);

/* ---- traffic classes: 0 best effort, 1 background, 2 video, 3 voice ---- */

int mbuf_set_traffic_class(struct mbuf *m, uint32_t class)
{
	if (!m || !(m->flags & MBUF_PKTHDR) || class > 3)
		return XNU_EINVAL;
	m->header.traffic_class = class;
	return 0;
}
KPI(mbuf_set_traffic_class);

uint32_t mbuf_get_traffic_class(struct mbuf *m)
{
	return m && m->flags & MBUF_PKTHDR ? m->header.traffic_class : 0;
}
KPI(mbuf_get_traffic_class);

int mbuf_is_traffic_class_privileged(struct mbuf *m)
{
	(void)m;
	return 0;
}
KPI(mbuf_is_traffic_class_privileged);
