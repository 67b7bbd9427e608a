/*
 * Takes any bytes as a version, by each grammar: what is accepted has a canonical text
 * that means the same number, and what the older grammar accepts means no other number in
 * the newer one.
 */
#include <stdlib.h>
#include <string.h>
#include <kext/version.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_canonical(enum kext_era era, int64_t version)
{
	char text[KEXT_VERSION_TEXT_MAX], again[KEXT_VERSION_TEXT_MAX];
	int64_t same;
	kext_version_format(version, text);
	if (kext_version_parse_as(era, text, &same) < 0 || same != version)
		abort();
	if (strcmp(kext_version_format(same, again), text) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t version, before;
	char *text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	bool is_new = kext_version_parse_as(KEXT_ERA_MODERN, text, &version) == 0;
	bool is_old = kext_version_parse_as(KEXT_ERA_SNOWLEOPARD, text, &before) == 0;
	if (is_new)
		check_canonical(KEXT_ERA_MODERN, version);
	if (is_old)
		check_canonical(KEXT_ERA_SNOWLEOPARD, before);
	if (is_new && is_old && version != before)
		abort();
	/* Any number can be formatted. */
	if (size >= sizeof(version)) {
		char any[KEXT_VERSION_TEXT_MAX];
		memcpy(&version, data, sizeof(version));
		kext_version_format(version, any);
		kext_version_number(KEXT_ERA_TIGER, version);
	}
	free(text);
	return 0;
}
