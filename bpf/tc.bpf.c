// SPDX-License-Identifier: GPL-2.0-only
/*
 * Theory of operation. Ingress of a client interface: if XDP was here, its verdict is in the
 * metadata and nothing is looked up again; else this program judges by itself, with the same code.
 * What is captured is answered or handed to a responder: as a datagram (handshake.h) or to a socket
 * of the kernel's (capture.h).
 *
 * The verdict of XDP is for the VLAN that XDP saw. A NIC that strips tags hides them from XDP; the
 * stack knows the tag, so a verdict for another VLAN is not believed. A priority tag names no VLAN:
 * the one that XDP found behind it stands.
 *
 * Egress of a client interface: downloads are counted to the client of the destination MAC, and
 * stopped when it has no session. The gateway's own packets reach a captive client: they are the
 * answers of the responder, the portal, the DHCP server and the resolver. Those of the responder
 * get the address back that the client had asked for.
 *
 * Packets that pass return TC_ACT_UNSPEC, so that other programs and filters on the hook still run.
 */
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#define SP_CONTEXT struct __sk_buff
#include "answer.h"
#include "capture.h"
#include "client.h"
#include "dhcp.h"
#include "download.h"
#include "handshake.h"
#include "letter.h"
#include "reply_tc.h"
#include "short.h"

/* Longest headers looked at: Ethernet, two tags, IPv6 with extensions, TCP with options. */
#define SP_PULL 512u

static __always_inline void sp_frame_of(struct __sk_buff *skb, __u32 length, struct sp_frame *frame)
{
	frame->context = skb;
	frame->data = (void *)(long)skb->data;
	frame->end = (void *)(long)skb->data_end;
	frame->length = length;
	frame->tag = skb->vlan_present;
	/* Before Linux 6.2 the id of a tag that is done with stays there. */
	frame->vlan = skb->vlan_present ? (__u16)(skb->vlan_tci & 0x0fff) : 0;
	frame->segment = (__u16)skb->gso_size;
	frame->segments = frame->segment ? (__u16)skb->gso_segs : 1;
}

/* The stack may have left headers in page fragments: get them in front once, then it is final. */
static __always_inline void sp_pull(struct __sk_buff *skb)
{
	__u32 linear = (__u32)(skb->data_end - skb->data);

	if (linear < SP_PULL && linear < skb->len)
		bpf_skb_pull_data(skb, skb->len < SP_PULL ? skb->len : SP_PULL);
}

/* The verdict that XDP left, or NULL. */
static __always_inline const struct sp_meta *sp_meta_read(struct __sk_buff *skb)
{
	const struct sp_meta *meta = (void *)(long)skb->data_meta;
	__u32 vlan;

	if ((void *)(meta + 1) > (void *)(long)skb->data)
		return NULL;
	if (meta->magic != SP_META_MAGIC)
		return NULL;
	vlan = skb->vlan_tci & 0x0fff;
	if (skb->vlan_present ? vlan && meta->vlan != vlan : meta->vlan != 0)
		return NULL;
	return meta;
}

/*
 * The stack loops what the gateway sends to a multicast group back to itself (dev_loopback_xmit).
 * It comes by here without its Ethernet header, and from no client: no driver receives packets of
 * this type.
 */
static __always_inline bool sp_is_looped(const struct __sk_buff *skb, struct sp_view *view)
{
	if (skb->pkt_type != PACKET_LOOPBACK)
		return false;
	view->packets = 1;
	view->bytes = skb->len;
	return true;
}

static __always_inline int sp_action(enum sp_reason reason)
{
	return sp_passes(reason) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/* Answer what is refused on the interface it came from. */
static __always_inline int sp_tc_refuse(struct __sk_buff *skb, const struct sp_view *view,
                                        struct sp_judged *judged)
{
	bool answered = sp_reply(skb, view, judged->reason);

	if (!answered)
		judged->reason = sp_unanswered(judged->reason);
	sp_count_reason(judged->reason, view);
	return answered ? (int)bpf_redirect(skb->ifindex, 0) : TC_ACT_SHOT;
}

/* What is captured. */
static __always_inline int sp_tc_capture(struct __sk_buff *skb, const struct sp_view *view)
{
	enum sp_reason reason = SP_REASON_CAPTURED;
	int action = TC_ACT_OK;

	switch (sp_talk(skb, view)) {
	case SP_TALK_SEND:
		action = (int)bpf_redirect(skb->ifindex, 0);
		break;
	case SP_TALK_HEARD:
		action = TC_ACT_SHOT;
		break;
	case SP_TALK_LETTER:
		break;
	case SP_TALK_UNTIMELY:
		reason = SP_REASON_UNTIMELY;
		break;
	case SP_TALK_ADOPT:
		reason = (enum sp_reason)sp_adopt(skb, view);
		break;
	case SP_TALK_ELSEWHERE:
		reason = (enum sp_reason)sp_capture(skb, view);
		break;
	default:
		reason = SP_REASON_ASSIGN;
	}
	sp_count_reason(reason, view);
	return reason == SP_REASON_CAPTURED ? action : TC_ACT_SHOT;
}

/* Whether XDP has left something to do: what needs the stack is done here. */
static __always_inline bool sp_meta_is_work(const struct sp_meta *meta)
{
	return meta->reason == SP_REASON_CAPTURED || sp_is_refusal(meta->reason);
}

/* What XDP has not done. @meta: its verdict, or NULL. */
static __always_inline int sp_in(struct __sk_buff *skb, const struct sp_meta *meta)
{
	const struct sp_found nothing = {};
	struct sp_judged judged = {};
	struct sp_view view = {};
	enum sp_reason reason;

	if (sp_is_looped(skb, &view)) {
		sp_count_reason(SP_REASON_LOOPED, &view);
		return TC_ACT_UNSPEC;
	}
	judged.reason = meta ? (enum sp_reason)meta->reason : SP_REASON_NONE;
	sp_pull(skb);
	reason = (enum sp_reason)sp_parse(skb, &view, skb->len);
	if (!judged.reason) {
		sp_client_judge(&view, reason, skb->ifindex, &nothing, &judged);
		sp_client_charge(&view, &judged);
	}
	if (sp_is_refusal(judged.reason))
		return sp_tc_refuse(skb, &view, &judged);
	if (judged.reason == SP_REASON_DNS)
		sp_dns_asked(skb, &view, judged.now);
	if (judged.reason == SP_REASON_CAPTURED)
		return sp_tc_capture(skb, &view);
	sp_count_reason(judged.reason, &view);
	return sp_action(judged.reason);
}

SEC("tc")
int sallyport_in(struct __sk_buff *skb)
{
	const struct sp_meta *meta = sp_meta_read(skb);

	return meta && !sp_meta_is_work(meta) ? TC_ACT_UNSPEC : sp_in(skb, meta);
}

/*
 * A segment towards a client that has no session any more. If it only receives, nothing of its own
 * would ever be answered: its connection is reset, or the download would just stand still.
 */
static __always_inline enum sp_reason sp_down_reset(struct __sk_buff *skb, struct sp_view *view,
                                                    const struct sp_judged *judged)
{
	struct sp_news news = {
		.client = judged->key,
		.reason = SP_REASON_DOWN_RESET,
		.ifindex = judged->ifindex,
		.now = judged->now,
	};
	enum sp_reason reason;

	sp_view_turn(view);
	reason = (enum sp_reason)sp_guest_charge(&news, view);
	if (reason == SP_REASON_DOWN_RESET && !sp_write_reset(skb, view, 1))
		return SP_REASON_DOWN_CAPTIVE;
	return reason;
}

/* What may be sent to a captive client. */
static __always_inline enum sp_reason sp_down_guest(struct __sk_buff *skb, struct sp_view *view,
                                                    const struct sp_judged *judged)
{
	struct sp_settings *config = sp_settings_now();
	enum sp_reason reason = sp_judge_down(view, !skb->ingress_ifindex), answer;

	if (!config)
		return reason;
	if (sp_passes(reason)) {
		if (config->garden_names && view->protocol == IPPROTO_UDP &&
		    view->source_port == SP_PORT_DNS)
			sp_dns_answered(skb, view, judged->now);
		return reason;
	}
	answer = sp_reply_reason(skb, view);
	if (answer)
		return answer;
	if (config->bypass)
		return SP_REASON_DOWN_BYPASS;
	if (sp_garden_open(config, view, false, judged->ifindex, judged->now))
		return SP_REASON_DOWN_GARDEN;
	if (config->refuse_tcp == SP_REFUSE_ANSWER && sp_may_reset(view))
		return sp_down_reset(skb, view, judged);
	return reason;
}

static __always_inline enum sp_reason sp_down(struct __sk_buff *skb, struct sp_view *view)
{
	struct sp_judged judged = {.now = bpf_jiffies64(), .ifindex = skb->ifindex};
	enum sp_reason reason = (enum sp_reason)sp_parse(skb, view, skb->len);

	if (reason)
		return SP_REASON_DOWN_MALFORMED;
	if (!skb->ingress_ifindex && sp_is_dhcp_answer(view))
		sp_dhcp_heed(skb, view);
	if (sp_is_group(view->destination))
		return SP_REASON_DOWN_GROUP;
	__builtin_memcpy(judged.key.mac, view->destination, 6);
	judged.key.vlan = view->vlan;
	reason = sp_find_session(&judged, view);
	if (reason == SP_REASON_BLOCKED)
		return SP_REASON_DOWN_BLOCKED;
	if (reason)
		return reason;
	judged.reason = SP_REASON_DOWN_AUTHORIZED;
	if (judged.policy && judged.cell)
		return sp_download_charge(view, &judged);
	return sp_down_guest(skb, view, &judged);
}

/* Read a plain packet that is forwarded and stands for itself only; false for any other. */
static __always_inline bool sp_out_parse(const struct __sk_buff *skb, struct sp_view *view)
{
	if (!skb->ingress_ifindex || skb->gso_size ||
	    !sp_plain_parse((void *)(long)skb->data, (void *)(long)skb->data_end, view))
		return false;
	if (!skb->vlan_present)
		return true;
	view->vlan = skb->vlan_tci & 0x0fff;
	return view->network == ETH_HLEN;
}

/* The short way of a download; false: it has to go the long one. */
static __always_inline bool sp_out_short(const struct __sk_buff *skb)
{
	const struct sp_client_policy *policy;
	__u64 now = bpf_jiffies64();
	struct sp_client_key key;
	struct sp_usage *cell;
	struct sp_view view;

	if (!sp_out_parse(skb, &view) || sp_is_special(&view) || sp_is_group(view.destination))
		return false;
	__builtin_memcpy(key.mac, view.destination, 6);
	key.vlan = view.vlan;
	policy = bpf_map_lookup_elem(&clients, &key);
	cell = sp_short_session(policy, now);
	if (!cell || cell->down_generation != policy->generation)
		return false;
	sp_usage_down(cell, &view, now);
	sp_count_reason(SP_REASON_DOWN_AUTHORIZED, &view);
	return true;
}

/* What the gateway itself sends: @reason, or why it must not go out. Answers of the responder get
 * the form and the address that the client expects. */
static __always_inline enum sp_reason
sp_answer_out(struct __sk_buff *skb, const struct sp_view *view, enum sp_reason reason)
{
	if (sp_is_letter(skb, view))
		return (enum sp_reason)sp_letter_out(skb, view) ?: reason;
	return sp_release(skb, view) ? reason : SP_REASON_INTERNAL;
}

/* The long way of a download. */
static __always_inline int sp_out(struct __sk_buff *skb)
{
	struct sp_view view = {};
	enum sp_reason reason;

	sp_pull(skb);
	reason = sp_down(skb, &view);
	if (sp_passes(reason) && view.family && !skb->ingress_ifindex)
		reason = sp_answer_out(skb, &view, reason);
	sp_count_reason(reason, &view);
	return sp_action(reason);
}

SEC("tc")
int sallyport_out(struct __sk_buff *skb)
{
	return sp_out_short(skb) ? TC_ACT_UNSPEC : sp_out(skb);
}

char LICENSE[] SEC("license") = "GPL";
