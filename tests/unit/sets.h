/*
 * Kexts and KPIs in memory for the tests of what works on many: a world, the kernel's
 * file, and executables with symbols as the test lists them.
 */
#ifndef TEST_SETS_H
#define TEST_SETS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <kext/linkset.h>
#include "../fuzz/kernel.h"
#include "../fuzz/world.h"
#include "base/memory.h"

struct sets {
	struct world world;
	const struct kext_arch *arch;
	struct kext_diagnostics *diagnostics;
	struct kext_kernel_file *kernel; /* of fuzz/kernel.h; NULL until somebody links */
};

static inline int sets_setup(void **state)
{
	struct sets *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	world_open(&s->world);
	s->arch = kext_arch_named("x86_64");
	s->diagnostics = kext_diagnostics_new();
	*state = s;
	return 0;
}

static inline int sets_teardown(void **state)
{
	struct sets *s = *state;
	kext_diagnostics_free(s->diagnostics);
	kext_kernel_file_unref(s->kernel);
	world_close(&s->world);
	free(s);
	return 0;
}

struct listed {
	const char *name, *target; /* target: an indirect symbol */
	uint8_t type;
	uint16_t desc;
	uint64_t value;
};

/* A library whose executable has these symbols and nothing else. */
static inline struct kext_bundle *sets_add(struct sets *s, const char *identifier,
					   const char *version, const char *entries,
					   uint32_t cputype, const struct listed *symbols,
					   size_t count)
{
	struct macho_builder b = {.cputype = cputype, .filetype = MH_KEXT_BUNDLE};
	uint8_t *data;
	size_t size;
	for (size_t i = 0; i < count; i++)
		if (symbols[i].target)
			macho_builder_indirect(&b, symbols[i].name, symbols[i].target,
					       symbols[i].desc);
		else
			macho_builder_symbol(&b, symbols[i].name, symbols[i].type, 0,
					     symbols[i].desc, symbols[i].value);
	assert_int_equal(macho_builder_finish(&b, &data, &size), 0);
	macho_builder_free(&b);
	struct kext_bundle *bundle = world_add_version(&s->world, identifier, version,
						       "1.0", entries, data, size);
	free(data);
	return bundle;
}

#define SETS_ADD(s, identifier, version, entries, symbols)                               \
	sets_add(s, identifier, version, entries, KEXT_CPU_X86_64, symbols,              \
		 sizeof(symbols) / sizeof(*(symbols)))

/* A library with code of its own: it needs these names, and these libraries. */
static inline struct kext_bundle *sets_kext(struct sets *s, const char *identifier,
					    const char *version, const char *libraries,
					    const char *wants, const char *export)
{
	char entries[512];
	uint8_t *data;
	size_t size;
	snprintf(entries, sizeof(entries), "<key>OSBundleLibraries</key><dict>%s</dict>",
		 libraries);
	build_kext(&cpu_x86_64, &wants, wants != NULL, export, &data, &size);
	struct kext_bundle *bundle = world_add_version(&s->world, identifier, version,
						       "1.0", entries, data, size);
	free(data);
	return bundle;
}

/* The KPI of the fixed kernel, under the identifier com.apple.kpi.libkern. */
static inline void sets_kpi(struct sets *s)
{
	static const struct listed symbols[] = {{"_printf", NULL, N_EXT, 0, 0},
						{"_alias", "_IOLog", 0, 0, 0}};
	sets_add(s, "com.apple.kpi.libkern", "1.0", WORLD_COMPONENT, KEXT_CPU_X86_64,
		 symbols, 2);
}
#define KPI WORLD_NEEDS("com.apple.kpi.libkern")

/* What a set asked for addresses, in its order. */
struct placing {
	uint64_t next;
	size_t count;
	char asked[512];     /* "org.a org.b" */
	const char *refused; /* identifier that gets none */
	uint64_t sizes[16];
};

static inline int sets_place(void *data, const struct kext_bundle *bundle, uint64_t size,
			     uint64_t *ret_address)
{
	struct placing *placing = data;
	const char *identifier = kext_bundle_identifier(bundle);
	size_t used = strlen(placing->asked);
	snprintf(placing->asked + used, sizeof(placing->asked) - used, "%s%s",
		 used ? " " : "", identifier);
	placing->sizes[placing->count++ % 16] = size;
	if (placing->refused && strcmp(identifier, placing->refused) == 0)
		return KEXT_ERR_DISABLED;
	*ret_address = placing->next;
	placing->next += size;
	return 0;
}

/* The options of an ordinary set, to be changed and given to kext_linkset_new(). */
static inline struct kext_linkset_options sets_options(struct sets *s,
						       struct placing *placing,
						       struct kext_bundle *const *bundles,
						       size_t count)
{
	uint8_t *data;
	size_t size;
	if (!s->kernel) {
		build_kernel(&cpu_x86_64, &data, &size);
		s->kernel = open_kernel_file(s->arch, data, size);
		free(data);
		assert_non_null(s->kernel);
	}
	*placing = (struct placing){.next = BASE + 0x100000};
	return (struct kext_linkset_options){
		.repository = s->world.repository,
		.kernel = s->kernel,
		.arch = s->arch,
		.bundles = bundles,
		.bundle_count = count,
		.address = sets_place,
		.address_data = placing,
		.jobs = 1,
	};
}

/* Whether a finding of this slug speaks of `text`. */
static inline bool sets_said(const struct sets *s, const char *slug, const char *text)
{
	for (size_t i = 0; i < kext_diagnostics_length(s->diagnostics); i++) {
		const struct kext_diagnostic *d = kext_diagnostics_at(s->diagnostics, i);
		if (strcmp(d->slug, slug) == 0 && strstr(d->message, text))
			return true;
	}
	return false;
}

#endif
