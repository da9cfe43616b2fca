/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session may use. */
#ifndef SP_LIB_LIMITS_H
#define SP_LIB_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/* 0 in a field: no such limit. */
struct sp_limits {
	uint64_t seconds;              /* until it expires */
	uint64_t idle;                 /* seconds without an upload packet */
	uint64_t quota;                /* bytes, up and down together */
	uint64_t quota_up, quota_down; /* bytes */
	uint64_t rate_up, rate_down;   /* bit/s */
	uint64_t burst_up, burst_down; /* bytes, SP_BURST_LEAST to SP_BURST_MOST; 0: what suits
	                                * the rate */
	bool bind;                     /* to one IPv4 address: ... */
	uint32_t ipv4;                 /* ... this, network order; 0: what it is found to use */
};

#define SP_BURST_LEAST 1500u
#define SP_BURST_MOST  1000000000u

/* @own, and what @defaults say where it says nothing (bursts go with their rates, the address with
 * the binding). */
struct sp_limits sp_limits_merge(const struct sp_limits *own, const struct sp_limits *defaults);

/* Have a session begun at @now end before @until (seconds since 1970; 0: no bound). -ESTALE when
 * that is past, and @limits are as before. */
int sp_limits_until(struct sp_limits *limits, uint64_t until, uint64_t now);

/* When a session begun at @begun ends by the wall clock; 0: no bound. */
uint64_t sp_limits_end(const struct sp_limits *limits, uint64_t begun);

/* What is left of the quotas of @limits when @up and @down bytes of them are used. -EDQUOT when one
 * of them is used up, and @limits make no sense any more. */
int sp_limits_take_off(struct sp_limits *limits, uint64_t up, uint64_t down);

#endif
