/*
 * sysctl: the records that kexts compile, the tree, and what its files share.
 */
#ifndef KERNEL_BSD_SYSCTL_H
#define KERNEL_BSD_SYSCTL_H

#include "kernel/bsd/bsd.h"

/* ---- sysctl: records as kexts compile them ---- */
struct sysctl_req;
struct sysctl_oid;
typedef int (*sysctl_handler)(struct sysctl_oid *oid, void *arg1, int arg2,
			      struct sysctl_req *request);

struct sysctl_oid_list {
	struct sysctl_oid *first;
};

struct sysctl_oid {
	struct sysctl_oid_list *oid_parent;
	struct sysctl_oid *oid_next;
	int oid_number;
	int oid_kind;
	void *oid_arg1;
	int oid_arg2;
	const char *oid_name;
	sysctl_handler oid_handler;
	const char *oid_fmt;
	/* Records without SYSCTL_OID2 end here. */
	const char *oid_descr;
	int oid_version;
	int oid_refcnt;
};
_Static_assert(sizeof(struct sysctl_oid) == 80, "sysctl_oid is 80 bytes");

struct sysctl_req {
	struct proc *p;
	int lock;
	user_addr_t oldptr;
	size_t oldlen, oldidx;
	int (*oldfunc)(struct sysctl_req *request, const void *from, size_t n);
	user_addr_t newptr;
	size_t newlen, newidx;
	int (*newfunc)(struct sysctl_req *request, void *to, size_t n);
};
_Static_assert(sizeof(struct sysctl_req) == 80, "sysctl_req is 80 bytes");

enum {
	SYSCTL_NODE = 1,
	SYSCTL_INT = 2,
	SYSCTL_STRING = 3,
	SYSCTL_QUAD = 4,
	SYSCTL_OPAQUE = 5,
	SYSCTL_TYPE = 0xf,
};
#define SYSCTL_RD	0x80000000u
#define SYSCTL_WR	0x40000000u
#define SYSCTL_NOLOCK	0x20000000u
#define SYSCTL_ANYBODY	0x10000000u
#define SYSCTL_SECURE	0x08000000u
#define SYSCTL_MASKED	0x04000000u
#define SYSCTL_NOAUTO	0x02000000u
#define SYSCTL_KERN	0x01000000u
#define SYSCTL_LOCKED	0x00800000u
#define SYSCTL_OID2	0x00400000u
#define SYSCTL_AUTO	(-1)
#define SYSCTL_MAX_NAME 12 /* components of a name */

extern int securelevel;
extern struct sysctl_oid_list sysctl__children, sysctl__debug_children,
	sysctl__kern_children, sysctl__machdep_children, sysctl__net_children,
	sysctl__vfs_children, sysctl__vfs_generic_children, sysctl__vm_children,
	sysctl__sysctl_children, sysctl__security_mac_children, sysctl__hw_children,
	sysctl__hw_features_children, sysctl__hw_optional_children, sysctl__user_children,
	sysctl__security_children, sysctl__machdep_cpu_children;

void sysctl_register_oid(struct sysctl_oid *oid);
void sysctl_unregister_oid(struct sysctl_oid *oid);
int kernel_sysctlbyname(const char *name, void *old, size_t *old_size, void *new,
			size_t new_size);

int sysctl_handle_int(struct sysctl_oid *, void *, int, struct sysctl_req *);
int sysctl_handle_long(struct sysctl_oid *, void *, int, struct sysctl_req *);
int sysctl_handle_quad(struct sysctl_oid *, void *, int, struct sysctl_req *);
int sysctl_handle_int2quad(struct sysctl_oid *, void *, int, struct sysctl_req *);
int sysctl_handle_string(struct sysctl_oid *, void *, int, struct sysctl_req *);
int sysctl_handle_opaque(struct sysctl_oid *, void *, int, struct sysctl_req *);
int sysctl_io_number(struct sysctl_req *request, long long value, size_t size,
		     void *pointer, int *ret_changed);
int sysctl_io_string(struct sysctl_req *request, char *text, size_t size, int truncate,
		     int *ret_changed);
int sysctl_io_opaque(struct sysctl_req *request, void *data, size_t size,
		     int *ret_changed);

/* ---- sysctl.c, for sysctl_request.c ---- */
/*
 * Runs a request on the OID with these numbers: the checks, the locks, the handler. `ret`
 * (may be NULL) is told the OID's kind and format when it was found.
 */
int sysctl_dispatch(const int *name, unsigned length, struct sysctl_req *request,
		    bool is_kernel, bool is_superuser, struct sysctl_reply *ret);
/* "debug.dummy" to numbers. 0, XNU_ENOENT, XNU_ENAMETOOLONG. */
int sysctl_numbers(const char *text, int *name, unsigned *ret_length);

/* The lock of the lists, for walks outside sysctl.c. */
void sysctl_lock(void);
void sysctl_unlock(void);

/* ---- sysctl_magic.c, sysctl_builtin.c ---- */
void sysctl_magic_startup(void);
void sysctl_builtin_startup(void);

#endif
