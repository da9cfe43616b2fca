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
#include "flooder.h"
#include "guest.h"
#include "maps.h"
#include "parse.h"
#include "verdict.h"

/* Whether it takes more than the table of verdict.h to tell what a captive client may have. */
static __always_inline bool sp_is_open(const struct sp_settings *config)
{
	return config->bypass | config->garden4 | config->garden6 | config->garden_names;
}

/* What a flood is paid by. A SYN costs more than another segment, so they are apart. */
enum sp_flood {
	SP_FLOOD_REFUSAL,
	SP_FLOOD_DNS,
	SP_FLOOD_SYN,
	SP_FLOOD_HTTP,
	SP_FLOOD_OTHER, /* none of them: it has to go the long way */
};

/* By that: the budget, its units for a packet, and the reason when it is used up. */
struct sp_flood_price {
	__u8 kind, units, reason;
};

static __always_inline struct sp_flood_price sp_flood_price(enum sp_flood what)
{
	switch (what) {
	case SP_FLOOD_DNS:
		return (struct sp_flood_price){SP_BUDGET_DNS, 1, SP_REASON_BUDGET_DNS};
	case SP_FLOOD_SYN:
		return (struct sp_flood_price){SP_BUDGET_HTTP, SP_BUDGET_SEGMENT,
		                               SP_REASON_BUDGET_HTTP};
	case SP_FLOOD_HTTP:
		return (struct sp_flood_price){SP_BUDGET_HTTP, 1, SP_REASON_BUDGET_HTTP};
	default:
		return (struct sp_flood_price){SP_BUDGET_REFUSAL, 1, SP_REASON_BUDGET_REFUSAL};
	}
}

/* @resolver: one of the listed ones, if one is known. */
static __always_inline enum sp_flood sp_flood_udp(const struct sp_settings *config,
                                                  const struct sp_view *view,
                                                  const struct sp_address *resolver)
{
	__u16 from = view->source_port, to = view->destination_port;

	if (sp_is_dhcp_port(from) || sp_is_dhcp_port(to))
		return SP_FLOOD_OTHER;
	if (to == SP_PORT_DNS) {
		if (resolver ? sp_same_address(resolver, &view->to) : sp_is_resolver(&view->to))
			return SP_FLOOD_DNS;
		if (resolver)
			return SP_FLOOD_OTHER;
	}
	return config->refuse_udp == SP_REFUSE_ANSWER && sp_may_answer(view) ? SP_FLOOD_REFUSAL
	                                                                     : SP_FLOOD_OTHER;
}

static __always_inline enum sp_flood sp_flood_tcp(const struct sp_settings *config,
                                                  const struct sp_view *view)
{
	__u16 to = view->destination_port;

	if (to == SP_PORT_DNS || sp_is_portal_port(to))
		return SP_FLOOD_OTHER;
	if (to == SP_PORT_HTTP)
		return (view->tcp_flags & (SP_TCP_SYN | SP_TCP_ACK)) == SP_TCP_SYN ? SP_FLOOD_SYN
		                                                                   : SP_FLOOD_HTTP;
	return config->refuse_tcp == SP_REFUSE_ANSWER && sp_may_answer(view) ? SP_FLOOD_REFUSAL
	                                                                     : SP_FLOOD_OTHER;
}

/* What a plain packet of a captive client would be paid by, nothing special being about it. */
static __always_inline enum sp_flood sp_flood_of(const struct sp_settings *config,
                                                 const struct sp_view *view,
                                                 const struct sp_address *resolver)
{
	return view->protocol == IPPROTO_UDP ? sp_flood_udp(config, view, resolver)
	                                     : sp_flood_tcp(config, view);
}

/* Whether the budget is used up, and it is not yet time to tell of that again. */
static __always_inline bool sp_is_flooding(const struct sp_settings *config,
                                           const struct sp_guest *guest,
                                           const struct sp_flood_price *price, __u64 now)
{
	return sp_budget_is_spent(&config->client[price->kind], &guest->credit[price->kind],
	                          price->units, now) &&
	       !sp_is_time_to_tell(guest, now);
}

/* Judge a plain packet that nothing special is about, from a client that is not in `clients`:
 * SP_REASON_NONE if that is more than can be done here, and nothing has changed then. */
static __always_inline enum sp_reason sp_flood_judge(const struct sp_settings *config,
                                                     const struct sp_view *view,
                                                     const struct sp_client_key *key, __u64 now)
{
	enum sp_flood what = sp_flood_of(config, view, NULL);
	struct sp_flood_price price = sp_flood_price(what);
	struct sp_flooder *cell;
	struct sp_guest *guest;

	if (what == SP_FLOOD_OTHER || sp_is_open(config) || sp_is_own_mac(view->source))
		return SP_REASON_NONE;
	if (sp_crowd_refuses(key, now))
		return SP_REASON_TOTAL_GUEST;
	guest = bpf_map_lookup_elem(&guests, key);
	if (!guest)
		return sp_crowd_begins(config, now) ? SP_REASON_TOTAL_GUEST : SP_REASON_NONE;
	if (!sp_is_flooding(config, guest, &price, now))
		return SP_REASON_NONE;
	cell = sp_flooder_note(key, what, now);
	if (cell && what == SP_FLOOD_DNS)
		cell->resolver = view->to;
	sp_guest_refuse(guest, now);
	return price.reason;
}

/* The same for a client that has been noted; nothing but this packet has to be looked at. */
static __always_inline enum sp_reason sp_flood_again(const struct sp_settings *config,
                                                     const struct sp_view *view,
                                                     const struct sp_flooder *cell)
{
	enum sp_flood what = sp_flood_of(config, view, &cell->resolver);
	struct sp_flood_price price = sp_flood_price(what);

	if (!(cell->spent >> what & 1) || sp_is_open(config))
		return SP_REASON_NONE;
	return (enum sp_reason)price.reason;
}

#endif
