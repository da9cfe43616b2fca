/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/verify_policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "lib/session_policy.h"

#define ALL_LIMITS                                                               \
	(SP_LIMIT_EXPIRES | SP_LIMIT_IDLE | SP_LIMIT_QUOTAS | SP_LIMIT_RATE_UP | \
	 SP_LIMIT_RATE_DOWN | SP_LIMIT_BINDING)

/* The limits, each a number; which of them is in force is `limits`. */
static const struct limit {
	const char *name;
	size_t offset, size;
} kinds[] = {
	{"which limits there are", offsetof(struct sp_client_policy, limits), sizeof(uint16_t)},
	{"idle time", offsetof(struct sp_client_policy, idle), sizeof(uint64_t)},
	{"quota", offsetof(struct sp_client_policy, quota), sizeof(uint64_t)},
	{"upload quota", offsetof(struct sp_client_policy, quota_up), sizeof(uint64_t)},
	{"download quota", offsetof(struct sp_client_policy, quota_down), sizeof(uint64_t)},
	{"upload rate", offsetof(struct sp_client_policy, rate_up), sizeof(uint64_t)},
	{"download rate", offsetof(struct sp_client_policy, rate_down), sizeof(uint64_t)},
	{"upload burst", offsetof(struct sp_client_policy, burst_up), sizeof(uint64_t)},
	{"download burst", offsetof(struct sp_client_policy, burst_down), sizeof(uint64_t)},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *sp_verify_entry(const struct sp_client_key *key, const struct sp_client_policy *policy)
{
	if (sp_policy_check_key(key, NULL))
		return "of an address that no client has";
	if (policy->state != SP_CLIENT_AUTHORIZED && policy->state != SP_CLIENT_BLOCKED)
		return "of a state that there is not";
	if (!policy->generation)
		return "of no session (generation 0)";
	if (policy->limits & ~ALL_LIMITS)
		return "limited in ways that there are not";
	return NULL;
}

struct sp_client_policy sp_verify_granted(const struct sp_record *record,
                                          const struct sp_clock *clock)
{
	struct sp_client_policy granted = {.state = SP_CLIENT_AUTHORIZED};
	struct sp_limits limits = record->limits;

	(void)sp_limits_take_off(&limits, record->base.up_bytes, record->base.down_bytes);
	sp_policy_limit(&granted, &limits, clock);
	return granted;
}

const char *sp_verify_limit(const struct sp_client_policy *policy,
                            const struct sp_client_policy *granted)
{
	for (size_t i = 0; i < KINDS; i++)
		if (memcmp((const char *)policy + kinds[i].offset,
		           (const char *)granted + kinds[i].offset, kinds[i].size) != 0)
			return kinds[i].name;
	/* One that was found out may have come back with the session. */
	if (granted->ipv4 && policy->ipv4 != granted->ipv4)
		return "bound address";
	return NULL;
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static uint64_t add_bytes(uint64_t digest, const void *bytes, size_t size)
{
	const uint8_t *byte = bytes;

	for (size_t i = 0; i < size; i++)
		digest = (digest ^ byte[i]) * 0x100000001b3u;
	return digest;
}

uint64_t sp_verify_digest(const struct sp_client_policy *policy)
{
	uint64_t digest = 0xcbf29ce484222325u;

	for (size_t i = 0; i < KINDS; i++)
		digest = add_bytes(digest, (const char *)policy + kinds[i].offset, kinds[i].size);
	return digest;
}

void sp_verify_restrict(struct sp_client_policy *policy, const struct sp_client_policy *granted,
                        const struct sp_record *record, const struct sp_clock *clock)
{
	bool timed = policy->limits & SP_LIMIT_EXPIRES;

	for (size_t i = 0; i < KINDS; i++)
		memcpy((char *)policy + kinds[i].offset, (const char *)granted + kinds[i].offset,
		       kinds[i].size);
	if (granted->ipv4)
		policy->ipv4 = granted->ipv4;
	if (timed || !(policy->limits & SP_LIMIT_EXPIRES))
		return;
	policy->expires_unix = record->until;
	policy->expires = sp_clock_after(
		clock, record->until > clock->unix_time ? record->until - clock->unix_time : 0);
}
