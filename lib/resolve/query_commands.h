/*
 * The commands of queries, which print or run something and are true (-exec: as the
 * program says), and the values of report columns.
 */
#ifndef RESOLVE_QUERY_COMMANDS_H
#define RESOLVE_QUERY_COMMANDS_H

#include "resolve/query.h"

bool query_echo(struct query_subject *subject, const struct query_node *node);
bool query_exec(struct query_subject *subject, const struct query_node *node);
bool query_print(struct query_subject *subject, const struct query_node *node);
bool query_print0(struct query_subject *subject, const struct query_node *node);
bool query_print_arches(struct query_subject *subject, const struct query_node *node);
bool query_print_dependencies(struct query_subject *subject,
			      const struct query_node *node);
bool query_print_dependents(struct query_subject *subject, const struct query_node *node);
bool query_print_diagnostics(struct query_subject *subject,
			     const struct query_node *node);
bool query_print_executable(struct query_subject *subject, const struct query_node *node);
bool query_print_info(struct query_subject *subject, const struct query_node *node);
bool query_print_integrity(struct query_subject *subject, const struct query_node *node);
bool query_print_plugins(struct query_subject *subject, const struct query_node *node);
bool query_print_match_property(struct query_subject *subject,
				const struct query_node *node);
bool query_print_property(struct query_subject *subject, const struct query_node *node);

void query_path_value(struct query_subject *subject, const struct query_node *node);
void query_arches_value(struct query_subject *subject, const struct query_node *node);
void query_dependencies_value(struct query_subject *subject,
			      const struct query_node *node);
void query_dependents_value(struct query_subject *subject, const struct query_node *node);
void query_executable_value(struct query_subject *subject, const struct query_node *node);
void query_info_value(struct query_subject *subject, const struct query_node *node);
void query_integrity_value(struct query_subject *subject, const struct query_node *node);
void query_plugins_value(struct query_subject *subject, const struct query_node *node);
void query_version_value(struct query_subject *subject, const struct query_node *node);
void query_property_value(struct query_subject *subject, const struct query_node *node);

/* Predicates that are values in a report; the last has no name. query_predicates.c */
extern const struct query_predicate query_columns[];

#endif
