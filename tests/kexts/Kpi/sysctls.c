/* sysctl nodes of a kext, as other kernel code sees them; clients' side: ksysctl's tests.
 */
#include "kpi.h"
#include <sys/errno.h>
#include <sys/sysctl.h>

SYSCTL_DECL(_debug);
SYSCTL_DECL(_kern);
SYSCTL_DECL(_vm);
SYSCTL_DECL(_net);
SYSCTL_DECL(_vfs);
SYSCTL_DECL(_machdep);

static int number = 5;
static long word = 6;
static long long quad = 7;
static char text[8] = "abc", fixed[4] = "abc";
static const char opaque[4] = {1, 2, 3, 4};

#define RW_KERNEL (CTLFLAG_RW | CTLFLAG_KERN)
SYSCTL_INT(_debug, OID_AUTO, kpi_int, RW_KERNEL, &number, 0, "");
SYSCTL_INT(_debug, OID_AUTO, kpi_hidden, CTLFLAG_RW, &number, 0, "");
SYSCTL_LONG(_kern, OID_AUTO, kpi_long, RW_KERNEL, &word, "");
SYSCTL_QUAD(_vm, OID_AUTO, kpi_quad, RW_KERNEL, &quad, "");
SYSCTL_STRING(_net, OID_AUTO, kpi_text, RW_KERNEL, text, sizeof(text), "");
SYSCTL_STRING(_vfs, OID_AUTO, kpi_fixed, RW_KERNEL, fixed, 0, "");
SYSCTL_OPAQUE(_machdep, OID_AUTO, kpi_opaque, CTLFLAG_RD | CTLFLAG_KERN, (void *)opaque,
	      4, "S,four", "");
SYSCTL_PROC(_debug, OID_AUTO, kpi_wide, CTLTYPE_QUAD | CTLFLAG_RD | CTLFLAG_KERN, &number,
	    0, sysctl_handle_int2quad, "Q", "");

static struct sysctl_oid *const oids[] = {
	&sysctl__debug_kpi_int,	     &sysctl__debug_kpi_hidden, &sysctl__kern_kpi_long,
	&sysctl__vm_kpi_quad,	     &sysctl__net_kpi_text,	&sysctl__vfs_kpi_fixed,
	&sysctl__machdep_kpi_opaque, &sysctl__debug_kpi_wide,
};
enum { OIDS = sizeof(oids) / sizeof(*oids) };

/* The parents that kexts' nodes name; the root has children of the kernel's own. */
extern struct sysctl_oid_list sysctl__children, sysctl__sysctl_children,
	sysctl__vfs_generic_children, sysctl__security_mac_children,
	sysctl__hw_features_children;

static int is_among(const char *name, const struct sysctl_oid_list *list)
{
	const struct sysctl_oid *oid = list->slh_first;

	while (oid && strcmp(oid->oid_name, name))
		oid = oid->oid_link.sle_next;
	return oid != NULL;
}

static void check_parents(void)
{
	CHECK("parents",
	      is_among("debug", &sysctl__children) && is_among("hw", &sysctl__children));
	CHECK("parents-of-others",
	      !is_among("kpi", &sysctl__sysctl_children) &&
		      !is_among("kpi", &sysctl__vfs_generic_children) &&
		      !is_among("kpi", &sysctl__security_mac_children) &&
		      !is_among("kpi", &sysctl__hw_features_children));
}

static int reads(const char *name, void *to, size_t room, size_t wanted)
{
	return sysctlbyname(name, to, &room, NULL, 0) == 0 && room == wanted;
}

static int write_to(const char *name, void *value, size_t size)
{
	return sysctlbyname(name, NULL, NULL, value, size);
}

static void check_numbers(void)
{
	int value = 0, seven = 7;
	long long wide = 0, large = 1ll << 40;

	CHECK("situation-36-number", sysctl__debug_kpi_int.oid_number >= 101);
	CHECK("situation-36-read", reads("debug.kpi_int", &value, 4, 4) && value == 5);
	CHECK("situation-36-write",
	      write_to("debug.kpi_int", &seven, 4) == 0 && number == 7);
	CHECK("situation-36-range",
	      write_to("debug.kpi_int", &large, 8) == ERANGE && number == 7);
	CHECK("long", reads("kern.kpi_long", &wide, 8, 8) && wide == 6);
	CHECK("quad", reads("vm.kpi_quad", &wide, 8, 8) && wide == 7 &&
			      write_to("vm.kpi_quad", &large, 8) == 0 && quad == large);
	CHECK("int-as-quad", reads("debug.kpi_wide", &wide, 8, 8) && wide == 7);
	CHECK("opaque", reads("machdep.kpi_opaque", &value, 4, 4) && value == 0x04030201);
}

static void check_strings(void)
{
	char old[8] = "";
	size_t room = 2;

	CHECK("situation-37-no-room",
	      sysctlbyname("net.kpi_text", old, &room, NULL, 0) == ENOMEM);
	CHECK("situation-37-too-long", write_to("net.kpi_text", "12345678", 8) == EINVAL);
	CHECK("situation-37-write",
	      write_to("net.kpi_text", "xyz", 3) == 0 && !strcmp(text, "xyz"));
	CHECK("situation-37-constant", write_to("vfs.kpi_fixed", "xyz", 3) == EPERM);
	CHECK("string", reads("net.kpi_text", old, 8, 4) && !strcmp(old, "xyz"));
}

static void check_kernel_flag(void)
{
	size_t size = 99;
	int value = 0;

	CHECK("situation-38-not-for-the-kernel",
	      !reads("debug.kpi_hidden", &value, 4, 4));
	size = 4;
	CHECK("situation-38-permission",
	      sysctlbyname("debug.kpi_hidden", &value, &size, NULL, 0) == EPERM);
	CHECK("situation-38-size",
	      sysctlbyname("kern.osrelease", NULL, &size, NULL, 0) == 0 && size == 7);
}

void check(void)
{
	size_t size = 4;
	int value;

	for (int i = 0; i < OIDS; i++)
		sysctl_register_oid(oids[i]);
	check_parents();
	check_numbers();
	check_strings();
	check_kernel_flag();
	for (int i = 0; i < OIDS; i++)
		sysctl_unregister_oid(oids[i]);
	CHECK("situation-36-gone",
	      sysctlbyname("debug.kpi_int", &value, &size, NULL, 0) == ENOENT);
}
