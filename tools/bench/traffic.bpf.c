// SPDX-License-Identifier: GPL-2.0-only
/*
 * Theory of operation: user space runs this program over and over on a frame of the right length
 * (BPF_PROG_TEST_RUN, BPF_F_TEST_XDP_LIVE_FRAMES); it fills in the headers and sends the frame out
 * of the interface. The kernel gives out the same frames again as they come back, with the TTL and
 * addresses of their last trip: hence all headers are written each time.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "frame.h"

const volatile struct sp_bench_headers headers = {};
const volatile __u32 interface = 0;
const volatile __u32 clients = 1;

/* Only ever one CPU sends. */
static __u32 random_state = 2463534242u;

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

SEC("xdp")
int traffic(struct xdp_md *ctx)
{
	struct sp_bench_headers *out = (void *)(long)ctx->data;
	__u32 client;

	if ((void *)(out + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	*out = headers;
	if (clients > 1) {
		/* The last four bytes of the source MAC are the client's number. */
		__builtin_memcpy(&client, out->ethernet.h_source + 2, sizeof(client));
		client = bpf_htonl(bpf_ntohl(client) + next_random() % clients);
		__builtin_memcpy(out->ethernet.h_source + 2, &client, sizeof(client));
	}
	return (int)bpf_redirect(interface, 0);
}

char LICENSE[] SEC("license") = "GPL";
