/*
 * Chained fixups: pointers stored as links of chains, in one of the formats of pointer.h.
 * Images tell of theirs by LC_DYLD_CHAINED_FIXUPS (chains.c), older ones by a section
 * __thread_starts (threads.c). Here they become plain pointers.
 */
#ifndef ARCHIVE_FIXUPS_H
#define ARCHIVE_FIXUPS_H

#include "archive/pointer.h"
#include "macho/macho.h"

#define FIXUPS_LEVELS 4u /* collections that a pointer can lead to */

struct fixups_bases {
	/* Lowest address of the collection of each level. One that is not known is 0 and
	 * its pointers become offsets in that collection. */
	uint64_t address[FIXUPS_LEVELS];
	bool is_known[FIXUPS_LEVELS];
};

/* A pointer that leads into a collection whose base is not known. */
struct fixups_elsewhere {
	uint64_t address; /* of the pointer */
	uint32_t level, offset;
};

/* What tells of pointers. What is wrong with a member or a kext but for its fixups is for
 * who takes it out to say. */
enum fixups_kind {
	FIXUPS_FILE,   /* the whole file */
	FIXUPS_MEMBER, /* an image of a collection */
	FIXUPS_KEXT, /* … of a prelinked kernel, whose file offsets count as its segments
			say: from its own header or from that of the file */
};

struct fixups_image {
	enum fixups_kind kind;
	const char *name;      /* NULL: of the whole file */
	bool has_no_header;    /* a file of which no segment holds it */
	uint64_t source, load; /* addresses of its header: in the file, in its commands */
};

struct fixups_range {
	uint64_t address, size;
	const struct fixups_image *image; /* whose record it was */
};

/* The images of one file while their pointers are made plain. The first group is the
 * caller's to set, the rest begins as zeros. */
struct fixups {
	uint8_t *data; /* the bytes of `macho`, which holds all addresses */
	const struct macho *macho;
	const struct fixups_bases *bases;
	const char *subject;
	struct kext_diagnostics *diagnostics;

	uint64_t pointers, is_signed; /* how many; how many arm64e would sign */
	ARRAY_OF(struct fixups_elsewhere) elsewhere;

	const struct fixups_image *image; /* that is worked on */
	struct bytes commands;		  /* its header and load commands */
	/* What was done. */
	const struct macho_segment *segment; /* that held the last pointer */
	ARRAY_OF(struct fixups_range) done;  /* with chains */
	uint64_t walked;		     /* bytes of load commands of images */
	bool has_threads;		     /* the whole file has */
	uint8_t *seen; /* with threads: a bit for each four bytes of the file */
};

/*
 * Does it for one image, to be kept until fixups_finish; the whole file goes first. What
 * an image before it did already stays. KEXT_ERR_BAD_DATA or KEXT_ERR_UNSUPPORTED with a
 * diagnostic "fixups.…", or -ENOMEM; `data` is then of no use.
 */
int fixups_apply(struct fixups *fixups, const struct fixups_image *image)
	__attribute__((warn_unused_result));
/* Frees what it holds. */
void fixups_finish(struct fixups *fixups);

/* ---- for chains.c and threads.c ---- */

/* Diagnoses damage at a file offset: KEXT_ERR_BAD_DATA; or with a slug, `error`. */
int fixups_damaged(struct fixups *fixups, uint64_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int fixups_refuse(struct fixups *fixups, const char *slug, int error, uint64_t offset,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The bytes at a file offset as the image counts them; false: not in the file. */
bool fixups_bytes(const struct fixups *fixups, uint64_t offset, uint64_t size,
		  struct bytes *ret);
/* File offset of the word at an address; false when it is not in the file. */
bool fixups_place(struct fixups *fixups, uint64_t address, uint64_t *ret_offset);
/* Makes the word there plain; *ret_next is the distance to the next one, or 0. */
int fixups_resolve(struct fixups *fixups, enum pointer_format format, uint64_t address,
		   uint64_t offset, uint32_t *ret_next)
	__attribute__((warn_unused_result));
/* The load command of chains, and the section of threads. */
int fixups_walk_chains(struct fixups *fixups, struct bytes command, uint64_t offset)
	__attribute__((warn_unused_result));
int fixups_walk_threads(struct fixups *fixups, uint64_t address, uint64_t size,
			uint64_t offset) __attribute__((warn_unused_result));

#endif
