/*
 * mbufs as the kernel's own files see them; kexts know them by pointer only. Numbers of
 * types and flags, and the sizes below, are Darwin's.
 */
#ifndef KERNEL_BSD_MBUF_H
#define KERNEL_BSD_MBUF_H

#include "kernel/bsd/bsd.h"
#include "kernel/osfmk/kheap.h"

enum { MBUF_WAITOK = 0, MBUF_DONTWAIT = 1 };
enum {
	MBUF_TYPE_FREE = 0,
	MBUF_TYPE_DATA = 1,
	MBUF_TYPE_HEADER = 2,
	MBUF_TYPE_MAX = 255
};
enum { MBUF_EXT = 1, MBUF_PKTHDR = 2, MBUF_PUBLIC_FLAGS = 0x7f47 };
/* Bytes inside an mbuf, without and with a packet header; of clusters; when to use one.
 */
enum {
	MBUF_MLEN = 224,
	MBUF_MHLEN = 88,
	MBUF_CLUSTER = 2048,
	MBUF_BIG_CLUSTER = 4096,
	MBUF_JUMBO_CLUSTER = 16384,
	MBUF_MINCLSIZE = MBUF_MHLEN + MBUF_MLEN,
};
#define MBUF_COPYALL 1000000000u

/* What mbufs share: a cluster, or memory that a driver brought along. */
struct mbuf_cluster {
	_Atomic int references;
	uint8_t *base;
	size_t size;
	void (*free)(void *base, unsigned size, void *argument); /* NULL: ours */
	void *argument;
};

struct mbuf_tag {
	struct mbuf_tag *next;
	uint32_t id;
	uint16_t type;
	size_t size;
	uint8_t data[];
};

struct mbuf_header {
	size_t len;
	void *interface, *protocol_header;
	struct mbuf_tag *tags;
	uint32_t checksum_flags, checksum_value;
	uint32_t tso_flags, tso_size;
	uint16_t vlan_tag;
	bool has_vlan_tag;
	uint32_t traffic_class;
};

struct mbuf {
	struct mbuf *next, *next_packet;
	uint8_t *data;
	size_t len;
	uint32_t type, flags;
	struct mbuf_cluster *cluster; /* with MBUF_EXT */
	struct mbuf_header header;    /* with MBUF_PKTHDR */
	uint32_t inside_start;	      /* where the room inside begins */
	uint8_t inside[MBUF_MLEN];
};

/* ---- mbuf.c: single mbufs. Calls name the kext on whose behalf. ---- */
#define MBUF_CALL(how)                                                                   \
	((struct heap_call){__func__, __builtin_return_address(0),                       \
			    (how) == MBUF_DONTWAIT})
#define MBUF_FREE_CALL ((struct heap_call){__func__, __builtin_return_address(0), true})

struct mbuf *mbuf_new(struct heap_call call, uint32_t type, bool has_header);
/* With a new cluster of `size`, one of the three. */
struct mbuf *mbuf_new_cluster(struct heap_call call, uint32_t type, bool has_header,
			      size_t size);
/* With room for `size` bytes at the least; NULL also beyond the largest cluster. */
struct mbuf *mbuf_new_room(struct heap_call call, uint32_t type, bool has_header,
			   size_t size);
/* Gives an mbuf a cluster in place of its present room. */
bool mbuf_add_cluster(struct heap_call call, struct mbuf *m, size_t size);
/* Frees one mbuf and returns the next of its packet. */
struct mbuf *mbuf_drop(struct heap_call call, struct mbuf *m);
/* Frees a packet. */
void mbuf_drop_chain(struct heap_call call, struct mbuf *m);
bool mbuf_is_shared(const struct mbuf *m);
uint8_t *mbuf_start(const struct mbuf *m);
size_t mbuf_room(const struct mbuf *m); /* from mbuf_start */
size_t mbuf_room_after(const struct mbuf *m);
size_t mbuf_room_before(const struct mbuf *m);
size_t mbuf_total(const struct mbuf *m); /* bytes of the packet, counted */

/* ---- mbuf_packet.c, mbuf_tag.c ---- */
/* Hands the header over, its tags included; `from` has none afterwards. */
void mbuf_move_header(struct heap_call call, struct mbuf *to, struct mbuf *from);
void mbuf_drop_tags(struct heap_call call, struct mbuf *m);

/* ---- mbuf_chain.c ---- */
/* Copies bytes out; false when there are fewer. */
bool mbuf_read(const struct mbuf *m, size_t offset, size_t size, void *to);

/* ---- net_string.c ---- */
/*
 * The number of a name, the same for everybody and never another's: 1000 and up. 0, or an
 * XNU_ errno. *ret_last: the highest given so far.
 */
int net_string_id(const char *name, uint32_t *ret_id);
bool net_string_is_known(uint32_t id);

#endif
