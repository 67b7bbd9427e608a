/*
 * The kernel's one formatter. It differs from the C library's: %b and %D exist, %n never
 * writes, precision concerns strings alone, a string's width is also its maximum, and
 * unknown conversions print themselves without consuming an argument.
 */
#include "kernel/libkern/libkern.h"

int hide_kernel_pointers;

struct output {
	kprintf_sink sink;
	void *context;
	int count;
};

struct conversion {
	bool alternate, left, zero, is_upper;
	bool is_long;  /* 64-bit argument */
	int narrow;    /* bits an int argument is cut to; 0 = whole */
	char sign;     /* '+', ' ' or 0 */
	int width;     /* 0 = not given */
	int precision; /* -1 = not given */
};

static void put(struct output *out, char c)
{
	out->sink(out->context, c);
	out->count++;
}

static void pad(struct output *out, char c, int count)
{
	while (count-- > 0)
		put(out, c);
}

static void put_text(struct output *out, const char *text)
{
	while (*text)
		put(out, *text++);
}

/* Digits of `value`, last first; returns how many. `digits` holds 64. */
static int make_digits(char *digits, uint64_t value, unsigned radix, bool is_upper)
{
	const char *set = is_upper ? "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   : "0123456789abcdefghijklmnopqrstuvwxyz";
	int n = 0;

	if (radix < 2 || radix > 36)
		radix = 16;
	do {
		digits[n++] = set[value % radix];
		value /= radix;
	} while (value);
	return n;
}

static void put_plain_number(struct output *out, uint64_t value, unsigned radix)
{
	char digits[64];
	int n = make_digits(digits, value, radix, false);

	while (n > 0)
		put(out, digits[--n]);
}

/* Blanks, sign, prefix, zeros, digits, blanks: in this order. */
static void put_number(struct output *out, const struct conversion *c, uint64_t value,
		       char sign, unsigned radix)
{
	char digits[64];
	int n = make_digits(digits, value, radix, c->is_upper);
	const char *prefix = "";
	int room;

	if (c->alternate && value)
		prefix = radix == 8 ? "0" : radix == 16 ? "0x" : "";
	room = c->width - n - (sign != 0) - (int)__builtin_strlen(prefix);
	if (!c->zero && !c->left)
		pad(out, ' ', room);
	if (sign)
		put(out, sign);
	put_text(out, prefix);
	if (c->zero)
		pad(out, '0', room);
	while (n > 0)
		put(out, digits[--n]);
	if (c->left)
		pad(out, ' ', room);
}

/* Addresses of our image, the kexts, and what the host maps for heaps and stacks. */
static bool is_kernel_address(uint64_t value)
{
	return (value >= KERNEL_BASE && value < KERNEL_KEXTS + KERNEL_KEXTS_SIZE) ||
	       (value >= 0x7e0000000000ull && value < 0x800000000000ull);
}

static void put_string(struct output *out, const struct conversion *c, const char *text)
{
	int length = 0;

	if (!text)
		text = "";
	while ((c->precision < 0 || length < c->precision) && text[length])
		length++;
	if (c->width > 0 && length > c->width)
		length = c->width;
	if (!c->left)
		pad(out, ' ', c->width - length);
	for (int i = 0; i < length; i++)
		put(out, text[i]);
	if (c->left)
		pad(out, ' ', c->width - length);
}

/* %D: `width` bytes in hexadecimal with a separator between them. */
static void put_bytes(struct output *out, const struct conversion *c,
		      const uint8_t *bytes, const char *separator)
{
	static const char set[] = "0123456789abcdef";

	for (int i = 0; i < c->width; i++) {
		if (i)
			put_text(out, separator);
		put(out, set[bytes[i] >> 4]);
		put(out, set[bytes[i] & 15]);
	}
}

/* Bit number of the descriptor as an index from the least significant bit. */
static int bit_index(unsigned number, bool from_top)
{
	int index = from_top ? 32 - (int)number : (int)number - 1;

	return index < 0 ? 0 : index > 63 ? 63 : index;
}

/*
 * %b: the value, then the names of its set bits and the values of its fields. The
 * descriptor is the radix, then groups of a bit number (two for a field, high first) and
 * a name; every byte up to 32 begins a group.
 */
static void put_bits(struct output *out, uint64_t value, const char *descriptor,
		     bool from_top)
{
	const uint8_t *p = (const uint8_t *)descriptor;
	unsigned radix = *p ? *p++ : 16;
	char separator = '<';

	put_plain_number(out, value, radix);
	if (!value)
		return;
	while (*p) {
		int high = bit_index(*p++, from_top), low = -1;
		bool is_shown;

		if (*p && *p <= 32)
			low = bit_index(*p++, from_top);
		is_shown = low >= 0 || (value >> high & 1);
		if (is_shown) {
			put(out, separator);
			separator = ',';
		}
		for (; *p > 32; p++) {
			if (is_shown)
				put(out, (char)*p);
		}
		if (low >= 0) {
			int bits = high >= low ? high - low + 1 : 1;
			uint64_t mask = bits >= 64 ? UINT64_MAX : (1ull << bits) - 1;

			put_plain_number(out, value >> low & mask, radix);
		}
	}
	if (separator == ',')
		put(out, '>');
}

static const char *parse_flags(const char *p, struct conversion *c)
{
	for (;; p++) {
		if (*p == '#')
			c->alternate = true;
		else if (*p == '-')
			c->left = true;
		else if (*p == '+')
			c->sign = '+';
		else if (*p == ' ')
			c->sign = c->sign ? c->sign : ' ';
		else
			break;
	}
	if (*p == '0') { /* once, and only after the others */
		c->zero = true;
		p++;
	}
	return p;
}

static const char *parse_digits(const char *p, int *number)
{
	int n = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (n < 100000000)
			n = n * 10 + *p - '0';
	}
	*number = n;
	return p;
}

static const char *parse_length(const char *p, struct conversion *c)
{
	if (*p == 'l') {
		c->is_long = true;
		p += p[1] == 'l' ? 2 : 1;
	} else if (*p == 'q' || *p == 'L') {
		c->is_long = true;
		p++;
	} else if (*p == 'h') {
		c->narrow = p[1] == 'h' ? 8 : 16;
		p += p[1] == 'h' ? 2 : 1;
	}
	if (*p == 'z' || *p == 'Z') {
		c->is_long = true;
		p++;
	}
	return p;
}

/* The arguments travel in a structure so that helpers can take from them. */
struct arguments {
	va_list list;
};

static const char *parse(const char *p, struct conversion *c, struct arguments *arguments)
{
	*c = (struct conversion){.precision = -1};
	p = parse_flags(p, c);
	if (*p == '*') {
		c->width = va_arg(arguments->list, int);
		if (c->width < 0) {
			c->left = !c->left;
			c->width = c->width == INT32_MIN ? INT32_MAX : -c->width;
		}
		p++;
	} else {
		p = parse_digits(p, &c->width);
	}
	if (*p == '.') {
		p++;
		if (*p == '*') {
			c->precision = va_arg(arguments->list, int);
			p++;
		} else if (*p >= '0' && *p <= '9') {
			p = parse_digits(p, &c->precision);
		}
	}
	return parse_length(p, c);
}

static uint64_t take_unsigned(const struct conversion *c, struct arguments *arguments)
{
	unsigned value;

	if (c->is_long)
		return va_arg(arguments->list, uint64_t);
	value = va_arg(arguments->list, unsigned);
	return c->narrow == 8	 ? (uint8_t)value
	       : c->narrow == 16 ? (uint16_t)value
				 : value;
}

static int64_t take_signed(const struct conversion *c, struct arguments *arguments)
{
	int value;

	if (c->is_long)
		return va_arg(arguments->list, int64_t);
	value = va_arg(arguments->list, int);
	return c->narrow == 8 ? (int8_t)value : c->narrow == 16 ? (int16_t)value : value;
}

struct engine {
	struct output out;
	struct arguments arguments;
	int radix;
	bool hides;
};

static void convert_number(struct engine *e, struct conversion *c, unsigned radix,
			   bool is_signed)
{
	uint64_t value;
	char sign = 0;

	if (is_signed) {
		int64_t number = take_signed(c, &e->arguments);

		sign = number < 0 ? '-' : c->sign;
		value = number < 0 ? -(uint64_t)number : (uint64_t)number;
	} else {
		value = take_unsigned(c, &e->arguments);
	}
	if (e->hides && is_kernel_address(value))
		put_text(&e->out, "<ptr>");
	else
		put_number(&e->out, c, value, sign, radix);
}

/* Conversions that take two arguments. */
static void convert_pair(struct engine *e, struct conversion *c, char letter)
{
	if (letter == 'D') {
		const uint8_t *bytes = va_arg(e->arguments.list, const uint8_t *);
		const char *separator = va_arg(e->arguments.list, const char *);

		put_bytes(&e->out, c, bytes, separator);
	} else {
		uint64_t value = take_unsigned(c, &e->arguments);

		put_bits(&e->out, value, va_arg(e->arguments.list, const char *),
			 letter == 'B');
	}
}

static void convert(struct engine *e, struct conversion *c, char letter)
{
	switch (letter) {
	case 'd':
	case 'i':
		convert_number(e, c, 10, true);
		break;
	case 'u':
	case 'U':
		convert_number(e, c, 10, false);
		break;
	case 'o':
	case 'O':
		convert_number(e, c, 8, false);
		break;
	case 'X':
		c->is_upper = true;
		/* fall through */
	case 'x':
		convert_number(e, c, 16, false);
		break;
	case 'p':
		c->alternate = c->is_long = true;
		convert_number(e, c, 16, false);
		break;
	case 'r':
	case 'R':
		convert_number(e, c, (unsigned)e->radix, true);
		break;
	case 'n':
	case 'N':
		convert_number(e, c, (unsigned)e->radix, false);
		break;
	case 'c':
		put(&e->out, (char)va_arg(e->arguments.list, int));
		break;
	case 's':
		put_string(&e->out, c, va_arg(e->arguments.list, const char *));
		break;
	case 'b':
	case 'B':
	case 'D':
		convert_pair(e, c, letter);
		break;
	default:
		put(&e->out, letter);
		break;
	}
}

int kernel_format(kprintf_sink sink, void *context, int radix, bool is_log,
		  const char *format, va_list arguments)
{
	struct engine e = {
		.out = {sink, context, 0},
		.radix = radix,
		.hides = is_log && hide_kernel_pointers,
	};
	struct conversion c;

	va_copy(e.arguments.list, arguments);
	while (*format) {
		if (*format != '%') {
			put(&e.out, *format++);
			continue;
		}
		format = parse(format + 1, &c, &e.arguments);
		if (!*format)
			break;
		convert(&e, &c, *format++);
	}
	va_end(e.arguments.list);
	return e.out.count;
}
