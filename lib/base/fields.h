/*
 * Typed fields, the bodies of the kernel protocol: one table says each field's kind and
 * greatest size, and a body that strays from it is refused whole. A body is a sequence of
 * { u16 field, u16 0, u32 size, bytes, zeros up to a multiple of 4 }, little-endian.
 */
#ifndef BASE_FIELDS_H
#define BASE_FIELDS_H

#include "base/buffer.h"
#include "base/bytes.h"

/*
 * The kernel protocol. kextd starts `kernel_task [--boot-args LINE] [--sandbox=off]
 * [--uid N]` with one end of a socket pair as descriptor 3 and the write end of a pipe as
 * descriptor 4. Frames of these types travel on 3, asynchronously both ways; a reply has the
 * type and id of its request. A panic report is plain text on 4 (at most 60 KiB, so that it
 * never blocks), after which the kernel ends. Neither side's reader ever waits for an answer.
 *
 * A load: RESERVE, link, MAP, START; ABORT gives up before START. A START whose routine
 * fails (ERROR 0xdc008017, RESULT what it returned) leaves nothing of the kext behind. STOP
 * refuses (0xdc008018) while others refer to the kext, and leaves it when its routine fails.
 */
enum kernel_message {
	KERNEL_HELLO = 1,	/* kernel → kextd, once, when ready: VERSION (its release,
				   "19.6.0"), UUID (of its mach_kernel), PID */
	KERNEL_RESERVE,		/* SIZE, IDENTIFIER → ERROR, TAG, ADDRESS */
	KERNEL_MAP,		/* TAG, IDENTIFIER, VERSION, COMPATIBLE, PATH, UUID, KMOD_INFO,
				   WIRED, MISSING, DEPENDENCY …, SEGMENT …, CONSTRUCTORS …,
				   DESTRUCTORS …, [DEBUG_SYMBOLS], [DELAY] + the linked image as a sealed memfd
				   (F_SEAL_WRITE, SHRINK, GROW, SEAL) → ERROR */
	KERNEL_ABORT,		/* TAG → ERROR */
	KERNEL_START,		/* TAG → ERROR, RESULT; answered when the routine returns */
	KERNEL_STOP,		/* TAG → ERROR, RESULT: stops and unloads */
	KERNEL_LIST,		/* → ERROR, KEXT …; in load order, kernel components first */
	KERNEL_SYSCTL,		/* NAME, [DATA], UID, SUPERUSER, [PID] → ERROR (a Darwin errno), DATA,
				   KIND, FORMAT */
	KERNEL_SYSCTL_NAMES,	/* → ERROR, DATA: NUL-terminated names */
	KERNEL_LOG_READ,	/* POSITION → ERROR, POSITION, DATA */
	KERNEL_CANCEL,		/* CAUSE: panic on purpose; no reply but the end */
	KERNEL_SHUTDOWN,	/* no reply but the end, exit status 0 */
	KERNEL_LOG,		/* kernel → kextd: POSITION of the log's end; no reply */
	KERNEL_REQUEST_LOAD,	/* kernel → kextd: IDENTIFIER wanted by a kext; no reply */
	KERNEL_REQUEST_RESOURCE,/* kernel → kextd: IDENTIFIER, NAME, REQUEST; no reply */
	KERNEL_RESOURCE,	/* kextd → kernel: REQUEST, RESULT, [DATA]; no reply */
	KERNEL_UNLOADED,	/* kernel → kextd: TAG was unused and is gone; no reply */
	KERNEL_OPEN,		/* kernel → kextd: PATH, FLAGS, MODE → ERROR (a Linux errno); when
				   it is 0 FLAGS, PATH as it leads there without links, and the
				   descriptor. The only question that the kernel asks */
	KERNEL_FINDING,		/* kernel → kextd: a check found a mistake: NAME (of the check),
				   CAUSE, IDENTIFIER, SITE, ORIGIN; no reply */
};

enum field {
	FIELD_ERROR = 1,	/* u32: OSReturn of the request itself */
	FIELD_RESULT,		/* u32: what a start or stop routine returned */
	FIELD_TAG,		/* u32: load tag */
	FIELD_ADDRESS,		/* u64 */
	FIELD_SIZE,		/* u64 */
	FIELD_WIRED,		/* u64 */
	FIELD_KMOD_INFO,	/* u64: address of kmod_info */
	FIELD_IDENTIFIER,	/* text */
	FIELD_VERSION,		/* text */
	FIELD_COMPATIBLE,	/* text */
	FIELD_PATH,		/* text */
	FIELD_NAME,		/* text */
	FIELD_FORMAT,		/* text */
	FIELD_CAUSE,		/* text */
	FIELD_UUID,		/* 16 bytes */
	FIELD_DEPENDENCY,	/* u32, repeated: tag */
	FIELD_SEGMENT,		/* nested, repeated: ADDRESS, SIZE, PROTECTION, NAME;
				   its bytes lie at ADDRESS less the load address */
	FIELD_PROTECTION,	/* u32: 1 read, 2 write, 4 execute */
	FIELD_KEXT,		/* nested, repeated: TAG, IDENTIFIER, VERSION, COMPATIBLE,
				   PATH, UUID, ADDRESS, SIZE, WIRED, STATE, REFERENCES (as
				   kextstat shows it), MISSING, KIND (1: kernel
				   component), DEPENDENCY … */
	FIELD_STATE,		/* u32: enum kernel_kext_state */
	FIELD_REFERENCES,	/* u32 */
	FIELD_MISSING,		/* u32: number of symbols bound to trap pages */
	FIELD_KIND,		/* u32 */
	FIELD_UID,		/* u32 */
	FIELD_SUPERUSER,	/* u32: 0 or 1 */
	FIELD_PID,		/* u32 */
	FIELD_REQUEST,		/* u64 */
	FIELD_POSITION,		/* u64 */
	FIELD_DATA,		/* bytes */
	FIELD_CONSTRUCTORS,	/* nested, repeated: ADDRESS, SIZE of a relocated array of
				   function pointers (__mod_init_func), in order of segments;
				   run before start */
	FIELD_DESTRUCTORS,	/* the same of __mod_term_func; run after stop */
	FIELD_DEBUG_SYMBOLS,	/* bytes: an ELF file with the kext's symbols, for gdb */
	FIELD_DELAY,		/* u32: 1: the next look for unused kexts spares it */
	FIELD_FLAGS,		/* u32: enum open_flags */
	FIELD_MODE,		/* u32: permissions of a file that is made */
	FIELD_SITE,		/* text: 0xADDRESS : IMAGE + 0xOFFSET; perhaps empty */
	FIELD_ORIGIN,		/* text: the same */
	FIELD_COUNT
};

/* How a file is wanted, and in the answer what its descriptor is good for. */
enum open_flags {
	OPEN_READ = 1,
	OPEN_WRITE = 2,
	OPEN_CREATE = 4,
	OPEN_EXCLUSIVE = 8,
	OPEN_TRUNCATE = 16,
	OPEN_NO_FOLLOW = 32,	/* the last component may be a link: the link itself */
	OPEN_WISHES = 63,
	OPEN_READ_ONLY = 64,	/* answers: no file can be written */
};

#define FIELDS_MAX_DEBUG_SYMBOLS (4u << 20)

enum kernel_kext_state {
	KEXT_STATE_RESERVED,
	KEXT_STATE_MAPPED,
	KEXT_STATE_STARTING,
	KEXT_STATE_STARTED,
	KEXT_STATE_STOPPING,
};

void fields_put_u32(struct buffer *body, enum field field, uint32_t value);
void fields_put_u64(struct buffer *body, enum field field, uint64_t value);
void fields_put_text(struct buffer *body, enum field field, const char *text);
void fields_put_bytes(struct buffer *body, enum field field, const void *data, size_t size);
/* A nested record: the fields put between the two calls. */
size_t fields_begin(struct buffer *body, enum field field);
void fields_end(struct buffer *body, size_t begun);

/* Whether every field of the body is in the table, of its kind, within its size. */
bool fields_valid(struct bytes body);

/* Readers of a valid body: the first such field; 0, NULL or empty when it is absent. */
uint32_t fields_u32(struct bytes body, enum field field);
uint64_t fields_u64(struct bytes body, enum field field);
const char *fields_text(struct bytes body, enum field field);	/* never NULL: "" */
struct bytes fields_bytes(struct bytes body, enum field field);
bool fields_has(struct bytes body, enum field field);
/*
 * Walks repeated fields: *position starts at 0; true and the content as long as there is
 * another `field`.
 */
bool fields_next(struct bytes body, enum field field, size_t *position, struct bytes *ret);

#endif
