/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A captive client: what it may send (verdict.h, the walled garden, the switches of the operator)
 * and whether its budgets pay for it.
 */
#ifndef SP_BPF_GUEST_H
#define SP_BPF_GUEST_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "budget.h"
#include "crowd.h"
#include "dns.h"
#include "event.h"
#include "garden.h"
#include "maps.h"
#include "parse.h"
#include "verdict.h"

/* Seconds between two `flood` events about one client. */
#define SP_FLOOD_QUIET 10u

/* Reasons of refusals that are answered. */
static __always_inline bool sp_is_refusal(enum sp_reason reason)
{
	return reason == SP_REASON_RESET || reason == SP_REASON_UNREACHABLE;
}

/* The address of one host somewhere: no group, not everybody, not nobody, not oneself. */
static __always_inline bool sp_is_host(const struct sp_view *view, const struct sp_address *address)
{
	if (view->family == 6)
		return !sp_is_multicast6(address) &&
		       (address->word[0] | address->word[1] | address->word[2] ||
		        bpf_ntohl(address->word[3]) > 1);
	return sp_is_host4(address->word[3]);
}

/* Never answered: what was sent to a group or comes from no host (RFC 1122 section 3.2.2, RFC 4443
 * section 2.4 e), resets (RFC 9293 section 3.5.2). */
static __always_inline bool sp_may_answer(const struct sp_view *view)
{
	return !sp_is_group(view->destination) && !(view->tcp_flags & SP_TCP_RST) &&
	       sp_is_host(view, &view->to) && sp_is_host(view, &view->from);
}

/* Drop, or drop and answer. */
static __always_inline enum sp_reason
sp_refuse(const struct sp_view *view, const struct sp_settings *now, enum sp_reason reason)
{
	if (!sp_may_answer(view))
		return reason;
	if (reason == SP_REASON_TCP && now->refuse_tcp == SP_REFUSE_ANSWER)
		return SP_REASON_RESET;
	if (reason == SP_REASON_UDP && now->refuse_udp == SP_REFUSE_ANSWER)
		return SP_REASON_UNREACHABLE;
	return reason;
}

/* Whether the walled garden is asked: after what the gateway itself offers, before the rest. */
static __always_inline bool sp_is_elsewhere(enum sp_reason reason)
{
	switch (reason) {
	case SP_REASON_ECHO:
	case SP_REASON_CAPTURED:
	case SP_REASON_TCP:
	case SP_REASON_UDP:
	case SP_REASON_ICMP:
	case SP_REASON_PROTOCOL:
		return true;
	default:
		return false;
	}
}

/* Whether a packet that the garden does not hold may be early: those that would be answered. */
static __always_inline bool sp_waits_for_garden(enum sp_reason reason)
{
	return reason == SP_REASON_CAPTURED || reason == SP_REASON_TCP || reason == SP_REASON_UDP;
}

/*
 * Judge a packet of a captive client; returns an enum sp_reason. A function of its own to the
 * verifier; authorized clients do not pay for the call.
 */
__noinline int sp_judge_guest(const struct sp_view *view, __u32 ifindex, __u64 now)
{
	struct sp_settings *config = sp_settings_now();
	enum sp_reason reason;

	if (!view || !config)
		return SP_REASON_INTERNAL;
	reason = sp_judge_captive(view);
	if (reason == SP_REASON_OWN_MAC)
		return (int)reason;
	if (config->bypass)
		return reason == SP_REASON_PORTAL ? (int)reason : SP_REASON_BYPASS;
	if ((config->garden4 | config->garden6) && sp_is_elsewhere(reason) &&
	    sp_garden_open(config, view, true, ifindex, now))
		return SP_REASON_GARDEN;
	if (sp_waits_for_garden(reason) && sp_dns_pending(config, view, now))
		return SP_REASON_GARDEN_PENDING;
	return (int)sp_refuse(view, config, reason);
}

/* What the units of a budget are: packets, those of a connection with its first, or calls. */
enum sp_unit { SP_UNIT_CALL, SP_UNIT_PACKET, SP_UNIT_SEGMENT };

/* What a packet costs. */
struct sp_price {
	__u8 pays; /* 0: nothing */
	__u8 kind; /* enum sp_budget_kind */
	__u8 unit; /* enum sp_unit */
	__u8 own;  /* reasons, when it cannot be paid */
	__u8 total;
};

#define SP_PRICE(budget, per)                                                    \
	{                                                                        \
		1, SP_BUDGET_##budget, SP_UNIT_##per, SP_REASON_BUDGET_##budget, \
			SP_REASON_TOTAL_##budget                                 \
	}

/* By reason. A table and not a switch: of what is read from it the verifier knows nothing, so that
 * it need not follow each kind of packet through all that comes after. */
static const struct sp_price sp_prices[SP_MAX_REASONS] = {
	[SP_REASON_ARP] = SP_PRICE(NEIGHBOUR, CALL),
	[SP_REASON_EAPOL] = SP_PRICE(NEIGHBOUR, CALL),
	[SP_REASON_DHCP] = SP_PRICE(NEIGHBOUR, CALL),
	[SP_REASON_ND] = SP_PRICE(NEIGHBOUR, CALL),
	[SP_REASON_MLD] = SP_PRICE(NEIGHBOUR, CALL),
	[SP_REASON_DNS] = SP_PRICE(DNS, PACKET),
	[SP_REASON_CAPTURED] = SP_PRICE(HTTP, SEGMENT),
	[SP_REASON_PORTAL] = SP_PRICE(PORTAL, SEGMENT),
	[SP_REASON_ECHO] = SP_PRICE(ECHO, CALL),
	[SP_REASON_GARDEN] = SP_PRICE(GARDEN, PACKET),
	[SP_REASON_RESET] = SP_PRICE(REFUSAL, CALL),
	[SP_REASON_UNREACHABLE] = SP_PRICE(REFUSAL, CALL),
	[SP_REASON_DOWN_RESET] = SP_PRICE(REFUSAL, CALL),
};
#undef SP_PRICE

static __always_inline __u32 sp_units(const struct sp_price *price, const struct sp_view *view)
{
	if (price->unit == SP_UNIT_CALL)
		return 1;
	if (price->unit == SP_UNIT_SEGMENT &&
	    (view->tcp_flags & (SP_TCP_SYN | SP_TCP_ACK)) == SP_TCP_SYN)
		return SP_BUDGET_SEGMENT;
	return view->packets;
}

/* A new entry. Not on the stack: with those of who calls and who is called it would be too much. */
static const struct sp_guest sp_guest_new = {};

/* Take a new client from SP_BUDGET_GUEST, and count it. */
static __always_inline bool sp_guest_spend(const struct sp_settings *config, __u64 now)
{
	__u32 kind = SP_BUDGET_GUEST;
	struct sp_total *total = bpf_map_lookup_elem(&budgets, &kind);

	/* Not by `kind`: the verifier forgets what was on the stack when a helper got it. */
	if (!total || !sp_budget_spend(&config->total[SP_BUDGET_GUEST], &total->credit, 1, now))
		return false;
	__sync_fetch_and_add(&total->made, 1);
	return true;
}

/* The entry of @news->client, made if there is none and SP_BUDGET_GUEST allows; else NULL. */
static __always_inline struct sp_guest *sp_guest_of(const struct sp_settings *config,
                                                    const struct sp_news *news,
                                                    const struct sp_view *view)
{
	/* On this stack: before Linux 6.2 a key may not be in memory that a global function got. */
	struct sp_client_key key = news->client;
	struct sp_guest *guest;

	if (sp_crowd_refuses(&key, news->now))
		return NULL;
	guest = bpf_map_lookup_elem(&guests, &key);
	if (guest) {
		sp_seen_note(sp_client_word(&key));
		return guest;
	}
	if (sp_crowd_begins(config, news->now) || !sp_guest_spend(config, news->now))
		return NULL;
	if (!bpf_map_update_elem(&guests, &key, &sp_guest_new, BPF_NOEXIST)) {
		struct sp_news first = *news;

		sp_seen_note(sp_client_word(&key));
		first.kind = SP_EVENT_GUEST;
		first.reason = SP_REASON_NONE;
		sp_tell(&first, view);
	}
	guest = bpf_map_lookup_elem(&guests, &key);
	if (guest && !guest->first)
		guest->first = news->now;
	return guest;
}

/* Take the price from both budgets; SP_REASON_NONE when they paid. DNS is also paid by the byte. */
static __always_inline enum sp_reason sp_pay(const struct sp_settings *config,
                                             const struct sp_price *price, struct sp_guest *guest,
                                             const struct sp_view *view, __u64 now)
{
	__u32 kind = price->kind, units = sp_units(price, view);

	if (kind >= SP_BUDGETS)
		return SP_REASON_INTERNAL;
	if (!sp_budget_spend(&config->client[kind], &guest->credit[kind], units, now))
		return (enum sp_reason)price->own;
	if (kind == SP_BUDGET_DNS &&
	    !sp_budget_spend(&config->client[SP_BUDGET_DNS_BYTES],
	                     &guest->credit[SP_BUDGET_DNS_BYTES], view->bytes, now))
		return (enum sp_reason)price->own;
	if (!sp_total_spend(&config->total[kind], kind, units, now))
		return (enum sp_reason)price->total;
	if (kind == SP_BUDGET_DNS && !sp_total_spend(&config->total[SP_BUDGET_DNS_BYTES],
	                                             SP_BUDGET_DNS_BYTES, view->bytes, now))
		return (enum sp_reason)price->total;
	return SP_REASON_NONE;
}

/* Whether the last event about this client is long ago. */
static __always_inline bool sp_is_time_to_tell(const struct sp_guest *guest, __u64 now)
{
	return !guest->told || now - guest->told >= (__u64)SP_FLOOD_QUIET * sp_load.hz;
}

/* Tell of a client that is over its budgets, not each time. */
static __always_inline void sp_tell_flood(struct sp_guest *guest, const struct sp_news *news,
                                          const struct sp_view *view, bool own)
{
	struct sp_news flood = *news;

	if (!sp_is_time_to_tell(guest, news->now))
		return;
	guest->told = news->now;
	flood.kind = own ? SP_EVENT_FLOOD : SP_EVENT_CROWD;
	sp_tell(&flood, view);
}

static __always_inline void sp_guest_seen(struct sp_guest *guest, __u64 now)
{
	if (guest->last != now)
		guest->last = now;
}

/* One more that a budget refused. An addition that is whole: another CPU may bring many at once
 * (flooder.h), which a plain one here would undo. */
static __always_inline void sp_guest_refuse(struct sp_guest *guest, __u64 now)
{
	sp_guest_seen(guest, now);
	__sync_fetch_and_add(&guest->refused, 1);
}

/*
 * Pay for a packet of a captive client that would be let on or answered: the reason as it was
 * (@news->reason), or that of the budget that refused it. Returns an enum sp_reason.
 */
__noinline int sp_guest_charge(const struct sp_news *news, const struct sp_view *view)
{
	struct sp_settings *config = sp_settings_now();
	const struct sp_price *price;
	struct sp_guest *guest;
	enum sp_reason refused;

	if (!news || !view || !config || (__u32)news->reason >= SP_MAX_REASONS)
		return SP_REASON_INTERNAL;
	price = &sp_prices[news->reason];
	if (!price->pays)
		return (int)news->reason;
	guest = sp_guest_of(config, news, view);
	if (!guest)
		return SP_REASON_TOTAL_GUEST;
	refused = sp_pay(config, price, guest, view, news->now);
	if (refused) {
		struct sp_news flood = *news;

		sp_guest_refuse(guest, news->now);
		flood.reason = refused;
		sp_tell_flood(guest, &flood, view, refused == price->own);
		return (int)refused;
	}
	sp_guest_seen(guest, news->now);
	guest->packets++;
	if (view->family == 4 && guest->ipv4 != view->from.word[3])
		guest->ipv4 = view->from.word[3];
	return (int)news->reason;
}

#endif
