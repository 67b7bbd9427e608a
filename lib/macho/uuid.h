/*
 * UUIDs of images: made from content, so that equal bytes have equal UUIDs, and as text.
 */
#ifndef MACHO_UUID_H
#define MACHO_UUID_H

#include <stdint.h>
#include "base/bytes.h"

#define MACHO_UUID_TEXT_SIZE 37

/* MD5 of the bytes with version 3 and the RFC 4122 variant set. */
void macho_uuid_from_content(struct bytes bytes, uint8_t uuid[16]);
/* "12345678-9ABC-…", upper case, with the NUL. */
void macho_uuid_text(const uint8_t uuid[16], char text[MACHO_UUID_TEXT_SIZE]);

#endif
