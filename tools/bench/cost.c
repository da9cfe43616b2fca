/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a loaded program costs for a frame, by BPF_PROG_TEST_RUN. One run at a time: some verdicts
 * change the frame, which a repetition would judge again as it is then. What the kernel's clock and
 * calls cost is in it, and in what a program that does nothing is measured to cost.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "frame.h"
#include "lib/text.h"

#define MOST_RUNS 100000u

struct order {
	const char *pin, *interface, *from;
	uint64_t runs;
};

static const struct option options[] = {
	{"interface", required_argument, NULL, 'i'},
	{"from", required_argument, NULL, 'f'},
	{"runs", required_argument, NULL, 'r'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void usage(FILE *out)
{
	fputs("usage: cost [--interface NAME] [--from NAME] [--runs N] PROGRAM FRAME...\n"
	      "\n"
	      "Print what PROGRAM costs for each FRAME in hexadecimal digits: a JSON object for "
	      "the\n"
	      "program and one for each frame, with the nanoseconds of the faster half of N runs\n"
	      "(1,000 unless said) and what the program returned.\n"
	      "\n"
	      "PROGRAM is the path where an XDP or TC program is pinned, or `none` for one that "
	      "does\n"
	      "nothing. The frame comes in or goes out on --interface, to which an XDP program has "
	      "to\n"
	      "be attached; one that goes out has come from --from.\n",
	      out);
}

static int said(int result, const char *what)
{
	fprintf(stderr, "cost: %s: %s\n", what, strerror(-result));
	return result;
}

/* What nobody can pass: an XDP program that lets all go on. */
static int load_nothing(void)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_XDP_HAS_FRAGS);

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "nothing", "GPL", code, 2, &opts);
}

static int tell_program(int program, bool *is_xdp)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int result = bpf_obj_get_info_by_fd(program, &info, &size);

	if (result)
		return said(result, "cannot ask for the program");
	*is_xdp = info.type == BPF_PROG_TYPE_XDP;
	printf("{\"name\": \"%s\", \"instructions\": %u, \"jited_bytes\": %u, \"verified\": %u}\n",
	       info.name, info.xlated_prog_len / (unsigned)sizeof(struct bpf_insn),
	       info.jited_prog_len, info.verified_insns);
	return 0;
}

static int compare(const void *one, const void *other)
{
	const uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;

	return (a > b) - (a < b);
}

/* The average of the faster half: what disturbs only adds, and the clock of a virtual machine may
 * have no more than every tenth nanosecond. */
static double faster_half(uint32_t *ns, uint64_t runs)
{
	const uint64_t half = (runs + 1) / 2;
	uint64_t sum = 0;

	qsort(ns, runs, sizeof(*ns), compare);
	for (uint64_t i = 0; i < half; i++)
		sum += ns[i];
	return (double)sum / (double)half;
}

static int measure(const struct order *order, int program, bool is_xdp, const uint8_t *frame,
                   uint32_t length)
{
	const uint32_t interface = order->interface ? if_nametoindex(order->interface) : 0;
	const uint32_t from = order->from ? if_nametoindex(order->from) : 0;
	struct xdp_md xdp = {.data_end = length, .ingress_ifindex = interface};
	struct __sk_buff skb = {.ifindex = interface, .ingress_ifindex = from};
	static uint32_t ns[MOST_RUNS];
	uint32_t action = 0;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = length);

	if (interface) {
		opts.ctx_in = is_xdp ? (void *)&xdp : (void *)&skb;
		opts.ctx_size_in = is_xdp ? sizeof(xdp) : sizeof(skb);
	}
	for (uint64_t i = 0; i < order->runs; i++) {
		int result = bpf_prog_test_run_opts(program, &opts);

		if (result)
			return said(result, "BPF_PROG_TEST_RUN");
		ns[i] = opts.duration;
		if (!i)
			action = opts.retval;
	}
	printf("{\"ns\": %.1f, \"action\": %" PRIu32 "}\n", faster_half(ns, order->runs), action);
	return 0;
}

static int take_frame(const char *text, uint8_t frame[SP_BENCH_LARGEST], uint32_t *length)
{
	*length = (uint32_t)strlen(text) / 2;
	return strlen(text) % 2 || *length > SP_BENCH_LARGEST ? -EINVAL
	                                                      : sp_text_hex(text, frame, *length);
}

static int run(const struct order *order, char **frames)
{
	const bool nothing = !strcmp(order->pin, "none");
	int program = nothing ? load_nothing() : bpf_obj_get(order->pin), result;
	bool is_xdp;

	if (program < 0)
		return said(-errno, order->pin);
	result = tell_program(program, &is_xdp);
	for (; *frames && !result; frames++) {
		uint8_t frame[SP_BENCH_LARGEST];
		uint32_t length;

		result = take_frame(*frames, frame, &length);
		if (result)
			said(result, *frames);
		else
			result = measure(order, program, is_xdp, frame, length);
	}
	close(program);
	return result;
}

int main(int argc, char **argv)
{
	struct order order = {.runs = 1000};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		case 'i':
			order.interface = optarg;
			continue;
		case 'f':
			order.from = optarg;
			continue;
		case 'r':
			if (!sp_text_number(optarg, 1, MOST_RUNS, &order.runs))
				continue;
			fprintf(stderr,
			        "cost: --runs: expected a number from 1 to 100000, got "
			        "\"%s\"\n",
			        optarg);
			break;
		default:
			break;
		}
		usage(stderr);
		return 2;
	}
	if (optind + 2 > argc) {
		usage(stderr);
		return 2;
	}
	order.pin = argv[optind];
	return run(&order, argv + optind + 1) ? EXIT_FAILURE : EXIT_SUCCESS;
}
