/* Names for people: demangled, and lists that end. */
#include <libiberty/demangle.h>
#include "base/memory.h"
#include "link/link.h"

char *explain_name(const char *name)
{
	const char *plain = name[0] == '_' ? name + 1 : name;
	char *clear = strlen(plain) < 4096
			      ? cplus_demangle(plain, DMGL_PARAMS | DMGL_ANSI)
			      : NULL;
	if (!clear)
		return mem_string(name);
	char *text = mem_format("%s (%s)", name, clear);
	free(clear);
	return text;
}

char *explain_class(struct class_name name)
{
	char mangled[NAME_LIMIT];
	char *clear = name_compose(mangled, "_Z", name, "")
			      ? cplus_demangle(mangled, DMGL_ANSI)
			      : NULL;
	return clear ? clear : mem_string_n(name.text, name.length);
}

void explain_rest(struct link *link, const char *slug, size_t count)
{
	if (count <= EXPLAIN_CAP)
		return;
	kext_diagnose(link->report.diagnostics, KEXT_ERROR, slug, link->report.subject,
		      NULL, "… and %zu more", count - EXPLAIN_CAP);
}
