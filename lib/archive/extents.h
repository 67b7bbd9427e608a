/*
 * Which bytes of an archive belong to what: no two things of an archive lie in the same
 * place.
 */
#ifndef ARCHIVE_EXTENTS_H
#define ARCHIVE_EXTENTS_H

#include "base/array.h"
#include "base/bytes.h"

struct extent {
	uint64_t from, to;
	const char *what; /* borrowed */
};

struct extents {
	ARRAY_OF(struct extent) list;
};

/* -ENOMEM. Nothing that is empty lies anywhere. */
int extents_add(struct extents *extents, uint64_t from, uint64_t size, const char *what)
	__attribute__((warn_unused_result));
/* Whether two of them overlap: *ret_first begins before *ret_second or where it does. */
bool extents_overlap(struct extents *extents, struct extent *ret_first,
		     struct extent *ret_second);
void extents_free(struct extents *extents);

#endif
