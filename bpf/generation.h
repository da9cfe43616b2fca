/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a cell of `usage` goes over from one session to the next.
 */
#ifndef SP_BPF_GENERATION_H
#define SP_BPF_GENERATION_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/* Whether a session of @generation comes after the one that the cell holds. One that comes before
 * is what another CPU had looked up when the session was replaced: its packet counts to the new
 * one. */
static __always_inline bool sp_is_newer(__u32 generation, __u32 held)
{
	return (__s32)(generation - held) > 0;
}

/* Take away what was there, so that what other CPUs add meanwhile stays. */
static __always_inline void sp_clear(__u64 *counter)
{
	__sync_fetch_and_add(counter, -*(volatile __u64 *)counter);
}

#endif
