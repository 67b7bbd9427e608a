/*
 * Tags and text of XML property lists: what stands between the angle brackets and between
 * the tags, with the line for messages. What tags mean together is the reader's affair.
 */
#ifndef VALUE_XML_LEXER_H
#define VALUE_XML_LEXER_H

#include "base/buffer.h"
#include "value/value.h"

enum tag_name {
	TAG_ARRAY,
	TAG_DATA,
	TAG_DICT,
	TAG_FALSE,
	TAG_INTEGER,
	TAG_KEY,
	TAG_PLIST,
	TAG_REFERENCE,
	TAG_SET,
	TAG_STRING,
	TAG_TRUE,
	TAG_FOREIGN, /* real, date: property list types that the kernel does not know */
	TAG_UNKNOWN,
	TAG_NONE, /* the text has ended */
};

struct tag {
	enum tag_name name;
	bool is_end, is_empty;
	bool is_hex;	       /* format="hex" */
	unsigned bits;	       /* size="…", else 64 */
	int64_t id, reference; /* ID="…", IDREF="…", else -1 */
};

struct text {
	const char *
		data; /* in the document, or in the lexer's scratch until the next call */
	size_t size;
};

struct lexer {
	const char *start, *at, *end;
	const char *tag; /* where the last tag began */
	const char *subject;
	struct kext_diagnostics *diagnostics;
	struct buffer scratch;
	bool is_strict; /* no entities but those of the kernel's own parser */
};

/* All: 0, -ENOMEM, or KEXT_ERR_SERIALIZATION after lexer_fail. */

/* The next tag, after blanks, comments, prolog and doctype. */
int lexer_tag(struct lexer *lexer, struct tag *ret_tag)
	__attribute__((warn_unused_result));
/* Text up to the end tag `name` and that tag; entities and CDATA are resolved. */
int lexer_text(struct lexer *lexer, const char *name, struct text *ret_text)
	__attribute__((warn_unused_result));
/* The number up to </integer>. */
int lexer_integer(struct lexer *lexer, const struct tag *tag, struct kext_value **ret)
	__attribute__((warn_unused_result));
/* The bytes up to </data>. */
int lexer_data(struct lexer *lexer, const struct tag *tag, struct kext_value **ret)
	__attribute__((warn_unused_result));
/* Diagnoses what stands at `at` and was not `expected`; KEXT_ERR_SERIALIZATION. */
int lexer_fail(struct lexer *lexer, const char *at, const char *expected);
/* The same for a type that no kext may use. */
int lexer_fail_type(struct lexer *lexer);

#endif
