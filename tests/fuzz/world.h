/*
 * A repository in memory, for fuzz targets and unit tests that work on sets of kexts:
 * property lists are written out as XML, executables are given as bytes.
 */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <kext/repository.h>

struct world {
	struct kext_context *context;
	struct kext_repository *repository;
};

static inline void world_must(int error)
{
	if (error < 0)
		abort();
}

static inline void world_open(struct world *world)
{
	world_must(kext_context_new(&world->context));
	world_must(kext_repository_new(world->context, &world->repository));
}

static inline void world_close(struct world *world)
{
	kext_repository_free(world->repository);
	kext_context_unref(world->context);
}

/*
 * Adds a kext; `compatible` NULL: it is no library; `entries`: the rest of its property
 * list; `data` NULL: it has no code, else the bytes are copied. The bundle is the
 * repository's.
 */
static inline struct kext_bundle *
world_add_version(struct world *world, const char *identifier, const char *version,
		  const char *compatible, const char *entries, const uint8_t *data,
		  size_t size)
{
	char xml[2048], path[128];
	struct kext_value *info;
	struct kext_bundle *bundle;
	void *copy = data ? malloc(size ? size : 1) : NULL;
	int length = snprintf(
		xml, sizeof(xml),
		"<dict><key>CFBundleIdentifier</key><string>%s</string>"
		"<key>CFBundleVersion</key><string>%s</string>%s%s%s%s%s</dict>",
		identifier, version,
		compatible ? "<key>OSBundleCompatibleVersion</key><string>" : "",
		compatible ? compatible : "", compatible ? "</string>" : "",
		data ? "<key>CFBundleExecutable</key><string>X</string>" : "", entries);
	if ((data && !copy) || length >= (int)sizeof(xml))
		abort();
	if (data)
		memcpy(copy, data, size);
	snprintf(path, sizeof(path), "/%s-%s.kext", identifier, version);
	world_must(kext_value_from_xml(xml, (size_t)length, "world", NULL, &info));
	world_must(kext_bundle_new_archived(world->context, path, data ? "MacOS/X" : NULL,
					    info, copy, size, NULL, &bundle));
	kext_value_unref(info);
	world_must(kext_repository_add(world->repository, bundle));
	kext_bundle_unref(bundle);
	return bundle;
}

/* The same for a library of version 1.0. */
static inline struct kext_bundle *world_add(struct world *world, const char *identifier,
					    const char *entries, const uint8_t *data,
					    size_t size)
{
	return world_add_version(world, identifier, "1.0", "1.0", entries, data, size);
}

#define WORLD_COMPONENT		"<key>OSKernelResource</key><true/>"
#define WORLD_NEEDS(identifier) "<key>" identifier "</key><string>1.0</string>"
#define WORLD_LIBRARIES(needs)	"<key>OSBundleLibraries</key><dict>" needs "</dict>"

#endif
