/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The programs as they are loaded on a gateway, without an interface: frames go in by
 * BPF_PROG_TEST_RUN, and what came of them is read from the maps. Every failure fails the running
 * test with a sentence.
 */
#ifndef SP_TEST_RUN_H
#define SP_TEST_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "packets.h"

struct sp_xdp_bpf;
struct sp_tc_bpf;
struct sp_uplink_bpf;
struct sp_look_bpf;

enum sp_program { SP_XDP, SP_IN, SP_OUT, SP_PROGRAMS };

extern const char *const sp_program_names[SP_PROGRAMS];

/* Map sizes of a bench; the slot of a client is below @clients. */
struct sp_bench_size {
	uint32_t clients, origins;
};

struct sp_bench {
	struct sp_xdp_bpf *xdp;
	struct sp_tc_bpf *tc;
	struct sp_uplink_bpf *uplink;
	struct sp_look_bpf *look;
	struct sp_load load;
	struct sp_bench_size size;
	int program[SP_PROGRAMS];
	int clients, usage, origins, settings, listeners;
	struct sp_count seen[SP_MAX_REASONS]; /* all CPUs together, when last looked */
	const struct sp_count *totals;        /* the same, when sallyport_look ran last */
	bool loaded;
	bool takes_captured; /* sp_bench_open_taking() */
};

#define SP_BENCH_CLIENTS 64u

/*
 * A gateway with 10.85.0.1, fd85::1 and fe80::1, the resolvers itself, 9.9.9.9 and 2620:fe::fe, the
 * portal on ports 443 and 8080 of 10.85.0.1 and fd85::1. @size NULL: small. There is one bench at a
 * time: the next one, or the end of the program, closes it, so that a test that fails leaves
 * nothing.
 */
struct sp_bench *sp_bench_open(bool guard, const struct sp_bench_size *size);

/*
 * The same with guard, small, and as a gateway whose kernel can do it: captured connections go
 * without a socket until they need one (load.cookies tells if it can). No capture is remembered. At
 * TC ingress, what is captured may be changed, and its action is the test's to check.
 */
struct sp_bench *sp_bench_open_taking(void);

/* How much of the load-time configuration is used. */
enum sp_extent { SP_EXTENT_NONE, SP_EXTENT_SMALL, SP_EXTENT_FULL };

/* Configure: nothing at all; the gateway that sp_bench_open describes; that with all lists full,
 * and with what only some kernels can do. */
void sp_bench_configure(struct sp_load *load, bool guard, enum sp_extent extent);

#define SP_TEST_TLS_PORT    443
#define SP_TEST_PORTAL_PORT 8080
#define SP_TEST_MARK        0x5a000000u

/* Clients of a test: 02:00:00:00:00:NUMBER. */
extern const uint8_t sp_test_gateway_mac[6];
void sp_test_mac(uint8_t mac[6], uint8_t number);

/* What client @number sends to the gateway. */
void sp_test_upload(const struct sp_sample *sample, uint8_t number, struct sp_frame_bytes *frame);

/* A session that begins now and has no limits. */
struct sp_client_policy sp_test_session(uint32_t generation);

/* Grant: write @policy for this client. The caller chooses slot and generation. */
void sp_bench_grant(struct sp_bench *bench, const uint8_t mac[6], uint16_t vlan,
                    const struct sp_client_policy *policy);
/* The same for client @number without a VLAN. */
void sp_bench_grant_to(struct sp_bench *bench, uint8_t number,
                       const struct sp_client_policy *policy);
void sp_bench_revoke(struct sp_bench *bench, const uint8_t mac[6], uint16_t vlan);
struct sp_usage sp_bench_usage(struct sp_bench *bench, uint32_t slot);
void sp_bench_usage_set(struct sp_bench *bench, uint32_t slot, const struct sp_usage *cell);

/* The program of uplinks, which is loaded when it is asked for first. */
int sp_bench_uplink(struct sp_bench *bench);

/* The map of this name. */
int sp_bench_map(struct sp_bench *bench, const char *name);

/* Put @settings in force; hz is set here. NULL: as freshly loaded, nothing limited or refused
 * with an answer. */
void sp_bench_settings(struct sp_bench *bench, const struct sp_settings *settings);

/* What the datapath knows of captive client @number on that VLAN (0: untagged), also what of it is
 * still in `flooders`; all zero: nothing. */
struct sp_guest sp_bench_guest(struct sp_bench *bench, uint8_t number, uint16_t vlan);

/* Forget who floods, as the datapath does with every jiffy: what is changed after that holds for
 * the next packet. */
void sp_bench_forget_floods(struct sp_bench *bench);

/* Forget every connection to the portal. */
void sp_bench_forget(struct sp_bench *bench);

/* The kernel's jiffies, read by running the clock program. */
uint64_t sp_test_jiffies(void);
uint32_t sp_test_hz(void);

/* What a run may be told besides the frame; TC only. */
struct sp_run {
	uint32_t ifindex;         /* 0: loopback */
	uint32_t ingress_ifindex; /* 0: sent by the gateway itself */
	uint32_t mark;
	uint32_t gso_size, gso_segs;
};

struct sp_outcome {
	int action;
	enum sp_reason reason; /* the one that was counted; NONE: none was */
	uint64_t packets, bytes;
	bool has_meta;
	struct sp_meta meta;
	uint32_t mark;
	const struct sp_frame_bytes *answer; /* what the frame was turned into, until the next run;
	                                        NULL: it was left as it is */
};

/* Whether the kernel's test run takes this frame: its skb must hold the IPv4 or IPv6 header that
 * the ethertype announces. (A tagged frame may end anywhere.) */
bool sp_bench_takes(enum sp_program program, const struct sp_frame_bytes *frame);

/* Run once. Fails if the frame was changed and is no answer, or more than one reason was counted
 * (see sp_bench_open_taking). */
void sp_bench_run(struct sp_bench *bench, enum sp_program program,
                  const struct sp_frame_bytes *frame, const struct sp_run *run,
                  struct sp_outcome *outcome);

/* The same without a look at the counters, for many in a row; see sp_bench_grown. */
void sp_bench_run_only(struct sp_bench *bench, enum sp_program program,
                       const struct sp_frame_bytes *frame, const struct sp_run *run,
                       struct sp_outcome *outcome);

/* What the program decided, counted or not: what the metadata says where nothing was counted. */
enum sp_reason sp_outcome_reason(const struct sp_outcome *outcome);

/* What @program decides about what client @number sends, counted or not. */
enum sp_reason sp_bench_send(struct sp_bench *bench, enum sp_program program,
                             const struct sp_sample *sample, uint8_t number);

/* Run @repeat times on this CPU by @fd; returns nanoseconds per run as the kernel measured them. */
uint32_t sp_bench_repeat(int fd, const struct sp_frame_bytes *frame, uint32_t repeat);

/* What was counted since the bench was last looked at: fills @grown for every reason. */
void sp_bench_grown(struct sp_bench *bench, struct sp_count grown[SP_MAX_REASONS]);

/* Name of @reason, "NONE" if it has none. */
const char *sp_reason_label(enum sp_reason reason);

/* Whether the processor is emulated (tests/kernels): then the same tests have run on a real one
 * too. */
bool sp_test_is_emulated(void);

/* How often to do what is done @full times: a tenth where the processor is emulated. */
uint32_t sp_test_times(uint32_t full);

/* Keep the calling thread on @cpu. */
void sp_test_pin(unsigned cpu);

/* The same, as what a group of tests begins with: what one CPU has noted, another does not know. */
int sp_test_on_one_cpu(void **unused);

#endif
