/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Initializers of struct sp_sample, short enough that a table of packets reads as a table. */
#ifndef SP_TEST_ROWS_H
#define SP_TEST_ROWS_H

#include "samples.h"

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

#endif
