/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hand a captured TCP segment to a responder. Its destination becomes one of the gateway's own
 * addresses, so that the stack delivers it locally by its ordinary routes; its port becomes a
 * stand-in for the host that the client meant, so that a client that uses one port towards several
 * hosts has several connections here too; and bpf_sk_assign gives a SYN the listener, whatever that
 * is bound to. On the way back TC egress writes the host's address and port into the source again.
 *
 * A rule and a `local default` route in a table of its own would do without rewriting. But with any
 * rule besides the usual ones the kernel looks at all of them for each packet that it forwards
 * (net->ipv4.fib_has_custom_rules in net/ipv4/fib_frontend.c, never reset): measured here, 500 ns
 * for each packet of every client. This way costs captured packets alone.
 */
#ifndef SP_BPF_CAPTURE_H
#define SP_BPF_CAPTURE_H

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "load.h"
#include "maps.h"
#include "parse.h"
#include "zone.h"

/* States of struct bpf_sock: enum in include/net/tcp_states.h, stable as bpf(2) ABI. */
#define SP_TCP_TIME_WAIT 6
#define SP_TCP_LISTEN    10

/* Stand-in ports: the upper half, where no service of the gateway waits for captive clients. */
#define SP_STAND_IN 0x8000
/* How many each host has, a power of 2. */
#define SP_TURNS 8

#define SP_EEXIST 17 /* errno(3) */

/* Offsets in the headers. */
#define SP_IP4_CHECKSUM    10
#define SP_IP4_SOURCE      12
#define SP_IP4_DESTINATION 16
#define SP_IP6_SOURCE      8
#define SP_IP6_DESTINATION 24
#define SP_TCP_SOURCE      0
#define SP_TCP_DESTINATION 2
#define SP_TCP_OFFSET      12
#define SP_TCP_CHECKSUM    16

/* One end of a connection, and where it stands in the packet. */
struct sp_end {
	struct sp_address address;
	__be16 port;
};

static __always_inline void sp_own_end(const struct sp_view *view, struct sp_end *own)
{
	const volatile struct sp_address *from =
		view->family == 4 ? &sp_load.capture4 : &sp_load.capture6;

	for (int i = 0; i < 4; i++)
		own->address.word[i] = from->word[i];
}

/* The first port that stands for whom the packet is meant for. Two hosts may share one; only a
 * client that goes to both from one and the same port at the same time would notice. */
static __always_inline __be16 sp_stand_in(const struct sp_view *view)
{
	const struct sp_address *to = &view->to;
	__u32 mixed = to->word[0] ^ to->word[1] ^ to->word[2] ^ to->word[3];

	mixed = (mixed + view->destination_port) * 0x9e3779b1u;
	return bpf_htons((__u16)(SP_STAND_IN | mixed >> 17));
}

/* The port of that turn, beginning with 0; @first is network order. */
static __always_inline __be16 sp_stand_in_of(__be16 first, __u32 turn)
{
	return first ^ bpf_htons((__u16)(turn % SP_TURNS));
}

/*
 * Replace @was by @is in the IP header at @address_at and in the TCP header at @port_at, checksums
 * included. Negative errno on failure.
 */
static __always_inline long sp_rewrite(struct __sk_buff *skb, const struct sp_view *view,
                                       const struct sp_end *was, const struct sp_end *is,
                                       __u32 address_at, __u32 port_at)
{
	__u32 checksum = view->transport + SP_TCP_CHECKSUM;
	__u32 address = view->network + address_at;
	const __u32 *new = is->address.word;
	const __u32 *old = was->address.word;
	long error;

	if (view->family == 4) {
		error = bpf_l3_csum_replace(skb, view->network + SP_IP4_CHECKSUM, old[3], new[3],
		                            4);
		error = error
		                ?: bpf_l4_csum_replace(skb, checksum, old[3], new[3],
		                                       BPF_F_PSEUDO_HDR | 4);
		error = error ?: bpf_skb_store_bytes(skb, address, &new[3], 4, 0);
	} else {
		__s64 difference = bpf_csum_diff((__be32 *)old, 16, (__be32 *)new, 16, 0);

		error = bpf_l4_csum_replace(skb, checksum, 0, (__u64)difference, BPF_F_PSEUDO_HDR);
		error = error ?: bpf_skb_store_bytes(skb, address, new, 16, 0);
	}
	error = error ?: bpf_l4_csum_replace(skb, checksum, was->port, is->port, 2);
	return error ?: bpf_skb_store_bytes(skb, view->transport + port_at, &is->port, 2, 0);
}

static __always_inline struct sp_capture_key sp_capture_key(const struct sp_view *view,
                                                            __be16 stand_in)
{
	return (struct sp_capture_key){
		.client = view->from,
		.client_port = bpf_htons(view->source_port),
		.server_port = stand_in,
	};
}

/* Whose turn it is for this client, port and host: that of the connection opened last. */
static __always_inline __u32 sp_turn(const struct sp_view *view, __be16 first)
{
	struct sp_capture_key key = sp_capture_key(view, first);
	const struct sp_capture *capture = bpf_map_lookup_elem(&captures, &key);

	return capture ? capture->turn : 0;
}

/* Remember whom the client meant by @stand_in, and how it is served; and, if it is the first, whose
 * turn it is. */
static __always_inline long sp_remember_as(const struct sp_view *view, __be16 stand_in, __u32 turn,
                                           enum sp_served served, __u64 flags)
{
	struct sp_capture_key key = sp_capture_key(view, stand_in);
	struct sp_capture capture = {
		.server = view->to,
		.port = bpf_htons(view->destination_port),
		.turn = (__u16)turn,
		.served = (__u16)served,
	};

	return bpf_map_update_elem(&captures, &key, &capture, flags);
}

static __always_inline long sp_remember(const struct sp_view *view, __be16 stand_in, __u32 turn,
                                        enum sp_served served)
{
	return sp_remember_as(view, stand_in, turn, served, BPF_ANY);
}

/* Fill @tuple with the connection as the stack will know it; returns the size of its family. */
static __always_inline __u32 sp_tuple(const struct sp_view *view, const struct sp_end *own,
                                      struct bpf_sock_tuple *tuple)
{
	if (view->family == 4) {
		tuple->ipv4.saddr = view->from.word[3];
		tuple->ipv4.daddr = own->address.word[3];
		tuple->ipv4.sport = bpf_htons(view->source_port);
		tuple->ipv4.dport = own->port;
		return sizeof(tuple->ipv4);
	}
	__builtin_memcpy(tuple->ipv6.saddr, &view->from, 16);
	__builtin_memcpy(tuple->ipv6.daddr, &own->address, 16);
	tuple->ipv6.sport = bpf_htons(view->source_port);
	tuple->ipv6.dport = own->port;
	return sizeof(tuple->ipv6);
}

/*
 * The socket of the connection that this segment belongs to, if there is one. A listener found here
 * is somebody else's, bound to every address: not ours to use.
 */
static __always_inline struct bpf_sock *
sp_connection(struct __sk_buff *skb, const struct sp_view *view, const struct sp_end *own)
{
	struct bpf_sock_tuple tuple = {};
	__u32 size = sp_tuple(view, own, &tuple);
	struct bpf_sock *sk;

	sk = bpf_skc_lookup_tcp(skb, &tuple, size, (__u64)BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return NULL;
	if (sk->state == SP_TCP_LISTEN) {
		bpf_sk_release(sk);
		return NULL;
	}
	return sk;
}

/*
 * The same, and its port into @own. A SYN may reuse the client's port while the connection before
 * is in TIME-WAIT here. A listener that is given such a SYN drops it (since Linux 6.10: two sockets
 * must not have the same ends, inet_csk_reqsk_queue_hash_add() in net/ipv4/inet_connection_sock.c),
 * so the next stand-in has its turn. When that is in TIME-WAIT too it gets the SYN: its answer, an
 * ACK, has the client reset it and send the SYN again (RFC 9293, section 3.5.1).
 */
static __always_inline struct bpf_sock *sp_find(struct __sk_buff *skb, const struct sp_view *view,
                                                struct sp_end *own)
{
	__be16 first = sp_stand_in(view);
	struct bpf_sock *sk;
	__u32 turn;

	own->port = first;
	sk = sp_connection(skb, view, own);
	/* Nearly always: whose turn it is costs another look-up. */
	if (sk && sk->state != SP_TCP_TIME_WAIT)
		return sk;
	turn = sp_turn(view, first);
	if (turn) {
		if (sk)
			bpf_sk_release(sk);
		own->port = sp_stand_in_of(first, turn);
		sk = sp_connection(skb, view, own);
	}
	if (!sk || sk->state != SP_TCP_TIME_WAIT || !(view->tcp_flags & SP_TCP_SYN))
		return sk;
	bpf_sk_release(sk);
	turn = (turn + 1) % SP_TURNS;
	if (sp_remember(view, first, turn, SP_SERVED_BY_SOCKET))
		return NULL;
	own->port = sp_stand_in_of(first, turn);
	return sp_connection(skb, view, own);
}

/*
 * The socket of one of the workers, of those from @kind on: SP_LISTENER(0, 0, 0) or SP_LETTERS(0,
 * 0, 0). Clients spread by port and address, connections stay put. By the socket that it comes to a
 * responder knows the zone; one without its own has zone 0's.
 */
static __always_inline struct bpf_sock *sp_worker_socket(const struct sp_view *view, __u32 ifindex,
                                                         __u32 kind)
{
	const struct sp_settings *now = sp_settings_now();
	__u32 worker, zone, index;
	struct bpf_sock *sk;

	if (!now || !now->workers || now->workers > SP_MAX_WORKERS)
		return NULL;
	/* The upper half is what all of address and port have gone into. */
	worker = (view->from.word[3] ^ bpf_htons(view->source_port)) * 0x9e3779b1u >> 16;
	worker = worker * now->workers >> 16;
	zone = sp_zone_of(now, ifindex, view->vlan);
	index = kind + SP_LISTENER(zone, worker, view->family == 6);
	sk = bpf_map_lookup_elem(&listeners, &index);
	if (sk || !zone)
		return sk;
	index = kind + SP_LISTENER(0, worker, view->family == 6);
	return bpf_map_lookup_elem(&listeners, &index);
}

/* What the firewall knows captured packets by. */
static __always_inline void sp_mark(struct __sk_buff *skb)
{
	skb->mark = (skb->mark & ~sp_load.mark_mask) | sp_load.mark;
}

/* Send the packet to @own. */
static __always_inline enum sp_reason
sp_hand_over(struct __sk_buff *skb, const struct sp_view *view, const struct sp_end *own)
{
	struct sp_end meant = {.address = view->to, .port = bpf_htons(view->destination_port)};
	__u32 address_at = view->family == 4 ? SP_IP4_DESTINATION : SP_IP6_DESTINATION;

	if (sp_rewrite(skb, view, &meant, own, address_at, SP_TCP_DESTINATION))
		return SP_REASON_ASSIGN;
	sp_mark(skb);
	return SP_REASON_CAPTURED;
}

/* The same, into @sk. */
static __always_inline enum sp_reason sp_hand_to(struct __sk_buff *skb, const struct sp_view *view,
                                                 const struct sp_end *own, struct bpf_sock *sk)
{
	enum sp_reason reason = sp_hand_over(skb, view, own);

	if (reason == SP_REASON_CAPTURED && bpf_sk_assign(skb, sk, 0))
		return SP_REASON_ASSIGN;
	return reason;
}

/* Whether the connection's first segment was for a socket that is only now being made. */
static __always_inline bool sp_is_adopted(const struct sp_view *view, __be16 stand_in)
{
	struct sp_capture_key key = sp_capture_key(view, stand_in);
	const struct sp_capture *capture = bpf_map_lookup_elem(&captures, &key);

	return capture && capture->served == SP_SERVED_ADOPTED;
}

/*
 * The listener for a segment of no connection, which is remembered, so that what is said to it
 * comes from whom the client meant. Also for what opens none: the reset that ends a connection of a
 * session that is over. But anybody may send that, so it takes nothing's place.
 */
static __always_inline struct bpf_sock *
sp_listener(struct __sk_buff *skb, const struct sp_view *view, __be16 port, bool opens)
{
	/* Before Linux 6.4 the upper half of what an update returns is anything. */
	int error = (int)sp_remember_as(view, port, 0, SP_SERVED_BY_SOCKET,
	                                opens ? BPF_ANY : BPF_NOEXIST);

	if (error && error != -SP_EEXIST)
		return NULL;
	return sp_worker_socket(view, skb->ifindex, SP_LISTENER(0, 0, 0));
}

/*
 * SP_REASON_CAPTURED, or why the packet must be dropped. A function of its own, so that its keys
 * are not on the stack while others are called.
 *
 * A segment of a connection that exists finds its socket by itself, as its ends are rewritten. It
 * must: when a handshake's last segment and the request come together, both are here before the
 * stack has looked at the first (netif_receive_skb_list_internal() in net/core/dev.c). With the
 * request socket that was found here the second one would make another socket for nothing, which
 * costs as much as all else together.
 */
__noinline int sp_capture(struct __sk_buff *skb, const struct sp_view *view)
{
	struct sp_end own = {};
	enum sp_reason reason;
	struct bpf_sock *sk;
	bool opens;

	if (!view)
		return SP_REASON_INTERNAL;
	sp_own_end(view, &own);
	if (!own.address.word[3])
		return SP_REASON_NO_LISTENER;
	opens = view->tcp_flags & SP_TCP_SYN;
	sk = sp_find(skb, view, &own);
	if (!opens && (sk || sp_is_adopted(view, own.port))) {
		if (sk)
			bpf_sk_release(sk);
		return (int)sp_hand_over(skb, view, &own);
	}
	if (!sk)
		sk = sp_listener(skb, view, own.port, opens);
	if (!sk)
		return SP_REASON_NO_LISTENER;
	reason = sp_hand_to(skb, view, &own, sk);
	bpf_sk_release(sk);
	return (int)reason;
}

/*
 * Whether the stack resets a connection that it was to make a socket for (handshake.h): it has got
 * the segment without that. So it is where source NAT is configured and the connection tracked,
 * since Linux 6.6: nf_nat_ipv4_local_in (net/netfilter/nf_nat_proto.c) then takes a socket back
 * that is not of the packet's connection yet. Anybody can bring this about with a late segment; it
 * costs answers their speed, not more.
 */
static __always_inline bool sp_adoption_failed(struct __sk_buff *skb, const struct sp_view *view,
                                               const struct sp_capture *capture)
{
	struct bpf_sock *sk = skb->sk;

	if (capture->served != SP_SERVED_ADOPTED || !(view->tcp_flags & SP_TCP_RST))
		return false;
	if (sk)
		sk = bpf_sk_fullsock(sk);
	return !sk || sk->src_port != view->source_port;
}

/* Learnt once, and until these programs are loaded anew: every connection gets a socket from its
 * SYN on. */
bool sp_adoption_fails;

/*
 * A packet that the gateway itself sends to a client: if it is a responder's, it comes from whom
 * the client meant. False if that could not be written: it must not go out half rewritten.
 */
static __always_inline bool sp_release(struct __sk_buff *skb, const struct sp_view *view)
{
	struct sp_capture_key key = {
		.client = view->to,
		.client_port = bpf_htons(view->destination_port),
		.server_port = bpf_htons(view->source_port),
	};
	struct sp_end own = {.port = key.server_port}, meant;
	struct sp_capture *capture;

	if (view->protocol != IPPROTO_TCP || view->fragment != SP_WHOLE ||
	    view->source_port < SP_STAND_IN)
		return true;
	sp_own_end(view, &own);
	if (own.address.word[3] != view->from.word[3])
		return true;
	capture = bpf_map_lookup_elem(&captures, &key);
	if (!capture)
		return true;
	if (sp_adoption_failed(skb, view, capture))
		sp_adoption_fails = true;
	meant.address = capture->server;
	meant.port = capture->port;
	return !sp_rewrite(skb, view, &own, &meant,
	                   view->family == 4 ? SP_IP4_SOURCE : SP_IP6_SOURCE, SP_TCP_SOURCE);
}

#endif
