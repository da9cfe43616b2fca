/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/session_policy.h"

#include <errno.h>
#include <string.h>

#include "lib/session.h"
#include "lib/text.h"

/*
 * What may come at once: 400 ms of the rate. A TCP sender that ran into the limit is silent for its
 * retransmission timeout, at least 200 ms on Linux (net/ipv4/tcp.c, TCP_RTO_MIN). Of a bucket that
 * fills up meanwhile the rest is lost, and the flow never gets its rate; and the upper half of the
 * bucket drops at random already (bpf/limit.h). Over a path of 0.1 ms one flow that was given
 * 20 Mbit/s got 10 with 100 ms and 20 with 400; one of 1 Gbit/s, 0.5, and 1.0.
 */
#define BURST_MS    400
#define LEAST_BURST 24000 /* bytes: what a flow of a few hundred kbit/s needs for the same */

static uint64_t burst(uint64_t rate)
{
	uint64_t bytes = rate / 8 * BURST_MS / 1000;

	return bytes > LEAST_BURST ? bytes : LEAST_BURST;
}

static void set_quotas(struct sp_client_policy *policy, const struct sp_limits *limits)
{
	if (limits->quota) {
		policy->limits |= SP_LIMIT_QUOTA;
		policy->quota = limits->quota;
	}
	if (limits->quota_up) {
		policy->limits |= SP_LIMIT_QUOTA_UP;
		policy->quota_up = limits->quota_up;
	}
	if (limits->quota_down) {
		policy->limits |= SP_LIMIT_QUOTA_DOWN;
		policy->quota_down = limits->quota_down;
	}
}

void sp_policy_limit(struct sp_client_policy *policy, const struct sp_limits *limits,
                     const struct sp_clock *clock)
{
	if (limits->seconds) {
		policy->limits |= SP_LIMIT_EXPIRES;
		policy->expires = sp_clock_after(clock, limits->seconds);
		if (__builtin_add_overflow(clock->unix_time, limits->seconds,
		                           &policy->expires_unix))
			policy->expires_unix = UINT64_MAX;
	}
	if (limits->idle) {
		policy->limits |= SP_LIMIT_IDLE;
		policy->idle = sp_clock_jiffies(clock, limits->idle);
	}
	set_quotas(policy, limits);
	if (limits->rate_up) {
		policy->limits |= SP_LIMIT_RATE_UP;
		policy->rate_up = limits->rate_up;
		policy->burst_up = limits->burst_up ?: burst(limits->rate_up);
	}
	if (limits->rate_down) {
		policy->limits |= SP_LIMIT_RATE_DOWN;
		policy->rate_down = limits->rate_down;
		policy->burst_down = limits->burst_down ?: burst(limits->rate_down);
	}
	if (limits->bind) {
		policy->limits |= SP_LIMIT_BINDING;
		policy->ipv4 = limits->ipv4;
	}
}

int sp_policy_check_key(const struct sp_client_key *key, struct sp_error *err)
{
	static const uint8_t zero[6];
	char name[SP_SESSION_NAME];

	if (!memcmp(key->mac, zero, sizeof(zero)))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "MAC %s: expected the address of a client, not all zeros",
		               sp_session_name(name, key));
	if (key->mac[0] & 1)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "MAC %s: expected the address of one client, this is a group "
		               "address (multicast or broadcast)",
		               sp_session_name(name, key));
	if (key->vlan > SP_VLAN_MAX)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "VLAN %u: expected a number from 0 (untagged) to %u", key->vlan,
		               SP_VLAN_MAX);
	return 0;
}

int sp_policy_check_note(const char *note, struct sp_error *err)
{
	size_t length = note ? strnlen(note, SP_NOTE_SIZE) : 0;

	if (length == SP_NOTE_SIZE)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "note '%.40s...' is %zu bytes long: expected at most %u", note,
		               strlen(note), SP_NOTE_SIZE - 1);
	if (note && !sp_text_printable(note, length))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "note: expected UTF-8 text without control characters");
	return 0;
}
