/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a view to a reason for the upload direction, and what it costs: what XDP and TC ingress have
 * in common. Judging changes nothing but `origins`; charging happens once for each packet, wherever
 * it is counted.
 */
#ifndef SP_BPF_CLIENT_H
#define SP_BPF_CLIENT_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "binding.h"
#include "count.h"
#include "event.h"
#include "guest.h"
#include "limit.h"
#include "maps.h"
#include "origin.h"
#include "parse.h"
#include "verdict.h"

/* What the judgement found, so that counting need not look it up again. */
struct sp_judged {
	enum sp_reason reason;
	__u32 ifindex;                   /* where the packet is seen */
	struct sp_client_key key;        /* the client */
	struct sp_client_policy *policy; /* of a session that goes on, else NULL */
	struct sp_usage *cell;           /* its usage */
	bool ended;                      /* there is a session, and it is over */
	bool stray;                      /* the client's address is not to be remembered */
	__u64 now;                       /* jiffies */
};

/* Tell an event about the client. */
static __always_inline void sp_client_tell(const struct sp_judged *judged,
                                           const struct sp_view *view, enum sp_event_kind kind,
                                           enum sp_reason reason)
{
	struct sp_news news = {
		.client = judged->key,
		.kind = kind,
		.reason = reason,
		.generation = judged->policy ? judged->policy->generation : 0,
		.ifindex = judged->ifindex,
		.now = judged->now,
	};

	sp_tell(&news, view);
}

/* Tell of the end of a session, once. */
static __always_inline void sp_end_session(struct sp_judged *judged, const struct sp_view *view,
                                           struct sp_client_policy *policy, struct sp_usage *cell,
                                           enum sp_event_kind how)
{
	__u32 told = *(volatile __u32 *)&cell->ended;

	judged->ended = true;
	if (told == policy->generation ||
	    __sync_val_compare_and_swap(&cell->ended, told, policy->generation) != told)
		return;
	judged->policy = policy;
	sp_client_tell(judged, view, how, SP_REASON_NONE);
	judged->policy = NULL;
}

/*
 * Whether @policy, what `clients` has of judged->key, is a session. Leaves judged->policy NULL for
 * a captive client; returns SP_REASON_BLOCKED, SP_REASON_INTERNAL or SP_REASON_NONE.
 */
static __always_inline enum sp_reason sp_take_session(struct sp_judged *judged,
                                                      const struct sp_view *view,
                                                      struct sp_client_policy *policy)
{
	enum sp_event_kind ended;
	struct sp_usage *cell;

	if (!policy)
		return SP_REASON_NONE;
	if (policy->state == SP_CLIENT_BLOCKED)
		return SP_REASON_BLOCKED;
	if (policy->state != SP_CLIENT_AUTHORIZED)
		return SP_REASON_NONE;
	cell = sp_usage_of(policy);
	if (!cell)
		return SP_REASON_INTERNAL;
	ended = sp_session_ended(policy, cell, judged->now);
	if (ended) {
		sp_end_session(judged, view, policy, cell, ended);
		return SP_REASON_NONE;
	}
	judged->policy = policy;
	judged->cell = cell;
	return SP_REASON_NONE;
}

/* The same, looked up here. */
static __always_inline enum sp_reason sp_find_session(struct sp_judged *judged,
                                                      const struct sp_view *view)
{
	return sp_take_session(judged, view, bpf_map_lookup_elem(&clients, &judged->key));
}

/* An authorized client may send anything, from the address that it is bound to. */
static __always_inline enum sp_reason sp_judge_authorized(const struct sp_view *view,
                                                          const struct sp_judged *judged)
{
	if (judged->policy->limits & SP_LIMIT_BINDING &&
	    !sp_binding_holds(view, judged->policy, judged->cell))
		return SP_REASON_BINDING;
	return sp_is_to_portal(view) ? SP_REASON_PORTAL : SP_REASON_AUTHORIZED;
}

/* Tell of a packet that claims to be somebody else's. */
static __always_inline void sp_client_complain(const struct sp_judged *judged,
                                               const struct sp_view *view, enum sp_reason reason)
{
	enum sp_event_kind kind = SP_EVENT_NONE;

	if (reason == SP_REASON_CLASH)
		kind = SP_EVENT_CLASH;
	else if (reason == SP_REASON_BINDING && judged->cell &&
	         sp_binding_tells(judged->cell, judged->now))
		kind = SP_EVENT_BINDING;
	if (kind)
		sp_client_tell(judged, view, kind, reason);
}

/* What of a packet has been looked up before it is judged. */
struct sp_found {
	struct sp_client_policy *policy; /* what `clients` has of its client */
	bool looked;                     /* else that is not known yet */
};

/* Judge one packet from a client; @reason is what parsing it gave. */
static __always_inline void sp_client_judge(const struct sp_view *view, enum sp_reason reason,
                                            __u32 ifindex, const struct sp_found *found,
                                            struct sp_judged *judged)
{
	struct sp_client_policy *policy = found->policy;

	*judged = (struct sp_judged){.ifindex = ifindex, .now = bpf_jiffies64()};
	sp_client_key_up(&judged->key, view);
	if (!reason)
		reason = sp_judge_source(view->source);
	if (!reason && !found->looked)
		policy = bpf_map_lookup_elem(&clients, &judged->key);
	if (!reason)
		reason = sp_take_session(judged, view, policy);
	if (!reason)
		reason = sp_judge_guard(view);
	if (reason)
		goto out;
	if (judged->policy)
		reason = sp_judge_authorized(view, judged);
	else
		reason = (enum sp_reason)sp_judge_guest(view, ifindex, judged->now);
	if (reason == SP_REASON_PORTAL)
		reason = sp_origin_admit(view, &judged->key, ifindex, judged->now);
	sp_client_complain(judged, view, reason);
out:
	judged->reason = reason;
}

/* Charge a packet of an authorized client to its session. */
static __always_inline enum sp_reason sp_session_charge(const struct sp_view *view,
                                                        const struct sp_judged *judged)
{
	struct sp_client_policy *policy = judged->policy;
	struct sp_usage *cell = judged->cell;

	if (sp_usage_enter_up(policy, cell, judged->now))
		sp_client_tell(judged, view, SP_EVENT_SESSION, SP_REASON_NONE);
	if (policy->limits & SP_LIMIT_BINDING && !sp_binding_learn(view, policy, cell))
		return SP_REASON_BINDING;
	if (policy->limits & SP_LIMIT_RATE_UP &&
	    !sp_within_rate(&cell->up_credit, policy->rate_up, policy->burst_up, view->bytes))
		return SP_REASON_RATE_UP;
	if (!sp_charge(policy, cell, view, judged->now, true))
		return SP_REASON_QUOTA;
	if (!judged->stray)
		sp_usage_address(cell, view);
	return judged->reason;
}

/* Let the packet be paid for: by its session, or by the budgets of captive clients. A rate or
 * budget that is used up turns the verdict. */
static __always_inline void sp_client_charge(const struct sp_view *view, struct sp_judged *judged)
{
	if (judged->policy && judged->cell) {
		if (sp_passes(judged->reason))
			judged->reason = sp_session_charge(view, judged);
	} else if (sp_passes(judged->reason) || sp_is_refusal(judged->reason)) {
		struct sp_news news = {
			.client = judged->key,
			.reason = judged->reason,
			.ifindex = judged->ifindex,
			.now = judged->now,
		};

		judged->reason = (enum sp_reason)sp_guest_charge(&news, view);
	}
}

#endif
