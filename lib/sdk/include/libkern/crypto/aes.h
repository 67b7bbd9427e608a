/* AES with cipher block chaining. */
#ifndef _SDK_LIBKERN_CRYPTO_AES_H_
#define _SDK_LIBKERN_CRYPTO_AES_H_

#include <stdint.h>
#include <sys/cdefs.h>

#define AES_BLOCK_SIZE 16

/* Opaque; the sizes are part of the interface. */
typedef struct {
	uint32_t words[72];
} aes_encrypt_ctx;
typedef struct {
	uint32_t words[72];
} aes_decrypt_ctx;
typedef struct {
	aes_decrypt_ctx decrypt;
	aes_encrypt_ctx encrypt;
} aes_ctx;

__BEGIN_DECLS
int aes_encrypt_key(const unsigned char *key, int size, aes_encrypt_ctx *context);
int aes_encrypt_key128(const unsigned char *key, aes_encrypt_ctx *context);
int aes_encrypt_key256(const unsigned char *key, aes_encrypt_ctx *context);
int aes_encrypt_cbc(const unsigned char *in, const unsigned char *vector, unsigned int blocks,
		    unsigned char *out, aes_encrypt_ctx *context);
int aes_decrypt_key(const unsigned char *key, int size, aes_decrypt_ctx *context);
int aes_decrypt_key128(const unsigned char *key, aes_decrypt_ctx *context);
int aes_decrypt_key256(const unsigned char *key, aes_decrypt_ctx *context);
int aes_decrypt_cbc(const unsigned char *in, const unsigned char *vector, unsigned int blocks,
		    unsigned char *out, aes_decrypt_ctx *context);
int aes_decrypt(const unsigned char *in, unsigned char *out, aes_decrypt_ctx *context);
__END_DECLS

#endif
