/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a frame to a reason for the upload direction: what XDP and TC ingress have in common.
 */
#ifndef SP_BPF_CLIENT_H
#define SP_BPF_CLIENT_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "count.h"
#include "limit.h"
#include "maps.h"
#include "origin.h"
#include "parse.h"
#include "verdict.h"

/* What the judgement found, so that counting need not look it up again. */
struct sp_judged {
	enum sp_reason reason;
	struct sp_client_policy *policy; /* of an authorized client, else NULL */
	struct sp_usage *cell;           /* its usage */
	__u64 now;                       /* jiffies */
};

/* Layer 2 first: even a packet that is dropped for its inside is counted with its size. */
static __always_inline enum sp_reason sp_view_parse(const struct sp_frame *frame,
                                                    struct sp_view *view)
{
	enum sp_reason reason = SP_REASON_NONE;
	__u32 offset;

	view->family = 0; /* a frame may be parsed twice */
	view->fragment = SP_WHOLE;
	view->packets = frame->segments ? frame->segments : 1;
	view->bytes = frame->length - ETH_HLEN;
	offset = sp_parse_ethernet(frame, view, &reason);
	if (!offset)
		return reason;
	return sp_parse_network(frame, offset, view);
}

/*
 * Find the session. Leaves judged->policy NULL for a captive client; returns SP_REASON_BLOCKED,
 * SP_REASON_INTERNAL or SP_REASON_NONE.
 */
static __always_inline enum sp_reason sp_find_session(struct sp_judged *judged,
                                                      const struct sp_client_key *key)
{
	struct sp_client_policy *policy = bpf_map_lookup_elem(&clients, key);

	if (!policy)
		return SP_REASON_NONE;
	if (policy->state == SP_CLIENT_BLOCKED)
		return SP_REASON_BLOCKED;
	if (policy->state != SP_CLIENT_AUTHORIZED)
		return SP_REASON_NONE;
	judged->cell = sp_usage_of(policy);
	if (!judged->cell)
		return SP_REASON_INTERNAL;
	if (sp_is_alive(policy, judged->cell, judged->now))
		judged->policy = policy;
	return SP_REASON_NONE;
}

/* Judge one packet from a client; @reason is what parsing it gave. Changes nothing but `origins`.
 */
static __always_inline void sp_client_judge(const struct sp_view *view, enum sp_reason reason,
                                            __u32 ifindex, struct sp_judged *judged)
{
	struct sp_client_key key;

	judged->policy = NULL;
	judged->cell = NULL;
	judged->now = bpf_jiffies64();
	if (!reason)
		reason = sp_judge_source(view);
	if (reason)
		goto out;
	sp_client_key_up(&key, view);
	reason = sp_find_session(judged, &key);
	if (!reason)
		reason = sp_judge_guard(view);
	if (reason)
		goto out;
	if (!judged->policy)
		reason = sp_judge_captive(view);
	else
		reason = sp_is_to_portal(view) ? SP_REASON_PORTAL : SP_REASON_AUTHORIZED;
	if (reason == SP_REASON_PORTAL)
		reason = sp_origin_admit(view, &key, ifindex, judged->now);
out:
	judged->reason = reason;
}

/* Count the packet, to its client if it has a session. A rate that is used up turns the verdict. */
static __always_inline enum sp_reason sp_client_count(const struct sp_view *view,
                                                      const struct sp_judged *judged)
{
	struct sp_client_policy *policy = judged->policy;
	enum sp_reason reason = judged->reason;
	struct sp_usage *cell = judged->cell;

	if (policy && cell && sp_passes(reason)) {
		sp_usage_enter_up(cell, policy->generation, judged->now);
		if (policy->limits & SP_LIMIT_RATE_UP &&
		    !sp_within_rate(&cell->up_credit, policy->rate_up, policy->burst_up,
		                    view->bytes))
			reason = SP_REASON_RATE_UP;
		else
			sp_usage_up(cell, view, judged->now);
	}
	sp_count_reason(reason, view);
	return reason;
}

#endif
