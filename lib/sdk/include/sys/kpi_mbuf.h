/* Packets: mbufs and what may be done with them. */
#ifndef _SDK_SYS_KPI_MBUF_H_
#define _SDK_SYS_KPI_MBUF_H_

#include <sys/kernel_types.h>
#include <sys/types.h>

struct __mbuf;
struct __ifnet;
typedef struct __mbuf *mbuf_t;
typedef struct __ifnet *ifnet_t;
typedef uint64_t addr64_t;

enum {
	MBUF_EXT = 0x0001,
	MBUF_PKTHDR = 0x0002,
	MBUF_EOR = 0x0004,
	MBUF_LOOP = 0x0040,
	MBUF_BCAST = 0x0100,
	MBUF_MCAST = 0x0200,
	MBUF_FRAG = 0x0400,
	MBUF_FIRSTFRAG = 0x0800,
	MBUF_LASTFRAG = 0x1000,
	MBUF_PROMISC = 0x2000,
	MBUF_HASFCS = 0x4000,
};
typedef uint32_t mbuf_flags_t;
enum {
	MBUF_TYPE_FREE = 0,
	MBUF_TYPE_DATA = 1,
	MBUF_TYPE_HEADER = 2,
	MBUF_TYPE_SONAME = 8,
	MBUF_TYPE_CONTROL = 14,
	MBUF_TYPE_OOBDATA = 15,
};
typedef uint32_t mbuf_type_t;
enum { MBUF_WAITOK = 0, MBUF_DONTWAIT = 1 };
typedef uint32_t mbuf_how_t;
enum {
	MBUF_CSUM_REQ_IP = 0x0001,
	MBUF_CSUM_REQ_TCP = 0x0002,
	MBUF_CSUM_REQ_UDP = 0x0004,
	MBUF_CSUM_REQ_TCPIPV6 = 0x0020,
	MBUF_CSUM_REQ_UDPIPV6 = 0x0040,
};
typedef uint32_t mbuf_csum_request_flags_t;
enum {
	MBUF_CSUM_DID_IP = 0x0100,
	MBUF_CSUM_IP_GOOD = 0x0200,
	MBUF_CSUM_DID_DATA = 0x0400,
	MBUF_CSUM_PSEUDO_HDR = 0x0800,
};
typedef uint32_t mbuf_csum_performed_flags_t;
enum { MBUF_TSO_IPV4 = 0x100000, MBUF_TSO_IPV6 = 0x200000 };
typedef uint32_t mbuf_tso_request_flags_t;
typedef uint32_t mbuf_traffic_class_t;
typedef uint32_t mbuf_tag_id_t;
typedef uint16_t mbuf_tag_type_t;
#define MBUF_COPYALL 1000000000

__BEGIN_DECLS
void *mbuf_data(mbuf_t mbuf);
void *mbuf_datastart(mbuf_t mbuf);
errno_t mbuf_setdata(mbuf_t mbuf, void *data, size_t len);
errno_t mbuf_align_32(mbuf_t mbuf, size_t len);
addr64_t mbuf_data_to_physical(void *data);
errno_t mbuf_get(mbuf_how_t how, mbuf_type_t type, mbuf_t *mbuf);
errno_t mbuf_gethdr(mbuf_how_t how, mbuf_type_t type, mbuf_t *mbuf);
errno_t mbuf_getpacket(mbuf_how_t how, mbuf_t *mbuf);
errno_t mbuf_getcluster(mbuf_how_t how, mbuf_type_t type, size_t size, mbuf_t *mbuf);
errno_t mbuf_mclget(mbuf_how_t how, mbuf_type_t type, mbuf_t *mbuf);
errno_t mbuf_attachcluster(mbuf_how_t how, mbuf_type_t type, mbuf_t *mbuf, caddr_t base,
			   void (*free)(caddr_t base, u_int size, caddr_t argument),
			   size_t size, caddr_t argument);
errno_t mbuf_alloccluster(mbuf_how_t how, size_t *size, caddr_t *base);
void mbuf_freecluster(caddr_t base, size_t size);
errno_t mbuf_allocpacket(mbuf_how_t how, size_t len, unsigned int *chunks, mbuf_t *mbuf);
errno_t mbuf_allocpacket_list(unsigned int count, mbuf_how_t how, size_t len,
			      unsigned int *chunks, mbuf_t *mbuf);
mbuf_t mbuf_free(mbuf_t mbuf);
void mbuf_freem(mbuf_t mbuf);
int mbuf_freem_list(mbuf_t mbuf);
size_t mbuf_leadingspace(mbuf_t mbuf);
size_t mbuf_trailingspace(mbuf_t mbuf);
size_t mbuf_len(mbuf_t mbuf);
void mbuf_setlen(mbuf_t mbuf, size_t len);
size_t mbuf_maxlen(mbuf_t mbuf);
errno_t mbuf_adjustlen(mbuf_t mbuf, int amount);
int mbuf_mclhasreference(mbuf_t mbuf);
mbuf_t mbuf_next(mbuf_t mbuf);
errno_t mbuf_setnext(mbuf_t mbuf, mbuf_t next);
mbuf_t mbuf_nextpkt(mbuf_t mbuf);
void mbuf_setnextpkt(mbuf_t mbuf, mbuf_t next);
mbuf_type_t mbuf_type(mbuf_t mbuf);
errno_t mbuf_settype(mbuf_t mbuf, mbuf_type_t type);
mbuf_flags_t mbuf_flags(mbuf_t mbuf);
errno_t mbuf_setflags(mbuf_t mbuf, mbuf_flags_t flags);
errno_t mbuf_setflags_mask(mbuf_t mbuf, mbuf_flags_t flags, mbuf_flags_t mask);
errno_t mbuf_copy_pkthdr(mbuf_t to, mbuf_t from);
size_t mbuf_pkthdr_len(mbuf_t mbuf);
void mbuf_pkthdr_setlen(mbuf_t mbuf, size_t len);
void mbuf_pkthdr_adjustlen(mbuf_t mbuf, int amount);
ifnet_t mbuf_pkthdr_rcvif(mbuf_t mbuf);
errno_t mbuf_pkthdr_setrcvif(mbuf_t mbuf, ifnet_t interface);
void *mbuf_pkthdr_header(mbuf_t mbuf);
void mbuf_pkthdr_setheader(mbuf_t mbuf, void *header);
errno_t mbuf_copydata(mbuf_t mbuf, size_t offset, size_t len, void *to);
errno_t mbuf_copyback(mbuf_t mbuf, size_t offset, size_t len, const void *from,
		      mbuf_how_t how);
errno_t mbuf_copym(mbuf_t mbuf, size_t offset, size_t len, mbuf_how_t how, mbuf_t *copy);
errno_t mbuf_dup(mbuf_t mbuf, mbuf_how_t how, mbuf_t *copy);
errno_t mbuf_split(mbuf_t mbuf, size_t offset, mbuf_how_t how, mbuf_t *tail);
errno_t mbuf_prepend(mbuf_t *mbuf, size_t len, mbuf_how_t how);
errno_t mbuf_pullup(mbuf_t *mbuf, size_t len);
errno_t mbuf_pulldown(mbuf_t mbuf, size_t *offset, size_t len, mbuf_t *location);
void mbuf_adj(mbuf_t mbuf, int amount);
mbuf_t mbuf_concatenate(mbuf_t to, mbuf_t from);
errno_t mbuf_inet_cksum(mbuf_t mbuf, int protocol, u_int32_t offset, u_int32_t len,
			u_int16_t *sum);
errno_t mbuf_inet6_cksum(mbuf_t mbuf, int protocol, u_int32_t offset, u_int32_t len,
			 u_int16_t *sum);
void mbuf_outbound_finalize(mbuf_t mbuf, u_int32_t family, size_t offset);
void mbuf_inbound_modified(mbuf_t mbuf);
errno_t mbuf_set_vlan_tag(mbuf_t mbuf, u_int16_t tag);
errno_t mbuf_get_vlan_tag(mbuf_t mbuf, u_int16_t *tag);
errno_t mbuf_clear_vlan_tag(mbuf_t mbuf);
errno_t mbuf_get_tso_requested(mbuf_t mbuf, mbuf_tso_request_flags_t *request,
			       u_int32_t *value);
errno_t mbuf_set_csum_requested(mbuf_t mbuf, mbuf_csum_request_flags_t request,
				u_int32_t value);
errno_t mbuf_get_csum_requested(mbuf_t mbuf, mbuf_csum_request_flags_t *request,
				u_int32_t *value);
errno_t mbuf_clear_csum_requested(mbuf_t mbuf);
errno_t mbuf_set_csum_performed(mbuf_t mbuf, mbuf_csum_performed_flags_t performed,
				u_int32_t value);
errno_t mbuf_get_csum_performed(mbuf_t mbuf, mbuf_csum_performed_flags_t *performed,
				u_int32_t *value);
errno_t mbuf_clear_csum_performed(mbuf_t mbuf);
mbuf_traffic_class_t mbuf_get_traffic_class(mbuf_t mbuf);
errno_t mbuf_set_traffic_class(mbuf_t mbuf, mbuf_traffic_class_t class_);
int mbuf_is_traffic_class_privileged(mbuf_t mbuf);
errno_t mbuf_tag_id_find(const char *name, mbuf_tag_id_t *id);
errno_t mbuf_tag_allocate(mbuf_t mbuf, mbuf_tag_id_t id, mbuf_tag_type_t type, size_t len,
			  mbuf_how_t how, void **data);
errno_t mbuf_tag_find(mbuf_t mbuf, mbuf_tag_id_t id, mbuf_tag_type_t type, size_t *len,
		      void **data);
void mbuf_tag_free(mbuf_t mbuf, mbuf_tag_id_t id, mbuf_tag_type_t type);
u_int32_t mbuf_get_mlen(void);
u_int32_t mbuf_get_mhlen(void);
u_int32_t mbuf_get_minclsize(void);
__END_DECLS

#endif
