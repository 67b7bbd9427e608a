/* Strings, symbols, numbers, booleans, data. */
#include "checks.h"

static void check_strings()
{
	OSString *string = OSString::withCString("abc");
	CHECK("string_length", string->getLength() == 3);
	CHECK("string_characters", string->getChar(2) == 'c' && string->getChar(3) == '\0' &&
					   string->getChar(99) == '\0');
	CHECK("string_set", string->setChar('X', 1) && same(string->getCStringNoCopy(), "aXc"));
	CHECK("string_set_outside", !string->setChar('X', 3));
	static char bytes[] = "abc";
	OSString *borrowed = OSString::withCStringNoCopy(bytes);
	CHECK("string_no_copy", borrowed->getCStringNoCopy() == bytes);
	CHECK("string_no_copy_is_constant", !borrowed->setChar('X', 0));
	CHECK("string_null", OSString::withCString(NULL) == NULL);
	CHECK("string_equal_text", borrowed->isEqualTo("abc") && !borrowed->isEqualTo("abcd") &&
					   !borrowed->isEqualTo("ab"));
	CHECK("string_unequal", !string->isEqualTo(borrowed));
	string->release();
	borrowed->release();
}

static void check_string_and_data()
{
	OSString *string = OSString::withCString("abc");
	OSData *three = OSData::withBytes("abc", 3), *four = OSData::withBytes("abc", 4);
	CHECK("data_equals_string_without_nul", three->isEqualTo(string));
	CHECK("string_wants_the_nul", !string->isEqualTo(three));
	CHECK("data_equals_string_with_nul", four->isEqualTo(string));
	CHECK("string_equals_data_with_nul", string->isEqualTo(four));
	string->release();
	three->release();
	four->release();
}

static void check_symbols()
{
	CHECK("symbol_unseen", OSSymbol::existingSymbolForCString("never seen") == NULL);
	const OSSymbol *a = OSSymbol::withCString("libkern x");
	const OSSymbol *b = OSSymbol::withCString("libkern x");
	CHECK("symbol_is_unique", a == b && a->getRetainCount() == 2);
	const OSSymbol *c = OSSymbol::existingSymbolForCString("libkern x");
	CHECK("symbol_exists", c == a && a->getRetainCount() == 3);
	c->release();
	OSString *string = OSString::withCString("libkern x");
	CHECK("symbol_equals_string", a->isEqualTo((const OSMetaClassBase *)string));
	CHECK("string_equals_symbol", string->isEqualTo(a));
	const OSSymbol *d = OSSymbol::withString(string);
	CHECK("symbol_of_string", d == a);
	d->release();
	d = OSSymbol::withString(a);
	CHECK("symbol_of_symbol", d == a && a->getRetainCount() == 3);
	d->release();
	OSSymbol *made = (OSSymbol *)OSMetaClass::allocClassWithName("OSSymbol");
	CHECK("symbol_init_fails", !((OSString *)made)->initWithCString("y"));
	made->release();
	string->release();
	a->release();
	b->release();
	CHECK("symbol_leaves", OSSymbol::existingSymbolForCString("libkern x") == NULL);
	CHECK("symbol_null", OSSymbol::withCString(NULL) == NULL);
}

/* The pool grows and shrinks behind this. */
static void check_many_symbols()
{
	static const OSSymbol *symbols[2000];
	bool is_good = true;
	char text[24];
	for (int i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "many %d", i);
		symbols[i] = OSSymbol::withCString(text);
	}
	for (int i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "many %d", i);
		const OSSymbol *again = OSSymbol::withCString(text);
		is_good = is_good && again == symbols[i] && again->isEqualTo(text);
		again->release();
	}
	CHECK("symbols_by_the_thousand", is_good);
	for (int i = 0; i < 2000; i++)
		symbols[i]->release();
	CHECK("symbols_go", OSSymbol::existingSymbolForCString("many 1234") == NULL);
}

static bool number_is(OSNumber *number, unsigned long long value)
{
	bool is_good = number && number->unsigned64BitValue() == value;
	OSSafeRelease(number);
	return is_good;
}

static void check_numbers()
{
	OSNumber *number = OSNumber::withNumber(0x1ff, 8);
	CHECK("number_is_cut", number->unsigned64BitValue() == 0xff);
	number->addValue(2);
	CHECK("number_wraps", number->unsigned64BitValue() == 1);
	number->addValue(-2);
	CHECK("number_adds_negative", number->unsigned64BitValue() == 0xff);
	CHECK("number_sizes", number->numberOfBits() == 8 && number->numberOfBytes() == 1);
	OSNumber *wide = OSNumber::withNumber(0xff, 64);
	CHECK("number_equality_is_by_value", number->isEqualTo(wide));
	wide->setValue(0x1122334455667788ull);
	CHECK("number_parts",
	      wide->unsigned8BitValue() == 0x88 && wide->unsigned16BitValue() == 0x7788 &&
		      wide->unsigned32BitValue() == 0x55667788);
	number->release();
	wide->release();
	CHECK("number_of_65_bits", OSNumber::withNumber(1, 65) == NULL);
	CHECK("number_of_no_bits", number_is(OSNumber::withNumber(77, 0), 77));
	CHECK("number_of_decimal", number_is(OSNumber::withNumber("123", 32), 123));
	CHECK("number_of_hexadecimal", number_is(OSNumber::withNumber("0x20", 32), 32));
	CHECK("number_of_octal", number_is(OSNumber::withNumber("017", 32), 15));
	CHECK("number_of_negative", number_is(OSNumber::withNumber("-1", 16), 0xffff));
}

static void check_truth()
{
	CHECK("boolean_is_one_of_two", OSBoolean::withBoolean(true) == kOSBooleanTrue &&
					       OSBoolean::withBoolean(false) == kOSBooleanFalse);
	CHECK("boolean_values", kOSBooleanTrue->isTrue() && kOSBooleanFalse->isFalse() &&
					kOSBooleanTrue->getValue());
	CHECK("boolean_equality", kOSBooleanTrue->isEqualTo(kOSBooleanTrue) &&
					  !kOSBooleanTrue->isEqualTo(kOSBooleanFalse));
}

static void check_data()
{
	OSData *data = OSData::withCapacity(0);
	CHECK("data_empty", data->getBytesNoCopy() == NULL && data->getLength() == 0 &&
				    data->getCapacityIncrement() == 16);
	CHECK("data_append", data->appendBytes("abcd", 4) && data->getLength() == 4 &&
				     data->getCapacity() >= 16);
	CHECK("data_prefix", data->isEqualTo("ab", 2) && !data->isEqualTo("b", 1) &&
				     !data->isEqualTo("abcde", 5));
	CHECK("data_append_itself", data->appendBytes(data) && data->appendBytes(data) &&
					    data->appendBytes(data) &&
					    data->getLength() == 32 &&
					    memcmp(data->getBytesNoCopy(28, 4), "abcd", 4) == 0);
	CHECK("data_append_zeros", data->appendBytes((const void *)NULL, 2) &&
					   data->isEqualTo(data) &&
					   *(const char *)data->getBytesNoCopy(33, 1) == 0);
	CHECK("data_append_byte", data->appendByte(7, 3) && data->getLength() == 37);
	data->release();
	CHECK("data_null", OSData::withBytes(NULL, 3) == NULL);
	data = OSData::withCapacity(5000);
	CHECK("data_in_pages", data->getCapacity() == 8192);
	data->release();
}

static unsigned int freed_length;
static void *freed_bytes;
static int freed_times;

static void free_bytes(void *bytes, unsigned int length)
{
	freed_bytes = bytes;
	freed_length = length;
	freed_times++;
}

static void check_borrowed_data()
{
	static char bytes[] = "abcd";
	OSData *data = OSData::withBytesNoCopy(bytes, 4);
	CHECK("borrowed_append_fails", !data->appendBytes("x", 1) && data->appendBytes("x", 0));
	CHECK("borrowed_capacity", data->getCapacity() == 0xffffffff);
	CHECK("data_ranges", data->getBytesNoCopy(2, 2) == bytes + 2 &&
				     data->getBytesNoCopy(3, 2) == NULL &&
				     data->getBytesNoCopy(4, 0) == NULL &&
				     data->getBytesNoCopy(1, 0xffffffff) == NULL);
	OSData *part = OSData::withData(data, 1, 2);
	CHECK("data_part", part && part->isEqualTo("bc", 2) && part->getLength() == 2);
	OSSafeRelease(part);
	CHECK("data_part_outside", OSData::withData(data, 3, 2) == NULL);
	data->setDeallocFunction(free_bytes);
	data->release();
	CHECK("dealloc_function",
	      freed_times == 1 && freed_bytes == bytes && freed_length == 4);
	data = OSData::withBytesNoCopy(bytes, 0);
	data->setDeallocFunction(free_bytes);
	data->release();
	CHECK("dealloc_of_nothing", freed_times == 1);
}

void check_values()
{
	check_strings();
	check_string_and_data();
	check_symbols();
	check_many_symbols();
	check_numbers();
	check_truth();
	check_data();
	check_borrowed_data();
}
