/*
 * Numbers in text: atoi and the strtol family. Blank, tab and newline are the white
 * space, 0b is a prefix, results saturate and no error variable exists.
 */
#include "kernel/libkern/libkern.h"

int xnu_atoi(const char *text)
{
	unsigned number = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (unsigned)(*text - '0');
	return (int)number;
}
KPI_XNU(atoi);

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return 99;
}

/* Skips a prefix that a digit of its base follows; settles base 0. */
static const char *skip_prefix(const char *p, int *base)
{
	if (p[0] == '0' && (p[1] | 32) == 'x' && (*base == 0 || *base == 16) &&
	    digit_value(p[2]) < 16) {
		*base = 16;
		return p + 2;
	}
	if (p[0] == '0' && (p[1] | 32) == 'b' && (*base == 0 || *base == 2) &&
	    digit_value(p[2]) < 2) {
		*base = 2;
		return p + 2;
	}
	/* A bare 0x is no number at all, not the number 0. */
	if (p[0] == '0' && (p[1] | 32) == 'x' && (*base == 0 || *base == 16))
		return NULL;
	if (*base == 0)
		*base = p[0] == '0' ? 8 : 10;
	return p;
}

struct number {
	uint64_t magnitude;
	bool is_negative, overflows;
};

/* Reads sign, prefix and digits; end == text when there are none. */
static struct number scan_number(const char *text, char **ret_end, int base)
{
	struct number number = {0};
	const char *p = text, *digits;

	while (*p == ' ' || *p == '\t' || *p == '\n')
		p++;
	if (*p == '-' || *p == '+')
		number.is_negative = *p++ == '-';
	p = digits = base >= 0 && base <= 36 && base != 1 ? skip_prefix(p, &base) : NULL;
	for (; p && digit_value(*p) < base; p++) {
		if (__builtin_mul_overflow(number.magnitude, (uint64_t)base,
					   &number.magnitude) ||
		    __builtin_add_overflow(number.magnitude, (uint64_t)digit_value(*p),
					   &number.magnitude))
			number.overflows = true;
	}
	if (ret_end)
		*ret_end = (char *)(uintptr_t)(p == digits ? text : p);
	return number;
}

int64_t xnu_strtoq(const char *text, char **ret_end, int base)
{
	struct number number = scan_number(text, ret_end, base);

	if (number.is_negative)
		return number.overflows || number.magnitude > (uint64_t)INT64_MAX
			       ? INT64_MIN
			       : -(int64_t)number.magnitude;
	return number.overflows || number.magnitude > INT64_MAX
		       ? INT64_MAX
		       : (int64_t)number.magnitude;
}
KPI_XNU(strtoq);

uint64_t xnu_strtouq(const char *text, char **ret_end, int base)
{
	struct number number = scan_number(text, ret_end, base);

	if (number.overflows)
		return UINT64_MAX;
	return number.is_negative ? -number.magnitude : number.magnitude;
}
KPI_XNU(strtouq);

long xnu_strtol(const char *text, char **ret_end, int base)
{
	return xnu_strtoq(text, ret_end, base);
}
KPI_XNU(strtol);

unsigned long xnu_strtoul(const char *text, char **ret_end, int base)
{
	return xnu_strtouq(text, ret_end, base);
}
KPI_XNU(strtoul);
