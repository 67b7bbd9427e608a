/*
 * Privileged instructions that real kexts hold. In user mode they raise a general
 * protection fault or are invalid. Few can be passed over without harm; the others are
 * named.
 */
#include "kernel/machine/machine.h"

struct instruction {
	uint8_t first, last; /* opcode range */
	int extension;	     /* required reg field of ModRM; -1: any */
	const char *name;
	bool is_harmless;
};

static const struct instruction one_byte[] = {
	{0x6c, 0x6d, -1, "ins", false},
	{0x6e, 0x6f, -1, "outs", false},
	{0xe4, 0xe5, -1, "in", false},
	{0xe6, 0xe7, -1, "out", false},
	{0xec, 0xed, -1, "in", false},
	{0xee, 0xef, -1, "out", false},
	{0xf4, 0xf4, -1, "hlt", false},
	{0xfa, 0xfa, -1, "cli", true},
	{0xfb, 0xfb, -1, "sti", true},
	{0xcf, 0xcf, -1, "iret", false},
	{0},
};

/* Behind 0f. */
static const struct instruction two_bytes[] = {
	{0x00, 0x00, 2, "lldt", false},		{0x00, 0x00, 3, "ltr", false},
	{0x01, 0x01, 2, "lgdt", false},		{0x01, 0x01, 3, "lidt", false},
	{0x01, 0x01, 6, "lmsw", false},		{0x01, 0x01, 7, "invlpg", false},
	{0x01, 0x01, 1, "mwait", false},	{0x06, 0x06, -1, "clts", false},
	{0x07, 0x07, -1, "sysret", false},	{0x08, 0x08, -1, "invd", false},
	{0x09, 0x09, -1, "wbinvd", true},	{0x20, 0x20, -1, "mov from cr", false},
	{0x21, 0x21, -1, "mov from dr", false}, {0x22, 0x22, -1, "mov to cr", false},
	{0x23, 0x23, -1, "mov to dr", false},	{0x30, 0x30, -1, "wrmsr", false},
	{0x32, 0x32, -1, "rdmsr", false},	{0x33, 0x33, -1, "rdpmc", false},
	{0x35, 0x35, -1, "sysexit", false},	{0},
};

static bool is_prefix(uint8_t byte)
{
	return byte == 0x66 || byte == 0x67 || byte == 0xf0 || byte == 0xf2 ||
	       byte == 0xf3 || (byte & 0xf0) == 0x40;
}

static const struct instruction *look_up(const struct instruction *table, uint8_t opcode,
					 uint8_t modrm)
{
	for (; table->name; table++) {
		if (opcode >= table->first && opcode <= table->last &&
		    (table->extension < 0 || table->extension == (modrm >> 3 & 7)))
			return table;
	}
	return NULL;
}

unsigned privileged_decode(const uint8_t *code, size_t size, const char **ret_name)
{
	struct cursor c = cursor_at(bytes_of(code, size), 0, false);
	const struct instruction *table = one_byte, *found;
	uint8_t opcode = cursor_u8(&c);
	*ret_name = NULL;
	while (!c.failed && is_prefix(opcode))
		opcode = cursor_u8(&c);
	if (opcode == 0x0f) {
		table = two_bytes;
		opcode = cursor_u8(&c);
	}
	size_t length = c.at;
	if (c.failed)
		return 0;
	found = look_up(table, opcode, cursor_u8(&c));
	if (!found)
		return 0;
	*ret_name = found->name;
	return found->is_harmless ? (unsigned)length : 0;
}
