/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packets that most are: TCP or UDP over IPv4 without options or IPv6 without extension
 * headers, whole, in the first buffer of the frame, with one VLAN tag at most. Parsed without a
 * call and without a look at what else there might be; for everything else, and for what is wrong
 * in any way, there is parse.h.
 *
 * The view stays with whoever asks. As long as nothing but inlined code gets a pointer to it, clang
 * keeps of it what is used, and that in registers.
 */
#ifndef SP_BPF_PLAIN_H
#define SP_BPF_PLAIN_H

#include <stdbool.h>

#include <linux/bpf.h>

#include "parse.h"

/* What TCP and UDP begin with. */
struct sp_ports {
	__be16 source, destination;
};

/* The transport header at @at; the IP packet has @left bytes from there. */
static __always_inline bool sp_plain_transport(const void *at, const void *end, __u32 left,
                                               struct sp_view *view)
{
	const struct sp_ports *pair = at;

	if (view->protocol == IPPROTO_UDP) {
		const struct udphdr *udp = at;

		if ((const void *)(udp + 1) > end || bpf_ntohs(udp->len) < sizeof(*udp) ||
		    bpf_ntohs(udp->len) > left)
			return false;
		view->tcp_flags = 0;
	} else if (view->protocol == IPPROTO_TCP) {
		const struct tcphdr *tcp = at;

		if ((const void *)(tcp + 1) > end || tcp->doff < 5 || tcp->doff * 4u > left)
			return false;
		view->tcp_flags = ((const __u8 *)tcp)[13];
	} else {
		return false;
	}
	view->source_port = bpf_ntohs(pair->source);
	view->destination_port = bpf_ntohs(pair->destination);
	return true;
}

static __always_inline bool sp_plain_ipv4(const void *at, const void *end, struct sp_view *view)
{
	const struct iphdr *ip = at;
	__u32 total;

	if ((const void *)(ip + 1) > end || *(const __u8 *)ip != 0x45 ||
	    ip->frag_off & bpf_htons(SP_IP_FRAGMENT_OFFSET | SP_IP_MORE_FRAGMENTS))
		return false;
	total = bpf_ntohs(ip->tot_len);
	if (total < sizeof(*ip) || total > (__u64)(end - at))
		return false;
	view->family = 4;
	view->protocol = ip->protocol;
	view->length = view->bytes = total;
	view->transport = (__u16)(view->network + sizeof(*ip));
	sp_address_map4(&view->from, ip->saddr);
	sp_address_map4(&view->to, ip->daddr);
	return sp_plain_transport(ip + 1, end, total - (__u32)sizeof(*ip), view);
}

static __always_inline bool sp_plain_ipv6(const void *at, const void *end, struct sp_view *view)
{
	const struct ipv6hdr *ip = at;
	__u32 left;

	if ((const void *)(ip + 1) > end || ip->version != 6)
		return false;
	left = bpf_ntohs(ip->payload_len);
	if (left + sizeof(*ip) > (__u64)(end - at))
		return false;
	view->family = 6;
	view->protocol = ip->nexthdr;
	view->length = view->bytes = left + (__u32)sizeof(*ip);
	view->transport = (__u16)(view->network + sizeof(*ip));
	sp_address_copy6(&view->from, &ip->saddr);
	sp_address_copy6(&view->to, &ip->daddr);
	return sp_plain_transport(ip + 1, end, left, view);
}

/* Fill in the view of a plain packet, but for what only ARP and ICMP have; false for any other. The
 * frame begins at @at, its first buffer ends at @end. */
static __always_inline bool sp_plain_parse(const void *at, const void *end, struct sp_view *view)
{
	const struct sp_ethernet *ethernet = at;
	const struct sp_vlan_tag *tag = (const void *)(ethernet + 1);

	if ((const void *)(tag + 1) > end)
		return false;
	__builtin_memcpy(view->source, ethernet->source, 6);
	__builtin_memcpy(view->destination, ethernet->destination, 6);
	view->vlan = 0;
	view->network = ETH_HLEN;
	view->ethertype = ethernet->ethertype;
	if (view->ethertype == bpf_htons(ETH_P_8021Q)) {
		view->vlan = bpf_ntohs(tag->control) & 0x0fff;
		view->network = ETH_HLEN + sizeof(*tag);
		view->ethertype = tag->ethertype;
	}
	view->ethertype = bpf_ntohs(view->ethertype);
	view->fragment = SP_WHOLE;
	view->packets = 1;
	at += view->network == ETH_HLEN ? ETH_HLEN : ETH_HLEN + sizeof(*tag);
	if (view->ethertype == ETH_P_IP)
		return sp_plain_ipv4(at, end, view);
	return view->ethertype == ETH_P_IPV6 && sp_plain_ipv6(at, end, view);
}

#endif
