/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Refusals: a packet turned into its own answer, a TCP reset or an ICMP port unreachable.
 */
#ifndef SP_BPF_REPLY_H
#define SP_BPF_REPLY_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "parse.h"

/* What is counted when the answer could not be made. */
static __always_inline enum sp_reason sp_unanswered(enum sp_reason reason)
{
	return reason == SP_REASON_RESET ? SP_REASON_TCP : SP_REASON_UDP;
}

/*
 * Turn the packet into the answer that refuses it; @reason is SP_REASON_RESET or
 * SP_REASON_UNREACHABLE. False if that is not possible: the packet must be dropped.
 */
static __always_inline bool sp_reply(SP_CONTEXT *context, const struct sp_view *view,
                                     enum sp_reason reason)
{
	(void)context;
	(void)view;
	(void)reason;
	return false;
}

#endif
