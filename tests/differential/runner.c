// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The programs as a filter: reads commands, writes what came of them, both as in the machine's own
 * byte order. tests/differential/runner.py is the other end.
 *
 *   'M' name[16] key size, value size (u32 each), key, value    write a map
 *   'R'                                                         begin anew, as freshly loaded
 *   'J'                                                         -> jiffies (u64)
 *   'F' program, local (u8 each), length (u16), frame           -> reason, action (u16 each)
 *   'S'                                                         answers are sent now
 *
 * Ends when its input does.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "../bpf/run.h"

#define ITEM_MAX 4096u

struct verdict {
	uint16_t reason, action;
};

/* Without them there is nothing to go on with: our output ends, and the reader says so. */
static void need(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "runner: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void take(void *into, size_t size)
{
	need(!size || fread(into, size, 1, stdin) == 1, "input ends within a command");
}

static void write_map(struct sp_bench *bench)
{
	static uint8_t key[ITEM_MAX], value[ITEM_MAX];
	char name[17] = {};
	uint32_t size[2];

	take(name, 16);
	take(size, sizeof(size));
	need(size[0] <= ITEM_MAX && size[1] <= ITEM_MAX, name);
	take(key, size[0]);
	take(value, size[1]);
	need(!bpf_map_update_elem(sp_bench_map(bench, name), key, value, BPF_ANY), name);
}

/* The one reason that was counted; more than one is none that exists. */
static enum sp_reason counted(struct sp_bench *bench)
{
	struct sp_count grown[SP_MAX_REASONS];
	enum sp_reason found = SP_REASON_NONE;

	sp_bench_grown(bench, grown);
	for (uint32_t reason = 0; reason < SP_MAX_REASONS; reason++) {
		if (!grown[reason].packets)
			continue;
		if (found || grown[reason].packets != 1)
			return (enum sp_reason)SP_MAX_REASONS;
		found = (enum sp_reason)reason;
	}
	return found;
}

static void run_frame(struct sp_bench *bench)
{
	static struct sp_frame_bytes frame;
	struct sp_outcome outcome;
	struct verdict verdict;
	struct sp_run run = {};
	uint16_t length;
	uint8_t how[2];

	take(how, sizeof(how));
	take(&length, sizeof(length));
	need(how[0] < SP_PROGRAMS && length <= sizeof(frame.byte), "not a frame");
	take(frame.byte, length);
	frame.length = length;
	run.ingress_ifindex = how[1] ? 0 : 1;
	sp_bench_run_only(bench, (enum sp_program)how[0], &frame, &run, &outcome);
	outcome.reason = counted(bench);
	verdict.reason = (uint16_t)sp_outcome_reason(&outcome);
	verdict.action = (uint16_t)outcome.action;
	need(fwrite(&verdict, sizeof(verdict), 1, stdout) == 1, "output");
}

static void serve(bool guard)
{
	const struct sp_bench_size size = {64, 65536};
	struct sp_bench *bench = sp_bench_open(guard, &size);
	int command;

	while ((command = getchar()) != EOF) {
		uint64_t now;

		switch (command) {
		case 'M':
			write_map(bench);
			break;
		case 'R':
			bench = sp_bench_open(guard, &size);
			break;
		case 'J':
			now = sp_test_jiffies();
			need(fwrite(&now, sizeof(now), 1, stdout) == 1, "output");
			break;
		case 'F':
			run_frame(bench);
			break;
		case 'S':
			need(!fflush(stdout), "output");
			break;
		default:
			need(false, "unknown command");
		}
	}
}

int main(int argc, char **argv)
{
	/* A network of its own, without sockets that a packet could belong to. */
	need(!unshare(CLONE_NEWNET), "network namespace");
	serve(argc < 2 || strcmp(argv[1], "unguarded") != 0);
	return 0;
}
