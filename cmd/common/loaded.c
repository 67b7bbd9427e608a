/* Loaded kexts as text; see loaded.h. */
#include <stdio.h>
#include <kext/arch.h>
#include "common/loaded.h"

uint64_t loaded_number(const struct kext_value *kext, const char *key)
{
	return kext_value_integer(kext_value_get(kext, key));
}

const char *loaded_string(const struct kext_value *kext, const char *key)
{
	return kext_value_string(kext_value_get(kext, key));
}

void loaded_count_text(const struct kext_value *kext, const char *key,
		       char text[LOADED_TEXT_SIZE])
{
	const struct kext_value *value = kext_value_get(kext, key);
	if (value)
		snprintf(text, LOADED_TEXT_SIZE, "%llu",
			 (unsigned long long)kext_value_integer(value));
	else
		snprintf(text, LOADED_TEXT_SIZE, "??");
}

void loaded_hex_text(const struct kext_value *kext, const char *key, bool with_zero_x,
		     char text[LOADED_TEXT_SIZE])
{
	const struct kext_value *value = kext_value_get(kext, key);
	const char *format = with_zero_x ? "0x%llx" : "%#llx";
	if (value)
		snprintf(text, LOADED_TEXT_SIZE, format,
			 (unsigned long long)kext_value_integer(value));
	else
		snprintf(text, LOADED_TEXT_SIZE, "????");
}

void loaded_arch_text(const struct kext_value *kext, char text[LOADED_TEXT_SIZE])
{
	uint32_t type = (uint32_t)loaded_number(kext, "OSBundleCPUType");
	uint32_t subtype = (uint32_t)loaded_number(kext, "OSBundleCPUSubtype");
	const struct kext_arch *arch = type ? kext_arch_numbered(type, subtype) : NULL;
	if (arch)
		snprintf(text, LOADED_TEXT_SIZE, "%-18s", arch->name);
	else if (type)
		snprintf(text, LOADED_TEXT_SIZE, "%#010x/%#-7x", type, subtype);
	else
		snprintf(text, LOADED_TEXT_SIZE, "%10s/%-7s", "????", "????");
}

bool loaded_uuid_text(const struct kext_value *kext, char text[LOADED_TEXT_SIZE])
{
	size_t size = 0;
	const uint8_t *u = kext_value_data(kext_value_get(kext, "OSBundleUUID"), &size);
	if (size != 16)
		return false;
	snprintf(text, LOADED_TEXT_SIZE,
		 "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11],
		 u[12], u[13], u[14], u[15]);
	return true;
}
