/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The download direction: what TC egress of a client interface and XDP of an uplink have in common.
 */
#ifndef SP_BPF_DOWNLOAD_H
#define SP_BPF_DOWNLOAD_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "client.h"

/* Charge a packet to the session that @judged found: its reason as it is, or what stops it. */
static __always_inline enum sp_reason sp_download_charge(const struct sp_view *view,
                                                         const struct sp_judged *judged)
{
	const struct sp_client_policy *policy = judged->policy;
	struct sp_usage *cell = judged->cell;

	sp_usage_enter_down(policy, cell, judged->now);
	if (policy->limits & SP_LIMIT_RATE_DOWN &&
	    !sp_within_rate(&cell->down_credit, policy->rate_down, policy->burst_down, view->bytes))
		return SP_REASON_RATE_DOWN;
	return sp_charge(policy, cell, view, judged->now, false) ? judged->reason : SP_REASON_QUOTA;
}

#endif
