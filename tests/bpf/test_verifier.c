// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the programs cost the verifier, which gives up after a million instructions: those that it
 * processed, with every list of the configuration empty, as on an ordinary gateway, and full: the
 * lists are unrolled, so that is the longest there is. The limit here is far below the kernel's, so
 * that a kernel that prunes worse still takes them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "run.h"

#include "clock.skel.h"
#include "tc.skel.h"
#include "uplink.skel.h"
#include "xdp.skel.h"

#define LIMIT     100000u
#define LOG_SIZE  16384u
#define LOG_STATS 4u /* BPF_LOG_STATS of the kernel's include/linux/bpf_verifier.h */
#define PROGRAMS  8u

static char logs[PROGRAMS][LOG_SIZE];

static const char *const extents[] = {
	[SP_EXTENT_NONE] = "empty",
	[SP_EXTENT_SMALL] = "ordinary",
	[SP_EXTENT_FULL] = "largest",
};

/* Before @object is loaded: every program has a log of its own. */
static void want_logs(struct bpf_object *object)
{
	struct bpf_program *program;
	unsigned n = 0;

	bpf_object__for_each_program(program, object)
	{
		assert_true(n < PROGRAMS);
		logs[n][0] = '\0';
		if (bpf_program__set_log_level(program, LOG_STATS) ||
		    bpf_program__set_log_buf(program, logs[n++], LOG_SIZE))
			fail_msg("cannot ask for the verifier's log");
	}
}

/* After @object was loaded: print the figures; how many were above the limit. */
static unsigned read_logs(struct bpf_object *object, enum sp_extent extent)
{
	struct bpf_program *program;
	unsigned above = 0, n = 0;
	struct utsname host;

	if (uname(&host))
		fail_msg("uname: %s", strerror(errno));
	bpf_object__for_each_program(program, object)
	{
		const char *figure = strstr(logs[n++], "processed ");
		unsigned long count = figure ? strtoul(figure + 10, NULL, 10) : 0;

		if (!count)
			fail_msg("%s: the verifier did not say what it cost",
			         bpf_program__name(program));
		printf("verifier: %s, %s configuration: %s: %lu instructions\n", host.release,
		       extents[extent], bpf_program__name(program), count);
		above += count > LIMIT;
	}
	return above;
}

static unsigned weigh_clock(void)
{
	struct sp_clock_bpf *clock = sp_clock_bpf__open();
	unsigned above;

	if (!clock)
		fail_msg("cannot open the clock object: %s", strerror(errno));
	want_logs(clock->obj);
	if (sp_clock_bpf__load(clock))
		fail_msg("cannot load the clock program: %s", strerror(errno));
	above = read_logs(clock->obj, SP_EXTENT_NONE);
	sp_clock_bpf__destroy(clock);
	return above;
}

static unsigned weigh_xdp(const struct sp_load *load, enum sp_extent extent)
{
	struct sp_xdp_bpf *xdp = sp_xdp_bpf__open();
	unsigned above;

	if (!xdp)
		fail_msg("cannot open the XDP object: %s", strerror(errno));
	memcpy((void *)&xdp->rodata->sp_load, load, sizeof(*load));
	want_logs(xdp->obj);
	if (sp_xdp_bpf__load(xdp))
		fail_msg("cannot load the XDP programs: %s", strerror(errno));
	above = read_logs(xdp->obj, extent);
	sp_xdp_bpf__destroy(xdp);
	return above;
}

static unsigned weigh_tc(const struct sp_load *load, enum sp_extent extent)
{
	struct sp_tc_bpf *tc = sp_tc_bpf__open();
	unsigned above;

	if (!tc)
		fail_msg("cannot open the TC object: %s", strerror(errno));
	memcpy((void *)&tc->rodata->sp_load, load, sizeof(*load));
	want_logs(tc->obj);
	if (sp_tc_bpf__load(tc))
		fail_msg("cannot load the TC programs: %s", strerror(errno));
	above = read_logs(tc->obj, extent);
	sp_tc_bpf__destroy(tc);
	return above;
}

static unsigned weigh_uplink(const struct sp_load *load, enum sp_extent extent)
{
	struct sp_uplink_bpf *uplink = sp_uplink_bpf__open();
	unsigned above;

	if (!uplink)
		fail_msg("cannot open the uplink object: %s", strerror(errno));
	memcpy((void *)&uplink->rodata->sp_load, load, sizeof(*load));
	want_logs(uplink->obj);
	if (sp_uplink_bpf__load(uplink))
		fail_msg("cannot load the uplink programs: %s", strerror(errno));
	above = read_logs(uplink->obj, extent);
	sp_uplink_bpf__destroy(uplink);
	return above;
}

static void no_program_is_too_heavy(void **unused)
{
	unsigned above = weigh_clock();

	(void)unused;
	for (enum sp_extent extent = SP_EXTENT_NONE; extent <= SP_EXTENT_FULL; extent++) {
		struct sp_load load;

		sp_bench_configure(&load, true, extent);
		above += weigh_xdp(&load, extent);
		above += weigh_tc(&load, extent);
		above += weigh_uplink(&load, extent);
	}
	if (above)
		fail_msg("%u programs took the verifier more than %u instructions", above, LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_program_is_too_heavy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
