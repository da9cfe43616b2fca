// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The limits of a session at their edges, and counters that stay exact while two CPUs write them.
 */
#include <pthread.h>
#include <setjmp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "run.h"
#include "samples.h"

#define CLIENT       3
#define PACKET_BYTES 1028u /* IPv4 20, UDP 8, 1000 */

static const struct sp_sample up4 = {
	.name = "upload",
	.family = 4,
	.from = "10.85.0.2",
	.to = "10.86.0.2",
	.protocol = 17,
	.source_port = 40000,
	.destination_port = 443,
	.payload = 1000,
};

static const struct sp_sample down4 = {
	.name = "download",
	.family = 4,
	.from = "10.86.0.2",
	.to = "10.85.0.2",
	.protocol = 17,
	.source_port = 443,
	.destination_port = 40000,
	.payload = 1000,
};

static void frame_down(struct sp_frame_bytes *frame)
{
	struct sp_ether ether = {};

	memcpy(ether.from, sp_test_gateway_mac, 6);
	sp_test_mac(ether.to, CLIENT);
	sp_packet_build(&down4, &ether, frame);
}

static enum sp_reason run_up(struct sp_bench *bench, enum sp_program program)
{
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;

	sp_test_upload(&up4, CLIENT, &frame);
	sp_bench_run(bench, program, &frame, NULL, &outcome);
	return outcome.reason;
}

/* A download that the gateway forwards: it came in by another interface. */
static enum sp_reason run_down(struct sp_bench *bench)
{
	const struct sp_run forwarded = {.ingress_ifindex = 1};
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;

	frame_down(&frame);
	sp_bench_run(bench, SP_OUT, &frame, &forwarded, &outcome);
	return outcome.reason;
}

static void expect(struct sp_bench *bench, bool alive)
{
	for (enum sp_program program = SP_XDP; program <= SP_IN; program++)
		assert_int_equal(run_up(bench, program),
		                 alive ? SP_REASON_AUTHORIZED : SP_REASON_UDP);
	assert_int_equal(run_down(bench),
	                 alive ? SP_REASON_DOWN_AUTHORIZED : SP_REASON_DOWN_CAPTIVE);
}

static void wait_until(uint64_t jiffies)
{
	while (sp_test_jiffies() < jiffies)
		usleep(500);
}

static void expiry(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_client_policy policy = sp_test_session(1);
	uint64_t hz = sp_test_hz();

	(void)unused;
	policy.limits = SP_LIMIT_EXPIRES;
	policy.expires = sp_test_jiffies() + 3600 * hz;
	sp_bench_grant_to(bench, CLIENT, &policy);
	expect(bench, true);
	policy.expires = UINT64_MAX;
	sp_bench_grant_to(bench, CLIENT, &policy);
	expect(bench, true);
	policy.expires = sp_test_jiffies();
	sp_bench_grant_to(bench, CLIENT, &policy);
	expect(bench, false);
	policy.expires = sp_test_jiffies() - 1;
	sp_bench_grant_to(bench, CLIENT, &policy);
	expect(bench, false);
	policy.limits = 0; /* what is not in force does not bite */
	sp_bench_grant_to(bench, CLIENT, &policy);
	expect(bench, true);
	policy.limits = SP_LIMIT_EXPIRES;
	policy.expires = sp_test_jiffies() + hz / 2;
	sp_bench_grant_to(bench, CLIENT, &policy);
	expect(bench, true);
	wait_until(policy.expires);
	expect(bench, false);
}

/* Not a jiffy early, not one late: the packets of every jiffy around the instant. */
static void expiry_to_the_jiffy(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_client_policy policy = sp_test_session(1);
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;
	uint64_t before, after;

	(void)unused;
	sp_test_upload(&up4, CLIENT, &frame);
	policy.limits = SP_LIMIT_EXPIRES;
	policy.expires = sp_test_jiffies() + 20;
	sp_bench_grant_to(bench, CLIENT, &policy);
	do {
		before = sp_test_jiffies();
		sp_bench_run_only(bench, SP_XDP, &frame, NULL, &outcome);
		after = sp_test_jiffies();
		if (after < policy.expires)
			assert_int_equal(outcome.action, 2);
		if (before >= policy.expires)
			assert_int_equal(outcome.action, 1);
	} while (before < policy.expires + 20);
}

static void idle_time(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_client_policy policy = sp_test_session(7);
	struct sp_usage cell = {};
	uint64_t now = sp_test_jiffies();

	(void)unused;
	policy.limits = SP_LIMIT_IDLE;
	policy.idle = 5 * sp_test_hz();
	policy.granted = now - policy.idle - 1;
	sp_bench_grant_to(bench, CLIENT, &policy);
	expect(bench, false); /* nothing sent since it was granted */
	expect(bench, false); /* and what is refused is no activity */
	cell.up_generation = 7;
	cell.up_last = now - policy.idle + sp_test_hz() * 2;
	sp_bench_usage_set(bench, 0, &cell);
	expect(bench, true); /* active lately */
	cell.up_last = now - policy.idle - 1;
	sp_bench_usage_set(bench, 0, &cell);
	expect(bench, false);
	cell.up_generation = 6; /* activity of somebody else's session in this cell */
	cell.up_last = now;
	sp_bench_usage_set(bench, 0, &cell);
	expect(bench, false);
	policy.granted = now + 1000; /* granted while the clock was read: not idle */
	sp_bench_grant_to(bench, CLIENT, &policy);
	expect(bench, true);
}

/* Downloads do not keep a session alive: anybody on the Internet can send them. */
static void downloads_are_no_activity(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_client_policy policy = sp_test_session(7);

	(void)unused;
	policy.limits = SP_LIMIT_IDLE;
	policy.idle = 10;
	sp_bench_grant_to(bench, CLIENT, &policy);
	assert_int_equal(run_down(bench), SP_REASON_DOWN_AUTHORIZED);
	wait_until(policy.granted + 6);
	assert_int_equal(run_down(bench), SP_REASON_DOWN_AUTHORIZED);
	wait_until(policy.granted + 12);
	expect(bench, false);
}

static void quota(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_client_policy policy = sp_test_session(1);
	struct sp_usage cell;

	(void)unused;
	policy.limits = SP_LIMIT_QUOTA;
	policy.quota = 3 * PACKET_BYTES + 1; /* the fourth crosses it and is the last */
	sp_bench_grant_to(bench, CLIENT, &policy);
	assert_int_equal(run_up(bench, SP_XDP), SP_REASON_AUTHORIZED);
	assert_int_equal(run_down(bench), SP_REASON_DOWN_AUTHORIZED);
	assert_int_equal(run_up(bench, SP_IN), SP_REASON_AUTHORIZED);
	assert_int_equal(run_down(bench), SP_REASON_DOWN_AUTHORIZED);
	expect(bench, false);
	cell = sp_bench_usage(bench, 0);
	assert_int_equal(cell.up_bytes, 2 * PACKET_BYTES);
	assert_int_equal(cell.down_bytes, 2 * PACKET_BYTES);
	policy.quota = 4 * PACKET_BYTES; /* used up exactly */
	sp_bench_grant_to(bench, CLIENT, &policy);
	expect(bench, false);
	policy.quota++; /* topped up */
	sp_bench_grant_to(bench, CLIENT, &policy);
	assert_int_equal(run_up(bench, SP_XDP), SP_REASON_AUTHORIZED);
	expect(bench, false);
	policy.generation++; /* a new session in the same slot begins at zero */
	policy.quota = UINT64_MAX;
	sp_bench_grant_to(bench, CLIENT, &policy);
	expect(bench, true);
	policy.generation++; /* what the session before it used does not count, up or down */
	policy.quota = 1;
	sp_bench_grant_to(bench, CLIENT, &policy);
	assert_int_equal(run_up(bench, SP_XDP), SP_REASON_AUTHORIZED);
	policy.generation++;
	sp_bench_grant_to(bench, CLIENT, &policy);
	assert_int_equal(run_down(bench), SP_REASON_DOWN_AUTHORIZED);
	policy.generation++;
	policy.quota = 0;
	sp_bench_grant_to(bench, CLIENT, &policy);
	expect(bench, false);
}

/* Each direction has its own; one that is used up ends the session for both. */
static void quota_of_a_direction(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_client_policy policy = sp_test_session(1);

	(void)unused;
	policy.limits = SP_LIMIT_QUOTA_UP | SP_LIMIT_QUOTA_DOWN;
	policy.quota_up = 2 * PACKET_BYTES;
	policy.quota_down = 4 * PACKET_BYTES - 1;
	sp_bench_grant_to(bench, CLIENT, &policy);
	for (int i = 0; i < 3; i++)
		assert_int_equal(run_down(bench), SP_REASON_DOWN_AUTHORIZED);
	assert_int_equal(run_up(bench, SP_XDP), SP_REASON_AUTHORIZED);
	assert_int_equal(run_up(bench, SP_IN), SP_REASON_AUTHORIZED);
	expect(bench, false);
	policy.quota_up++;
	sp_bench_grant_to(bench, CLIENT, &policy);
	assert_int_equal(run_down(bench), SP_REASON_DOWN_AUTHORIZED);
	expect(bench, false);
	policy.limits = SP_LIMIT_QUOTA_UP;
	sp_bench_grant_to(bench, CLIENT, &policy);
	assert_int_equal(run_down(bench), SP_REASON_DOWN_AUTHORIZED);
	assert_int_equal(run_up(bench, SP_XDP), SP_REASON_AUTHORIZED);
	expect(bench, false);
	policy.limits = SP_LIMIT_QUOTA_DOWN;
	policy.quota_down = 1000 * PACKET_BYTES;
	sp_bench_grant_to(bench, CLIENT, &policy);
	expect(bench, true);
	/* A session that is over in one direction only by its sum. */
	policy.limits = SP_LIMIT_QUOTA | SP_LIMIT_QUOTA_UP | SP_LIMIT_QUOTA_DOWN;
	policy.quota_up = policy.quota_down = 1000 * PACKET_BYTES;
	policy.quota = 12 * PACKET_BYTES;
	sp_bench_grant_to(bench, CLIENT, &policy);
	assert_int_equal(run_up(bench, SP_XDP), SP_REASON_AUTHORIZED); /* 6 up, 6 down by now */
	expect(bench, false);
}

static void a_new_generation_clears_the_cell(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_client_policy policy = sp_test_session(5);
	struct sp_usage cell;

	(void)unused;
	memset(&cell, 0xff, sizeof(cell));
	cell.up_generation = cell.down_generation = 4;
	sp_bench_usage_set(bench, 0, &cell);
	sp_bench_grant_to(bench, CLIENT, &policy);
	assert_int_equal(run_up(bench, SP_XDP), SP_REASON_AUTHORIZED);
	cell = sp_bench_usage(bench, 0);
	assert_int_equal(cell.up_generation, 5);
	assert_int_equal(cell.down_generation, 4);
	assert_int_equal(cell.up_packets, 1);
	assert_int_equal(cell.up_bytes, PACKET_BYTES);
	assert_true(cell.up_first >= policy.granted && cell.up_first <= sp_test_jiffies());
	assert_true(cell.up_last >= cell.up_first && cell.up_last <= sp_test_jiffies());
	assert_int_equal(run_down(bench), SP_REASON_DOWN_AUTHORIZED);
	cell = sp_bench_usage(bench, 0);
	assert_int_equal(cell.down_generation, 5);
	assert_int_equal(cell.down_packets, 1);
	assert_int_equal(cell.down_bytes, PACKET_BYTES);
	assert_true(cell.down_first >= policy.granted && cell.down_last >= cell.down_first);
}

static void addresses_are_remembered(void **unused)
{
	struct sp_sample up6 = {.name = "IPv6", .family = 6, .to = "fd86::2", .protocol = 59};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_client_policy policy = sp_test_session(5);
	struct sp_address wanted = sp_packet_address("fd85::2");
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;
	struct sp_usage cell;

	(void)unused;
	sp_bench_grant_to(bench, CLIENT, &policy);
	run_up(bench, SP_XDP);
	up6.from = "fd85::2";
	sp_test_upload(&up6, CLIENT, &frame);
	sp_bench_run(bench, SP_IN, &frame, NULL, &outcome);
	up6.from = "fe80::2"; /* says nothing about where the client is reached */
	sp_test_upload(&up6, CLIENT, &frame);
	sp_bench_run(bench, SP_IN, &frame, NULL, &outcome);
	cell = sp_bench_usage(bench, 0);
	assert_int_equal(cell.ipv4, sp_packet_address("10.85.0.2").word[3]);
	assert_memory_equal(cell.ipv6, &wanted, 16);
	policy.generation++;
	sp_bench_grant_to(bench, CLIENT, &policy);
	run_up(bench, SP_XDP);
	cell = sp_bench_usage(bench, 0);
	memset(&wanted, 0, sizeof(wanted));
	assert_memory_equal(cell.ipv6, &wanted, 16);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A quarter of the bit/s that this machine can offer, at most @rate. */
static uint64_t affordable(struct sp_bench *bench, enum sp_program program, uint64_t rate,
                           const struct sp_frame_bytes *frame)
{
	const uint32_t count = 2000;
	uint64_t start = now_ns(), spent;
	struct sp_outcome outcome;

	for (uint32_t i = 0; i < count; i++)
		sp_bench_run_only(bench, program, frame, NULL, &outcome);
	spent = now_ns() - start;
	spent = (uint64_t)count * PACKET_BYTES * 8 * 1000000000u / spent / 4;
	return spent < rate ? spent : rate;
}

/*
 * Offer far more than @rate for a while: what passes is never more than the rate and one burst,
 * within 5 %. Returns whether it was not less either. While this process was not running for longer
 * than a full bucket lasts, nothing was offered: not due. A packet was judged some time between the
 * two looks at the clock around it, so what is allowed is counted to the later look and what is due
 * to the earlier.
 */
static bool rate_is_due(struct sp_bench *bench, enum sp_program program, uint64_t rate,
                        uint64_t burst)
{
	static uint32_t generation;
	const struct sp_run forwarded = {.ingress_ifindex = 1};
	struct sp_client_policy policy = sp_test_session(++generation);
	uint64_t passed = 0, idle = 0, depth, start, before, last, end, allowed, due;
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;
	struct sp_usage cell;

	if (program == SP_OUT)
		frame_down(&frame);
	else
		sp_test_upload(&up4, CLIENT, &frame);
	rate = affordable(bench, program, rate, &frame);
	depth = burst * 8000000000u / rate;
	policy.limits = SP_LIMIT_RATE_UP | SP_LIMIT_RATE_DOWN;
	policy.rate_up = policy.rate_down = rate;
	policy.burst_up = policy.burst_down = burst;
	sp_bench_grant_to(bench, CLIENT, &policy);
	start = last = end = now_ns();
	do {
		before = last;
		last = end;
		sp_bench_run_only(bench, program, &frame, &forwarded, &outcome);
		passed += outcome.action != (program == SP_XDP ? 1 : 2);
		end = now_ns();
		idle += end - before > depth ? end - before - depth : 0;
		/* Until one is refused, so that all that was due has been asked for. */
	} while (end - start < 500000000u || outcome.action != (program == SP_XDP ? 1 : 2));
	allowed = rate / 8 * (end - start) / 1000000000u + burst;
	idle = idle < last - start ? idle : last - start;
	due = rate / 8 * (last - start - idle) / 1000000000u + burst;
	cell = sp_bench_usage(bench, 0);
	assert_int_equal(program == SP_OUT ? cell.down_packets : cell.up_packets, passed);
	passed *= PACKET_BYTES;
	if (passed > allowed + allowed / 20 + PACKET_BYTES)
		fail_msg("%s: %llu bit/s and a burst of %llu let %llu bytes pass instead of %llu",
		         sp_program_names[program], (unsigned long long)rate,
		         (unsigned long long)burst, (unsigned long long)passed,
		         (unsigned long long)allowed);
	return passed >= due - due / 20;
}

/* A bucket that is full takes no more: who stops just then, because others have the processor, has
 * lost what nobody notices here. So it is enough if all that is due was let through once. */
static void check_rate(enum sp_program program, uint64_t rate, uint64_t burst)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);

	for (unsigned tries = 0; tries < 20; tries++)
		if (rate_is_due(bench, program, rate, burst))
			return;
	fail_msg("%s: %llu bit/s and a burst of %llu let less pass, each time",
	         sp_program_names[program], (unsigned long long)rate, (unsigned long long)burst);
}

static void rates(void **unused)
{
	(void)unused;
	for (enum sp_program program = SP_XDP; program < SP_PROGRAMS; program++) {
		check_rate(program, 10000000, 125000);
		if (sp_test_is_emulated())
			continue; /* too slow for other rates than that */
		check_rate(program, 100000000, 20000);
		check_rate(program, 1000000, 250000);
	}
}

static void a_rate_of_nothing(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_client_policy policy = sp_test_session(1);

	(void)unused;
	policy.limits = SP_LIMIT_RATE_UP | SP_LIMIT_RATE_DOWN;
	sp_bench_grant_to(bench, CLIENT, &policy);
	assert_int_equal(run_up(bench, SP_XDP), SP_REASON_RATE_UP);
	assert_int_equal(run_up(bench, SP_IN), SP_REASON_RATE_UP);
	assert_int_equal(run_down(bench), SP_REASON_RATE_DOWN);
	/* A bucket without depth lets one packet at a time pass, also a big one. */
	policy.rate_up = 1000;
	policy.generation++;
	sp_bench_grant_to(bench, CLIENT, &policy);
	assert_int_equal(run_up(bench, SP_XDP), SP_REASON_AUTHORIZED);
	assert_int_equal(run_up(bench, SP_XDP), SP_REASON_RATE_UP);
	/* The largest numbers that user space writes do not overflow into a closed gate. */
	policy.rate_up = UINT64_MAX / 8000000000u;
	policy.burst_up = UINT64_MAX / 8000000u;
	policy.generation++;
	sp_bench_grant_to(bench, CLIENT, &policy);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(run_up(bench, SP_XDP), SP_REASON_AUTHORIZED);
}

static unsigned cpus(void)
{
	static unsigned count;

	if (!count)
		count = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	return count;
}

/* What a bucket owes at a low rate is not owed for as long at a higher one. */
static void a_rate_that_is_raised(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_client_policy policy = sp_test_session(1);
	uint64_t start;

	(void)unused;
	policy.limits = SP_LIMIT_RATE_UP;
	policy.rate_up = 8000;
	policy.burst_up = 8000; /* 8 s */
	sp_bench_grant_to(bench, CLIENT, &policy);
	while (run_up(bench, SP_XDP) == SP_REASON_AUTHORIZED)
		;
	policy.rate_up = 1000000000;
	policy.burst_up = 1000000; /* 8 ms */
	sp_bench_grant_to(bench, CLIENT, &policy);
	start = now_ns();
	while (run_up(bench, SP_XDP) != SP_REASON_AUTHORIZED)
		assert_true(now_ns() - start < 4000000000);
}

/* Threads that begin together, one on each CPU. */
struct worker {
	pthread_t thread;
	pthread_barrier_t *start;
	int program;
	const struct sp_frame_bytes *frame;
	uint32_t repeat;
	unsigned cpu;
};

#define WORKERS 2u

static void *work(void *argument)
{
	const struct worker *worker = argument;

	sp_test_pin(worker->cpu);
	pthread_barrier_wait(worker->start);
	sp_bench_repeat(worker->program, worker->frame, worker->repeat);
	return NULL;
}

static void work_together(struct sp_bench *bench, const enum sp_program program[WORKERS],
                          const struct sp_frame_bytes *frame[WORKERS], uint32_t repeat)
{
	struct worker worker[WORKERS];
	pthread_barrier_t start;

	assert_int_equal(pthread_barrier_init(&start, NULL, WORKERS), 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		worker[i] = (struct worker){
			.start = &start,
			.program = bench->program[program[i]],
			.frame = frame[i],
			.repeat = repeat,
			.cpu = i % cpus(),
		};
		assert_int_equal(pthread_create(&worker[i].thread, NULL, work, &worker[i]), 0);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(worker[i].thread, NULL);
	pthread_barrier_destroy(&start);
}

/* A thread that changes the limits of the session of slot 0 until it is told to stop. */
struct changes {
	struct sp_bench *bench;
	struct sp_client_policy policy;
	uint32_t count;
	_Atomic bool end;
};

static void *change_limits(void *argument)
{
	struct changes *changes = argument;
	struct sp_client_policy *policy = &changes->policy;

	while (!atomic_load(&changes->end)) {
		changes->count++;
		policy->limits = changes->count % (SP_LIMIT_BINDING << 1);
		policy->expires = policy->granted + (changes->count % 16 ? 1000000 : 0);
		policy->idle = 1000000;
		policy->quota = UINT64_MAX >> changes->count % 40;
		policy->quota_up = policy->quota_down = policy->quota / 2;
		policy->rate_up = policy->rate_down = 1000000000ull * (1 + changes->count % 5);
		policy->burst_up = policy->burst_down = 100000;
		sp_bench_grant_to(changes->bench, CLIENT, policy);
		usleep(1000);
	}
	return NULL;
}

static void counters_are_exact(void **unused)
{
	static const enum sp_program programs[][WORKERS] = {{SP_XDP, SP_XDP},
	                                                    {SP_IN, SP_IN},
	                                                    {SP_XDP, SP_IN},
	                                                    {SP_OUT, SP_OUT},
	                                                    {SP_XDP, SP_OUT}};
	const uint32_t repeat = sp_test_times(300000);
	struct sp_frame_bytes up, down;

	(void)unused;
	sp_test_upload(&up4, CLIENT, &up);
	frame_down(&down);
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		struct sp_bench *bench = sp_bench_open(true, NULL);
		const struct sp_frame_bytes *frames[WORKERS];
		struct sp_client_policy policy = sp_test_session(1);
		struct sp_count grown[SP_MAX_REASONS];
		struct sp_usage cell;
		uint64_t ups = 0;

		sp_bench_grant_to(bench, CLIENT, &policy);
		for (unsigned w = 0; w < WORKERS; w++) {
			frames[w] = programs[i][w] == SP_OUT ? &down : &up;
			ups += programs[i][w] == SP_OUT ? 0 : repeat;
		}
		work_together(bench, programs[i], frames, repeat);
		cell = sp_bench_usage(bench, 0);
		assert_int_equal(cell.up_packets, ups);
		assert_int_equal(cell.up_bytes, ups * PACKET_BYTES);
		assert_int_equal(cell.down_packets, WORKERS * repeat - ups);
		sp_bench_grown(bench, grown);
		assert_int_equal(grown[SP_REASON_AUTHORIZED].packets, ups);
		assert_int_equal(grown[SP_REASON_AUTHORIZED].bytes, ups * PACKET_BYTES);
		assert_int_equal(grown[SP_REASON_DOWN_AUTHORIZED].packets, WORKERS * repeat - ups);
	}
}

/* A second CPU that runs the program once each time that @round moves on. */
struct echo {
	int program;
	const struct sp_frame_bytes *frame;
	uint32_t repeat;
	_Atomic uint32_t rounds, round, done;
};

/* The two CPUs shall meet, so the wait is a busy one; but not for longer than the other thread
 * needs when it is running. */
#define SPINS 5000

static void wait_for(_Atomic uint32_t *number, uint32_t value)
{
	for (uint32_t spins = 0; atomic_load(number) < value; spins++)
		if (spins > SPINS || cpus() < 2)
			sched_yield();
}

static void *echo_rounds(void *argument)
{
	struct echo *echo = argument;

	sp_test_pin(cpus() - 1);
	for (uint32_t round = 1; round <= atomic_load(&echo->rounds); round++) {
		wait_for(&echo->round, round);
		sp_bench_repeat(echo->program, echo->frame, echo->repeat);
		atomic_store(&echo->done, round);
	}
	return NULL;
}

/* One round of this CPU, a little later each time, so that the two meet at every instruction. */
static void one_round(struct echo *echo, int program, const struct sp_frame_bytes *frame,
                      uint32_t round)
{
	atomic_store(&echo->round, round);
	for (volatile uint32_t i = 0; i < round % 512; i++)
		;
	sp_bench_repeat(program, frame, echo->repeat);
	wait_for(&echo->done, round);
}

/* Two CPUs meet a new generation at once, again and again. */
static void a_new_generation_loses_nothing(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_frame_bytes frame;
	struct echo echo = {.program = bench->program[SP_IN], .frame = &frame, .repeat = 20};
	uint64_t lost = 0;
	pthread_t thread;

	(void)unused;
	echo.rounds = sp_test_times(10000);
	sp_test_upload(&up4, CLIENT, &frame);
	sp_test_pin(0);
	assert_int_equal(pthread_create(&thread, NULL, echo_rounds, &echo), 0);
	for (uint32_t round = 1; round <= echo.rounds; round++) {
		struct sp_client_policy policy = {.state = SP_CLIENT_AUTHORIZED,
		                                  .generation = round};
		struct sp_usage cell;

		sp_bench_grant_to(bench, CLIENT, &policy);
		one_round(&echo, echo.program, echo.frame, round);
		cell = sp_bench_usage(bench, 0);
		lost += cell.up_generation != round || cell.up_packets != 2u * echo.repeat ||
		        cell.up_bytes != 2u * echo.repeat * PACKET_BYTES;
	}
	pthread_join(thread, NULL);
	assert_int_equal(lost, 0);
}

/* Packets of each CPU and round: enough to be under way together for milliseconds. */
static uint32_t stream(void)
{
	return sp_test_times(20000);
}

/* What one round of check_last_packet used of its quota. */
static uint64_t packets_of(struct sp_bench *bench, uint32_t generation)
{
	struct sp_usage cell = sp_bench_usage(bench, 0);

	return (cell.up_generation == generation ? cell.up_packets : 0) +
	       (cell.down_generation == generation ? cell.down_packets : 0);
}

/*
 * Two CPUs meet at the end of a quota, again and again: one packet crosses it, and is the last.
 * Returns how many came just too late. On a busy machine the two threads run together only now and
 * then, so it is tried for longer until some did.
 */
static uint64_t check_last_packet(enum sp_program here, enum sp_program there, uint32_t limit)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_client_policy policy = sp_test_session(1);
	struct sp_count grown[SP_MAX_REASONS];
	struct sp_frame_bytes up, down;
	struct echo echo = {.program = bench->program[there],
	                    .frame = there == SP_OUT ? &down : &up,
	                    .repeat = stream(),
	                    .rounds = cpus() < 2 ? 20 : 400};
	uint64_t late = 0, wrong = 0;
	pthread_t thread;

	sp_test_upload(&up4, CLIENT, &up);
	frame_down(&down);
	policy.limits = (uint16_t)limit;
	policy.quota = policy.quota_up = policy.quota_down = (stream() - 1) * PACKET_BYTES + 1;
	sp_test_pin(0);
	assert_int_equal(pthread_create(&thread, NULL, echo_rounds, &echo), 0);
	for (uint32_t round = 1; round <= echo.rounds && (round <= 20 || !late); round++) {
		policy.generation = round;
		sp_bench_grant_to(bench, CLIENT, &policy);
		one_round(&echo, bench->program[here], here == SP_OUT ? &down : &up, round);
		sp_bench_grown(bench, grown);
		wrong += packets_of(bench, round) != stream() ||
		         grown[SP_REASON_AUTHORIZED].packets +
		                         grown[SP_REASON_DOWN_AUTHORIZED].packets !=
		                 stream();
		late += grown[SP_REASON_QUOTA].packets;
	}
	atomic_store(&echo.rounds, 0);
	atomic_store(&echo.round, UINT32_MAX);
	pthread_join(thread, NULL);
	assert_int_equal(wrong, 0);
	return late;
}

static void the_last_packet_of_a_quota(void **unused)
{
	uint64_t late = 0;

	(void)unused;
	late += check_last_packet(SP_XDP, SP_XDP, SP_LIMIT_QUOTA);
	late += check_last_packet(SP_XDP, SP_OUT, SP_LIMIT_QUOTA);
	late += check_last_packet(SP_IN, SP_IN, SP_LIMIT_QUOTA_UP);
	late += check_last_packet(SP_OUT, SP_OUT, SP_LIMIT_QUOTA_DOWN);
	if (cpus() > 1 && !late)
		fail_msg("no two packets met at the end of a quota");
}

/* The packets that two CPUs have let through, and those that were counted, while the limits of the
 * session change every millisecond. */
static void changing_limits_loses_nothing(void **unused)
{
	static const enum sp_program programs[WORKERS] = {SP_XDP, SP_OUT};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_frame_bytes up, down;
	const struct sp_frame_bytes *frames[WORKERS] = {&up, &down};
	struct sp_client_policy policy = sp_test_session(1);
	struct sp_count grown[SP_MAX_REASONS];
	struct changes changes = {.bench = bench, .policy = policy};
	struct sp_usage cell;
	pthread_t thread;

	(void)unused;
	sp_test_upload(&up4, CLIENT, &up);
	frame_down(&down);
	sp_bench_grant_to(bench, CLIENT, &policy);
	assert_int_equal(pthread_create(&thread, NULL, change_limits, &changes), 0);
	work_together(bench, programs, frames, sp_test_times(5000000));
	atomic_store(&changes.end, true);
	pthread_join(thread, NULL);
	assert_true(changes.count > 100);
	cell = sp_bench_usage(bench, 0);
	sp_bench_grown(bench, grown);
	assert_int_equal(cell.up_packets, grown[SP_REASON_AUTHORIZED].packets);
	assert_int_equal(cell.up_bytes, grown[SP_REASON_AUTHORIZED].bytes);
	assert_int_equal(cell.down_packets, grown[SP_REASON_DOWN_AUTHORIZED].packets);
	assert_int_equal(cell.down_bytes, grown[SP_REASON_DOWN_AUTHORIZED].bytes);
	assert_true(cell.up_packets > 1000 && cell.down_packets > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expiry),
		cmocka_unit_test(expiry_to_the_jiffy),
		cmocka_unit_test(idle_time),
		cmocka_unit_test(downloads_are_no_activity),
		cmocka_unit_test(quota),
		cmocka_unit_test(quota_of_a_direction),
		cmocka_unit_test(a_new_generation_clears_the_cell),
		cmocka_unit_test(addresses_are_remembered),
		cmocka_unit_test(rates),
		cmocka_unit_test(a_rate_of_nothing),
		cmocka_unit_test(a_rate_that_is_raised),
		cmocka_unit_test(counters_are_exact),
		cmocka_unit_test(a_new_generation_loses_nothing),
		cmocka_unit_test(the_last_packet_of_a_quota),
		cmocka_unit_test(changing_limits_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
