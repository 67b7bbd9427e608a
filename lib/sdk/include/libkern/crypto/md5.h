/* MD5. */
#ifndef _SDK_LIBKERN_CRYPTO_MD5_H_
#define _SDK_LIBKERN_CRYPTO_MD5_H_

#include <stdint.h>
#include <sys/cdefs.h>

#define MD5_DIGEST_LENGTH 16

typedef struct {
	uint32_t words[22];
} MD5_CTX;

__BEGIN_DECLS
void MD5Init(MD5_CTX *context);
void MD5Update(MD5_CTX *context, const void *data, unsigned int size);
void MD5Final(unsigned char digest[MD5_DIGEST_LENGTH], MD5_CTX *context);
__END_DECLS

#endif
