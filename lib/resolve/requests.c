/*
 * What a kext asks for: its OSBundleLibraries, by the rules for kernel libraries and
 * KPIs, and the libraries that are implied.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <kext/version.h>
#include "resolve/graph.h"

#define KERNEL		"com.apple.kernel"
#define KERNEL_6	"com.apple.kernel.6.0"
#define KERNEL_6_LATEST "7.9.9" /* what a kext of before KPIs was linked against */
#define KPI_PRIVATE	"com.apple.kpi.private"
#define KPI_KASAN	"com.apple.kpi.kasan"
#define KPI_KASAN_FIRST "8.0.0b1"

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void reject(struct graph *graph, struct node *node, const char *slug,
		   const char *hint, const char *message)
{
	node->is_failed = true;
	kext_diagnose(graph->diagnostics, KEXT_ERROR, slug, node->identifier, hint, "%s",
		      message);
}

static void warn(struct graph *graph, const struct node *node, const char *slug,
		 const char *hint, const char *message)
{
	if (!node->is.loaded)
		kext_diagnose(graph->diagnostics, KEXT_WARNING, slug, node->identifier,
			      hint, "%s", message);
}

static int add_request(struct graph *graph, struct node *node, const char *identifier,
		       const char *version)
{
	int64_t packed;
	if (!version || kext_version_parse_as(graph->era, version, &packed) < 0) {
		node->is_failed = true;
		kext_diagnose_value(
			graph->diagnostics, KEXT_ERROR, "dependency.request",
			node->identifier, identifier,
			"correct OSBundleLibraries in Info.plist",
			"asks for %s in version \"%s\", which is not a version",
			identifier, version ? version : "(not a string)");
		return 0;
	}
	struct request *request = array_push(&node->requests);
	if (!request)
		return -ENOMEM;
	*request = (struct request){identifier, version, packed};
	return 0;
}

static int read_libraries(struct graph *graph, struct node *node)
{
	const struct kext_value *libraries =
		kext_bundle_property(node->is.bundle, "OSBundleLibraries", graph->arch);
	if (!kext_value_is(libraries, KEXT_VALUE_DICTIONARY))
		return 0;
	int error = 0;
	for (size_t i = 0; error == 0 && i < kext_value_count(libraries); i++) {
		const char *identifier = kext_value_key_at(libraries, i);
		node->declares_kpi |= has_prefix(identifier, "com.apple.kpi.");
		node->declares_component |= has_prefix(identifier, KERNEL ".");
		node->declares_kernel |=
			node->declares_component || strcmp(identifier, KERNEL) == 0;
		error = add_request(graph, node, identifier,
				    kext_value_string(kext_value_at(libraries, i)));
	}
	return error;
}

static bool requests_identifier(const struct node *node, const char *identifier)
{
	array_for_each (request, &node->requests)
		if (strcmp(request->identifier, identifier) == 0)
			return true;
	return false;
}

/* Years or ranges of years, "2000-2004, 2006 2008"; whether `text` up to `end` is such a
 * list. */
static bool is_year_list(const char *text, const char *end)
{
	size_t digits = 0, years = 0;
	bool has_range = false;
	for (;; text++) {
		if (text < end && isdigit((unsigned char)*text)) {
			if (++digits > 4)
				return false;
			continue;
		}
		if (digits && digits != 4)
			return false;
		years += digits == 4;
		if (text == end)
			return years > 0 && !(has_range && !digits);
		if (*text == '-') {
			if (!digits || has_range)
				return false;
			has_range = true;
		} else if (*text == ',' || isspace((unsigned char)*text)) {
			if (has_range && !digits)
				return false;
			has_range = false;
		} else {
			return false;
		}
		digits = 0;
	}
}

static bool is_apple_copyright(const char *text)
{
	static const char begin[] = "Copyright \xc2\xa9 ";
	static const char end[] = " Apple Inc. All rights reserved.";
	const char *years = text ? strstr(text, begin) : NULL;
	if (!years)
		return false;
	years += sizeof(begin) - 1;
	const char *stop = strstr(years, end);
	return stop && is_year_list(years, stop);
}

static bool may_use_private(const struct kext_bundle *bundle)
{
	const struct kext_value *info = kext_bundle_info(bundle);
	if (!has_prefix(kext_bundle_identifier(bundle), "com.apple."))
		return false;
	return is_apple_copyright(kext_value_string(
		       kext_value_get(info, "CFBundleGetInfoString"))) ||
	       is_apple_copyright(kext_value_string(
		       kext_value_get(info, "NSHumanReadableCopyright")));
}

static void check_kernel_libraries(struct graph *graph, struct node *node)
{
	bool is_raw = requests_identifier(node, KERNEL);
	if (is_raw && node->declares_component)
		reject(graph, node, "dependency.raw-and-component", "ask for one of them",
		       "asks for com.apple.kernel and for com.apple.kernel.* libraries, "
		       "which are parts of it");
	else if (graph->era == KEXT_ERA_TIGER)
		return;
	else if (is_raw)
		reject(graph, node, "dependency.raw-kernel",
		       "ask for the KPIs it uses, com.apple.kpi.*",
		       "asks for com.apple.kernel itself, which must not be linked "
		       "against");
	else if (node->declares_kernel && graph_is_64(graph))
		reject(graph, node, "dependency.non-kpi",
		       "ask for the KPIs it uses, com.apple.kpi.*",
		       "asks for com.apple.kernel.* libraries, but a 64-bit kext must "
		       "use "
		       "com.apple.kpi.* libraries");
	else if (node->declares_kernel && node->declares_kpi)
		warn(graph, node, "dependency.both", "use one kind or the other",
		     "asks for both com.apple.kernel.* and com.apple.kpi.* libraries");
	if (graph->era != KEXT_ERA_TIGER && requests_identifier(node, KPI_PRIVATE) &&
	    !may_use_private(node->is.bundle))
		reject(graph, node, "dependency.private", "use the other KPIs",
		       "asks for com.apple.kpi.private, which only Apple's kexts may use "
		       "(identifier com.apple.* and Apple's copyright in Info.plist)");
}

/* A 32-bit kext that names no kernel library means the kernel of before KPIs. */
static int imply_kernel(struct graph *graph, struct node *node)
{
	if (node->declares_kernel || node->declares_kpi || !node->has_code ||
	    graph->era == KEXT_ERA_TIGER)
		return 0;
	if (graph_is_64(graph)) {
		warn(graph, node, "dependency.no-kpi", "kextlibs finds what it uses",
		     "asks for no com.apple.kpi.* library");
		return 0;
	}
	warn(graph, node, "dependency.no-kernel", "kextlibs finds what it uses",
	     "asks for no kernel library; com.apple.kernel.6.0 is implied");
	return add_request(graph, node, KERNEL_6, KERNEL_6_LATEST);
}

static int imply_kasan(struct graph *graph, struct node *node)
{
	const char *path = kext_bundle_executable_path(node->is.bundle);
	size_t length = path ? strlen(path) : 0;
	bool is_known = kext_repository_find(graph->repository, KPI_KASAN) ||
			graph_loaded(graph, KPI_KASAN);
	if (graph->era != KEXT_ERA_MODERN || length < 6 ||
	    strcmp(path + length - 6, "_kasan") != 0 || !is_known ||
	    requests_identifier(node, KPI_KASAN))
		return 0;
	return add_request(graph, node, KPI_KASAN, KPI_KASAN_FIRST);
}

int requests_collect(struct graph *graph, struct node *node)
{
	if (!node->is.bundle || node->is_kernel_component)
		return 0;
	int error = read_libraries(graph, node);
	if (error < 0)
		return error;
	check_kernel_libraries(graph, node);
	if (kext_bundle_is_interface(node->is.bundle) && graph->era != KEXT_ERA_TIGER) {
		if (node->requests.count != 1)
			reject(graph, node, "dependency.interface", NULL,
			       "is an interface (OSBundleIsInterface) and must have "
			       "exactly one "
			       "entry in OSBundleLibraries");
		return 0;
	}
	error = imply_kernel(graph, node);
	return error < 0 ? error : imply_kasan(graph, node);
}
