/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frame that the traffic generator sends: what its two sides, kernel and user space, agree on.
 */
#ifndef SP_BENCH_FRAME_H
#define SP_BENCH_FRAME_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/types.h>
#include <linux/udp.h>

/* The smallest Ethernet frame, without its check sequence. */
#define SP_BENCH_FRAME 60u

struct sp_bench_headers {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

/* Longest frame of a flood, which may be anything. */
#define SP_BENCH_FLOOD 96u

_Static_assert(sizeof(struct sp_bench_headers) == 42, "headers of UDP over IPv4 over Ethernet");

#endif
