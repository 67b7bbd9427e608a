/* C strings and numbers in text. */
#include "kpi.h"
#include <uuid/uuid.h>

char *strcpy(char *to, const char *from);
char *strcat(char *to, const char *from);
char *strncat(char *to, const char *from, size_t size);
int atoi(const char *text);
char *itoa(int number, char *text);
char *STRDUP(const char *text, int type);
void _FREE(void *block, int type);
uint32_t crc32(uint32_t crc, const void *data, size_t size);
unsigned long adler32(unsigned long adler, const void *data, unsigned int size);
int inet_aton(const char *text, void *address);
const char *inet_ntop(int family, const void *address, char *text, unsigned int size);

static void check_numbers(void)
{
	char *end;
	const char *start = "\r5";

	CHECK("situation-23-binary", strtoul("0b101z", &end, 0) == 5 && *end == 'z');
	CHECK("situation-23-white-space", strtol(start, &end, 10) == 0 && end == start);
	CHECK("situation-23-atoi", atoi("-3") == 0 && atoi("31x") == 31);
	CHECK("strtoq", strtoq("-0x10", NULL, 0) == -16);
	CHECK("strtouq", strtouq("18446744073709551616", NULL, 10) == ~0ull);
	CHECK("ffs", ffs(0u) == 0 && ffs(0x50u) == 5);
}

static void check_copies(void)
{
	char b[16] = "", full[4] = {'a', 'b', 'c', 'd'};

	CHECK("situation-24-no-room", strlcpy(b, "hello", 0) == 5 && !*b);
	CHECK("situation-24-full",
	      strlcat(full, "ef", 4) == 6 && !memcmp(full, "abcd", 4));
	CHECK("strlcpy", strlcpy(b, "hello", 4) == 5 && !strcmp(b, "hel"));
	CHECK("strlcat", strlcat(b, "icopter", 7) == 10 && !strcmp(b, "helico"));
	CHECK("strncpy-pads", strncpy(b, "x", 4) == b && !memcmp(b, "x\0\0\0", 4));
	CHECK("strcpy-strcat", !strcmp(strcat(strcpy(b, "ab"), "cd"), "abcd"));
	CHECK("strncat", !strcmp(strncat(b, "efgh", 2), "abcdef"));
}

static void check_questions(void)
{
	char words[] = "a,b", *rest = words, *first = strsep(&rest, ",");

	CHECK("strlen", strlen("hello") == 5 && strnlen("hello", 3) == 3);
	CHECK("strcmp", strcmp("a", "b") < 0 && strcmp("a", "a") == 0);
	CHECK("strncmp", strncmp("abc", "abd", 2) == 0 && strncmp("abd", "abc", 3) > 0);
	CHECK("strcasecmp", strcasecmp("HeLLo", "hEllO") == 0);
	CHECK("strncasecmp", strncasecmp("ABx", "aby", 2) == 0);
	CHECK("strchr", strchr("a,b", 'b')[-1] == ',' && !strchr("abc", 'z'));
	CHECK("strchr-null", strchr((char *)0, 'a') == NULL);
	CHECK("strnstr", !strcmp(strnstr("haystack", "st", 8), "stack"));
	CHECK("strnstr-limit", strnstr("haystack", "st", 4) == NULL);
	CHECK("strsep", first == words && !strcmp(first, "a") && !strcmp(rest, "b"));
	CHECK("strprefix",
	      strprefix("kernel", "kern") == 1 && !strprefix("kern", "kernel"));
}

static void check_sums(void)
{
	uint8_t address[4];
	char text[16], *copy = STRDUP("copied", 80);

	CHECK("situation-25-crc32", crc32(0, "123456789", 9) == 0xcbf43926);
	CHECK("adler32", adler32(1, "Wikipedia", 9) == 0x11e60398);
	CHECK("strdup", copy && !strcmp(copy, "copied"));
	_FREE(copy, 80);
	CHECK("inet-aton",
	      inet_aton("10.1.2.3", address) == 1 && !memcmp(address, "\12\1\2\3", 4));
	CHECK("inet-ntop",
	      inet_ntop(2, address, text, 16) == text && !strcmp(text, "10.1.2.3"));
	CHECK("inet-ntop-no-room", inet_ntop(2, address, text, 4) == NULL);
}

static void check_uuids(void)
{
	static const char lower[] = "00112233-4455-6677-8899-aabbccddeeff";
	static const char upper[] = "00112233-4455-6677-8899-AABBCCDDEEFF";
	uuid_t a, b;
	char text[37];

	CHECK("situation-25-uuid-parse",
	      uuid_parse("00112233-4455-6677-8899-aabbccddeef", a) == -1);
	CHECK("uuid-parse", uuid_parse(lower, a) == 0 && a[0] == 0 && a[15] == 0xff);
	uuid_unparse(a, text);
	CHECK("situation-25-uuid-unparse", !strcmp(text, upper));
	uuid_unparse_lower(a, text);
	CHECK("uuid-unparse-lower", !strcmp(text, lower));
	uuid_unparse_upper(a, text);
	CHECK("uuid-unparse-upper", !strcmp(text, upper));
	uuid_copy(b, a);
	CHECK("uuid-copy", uuid_compare(a, b) == 0);
	uuid_clear(b);
	CHECK("uuid-clear", uuid_is_null(b) == 1 && uuid_is_null(a) == 0);
	CHECK("uuid-compare", uuid_compare(a, b) > 0);
	uuid_generate(a);
	CHECK("uuid-random", a[6] >> 4 == 4 && a[8] >> 6 == 2);
	uuid_generate_random(b);
	CHECK("uuid-random-again", b[6] >> 4 == 4 && uuid_compare(a, b) != 0);
	uuid_generate_time(a);
	CHECK("uuid-time", a[6] >> 4 == 1 && a[8] >> 6 == 2);
}

char *itoa(int value, char *text);

static void check_itoa(void)
{
	char text[12];

	CHECK("itoa",
	      itoa(-2147483647 - 1, text) == text + 11 && !strcmp(text, "-2147483648"));
}

void check(void)
{
	check_itoa();
	check_numbers();
	check_copies();
	check_questions();
	check_sums();
	check_uuids();
}
