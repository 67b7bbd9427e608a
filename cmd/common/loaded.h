/*
 * A loaded kext as the kernel's list describes it (kext_client_list), its values as text:
 * those of kextstat's columns.
 */
#ifndef COMMON_LOADED_H
#define COMMON_LOADED_H

#include <stdbool.h>
#include <kext/value.h>

#define LOADED_TEXT_SIZE 40

/* 0 and NULL for what the kernel did not tell. */
uint64_t loaded_number(const struct kext_value *kext, const char *key);
const char *loaded_string(const struct kext_value *kext, const char *key);

/* Decimal; "??" for what the kernel did not tell. */
void loaded_count_text(const struct kext_value *kext, const char *key,
		       char text[LOADED_TEXT_SIZE]);
/* "0x1f"; 0 is "0x0" or "0"; "????" for what the kernel did not tell. */
void loaded_hex_text(const struct kext_value *kext, const char *key, bool with_zero_x,
		     char text[LOADED_TEXT_SIZE]);
/* 18 characters or more: a name, numbers when it has none, marks when there are none. */
void loaded_arch_text(const struct kext_value *kext, char text[LOADED_TEXT_SIZE]);
/* False, and nothing written, when it has none. */
bool loaded_uuid_text(const struct kext_value *kext, char text[LOADED_TEXT_SIZE]);

#endif
