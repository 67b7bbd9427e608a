/*
 * KPI symbol sets: reads export lists and writes the symbol-only Mach-O that the kext
 * linker takes as a KPI's interface. Knows the list's syntax; the file's layout is
 * macho/builder's.
 *
 * A list has one symbol a line: NAME, NAME:TARGET (the kernel's TARGET under another
 * name), or PREFIX* (every imported name that begins so); a trailing -obsolete marks a
 * symbol that warns whoever links it. '#' begins a comment, a line that begins with '.'
 * is skipped.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <kext/symbolset.h>
#include "base/array.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "codec/fat.h"
#include "macho/builder.h"
#include "macho/macho.h"

#define LIST_LIMIT (64u << 20)

struct export
{
	char *name, *target; /* target: NULL without an alias */
	bool obsolete;
	const char *list;
	unsigned line;
};

struct symbolset {
	struct kext_diagnostics *diagnostics;
	ARRAY_OF(struct export) exports;
	ARRAY_OF(char *) imports; /* owns the keys of `imported` */
	struct map imported;
	bool has_imports, keep_missing;
	const struct kext_arch *arch; /* of fat imports */
	int error;
};

static void fail(struct symbolset *set, const char *slug, const char *list, unsigned line,
		 const char *hint, const char *what, const char *name)
{
	kext_diagnose(set->diagnostics, KEXT_ERROR, slug, list, hint, "line %u: %s %s",
		      line, what, name);
	set->error = KEXT_ERR_LINK;
}

static bool is_symbol_character(char c)
{
	return c > ' ' && c < 0x7f && c != ':' && c != '#';
}

/* The next run of symbol characters from *at, copied; NULL when there is none. */
static char *take_name(const char **at, const char *end)
{
	const char *start = *at;
	while (*at < end && is_symbol_character(**at))
		(*at)++;
	return *at == start ? NULL : mem_string_n(start, (size_t)(*at - start));
}

static void skip_blanks(const char **at, const char *end)
{
	while (*at < end && (**at == ' ' || **at == '\t' || **at == '\r'))
		(*at)++;
}

static void add_export(struct symbolset *set, struct export export)
{
	struct export *place = array_push(&set->exports);
	if (place) {
		*place = export;
		return;
	}
	free(export.name);
	free(export.target);
	set->error = -ENOMEM;
}

static void parse_line(struct symbolset *set, const char *list, unsigned number,
		       const char *at, const char *end)
{
	static const char obsolete[] = "-obsolete";
	struct export export = {.list = list, .line = number};
	skip_blanks(&at, end);
	if (at == end || *at == '#' || *at == '.')
		return;
	export.name = take_name(&at, end);
	if (at < end && *at == ':') {
		at++;
		export.target = take_name(&at, end);
		if (!export.target)
			fail(set, "symbolset.syntax", list, number, "write NAME:TARGET",
			     "no target behind", export.name ? export.name : ":");
	}
	skip_blanks(&at, end);
	if ((size_t)(end - at) >= strlen(obsolete) &&
	    memcmp(at, obsolete, strlen(obsolete)) == 0) {
		export.obsolete = true;
		at += strlen(obsolete);
		skip_blanks(&at, end);
	}
	if (!export.name || (at < end && *at != '#'))
		fail(set, "symbolset.syntax", list, number,
		     "one NAME, NAME:TARGET or PREFIX* a line, then -obsolete or nothing",
		     "cannot read what follows", export.name ? export.name : "the blank");
	add_export(set, export);
}

static void parse_list(struct symbolset *set, const char *path)
{
	_cleanup_file_map_ struct file_map map = {0};
	int error = file_map_path(AT_FDCWD, path, LIST_LIMIT, &map);
	if (error < 0) {
		kext_diagnose(set->diagnostics, KEXT_ERROR, "symbolset.list", path, NULL,
			      "cannot read the export list: %s",
			      kext_error_string(error));
		set->error = error;
		return;
	}
	const char *at = (const char *)map.bytes.data, *end = at + map.bytes.size;
	for (unsigned number = 1; at < end; number++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;
		parse_line(set, path, number, at, stop);
		at = newline ? newline + 1 : end;
	}
}

static void add_import(struct symbolset *set, const char *name, size_t length)
{
	char *copy = mem_string_n(name, length);
	if (!copy || map_has(&set->imported, copy)) {
		set->error = copy ? set->error : -ENOMEM;
		free(copy);
		return;
	}
	char **place = array_push(&set->imports);
	if (!place || map_put(&set->imported, copy, copy) < 0)
		set->error = -ENOMEM;
	if (place)
		*place = copy;
	else
		free(copy);
}

/* The names that a Mach-O defines. */
static void import_macho(struct symbolset *set, const char *path, struct bytes bytes)
{
	_cleanup_macho_ struct macho macho = {0};
	struct macho_symbol symbol;
	int error = macho_parse(bytes, path, set->diagnostics, &macho);
	if (error < 0) {
		set->error = error;
		return;
	}
	for (uint32_t i = 0; macho_symbol_at(&macho, i, &symbol); i++) {
		if (!(symbol.type & N_STAB) && (symbol.type & N_TYPE) != N_UNDF)
			add_import(set, symbol.name, strlen(symbol.name));
	}
}

/* A list of names: the last word of each line, so that the output of nm serves as it is.
 */
static void import_names(struct symbolset *set, struct bytes bytes)
{
	const char *at = (const char *)bytes.data, *end = at + bytes.size;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end, *start;
		while (stop > at && !is_symbol_character(stop[-1]))
			stop--;
		for (start = stop; start > at && is_symbol_character(start[-1]);)
			start--;
		if (stop > start && *at != '#')
			add_import(set, start, (size_t)(stop - start));
		at = newline ? newline + 1 : end;
	}
}

static void import_file(struct symbolset *set, const char *path)
{
	_cleanup_file_map_ struct file_map map = {0};
	int error = file_map_path(AT_FDCWD, path, 1u << 30, &map);
	set->has_imports = true;
	if (error < 0) {
		kext_diagnose(set->diagnostics, KEXT_ERROR, "symbolset.list", path, NULL,
			      "cannot read the import list: %s",
			      kext_error_string(error));
		set->error = error;
		return;
	}
	struct bytes bytes = map.bytes;
	if (fat_is(bytes) &&
	    fat_find(bytes, set->arch->cputype, set->arch->cpusubtype, &bytes) < 0) {
		kext_diagnose(set->diagnostics, KEXT_ERROR, "symbolset.list", path, NULL,
			      "the file has no code for %s", set->arch->name);
		set->error = KEXT_ERR_ARCH_NOT_FOUND;
		return;
	}
	uint32_t magic = bytes.size >= 4 ? load32(bytes.data, false) : 0;
	if (magic == (uint32_t)MH_MAGIC || magic == (uint32_t)MH_MAGIC_64 ||
	    magic == (uint32_t)MH_CIGAM || magic == (uint32_t)MH_CIGAM_64)
		import_macho(set, path, bytes);
	else
		import_names(set, bytes);
}

/* Replaces PREFIX* by the imported names that begin so. */
static void expand_wildcards(struct symbolset *set)
{
	size_t count = set->exports.count;
	for (size_t i = 0; i < count && set->error == 0; i++) {
		struct export wild = set->exports.items[i];
		size_t length = strlen(wild.name);
		if (wild.name[length - 1] != '*')
			continue;
		map_for_each (entry, &set->imported) {
			if (strncmp(entry->key, wild.name, length - 1) != 0)
				continue;
			struct export one = wild;
			one.name = mem_string(entry->key);
			one.target = NULL;
			if (!one.name) {
				set->error = -ENOMEM;
				return;
			}
			add_export(set, one);
		}
		if (!set->has_imports)
			fail(set, "symbolset.syntax", wild.list, wild.line,
			     "give the kernel's names with -import", "nothing to match",
			     wild.name);
	}
}

static int compare_exports(const void *a, const void *b)
{
	return strcmp(((const struct export *)a)->name, ((const struct export *)b)->name);
}

static bool is_wildcard(const struct export *export)
{
	return export->name[strlen(export->name) - 1] == '*';
}

static void check_exports(struct symbolset *set)
{
	const struct export *previous = NULL;
	array_for_each (export, &set->exports) {
		const char *wanted = export->target ? export->target : export->name;
		if (is_wildcard(export))
			continue;
		if (previous && strcmp(previous->name, export->name) == 0)
			fail(set, "symbolset.duplicate", export->list, export->line,
			     "list each symbol once", "a second time:", export->name);
		if (set->has_imports && !set->keep_missing &&
		    !map_has(&set->imported, wanted))
			fail(set, "symbolset.missing", export->list, export->line,
			     "the kernel named with -import must define it",
			     "the kernel has no", wanted);
		previous = export;
	}
}

static int write_set(struct symbolset *set, const struct kext_symbolset_options *options)
{
	const struct kext_arch *arch = set->arch;
	_cleanup_macho_builder_ struct macho_builder builder = {
		.cputype = arch->cputype,
		.cpusubtype = arch->cpusubtype,
		.filetype = MH_KEXT_BUNDLE,
		.flags = MH_INCRLINK,
		.linkedit_flags = SG_NORELOC,
	};
	array_for_each (export, &set->exports) {
		uint16_t desc = export->obsolete ? N_DESC_DISCARDED : 0;
		if (is_wildcard(export))
			continue;
		if (export->target)
			macho_builder_indirect(&builder, export->name, export->target,
					       desc);
		else
			macho_builder_symbol(&builder, export->name, N_UNDF | N_EXT, 0,
					     desc, 0);
	}
	_cleanup_free_ uint8_t *data = NULL;
	size_t size = 0;
	int error = macho_builder_finish(&builder, &data, &size);
	if (error == 0)
		error = file_publish(AT_FDCWD, options->output, data, size, 0644, false);
	if (error < 0)
		kext_diagnose(set->diagnostics, KEXT_ERROR, "symbolset.output",
			      options->output, NULL, "cannot write the symbol set: %s",
			      kext_error_string(error));
	return error;
}

static void free_set(struct symbolset *set)
{
	array_for_each (export, &set->exports) {
		free(export->name);
		free(export->target);
	}
	array_for_each (name, &set->imports)
		free(*name);
	array_free(&set->exports);
	array_free(&set->imports);
	map_free(&set->imported);
}

/* ---- comparing ---- */

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int write_diff(struct symbolset *set, char **ret_text)
{
	struct map listed = {0};
	_cleanup_buffer_ struct buffer text = {0};
	int error = map_reserve(&listed, set->exports.count);
	array_for_each (export, &set->exports) {
		const char *wanted = export->target ? export->target : export->name;
		if (error < 0 || is_wildcard(export))
			continue;
		error = map_put(&listed, wanted, export);
		if (!map_has(&set->imported, wanted))
			buffer_printf(&text, "-%s\n", wanted);
	}
	if (set->imports.count)
		qsort(set->imports.items, set->imports.count, sizeof(*set->imports.items),
		      compare_texts);
	array_for_each (name, &set->imports)
		if (!map_has(&listed, *name))
			buffer_printf(&text, "+%s\n", *name);
	map_free(&listed);
	buffer_u8(&text, 0);
	if (error < 0 || buffer_error(&text) < 0)
		return -ENOMEM;
	*ret_text = (char *)buffer_steal(&text, &(size_t){0});
	return 0;
}

/* ---- the whole ---- */

static int read_set(struct symbolset *set, const struct kext_symbolset_options *options)
{
	set->arch = options->arch ? options->arch : kext_arch_host();
	for (size_t i = 0; i < options->import_count; i++)
		import_file(set, options->imports[i]);
	for (size_t i = 0; i < options->export_count; i++)
		parse_list(set, options->exports[i]);
	if (set->error == 0)
		expand_wildcards(set);
	if (set->error == 0 && set->exports.count)
		qsort(set->exports.items, set->exports.count, sizeof(*set->exports.items),
		      compare_exports);
	if (set->error == 0)
		check_exports(set);
	return set->error;
}

int kext_symbolset_diff(const struct kext_symbolset_options *options,
			struct kext_diagnostics *diagnostics, char **ret_text)
{
	struct symbolset set = {.diagnostics = diagnostics, .keep_missing = true};
	int error = read_set(&set, options);
	if (error == 0)
		error = write_diff(&set, ret_text);
	free_set(&set);
	return error;
}

int kext_symbolset_write(struct kext_context *context,
			 const struct kext_symbolset_options *options,
			 struct kext_diagnostics *diagnostics)
{
	struct symbolset set = {.diagnostics = diagnostics,
				.keep_missing = options->keep_missing};
	int error = read_set(&set, options);
	if (error == 0)
		error = write_set(&set, options);
	kext_context_log(context, KEXT_LOG_DETAIL, "%s: %zu symbols", options->output,
			 set.exports.count);
	free_set(&set);
	return error;
}
