/* Reads any bytes as a property list, binary or XML; what is read must survive every
 * writer. */
#include <stdlib.h>
#include <string.h>
#include <kext/value.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
