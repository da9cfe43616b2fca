// SPDX-License-Identifier: GPL-2.0-or-later
#include "run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "clock.skel.h"
#include "look.skel.h"
#include "tc.skel.h"
#include "uplink.skel.h"
#include "xdp.skel.h"

#include "lib/clock.h"
#include "lib/cookies.h"

const char *const sp_program_names[SP_PROGRAMS] = {"XDP", "TC ingress", "TC egress"};
const uint8_t sp_test_gateway_mac[6] = {0x02, 0, 0, 0, 0x85, 0x01};

void sp_test_mac(uint8_t mac[6], uint8_t number)
{
	const uint8_t base[6] = {0x02, 0, 0, 0, 0, number};

	memcpy(mac, base, 6);
}

void sp_test_upload(const struct sp_sample *sample, uint8_t number, struct sp_frame_bytes *frame)
{
	struct sp_ether ether = {};

	memcpy(ether.to, sp_test_gateway_mac, 6);
	sp_test_mac(ether.from, number);
	sp_packet_build(sample, &ether, frame);
}

struct sp_client_policy sp_test_session(uint32_t generation)
{
	return (struct sp_client_policy){
		.state = SP_CLIENT_AUTHORIZED,
		.generation = generation,
		.granted = sp_test_jiffies(),
	};
}

void sp_bench_grant_to(struct sp_bench *bench, uint8_t number,
                       const struct sp_client_policy *policy)
{
	uint8_t mac[6];

	sp_test_mac(mac, number);
	sp_bench_grant(bench, mac, 0, policy);
}

uint32_t sp_test_hz(void)
{
	struct sp_error error = {};
	uint32_t hz = 0;

	if (sp_clock_hz(&hz, &error))
		fail_msg("cannot tell how fast jiffies run");
	return hz;
}

uint64_t sp_test_jiffies(void)
{
	static struct sp_clock_bpf *clock; /* one for the life of the test program */
	struct sp_clock_now now = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &now, .ctx_size_in = sizeof(now));

	if (!clock)
		clock = sp_clock_bpf__open_and_load();
	if (!clock)
		fail_msg("cannot load the clock program: %s", strerror(errno));
	if (bpf_prog_test_run_opts(bpf_program__fd(clock->progs.sallyport_clock), &opts))
		fail_msg("cannot run the clock program: %s", strerror(errno));
	return now.jiffies;
}

static void load_fill(struct sp_load *load, bool guard)
{
	static const char *const gateway[] = {"10.85.0.1", "fd85::1", "fe80::1"};
	static const char *const resolver[] = {"10.85.0.1", "fd85::1", "9.9.9.9", "2620:fe::fe"};
	static const char *const portal[] = {"10.85.0.1", "fd85::1"};

	memset(load, 0, sizeof(*load));
	load->hz = sp_test_hz();
	load->mark = SP_TEST_MARK;
	load->mark_mask = 0xff000000u;
	load->guard = guard;
	load->portal_port[0] = htons(SP_TEST_TLS_PORT);
	load->portal_port[1] = htons(SP_TEST_PORTAL_PORT);
	load->capture4 = sp_packet_address(gateway[0]);
	load->capture6 = sp_packet_address(gateway[1]);
	for (size_t i = 0; i < sizeof(gateway) / sizeof(*gateway); i++)
		load->gateway[load->gateway_count++] = sp_packet_address(gateway[i]);
	for (size_t i = 0; i < sizeof(resolver) / sizeof(*resolver); i++)
		load->resolver[load->resolver_count++] = sp_packet_address(resolver[i]);
	for (size_t i = 0; i < sizeof(portal) / sizeof(*portal); i++)
		load->portal[load->portal_count++] = sp_packet_address(portal[i]);
	memcpy(load->mac[load->mac_count++].byte, sp_test_gateway_mac, 6);
}

/* Every list with as many entries as it has room for, all of them different. */
static void load_fill_up(struct sp_load *load)
{
	load->gateway_count = load->resolver_count = load->portal_count = SP_MAX_ADDRESSES;
	load->mac_count = SP_MAX_MACS;
	for (uint32_t i = 4; i < SP_MAX_ADDRESSES; i++) {
		load->gateway[i] = load->resolver[i] = sp_packet_address("fd85::1000");
		load->portal[i] = sp_packet_address("10.85.1.0");
		load->gateway[i].word[3] += htonl(i);
		load->resolver[i].word[1] += i;
		load->portal[i].word[3] += htonl(i);
	}
	for (uint32_t i = 1; i < SP_MAX_MACS; i++)
		sp_test_mac(load->mac[i].byte, (uint8_t)(0x80 + i));
}

void sp_bench_configure(struct sp_load *load, bool guard, enum sp_extent extent)
{
	memset(load, 0, sizeof(*load));
	if (extent >= SP_EXTENT_SMALL)
		load_fill(load, guard);
	if (extent >= SP_EXTENT_FULL) {
		load_fill_up(load);
		load->cookies = sp_cookies_possible();
	}
}

/* Of the programs of @object only @wanted is run here; the verifier takes its time with each.
 * test_verifier.c loads all of them. */
static void load_alone(struct bpf_object *object, const struct bpf_program *wanted)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, program == wanted);
}

static void load_xdp(struct sp_bench *bench, const struct sp_bench_size *size)
{
	struct sp_xdp_bpf *xdp = sp_xdp_bpf__open();

	bench->xdp = xdp;
	if (!xdp)
		fail_msg("cannot open the XDP object: %s", strerror(errno));
	memcpy((void *)&xdp->rodata->sp_load, &bench->load, sizeof(bench->load));
	load_alone(xdp->obj, xdp->progs.sallyport_xdp);
	if (bpf_map__set_max_entries(xdp->maps.flows,
	                             SP_FLOWS * (uint32_t)libbpf_num_possible_cpus()) ||
	    bpf_map__set_max_entries(xdp->maps.clients, size->clients) ||
	    bpf_map__set_max_entries(xdp->maps.usage, size->clients) ||
	    bpf_map__set_max_entries(xdp->maps.origins, size->origins))
		fail_msg("cannot size the maps");
	if (sp_xdp_bpf__load(xdp))
		fail_msg("cannot load the XDP program: %s", strerror(errno));
	bench->program[SP_XDP] = bpf_program__fd(xdp->progs.sallyport_xdp);
	bench->clients = bpf_map__fd(xdp->maps.clients);
	bench->usage = bpf_map__fd(xdp->maps.usage);
	bench->origins = bpf_map__fd(xdp->maps.origins);
	bench->settings = bpf_map__fd(xdp->maps.settings);
	bench->listeners = bpf_map__fd(xdp->maps.listeners);
}

/* The other programs share the maps of the XDP program, as on a gateway. */
static void share_maps(const struct sp_bench *bench, const struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		struct bpf_map *same =
			bpf_object__find_map_by_name(bench->xdp->obj, bpf_map__name(map));

		if (same && !bpf_map__is_internal(map) && bpf_map__reuse_fd(map, bpf_map__fd(same)))
			fail_msg("cannot reuse map %s", bpf_map__name(map));
	}
}

static void load_tc(struct sp_bench *bench)
{
	struct sp_tc_bpf *tc = sp_tc_bpf__open();

	bench->tc = tc;
	if (!tc)
		fail_msg("cannot open the TC object: %s", strerror(errno));
	memcpy((void *)&tc->rodata->sp_load, &bench->load, sizeof(bench->load));
	share_maps(bench, tc->obj);
	if (sp_tc_bpf__load(tc))
		fail_msg("cannot load the TC programs: %s", strerror(errno));
	bench->program[SP_IN] = bpf_program__fd(tc->progs.sallyport_in);
	bench->program[SP_OUT] = bpf_program__fd(tc->progs.sallyport_out);
}

static void load_uplink(struct sp_bench *bench)
{
	struct sp_uplink_bpf *uplink = sp_uplink_bpf__open();

	bench->uplink = uplink;
	if (!uplink)
		fail_msg("cannot open the uplink object: %s", strerror(errno));
	memcpy((void *)&uplink->rodata->sp_load, &bench->load, sizeof(bench->load));
	load_alone(uplink->obj, uplink->progs.sallyport_uplink);
	share_maps(bench, uplink->obj);
	if (sp_uplink_bpf__load(uplink))
		fail_msg("cannot load the uplink program: %s", strerror(errno));
}

int sp_bench_uplink(struct sp_bench *bench)
{
	if (!bench->uplink)
		load_uplink(bench);
	return bpf_program__fd(bench->uplink->progs.sallyport_uplink);
}

static void load_look(struct sp_bench *bench)
{
	struct sp_look_bpf *look = sp_look_bpf__open();
	int cpus = libbpf_num_possible_cpus();
	void *totals;

	bench->look = look;
	if (!look)
		fail_msg("cannot open the counters' object: %s", strerror(errno));
	if (cpus <= 0)
		fail_msg("cannot tell the number of CPUs");
	look->rodata->cpus = (uint32_t)cpus;
	share_maps(bench, look->obj);
	if (sp_look_bpf__load(look))
		fail_msg("cannot load the counters' program: %s", strerror(errno));
	totals = mmap(NULL, SP_MAX_REASONS * sizeof(*bench->totals), PROT_READ, MAP_SHARED,
	              bpf_map__fd(look->maps.totals), 0);
	if (totals == MAP_FAILED)
		fail_msg("cannot map the counters: %s", strerror(errno));
	bench->totals = totals;
}

static struct sp_bench the_bench;

/* Tell which reasons were counted, for tools/test, which knows if all of them are. */
static void record_reasons(struct sp_bench *bench)
{
	const char *path = getenv("SALLYPORT_REASONS");
	struct sp_count grown[SP_MAX_REASONS];
	FILE *file = path && bench->loaded ? fopen(path, "a") : NULL;

	if (!file)
		return;
	sp_bench_grown(bench, grown);
	for (uint32_t reason = 1; reason < SP_MAX_REASONS; reason++)
		if (bench->seen[reason].packets)
			fprintf(file, "%s\n", sp_reason_label((enum sp_reason)reason));
	fclose(file);
}

static void bench_close(void)
{
	record_reasons(&the_bench);
	if (the_bench.totals)
		munmap((void *)(uintptr_t)the_bench.totals,
		       SP_MAX_REASONS * sizeof(struct sp_count));
	sp_look_bpf__destroy(the_bench.look);
	sp_uplink_bpf__destroy(the_bench.uplink);
	sp_tc_bpf__destroy(the_bench.tc);
	sp_xdp_bpf__destroy(the_bench.xdp);
	memset(&the_bench, 0, sizeof(the_bench));
}

static void empty(int map, void *key)
{
	while (!bpf_map_get_next_key(map, NULL, key))
		if (bpf_map_delete_elem(map, key))
			fail_msg("cannot empty a map: %s", strerror(errno));
}

int sp_bench_map(struct sp_bench *bench, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(bench->xdp->obj, name);

	if (fd < 0)
		fail_msg("there is no map %s", name);
	return fd;
}

void sp_bench_forget_floods(struct sp_bench *bench)
{
	const uint32_t zero = 0;
	struct sp_flooders *none = calloc((size_t)libbpf_num_possible_cpus(), sizeof(*none));

	if (!none || bpf_map_update_elem(sp_bench_map(bench, "flooders"), &zero, none, BPF_ANY))
		fail_msg("cannot forget who floods: %s", strerror(errno));
	free(none);
}

struct sp_guest sp_bench_guest(struct sp_bench *bench, uint8_t number, uint16_t vlan)
{
	const int cpus = libbpf_num_possible_cpus();
	struct sp_flooders *all = calloc((size_t)cpus, sizeof(*all));
	struct sp_client_key key = {.vlan = vlan};
	struct sp_guest guest = {};
	const uint32_t zero = 0;
	uint64_t client;

	sp_test_mac(key.mac, number);
	memcpy(&client, &key, sizeof(client));
	bpf_map_lookup_elem(sp_bench_map(bench, "guests"), &key, &guest);
	if (!all || bpf_map_lookup_elem(sp_bench_map(bench, "flooders"), &zero, all))
		fail_msg("cannot read who floods: %s", strerror(errno));
	for (int cpu = 0; cpu < cpus; cpu++)
		for (size_t i = 0; i < sizeof(all->cell) / sizeof(*all->cell); i++)
			if (all[cpu].cell[i].client == client)
				guest.refused += all[cpu].cell[i].refused;
	free(all);
	return guest;
}

void sp_bench_settings(struct sp_bench *bench, const struct sp_settings *settings)
{
	struct sp_settings now = {.abi_version = SP_ABI_VERSION};
	uint32_t zero = 0;

	if (settings)
		now = *settings;
	now.hz = sp_test_hz();
	if (bpf_map_update_elem(bench->settings, &zero, &now, BPF_ANY))
		fail_msg("cannot write the settings: %s", strerror(errno));
}

static void forget_seen(struct sp_bench *bench)
{
	static const struct sp_seen none[1u << SP_SEEN_BITS];
	static uint32_t keys[1u << SP_SEEN_BITS];
	uint32_t count = 1u << SP_SEEN_BITS;

	for (uint32_t i = 0; i < count; i++)
		keys[i] = i;
	if (bpf_map_update_batch(sp_bench_map(bench, "guests_seen"), keys, none, &count, NULL))
		fail_msg("cannot forget who was seen: %s", strerror(errno));
}

/* Every captive client is unknown, every budget full. */
static void forget_guests(struct sp_bench *bench)
{
	const struct sp_total total = {};
	struct sp_client_key key;

	sp_bench_forget_floods(bench);
	empty(sp_bench_map(bench, "guests"), &key);
	forget_seen(bench);
	for (uint32_t kind = 0; kind < SP_TOTALS; kind++)
		if (bpf_map_update_elem(sp_bench_map(bench, "budgets"), &kind, &total, BPF_ANY))
			fail_msg("cannot reset a budget: %s", strerror(errno));
}

static void forget_garden(struct sp_bench *bench)
{
	struct sp_garden4_key key4;
	struct sp_garden6_key key6;

	empty(sp_bench_map(bench, "garden4"), &key4);
	empty(sp_bench_map(bench, "garden6"), &key6);
}

static void forget_zones(struct sp_bench *bench)
{
	struct sp_zone_key key;

	empty(sp_bench_map(bench, "zones"), &key);
}

/* As freshly loaded, without asking the verifier again. */
static void bench_reset(struct sp_bench *bench)
{
	struct sp_count grown[SP_MAX_REASONS];
	const struct sp_usage cell = {};
	struct sp_client_key key;

	empty(bench->clients, &key);
	sp_bench_forget(bench);
	bench->takes_captured = false;
	sp_bench_settings(bench, NULL);
	forget_guests(bench);
	forget_garden(bench);
	forget_zones(bench);
	for (uint32_t slot = 0; slot < bench->size.clients; slot++)
		sp_bench_usage_set(bench, slot, &cell);
	sp_bench_grown(bench, grown);
}

static void bench_load(struct sp_bench *bench, const struct sp_load *load,
                       const struct sp_bench_size *size)
{
	bench->size = *size;
	bench->load = *load;
	load_xdp(bench, size);
	load_tc(bench);
	load_look(bench);
	bench->loaded = true;
}

static const struct sp_bench_size small = {SP_BENCH_CLIENTS, 1024};

static struct sp_bench *bench_open(bool guard, bool cookies, const struct sp_bench_size *size)
{
	static bool registered;
	struct sp_load load;

	if (!registered && atexit(bench_close))
		fail_msg("cannot clean up at the end");
	registered = true;
	if (!size)
		size = &small;
	if (the_bench.loaded && the_bench.load.guard == guard &&
	    the_bench.load.cookies == cookies && !memcmp(&the_bench.size, size, sizeof(*size))) {
		bench_reset(&the_bench);
	} else {
		bench_close();
		load_fill(&load, guard);
		load.cookies = cookies;
		bench_load(&the_bench, &load, size);
	}
	return &the_bench;
}

struct sp_bench *sp_bench_open(bool guard, const struct sp_bench_size *size)
{
	return bench_open(guard, false, size);
}

struct sp_bench *sp_bench_open_taking(void)
{
	struct sp_capture_key key;
	struct sp_bench *bench = bench_open(true, sp_cookies_possible(), NULL);

	empty(sp_bench_map(bench, "captures"), &key);
	bench->takes_captured = true;
	return bench;
}

void sp_bench_grant(struct sp_bench *bench, const uint8_t mac[6], uint16_t vlan,
                    const struct sp_client_policy *policy)
{
	struct sp_client_key key = {.vlan = vlan};

	memcpy(key.mac, mac, 6);
	if (bpf_map_update_elem(bench->clients, &key, policy, BPF_ANY))
		fail_msg("cannot write a client: %s", strerror(errno));
}

void sp_bench_revoke(struct sp_bench *bench, const uint8_t mac[6], uint16_t vlan)
{
	struct sp_client_key key = {.vlan = vlan};

	memcpy(key.mac, mac, 6);
	if (bpf_map_delete_elem(bench->clients, &key))
		fail_msg("cannot delete a client: %s", strerror(errno));
}

struct sp_usage sp_bench_usage(struct sp_bench *bench, uint32_t slot)
{
	struct sp_usage cell;

	if (bpf_map_lookup_elem(bench->usage, &slot, &cell))
		fail_msg("cannot read usage cell %u: %s", slot, strerror(errno));
	return cell;
}

void sp_bench_usage_set(struct sp_bench *bench, uint32_t slot, const struct sp_usage *cell)
{
	if (bpf_map_update_elem(bench->usage, &slot, cell, BPF_ANY))
		fail_msg("cannot write usage cell %u: %s", slot, strerror(errno));
}

void sp_bench_forget(struct sp_bench *bench)
{
	struct sp_origin_key key;

	empty(bench->origins, &key);
}

const char *sp_reason_label(enum sp_reason reason)
{
#define LABEL(number, name, text) \
	case number:              \
		return #name;
	switch ((int)reason) {
		SP_REASONS(LABEL)
	}
#undef LABEL
	return "NONE";
}

void sp_bench_grown(struct sp_bench *bench, struct sp_count grown[SP_MAX_REASONS])
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_prog_test_run_opts(bpf_program__fd(bench->look->progs.sallyport_look), &opts) ||
	    opts.retval != SP_MAX_REASONS)
		fail_msg("cannot read the reasons: %s", strerror(errno));
	for (uint32_t i = 0; i < SP_MAX_REASONS; i++) {
		const struct sp_count *total = &bench->totals[i];

		if (total->reason != i)
			fail_msg("reason %u is labelled %u", i, total->reason);
		grown[i].packets = total->packets - bench->seen[i].packets;
		grown[i].bytes = total->bytes - bench->seen[i].bytes;
		grown[i].reason = (enum sp_reason)i;
		bench->seen[i] = *total;
	}
}

static void find_grown(struct sp_bench *bench, struct sp_outcome *outcome)
{
	struct sp_count grown[SP_MAX_REASONS];

	sp_bench_grown(bench, grown);
	for (uint32_t i = 0; i < SP_MAX_REASONS; i++) {
		if (!grown[i].packets && !grown[i].bytes)
			continue;
		if (outcome->reason)
			fail_msg("one frame, two reasons: %s and %s",
			         sp_reason_label(outcome->reason),
			         sp_reason_label((enum sp_reason)i));
		outcome->reason = (enum sp_reason)i;
		outcome->packets = grown[i].packets;
		outcome->bytes = grown[i].bytes;
	}
}

/* @out: the frame as the program left it. Only one that is an answer may differ; of those at egress
 * the action does not tell, the counter does (check_action). @takes_captured: what is handed to a
 * responder may too. */
static void take_frame(enum sp_program program, const struct sp_frame_bytes *frame,
                       const uint8_t *out, size_t length, bool takes_captured,
                       struct sp_outcome *outcome)
{
	static struct sp_frame_bytes answer;
	bool same = length == frame->length && !memcmp(out, frame->byte, length);

	if (same)
		return;
	if (program == SP_XDP && outcome->action != XDP_TX)
		fail_msg("the XDP program changed the frame");
	if (program == SP_IN && outcome->action != TC_ACT_REDIRECT && !takes_captured)
		fail_msg("the TC ingress program changed the frame");
	assert_true(length <= sizeof(answer.byte));
	memcpy(answer.byte, out, length);
	answer.length = length;
	answer.network = frame->network;
	answer.ip_bytes = length - frame->network;
	outcome->answer = &answer;
}

static void run_xdp(struct sp_bench *bench, const struct sp_frame_bytes *frame,
                    struct sp_outcome *outcome)
{
	static uint8_t out[SP_FRAME_MAX + 256];
	struct xdp_md in = {.data_end = (uint32_t)frame->length}, left = {};
	uint32_t meta;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->byte,
	            .data_size_in = (uint32_t)frame->length, .data_out = out,
	            .data_size_out = sizeof(out), .ctx_in = &in, .ctx_size_in = sizeof(in),
	            .ctx_out = &left, .ctx_size_out = sizeof(left));

	if (bpf_prog_test_run_opts(bench->program[SP_XDP], &opts))
		fail_msg("cannot run the XDP program: %s", strerror(errno));
	outcome->action = (int)opts.retval;
	meta = left.data - left.data_meta;
	take_frame(SP_XDP, frame, out + meta, opts.data_size_out - meta, false, outcome);
	if (meta && meta != sizeof(outcome->meta))
		fail_msg("%u bytes of metadata instead of %zu", meta, sizeof(outcome->meta));
	outcome->has_meta = meta != 0;
	memcpy(&outcome->meta, out, meta);
}

static void run_tc(struct sp_bench *bench, enum sp_program program,
                   const struct sp_frame_bytes *frame, const struct sp_run *run,
                   struct sp_outcome *outcome)
{
	static uint8_t out[SP_FRAME_MAX + 256];
	struct __sk_buff in = {}, left = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->byte,
	            .data_size_in = (uint32_t)frame->length, .data_out = out,
	            .data_size_out = sizeof(out), .ctx_in = &in, .ctx_size_in = sizeof(in),
	            .ctx_out = &left, .ctx_size_out = sizeof(left));

	if (run) {
		in.ifindex = run->ifindex;
		in.ingress_ifindex = run->ingress_ifindex;
		in.mark = run->mark;
		in.gso_size = run->gso_size;
		in.gso_segs = run->gso_segs;
	}
	if (bpf_prog_test_run_opts(bench->program[program], &opts))
		fail_msg("cannot run the %s program: %s", sp_program_names[program],
		         strerror(errno));
	outcome->action = (int)opts.retval;
	outcome->mark = left.mark;
	take_frame(program, frame, out, opts.data_size_out, bench->takes_captured, outcome);
}

static bool is_answered(enum sp_reason reason)
{
	return reason == SP_REASON_RESET || reason == SP_REASON_UNREACHABLE ||
	       reason == SP_REASON_DOWN_RESET;
}

/* Whether TC has looked at it as at a segment of a captured connection. */
static bool is_captured(enum sp_reason reason)
{
	return reason == SP_REASON_CAPTURED || reason == SP_REASON_ASSIGN ||
	       reason == SP_REASON_UNTIMELY;
}

/* What the program must return for @reason. */
static int wanted_action(enum sp_program program, enum sp_reason reason)
{
	bool passes = reason < SP_REASON_FIRST_DROP;

	if (is_answered(reason) && !passes)
		return program == SP_XDP ? XDP_TX : TC_ACT_REDIRECT;
	if (program == SP_XDP)
		return passes ? XDP_PASS : XDP_DROP;
	if (reason == SP_REASON_CAPTURED)
		return TC_ACT_OK;
	return passes ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/* The verdict that was carried out is the one that was counted. */
static void check_action(enum sp_program program, const struct sp_outcome *outcome)
{
	enum sp_reason reason = sp_outcome_reason(outcome);
	bool passes = reason < SP_REASON_FIRST_DROP;
	int wanted = wanted_action(program, reason);

	if (!reason)
		fail_msg("%s: the frame was not counted", sp_program_names[program]);
	if ((outcome->answer != NULL) != is_answered(reason))
		fail_msg("%s: reason %s, but the frame is %s", sp_program_names[program],
		         sp_reason_label(reason), outcome->answer ? "changed" : "as it was");
	if (outcome->action != wanted)
		fail_msg("%s: reason %s, but action %d instead of %d", sp_program_names[program],
		         sp_reason_label(reason), outcome->action, wanted);
	if (program == SP_XDP && outcome->has_meta &&
	    (outcome->meta.magic != SP_META_MAGIC ||
	     (outcome->reason && passes && outcome->meta.reason != outcome->reason)))
		fail_msg("metadata says %s, the counter %s",
		         sp_reason_label((enum sp_reason)outcome->meta.reason),
		         sp_reason_label(outcome->reason));
	if (program == SP_XDP && passes && !outcome->has_meta)
		fail_msg("XDP let a frame on without metadata");
}

enum sp_reason sp_outcome_reason(const struct sp_outcome *outcome)
{
	if (!outcome->reason && outcome->has_meta)
		return (enum sp_reason)outcome->meta.reason;
	return outcome->reason;
}

enum sp_reason sp_bench_send(struct sp_bench *bench, enum sp_program program,
                             const struct sp_sample *sample, uint8_t number)
{
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;

	sp_test_upload(sample, number, &frame);
	sp_bench_run(bench, program, &frame, NULL, &outcome);
	return sp_outcome_reason(&outcome);
}

bool sp_bench_takes(enum sp_program program, const struct sp_frame_bytes *frame)
{
	unsigned ethertype = (unsigned)frame->byte[12] << 8 | frame->byte[13];

	if (program == SP_XDP)
		return true;
	return frame->length >= (ethertype == 0x0800 ? 34u : ethertype == 0x86dd ? 54u : 14u);
}

void sp_bench_run_only(struct sp_bench *bench, enum sp_program program,
                       const struct sp_frame_bytes *frame, const struct sp_run *run,
                       struct sp_outcome *outcome)
{
	memset(outcome, 0, sizeof(*outcome));
	if (program == SP_XDP)
		run_xdp(bench, frame, outcome);
	else
		run_tc(bench, program, frame, run, outcome);
}

void sp_bench_run(struct sp_bench *bench, enum sp_program program,
                  const struct sp_frame_bytes *frame, const struct sp_run *run,
                  struct sp_outcome *outcome)
{
	sp_bench_run_only(bench, program, frame, run, outcome);
	find_grown(bench, outcome);
	if (!bench->takes_captured || program != SP_IN || !is_captured(outcome->reason))
		check_action(program, outcome);
}

uint32_t sp_bench_repeat(int fd, const struct sp_frame_bytes *frame, uint32_t repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->byte,
	            .data_size_in = (uint32_t)frame->length, .repeat = (int)repeat);

	if (bpf_prog_test_run_opts(fd, &opts))
		fail_msg("cannot repeat the program: %s", strerror(errno));
	return opts.duration;
}

bool sp_test_is_emulated(void)
{
	return getenv("SALLYPORT_EMULATED") != NULL;
}

uint32_t sp_test_times(uint32_t full)
{
	return sp_test_is_emulated() ? full / 10 : full;
}

void sp_test_pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail_msg("cannot stay on CPU %u: %s", cpu, strerror(errno));
}

int sp_test_on_one_cpu(void **unused)
{
	(void)unused;
	sp_test_pin(0);
	return 0;
}
