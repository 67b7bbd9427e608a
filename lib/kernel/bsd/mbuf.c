/*
 * Single mbufs: where their bytes are, how much room is around them, and whom a cluster
 * belongs to. Every record and cluster is a block of the kernel heap, so that what a kext
 * leaves behind is reported like other memory.
 */
#include <string.h>
#include "kernel/bsd/mbuf.h"
#include "kernel/osfmk/physical.h"

int mbuf_get(uint32_t how, uint32_t type, struct mbuf **ret_mbuf);
int mbuf_gethdr(uint32_t how, uint32_t type, struct mbuf **ret_mbuf);
int mbuf_getpacket(uint32_t how, struct mbuf **ret_mbuf);
int mbuf_getcluster(uint32_t how, uint32_t type, size_t size, struct mbuf **mbuf);
int mbuf_mclget(uint32_t how, uint32_t type, struct mbuf **mbuf);
int mbuf_attachcluster(uint32_t how, uint32_t type, struct mbuf **mbuf, void *base,
		       void (*free)(void *base, unsigned size, void *argument),
		       size_t size, void *argument);
int mbuf_alloccluster(uint32_t how, size_t *size, void **ret_base);
void mbuf_freecluster(void *base, size_t size);
struct mbuf *mbuf_free(struct mbuf *m);
void mbuf_freem(struct mbuf *m);
int mbuf_freem_list(struct mbuf *m);
void *mbuf_data(struct mbuf *m);
void *mbuf_datastart(struct mbuf *m);
size_t mbuf_len(const struct mbuf *m);
void mbuf_setlen(struct mbuf *m, size_t len);
size_t mbuf_maxlen(const struct mbuf *m);
size_t mbuf_leadingspace(const struct mbuf *m);
size_t mbuf_trailingspace(const struct mbuf *m);
int mbuf_setdata(struct mbuf *m, void *data, size_t len);
int mbuf_align_32(struct mbuf *m, size_t len);
int mbuf_adjustlen(struct mbuf *m, int amount);
struct mbuf *mbuf_next(const struct mbuf *m);
int mbuf_setnext(struct mbuf *m, struct mbuf *next);
struct mbuf *mbuf_nextpkt(const struct mbuf *m);
void mbuf_setnextpkt(struct mbuf *m, struct mbuf *next);
uint32_t mbuf_type(const struct mbuf *m);
int mbuf_settype(struct mbuf *m, uint32_t type);
int mbuf_mclhasreference(struct mbuf *m);
uint64_t mbuf_data_to_physical(void *data);
uint32_t mbuf_get_mlen(void);
uint32_t mbuf_get_mhlen(void);
uint32_t mbuf_get_minclsize(void);

/* ---- room ---- */

bool mbuf_is_shared(const struct mbuf *m)
{
	return m->flags & MBUF_EXT && atomic_load(&m->cluster->references) > 1;
}

uint8_t *mbuf_start(const struct mbuf *m)
{
	if (m->flags & MBUF_EXT)
		return m->cluster->base;
	return (uint8_t *)m->inside + m->inside_start;
}

size_t mbuf_room(const struct mbuf *m)
{
	return m->flags & MBUF_EXT ? m->cluster->size : MBUF_MLEN - m->inside_start;
}

/* What is shared is not written to. */
size_t mbuf_room_before(const struct mbuf *m)
{
	return mbuf_is_shared(m) ? 0 : (size_t)(m->data - mbuf_start(m));
}

size_t mbuf_room_after(const struct mbuf *m)
{
	size_t used = (size_t)(m->data - mbuf_start(m)) + m->len;

	return mbuf_is_shared(m) || used > mbuf_room(m) ? 0 : mbuf_room(m) - used;
}

size_t mbuf_total(const struct mbuf *m)
{
	size_t total = 0;

	for (; m; m = m->next)
		total += m->len;
	return total;
}

/* ---- life ---- */

struct mbuf *mbuf_new(struct heap_call call, uint32_t type, bool has_header)
{
	struct mbuf *m;

	if (type == MBUF_TYPE_FREE || type > MBUF_TYPE_MAX)
		return NULL;
	m = kheap_alloc(call, HEAP_MBUF, sizeof(*m), 0, false);
	if (!m)
		return NULL;
	memset(m, 0, offsetof(struct mbuf, inside));
	m->type = type;
	m->flags = has_header ? MBUF_PKTHDR : 0;
	m->inside_start = has_header ? MBUF_MLEN - MBUF_MHLEN : 0;
	m->data = mbuf_start(m);
	return m;
}

/* Clusters lie at multiples of their size: a pointer into one leads to its start. */
static void *new_bytes(struct heap_call call, size_t size)
{
	return kheap_alloc(call, HEAP_CLUSTER, size, size, false);
}

static void drop_bytes(struct heap_call call, void *base, size_t size)
{
	physical_release(base);
	kheap_free(call, HEAP_CLUSTER, base, size);
}

static void drop_cluster(struct heap_call call, struct mbuf *m)
{
	struct mbuf_cluster *cluster = m->cluster;

	m->flags &= ~(uint32_t)MBUF_EXT;
	m->cluster = NULL;
	if (atomic_fetch_sub(&cluster->references, 1) > 1)
		return;
	if (cluster->free)
		cluster->free(cluster->base, (unsigned)cluster->size, cluster->argument);
	else
		drop_bytes(call, cluster->base, cluster->size);
	kheap_free(call, HEAP_MBUF, cluster, sizeof(*cluster));
}

static bool attach(struct heap_call call, struct mbuf *m, struct mbuf_cluster content)
{
	struct mbuf_cluster *cluster =
		kheap_alloc(call, HEAP_MBUF, sizeof(*cluster), 0, true);

	if (!cluster)
		return false;
	if (m->flags & MBUF_EXT)
		drop_cluster(call, m);
	cluster->references = 1;
	cluster->base = content.base;
	cluster->size = content.size;
	cluster->free = content.free;
	cluster->argument = content.argument;
	m->cluster = cluster;
	m->flags |= MBUF_EXT;
	m->data = cluster->base;
	m->len = 0;
	return true;
}

bool mbuf_add_cluster(struct heap_call call, struct mbuf *m, size_t size)
{
	void *base = new_bytes(call, size);

	if (base && attach(call, m, (struct mbuf_cluster){.base = base, .size = size}))
		return true;
	kheap_free(call, HEAP_CLUSTER, base, size);
	return false;
}

struct mbuf *mbuf_new_cluster(struct heap_call call, uint32_t type, bool has_header,
			      size_t size)
{
	struct mbuf *m = mbuf_new(call, type, has_header);

	if (m && !mbuf_add_cluster(call, m, size)) {
		mbuf_drop(call, m);
		m = NULL;
	}
	return m;
}

/* The smallest cluster for `size` bytes, or 0. */
static size_t cluster_size(size_t size)
{
	return size <= MBUF_CLUSTER	    ? MBUF_CLUSTER
	       : size <= MBUF_BIG_CLUSTER   ? MBUF_BIG_CLUSTER
	       : size <= MBUF_JUMBO_CLUSTER ? MBUF_JUMBO_CLUSTER
					    : 0;
}

struct mbuf *mbuf_new_room(struct heap_call call, uint32_t type, bool has_header,
			   size_t size)
{
	if (size <= (size_t)(has_header ? MBUF_MHLEN : MBUF_MLEN))
		return mbuf_new(call, type, has_header);
	if (!cluster_size(size))
		return NULL;
	return mbuf_new_cluster(call, type, has_header, cluster_size(size));
}

struct mbuf *mbuf_drop(struct heap_call call, struct mbuf *m)
{
	struct mbuf *next;

	if (!m)
		return NULL;
	next = m->next;
	mbuf_drop_tags(call, m);
	if (m->flags & MBUF_EXT)
		drop_cluster(call, m);
	kheap_free(call, HEAP_MBUF, m, sizeof(*m));
	return next;
}

void mbuf_drop_chain(struct heap_call call, struct mbuf *m)
{
	while (m)
		m = mbuf_drop(call, m);
}

struct mbuf *mbuf_free(struct mbuf *m)
{
	return mbuf_drop(MBUF_FREE_CALL, m);
}
KPI(mbuf_free);

void mbuf_freem(struct mbuf *m)
{
	mbuf_drop_chain(MBUF_FREE_CALL, m);
}
KPI(mbuf_freem);

/* Frees all packets and says how many there were. */
int mbuf_freem_list(struct mbuf *m)
{
	int count = 0;

	for (struct mbuf *next; m; m = next, count++) {
		next = m->next_packet;
		mbuf_drop_chain(MBUF_FREE_CALL, m);
	}
	return count;
}
KPI(mbuf_freem_list);

/* ---- allocation as kexts ask for it ---- */

int mbuf_get(uint32_t how, uint32_t type, struct mbuf **ret_mbuf)
{
	*ret_mbuf = mbuf_new(MBUF_CALL(how), type, false);
	return *ret_mbuf ? 0 : XNU_ENOMEM;
}
KPI(mbuf_get);

int mbuf_gethdr(uint32_t how, uint32_t type, struct mbuf **ret_mbuf)
{
	*ret_mbuf = mbuf_new(MBUF_CALL(how), type, true);
	return *ret_mbuf ? 0 : XNU_ENOMEM;
}
KPI(mbuf_gethdr);

int mbuf_getpacket(uint32_t how, struct mbuf **ret_mbuf)
{
	*ret_mbuf = mbuf_new_cluster(MBUF_CALL(how), MBUF_TYPE_DATA, true, MBUF_CLUSTER);
	if (*ret_mbuf)
		return 0;
	return how == MBUF_DONTWAIT ? XNU_EWOULDBLOCK : XNU_ENOMEM;
}
KPI(mbuf_getpacket);

/* Without an mbuf to give the cluster to, a new one. */
static int get_cluster(struct heap_call call, uint32_t type, size_t size,
		       struct mbuf **mbuf)
{
	if (*mbuf)
		return mbuf_add_cluster(call, *mbuf, size) ? 0 : XNU_ENOMEM;
	*mbuf = mbuf_new_cluster(call, type, false, size);
	return *mbuf ? 0 : XNU_ENOMEM;
}

int mbuf_getcluster(uint32_t how, uint32_t type, size_t size, struct mbuf **mbuf)
{
	if (!mbuf || !size || cluster_size(size) != size)
		return XNU_EINVAL;
	return get_cluster(MBUF_CALL(how), type, size, mbuf);
}
KPI(mbuf_getcluster);

int mbuf_mclget(uint32_t how, uint32_t type, struct mbuf **mbuf)
{
	if (!mbuf)
		return XNU_EINVAL;
	return get_cluster(MBUF_CALL(how), type, MBUF_CLUSTER, mbuf);
}
KPI(mbuf_mclget);

int mbuf_attachcluster(uint32_t how, uint32_t type, struct mbuf **mbuf, void *base,
		       void (*free)(void *base, unsigned size, void *argument),
		       size_t size, void *argument)
{
	struct heap_call call = MBUF_CALL(how);
	struct mbuf *m;

	if (!mbuf || !base || !free || !size || size > UINT32_MAX)
		return XNU_EINVAL;
	m = *mbuf ? *mbuf : mbuf_new(call, type, false);
	if (!m)
		return XNU_ENOMEM;
	if (!attach(call, m, (struct mbuf_cluster){0, base, size, free, argument})) {
		if (!*mbuf)
			mbuf_drop(call, m);
		return XNU_ENOMEM;
	}
	*mbuf = m;
	return 0;
}
KPI(mbuf_attachcluster);

int mbuf_alloccluster(uint32_t how, size_t *size, void **ret_base)
{
	if (!size || !*size || !ret_base || !cluster_size(*size))
		return XNU_EINVAL;
	*ret_base = new_bytes(MBUF_CALL(how), cluster_size(*size));
	if (!*ret_base)
		return XNU_ENOMEM;
	*size = cluster_size(*size);
	return 0;
}
KPI(mbuf_alloccluster);

void mbuf_freecluster(void *base, size_t size)
{
	drop_bytes(MBUF_FREE_CALL, base, size);
}
KPI(mbuf_freecluster);

/* ---- fields ---- */

void *mbuf_data(struct mbuf *m)
{
	return m->data;
}
KPI(mbuf_data);

void *mbuf_datastart(struct mbuf *m)
{
	return mbuf_start(m);
}
KPI(mbuf_datastart);

size_t mbuf_len(const struct mbuf *m)
{
	return m->len;
}
KPI(mbuf_len);

void mbuf_setlen(struct mbuf *m, size_t len)
{
	m->len = len;
}
KPI(mbuf_setlen);

size_t mbuf_maxlen(const struct mbuf *m)
{
	return mbuf_room(m);
}
KPI(mbuf_maxlen);

size_t mbuf_leadingspace(const struct mbuf *m)
{
	return mbuf_room_before(m);
}
KPI(mbuf_leadingspace);

size_t mbuf_trailingspace(const struct mbuf *m)
{
	return mbuf_room_after(m);
}
KPI(mbuf_trailingspace);

int mbuf_setdata(struct mbuf *m, void *data, size_t len)
{
	size_t offset = (size_t)((uint8_t *)data - mbuf_start(m));

	if (offset > mbuf_room(m) || len > mbuf_room(m) - offset)
		return XNU_EINVAL;
	m->data = data;
	m->len = len;
	return 0;
}
KPI(mbuf_setdata);

/* Puts the data so that `len` bytes end on a multiple of four near the end of the room.
 */
int mbuf_align_32(struct mbuf *m, size_t len)
{
	if (mbuf_is_shared(m) || len > mbuf_room(m))
		return XNU_ENOTSUP;
	m->data = mbuf_start(m) + ((mbuf_room(m) - len) & ~(size_t)3);
	return 0;
}
KPI(mbuf_align_32);

int mbuf_adjustlen(struct mbuf *m, int amount)
{
	size_t used = (size_t)(m->data - mbuf_start(m)) + m->len;

	if (amount > 0 && (used > mbuf_room(m) || (size_t)amount > mbuf_room(m) - used))
		return XNU_EINVAL;
	if (amount < 0 && (size_t) - (int64_t)amount > m->len)
		return XNU_EINVAL;
	m->len += (size_t)(int64_t)amount;
	return 0;
}
KPI(mbuf_adjustlen);

struct mbuf *mbuf_next(const struct mbuf *m)
{
	return m->next;
}
KPI(mbuf_next);

int mbuf_setnext(struct mbuf *m, struct mbuf *next)
{
	if (next && (next->next_packet || next->type == MBUF_TYPE_FREE))
		return XNU_EINVAL;
	m->next = next;
	return 0;
}
KPI(mbuf_setnext);

struct mbuf *mbuf_nextpkt(const struct mbuf *m)
{
	return m->next_packet;
}
KPI(mbuf_nextpkt);

void mbuf_setnextpkt(struct mbuf *m, struct mbuf *next)
{
	m->next_packet = next;
}
KPI(mbuf_setnextpkt);

uint32_t mbuf_type(const struct mbuf *m)
{
	return m->type;
}
KPI(mbuf_type);

int mbuf_settype(struct mbuf *m, uint32_t type)
{
	if (type == MBUF_TYPE_FREE || type > MBUF_TYPE_MAX)
		return XNU_EINVAL;
	m->type = type;
	return 0;
}
KPI(mbuf_settype);

int mbuf_mclhasreference(struct mbuf *m)
{
	return mbuf_is_shared(m);
}
KPI(mbuf_mclhasreference);

/* Of the cluster that `data` points into; 0 for what is in none. */
uint64_t mbuf_data_to_physical(void *data)
{
	static const size_t sizes[] = {MBUF_CLUSTER, MBUF_BIG_CLUSTER,
				       MBUF_JUMBO_CLUSTER};

	for (int i = 0; i < 3; i++) {
		uintptr_t offset = (uintptr_t)data & (sizes[i] - 1);
		uint8_t *base = (uint8_t *)data - offset;

		if (kheap_size(HEAP_CLUSTER, base) == sizes[i]) {
			uint64_t physical = physical_of(base);
			if (!physical)
				physical = physical_assign(base, sizes[i], sizes[i]);
			return physical ? physical + offset : 0;
		}
	}
	return 0;
}
KPI(mbuf_data_to_physical);

uint32_t mbuf_get_mlen(void)
{
	return MBUF_MLEN;
}
KPI(mbuf_get_mlen);

uint32_t mbuf_get_mhlen(void)
{
	return MBUF_MHLEN;
}
KPI(mbuf_get_mhlen);

uint32_t mbuf_get_minclsize(void)
{
	return MBUF_MINCLSIZE;
}
KPI(mbuf_get_minclsize);
