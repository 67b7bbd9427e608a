/*
 * What user and group ids are called elsewhere: as GUIDs, in the form that macOS gives
 * local accounts, and as Windows' security identifiers. Both are computed from the id, so
 * that every id has a name and every name of ours has its id; no other name is known.
 */
#include <string.h>
#include "kernel/bsd/bsd.h"

struct guid {
	uint8_t bytes[16];
};

enum { AUTHORITIES = 16 };

struct ntsid {
	uint8_t kind, count, authority[6];
	uint32_t authorities[AUTHORITIES];
};

int kauth_cred_uid2guid(uint32_t uid, struct guid *ret_guid);
int kauth_cred_gid2guid(uint32_t gid, struct guid *ret_guid);
int kauth_cred_guid2uid(const struct guid *guid, uint32_t *ret_uid);
int kauth_cred_guid2gid(const struct guid *guid, uint32_t *ret_gid);
int kauth_cred_uid2ntsid(uint32_t uid, struct ntsid *ret_sid);
int kauth_cred_gid2ntsid(uint32_t gid, struct ntsid *ret_sid);
int kauth_cred_guid2ntsid(const struct guid *guid, struct ntsid *ret_sid);
int kauth_cred_ntsid2uid(const struct ntsid *sid, uint32_t *ret_uid);
int kauth_cred_ntsid2gid(const struct ntsid *sid, uint32_t *ret_gid);
int kauth_cred_ntsid2guid(const struct ntsid *sid, struct guid *ret_guid);
int kauth_cred_getguid(struct credential *credential, struct guid *ret_guid);
int kauth_cred_getntsid(struct credential *credential, struct ntsid *ret_sid);
int kauth_cred_ismember_gid(struct credential *credential, uint32_t gid, int *ret_result);
int kauth_cred_ismember_guid(struct credential *credential, const struct guid *guid,
			     int *ret_result);
int kauth_guid_equal(const struct guid *a, const struct guid *b);

const struct guid kauth_null_guid;
KPI(kauth_null_guid);

/* The first 12 bytes of a local account's GUID; the id follows, high byte first. */
enum { PREFIX = 12 };
static const uint8_t user_prefix[PREFIX] = {0xff, 0xff, 0xee, 0xee, 0xdd, 0xdd,
					    0xcc, 0xcc, 0xbb, 0xbb, 0xaa, 0xaa};
static const uint8_t group_prefix[PREFIX] = {0xab, 0xcd, 0xef, 0xab, 0xcd, 0xef,
					     0xab, 0xcd, 0xef, 0xab, 0xcd, 0xef};

/* S-1-5-21-…, whose last number is twice the id and these; the domain is made up. */
enum { USER_RID = 1000, GROUP_RID = 1001, PARTS = 5 };
static const struct ntsid domain = {.kind = 1,
				    .count = PARTS,
				    .authority = {0, 0, 0, 0, 0, 5},
				    .authorities = {21, 1, 2, 3}};

static int to_guid(const uint8_t prefix[PREFIX], uint32_t id, struct guid *ret_guid)
{
	memcpy(ret_guid->bytes, prefix, PREFIX);
	for (int i = 0; i < 4; i++)
		ret_guid->bytes[PREFIX + i] = (uint8_t)(id >> (24 - 8 * i));
	return 0;
}

static int from_guid(const uint8_t prefix[PREFIX], const struct guid *guid,
		     uint32_t *ret_id)
{
	uint32_t id = 0;

	if (memcmp(guid->bytes, prefix, PREFIX) != 0)
		return XNU_ENOENT;
	for (int i = 0; i < 4; i++)
		id = id << 8 | guid->bytes[PREFIX + i];
	*ret_id = id;
	return 0;
}

static int to_sid(uint32_t base, uint32_t id, struct ntsid *ret_sid)
{
	if (id > (UINT32_MAX - base) / 2)
		return XNU_ENOENT;
	*ret_sid = domain;
	ret_sid->authorities[PARTS - 1] = base + 2 * id;
	return 0;
}

static int from_sid(uint32_t base, const struct ntsid *sid, uint32_t *ret_id)
{
	uint32_t number = sid->authorities[PARTS - 1];
	struct ntsid wanted = domain;

	wanted.authorities[PARTS - 1] = number;
	if (sid->count != PARTS ||
	    memcmp(sid, &wanted, offsetof(struct ntsid, authorities[PARTS])) != 0 ||
	    number < base || (number - base) % 2)
		return XNU_ENOENT;
	*ret_id = (number - base) / 2;
	return 0;
}

int kauth_cred_uid2guid(uint32_t uid, struct guid *ret_guid)
{
	return to_guid(user_prefix, uid, ret_guid);
}
KPI(kauth_cred_uid2guid);

int kauth_cred_gid2guid(uint32_t gid, struct guid *ret_guid)
{
	return to_guid(group_prefix, gid, ret_guid);
}
KPI(kauth_cred_gid2guid);

int kauth_cred_guid2uid(const struct guid *guid, uint32_t *ret_uid)
{
	return from_guid(user_prefix, guid, ret_uid);
}
KPI(kauth_cred_guid2uid);

int kauth_cred_guid2gid(const struct guid *guid, uint32_t *ret_gid)
{
	return from_guid(group_prefix, guid, ret_gid);
}
KPI(kauth_cred_guid2gid);

int kauth_cred_uid2ntsid(uint32_t uid, struct ntsid *ret_sid)
{
	return to_sid(USER_RID, uid, ret_sid);
}
KPI(kauth_cred_uid2ntsid);

int kauth_cred_gid2ntsid(uint32_t gid, struct ntsid *ret_sid)
{
	return to_sid(GROUP_RID, gid, ret_sid);
}
KPI(kauth_cred_gid2ntsid);

int kauth_cred_ntsid2uid(const struct ntsid *sid, uint32_t *ret_uid)
{
	return from_sid(USER_RID, sid, ret_uid);
}
KPI(kauth_cred_ntsid2uid);

int kauth_cred_ntsid2gid(const struct ntsid *sid, uint32_t *ret_gid)
{
	return from_sid(GROUP_RID, sid, ret_gid);
}
KPI(kauth_cred_ntsid2gid);

int kauth_cred_guid2ntsid(const struct guid *guid, struct ntsid *ret_sid)
{
	uint32_t id;

	if (from_guid(user_prefix, guid, &id) == 0)
		return to_sid(USER_RID, id, ret_sid);
	if (from_guid(group_prefix, guid, &id) == 0)
		return to_sid(GROUP_RID, id, ret_sid);
	return XNU_ENOENT;
}
KPI(kauth_cred_guid2ntsid);

int kauth_cred_ntsid2guid(const struct ntsid *sid, struct guid *ret_guid)
{
	uint32_t id;

	if (from_sid(USER_RID, sid, &id) == 0)
		return to_guid(user_prefix, id, ret_guid);
	if (from_sid(GROUP_RID, sid, &id) == 0)
		return to_guid(group_prefix, id, ret_guid);
	return XNU_ENOENT;
}
KPI(kauth_cred_ntsid2guid);

int kauth_cred_getguid(struct credential *credential, struct guid *ret_guid)
{
	return kauth_cred_uid2guid(credential->uid, ret_guid);
}
KPI(kauth_cred_getguid);

int kauth_cred_getntsid(struct credential *credential, struct ntsid *ret_sid)
{
	return kauth_cred_uid2ntsid(credential->uid, ret_sid);
}
KPI(kauth_cred_getntsid);

/* A credential here has one group. */
int kauth_cred_ismember_gid(struct credential *credential, uint32_t gid, int *ret_result)
{
	*ret_result = credential->gid == gid;
	return 0;
}
KPI(kauth_cred_ismember_gid);

int kauth_cred_ismember_guid(struct credential *credential, const struct guid *guid,
			     int *ret_result)
{
	uint32_t gid;
	int error = kauth_cred_guid2gid(guid, &gid);

	return error ? error : kauth_cred_ismember_gid(credential, gid, ret_result);
}
KPI(kauth_cred_ismember_guid);

int kauth_guid_equal(const struct guid *a, const struct guid *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}
KPI(kauth_guid_equal);
