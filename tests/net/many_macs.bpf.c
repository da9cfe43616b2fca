/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes of one host as many clients as it has addresses: for tests/net/test_crowd.py. What an
 * address of 10.87.0.0/16 or fd87::/64 sends gets a MAC address of its own, 0a:00 and the last four
 * octets of the address; what comes for such a MAC address is taken in.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int many_out(struct __sk_buff *skb)
{
	__u8 mac[ETH_ALEN] = {0x0a, 0};
	__u8 head[2];
	__u32 from = ETH_HLEN, last;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		from += __builtin_offsetof(struct iphdr, saddr);
		last = from;
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		from += __builtin_offsetof(struct ipv6hdr, saddr);
		last = from + 12;
	} else {
		return 0;
	}
	if (bpf_skb_load_bytes(skb, from, head, sizeof(head)) ||
	    bpf_skb_load_bytes(skb, last, mac + 2, 4))
		return 0;
	if (head[1] == 87 || head[1] == 0x87)
		bpf_skb_store_bytes(skb, ETH_ALEN, mac, sizeof(mac), 0);
	return 0;
}

SEC("tc")
int many_in(struct __sk_buff *skb)
{
	__u8 first = 0;

	if (!bpf_skb_load_bytes(skb, 0, &first, sizeof(first)) && first == 0x0a)
		bpf_skb_change_type(skb, PACKET_HOST);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
