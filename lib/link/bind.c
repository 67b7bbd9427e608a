/*
 * Binds what the kext leaves undefined to what its direct dependencies export, never to
 * the kext's own definitions. A name that nobody has may still be settled by vtable
 * patching.
 */
#include "base/memory.h"
#include "link/link.h"

/* What unresolved weak references get when the kernel has no function for the purpose. */
#define WEAK_FILLER 0xf00dd00dull

static void bind_symbol(struct link *link, struct symbol *symbol, uint64_t address)
{
	link->addresses[symbol - link->symbols.items] = address;
	symbol->flags &= (uint16_t) ~(SYMBOL_UNRESOLVED | SYMBOL_WEAK);
	symbol->flags |= SYMBOL_ABSOLUTE | SYMBOL_EXTERNAL | SYMBOL_RESOLVED;
}

/* A kext that never asks whether a weak symbol is there would call nowhere. */
static bool tests_for_weak(struct link *link)
{
	for (uint32_t i = 0; i < link->symbols.count && link->weak == WEAK_UNKNOWN; i++)
		if (strcmp(link->symbols.items[i].name, "_gOSKextUnresolved") == 0)
			link->weak = WEAK_TESTED;
	if (link->weak == WEAK_UNKNOWN)
		link->weak = WEAK_UNTESTED;
	return link->weak == WEAK_TESTED;
}

static uint64_t weak_address(const struct link *link)
{
	struct definition found;
	if (exports_find_anywhere(link, "_kext_weak_symbol_referenced", &found))
		return symbol_address(found.symbol);
	return WEAK_FILLER;
}

static void warn_obsolete(struct link *link, const struct symbol *symbol)
{
	_cleanup_free_ char *name = explain_name(symbol->name);
	kext_diagnose(link->report.diagnostics, KEXT_WARNING, "link.obsolete",
		      link->report.subject, NULL,
		      "%s is obsolete and may vanish from the kernel",
		      name ? name : symbol->name);
}

/* The name to look for: an indirect symbol stands for another one. */
static struct symbol binding_key(const struct link *link, const struct symbol *symbol)
{
	struct symbol key = *symbol;
	if (!(symbol->flags & SYMBOL_INDIRECT))
		return key;
	key.name = (const char *)link->macho.strings.data + symbol->value;
	key.length = (uint32_t)strlen(key.name);
	key.hash = name_hash(key.name, key.length);
	return key;
}

static int report_common(struct link *link, const struct symbol *symbol)
{
	return link_fail(link, "link.common", "Compile with -fno-common.",
			 "%s is a common symbol, which has no place in a kext",
			 symbol->name);
}

static int report_weak(struct link *link, const struct symbol *symbol)
{
	return link_fail(
		link, "link.unresolved",
		"Compare the symbol's address with gOSKextUnresolved before using it "
		"(OSKextSymbolIsResolved).",
		"%s is a weak reference that nothing defines, and the kext never tests "
		"for that",
		symbol->name);
}

/* Finds the symbol's definition. 1 when it stays open. */
static int resolve(struct link *link, struct symbol *symbol)
{
	struct symbol key = binding_key(link, symbol);
	struct definition found;
	if (exports_find(link, &key, &found)) {
		if (found.is_obsolete)
			warn_obsolete(link, &key);
		uint64_t address = symbol_address(found.symbol);
		bind_symbol(link, symbol, address);
		if (image_traps(found.image, address)) {
			symbol->flags |= SYMBOL_MISSING;
			link->any_missing = true;
		}
		return 0;
	}
	if (!(symbol->flags & SYMBOL_WEAK))
		return 1;
	if (!tests_for_weak(link))
		return report_weak(link, symbol);
	bind_symbol(link, symbol, weak_address(link));
	return 0;
}

int pass_bind(struct link *link)
{
	size_t commons = 0, failures = 0;
	for (uint32_t i = 0; i < link->symbols.count; i++) {
		struct symbol *symbol = &link->symbols.items[i];
		if (!(symbol->flags & SYMBOL_UNRESOLVED))
			continue;
		if (symbol->flags & SYMBOL_COMMON) {
			if (explain_next(&commons))
				(void)report_common(link, symbol);
		} else if (resolve(link, symbol) < 0 && ++failures == EXPLAIN_CAP) {
			break;
		}
	}
	explain_rest(link, "link.common", commons);
	return commons || failures ? KEXT_ERR_LINK : 0;
}
