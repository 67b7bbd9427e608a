/* The sysctl tree: records that a kext registers, and handlers for them. */
#ifndef _SDK_SYS_SYSCTL_H_
#define _SDK_SYS_SYSCTL_H_

#include <sys/kernel_types.h>
#include <sys/queue.h>
#include <sys/types.h>

#define CTL_MAXNAME   12
#define CTLTYPE	      0xf
#define CTLTYPE_NODE  1
#define CTLTYPE_INT   2
#define CTLTYPE_STRING 3
#define CTLTYPE_QUAD  4
#define CTLTYPE_OPAQUE 5
#define CTLTYPE_STRUCT CTLTYPE_OPAQUE
#define CTLFLAG_RD    0x80000000
#define CTLFLAG_WR    0x40000000
#define CTLFLAG_RW    (CTLFLAG_RD | CTLFLAG_WR)
#define CTLFLAG_NOLOCK 0x20000000
#define CTLFLAG_ANYBODY 0x10000000
#define CTLFLAG_SECURE 0x08000000
#define CTLFLAG_MASKED 0x04000000
#define CTLFLAG_NOAUTO 0x02000000
#define CTLFLAG_KERN  0x01000000
#define CTLFLAG_LOCKED 0x00800000
#define CTLFLAG_OID2  0x00400000
#define OID_AUTO      (-1)
#define OID_AUTO_START 100

struct sysctl_oid;
struct sysctl_req;
SLIST_HEAD(sysctl_oid_list, sysctl_oid);

#define SYSCTL_HANDLER_ARGS                                                            \
	(struct sysctl_oid * oidp, void *arg1, int arg2, struct sysctl_req *req)

struct sysctl_req {
	struct proc *p;
	int lock;
	user_addr_t oldptr;
	size_t oldlen;
	size_t oldidx;
	int (*oldfunc)(struct sysctl_req *, const void *, size_t);
	user_addr_t newptr;
	size_t newlen;
	size_t newidx;
	int (*newfunc)(struct sysctl_req *, void *, size_t);
};

#define SYSCTL_OID_VERSION 1
struct sysctl_oid {
	struct sysctl_oid_list *oid_parent;
	SLIST_ENTRY(sysctl_oid) oid_link;
	int oid_number;
	int oid_kind;
	void *oid_arg1;
	int oid_arg2;
	const char *oid_name;
	int(*oid_handler) SYSCTL_HANDLER_ARGS;
	const char *oid_fmt;
	const char *oid_descr;
	int oid_version;
	int oid_refcnt;
};

/* What a handler gives the reader and takes from the writer. */
#define SYSCTL_OUT(r, p, l) (r)->oldfunc(r, p, l)
#define SYSCTL_IN(r, p, l)  (r)->newfunc(r, p, l)

__BEGIN_DECLS
int sysctl_handle_int SYSCTL_HANDLER_ARGS;
int sysctl_handle_int2quad SYSCTL_HANDLER_ARGS;
int sysctl_handle_long SYSCTL_HANDLER_ARGS;
int sysctl_handle_quad SYSCTL_HANDLER_ARGS;
int sysctl_handle_string SYSCTL_HANDLER_ARGS;
int sysctl_handle_opaque SYSCTL_HANDLER_ARGS;
int sysctl_io_number(struct sysctl_req *req, long long value, size_t size, void *pointer,
		     int *changed);
int sysctl_io_string(struct sysctl_req *req, char *pointer, size_t size, int truncate,
		     int *changed);
int sysctl_io_opaque(struct sysctl_req *req, void *pointer, size_t size, int *changed);
void sysctl_register_oid(struct sysctl_oid *oid);
void sysctl_unregister_oid(struct sysctl_oid *oid);
int sysctlbyname(const char *name, void *old, size_t *old_size, void *value, size_t size);
struct proc *current_proc(void);
__END_DECLS

#define SYSCTL_DECL(name) extern struct sysctl_oid_list sysctl_##name##_children
SYSCTL_DECL();
SYSCTL_DECL(_debug);
SYSCTL_DECL(_kern);
SYSCTL_DECL(_machdep);
SYSCTL_DECL(_net);
SYSCTL_DECL(_vfs);
SYSCTL_DECL(_vfs_generic);
SYSCTL_DECL(_vm);
SYSCTL_DECL(_sysctl);

/* A record below `parent` ("_debug"), as the variable sysctl_PARENT_NAME. */
#define SYSCTL_OID(parent, number, name, kind, arg1, arg2, handler, format, description) \
	struct sysctl_oid sysctl_##parent##_##name = {                                 \
		&sysctl_##parent##_children,                                           \
		{0},                                                                   \
		number,                                                                \
		(int)((kind) | CTLFLAG_OID2),                                          \
		arg1,                                                                  \
		(int)(arg2),                                                           \
		#name,                                                                 \
		handler,                                                               \
		format,                                                                \
		description,                                                           \
		SYSCTL_OID_VERSION,                                                    \
		0,                                                                     \
	}
#define SYSCTL_NODE(parent, number, name, access, handler, description)                \
	struct sysctl_oid_list sysctl_##parent##_##name##_children;                    \
	SYSCTL_OID(parent, number, name, CTLTYPE_NODE | (access),                      \
		   (void *)&sysctl_##parent##_##name##_children, 0, handler, "N",      \
		   description)
#define SYSCTL_STRING(parent, number, name, access, pointer, length, description)      \
	SYSCTL_OID(parent, number, name, CTLTYPE_STRING | (access), pointer, length,   \
		   sysctl_handle_string, "A", description)
#define SYSCTL_INT(parent, number, name, access, pointer, value, description)          \
	SYSCTL_OID(parent, number, name, CTLTYPE_INT | (access), pointer, value,       \
		   sysctl_handle_int, "I", description)
#define SYSCTL_UINT(parent, number, name, access, pointer, value, description)         \
	SYSCTL_OID(parent, number, name, CTLTYPE_INT | (access), pointer, value,       \
		   sysctl_handle_int, "IU", description)
#define SYSCTL_LONG(parent, number, name, access, pointer, description)                \
	SYSCTL_OID(parent, number, name, CTLTYPE_INT | (access), pointer, 0,           \
		   sysctl_handle_long, "L", description)
#define SYSCTL_ULONG(parent, number, name, access, pointer, description)               \
	SYSCTL_OID(parent, number, name, CTLTYPE_INT | (access), pointer, 0,           \
		   sysctl_handle_long, "LU", description)
#define SYSCTL_QUAD(parent, number, name, access, pointer, description)                \
	SYSCTL_OID(parent, number, name, CTLTYPE_QUAD | (access), pointer, 0,          \
		   sysctl_handle_quad, "Q", description)
#define SYSCTL_OPAQUE(parent, number, name, access, pointer, length, format, description) \
	SYSCTL_OID(parent, number, name, CTLTYPE_OPAQUE | (access), pointer, length,   \
		   sysctl_handle_opaque, format, description)
#define SYSCTL_STRUCT(parent, number, name, access, pointer, type, description)        \
	SYSCTL_OID(parent, number, name, CTLTYPE_OPAQUE | (access), pointer,           \
		   sizeof(struct type), sysctl_handle_opaque, "S," #type, description)
#define SYSCTL_PROC(parent, number, name, access, pointer, argument, handler, format,  \
		    description)                                                       \
	SYSCTL_OID(parent, number, name, access, pointer, argument, handler, format,   \
		   description)

#define CTL_UNSPEC 0
#define CTL_KERN   1
#define CTL_VM	   2
#define CTL_VFS	   3
#define CTL_NET	   4
#define CTL_DEBUG  5
#define CTL_HW	   6
#define CTL_MACHDEP 7
#define CTL_USER   8

#endif
