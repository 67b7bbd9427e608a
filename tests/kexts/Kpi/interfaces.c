/* Network interfaces: every host has a loopback with 127.0.0.1. And processor power. */
#include "kpi.h"
#include <net/kpi_interfacefilter.h>
#include <sys/errno.h>

void pmKextRegister(uint32_t version, void *functions, void *callbacks);
int pmCPUControl(uint32_t command, void *data);

static void check_lists(void)
{
	ifnet_t *list = NULL, *loops = NULL, loopback = NULL, none = (ifnet_t)&list;
	u_int32_t count = 0, loop_count = 0;

	CHECK("list", ifnet_list_get(IFNET_FAMILY_ANY, &list, &count) == 0 &&
			      count >= 1 && list[count] == NULL && list[0]);
	CHECK("list-loopback",
	      ifnet_list_get(IFNET_FAMILY_LOOPBACK, &loops, &loop_count) == 0 &&
		      loop_count == 1);
	CHECK("list-nothing", ifnet_list_get(0, NULL, &count) == EINVAL &&
				      ifnet_list_get(77, &list, &count) == ENXIO);
	CHECK("find", ifnet_find_by_name("lo0", &loopback) == 0 && loopback == loops[0]);
	CHECK("find-nobody", ifnet_find_by_name("zz9", &none) == ENXIO && none == NULL &&
				     ifnet_find_by_name(NULL, &none) == EINVAL);
	CHECK("names", !strcmp(ifnet_name(loopback), "lo") && ifnet_unit(loopback) == 0);
	CHECK("loopback", ifnet_family(loopback) == IFNET_FAMILY_LOOPBACK &&
				  ifnet_flags(loopback) & 8 &&
				  ifnet_mtu(loopback) >= 1280);
	CHECK("references",
	      ifnet_reference(loopback) == 0 && ifnet_release(loopback) == 0);
	ifnet_list_free(list);
	ifnet_list_free(loops);
}

static void check_offload(void)
{
	ifnet_t loopback = NULL;
	u_int32_t mtu = 0;
	unsigned char bytes[8];

	ifnet_find_by_name("lo0", &loopback);
	CHECK("tso-not-offered", ifnet_set_tso_mtu(loopback, 2, 65536) == EINVAL &&
					 ifnet_get_tso_mtu(loopback, 2, &mtu) == ENOTSUP);
	CHECK("offload", ifnet_set_offload(loopback, IFNET_TSO_IPV4) == 0 &&
				 ifnet_offload(loopback) == IFNET_TSO_IPV4);
	CHECK("tso", ifnet_set_tso_mtu(loopback, 2, 70000) == 0 &&
			     ifnet_get_tso_mtu(loopback, 2, &mtu) == 0 && mtu == 70000);
	CHECK("tso-below-mtu", ifnet_set_tso_mtu(loopback, 2, 100) == EINVAL);
	CHECK("tso-other",
	      ifnet_set_tso_mtu(loopback, 30, 70000) == EINVAL &&
		      ifnet_set_tso_mtu(loopback, 5, 70000) == EPROTONOSUPPORT);
	ifnet_set_offload(loopback, 0);
	memset(bytes, 1, sizeof(bytes));
	CHECK("link-address-size",
	      ifnet_lladdr_copy_bytes(loopback, bytes, 6) == EMSGSIZE &&
		      all_bytes(bytes, 0, 6) && bytes[6] == 1);
}

static void check_addresses(void)
{
	static const unsigned char wanted[] = {16, 2, 0, 0, 127, 0, 0, 1};
	unsigned char got[28], mask[28];
	ifnet_t loopback = NULL;
	ifaddr_t *all = NULL, *four = NULL;

	ifnet_find_by_name("lo0", &loopback);
	CHECK("addresses", ifnet_get_address_list(loopback, &all) == 0 && all[0]);
	CHECK("addresses-of-family",
	      ifnet_get_address_list_family(loopback, &four, 2) == 0 && four[0] &&
		      ifaddr_address_family(four[0]) == 2);
	CHECK("address-interface", ifaddr_ifnet(four[0]) == loopback);
	CHECK("address", ifaddr_address(four[0], (struct sockaddr *)got, 28) == 0 &&
				 !memcmp(got, wanted, 8));
	CHECK("address-cut",
	      ifaddr_address(four[0], (struct sockaddr *)got, 4) == EMSGSIZE);
	CHECK("netmask", ifaddr_netmask(four[0], (struct sockaddr *)mask, 28) == 0 &&
				 mask[4] == 255);
	CHECK("address-references",
	      ifaddr_reference(four[0]) == 0 && ifaddr_release(four[0]) == 0);
	ifnet_free_address_list(all);
	ifnet_free_address_list(four);
}

static ifnet_t detached_from;

static void on_detached(void *cookie, ifnet_t interface)
{
	if (cookie == &detached_from)
		detached_from = interface;
}

static void check_filters(void)
{
	struct iff_filter filter = {.iff_cookie = &detached_from,
				    .iff_name = "test",
				    .iff_detached = on_detached};
	interface_filter_t reference = NULL;
	ifnet_t loopback = NULL;

	ifnet_find_by_name("lo0", &loopback);
	CHECK("filter-nowhere", iflt_attach(NULL, &filter, &reference) == EINVAL);
	CHECK("filter", iflt_attach(loopback, &filter, &reference) == 0 && reference &&
				!detached_from);
	iflt_detach(reference);
	CHECK("filter-detached", detached_from == loopback);
}

static void check_power(void)
{
	static long functions, callbacks;

	pmKextRegister(102, &functions, &callbacks);
	CHECK("power-control", pmCPUControl(0, NULL) == -1);
	pmKextRegister(102, NULL, NULL);
	pmKextRegister(102, &functions, &callbacks);
	pmKextRegister(102, NULL, NULL);
}

void check(void)
{
	check_lists();
	check_offload();
	check_addresses();
	check_filters();
	check_power();
}
