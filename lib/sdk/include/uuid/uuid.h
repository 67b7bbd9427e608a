/* UUIDs. */
#ifndef _SDK_UUID_UUID_H_
#define _SDK_UUID_UUID_H_

#include <sys/types.h>

typedef char uuid_string_t[37];

__BEGIN_DECLS
void uuid_clear(uuid_t uuid);
int uuid_compare(const uuid_t a, const uuid_t b);
void uuid_copy(uuid_t to, const uuid_t from);
void uuid_generate(uuid_t uuid);
void uuid_generate_random(uuid_t uuid);
void uuid_generate_time(uuid_t uuid);
int uuid_is_null(const uuid_t uuid);
int uuid_parse(const uuid_string_t text, uuid_t uuid);
void uuid_unparse(const uuid_t uuid, uuid_string_t text);
void uuid_unparse_lower(const uuid_t uuid, uuid_string_t text);
void uuid_unparse_upper(const uuid_t uuid, uuid_string_t text);
__END_DECLS

#endif
