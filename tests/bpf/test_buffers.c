// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames of more than one buffer: jumbo frames, and headers that reach beyond the first buffer.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "run.h"
#include "samples.h"

#define AUTHORIZED_CLIENT 3
#define CAPTIVE_CLIENT    2

static const struct sp_sample jumbo4 = {.name = "jumbo",
                                        .family = 4,
                                        .from = "10.85.0.2",
                                        .to = "10.86.0.2",
                                        .protocol = 17,
                                        .source_port = 40000,
                                        .destination_port = 443,
                                        .payload = 8900};
static const struct sp_sample jumbo6 = {.name = "jumbo, IPv6",
                                        .family = 6,
                                        .from = "fd85::2",
                                        .to = "fd86::2",
                                        .protocol = 6,
                                        .source_port = 40000,
                                        .destination_port = 443,
                                        .flags = 0x10,
                                        .payload = 8900};
static const struct sp_sample jumbo_other = {
	.name = "jumbo, other", .ethertype = 0x88b5, .body = "00", .padding = 255};

static struct sp_bench *open_with_client(void)
{
	const struct sp_client_policy policy = {.state = SP_CLIENT_AUTHORIZED, .generation = 1};
	struct sp_bench *bench = sp_bench_open(true, NULL);

	sp_bench_grant_to(bench, AUTHORIZED_CLIENT, &policy);
	return bench;
}

static void check(struct sp_bench *bench, const struct sp_frame_bytes *frame, const char *name,
                  enum sp_reason wanted, uint64_t bytes)
{
	struct sp_outcome outcome;

	sp_bench_run(bench, SP_XDP, frame, NULL, &outcome);
	if (outcome.reason != wanted || outcome.packets != 1 || outcome.bytes != bytes)
		fail_msg("%s: %s, %llu bytes instead of %s, %llu", name,
		         sp_reason_label(outcome.reason), (unsigned long long)outcome.bytes,
		         sp_reason_label(wanted), (unsigned long long)bytes);
}

static void jumbo_frames(void **unused)
{
	struct sp_bench *bench = open_with_client();
	struct sp_frame_bytes frame;

	(void)unused;
	sp_test_upload(&jumbo4, AUTHORIZED_CLIENT, &frame);
	check(bench, &frame, jumbo4.name, SP_REASON_AUTHORIZED, frame.ip_bytes);
	frame.length--;
	check(bench, &frame, "jumbo, one byte short", SP_REASON_MALFORMED, frame.length - 14);
	sp_test_upload(&jumbo4, CAPTIVE_CLIENT, &frame);
	check(bench, &frame, jumbo4.name, SP_REASON_UDP, frame.ip_bytes);
	sp_test_upload(&jumbo6, AUTHORIZED_CLIENT, &frame);
	check(bench, &frame, jumbo6.name, SP_REASON_AUTHORIZED, frame.ip_bytes);
	frame.length -= 5000;
	check(bench, &frame, "jumbo, cut", SP_REASON_MALFORMED, frame.length - 14);
	sp_test_upload(&jumbo6, CAPTIVE_CLIENT, &frame);
	check(bench, &frame, jumbo6.name, SP_REASON_TCP, frame.ip_bytes);
	sp_test_upload(&jumbo_other, AUTHORIZED_CLIENT, &frame);
	memset(frame.byte + frame.length, 0, 8000);
	frame.length += 8000;
	check(bench, &frame, jumbo_other.name, SP_REASON_AUTHORIZED, frame.length - 14);
	sp_test_upload(&jumbo_other, CAPTIVE_CLIENT, &frame);
	memset(frame.byte + frame.length, 0, 8000);
	frame.length += 8000;
	check(bench, &frame, jumbo_other.name, SP_REASON_ETHERTYPE, frame.length - 14);
}

/*
 * IPv6 extension headers of 2,048 bytes push the transport header out of the first buffer, where it
 * cannot be seen.
 */
static void add_long_headers(struct sp_frame_bytes *frame, uint32_t count, size_t rest)
{
	struct sp_frame_bytes old = *frame;
	size_t at = 54, size = 2048;

	frame->byte[20] = 60;
	for (uint32_t i = 0; i < count; i++, at += size) {
		memset(frame->byte + at, 0, size);
		frame->byte[at] = i + 1 < count ? 60 : old.byte[20];
		frame->byte[at + 1] = 255;
	}
	memcpy(frame->byte + at, old.byte + 54, rest);
	frame->length = at + rest;
	frame->byte[18] = (uint8_t)((frame->length - 54) >> 8);
	frame->byte[19] = (uint8_t)(frame->length - 54);
}

static void headers_beyond_the_first_buffer(void **unused)
{
	static const struct sp_sample ra = {.name = "router advertisement",
	                                    .family = 6,
	                                    .from = "fe80::2",
	                                    .to = "ff02::1",
	                                    .protocol = 58,
	                                    .type = 134,
	                                    .payload = 8};
	static const struct sp_sample dns = {.name = "DNS",
	                                     .family = 6,
	                                     .from = "fd85::2",
	                                     .to = "fd85::1",
	                                     .protocol = 17,
	                                     .source_port = 40000,
	                                     .destination_port = 53,
	                                     .payload = 8};
	const struct sp_sample *samples[] = {&ra, &dns};
	struct sp_bench *bench = open_with_client();
	struct sp_frame_bytes frame;

	(void)unused;
	for (size_t i = 0; i < 2; i++) {
		for (uint8_t client = CAPTIVE_CLIENT; client <= AUTHORIZED_CLIENT; client++) {
			for (uint32_t count = 2; count <= 5; count++) {
				sp_test_upload(samples[i], client, &frame);
				add_long_headers(&frame, count, 16);
				check(bench, &frame, samples[i]->name, SP_REASON_NONLINEAR,
				      frame.length - 14);
			}
			sp_test_upload(samples[i], client, &frame);
			add_long_headers(&frame, 1, 16);
			check(bench, &frame, samples[i]->name,
			      !i                         ? SP_REASON_GUARD_RA
			      : client == CAPTIVE_CLIENT ? SP_REASON_DNS
			                                 : SP_REASON_AUTHORIZED,
			      frame.length - 14);
		}
	}
}

/*
 * A driver may split a frame anywhere: the test run does too, from 6.18 on, when it is told how
 * much of the frame is in the first buffer. Every header cut by the split is refused, none is
 * missed.
 */
static void a_split_anywhere(void **unused)
{
	struct sp_bench *bench = open_with_client();

	(void)unused;
	for_each_sample(sample)
	{
		struct sp_frame_bytes frame;
		struct sp_count grown[SP_MAX_REASONS];

		sp_test_upload(sample, CAPTIVE_CLIENT, &frame);
		if (sample->captive >= SP_REASON_FIRST_DROP)
			continue;
		for (uint32_t linear = 14; linear < frame.length; linear++) {
			struct xdp_md in = {.data_end = linear};
			LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.byte,
			            .data_size_in = (uint32_t)frame.length, .ctx_in = &in,
			            .ctx_size_in = sizeof(in));

			if (bpf_prog_test_run_opts(bench->program[SP_XDP], &opts)) {
				assert_int_equal(errno, EINVAL);
				skip(); /* this kernel cannot */
			}
			sp_bench_grown(bench, grown);
			if (linear == 14)
				assert_int_equal(grown[SP_REASON_NONLINEAR].packets, 1);
			if (opts.retval == 1 && !grown[SP_REASON_NONLINEAR].packets)
				fail_msg("%s, %u bytes in the first buffer: dropped for another "
				         "reason",
				         sample->name, linear);
			sp_bench_forget(bench);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jumbo_frames),
		cmocka_unit_test(headers_beyond_the_first_buffer),
		cmocka_unit_test(a_split_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
