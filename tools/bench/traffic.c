/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traffic generator: frames out of an interface, as fast as one CPU can or at a rate. What the
 * receivers on other veth interfaces do with them runs on that same CPU, unless their interface is
 * polled by a thread of its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "build.h"
#include "lib/text.h"
#include "received.h"
#include "traffic.skel.h"

/* Batches to learn from how long one takes: 10 ms of what is fast, 0.1 s of what is slow. */
#define WARM_UP 512u

#define MANY       (1u << 24) /* clients: the last four bytes of a MAC hold them many times over */
#define MOST_RATE  100000000u /* frames a second; 100 Gbit/s are 149 million of the smallest */
#define NAPI_TRIES 50         /* milliseconds to wait for frames that are on their way */

struct order {
	const char *interface, *gate, *sink;
	struct sp_bench_flow flow;
	struct sp_bench_stream own, flood;
	uint8_t flood_frame[SP_BENCH_HEAD];
	uint32_t flood_length, frame_length;
	uint64_t milliseconds, cpu, flooders, flood_share, flood_rate, rate, share;
	bool in_order;
};

static const struct option options[] = {
	{"from-mac", required_argument, NULL, 'f'},
	{"to-mac", required_argument, NULL, 't'},
	{"from", required_argument, NULL, 'F'},
	{"to", required_argument, NULL, 'T'},
	{"protocol", required_argument, NULL, 'p'},
	{"flags", required_argument, NULL, 'g'},
	{"to-port", required_argument, NULL, 'P'},
	{"payload", required_argument, NULL, 'y'},
	{"vlan", required_argument, NULL, 'v'},
	{"bytes", required_argument, NULL, 'b'},
	{"clients", required_argument, NULL, 'c'},
	{"flows", required_argument, NULL, 'l'},
	{"download", no_argument, NULL, 'd'},
	{"in-order", no_argument, NULL, 'o'},
	{"rate", required_argument, NULL, 'r'},
	{"share", required_argument, NULL, 'a'},
	{"stamp", no_argument, NULL, 's'},
	{"milliseconds", required_argument, NULL, 'm'},
	{"cpu", required_argument, NULL, 'C'},
	{"flood", required_argument, NULL, 'x'},
	{"flooders", required_argument, NULL, 'X'},
	{"flood-share", required_argument, NULL, 'S'},
	{"flood-rate", required_argument, NULL, 'R'},
	{"gate", required_argument, NULL, 'G'},
	{"sink", required_argument, NULL, 'N'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void usage(FILE *out)
{
	fputs("usage: traffic --from-mac MAC --to-mac MAC --from ADDRESS --to ADDRESS [OPTION]... "
	      "INTERFACE\n"
	      "\n"
	      "Send frames out of INTERFACE (a veth) and print how many and how long, as JSON.\n"
	      "\n"
	      "  --protocol udp|tcp    UDP unless said\n"
	      "  --flags LETTERS       of TCP: F, S, R, P, A; A unless said\n"
	      "  --to-port N           9001 unless said, which is what a sink takes as ours\n"
	      "  --payload HEX         of UDP, up to 32 bytes\n"
	      "  --vlan N              with a tag (802.1Q)\n"
	      "  --bytes N             60 to 1514, without check sequence; more if headers need "
	      "it\n"
	      "  --clients N           each frame is another one's of N: MAC + n, ADDRESS + n\n"
	      "  --download            clients are where it goes to: only the address is numbered\n"
	      "  --in-order            clients one after the other and not at random\n"
	      "  --flows N             each from one of N ports\n"
	      "  --rate N              frames a second, and not as fast as they go\n"
	      "  --share N             at most N of each 64 frames that could be sent\n"
	      "  --stamp               with the time they were made; the sink counts how old they "
	      "are\n"
	      "  --milliseconds N      how long; a second unless said\n"
	      "  --cpu N               which sends; 0 unless said\n"
	      "  --flood HEX           another frame in between, of 14 to 128 bytes\n"
	      "  --flooders N          ... from one of N sources: MAC + n\n"
	      "  --flood-share N       ... so many of each 64 frames; 32 unless said\n"
	      "  --flood-rate N        ... so many a second, and no more than that share\n"
	      "  --gate NS:INTERFACE   also print how many frames were taken there; NS is the path "
	      "of\n"
	      "                        a network namespace\n"
	      "  --sink NS:INTERFACE   also print what the program `sink` has counted there\n",
	      out);
}

static int bad(const char *option, const char *value, const char *expected)
{
	fprintf(stderr, "traffic: --%s: expected %s, got \"%s\"\n", option, expected, value);
	return -EINVAL;
}

/* Bytes as hexadecimal digits, at most @room of them. */
static int take_hex(uint8_t *bytes, size_t room, uint32_t *length, const char *value)
{
	size_t size = strlen(value) / 2;

	if (strlen(value) % 2 || size > room || sp_text_hex(value, bytes, size))
		return -EINVAL;
	*length = (uint32_t)size;
	return 0;
}

/* Both are of one family. */
static int take_address(struct sp_bench_flow *flow, struct in6_addr *address, const char *value)
{
	const int family = strchr(value, ':') ? AF_INET6 : AF_INET;

	if ((flow->family && flow->family != family) || inet_pton(family, value, address) != 1)
		return -EINVAL;
	flow->family = family;
	return 0;
}

static int take_flags(uint8_t *flags, const char *value)
{
	static const char letters[] = "FSRPA"; /* from bit 0 on, RFC 9293 section 3.1 */

	*flags = 0;
	for (; *value; value++) {
		const char *found = strchr(letters, *value);

		if (!found)
			return -EINVAL;
		*flags |= (uint8_t)(1u << (found - letters));
	}
	return 0;
}

static int take_protocol(uint8_t *protocol, const char *value)
{
	if (strcmp(value, "udp") != 0 && strcmp(value, "tcp") != 0)
		return -EINVAL;
	*protocol = *value == 'u' ? IPPROTO_UDP : IPPROTO_TCP;
	return 0;
}

/* Numbers, each with where it goes. */
static int take_number(struct order *order, int option, const char *name, const char *value)
{
	const struct {
		int option;
		uint64_t least, most;
		uint64_t *big;
		uint32_t *word;
		uint16_t *half;
	} numbers[] = {
		{'P', 1, 65535, NULL, NULL, &order->flow.to_port},
		{'v', 1, 4094, NULL, NULL, &order->flow.vlan},
		{'b', SP_BENCH_SMALLEST, SP_BENCH_LARGEST, NULL, &order->flow.bytes, NULL},
		{'c', 1, MANY, NULL, &order->flow.clients, NULL},
		{'l', 1, 50000, NULL, &order->flow.flows, NULL},
		{'r', 1, MOST_RATE, &order->rate, NULL, NULL},
		{'a', 1, SP_BENCH_BATCH, &order->share, NULL, NULL},
		{'m', 1, 3600000, &order->milliseconds, NULL, NULL},
		{'C', 0, CPU_SETSIZE - 1, &order->cpu, NULL, NULL},
		{'X', 1, MANY, &order->flooders, NULL, NULL},
		{'S', 0, SP_BENCH_BATCH, &order->flood_share, NULL, NULL},
		{'R', 1, MOST_RATE, &order->flood_rate, NULL, NULL},
	};
	char expected[64];
	uint64_t number;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		if (numbers[i].option != option)
			continue;
		if (sp_text_number(value, numbers[i].least, numbers[i].most, &number)) {
			snprintf(expected, sizeof(expected), "a number from %llu to %llu",
			         (unsigned long long)numbers[i].least,
			         (unsigned long long)numbers[i].most);
			return bad(name, value, expected);
		}
		if (numbers[i].big)
			*numbers[i].big = number;
		else if (numbers[i].word)
			*numbers[i].word = (uint32_t)number;
		else
			*numbers[i].half = (uint16_t)number;
		return 0;
	}
	return -EINVAL;
}

static int take(struct order *order, int option, const char *name, const char *value)
{
	struct sp_bench_flow *flow = &order->flow;
	const char *expected = NULL;
	int result;

	switch (option) {
	case 'f':
	case 't':
		result = sp_text_mac(value, option == 'f' ? flow->from_mac : flow->to_mac);
		expected = "a MAC address";
		break;
	case 'F':
	case 'T':
		result = take_address(flow, option == 'F' ? &flow->from : &flow->to, value);
		expected = "an IPv4 or IPv6 address, of the same family as the other one";
		break;
	case 'p':
		result = take_protocol(&flow->protocol, value);
		expected = "udp or tcp";
		break;
	case 'g':
		result = take_flags(&flow->flags, value);
		expected = "some of the letters F, S, R, P, A";
		break;
	case 'y':
		result = take_hex(flow->payload, sizeof(flow->payload), &flow->payload_size, value);
		expected = "up to 32 bytes in hexadecimal digits";
		break;
	case 'x':
		result = take_hex(order->flood_frame, sizeof(order->flood_frame),
		                  &order->flood_length, value);
		expected = "a frame of 14 to 128 bytes in hexadecimal digits";
		break;
	case 'd':
		flow->download = true;
		return 0;
	case 'o':
		order->in_order = true;
		return 0;
	case 's':
		flow->stamp = true;
		return 0;
	case 'G':
		order->gate = value;
		return 0;
	case 'N':
		order->sink = value;
		return 0;
	default:
		return take_number(order, option, name, value);
	}
	return result ? bad(name, value, expected) : 0;
}

/* The frames themselves, and what only shows when all is known. */
static int complete(struct order *order)
{
	order->frame_length = sp_bench_build(&order->flow, &order->own);
	if (!order->flood_length)
		order->flood_share = 0;
	else if (!sp_bench_build_raw(order->flood_frame, order->flood_length,
	                             (uint32_t)order->flooders, &order->flood))
		return bad("flood", "shorter", "a frame of 14 to 128 bytes");
	if (order->flood.size > order->frame_length)
		order->frame_length = order->flood.size;
	if (order->flow.stamp && order->flow.protocol != IPPROTO_UDP)
		return bad("protocol", "tcp", "udp for --stamp");
	return 0;
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

static struct traffic_bpf *load(const struct order *order)
{
	unsigned index = if_nametoindex(order->interface);
	struct traffic_bpf *bpf;
	struct timespec now;

	if (!index) {
		fprintf(stderr, "traffic: interface %s: %s\n", order->interface, strerror(errno));
		return NULL;
	}
	bpf = traffic_bpf__open();
	if (!bpf) {
		fprintf(stderr, "traffic: cannot open the program: %s\n", strerror(errno));
		return NULL;
	}
	memcpy((void *)(uintptr_t)&bpf->rodata->own, &order->own, sizeof(order->own));
	memcpy((void *)(uintptr_t)&bpf->rodata->flood, &order->flood, sizeof(order->flood));
	bpf->rodata->interface = index;
	bpf->rodata->in_order = order->in_order;
	bpf->rodata->flood_share = (uint32_t)order->flood_share;
	bpf->rodata->flood_rate = (uint32_t)order->flood_rate;
	bpf->rodata->own_share = (uint32_t)order->share;
	bpf->rodata->own_rate = (uint32_t)order->rate;
	clock_gettime(CLOCK_MONOTONIC, &now);
	bpf->data->random_state = (uint32_t)now.tv_nsec | 1;
	if (traffic_bpf__load(bpf)) {
		fprintf(stderr, "traffic: cannot load the program: %s\n", strerror(errno));
		traffic_bpf__destroy(bpf);
		return NULL;
	}
	return bpf;
}

struct sent {
	uint64_t own, flood, ns;
};

/*
 * Give the program @batches and one more. What the system call takes is no measure: it waits for
 * all CPUs, twice (the kernel rewrites a jump to the program, bpf_dispatcher_change_prog), some
 * 20 ms in which nothing is sent. Its own measure, `duration`, is in whole nanoseconds and without
 * what the stack does in ksoftirqd. So the program looks at the clock in its first frame and in the
 * first of the last batch; what that one takes itself is taken to be the same.
 */
static int send_batches(struct traffic_bpf *bpf, uint32_t length, uint32_t batches,
                        struct sent *sent)
{
	uint8_t frame[SP_BENCH_LARGEST] = {0};
	struct xdp_md context = {.data_end = length};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = length,
	            .ctx_in = &context, .ctx_size_in = sizeof(context),
	            .repeat = (int)((batches + 1) * SP_BENCH_BATCH), .batch_size = SP_BENCH_BATCH,
	            .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int result;

	bpf->bss->number = 0;
	bpf->bss->own_sent = bpf->bss->flood_sent = 0;
	bpf->bss->until = batches * SP_BENCH_BATCH;
	result = bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.traffic), &opts);
	if (result) {
		fprintf(stderr, "traffic: BPF_PROG_TEST_RUN: %s\n", strerror(-result));
		return result;
	}
	sent->own = bpf->bss->own_sent;
	sent->flood = bpf->bss->flood_sent;
	sent->ns = (bpf->bss->ended - bpf->bss->began) / batches * (batches + 1);
	return 0;
}

static void add(struct sent *sent, const struct sent *more)
{
	sent->own += more->own;
	sent->flood += more->flood;
	sent->ns += more->ns;
}

/* Batches that take as long as is wanted, when WARM_UP of them took @ns. */
static uint32_t batches_for(const struct order *order, uint64_t ns)
{
	uint64_t batches = order->milliseconds * 1000000u * WARM_UP / (ns + 1);

	if (batches < 1)
		return 1;
	return batches < INT_MAX / SP_BENCH_BATCH ? (uint32_t)batches
	                                          : INT_MAX / SP_BENCH_BATCH - 1;
}

/* In one call, or several where something else had held up the one before. */
static int send_for(struct traffic_bpf *bpf, const struct order *order, uint64_t warm_up,
                    struct sent *sent)
{
	*sent = (struct sent){0};
	while (sent->ns < order->milliseconds * 750000u) {
		const uint32_t batches = batches_for(order, warm_up);
		struct sent more;
		int result = send_batches(bpf, order->frame_length, batches, &more);

		if (result)
			return result;
		add(sent, &more);
		warm_up = more.ns / batches * WARM_UP;
	}
	return 0;
}

/* What is looked at before and after. */
struct looks {
	struct sp_bench_place gate, sink;
	struct sp_bench_received gate_before, gate_now, sink_before, sink_now;
};

static int open_places(struct looks *looks, const struct order *order)
{
	int result = 0;

	looks->gate.interfaces = looks->sink.interfaces = -1;
	looks->gate.counts = looks->gate.delays = looks->sink.counts = looks->sink.delays = -1;
	if (order->gate)
		result = sp_bench_place_open(&looks->gate, order->gate, 0);
	if (order->sink && !result)
		result = sp_bench_place_open(&looks->sink, order->sink, 1);
	return result;
}

static int look(const struct looks *looks, struct sp_bench_received *gate,
                struct sp_bench_received *sink)
{
	int result = 0;

	if (looks->gate.interfaces >= 0)
		result = sp_bench_place_look(&looks->gate, gate);
	if (looks->sink.interfaces >= 0 && !result)
		result = sp_bench_place_look(&looks->sink, sink);
	return result;
}

/* What the program sends last may be on its way still: a little patience, where something is
 * missing, tells what is late from what is lost. */
static int look_after(struct looks *looks, const struct sent *sent)
{
	int result = 0;

	for (int i = 0; i < NAPI_TRIES && !result; i++) {
		result = look(looks, &looks->gate_now, &looks->sink_now);
		sp_bench_since(&looks->gate_now, &looks->gate_before);
		sp_bench_since(&looks->sink_now, &looks->sink_before);
		if (looks->sink_now.counts[SP_BENCH_OWN].packets >= sent->own)
			break;
		usleep(1000);
		/* What nobody forwards need not be waited for. */
		if (looks->gate_now.packets >= sent->own + sent->flood &&
		    looks->sink_now.counts[SP_BENCH_OWN].packets == 0)
			break;
	}
	return result;
}

static void print_result(const struct looks *looks, const struct order *order,
                         const struct sent *sent)
{
	const struct sp_bench_count *counts = looks->sink_now.counts;
	const struct sp_bench_received *sink = &looks->sink_now;
	const unsigned long long packets = sent->own + sent->flood;

	printf("{\"packets\": %llu, \"flood\": %llu, \"bytes\": %u, \"seconds\": %.6f", packets,
	       (unsigned long long)sent->flood, order->frame_length, (double)sent->ns / 1e9);
	if (order->gate)
		printf(", \"taken\": %llu", (unsigned long long)looks->gate_now.packets);
	if (order->sink)
		printf(", \"arrived\": %llu, \"arrived_bytes\": %llu, \"resets\": %llu, "
		       "\"unreachables\": %llu, \"others\": %llu",
		       (unsigned long long)counts[SP_BENCH_OWN].packets,
		       (unsigned long long)counts[SP_BENCH_OWN].bytes,
		       (unsigned long long)counts[SP_BENCH_RESET].packets,
		       (unsigned long long)counts[SP_BENCH_UNREACHABLE].packets,
		       (unsigned long long)counts[SP_BENCH_OTHER].packets);
	if (order->sink && order->flow.stamp)
		printf(", \"p50\": %llu, \"p99\": %llu",
		       (unsigned long long)sp_bench_delay(sink, 500),
		       (unsigned long long)sp_bench_delay(sink, 990));
	printf("}\n");
}

static int send_all(struct traffic_bpf *bpf, const struct order *order)
{
	static struct looks looks;
	struct sent first = {0}, rest = {0};
	int result = open_places(&looks, order);

	if (!result)
		result = send_batches(bpf, order->frame_length, WARM_UP, &first);
	if (!result)
		result = look(&looks, &looks.gate_before, &looks.sink_before);
	if (!result)
		result = send_for(bpf, order, first.ns, &rest);
	if (!result)
		result = look_after(&looks, &rest);
	/* Who counts for himself cannot tell the first frames from the rest. */
	if (!result && !order->gate && !order->sink)
		add(&rest, &first);
	if (!result)
		print_result(&looks, order, &rest);
	sp_bench_place_close(&looks.gate);
	sp_bench_place_close(&looks.sink);
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
	struct order order = {
		.flow = {.protocol = IPPROTO_UDP,
	                 .flags = 0x10,
	                 .to_port = SP_BENCH_PORT,
	                 .bytes = SP_BENCH_SMALLEST,
	                 .clients = 1,
	                 .flows = 1},
		.flooders = 1,
		.flood_share = SP_BENCH_BATCH / 2,
		.share = SP_BENCH_BATCH,
		.milliseconds = 1000,
	};
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
	if (optind + 1 != argc || !order.flow.family || complete(&order)) {
		usage(stderr);
		return 2;
	}
	order.interface = argv[optind];
	return run(&order) ? EXIT_FAILURE : EXIT_SUCCESS;
}
