/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Answers of listed resolvers to captive clients, copied for user space; see dns.h. What nobody
 * asked for, what comes from elsewhere and what a client of the same interface sends in is not.
 */
#ifndef SP_BPF_ANSWER_H
#define SP_BPF_ANSWER_H

#include <linux/bpf.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "dns.h"
#include "load.h"
#include "maps.h"
#include "parse.h"
#include "zone.h"

#define SP_DNS_HEADER 12u /* RFC 1035 section 4.1.1 */

/* Bytes of the DNS message; 0: none that is whole and fits. */
static __always_inline __u32 sp_answer_length(struct __sk_buff *skb, const struct sp_view *view)
{
	__u32 at = view->transport + (__u32) __builtin_offsetof(struct udphdr, len), length;
	__be16 udp;

	if (view->fragment != SP_WHOLE || skb->gso_size || bpf_skb_load_bytes(skb, at, &udp, 2))
		return 0;
	length = bpf_ntohs(udp) - (__u32)sizeof(struct udphdr);
	return length >= SP_DNS_HEADER && length <= SP_ANSWER_SIZE ? length : 0;
}

/* Whether the client asked for this, and forget that it did. */
static __always_inline bool sp_question_take(struct __sk_buff *skb, const struct sp_view *view,
                                             __u64 now)
{
	struct sp_query query = {
		.client = view->to,
		.resolver = view->from,
		.port = bpf_htons(view->destination_port),
	};
	__u64 *asked;

	if (bpf_skb_load_bytes(skb, view->transport + (__u32)sizeof(struct udphdr), &query.id, 2))
		return false;
	asked = bpf_map_lookup_elem(&queries, &query);
	if (!asked || now - *asked > (__u64)SP_QUESTION_SECONDS * sp_load.hz)
		return false;
	return !bpf_map_delete_elem(&queries, &query);
}

static __always_inline void sp_answer_copy(struct __sk_buff *skb, const struct sp_view *view,
                                           __u32 length, __u64 now)
{
	const struct sp_settings *config = sp_settings_now();
	struct sp_dns_answer *answer = bpf_ringbuf_reserve(&answers, sizeof(*answer), 0);
	struct sp_query client;

	if (!answer)
		return;
	sp_dns_client(&client, view->destination, view->vlan);
	__builtin_memcpy(answer->client.mac, view->destination, 6);
	answer->client.vlan = view->vlan;
	answer->length = length;
	answer->ifindex = skb->ingress_ifindex;
	answer->zone = config ? sp_zone_of(config, skb->ifindex, view->vlan) : 0;
	answer->spare = 0;
	/* For the verifier, which has forgotten the bounds. */
	barrier_var(length);
	if (length < SP_DNS_HEADER || length > SP_ANSWER_SIZE ||
	    bpf_skb_load_bytes(skb, view->transport + (__u32)sizeof(struct udphdr), answer->data,
	                       length)) {
		bpf_ringbuf_discard(answer, 0);
		return;
	}
	bpf_map_update_elem(&queries, &client, &now, BPF_ANY);
	bpf_ringbuf_submit(answer, 0);
}

/* Called for UDP from port 53 to a captive client that may have it. Always 0. */
__noinline int sp_dns_answered(struct __sk_buff *skb, const struct sp_view *view, __u64 now)
{
	__u32 length;

	if (!view || skb->ingress_ifindex == skb->ifindex || !sp_is_resolver(&view->from))
		return 0;
	length = sp_answer_length(skb, view);
	if (length && sp_question_take(skb, view, now))
		sp_answer_copy(skb, view, length, now);
	return 0;
}

#endif
