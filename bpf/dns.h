/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the garden learns the addresses of names: a question of a captive client to a listed resolver
 * is remembered, the answer to it is copied to user space (answer.h), which writes the garden. With
 * no name in the garden none of this is done.
 *
 * A client is often as fast as user space: its first packet to an address may come before the
 * address has been learnt. Such a packet is dropped without an answer and comes again (RFC 6298: a
 * SYN after a second), where a reset or a login page would be the end of it.
 */
#ifndef SP_BPF_DNS_H
#define SP_BPF_DNS_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "budget.h"
#include "load.h"
#include "maps.h"
#include "parse.h"

/* A resolver that needs longer than this is asked again. */
#define SP_QUESTION_SECONDS 10u

/* For how long after an answer a client's packets wait for user space: 1/4 s. It normally needs
 * less than one ms; should it hang, the wait is over soon. */
#define SP_PENDING_PART 4u

/* Remember a question. @id: of the DNS message, network order. */
static __always_inline void sp_question_add(const struct sp_view *view, __u16 id, __u64 now)
{
	struct sp_query query = {
		.client = view->from,
		.resolver = view->to,
		.port = bpf_htons(view->source_port),
		.id = id,
	};

	bpf_map_update_elem(&queries, &query, &now, BPF_ANY);
}

/* Called for what a captive client sends to a resolver and may. Always 0. */
__noinline int sp_dns_asked(SP_CONTEXT *context, const struct sp_view *view, __u64 now)
{
	struct sp_settings *config = sp_settings_now();
	enum sp_reason reason = SP_REASON_NONE;
	struct sp_frame frame = {};
	__u16 *id;

	if (!view || !config || !config->garden_names || view->protocol != IPPROTO_UDP)
		return 0;
	frame.data = (void *)(long)context->data;
	frame.end = (void *)(long)context->data_end;
	id = sp_at(&frame, view->transport + (__u32)sizeof(struct udphdr), sizeof(*id), &reason);
	if (id)
		sp_question_add(view, *id, now);
	return 0;
}

/* The key of what a client was last answered: its MAC and VLAN, in place of addresses. A client may
 * ask by IPv4 and go on by IPv6. */
static __always_inline void sp_dns_client(struct sp_query *query, const __u16 mac[3], __u16 vlan)
{
	__builtin_memset(query, 0, sizeof(*query));
	query->client.word[0] = (__u32)mac[0] << 16 | mac[1];
	query->client.word[1] = (__u32)mac[2] << 16 | vlan;
}

/* Whether user space has not yet read an answer that this client may just have got. */
static __always_inline bool sp_dns_pending(const struct sp_settings *config,
                                           const struct sp_view *view, __u64 now)
{
	struct sp_query client;
	__u64 *answered;

	if (!config->garden_names || view->tcp_flags & SP_TCP_ACK)
		return false;
	if (!bpf_ringbuf_query(&answers, BPF_RB_AVAIL_DATA))
		return false;
	sp_dns_client(&client, view->source, view->vlan);
	answered = bpf_map_lookup_elem(&queries, &client);
	return answered && now - *answered <= sp_load.hz / SP_PENDING_PART;
}

#endif
