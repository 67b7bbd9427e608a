/* Reads any bytes as a property list, binary or XML; what is read must survive every
 * writer. */
#include <stdlib.h>
#include <string.h>
#include <kext/value.h>
#include "mutate.h"

/* What the XML dialect is made of; put in and over what is there. */
static const char *const words[] = {
	"<dict>",	"</dict>",	   "<key>",	   "</key>",
	"<array>",	"</array>",	   "<set>",	   "</set>",
	"<string>",	"</string>",	   "<data>",	   "</data>",
	"<integer>",	"</integer>",	   "<true/>",	   "<false/>",
	"<string/>",	"<integer/>",	   "<dict/>",	   " ID=\"1\"",
	" ID=\"2\"",	" size=\"8\"",	   " size=\"64\"", "<a IDREF=\"1\"/>",
	"IDREF=\"2\"",	" format=\"hex\"", "0x",	   "-1",
	"&lt;",		"&amp;",	   "<!-- -->",	   "<?xml?>",
	"<!DOCTYPE x>", "<plist>",	   "</plist>",	   "18446744073709551616"};

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	unsigned state = seed;
	if (draw_from(&state, 2))
		return LLVMFuzzerMutate(data, size, max_size);
	const char *word = words[draw_from(&state, sizeof(words) / sizeof(*words))];
	size_t length = strlen(word), at = draw_from(&state, size + 1);
	bool is_over = draw_from(&state, 2) && at + length <= size;
	if (!is_over && size + length > max_size)
		return LLVMFuzzerMutate(data, size, max_size);
	if (!is_over) {
		memmove(data + at + length, data + at, size - at);
		size += length;
	}
	memcpy(data + at, word, length);
	return size;
}

/* What was written as XML reads back as an equal value. */
static void check_xml(const struct kext_value *value, unsigned flags)
{
	char *text = NULL;
	size_t size;
	struct kext_value *back = NULL;
	if (kext_value_to_xml(value, flags, &text, &size) < 0)
		return;
	/* Standard text can outgrow the reader's limit where references were written out.
	 */
	if (kext_value_from_xml(text, size, "written", NULL, &back) == 0 &&
	    !kext_value_equal(value, back))
		abort();
	free(text);
	kext_value_unref(back);
}

static void write_all(const struct kext_value *value)
{
	char *text = NULL;
	void *data = NULL;
	size_t size;
	check_xml(value, KEXT_XML_SHARE);
	check_xml(value, KEXT_XML_PLIST);
	if (kext_value_to_json(value, &text) == 0)
		free(text);
	if (kext_value_to_binary(value, &data, &size) == 0)
		free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kext_value *value = NULL;
	struct kext_diagnostics *list = kext_diagnostics_new();
	bool is_binary = size >= 8 && memcmp(data, "bplist00", 8) == 0;
	int error = is_binary ? kext_value_from_binary(data, size, &value)
			      : kext_value_from_xml((const char *)data, size, "input",
						    list, &value);
	if (error == 0)
		write_all(value);
	kext_value_unref(value);
	kext_diagnostics_free(list);
	return 0;
}
