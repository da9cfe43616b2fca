/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hand a captured TCP segment to a responder, without NAT and without conntrack: the packet is
 * given its socket here (bpf_sk_assign) and a mark, whose rule and route make the stack deliver it
 * locally although its destination is not ours. The accepted socket's local address is what the
 * client asked for.
 */
#ifndef SP_BPF_CAPTURE_H
#define SP_BPF_CAPTURE_H

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "load.h"
#include "maps.h"
#include "parse.h"

/* States of struct bpf_sock: enum in include/net/tcp_states.h, stable as bpf(2) ABI. */
#define SP_TCP_TIME_WAIT 6
#define SP_TCP_LISTEN    10

/* Fill @tuple from the packet; returns the size that its family has. */
static __always_inline __u32 sp_tuple(const struct sp_view *view, struct bpf_sock_tuple *tuple)
{
	if (view->family == 4) {
		tuple->ipv4.saddr = view->from.word[3];
		tuple->ipv4.daddr = view->to.word[3];
		tuple->ipv4.sport = bpf_htons(view->source_port);
		tuple->ipv4.dport = bpf_htons(view->destination_port);
		return sizeof(tuple->ipv4);
	}
	__builtin_memcpy(tuple->ipv6.saddr, &view->from, 16);
	__builtin_memcpy(tuple->ipv6.daddr, &view->to, 16);
	tuple->ipv6.sport = bpf_htons(view->source_port);
	tuple->ipv6.dport = bpf_htons(view->destination_port);
	return sizeof(tuple->ipv6);
}

/*
 * The socket of the connection that this segment belongs to, if there is one. A listener found here
 * is somebody else's, bound to every address: not ours to use. A SYN may reuse the ports of a
 * connection that is in TIME-WAIT; it needs the listener.
 */
static __always_inline struct bpf_sock *sp_connection(struct __sk_buff *skb,
                                                      const struct sp_view *view)
{
	struct bpf_sock_tuple tuple = {};
	__u32 size = sp_tuple(view, &tuple);
	struct bpf_sock *sk;

	sk = bpf_skc_lookup_tcp(skb, &tuple, size, (__u64)BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return NULL;
	if (sk->state == SP_TCP_LISTEN ||
	    (sk->state == SP_TCP_TIME_WAIT && view->tcp_flags & SP_TCP_SYN)) {
		bpf_sk_release(sk);
		return NULL;
	}
	return sk;
}

/* The listener of one of the workers. Clients spread by port and address, connections stay put. */
static __always_inline struct bpf_sock *sp_listener(const struct sp_view *view)
{
	__u32 zero = 0, index;
	struct sp_settings *now = bpf_map_lookup_elem(&settings, &zero);

	if (!now || !now->workers || now->workers > SP_MAX_WORKERS)
		return NULL;
	index = (view->from.word[3] ^ bpf_htons(view->source_port)) * 0x9e3779b1u >> 16;
	index = SP_LISTENER(index % now->workers, view->family == 6);
	return bpf_map_lookup_elem(&listeners, &index);
}

/* SP_REASON_CAPTURED, or why the packet must be dropped. */
static __always_inline enum sp_reason sp_capture(struct __sk_buff *skb, const struct sp_view *view)
{
	struct bpf_sock *sk = sp_connection(skb, view);
	long error;

	if (!sk)
		sk = sp_listener(view);
	if (!sk)
		return SP_REASON_NO_LISTENER;
	error = bpf_sk_assign(skb, sk, 0);
	bpf_sk_release(sk);
	if (error)
		return SP_REASON_ASSIGN;
	skb->mark = (skb->mark & ~sp_load.mark_mask) | sp_load.mark;
	return SP_REASON_CAPTURED;
}

#endif
