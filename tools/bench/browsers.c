/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Load on an HTTP server as many browsers make it: each request has a connection of its own, which
 * the client closes when it has the answer. What the browsers' hosts would do is done by
 * browsers.bpf.c, for a few per cent of what sockets and a program like wrk cost: on a machine that
 * has both sides, those would be most of what is measured.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lib/monotonic.h"
#include "lib/text.h"

#include "browsers.h"
#include "browsers.skel.h"

#define MAX_ANSWER 16384
#define LOOK_US    2000        /* between two looks at what goes on */
#define PATIENCE   1000000000u /* ns after which a connection is given up */
#define LATE_US    50000       /* for what servers still say of connections that are over */
/* Numbers of connections go on with time, faster than connections are made, so that a run uses no
 * port that the server still keeps in TIME-WAIT from the run before. */
#define NUMBER_NS 25000u

struct order {
	const char *interface;
	struct in_addr from, to;
	uint8_t to_mac[6];
	uint64_t port, clients, connections, milliseconds, status;
};

struct load {
	const struct order *order;
	struct browsers_bpf *bpf;
	struct bpf_tc_hook hook;
	int wire; /* socket: what is sent on it is a kick */
	struct sockaddr_ll to;
	char request[SP_BROWSERS_REQUEST];
	uint32_t request_length, answer_length;
};

static const struct option options[] = {
	{"from", required_argument, NULL, 'f'},
	{"to-mac", required_argument, NULL, 't'},
	{"clients", required_argument, NULL, 'c'},
	{"connections", required_argument, NULL, 'n'},
	{"milliseconds", required_argument, NULL, 'm'},
	{"status", required_argument, NULL, 's'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void usage(FILE *out)
{
	fputs("usage: browsers --from IPV4 --to-mac MAC [--clients N] [--connections N]\n"
	      "                [--milliseconds N] [--status N] INTERFACE IPV4 PORT\n"
	      "\n"
	      "Ask the web server at IPV4 for / again and again, on N connections at once, a new "
	      "one\n"
	      "for each request, and print how many answers with that status (511) came, and how\n"
	      "many microseconds they took from the first segment to the last byte. The clients'\n"
	      "addresses are IPV4, IPV4 + 1, ..., in turn; nothing else may use them, and all "
	      "that\n"
	      "the server sends to them must come to INTERFACE.\n",
	      out);
}

static int bad(const char *what, const char *value, const char *expected)
{
	fprintf(stderr, "browsers: %s: expected %s, got \"%s\"\n", what, expected, value);
	return -EINVAL;
}

static int take_number(const char *name, const char *value, uint64_t most, uint64_t *number)
{
	char expected[64];

	if (!sp_text_number(value, 1, most, number))
		return 0;
	snprintf(expected, sizeof(expected), "a number from 1 to %llu", (unsigned long long)most);
	return bad(name, value, expected);
}

static int take_address(const char *name, const char *value, struct in_addr *address)
{
	return inet_pton(AF_INET, value, address) == 1 ? 0 : bad(name, value, "an IPv4 address");
}

static int take(struct order *order, int option, const char *name, const char *value)
{
	switch (option) {
	case 'f':
		return take_address(name, value, &order->from);
	case 't':
		return sp_text_mac(value, order->to_mac) ? bad(name, value, "a MAC address") : 0;
	case 'c':
		return take_number(name, value, 4096, &order->clients);
	case 'n':
		return take_number(name, value, SP_BROWSERS_CONNECTIONS, &order->connections);
	case 'm':
		return take_number(name, value, 3600000, &order->milliseconds);
	case 's':
		return take_number(name, value, 599, &order->status);
	}
	return -EINVAL;
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "browsers: %s: %s\n", what, strerror(-error));
	return error;
}

/* How long the answer will be, once its head is there: 0 until then. */
static size_t length_of(const char *answer, size_t length)
{
	static const char name[] = "\r\nContent-Length:";
	const char *end = memmem(answer, length, "\r\n\r\n", 4), *field;
	size_t head;

	if (!end)
		return 0;
	head = (size_t)(end - answer) + 4;
	field = memmem(answer, head, name, sizeof(name) - 1);
	return field ? head + strtoul(field + sizeof(name) - 1, NULL, 10) : SIZE_MAX;
}

static int receive(int fd, char answer[MAX_ANSWER])
{
	size_t length = 0, expected = 0;

	do {
		ssize_t received = recv(fd, answer + length, MAX_ANSWER - length, 0);

		if (received < 0)
			return -errno;
		if (!received)
			return -ENODATA;
		length += (size_t)received;
		expected = length_of(answer, length);
	} while (length < MAX_ANSWER && (!expected || length < expected));
	return expected == length ? (int)length : -EMSGSIZE;
}

/* Ask once by a socket: the length of an answer, or a negative errno. */
static int ask_once(const struct load *load, char answer[MAX_ANSWER])
{
	const struct timeval patience = {.tv_sec = 2};
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr = load->order->to,
		.sin_port = htons((uint16_t)load->order->port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) ||
	    send(fd, load->request, load->request_length, MSG_NOSIGNAL) < 0)
		ret = -errno;
	else
		ret = receive(fd, answer);
	close(fd);
	return ret;
}

/* What is asked, and what an answer looks like. */
static int learn(struct load *load, char status_line[16])
{
	char answer[MAX_ANSWER];
	int length;

	load->request_length = (uint32_t)snprintf(
		load->request, sizeof(load->request),
		"GET / HTTP/1.1\r\nHost: www.example.org\r\n"
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101\r\n"
		"Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
		"Accept-Language: en\r\nConnection: close\r\n\r\n");
	snprintf(status_line, 16, "HTTP/1.1 %llu", (unsigned long long)load->order->status);
	length = ask_once(load, answer);
	if (length < 0)
		return fail("no answer to begin with", length);
	if (memcmp(answer, status_line, strlen(status_line)) != 0)
		return fail("the server has another status", -EPROTO);
	load->answer_length = (uint32_t)length;
	return 0;
}

/* Internet checksum without the last complement (RFC 1071), as bpf_csum_diff() takes it. */
static uint32_t sum_of(const char *text, size_t length)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < length; i += 2) {
		uint16_t word = 0;

		memcpy(&word, text + i, length - i < 2 ? 1 : 2);
		sum += word;
	}
	return (uint32_t)((sum & 0xffffffff) + (sum >> 32));
}

static int fill(struct load *load)
{
	const uint32_t zero = 0;
	uint32_t now;
	int ret = bpf_map_update_elem(bpf_map__fd(load->bpf->maps.request), &zero, load->request,
	                              BPF_ANY);

	now = (uint32_t)(sp_monotonic_ns() / NUMBER_NS % load->bpf->rodata->total);
	now -= now % (uint32_t)load->order->connections;
	for (uint32_t i = 0; i < load->order->connections && !ret; i++) {
		struct sp_browser browser = {.number = now + i};

		ret = bpf_map_update_elem(bpf_map__fd(load->bpf->maps.browsers), &i, &browser,
		                          BPF_ANY);
	}
	return ret;
}

static int open_program(struct load *load)
{
	const struct order *order = load->order;
	char status_line[16];
	uint32_t total;
	int ret = learn(load, status_line);

	if (ret)
		return ret;
	load->bpf = browsers_bpf__open();
	if (!load->bpf)
		return fail("cannot open the program", -errno);
	total = SP_BROWSERS_PORTS * (uint32_t)order->clients;
	load->bpf->rodata->first_client = ntohl(order->from.s_addr);
	load->bpf->rodata->clients = (uint32_t)order->clients;
	load->bpf->rodata->server = ntohl(order->to.s_addr);
	load->bpf->rodata->server_port = (uint32_t)order->port;
	load->bpf->rodata->at_once = (uint32_t)order->connections;
	load->bpf->rodata->total = total - total % (uint32_t)order->connections;
	load->bpf->rodata->seed = (uint32_t)(sp_monotonic_ns() >> 8);
	load->bpf->rodata->request_length = load->request_length;
	load->bpf->rodata->request_sum = sum_of(load->request, load->request_length);
	load->bpf->rodata->answer_length = load->answer_length;
	memcpy((void *)(uintptr_t)load->bpf->rodata->status_line, status_line,
	       sizeof(load->bpf->rodata->status_line));
	ret = browsers_bpf__load(load->bpf);
	if (!ret)
		ret = fill(load);
	return ret ? fail("cannot load the program", ret) : 0;
}

static int attach(struct load *load, enum bpf_tc_attach_point point,
                  const struct bpf_program *program)
{
	LIBBPF_OPTS(bpf_tc_opts, which, .handle = 1, .priority = 1,
	            .prog_fd = bpf_program__fd(program));

	load->hook.attach_point = point;
	return bpf_tc_attach(&load->hook, &which);
}

static int open_wire(struct load *load)
{
	const struct order *order = load->order;
	const unsigned index = if_nametoindex(order->interface);
	int ret;

	if (!index)
		return fail(order->interface, -errno);
	load->hook = (struct bpf_tc_hook){.sz = sizeof(load->hook),
	                                  .ifindex = (int)index,
	                                  .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS};
	ret = bpf_tc_hook_create(&load->hook);
	if (!ret)
		ret = attach(load, BPF_TC_EGRESS, load->bpf->progs.kicked);
	if (!ret)
		ret = attach(load, BPF_TC_INGRESS, load->bpf->progs.arrived);
	if (ret)
		return fail("cannot attach the program", ret);
	load->wire = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (load->wire < 0)
		return fail("cannot send frames", -errno);
	load->to = (struct sockaddr_ll){.sll_family = AF_PACKET,
	                                .sll_protocol = htons(SP_BROWSERS_KICK),
	                                .sll_ifindex = (int)index,
	                                .sll_halen = 6};
	memcpy(load->to.sll_addr, order->to_mac, 6);
	return 0;
}

static void close_all(struct load *load)
{
	load->hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
	if (load->hook.ifindex)
		bpf_tc_hook_destroy(&load->hook);
	if (load->wire >= 0)
		close(load->wire);
	browsers_bpf__destroy(load->bpf);
}

static int kick(const struct load *load, uint32_t place)
{
	const uint32_t frame[12] = {place};

	return sendto(load->wire, frame, sizeof(frame), 0, (const struct sockaddr *)&load->to,
	              sizeof(load->to)) < 0
	               ? -errno
	               : 0;
}

/* Look at the connections: begin others for those that stand still, unless it is too late for
 * that. Returns how many are open. */
static int look(const struct load *load, bool may_begin)
{
	const uint64_t now = sp_monotonic_ns();
	int open = 0;

	for (uint32_t i = 0; i < load->order->connections; i++) {
		struct sp_browser browser;

		if (bpf_map_lookup_elem(bpf_map__fd(load->bpf->maps.browsers), &i, &browser))
			return -errno;
		if (browser.state == SP_BROWSER_IDLE)
			continue;
		open++;
		if (may_begin && browser.begun + PATIENCE < now && kick(load, i))
			return -errno;
	}
	return open;
}

static int go_on_until(const struct load *load, uint64_t end)
{
	uint64_t next_look = sp_monotonic_ns() + PATIENCE / 4;

	while (sp_monotonic_ns() < end) {
		usleep(LOOK_US);
		if (sp_monotonic_ns() < next_look)
			continue;
		if (look(load, true) < 0)
			return -errno;
		next_look += PATIENCE / 4;
	}
	return 0;
}

static int begin_all(const struct load *load, uint64_t *begun)
{
	int ret = 0;

	*begun = sp_monotonic_ns();
	for (uint32_t i = 0; i < load->order->connections && !ret; i++)
		ret = kick(load, i);
	return ret;
}

/* Microseconds that this share of the answers took at most. */
static double percentile(const struct load *load, uint64_t answers, unsigned percent)
{
	uint64_t seen = 0;

	for (uint32_t place = 0; place < SP_BROWSERS_PLACES; place++) {
		uint64_t times = 0;
		const uint32_t power = place / SP_BROWSERS_STEPS + 4;

		bpf_map_lookup_elem(bpf_map__fd(load->bpf->maps.took), &place, &times);
		seen += times;
		if (times && seen * 100 >= answers * percent)
			return power < 5 ? place / 1e3
			                 : (double)((uint64_t)(place % SP_BROWSERS_STEPS + 32)
			                            << (power - 5)) /
			                           1e3;
	}
	return 0;
}

static void print(const struct load *load, const struct sp_browsers_count *count, double seconds,
                  int open)
{
	printf("{\"answers\": %llu, \"failed\": %llu, \"seconds\": %.6f, \"p50\": %.1f, "
	       "\"p99\": %.1f}\n",
	       (unsigned long long)count->answers,
	       (unsigned long long)count->failed + (unsigned)open, seconds,
	       percentile(load, count->answers, 50), percentile(load, count->answers, 99));
}

static int measure(const struct load *load)
{
	uint64_t begun, ended;
	struct sp_browsers_count count;
	int ret = begin_all(load, &begun), open;

	if (!ret)
		ret = go_on_until(load, begun + load->order->milliseconds * 1000000u);
	if (ret)
		return fail("cannot begin connections", ret);
	count = load->bpf->bss->count;
	ended = sp_monotonic_ns();
	load->bpf->bss->stopped = 1;
	do {
		usleep(LATE_US);
		open = look(load, false);
	} while (open > 0 && sp_monotonic_ns() < ended + 2 * (uint64_t)PATIENCE);
	if (open < 0)
		return fail("cannot look at connections", open);
	count.failed = load->bpf->bss->count.failed;
	print(load, &count, (double)(ended - begun) / 1e9, open);
	return 0;
}

static int run(const struct order *order)
{
	struct load load = {.order = order, .wire = -1};
	int ret = open_program(&load);

	if (!ret)
		ret = open_wire(&load);
	if (!ret)
		ret = measure(&load);
	close_all(&load);
	return ret;
}

int main(int argc, char **argv)
{
	struct order order = {.clients = 1, .connections = 1, .milliseconds = 1000, .status = 511};
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
	if (optind + 3 != argc || !order.from.s_addr ||
	    take_address("server", argv[optind + 1], &order.to) ||
	    take_number("port", argv[optind + 2], 65535, &order.port)) {
		usage(stderr);
		return 2;
	}
	order.interface = argv[optind];
	return run(&order) ? EXIT_FAILURE : EXIT_SUCCESS;
}
