/*
 * The parser of queries. Grammar, loosest first: e -or e; e -and e or e e; ! e; ( e ) or
 * a predicate with its arguments.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "base/memory.h"
#include "resolve/query_commands.h"

#define MAX_DEPTH 200
#define MAX_WORDS 10000 /* query_run.c recurses along chains of operators */

struct parser {
	const char *const *words;
	size_t count, at;
	unsigned depth;
	struct kext_diagnostics *diagnostics;
	struct kext_query *query;
	int error;
};

static struct query_node *free_node(struct query_node *node)
{
	if (node) {
		free_node(node->left);
		free_node(node->right);
		free(node);
	}
	return NULL;
}

static struct query_node *syntax_error(struct parser *p, const char *what)
{
	const char *word = p->at < p->count ? p->words[p->at] : "the end";
	if (p->error == 0)
		kext_diagnose(p->diagnostics, KEXT_ERROR, "query.syntax", word,
			      "see kextfind(8) for the query language", "%s", what);
	p->error = KEXT_ERR_INVALID_ARGUMENT;
	return NULL;
}

static bool is_word(const struct parser *p, const char *word)
{
	return p->at < p->count && strcmp(p->words[p->at], word) == 0;
}

static bool take_word(struct parser *p, const char *word)
{
	bool is_there = is_word(p, word);
	p->at += is_there;
	return is_there;
}

/* Takes the operands over, also on failure. */
static struct query_node *new_node(struct parser *p, enum query_node_kind kind,
				   struct query_node *left, struct query_node *right)
{
	bool wants_right = kind == QUERY_AND || kind == QUERY_OR;
	struct query_node *node = NULL;
	if (kind == QUERY_TEST || (left && (right || !wants_right)))
		node = mem_zero(1, sizeof(*node));
	if (node) {
		node->kind = kind;
		node->left = left;
		node->right = right;
		return node;
	}
	free_node(left);
	free_node(right);
	if (p->error == 0)
		p->error = -ENOMEM;
	return NULL;
}

static const struct query_predicate *find_in(const struct query_predicate *table,
					     const char *word)
{
	if (word[0] != '-')
		return NULL;
	word += word[1] == '-' ? 2 : 1;
	for (const struct query_predicate *p = table; p->name; p++) {
		if (strcmp(p->name, word) == 0 ||
		    (p->short_name && strcmp(p->short_name, word) == 0))
			return p;
	}
	return NULL;
}

bool kext_query_is_predicate(const char *word)
{
	return find_in(query_predicates, word) != NULL;
}

static void parse_node_options(struct parser *p, struct query_node *node)
{
	for (bool more = true; more;) {
		more = false;
		if (node->predicate->takes_match_options) {
			if (take_word(p, "-i") || take_word(p, "-case-insensitive"))
				node->ignore_case = more = true;
			if (take_word(p, "-s") || take_word(p, "-substring"))
				node->substring = more = true;
		}
		if (node->predicate->is_command) {
			if (take_word(p, "-0") || take_word(p, "-nul"))
				node->nul = more = true;
			if (take_word(p, "-n") || take_word(p, "-no-newline"))
				node->no_newline = more = true;
		}
	}
}

/* The words up to ";" for a predicate that runs something. */
static bool take_command_line(struct parser *p, struct query_node *node)
{
	while (p->at < p->count && strcmp(p->words[p->at], ";") != 0) {
		p->at++;
		node->argument_count++;
	}
	return node->argument_count > 0 && take_word(p, ";");
}

static struct query_node *parse_predicate(struct parser *p)
{
	const struct query_predicate *predicate = NULL;
	if (p->at < p->count && p->query->has_report)
		predicate = find_in(query_columns, p->words[p->at]);
	if (p->at < p->count && !predicate)
		predicate = find_in(query_predicates, p->words[p->at]);
	if (!predicate)
		return syntax_error(p, "a predicate or a command was expected here");
	struct query_node *node = new_node(p, QUERY_TEST, NULL, NULL);
	if (!node)
		return NULL;
	p->at++;
	node->predicate = predicate;
	parse_node_options(p, node);
	node->arguments = p->words + p->at;
	if (predicate->arguments < 0) {
		if (!take_command_line(p, node)) {
			free_node(node);
			return syntax_error(p, "-exec wants a program, its words, and ;");
		}
		return node;
	}
	node->argument_count = (size_t)predicate->arguments;
	if (node->argument_count > p->count - p->at) {
		free_node(node);
		p->at = p->count;
		return syntax_error(p, "the last predicate lacks its argument");
	}
	p->at += node->argument_count;
	return node;
}

static struct query_node *parse_or(struct parser *p);

static struct query_node *parse_factor(struct parser *p)
{
	struct query_node *node;
	if (p->depth >= MAX_DEPTH)
		return syntax_error(p, "the query is nested too deeply");
	p->depth++;
	if (take_word(p, "!") || take_word(p, "-not")) {
		node = new_node(p, QUERY_NOT, parse_factor(p), NULL);
	} else if (take_word(p, "(")) {
		node = parse_or(p);
		if (node && !take_word(p, ")")) {
			free_node(node);
			node = syntax_error(p, "a ) is missing here");
		}
	} else {
		node = parse_predicate(p);
		if (node && node->predicate->is_command)
			p->query->has_command = true;
	}
	p->depth--;
	return node;
}

static bool ends_term(const struct parser *p)
{
	return p->at == p->count || is_word(p, "-or") || is_word(p, ")") ||
	       is_word(p, "-report");
}

static struct query_node *parse_and(struct parser *p)
{
	struct query_node *node = parse_factor(p);
	while (node && !ends_term(p)) {
		take_word(p, "-and");
		node = new_node(p, QUERY_AND, node, parse_factor(p));
	}
	return node;
}

static struct query_node *parse_or(struct parser *p)
{
	struct query_node *node = parse_and(p);
	while (node && take_word(p, "-or"))
		node = new_node(p, QUERY_OR, node, parse_and(p));
	return node;
}

static void parse_report(struct parser *p)
{
	struct kext_query *query = p->query;
	query->has_report = true;
	query->has_header = !take_word(p, "-no-header");
	while (p->error == 0 && p->at < p->count) {
		size_t start = p->at;
		struct query_node *node = parse_predicate(p);
		if (!node)
			return;
		struct query_node **place = array_push(&query->columns);
		if (place)
			*place = node;
		else
			p->error = -ENOMEM;
		if (!place || !node->predicate->is_column) {
			p->at = start;
			if (place)
				syntax_error(p, "this is no column of a report");
			else
				free_node(node);
			return;
		}
	}
	if (p->error == 0 && query->columns.count == 0)
		syntax_error(p, "-report wants columns");
}

int kext_query_parse(const char *const *words, size_t count,
		     struct kext_diagnostics *diagnostics, struct kext_query **ret_query)
{
	struct kext_query *query = mem_zero(1, sizeof(*query));
	struct parser p = {
		.words = words,
		.count = count,
		.diagnostics = diagnostics,
		.query = query,
	};
	if (!query)
		return -ENOMEM;
	if (count > MAX_WORDS)
		syntax_error(&p, "the query has too many words");
	else if (count && !is_word(&p, "-report"))
		query->root = parse_or(&p);
	if (p.error == 0 && take_word(&p, "-report"))
		parse_report(&p);
	if (p.error == 0 && p.at < p.count)
		syntax_error(&p, "nothing more was expected here");
	if (p.error < 0) {
		kext_query_free(query);
		return p.error;
	}
	*ret_query = query;
	return 0;
}

struct kext_query *kext_query_free(struct kext_query *query)
{
	if (!query)
		return NULL;
	array_for_each (column, &query->columns)
		free_node(*column);
	array_free(&query->columns);
	free_node(query->root);
	free(query);
	return NULL;
}

bool kext_query_has_command(const struct kext_query *query)
{
	return query->has_command;
}
