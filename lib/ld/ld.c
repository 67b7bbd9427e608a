/*
 * The static linker for kexts: the order of its passes, what they report through, and the
 * publishing of the result.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include "base/memory.h"
#include "ld/linker.h"

static void report(struct linker *ld, enum kext_severity severity, const char *slug,
		   const char *subject, const char *hint, const char *format,
		   va_list arguments)
{
	char message[1024];
	vsnprintf(message, sizeof(message), format, arguments);
	kext_diagnose(ld->diagnostics, severity, slug, subject, hint, "%s", message);
}

int ld_error(struct linker *ld, const char *slug, const char *subject, const char *hint,
	     const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	report(ld, KEXT_ERROR, slug, subject, hint, format, arguments);
	va_end(arguments);
	ld->error_count++;
	return KEXT_ERR_LINK;
}

void ld_warn(struct linker *ld, const char *slug, const char *subject, const char *hint,
	     const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	report(ld, KEXT_WARNING, slug, subject, hint, format, arguments);
	va_end(arguments);
}

int ld_verdict(const struct linker *ld)
{
	return ld->error_count ? KEXT_ERR_LINK : 0;
}

int ld_visit_sections(struct linker *ld, ld_section_visitor *visit)
{
	for (size_t i = 0; i < ld->objects.count; i++) {
		struct ld_object *object = ld->objects.items[i];
		for (size_t j = 0; j < object->section_count; j++) {
			if (object->sections[j].is_dropped)
				continue;
			int error = visit(ld, &object->sections[j]);
			if (error)
				return error;
		}
	}
	int error = visit(ld, &ld->common);
	return error ? error : visit(ld, &ld->got);
}

static void free_section(struct ld_section *section)
{
	array_free(&section->pieces);
	array_free(&section->references);
}

static void free_outputs(struct linker *ld)
{
	for (size_t i = 0; i < ld->sections.count; i++) {
		array_free(&ld->sections.items[i]->pieces);
		free(ld->sections.items[i]);
	}
	array_free(&ld->sections);
	array_free(&ld->segments);
	array_free(&ld->local_relocations);
	array_free(&ld->external_relocations);
	array_free(&ld->output_symbols);
	buffer_free(&ld->image);
}

static void free_inputs(struct linker *ld)
{
	/* Archives first: they own the members that were not loaded. */
	for (size_t i = 0; i < ld->archives.count; i++)
		ld_archive_free(ld->archives.items[i]);
	array_free(&ld->archives);
	for (size_t i = 0; i < ld->objects.count; i++)
		ld_object_free(ld->objects.items[i]);
	array_free(&ld->objects);
	map_for_each (entry, &ld->symbols)
		free(entry->value);
	map_free(&ld->symbols);
	free_section(&ld->common);
	free_section(&ld->got);
	array_free(&ld->got_slots);
	for (size_t i = 0; i < ld->paths.count; i++)
		free(ld->paths.items[i]);
	array_free(&ld->paths);
	array_for_each (map, &ld->maps)
		file_unmap(map);
	array_free(&ld->maps);
}

static int run_passes(struct linker *ld)
{
	/* Objects are loaded as they come; archives are only indexed, so that the search
	 * below finds members whatever the order on the command line. */
	int error = ld_read_inputs(ld);

	/* Members that define something wanted, until nothing more is. What is undefined
	 * after this is bound when the kext is loaded. */
	if (!error)
		error = ld_search_archives(ld);

	/* All definitions are known: tentative ones that remain get room of their own. */
	if (!error)
		error = ld_place_commons(ld);

	/* Copies of coalesced definitions that lost to another go, and with -dead_strip
	 * whatever nothing leads to. Only what stays can make a symbol undefined. */
	if (!error)
		error = ld_mark_live(ld);

	/* Among what stays, equal literals share one place. */
	if (!error)
		error = ld_merge_literals(ld);

	/* Slots for addresses that are known only when the kext is loaded; their number
	 * must be final before anything has an address. */
	if (!error)
		error = ld_make_got(ld);

	/* Sections, segments, addresses, file offsets. */
	if (!error)
		error = ld_lay_out(ld);

	/* Bytes in place, and the relocations that remain. */
	if (!error)
		error = ld_relocate(ld);

	/* Numbers of undefined symbols, which those relocations carry. */
	if (!error)
		error = ld_make_symbols(ld);

	/* Header, load commands, __LINKEDIT, UUID of all of it. */
	if (!error)
		error = ld_emit(ld);
	return error ? error : ld_write_map(ld);
}

int ld_link(struct kext_context *context, const struct kext_ld_options *options,
	    struct kext_diagnostics *diagnostics, struct buffer *ret_image)
{
	struct linker ld = {
		.context = context,
		.options = options,
		.arch = options->arch ? options->arch : kext_arch_named("x86_64"),
		.diagnostics = diagnostics,
	};
	int error;
	if (!ld.arch || ld.arch->cputype != KEXT_CPU_X86_64)
		error = ld_error(&ld, "ld.arch", options->output, "use -arch x86_64",
				 "kexts for %s cannot be linked",
				 ld.arch ? ld.arch->name : "an unknown architecture");
	else
		error = run_passes(&ld);
	if (!error) {
		*ret_image = ld.image;
		ld.image = (struct buffer){0};
	}
	free_outputs(&ld);
	free_inputs(&ld);
	return error;
}

int kext_ld(struct kext_context *context, const struct kext_ld_options *options,
	    struct kext_diagnostics *diagnostics)
{
	_cleanup_buffer_ struct buffer image = {0};
	int error = ld_link(context, options, diagnostics, &image);
	if (error)
		return error;
	error = file_publish(AT_FDCWD, options->output, image.data, image.size, 0755,
			     false);
	if (error && error != -ENOMEM) {
		kext_diagnose(diagnostics, KEXT_ERROR, "ld.file", options->output, NULL,
			      "cannot be written: %s", kext_error_string(error));
		return KEXT_ERR_LINK;
	}
	return error;
}
