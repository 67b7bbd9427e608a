/*
 * Packets as chains of mbufs: making them, reading and writing at an offset, making bytes
 * contiguous, cutting and joining.
 */
#include <limits.h>
#include <string.h>
#include "kernel/bsd/mbuf.h"

int mbuf_allocpacket(uint32_t how, size_t size, unsigned *chunks, struct mbuf **ret_mbuf);
int mbuf_allocpacket_list(unsigned count, uint32_t how, size_t size, unsigned *chunks,
			  struct mbuf **ret_mbuf);
int mbuf_copydata(const struct mbuf *m, size_t offset, size_t size, void *to);
int mbuf_copyback(struct mbuf *m, size_t offset, size_t size, const void *from,
		  uint32_t how);
int mbuf_copym(const struct mbuf *m, size_t offset, size_t size, uint32_t how,
	       struct mbuf **ret_copy);
int mbuf_dup(const struct mbuf *m, uint32_t how, struct mbuf **ret_copy);
int mbuf_split(struct mbuf *m, size_t offset, uint32_t how, struct mbuf **ret_tail);
int mbuf_prepend(struct mbuf **m, size_t size, uint32_t how);
int mbuf_pullup(struct mbuf **m, size_t size);
int mbuf_pulldown(struct mbuf *m, size_t *offset, size_t size, struct mbuf **ret_place);
void mbuf_adj(struct mbuf *m, int amount);
struct mbuf *mbuf_concatenate(struct mbuf *to, struct mbuf *from);

/* The mbuf in which byte *offset of the packet is, and where in it; NULL past the end. */
static struct mbuf *seek(const struct mbuf *m, size_t *offset)
{
	while (m && *offset >= m->len) {
		*offset -= m->len;
		m = m->next;
	}
	return (struct mbuf *)m;
}

/* ---- making packets ---- */

/* Room for `size` bytes in as few mbufs as may be. *ret_chunks: how many. */
static struct mbuf *new_packet(struct heap_call call, size_t size, unsigned *ret_chunks)
{
	struct mbuf *first = NULL, **end = &first;

	*ret_chunks = 0;
	while (size) {
		size_t part = size < MBUF_JUMBO_CLUSTER ? size : MBUF_JUMBO_CLUSTER;
		*end = mbuf_new_room(call, MBUF_TYPE_DATA, !first, part);
		if (!*end) {
			mbuf_drop_chain(call, first);
			return NULL;
		}
		end = &(*end)->next;
		size -= part;
		++*ret_chunks;
	}
	return first;
}

static int new_packets(struct heap_call call, unsigned count, size_t size,
		       unsigned *chunks, struct mbuf **ret_mbuf)
{
	struct mbuf *first = NULL, **end = &first;
	unsigned used = 0;

	if (!count || !size || !ret_mbuf)
		return XNU_EINVAL;
	if (chunks && *chunks && *chunks < (size - 1) / MBUF_JUMBO_CLUSTER + 1)
		return XNU_ENOBUFS;
	for (; count; count--, end = &(*end)->next_packet) {
		*end = new_packet(call, size, &used);
		if (*end)
			continue;
		for (struct mbuf *next; first; first = next) {
			next = first->next_packet;
			mbuf_drop_chain(call, first);
		}
		return XNU_ENOMEM;
	}
	if (chunks)
		*chunks = used;
	*ret_mbuf = first;
	return 0;
}

int mbuf_allocpacket(uint32_t how, size_t size, unsigned *chunks, struct mbuf **ret_mbuf)
{
	return new_packets(MBUF_CALL(how), 1, size, chunks, ret_mbuf);
}
KPI(mbuf_allocpacket);

int mbuf_allocpacket_list(unsigned count, uint32_t how, size_t size, unsigned *chunks,
			  struct mbuf **ret_mbuf)
{
	return new_packets(MBUF_CALL(how), count, size, chunks, ret_mbuf);
}
KPI(mbuf_allocpacket_list);

/* ---- reading and writing ---- */

bool mbuf_read(const struct mbuf *m, size_t offset, size_t size, void *to)
{
	uint8_t *bytes = to;

	for (m = seek(m, &offset); m && size; m = m->next, offset = 0) {
		size_t part = m->len - offset < size ? m->len - offset : size;
		memcpy(bytes, m->data + offset, part);
		bytes += part;
		size -= part;
	}
	return size == 0;
}

int mbuf_copydata(const struct mbuf *m, size_t offset, size_t size, void *to)
{
	if (offset >= INT_MAX || size >= INT_MAX || !m)
		return XNU_EINVAL;
	return mbuf_read(m, offset, size, to) ? 0 : XNU_EINVAL;
}
KPI(mbuf_copydata);

static void append_zeros(struct mbuf *m, size_t size)
{
	memset(m->data + m->len, 0, size);
	m->len += size;
}

/* Lengthens the chain to `total` bytes: what the last mbuf has room for, then new ones.
 */
static bool grow(struct heap_call call, struct mbuf *m, size_t total)
{
	size_t have = mbuf_total(m), part;

	while (m->next)
		m = m->next;
	while (have < total) {
		part = mbuf_room_after(m);
		if (part == 0) {
			size_t wanted = total - have < MBUF_JUMBO_CLUSTER
						? total - have
						: MBUF_JUMBO_CLUSTER;
			m->next = mbuf_new_room(call, m->type, false, wanted);
			m = m->next;
			if (!m)
				return false;
			part = mbuf_room_after(m);
		}
		part = part < total - have ? part : total - have;
		append_zeros(m, part);
		have += part;
	}
	return true;
}

static void write_bytes(struct mbuf *m, size_t offset, size_t size, const void *from)
{
	const uint8_t *bytes = from;

	for (m = seek(m, &offset); m && size; m = m->next, offset = 0) {
		size_t part = m->len - offset < size ? m->len - offset : size;
		memcpy(m->data + offset, bytes, part);
		bytes += part;
		size -= part;
	}
}

/* What there was no memory for is missing at the end; the rest is written. */
int mbuf_copyback(struct mbuf *m, size_t offset, size_t size, const void *from,
		  uint32_t how)
{
	size_t total, end;
	bool has_grown;

	if (!m || !from || !size || __builtin_add_overflow(offset, size, &end) ||
	    end > INT_MAX)
		return XNU_EINVAL;
	has_grown = grow(MBUF_CALL(how), m, end);
	write_bytes(m, offset, size, from);
	total = mbuf_total(m);
	if (m->flags & MBUF_PKTHDR && m->header.len < (total < end ? total : end))
		m->header.len = total < end ? total : end;
	return has_grown ? 0 : XNU_ENOBUFS;
}
KPI(mbuf_copyback);

/* ---- copies ---- */

/* A copy of `size` bytes of one mbuf, by sharing its cluster unless `is_deep`. */
static struct mbuf *copy_one(struct heap_call call, const struct mbuf *m, size_t offset,
			     size_t size, bool has_header, bool is_deep)
{
	bool shares = m->flags & MBUF_EXT && !is_deep;
	struct mbuf *copy;

	if (size > MBUF_JUMBO_CLUSTER)
		shares = m->flags & MBUF_EXT;
	copy = shares ? mbuf_new(call, m->type, has_header)
		      : mbuf_new_room(call, m->type, has_header, size);
	if (!copy)
		return NULL;
	if (shares) {
		atomic_fetch_add(&m->cluster->references, 1);
		copy->cluster = m->cluster;
		copy->flags |= MBUF_EXT;
		copy->data = m->data + offset;
	} else {
		memcpy(copy->data, m->data + offset, size);
	}
	copy->len = size;
	return copy;
}

/* The copy's header is the original's but for its tags. */
static void copy_header(struct mbuf *copy, const struct mbuf *m, size_t size)
{
	copy->flags |= m->flags & MBUF_PUBLIC_FLAGS & ~(uint32_t)MBUF_EXT;
	copy->header = m->header;
	copy->header.tags = NULL;
	copy->header.len = size;
}

static int copy_chain(struct heap_call call, const struct mbuf *m, size_t offset,
		      size_t size, bool is_deep, struct mbuf **ret_copy)
{
	const struct mbuf *original = m;
	bool has_header = offset == 0 && m->flags & MBUF_PKTHDR;
	struct mbuf *first = NULL, **end = &first;
	size_t copied = 0;

	for (m = seek(m, &offset); m && copied < size; m = m->next, offset = 0) {
		size_t part =
			m->len - offset < size - copied ? m->len - offset : size - copied;
		*end = copy_one(call, m, offset, part, has_header && !first, is_deep);
		if (!*end)
			break;
		end = &(*end)->next;
		copied += part;
	}
	if (!first || (size != MBUF_COPYALL && copied < size) || (m && copied < size)) {
		mbuf_drop_chain(call, first);
		return XNU_ENOMEM;
	}
	if (has_header)
		copy_header(first, original, copied);
	*ret_copy = first;
	return 0;
}

int mbuf_copym(const struct mbuf *m, size_t offset, size_t size, uint32_t how,
	       struct mbuf **ret_copy)
{
	return copy_chain(MBUF_CALL(how), m, offset, size, false, ret_copy);
}
KPI(mbuf_copym);

int mbuf_dup(const struct mbuf *m, uint32_t how, struct mbuf **ret_copy)
{
	return copy_chain(MBUF_CALL(how), m, 0, MBUF_COPYALL, true, ret_copy);
}
KPI(mbuf_dup);

/* ---- cutting and joining ---- */

/* Takes up to `size` bytes off the front; emptied mbufs stay. Returns how many went. */
static size_t trim_front(struct mbuf *m, size_t size)
{
	size_t left = size;

	for (; m && left; m = m->next) {
		size_t part = m->len < left ? m->len : left;
		m->data += part;
		m->len -= part;
		left -= part;
	}
	return size - left;
}

/* Lets the chain have `total` bytes, all at its front. */
static void keep_front(struct mbuf *m, size_t total)
{
	for (; m; m = m->next) {
		m->len = m->len < total ? m->len : total;
		total -= m->len;
	}
}

void mbuf_adj(struct mbuf *m, int amount)
{
	size_t total, gone;

	if (!m)
		return;
	total = mbuf_total(m);
	if (amount >= 0) {
		gone = trim_front(m, (size_t)amount);
	} else {
		gone = (size_t) - (int64_t)amount < total ? (size_t) - (int64_t)amount
							  : total;
		keep_front(m, total - gone);
	}
	if (m->flags & MBUF_PKTHDR)
		m->header.len -= gone < m->header.len ? gone : m->header.len;
}
KPI(mbuf_adj);

struct mbuf *mbuf_concatenate(struct mbuf *to, struct mbuf *from)
{
	struct mbuf *end = to;

	while (end && end->next)
		end = end->next;
	if (end)
		end->next = from;
	return to;
}
KPI(mbuf_concatenate);

int mbuf_split(struct mbuf *m, size_t offset, uint32_t how, struct mbuf **ret_tail)
{
	size_t total = mbuf_total(m), inside = offset;
	struct mbuf *last = m, *tail;

	*ret_tail = NULL;
	if (offset > total)
		return XNU_ENOMEM;
	while (last->next && inside > last->len) {
		inside -= last->len;
		last = last->next;
	}
	tail = copy_one(MBUF_CALL(how), last, inside, last->len - inside,
			(m->flags & MBUF_PKTHDR) != 0, false);
	if (!tail)
		return XNU_ENOMEM;
	tail->next = last->next;
	last->next = NULL;
	last->len = inside;
	if (m->flags & MBUF_PKTHDR) {
		tail->header.interface = m->header.interface;
		tail->header.len = total - offset;
		m->header.len = offset;
	}
	*ret_tail = tail;
	return 0;
}
KPI(mbuf_split);

int mbuf_prepend(struct mbuf **mbuf, size_t size, uint32_t how)
{
	struct heap_call call = MBUF_CALL(how);
	struct mbuf *m = *mbuf, *first;

	if (mbuf_room_before(m) >= size) {
		m->data -= size;
		m->len += size;
		first = m;
	} else {
		first = mbuf_new_room(call, m->type, (m->flags & MBUF_PKTHDR) != 0, size);
		if (!first) {
			mbuf_drop_chain(call, m);
			*mbuf = NULL;
			return XNU_ENOMEM;
		}
		mbuf_move_header(call, first, m);
		first->data =
			mbuf_start(first) + ((mbuf_room(first) - size) & ~(size_t)3);
		first->len = size;
		first->next = m;
	}
	if (first->flags & MBUF_PKTHDR)
		first->header.len += size;
	*mbuf = first;
	return 0;
}
KPI(mbuf_prepend);

/* ---- contiguity ---- */

/* Takes `size` bytes off the front and frees what that empties. */
static struct mbuf *take_front(struct heap_call call, struct mbuf *m, size_t size)
{
	trim_front(m, size);
	while (m && m->len == 0)
		m = mbuf_drop(call, m);
	return m;
}

int mbuf_pullup(struct mbuf **mbuf, size_t size)
{
	struct heap_call call = MBUF_CALL(MBUF_DONTWAIT);
	struct mbuf *m = *mbuf, *first = NULL;

	if (size <= MBUF_MLEN && m->len >= size)
		return 0;
	if (size <= MBUF_MLEN && mbuf_total(m) >= size)
		first = mbuf_new_room(call, m->type, (m->flags & MBUF_PKTHDR) != 0, size);
	if (!first) {
		mbuf_drop_chain(call, m);
		*mbuf = NULL;
		return XNU_ENOMEM;
	}
	mbuf_move_header(call, first, m);
	first->next_packet = m->next_packet;
	(void)mbuf_read(m, 0, size, first->data);
	first->len = size;
	first->next = take_front(call, m, size);
	*mbuf = first;
	return 0;
}
KPI(mbuf_pullup);

/*
 * Puts the `size` bytes from byte `inside` of m on into an mbuf of their own behind it;
 * the caller knows that they are there. NULL without memory.
 */
static struct mbuf *gather(struct heap_call call, struct mbuf *m, size_t inside,
			   size_t size)
{
	struct mbuf *place = mbuf_new_room(call, m->type, false, size);
	size_t here = m->len - inside;

	if (!place)
		return NULL;
	(void)mbuf_read(m, inside, size, place->data);
	place->len = size;
	place->next = take_front(call, m->next, size - here);
	m->len = inside;
	m->next = place;
	return place;
}

int mbuf_pulldown(struct mbuf *m, size_t *offset, size_t size, struct mbuf **ret_place)
{
	struct heap_call call = MBUF_CALL(MBUF_DONTWAIT);
	size_t inside = *offset;
	struct mbuf *at = seek(m, &inside), *place = NULL;

	if (at && at->len - inside >= size) {
		*offset = inside;
		*ret_place = at;
		return 0;
	}
	if (at && mbuf_total(at) - inside >= size)
		place = gather(call, at, inside, size);
	*ret_place = place;
	if (!place) {
		mbuf_drop_chain(call, m);
		return XNU_ENOMEM;
	}
	*offset = 0;
	return 0;
}
KPI(mbuf_pulldown);
