/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the two sides of the traffic generator agree on, and of what ends the traffic: the frames
 * (traffic.bpf.c) and what is counted of them where they arrive (fixed.bpf.c).
 */
#ifndef SP_BENCH_FRAME_H
#define SP_BENCH_FRAME_H

#include <linux/types.h>

/* The smallest and the largest Ethernet frame, without check sequence. */
#define SP_BENCH_SMALLEST 60u
#define SP_BENCH_LARGEST  1514u

/* Frames that the kernel has made by the program before it sends them: as many as a driver takes
 * from a NIC at once (NAPI_POLL_WEIGHT in the kernel). */
#define SP_BENCH_BATCH 64u

/* Of a frame at most so much is written; the rest is zero. */
#define SP_BENCH_HEAD 128u

/* One kind of frames. Offsets are in bytes from the start of the frame, 0: there is none. */
struct sp_bench_stream {
	__u8 head[SP_BENCH_HEAD];
	__u32 size;    /* bytes of head, a multiple of 8; 0: no such frames */
	__u32 clients; /* each frame is one of so many clients' ... */
	__u32 mac;     /* ... whose number is added to these four bytes */
	__u32 address; /* ... and to these */
	__u32 flows;   /* each frame has one of so many ports ... */
	__u32 port;    /* ... from the one here on */
	__u32 ip_check,
		ip_sum;   /* checksum of the IPv4 header; sum of all of it that does not change */
	__u32 check, sum; /* the same for TCP and UDP */
	__u32 stamp;      /* here goes struct sp_bench_stamp */
};

/* When a frame was made, in ns of the monotonic clock. */
struct sp_bench_stamp {
	__u32 magic;
	__u64 time;
} __attribute__((packed));
#define SP_BENCH_MAGIC 0x53504253u

/* Where the generator's own frames go to; all others that arrive are not its own. */
#define SP_BENCH_PORT 9001

/* Index into `counts`. */
enum sp_bench_arrival {
	SP_BENCH_OWN,
	SP_BENCH_RESET,       /* TCP with RST */
	SP_BENCH_UNREACHABLE, /* ICMP type 3, ICMPv6 type 1 */
	SP_BENCH_OTHER,
	SP_BENCH_ARRIVALS,
};

struct sp_bench_count {
	__u64 packets, bytes;
};

/* Index into `delays`: 32 for each doubling. */
#define SP_BENCH_FINE    5u
#define SP_BENCH_BUCKETS (64u << SP_BENCH_FINE)

_Static_assert(sizeof(struct sp_bench_stamp) == 12, "fits behind UDP in the smallest frame");

#endif
