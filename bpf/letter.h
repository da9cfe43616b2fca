/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A request that fits into one segment, and its answer, as UDP datagrams: a responder's socket
 * holds many, and none of them costs a connection of the kernel's. A TCP header without options is
 * as long as a UDP header and a struct sp_letter, so nothing has to be moved; what the answer's TCP
 * header needs travels in the letter to the responder and back.
 *
 * Only bpf_sk_assign brings datagrams to the responder's sockets, which are bound to loopback. On
 * the way back that is what they are known by, and by client interfaces they get no further than to
 * clients that wait for an answer.
 */
#ifndef SP_BPF_LETTER_H
#define SP_BPF_LETTER_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "capture.h"
#include "maps.h"
#include "parse.h"
#include "reply_tc.h"

#define SP_LOOPBACK4 0x7f000001 /* RFC 1122 section 3.2.1.3 */

/* The window of what is said without a socket: more than any request that is answered so, and the
 * most without the option that scales it. */
#define SP_TALK_WINDOW 65535

/* What stands in the place of the TCP header. */
union sp_envelope {
	struct {
		__be16 source, destination;
		__be16 length, checksum;
		struct sp_letter letter;
	};
	__u32 word[5];
};

static __always_inline bool sp_ip_load(struct __sk_buff *skb, const struct sp_view *view,
                                       union sp_reply_ip *ip)
{
	return view->family == 4 ? !bpf_skb_load_bytes(skb, view->network, ip, sizeof(ip->v4))
	                         : !bpf_skb_load_bytes(skb, view->network, ip, sizeof(ip->v6));
}

/* Another protocol; and as sender or receiver, at @address, @end. */
static __always_inline void sp_ip_change(const struct sp_view *view, union sp_reply_ip *ip,
                                         __u8 protocol, bool sender, const struct sp_address *end)
{
	if (view->family == 4) {
		ip->v4.protocol = protocol;
		*(sender ? &ip->v4.saddr : &ip->v4.daddr) = end->word[3];
		ip->v4.check = 0;
		ip->v4.check = (__u16)~sp_fold(sp_sum(ip->word, sizeof(ip->v4) / 4));
	} else {
		ip->v6.nexthdr = protocol;
		__builtin_memcpy(sender ? &ip->v6.saddr : &ip->v6.daddr, end, sizeof(*end));
	}
}

/* The same as minus @count words, to the sum of RFC 1071. */
static __always_inline __u64 sp_sum_less(const __u32 *word, __u32 count)
{
	__u64 sum = 0;

#pragma unroll
	for (__u32 i = 0; i < count; i++)
		sum += ~word[i];
	return sum;
}

/*
 * The checksum that makes the datagram as right or wrong as the segment was: what did not change is
 * in both sums, and the sum of a right one is nothing.
 */
static __always_inline __u16 sp_letter_checksum(const struct sp_view *view,
                                                const union sp_reply_tcp *was,
                                                const struct sp_end *own,
                                                const union sp_envelope *is)
{
	__u64 sum = sp_sum(was->word, 5) + sp_sum(view->to.word, 4) + bpf_htonl(IPPROTO_TCP);
	__u16 checksum;

	sum += sp_sum_less(is->word, 5) + sp_sum_less(own->address.word, 4);
	sum += ~bpf_htonl(IPPROTO_UDP);
	checksum = sp_fold(sum);
	return checksum ?: 0xffff; /* RFC 768: none at all is 0 */
}

/* Turn the segment @was, with @payload bytes behind its header, into a datagram to @own. */
static __always_inline bool sp_letter_write(struct __sk_buff *skb, const struct sp_view *view,
                                            const union sp_reply_tcp *was, __u32 payload,
                                            const struct sp_end *own)
{
	__u32 end = bpf_ntohl(was->sequence) + payload + !!(was->flags & SP_TCP_FIN);
	union sp_envelope is = {
		.source = was->source,
		.destination = own->port,
		.length = bpf_htons((__u16)(sizeof(is) + payload)),
		.letter.sequence = was->acknowledgement,
		.letter.acknowledged = bpf_htonl(end),
		.letter.stand_in = own->port,
	};
	union sp_reply_ip ip;

	if (!sp_ip_load(skb, view, &ip))
		return false;
	is.checksum = sp_letter_checksum(view, was, own, &is);
	sp_ip_change(view, &ip, IPPROTO_UDP, false, &own->address);
	return sp_packet_write(skb, view, &ip, &is, sizeof(is));
}

/* Whether it is a responder's socket for letters that sends this. */
static __always_inline bool sp_is_letter(struct __sk_buff *skb, const struct sp_view *view)
{
	struct bpf_sock *sk = skb->sk;
	__u32 own4, high, low;

	if (view->protocol != IPPROTO_UDP || !sk)
		return false;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return false;
	/* Volatile and all at once: clang must not make one load of two, which the kernel would not
	 * translate. */
	own4 = *(volatile __u32 *)&sk->src_ip4;
	high = *(volatile __u32 *)&sk->src_ip6[0] | *(volatile __u32 *)&sk->src_ip6[1];
	high |= *(volatile __u32 *)&sk->src_ip6[2];
	low = *(volatile __u32 *)&sk->src_ip6[3];
	return view->family == 4 ? own4 == bpf_htonl(SP_LOOPBACK4) : !high && low == bpf_htonl(1);
}

/* The segment that @letter, from the gateway to a client, becomes: the answer, which is also all
 * that is ever said (RFC 9112 section 9.6), or a reset. */
static __always_inline void sp_letter_segment(const struct sp_view *view,
                                              const struct sp_capture *capture,
                                              const struct sp_letter *letter, bool answer,
                                              union sp_reply_tcp *segment)
{
	__u32 headers = sp_reply_ip_size(view), length = view->length - headers;
	__u64 sum = sp_sum(view->to.word, 4) + sp_sum(capture->server.word, 4);

	__builtin_memset(segment, 0, sizeof(*segment));
	segment->source = capture->port;
	segment->destination = bpf_htons(view->destination_port);
	segment->sequence = letter->sequence;
	segment->acknowledgement = letter->acknowledged;
	segment->offset = sizeof(*segment) / 4 << 4;
	segment->flags = answer ? SP_TCP_ACK | SP_TCP_PSH | SP_TCP_FIN : SP_TCP_RST | SP_TCP_ACK;
	segment->window = bpf_htons(SP_TALK_WINDOW);
	sum += sp_sum(segment->word, 5) + bpf_htonl(IPPROTO_TCP) + bpf_htonl(length);
	segment->checksum = (__u16)~sp_fold(sum + (answer ? letter->sum : 0));
}

/*
 * Turn what a responder says by a letter into a segment. SP_REASON_NONE, or why it must not go out.
 */
__noinline int sp_letter_out(struct __sk_buff *skb, const struct sp_view *view)
{
	struct sp_capture_key key = {};
	union sp_reply_tcp segment;
	struct sp_capture *capture;
	union sp_envelope was;
	union sp_reply_ip ip;
	__u32 size;

	if (!view || view->fragment != SP_WHOLE || skb->gso_size ||
	    view->transport != view->network + sp_reply_ip_size(view) ||
	    bpf_skb_load_bytes(skb, view->transport, &was, sizeof(was)) ||
	    !sp_ip_load(skb, view, &ip))
		return SP_REASON_INTERNAL;
	key.client = view->to;
	key.client_port = was.destination;
	key.server_port = was.letter.stand_in;
	capture = bpf_map_lookup_elem(&captures, &key);
	if (!capture)
		return SP_REASON_INTERNAL;
	if (capture->served != SP_SERVED_BY_DATAGRAM)
		return SP_REASON_DECLINED;
	size = sp_reply_ip_size(view) + (__u32)sizeof(was);
	if (view->length == size && was.letter.sum == SP_LETTER_DECLINE) {
		capture->served = SP_SERVED_DECLINED;
		return SP_REASON_DECLINED;
	}
	sp_letter_segment(view, capture, &was.letter, view->length > size, &segment);
	sp_ip_change(view, &ip, IPPROTO_TCP, true, &capture->server);
	return sp_packet_write(skb, view, &ip, &segment, sizeof(segment)) ? SP_REASON_NONE
	                                                                  : SP_REASON_INTERNAL;
}

#endif
