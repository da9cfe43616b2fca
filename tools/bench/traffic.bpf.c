// SPDX-License-Identifier: GPL-2.0-only
/*
 * Theory of operation: user space runs this program over and over on a frame of the right length
 * (BPF_PROG_TEST_RUN, BPF_F_TEST_XDP_LIVE_FRAMES); it fills in the headers and sends the frame out
 * of the interface. The kernel gives out the same frames again as they come back, with the TTL and
 * addresses of their last trip: hence all headers are written each time.
 *
 * With a flood every second frame is one of that, in front of the same length of padding.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "frame.h"

const volatile struct sp_bench_headers headers = {};
const volatile __u32 interface = 0;
const volatile __u32 clients = 1;
const volatile __u8 flood[SP_BENCH_FLOOD] = {};
const volatile __u32 flood_length = 0; /* 0: none */
const volatile __u32 flooders = 1;

/* Only ever one CPU sends. */
__u32 random_state = 2463534242u; /* user space begins elsewhere each time */
static __u32 turn;

/* One run: the clock at its first frame and at frame number @until, when the kernel is done with
 * all before that one. */
__u32 number;
__u32 until;
__u64 began, ended;

/* Marsaglia's xorshift: every client in turn would be too kind to the caches. */
static __always_inline __u32 next_random(void)
{
	__u32 x = random_state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	random_state = x;
	return x;
}

static __always_inline void stamp(void)
{
	if (number == 0)
		began = bpf_ktime_get_ns();
	else if (number == until)
		ended = bpf_ktime_get_ns();
	number++;
}

/* The last four bytes of the source MAC are the client's number. */
static __always_inline void number_client(struct ethhdr *ethernet, __u32 among)
{
	__u32 client;

	if (among <= 1)
		return;
	__builtin_memcpy(&client, ethernet->h_source + 2, sizeof(client));
	client = bpf_htonl(bpf_ntohl(client) + next_random() % among);
	__builtin_memcpy(ethernet->h_source + 2, &client, sizeof(client));
}

static __always_inline int send_flood(struct xdp_md *ctx)
{
	__u8 *out = (void *)(long)ctx->data;

	if ((void *)(out + SP_BENCH_FLOOD) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	for (__u32 i = 0; i < SP_BENCH_FLOOD; i++)
		out[i] = flood[i];
	number_client((struct ethhdr *)out, flooders);
	return (int)bpf_redirect(interface, 0);
}

SEC("xdp")
int traffic(struct xdp_md *ctx)
{
	struct sp_bench_headers *out = (void *)(long)ctx->data;

	stamp();
	if (flood_length && turn++ & 1)
		return send_flood(ctx);
	if ((void *)(out + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	*out = headers;
	number_client(&out->ethernet, clients);
	return (int)bpf_redirect(interface, 0);
}

char LICENSE[] SEC("license") = "GPL";
