/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From bytes to a packet view: Ethernet, up to two VLAN tags, ARP, EAPOL, IPv4, IPv6 with extension
 * headers, TCP, UDP, ICMP, ICMPv6. No maps and no policy here.
 *
 * Everything that a packet says of its own length is checked against what is there, so that a
 * packet cut short at any byte is SP_REASON_MALFORMED and not something shorter that happens to be
 * allowed. A header that is in the frame, but not in its linear part, is SP_REASON_NONLINEAR.
 */
#ifndef SP_BPF_PARSE_H
#define SP_BPF_PARSE_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <sallyport/abi.h>

#ifndef SP_CONTEXT
#error "define SP_CONTEXT as the context of the program before this file: struct xdp_md or __sk_buff"
#endif

/* IPv6 extension headers followed before giving up: each kind once and one to spare. RFC 8504
 * section 5.3 lets a node limit them. */
#define SP_MAX_EXTENSIONS 6

/* Largest offset of a header. The verifier allows 65,535 from the start of the packet; six
 * extension headers of 2,048 bytes each stay below this. */
#define SP_MAX_OFFSET 0x3fff

#define SP_IP_FRAGMENT_OFFSET  0x1fff /* RFC 791: fragment offset, in units of 8 bytes */
#define SP_IP_MORE_FRAGMENTS   0x2000
#define SP_IP6_FRAGMENT_OFFSET 0xfff8 /* RFC 8200 section 4.5 */

/* For the FIB; <sys/socket.h> is of user space. */
#define SP_AF_INET  2
#define SP_AF_INET6 10

#define SP_TCP_FIN 0x01
#define SP_TCP_SYN 0x02
#define SP_TCP_RST 0x04
#define SP_TCP_PSH 0x08
#define SP_TCP_ACK 0x10

/* The frame as its program sees it. */
struct sp_frame {
	SP_CONTEXT *context;
	void *data;
	void *end;      /* of the linear part */
	__u32 length;   /* of the whole frame, paged part included */
	__u32 tag;      /* 1: the NIC or the stack took the outermost tag off and it is in vlan */
	__u16 vlan;     /* VLAN id of that tag */
	__u16 segment;  /* GSO size of a packet that stands for several, else 0 */
	__u16 segments; /* how many it stands for; 0: not known */
};

enum sp_fragment { SP_WHOLE = 0, SP_FRAGMENT_FIRST, SP_FRAGMENT_LATER };

/* ICMPv6 and ARP below are judged by fields of their bodies: what the guard needs is kept here. */
struct sp_view {
	__u16 source[3]; /* MAC addresses, network order */
	__u16 destination[3];
	__u16 vlan;      /* outermost VLAN id that is not 0 */
	__u16 ethertype; /* host order */
	__u8 family;     /* 4, 6, or 0 for everything else */
	__u8 protocol;   /* transport protocol of an IP packet */
	__u8 fragment;   /* enum sp_fragment */
	__u8 icmp_type;
	__u8 tcp_flags;
	__u16 network;          /* offset of the IP header */
	__u16 transport;        /* offset of the transport header, of all but later fragments */
	__u16 source_port;      /* host order; TCP and UDP */
	__u16 destination_port; /* host order */
	__u32 length;           /* of the IP packet as it is here, which may stand for several */
	__u32 packets;
	__u32 bytes;                /* see struct sp_count */
	struct sp_address from, to; /* IP addresses */
	struct sp_address claimed;  /* ARP sender or target of a neighbour advertisement */
};

/*
 * A pointer to @size bytes at @offset, or NULL with @reason set: behind the end of the frame is
 * malformed, behind the linear part is non-linear. The barrier keeps clang from recomputing the
 * offset after the bound has been proved.
 */
static __always_inline void *sp_at(const struct sp_frame *frame, __u32 offset, __u32 size,
                                   enum sp_reason *reason)
{
	void *at;

	barrier_var(offset);
	if (offset > SP_MAX_OFFSET) {
		*reason = SP_REASON_EXTENSIONS;
		return NULL;
	}
	at = frame->data + offset;
	if (at + size > frame->end) {
		*reason = offset + size > frame->length ? SP_REASON_MALFORMED : SP_REASON_NONLINEAR;
		return NULL;
	}
	return at;
}

static __always_inline void sp_address_map4(struct sp_address *out, __be32 address)
{
	out->word[0] = 0;
	out->word[1] = 0;
	out->word[2] = bpf_htonl(0xffff);
	out->word[3] = address;
}

static __always_inline bool sp_same_address(const struct sp_address *a, const struct sp_address *b)
{
	return !((a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1]) | (a->word[2] ^ b->word[2]) |
	         (a->word[3] ^ b->word[3]));
}

static __always_inline void sp_address_copy6(struct sp_address *out, const struct in6_addr *in)
{
	out->word[0] = in->in6_u.u6_addr32[0];
	out->word[1] = in->in6_u.u6_addr32[1];
	out->word[2] = in->in6_u.u6_addr32[2];
	out->word[3] = in->in6_u.u6_addr32[3];
}

struct sp_vlan_tag {
	__be16 control; /* priority, drop eligibility, VLAN id */
	__be16 ethertype;
};

static __always_inline bool sp_is_tag(__u16 ethertype)
{
	return ethertype == ETH_P_8021Q || ethertype == ETH_P_8021AD;
}

/* struct ethhdr is packed: of that, clang reads each byte by itself, which costs 8 ns a packet. */
struct sp_ethernet {
	__u16 destination[3];
	__u16 source[3];
	__be16 ethertype;
};

/*
 * Ethernet and VLAN tags. Returns the offset behind them, or 0 with @reason set. The VLAN of a
 * packet is its outermost tag that names one: a priority tag (id 0, IEEE 802.1Q 9.6) names none.
 */
static __always_inline __u32 sp_parse_ethernet(const struct sp_frame *frame, struct sp_view *view,
                                               enum sp_reason *reason)
{
	struct sp_ethernet *ethernet = sp_at(frame, 0, sizeof(*ethernet), reason);
	__u32 offset = sizeof(*ethernet);
	__u32 tags = frame->tag;

	if (!ethernet)
		return 0;
	__builtin_memcpy(view->source, ethernet->source, 6);
	__builtin_memcpy(view->destination, ethernet->destination, 6);
	view->ethertype = bpf_ntohs(ethernet->ethertype);
	view->vlan = frame->vlan;
	for (int i = 0; i < 3; i++) {
		struct sp_vlan_tag *tag;

		if (!sp_is_tag(view->ethertype))
			return offset;
		if (++tags > 2) {
			*reason = SP_REASON_VLAN_DEPTH;
			return 0;
		}
		tag = sp_at(frame, offset, sizeof(*tag), reason);
		if (!tag)
			return 0;
		if (!view->vlan)
			view->vlan = bpf_ntohs(tag->control) & 0x0fff;
		view->ethertype = bpf_ntohs(tag->ethertype);
		offset += (__u32)sizeof(*tag);
	}
	*reason = SP_REASON_VLAN_DEPTH;
	return 0;
}

#define SP_ARP_ETHERNET 1 /* ARPHRD_ETHER; <linux/if_arp.h> drags in headers of user space */

/* RFC 826 for IPv4 over Ethernet: the only ARP that there is on an Ethernet. */
struct sp_arp {
	__be16 hardware, protocol;
	__u8 hardware_size, protocol_size;
	__be16 operation;
	__u8 sender_mac[6];
	__u8 sender[4];
	__u8 target_mac[6];
	__u8 target[4];
};

static __always_inline enum sp_reason sp_parse_arp(const struct sp_frame *frame, __u32 offset,
                                                   struct sp_view *view)
{
	enum sp_reason reason = SP_REASON_NONE;
	struct sp_arp *arp = sp_at(frame, offset, sizeof(*arp), &reason);
	__be32 sender;

	if (!arp)
		return reason;
	if (arp->hardware != bpf_htons(SP_ARP_ETHERNET) || arp->protocol != bpf_htons(ETH_P_IP) ||
	    arp->hardware_size != 6 || arp->protocol_size != 4)
		return SP_REASON_MALFORMED;
	__builtin_memcpy(&sender, arp->sender, 4);
	sp_address_map4(&view->claimed, sender);
	return SP_REASON_NONE;
}

/* IEEE 802.1X section 11.3: version, type, length of what follows. */
static __always_inline enum sp_reason sp_parse_eapol(const struct sp_frame *frame, __u32 offset)
{
	enum sp_reason reason = SP_REASON_NONE;
	struct {
		__u8 version, type;
		__be16 length;
	} *eapol = sp_at(frame, offset, sizeof(*eapol), &reason);

	if (!eapol)
		return reason;
	if (offset + sizeof(*eapol) + bpf_ntohs(eapol->length) > frame->length)
		return SP_REASON_MALFORMED;
	return SP_REASON_NONE;
}

/*
 * IEEE 802.3 with a length in place of the ethertype. What is wrapped in SNAP (RFC 1042, or 802.1H
 * with its organisation 00-00-f8) is an Ethernet frame to some receivers and access points:
 * refused, because router advertisements could hide in it from the guard.
 */
static __always_inline enum sp_reason sp_parse_length(const struct sp_frame *frame, __u32 offset)
{
	enum sp_reason reason = SP_REASON_NONE;
	struct {
		__u8 to, from, control, organisation[3];
	} *snap = sp_at(frame, offset, sizeof(*snap), &reason);

	if (!snap)
		return reason;
	if (snap->to == 0xaa && snap->from == 0xaa && !snap->organisation[0] &&
	    !snap->organisation[1] && (!snap->organisation[2] || snap->organisation[2] == 0xf8))
		return SP_REASON_MALFORMED;
	return SP_REASON_NONE;
}

/* What ICMP (RFC 792) and ICMPv6 (RFC 4443) have in common. */
struct sp_icmp {
	__u8 type, code;
	__be16 checksum;
	__be32 rest;
};

/* A neighbour advertisement (RFC 4861 section 4.4) claims its target. @left: bytes of the message.
 */
static __always_inline enum sp_reason
sp_parse_advertisement(const struct sp_frame *frame, __u32 offset, __u32 left, struct sp_view *view)
{
	enum sp_reason reason = SP_REASON_NONE;
	struct in6_addr *target;

	if (left < 24)
		return SP_REASON_MALFORMED;
	target = sp_at(frame, offset + 8, sizeof(*target), &reason);
	if (!target)
		return reason;
	sp_address_copy6(&view->claimed, target);
	return SP_REASON_NONE;
}

/*
 * Transport header at @offset; @left bytes of the IP packet remain there. Of a first fragment only
 * the header must be there (RFC 7112), its payload may be elsewhere. @headers is set to the length
 * of the transport header.
 */
static __always_inline enum sp_reason sp_parse_transport(const struct sp_frame *frame, __u32 offset,
                                                         __u32 left, struct sp_view *view,
                                                         __u32 *headers)
{
	enum sp_reason reason = SP_REASON_NONE;

	if (view->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = sp_at(frame, offset, sizeof(*tcp), &reason);

		if (!tcp)
			return reason;
		*headers = tcp->doff * 4u;
		if (left < sizeof(*tcp) || *headers < sizeof(*tcp) || *headers > left)
			return SP_REASON_MALFORMED;
		view->tcp_flags = ((__u8 *)tcp)[13];
		view->source_port = bpf_ntohs(tcp->source);
		view->destination_port = bpf_ntohs(tcp->dest);
	} else if (view->protocol == IPPROTO_UDP) {
		struct udphdr *udp = sp_at(frame, offset, sizeof(*udp), &reason);
		__u32 length;

		if (!udp)
			return reason;
		length = bpf_ntohs(udp->len);
		if (left < sizeof(*udp))
			return SP_REASON_MALFORMED;
		/* A packet that stands for several may be longer than 16 bits can say. */
		if (view->fragment == SP_WHOLE && !frame->segment &&
		    (length < sizeof(*udp) || length > left))
			return SP_REASON_MALFORMED;
		*headers = sizeof(*udp);
		view->source_port = bpf_ntohs(udp->source);
		view->destination_port = bpf_ntohs(udp->dest);
	} else if (view->protocol == (view->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
		struct sp_icmp *icmp = sp_at(frame, offset, sizeof(*icmp), &reason);

		if (!icmp)
			return reason;
		if (left < sizeof(*icmp))
			return SP_REASON_MALFORMED;
		*headers = sizeof(*icmp);
		view->icmp_type = icmp->type;
		if (view->family == 6 && icmp->type == 136)
			return sp_parse_advertisement(frame, offset, left, view);
	}
	return SP_REASON_NONE;
}

/*
 * Account for a packet that stands for several (GRO, GSO): each has headers of its own on the wire.
 * @headers: bytes from the IP header to the payload of the transport.
 */
static __always_inline void sp_size(const struct sp_frame *frame, struct sp_view *view, __u32 total,
                                    __u32 headers)
{
	view->length = total;
	view->packets = frame->segments;
	/* Not every source of such packets says it (virtio, tun). */
	if (!view->packets && headers < total)
		view->packets = (total - headers + frame->segment - 1) / frame->segment;
	if (!view->packets)
		view->packets = 1;
	view->bytes = total + (view->packets - 1) * headers;
}

static __always_inline enum sp_reason sp_parse_ipv4(const struct sp_frame *frame, __u32 offset,
                                                    struct sp_view *view)
{
	enum sp_reason reason = SP_REASON_NONE;
	struct iphdr *ip = sp_at(frame, offset, sizeof(*ip), &reason);
	__u32 header, total, transport = 0;
	__u16 fragment;

	if (!ip)
		return reason;
	header = ip->ihl * 4u;
	total = bpf_ntohs(ip->tot_len);
	if (!total && frame->segment) /* "BIG TCP": longer than 16 bits can say */
		total = frame->length - offset;
	if (ip->version != 4 || header < sizeof(*ip) || total < header ||
	    offset + total > frame->length)
		return SP_REASON_MALFORMED;
	view->family = 4;
	view->network = (__u16)offset;
	view->transport = (__u16)(offset + header);
	view->protocol = ip->protocol;
	sp_address_map4(&view->from, ip->saddr);
	sp_address_map4(&view->to, ip->daddr);
	fragment = bpf_ntohs(ip->frag_off);
	if (fragment & SP_IP_FRAGMENT_OFFSET)
		view->fragment = SP_FRAGMENT_LATER;
	else if (fragment & SP_IP_MORE_FRAGMENTS)
		view->fragment = SP_FRAGMENT_FIRST;
	if (view->fragment != SP_FRAGMENT_LATER)
		reason = sp_parse_transport(frame, offset + header, total - header, view,
		                            &transport);
	sp_size(frame, view, total, header + transport);
	return reason;
}

/* Where the walk along IPv6 extension headers has come. */
struct sp_chain {
	__u32 offset;
	__u32 left;   /* bytes of the packet from there */
	__u32 length; /* of the frame */
	__u8 protocol;
	__u8 fragment; /* enum sp_fragment */
	__u8 spare[2];
};

static __always_inline bool sp_is_extension(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
		return true;
	}
	return false;
}

/* Step over one extension header. */
static __always_inline enum sp_reason sp_chain_step(const struct sp_frame *frame,
                                                    struct sp_chain *chain)
{
	enum sp_reason reason = SP_REASON_NONE;
	struct {
		__u8 next, length;
		__be16 fragment;
		__be32 id;
	} *extension = sp_at(frame, chain->offset, sizeof(*extension), &reason);
	__u32 size;

	if (!extension)
		return reason;
	size = (extension->length + 1u) * 8;
	if (chain->protocol == IPPROTO_AH) /* RFC 4302 section 2.2: in units of 4 bytes */
		size = (extension->length + 2u) * 4;
	if (chain->protocol == IPPROTO_FRAGMENT) {
		size = sizeof(*extension);
		chain->fragment = bpf_ntohs(extension->fragment) & SP_IP6_FRAGMENT_OFFSET
		                          ? SP_FRAGMENT_LATER
		                          : SP_FRAGMENT_FIRST;
	}
	if (size > chain->left)
		return SP_REASON_MALFORMED;
	chain->protocol = extension->next;
	chain->offset += size;
	chain->left -= size;
	return SP_REASON_NONE;
}

/*
 * Follow the extension headers to the transport header, or to what a later fragment holds in its
 * place. Returns an enum sp_reason. A function of its own to the verifier, which looks at it once
 * and not once for each way that leads here; few packets pay for the call.
 */
__noinline int sp_chain_walk(SP_CONTEXT *context, struct sp_chain *chain)
{
	struct sp_frame frame = {};

	if (!chain)
		return SP_REASON_INTERNAL;
	frame.data = (void *)(long)context->data;
	frame.end = (void *)(long)context->data_end;
	frame.length = chain->length;
	for (int i = 0; i <= SP_MAX_EXTENSIONS; i++) {
		enum sp_reason reason;

		if (!sp_is_extension(chain->protocol) || chain->fragment == SP_FRAGMENT_LATER)
			return SP_REASON_NONE;
		reason = sp_chain_step(&frame, chain);
		if (reason)
			return (int)reason;
	}
	return SP_REASON_EXTENSIONS;
}

/* From the IPv6 header to behind its extension headers, if it has any. */
static __always_inline enum sp_reason
sp_parse_extensions(const struct sp_frame *frame, struct sp_view *view, __u32 *behind, __u32 *left)
{
	struct sp_chain chain = {
		.offset = *behind,
		.left = *left,
		.length = frame->length,
		.protocol = view->protocol,
	};
	int reason;

	if (!sp_is_extension(view->protocol))
		return SP_REASON_NONE;
	reason = sp_chain_walk(frame->context, &chain);
	view->protocol = chain.protocol;
	view->fragment = chain.fragment;
	*behind = chain.offset;
	*left = chain.left;
	return (enum sp_reason)reason;
}

static __always_inline enum sp_reason sp_parse_ipv6(const struct sp_frame *frame, __u32 offset,
                                                    struct sp_view *view)
{
	enum sp_reason reason = SP_REASON_NONE;
	struct ipv6hdr *ip = sp_at(frame, offset, sizeof(*ip), &reason);
	__u32 left, total, behind, transport = 0;

	if (!ip)
		return reason;
	left = bpf_ntohs(ip->payload_len);
	if (!left && frame->segment) /* "BIG TCP" again */
		left = frame->length - offset - (__u32)sizeof(*ip);
	total = left + (__u32)sizeof(*ip);
	if (ip->version != 6 || offset + total > frame->length)
		return SP_REASON_MALFORMED;
	view->family = 6;
	view->network = (__u16)offset;
	view->protocol = ip->nexthdr;
	sp_address_copy6(&view->from, &ip->saddr);
	sp_address_copy6(&view->to, &ip->daddr);
	behind = offset + (__u32)sizeof(*ip);
	reason = sp_parse_extensions(frame, view, &behind, &left);
	if (reason)
		return reason;
	view->transport = (__u16)behind;
	if (view->fragment != SP_FRAGMENT_LATER)
		reason = sp_parse_transport(frame, behind, left, view, &transport);
	sp_size(frame, view, total, behind - offset + transport);
	return reason;
}

/* What is behind the Ethernet header, @offset bytes into the frame. */
static __always_inline enum sp_reason sp_parse_network(const struct sp_frame *frame, __u32 offset,
                                                       struct sp_view *view)
{
	switch (view->ethertype) {
	case ETH_P_IP:
		return sp_parse_ipv4(frame, offset, view);
	case ETH_P_IPV6:
		return sp_parse_ipv6(frame, offset, view);
	}
	sp_size(frame, view, frame->length - offset, 0);
	if (view->ethertype < ETH_P_802_3_MIN)
		return sp_parse_length(frame, offset);
	if (view->ethertype == ETH_P_ARP)
		return sp_parse_arp(frame, offset, view);
	if (view->ethertype == ETH_P_PAE)
		return sp_parse_eapol(frame, offset);
	return SP_REASON_NONE;
}

/* What the entry points know of a frame; each of them defines it. */
static __always_inline void sp_frame_of(SP_CONTEXT *context, __u32 length, struct sp_frame *frame);

/*
 * From the frame of @context to @view; returns an enum sp_reason. @length is that of the frame.
 * Layer 2 first: even a packet that is dropped for its inside is counted with its size. A function
 * of its own to the verifier: what comes after it is looked at once, and not once for each kind of
 * packet.
 */
__noinline int sp_parse(SP_CONTEXT *context, struct sp_view *view, __u32 length)
{
	enum sp_reason reason = SP_REASON_NONE;
	struct sp_frame frame = {};
	__u32 offset;

	if (!view)
		return SP_REASON_INTERNAL;
	sp_frame_of(context, length, &frame);
	view->family = 0; /* a frame may be parsed twice */
	view->protocol = 0;
	view->tcp_flags = 0;
	view->fragment = SP_WHOLE;
	view->packets = frame.segments ? frame.segments : 1;
	view->bytes = length - ETH_HLEN;
	offset = sp_parse_ethernet(&frame, view, &reason);
	if (!offset)
		return (int)reason;
	return (int)sp_parse_network(&frame, offset, view);
}

#endif
