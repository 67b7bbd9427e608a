/*
 * What the two text parsers share: the numbered objects that references name, limits, and
 * the one error that is reported.
 */
#ifndef KERNEL_LIBKERN_PARSE_H
#define KERNEL_LIBKERN_PARSE_H

#include <libkern/c++/OSContainers.h>
#include <libkern/c++/OSLib.h>

/* Objects under the numbers that the text gives them; holds a reference to each. */
class ParsedObjects
{
	struct Slot {
		int number; /* -1: free */
		OSObject *object;
	};
	Slot *slots;
	unsigned int capacity, count;

	Slot *slot_of(int number) const;
	bool grow();

public:
	ParsedObjects();
	~ParsedObjects();
	/* A later object of the same number takes the earlier one's place. */
	bool remember(int number, OSObject *object);
	OSObject *find(int number) const;
};

/* The state of one run of a parser. */
struct Parser {
	const char *name, *at;
	int line, depth;
	unsigned int objects, references;
	ParsedObjects known;
	OSString *error;

	Parser(const char *of_name, const char *text);
	~Parser();
	/* Keeps the first reason. Returns NULL for `return parser->fail(…)`. */
	OSObject *fail(const char *reason);
	/* Counts the object; NULL, with a reason, for `made` NULL or too many. */
	OSObject *take(OSObject *made, const char *step);
	/* The object of that number with a reference, or NULL with a reason. */
	OSObject *refer(int number);
	bool enter();
	void leave();
	/* The result of the run; the error goes to the caller. */
	OSObject *finish(OSObject *result, OSString **ret_error);
};

#endif
