// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Addresses: the gateway is 10.85.0.1, fd85::1 and fe80::1, the client .2, 10.86.0.2 and fd86::2
 * are the Internet, 9.9.9.9 and 2620:fe::fe are listed resolvers, port 8080 is the portal.
 */
#include "samples.h"

#include <netinet/in.h>

#define R(name) SP_REASON_##name

#define V4(src, dst) .family = 4, .from = (src), .to = (dst)
#define V6(src, dst) .family = 6, .from = (src), .to = (dst)
#define UDP(sport, dport) \
	.protocol = IPPROTO_UDP, .source_port = (sport), .destination_port = (dport), .payload = 12
#define TCP(sport, dport, bits)                                                       \
	.protocol = IPPROTO_TCP, .source_port = (sport), .destination_port = (dport), \
	.flags = (bits)
#define ICMP(kind)      .protocol = IPPROTO_ICMP, .type = (kind), .payload = 8
#define ICMP6(kind)     .protocol = IPPROTO_ICMPV6, .type = (kind), .payload = 8
#define ND(kind, about) .protocol = IPPROTO_ICMPV6, .type = (kind), .target = (about), .payload = 8
#define ARP(operation, sender, wanted) \
	.ethertype = 0x0806, .type = (operation), .from = (sender), .to = (wanted)
#define RAW(number, bytes) .ethertype = (number), .body = (bytes)
#define CHAIN(count, ...)  .chain_length = (count), .chain = {__VA_ARGS__}
#define PATCH(count, ...)  .patches = (count), .patch = {__VA_ARGS__}
#define BOTH(name)         .captive = R(name), .authorized = R(name)
/* A row of the guard: from every client; and what it is to a captive one without the guard. */
#define GUARD(name, without) BOTH(name), .captive_no_guard = R(without)

#define HBH  IPPROTO_HOPOPTS
#define RH   IPPROTO_ROUTING
#define FH   IPPROTO_FRAGMENT
#define DST  IPPROTO_DSTOPTS
#define AUTH IPPROTO_AH

#define SYN 0x02
#define ACK 0x10
#define MF  0x2000

#define ME4  "10.85.0.2"
#define GW4  "10.85.0.1"
#define NET4 "10.86.0.2"
#define ME6  "fd85::2"
#define LL6  "fe80::2"
#define GW6  "fd85::1"
#define NET6 "fd86::2"

const struct sp_sample sp_samples[] = {
	/* ARP (RFC 826, RFC 5227). */
	{"ARP request", ARP(1, ME4, GW4), .captive = R(ARP)},
	{"ARP probe", ARP(1, "0.0.0.0", ME4), .captive = R(ARP)},
	{"ARP probe for the gateway's address", ARP(1, "0.0.0.0", GW4), .captive = R(ARP)},
	{"ARP announcement", ARP(1, ME4, ME4), .captive = R(ARP)},
	{"ARP reply", ARP(2, ME4, GW4), .captive = R(ARP)},
	{"ARP reply that claims the gateway", ARP(2, GW4, ME4), GUARD(GUARD_ADDRESS, ARP)},
	{"ARP announcement of the gateway", ARP(1, GW4, GW4), GUARD(GUARD_ADDRESS, ARP)},
	{"ARP request as the gateway", ARP(1, GW4, ME4), GUARD(GUARD_ADDRESS, ARP)},
	{"ARP, wrong hardware", ARP(1, ME4, GW4), PATCH(1, {1, 6}), BOTH(MALFORMED)},
	{"ARP, wrong protocol", ARP(1, ME4, GW4), PATCH(1, {2, 0x86}), BOTH(MALFORMED)},
	{"ARP, wrong address size", ARP(1, GW4, GW4), PATCH(1, {4, 8}), BOTH(MALFORMED)},
	{"ARP, wrong protocol size", ARP(1, GW4, GW4), PATCH(1, {5, 16}), BOTH(MALFORMED)},

	/* EAPOL and the ethertypes nobody needs. */
	{"EAPOL start", RAW(0x888e, "02 01 00 00"), .captive = R(EAPOL)},
	{"EAPOL with a body", RAW(0x888e, "02 00 00 05 02 00 00 05 01"), .captive = R(EAPOL)},
	{"EAPOL, padded", RAW(0x888e, "02 01 00 00 00 00 00 00"), .captive = R(EAPOL)},
	{"EAPOL longer than the frame", RAW(0x888e, "02 00 00 06 02 00 00 05 01"), BOTH(MALFORMED)},
	{"LLDP", RAW(0x88cc, "02 07 04 02 00 00 00 00 02 00 00"), .captive = R(ETHERTYPE)},
	{"PPPoE session", RAW(0x8864, "11 00 00 01 00 06 00 21 45 00"), .captive = R(ETHERTYPE)},
	{"MPLS", RAW(0x8847, "00 01 01 40 45 00 00 14"), .captive = R(ETHERTYPE)},
	{"RARP", RAW(0x8035, "00 01 08 00 06 04 00 03"), .captive = R(ETHERTYPE)},
	{"old QinQ tag", RAW(0x9100, "00 05 08 00 45 00 00 14"), .captive = R(ETHERTYPE)},
	{"MACsec", RAW(0x88e5, "0c 00 00 00 00 01 00 00"), .captive = R(ETHERTYPE)},
	{"ethertype 0xffff", RAW(0xffff, "00 00"), .captive = R(ETHERTYPE)},
	{"ethertype 1536", RAW(0x0600, "00 00"), .captive = R(ETHERTYPE)},
	{"802.3, spanning tree", RAW(0x0026, "42 42 03 00 00 00 00 00"), .captive = R(ETHERTYPE)},
	{"802.3, length 0", RAW(0x0000, "00 00 00 00 00 00 00 00"), .captive = R(ETHERTYPE)},
	{"802.3, novell", RAW(0x001e, "ff ff 00 1e 00 00 00 00"), .captive = R(ETHERTYPE)},
	{"802.3, SNAP of another organisation", RAW(0x0010, "aa aa 03 00 00 0c 20 00 00 00"),
         .captive = R(ETHERTYPE)},
	{"802.3, SNAP with IPv6 inside", RAW(0x0030, "aa aa 03 00 00 00 86 dd 60 00 00 00"),
         BOTH(MALFORMED)},
	{"802.3, SNAP with ARP inside", RAW(0x0024, "aa aa 03 00 00 00 08 06 00 01 08 00"),
         BOTH(MALFORMED)},
	{"802.3, bridge tunnel with IPv6 inside",
         RAW(0x0030, "aa aa 03 00 00 f8 86 dd 60 00 00 00"), BOTH(MALFORMED)},

	/* DHCP (RFC 2131). */
	{"DHCP discover", V4("0.0.0.0", "255.255.255.255"), UDP(68, 67), .captive = R(DHCP)},
	{"DHCP renewal to the gateway", V4(ME4, GW4), UDP(68, 67), .captive = R(DHCP)},
	{"DHCP ports to the Internet", V4(ME4, NET4), UDP(68, 67), .captive = R(UDP)},
	{"DHCP offer from a client", V4(ME4, "255.255.255.255"), UDP(67, 68),
         GUARD(GUARD_DHCP, UDP)},
	{"DHCP relay from a client", V4(ME4, GW4), UDP(67, 67), GUARD(GUARD_DHCP, UDP)},
	{"DHCP offer from another port", V4(ME4, "255.255.255.255"), UDP(1067, 68),
         GUARD(GUARD_DHCP, UDP)},
	{"DHCP offer, options", V4(ME4, "255.255.255.255"), UDP(67, 68), .options = 10,
         GUARD(GUARD_DHCP, UDP)},
	{"DHCP offer, first fragment", V4(ME4, "255.255.255.255"), UDP(67, 68), .fragment = MF,
         GUARD(GUARD_DHCP, FRAGMENT)},

	/* DHCPv6 (RFC 8415). */
	{"DHCPv6 solicit", V6(LL6, "ff02::1:2"), UDP(546, 547), .captive = R(DHCP)},
	{"DHCPv6 to the gateway", V6(LL6, "fe80::1"), UDP(546, 547), .captive = R(DHCP)},
	{"DHCPv6 to the gateway's global address", V6(ME6, GW6), UDP(546, 547), .captive = R(DHCP)},
	{"DHCPv6 ports to the Internet", V6(ME6, NET6), UDP(546, 547), .captive = R(UDP)},
	{"DHCPv6 reply from a client", V6(LL6, "fe80::3"), UDP(547, 546), GUARD(GUARD_DHCP, UDP)},
	{"DHCPv6 reply from another port", V6(LL6, "fe80::3"), UDP(1547, 546),
         GUARD(GUARD_DHCP, UDP)},
	{"DHCPv6 reply behind options", V6(LL6, "fe80::3"), UDP(547, 546), CHAIN(2, HBH, DST),
         GUARD(GUARD_DHCP, UDP)},

	/* Neighbour discovery (RFC 4861). */
	{"router solicitation", V6(LL6, "ff02::2"), ICMP6(133), .captive = R(ND)},
	{"router solicitation, unspecified", V6("::", "ff02::2"), ICMP6(133), .captive = R(ND)},
	{"neighbour solicitation", V6(LL6, "ff02::1:ff00:1"), ND(135, GW6), .captive = R(ND)},
	{"neighbour solicitation, unicast", V6(ME6, GW6), ND(135, GW6), .captive = R(ND)},
	{"duplicate address detection", V6("::", "ff02::1:ff00:2"), ND(135, ME6), .captive = R(ND)},
	{"neighbour solicitation to the Internet", V6(ME6, NET6), ND(135, NET6),
         .captive = R(ICMP)},
	{"neighbour solicitation as the gateway", V6("fe80::1", "ff02::1:ff00:3"),
         ND(135, "fd85::3"), GUARD(GUARD_ADDRESS, ND)},
	{"router solicitation as the gateway", V6("fe80::1", "ff02::2"), ICMP6(133),
         GUARD(GUARD_ADDRESS, ND)},
	{"neighbour advertisement", V6(ME6, GW6), ND(136, ME6), .captive = R(ND)},
	{"neighbour advertisement to the Internet", V6(ME6, NET6), ND(136, ME6),
         .captive = R(ICMP)},
	{"neighbour advertisement of the gateway", V6(LL6, "ff02::1"), ND(136, GW6),
         GUARD(GUARD_ADDRESS, ND)},
	{"neighbour advertisement of its link-local", V6(LL6, "ff02::1"), ND(136, "fe80::1"),
         GUARD(GUARD_ADDRESS, ND)},
	{"neighbour advertisement without target", V6(ME6, GW6), ICMP6(136), BOTH(MALFORMED)},
	{"router advertisement", V6(LL6, "ff02::1"), ICMP6(134), GUARD(GUARD_RA, ICMP)},
	{"redirect", V6(LL6, ME6), ND(137, NET6), GUARD(GUARD_REDIRECT, ICMP)},

	/* Hidden router advertisements (RFC 7113, RFC 6980). */
	{"router advertisement behind options", V6(LL6, "ff02::1"), ICMP6(134), CHAIN(1, DST),
         GUARD(GUARD_RA, ICMP)},
	{"router advertisement behind many", V6(LL6, "ff02::1"), ICMP6(134),
         CHAIN(6, HBH, DST, RH, AUTH, DST, DST), GUARD(GUARD_RA, ICMP)},
	{"router advertisement behind seven", V6(LL6, "ff02::1"), ICMP6(134),
         CHAIN(7, HBH, DST, RH, AUTH, DST, DST, DST), BOTH(EXTENSIONS)},
	{"router advertisement behind eight", V6(LL6, "ff02::1"), ICMP6(134),
         CHAIN(8, DST, DST, DST, DST, DST, DST, DST, DST), BOTH(EXTENSIONS)},
	{"router advertisement, first fragment", V6(LL6, "ff02::1"), ICMP6(134), CHAIN(1, FH),
         .fragment = MF, GUARD(GUARD_RA, FRAGMENT)},
	{"router advertisement, atomic fragment", V6(LL6, "ff02::1"), ICMP6(134), CHAIN(1, FH),
         GUARD(GUARD_RA, FRAGMENT)},
	{"router advertisement, two fragment headers", V6(LL6, "ff02::1"), ICMP6(134),
         CHAIN(3, FH, DST, FH), .fragment = MF, GUARD(GUARD_RA, FRAGMENT)},
	{"chain ends before the ICMPv6 header", V6(LL6, "ff02::1"), .protocol = IPPROTO_ICMPV6,
         CHAIN(2, FH, DST), .fragment = MF, .padding = 40, PATCH(2, {4, 0}, {5, 16}),
         BOTH(MALFORMED)},
	{"neighbour advertisement of the gateway, fragment", V6(LL6, "ff02::1"), ND(136, GW6),
         CHAIN(1, FH), .fragment = MF, GUARD(GUARD_ADDRESS, FRAGMENT)},
	{"redirect behind a routing header", V6(LL6, ME6), ND(137, NET6), CHAIN(1, RH),
         GUARD(GUARD_REDIRECT, ICMP)},

	/* Multicast listeners (RFC 2710, RFC 3810). */
	{"MLDv1 report", V6(LL6, "ff02::fb"), ND(131, "ff02::fb"), CHAIN(1, HBH), .hops = 1,
         .captive = R(MLD)},
	{"MLDv1 done", V6(LL6, "ff02::2"), ND(132, "ff02::fb"), CHAIN(1, HBH), .hops = 1,
         .captive = R(MLD)},
	{"MLDv2 report", V6(LL6, "ff02::16"), ICMP6(143), CHAIN(1, HBH), .hops = 1,
         .captive = R(MLD)},
	{"MLDv2 report, unspecified", V6("::", "ff02::16"), ICMP6(143), CHAIN(1, HBH), .hops = 1,
         .captive = R(MLD)},
	{"MLDv2 report to the Internet", V6(ME6, NET6), ICMP6(143), .captive = R(ICMP)},
	{"MLD query from a client", V6(LL6, "ff02::1"), ICMP6(130), CHAIN(1, HBH), .hops = 1,
         .captive = R(ICMP)},
	{"IGMP report", V4(ME4, "224.0.0.22"), .protocol = IPPROTO_IGMP, .options = 1, .hops = 1,
         .payload = 16, .captive = R(PROTOCOL)},

	/* DNS. */
	{"DNS", V4(ME4, GW4), UDP(40000, 53), .captive = R(DNS)},
	{"DNS to a far resolver", V4(ME4, "9.9.9.9"), UDP(40000, 53), .captive = R(DNS)},
	{"DNS over TCP", V4(ME4, GW4), TCP(40000, 53, SYN), .captive = R(DNS)},
	{"DNS over TCP with data", V4(ME4, "9.9.9.9"), TCP(40000, 53, ACK), .payload = 40,
         .captive = R(DNS)},
	{"DNS to somebody else", V4(ME4, NET4), UDP(40000, 53), .captive = R(UDP)},
	{"DNS over TCP to somebody else", V4(ME4, NET4), TCP(40000, 53, SYN), .captive = R(TCP)},
	{"DNS as source port", V4(ME4, GW4), UDP(53, 40000), .captive = R(UDP)},
	{"DNS, IPv4 options", V4(ME4, GW4), UDP(40000, 53), .options = 10, .captive = R(DNS)},
	{"DNS over IPv6", V6(ME6, GW6), UDP(40000, 53), .captive = R(DNS)},
	{"DNS over IPv6 to a far resolver", V6(ME6, "2620:fe::fe"), UDP(40000, 53),
         .captive = R(DNS)},
	{"DNS over IPv6 and TCP", V6(ME6, GW6), TCP(40000, 53, SYN), .captive = R(DNS)},
	{"DNS over IPv6 to somebody else", V6(ME6, NET6), UDP(40000, 53), .captive = R(UDP)},
	{"DNS over IPv6 behind options", V6(ME6, GW6), UDP(40000, 53), CHAIN(2, HBH, DST),
         .captive = R(DNS)},
	{"DNS to an address that only looks mapped", V6(ME6, "::10.85.0.1"), UDP(40000, 53),
         .captive = R(UDP)},
	{"DNS over TLS", V4(ME4, "9.9.9.9"), TCP(40000, 853, SYN), .captive = R(TCP)},

	/* The portal. Everybody's connections are recorded. */
	{"portal", V4(ME4, GW4), TCP(40000, 8080, SYN), BOTH(PORTAL)},
	{"portal over IPv6", V6(ME6, GW6), TCP(40000, 8080, SYN), BOTH(PORTAL)},
	{"portal behind options", V6(ME6, GW6), TCP(40001, 8080, SYN), CHAIN(1, DST), BOTH(PORTAL)},
	{"portal without SYN", V4(ME4, GW4), TCP(40002, 8080, ACK), BOTH(ORIGIN)},
	{"portal, SYN and ACK", V4(ME4, GW4), TCP(40003, 8080, SYN | ACK), BOTH(ORIGIN)},
	{"portal, first fragment", V4(ME4, GW4), TCP(40004, 8080, SYN), .fragment = MF,
         .captive = R(FRAGMENT), .authorized = R(ORIGIN)},
	{"portal over IPv6, first fragment", V6(ME6, GW6), TCP(40005, 8080, SYN), CHAIN(1, FH),
         .fragment = MF, .captive = R(FRAGMENT), .authorized = R(ORIGIN)},
	{"portal port elsewhere", V4(ME4, NET4), TCP(40000, 8080, SYN), .captive = R(TCP)},
	{"portal port on the gateway's link-local", V6(LL6, "fe80::1"), TCP(40000, 8080, SYN),
         .captive = R(TCP)},
	{"portal address, other port", V4(ME4, GW4), TCP(40000, 8081, SYN), .captive = R(TCP)},
	{"portal by UDP", V4(ME4, GW4), UDP(40000, 8080), .captive = R(UDP)},
	{"shell of the gateway", V4(ME4, GW4), TCP(40000, 22, SYN), .captive = R(TCP)},

	/* Ping. */
	{"ping the gateway", V4(ME4, GW4), ICMP(8), .captive = R(ECHO)},
	{"ping the Internet", V4(ME4, NET4), ICMP(8), .captive = R(ICMP)},
	{"ping a resolver", V4(ME4, "9.9.9.9"), ICMP(8), .captive = R(ICMP)},
	{"ping reply to the Internet", V4(ME4, NET4), ICMP(0), .captive = R(ICMP)},
	{"ICMP unreachable", V4(ME4, GW4), ICMP(3), .captive = R(ICMP)},
	{"answer to a ping from the gateway", V4(ME4, GW4), ICMP(0), .captive = R(ECHO)},
	{"answer to a ping from the gateway over IPv6", V6(ME6, GW6), ICMP6(129),
         .captive = R(ECHO)},
	{"ping the gateway over IPv6", V6(ME6, GW6), ICMP6(128), .captive = R(ECHO)},
	{"ping its link-local address", V6(LL6, "fe80::1"), ICMP6(128), .captive = R(ECHO)},
	{"ping the Internet over IPv6", V6(ME6, NET6), ICMP6(128), .captive = R(ICMP)},
	{"ping all nodes", V6(LL6, "ff02::1"), ICMP6(128), .captive = R(ICMP)},
	{"ICMPv6 packet too big", V6(ME6, GW6), ICMP6(2), .captive = R(ICMP)},
	{"ICMPv6 inside IPv4", V4(ME4, GW4), ICMP6(128), .captive = R(PROTOCOL)},
	{"ICMP inside IPv6", V6(ME6, GW6), ICMP(8), .captive = R(PROTOCOL)},

	/* Web and everything else. */
	{"HTTP", V4(ME4, NET4), TCP(40000, 80, SYN), .captive = R(CAPTURED)},
	{"HTTP with data", V4(ME4, NET4), TCP(40000, 80, ACK), .payload = 400,
         .captive = R(CAPTURED)},
	{"HTTP to the gateway", V4(ME4, GW4), TCP(40000, 80, SYN), .captive = R(CAPTURED)},
	{"HTTP over IPv6", V6(ME6, NET6), TCP(40000, 80, SYN), .captive = R(CAPTURED)},
	{"HTTP over IPv6 behind options", V6(ME6, NET6), TCP(40000, 80, SYN), CHAIN(2, HBH, DST),
         .captive = R(PROTOCOL)},
	{"HTTP, IPv4 options", V4(ME4, NET4), TCP(40000, 80, SYN), .options = 3,
         .captive = R(CAPTURED)},
	{"HTTP, padded to the smallest frame", V4(ME4, NET4), TCP(40000, 80, SYN), .padding = 6,
         .captive = R(CAPTURED)},
	{"HTTPS", V4(ME4, NET4), TCP(40000, 443, SYN), .captive = R(TCP)},
	{"HTTPS over IPv6", V6(ME6, NET6), TCP(40000, 443, SYN), .captive = R(TCP)},
	{"QUIC", V4(ME4, NET4), UDP(40000, 443), .captive = R(UDP)},
	{"QUIC over IPv6", V6(ME6, NET6), UDP(40000, 443), .captive = R(UDP)},
	{"UDP port 80", V4(ME4, NET4), UDP(40000, 80), .captive = R(UDP)},
	{"mDNS", V4(ME4, "224.0.0.251"), UDP(5353, 5353), .captive = R(UDP)},
	{"GRE", V4(ME4, NET4), .protocol = IPPROTO_GRE, .payload = 24, .captive = R(PROTOCOL)},
	{"6in4", V4(ME4, NET4), .protocol = IPPROTO_IPV6, .payload = 60, .captive = R(PROTOCOL)},
	{"ESP", V4(ME4, NET4), .protocol = IPPROTO_ESP, .payload = 40, .captive = R(PROTOCOL)},
	{"AH over IPv4", V4(ME4, NET4), .protocol = IPPROTO_AH, .payload = 40,
         .captive = R(PROTOCOL)},
	{"SCTP", V4(ME4, NET4), .protocol = IPPROTO_SCTP, .payload = 32, .captive = R(PROTOCOL)},
	{"protocol 255, empty", V4(ME4, GW4), .protocol = 255, .captive = R(PROTOCOL)},
	{"IPv4 inside IPv6", V6(ME6, NET6), .protocol = IPPROTO_IPIP, .payload = 40,
         .captive = R(PROTOCOL)},
	{"IPv6 without next header", V6(ME6, GW6), .protocol = IPPROTO_NONE,
         .captive = R(PROTOCOL)},
	{"ESP over IPv6", V6(ME6, NET6), .protocol = IPPROTO_ESP, .payload = 40,
         .captive = R(PROTOCOL)},
	{"mobility header", V6(ME6, GW6), .protocol = IPPROTO_MH, .payload = 16,
         .captive = R(PROTOCOL)},

	/* Fragments: even of what would pass whole. */
	{"DNS, first fragment", V4(ME4, GW4), UDP(40000, 53), .fragment = MF,
         .captive = R(FRAGMENT)},
	{"DNS, later fragment", V4(ME4, GW4), UDP(40000, 53), .fragment = MF | 3,
         .captive = R(FRAGMENT)},
	{"DNS, last fragment", V4(ME4, GW4), UDP(40000, 53), .fragment = 0x1fff,
         .captive = R(FRAGMENT)},
	{"HTTP, first fragment", V4(ME4, NET4), TCP(40000, 80, SYN), .fragment = MF,
         .captive = R(FRAGMENT)},
	{"first fragment longer by its own word", V4(ME4, GW4), UDP(40000, 53), .fragment = MF,
         PATCH(2, {24, 4}, {25, 0}), .captive = R(FRAGMENT)},
	{"DNS over IPv6, first fragment", V6(ME6, GW6), UDP(40000, 53), CHAIN(1, FH),
         .fragment = MF, .captive = R(FRAGMENT)},
	{"DNS over IPv6, later fragment", V6(ME6, GW6), UDP(40000, 53), CHAIN(1, FH),
         .fragment = MF | 5, .captive = R(FRAGMENT)},
	{"DNS over IPv6, atomic fragment", V6(ME6, GW6), UDP(40000, 53), CHAIN(1, FH),
         .captive = R(FRAGMENT)},
	{"later fragment behind options", V6(ME6, GW6), UDP(40000, 53), CHAIN(2, HBH, FH),
         .fragment = 7, .captive = R(FRAGMENT)},
	{"neighbour solicitation, first fragment", V6(LL6, "ff02::1:ff00:1"), ND(135, GW6),
         CHAIN(1, FH), .fragment = MF, .captive = R(FRAGMENT)},
	{"MLDv2 report, later fragment", V6(LL6, "ff02::16"), ICMP6(143), CHAIN(2, HBH, FH),
         .fragment = 2, .captive = R(FRAGMENT)},

	/* Headers that lie. */
	{"IPv4 with version 6", V4(ME4, GW4), UDP(40000, 53), PATCH(1, {0, 0x65}), BOTH(MALFORMED)},
	{"IPv4 with version 0", V4(ME4, GW4), UDP(40000, 53), PATCH(1, {0, 0x05}), BOTH(MALFORMED)},
	{"IPv4 header of 16 bytes", V4(ME4, GW4), UDP(40000, 53), PATCH(1, {0, 0x44}),
         BOTH(MALFORMED)},
	{"IPv4 header longer than the packet", V4(ME4, GW4), UDP(40000, 53), PATCH(1, {0, 0x4f}),
         BOTH(MALFORMED)},
	{"IPv4 shorter than its header", V4(ME4, GW4), UDP(40000, 53), PATCH(1, {3, 19}),
         BOTH(MALFORMED)},
	{"IPv4 length 0", V4(ME4, GW4), UDP(40000, 53), PATCH(2, {2, 0}, {3, 0}), BOTH(MALFORMED)},
	{"IPv4 one byte longer than the frame", V4(ME4, GW4), UDP(40000, 53), PATCH(1, {3, 41}),
         BOTH(MALFORMED)},
	{"UDP header cut by the IPv4 length", V4(ME4, GW4), UDP(40000, 53), PATCH(1, {3, 27}),
         BOTH(MALFORMED)},
	{"UDP longer than the packet", V4(ME4, GW4), UDP(40000, 53), PATCH(1, {25, 21}),
         BOTH(MALFORMED)},
	{"UDP length 7", V4(ME4, GW4), UDP(40000, 53), PATCH(1, {25, 7}), BOTH(MALFORMED)},
	{"UDP length 0", V4(ME4, GW4), UDP(40000, 53), PATCH(1, {25, 0}), BOTH(MALFORMED)},
	{"UDP longer, but inside the padding", V4(ME4, GW4), UDP(40000, 53), .padding = 20,
         PATCH(1, {25, 30}), BOTH(MALFORMED)},
	{"UDP shorter than the packet", V4(ME4, GW4), UDP(40000, 53), PATCH(1, {25, 10}),
         .captive = R(DNS)},
	{"TCP header of 16 bytes", V4(ME4, NET4), TCP(40000, 80, SYN), PATCH(1, {32, 0x40}),
         BOTH(MALFORMED)},
	{"TCP header longer than the packet", V4(ME4, NET4), TCP(40000, 80, SYN),
         PATCH(1, {32, 0x60}), BOTH(MALFORMED)},
	{"TCP header only in the padding", V4(ME4, NET4), TCP(40000, 80, SYN), .padding = 40,
         PATCH(1, {3, 39}), BOTH(MALFORMED)},
	{"TCP first fragment with half a header", V4(ME4, NET4), TCP(40000, 80, SYN),
         .fragment = MF, PATCH(1, {3, 28}), BOTH(MALFORMED)},
	{"ICMP of 4 bytes", V4(ME4, GW4), ICMP(8), PATCH(1, {3, 24}), BOTH(MALFORMED)},
	{"IPv6 with version 4", V6(ME6, GW6), UDP(40000, 53), PATCH(1, {0, 0x40}), BOTH(MALFORMED)},
	{"IPv6 longer than the frame", V6(ME6, GW6), UDP(40000, 53), PATCH(1, {5, 21}),
         BOTH(MALFORMED)},
	{"IPv6 length 0", V6(ME6, GW6), UDP(40000, 53), PATCH(1, {5, 0}), BOTH(MALFORMED)},
	{"IPv6 length 0 with hop-by-hop", V6(ME6, GW6), UDP(40000, 53), CHAIN(1, HBH),
         PATCH(1, {5, 0}), BOTH(MALFORMED)},
	{"UDP length 0 over IPv6", V6(ME6, GW6), UDP(40000, 53), PATCH(1, {45, 0}),
         BOTH(MALFORMED)},
	{"IPv6 extension longer than the packet", V6(ME6, GW6), UDP(40000, 53), CHAIN(1, DST),
         PATCH(1, {41, 4}), BOTH(MALFORMED)},
	{"IPv6 extension of 2,048 bytes", V6(ME6, GW6), UDP(40000, 53), CHAIN(1, HBH),
         PATCH(1, {41, 255}), BOTH(MALFORMED)},
	{"IPv6 extension only in the padding", V6(ME6, GW6), .protocol = IPPROTO_NONE,
         CHAIN(1, DST), .padding = 40, PATCH(1, {41, 1}), BOTH(MALFORMED)},
	{"AH longer than the packet", V6(ME6, GW6), UDP(40000, 53), CHAIN(1, AUTH),
         PATCH(1, {41, 20}), BOTH(MALFORMED)},
	{"AH that skips to the UDP header in itself", V6(ME6, GW6), UDP(40000, 443), CHAIN(1, AUTH),
         PATCH(4, {41, 2}, {59, 53}, {61, 28}, {58, 0}), .captive = R(DNS)},
	{"fragment header that claims a length", V6(ME6, GW6), UDP(40000, 53), CHAIN(1, FH),
         PATCH(1, {41, 255}), .captive = R(FRAGMENT)},
	{"NA with a target in the padding", V6(ME6, GW6), ICMP6(136), .padding = 40,
         BOTH(MALFORMED)},
	{},
};
