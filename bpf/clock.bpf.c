// SPDX-License-Identifier: GPL-2.0-only
/*
 * Theory of operation: the datapath stamps and compares in jiffies. User space cannot read jiffies,
 * so it runs this program (BPF_PROG_TYPE_SYSCALL) between two readings of its own clock.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <sallyport/abi.h>

SEC("syscall")
int sallyport_clock(struct sp_clock_now *now)
{
	now->jiffies = bpf_jiffies64();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
