/*
 * Digests, computed by libmd. Kexts bring the contexts: 88 bytes for MD5, 104 for SHA-1,
 * 112 for SHA-256, 208 for the others, aligned to 4. They are copied into libmd's own
 * record and back, because that one wants 8 and is larger for SHA-256.
 */
#include <md5.h>
#include <sha.h>
#include <sha2.h>
#include <string.h>
#include "kernel/libkern/libkern.h"

_Static_assert(sizeof(MD5_CTX) <= 88 && sizeof(SHA1_CTX) <= 104, "contexts fit");
_Static_assert(sizeof(SHA2_CTX) <= 208, "SHA-512 contexts fit");

#define DEFINE_DIGEST(prefix, context_type, host, size_type)                             \
	void xnu_##prefix##Init(void *context)                                           \
	{                                                                                \
		context_type host_context;                                               \
		memset(&host_context, 0, sizeof(host_context));                          \
		host##Init(&host_context);                                               \
		memcpy(context, &host_context, sizeof(host_context));                    \
	}                                                                                \
	KPI_XNU(prefix##Init);                                                           \
	void xnu_##prefix##Update(void *context, const void *data, size_type size)       \
	{                                                                                \
		context_type host_context;                                               \
		memcpy(&host_context, context, sizeof(host_context));                    \
		host##Update(&host_context, data, size);                                 \
		memcpy(context, &host_context, sizeof(host_context));                    \
	}                                                                                \
	KPI_XNU(prefix##Update)

/* Final's first parameter differs in type only. */
#define DEFINE_FINAL(prefix, context_type, host, digest_type)                            \
	void xnu_##prefix##Final(digest_type *digest, void *context)                     \
	{                                                                                \
		context_type host_context;                                               \
		memcpy(&host_context, context, sizeof(host_context));                    \
		host##Final(digest, &host_context);                                      \
		memset(context, 0, sizeof(host_context));                                \
	}                                                                                \
	KPI_XNU(prefix##Final)

DEFINE_DIGEST(MD5, MD5_CTX, MD5, unsigned);
DEFINE_FINAL(MD5, MD5_CTX, MD5, uint8_t);
DEFINE_DIGEST(SHA1, SHA1_CTX, SHA1, size_t);
DEFINE_FINAL(SHA1, SHA1_CTX, SHA1, void);
DEFINE_DIGEST(SHA384_, SHA2_CTX, SHA384, size_t);
DEFINE_FINAL(SHA384_, SHA2_CTX, SHA384, void);
DEFINE_DIGEST(SHA512_, SHA2_CTX, SHA512, size_t);
DEFINE_FINAL(SHA512_, SHA2_CTX, SHA512, void);

/* sha1_result's arguments are the other way round. */
void xnu_SHA1Final_r(void *context, void *digest)
{
	xnu_SHA1Final(digest, context);
}
KPI_XNU(SHA1Final_r);

/* What of a SHA2_CTX matters to SHA-256, in 104 bytes. */
struct sha256 {
	uint32_t state[8];
	uint32_t bits[2];
	uint8_t block[64];
};

static void sha256_store(void *context, const SHA2_CTX *host)
{
	struct sha256 packed;

	memcpy(packed.state, host->state.st32, sizeof(packed.state));
	memcpy(packed.bits, &host->bitcount[0], sizeof(packed.bits));
	memcpy(packed.block, host->buffer, sizeof(packed.block));
	memcpy(context, &packed, sizeof(packed));
}

static void sha256_load(SHA2_CTX *host, const void *context)
{
	struct sha256 packed;

	memcpy(&packed, context, sizeof(packed));
	memset(host, 0, sizeof(*host));
	memcpy(host->state.st32, packed.state, sizeof(packed.state));
	memcpy(&host->bitcount[0], packed.bits, sizeof(packed.bits));
	memcpy(host->buffer, packed.block, sizeof(packed.block));
}

void xnu_SHA256_Init(void *context)
{
	SHA2_CTX host;

	memset(&host, 0, sizeof(host));
	SHA256Init(&host);
	sha256_store(context, &host);
}
KPI_XNU(SHA256_Init);

void xnu_SHA256_Update(void *context, const void *data, size_t size)
{
	SHA2_CTX host;

	sha256_load(&host, context);
	SHA256Update(&host, data, size);
	sha256_store(context, &host);
}
KPI_XNU(SHA256_Update);

void xnu_SHA256_Final(void *digest, void *context)
{
	SHA2_CTX host;

	sha256_load(&host, context);
	SHA256Final(digest, &host);
	memset(context, 0, sizeof(struct sha256));
}
KPI_XNU(SHA256_Final);
