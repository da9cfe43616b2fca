/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captured connections without a socket. Nearly all of them carry one short request and one short
 * answer, and a connection of the kernel's costs many times what either does. So the datapath says
 * itself what TCP (RFC 9293) wants to have said, and remembers nothing of it:
 *
 *   SYN                     SYN and ACK, with a cookie (cookie.h)
 *   ACK of that             to the responder: somebody has connected
 *   request, whole          to the responder (letter.h), whose answer goes back with ACK and FIN
 *   anything else instead   the kernel makes a socket of the cookie, and all goes on there
 *   FIN without a request   FIN and ACK
 *   anything after that     ACK
 *
 * What is lost is sent again by the client: an answer that it has not had has not acknowledged its
 * request either. No option is agreed on but that of the segment's size, so that there is nothing
 * to remember; 64 KiB of window are more than a request needs.
 *
 * A socket for a cookie needs bpf_sk_assign_tcp_reqsk, of Linux 6.9. Before, and for a client that
 * takes less than SP_LETTER_SIZE bytes in a segment, every connection has a socket from its SYN on.
 */
#ifndef SP_BPF_HANDSHAKE_H
#define SP_BPF_HANDSHAKE_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "capture.h"
#include "cookie.h"
#include "letter.h"
#include "maps.h"
#include "parse.h"
#include "reply_tc.h"

/* Of the kernel's own: include/net/tcp.h. */
struct bpf_tcp_req_attrs {
	__u32 rcv_tsval, rcv_tsecr;
	__u16 mss;
	__u8 rcv_wscale, snd_wscale;
	__u8 ecn_ok, wscale_ok, sack_ok, tstamp_ok, usec_ts_ok;
	__u8 reserved[3];
};
struct sock {
	int unused;
} __attribute__((preserve_access_index));

extern int bpf_sk_assign_tcp_reqsk(struct __sk_buff *skb, struct sock *sk,
                                   struct bpf_tcp_req_attrs *attrs, int attrs__sz) __ksym __weak;

#define SP_TCP_OPTION_SIZE  0x0204u /* kind 2, 4 bytes: maximum segment size (RFC 9293) */
#define SP_SHORTEST_REQUEST 18u     /* "GET / HTTP/1.0", and the empty line */

/* Times that a request may be repeated until its connection gets a socket, which repeats by itself.
 */
#define SP_LETTERS_EACH 4u

/* What becomes of a captured segment. */
enum sp_talk {
	SP_TALK_ELSEWHERE, /* it is of a connection that has a socket, or of none at all */
	SP_TALK_SEND,      /* it is its own answer now */
	SP_TALK_HEARD,     /* nothing is to be said */
	SP_TALK_UNTIMELY,  /* the same, and it must come again */
	SP_TALK_LETTER,    /* it goes to the responder */
	SP_TALK_ADOPT,     /* its connection is to have a socket */
	SP_TALK_FAILED,    /* the kernel refused */
};

/* A segment of a captured connection. */
struct sp_said {
	union sp_reply_tcp tcp;
	__u32 payload;              /* bytes */
	__u64 now;                  /* jiffies */
	__u64 hash;                 /* sp_cookie_hash() */
	struct sp_capture *capture; /* what is remembered of it as no socket's, or NULL */
	struct sp_cookie cookie;
};

/* Send @flags back, as an answer to @said: with the option of the segment's size if it is a SYN. */
static __always_inline int sp_talk_send(struct __sk_buff *skb, const struct sp_view *view,
                                        const struct sp_said *said, __u32 sequence, __u8 flags)
{
	__u32 heard = bpf_ntohl(said->tcp.sequence);
	struct sp_segment out = {};
	bool syn = flags & SP_TCP_SYN;

	/* What comes with a SYN (RFC 7413) is not kept here: the client has to send it again. */
	heard += syn ? 1 : said->payload + !!(said->tcp.flags & SP_TCP_FIN);
	out.tcp.source = said->tcp.destination;
	out.tcp.destination = said->tcp.source;
	out.tcp.sequence = bpf_htonl(sequence);
	out.tcp.acknowledgement = bpf_htonl(heard);
	out.tcp.offset = syn ? sizeof(out) / 4 << 4 : sizeof(out.tcp) / 4 << 4;
	out.tcp.flags = flags;
	out.tcp.window = bpf_htons(SP_TALK_WINDOW);
	if (syn)
		out.option = bpf_htonl(SP_TCP_OPTION_SIZE << 16 | SP_LETTER_SIZE);
	if (!sp_answer_segment(skb, view, &out, syn))
		return SP_TALK_FAILED;
	skb->tc_index = SP_SAID_INDEX;
	return SP_TALK_SEND;
}

/* A SYN. */
static __always_inline int sp_talk_open(struct __sk_buff *skb, const struct sp_view *view,
                                        const struct sp_said *said)
{
	__u32 first = bpf_ntohl(said->tcp.sequence);
	struct sp_end own = {};
	struct bpf_sock *sk;
	__be32 option;

	/* Without an address of that family nothing could be handed over later. */
	sp_own_end(view, &own);
	if (!own.address.word[3] || sp_adoption_fails)
		return SP_TALK_ELSEWHERE;
	/* Everybody has that option in front (RFC 9293 section 3.7.1). */
	if (said->tcp.offset >> 4 < 6 ||
	    bpf_skb_load_bytes(skb, view->transport + (__u32)sizeof(said->tcp), &option, 4))
		return SP_TALK_ELSEWHERE;
	option = bpf_ntohl(option);
	if (option >> 16 != SP_TCP_OPTION_SIZE || (option & 0xffff) < SP_LETTER_SIZE)
		return SP_TALK_ELSEWHERE;
	sk = sp_worker_socket(view, skb->ifindex, SP_LETTERS(0, 0, 0));
	if (!sk)
		return SP_TALK_ELSEWHERE;
	bpf_sk_release(sk);
	if (said->capture)
		said->capture->asked = 0;
	return sp_talk_send(skb, view, said, sp_cookie_make(said->hash, first, said->now),
	                    SP_TCP_SYN | SP_TCP_ACK);
}

/* Hand the segment to the responder. */
static __always_inline int sp_talk_letter(struct __sk_buff *skb, const struct sp_view *view,
                                          const struct sp_said *said)
{
	struct sp_end own = {.port = sp_stand_in(view)};
	struct bpf_sock *sk;
	long error;

	sp_own_end(view, &own);
	if ((!said->capture || said->capture->served != SP_SERVED_BY_DATAGRAM) &&
	    sp_remember(view, own.port, 0, SP_SERVED_BY_DATAGRAM))
		return SP_TALK_FAILED;
	sk = sp_worker_socket(view, skb->ifindex, SP_LETTERS(0, 0, 0));
	if (!sk)
		return SP_TALK_UNTIMELY;
	error = sp_letter_write(skb, view, &said->tcp, said->payload, &own)
	                ? bpf_sk_assign(skb, sk, 0)
	                : -1;
	bpf_sk_release(sk);
	sp_mark(skb);
	return error ? SP_TALK_FAILED : SP_TALK_LETTER;
}

/* Whether a request is of the kind that one segment holds, and this one does: what begins as a GET
 * or HEAD and ends with an empty line. Its reader will look more closely. */
static __always_inline bool sp_is_short_request(struct __sk_buff *skb, const struct sp_view *view,
                                                const struct sp_said *said)
{
	__u32 at = view->transport + (__u32)sizeof(said->tcp);
	__u32 begin, end;

	/* What came in several segments may be one packet here. */
	if (skb->gso_size || said->tcp.offset >> 4 != 5 || said->payload < SP_SHORTEST_REQUEST ||
	    said->payload > SP_LETTER_SIZE || bpf_ntohs(said->tcp.window) < SP_LETTER_SIZE)
		return false;
	if (bpf_skb_load_bytes(skb, at, &begin, 4) ||
	    bpf_skb_load_bytes(skb, at + said->payload - 4, &end, 4))
		return false;
	return end == bpf_htonl(0x0d0a0d0a) &&
	       (begin == bpf_htonl(0x47455420) || begin == bpf_htonl(0x48454144));
}

/*
 * Whether a request may go by letter. Not when that was declined, or has been tried some times: a
 * connection costs a client's budget once, whatever it repeats. And not when the stack does not
 * know where the client is: answers would wait for that in a buffer that is everybody's, where
 * those of a socket wait in its own.
 */
static __always_inline bool sp_may_be_letter(struct __sk_buff *skb, const struct sp_view *view,
                                             const struct sp_said *said)
{
	struct bpf_fib_lookup way = {.ifindex = skb->ifindex};

	if (said->capture && (said->capture->served == SP_SERVED_DECLINED ||
	                      said->capture->asked++ >= SP_LETTERS_EACH))
		return false;
	if (view->family == 4) {
		way.family = SP_AF_INET;
		way.ipv4_src = view->to.word[3];
		way.ipv4_dst = view->from.word[3];
	} else {
		way.family = SP_AF_INET6;
		__builtin_memcpy(way.ipv6_src, &view->to, 16);
		__builtin_memcpy(way.ipv6_dst, &view->from, 16);
	}
	return bpf_fib_lookup(skb, &way, sizeof(way), 0) != BPF_FIB_LKUP_RET_NO_NEIGH;
}

/* A segment of a client that has not heard anything yet but our SYN. */
static __always_inline int sp_talk_begin(struct __sk_buff *skb, const struct sp_view *view,
                                         const struct sp_said *said)
{
	__u32 mine = bpf_ntohl(said->tcp.acknowledgement);

	if (!said->cookie.is_first)
		return said->payload || said->tcp.flags & SP_TCP_FIN ? SP_TALK_UNTIMELY
		                                                     : SP_TALK_HEARD;
	if (said->payload)
		return sp_is_short_request(skb, view, said) && sp_may_be_letter(skb, view, said)
		               ? sp_talk_letter(skb, view, said)
		               : SP_TALK_ADOPT;
	if (said->tcp.flags & SP_TCP_FIN)
		return sp_talk_send(skb, view, said, mine, SP_TCP_FIN | SP_TCP_ACK);
	return said->tcp.offset >> 4 == 5 ? sp_talk_letter(skb, view, said) : SP_TALK_HEARD;
}

/* A segment of a connection of ours, or of nobody's. */
static __always_inline int sp_talk_on(struct __sk_buff *skb, const struct sp_view *view,
                                      struct sp_said *said)
{
	__u32 mine = bpf_ntohl(said->tcp.acknowledgement);

	if (!sp_cookie_read(said->hash, bpf_ntohl(said->tcp.sequence), mine, said->now,
	                    &said->cookie))
		return SP_TALK_ELSEWHERE;
	if (said->tcp.flags & SP_TCP_RST)
		return SP_TALK_HEARD;
	if (!said->cookie.heard)
		return sp_talk_begin(skb, view, said);
	/* So many bits of a cookie are anything, then: a stray segment might pass for ours. */
	if (!said->capture || said->cookie.heard > SP_LETTER_SIZE + 1)
		return SP_TALK_ELSEWHERE;
	if (said->payload || said->tcp.flags & SP_TCP_FIN)
		return sp_talk_send(skb, view, said, mine, SP_TCP_ACK);
	return SP_TALK_HEARD;
}

/* Two hosts may have the same stand-in. */
static __always_inline bool sp_is_meant(const struct sp_view *view,
                                        const struct sp_capture *capture)
{
	return sp_same_address(&capture->server, &view->to) &&
	       capture->port == bpf_htons(view->destination_port);
}

/* Read what is needed of the segment. False: it cannot be of a connection without a socket. */
static __always_inline bool sp_talk_read(struct __sk_buff *skb, const struct sp_view *view,
                                         struct sp_said *said)
{
	__u32 size = sp_reply_ip_size(view);
	struct sp_capture *capture;
	struct sp_capture_key key;

	if (view->transport != view->network + size ||
	    bpf_skb_load_bytes(skb, view->transport, &said->tcp, sizeof(said->tcp)))
		return false;
	/* The parser has seen that the headers are there. */
	said->payload = view->length - size - (said->tcp.offset >> 4) * 4u;
	key = sp_capture_key(view, sp_stand_in(view));
	capture = bpf_map_lookup_elem(&captures, &key);
	if (!capture)
		return true;
	if (capture->served != SP_SERVED_BY_DATAGRAM && capture->served != SP_SERVED_DECLINED)
		return false;
	if (sp_is_meant(view, capture))
		said->capture = capture;
	return true;
}

/* enum sp_talk. A function of its own to the verifier, as is the next. */
__noinline int sp_talk(struct __sk_buff *skb, const struct sp_view *view)
{
	const struct sp_settings *config = sp_settings_now();
	struct sp_said said = {};

	if (!sp_load.cookies || !view || !config || !sp_talk_read(skb, view, &said))
		return SP_TALK_ELSEWHERE;
	said.now = bpf_jiffies64();
	said.hash = sp_cookie_hash(view, config->cookie_key);
	if (!(said.tcp.flags & SP_TCP_SYN))
		return said.tcp.flags & SP_TCP_ACK ? sp_talk_on(skb, view, &said)
		                                   : SP_TALK_ELSEWHERE;
	return said.tcp.flags & (SP_TCP_ACK | SP_TCP_FIN | SP_TCP_RST)
	               ? SP_TALK_ELSEWHERE
	               : sp_talk_open(skb, view, &said);
}

/* Have the kernel make a socket of the connection that this segment is the first of, and take it
 * there. SP_REASON_CAPTURED, or why the packet must be dropped. */
__noinline int sp_adopt(struct __sk_buff *skb, const struct sp_view *view)
{
	struct bpf_tcp_req_attrs attributes = {.mss = SP_LETTER_SIZE};
	enum sp_reason reason = SP_REASON_ASSIGN;
	struct bpf_tcp_sock *listener;
	struct sp_end own = {};
	struct bpf_sock *sk;

	if (!sp_load.cookies || !view)
		return SP_REASON_INTERNAL;
	sp_own_end(view, &own);
	own.port = sp_stand_in(view);
	sk = sp_worker_socket(view, skb->ifindex, SP_LISTENER(0, 0, 0));
	if (!sk)
		return SP_REASON_NO_LISTENER;
	listener = (void *)bpf_skc_to_tcp_sock(sk);
	if (listener && !sp_remember(view, own.port, 0, SP_SERVED_ADOPTED))
		reason = sp_hand_over(skb, view, &own);
	if (reason == SP_REASON_CAPTURED &&
	    bpf_sk_assign_tcp_reqsk(skb, (struct sock *)listener, &attributes, sizeof(attributes)))
		reason = SP_REASON_ASSIGN;
	bpf_sk_release(sk);
	return (int)reason;
}

#endif
