/*
 * The dependency graph while it is being walked, shared by the files of this folder.
 * Nodes refer to each other by number, since their array grows.
 */
#ifndef RESOLVE_GRAPH_H
#define RESOLVE_GRAPH_H

#include <kext/resolve.h>
#include "base/array.h"
#include "base/map.h"

/* An entry of OSBundleLibraries, or a dependency that is implied. */
struct request {
	const char *identifier, *text; /* version as written; borrowed */
	int64_t version;
};

struct candidate {
	struct kext_bundle *bundle;	  /* borrowed; NULL: only known as loaded */
	const struct kext_loaded *loaded; /* NULL: not loaded */
};

enum node_state { NODE_NEW, NODE_VISITING, NODE_DONE };

struct node {
	struct candidate is;
	const char *identifier;
	enum node_state state;
	bool is_failed;
	bool is_kernel_component, has_code;
	bool declares_kpi, declares_kernel; /* com.apple.kpi.*, com.apple.kernel* */
	bool declares_component;	    /* com.apple.kernel.* */
	ARRAY_OF(struct request) requests;
	size_t next;		       /* request to be followed next */
	ARRAY_OF(size_t) dependencies; /* node numbers, in the order of the requests */
	size_t position;	       /* in the load list, once done */
};

struct graph {
	const struct kext_repository *repository;
	struct kext_bundle *root; /* NULL: many are resolved at once */
	const struct kext_loaded *loaded;
	size_t loaded_count;
	struct map loaded_by_identifier; /* → const struct kext_loaded */
	enum kext_era era;
	const struct kext_arch *arch;
	struct kext_diagnostics *diagnostics;
	ARRAY_OF(struct node) nodes; /* [0] is the root, if one */
	struct map by_identifier;    /* identifier → node number + 1 */
	ARRAY_OF(size_t) stack;	     /* the path that is being visited */
	ARRAY_OF(size_t) order;	     /* post-order, without failures: the load list */
};

static inline bool graph_is_64(const struct graph *graph)
{
	return (graph->arch->cputype & KEXT_CPU_ARCH_64) != 0;
}

const struct kext_loaded *graph_loaded(const struct graph *graph, const char *identifier);
/*
 * What fulfils a request: the loaded kext of that identifier, else the highest compatible
 * one. False with a diagnostic about `asker` that names both sides.
 */
bool graph_choose(const struct graph *graph, const char *asker,
		  const struct request *request, struct candidate *ret);
bool graph_same(const struct candidate *a, const struct candidate *b);
/* "1.2 in /path/X.kext" or "1.2, which is loaded"; allocated, NULL without memory. */
char *graph_describe(const struct candidate *candidate);

/*
 * Fills the requests of a node that is a bundle, by the rules for kernel libraries and
 * KPIs; breaking one marks the node as failed. 0 or -ENOMEM.
 */
int requests_collect(struct graph *graph, struct node *node)
	__attribute__((warn_unused_result));

/* Warns of members of the load list that may be missing in early boot. */
void required_check(const struct graph *graph);

/* The load list of a graph without failures. 0 or -ENOMEM. */
int load_list_new(const struct graph *graph, struct kext_load_list **ret_list)
	__attribute__((warn_unused_result));

#endif
