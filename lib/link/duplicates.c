/* A kext must not export what a direct dependency exports already. */
#include <inttypes.h>
#include "base/memory.h"
#include "link/link.h"

static void report_duplicate(struct link *link, const struct symbol *symbol,
			     const struct definition *other)
{
	_cleanup_free_ char *name = explain_name(symbol->name);
	kext_diagnose(link->report.diagnostics, KEXT_ERROR, "link.duplicate",
		      link->report.subject,
		      "Make it static or hidden (-fvisibility=hidden), or rename it.",
		      "%s is defined here and in %s, at 0x%" PRIx64,
		      name ? name : symbol->name, other->image->name,
		      symbol_address(other->symbol));
}

int pass_duplicates(struct link *link)
{
	size_t count = 0;
	for (uint32_t i = 0; i < link->symbols.count; i++) {
		const struct symbol *symbol = &link->symbols.items[i];
		struct definition other;
		if (!symbol_is_exported(symbol) || !exports_find(link, symbol, &other) ||
		    symbol_address(other.symbol) == link->addresses[i])
			continue;
		if (explain_next(&count))
			report_duplicate(link, symbol, &other);
	}
	explain_rest(link, "link.duplicate", count);
	return count ? KEXT_ERR_LINK : 0;
}
