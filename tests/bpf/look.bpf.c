// SPDX-License-Identifier: GPL-2.0-only
/*
 * Theory of operation: what all CPUs have counted of each reason, added up where the counters are.
 * To have all of them copied out, for each of some hundred thousand frames, took most of the time
 * of a test. User space has `totals` mapped and runs this program (BPF_PROG_TYPE_SYSCALL) first.
 */
#include <linux/bpf.h>
#include <stddef.h>

#include <bpf/bpf_helpers.h>

#include <sallyport/abi.h>

const volatile __u32 cpus = 1; /* those that the kernel may have */

/* That of the datapath. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SP_MAX_REASONS);
	__type(key, __u32);
	__type(value, struct sp_count);
} reasons SEC(".maps");

/* `reason` is the entry's own number, or what a CPU has labelled it with by mistake. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SP_MAX_REASONS);
	__type(key, __u32);
	__type(value, struct sp_count);
} totals SEC(".maps");

static long add_up(__u32 reason, void *unused)
{
	struct sp_count *into = bpf_map_lookup_elem(&totals, &reason);
	struct sp_count total = {.reason = (enum sp_reason)reason};

	(void)unused;
	for (__u32 cpu = 0; cpu < cpus; cpu++) {
		const struct sp_count *one = bpf_map_lookup_percpu_elem(&reasons, &reason, cpu);

		if (!one || !one->packets)
			continue;
		total.packets += one->packets;
		total.bytes += one->bytes;
		if (one->reason != reason)
			total.reason = one->reason;
	}
	if (into)
		*into = total;
	return 0;
}

SEC("syscall")
int sallyport_look(void *unused)
{
	(void)unused;
	return (int)bpf_loop(SP_MAX_REASONS, add_up, NULL, 0);
}

char LICENSE[] SEC("license") = "GPL";
