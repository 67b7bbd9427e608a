/*
 * What the dependencies offer: names from the direct ones, C++ symbols by address and
 * vtables from all. Nothing is copied: each image was indexed once, and a link asks the
 * images in order, the last dependency first, because the last definition of a name is
 * the one in force.
 */
#include <errno.h>
#include "base/memory.h"
#include "link/link.h"

static int check_cpu(struct link *link, const struct kext_image *image)
{
	if (image->cpu == link->cpu)
		return 0;
	return link_fail(link, "link.dependency", NULL,
			 "the dependency %s is for %s, the kext "
			 "for %s",
			 image->name, image->cpu->name, link->cpu->name);
}

static bool has_space(const struct link *link, struct address_space space)
{
	for (size_t i = 0; i < link->space_count; i++)
		if (link->spaces[i].image == space.image &&
		    (!link->spaces[i].exported_only || space.exported_only))
			return true;
	return false;
}

int pass_exports(struct link *link)
{
	size_t count = link->request->dependency_count;
	if (count == 0)
		return link_fail(link, "link.dependency",
				 "Add com.apple.kpi libraries to "
				 "OSBundleLibraries.",
				 "there is nothing to link against");
	link->spaces = mem_zero(count, sizeof(*link->spaces));
	if (!link->spaces)
		return -ENOMEM;
	for (size_t i = count; i-- > 0;) {
		const struct kext_link_dependency *d = &link->request->dependencies[i];
		int r = check_cpu(link, d->image);
		if (r == 0 && d->interface)
			r = check_cpu(link, d->interface);
		if (r < 0)
			return r;
		struct address_space space = {d->image, d->interface == NULL};
		if (has_space(link, space))
			continue;
		link->spaces[link->space_count++] = space;
		link->image_words += d->image->macho.bytes.size / cpu_word(link->cpu);
	}
	return 0;
}

/* The symbol an interface entry stands for: itself, or by an alias another name. */
static const struct symbol *interface_target(const struct kext_link_dependency *d,
					     const struct symbol *entry)
{
	if (entry->flags & SYMBOL_UNDEFINED)
		return image_definition(d->image, entry->name, entry->length,
					entry->hash);
	if (!(entry->flags & SYMBOL_INDIRECT))
		return NULL;
	const char *alias = (const char *)d->interface->macho.strings.data + entry->value;
	size_t length = strlen(alias);
	return image_definition(d->image, alias, (uint32_t)length,
				name_hash(alias, length));
}

static bool find_in(const struct kext_link_dependency *d, const struct symbol *key,
		    struct definition *ret)
{
	const struct symbol *symbol, *entry = NULL;
	if (d->interface) {
		entry = symtab_find(&d->interface->symbols, key->name, key->length,
				    key->hash);
		symbol = entry ? interface_target(d, entry) : NULL;
	} else {
		symbol = image_definition(d->image, key->name, key->length, key->hash);
		if (symbol && !(symbol->flags & SYMBOL_EXTERNAL))
			symbol = NULL;
	}
	if (!symbol)
		return false;
	*ret = (struct definition){symbol, d->image,
				   entry && entry->flags & SYMBOL_OBSOLETE};
	return true;
}

bool exports_find(const struct link *link, const struct symbol *key,
		  struct definition *ret)
{
	for (size_t i = link->request->dependency_count; i-- > 0;) {
		const struct kext_link_dependency *d = &link->request->dependencies[i];
		if (d->is_direct && find_in(d, key, ret))
			return true;
	}
	return false;
}

const char *exports_suggest(const struct link *link, const struct symbol *key)
{
	struct definition found;
	for (size_t i = 0; i < link->request->dependency_count; i++) {
		const struct kext_link_dependency *d = &link->request->dependencies[i];
		if (!d->is_direct && find_in(d, key, &found))
			return d->interface ? d->interface->name : d->image->name;
	}
	return NULL;
}

const struct symbol *exports_cxx_at(const struct link *link, uint64_t address)
{
	for (size_t i = 0; i < link->space_count; i++) {
		const struct symbol *symbol = image_cxx_at(link->spaces[i].image, address,
							   link->spaces[i].exported_only);
		if (symbol)
			return symbol;
	}
	return NULL;
}

bool exports_find_anywhere(const struct link *link, const char *name,
			   struct definition *ret)
{
	size_t length = strlen(name);
	uint32_t hash = name_hash(name, length);
	for (size_t i = 0; i < link->space_count; i++) {
		const struct kext_image *image = link->spaces[i].image;
		const struct symbol *symbol =
			image_definition(image, name, (uint32_t)length, hash);
		if (!symbol)
			continue;
		*ret = (struct definition){symbol, image, false};
		return true;
	}
	return false;
}
