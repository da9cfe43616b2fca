// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that decide nothing: where the traffic ends, and what passing and forwarding by XDP cost
 * at the least.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define AF_INET 2

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

/* Every IPv4 packet to where the FIB says. */
SEC("xdp")
int forward(struct xdp_md *ctx)
{
	struct ethhdr *ethernet = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(ethernet + 1);
	struct bpf_fib_lookup fib = {.family = AF_INET, .ifindex = ctx->ingress_ifindex};
	__u32 sum;

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end ||
	    ethernet->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	fib.ipv4_src = ip->saddr;
	fib.ipv4_dst = ip->daddr;
	fib.tot_len = bpf_ntohs(ip->tot_len);
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS;
	__builtin_memcpy(ethernet->h_dest, fib.dmac, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, fib.smac, ETH_ALEN);
	sum = (__u32)ip->check + bpf_htons(0x0100);
	ip->check = (__be16)(sum + (sum >= 0xffff));
	ip->ttl--;
	return (int)bpf_redirect(fib.ifindex, 0);
}

char LICENSE[] SEC("license") = "GPL";
