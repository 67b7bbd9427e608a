/* The gate for input files; see accept.h. */
#include "link/accept.h"
#include "link/cpu.h"

static bool is_known_command(uint32_t type, uint32_t filetype)
{
	switch (type) {
	case LC_SEGMENT:
	case LC_SEGMENT_64:
	case LC_SYMTAB:
	case LC_DYSYMTAB:
	case LC_UUID:
	case LC_CODE_SIGNATURE:
	case LC_DYLD_INFO:
	case LC_DYLD_INFO_ONLY:
	case LC_FUNCTION_STARTS:
	case LC_DATA_IN_CODE:
	case LC_DYLIB_CODE_SIGN_DRS:
	case LC_NOTE:
	case LC_BUILD_VERSION:
		return true;
	case LC_SEGMENT_SPLIT_INFO:
	case LC_VERSION_MIN_MACOSX:
	case LC_VERSION_MIN_IPHONEOS:
	case LC_VERSION_MIN_TVOS:
	case LC_VERSION_MIN_WATCHOS:
	case LC_SOURCE_VERSION:
		return filetype != MH_OBJECT;
	case LC_UNIXTHREAD:
	case LC_MAIN:
		return filetype != MH_KEXT_BUNDLE;
	default:
		return false;
	}
}

static int check_commands(const struct macho *macho, const struct report *report)
{
	array_for_each (command, &macho->commands)
		if (!is_known_command(command->type, macho->filetype))
			return report_bad(
				report, NULL,
				"offset %#x: load command 0x%x has no place in a "
				"file of type %u",
				command->offset, command->type, macho->filetype);
	return 0;
}

static int check_sections(const struct macho *macho, const struct report *report)
{
	array_for_each (section, &macho->sections) {
		const struct macho_segment *segment =
			&macho->segments.items[section->segment_index];
		if (macho->filetype != MH_OBJECT &&
		    strcmp(section->segment, segment->name))
			return report_bad(report, NULL,
					  "offset %#x: section %s,%s lies in the segment "
					  "%s; the names must "
					  "agree",
					  section->header, section->segment,
					  section->name, segment->name);
		if (section->align > 31)
			return report_bad(
				report, NULL,
				"offset %#x: section %s,%s asks for alignment 2^%u",
				section->header, section->segment, section->name,
				section->align);
	}
	return 0;
}

static int check_type(const struct macho *macho, const struct cpu *cpu,
		      const struct report *report)
{
	if (macho->filetype == MH_EXECUTE || macho->filetype == MH_KEXT_BUNDLE)
		return 0;
	if (macho->filetype == MH_OBJECT && cpu->links_objects)
		return 0;
	return report_bad(
		report, "Kexts are MH_KEXT_BUNDLE files: link with -kext.",
		"offset 0xc: Mach-O file type %u is not one that can be linked for %s",
		macho->filetype, cpu->name);
}

static int check_file(const struct macho *macho, const struct report *report,
		      const struct cpu **ret_cpu)
{
	const struct cpu *cpu = cpu_numbered(macho->cputype);
	if (!cpu)
		return report_bad(report, NULL, "no linker for CPU type 0x%x",
				  macho->cputype);
	if (cpu->is_64 != macho->is_64 || cpu->big != macho->big)
		return report_bad(
			report, NULL,
			"the header's word size or byte order is not that of %s",
			cpu->name);
	int r = check_type(macho, cpu, report);
	if (r == 0)
		r = check_commands(macho, report);
	if (r == 0)
		r = check_sections(macho, report);
	if (r == 0)
		*ret_cpu = cpu;
	return r;
}

int accept_file(struct bytes bytes, const struct report *report, struct macho *ret,
		const struct cpu **ret_cpu)
{
	struct macho macho;
	int r = macho_parse(bytes, report->subject, report->diagnostics, &macho);
	if (r < 0)
		return r == KEXT_ERR_VALIDATION ? KEXT_ERR_LINK : r;
	r = check_file(&macho, report, ret_cpu);
	if (r < 0)
		macho_free(&macho);
	else
		*ret = macho;
	return r;
}

bool accept_is_linked(const struct macho *macho)
{
	if (macho->filetype == MH_EXECUTE)
		return true;
	if (macho->filetype != MH_OBJECT)
		return macho->external_relocations.count == 0;
	array_for_each (section, &macho->sections)
		if (section->nreloc)
			return false;
	return true;
}
