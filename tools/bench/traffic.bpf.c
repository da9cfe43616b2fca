// SPDX-License-Identifier: GPL-2.0-only
/*
 * Theory of operation: user space runs this program over and over on a frame of the right length
 * (BPF_PROG_TEST_RUN, BPF_F_TEST_XDP_LIVE_FRAMES); it fills in the headers and sends the frame out
 * of the interface. The kernel gives out the same frames again as they come back, with the TTL and
 * addresses of their last trip: hence all headers are written each time.
 *
 * There are two kinds of frames, `own` and `flood`. How many of each a batch has is settled at its
 * beginning: shares that stay the same, or what a rate leaves due by the clock. What is not due is
 * not sent: the frame is dropped here, and the kernel asks for the next one.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "frame.h"

#define SECOND 1000000000ull

const volatile struct sp_bench_stream own = {};
const volatile struct sp_bench_stream flood = {};
const volatile __u32 interface = 0;
const volatile __u32 in_order = 0;               /* clients in turn and not at random */
const volatile __u32 flood_share = 0;            /* of a batch, at most */
const volatile __u32 flood_rate = 0;             /* frames a second; 0: flood_share of each batch */
const volatile __u32 own_rate = 0;               /* 0: what is left of the batch */
const volatile __u32 own_share = SP_BENCH_BATCH; /* of a batch, at most */

/* Only ever one CPU sends. */
__u32 random_state = 2463534242u; /* user space begins elsewhere each time */
static __u32 turn;

/* One run: the clock at its first frame and at frame number @until, when the kernel is done with
 * all before that one. */
__u32 number;
__u32 until;
__u64 began, ended;
__u64 own_sent, flood_sent;

/* Of this batch: how many of each, and what spreads them evenly over it. Not static: clang would
 * make a variable of each member, and the kernel refuses the BTF that it then writes. */
struct {
	__u32 own, flood, any, mixed;
	__u64 at;
	__u64 own_due, flood_due; /* frames times SECOND */
} plan;

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

static __always_inline __u32 one_of(__u32 many)
{
	if (!in_order)
		return (__u32)((__u64)next_random() * many >> 32);
	turn = turn + 1 < many ? turn + 1 : 0;
	return turn;
}

/* How many frames are due after @passed nanoseconds, at most @most. What a stall leaves due is made
 * up for by one batch more and not by many: that would be a burst. */
static __always_inline __u32 due(__u64 *credit, __u64 passed, __u32 rate, __u32 most)
{
	__u32 frames;

	*credit += passed * rate;
	if (*credit > 2 * SECOND * most)
		*credit = 2 * SECOND * most;
	frames = (__u32)(*credit / SECOND);
	if (frames > most)
		frames = most;
	*credit -= frames * SECOND;
	return frames;
}

static __always_inline void plan_batch(void)
{
	__u64 passed = 0, now;

	if (flood_rate || own_rate) {
		now = bpf_ktime_get_ns();
		passed = number ? now - plan.at : 0;
		plan.at = now;
	}
	plan.flood =
		flood_rate ? due(&plan.flood_due, passed, flood_rate, flood_share) : flood_share;
	plan.own = SP_BENCH_BATCH - plan.flood;
	if (plan.own > own_share)
		plan.own = own_share;
	if (own_rate)
		plan.own = due(&plan.own_due, passed, own_rate, plan.own);
	plan.any = plan.mixed = 0;
}

static __always_inline void stamp_run(void)
{
	if (number == 0)
		began = bpf_ktime_get_ns();
	else if (number == until)
		ended = bpf_ktime_get_ns();
}

/* The sum in sixteen bits (RFC 1071), from words as they lie in memory. */
static __always_inline __u16 folded(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

static __always_inline __u32 halves(__u32 word)
{
	return (word & 0xffff) + (word >> 16);
}

/* Number the client, choose the flow, and make the checksums right. */
static __always_inline void vary(void *out, const volatile struct sp_bench_stream *stream)
{
	const __u32 clients = stream->clients, flows = stream->flows, mac = stream->mac;
	const __u32 address = stream->address, port = stream->port, stamp = stream->stamp;
	const __u32 ip_check = stream->ip_check, check = stream->check;
	__u32 sum = 0, client = clients > 1 ? one_of(clients) : 0;

	if (clients > 1 && mac)
		*(__u32 *)(out + mac) = bpf_htonl(bpf_ntohl(*(__u32 *)(out + mac)) + client);
	if (clients > 1 && address) {
		__u32 numbered = bpf_htonl(bpf_ntohl(*(__u32 *)(out + address)) + client);

		*(__u32 *)(out + address) = numbered;
		sum = halves(numbered);
		if (ip_check)
			*(__u16 *)(out + ip_check) = ~folded(stream->ip_sum + sum);
	}
	if (flows > 1) {
		__u16 numbered = bpf_htons((__u16)(bpf_ntohs(*(__u16 *)(out + port)) +
		                                   (__u16)((__u64)next_random() * flows >> 32)));

		*(__u16 *)(out + port) = numbered;
		sum += numbered;
	}
	if (stamp) {
		struct sp_bench_stamp *at = out + stamp;
		__u64 now = bpf_ktime_get_ns();

		at->time = now;
		sum += halves((__u32)now) + halves((__u32)(now >> 32));
	}
	if (check && (stamp || flows > 1 || (clients > 1 && address))) {
		__u16 value = ~folded(stream->sum + sum);

		*(__u16 *)(out + check) = value ? value : 0xffff; /* 0 is none (RFC 768) */
	}
}

static __always_inline int emit(struct xdp_md *ctx, const volatile struct sp_bench_stream *stream)
{
	const __u32 size = stream->size;
	void *out = (void *)(long)ctx->data;

	if (out + size > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
#pragma unroll
	for (__u32 i = 0; i < SP_BENCH_HEAD; i += 8) {
		if (i < size)
			*(__u64 *)(out + i) = *(const volatile __u64 *)(stream->head + i);
	}
	vary(out, stream);
	return (int)bpf_redirect(interface, 0);
}

SEC("xdp")
int traffic(struct xdp_md *ctx)
{
	__u32 all;

	stamp_run();
	if (number++ % SP_BENCH_BATCH == 0)
		plan_batch();
	all = plan.own + plan.flood;
	plan.any += all;
	if (plan.any < SP_BENCH_BATCH)
		return XDP_DROP;
	plan.any -= SP_BENCH_BATCH;
	plan.mixed += plan.flood;
	if (plan.mixed >= all) {
		plan.mixed -= all;
		flood_sent++;
		return emit(ctx, &flood);
	}
	own_sent++;
	return emit(ctx, &own);
}

char LICENSE[] SEC("license") = "GPL";
