/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments of captured connections, and what must become of each: frames to be compared byte by
 * byte, and cookies, both made here without the datapath's code.
 */
#ifndef SP_TEST_SEGMENTS_H
#define SP_TEST_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "packets.h"
#include "run.h"

#define SP_FIN 0x01
#define SP_SYN 0x02
#define SP_RST 0x04
#define SP_PSH 0x08
#define SP_ACK 0x10

#define SP_SEGMENT_CLIENT 2  /* of sp_test_mac(): 10.85.0.2, fd85::2 */
#define SP_SEGMENT_PORT   80 /* of the server: 10.86.0.2, fd86::2 */

/* A segment of a client, or back to it. */
struct sp_test_segment {
	bool is_ipv6;
	uint8_t tags;
	uint8_t client; /* last byte of its address; 0: SP_SEGMENT_CLIENT */
	uint16_t port;  /* the client's */
	uint32_t sequence, acknowledgement;
	uint8_t flags;
	uint16_t window;
	const void *option;
	uint8_t option_bytes; /* a multiple of 4 */
	const void *payload;
	size_t size;
	uint8_t padding; /* bytes behind the packet, not zero */
};

/* The option of the segment's size that everybody here has. */
extern const uint8_t sp_segment_mss[4];

/* The SYN of a client; its sequence number is 1000. */
struct sp_test_segment sp_segment_opening(bool is_ipv6, uint16_t port);

/* The segment without payload that answers @to, by which @heard of its sequence numbers are heard;
 * one with SYN has the option. */
struct sp_test_segment sp_segment_back(const struct sp_test_segment *to, uint32_t sequence,
                                       uint8_t flags, uint32_t heard);

/* A responder's socket (SOCK_STREAM: listening; SOCK_DGRAM), on loopback, where nothing but
 * bpf_sk_assign brings anything to it. -1 and errno: there is none. */
int sp_segment_socket(bool is_ipv6, int type);

/* The frame in which the client sends @segment. */
void sp_segment_build(const struct sp_test_segment *segment, struct sp_frame_bytes *frame);

/* The frame in which @segment goes back to its client, from whom it meant. */
void sp_segment_answer(const struct sp_test_segment *segment, struct sp_frame_bytes *frame);

/* What the client's @segment must be when it is handed over: the same, to the gateway's own address
 * and @stand_in (host order). */
void sp_segment_handed(const struct sp_test_segment *segment, uint16_t stand_in,
                       struct sp_frame_bytes *frame);

/* What the client's @segment must be as a letter. */
void sp_segment_letter(const struct sp_test_segment *segment, uint16_t stand_in,
                       struct sp_frame_bytes *frame);

/* SipHash-2-4 of @size bytes (Aumasson and Bernstein, 2012). */
uint64_t sp_test_siphash(const uint8_t key[16], const uint8_t *bytes, size_t size);

/* The cookie for the connection of @syn, in the @unit of 64 s since the kernel began to count. */
uint32_t sp_test_cookie(const struct sp_test_segment *syn, const __u64 key[2], uint64_t unit);

/* The present unit. */
uint64_t sp_test_cookie_unit(void);

#endif
