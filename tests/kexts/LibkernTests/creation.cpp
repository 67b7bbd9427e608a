/* The init methods, as a subclass or a kext's own factory calls them. */
#include "checks.h"

/* An object that init was not called for yet, and its end. */
template <class T> static T *fresh()
{
	return (T *)T::metaClass->alloc();
}

/* Whether init refuses; the object may then only be released. */
template <class T, class Init> static bool refuses(Init init)
{
	T *object = fresh<T>();
	bool is_good = !init(object);
	object->release();
	return is_good;
}

static void check_strings()
{
	static char bytes[] = "abc";
	OSString *string = fresh<OSString>(), *other = OSString::withCString("defgh");
	CHECK("init_string", string->initWithCString(bytes) && string->getLength() == 3 &&
				     string->getCStringNoCopy() != bytes);
	CHECK("init_string_again",
	      string->initWithString(other) && string->isEqualTo("defgh") &&
		      string->getCStringNoCopy() != other->getCStringNoCopy());
	CHECK("init_string_no_copy", string->initWithCStringNoCopy(bytes) &&
					     string->getCStringNoCopy() == bytes &&
					     !string->setChar('x', 0));
	string->release();
	string = OSString::withString(other);
	CHECK("string_of_string", string && string != other && string->isEqualTo(other));
	OSSafeRelease(string);
	other->release();
	CHECK("init_string_null",
	      refuses<OSString>([](OSString *s) { return s->initWithCString(NULL); }));
	CHECK("init_string_no_copy_null", refuses<OSString>([](OSString *s) {
		      return s->initWithCStringNoCopy(NULL);
	      }));
}

static void check_symbols()
{
	static char bytes[] = "libkern borrowed";
	OSString *string = OSString::withCString(bytes);
	CHECK("symbol_of_string_unseen",
	      OSSymbol::existingSymbolForString(string) == NULL);
	const OSSymbol *symbol = OSSymbol::withCStringNoCopy(bytes);
	CHECK("symbol_no_copy", symbol->getCStringNoCopy() == bytes);
	OSSymbol::checkForPageUnload(bytes + sizeof(bytes), bytes + sizeof(bytes) + 1);
	CHECK("symbol_keeps_its_bytes", symbol->getCStringNoCopy() == bytes);
	OSSymbol::checkForPageUnload(bytes, bytes + sizeof(bytes));
	CHECK("symbol_outlives_its_bytes", symbol->getCStringNoCopy() != bytes &&
						   symbol->isEqualTo("libkern borrowed"));
	OSSymbol::initialize();
	const OSSymbol *same_one = OSSymbol::existingSymbolForString(string);
	CHECK("symbol_is_still_unique", same_one == symbol &&
						symbol->isEqualTo(same_one) &&
						symbol->getRetainCount() == 2);
	OSSafeRelease(same_one);
	OSString *init = (OSString *)OSSymbol::metaClass->alloc();
	CHECK("symbol_init_is_refused", !init->initWithCString("a") &&
						!init->initWithCStringNoCopy(bytes) &&
						!init->initWithString(string));
	init->release();
	symbol->release();
	string->release();
}

static void check_numbers()
{
	OSNumber *number = fresh<OSNumber>();
	CHECK("init_number", number->init(0x1ffull, 8) &&
				     number->unsigned32BitValue() == 0xff &&
				     number->numberOfBits() == 8);
	number->release();
	number = fresh<OSNumber>();
	CHECK("init_number_of_text",
	      number->init("0x20", 12) && number->unsigned16BitValue() == 32 &&
		      number->numberOfBits() == 12 && number->numberOfBytes() == 2);
	number->release();
	CHECK("init_number_too_wide",
	      refuses<OSNumber>([](OSNumber *n) { return n->init(1ull, 65); }));
	OSBoolean::initialize();
	kOSBooleanTrue->free();
	CHECK("booleans_stay", kOSBooleanTrue->isTrue() && kOSBooleanFalse->isFalse());
}

static void check_data()
{
	static char bytes[] = "abcdef";
	OSData *data = fresh<OSData>();
	CHECK("init_data", data->initWithBytes(bytes, 6) && data->getLength() == 6 &&
				   data->getBytesNoCopy() != bytes &&
				   data->isEqualTo(bytes, 6));
	OSData *part = fresh<OSData>(), *all = fresh<OSData>(),
	       *borrowed = fresh<OSData>();
	CHECK("init_data_of_data", all->initWithData(data) && all->isEqualTo(data));
	CHECK("init_data_of_part", part->initWithData(data, 2, 3) &&
					   part->getLength() == 3 &&
					   part->isEqualTo("cde", 3));
	CHECK("init_data_no_copy", borrowed->initWithBytesNoCopy(bytes, 6) &&
					   borrowed->getBytesNoCopy() == bytes);
	CHECK("data_increment", all->setCapacityIncrement(3) == 3 &&
					all->getCapacityIncrement() == 3 &&
					all->setCapacityIncrement(0) == 0);
	CHECK("data_without_increment_grows",
	      all->appendBytes(data) && all->getLength() == 12);
	CHECK("init_data_outside",
	      refuses<OSData>([data](OSData *d) { return d->initWithData(data, 4, 3); }));
	CHECK("init_data_null",
	      refuses<OSData>([](OSData *d) { return d->initWithBytes(NULL, 1); }));
	OSData *copy = OSData::withData(data);
	CHECK("data_of_data", copy && copy != data && copy->isEqualTo(data));
	OSSafeRelease(copy);
	borrowed->release();
	part->release();
	all->release();
	data->release();
}

static void check_serializers()
{
	OSSerialize *serializer = fresh<OSSerialize>();
	CHECK("init_serializer", serializer->initWithCapacity(5000) &&
					 serializer->getCapacity() == 8192 &&
					 serializer->getCapacityIncrement() == 8192 &&
					 serializer->getLength() == 1);
	CHECK("serializer_increment", serializer->setCapacityIncrement(0) == 256 &&
					      serializer->getCapacityIncrement() == 256);
	serializer->release();
}

/* The forms of the text readers that take a smart pointer: a pointer like any other. */
extern "C" OSObject *read_braces(const char *text, OSString **ret_error) __asm(
	"__Z13OSUnserializePKcPN2os9smart_ptrI8OSString15osobject_policyEE");
extern "C" OSObject *read_xml(const char *text, OSString **ret_error) __asm(
	"__Z16OSUnserializeXMLPKcPN2os9smart_ptrI8OSString15osobject_policyEE");

static void check_smart_readers()
{
	OSString *error = NULL;
	OSNumber *number = OSDynamicCast(OSNumber, read_braces("5:8", &error));
	CHECK("read_braces_smart", number && number->unsigned8BitValue() == 5 && !error);
	OSSafeRelease(number);
	CHECK("read_xml_smart", read_xml("<true/>", &error) == kOSBooleanTrue && !error);
	CHECK("read_xml_smart_error", !read_xml("<true>", &error) && error);
	OSSafeRelease(error);
}

void check_creation()
{
	check_strings();
	check_symbols();
	check_numbers();
	check_data();
	check_serializers();
	check_smart_readers();
}
