/* UUIDs of images; see uuid.h. */
#include <md5.h>
#include <stdio.h>
#include "macho/uuid.h"

void macho_uuid_from_content(struct bytes bytes, uint8_t uuid[16])
{
	MD5_CTX md5;
	MD5Init(&md5);
	MD5Update(&md5, bytes.data, bytes.size);
	MD5Final(uuid, &md5);
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x30);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

void macho_uuid_text(const uint8_t uuid[16], char text[MACHO_UUID_TEXT_SIZE])
{
	char *at = text;
	for (unsigned i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		at += sprintf(at, "%02X", uuid[i]);
	}
}
