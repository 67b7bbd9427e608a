/*
 * Model-specific registers that may be read: which ones answer, and with what. A kext
 * asks them for facts (frequencies, features, temperatures); plausible ones of an idle
 * machine let it go on. The boot argument msr=NUMBER:VALUE[,NUMBER:VALUE…] changes or
 * adds answers, NUMBER:- takes one away. Writing a register cannot be answered.
 */
#include <stdlib.h>
#include "kernel/libkern/libkern.h"
#include "kernel/machine/machine.h"
#include "kernel/osfmk/osfmk.h"
#include "kernel/pexpert/pexpert.h"

#define MSR_MAX 64u

enum msr_source { MSR_ABSENT, MSR_VALUE, MSR_TSC, MSR_CORES };

struct msr {
	uint32_t number;
	enum msr_source source;
	uint64_t value;
};

static struct msr msrs[MSR_MAX] = {
	{0x10, MSR_TSC, 0},		  /* time stamp counter */
	{0x17, MSR_VALUE, 0},		  /* platform id */
	{0x1b, MSR_VALUE, 0xfee00900},	  /* APIC base: enabled, boot processor */
	{0x35, MSR_CORES, 0},		  /* cores and threads */
	{0x3a, MSR_VALUE, 0x1},		  /* feature control: locked, no VMX */
	{0x8b, MSR_VALUE, 0},		  /* microcode revision */
	{0xce, MSR_VALUE, 0x80000001800}, /* platform info: ratios 24 and 8 */
	{0xe2, MSR_VALUE, 0x8000},	  /* C-states: locked, none */
	{0xe7, MSR_TSC, 0},		  /* MPERF: at the nominal frequency */
	{0xe8, MSR_TSC, 0},		  /* APERF */
	{0x198, MSR_VALUE, 0x1800},	  /* performance status: ratio 24 */
	{0x199, MSR_VALUE, 0x1800},	  /* performance control */
	{0x19c, MSR_VALUE, 0x88420000},	  /* thermal status: valid, 66 below the limit */
	{0x1a0, MSR_VALUE, 0x1},	  /* miscellaneous: fast strings */
	{0x1a2, MSR_VALUE, 0x640000},	  /* thermal limit: 100 degrees */
	{0x1ad, MSR_VALUE, 0x18181818},	  /* turbo ratios: none above 24 */
	{0x1b1, MSR_VALUE, 0x88420000},	  /* thermal status of the package */
	{0x606, MSR_VALUE, 0xa0e03},	  /* units of power and energy */
	{0x611, MSR_VALUE, 0},		  /* energy of the package */
	{0x639, MSR_VALUE, 0},		  /* energy of the cores */
	{0xc0000080, MSR_VALUE, 0xd01},	  /* EFER: long mode, syscall, no-execute */
};

static struct msr *find(uint32_t number)
{
	for (unsigned i = 0; i < MSR_MAX; i++) {
		if (msrs[i].source != MSR_ABSENT && msrs[i].number == number)
			return &msrs[i];
	}
	return NULL;
}

static struct msr *find_or_add(uint32_t number)
{
	struct msr *msr = find(number);
	for (unsigned i = 0; !msr && i < MSR_MAX; i++) {
		if (msrs[i].source == MSR_ABSENT)
			msr = &msrs[i];
	}
	return msr;
}

/* NUMBER:VALUE or NUMBER:- at *text, which moves behind it; false when it is neither. */
static bool set_one(char **text)
{
	char *end;
	unsigned long number = strtoul(*text, &end, 0);
	if (end == *text || *end != ':' || number > UINT32_MAX)
		return false;
	struct msr *msr = find_or_add((uint32_t)number);
	if (!msr)
		return false;
	if (end[1] == '-') {
		msr->source = MSR_ABSENT;
		*text = end + 2;
		return true;
	}
	char *value = end + 1;
	uint64_t bits = strtoull(value, &end, 0);
	if (end == value)
		return false;
	*msr = (struct msr){(uint32_t)number, MSR_VALUE, bits};
	*text = end;
	return true;
}

void msr_startup(void)
{
	char line[1024], *text = line;
	if (!PE_parse_boot_arg_str("msr", line, sizeof(line)))
		return;
	while (set_one(&text) && *text == ',')
		text++;
	if (*text)
		kernel_log("boot argument msr: \"%s\" is not NUMBER:VALUE\n", text);
}

bool msr_read(uint32_t number, uint64_t *ret_value)
{
	const struct msr *msr = find(number);
	if (!msr)
		return false;
	*ret_value = msr->source == MSR_TSC	? __builtin_ia32_rdtsc()
		     : msr->source == MSR_CORES ? (uint64_t)real_ncpus << 16 | real_ncpus
						: msr->value;
	return true;
}
