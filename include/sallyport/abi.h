/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel side and user space of Sallyport share: keys and values of every pinned map, the
 * reason numbers, and the load-time configuration. Fixed widths, no implicit padding, a size assert
 * for each struct: a change of any of them is a change of SP_ABI_VERSION.
 *
 * Ownership rule: a value is written either by user space or by BPF, never by both, because a
 * read-modify-write from two sides loses updates. Each struct says whose it is.
 *
 * Units: time in jiffies (the kernel's jiffies64; sp_clock converts), sizes in bytes of IP packets
 * (layer 3, header included; the same number for tagged, untagged, XDP and TC), rates in bit/s of
 * the same bytes, VLAN ids and everything not marked "network order" in host byte order.
 */
#ifndef SALLYPORT_ABI_H
#define SALLYPORT_ABI_H

#include <linux/types.h>

/* Version of everything in this file; stored in `settings`, checked by whoever opens the maps. */
#define SP_ABI_VERSION 7u

/* Sizes that both sides must agree on. */
#define SP_NOTE_SIZE     64u   /* bytes of a note of the operator, terminating NUL included */
#define SP_MAX_ADDRESSES 16u   /* entries of each address list of the load-time configuration */
#define SP_MAX_MACS      32u   /* the gateway's own MAC addresses */
#define SP_MAX_WORKERS   64u   /* responder processes */
#define SP_MAX_REASONS   96u   /* entries of `reasons` */
#define SP_ANSWER_SIZE   1472u /* bytes of a DNS answer: what an Ethernet frame holds over UDP */
#define SP_VLAN_MAX      4094u /* largest VLAN id (IEEE 802.1Q; 4095 is reserved) */
#define SP_ZONES         16u   /* zone 0 is everything that no other zone has */
#define SP_ZONE_NAME     16u   /* bytes of a zone's name, terminating NUL included */
#define SP_ZONE_PLACES   1024u /* entries of `zones` */
#define SP_ZONE_BITS     6u    /* sp_settings.zone_port has 2^SP_ZONE_BITS cells */

/*
 * Every exit of the datapath. Numbers are stable: never reused, never renumbered; scripts and
 * dashboards rely on them. 1..31 let the packet on, 32.. drop it. Columns: number, name, text.
 */
#define SP_REASONS(X)                                                                      \
	X(1, AUTHORIZED, "authorized client, upload")                                      \
	X(2, ARP, "captive client: ARP")                                                   \
	X(3, EAPOL, "captive client: EAPOL")                                               \
	X(4, DHCP, "captive client: DHCP or DHCPv6")                                       \
	X(5, ND, "captive client: IPv6 router or neighbour discovery")                     \
	X(6, MLD, "captive client: IPv6 multicast listener report")                        \
	X(7, DNS, "captive client: DNS to a listed resolver")                              \
	X(8, PORTAL, "client to the login portal")                                         \
	X(9, ECHO, "captive client: ping to or from the gateway")                          \
	X(10, CAPTURED, "captive client: HTTP handed to the responder")                    \
	X(11, BYPASS, "captive client let through: the gate is open (bypass)")             \
	X(12, GARDEN, "captive client to the walled garden")                               \
	X(13, ROUTED, "authorized client, upload, forwarded past the stack")               \
	X(16, DOWN_AUTHORIZED, "authorized client, download")                              \
	X(17, DOWN_LOCAL, "captive client: answer from the gateway itself")                \
	X(18, DOWN_GROUP, "multicast or broadcast towards the clients")                    \
	X(19, DOWN_SERVICE,                                                                \
	  "captive client: answer from a listed resolver or portal, ARP, DHCP, ND")        \
	X(20, LOOPED, "the gateway's own multicast, looped back to it")                    \
	X(21, DOWN_GARDEN, "captive client: answer from the walled garden")                \
	X(22, DOWN_ROUTED, "authorized client, download, forwarded past the stack")        \
	X(23, DOWN_BYPASS, "captive client, download: the gate is open (bypass)")          \
	X(24, DOWN_REFUSAL, "reset or ICMP that refuses what a client sent")               \
	X(25, DOWN_RESET, "download towards a captive client, turned into a reset")        \
	X(26, UPLINK, "uplink: left to the stack")                                         \
	X(32, BAD_SOURCE, "source MAC is zero, multicast or broadcast")                    \
	X(33, OWN_MAC, "source MAC is one of the gateway's own")                           \
	X(34, VLAN_DEPTH, "more than two VLAN tags")                                       \
	X(35, MALFORMED, "truncated or contradictory headers")                             \
	X(36, NONLINEAR, "headers not in the first buffer of the packet")                  \
	X(37, EXTENSIONS, "too many IPv6 extension headers")                               \
	X(38, BLOCKED, "client is blocked")                                                \
	X(39, GUARD_RA, "guard: router advertisement from a client")                       \
	X(40, GUARD_REDIRECT, "guard: ICMP or ICMPv6 redirect from a client")              \
	X(41, GUARD_DHCP, "guard: DHCP server answer from a client")                       \
	X(42, GUARD_ADDRESS, "guard: client claims an address of the gateway (ARP or ND)") \
	X(43, FRAGMENT, "captive client: IP fragment")                                     \
	X(44, TCP, "captive client: TCP to somewhere else")                                \
	X(45, UDP, "captive client: UDP to somewhere else")                                \
	X(46, ICMP, "captive client: ICMP to somewhere else")                              \
	X(47, PROTOCOL, "captive client: other IP protocol")                               \
	X(48, ETHERTYPE, "captive client: other ethertype")                                \
	X(49, NO_LISTENER, "captured HTTP, but no responder is listening")                 \
	X(50, ASSIGN, "captured HTTP, but the kernel refused the socket")                  \
	X(51, CLASH, "portal connection belongs to another MAC")                           \
	X(52, ORIGIN, "portal connection could not be recorded")                           \
	X(53, RATE_UP, "authorized client over its upload rate")                           \
	X(54, INTERNAL, "datapath inconsistency: a map or slot is missing")                \
	X(55, RESET, "captive client: TCP refused with a reset")                           \
	X(56, UNREACHABLE, "captive client: UDP refused with ICMP port unreachable")       \
	X(57, BUDGET_NEIGHBOUR, "captive client over its budget of ARP, DHCP and ND")      \
	X(58, BUDGET_DNS, "captive client over its budget of DNS")                         \
	X(59, BUDGET_HTTP, "captive client over its budget of HTTP connections")           \
	X(60, BUDGET_PORTAL, "captive client over its budget of portal connections")       \
	X(61, BUDGET_ECHO, "captive client over its budget of pings")                      \
	X(62, BUDGET_GARDEN, "captive client over its budget of the walled garden")        \
	X(63, BUDGET_REFUSAL, "captive client over its budget of refusals: no answer")     \
	X(64, DOWN_CAPTIVE, "download towards a captive client")                           \
	X(65, DOWN_BLOCKED, "download towards a blocked client")                           \
	X(66, DOWN_MALFORMED, "download with truncated or contradictory headers")          \
	X(67, RATE_DOWN, "authorized client over its download rate")                       \
	X(68, TOTAL_GUEST, "all captive clients: too many new ones at once")               \
	X(69, TOTAL_NEIGHBOUR, "all captive clients over the budget of ARP, DHCP and ND")  \
	X(70, TOTAL_DNS, "all captive clients over the budget of DNS")                     \
	X(71, TOTAL_HTTP, "all captive clients over the budget of HTTP connections")       \
	X(72, TOTAL_PORTAL, "all captive clients over the budget of portal connections")   \
	X(73, TOTAL_ECHO, "all captive clients over the budget of pings")                  \
	X(74, TOTAL_GARDEN, "all captive clients over the budget of the walled garden")    \
	X(75, TOTAL_REFUSAL, "all captive clients over the budget of refusals")            \
	X(76, BINDING, "IPv4 source is not the address that the session is bound to")      \
	X(77, QUOTA, "another packet has just used up the quota of the session")           \
	X(78, GARDEN_PENDING, "captive client: the garden is being told of a DNS answer")  \
	X(79, UNTIMELY, "captured HTTP: out of turn, the client will send it again")       \
	X(80, DECLINED, "captured HTTP: by a letter about what a socket has or shall have")

#define SP_REASON_ENUM(number, name, text) SP_REASON_##name = number,
enum sp_reason { SP_REASON_NONE = 0, SP_REASONS(SP_REASON_ENUM) };
#undef SP_REASON_ENUM

/* First reason that drops. */
#define SP_REASON_FIRST_DROP 32u

/* An address as the datapath compares it: IPv4 as IPv4-mapped IPv6, network order. */
struct sp_address {
	__u32 word[4];
};

/* Who a client is: the source MAC and the VLAN it arrives on. */
struct sp_client_key {
	__u8 mac[6];
	__u16 vlan; /* outermost VLAN id that is not 0; 0: untagged */
};

/* Absent from `clients` = captive. */
enum sp_client_state {
	SP_CLIENT_CAPTIVE = 0, /* never stored; what absence and an ended session mean */
	SP_CLIENT_AUTHORIZED = 1,
	SP_CLIENT_BLOCKED = 2,
};

/* Bits of sp_client_policy.limits: which of the limits below are in force. */
#define SP_LIMIT_EXPIRES    (1u << 0)
#define SP_LIMIT_IDLE       (1u << 1)
#define SP_LIMIT_QUOTA      (1u << 2)
#define SP_LIMIT_RATE_UP    (1u << 3)
#define SP_LIMIT_RATE_DOWN  (1u << 4)
#define SP_LIMIT_QUOTA_UP   (1u << 5)
#define SP_LIMIT_QUOTA_DOWN (1u << 6)
#define SP_LIMIT_BINDING    (1u << 7) /* one IPv4 address: `ipv4`, or the first that it uses */
#define SP_LIMIT_QUOTAS     (SP_LIMIT_QUOTA | SP_LIMIT_QUOTA_UP | SP_LIMIT_QUOTA_DOWN)

/* Value of `clients`. Written by user space only. */
struct sp_client_policy {
	enum sp_client_state state; /* 4 bytes; an enum so that bpftool prints its name */
	__u32 slot;                 /* index into `usage`; each client of the map has its own */
	__u32 generation; /* a usage cell of another generation counts as empty; never 0 */
	__u16 limits;     /* SP_LIMIT_* */
	__u8 method; /* by what it was let in (enum sp_method of lib/method.h); for the reader */
	__u8 spare;
	__u64 granted;      /* jiffies: when the session began; idle time counts from here */
	__u64 expires;      /* jiffies: first instant at which it is captive again */
	__u64 idle;         /* jiffies without an upload packet that end the session */
	__u64 quota;        /* bytes up and down together */
	__u64 quota_up;     /* bytes */
	__u64 quota_down;   /* bytes */
	__u64 rate_up;      /* bit/s */
	__u64 rate_down;    /* bit/s */
	__u64 burst_up;     /* bytes that may come at once */
	__u64 burst_down;   /* bytes */
	__u32 ipv4;         /* of SP_LIMIT_BINDING, network order; 0: learnt (usage.bound) */
	__u32 granted_unix; /* seconds since 1970: `granted` for a reader; not enforced */
	__u64 expires_unix; /* seconds since 1970: `expires` for a reader; 0: no expiry */
};

/*
 * Value of `usage`: one cache line per direction, so that two CPUs moving one client's upload and
 * download do not fight over a line. Written by BPF only; user space maps it read-only.
 * A direction is valid only if its generation is that of the policy. No bpf_spin_lock in here: the
 * kernel refuses to mmap (ENOTSUPP) a map whose values hold one.
 */
struct sp_usage {
	__u32 up_generation;
	__u32 ipv4; /* last IPv4 source address, network order; 0: none seen */
	__u64 up_packets;
	__u64 up_bytes;
	__u64 up_first;  /* jiffies */
	__u64 up_last;   /* jiffies */
	__u64 up_credit; /* ns: instant at which the upload bucket is full again */
	__u8 ipv6[16];   /* last IPv6 source address that is not link-local */
	/* second cache line */
	__u32 down_generation;
	__u32 told; /* jiffies, the low half: last `binding` event; 0: none */
	__u64 down_packets;
	__u64 down_bytes;
	__u64 down_first;
	__u64 down_last;
	__u64 down_credit;
	__u32 spare;
	__u32 bound; /* IPv4 address that SP_LIMIT_BINDING learnt, network order; 0: none yet. Of
	              * generation up_generation */
	__u32 ended; /* generation whose end was told in `events` */
	__u32 spare2;
};

/*
 * Key of `origins`: a TCP connection to the portal as its server side sees it. IPv4 addresses are
 * written as IPv4-mapped IPv6 addresses (RFC 4291 section 2.5.5.2).
 */
struct sp_origin_key {
	__u8 client_address[16];
	__u8 server_address[16];
	__u16 client_port; /* network order */
	__u16 server_port; /* network order */
	__u32 ifindex;     /* the client interface it arrived on */
};

/* Value of `origins`: whose SYN opened the connection. Written by BPF only. */
struct sp_origin {
	struct sp_client_key client;
	__u64 seen; /* jiffies of the last packet of this connection from this client */
	__u32 zone; /* where its SYN came from */
	__u32 spare;
};

/* A connection silent for this long may be taken over by a SYN of another MAC. */
#define SP_ORIGIN_LIFE_SECONDS 120u

/*
 * Key of `captures`: a captured connection as the responder sees it, whose address is one of the
 * gateway's and whose port stands for the host that the client meant (bpf/capture.h).
 */
struct sp_capture_key {
	struct sp_address client;
	__u16 client_port; /* network order */
	__u16 server_port; /* network order: the stand-in */
	__u32 spare;
};

/* How a captured connection is served. */
enum sp_served {
	SP_SERVED_BY_SOCKET = 0, /* since its SYN */
	SP_SERVED_BY_DATAGRAM,   /* struct sp_letter */
	SP_SERVED_DECLINED,      /* that the responder did not want: to be a socket's */
	SP_SERVED_ADOPTED,       /* by a socket, since its request */
};

/* Value of `captures`: whom the client meant. Written by BPF only. */
struct sp_capture {
	struct sp_address server;
	__u16 port;   /* network order */
	__u16 turn;   /* of the host's first stand-in: which of its stand-ins was used last */
	__u16 served; /* enum sp_served */
	__u16 asked;  /* letters with a request since its SYN */
};

/*
 * What is in front of a captured request that fits into one segment, on its way to a responder as a
 * UDP datagram, and of the answer on its way back: together with the UDP header as long as a TCP
 * header without options. The datapath makes the one of the other (bpf/letter.h).
 */
struct sp_letter {
	__u32 sequence;     /* of the answer's first byte, network order */
	__u32 acknowledged; /* by the answer, network order */
	__u16 stand_in;     /* the connection's in `captures`, network order */
	__u16 sum; /* of an answer, RFC 1071, as it lies in memory; else enum sp_letter_word */
};

/* What a letter without anything behind it says. To a responder: the client has opened the
 * connection. From there: */
enum sp_letter_word {
	SP_LETTER_RESET = 1, /* end the connection */
	SP_LETTER_DECLINE,   /* it shall have a socket when the request comes again */
};

/* Most that one answer may be: what is sent in one segment to whoever takes 1,400 bytes. */
#define SP_LETTER_SIZE 1400u

/* Value of `reasons`, per CPU. Written by BPF only; the name is stored so that a dump is readable.
 */
struct sp_count {
	__u64 packets;
	__u64 bytes; /* of IP packets; of the payload behind the Ethernet header otherwise */
	enum sp_reason reason; /* SP_REASON_NONE until it was first counted */
	__u32 spare;
};

/*
 * Budgets of captive clients: what each of them, and all together, may do in a time. Index of
 * sp_settings.budget, sp_guest.credit and `budgets`. GUEST and EVENT are of all together only.
 */
enum sp_budget_kind {
	SP_BUDGET_NEIGHBOUR, /* packets: ARP, EAPOL, DHCP, ND, MLD */
	SP_BUDGET_DNS,       /* packets */
	SP_BUDGET_DNS_BYTES, /* bytes */
	SP_BUDGET_HTTP,      /* captured: a SYN is a connection, another segment 1/32 of one */
	SP_BUDGET_PORTAL,    /* the same */
	SP_BUDGET_ECHO,      /* packets */
	SP_BUDGET_GARDEN,    /* packets */
	SP_BUDGET_REFUSAL,   /* answers sent */
	SP_BUDGET_GUEST,     /* clients that become known: entries made in `guests` */
	SP_BUDGET_EVENT,     /* records of `events` */
	SP_BUDGETS
};
#define SP_BUDGET_SEGMENT 32u /* HTTP, PORTAL: the units are 1/32 of a connection */

/*
 * A budget as the datapath uses it (bpf/budget.h): the generic cell rate algorithm in units of
 * 2^-20 jiffy. @cost 0: no limit.
 */
struct sp_budget {
	__u64 cost;  /* of a unit: 2^20 * hz / rate */
	__u64 depth; /* how far ahead one may be: burst * cost */
};
#define SP_BUDGET_SHIFT 20u

/* sp_settings.refuse_*: what becomes of TCP and UDP that nobody may have. */
enum sp_refuse { SP_REFUSE_DROP = 0, SP_REFUSE_ANSWER = 1 };

/* How a zone's authorized packets are forwarded. */
enum sp_forward { SP_FORWARD_STACK = 0, SP_FORWARD_ROUTE = 1 };

/*
 * Key of `zones`: what belongs to the zone of that number. A frame's zone is that of its interface
 * and VLAN, else that of the whole interface, else 0.
 */
struct sp_zone_key {
	__u32 ifindex;
	__u16 vlan;  /* 0: whole */
	__u16 whole; /* 1: everything on the interface that has no entry of its own */
};

/* Value of `zone_names`, by number. User space only; no program looks at it. */
struct sp_zone_name {
	char name[SP_ZONE_NAME]; /* NUL-terminated; "": zone 0, or there is no zone of this number
	                          */
};

/*
 * What `zones` says of a whole interface, for those that packets of authorized clients come from
 * and go to: a hash without collisions costs them less than a map. @ifindex 0: empty.
 */
struct sp_zone_port {
	__u32 ifindex;
	__u16 zone;
	__u16 vlans; /* 1: VLANs of it are in `zones` */
};

/* Where in sp_settings.zone_port interface @ifindex is, if anywhere. User space chooses @factor. */
#define SP_ZONE_CELL(ifindex, factor) ((__u32)((ifindex) * (factor)) >> (32u - SP_ZONE_BITS))

/* The one value of `settings`. Written by user space only. */
struct sp_settings {
	__u32 abi_version; /* SP_ABI_VERSION of who loaded the maps */
	__u32 workers;     /* responders listening: `listeners` holds 2 sockets for each */
	__u32 hz;          /* jiffies per second of this kernel */
	__u32 generation;  /* last one given to a policy */
	__u64 loaded_unix; /* seconds since 1970 of the `up` that made these maps */
	__u32 bypass;      /* 1: captive clients are let through, blocked ones are not */
	__u32 route_zones; /* bit of each zone whose packets are forwarded past the stack */
	enum sp_refuse refuse_tcp;
	enum sp_refuse refuse_udp;
	__u32 garden4, garden6; /* prefixes in the map of that name; 0: it is not looked at */
	__u32 garden_names;     /* entries in the map of that name; 0: DNS answers are not copied */
	__u32 garden_generation;             /* goes up with each change of the garden */
	struct sp_budget client[SP_BUDGETS]; /* each client's */
	struct sp_budget total[SP_BUDGETS];  /* all clients' together */
	__u32 zones;        /* entries in the map of that name; 0: everything is in zone 0 */
	__u32 garden_zones; /* bit of each zone but 0 that has prefixes of its own in the garden */
	__u32 zone_factor;  /* of SP_ZONE_CELL */
	__u32 changes; /* goes up after a session was ended or changed: `flows` is out of date */
	__u64 cookie_key[2]; /* of SYN cookies; at random */
	struct sp_zone_port zone_port[1u << SP_ZONE_BITS];
};

/* Value of `guests`: a captive client. Written by BPF only. */
struct sp_guest {
	__u64 first, last; /* jiffies */
	__u64 packets;     /* that were let on or answered */
	__u64 refused;     /* that a budget of its own or of all stopped; of those that its own did,
	                    * some may still be in `flooders` */
	__u64 told;        /* jiffies of the last `flood` event about it; 0: none */
	__u64 credit[SP_BUDGETS]; /* 2^-20 jiffy: instant at which that budget is full again */
	__u32 ipv4;               /* last IPv4 source address, network order; 0: none seen */
	__u32 spare;
};

/*
 * What an untagged frame with IPv4 looks like, as far as the judgement of a flood goes
 * (bpf/alike.h). Network order, but for the length.
 */
struct sp_alike {
	__be32 head;     /* version, header length, class and total length of IPv4 */
	__be32 from, to; /* addresses */
	__be16 port;     /* destination */
	__be16 tail;     /* UDP: its length; TCP: header length and flags */
	__u16 length;    /* of the frame, as far as it is in one piece; 0: nothing is known */
	__u8 protocol;
	__u8 reason; /* why it is refused */
};

/*
 * A cell of `flooders`: what a CPU knows of a captive client that floods it (bpf/flooder.h). It
 * holds for one jiffy. Written by BPF only.
 */
struct sp_flooder {
	__u64 client;  /* struct sp_client_key in one word */
	__u64 jiffy;   /* in which this was so */
	__u32 refused; /* packets that are still to be added to sp_guest.refused */
	__u8 spent;    /* bits of enum sp_flood of bpf/flood.h: what the client cannot pay for */
	__u8 spare[3];
	struct sp_alike last;       /* the last packet that was refused */
	struct sp_address resolver; /* with SP_FLOOD_DNS: the one that it asks */
	__u32 spare2;
};

/* The one value of `flooders`, per CPU: by a hash of the client. */
#define SP_FLOODER_BITS 8u
struct sp_flooders {
	__u64 jiffy;          /* the last one in which anything here was written */
	__u64 crowd;          /* the last one in which SP_BUDGET_GUEST was seen to be used up */
	struct sp_alike last; /* the last packet that was refused for that */
	struct sp_flooder cell[1u << SP_FLOODER_BITS];
};

/*
 * Value of `guests_seen`, by a hash of the client: whether it could be in `guests` (bpf/crowd.h).
 * One word for every other generation: 56 bits, of which a client has two, below the generation.
 * Written by BPF only.
 */
#define SP_SEEN_BITS 13u    /* 2^13 cells */
#define SP_SEEN_MADE 32768u /* entries made in `guests` in a generation: half of what it holds */
struct sp_seen {
	__u64 word[2];
};

/* Value of `budgets`: the credit of all captive clients together. Written by BPF only. */
struct sp_total {
	__u64 credit;   /* as in struct sp_guest */
	__u64 refused;  /* packets that it stopped, or events that were lost; of SP_BUDGET_GUEST
	                 * those are in `reasons` alone, as TOTAL_GUEST */
	__u64 made;     /* SP_BUDGET_GUEST: entries made in `guests` */
	__u64 spare[5]; /* a cache line each */
};

/* Keys of `garden4` and `garden6`, as BPF_MAP_TYPE_LPM_TRIE wants them. Zone 0: of every zone. */
#define SP_GARDEN_ZONE_BITS 32u /* in front of the address; prefix_length counts them too */
struct sp_garden4_key {
	__u32 prefix_length;
	__u32 zone;
	__u8 address[4];
};
struct sp_garden6_key {
	__u32 prefix_length;
	__u32 zone;
	__u8 address[16];
};

/* Bits of sp_garden_rule.flags. The datapath makes no difference. */
#define SP_GARDEN_CONFIG    (1u << 0) /* of the configuration, else of the command line */
#define SP_GARDEN_INHERITED (1u << 1) /* of a wider prefix */

/* What of a prefix is open. */
struct sp_garden_rule {
	__u64 expires;  /* jiffies: first instant at which it is closed; 0: never */
	__u32 lease;    /* jiffies after its last use that a learnt one is kept */
	__u16 name;     /* number of the name that it was learnt for; 0: the operator's */
	__u8 protocol;  /* IPPROTO_*; 0: every one */
	__u8 flags;     /* SP_GARDEN_* */
	__u16 port_low; /* host order, of the garden's side; 0 to 65535: every one */
	__u16 port_high;
	__u32 spare;
};
#define SP_GARDEN_RULES 8u

/* Value of `garden4` and `garden6`: only the longest prefix that matches counts, so it holds the
 * rules of the wider ones too. Written by user space only. */
struct sp_garden {
	__u32 slot;  /* index into `garden_seen` */
	__u32 count; /* rules used */
	struct sp_garden_rule rule[SP_GARDEN_RULES];
};

/* Key of `garden_names`: lower case, no dot at its end, padded with NUL. "*.example.org" stands for
 * every name that ends in ".example.org". */
#define SP_GARDEN_NAME 256u
struct sp_garden_name_key {
	__u32 zone; /* 0: of every zone */
	char name[SP_GARDEN_NAME];
};

/* Value of `garden_names`: what is opened of the addresses that the name is known to have. Of its
 * rules, ICMP stands for ICMPv6 too. Written and read by user space only. */
struct sp_garden_name {
	__u32 number; /* from 1; no other name has it */
	__u32 count;  /* rules used */
	struct sp_garden_rule rule[SP_GARDEN_RULES];
};
#define SP_GARDEN_NAMES 1024u /* entries of garden_names */

/* Value of `garden_seen`. Written by BPF only. */
struct sp_garden_seen {
	__u64 last; /* jiffies of the last packet to or from it; 0: none since the map was made */
	__u64 packets;
};
#define SP_GARDEN_PREFIXES 16384u /* entries of garden4 and of garden6 */
#define SP_GARDEN_SLOTS    (2u * SP_GARDEN_PREFIXES)

/*
 * Key of `queries`: a question that a captive client asked a listed resolver by UDP. Its value is
 * the jiffy. With a MAC and VLAN in place of the client's address and no resolver: the jiffy of the
 * last answer to this client that was copied to `answers`. Written by BPF only.
 */
struct sp_query {
	struct sp_address client, resolver;
	__u16 port; /* the client's, network order */
	__u16 id;   /* of the DNS message, network order */
	__u32 spare;
};

/* Record of `answers`: the answer to one of `queries`. */
struct sp_dns_answer {
	struct sp_client_key client;
	__u32 length;  /* bytes of the DNS message in data */
	__u32 ifindex; /* where it came from; 0: from the gateway itself */
	__u32 zone;    /* the client's */
	__u32 spare;
	__u8 data[SP_ANSWER_SIZE];
};

/* What `events` tells; the last two are told by the daemon, and of no client. */
#define SP_EVENTS(X)                                                                        \
	X(1, GUEST, "new", "a captive client that was not known")                           \
	X(2, SESSION, "login", "first packet of a session")                                 \
	X(3, EXPIRED, "expired", "the time of a session is over")                           \
	X(4, IDLE, "idle", "a session ended because its client was silent")                 \
	X(5, QUOTA, "quota", "a session used up its quota")                                 \
	X(6, CLASH, "clash", "another client sent on a portal connection")                  \
	X(7, BINDING, "binding", "a client sent from an address that is not its session's") \
	X(8, FLOOD, "flood", "a captive client is over one of its budgets")                 \
	X(9, CROWD, "crowd", "all captive clients together are over a budget")              \
	X(10, LEDGER, "ledger", "the ledger cannot be written: nobody is let in")           \
	X(11, LEDGER_FINE, "ledger-fine", "the ledger can be written again")

#define SP_EVENT_ENUM(number, name, word, text) SP_EVENT_##name = number,
enum sp_event_kind { SP_EVENT_NONE = 0, SP_EVENTS(SP_EVENT_ENUM) };
#undef SP_EVENT_ENUM

/* Entries of `budgets`: those of packets at their kind, and one for each kind of event behind
 * them, so that a flood of one kind leaves room for the others; all have the rate of
 * SP_BUDGET_EVENT. */
#define SP_TOTAL_OF_EVENT(kind) (SP_BUDGETS + (kind))
#define SP_TOTALS               (SP_BUDGETS + 16u)

/* Record of `events`. Written by BPF only. */
struct sp_event {
	__u64 time; /* jiffies */
	enum sp_event_kind kind;
	enum sp_reason reason;       /* CLASH, BINDING, FLOOD, CROWD: of the packet; else NONE */
	struct sp_client_key client; /* CROWD: who happened to send */
	struct sp_address address;   /* IP source of the packet; all zero: none */
	__u32 generation;            /* of the session; 0: none */
	__u32 ifindex;
};

/* Keys of `ports` are ifindexes, with this bit those of client interfaces: uploads are never sent
 * there past the stack, downloads nowhere else. */
#define SP_PORT_CLIENT 0x80000000u

/* Value of `egress`: where a route that leads to interface KEY really leaves. Interfaces that are
 * not in there belong to the stack. Written by user space only. */
struct sp_link {
	__u32 port;     /* ifindex */
	__u16 vlan;     /* tag to put on; 0: none */
	__u16 protocol; /* of the tag, network order */
	__u32 client;   /* 1: a client interface; for the reader */
};

/* Of `flows`: a flow as it arrives, but for what only IPv6 has. */
struct sp_flow_key {
	__u8 mac[6]; /* source of the frame */
	__u16 vlan;  /* 0: untagged or priority-tagged */
	__u32 from;  /* IPv4 address, or the last word of the IPv6 one, network order */
	__u32 to;    /* the same */
	__u16 source_port;
	__u16 destination_port;
	__u32 ifindex; /* where it arrives */
	__u32 class;   /* TOS, or traffic class and flow label, network order */
	__u8 protocol;
	__u8 family;   /* 4 or 6 */
	__u16 network; /* bytes before the IP header */
};

/*
 * Value of `flows`: how the last packet of a flow was forwarded past the stack. It holds for the
 * next ones until the tick is over, sp_settings.changes moves or the cell is another session's.
 * Index: that of the CPU times SP_FLOWS, and a hash of the key. Written by BPF only.
 */
struct sp_flow {
	struct sp_flow_key key;
	__u32 stamp;       /* jiffies, the low half, plus sp_settings.changes */
	__u32 slot;        /* of the client that pays */
	__u32 generation;  /* of its session */
	__u32 port;        /* ifindex where it leaves */
	__u16 ethernet[6]; /* destination and source MAC there */
	__u16 vlan;        /* tag there; 0: none */
	__u16 mtu;         /* of the route, in bytes of IP */
	/* second cache line */
	__u32 from_high[3], to_high[3]; /* of IPv6 addresses the rest, network order */
	__u16 tag;                      /* protocol of `vlan`, network order */
	__u16 spare[19];
};

/* Entries of `flows` for each CPU; a power of two. */
#define SP_FLOWS_BITS 12u
#define SP_FLOWS      (1u << SP_FLOWS_BITS)

/*
 * The one value of `flow_tags`, per CPU: which flow came last to each of its entries of `flows`.
 * Bits of the flow's hash, and above them the low bits of the stamp at which the entry was written,
 * or of an earlier one if it was not. Written by BPF only.
 */
#define SP_FLOW_TAG_BITS 10u
struct sp_flow_tags {
	__u16 tag[SP_FLOWS];
};

/* Key of `vlans`: a frame as it arrives; the value is the ifindex that the stack receives it on. */
struct sp_vlan_key {
	__u32 port;
	__u16 vlan;
	__u16 protocol; /* network order */
};

/* Index into `listeners` of a worker's listening socket. A zone that has none there shares those of
 * zone 0.
 */
#define SP_LISTENER(zone, worker, is_ipv6) \
	(((zone)*SP_MAX_WORKERS + (worker)) * 2u + ((is_ipv6) ? 1u : 0u))
/* The same of the one that it has letters by. */
#define SP_LETTERS(zone, worker, is_ipv6) \
	(SP_LISTENER(zone, worker, is_ipv6) + SP_ZONES * SP_MAX_WORKERS * 2u)
#define SP_LISTENERS_SIZE (2u * SP_ZONES * SP_MAX_WORKERS * 2u)

struct sp_mac {
	__u8 byte[6];
};

/* Load-time configuration: .rodata of the BPF objects, constants to the verifier and the JIT. */
struct sp_load {
	struct sp_address
		capture4; /* own addresses at which captured connections are handed to the */
	struct sp_address capture6; /* responder; all zero: there is none of this family */
	__u32 hz;                   /* jiffies per second */
	__u32 mark;                 /* set on captured packets ... */
	__u32 mark_mask;            /* ... in these bits */
	__u32 guard;   /* 1: drop what only a router or server sends, also from the authorized */
	__u32 cookies; /* 1: this kernel makes sockets of SYN cookies (bpf/handshake.h) */
	__u32 portal_port[2]; /* of HTTPS and plain HTTP, network order; one of them: twice */
	__u32 gateway_count;  /* entries used in each list */
	__u32 resolver_count;
	__u32 portal_count;
	__u32 mac_count;
	struct sp_address gateway[SP_MAX_ADDRESSES];  /* own addresses on client interfaces */
	struct sp_address resolver[SP_MAX_ADDRESSES]; /* where captive clients may ask DNS */
	struct sp_address portal[SP_MAX_ADDRESSES];   /* where the portal listens */
	struct sp_mac mac[SP_MAX_MACS];               /* own MAC addresses */
};

/*
 * What XDP tells TC about a packet it lets on, in front of the packet (metadata). The same for all
 * packets of a flow, or GRO would not merge them (skb_metadata_differs in the kernel).
 */
struct sp_meta {
	__u32 magic;
	__u16 reason; /* enum sp_reason */
	__u16 vlan;   /* the VLAN the verdict was made for */
};
/* Of this struct, whatever else SP_ABI_VERSION stands for: while `up` puts one version into the
 * place of another, each hook has to believe the other's, or a packet would be counted twice. */
#define SP_META_MAGIC 0x53500002u

/* Argument of the `clock` program (BPF_PROG_TYPE_SYSCALL). */
struct sp_clock_now {
	__u64 jiffies;
};

#ifndef __cplusplus
_Static_assert(sizeof(struct sp_client_key) == 8, "ABI");
_Static_assert(sizeof(struct sp_client_policy) == 112, "ABI");
_Static_assert(sizeof(struct sp_usage) == 128, "ABI: two cache lines");
_Static_assert(__builtin_offsetof(struct sp_usage, down_generation) == 64, "ABI");
_Static_assert(sizeof(struct sp_origin_key) == 40, "ABI");
_Static_assert(sizeof(struct sp_origin) == 24, "ABI");
_Static_assert(sizeof(struct sp_capture_key) == 24, "ABI");
_Static_assert(sizeof(struct sp_capture) == 24, "ABI");
_Static_assert(sizeof(struct sp_letter) == 12, "ABI: with a UDP header a TCP header");
_Static_assert(sizeof(struct sp_count) == 24, "ABI");
_Static_assert(sizeof(struct sp_zone_key) == 8, "ABI");
_Static_assert(sizeof(struct sp_zone_port) == 8, "ABI");
_Static_assert(sizeof(struct sp_settings) == 88 + 32 * SP_BUDGETS + (8 << SP_ZONE_BITS), "ABI");
_Static_assert(sizeof(struct sp_guest) == 48 + 8 * SP_BUDGETS, "ABI");
_Static_assert(sizeof(struct sp_flooder) == 64, "ABI");
_Static_assert(sizeof(struct sp_seen) == 16, "ABI");
_Static_assert(sizeof(struct sp_total) == 64, "ABI: a cache line");
_Static_assert(sizeof(struct sp_garden_rule) == 24, "ABI");
_Static_assert(sizeof(struct sp_garden) == 8 + 24 * SP_GARDEN_RULES, "ABI");
_Static_assert(sizeof(struct sp_garden_name) == 8 + 24 * SP_GARDEN_RULES, "ABI");
_Static_assert(sizeof(struct sp_query) == 40, "ABI");
_Static_assert(sizeof(struct sp_event) == 48, "ABI");
_Static_assert(sizeof(struct sp_flow_key) == 32, "ABI");
_Static_assert(sizeof(struct sp_flow) == 128, "ABI: two cache lines");
_Static_assert(__builtin_offsetof(struct sp_flow, from_high) == 64, "ABI");
_Static_assert(sizeof(struct sp_link) == 12, "ABI");
_Static_assert(sizeof(struct sp_vlan_key) == 8, "ABI");
_Static_assert(sizeof(struct sp_meta) == 8, "ABI: a multiple of 4, at most 32");
#endif

#endif
