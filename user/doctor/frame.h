/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of a client that is played: IPv4 in Ethernet. Addresses and ports in host order. */
#ifndef SP_DOCTOR_FRAME_H
#define SP_DOCTOR_FRAME_H

#include <stddef.h>
#include <stdint.h>

struct sp_frame {
	uint8_t byte[512];
	size_t length;
};

/* Who sends to whom. */
struct sp_frame_ends {
	uint8_t from_mac[6], to_mac[6];
	uint32_t from, to;
	uint16_t from_port, to_port;
};

/* What a TCP segment says. */
struct sp_frame_segment {
	uint32_t sequence, acknowledged;
	uint8_t flags;    /* TH_SYN, TH_ACK, TH_PUSH, TH_RST */
	uint16_t most;    /* option of a SYN: bytes that may be sent at once; 0: it has none */
	const char *text; /* at most 256 bytes; NULL: it carries nothing */
};

void sp_frame_tcp(struct sp_frame *frame, const struct sp_frame_ends *ends,
                  const struct sp_frame_segment *segment);

/* A question for the IPv4 addresses of @name, labels of at most 63 bytes. */
void sp_frame_dns(struct sp_frame *frame, const struct sp_frame_ends *ends, uint16_t id,
                  const char *name);

/* A DHCPDISCOVER of @mac that asks for the captive portal API (RFC 8910). */
void sp_frame_dhcp(struct sp_frame *frame, const uint8_t mac[6], uint32_t transaction);

#endif
