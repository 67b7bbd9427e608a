/*
 * The last look before bytes are changed: nothing may be left unbound, and, unless asked
 * for, nothing outside of vtables may be bound to what the kernel does not implement.
 */
#include <errno.h>
#include "base/memory.h"
#include "link/link.h"

/*
 * Nobody has the name. A method of a class that is there has come or gone with a version
 * of the kernel; whatever else it is, we cannot know.
 */
static char *advice_on_unknown(struct link *link, const struct symbol *symbol)
{
	char table[NAME_LIMIT];
	struct class_name name;
	struct definition found;
	if (name_is_method(symbol->name, &name) && name_of_vtable(table, name) &&
	    exports_find_anywhere(link, table, &found)) {
		_cleanup_free_ char *class = explain_class(name);
		return mem_format("%s has the class %s, but no such function in it: the "
				  "kext was built against another SDK.",
				  found.image->name, class ? class : table);
	}
	if (link->request->advise)
		return mem_string("Nor does any other library that was looked at export "
				  "it, this kernel's KPIs included. If a kext does, name "
				  "its folder with -r; if not, the kext was built for "
				  "another kernel.");
	return mem_string("No dependency defines it. Add the library that does to "
			  "OSBundleLibraries; if one is there already, its version may "
			  "be too old.");
}

/* The caller may know more libraries than those that were given. */
static char *advice_on(struct link *link, const struct symbol *symbol)
{
	const struct kext_link_request *request = link->request;
	const char *library = exports_suggest(link, symbol);
	char *advice = request->advise
			       ? request->advise(request->advise_data, symbol->name)
			       : NULL;
	if (advice)
		return advice;
	return library ? mem_format("%s defines it: add that to OSBundleLibraries.",
				    library)
		       : advice_on_unknown(link, symbol);
}

static void report_unresolved(struct link *link, const struct symbol *symbol)
{
	_cleanup_free_ char *name = explain_name(symbol->name);
	_cleanup_free_ char *hint = advice_on(link, symbol);
	kext_diagnose(link->report.diagnostics, KEXT_ERROR, "link.unresolved",
		      link->report.subject, hint,
		      "%s is not defined by any library in "
		      "OSBundleLibraries",
		      name ? name : symbol->name);
}

static int check_unresolved(struct link *link)
{
	size_t count = 0;
	for (uint32_t i = 0; i < link->symbols.count; i++) {
		const struct symbol *symbol = &link->symbols.items[i];
		if (!(symbol->flags & SYMBOL_UNRESOLVED) ||
		    symbol->flags & SYMBOL_REPLACED)
			continue;
		if (explain_next(&count))
			report_unresolved(link, symbol);
	}
	explain_rest(link, "link.unresolved", count);
	return count ? KEXT_ERR_LINK : 0;
}

/* Marks the relocations that fill slots, of every vtable, I/O Kit class or not. */
static int find_slots(struct link *link)
{
	link->is_slot = mem_zero(link->relocation_count, sizeof(bool));
	if (!link->is_slot || places_index(link) < 0)
		return -ENOMEM;
	uint64_t total = 0;
	for (uint32_t i = 0; i < link->symbols.count; i++) {
		const struct symbol *symbol = &link->symbols.items[i];
		if (!symbol_is_defined(symbol) || !name_is_vtable(symbol->name))
			continue;
		int r = vtable_scan_whole(link, symbol);
		if (r < 0)
			return r;
		array_for_each (slot, &link->scratch)
			if (slot->relocation != SYMBOL_NONE)
				link->is_slot[slot->relocation] = true;
		total += link->scratch.count;
		if (total > link->request->size)
			return link_fail(link, "link.vtable", NULL,
					 "the vtables overlap at %s", symbol->name);
	}
	return 0;
}

static void count_table(struct link *link, const struct relocation_table *table)
{
	struct macho_relocation r;
	for (uint32_t i = 0; macho_relocation_at(&link->macho, table->table, i, &r);
	     i++) {
		uint32_t number = table->first + i;
		if (!r.external || r.symbol >= link->symbols.count ||
		    (link->patches && link->patches[number].is_set))
			continue;
		struct symbol *symbol = &link->symbols.items[r.symbol];
		if (!(symbol->flags & SYMBOL_MISSING))
			continue;
		if (link->is_slot[number]) {
			link->missing_slots++;
			continue;
		}
		link->missing_direct++;
		symbol->flags |= SYMBOL_DIRECT;
	}
}

static void count_relocations(struct link *link)
{
	for (size_t i = 0; i < link->table_count; i++)
		count_table(link, &link->tables[i]);
}

static void count_pointers(struct link *link)
{
	uint32_t index;
	for (uint32_t i = 0; macho_indirect_at(&link->macho, i, &index); i++) {
		if (index >= link->symbols.count ||
		    !(link->symbols.items[index].flags & SYMBOL_MISSING))
			continue;
		link->missing_direct++;
		link->symbols.items[index].flags |= SYMBOL_DIRECT;
	}
}

static int report_missing(struct link *link)
{
	size_t count = 0;
	for (uint32_t i = 0; i < link->symbols.count; i++) {
		const struct symbol *symbol = &link->symbols.items[i];
		if (!(symbol->flags & SYMBOL_DIRECT) || !explain_next(&count))
			continue;
		_cleanup_free_ char *name = explain_name(symbol->name);
		kext_diagnose(link->report.diagnostics, KEXT_ERROR, "link.missing",
			      link->report.subject,
			      "-allow-missing links it all the same; "
			      "touching it then panics the kernel.",
			      "%s is not implemented by this kernel",
			      name ? name : symbol->name);
	}
	explain_rest(link, "link.missing", count);
	return KEXT_ERR_LINK;
}

static int check_missing(struct link *link)
{
	for (uint32_t i = 0; link->patches && i < link->relocation_count; i++)
		link->missing_slots += link->patches[i].is_missing;
	if (!link->any_missing)
		return 0;
	int r = find_slots(link);
	if (r < 0)
		return r;
	count_relocations(link);
	count_pointers(link);
	return link->missing_direct && !link->request->allow_missing
		       ? report_missing(link)
		       : 0;
}

int pass_validate(struct link *link)
{
	int r = check_unresolved(link);
	return r < 0 ? r : check_missing(link);
}
