/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What browsers.c and browsers.bpf.c tell each other. */
#ifndef SP_BENCH_BROWSERS_H
#define SP_BENCH_BROWSERS_H

#define SP_BROWSERS_CONNECTIONS 16384u
#define SP_BROWSERS_REQUEST     512u

/* Ports of each client: those of the usual range and more. */
#define SP_BROWSERS_FIRST_PORT 16384u
#define SP_BROWSERS_PORTS      49152u

/* The frame that begins a connection, for local experiments (IEEE 802): its number as payload. */
#define SP_BROWSERS_KICK 0x88b5

/* Places of the histogram: 32 to each power of two, so an instant is known to 3 %. */
#define SP_BROWSERS_STEPS  32u
#define SP_BROWSERS_PLACES 2048u

enum sp_browser_state { SP_BROWSER_IDLE, SP_BROWSER_OPENING, SP_BROWSER_ASKING };

/* One of the connections that are open at once. When it is done the next one takes its place. */
struct sp_browser {
	__u64 begun;  /* ns of CLOCK_MONOTONIC */
	__u32 number; /* of the connection: client and port follow from it */
	__u32 state;
	__u32 answered;  /* bytes */
	__u32 is_wanted; /* the answer has the status that was wanted */
};

/* What a run has had so far. */
struct sp_browsers_count {
	__u64 answers, failed;
};

#endif
