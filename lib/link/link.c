/* The linker's driver: what is done, in which order. */
#include <errno.h>
#include "base/memory.h"
#include "link/accept.h"
#include "link/link.h"

int pass_parse(struct link *link)
{
	const struct kext_link_request *request = link->request;
	int r = accept_file(bytes_of(request->data, request->size), &link->report,
			    &link->macho, &link->cpu);
	if (r < 0)
		return r;
	if (link->macho.filetype == MH_EXECUTE)
		return report_bad(&link->report, "Link it with -kext.",
				  "file type %u is no kext bundle", link->macho.filetype);
	if (!link->macho.has_symtab ||
	    (!link->macho.has_dysymtab && !link_is_object(link)))
		return report_bad(
			&link->report, NULL,
			"a kext needs a symbol table and LC_DYSYMTAB; %s is missing",
			link->macho.has_symtab ? "LC_DYSYMTAB" : "LC_SYMTAB");
	r = symtab_read(&link->macho, &link->report, &link->symbols);
	if (r < 0)
		return r;
	link->page = request->page_size ? request->page_size : link->cpu->page_size;
	link->addresses = mem_zero(link->symbols.count, sizeof(*link->addresses));
	return link->addresses ? 0 : -ENOMEM;
}

static int run_passes(struct link *link)
{
	static int (*const passes[])(struct link *) = {
		/* Load commands, sections and symbols, each checked once. */
		pass_parse,
		/* Sizes are known before any address: the load address depends on them.
		 */
		pass_layout,
		/* The caller chooses the address; sections and symbols get theirs. */
		pass_allocate,
		/* Which dependencies may name C++ symbols by address. */
		pass_exports,
		/* What the kext exports must not exist already. */
		pass_duplicates,
		/* Undefined and indirect names, from direct dependencies only. */
		pass_bind,
		/* Inherited slots follow the superclass as it is now; this may settle
		   names that stayed unbound, so it comes before they are counted. */
		pass_vtables,
		/* Whatever is still unbound, or bound to what the kernel does not
		   implement. */
		pass_validate,
		/* From here on only the output changes. */
		pass_copy,
		pass_relocate,
		pass_kmod_info,
		pass_emit,
	};
	for (size_t i = 0; i < sizeof(passes) / sizeof(*passes); i++) {
		int r = passes[i](link);
		if (r < 0)
			return r;
	}
	return 0;
}

static void free_vtable(struct vtable *table)
{
	free(table->slots);
}

static void free_link(struct link *link)
{
	array_for_each (class, &link->classes) {
		free_vtable(&class->table);
		free_vtable(&class->meta);
	}
	array_free(&link->classes);
	array_free(&link->scratch);
	map_for_each (entry, &link->parents) {
		if (!entry->value)
			continue;
		free_vtable(entry->value);
		free(entry->value);
	}
	map_free(&link->parents);
	symtab_free(&link->symbols);
	macho_free(&link->macho);
	free(link->addresses);
	free(link->segments);
	free(link->sections);
	free(link->tables);
	free(link->own_cxx);
	free(link->spaces);
	free(link->places);
	free(link->patches);
	free(link->is_slot);
	free(link->output);
}

int kext_link(const struct kext_link_request *request,
	      struct kext_diagnostics *diagnostics, struct kext_link_result *ret_result)
{
	struct link link = {
		.request = request,
		.report = {diagnostics, request->name ? request->name : "", "link.input"},
	};
	int r = run_passes(&link);
	if (r == 0) {
		*ret_result = (struct kext_link_result){
			.data = link.output,
			.size = (size_t)link.output_size,
			.address = link.base,
			.kmod_info = link.kmod_info,
			.missing_direct = link.missing_direct,
			.missing_slots = link.missing_slots,
		};
		link.output = NULL;
	}
	free_link(&link);
	return r;
}
