/*
 * Version numbers: the field scanner of Darwin's kext libraries with its quirks (fields
 * of up to four digits from 10.14 on, of two before, except for the first), and the
 * packed form major·10^12 + minor·10^8 + revision·10^4 + stage·10^3 + level.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <kext/version.h>

#define MAJOR_DIGITS   4
#define TIGER_TEXT_MAX 32
#define LEVEL_DIGITS   3
#define LEVEL_MAX      255

enum stage { DEVELOPMENT = 1, ALPHA = 3, BETA = 5, CANDIDATE = 7, RELEASE = 9 };

/* White space ends a version: "1.0 beta" is 1.0. */
static bool is_end(char c)
{
	return c == '\0' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_stage(char c)
{
	return c == 'd' || c == 'a' || c == 'b' || c == 'f';
}

/* Reads up to `most` digits; the number read. */
static int scan_digits(const char **at, int most, unsigned *ret_value)
{
	unsigned value = 0;
	int count = 0;
	for (; count < most && is_digit(**at); count++, (*at)++)
		value = value * 10 + (unsigned)(**at - '0');
	*ret_value = value;
	return count;
}

/*
 * major [. [minor [. [revision]]]]. A field that took all its digits lets the next field
 * begin without a dot, so "1234d1" is legal, and so is a dot behind a full revision.
 */
static bool scan_fields(const char **at, enum kext_era era, unsigned fields[3])
{
	int rest = era == KEXT_ERA_MODERN ? 4 : 2;
	for (int field = 0; field < 3; field++) {
		int most = field ? rest : MAJOR_DIGITS;
		bool is_full = scan_digits(at, most, &fields[field]) == most;
		if (is_end(**at) || is_stage(**at))
			return true;
		if (**at == '.' && (field < 2 || is_full))
			(*at)++;
		else
			return false;
	}
	return true;
}

static bool scan_level(const char *at, enum stage stage, unsigned *ret_level)
{
	if (!scan_digits(&at, LEVEL_DIGITS, ret_level) || !is_end(*at))
		return false;
	return *ret_level <= LEVEL_MAX && !(stage == CANDIDATE && *ret_level == 0);
}

static bool scan_stage(const char *at, enum stage *ret_stage, unsigned *ret_level)
{
	if (is_end(*at)) {
		*ret_stage = RELEASE;
		*ret_level = 0;
		return true;
	}
	switch (*at++) {
	case 'd':
		*ret_stage = DEVELOPMENT;
		break;
	case 'a':
		*ret_stage = ALPHA;
		break;
	case 'b':
		*ret_stage = BETA;
		break;
	case 'f':
		*ret_stage = CANDIDATE;
		at += *at == 'c';
		break;
	default:
		return false;
	}
	return scan_level(at, *ret_stage, ret_level);
}

/*
 * Darwin copies the text into 20 bytes first (32 in Tiger), so a longer one is bad
 * wherever it ends.
 */
static bool is_short_ascii(const char *text, enum kext_era era)
{
	size_t limit = era == KEXT_ERA_TIGER ? TIGER_TEXT_MAX : KEXT_VERSION_TEXT_MAX;
	size_t length = strnlen(text, limit);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return length < limit;
}

int kext_version_parse(const char *text, int64_t *ret_version)
{
	return kext_version_parse_as(KEXT_ERA_MODERN, text, ret_version);
}

int kext_version_parse_as(enum kext_era era, const char *text, int64_t *ret_version)
{
	unsigned fields[3] = {0}, level;
	enum stage stage;
	if (!text || !is_digit(*text) || !is_short_ascii(text, era))
		return KEXT_ERR_BAD_DATA;
	if (!scan_fields(&text, era, fields) || !scan_stage(text, &stage, &level))
		return KEXT_ERR_BAD_DATA;
	*ret_version = fields[0] * INT64_C(1000000000000) +
		       fields[1] * INT64_C(100000000) + fields[2] * INT64_C(10000) +
		       (int)stage * 1000 + (int)level;
	return 0;
}

int64_t kext_version_number(enum kext_era era, int64_t version)
{
	if (era == KEXT_ERA_MODERN || version <= 0)
		return version;
	int64_t major = version / INT64_C(1000000000000);
	int64_t minor = version / 100000000 % 10000, revision = version / 10000 % 10000;
	return major * 100000000 + minor * 1000000 + revision * 10000 + version % 10000;
}

static const char *stage_letter(int stage)
{
	switch (stage) {
	case DEVELOPMENT:
		return "d";
	case ALPHA:
		return "a";
	case BETA:
		return "b";
	case CANDIDATE:
		return "f";
	case RELEASE:
		return "";
	default:
		return NULL;
	}
}

const char *kext_version_format(int64_t version, char *text)
{
	if (version == KEXT_VERSION_UNDEFINED)
		return strcpy(text, "(missing)");
	int64_t major = version / INT64_C(1000000000000);
	unsigned minor = (unsigned)(version / 100000000 % 10000);
	unsigned revision = (unsigned)(version / 10000 % 10000);
	unsigned level = (unsigned)(version % 1000);
	const char *letter = stage_letter((int)(version / 1000 % 10));
	if (version < 0 || major > 9999 || level > LEVEL_MAX || !letter)
		return strcpy(text, "(invalid)");
	char *at = text + sprintf(text, "%u.%u", (unsigned)major, minor);
	if (revision)
		at += sprintf(at, ".%u", revision);
	if (*letter)
		sprintf(at, "%s%u", letter, level);
	return text;
}
