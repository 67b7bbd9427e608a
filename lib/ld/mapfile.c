/*
 * The link map of -map: which file each part of the result came from, for people.
 */
#include <errno.h>
#include <fcntl.h>
#include "ld/linker.h"

static void list_files(const struct linker *ld, struct buffer *out)
{
	buffer_string(out, "# Object files:\n[  0] linker synthesized\n");
	for (size_t i = 0; i < ld->objects.count; i++)
		buffer_printf(out, "[%3zu] %s\n", i + 1, ld->objects.items[i]->name);
}

static void list_sections(const struct linker *ld, struct buffer *out)
{
	buffer_string(out, "# Sections:\n# Address\tSize    \tSegment\tSection\n");
	for (size_t i = 0; i < ld->sections.count; i++) {
		const struct ld_output_section *section = ld->sections.items[i];
		buffer_printf(out, "0x%08llX\t0x%08llX\t%s\t%s\n",
			      (unsigned long long)section->address,
			      (unsigned long long)section->size, section->segment,
			      section->name);
	}
}

static size_t file_number(const struct linker *ld, const struct ld_object *object)
{
	for (size_t i = 0; i < ld->objects.count; i++)
		if (ld->objects.items[i] == object)
			return i + 1;
	return 0;
}

static void list_symbols(const struct linker *ld, struct buffer *out)
{
	buffer_string(out, "# Symbols:\n# Address\tFile  Name\n");
	array_for_each (entry, &ld->output_symbols)
		if (entry->symbol->kind != LD_UNDEFINED)
			buffer_printf(out, "0x%08llX\t[%3zu] %s\n",
				      (unsigned long long)entry->value,
				      file_number(ld, entry->symbol->object),
				      entry->name);
}

int ld_write_map(struct linker *ld)
{
	if (!ld->options->map_path)
		return 0;
	_cleanup_buffer_ struct buffer out = {0};
	buffer_printf(&out, "# Path: %s\n# Arch: %s\n", ld->options->output,
		      ld->arch->name);
	list_files(ld, &out);
	list_sections(ld, &out);
	list_symbols(ld, &out);
	int error = buffer_error(&out);
	if (!error)
		error = file_publish(AT_FDCWD, ld->options->map_path, out.data, out.size,
				     0644, false);
	if (error && error != -ENOMEM)
		return ld_error(ld, "ld.file", ld->options->map_path, NULL,
				"cannot be written: %s", kext_error_string(error));
	return error;
}
