/*
 * Choosing what fulfils a dependency, and saying why nothing does. A kext is compatible
 * when it is a library and compatible version <= requested version <= its version.
 */
#include <stdio.h>
#include <string.h>
#include <kext/version.h>
#include "base/buffer.h"
#include "base/memory.h"
#include "resolve/graph.h"

#define LISTED_MAX 4u

static bool is_compatible(int64_t version, int64_t compatible_version, int64_t requested)
{
	return compatible_version != 0 && compatible_version <= requested &&
	       requested <= version;
}

static bool is_compatible_bundle(const struct kext_bundle *bundle, int64_t requested)
{
	return is_compatible(kext_bundle_version(bundle),
			     kext_bundle_compatible_version(bundle), requested);
}

const struct kext_loaded *graph_loaded(const struct graph *graph, const char *identifier)
{
	return map_get(&graph->loaded_by_identifier, identifier);
}

static bool is_same_bundle(const struct kext_bundle *a, const struct kext_bundle *b)
{
	return a == b || (a && b && *kext_bundle_path(a) &&
			  strcmp(kext_bundle_path(a), kext_bundle_path(b)) == 0);
}

bool graph_same(const struct candidate *a, const struct candidate *b)
{
	return a->loaded == b->loaded && is_same_bundle(a->bundle, b->bundle);
}

/* The kext being resolved need not lie in the repository, or lies there as another
 * object. */
static struct kext_bundle *prefer_root(const struct graph *graph, const char *identifier,
				       struct kext_bundle *found)
{
	struct kext_bundle *root = graph->root;
	if (!root || strcmp(kext_bundle_identifier(root), identifier) != 0)
		return found;
	if (!found || is_same_bundle(root, found) ||
	    kext_bundle_version(root) >= kext_bundle_version(found))
		return root;
	return found;
}

/* The copy on disk of a loaded kext: the same version, else none is known. */
static struct kext_bundle *bundle_of_loaded(const struct graph *graph,
					    const struct kext_loaded *loaded)
{
	struct kext_bundle *bundle, *root = graph->root;
	if (root && strcmp(kext_bundle_identifier(root), loaded->identifier) == 0 &&
	    kext_bundle_version(root) == loaded->version)
		return root;
	for (size_t i = 0;
	     (bundle = kext_repository_version(graph->repository, loaded->identifier, i));
	     i++)
		if (kext_bundle_version(bundle) == loaded->version)
			return bundle;
	return NULL;
}

static struct kext_bundle *highest_compatible(const struct graph *graph,
					      const struct request *request)
{
	struct kext_bundle *bundle, *found = NULL;
	for (size_t i = 0; !found && (bundle = kext_repository_version(
					      graph->repository, request->identifier, i));
	     i++)
		if (is_compatible_bundle(bundle, request->version))
			found = bundle;
	bundle = prefer_root(graph, request->identifier, found);
	return bundle && is_compatible_bundle(bundle, request->version) ? bundle : found;
}

char *graph_describe(const struct candidate *candidate)
{
	char version[KEXT_VERSION_TEXT_MAX];
	if (candidate->loaded)
		return mem_format(
			"%s, which is loaded",
			kext_version_format(candidate->loaded->version, version));
	return mem_format(
		"%s in %s",
		kext_version_format(kext_bundle_version(candidate->bundle), version),
		kext_bundle_name(candidate->bundle));
}

/* A version below the one asked for speaks for itself; else the compatible one is why. */
static void list_bundle(struct buffer *text, const struct kext_bundle *bundle,
			int64_t requested)
{
	char version[KEXT_VERSION_TEXT_MAX], compatible[KEXT_VERSION_TEXT_MAX];
	int64_t least = kext_bundle_compatible_version(bundle);
	buffer_printf(text, "%s%s", text->size ? " and " : "",
		      kext_version_format(kext_bundle_version(bundle), version));
	if (least > requested)
		buffer_printf(text, " whose compatible version is %s",
			      kext_version_format(least, compatible));
	buffer_printf(text, " in %s%s", kext_bundle_name(bundle),
		      least ? ""
			    : ", which is no library (no OSBundleCompatibleVersion)");
}

/* "3.0 whose compatible version is 2.5 in A.kext and 1.5 in …"; how many there are. */
static size_t list_found(const struct graph *graph, const struct request *request,
			 struct buffer *text)
{
	struct kext_bundle *bundle;
	size_t count = 0;
	while ((bundle = kext_repository_version(graph->repository, request->identifier,
						 count)))
		if (count++ < LISTED_MAX)
			list_bundle(text, bundle, request->version);
	if (count > LISTED_MAX)
		buffer_printf(text, " and %zu more", count - LISTED_MAX);
	if (count == 0 && prefer_root(graph, request->identifier, NULL)) {
		list_bundle(text, graph->root, request->version);
		count = 1;
	}
	buffer_u8(text, 0);
	return count;
}

/* What to change where a library of this version, compatible from another one on, does
 * not fulfil a request. NULL without memory. */
static char *advise_version(int64_t version, int64_t compatible_version,
			    const struct request *request)
{
	char text[KEXT_VERSION_TEXT_MAX];
	if (!compatible_version)
		return mem_string("give the library an OSBundleCompatibleVersion");
	kext_version_format(version, text);
	if (request->version < compatible_version)
		return mem_format("ask for %s in OSBundleLibraries, or provide a version "
				  "that is still compatible with %s",
				  text, request->text);
	return mem_format("provide version %s or a newer one, or ask for %s in "
			  "OSBundleLibraries if that will do",
			  request->text, text);
}

/* The newest library of those found, or any kext if none is one. */
static const struct kext_bundle *newest_library(const struct graph *graph,
						const struct request *request)
{
	const struct kext_bundle *bundle, *found = NULL;
	for (size_t i = 0; (bundle = kext_repository_version(graph->repository,
							     request->identifier, i));
	     i++)
		if (!found || (!kext_bundle_compatible_version(found) &&
			       kext_bundle_compatible_version(bundle)))
			found = bundle;
	return found ? found : prefer_root(graph, request->identifier, NULL);
}

static void explain_version(const struct graph *graph, const char *asker,
			    const struct request *request, const char *found)
{
	const struct kext_bundle *library = newest_library(graph, request);
	int64_t compatible = kext_bundle_compatible_version(library);
	_cleanup_free_ char *hint =
		advise_version(kext_bundle_version(library), compatible, request);
	kext_diagnose_value(
		graph->diagnostics, KEXT_ERROR,
		compatible ? "dependency.version" : "dependency.undeclared", asker,
		request->identifier, hint,
		"no compatible dependency found for %s: needs %s >= %s compatible; found "
		"%s",
		request->identifier, request->identifier, request->text, found);
}

static void explain_absence(const struct graph *graph, const char *asker,
			    const struct request *request)
{
	_cleanup_buffer_ struct buffer text = {0};
	if (list_found(graph, request, &text))
		explain_version(graph, asker, request,
				text.failed ? "others" : (const char *)text.data);
	else
		kext_diagnose_value(
			graph->diagnostics, KEXT_ERROR, "dependency.missing", asker,
			request->identifier,
			"name the library with -d, or its folder with -r",
			"no compatible dependency found for %s: needs %s >= %s, but no "
			"kext of this identifier was found",
			request->identifier, request->identifier, request->text);
}

static bool is_kernel_identifier(const char *identifier)
{
	return strncmp(identifier, "com.apple.kpi.", 14) == 0 ||
	       strncmp(identifier, "com.apple.kernel", 16) == 0;
}

/* Parts of the kernel cannot be unloaded. */
static void explain_loaded(const struct graph *graph, const char *asker,
			   const struct request *request,
			   const struct kext_loaded *loaded)
{
	char version[KEXT_VERSION_TEXT_MAX], compatible[KEXT_VERSION_TEXT_MAX], what[96];
	_cleanup_free_ char *hint =
		is_kernel_identifier(loaded->identifier)
			? advise_version(loaded->version, loaded->compatible_version,
					 request)
			: mem_string("unload the loaded one first");
	if (loaded->compatible_version)
		snprintf(what, sizeof(what), "whose compatible version is %s",
			 kext_version_format(loaded->compatible_version, compatible));
	else
		snprintf(what, sizeof(what), "which is no library");
	kext_diagnose_value(
		graph->diagnostics, KEXT_ERROR,
		loaded->compatible_version ? "dependency.loaded"
					   : "dependency.loaded-undeclared",
		asker, request->identifier, hint,
		"no compatible dependency found for %s: needs %s >= %s, but %s is "
		"loaded, "
		"%s",
		request->identifier, request->identifier, request->text,
		kext_version_format(loaded->version, version), what);
}

/* Linking against the kernel takes the KPI plug-ins of just this kernel. */
static void explain_kernel(const struct graph *graph, const char *asker,
			   const struct request *request,
			   const struct kext_loaded *loaded)
{
	char version[KEXT_VERSION_TEXT_MAX];
	_cleanup_buffer_ struct buffer text = {0};
	size_t count = list_found(graph, request, &text);
	kext_diagnose_value(
		graph->diagnostics, KEXT_ERROR, "dependency.kernel", asker,
		request->identifier,
		"use the System.kext that belongs to the running kernel",
		"no compatible dependency found for %s: the running kernel has version "
		"%s of it; found %s",
		request->identifier, kext_version_format(loaded->version, version),
		count && !text.failed ? (const char *)text.data : "no plug-in for it");
}

static bool find_loaded(const struct graph *graph, const char *asker,
			const struct request *request, const struct kext_loaded *loaded,
			struct candidate *ret)
{
	if (!is_compatible(loaded->version, loaded->compatible_version,
			   request->version)) {
		explain_loaded(graph, asker, request, loaded);
		return false;
	}
	struct kext_bundle *bundle = bundle_of_loaded(graph, loaded);
	if (!bundle && is_kernel_identifier(loaded->identifier)) {
		explain_kernel(graph, asker, request, loaded);
		return false;
	}
	*ret = (struct candidate){bundle, loaded};
	return true;
}

bool graph_choose(const struct graph *graph, const char *asker,
		  const struct request *request, struct candidate *ret)
{
	const struct kext_loaded *loaded = graph_loaded(graph, request->identifier);
	bool may_fall_back = graph->era == KEXT_ERA_TIGER && loaded &&
			     !is_compatible(loaded->version, loaded->compatible_version,
					    request->version);
	if (loaded && !may_fall_back)
		return find_loaded(graph, asker, request, loaded, ret);
	struct kext_bundle *bundle = highest_compatible(graph, request);
	if (!bundle) {
		explain_absence(graph, asker, request);
		return false;
	}
	*ret = (struct candidate){bundle, NULL};
	return true;
}
