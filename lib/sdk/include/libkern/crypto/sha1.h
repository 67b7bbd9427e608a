/* SHA-1. */
#ifndef _SDK_LIBKERN_CRYPTO_SHA1_H_
#define _SDK_LIBKERN_CRYPTO_SHA1_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/cdefs.h>

#define SHA_DIGEST_LENGTH  20
#define SHA1_RESULTLEN	   20

typedef struct sha1_ctxt {
	uint32_t words[26];
} SHA1_CTX;

__BEGIN_DECLS
void SHA1Init(SHA1_CTX *context);
void SHA1Update(SHA1_CTX *context, const void *data, size_t size);
void SHA1Final(void *digest, SHA1_CTX *context);
__END_DECLS

#endif
