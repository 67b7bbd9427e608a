/* Packets. Expected checksums are those of RFC 1071's way, computed by hand. */
#include "kpi.h"
#include <sys/errno.h>
#include <sys/kpi_mbuf.h>

static unsigned char bytes[6000];

static mbuf_t packet_of(size_t size)
{
	mbuf_t m = NULL;

	if (mbuf_allocpacket(MBUF_WAITOK, size, NULL, &m) ||
	    mbuf_copyback(m, 0, size, bytes, 0))
		CHECK("packet", 0);
	return m;
}

/* Whether the packet holds exactly `size` bytes of the pattern from `from` on. */
static int holds(mbuf_t m, size_t from, size_t size)
{
	static unsigned char copy[6000];
	char past;

	return mbuf_copydata(m, 0, size, copy) == 0 &&
	       !memcmp(copy, bytes + from, size) &&
	       mbuf_copydata(m, size, 1, &past) == EINVAL;
}

static int all_empty(mbuf_t m)
{
	for (; m; m = mbuf_next(m)) {
		if (mbuf_len(m))
			return 0;
	}
	return 1;
}

static void check_packet(void)
{
	mbuf_t m = NULL;
	char copy[20];
	unsigned int chunks = 1;

	CHECK("situation-40-lengths",
	      mbuf_allocpacket(MBUF_WAITOK, 3000, NULL, &m) == 0 && all_empty(m) &&
		      mbuf_pkthdr_len(m) == 0);
	CHECK("situation-40-copyback",
	      mbuf_copyback(m, 0, 3000, bytes, MBUF_WAITOK) == 0 &&
		      mbuf_pkthdr_len(m) == 3000);
	CHECK("situation-40-copydata", mbuf_copydata(m, 2990, 20, copy) == EINVAL);
	CHECK("copydata",
	      mbuf_copydata(m, 2980, 20, copy) == 0 && !memcmp(copy, bytes + 2980, 20));
	mbuf_adj(m, -1000);
	CHECK("situation-40-adj", mbuf_pkthdr_len(m) == 2000 && holds(m, 0, 2000));
	mbuf_adj(m, 100);
	CHECK("adj-front", mbuf_pkthdr_len(m) == 1900 && holds(m, 100, 1900));
	CHECK("situation-40-pullup", mbuf_pullup(&m, 300) == ENOMEM && m == NULL);
	CHECK("allocpacket-nothing",
	      mbuf_allocpacket(MBUF_WAITOK, 0, NULL, &m) == EINVAL);
	CHECK("allocpacket-chunks",
	      mbuf_allocpacket(MBUF_WAITOK, 20000, &chunks, &m) == ENOBUFS);
	chunks = 4;
	CHECK("allocpacket-large",
	      mbuf_allocpacket(MBUF_WAITOK, 20000, &chunks, &m) == 0 && chunks == 2);
	mbuf_freem(m);
	CHECK("allocpacket-list",
	      mbuf_allocpacket_list(3, MBUF_DONTWAIT, 100, NULL, &m) == 0 &&
		      mbuf_nextpkt(mbuf_nextpkt(m)));
	CHECK("freem-list", mbuf_freem_list(m) == 3);
}

static void check_single(void)
{
	mbuf_t m = NULL, n = NULL;

	CHECK("get", mbuf_get(MBUF_WAITOK, MBUF_TYPE_DATA, &m) == 0 && mbuf_len(m) == 0);
	CHECK("get-free", mbuf_get(MBUF_WAITOK, MBUF_TYPE_FREE, &n) == ENOMEM && !n);
	CHECK("maxlen", mbuf_maxlen(m) == mbuf_get_mlen() && mbuf_get_mlen() == 224 &&
				mbuf_get_mhlen() < 224 && mbuf_get_minclsize() > 224);
	CHECK("datastart", mbuf_data(m) == mbuf_datastart(m));
	mbuf_setlen(m, 24);
	CHECK("space", mbuf_leadingspace(m) == 0 && mbuf_trailingspace(m) == 200);
	CHECK("setdata", mbuf_setdata(m, (char *)mbuf_datastart(m) + 24, 100) == 0 &&
				 mbuf_leadingspace(m) == 24 &&
				 mbuf_trailingspace(m) == 100);
	CHECK("setdata-outside",
	      mbuf_setdata(m, (char *)mbuf_datastart(m) + 124, 101) == EINVAL);
	CHECK("adjustlen", mbuf_adjustlen(m, 100) == 0 && mbuf_len(m) == 200 &&
				   mbuf_adjustlen(m, 1) == EINVAL &&
				   mbuf_adjustlen(m, -201) == EINVAL);
	CHECK("align", mbuf_align_32(m, 30) == 0 && mbuf_leadingspace(m) == 192);
	CHECK("type", mbuf_settype(m, MBUF_TYPE_HEADER) == 0 &&
			      mbuf_type(m) == MBUF_TYPE_HEADER &&
			      mbuf_settype(m, MBUF_TYPE_FREE) == EINVAL);
	CHECK("gethdr", mbuf_gethdr(MBUF_WAITOK, MBUF_TYPE_DATA, &n) == 0 &&
				mbuf_maxlen(n) == mbuf_get_mhlen());
	CHECK("setnext", mbuf_setnext(m, n) == 0 && mbuf_next(m) == n);
	CHECK("free-gives-next", mbuf_free(m) == n);
	CHECK("getpacket", mbuf_getpacket(MBUF_WAITOK, &m) == 0 &&
				   mbuf_maxlen(m) == 2048 &&
				   mbuf_flags(m) == (MBUF_EXT | MBUF_PKTHDR));
	mbuf_setnextpkt(m, n);
	CHECK("nextpkt", mbuf_nextpkt(m) == n && mbuf_setnext(n, m) == EINVAL);
	CHECK("free-two", mbuf_freem_list(m) == 2);
}

static int freed;

static void free_mine(caddr_t base, u_int size, caddr_t argument)
{
	freed += base == (caddr_t)bytes && size == 1000 && argument == (caddr_t)&freed;
}

static void check_clusters(void)
{
	mbuf_t m = NULL, copy = NULL;
	size_t size = 3000;
	caddr_t base = NULL;
	addr64_t physical;

	CHECK("getcluster", mbuf_getcluster(MBUF_WAITOK, MBUF_TYPE_DATA, 4096, &m) == 0 &&
				    mbuf_maxlen(m) == 4096);
	CHECK("getcluster-size",
	      mbuf_getcluster(MBUF_WAITOK, MBUF_TYPE_DATA, 1000, &m) == EINVAL);
	physical = mbuf_data_to_physical((char *)mbuf_data(m) + 7);
	CHECK("data-to-physical",
	      physical % 4096 == 7 &&
		      mbuf_data_to_physical(mbuf_data(m)) == physical - 7 &&
		      mbuf_data_to_physical(&size) == 0);
	CHECK("mclget", mbuf_mclget(MBUF_WAITOK, MBUF_TYPE_DATA, &m) == 0 &&
				mbuf_maxlen(m) == 2048);
	mbuf_setlen(m, 2000);
	CHECK("copym-shares", mbuf_copym(m, 500, 1000, MBUF_WAITOK, &copy) == 0 &&
				      mbuf_data(copy) == (char *)mbuf_data(m) + 500 &&
				      mbuf_len(copy) == 1000 && mbuf_mclhasreference(m) &&
				      mbuf_trailingspace(m) == 0);
	mbuf_freem(copy);
	CHECK("shared-no-more", !mbuf_mclhasreference(m) && mbuf_trailingspace(m) == 48);
	CHECK("attachcluster",
	      mbuf_attachcluster(MBUF_WAITOK, MBUF_TYPE_DATA, &m, (caddr_t)bytes,
				 free_mine, 1000, (caddr_t)&freed) == 0 &&
		      mbuf_data(m) == bytes && mbuf_maxlen(m) == 1000);
	CHECK("not-freed-early", freed == 0);
	mbuf_freem(m);
	CHECK("attached-is-freed", freed == 1);
	CHECK("alloccluster",
	      mbuf_alloccluster(MBUF_WAITOK, &size, &base) == 0 && size == 4096 && base);
	mbuf_freecluster(base, size);
}

static void check_header(void)
{
	mbuf_t m = NULL, n = NULL;

	mbuf_get(MBUF_WAITOK, MBUF_TYPE_DATA, &m);
	mbuf_setlen(m, 10);
	CHECK("setflags-with-data", mbuf_setflags(m, MBUF_PKTHDR) == EBUSY);
	mbuf_setlen(m, 0);
	CHECK("setflags", mbuf_setflags(m, MBUF_PKTHDR | MBUF_EOR) == 0 &&
				  mbuf_flags(m) == (MBUF_PKTHDR | MBUF_EOR) &&
				  mbuf_maxlen(m) == mbuf_get_mhlen());
	CHECK("setflags-external", mbuf_setflags(m, MBUF_PKTHDR | MBUF_EXT) == EINVAL);
	CHECK("setflags-private", mbuf_setflags_mask(m, 0x80, 0x80) == EINVAL);
	CHECK("setflags-mask",
	      mbuf_setflags_mask(m, MBUF_MCAST, MBUF_MCAST | MBUF_EOR) == 0 &&
		      mbuf_flags(m) == (MBUF_PKTHDR | MBUF_MCAST));
	mbuf_pkthdr_setlen(m, 1ull << 40);
	CHECK("header-length-is-cut", mbuf_pkthdr_len(m) == 0x7fffffff);
	mbuf_pkthdr_setlen(m, 100);
	mbuf_pkthdr_adjustlen(m, -40);
	CHECK("header-length", mbuf_pkthdr_len(m) == 60);
	CHECK("interface", mbuf_pkthdr_setrcvif(m, (ifnet_t)bytes) == 0 &&
				   mbuf_pkthdr_rcvif(m) == (ifnet_t)bytes);
	mbuf_pkthdr_setheader(m, bytes + 1);
	CHECK("protocol-header", mbuf_pkthdr_header(m) == bytes + 1);
	mbuf_get(MBUF_WAITOK, MBUF_TYPE_DATA, &n);
	CHECK("copy-header", mbuf_copy_pkthdr(n, m) == 0 && mbuf_pkthdr_len(n) == 60 &&
				     mbuf_flags(n) & MBUF_MCAST);
	mbuf_freem(n);
	mbuf_get(MBUF_WAITOK, MBUF_TYPE_DATA, &n);
	CHECK("copy-no-header", mbuf_copy_pkthdr(m, n) == EINVAL);
	mbuf_freem(n);
	mbuf_freem(m);
}

static void check_offload(void)
{
	mbuf_t m = NULL, plain = NULL;
	u_int32_t flags = 1, value = 77;
	u_int16_t tag = 0;

	mbuf_gethdr(MBUF_WAITOK, MBUF_TYPE_DATA, &m);
	mbuf_get(MBUF_WAITOK, MBUF_TYPE_DATA, &plain);
	CHECK("vlan-unset", mbuf_get_vlan_tag(m, &tag) == ENXIO);
	CHECK("vlan", mbuf_set_vlan_tag(m, 42) == 0 && mbuf_get_vlan_tag(m, &tag) == 0 &&
			      tag == 42);
	CHECK("vlan-clear",
	      mbuf_clear_vlan_tag(m) == 0 && mbuf_get_vlan_tag(m, &tag) == ENXIO);
	CHECK("tso", mbuf_get_tso_requested(m, &flags, &value) == 0 && flags == 0 &&
			     value == 77);
	CHECK("tso-no-header", mbuf_get_tso_requested(plain, &flags, &value) == EINVAL &&
				       mbuf_get_tso_requested(m, &flags, NULL) == EINVAL);
	mbuf_set_csum_requested(m, MBUF_CSUM_REQ_TCP, 16);
	CHECK("csum-requested", mbuf_get_csum_requested(m, &flags, &value) == 0 &&
					flags == 2 && value == 16);
	mbuf_clear_csum_requested(m);
	mbuf_get_csum_requested(m, &flags, &value);
	CHECK("csum-cleared", flags == 0);
	mbuf_set_csum_performed(m, MBUF_CSUM_DID_IP | MBUF_CSUM_IP_GOOD, 5);
	CHECK("csum-performed", mbuf_get_csum_performed(m, &flags, &value) == 0 &&
					flags == 0x300 && value == 5);
	mbuf_inbound_modified(m);
	mbuf_get_csum_performed(m, &flags, &value);
	CHECK("csum-modified", flags == 0);
	mbuf_set_csum_performed(m, MBUF_CSUM_DID_IP, 0);
	mbuf_clear_csum_performed(m);
	mbuf_get_csum_performed(m, &flags, &value);
	CHECK("csum-performed-cleared", flags == 0);
	CHECK("traffic-class", mbuf_set_traffic_class(m, 3) == 0 &&
				       mbuf_get_traffic_class(m) == 3 &&
				       mbuf_set_traffic_class(m, 9) == EINVAL &&
				       !mbuf_is_traffic_class_privileged(m));
	mbuf_freem(m);
	mbuf_freem(plain);
}

static void check_tags(void)
{
	mbuf_t m = NULL, n = NULL;
	mbuf_tag_id_t id = 0, other = 0;
	void *data = NULL, *found = NULL;
	size_t size = 0;

	mbuf_gethdr(MBUF_WAITOK, MBUF_TYPE_DATA, &m);
	mbuf_gethdr(MBUF_WAITOK, MBUF_TYPE_DATA, &n);
	CHECK("tag-id", mbuf_tag_id_find("test.mbufs", &id) == 0 && id >= 1000 &&
				mbuf_tag_id_find("test.mbufs", &other) == 0 &&
				other == id);
	CHECK("tag-absent", mbuf_tag_find(m, id, 1, &size, &found) == ENOENT);
	CHECK("tag-allocate",
	      mbuf_tag_allocate(m, id, 1, 12, MBUF_WAITOK, &data) == 0 && data);
	CHECK("tag-twice",
	      mbuf_tag_allocate(m, id, 1, 12, MBUF_WAITOK, &found) == EEXIST);
	CHECK("tag-of-nobody",
	      mbuf_tag_allocate(m, 5, 1, 12, MBUF_WAITOK, &found) == EINVAL);
	CHECK("tag-moves", mbuf_copy_pkthdr(n, m) == 0 &&
				   mbuf_tag_find(m, id, 1, &size, &found) == ENOENT &&
				   mbuf_tag_find(n, id, 1, &size, &found) == 0 &&
				   size == 12 && found == data);
	mbuf_tag_free(n, id, 1);
	CHECK("tag-free", mbuf_tag_find(n, id, 1, &size, &found) == ENOENT);
	mbuf_tag_allocate(n, id, 2, 12, MBUF_WAITOK, &data);
	mbuf_freem(m);
	mbuf_freem(n);
}

static void check_chains(void)
{
	mbuf_t m = packet_of(5000), tail = NULL, copy = NULL, place = NULL;
	size_t offset = 2990;

	CHECK("dup", mbuf_dup(m, MBUF_WAITOK, &copy) == 0 && holds(copy, 0, 5000) &&
			     mbuf_pkthdr_len(copy) == 5000 && !mbuf_mclhasreference(m));
	mbuf_freem(copy);
	CHECK("copym-all", mbuf_copym(m, 0, MBUF_COPYALL, MBUF_WAITOK, &copy) == 0 &&
				   holds(copy, 0, 5000));
	mbuf_freem(copy);
	CHECK("split", mbuf_split(m, 3000, MBUF_WAITOK, &tail) == 0 &&
			       holds(m, 0, 3000) && holds(tail, 3000, 2000) &&
			       mbuf_pkthdr_len(m) == 3000 &&
			       mbuf_pkthdr_len(tail) == 2000);
	CHECK("concatenate", mbuf_concatenate(m, tail) == m && holds(m, 0, 5000));
	CHECK("pulldown",
	      mbuf_pulldown(m, &offset, 20, &place) == 0 &&
		      !memcmp((char *)mbuf_data(place) + offset, bytes + 2990, 20) &&
		      holds(m, 0, 5000));
	CHECK("pullup",
	      mbuf_pullup(&m, 60) == 0 && mbuf_len(m) >= 60 && holds(m, 0, 5000));
	mbuf_adj(m, 14);
	CHECK("prepend", mbuf_prepend(&m, 14, MBUF_WAITOK) == 0 && mbuf_len(m) >= 14);
	memcpy(mbuf_data(m), bytes, 14);
	CHECK("prepended", holds(m, 0, 5000));
	CHECK("prepend-new",
	      mbuf_prepend(&m, 200, MBUF_WAITOK) == 0 && mbuf_pkthdr_len(m) == 3200);
	CHECK("split-past", mbuf_split(m, 9999, MBUF_WAITOK, &tail) == ENOMEM && !tail);
	mbuf_freem(m);
	m = packet_of(50);
	CHECK("copyback-gap", mbuf_copyback(m, 300, 10, bytes, MBUF_DONTWAIT) == 0 &&
				      mbuf_pkthdr_len(m) == 310);
	CHECK("pullup-gathers", mbuf_pullup(&m, 150) == 0 && mbuf_len(m) >= 150 &&
					!memcmp(mbuf_data(m), bytes, 50) &&
					all_bytes((char *)mbuf_data(m) + 50, 0, 100));
	CHECK("pullup-short", mbuf_pullup(&m, 220) == 0 && m);
	mbuf_adj(m, 200);
	CHECK("pullup-too-short", mbuf_pullup(&m, 200) == ENOMEM && !m);
}

/* An IPv4 header and a UDP datagram, without their checksums. */
static const unsigned char datagram[] = {
	0x45, 0, 0, 0x20, 0,	0,    0x40, 0,	  0x40, 0x11, 0, 0, 10,	 0,   0,   1,
	10,   0, 0, 2,	  0x12, 0x34, 0,    0x35, 0,	12,   0, 0, 'a', 'b', 'c', 'd'};

static void check_sums(void)
{
	mbuf_t m = NULL;
	unsigned char got[32];
	u_int16_t sum = 0;

	mbuf_gethdr(MBUF_WAITOK, MBUF_TYPE_DATA, &m);
	mbuf_copyback(m, 0, sizeof(datagram), datagram, MBUF_WAITOK);
	/* 4500+0020+4000+4011+0a00+0001+0a00+0002 = d934; its complement is 26cb. */
	CHECK("inet-cksum", mbuf_inet_cksum(m, 0, 0, 20, &sum) == 0 && sum == 0xcb26);
	/* 1234+0035+000c+6162+6364 = d73b; with 0a00+0001+0a00+0002+0011+000c eb5b. */
	CHECK("inet-cksum-udp",
	      mbuf_inet_cksum(m, 17, 20, 12, &sum) == 0 && sum == 0xa414);
	CHECK("inet-cksum-past", mbuf_inet_cksum(m, 0, 20, 13, &sum) == EINVAL);
	/* The stack leaves the pseudo header's sum, 1420, in the field. */
	mbuf_copyback(m, 26, 2, "\x14\x20", MBUF_WAITOK);
	mbuf_set_csum_requested(m, MBUF_CSUM_REQ_IP | MBUF_CSUM_REQ_UDP, 6);
	mbuf_outbound_finalize(m, 2, 0);
	mbuf_copydata(m, 0, 32, got);
	CHECK("finalize-ip", got[10] == 0x26 && got[11] == 0xcb);
	CHECK("finalize-udp", got[26] == 0x14 && got[27] == 0xa4);
	CHECK("finalized", mbuf_inet_cksum(m, 0, 0, 20, &sum) == 0 && sum == 0);
	mbuf_freem(m);
	/* Bytes 40 to 43: 2829+2a2b = 5254; its complement is adab. */
	m = packet_of(60);
	CHECK("inet6-cksum", mbuf_inet6_cksum(m, 0, 40, 4, &sum) == 0 && sum == 0xabad);
	mbuf_freem(m);
}

void check(void)
{
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i % 251);
	check_packet();
	check_single();
	check_clusters();
	check_header();
	check_offload();
	check_tags();
	check_chains();
	check_sums();
}
