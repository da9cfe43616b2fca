/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Telling user space. Events are for people and logs, nothing depends on them: what does not fit
 * into the ring, or comes faster than SP_BUDGET_EVENT, is counted as lost and forgotten.
 */
#ifndef SP_BPF_EVENT_H
#define SP_BPF_EVENT_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "budget.h"
#include "maps.h"
#include "parse.h"

/* What an event is about. */
struct sp_news {
	struct sp_client_key client;
	enum sp_event_kind kind;
	enum sp_reason reason;
	__u32 generation;
	__u32 ifindex;
	__u64 now; /* jiffies */
};

/* A function of its own to the verifier: told from many places. Always 0. */
__noinline int sp_tell(const struct sp_news *news, const struct sp_view *view)
{
	struct sp_settings *config = sp_settings_now();
	struct sp_event *event;

	if (!news || !view || !config ||
	    !sp_total_spend(&config->total[SP_BUDGET_EVENT], SP_TOTAL_OF_EVENT(news->kind), 1,
	                    news->now))
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		sp_total_refuse(SP_TOTAL_OF_EVENT(news->kind));
		return 0;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->time = news->now;
	event->kind = news->kind;
	event->reason = news->reason;
	event->client = news->client;
	event->generation = news->generation;
	event->ifindex = news->ifindex;
	if (view->family)
		event->address = view->from;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

#endif
