/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SYN cookies: the initial sequence number of a captured connection that nobody remembers (RFC
 * 4987, section 3.6). From a later segment it is found again, and with it how far the client has
 * heard us, because an answer is shorter than 2^SP_COOKIE_OFFSET:
 *
 *   31..23  mixed from the client's own initial sequence number: whether this is its first segment
 *   22..14  mixed from the time
 *   13..12  the time, in units of 64 s, modulo 4
 *   11..0   the rest
 *
 * All of it depends on addresses, ports and a key, by SipHash-2-4 (Aumasson and Bernstein, 2012).
 * Who guesses one gains a connection from an address that is not his, which a captive client has no
 * use for: what it says on it is answered there.
 */
#ifndef SP_BPF_COOKIE_H
#define SP_BPF_COOKIE_H

#include <stdbool.h>

#include <linux/bpf.h>

#include "load.h"
#include "maps.h"
#include "parse.h"

#define SP_COOKIE_OFFSET 12
#define SP_COOKIE_AGES   3u /* how many units of time a cookie is good for, at most 3 */

struct sp_siphash {
	__u64 v[4];
};

static __always_inline __u64 sp_rotate(__u64 word, __u32 bits)
{
	return word << bits | word >> (64 - bits);
}

static __always_inline void sp_siphash_round(struct sp_siphash *state)
{
	__u64 *v = state->v;

	v[0] += v[1];
	v[2] += v[3];
	v[1] = sp_rotate(v[1], 13) ^ v[0];
	v[3] = sp_rotate(v[3], 16) ^ v[2];
	v[0] = sp_rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = sp_rotate(v[1], 17) ^ v[2];
	v[3] = sp_rotate(v[3], 21) ^ v[0];
	v[2] = sp_rotate(v[2], 32);
}

static __always_inline void sp_siphash_add(struct sp_siphash *state, __u64 word)
{
	state->v[3] ^= word;
	sp_siphash_round(state);
	sp_siphash_round(state);
	state->v[0] ^= word;
}

/* Of whole words only; @bytes of them. */
static __always_inline __u64 sp_siphash_end(struct sp_siphash *state, __u64 bytes)
{
	sp_siphash_add(state, bytes << 56);
	state->v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sp_siphash_round(state);
	return state->v[0] ^ state->v[1] ^ state->v[2] ^ state->v[3];
}

/* Of the connection that a segment from the client belongs to. */
static __always_inline __u64 sp_cookie_hash(const struct sp_view *view, const __u64 key[2])
{
	struct sp_siphash state = {{
		0x736f6d6570736575ull ^ key[0],
		0x646f72616e646f6dull ^ key[1],
		0x6c7967656e657261ull ^ key[0],
		0x7465646279746573ull ^ key[1],
	}};

	sp_siphash_add(&state, (__u64)view->from.word[3] << 32 | view->to.word[3]);
	sp_siphash_add(&state, (__u64)view->source_port << 16 | view->destination_port);
	if (view->family == 4)
		return sp_siphash_end(&state, 16);
	sp_siphash_add(&state, (__u64)view->from.word[0] << 32 | view->from.word[1]);
	sp_siphash_add(&state, (__u64)view->to.word[0] << 32 | view->to.word[1]);
	sp_siphash_add(&state, (__u64)view->from.word[2] << 32 | view->to.word[2]);
	return sp_siphash_end(&state, 40);
}

static __always_inline __u32 sp_cookie_time(__u64 now)
{
	return (__u32)(now / (64ull * (sp_load.hz ?: 1)));
}

/* The parts of a cookie: 9 bits each, where they belong. Multiplicative hashing (Knuth, The Art of
 * Computer Programming, volume 3, section 6.4). */
static __always_inline __u32 sp_cookie_first(__u64 hash, __u32 first)
{
	return ((__u32)(hash >> 32) + first) * 0x9e3779b1u >> 23 << 23;
}

static __always_inline __u32 sp_cookie_timed(__u64 hash, __u32 time)
{
	return ((__u32)(hash >> 16) + time) * 0x9e3779b1u >> 23 << 14 | (time & 3) << 12;
}

static __always_inline __u32 sp_cookie_rest(__u64 hash)
{
	return (__u32)hash & ((1u << SP_COOKIE_OFFSET) - 1);
}

/* The cookie for a SYN whose sequence number is @first. */
static __always_inline __u32 sp_cookie_make(__u64 hash, __u32 first, __u64 now)
{
	return sp_cookie_first(hash, first) | sp_cookie_timed(hash, sp_cookie_time(now)) |
	       sp_cookie_rest(hash);
}

/* What a segment says of its connection. */
struct sp_cookie {
	__u32 heard;   /* of what was sent behind the SYN, sequence numbers that it acknowledges */
	bool is_first; /* it begins where the client's data begins */
};

/*
 * Whether a segment with that @sequence and @acknowledgement belongs to a connection of ours.
 */
static __always_inline bool sp_cookie_read(__u64 hash, __u32 sequence, __u32 acknowledgement,
                                           __u64 now, struct sp_cookie *cookie)
{
	__u32 it = acknowledgement - 1, time = sp_cookie_time(now), age;

	cookie->heard = (it - sp_cookie_rest(hash)) & ((1u << SP_COOKIE_OFFSET) - 1);
	it -= cookie->heard;
	age = (time - (it >> 12)) & 3;
	if (age >= SP_COOKIE_AGES)
		return false;
	if ((it & 0x007ff000) != sp_cookie_timed(hash, time - age))
		return false;
	cookie->is_first = (it & 0xff800000) == sp_cookie_first(hash, sequence - 1);
	return true;
}

#endif
