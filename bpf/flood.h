/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The short way of what captive clients send when they flood: a plain packet (plain.h) that would
 * be refused with an answer, had its client not used up its budget of answers. guest.h does the
 * same with it, and with everything that is not as plain as that.
 */
#ifndef SP_BPF_FLOOD_H
#define SP_BPF_FLOOD_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "budget.h"
#include "guest.h"
#include "maps.h"
#include "parse.h"
#include "verdict.h"

/* Whether it takes more than the table of verdict.h to tell what a captive client may have. */
static __always_inline bool sp_is_open(const struct sp_settings *config)
{
	return config->bypass | config->garden4 | config->garden6 | config->garden_names;
}

/* Whether the packet could be something that the table lets through. */
static __always_inline bool sp_may_pass(const struct sp_view *view)
{
	__u16 from = view->source_port, to = view->destination_port;

	if (to == SP_PORT_DNS)
		return true;
	if (view->protocol == IPPROTO_UDP)
		return from == SP_DHCP_CLIENT || from == SP_DHCP6_CLIENT;
	return to == SP_PORT_HTTP || sp_is_portal_port(to);
}

/* Whether the client's budget of answers is used up, and it is not yet time to tell of that again.
 */
static __always_inline bool sp_is_flooding(const struct sp_settings *config,
                                           const struct sp_guest *guest, __u64 now)
{
	return sp_budget_is_spent(&config->client[SP_BUDGET_REFUSAL],
	                          &guest->credit[SP_BUDGET_REFUSAL], 1, now) &&
	       !sp_is_time_to_tell(guest, now);
}

/* Judge a plain packet that nothing special is about, from a client that is not in `clients`:
 * SP_REASON_NONE if that is more than can be done here, and nothing has changed then. */
static __always_inline enum sp_reason sp_flood_judge(const struct sp_settings *config,
                                                     const struct sp_view *view,
                                                     const struct sp_client_key *key, __u64 now)
{
	bool udp = view->protocol == IPPROTO_UDP;
	struct sp_guest *guest;

	if (sp_is_open(config) || sp_may_pass(view) || sp_is_own_mac(view->source) ||
	    !sp_is_refusal(sp_refuse(view, config, udp ? SP_REASON_UDP : SP_REASON_TCP)))
		return SP_REASON_NONE;
	guest = bpf_map_lookup_elem(&guests, key);
	if (!guest)
		return sp_total_refuses(&config->total[SP_BUDGET_GUEST], SP_BUDGET_GUEST, now)
		               ? SP_REASON_TOTAL_GUEST
		               : SP_REASON_NONE;
	if (!sp_is_flooding(config, guest, now))
		return SP_REASON_NONE;
	sp_guest_refuse(guest, now);
	return SP_REASON_BUDGET_REFUSAL;
}

#endif
