/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "radius/account.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/who.h"
#include "radius/login.h"

char *sp_radius_session_id(char out[SP_RADIUS_SESSION_ID], uint64_t id)
{
	snprintf(out, SP_RADIUS_SESSION_ID, "%016" PRIx64, id);
	return out;
}

/* Acct-Terminate-Cause (RFC 2866, 5.10). */
static uint32_t terminate_cause(uint32_t cause)
{
	switch (cause) {
	case SP_CAUSE_TIME:
	case SP_CAUSE_QUOTA:
		return 5; /* Session Timeout */
	case SP_CAUSE_IDLE:
		return 4; /* Idle Timeout */
	case SP_CAUSE_OPERATOR:
		return 6; /* Admin Reset */
	case SP_CAUSE_LOST:
		return 11; /* NAS Reboot */
	default:
		return 1; /* User Request */
	}
}

static void put_octets(struct sp_radius_packet *packet, uint8_t low, uint8_t high, uint64_t bytes)
{
	sp_radius_put_number(packet, low, (uint32_t)bytes);
	sp_radius_put_number(packet, high, (uint32_t)(bytes >> 32));
}

/* Input is what came from the client (RFC 2866, 5.3). */
static void put_usage(struct sp_radius_packet *packet, const struct sp_ipc_account *what)
{
	put_octets(packet, SP_RADIUS_ACCT_INPUT_OCTETS, SP_RADIUS_ACCT_INPUT_GIGAWORDS,
	           what->up_bytes);
	put_octets(packet, SP_RADIUS_ACCT_OUTPUT_OCTETS, SP_RADIUS_ACCT_OUTPUT_GIGAWORDS,
	           what->down_bytes);
	/* There is no second word for packets: the count goes on from 0, as those of SNMP do. */
	sp_radius_put_number(packet, SP_RADIUS_ACCT_INPUT_PACKETS, (uint32_t)what->up_packets);
	sp_radius_put_number(packet, SP_RADIUS_ACCT_OUTPUT_PACKETS, (uint32_t)what->down_packets);
	sp_radius_put_number(packet, SP_RADIUS_ACCT_SESSION_TIME, (uint32_t)what->seconds);
}

static void put_classes(struct sp_radius_packet *packet, const struct sp_ipc_account *what)
{
	uint32_t at = 0;

	while (at < what->class_length && what->class_bytes[at] < what->class_length - at) {
		sp_radius_put(packet, SP_RADIUS_CLASS, what->class_bytes + at + 1,
		              what->class_bytes[at]);
		at += 1u + what->class_bytes[at];
	}
}

static void put_session(struct sp_radius_packet *packet, const struct sp_ipc_radius *setup,
                        const struct sp_ipc_account *what)
{
	static const uint8_t none[16];
	char id[SP_RADIUS_SESSION_ID];

	sp_radius_put_text(packet, SP_RADIUS_ACCT_SESSION_ID, sp_radius_session_id(id, what->id));
	sp_radius_put_text(packet, SP_RADIUS_USER_NAME, what->name);
	sp_radius_put_number(packet, SP_RADIUS_ACCT_AUTHENTIC, SP_RADIUS_BY_RADIUS);
	sp_radius_put_number(packet, SP_RADIUS_SERVICE_TYPE, SP_RADIUS_SERVICE_LOGIN);
	sp_radius_put_client(packet, setup, &what->client, what->zone);
	if (what->ipv4)
		sp_radius_put(packet, SP_RADIUS_FRAMED_IP_ADDRESS, &what->ipv4, sizeof(what->ipv4));
	if (memcmp(what->ipv6, none, sizeof(none)) != 0)
		sp_radius_put(packet, SP_RADIUS_FRAMED_IPV6_ADDRESS, what->ipv6,
		              sizeof(what->ipv6));
	put_classes(packet, what);
	if (what->status != SP_IPC_ACCOUNT_START)
		put_usage(packet, what);
	if (what->status == SP_IPC_ACCOUNT_STOP)
		sp_radius_put_number(packet, SP_RADIUS_ACCT_TERMINATE_CAUSE,
		                     terminate_cause(what->cause));
}

void sp_radius_account_build(struct sp_radius_packet *packet, const struct sp_ipc_radius *setup,
                             const struct sp_ipc_account *what, uint64_t now)
{
	const uint64_t delay = now > what->at ? now - what->at : 0;

	sp_radius_put_number(packet, SP_RADIUS_ACCT_STATUS_TYPE, what->status);
	if (what->status == SP_IPC_ACCOUNT_ON || what->status == SP_IPC_ACCOUNT_OFF)
		/* A session of its own, of which nobody hears again (RFC 2866, 5.5). */
		sp_radius_put_text(packet, SP_RADIUS_ACCT_SESSION_ID, "0");
	else
		put_session(packet, setup, what);
	sp_radius_put_nas(packet, setup);
	sp_radius_put_number(packet, SP_RADIUS_EVENT_TIMESTAMP, (uint32_t)what->at);
	sp_radius_put_number(packet, SP_RADIUS_ACCT_DELAY_TIME, (uint32_t)delay);
}
