/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The judgement: packet view and client state to a reason number, whose range is the verdict (below
 * SP_REASON_FIRST_DROP: on; from there: drop). No maps and no side effects, so that it can be read
 * as the table of what a captive client may do.
 */
#ifndef SP_BPF_VERDICT_H
#define SP_BPF_VERDICT_H

#include <stdbool.h>

#include <linux/bpf.h>

#include "load.h"
#include "parse.h"

#define SP_PORT_DNS     53
#define SP_PORT_HTTP    80
#define SP_DHCP_SERVER  67 /* RFC 2131 section 4.1 */
#define SP_DHCP_CLIENT  68
#define SP_DHCP6_CLIENT 546 /* RFC 8415 section 7.2 */
#define SP_DHCP6_SERVER 547

#define SP_ICMP_ECHO_REQUEST  8
#define SP_ICMP6_ECHO_REQUEST 128
#define SP_ND_ROUTER_SOLICIT  133 /* RFC 4861 section 4 */
#define SP_ND_ROUTER_ADVERT   134
#define SP_ND_SOLICIT         135
#define SP_ND_ADVERT          136
#define SP_ND_REDIRECT        137
#define SP_MLD_QUERY          130 /* RFC 2710, RFC 3810 */
#define SP_MLD_REPORT         131
#define SP_MLD_DONE           132
#define SP_MLD_REPORT_V2      143

static __always_inline bool sp_passes(enum sp_reason reason)
{
	return reason < SP_REASON_FIRST_DROP;
}

/* The sender itself; VLAN depth and lengths were judged while parsing. */
static __always_inline enum sp_reason sp_judge_source(const struct sp_view *view)
{
	const __u8 *mac = view->source;

	if (mac[0] & 1 || !(mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]))
		return SP_REASON_BAD_SOURCE;
	return SP_REASON_NONE;
}

/*
 * What only a router or server sends, from any client. A fragmented neighbour discovery message is
 * refused whole (RFC 6980), or a fragment header would be the way around this guard.
 */
static __always_inline enum sp_reason sp_judge_guard(const struct sp_view *view)
{
	if (!sp_load.guard)
		return SP_REASON_NONE;
	if (view->ethertype == ETH_P_ARP)
		return sp_is_gateway(&view->claimed) ? SP_REASON_GUARD_ADDRESS : SP_REASON_NONE;
	if (view->fragment == SP_FRAGMENT_LATER)
		return SP_REASON_NONE;
	if (view->protocol == IPPROTO_UDP) {
		if (view->source_port == (view->family == 4 ? SP_DHCP_SERVER : SP_DHCP6_SERVER))
			return SP_REASON_GUARD_DHCP;
	} else if (view->family == 6 && view->protocol == IPPROTO_ICMPV6) {
		if (view->icmp_type == SP_ND_ROUTER_ADVERT)
			return SP_REASON_GUARD_RA;
		if (view->icmp_type == SP_ND_REDIRECT)
			return SP_REASON_GUARD_REDIRECT;
		if (view->icmp_type == SP_ND_ADVERT && sp_is_gateway(&view->claimed))
			return SP_REASON_GUARD_ADDRESS;
	}
	return SP_REASON_NONE;
}

static __always_inline bool sp_is_to_portal(const struct sp_view *view)
{
	return view->protocol == IPPROTO_TCP && view->fragment == SP_WHOLE &&
	       view->destination_port == bpf_ntohs((__u16)sp_load.portal_port) &&
	       sp_is_portal(&view->to);
}

static __always_inline enum sp_reason sp_judge_udp(const struct sp_view *view)
{
	bool v4 = view->family == 4;

	if (view->source_port == (v4 ? SP_DHCP_CLIENT : SP_DHCP6_CLIENT) &&
	    view->destination_port == (v4 ? SP_DHCP_SERVER : SP_DHCP6_SERVER))
		return SP_REASON_DHCP;
	if (view->destination_port == SP_PORT_DNS && sp_is_resolver(&view->to))
		return SP_REASON_DNS;
	return SP_REASON_UDP;
}

static __always_inline enum sp_reason sp_judge_tcp(const struct sp_view *view)
{
	if (view->destination_port == SP_PORT_DNS && sp_is_resolver(&view->to))
		return SP_REASON_DNS;
	if (sp_is_to_portal(view))
		return SP_REASON_PORTAL;
	if (view->destination_port == SP_PORT_HTTP)
		return SP_REASON_CAPTURED;
	return SP_REASON_TCP;
}

static __always_inline enum sp_reason sp_judge_icmp6(const struct sp_view *view)
{
	switch (view->icmp_type) {
	case SP_ND_ROUTER_SOLICIT:
	case SP_ND_SOLICIT:
	case SP_ND_ADVERT:
		return SP_REASON_ND;
	case SP_MLD_REPORT:
	case SP_MLD_DONE:
	case SP_MLD_REPORT_V2:
		return SP_REASON_MLD;
	case SP_ICMP6_ECHO_REQUEST:
		return sp_is_gateway(&view->to) ? SP_REASON_ECHO : SP_REASON_ICMP;
	}
	return SP_REASON_ICMP;
}

/* The table: what a captive client may send. */
static __always_inline enum sp_reason sp_judge_captive(const struct sp_view *view)
{
	if (sp_is_own_mac(view->source))
		return SP_REASON_OWN_MAC;
	if (view->ethertype == ETH_P_ARP)
		return SP_REASON_ARP;
	if (view->ethertype == ETH_P_PAE)
		return SP_REASON_EAPOL;
	if (!view->family)
		return SP_REASON_ETHERTYPE;
	if (view->fragment != SP_WHOLE)
		return SP_REASON_FRAGMENT;
	if (view->protocol == IPPROTO_UDP)
		return sp_judge_udp(view);
	if (view->protocol == IPPROTO_TCP)
		return sp_judge_tcp(view);
	if (view->family == 6 && view->protocol == IPPROTO_ICMPV6)
		return sp_judge_icmp6(view);
	if (view->family == 4 && view->protocol == IPPROTO_ICMP)
		return view->icmp_type == SP_ICMP_ECHO_REQUEST && sp_is_gateway(&view->to)
		               ? SP_REASON_ECHO
		               : SP_REASON_ICMP;
	return SP_REASON_PROTOCOL;
}

/* Forwarded packets that a captive client needs: the answers to what the table above lets through.
 */
static __always_inline bool sp_is_service(const struct sp_view *view)
{
	bool v4 = view->family == 4;

	if (view->ethertype == ETH_P_ARP || view->ethertype == ETH_P_PAE)
		return true;
	if (!view->family || view->fragment != SP_WHOLE)
		return false;
	if (view->protocol == IPPROTO_UDP &&
	    view->source_port == (v4 ? SP_DHCP_SERVER : SP_DHCP6_SERVER) &&
	    view->destination_port == (v4 ? SP_DHCP_CLIENT : SP_DHCP6_CLIENT))
		return true;
	if (view->protocol == IPPROTO_UDP || view->protocol == IPPROTO_TCP) {
		if (view->source_port == SP_PORT_DNS && sp_is_resolver(&view->from))
			return true;
		return view->protocol == IPPROTO_TCP &&
		       view->source_port == bpf_ntohs((__u16)sp_load.portal_port) &&
		       sp_is_portal(&view->from);
	}
	return !v4 && view->protocol == IPPROTO_ICMPV6 &&
	       ((view->icmp_type >= SP_ND_ROUTER_SOLICIT && view->icmp_type <= SP_ND_ADVERT) ||
	        view->icmp_type == SP_MLD_QUERY);
}

/* What may be sent towards a captive client. @local: by the gateway itself. */
static __always_inline enum sp_reason sp_judge_down(const struct sp_view *view, bool local)
{
	if (local)
		return SP_REASON_DOWN_LOCAL;
	return sp_is_service(view) ? SP_REASON_DOWN_SERVICE : SP_REASON_DOWN_CAPTIVE;
}

#endif
