/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A gateway in route mode, its FIB a real one in a network namespace of this process; 802.1Q
 * devices are stood in for by others, because the datapath knows them by number alone. For the
 * tests of what is forwarded past the stack. Every failure fails the running test.
 */
#ifndef SP_TEST_ROUTED_H
#define SP_TEST_ROUTED_H

#include <stdint.h>

#include "run.h"

#define AUTHORIZED_CLIENT 3
#define CAPTIVE_CLIENT    2
#define BLOCKED_CLIENT    4
#define TAGGED_CLIENT     5
#define SLOT              1
#define TAGGED_SLOT       2
#define GENERATION        7
#define IN_TAG            0x8100, 5
#define OUT_TAG           0x88a8, 9
#define NEXT_HOP          0x10 /* last byte of the MAC of whatever is behind an uplink */

/* A UDP packet of this much payload. */
#define LONG(size) \
	.protocol = IPPROTO_UDP, .source_port = 40000, .destination_port = 443, .payload = (size)

#define ME4 "10.85.0.3"
#define ME6 "fd85::3"

/* The bench, and the ifindexes of its interfaces: clients are behind lan0 and lan1, `inner` is the
 * VLAN device of IN_TAG on lan0; uplinks are wan0 and wan1, `outer` that of OUT_TAG on wan0. */
struct sp_routed {
	struct sp_bench *bench;
	uint32_t lan0, lan1, wan0, wan1, inner, outer;
};
extern struct sp_routed sp_routed;

/* Begin a test: cmocka's setup. All zones in route mode, AUTHORIZED_CLIENT has a session at SLOT,
 * TAGGED_CLIENT one at TAGGED_SLOT. */
int sp_routed_setup(void **unused);

/* One entry of the map of this name. */
void sp_routed_put(const char *map, const void *key, const void *value);
void sp_routed_take(const char *map, const void *key);

/* Which zones are in route mode, a bit each; zone 0 is all there is. */
void sp_routed_zones(uint32_t zones);

/* Write @policy for this client, with GENERATION and, if it says nothing else, authorized. */
void sp_routed_grant(uint8_t client, uint16_t vlan, struct sp_client_policy policy);

/* What became of a frame. */
struct sp_pass {
	int action;
	struct sp_frame_bytes out;
	uint32_t meta; /* bytes in front of it */
	enum sp_reason reason;
	uint64_t bytes;
};

void sp_routed_run(int program, uint32_t ifindex, const struct sp_frame_bytes *frame,
                   struct sp_pass *pass);

/* The frame to the gateway from client number @client. @tag NULL: none. */
void sp_routed_build(const struct sp_sample *sample, uint8_t client, const struct sp_tag *tag,
                     struct sp_frame_bytes *frame);

/* Send it from the client by lan0; or from NEXT_HOP by wan0. */
void sp_routed_up(const struct sp_sample *sample, uint8_t client, const struct sp_tag *tag,
                  struct sp_pass *pass);
void sp_routed_down(const struct sp_sample *sample, const struct sp_tag *tag, struct sp_pass *pass);

/* It was redirected, to the MAC of number @to. */
void sp_routed_expect(const struct sp_sample *sample, uint8_t to, const struct sp_tag *tag,
                      enum sp_reason reason, const struct sp_pass *pass);

/* It went on as it came. */
void sp_routed_expect_stack(const struct sp_sample *sample, uint8_t client,
                            const struct sp_tag *tag, enum sp_reason reason,
                            const struct sp_pass *pass);

#endif
