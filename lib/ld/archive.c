/*
 * Archives: which member defines what, and the search that loads those members, and only
 * those, that define something still wanted.
 */
#include <errno.h>
#include "base/memory.h"
#include "ld/linker.h"

struct ld_archive *ld_archive_free(struct ld_archive *archive)
{
	if (!archive)
		return NULL;
	for (size_t i = 0; i < archive->member_count; i++)
		if (!archive->members[i]->is_loaded)
			ld_object_free(archive->members[i]);
	free(archive->members);
	map_free(&archive->definitions);
	free(archive);
	return NULL;
}

/* Indexes a member by its own symbol table; of two members the first is the one found. */
static int index_member(struct ld_archive *archive, struct ld_object *member)
{
	for (uint32_t i = 0; i < member->macho.symbols.count; i++) {
		struct macho_symbol symbol;
		if (!macho_symbol_at(&member->macho, i, &symbol) ||
		    (symbol.type & N_STAB) || !(symbol.type & N_EXT) ||
		    ((symbol.type & N_TYPE) == N_UNDF && symbol.value == 0))
			continue;
		bool is_new;
		void **slot = map_slot(&archive->definitions, symbol.name, &is_new);
		if (!slot)
			return -ENOMEM;
		if (!*slot)
			*slot = member;
	}
	return 0;
}

static int add_member(struct linker *ld, struct ld_archive *archive, const char *name,
		      struct bytes content)
{
	struct ld_object **place = (struct ld_object **)array_grow(
		(void **)&archive->members, &archive->member_count,
		&archive->member_capacity, sizeof(*archive->members));
	if (!place)
		return -ENOMEM;
	archive->member_count--;
	char *full = mem_format("%s(%s)", archive->path, name);
	if (!full)
		return -ENOMEM;
	int error = ld_object_parse(ld, full, content, place);
	free(full);
	if (error)
		return error;
	archive->member_count++;
	return index_member(archive, *place);
}

static int read_members(struct linker *ld, struct ld_archive *archive, struct bytes bytes)
{
	struct ld_ar ar;
	if (!ld_ar_begin(bytes, &ar))
		return KEXT_ERR_INTERNAL;
	for (;;) {
		_cleanup_free_ char *name = NULL;
		struct bytes content;
		size_t offset = 0;
		int more = ld_ar_next(&ar, &name, &content, &offset);
		if (more == KEXT_ERR_BAD_DATA)
			return ld_error(
				ld, "ld.archive", archive->path, "make the archive anew",
				"the member header at offset 0x%zx is broken", offset);
		if (more <= 0)
			return more;
		int error = add_member(ld, archive, name, content);
		if (error)
			return error;
	}
}

static int load_member(struct linker *ld, struct ld_object *member)
{
	kext_context_log(ld->context, KEXT_LOG_DETAIL, "loading %s", member->name);
	return ld_object_load(ld, member);
}

/* A library named twice is one library: drivers and makefiles both ask for libkmod. */
static struct ld_archive *find_archive(const struct linker *ld, const char *path)
{
	for (size_t i = 0; i < ld->archives.count; i++)
		if (!strcmp(ld->archives.items[i]->path, path))
			return ld->archives.items[i];
	return NULL;
}

static int make_archive(struct linker *ld, const char *path, struct ld_archive **ret)
{
	struct ld_archive **place = array_push(&ld->archives);
	if (!place)
		return -ENOMEM;
	struct ld_archive *archive = mem_zero(1, sizeof(*archive));
	if (!archive) {
		ld->archives.count--;
		return -ENOMEM;
	}
	*place = archive;
	archive->path = path;
	*ret = archive;
	return 0;
}

int ld_archive_open(struct linker *ld, const char *path, struct bytes bytes,
		    bool load_all)
{
	struct ld_archive *archive = find_archive(ld, path);
	int error = 0;
	if (!archive) {
		error = make_archive(ld, path, &archive);
		if (!error)
			error = read_members(ld, archive, bytes);
	}
	for (size_t i = 0; !error && load_all && i < archive->member_count; i++)
		if (!archive->members[i]->is_loaded)
			error = load_member(ld, archive->members[i]);
	return error;
}

/* The member that would define `name`, archives in the order of the command line. */
static struct ld_object *find_member(const struct linker *ld, const char *name)
{
	for (size_t i = 0; i < ld->archives.count; i++) {
		struct ld_object *member =
			map_get(&ld->archives.items[i]->definitions, name);
		if (member)
			return member;
	}
	return NULL;
}

/*
 * Walks the table, which grows while it is walked: a loaded member's own wishes come at
 * its end or turn known names into wanted ones.
 */
static int search_once(struct linker *ld, bool *ret_loaded)
{
	for (size_t i = 0; i < ld->symbols.count; i++) {
		const struct ld_symbol *symbol = ld->symbols.entries[i].value;
		if (!symbol || symbol->kind != LD_UNDEFINED || !symbol->is_wanted)
			continue;
		struct ld_object *member = find_member(ld, symbol->name);
		if (!member || member->is_loaded)
			continue;
		int error = load_member(ld, member);
		if (error)
			return error;
		*ret_loaded = true;
	}
	return 0;
}

int ld_search_archives(struct linker *ld)
{
	bool loaded;
	do {
		loaded = false;
		int error = search_once(ld, &loaded);
		if (error)
			return error;
	} while (loaded);
	return ld_verdict(ld);
}
