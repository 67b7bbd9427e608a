/*
 * What the code of C++ kexts asks libkern's classes for by name: vtables, metaclasses,
 * constructors and destructors in all their forms. C, so that no vtable of this kext's
 * own has to be linked against them.
 */
#include "kpi.h"

enum { SLOT_GET_META_CLASS = 7, SLOT_IS_EQUAL_TO = 8, SLOT_ALLOC = 17, HEADER = 2 };

typedef void *const vtable_t[];
typedef void structor_t(void *object, const void *meta);
typedef void *getter_t(const void *object);

struct class_facts {
	const char *name;
	unsigned size, slots;
	vtable_t *vtable, *meta_vtable;
	const void *meta, *super;
	const void *const *meta_class, *const *super_class;
	getter_t *get_meta_class, *alloc;
	structor_t *make_meta[2], *make_base[2], *make[2], *destroy, *delete;
};

#define NAME(declaration, symbol) extern declaration __asm(symbol)
#define DECLARE_CLASS(length, name)                                                      \
	NAME(vtable_t name##_vtable, "__ZTV" #length #name);                             \
	NAME(vtable_t name##_meta_vtable, "__ZTVN" #length #name "9MetaClassE");         \
	NAME(const char name##_meta[], "__ZN" #length #name "10gMetaClassE");            \
	NAME(const void *const name##_meta_class, "__ZN" #length #name "9metaClassE");   \
	NAME(const void *const name##_super_class,                                       \
	     "__ZN" #length #name "10superClassE");                                      \
	NAME(getter_t name##_get, "__ZNK" #length #name "12getMetaClassEv");             \
	NAME(getter_t name##_alloc, "__ZNK" #length #name "9MetaClass5allocEv");         \
	NAME(structor_t name##_meta1, "__ZN" #length #name "9MetaClassC1Ev");            \
	NAME(structor_t name##_meta2, "__ZN" #length #name "9MetaClassC2Ev");            \
	NAME(structor_t name##_base2, "__ZN" #length #name "C2EPK11OSMetaClass");        \
	NAME(structor_t name##_destroy, "__ZN" #length #name "D2Ev");
#define DECLARE_CONCRETE(length, name)                                                   \
	DECLARE_CLASS(length, name)                                                      \
	NAME(structor_t name##_base1, "__ZN" #length #name "C1EPK11OSMetaClass");        \
	NAME(structor_t name##_make1, "__ZN" #length #name "C1Ev");                      \
	NAME(structor_t name##_make2, "__ZN" #length #name "C2Ev");                      \
	NAME(structor_t name##_delete, "__ZN" #length #name "D0Ev");

#define CLASS(class, parent, bytes, last, ...)                                           \
	{                                                                                \
		.name = #class, .size = bytes, .slots = last, .super = parent,           \
		.vtable = &class##_vtable, .meta_vtable = &class##_meta_vtable,          \
		.meta = class##_meta, .meta_class = &class##_meta_class,                 \
		.super_class = &class##_super_class, .get_meta_class = class##_get,      \
		.alloc = class##_alloc, .make_meta = {class##_meta1, class##_meta2},     \
		.destroy = class##_destroy, __VA_ARGS__                                  \
	}
#define ABSTRACT(class, parent, bytes, last)                                             \
	CLASS(class, parent, bytes, last, .make_base = {class##_base2})
#define CONCRETE(class, parent, bytes, last)                                             \
	CLASS(class, parent, bytes, last, .make_base = {class##_base1, class##_base2},   \
	      .make = {class##_make1, class##_make2}, .delete = class##_delete)

DECLARE_CONCRETE(8, OSObject)
DECLARE_CONCRETE(7, OSArray)
DECLARE_CONCRETE(9, OSBoolean)
DECLARE_CLASS(12, OSCollection)
DECLARE_CONCRETE(20, OSCollectionIterator)
DECLARE_CONCRETE(6, OSData)
DECLARE_CONCRETE(12, OSDictionary)
DECLARE_CLASS(10, OSIterator)
DECLARE_CONCRETE(8, OSNumber)
DECLARE_CONCRETE(12, OSOrderedSet)
DECLARE_CONCRETE(11, OSSerialize)
DECLARE_CONCRETE(12, OSSerializer)
DECLARE_CONCRETE(5, OSSet)
DECLARE_CONCRETE(8, OSString)
DECLARE_CONCRETE(8, OSSymbol)

/* Sizes and numbers of slots as Darwin 19 has them. */
static const struct class_facts classes[] = {
	CONCRETE(OSObject, NULL, 16, 35),
	CONCRETE(OSArray, OSCollection_meta, 56, 72),
	CONCRETE(OSBoolean, OSObject_meta, 16, 47),
	ABSTRACT(OSCollection, OSObject_meta, 24, 52),
	CONCRETE(OSCollectionIterator, OSIterator_meta, 40, 43),
	CONCRETE(OSData, OSObject_meta, 48, 61),
	CONCRETE(OSDictionary, OSCollection_meta, 56, 76),
	ABSTRACT(OSIterator, OSObject_meta, 16, 42),
	CONCRETE(OSNumber, OSObject_meta, 40, 54),
	CONCRETE(OSOrderedSet, OSCollection_meta, 72, 74),
	CONCRETE(OSSerialize, OSObject_meta, 80, 56),
	CONCRETE(OSSerializer, OSObject_meta, 40, 35),
	CONCRETE(OSSet, OSCollection_meta, 40, 72),
	CONCRETE(OSString, OSObject_meta, 32, 61),
	CONCRETE(OSSymbol, OSString_meta, 32, 70),
};

NAME(vtable_t OSMetaClassBase_vtable, "__ZTV15OSMetaClassBase");
NAME(vtable_t OSMetaClass_vtable, "__ZTV11OSMetaClass");
NAME(vtable_t OSMetaClassMeta_vtable, "__ZTV15OSMetaClassMeta");
NAME(const void *const OSMetaClass_meta_class, "__ZN11OSMetaClass9metaClassE");
NAME(structor_t OSMetaClassBase_make, "__ZN15OSMetaClassBaseC2Ev");
NAME(structor_t OSMetaClassBase_destroy, "__ZN15OSMetaClassBaseD2Ev");
NAME(structor_t OSMetaClassMeta_make1, "__ZN15OSMetaClassMetaC1Ev");
NAME(structor_t OSMetaClassMeta_make2, "__ZN15OSMetaClassMetaC2Ev");
NAME(structor_t OSMetaClass_destroy, "__ZN11OSMetaClassD2Ev");
NAME(getter_t OSMetaClass_get, "__ZNK11OSMetaClass12getMetaClassEv");
NAME(getter_t OSMetaClassMeta_alloc, "__ZNK15OSMetaClassMeta5allocEv");
NAME(int is_equal(const void *, const void *), "__ZNK15OSMetaClassBase9isEqualToEPKS_");
NAME(const char *class_name(const void *meta), "__ZNK11OSMetaClass12getClassNameEv");
NAME(unsigned class_size(const void *meta), "__ZNK11OSMetaClass12getClassSizeEv");
NAME(unsigned class_count(const void *meta), "__ZNK11OSMetaClass16getInstanceCountEv");
NAME(getter_t super_class, "__ZNK11OSMetaClass13getSuperClassEv");
NAME(void instance_ends(const void *meta), "__ZNK11OSMetaClass18instanceDestructedEv");
NAME(int retain_count(const void *object), "__ZNK8OSObject14getRetainCountEv");
NAME(void *object_new(size_t size), "__ZN8OSObjectnwEm");
NAME(void release(const void *object), "__ZNK8OSObject7releaseEv");
NAME(void *begin_load(const char *kext), "__ZN11OSMetaClass10preModLoadEPKc");
NAME(_Bool check_load(void *load), "__ZN11OSMetaClass12checkModLoadEPv");
NAME(int end_load(void *load), "__ZN11OSMetaClass11postModLoadEPv");

/* ---- variables and vtables ---- */
static int are_variables_right(const struct class_facts *c)
{
	return strcmp(class_name(c->meta), c->name) == 0 &&
	       class_size(c->meta) == c->size && super_class(c->meta) == c->super &&
	       *c->meta_class == c->meta && *c->super_class == c->super;
}

static int is_vtable_right(const struct class_facts *c)
{
	void *const *vtable = *c->vtable, *const *of_meta = *c->meta_vtable;

	return !vtable[0] && !vtable[1] && !vtable[HEADER + c->slots] && !of_meta[0] &&
	       !of_meta[1] && vtable[HEADER + SLOT_GET_META_CLASS] == c->get_meta_class &&
	       of_meta[HEADER + SLOT_ALLOC] == c->alloc;
}

static void check_roots(void)
{
	CHECK("vtable_of_the_root",
	      OSMetaClassBase_vtable[HEADER + SLOT_IS_EQUAL_TO] == is_equal);
	CHECK("vtable_of_metaclasses",
	      OSMetaClass_vtable[HEADER + SLOT_GET_META_CLASS] == OSMetaClass_get &&
		      OSMetaClassMeta_vtable[HEADER + SLOT_ALLOC] ==
			      OSMetaClassMeta_alloc);
	CHECK("metaclass_of_metaclasses",
	      OSMetaClass_get(OSObject_meta) == OSMetaClass_meta_class &&
		      OSMetaClassMeta_alloc(OSMetaClass_meta_class) == NULL);
}

/* ---- objects ---- */
static int is_destroyed(const void *object)
{
	return *(const long *)object == -1;
}

/* In zeroed memory; only the form without a metaclass counts its instances. */
static int constructs(const struct class_facts *c, structor_t *construct, int is_counted)
{
	static void *object[16];
	unsigned count = class_count(c->meta);
	int is_good;

	memset(object, 0, sizeof(object));
	construct(object, c->meta);
	is_good = ((getter_t **)object[0])[SLOT_GET_META_CLASS](object) == c->meta &&
		  retain_count(object) == 1 &&
		  class_count(c->meta) == count + (is_counted ? 1 : 0);
	if (is_counted)
		instance_ends(c->meta);
	c->destroy(object, NULL);
	return is_good && is_destroyed(object) && class_count(c->meta) == count;
}

/* Its memory goes too, or the kext leaks it. */
static int deletes(const struct class_facts *c)
{
	void *object = object_new(c->size);

	c->make_base[0](object, c->meta);
	c->delete (object, NULL);
	return 1;
}

static int allocates(const struct class_facts *c)
{
	void *object = c->alloc(c->meta);
	int is_good;

	if (!c->make[0] || !c->super)
		return !object;
	is_good = object && c->get_meta_class(object) == c->meta &&
		  retain_count(object) == 1;
	if (object)
		release(object);
	return is_good;
}

/* OSObject's own default constructor leaves counting to nobody: none is ever made. */
static int are_objects_right(const struct class_facts *c)
{
	int is_good = allocates(c) && (!c->delete || deletes(c)), i;

	for (i = 0; i < 2; i++) {
		is_good &= !c->make_base[i] || constructs(c, c->make_base[i], 0);
		is_good &= !c->make[i] || constructs(c, c->make[i], c->super != NULL);
	}
	return is_good;
}

static void check_root_object(void)
{
	void *object[2] = {NULL, NULL};

	OSMetaClassBase_make(object, NULL);
	CHECK("root_constructs",
	      ((void **)object[0])[SLOT_IS_EQUAL_TO] ==
		      OSMetaClassBase_vtable[HEADER + SLOT_IS_EQUAL_TO]);
	OSMetaClassBase_destroy(object, NULL);
	CHECK("root_destroys", is_destroyed(object));
}

/* ---- metaclasses: within the bracket of a load, which they leave again ---- */
static int is_metaclass(structor_t *construct, const char *name, unsigned size)
{
	static void *meta[5];
	int is_good;

	memset(meta, 0, sizeof(meta));
	construct(meta, NULL);
	is_good = strcmp(class_name(meta), name) == 0 && class_size(meta) == size &&
		  class_count(meta) == 0;
	OSMetaClass_destroy(meta, NULL);
	return is_good && is_destroyed(meta);
}

static void check_metaclasses(void)
{
	void *load = begin_load("com.apple.test.kpi.classes");
	size_t i;
	int is_good = 1;

	CHECK("load_begins", load && check_load(load) && !check_load(NULL));
	for (i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		const struct class_facts *c = &classes[i];

		is_good &= is_metaclass(c->make_meta[0], c->name, c->size) &&
			   is_metaclass(c->make_meta[1], c->name, c->size);
	}
	CHECK("metaclasses_construct", is_good);
	CHECK("metaclass_of_metaclasses_constructs",
	      is_metaclass(OSMetaClassMeta_make1, "OSMetaClass", 40) &&
		      is_metaclass(OSMetaClassMeta_make2, "OSMetaClass", 40));
	CHECK("load_ends", end_load(load) == 0 && !check_load(load));
	CHECK("load_ended_already", (unsigned)end_load(load) == 0xdc004001);
}

/* A check for each class, with the class's name in its own. */
static void check_class(const struct class_facts *c, const char *what, int is_good)
{
	char name[48];

	snprintf(name, sizeof(name), "class_%s_%s", c->name, what);
	check_line(name, is_good, __FILE__, __LINE__);
}

void check(void)
{
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		const struct class_facts *c = &classes[i];

		check_class(c, "variables", are_variables_right(c));
		check_class(c, "vtables", is_vtable_right(c));
		check_class(c, "objects", are_objects_right(c));
	}
	check_roots();
	check_root_object();
	check_metaclasses();
}
