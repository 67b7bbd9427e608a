/*
 * A kext of a prelinked kernel or a collection as a file of its own: the same load
 * commands and addresses, segments packed one behind the other, file offsets counted from
 * its own header, and a __LINKEDIT with what is its own of a shared one.
 */
#ifndef ARCHIVE_STANDALONE_H
#define ARCHIVE_STANDALONE_H

#include <kext/arch.h>
#include "archive/image.h"
#include "base/buffer.h"

struct standalone_segment {
	uint64_t address, size, file_offset, file_size; /* as the kext has them */
	uint64_t new_offset, new_size;
	size_t new_command; /* where its command is in new_commands */
	uint64_t lead;	    /* bytes before its first section */
	bool is_linkedit;
};

struct standalone_section {
	uint64_t address, size;
};

/* One that is being made. */
struct standalone {
	const struct prelink_image *image;
	const struct prelink_place *place;
	const char *name; /* identifier of the kext */
	struct kext_diagnostics *diagnostics;
	bool big, is_64;
	uint32_t header_size, command_count;
	struct bytes commands; /* as the kext has them */
	ARRAY_OF(struct standalone_segment) segments;
	ARRAY_OF(struct standalone_section) sections;
	struct standalone_segment *linkedit; /* NULL: it has none */
	uint64_t content_end;		     /* where __LINKEDIT goes */
	struct buffer new_commands, linkedit_data;
	uint32_t new_count;
	bool has_symtab, has_symbols; /* a command, any in it */
	uint64_t new_room;	      /* that more load commands need */
	struct {		      /* symbols from its link state, if it has none */
		struct buffer table, strings;
		uint32_t count;
	} state;
};

/*
 * The executable, to be freed with free(). KEXT_ERR_BAD_DATA with a diagnostic
 * "prelink.…", or -ENOMEM. Safe to be called by several threads.
 */
int standalone_make(struct prelink_image *image, const struct prelink_place *place,
		    const char *name, struct kext_diagnostics *diagnostics,
		    uint8_t **ret_data, size_t *ret_size)
	__attribute__((warn_unused_result));

/* The addresses of the kext's segments but for __LINKEDIT, in the order of the file; to
 * be freed with array_free. Fails in the same ways. */
struct standalone_ranges {
	struct standalone_section *items;
	size_t count, capacity;
};
int standalone_find_ranges(struct prelink_image *image, const struct prelink_place *place,
			   const char *name, struct kext_diagnostics *diagnostics,
			   struct standalone_ranges *ret)
	__attribute__((warn_unused_result));

/* ---- for standalone.c, commands.c, linkedit.c and linkstate.c ---- */

#define STANDALONE_SECTION_32 68u /* size of a section's header */
#define STANDALONE_SECTION_64 80u

static inline uint64_t standalone_page_size(const struct standalone *s)
{
	return s->image->macho.cputype == KEXT_CPU_ARM64 ? 0x4000 : 0x1000;
}

static inline uint64_t standalone_round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) & ~(unit - 1);
}

/* The next command as the kext has it; false at the end, *reterr_error set when it is
 * damaged. */
bool standalone_next_command(struct standalone *s, size_t *at, uint32_t *number,
			     struct bytes *ret, uint32_t *ret_type, int *reterr_error);

/* Writes header and load commands, once all segments have their place (commands.c).
 * KEXT_ERR_BAD_DATA with a diagnostic, or -ENOMEM. */
int standalone_make_commands(struct standalone *s) __attribute__((warn_unused_result));

/* Diagnoses damage: KEXT_ERR_BAD_DATA. */
int standalone_damaged(struct standalone *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The bytes at a file offset as the kext counts them. */
bool standalone_bytes_at(const struct standalone *s, uint64_t offset, uint64_t size,
			 struct bytes *ret);

/*
 * Copies a load command that refers to __LINKEDIT, with what it refers to
 * (linkedit.c). *ret_done false: it is none of these and nothing was done.
 */
int standalone_copy_linkedit(struct standalone *s, struct bytes command, uint32_t type,
			     bool *ret_done) __attribute__((warn_unused_result));

/*
 * Takes the symbols of a kext that has none from its link state, and gives it a
 * __LINKEDIT for them (linkstate.c). KEXT_ERR_BAD_DATA with a diagnostic, or -ENOMEM.
 */
int standalone_add_state(struct standalone *s) __attribute__((warn_unused_result));
/* Writes them: load commands behind the others, and the tables. */
void standalone_append_state(struct standalone *s);

#endif
