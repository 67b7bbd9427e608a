/*
 * Instructions that user mode may not execute, by their bytes. Real kexts hold them: they
 * raise a general protection fault here or are invalid. What the processor would have
 * been told or asked is named with its operand; who answers is the trap handler's matter.
 */
#include "kernel/machine/machine.h"

#define ANY -1

struct instruction {
	uint8_t first, last; /* opcode range */
	int extension;	     /* required reg field of ModRM, or ANY */
	const char *name;
	enum privileged_operand operand;
	enum privileged_kind kind;
};

static const struct instruction one_byte[] = {
	{0x6c, 0x6d, ANY, "ins", OPERAND_PORT, PRIVILEGED_OTHER},
	{0x6e, 0x6f, ANY, "outs", OPERAND_PORT, PRIVILEGED_OTHER},
	{0xcd, 0xcd, ANY, "int", OPERAND_IMMEDIATE, PRIVILEGED_OTHER},
	{0xcf, 0xcf, ANY, "iret", OPERAND_NONE, PRIVILEGED_OTHER},
	{0xe4, 0xe5, ANY, "in", OPERAND_IMMEDIATE, PRIVILEGED_OTHER},
	{0xe6, 0xe7, ANY, "out", OPERAND_IMMEDIATE, PRIVILEGED_OTHER},
	{0xec, 0xed, ANY, "in", OPERAND_PORT, PRIVILEGED_OTHER},
	{0xee, 0xef, ANY, "out", OPERAND_PORT, PRIVILEGED_OTHER},
	{0xf4, 0xf4, ANY, "hlt", OPERAND_NONE, PRIVILEGED_OTHER},
	{0xfa, 0xfa, ANY, "cli", OPERAND_NONE, PRIVILEGED_CLI},
	{0xfb, 0xfb, ANY, "sti", OPERAND_NONE, PRIVILEGED_STI},
	{0},
};

/* Behind 0f 01, where the whole ModRM byte is part of the opcode. */
static const struct instruction system_group[] = {
	{0xc1, 0xc1, ANY, "vmcall", OPERAND_NONE, PRIVILEGED_OTHER},
	{0xc8, 0xc8, ANY, "monitor", OPERAND_NONE, PRIVILEGED_OTHER},
	{0xc9, 0xc9, ANY, "mwait", OPERAND_NONE, PRIVILEGED_OTHER},
	{0xca, 0xca, ANY, "clac", OPERAND_NONE, PRIVILEGED_OTHER},
	{0xcb, 0xcb, ANY, "stac", OPERAND_NONE, PRIVILEGED_OTHER},
	{0xd1, 0xd1, ANY, "xsetbv", OPERAND_NONE, PRIVILEGED_OTHER},
	{0xd8, 0xdf, ANY, "an SVM instruction", OPERAND_NONE, PRIVILEGED_OTHER},
	{0xf8, 0xf8, ANY, "swapgs", OPERAND_NONE, PRIVILEGED_OTHER},
	{0},
};

/* Behind 0f. */
static const struct instruction two_bytes[] = {
	{0x00, 0x00, 0, "sldt", OPERAND_NONE, PRIVILEGED_OTHER},
	{0x00, 0x00, 1, "str", OPERAND_NONE, PRIVILEGED_OTHER},
	{0x00, 0x00, 2, "lldt", OPERAND_NONE, PRIVILEGED_OTHER},
	{0x00, 0x00, 3, "ltr", OPERAND_NONE, PRIVILEGED_OTHER},
	{0x01, 0x01, 0, "sgdt", OPERAND_NONE, PRIVILEGED_OTHER},
	{0x01, 0x01, 1, "sidt", OPERAND_NONE, PRIVILEGED_OTHER},
	{0x01, 0x01, 2, "lgdt", OPERAND_NONE, PRIVILEGED_OTHER},
	{0x01, 0x01, 3, "lidt", OPERAND_NONE, PRIVILEGED_OTHER},
	{0x01, 0x01, 4, "smsw", OPERAND_NONE, PRIVILEGED_OTHER},
	{0x01, 0x01, 6, "lmsw", OPERAND_NONE, PRIVILEGED_OTHER},
	{0x01, 0x01, 7, "invlpg", OPERAND_NONE, PRIVILEGED_OTHER},
	{0x05, 0x05, ANY, "syscall", OPERAND_NONE, PRIVILEGED_OTHER},
	{0x06, 0x06, ANY, "clts", OPERAND_NONE, PRIVILEGED_OTHER},
	{0x07, 0x07, ANY, "sysret", OPERAND_NONE, PRIVILEGED_OTHER},
	{0x08, 0x08, ANY, "invd", OPERAND_NONE, PRIVILEGED_OTHER},
	{0x09, 0x09, ANY, "wbinvd", OPERAND_NONE, PRIVILEGED_WBINVD},
	{0x20, 0x20, ANY, "mov from cr", OPERAND_REGISTER, PRIVILEGED_OTHER},
	{0x21, 0x21, ANY, "mov from dr", OPERAND_REGISTER, PRIVILEGED_OTHER},
	{0x22, 0x22, ANY, "mov to cr", OPERAND_REGISTER, PRIVILEGED_OTHER},
	{0x23, 0x23, ANY, "mov to dr", OPERAND_REGISTER, PRIVILEGED_OTHER},
	{0x30, 0x30, ANY, "wrmsr", OPERAND_ECX, PRIVILEGED_OTHER},
	{0x32, 0x32, ANY, "rdmsr", OPERAND_ECX, PRIVILEGED_RDMSR},
	{0x33, 0x33, ANY, "rdpmc", OPERAND_ECX, PRIVILEGED_OTHER},
	{0x34, 0x34, ANY, "sysenter", OPERAND_NONE, PRIVILEGED_SYSENTER},
	{0x35, 0x35, ANY, "sysexit", OPERAND_NONE, PRIVILEGED_OTHER},
	{0x78, 0x78, ANY, "vmread", OPERAND_NONE, PRIVILEGED_OTHER},
	{0x79, 0x79, ANY, "vmwrite", OPERAND_NONE, PRIVILEGED_OTHER},
	{0xaa, 0xaa, ANY, "rsm", OPERAND_NONE, PRIVILEGED_OTHER},
	{0},
};

#define REX_R 0x44u /* REX with the bit that extends ModRM's reg field */

static bool is_rex(uint8_t byte)
{
	return (byte & 0xf0) == 0x40;
}

static bool is_prefix(uint8_t byte)
{
	return byte == 0x26 || byte == 0x2e || byte == 0x36 || byte == 0x3e ||
	       (byte >= 0x64 && byte <= 0x67) || byte == 0xf0 || byte == 0xf2 ||
	       byte == 0xf3 || is_rex(byte);
}

static const struct instruction *look_up(const struct instruction *table, uint8_t opcode,
					 uint8_t modrm)
{
	for (; table->name; table++) {
		if (opcode >= table->first && opcode <= table->last &&
		    (table->extension == ANY || table->extension == (modrm >> 3 & 7)))
			return table;
	}
	return NULL;
}

/* The instruction whose opcode ends before `next`, the byte of ModRM or an immediate. */
static const struct instruction *find(bool is_two_bytes, uint8_t opcode, uint8_t next)
{
	const struct instruction *found = NULL;
	if (!is_two_bytes)
		return look_up(one_byte, opcode, next);
	if (opcode == 0x01 && next >= 0xc0)
		found = look_up(system_group, next, next);
	return found ? found : look_up(two_bytes, opcode, next);
}

bool privileged_decode(const uint8_t *code, size_t size, struct privileged *ret)
{
	struct cursor c = cursor_at(bytes_of(code, size), 0, false);
	uint8_t rex = 0, opcode = cursor_u8(&c);
	while (!c.failed && is_prefix(opcode)) {
		rex = is_rex(opcode) ? opcode : 0;
		opcode = cursor_u8(&c);
	}
	bool is_two_bytes = opcode == 0x0f;
	if (is_two_bytes)
		opcode = cursor_u8(&c);
	size_t length = c.at;
	bool is_whole = !c.failed;
	uint8_t next = cursor_u8(&c); /* may lie behind the end of the page: 0 then */
	const struct instruction *found =
		is_whole ? find(is_two_bytes, opcode, next) : NULL;
	if (!found)
		return false;
	ret->name = found->name;
	ret->kind = found->kind;
	ret->operand = found->operand;
	ret->length = (unsigned)length;
	ret->number = found->operand == OPERAND_IMMEDIATE
			      ? next
			      : (next >> 3 & 7u) | ((rex & REX_R) == REX_R ? 8u : 0);
	return true;
}
