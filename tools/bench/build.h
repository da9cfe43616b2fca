/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of the traffic generator, made from what its command line says of them. */
#ifndef SP_BENCH_BUILD_H
#define SP_BENCH_BUILD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

#define SP_BENCH_PAYLOAD 32u

/* UDP or TCP between two addresses of one family. */
struct sp_bench_flow {
	uint8_t from_mac[6], to_mac[6];
	int family;               /* AF_INET or AF_INET6 */
	struct in6_addr from, to; /* an IPv4 address is in the first four bytes */
	uint8_t protocol, flags;  /* TCP's */
	uint16_t to_port, vlan;   /* vlan 0: no tag */
	uint32_t bytes;           /* of the frame; more if its headers need more */
	uint32_t clients, flows;
	bool download; /* clients are where it goes to: their MACs are not in it yet */
	bool stamp;    /* UDP only */
	uint8_t payload[SP_BENCH_PAYLOAD]; /* UDP only, in place of a stamp */
	uint32_t payload_size;
};

/* Returns the length of the frame. */
uint32_t sp_bench_build(const struct sp_bench_flow *flow, struct sp_bench_stream *stream);

/* A frame of any kind, of one of @clients source MACs. False: @size is not 14 to SP_BENCH_HEAD. */
bool sp_bench_build_raw(const uint8_t *frame, size_t size, uint32_t clients,
                        struct sp_bench_stream *stream);

#endif
