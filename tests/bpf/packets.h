/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames described by a few fields, so that a table of packets can be read like the table of the
 * design. Lengths and checksums are filled in; patches afterwards make a frame lie.
 */
#ifndef SP_TEST_PACKETS_H
#define SP_TEST_PACKETS_H

#include <stddef.h>
#include <stdint.h>

#include <sallyport/abi.h>

#define SP_FRAME_MAX   16384
#define SP_CHAIN_MAX   8
#define SP_PATCHES_MAX 4
#define SP_TAGS_MAX    3

struct sp_frame_bytes {
	uint8_t byte[SP_FRAME_MAX];
	size_t length;
	size_t network;  /* offset of what is behind the Ethernet header and the tags */
	size_t ip_bytes; /* length of the IP packet, 0 if it is none */
};

struct sp_tag {
	uint16_t protocol; /* 0x8100, 0x88a8 */
	uint16_t vlan;
};

struct sp_patch {
	uint16_t at; /* offset from the network header */
	uint8_t value;
};

/* One packet, without the Ethernet header and tags. Zero fields mean "not there". */
struct sp_sample {
	const char *name;
	uint8_t family;        /* 4, 6; 0: everything else */
	uint16_t ethertype;    /* family 0 */
	const char *body;      /* family 0, not ARP: hexadecimal digits and spaces */
	const char *from, *to; /* addresses; of an ARP: sender and target */
	uint8_t protocol;
	uint16_t source_port, destination_port;
	uint8_t flags;               /* TCP */
	uint8_t type, code;          /* ICMP; ARP: operation */
	const char *target;          /* neighbour discovery: the target address */
	uint8_t chain[SP_CHAIN_MAX]; /* IPv6: extension headers before the transport */
	uint8_t chain_length;
	uint16_t fragment; /* as in IPv4: 0x2000 more fragments, 0x1fff offset in 8 bytes */
	uint8_t hops;      /* TTL or hop limit; 0: 64, or 255 for neighbour discovery */
	uint8_t options;   /* IPv4: words of options (no-operation) */
	uint16_t payload;  /* bytes behind the transport header */
	uint8_t padding;   /* bytes behind the IP packet */
	struct sp_patch patch[SP_PATCHES_MAX];
	uint8_t patches;
	/* What is expected of it. */
	enum sp_reason captive;
	enum sp_reason authorized;       /* NONE: AUTHORIZED */
	enum sp_reason captive_no_guard; /* NONE: as captive; else a row of the guard */
};

struct sp_ether {
	uint8_t to[6], from[6];
	struct sp_tag tag[SP_TAGS_MAX];
	uint8_t tags;
};

/* Build the frame; fails the running test if the description makes no sense. */
void sp_packet_build(const struct sp_sample *sample, const struct sp_ether *ether,
                     struct sp_frame_bytes *frame);

/* @text as IPv4-mapped or IPv6 address in network order. */
struct sp_address sp_packet_address(const char *text);

#endif
