/* The text form: exact bytes out, and what the parsers take and refuse. */
#include "checks.h"
#include <IOKit/IOLib.h>

static bool writes(const OSMetaClassBase *object, const char *wanted)
{
	OSSerialize *serializer = OSSerialize::withCapacity(1);
	bool done = object && object->serialize(serializer);
	bool is_good = done && same(serializer->text(), wanted) &&
		       serializer->getLength() == strlen(wanted) + 1;
	if (!is_good)
		printf("wrote %s\n", serializer->text());
	serializer->release();
	return is_good;
}

/* Parses, compares what it writes, and releases. */
static bool reads(const char *text, const char *wanted)
{
	OSString *error = (OSString *)(uintptr_t)1;
	OSObject *object = OSUnserializeXML(text, &error);
	bool is_good = object && !error && writes(object, wanted);
	if (object)
		object->release();
	else if (error)
		printf("%s", error->getCStringNoCopy());
	OSSafeRelease(error);
	return is_good;
}

static bool holds(const char *text, const char *part)
{
	for (; *text; text++) {
		if (strprefix(text, part))
			return true;
	}
	return false;
}

/* Refuses, with an error that holds that text. */
static bool refuses(const char *text, const char *reason)
{
	OSString *error = NULL;
	OSObject *object = OSUnserializeXML(text, &error);
	bool is_good = !object && error &&
		       holds(error->getCStringNoCopy(), reason) &&
		       error->getLength() <= 127;
	if (!is_good)
		printf("said %s\n", error ? error->getCStringNoCopy() : "nothing");
	OSSafeRelease(object);
	OSSafeRelease(error);
	return is_good;
}

static void check_writing()
{
	OSDictionary *dictionary = OSDictionary::withCapacity(2);
	OSNumber *five = OSNumber::withNumber(5, 32);
	dictionary->setObject("a", five);
	dictionary->setObject("b", kOSBooleanTrue);
	CHECK("text_of_dictionary",
	      writes(dictionary, "<dict ID=\"0\"><key>a</key><integer size=\"32\" ID=\"1\">0x5"
				 "</integer><key>b</key><true/></dict>"));
	dictionary->setObject("b", five);
	CHECK("text_of_reference",
	      writes(dictionary, "<dict ID=\"0\"><key>a</key><integer size=\"32\" ID=\"1\">0x5"
				 "</integer><key>b</key><reference IDREF=\"1\"/></dict>"));
	five->release();
	dictionary->release();
	OSString *string = OSString::withCString("a<b>&\"c\"");
	CHECK("text_of_string",
	      writes(string, "<string ID=\"0\">a&lt;b&gt;&amp;\"c\"</string>"));
	string->release();
	string = OSString::withCString("");
	CHECK("text_of_empty_string", writes(string, "<string ID=\"0\"></string>"));
	string->release();
	OSNumber *wide = OSNumber::withNumber(0x100000002ull, 64);
	CHECK("text_of_wide_number",
	      writes(wide, "<integer size=\"64\" ID=\"0\">0x100000002</integer>"));
	wide->release();
	OSData *data = OSData::withBytes("\0\377abcde", 7);
	CHECK("text_of_data", writes(data, "<data ID=\"0\">AP9hYmNkZQ==</data>"));
	data->release();
	OSArray *array = OSArray::withCapacity(1);
	OSSet *set = OSSet::withCapacity(1);
	set->setObject(kOSBooleanFalse);
	array->setObject(set);
	CHECK("text_of_array_and_set",
	      writes(array, "<array ID=\"0\"><set ID=\"1\"><false/></set></array>"));
	array->release();
	set->release();
	Thing *thing = Thing::make();
	CHECK("text_of_any_object",
	      writes(thing, "<string ID=\"0\">Thing is not serializable</string>"));
	thing->release();
}

static bool answer(void *target, void *context, OSSerialize *serializer)
{
	return ((OSObject *)target)->serialize(serializer) && context == target;
}

static void check_serializers()
{
	OSSerialize *serializer = OSSerialize::withCapacity(1);
	CHECK("fresh_length", serializer->getLength() == 1 && serializer->getCapacity() == 4096);
	CHECK("add_nothing", !serializer->addString(""));
	CHECK("add_text", serializer->addString("ab") && serializer->addChar('c') &&
				  same(serializer->text(), "abc"));
	serializer->clearText();
	CHECK("clear_text", serializer->getLength() == 1 && same(serializer->text(), ""));
	bool done = true;
	for (int i = 0; i < 5000; i++)
		done = done && serializer->addChar('x');
	CHECK("text_grows", done && serializer->getLength() == 5001 &&
				    serializer->getCapacity() == 8192);
	serializer->release();
	OSString *string = OSString::withCString("s");
	OSSerializer *target = OSSerializer::forTarget(string, answer, string);
	CHECK("serializer_for_target", writes(target, "<string ID=\"0\">s</string>"));
	target->release();
	target = OSSerializer::withBlock(^bool(OSSerialize *s) {
	  return string->serialize(s);
	});
	CHECK("serializer_with_block", writes(target, "<string ID=\"0\">s</string>"));
	target->release();
	string->release();
}

static void check_reading()
{
	CHECK("read_negative",
	      reads("<dict><key>a</key><integer>-1</integer></dict>",
		    "<dict ID=\"0\"><key>a</key><integer size=\"64\" ID=\"1\">0xffffffffffffffff"
		    "</integer></dict>"));
	CHECK("read_size", reads("<integer size=\"16\">-1</integer>",
				 "<integer size=\"16\" ID=\"0\">0xffff</integer>"));
	CHECK("read_hexadecimal", reads("<integer>0xff</integer>",
					"<integer size=\"64\" ID=\"0\">0xff</integer>"));
	CHECK("read_zero_minus", reads("<integer size=\"8\">0-5</integer>",
				       "<integer size=\"8\" ID=\"0\">0xfb</integer>"));
	CHECK("read_empty_elements",
	      reads("<array><string/><data/><integer/><dict/><set/><array/></array>",
		    "<array ID=\"0\"><string ID=\"1\"></string><data ID=\"2\"></data>"
		    "<integer size=\"64\" ID=\"3\">0x0</integer><dict ID=\"4\"></dict>"
		    "<set ID=\"5\"></set><array ID=\"6\"></array></array>"));
	CHECK("read_plist", reads("<?xml version=\"1.0\"?>\n<!DOCTYPE plist PUBLIC \"-\">\r\n"
				  "<!-- a comment -->\n<plist version=\"1.0\">\n<true/>\n"
				  "</plist>\n",
				  "<true/>"));
	CHECK("read_entities", reads("<string>&lt;&gt;&amp;\n</string>",
				     "<string ID=\"0\">&lt;&gt;&amp;\n</string>"));
	CHECK("read_data", reads("<data>AP9h YmNk\nZQ==</data>",
				 "<data ID=\"0\">AP9hYmNkZQ==</data>"));
	CHECK("read_data_leftover", reads("<data>YWJjZ</data>", "<data ID=\"0\">YWJj</data>"));
	CHECK("read_hex_data", reads("<data format=\"hex\">00ff 61</data>",
				     "<data ID=\"0\">AP9h</data>"));
	CHECK("read_rest_is_ignored", reads("<true/><nonsense", "<true/>"));
	CHECK("read_set_repetition",
	      reads("<set><string ID=\"1\">x</string><reference IDREF=\"1\"/></set>",
		    "<set ID=\"0\"><string ID=\"1\">x</string></set>"));
}

static void check_references()
{
	OSString *error = NULL;
	OSArray *array = OSDynamicCast(
		OSArray, OSUnserializeXML("<array><string ID=\"1\">x</string>"
					  "<reference IDREF=\"1\"/></array>",
					  &error));
	CHECK("read_reference", array && array->getCount() == 2 &&
					array->getObject(0) == array->getObject(1) && !error);
	OSSafeRelease(array);
	CHECK("forward_reference",
	      refuses("<array><string ID=\"1\">x</string><reference IDREF=\"2\"/></array>",
		      "forward reference detected"));
	CHECK("reference_to_the_enclosing",
	      refuses("<array ID=\"1\"><reference IDREF=\"1\"/></array>", "forward reference"));
}

static void check_refusals()
{
	CHECK("refuse_upper_case", refuses("<dict>\n<key>a</key>\n<integer>0xFF</integer></dict>",
					   "near line 3"));
	CHECK("refuse_upper_prefix", refuses("<integer>0Xff</integer>", "syntax error"));
	CHECK("refuse_duplicate_key",
	      refuses("<dict><key>a</key><true/><key>a</key><true/></dict>",
		      "duplicate dictionary key"));
	CHECK("refuse_blank_in_tag", refuses("<true />", "syntax error"));
	CHECK("refuse_nothing", refuses("", "unexpected end"));
	CHECK("refuse_open_end", refuses("<array><true/>", "unexpected end"));
	CHECK("refuse_unknown_tag", refuses("<real>1.0</real>", "syntax error"));
	CHECK("refuse_empty_key", refuses("<dict><key/><true/></dict>", "syntax error"));
	CHECK("refuse_key_without_value", refuses("<dict><key>a</key></dict>", "syntax error"));
	CHECK("refuse_value_without_key", refuses("<dict><true/></dict>", "syntax error"));
	CHECK("refuse_entity", refuses("<string>&quot;</string>", "syntax error"));
	CHECK("refuse_other_end", refuses("<string>x</key>", "syntax error"));
	CHECK("refuse_identity_attribute", refuses("<string IDX=\"1\">x</string>", "syntax"));
	CHECK("refuse_wide_number", refuses("<integer size=\"65\">1</integer>", "buildNumber"));
	CHECK("refuse_comment", refuses("<!-- a -- b --><true/>", "syntax error"));
	CHECK("refuse_open_true", refuses("<true></true>", "syntax error"));
	CHECK("refuse_null", OSUnserializeXML((const char *)NULL, (OSString **)NULL) == NULL);
	CHECK("refuse_without_nul", OSUnserializeXML("<true/>", 7, NULL) == NULL);
	OSObject *object = OSUnserializeXML("<true/>", 8, NULL);
	CHECK("read_sized", object == kOSBooleanTrue);
}

/* A thousand levels and one more. */
static void check_depth()
{
	size_t size = 1001 * 15 + 16;
	char *text = (char *)IOMallocZero(size), *at = text;
	for (int i = 0; i < 1001; i++, at += 7)
		memcpy(at, "<array>", 7);
	for (int i = 0; i < 1001; i++, at += 8)
		memcpy(at, "</array>", 8);
	CHECK("refuse_depth", refuses(text, "stack exhausted"));
	memmove(text, text + 7, size - 7);
	OSObject *object = OSUnserializeXML(text, (OSString **)NULL);
	CHECK("read_depth", object != NULL);
	OSSafeRelease(object);
	IOFree(text, size);
}

/* So deep that the next level would be one too many for the reader. */
static bool writes_nested(unsigned int levels, OSSerialize *serializer)
{
	OSArray *outer = OSArray::withCapacity(1);
	for (unsigned int i = 1; i < levels; i++) {
		OSArray *inner = outer;
		outer = OSArray::withCapacity(1);
		outer->setObject(inner);
		inner->release();
	}
	bool done = outer->serialize(serializer);
	outer->release();
	serializer->release();
	return done;
}

static void check_written_depth()
{
	CHECK("write_depth", writes_nested(1000, OSSerialize::withCapacity(1)));
	CHECK("refuse_to_write_depth", !writes_nested(1001, OSSerialize::withCapacity(1)));
	CHECK("write_depth_binary", writes_nested(1000, OSSerialize::binaryWithCapacity(4)));
	CHECK("refuse_to_write_depth_binary",
	      !writes_nested(1001, OSSerialize::binaryWithCapacity(4)));
}

/* As many again as references. The time is to be in proportion to that of making them. */
static void check_many()
{
	const unsigned int count = 100000;
	uint64_t start, made, written;
	clock_get_uptime(&start);
	OSArray *array = OSArray::withCapacity(2 * count);
	for (unsigned int i = 0; i < count; i++) {
		OSNumber *number = OSNumber::withNumber(i, 32);
		array->setObject(number);
		array->setObject(number);
		number->release();
	}
	clock_get_uptime(&made);
	OSSerialize *serializer = OSSerialize::withCapacity(1);
	bool done = array->serialize(serializer);
	clock_get_uptime(&written);
	CHECK("write_many", done && holds(serializer->text() + serializer->getLength() - 80,
					  "<reference IDREF=\"100000\"/></array>"));
	CHECK("write_many_in_time", written - made < 25 * (made - start));
	serializer->release();
	array->release();
}

static void check_braces()
{
	OSString *error = NULL;
	OSObject *object = OSUnserialize("{ a = 5:32; 'b c' = (.true., \"x\\\"y\"@3, @3); "
					 "# comment\n set = [1:8]; d = <00 ff61>; w = word; }",
					 &error);
	CHECK("braces",
	      writes(object,
		     "<dict ID=\"0\"><key>a</key><integer size=\"32\" ID=\"1\">0x5</integer>"
		     "<key>b c</key><array ID=\"2\"><true/><string ID=\"3\">x\"y</string>"
		     "<reference IDREF=\"3\"/></array><key>set</key><set ID=\"4\">"
		     "<integer size=\"8\" ID=\"5\">0x1</integer></set><key>d</key>"
		     "<data ID=\"6\">AP9h</data><key>w</key><string ID=\"7\">word</string>"
		     "</dict>"));
	OSSafeRelease(object);
	CHECK("braces_of_nothing", OSUnserialize("  ", &error) == NULL && !error);
	object = OSUnserialize("( @9 )", &error);
	CHECK("braces_error", !object && error &&
				      strprefix(error->getCStringNoCopy(), "OSUnserialize"));
	OSSafeRelease(object);
	OSSafeRelease(error);
}

void check_text()
{
	unsigned int arrays = OSArray::metaClass->getInstanceCount();
	unsigned int strings = OSString::metaClass->getInstanceCount();
	check_writing();
	check_serializers();
	check_reading();
	check_references();
	check_refusals();
	check_depth();
	check_written_depth();
	check_many();
	check_braces();
	CHECK("text_leaves_nothing", OSArray::metaClass->getInstanceCount() == arrays &&
					     OSString::metaClass->getInstanceCount() == strings);
}
