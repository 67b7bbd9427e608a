/* The binary form: exact bytes, round trips, truncated input. */
#include "checks.h"

static OSSerialize *write_binary(const OSMetaClassBase *object)
{
	OSSerialize *serializer = OSSerialize::binaryWithCapacity(64);
	if (!object->serialize(serializer))
		OSSafeReleaseNULL(serializer);
	return serializer;
}

static void check_bytes()
{
	static const unsigned char wanted[] = {0xd3, 0, 0, 0, 1, 0, 0, 0x81, 2, 0, 0, 8, 0x61, 0,
					       0,    0, 0x20, 0, 0, 0x84, 5, 0, 0, 0, 0, 0, 0, 0};
	OSDictionary *dictionary = OSDictionary::withCapacity(1);
	OSNumber *five = OSNumber::withNumber(5, 32);
	dictionary->setObject("a", five);
	OSSerialize *serializer = write_binary(dictionary);
	CHECK("binary_bytes", serializer && serializer->getLength() == sizeof(wanted) &&
				      memcmp(serializer->text(), wanted, sizeof(wanted)) == 0);
	OSSafeRelease(serializer);
	five->release();
	dictionary->release();
	CHECK("binary_small_capacity", OSSerialize::binaryWithCapacity(3) == NULL);
}

static const char everything[] =
	"<dict><key>string</key><string ID=\"1\">x &amp; y</string><key>again</key>"
	"<reference IDREF=\"1\"/><key>numbers</key><array><integer size=\"8\">1</integer>"
	"<integer size=\"16\">2</integer><integer size=\"32\">3</integer>"
	"<integer size=\"64\">0xffffffffffffffff</integer></array><key>data</key>"
	"<data>AP9hYmNkZQ==</data><key>none</key><data/><key>set</key><set><true/><false/>"
	"</set><key>deep</key><array><array><dict><key>string</key><string/></dict></array>"
	"<array/><dict/></array></dict>";

static bool comes_back(OSObject *object, OSSerialize *serializer)
{
	OSString *error = NULL;
	OSObject *back = serializer ? OSUnserializeXML(serializer->text(),
						       serializer->getLength(), &error)
				    : NULL;
	bool is_good = back && !error && back->isEqualTo(object);
	OSSafeRelease(back);
	return is_good;
}

static void check_round_trips()
{
	OSObject *object = OSUnserializeXML(everything, (OSString **)NULL);
	OSSerialize *text = OSSerialize::withCapacity(1), *binary = write_binary(object);
	text->setCapacityIncrement(1);
	CHECK("round_trip_text", object->serialize(text) && comes_back(object, text));
	CHECK("round_trip_binary", comes_back(object, binary));
	OSDictionary *back = OSDynamicCast(
		OSDictionary,
		OSUnserializeXML(binary->text(), binary->getLength(), (OSString **)NULL));
	CHECK("binary_reference",
	      back && back->getObject("string") == back->getObject("again"));
	OSSafeRelease(back);
	binary->clearText();
	CHECK("binary_clear", binary->getLength() == 4 && object->serialize(binary) &&
				      comes_back(object, binary));
	text->release();
	binary->release();
	object->release();
}

/* Every shorter piece is refused and leaves no object behind. */
static void check_truncation()
{
	OSObject *object = OSUnserializeXML(everything, (OSString **)NULL);
	OSSerialize *binary = write_binary(object);
	unsigned int size = binary->getLength(), taken = 0;
	unsigned int dictionaries = OSDictionary::metaClass->getInstanceCount();
	unsigned int strings = OSString::metaClass->getInstanceCount();
	unsigned int symbols = OSSymbol::metaClass->getInstanceCount();
	for (unsigned int length = 0; length < size; length++) {
		OSObject *part =
			OSUnserializeXML(binary->text(), length, (OSString **)NULL);
		taken += part != NULL;
		OSSafeRelease(part);
	}
	CHECK("truncated_is_refused", taken == 0);
	CHECK("truncated_leaves_nothing",
	      OSDictionary::metaClass->getInstanceCount() == dictionaries &&
		      OSString::metaClass->getInstanceCount() == strings &&
		      OSSymbol::metaClass->getInstanceCount() == symbols);
	binary->release();
	object->release();
}

static bool refuses(const unsigned int *words, size_t size)
{
	OSObject *object = OSUnserializeXML((const char *)words, size, (OSString **)NULL);
	bool is_good = object == NULL;
	OSSafeRelease(object);
	return is_good;
}

static void check_bad_input()
{
	static const unsigned int reference[] = {0xd3, 0x82000001, 0x8c000005};
	static const unsigned int type[] = {0xd3, 0xff000000};
	static const unsigned int bits[] = {0xd3, 0x84000007, 1, 0};
	static const unsigned int not_last[] = {0xd3, 0x0b000001, 0x8b000001};
	static const unsigned int key[] = {0xd3, 0x81000001, 0x0b000001, 0x8b000001};
	static const unsigned int twice[] = {0xd3, 0x83000002, 0x0b000001, 0x8c000001};
	static const unsigned int nul[] = {0xd3, 0x89000003, 0x00610061};
	static const unsigned int symbol[] = {0xd3, 0x88000002, 0x6161};
	CHECK("binary_unseen_reference", refuses(reference, sizeof(reference)));
	CHECK("binary_unknown_type", refuses(type, sizeof(type)));
	CHECK("binary_odd_number", refuses(bits, sizeof(bits)));
	CHECK("binary_second_object", refuses(not_last, sizeof(not_last)));
	CHECK("binary_key_of_no_text", refuses(key, sizeof(key)));
	CHECK("binary_set_repetition", refuses(twice, sizeof(twice)));
	CHECK("binary_embedded_nul", refuses(nul, sizeof(nul)));
	CHECK("binary_open_symbol", refuses(symbol, sizeof(symbol)));
	CHECK("binary_unaligned",
	      refuses((const unsigned int *)((const char *)type + 1), sizeof(type) - 1));
	unsigned int deep[80] = {0xd3};
	for (int i = 1; i < 79; i++)
		deep[i] = 0x82000001;
	deep[79] = 0x8b000001;
	CHECK("binary_too_deep", refuses(deep, sizeof(deep)));
}

static const OSMetaClassBase *edit(void *context, OSSerialize *serializer,
				   OSCollection *container, const OSSymbol *name,
				   const OSMetaClassBase *value)
{
	if (name->isEqualTo("dropped"))
		return NULL;
	if (name->isEqualTo("changed"))
		return kOSBooleanFalse;
	value->retain();
	return value;
}

static void check_editor()
{
	OSDictionary *dictionary = OSDictionary::withCapacity(3);
	dictionary->setObject("kept", kOSBooleanTrue);
	dictionary->setObject("dropped", kOSBooleanTrue);
	dictionary->setObject("changed", kOSBooleanTrue);
	OSSerialize *serializer = OSSerialize::binaryWithCapacity(64, (OSSerialize::Editor)edit, NULL);
	OSDictionary *back = NULL;
	if (dictionary->serialize(serializer))
		back = OSDynamicCast(OSDictionary,
				     OSUnserializeXML(serializer->text(),
						      serializer->getLength(),
						      (OSString **)NULL));
	CHECK("editor", back && back->getCount() == 2 &&
				back->getObject("kept") == kOSBooleanTrue &&
				back->getObject("changed") == kOSBooleanFalse);
	OSSafeRelease(back);
	serializer->release();
	dictionary->release();
}

static void check_custom_class()
{
	OSArray *array = OSArray::withCapacity(1);
	Thing *thing = Thing::make();
	array->setObject(thing);
	thing->release();
	OSSerialize *serializer = write_binary(array);
	OSArray *back = OSDynamicCast(
		OSArray, OSUnserializeXML(serializer->text(), serializer->getLength(),
					  (OSString **)NULL));
	OSString *text = back ? OSDynamicCast(OSString, back->getObject(0)) : NULL;
	CHECK("binary_of_any_object", text && text->isEqualTo("Thing is not serializable"));
	OSSafeRelease(back);
	serializer->release();
	array->release();
}

static void check_index()
{
	OSArray *array = OSArray::withCapacity(2);
	OSString *string = OSString::withCString("abc");
	array->setObject(string);
	array->setObject(kOSBooleanTrue);
	OSSerialize *serializer = OSSerialize::binaryWithCapacity(64);
	serializer->setIndexed(true);
	static const unsigned int wanted[] = {0x3d4,	  0x82000002, 5,
					      0x09000004, 0x636261,   0x8b000001};
	CHECK("indexed_bytes", array->serialize(serializer) &&
				       serializer->getLength() == sizeof(wanted) &&
				       memcmp(serializer->text(), wanted, sizeof(wanted)) == 0);
	CHECK("indexed_comes_back", comes_back(array, serializer));
	serializer->release();
	string->release();
	array->release();
}

void check_binary()
{
	check_bytes();
	check_round_trips();
	check_truncation();
	check_bad_input();
	check_editor();
	check_custom_class();
	check_index();
}
