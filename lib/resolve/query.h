/*
 * A parsed query, and the kext it is being applied to. Shared by the parser, the
 * predicates and the output of queries.
 */
#ifndef RESOLVE_QUERY_H
#define RESOLVE_QUERY_H

#include <kext/query.h>
#include <kext/resolve.h>
#include "base/array.h"

enum query_node_kind { QUERY_TEST, QUERY_NOT, QUERY_AND, QUERY_OR };

/* The kext at hand; what is dear to find out is found out once, when first asked for. */
struct query_subject {
	const struct kext_query_options *options;
	struct kext_bundle *bundle;
	int valid, authentic, resolved;	      /* 0: not asked yet; 1: yes; -1: no */
	struct kext_diagnostics *diagnostics; /* of those tests */
	bool out_of_memory;
};

struct query_node;

struct query_predicate {
	const char *name, *short_name; /* without the dash; short_name may be NULL */
	int arguments;		       /* -1: up to a word ";" */
	bool takes_match_options;      /* -i and -s before the argument */
	bool is_command;
	bool (*test)(struct query_subject *subject, const struct query_node *node);
	/* In a report: the column's text for values; NULL: yes or no by test. */
	void (*value)(struct query_subject *subject, const struct query_node *node);
	bool is_column;
};

struct query_node {
	enum query_node_kind kind;
	const struct query_predicate *predicate;
	const char *const *arguments;
	size_t argument_count;
	bool ignore_case, substring, nul, no_newline;
	struct query_node *left, *right;
};

struct kext_query {
	struct query_node *root; /* NULL: everything */
	bool has_command, has_report, has_header;
	ARRAY_OF(struct query_node *) columns;
	size_t matches;
};

/* All predicates; the last has no name. query_predicates.c */
extern const struct query_predicate query_predicates[];

/* ---- query_facts.c: what is true of a kext ---- */
bool query_is_valid(struct query_subject *subject);
bool query_is_authentic(struct query_subject *subject);
bool query_is_resolved(struct query_subject *subject);
bool query_is_loaded(struct query_subject *subject);
/* Whether the words match as the node's options say. */
bool query_text_matches(const struct query_subject *subject,
			const struct query_node *node, const char *text,
			const char *wanted);
/* Whether a property's value is `wanted`: text, number or boolean. */
bool query_value_matches(const struct query_subject *subject,
			 const struct query_node *node, const struct kext_value *value,
			 const char *wanted);
/* Calls for each personality until one says true; whether one did. */
bool query_any_personality(struct query_subject *subject,
			   bool (*test)(struct query_subject *subject,
					const struct query_node *node, const char *name,
					const struct kext_value *personality),
			   const struct query_node *node);
enum { QUERY_SYMBOL_DEFINED = 1, QUERY_SYMBOL_REFERENCED = 2 };
/* Whether any slice of the executable defines or refers to a symbol, as a set of bits. */
int query_symbol_use(struct query_subject *subject, const char *name);
/* Names of the executable's architectures; their number, at most `limit`. */
size_t query_arches(struct query_subject *subject, const struct kext_arch **ret,
		    size_t limit);
/* "[ne|gt|ge|lt|le]V" or "V1-V2"; false also for what is no version. */
bool query_version_matches(int64_t version, const char *expression);

/* ---- query_print.c: what commands and columns print ---- */
void query_emit(struct query_subject *subject, const char *text);
/* The path in the style asked for. */
void query_emit_path(struct query_subject *subject, const char *path);
void query_emit_value(struct query_subject *subject, const struct kext_value *value);

#endif
