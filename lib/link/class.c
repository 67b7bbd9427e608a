/*
 * The I/O Kit classes of a kext. Each has a pointer "superClass" to its superclass's
 * metaclass, and so tells its place in the hierarchy; a class is patched after its
 * superclass.
 */
#include <errno.h>
#include <inttypes.h>
#include "base/memory.h"
#include "link/accept.h"
#include "link/link.h"

static int name_too_long(struct link *link, const struct symbol *symbol)
{
	return link_fail(link, "link.vtable", NULL, "the class name in %s is too long",
			 symbol->name);
}

static int read_table(struct link *link, const struct symbol *pointer, const char *name,
		      bool is_optional, struct vtable *ret)
{
	const struct symbol *symbol = symtab_find_name(&link->symbols, name);
	if (symbol && symbol->flags & SYMBOL_SECTION)
		return vtable_read_own(link, symbol, ret);
	if (is_optional) {
		kext_diagnose(link->report.diagnostics, KEXT_WARNING, "link.vtable",
			      link->report.subject, NULL, "%s has no metaclass vtable %s",
			      pointer->name, name);
		return 0;
	}
	_cleanup_free_ char *clear = explain_name(name);
	return link_fail(link, "link.vtable",
			 "OSDeclareDefaultStructors must be matched by one "
			 "OSDefineMetaClassAndStructors in this kext.",
			 "the kext defines %s, but not the %s", pointer->name,
			 clear ? clear : name);
}

static int read_tables(struct link *link, struct class *class)
{
	const struct symbol *pointer = &link->symbols.items[class->super_pointer];
	char name[NAME_LIMIT];
	if (!name_of_vtable(name, class->name))
		return name_too_long(link, pointer);
	int r = read_table(link, pointer, name, false, &class->table);
	if (r < 0)
		return r;
	if (!name_of_meta_vtable(name, class->name))
		return name_too_long(link, pointer);
	return read_table(link, pointer, name, link->cpu->meta_vtable_optional,
			  &class->meta);
}

struct metaclass {
	uint64_t value;
	const struct symbol *symbol;
};

typedef ARRAY_OF(struct metaclass) metaclass_list;

static int compare_metaclasses(const void *a, const void *b)
{
	uint64_t x = ((const struct metaclass *)a)->value;
	uint64_t y = ((const struct metaclass *)b)->value;
	return x < y ? -1 : x > y;
}

static int collect(struct link *link, metaclass_list *metaclasses)
{
	for (uint32_t i = 0; i < link->symbols.count; i++) {
		const struct symbol *symbol = &link->symbols.items[i];
		struct class_name name;
		if (!symbol_is_defined(symbol) || !(symbol->flags & SYMBOL_CXX))
			continue;
		if (name_is_super_pointer(symbol->name, symbol->length, &name)) {
			struct class *class = array_push(&link->classes);
			if (!class)
				return -ENOMEM;
			class->name = name;
			class->super_pointer = i;
		} else if (name_is_metaclass(symbol->name, symbol->length, &name)) {
			struct metaclass *metaclass = array_push(metaclasses);
			if (!metaclass)
				return -ENOMEM;
			*metaclass = (struct metaclass){symbol->value, symbol};
		}
	}
	return 0;
}

/* The metaclass symbol that a superClass pointer leads to, or NULL. */
static const struct symbol *pointed_at(struct link *link, const struct symbol *pointer,
				       const metaclass_list *metaclasses)
{
	struct macho_relocation r;
	uint32_t index;
	if (places_external(link, pointer->value, &index, &r))
		return r.symbol < link->symbols.count ? &link->symbols.items[r.symbol]
						      : NULL;
	const struct placed_section *section =
		layout_section_at(link, pointer->value, cpu_word(link->cpu));
	if (!section || !places_local(link, pointer->value, &r))
		return NULL;
	uint64_t offset = pointer->value - section->source->address;
	if (!bytes_holds(section->source->content, offset, cpu_word(link->cpu)))
		return NULL;
	struct metaclass key = {
		cpu_load_word(link->cpu, section->source->content.data + offset), NULL};
	const struct metaclass *found =
		metaclasses->count ? bsearch(&key, metaclasses->items, metaclasses->count,
					     sizeof(key), compare_metaclasses)
				   : NULL;
	return found ? found->symbol : NULL;
}

static int read_super(struct link *link, struct class *class,
		      const metaclass_list *metaclasses)
{
	const struct symbol *pointer = &link->symbols.items[class->super_pointer];
	const struct symbol *meta = pointed_at(link, pointer, metaclasses);
	if (meta && name_is_metaclass(meta->name, meta->length, &class->super))
		return 0;
	_cleanup_free_ char *name = explain_name(pointer->name);
	return link_fail(link, "link.vtable", NULL,
			 "%s at 0x%" PRIx64 " does not point to a metaclass but to %s",
			 name ? name : pointer->name, pointer->value,
			 meta ? meta->name : "nothing that is known");
}

int classes_read(struct link *link, bool only_tables)
{
	metaclass_list metaclasses = {0};
	int r = collect(link, &metaclasses);
	if (r == 0 && link->classes.count)
		r = places_index(link);
	if (metaclasses.count)
		qsort(metaclasses.items, metaclasses.count, sizeof(*metaclasses.items),
		      compare_metaclasses);
	for (size_t i = 0; i < link->classes.count && r == 0; i++) {
		r = read_tables(link, &link->classes.items[i]);
		if (r == 0 && !only_tables)
			r = read_super(link, &link->classes.items[i], &metaclasses);
	}
	array_free(&metaclasses);
	return r;
}

/* Classes are in the order of their symbols. */
static int compare_class(const void *key, const void *item)
{
	uint32_t a = *(const uint32_t *)key,
		 b = ((const struct class *)item)->super_pointer;
	return a < b ? -1 : a > b;
}

static struct class *own_class(struct link *link, struct class_name name)
{
	char buffer[NAME_LIMIT];
	if (!name_compose(buffer, "__ZN", name, "10superClassE"))
		return NULL;
	const struct symbol *symbol = symtab_find_name(&link->symbols, buffer);
	if (!symbol)
		return NULL;
	uint32_t index = (uint32_t)(symbol - link->symbols.items);
	return bsearch(&index, link->classes.items, link->classes.count,
		       sizeof(*link->classes.items), compare_class);
}

static int no_superclass(struct link *link, const struct class *class)
{
	_cleanup_free_ char *name = explain_class(class->name);
	_cleanup_free_ char *super = explain_class(class->super);
	if (!name || !super)
		return -ENOMEM;
	return link_fail(link, "link.vtable",
			 "Add the library that defines it to OSBundleLibraries.",
			 "the vtable of %s was not patched: no dependency has the "
			 "vtable of its superclass %s",
			 name, super);
}

static int patch_one(struct link *link, struct class *class)
{
	struct class *super = own_class(link, class->super);
	const struct vtable *table = super ? &super->table : NULL;
	char name[NAME_LIMIT];
	if (super && super->state == CLASS_FAILED)
		return KEXT_ERR_LINK;
	if (!table && name_of_vtable(name, class->super)) {
		int r = vtable_of_dependency(link, name, &table);
		if (r < 0)
			return r;
	}
	return table ? class_patch(link, class, table) : no_superclass(link, class);
}

/*
 * The topmost class above `class` that still waits, each on the way remembering who waits
 * for it; NULL for a class that is its own ancestor.
 */
static struct class *climb(struct link *link, struct class *class)
{
	class->subclass = NULL;
	for (;;) {
		class->state = CLASS_STARTED;
		struct class *super = own_class(link, class->super);
		if (!super || super->state >= CLASS_DONE)
			return class;
		if (super->state == CLASS_STARTED)
			return NULL;
		super->subclass = class;
		class = super;
	}
}

static int patch_chain(struct link *link, struct class *class)
{
	int result = 0;
	class = climb(link, class);
	if (!class)
		return link_fail(link, "link.vtable", NULL,
				 "a class of the kext is its own superclass");
	for (; class; class = class->subclass) {
		int r = patch_one(link, class);
		if (r < 0 && r != KEXT_ERR_LINK)
			return r;
		class->state = r < 0 ? CLASS_FAILED : CLASS_DONE;
		result = r < 0 ? r : result;
	}
	return result;
}

int pass_vtables(struct link *link)
{
	/* Without external relocations the kext is linked already. */
	if (accept_is_linked(&link->macho))
		return 0;
	int result = symtab_index(&link->symbols, INDEX_DEFINED);
	if (result == 0)
		result = classes_read(link, link->is_split);
	if (result < 0 || link->is_split)
		return result;
	array_for_each (class, &link->classes) {
		int r = class->state == CLASS_WAITING ? patch_chain(link, class) : 0;
		if (r < 0 && (r != KEXT_ERR_LINK || class->state == CLASS_STARTED))
			return r;
		result = r < 0 ? r : result;
	}
	return result;
}
