/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `up` and the program of bpf/carry.bpf.c share: how counters that the programs of one `up`
 * went on counting in their own maps are added to those of the next. The layout of a cell of
 * `usage` may be another one there, so the program is told where its members are.
 */
#ifndef SALLYPORT_CARRY_H
#define SALLYPORT_CARRY_H

#include <linux/types.h>

/* Offsets into a cell of `usage`, and into one of `reasons`, bytes. */
struct sp_carry_side_places {
	__u32 generation, packets, bytes, first, last, credit;
};
struct sp_carry_places {
	struct sp_carry_side_places up, down;
	__u32 ipv4, ipv6, bound, told;
	__u32 count_packets, count_bytes, count_reason;
};

/* What a direction of a cell holds. Of a generation that is 0: nothing. */
struct sp_carry_side {
	__u32 generation;
	__u32 spare;
	__u64 packets, bytes;
	__u64 first, last; /* jiffies */
};

/* What is to be added to the cell of @slot. */
struct sp_carry_more {
	__u32 slot;
	__u32 ipv4, bound; /* network order; 0: none */
	__u32 spare;
	__u8 ipv6[16];
	struct sp_carry_side up, down;
};

/* Value of the map `base`: a session, and what its cell held when it was copied. */
struct sp_carry_base {
	__u32 from, to;   /* slots: in the map that was copied, and in the copy */
	__u32 generation; /* of the session */
	__u32 spare;
	struct sp_carry_side up, down;
};

/* The program reads its struct sp_carry_more behind this many bytes of a packet. */
#define SP_CARRY_HEADER 16u

#endif
