/*
 * Any bytes as the executable of a KPI plug-in and of a library, in the index of who
 * exports what; and as that of a kext whose needs are looked up there.
 */
#include <kext/needs.h>
#include "kernel.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t sink;

static void ask(const struct kext_providers *providers, struct kext_bundle *user,
		const struct kext_arch *arch, const char *symbol)
{
	const struct kext_provider *provider;
	const char *last = "";
	for (size_t i = 0; (provider = kext_providers_find(providers, symbol, i)); i++) {
		const char *identifier = kext_bundle_identifier(provider->bundle);
		if (i && strcmp(last, identifier) > 0)
			abort(); /* byte order */
		last = identifier;
		if (provider->target)
			sink += strlen(provider->target);
	}
	char *advice = kext_providers_advise(providers, user, arch, symbol);
	if (advice)
		sink += strlen(advice);
	free(advice);
}

static void list_needs(struct kext_bundle *user, const struct kext_arch *arch,
		       const struct kext_providers *providers, unsigned flags)
{
	struct kext_diagnostics *list = kext_diagnostics_new();
	struct kext_needs *needs;
	const struct kext_need *need;
	const char *last = NULL;
	int error = kext_needs_new(user, arch, providers, flags, list, &needs);
	if (error < 0 && kext_diagnostics_count(list, KEXT_ERROR) == 0)
		abort(); /* every refusal has a reason */
	for (size_t i = 0; error == 0 && (need = kext_needs_at(needs, i)); i++) {
		if (last && strcmp(last, need->symbol) >= 0)
			abort(); /* byte order, each once */
		last = need->symbol;
		ask(providers, user, arch, need->symbol);
	}
	if (error == 0)
		kext_needs_free(needs);
	kext_diagnostics_free(list);
}

static void work(struct world *world, struct kext_bundle *user)
{
	const struct kext_arch *archs[8];
	struct kext_providers *providers;
	int count = kext_bundle_architectures(user, NULL, archs, 8);
	for (int i = 0; i < count; i++) {
		world_must(kext_providers_new(world->repository, archs[i], &providers));
		list_needs(user, archs[i], providers, 0);
		list_needs(user, archs[i], providers,
			   KEXT_NEEDS_UNSUPPORTED | KEXT_NEEDS_NON_KPI);
		for (size_t f = 0; f < sizeof(functions) / sizeof(*functions); f++)
			ask(providers, user, archs[i], functions[f]);
		kext_providers_free(providers);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world;
	world_open(&world);
	world_add(&world, "com.apple.kpi.libkern", WORLD_COMPONENT, data, size);
	world_add(&world, "com.apple.kpi.private", WORLD_COMPONENT, data, size);
	world_add(&world, "com.apple.kpi.unsupported", WORLD_COMPONENT, data, size);
	world_add(&world, "com.apple.kernel.libkern", WORLD_COMPONENT, data, size);
	world_add(&world, "org.library", "", data, size);
	work(&world, world_add(&world, "org.user",
			       WORLD_LIBRARIES(WORLD_NEEDS("org.library")), data, size));
	world_close(&world);
	return 0;
}
