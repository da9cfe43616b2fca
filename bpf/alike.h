/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A flood is mostly one packet over and over. What decides about it (flood.h) is then the same as
 * of the one before: a few comparisons, without a judgement and without parsing, of an untagged
 * frame with IPv4, where everything has its place. All that the judgement reads is compared or
 * looked at here; lengths that are the same fit into each other as they did before.
 */
#ifndef SP_BPF_ALIKE_H
#define SP_BPF_ALIKE_H

#include <stdbool.h>

#include <linux/bpf.h>

#include "parse.h"
#include "verdict.h"

/* The IPv4 header of a frame that could be remembered, with room for TCP behind it; else NULL. */
static __always_inline const struct iphdr *sp_alike_ip(const void *at, const void *end)
{
	const struct sp_ethernet *ethernet = at;
	const struct iphdr *ip = (const void *)(ethernet + 1);

	if ((const void *)(ip + 1) + sizeof(struct tcphdr) > end ||
	    ethernet->ethertype != bpf_htons(ETH_P_IP))
		return NULL;
	return ip;
}

/* UDP's length, or TCP's length of header and flags. */
static __always_inline __be16 sp_alike_tail(const struct iphdr *ip)
{
	const __be16 *transport = (const void *)(ip + 1);

	return ip->protocol == IPPROTO_TCP ? transport[6] : transport[2];
}

/* Remember a plain packet that is refused for @reason. */
static __always_inline void sp_alike_note(struct sp_alike *last, const void *at, const void *end,
                                          enum sp_reason reason)
{
	const struct iphdr *ip = sp_alike_ip(at, end);

	if (!ip)
		return;
	last->head = *(const __be32 *)ip;
	last->from = ip->saddr;
	last->to = ip->daddr;
	last->port = ((const __be16 *)(ip + 1))[1];
	last->tail = sp_alike_tail(ip);
	last->length = (__u16)(end - at);
	last->protocol = ip->protocol;
	last->reason = (__u8)reason;
}

/*
 * The bytes of IP of a packet that is refused as the one before it was, if its source address is
 * @from; 0: it is another one. One branch for all that differs: it hardly ever does.
 */
static __always_inline __u32 sp_alike_from(const struct sp_alike *last, const void *at,
                                           const void *end, __be32 *from)
{
	const struct iphdr *ip = sp_alike_ip(at, end);
	const struct sp_ethernet *ethernet = at;
	__u64 differs;

	if (!ip)
		return 0;
	differs = (__u64)(end - at) ^ last->length;
	differs |= sp_is_group(ethernet->destination);
	differs |= *(const __be32 *)ip ^ last->head;
	differs |= ip->frag_off & bpf_htons(SP_IP_FRAGMENT_OFFSET | SP_IP_MORE_FRAGMENTS);
	differs |= ip->protocol ^ last->protocol;
	differs |= ip->daddr ^ last->to;
	differs |= ((const __be16 *)(ip + 1))[1] ^ last->port;
	differs |= sp_alike_tail(ip) ^ last->tail;
	if (differs || sp_is_dhcp_port(bpf_ntohs(*(const __be16 *)(ip + 1))))
		return 0;
	*from = ip->saddr;
	return bpf_ntohs(ip->tot_len);
}

/* The same, from the same address. */
static __always_inline __u32 sp_alike(const struct sp_alike *last, const void *at, const void *end)
{
	__be32 from = 0;
	__u32 bytes = sp_alike_from(last, at, end, &from);

	return from == last->from ? bytes : 0;
}

/* The same, from any host. */
static __always_inline __u32 sp_alike_any(const struct sp_alike *last, const void *at,
                                          const void *end)
{
	__be32 from = 0;
	__u32 bytes = sp_alike_from(last, at, end, &from);

	return sp_is_host4(from) ? bytes : 0;
}

#endif
