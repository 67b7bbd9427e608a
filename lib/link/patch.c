/*
 * Patching: an inherited slot that named a method of an older kernel gets what the
 * superclass has there now. Pads turn into the methods that took their place, renamed
 * methods follow; slots are never inserted, and what the kext overrides stays.
 */
#include <errno.h>
#include "base/memory.h"
#include "link/link.h"

/* Why a slot cannot stay and cannot be patched. */
enum verdict { LEAVE, PATCH, PAD, UNIMPLEMENTED };

static enum verdict judge(const struct link *link, const struct class *class,
			  const struct symbol *child, const struct symbol *parent)
{
	if (!child || !parent || symbol_is_defined(child) ||
	    name_is_pure_virtual(child->name) || symbols_same_name(child, parent))
		return LEAVE;
	if (name_is_pad(parent->name))
		return PAD;
	if (link->cpu->strict_patching && child->flags & SYMBOL_UNDEFINED &&
	    child->length > 4 + class->name.length &&
	    memcmp(child->name, "__ZN", 4) == 0 &&
	    memcmp(child->name + 4, class->name.text, class->name.length) == 0)
		return UNIMPLEMENTED;
	return PATCH;
}

static int report_slot(struct link *link, const struct vtable *child,
		       const struct vtable *parent, uint32_t slot, enum verdict verdict)
{
	_cleanup_free_ char *expected = explain_name(child->slots[slot].symbol->name);
	_cleanup_free_ char *found = explain_name(parent->slots[slot].symbol->name);
	if (!expected || !found)
		return -ENOMEM;
	if (verdict == UNIMPLEMENTED)
		return link_fail(link, "link.vtable",
				 "Implement the method or drop its "
				 "declaration.",
				 "slot %u of %s: the kext declares %s and does "
				 "not implement it; the superclass has %s there",
				 slot, child->name, expected, found);
	return link_fail(
		link, "link.vtable",
		"The kext was built against a newer SDK than this kernel; build it "
		"against the SDK of the oldest system it is to run on.",
		"slot %u of %s: the kext expects %s, the superclass (%s) has only the "
		"reserved %s there",
		slot, child->name, expected, parent->name, found);
}

static int report_size(struct link *link, const struct vtable *child,
		       const struct vtable *parent)
{
	const struct symbol *first = parent->slots[child->count].symbol;
	_cleanup_free_ char *mine = explain_name(child->name);
	_cleanup_free_ char *super = explain_name(parent->name);
	_cleanup_free_ char *lacked = first ? explain_name(first->name) : NULL;
	if (!mine || !super || (first && !lacked))
		return -ENOMEM;
	return link_fail(link, "link.vtable",
			 "The superclass has grown since: build the kext against the "
			 "headers of this kernel.",
			 "%s has %u slots, its superclass's %s has %u%s%s", mine,
			 child->count, super, parent->count,
			 lacked ? "; the first it lacks is " : "", lacked ? lacked : "");
}

static bool is_trap(const struct link *link, uint64_t address)
{
	for (size_t i = 0; i < link->space_count; i++)
		if (image_traps(link->spaces[i].image, address))
			return true;
	return false;
}

static int patch_slot(struct link *link, struct vtable *child, uint32_t index,
		      const struct vtable_slot *parent)
{
	struct vtable_slot *slot = &child->slots[index];
	const struct symbol *own =
		symtab_find(&link->symbols, parent->symbol->name, parent->symbol->length,
			    parent->symbol->hash);
	uint64_t address =
		own ? link->addresses[own - link->symbols.items] : parent->address;
	if (address & 1 && !link->cpu->has_thumb &&
	    !name_is_pure_virtual(parent->symbol->name))
		return link_fail(link, "link.vtable", NULL,
				 "slot %u of %s: the method %s has "
				 "an odd address, which no virtual method can have",
				 index, child->name, parent->symbol->name);
	if (!link->patches)
		link->patches = mem_zero(link->relocation_count, sizeof(*link->patches));
	if (!link->patches)
		return -ENOMEM;
	link->patches[slot->relocation] =
		(struct patch){true, is_trap(link, address), address};
	link->symbols.items[slot->symbol - link->symbols.items].flags |= SYMBOL_REPLACED;
	*slot = (struct vtable_slot){own ? own : parent->symbol, address,
				     slot->relocation};
	return 0;
}

static int patch_table(struct link *link, const struct class *class, struct vtable *child,
		       const struct vtable *parent)
{
	int result = 0;
	if (child->count < parent->count)
		return report_size(link, child, parent);
	for (uint32_t i = 0; i < parent->count; i++) {
		enum verdict verdict = judge(link, class, child->slots[i].symbol,
					     parent->slots[i].symbol);
		if (verdict == LEAVE)
			continue;
		int r = verdict == PATCH ? patch_slot(link, child, i, &parent->slots[i])
					 : report_slot(link, child, parent, i, verdict);
		if (r < 0 && verdict != UNIMPLEMENTED)
			return r;
		result = r < 0 ? r : result;
	}
	return result;
}

static int check_final(struct link *link, const struct class *class)
{
	char name[NAME_LIMIT];
	struct definition found;
	if (!name_compose(name, "__ZN", class->super, "14__OSFinalClassEv"))
		return 0;
	size_t length = strlen(name);
	struct symbol key = {.name = name,
			     .length = (uint32_t)length,
			     .hash = name_hash(name, length)};
	if (!exports_find(link, &key, &found) &&
	    !symtab_find(&link->symbols, name, key.length, key.hash))
		return 0;
	_cleanup_free_ char *mine = explain_class(class->name);
	_cleanup_free_ char *super = explain_class(class->super);
	if (!mine || !super)
		return -ENOMEM;
	return link_fail(link, "link.vtable",
			 "Derive the class from another one; final ones are closed to "
			 "kexts.",
			 "%s is a subclass of %s, which is final and cannot have any",
			 mine, super);
}

int class_patch(struct link *link, struct class *class, const struct vtable *super)
{
	const struct vtable *meta;
	int r = check_final(link, class);
	if (r == 0)
		r = patch_table(link, class, &class->table, super);
	if (r < 0 || !class->meta.slots)
		return r;
	r = vtable_of_dependency(link, "__ZTV11OSMetaClass", &meta);
	if (r < 0)
		return r;
	if (!meta)
		return link_fail(link, "link.vtable",
				 "Add com.apple.kpi.libkern to "
				 "OSBundleLibraries.",
				 "no dependency has the vtable of "
				 "OSMetaClass, which %s inherits",
				 class->meta.name);
	return patch_table(link, class, &class->meta, meta);
}
