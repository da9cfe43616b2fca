/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traffic generator: 60-byte UDP frames out of an interface, as fast as one CPU can. What the
 * receivers on other veth interfaces do with them runs on that same CPU.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "frame.h"
#include "lib/text.h"
#include "traffic.skel.h"

/* Frames that the kernel gives to the program before it sends them: as many as a driver takes from
 * a NIC at once (NAPI_POLL_WEIGHT). */
#define BATCH 64u

/* Batches to learn from how long one takes: 10 ms of what is fast, 0.1 s of what is slow. */
#define WARM_UP 512u

struct order {
	const char *interface;
	struct sp_bench_headers headers;
	uint64_t clients, milliseconds, cpu, flooders;
	uint8_t flood[SP_BENCH_FLOOD];
	size_t flood_length;
};

static const struct option options[] = {
	{"from-mac", required_argument, NULL, 'f'},
	{"to-mac", required_argument, NULL, 't'},
	{"from", required_argument, NULL, 'F'},
	{"to", required_argument, NULL, 'T'},
	{"clients", required_argument, NULL, 'c'},
	{"milliseconds", required_argument, NULL, 'm'},
	{"cpu", required_argument, NULL, 'C'},
	{"flood", required_argument, NULL, 'x'},
	{"flooders", required_argument, NULL, 'X'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void usage(FILE *out)
{
	fputs("usage: traffic --from-mac MAC --to-mac MAC --from IPV4 --to IPV4\n"
	      "               [--clients N] [--milliseconds N] [--cpu N]\n"
	      "               [--flood HEX [--flooders N]] INTERFACE\n"
	      "\n"
	      "Send UDP frames of 60 bytes out of INTERFACE (a veth) and print how many and how "
	      "long.\n"
	      "With --clients each frame's source is one of N at random: MAC, MAC + 1, ...\n"
	      "With --flood every second frame is that one instead, from one of N sources.\n",
	      out);
}

static int bad(const char *option, const char *value, const char *expected)
{
	fprintf(stderr, "traffic: --%s: expected %s, got \"%s\"\n", option, expected, value);
	return -EINVAL;
}

/* A frame in hexadecimal digits. */
static int take_flood(struct order *order, const char *value)
{
	size_t length = strlen(value) / 2;

	if (strlen(value) % 2 || length < ETH_HLEN || length > SP_BENCH_FLOOD)
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		int high = sp_text_hex_digit(value[2 * i]);
		int low = sp_text_hex_digit(value[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		order->flood[i] = (uint8_t)(high << 4 | low);
	}
	order->flood_length = length;
	return 0;
}

static int take(struct order *order, int option, const char *name, const char *value)
{
	struct sp_bench_headers *headers = &order->headers;

	switch (option) {
	case 'f':
		return sp_text_mac(value, headers->ethernet.h_source)
		               ? bad(name, value, "a MAC address")
		               : 0;
	case 't':
		return sp_text_mac(value, headers->ethernet.h_dest)
		               ? bad(name, value, "a MAC address")
		               : 0;
	case 'F':
		return inet_pton(AF_INET, value, &headers->ip.saddr) == 1
		               ? 0
		               : bad(name, value, "an IPv4 address");
	case 'T':
		return inet_pton(AF_INET, value, &headers->ip.daddr) == 1
		               ? 0
		               : bad(name, value, "an IPv4 address");
	case 'c':
		return sp_text_number(value, 1, 1u << 24, &order->clients)
		               ? bad(name, value, "a number from 1 to 16777216")
		               : 0;
	case 'm':
		return sp_text_number(value, 1, 3600000, &order->milliseconds)
		               ? bad(name, value, "a number from 1 to 3600000")
		               : 0;
	case 'C':
		return sp_text_number(value, 0, CPU_SETSIZE - 1, &order->cpu)
		               ? bad(name, value, "the number of a CPU")
		               : 0;
	case 'x':
		return take_flood(order, value)
		               ? bad(name, value, "a frame of 14 to 96 bytes in hexadecimal digits")
		               : 0;
	case 'X':
		return sp_text_number(value, 1, 1u << 24, &order->flooders)
		               ? bad(name, value, "a number from 1 to 16777216")
		               : 0;
	}
	return -EINVAL;
}

static uint16_t checksum(const void *data, size_t size)
{
	const uint8_t *byte = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)byte[i] << 8 | byte[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* All that does not come from the command line. UDP over IPv4 may go without a checksum. */
static void complete(struct sp_bench_headers *headers)
{
	const uint16_t ip_size = SP_BENCH_FRAME - sizeof(headers->ethernet);

	headers->ethernet.h_proto = htons(ETH_P_IP);
	headers->ip.version = 4;
	headers->ip.ihl = sizeof(headers->ip) / 4;
	headers->ip.tot_len = htons(ip_size);
	headers->ip.ttl = 64;
	headers->ip.protocol = IPPROTO_UDP;
	headers->ip.check = checksum(&headers->ip, sizeof(headers->ip));
	headers->udp.source = htons(9000);
	headers->udp.dest = htons(9001);
	headers->udp.len = htons((uint16_t)(ip_size - sizeof(headers->ip)));
}

/* Stay on one CPU, and before whoever else wants it. */
static int settle(const struct order *order)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)order->cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		fprintf(stderr, "traffic: cannot run on CPU %u: %s\n", (unsigned)order->cpu,
		        strerror(errno));
		return -errno;
	}
	if (setpriority(PRIO_PROCESS, 0, -20)) {
		fprintf(stderr, "traffic: cannot raise the priority: %s; needs root\n",
		        strerror(errno));
		return -errno;
	}
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct traffic_bpf *load(const struct order *order)
{
	unsigned index = if_nametoindex(order->interface);
	struct traffic_bpf *bpf;

	if (!index) {
		fprintf(stderr, "traffic: interface %s: %s\n", order->interface, strerror(errno));
		return NULL;
	}
	bpf = traffic_bpf__open();
	if (!bpf) {
		fprintf(stderr, "traffic: cannot open the program: %s\n", strerror(errno));
		return NULL;
	}
	memcpy((void *)(uintptr_t)&bpf->rodata->headers, &order->headers, sizeof(order->headers));
	bpf->rodata->interface = index;
	bpf->rodata->clients = (uint32_t)order->clients;
	memcpy((void *)(uintptr_t)bpf->rodata->flood, order->flood, sizeof(order->flood));
	bpf->rodata->flood_length = (uint32_t)order->flood_length;
	bpf->rodata->flooders = (uint32_t)order->flooders;
	bpf->data->random_state = (uint32_t)now_ns() | 1;
	if (traffic_bpf__load(bpf)) {
		fprintf(stderr, "traffic: cannot load the program: %s\n", strerror(errno));
		traffic_bpf__destroy(bpf);
		return NULL;
	}
	return bpf;
}

struct sent {
	uint64_t packets, ns;
};

/*
 * Send @batches and one more. What the system call takes is no measure: it waits for all CPUs,
 * twice (the kernel rewrites a jump to the program, bpf_dispatcher_change_prog), some 20 ms in
 * which nothing is sent. Its own measure, `duration`, is in whole nanoseconds and without what the
 * stack does in ksoftirqd. So the program looks at the clock in its first frame and in the first of
 * the last batch; what that one takes itself is taken to be the same.
 */
static int send_batches(struct traffic_bpf *bpf, uint32_t size, uint32_t batches, struct sent *sent)
{
	uint8_t frame[SP_BENCH_FLOOD] = {0};
	struct xdp_md context = {.data_end = size};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = size,
	            .ctx_in = &context, .ctx_size_in = sizeof(context),
	            .repeat = (int)((batches + 1) * BATCH), .batch_size = BATCH,
	            .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int result;

	bpf->bss->number = 0;
	bpf->bss->until = batches * BATCH;
	result = bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.traffic), &opts);
	if (result) {
		fprintf(stderr, "traffic: BPF_PROG_TEST_RUN: %s\n", strerror(-result));
		return result;
	}
	sent->packets = (batches + 1) * BATCH;
	sent->ns = (bpf->bss->ended - bpf->bss->began) / batches * (batches + 1);
	return 0;
}

static int send_all(struct traffic_bpf *bpf, const struct order *order)
{
	const uint32_t size = order->flood_length ? SP_BENCH_FLOOD : SP_BENCH_FRAME;
	struct sent first, rest;
	uint64_t batches;
	int result = send_batches(bpf, size, WARM_UP, &first);

	if (result)
		return result;
	batches = order->milliseconds * 1000000u * WARM_UP / (first.ns + 1);
	if (batches < WARM_UP)
		batches = WARM_UP;
	if (batches > INT_MAX / BATCH - 1)
		batches = INT_MAX / BATCH - 1;
	result = send_batches(bpf, size, (uint32_t)batches, &rest);
	if (!result)
		printf("{\"packets\": %llu, \"seconds\": %.6f}\n",
		       (unsigned long long)(first.packets + rest.packets),
		       (double)(first.ns + rest.ns) / 1e9);
	return result;
}

static int run(const struct order *order)
{
	struct traffic_bpf *bpf;
	int result = settle(order);

	if (result)
		return result;
	bpf = load(order);
	if (!bpf)
		return -EINVAL;
	result = send_all(bpf, order);
	traffic_bpf__destroy(bpf);
	return result;
}

int main(int argc, char **argv)
{
	struct order order = {.clients = 1, .flooders = 1, .milliseconds = 1000};
	int option, index = 0;

	while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (option == 'h') {
			usage(stdout);
			return EXIT_SUCCESS;
		}
		if (option == '?' || take(&order, option, options[index].name, optarg)) {
			usage(stderr);
			return 2;
		}
	}
	if (optind + 1 != argc || !order.headers.ip.saddr || !order.headers.ip.daddr) {
		usage(stderr);
		return 2;
	}
	order.interface = argv[optind];
	complete(&order.headers);
	return run(&order) ? EXIT_FAILURE : EXIT_SUCCESS;
}
