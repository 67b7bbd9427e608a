/* XML property values: what is read, what is refused and where, and the exact bytes
 * written. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <kext/value.h>
#include "base/memory.h"

static struct kext_value *read_text(const char *text)
{
	struct kext_value *value = NULL;
	assert_int_equal(kext_value_from_xml(text, strlen(text), "test", NULL, &value),
			 0);
	return value;
}

/* Reads and writes again; the text must come out. */
static void assert_rewritten(const char *text, unsigned flags, const char *expected)
{
	struct kext_value *value = read_text(text);
	char *written = NULL;
	size_t size = 0;
	assert_int_equal(kext_value_to_xml(value, flags, &written, &size), 0);
	assert_string_equal(written, expected);
	assert_int_equal(size, strlen(expected));
	free(written);
	kext_value_unref(value);
}

static void assert_refused(const char *text, const char *slug, const char *message_part)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_value *value = NULL;
	assert_int_equal(kext_value_from_xml(text, strlen(text), "/a/Info.plist",
					     diagnostics, &value),
			 KEXT_ERR_SERIALIZATION);
	assert_null(value);
	assert_int_equal(kext_diagnostics_length(diagnostics), 1);
	const struct kext_diagnostic *d = kext_diagnostics_at(diagnostics, 0);
	assert_string_equal(d->slug, slug);
	assert_string_equal(d->subject, "/a/Info.plist");
	if (!strstr(d->message, message_part))
		fail_msg("\"%s\" lacks \"%s\"", d->message, message_part);
	kext_diagnostics_free(diagnostics);
}

static void standard_property_list(void **state)
{
	(void)state;
	struct kext_value *value = read_text(
		"\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		"<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
		"\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\" [ <!ENTITY x \">\"> "
		"]>\n"
		"<plist version='1.0'>\n<!-- a <dict> -->\n<dict >\n"
		"\t<key>CFBundleIdentifier</key>\n\t<string>a&amp;b &#x41;&#66;&quot;"
		"<![CDATA[<&amp;]]>\xe2\x82\xac</string>\n"
		"\t<key>blank</key><string> REV </string>\n"
		"\t<key>n</key><integer>-5</integer><key>octal?</key><integer>010</"
		"integer>\n"
		"\t<key>list</key><array><true/><false /><data>\n\t3q2+\n\t7w==\n</data>"
		"</array>\n\t<key>empty</key><string><!-- "
		"--></string><key>n</key><integer>6</integer>"
		"</dict>\n</plist >\n");
	size_t size;
	assert_string_equal(
		kext_value_string(kext_value_get(value, "CFBundleIdentifier")),
		"a&b AB\"<&amp;\xe2\x82\xac");
	assert_string_equal(kext_value_string(kext_value_get(value, "blank")), " REV ");
	assert_int_equal(kext_value_integer(kext_value_get(value, "octal?")), 10);
	assert_int_equal(kext_value_integer(kext_value_get(value, "n")), 6);
	assert_string_equal(kext_value_key_at(value, 2), "n");
	assert_int_equal(kext_value_count(value), 6);
	struct kext_value *list = kext_value_get(value, "list");
	assert_true(kext_value_boolean(kext_value_at(list, 0)));
	assert_true(kext_value_is(kext_value_at(list, 1), KEXT_VALUE_BOOLEAN));
	assert_memory_equal(kext_value_data(kext_value_at(list, 2), &size),
			    "\xde\xad\xbe\xef", 4);
	assert_int_equal(size, 4);
	assert_string_equal(kext_value_string(kext_value_get(value, "empty")), "");
	kext_value_unref(value);
}

static void kernel_dialect(void **state)
{
	(void)state;
	struct kext_value *value = read_text(
		"<dict ID=\"0\"><key>a</key><integer size=\"32\" ID=\"1\">0x5</integer>"
		"<key>b</key><integer IDREF=\"1\"/><key>c</key><reference IDREF=\"1\"/>"
		"<key>d</key><data format=\"hex\">dead be\nef</data>"
		"<key>e</key><set ID=\"7\"><string ID=\"2\">x</string><string "
		"IDREF=\"2\"/>"
		"<true/><true/></set><key>f</key><set IDREF=\"7\"/>"
		"<key>g</key><integer size=\"64\">0xffffff8000000000</integer>"
		"<key>h</key><integer/><key>i</key><data/><key>j</key><array/></dict>");
	size_t size;
	assert_int_equal(kext_value_bits(kext_value_get(value, "a")), 32);
	assert_ptr_equal(kext_value_get(value, "a"), kext_value_get(value, "b"));
	assert_ptr_equal(kext_value_get(value, "a"), kext_value_get(value, "c"));
	assert_memory_equal(kext_value_data(kext_value_get(value, "d"), &size),
			    "\xde\xad\xbe\xef", 4);
	assert_int_equal(size, 4);
	assert_int_equal(kext_value_kind(kext_value_get(value, "e")), KEXT_VALUE_SET);
	assert_int_equal(kext_value_count(kext_value_get(value, "e")), 2);
	assert_ptr_equal(kext_value_get(value, "e"), kext_value_get(value, "f"));
	assert_true(kext_value_integer(kext_value_get(value, "g")) == 0xffffff8000000000);
	assert_true(kext_value_is(kext_value_get(value, "h"), KEXT_VALUE_INTEGER));
	assert_int_equal(kext_value_count(kext_value_get(value, "j")), 0);
	kext_value_unref(value);
	/* A NUL ends the text, as in what the kernel is sent. */
	assert_int_equal(kext_value_from_xml("<true/>\0<", 9, "test", NULL, &value), 0);
	assert_true(kext_value_boolean(value));
	/* References see the later one of two equal IDs; a replaced value stays alive. */
	value = read_text("<dict><key>k</key><string ID=\"1\">a</string><key>k</key>"
			  "<string ID=\"2\">b</string><key>l</key><string IDREF=\"1\"/>"
			  "<key>m</key><string ID=\"1\">c</string>"
			  "<key>n</key><string IDREF=\"1\"/></dict>");
	assert_string_equal(kext_value_string(kext_value_get(value, "k")), "b");
	assert_string_equal(kext_value_string(kext_value_get(value, "l")), "a");
	assert_string_equal(kext_value_string(kext_value_get(value, "n")), "c");
	kext_value_unref(value);
}

/* ID and IDREF on every element; a reference sees what was complete before it. */
static void references_on_any_element(void **state)
{
	static const char *const elements[] = {
		"<true ID=\"3\"/>",
		"<false ID=\"3\"/>",
		"<integer size=\"16\" ID=\"3\">-0</integer>",
		"<string ID=\"3\"> x </string>",
		"<data ID=\"3\">AAEC</data>",
		"<data format=\"hex\" ID=\"3\">000102</data>",
		"<array ID=\"3\"><true/></array>",
		"<set ID=\"3\"><string>s</string></set>",
		"<dict ID=\"3\"><key>k</key><true/></dict>",
		"<array ID=\"3\"/>",
		"<dict ID=\"3\"/>",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(elements) / sizeof(*elements); i++) {
		char text[256];
		const char *name = elements[i] + 1;
		int length = (int)strcspn(name, " ");
		snprintf(text, sizeof(text), "<array>%s<%.*s IDREF=\"3\"/></array>",
			 elements[i], length, name);
		struct kext_value *value = read_text(text);
		assert_int_equal(kext_value_count(value), 2);
		assert_ptr_equal(kext_value_at(value, 0), kext_value_at(value, 1));
		kext_value_unref(value);
		/* The same the other way round is refused, and does no harm. */
		snprintf(text, sizeof(text), "<array><%.*s IDREF=\"3\"/>%s</array>",
			 length, name, elements[i]);
		assert_refused(text, "plist.syntax",
			       "an IDREF to an ID that was complete");
	}
}

/* Cycles of any length, to oneself, through a dictionary or a set. */
static void references_that_go_round(void **state)
{
	static const char *const texts[] = {
		"<array ID=\"0\"><array IDREF=\"0\"/></array>",
		"<dict ID=\"0\"><key>k</key><dict IDREF=\"0\"/></dict>",
		"<set ID=\"0\"><set IDREF=\"0\"/></set>",
		"<array ID=\"0\"><dict ID=\"1\"><key>k</key><set ID=\"2\">"
		"<array IDREF=\"0\"/></set></dict></array>",
		"<array><array ID=\"0\"><array IDREF=\"1\"/></array>"
		"<array ID=\"1\"><array IDREF=\"0\"/></array></array>",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_refused(texts[i], "plist.syntax",
			       "an IDREF to an ID that was complete");
}

static void integers(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
		unsigned bits;
	} rows[] = {
		{"<integer>0x0</integer>", 0, 64},
		{"<integer>0xffffffffffffffff</integer>", UINT64_MAX, 64},
		{"<integer>0xdeadbeef</integer>", 0xdeadbeef, 64},
		{"<integer>-1</integer>", UINT64_MAX, 64},
		{"<integer>-9223372036854775808</integer>", UINT64_C(1) << 63, 64},
		{"<integer>18446744073709551615</integer>", UINT64_MAX, 64},
		{"<integer>007</integer>", 7, 64},
		{"<integer size=\"8\">0xff</integer>", 0xff, 8},
		{"<integer size=\"16\">0xffff</integer>", 0xffff, 16},
		{"<integer size=\"32\">0x80000000</integer>", 0x80000000, 32},
		{"<integer size=\"64\"/>", 0, 64},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct kext_value *value = read_text(rows[i].text);
		assert_true(kext_value_integer(value) == rows[i].value);
		assert_int_equal(kext_value_bits(value), rows[i].bits);
		kext_value_unref(value);
	}
}

/* No prolog, blanks of every kind kept in texts and keys, one NUL or many at the end. */
static void blanks_and_nuls(void **state)
{
	static const char text[] = "<dict><key> REV </key><string>\n\tREV \r </string>"
				   "</dict>\0\0\0";
	(void)state;
	struct kext_value *value = NULL;
	assert_int_equal(kext_value_from_xml(text, sizeof(text), "test", NULL, &value),
			 0);
	assert_string_equal(kext_value_string(kext_value_get(value, " REV ")),
			    "\n\tREV \r ");
	kext_value_unref(value);
	/* A NUL within ends it there. */
	assert_int_equal(
		kext_value_from_xml("<array>\0</array>", 16, "test", NULL, &value),
		KEXT_ERR_SERIALIZATION);
}

static void syntax_errors_say_where(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message_part;
	} cases[] = {
		{"", "line 1: found the end of the text, expected a value"},
		{"<dict>\n<key>a</key>\n</dict>",
		 "line 3: found \"</dict>\", expected a value for"},
		{"<dict>\n<true/></dict>", "line 2: found \"<true/>\", expected <key>"},
		{"<dict><key>a</key><key>b</key></dict>", "\"<key>\", expected a value"},
		{"<array>\n\n<true/>",
		 "line 3: found the end of the text, expected an end tag"},
		{"<array></dict>", "expected </array>"},
		{"<true/><true/>", "expected nothing after"},
		{"</plist></array>", "expected a value"},
		{"<string>a", "expected an end tag"},
		{"<string>a</key>", "expected </string>"},
		{"<string>&nbsp;</string>", "\"&nbsp;</string>\", expected &lt;"},
		{"<string>&#0;</string>", "expected the number of a character"},
		{"<string>&#xd800;</string>", "expected the number of a character"},
		{"<string>\xff</string>", "UTF-8"},
		{"<string>\xc0\x80</string>", "UTF-8"},
		{"<string><![CDATA[x</string>", "]]>"},
		{"<integer>12abc</integer>",
		 "found \"12abc</integer>\", expected a decimal"},
		{"<integer>0XFF</integer>", "lower-case"},
		{"<integer>0xFF</integer>", "lower-case"},
		{"<integer> 5</integer>", "decimal"},
		{"<integer>18446744073709551616</integer>", "64 bits"},
		{"<integer>-9223372036854775809</integer>", "64 bits"},
		{"<integer size=\"65\">1</integer>", "a size of 1 to 64"},
		{"<integer IDREF=\"3\"/>", "an ID that was complete"},
		{"<array ID=\"1\"><array IDREF=\"1\"/></array>",
		 "an ID that was complete"},
		{"<array><true ID=\"0\"/><true IDREF=\"0\"></true></array>",
		 "an empty tag"},
		{"<array ID=\"4294967295\"/>", "a number below"},
		{"<dict><key/></dict>", "text in the key"},
		{"<data format=\"hex\">DE</data>", "lower-case hexadecimal"},
		{"<data format=\"hex\">dea</data>", "pairs of"},
		{"<string a=b>x</string>", "a quoted value"},
		{"<fnord/>", "found \"<fnord/>\", expected a value"},
		{"<!-- x", "expected \"-->\""},
		{"plain", "expected a tag"},
		{"<", "expected"},
		{"<true", "expected an attribute or \">\""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_refused(cases[i].text, "plist.syntax", cases[i].message_part);
	assert_refused("<dict>\n<key>a</key><real>1.5</real></dict>", "plist.type",
		       "line 2:");
	assert_refused("<date>2020-01-01T00:00:00Z</date>", "plist.type", "line 1:");
}

/* `levels` arrays inside one another, by nesting. */
static int read_nested(unsigned levels)
{
	char *text = calloc(levels + 1, 15), *at = text;
	struct kext_value *value = NULL;
	for (unsigned i = 0; i < levels; i++)
		at = stpcpy(at, "<array>");
	for (unsigned i = 0; i < levels; i++)
		at = stpcpy(at, "</array>");
	int error = kext_value_from_xml(text, (size_t)(at - text), "test", NULL, &value);
	free(text);
	kext_value_unref(value);
	return error;
}

/* Arrays of two references to the one before: 2^levels objects when spread out. */
static int read_bomb(unsigned levels)
{
	char text[8192], *at = text;
	struct kext_value *value = NULL;
	at = stpcpy(at, "<array><array ID=\"0\"/>");
	for (unsigned i = 1; i <= levels; i++)
		at += sprintf(
			at,
			"<array ID=\"%u\"><array IDREF=\"%u\"/><array IDREF=\"%u\"/>"
			"</array>",
			i, i - 1, i - 1);
	stpcpy(at, "</array>");
	int error = kext_value_from_xml(text, strlen(text), "test", NULL, &value);
	kext_value_unref(value);
	return error;
}

static void limits(void **state)
{
	(void)state;
	struct kext_value *value = NULL;
	assert_int_equal(read_nested(128), 0);
	assert_int_equal(read_nested(129), KEXT_ERR_SERIALIZATION);
	assert_int_equal(read_nested(100000), KEXT_ERR_SERIALIZATION);
	assert_int_equal(read_nested(1000000), KEXT_ERR_SERIALIZATION);
	assert_int_equal(read_bomb(10), 0);
	assert_int_equal(read_bomb(40), KEXT_ERR_SERIALIZATION);
	size_t size = (64u << 20) + 1;
	char *blanks = malloc(size);
	memset(blanks, ' ', size);
	assert_int_equal(kext_value_from_xml(blanks, size, "test", NULL, &value),
			 KEXT_ERR_SERIALIZATION);
	free(blanks);
}

static void serializer_bytes(void **state)
{
	(void)state;
	/* Shared objects get IDs in order of first output, ID before size; booleans
	 * never. */
	assert_rewritten(
		"<dict><key>b</key><integer size='32' "
		"ID='5'>0x2a</integer><key>a&lt;</key>"
		"<array ID='9'><string>x&gt;\"'&amp;</string><integer IDREF='5'/>"
		"<true/></array><key>c</key><array IDREF='9'/><key>t</key><true/>"
		"<key>e</key><dict></dict><key>s</key><string/>"
		"<key>d</key><data>3q2+7w==</data></dict>",
		KEXT_XML_SHARE,
		"<dict><key>b</key><integer ID=\"0\" size=\"32\">0x2a</integer>"
		"<key>a&lt;</key><array ID=\"1\"><string>x&gt;\"'&amp;</string>"
		"<integer IDREF=\"0\"/><true/></array><key>c</key><array IDREF=\"1\"/>"
		"<key>t</key><true/><key>e</key><dict></dict><key>s</key>"
		"<string></string><key>d</key><data>3q2+7w==</data></dict>");
	assert_rewritten(
		"<array><integer>100</integer><integer>-1</integer>"
		"<integer size='32'>-2</integer><integer size='32'>0xfffffffe</integer>"
		"</array>",
		KEXT_XML_SHARE,
		"<array><integer size=\"64\">0x64</integer>"
		"<integer size=\"64\">0xffffffffffffffff</integer>"
		"<integer size=\"32\">0xfffffffffffffffe</integer>"
		"<integer size=\"32\">0xfffffffe</integer></array>");
	assert_rewritten("<array><integer size='32'>0xfffffffffffffffe</integer>"
			 "<integer size='8'>0x1ff</integer></array>",
			 0, "<array><integer>-2</integer><integer>-1</integer></array>");
	assert_rewritten("<set><string/></set>", 0, "<set><string></string></set>");
}

static void standard_form_bytes(void **state)
{
	(void)state;
	assert_rewritten(
		"<dict><key>IOProbeScore</key><integer>0xfffffffffffffc18</integer>"
		"<key>big</key><integer>18446744073709551615</integer>"
		"<key>l</key><array><string>a&#13;b</string><false/></array><key>e</"
		"key><dict/>"
		"</dict>",
		KEXT_XML_PLIST,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
		"\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
		"<plist version=\"1.0\">\n<dict>\n\t<key>IOProbeScore</key>\n"
		"\t<integer>-1000</integer>\n\t<key>big</key>\n"
		"\t<integer>18446744073709551615</integer>\n\t<key>l</key>\n\t<array>\n"
		"\t\t<string>a&#13;b</string>\n\t\t<false/>\n\t</array>\n\t<key>e</key>\n"
		"\t<dict>\n\t</dict>\n</dict>\n</plist>\n");
}

static const char sample[] =
	"<plist><dict ID='0'><key>a</key><string ID='1'>x&amp;y</string><key>b</key>"
	"<set><string IDREF='1'/><integer size='8'>1</integer></set><key>c</key>"
	"<array><array><data>AAAA</data></array></array>"
	"<key>1</key><true/><key>2</key><true/><key>3</key><true/><key>4</key><true/>"
	"<key>5</key><true/><key>6</key><true/><key>7</key><true/></dict></plist>";

static int read_and_write(void)
{
	struct kext_value *value = NULL;
	char *text = NULL;
	size_t size;
	int error = kext_value_from_xml(sample, strlen(sample), "test", NULL, &value);
	if (error == 0)
		error = kext_value_to_xml(value, KEXT_XML_SHARE, &text, &size);
	free(text);
	kext_value_unref(value);
	return error;
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	unsigned n = 1;
	for (int error = -1; error; n++) {
		fault_arm_allocation(n);
		error = read_and_write();
		fault_arm_allocation(0);
		assert_true(error == 0 || error == -ENOMEM);
	}
	assert_true(n > 20);
}

/* Every cut and every damaged byte of a text is read or refused, never worse. */
static void damaged_texts(void **state)
{
	(void)state;
	struct kext_value *value = NULL;
	char text[sizeof(sample)];
	memcpy(text, sample, sizeof(text));
	for (size_t i = 0; i < strlen(sample); i++) {
		char *cut = malloc(i ? i : 1);
		memcpy(cut, sample, i);
		if (kext_value_from_xml(cut, i, "test", NULL, &value) == 0)
			kext_value_unref(value);
		free(cut);
		for (unsigned c = 1; c < 256; c += 3) {
			text[i] = (char)c;
			if (kext_value_from_xml(text, strlen(text), "test", NULL,
						&value) == 0)
				kext_value_unref(value);
		}
		text[i] = sample[i];
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standard_property_list),
		cmocka_unit_test(kernel_dialect),
		cmocka_unit_test(references_on_any_element),
		cmocka_unit_test(references_that_go_round),
		cmocka_unit_test(integers),
		cmocka_unit_test(blanks_and_nuls),
		cmocka_unit_test(syntax_errors_say_where),
		cmocka_unit_test(limits),
		cmocka_unit_test(serializer_bytes),
		cmocka_unit_test(standard_form_bytes),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(damaged_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
