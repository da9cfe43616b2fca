// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that decide nothing: where the traffic ends and is counted, and what dropping, passing,
 * sending back and forwarding by XDP cost at the least.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "frame.h"

#define AF_INET  2
#define AF_INET6 10

#define VLAN_SIZE 4

/* By enum sp_bench_arrival. Never reset: whoever reads looks twice. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SP_BENCH_ARRIVALS);
	__type(key, __u32);
	__type(value, struct sp_bench_count);
} counts SEC(".maps");

/* How many of the stamped frames took how long. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SP_BENCH_BUCKETS);
	__type(key, __u32);
	__type(value, __u64);
} delays SEC(".maps");

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

/* Back to its sender. */
SEC("xdp")
int tx(struct xdp_md *ctx)
{
	struct ethhdr *ethernet = (void *)(long)ctx->data;
	__u8 sender[ETH_ALEN];

	if ((void *)(ethernet + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	__builtin_memcpy(sender, ethernet->h_source, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, ethernet->h_dest, ETH_ALEN);
	__builtin_memcpy(ethernet->h_dest, sender, ETH_ALEN);
	return XDP_TX;
}

static __always_inline int redirect(struct ethhdr *ethernet, const struct bpf_fib_lookup *fib)
{
	__builtin_memcpy(ethernet->h_dest, fib->dmac, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, fib->smac, ETH_ALEN);
	return (int)bpf_redirect(fib->ifindex, 0);
}

static __always_inline int forward4(struct xdp_md *ctx, struct ethhdr *ethernet, void *end)
{
	struct bpf_fib_lookup fib = {.family = AF_INET, .ifindex = ctx->ingress_ifindex};
	struct iphdr *ip = (void *)(ethernet + 1);
	__u32 sum;

	if ((void *)(ip + 1) > end || ip->ttl <= 1)
		return XDP_PASS;
	fib.tos = ip->tos;
	fib.l4_protocol = ip->protocol;
	fib.tot_len = bpf_ntohs(ip->tot_len);
	fib.ipv4_src = ip->saddr;
	fib.ipv4_dst = ip->daddr;
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS;
	sum = (__u32)ip->check + bpf_htons(0x0100); /* RFC 1624 */
	ip->check = (__be16)(sum + (sum >= 0xffff));
	ip->ttl--;
	return redirect(ethernet, &fib);
}

static __always_inline int forward6(struct xdp_md *ctx, struct ethhdr *ethernet, void *end)
{
	struct bpf_fib_lookup fib = {.family = AF_INET6, .ifindex = ctx->ingress_ifindex};
	struct ipv6hdr *ip = (void *)(ethernet + 1);

	if ((void *)(ip + 1) > end || ip->hop_limit <= 1)
		return XDP_PASS;
	fib.flowinfo = *(__be32 *)ip & bpf_htonl(0x0fffffff);
	fib.l4_protocol = ip->nexthdr;
	fib.tot_len = (__u16)(sizeof(*ip) + bpf_ntohs(ip->payload_len));
	__builtin_memcpy(fib.ipv6_src, &ip->saddr, sizeof(ip->saddr));
	__builtin_memcpy(fib.ipv6_dst, &ip->daddr, sizeof(ip->daddr));
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS;
	ip->hop_limit--;
	return redirect(ethernet, &fib);
}

/* Every packet to where the FIB says, as a router must: samples/bpf/xdp_fwd_kern.c of the kernel.
 */
SEC("xdp")
int forward(struct xdp_md *ctx)
{
	struct ethhdr *ethernet = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;

	if ((void *)(ethernet + 1) > end)
		return XDP_DROP;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP))
		return forward4(ctx, ethernet, end);
	if (ethernet->h_proto == bpf_htons(ETH_P_IPV6))
		return forward6(ctx, ethernet, end);
	return XDP_PASS;
}

/* Whole doublings, and which part of one. */
static __always_inline __u32 bucket(__u64 ns)
{
	__u64 rest = ns;
	__u32 doublings = 0;

	if (ns < 1u << SP_BENCH_FINE)
		return 0;
#pragma unroll
	for (__u32 step = 32; step; step /= 2) {
		if (rest >> step) {
			rest >>= step;
			doublings += step;
		}
	}
	return doublings << SP_BENCH_FINE |
	       ((__u32)(ns >> (doublings - SP_BENCH_FINE)) & ((1u << SP_BENCH_FINE) - 1));
}

static __always_inline void note_delay(const struct udphdr *udp, const void *end)
{
	const struct sp_bench_stamp *stamp = (const void *)(udp + 1);
	__u64 *cell;
	__u32 key;

	if ((const void *)(stamp + 1) > end || stamp->magic != SP_BENCH_MAGIC)
		return;
	key = bucket(bpf_ktime_get_ns() - stamp->time);
	cell = bpf_map_lookup_elem(&delays, &key);
	if (cell)
		++*cell;
}

static __always_inline enum sp_bench_arrival arrival_of_udp(const struct udphdr *udp,
                                                            const void *end)
{
	if ((const void *)(udp + 1) > end || udp->dest != bpf_htons(SP_BENCH_PORT))
		return SP_BENCH_OTHER;
	note_delay(udp, end);
	return SP_BENCH_OWN;
}

/* Ports are where UDP has them; the flags are in byte 13 (RFC 9293 section 3.1). */
static __always_inline enum sp_bench_arrival arrival_of_tcp(const struct udphdr *ports,
                                                            const void *end)
{
	const __u8 *flags = (const __u8 *)ports + 13;

	if ((const void *)(flags + 1) > end)
		return SP_BENCH_OTHER;
	if (*flags & 0x04)
		return SP_BENCH_RESET;
	return ports->dest == bpf_htons(SP_BENCH_PORT) ? SP_BENCH_OWN : SP_BENCH_OTHER;
}

static __always_inline enum sp_bench_arrival arrival_of(const void *at, const void *end,
                                                        __u8 protocol)
{
	const __u8 *type = at;

	if (protocol == IPPROTO_UDP)
		return arrival_of_udp(at, end);
	if (protocol == IPPROTO_TCP)
		return arrival_of_tcp(at, end);
	if ((const void *)(type + 1) > end)
		return SP_BENCH_OTHER;
	if ((protocol == IPPROTO_ICMP && *type == 3) || (protocol == IPPROTO_ICMPV6 && *type == 1))
		return SP_BENCH_UNREACHABLE;
	return SP_BENCH_OTHER;
}

static __always_inline enum sp_bench_arrival arrival(struct xdp_md *ctx)
{
	const struct ethhdr *ethernet = (void *)(long)ctx->data;
	const void *end = (void *)(long)ctx->data_end, *at = ethernet + 1;
	__be16 type;

	if (at > end)
		return SP_BENCH_OTHER;
	type = ethernet->h_proto;
	if (type == bpf_htons(ETH_P_8021Q)) {
		if (at + VLAN_SIZE > end)
			return SP_BENCH_OTHER;
		type = *(const __be16 *)(at + 2);
		at += VLAN_SIZE;
	}
	if (type == bpf_htons(ETH_P_IP) && at + sizeof(struct iphdr) <= end)
		return arrival_of(at + sizeof(struct iphdr), end,
		                  ((const struct iphdr *)at)->protocol);
	if (type == bpf_htons(ETH_P_IPV6) && at + sizeof(struct ipv6hdr) <= end)
		return arrival_of(at + sizeof(struct ipv6hdr), end,
		                  ((const struct ipv6hdr *)at)->nexthdr);
	return SP_BENCH_OTHER;
}

/* Count what arrives and end it here. Without options and extensions: nobody in the lab sends any
 * with what is counted. */
SEC("xdp")
int sink(struct xdp_md *ctx)
{
	__u32 key = arrival(ctx);
	struct sp_bench_count *count = bpf_map_lookup_elem(&counts, &key);

	if (count) {
		count->packets++;
		count->bytes += ctx->data_end - ctx->data;
	}
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
