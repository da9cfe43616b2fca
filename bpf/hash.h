/* SPDX-License-Identifier: GPL-2.0-only */
/* Hashing where a memory of the datapath is its own hash table, and no map of the kernel. */
#ifndef SP_BPF_HASH_H
#define SP_BPF_HASH_H

#include <linux/bpf.h>

#include <sallyport/abi.h>

/* Multiplicative hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4): the
 * factor is 2^64 by the golden ratio. The upper bits are the best. */
static __always_inline __u64 sp_hash(__u64 word)
{
	return word * 0x9e3779b97f4a7c15ull;
}

/* A struct sp_client_key in one word. */
static __always_inline __u64 sp_key_word(const __u16 mac[3], __u16 vlan)
{
	return (__u64)vlan << 48 | (__u64)mac[2] << 32 | *(const __u32 *)mac;
}

/* The same of a key. */
static __always_inline __u64 sp_client_word(const struct sp_client_key *key)
{
	return sp_key_word((const __u16 *)key->mac, key->vlan);
}

#endif
