/* SHA-256, SHA-384 and SHA-512. */
#ifndef _SDK_LIBKERN_CRYPTO_SHA2_H_
#define _SDK_LIBKERN_CRYPTO_SHA2_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/cdefs.h>

#define SHA256_DIGEST_LENGTH 32
#define SHA384_DIGEST_LENGTH 48
#define SHA512_DIGEST_LENGTH 64

typedef struct {
	uint32_t words[28];
} SHA256_CTX;
typedef struct {
	uint32_t words[52];
} SHA512_CTX;
typedef SHA512_CTX SHA384_CTX;

__BEGIN_DECLS
void SHA256_Init(SHA256_CTX *context);
void SHA256_Update(SHA256_CTX *context, const void *data, size_t size);
void SHA256_Final(void *digest, SHA256_CTX *context);
void SHA384_Init(SHA384_CTX *context);
void SHA384_Update(SHA384_CTX *context, const void *data, size_t size);
void SHA384_Final(void *digest, SHA384_CTX *context);
void SHA512_Init(SHA512_CTX *context);
void SHA512_Update(SHA512_CTX *context, const void *data, size_t size);
void SHA512_Final(void *digest, SHA512_CTX *context);
__END_DECLS

#endif
