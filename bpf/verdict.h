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

#define SP_ICMP_ECHO_REPLY    0 /* RFC 792 */
#define SP_ICMP_REDIRECT      5
#define SP_ICMP_ECHO_REQUEST  8
#define SP_ICMP_ROUTER_ADVERT 9   /* RFC 1256 */
#define SP_ICMP6_ECHO_REQUEST 128 /* RFC 4443 section 4 */
#define SP_ICMP6_ECHO_REPLY   129
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

/* Multicast or broadcast (IEEE 802 section 8.2.2). */
static __always_inline bool sp_is_group(const __u16 mac[3])
{
	return mac[0] & bpf_htons(0x0100);
}

/* The sender itself, by its MAC; VLAN depth and lengths were judged while parsing. */
static __always_inline enum sp_reason sp_judge_source(const __u16 mac[3])
{
	if (sp_is_group(mac) || !(mac[0] | mac[1] | mac[2]))
		return SP_REASON_BAD_SOURCE;
	return SP_REASON_NONE;
}

/* Of a server or a client, of either version. */
static __always_inline bool sp_is_dhcp_port(__u16 port)
{
	return (__u16)(port - SP_DHCP_SERVER) < 2 || (__u16)(port - SP_DHCP6_CLIENT) < 2;
}

/* From a DHCP server, or to the port of a client: not every client looks at the source port. */
static __always_inline bool sp_is_from_dhcp_server(const struct sp_view *view)
{
	bool v4 = view->family == 4;

	return view->source_port == (v4 ? SP_DHCP_SERVER : SP_DHCP6_SERVER) ||
	       view->destination_port == (v4 ? SP_DHCP_CLIENT : SP_DHCP6_CLIENT);
}

/* An advertisement claims its target, a solicitation its source (RFC 4861 sections 6.2.6, 7.2.3).
 */
static __always_inline bool sp_claims_gateway(const struct sp_view *view)
{
	switch (view->icmp_type) {
	case SP_ND_ROUTER_SOLICIT:
	case SP_ND_SOLICIT:
		return sp_is_gateway(&view->from);
	case SP_ND_ADVERT:
		return sp_is_gateway(&view->claimed);
	}
	return false;
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
		if (sp_is_from_dhcp_server(view))
			return SP_REASON_GUARD_DHCP;
	} else if (view->family == 6 && view->protocol == IPPROTO_ICMPV6) {
		if (view->icmp_type == SP_ND_ROUTER_ADVERT)
			return SP_REASON_GUARD_RA;
		if (view->icmp_type == SP_ND_REDIRECT)
			return SP_REASON_GUARD_REDIRECT;
		if (sp_claims_gateway(view))
			return SP_REASON_GUARD_ADDRESS;
	} else if (view->family == 4 && view->protocol == IPPROTO_ICMP) {
		if (view->icmp_type == SP_ICMP_ROUTER_ADVERT)
			return SP_REASON_GUARD_RA;
		if (view->icmp_type == SP_ICMP_REDIRECT)
			return SP_REASON_GUARD_REDIRECT;
	}
	return SP_REASON_NONE;
}

/* Of one host somewhere: no group, not everybody, not nobody, not oneself. */
static __always_inline bool sp_is_host4(__be32 address)
{
	__u32 head = bpf_ntohl(address) >> 24;

	return head != 0 && head != 127 && head < 224;
}

static __always_inline bool sp_is_multicast6(const struct sp_address *address)
{
	return (address->word[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000);
}

/*
 * Addresses that end on this link or at a host that captive clients may talk to. Without that, the
 * ports of DHCP and the types of neighbour discovery would be a way to any host of the Internet.
 */
static __always_inline bool sp_is_near(const struct sp_address *address)
{
	__u32 head = bpf_ntohl(address->word[0]);

	if (address->word[3] == 0xffffffff && !head) /* 255.255.255.255 */
		return true;
	if (head >> 22 == 0xfe80 >> 6 || (head & 0xff0f0000) == 0xff020000) /* link-local */
		return true;
	return sp_roles(address) != 0;
}

/* Host order. */
static __always_inline bool sp_is_portal_port(__u16 port)
{
	return port == bpf_ntohs((__u16)sp_load.portal_port[0]) ||
	       port == bpf_ntohs((__u16)sp_load.portal_port[1]);
}

static __always_inline bool sp_is_to_portal(const struct sp_view *view)
{
	return view->protocol == IPPROTO_TCP && sp_is_portal_port(view->destination_port) &&
	       sp_is_portal(&view->to);
}

static __always_inline enum sp_reason sp_judge_udp(const struct sp_view *view)
{
	bool v4 = view->family == 4;

	if (view->source_port == (v4 ? SP_DHCP_CLIENT : SP_DHCP6_CLIENT) &&
	    view->destination_port == (v4 ? SP_DHCP_SERVER : SP_DHCP6_SERVER) &&
	    sp_is_near(&view->to))
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
	if (view->destination_port != SP_PORT_HTTP)
		return SP_REASON_TCP;
	/* Captured packets get another destination: a routing header would take them on from there,
	 * and nobody needs the other extension headers. */
	if (view->family == 6 && view->transport != view->network + sizeof(struct ipv6hdr))
		return SP_REASON_PROTOCOL;
	return SP_REASON_CAPTURED;
}

/* Ping in both directions: an operator on the gateway looks for a client by it. */
static __always_inline enum sp_reason sp_judge_icmp(const struct sp_view *view)
{
	bool echo =
		view->icmp_type == SP_ICMP_ECHO_REQUEST || view->icmp_type == SP_ICMP_ECHO_REPLY;

	return echo && sp_is_gateway(&view->to) ? SP_REASON_ECHO : SP_REASON_ICMP;
}

static __always_inline enum sp_reason sp_judge_icmp6(const struct sp_view *view)
{
	switch (view->icmp_type) {
	case SP_ND_ROUTER_SOLICIT:
	case SP_ND_SOLICIT:
	case SP_ND_ADVERT:
		return sp_is_near(&view->to) ? SP_REASON_ND : SP_REASON_ICMP;
	case SP_MLD_REPORT:
	case SP_MLD_DONE:
	case SP_MLD_REPORT_V2:
		return sp_is_multicast6(&view->to) ? SP_REASON_MLD : SP_REASON_ICMP;
	case SP_ICMP6_ECHO_REQUEST:
	case SP_ICMP6_ECHO_REPLY:
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
		return sp_judge_icmp(view);
	return SP_REASON_PROTOCOL;
}

/* The same for ICMPv6: neighbour discovery of this link, and what asks for listeners. */
static __always_inline bool sp_is_service_icmp6(const struct sp_view *view)
{
	switch (view->icmp_type) {
	case SP_ND_ROUTER_SOLICIT:
	case SP_ND_ROUTER_ADVERT:
	case SP_ND_SOLICIT:
	case SP_ND_ADVERT:
		return sp_is_near(&view->from);
	case SP_MLD_QUERY:
		return sp_is_near(&view->from) && sp_is_multicast6(&view->to);
	}
	return false;
}

/*
 * DHCP from wherever the server is, which on a bridge need not be the gateway; DHCPv6 servers
 * answer from an address of this link.
 */
static __always_inline bool sp_is_service_dhcp(const struct sp_view *view)
{
	if (view->family == 4)
		return view->source_port == SP_DHCP_SERVER &&
		       view->destination_port == SP_DHCP_CLIENT;
	return view->source_port == SP_DHCP6_SERVER && view->destination_port == SP_DHCP6_CLIENT &&
	       sp_is_near(&view->from);
}

/* Forwarded packets that a captive client needs: the answers to what the table above lets through.
 */
static __always_inline bool sp_is_service(const struct sp_view *view)
{
	if (view->ethertype == ETH_P_ARP || view->ethertype == ETH_P_PAE)
		return true;
	if (!view->family || view->fragment != SP_WHOLE)
		return false;
	if (view->protocol == IPPROTO_UDP && sp_is_service_dhcp(view))
		return true;
	if (view->protocol == IPPROTO_UDP || view->protocol == IPPROTO_TCP) {
		if (view->source_port == SP_PORT_DNS && sp_is_resolver(&view->from))
			return true;
		return view->protocol == IPPROTO_TCP && sp_is_portal_port(view->source_port) &&
		       sp_is_portal(&view->from);
	}
	return view->family == 6 && view->protocol == IPPROTO_ICMPV6 && sp_is_service_icmp6(view);
}

/* What may be sent towards a captive client. @local: by the gateway itself. */
static __always_inline enum sp_reason sp_judge_down(const struct sp_view *view, bool local)
{
	if (local)
		return SP_REASON_DOWN_LOCAL;
	return sp_is_service(view) ? SP_REASON_DOWN_SERVICE : SP_REASON_DOWN_CAPTIVE;
}

#endif
