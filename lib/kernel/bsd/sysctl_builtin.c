/*
 * The OIDs that every Darwin kernel has: what system and machine this is. Facts that need
 * the host's files are asked for once, before the sandbox closes.
 */
#include <cpuid.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "kernel/bsd/sysctl.h"
#include "kernel/libkern/libkern.h"
#include "kernel/machine/machine.h"
#include "kernel/osfmk/osfmk.h"
#include "macho/uuid.h"

static char hostname[256], kernel_uuid_text[MACHO_UUID_TEXT_SIZE], boot_arguments[1024];
static char brand[49], vendor[13];
static struct timeval boot_time;
static int cpu_family, cpu_model, cpu_stepping, cpu_signature, cpu_count, memory_size;
static long long page_bytes, memory_bytes;

static void read_cpu(void)
{
	unsigned a, b, c, d;
	if (__get_cpuid(0, &a, &b, &c, &d)) {
		memcpy(vendor, &b, 4);
		memcpy(vendor + 4, &d, 4);
		memcpy(vendor + 8, &c, 4);
	}
	if (__get_cpuid(1, &a, &b, &c, &d)) {
		cpu_signature = (int)a;
		cpu_stepping = (int)(a & 15);
		cpu_family =
			(int)((a >> 8 & 15) + ((a >> 8 & 15) == 15 ? a >> 20 & 255 : 0));
		cpu_model = (int)((a >> 4 & 15) | (a >> 12 & 0xf0));
	}
	for (unsigned i = 0; i < 3; i++) {
		if (__get_cpuid(0x80000002 + i, &a, &b, &c, &d))
			memcpy(brand + 16 * i, (unsigned[]){a, b, c, d}, 16);
	}
}

static void read_host(void)
{
	struct utsname names;
	struct timespec real;
	uint8_t uuid[16];
	if (uname(&names) == 0)
		xnu_snprintf(hostname, sizeof(hostname), "%s", names.nodename);
	clock_gettime(CLOCK_REALTIME, &real);
	boot_time.tv_sec = real.tv_sec;
	boot_time.tv_usec = real.tv_nsec / 1000;
	cpu_count = (int)real_ncpus;
	page_bytes = (long long)page_size;
	memory_bytes = (long long)max_mem;
	memory_size = memory_bytes > INT32_MAX ? INT32_MAX : (int)memory_bytes;
	xnu_snprintf(boot_arguments, sizeof(boot_arguments), "%s", bootargs_get());
	kernel_uuid(uuid);
	macho_uuid_text(uuid, kernel_uuid_text);
}

static int handle_monotonic(struct sysctl_oid *oid, void *arg1, int arg2,
			    struct sysctl_req *request)
{
	(void)oid;
	(void)arg1;
	(void)arg2;
	long long seconds = (long long)(mach_absolute_time() / 1000000000u);
	return sysctl_io_number(request, seconds, sizeof(seconds), NULL, NULL);
}

#define COMMON (SYSCTL_RD | SYSCTL_LOCKED | SYSCTL_OID2)

/* list, number, kind and flags, name, arg1, arg2, handler, format */
#define OID(list, number, kind, name, arg1, arg2, handler, format)                       \
	{                                                                                \
		&sysctl_##list##children, NULL, number, (int)(COMMON | (kind)),          \
			(void *)(arg1), arg2, name, handler, format, "", 1, 0            \
	}
#define NODE(list, number, name, below)                                                  \
	OID(list, number, SYSCTL_NODE | SYSCTL_WR, name, &sysctl_##below##children, 0,   \
	    NULL, "N")
#define TEXT(list, number, flags, name, text)                                            \
	OID(list, number, SYSCTL_STRING | (flags), name, text, 0, sysctl_handle_string,  \
	    "A")
#define CONSTANT(list, number, flags, name, value)                                       \
	OID(list, number, SYSCTL_INT | (flags), name, NULL, value, sysctl_handle_int, "I")
#define NUMBER(list, number, flags, name, variable)                                      \
	OID(list, number, SYSCTL_INT | (flags), name, &(variable), 0, sysctl_handle_int, \
	    "I")
#define WIDE(list, number, flags, name, variable)                                        \
	OID(list, number, SYSCTL_QUAD | (flags), name, &(variable), 0,                   \
	    sysctl_handle_quad, "Q")
#define K SYSCTL_KERN

static long long time_base = 1000000000;

static struct sysctl_oid builtin[] = {
	NODE(_, 1, "kern", _kern_),
	NODE(_, 2, "vm", _vm_),
	NODE(_, 3, "vfs", _vfs_),
	NODE(_, 4, "net", _net_),
	NODE(_, 5, "debug", _debug_),
	NODE(_, 6, "hw", _hw_),
	NODE(_, 7, "machdep", _machdep_),
	NODE(_, 8, "user", _user_),
	NODE(_, SYSCTL_AUTO, "security", _security_),
	NODE(_vfs_, 0, "generic", _vfs_generic_),
	NODE(_security_, SYSCTL_AUTO, "mac", _security_mac_),
	NODE(_machdep_, SYSCTL_AUTO, "cpu", _machdep_cpu_),
	NODE(_hw_, SYSCTL_AUTO, "features", _hw_features_),
	NODE(_hw_, SYSCTL_AUTO, "optional", _hw_optional_),

	TEXT(_kern_, 1, K, "ostype", ostype),
	TEXT(_kern_, 2, K, "osrelease", osrelease),
	CONSTANT(_kern_, 3, K, "osrevision", 199506),
	TEXT(_kern_, 4, K, "version", version),
	CONSTANT(_kern_, 6, K, "maxproc", 2048),
	NUMBER(_kern_, 9, K | SYSCTL_WR, "securelevel", securelevel),
	OID(_kern_, 10, SYSCTL_STRING | SYSCTL_WR | K, "hostname", hostname,
	    sizeof(hostname), sysctl_handle_string, "A"),
	OID(_kern_, 21, SYSCTL_OPAQUE | K, "boottime", &boot_time, sizeof(boot_time),
	    sysctl_handle_opaque, "S,timeval"),
	OID(_kern_, 65, SYSCTL_STRING | K, "osversion", osversion, 0,
	    sysctl_handle_string, "A"),
	CONSTANT(_kern_, 66, K, "safeboot", 0),
	TEXT(_kern_, SYSCTL_AUTO, K, "bootargs", boot_arguments),
	TEXT(_kern_, SYSCTL_AUTO, K, "uuid", kernel_uuid_text),
	OID(_kern_, SYSCTL_AUTO, SYSCTL_QUAD | K, "monotonicclock", NULL, 0,
	    handle_monotonic, "Q"),
	CONSTANT(_kern_, SYSCTL_AUTO, K, "hv_vmm_present", 1),

	/* The three with old numbers cannot be read from inside the kernel. */
	TEXT(_hw_, 1, 0, "machine", "x86_64"),
	TEXT(_hw_, 2, 0, "model", "MacPro7,1"),
	NUMBER(_hw_, 3, K, "ncpu", cpu_count),
	CONSTANT(_hw_, 4, K, "byteorder", 1234),
	NUMBER(_hw_, 5, 0, "physmem", memory_size),
	CONSTANT(_hw_, 7, SYSCTL_MASKED, "pagesize", 4096),
	WIDE(_hw_, 24, K, "memsize", memory_bytes),
	NUMBER(_hw_, 25, K, "availcpu", cpu_count),
	NUMBER(_hw_, SYSCTL_AUTO, K, "activecpu", cpu_count),
	NUMBER(_hw_, SYSCTL_AUTO, K, "physicalcpu", cpu_count),
	NUMBER(_hw_, SYSCTL_AUTO, K, "physicalcpu_max", cpu_count),
	NUMBER(_hw_, SYSCTL_AUTO, K, "logicalcpu", cpu_count),
	NUMBER(_hw_, SYSCTL_AUTO, K, "logicalcpu_max", cpu_count),
	CONSTANT(_hw_, SYSCTL_AUTO, K, "cputype", 7),
	CONSTANT(_hw_, SYSCTL_AUTO, K, "cpusubtype", 8),
	CONSTANT(_hw_, SYSCTL_AUTO, K, "cpu64bit_capable", 1),
	CONSTANT(_hw_, SYSCTL_AUTO, K, "packages", 1),
	WIDE(_hw_, SYSCTL_AUTO, K, "pagesize", page_bytes),
	WIDE(_hw_, SYSCTL_AUTO, K, "tbfrequency", time_base),

	TEXT(_machdep_cpu_, SYSCTL_AUTO, K, "vendor", vendor),
	TEXT(_machdep_cpu_, SYSCTL_AUTO, K, "brand_string", brand),
	NUMBER(_machdep_cpu_, SYSCTL_AUTO, K, "family", cpu_family),
	NUMBER(_machdep_cpu_, SYSCTL_AUTO, K, "model", cpu_model),
	NUMBER(_machdep_cpu_, SYSCTL_AUTO, K, "stepping", cpu_stepping),
	NUMBER(_machdep_cpu_, SYSCTL_AUTO, K, "signature", cpu_signature),
	NUMBER(_machdep_cpu_, SYSCTL_AUTO, K, "core_count", cpu_count),
	NUMBER(_machdep_cpu_, SYSCTL_AUTO, K, "thread_count", cpu_count),

	NUMBER(_debug_, SYSCTL_AUTO, K | SYSCTL_WR, "hide_kernel_pointers",
	       hide_kernel_pointers),
};

void sysctl_builtin_startup(void)
{
	read_cpu();
	read_host();
	for (size_t i = 0; i < sizeof(builtin) / sizeof(*builtin); i++)
		sysctl_register_oid(&builtin[i]);
}
