/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every map. All are pinned and named for the operator who looks with bpftool;
 * include/sallyport/abi.h describes keys, values and who writes them. The sizes of clients, usage,
 * slots and flows are set by user space before loading.
 */
#ifndef SP_BPF_MAPS_H
#define SP_BPF_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <sallyport/abi.h>

/* Never an LRU: a flood must not evict a paying client. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, struct sp_client_key);
	__type(value, struct sp_client_policy);
} clients SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 131072);
	__type(key, __u32);
	__type(value, struct sp_usage);
} usage SEC(".maps");

/*
 * Locks for what cannot be done to a cell of `usage` by one atomic operation; a slot has that of
 * its number modulo SP_LOCKS. Not in the cell, because a map that holds a lock cannot be mmapped.
 */
#define SP_LOCKS 256u
struct sp_lock {
	struct bpf_spin_lock lock;
	__u32 spare[15]; /* a cache line each */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SP_LOCKS);
	__type(key, __u32);
	__type(value, struct sp_lock);
} locks SEC(".maps");

/* Which slots of `usage` are given out, a bit each. User space only; no program looks at it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2048);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

/* An LRU, so that a flood of half-open connections cannot fill it for good. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct sp_origin_key);
	__type(value, struct sp_origin);
} origins SEC(".maps");

/* Written by the SYN of a captured connection. An LRU for the same reason. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct sp_capture_key);
	__type(value, struct sp_capture);
} captures SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sp_settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SP_MAX_REASONS);
	__type(key, __u32);
	__type(value, struct sp_count);
} reasons SEC(".maps");

/*
 * Captive clients. An LRU: random source addresses push out only each other, and only as fast as
 * SP_BUDGET_GUEST lets them in.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct sp_client_key);
	__type(value, struct sp_guest);
} guests SEC(".maps");

/* Which of them could be there (bpf/crowd.h). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1u << SP_SEEN_BITS);
	__type(key, __u32);
	__type(value, struct sp_seen);
} guests_seen SEC(".maps");

/* In one value: to look that up costs no more than an addition, the rest is arithmetic. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sp_flooders);
} flooders SEC(".maps");

/* Index: enum sp_budget_kind, or SP_TOTAL_OF_EVENT. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SP_TOTALS);
	__type(key, __u32);
	__type(value, struct sp_total);
} budgets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SP_GARDEN_PREFIXES);
	__type(key, struct sp_garden4_key);
	__type(value, struct sp_garden);
} garden4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SP_GARDEN_PREFIXES);
	__type(key, struct sp_garden6_key);
	__type(value, struct sp_garden);
} garden6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SP_GARDEN_SLOTS);
	__type(key, __u32);
	__type(value, struct sp_garden_seen);
} garden_seen SEC(".maps");

/* User space only; no program looks at it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SP_GARDEN_NAMES);
	__type(key, struct sp_garden_name_key);
	__type(value, struct sp_garden_name);
} garden_names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct sp_query);
	__type(value, __u64);
} queries SEC(".maps");

/* DNS answers, and apart from them the events: a flood of the one does not hide the other. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} answers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

/* What does not fit on the stack. Nothing stays in it. */
#define SP_QUOTE_SIZE 512u
struct sp_scratch {
	__u8 ethernet[24];
	__be32 quote[SP_QUOTE_SIZE / 4];
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sp_scratch);
} scratch SEC(".maps");

/* Sized for the CPUs by user space. Mapped by nobody: but such an array begins at a cache line. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SP_FLOWS);
	__type(key, __u32);
	__type(value, struct sp_flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sp_flow_tags);
} flow_tags SEC(".maps");

/* Interfaces that frames may be redirected to: ifindex, with SP_PORT_CLIENT or without -> ifindex.
 */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct sp_link);
} egress SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct sp_vlan_key);
	__type(value, __u32);
} vlans SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SP_ZONE_PLACES);
	__type(key, struct sp_zone_key);
	__type(value, __u32);
} zones SEC(".maps");

/* User space only; no program looks at it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SP_ZONES);
	__type(key, __u32);
	__type(value, struct sp_zone_name);
} zone_names SEC(".maps");

/* Listening sockets of the responders, at SP_LISTENER(zone, worker, is_ipv6). */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, SP_LISTENERS_SIZE);
	__type(key, __u32);
	__type(value, __u64);
} listeners SEC(".maps");

#endif
