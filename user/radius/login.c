/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "radius/login.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "radius/terms.h"

static struct sp_log_limit log_limit = {.burst = 5};

struct asking {
	const struct sp_ipc_radius *setup;
	const struct sp_ipc_check *check;
};

void sp_radius_put_nas(struct sp_radius_packet *packet, const struct sp_ipc_radius *setup)
{
	static const struct sp_address none;

	sp_radius_put_text(packet, SP_RADIUS_NAS_IDENTIFIER, setup->nas_identifier);
	for (unsigned i = 0; i < 2; i++)
		if (memcmp(&setup->nas_address[i], &none, sizeof(none)) != 0)
			sp_radius_put_address(packet, SP_RADIUS_NAS_IP_ADDRESS,
			                      SP_RADIUS_NAS_IPV6_ADDRESS, &setup->nas_address[i]);
	sp_radius_put_text(packet, SP_RADIUS_CALLED_STATION_ID, setup->called);
}

void sp_radius_put_client(struct sp_radius_packet *packet, const struct sp_ipc_radius *setup,
                          const struct sp_client_key *client, const char *zone)
{
	sp_radius_put_mac(packet, SP_RADIUS_CALLING_STATION_ID, client->mac);
	sp_radius_put_number(packet, SP_RADIUS_NAS_PORT, client->vlan);
	sp_radius_put_number(packet, SP_RADIUS_NAS_PORT_TYPE, setup->port_type);
	if (*zone)
		sp_radius_put_text(packet, SP_RADIUS_NAS_PORT_ID, zone);
}

static void put_secret(struct sp_radius_packet *packet, const struct asking *asking,
                       const char *secret)
{
	uint8_t random[1 + 16];

	if (!asking->setup->chap) {
		sp_radius_put_password(packet, secret, asking->check->secret);
		return;
	}
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		packet->overflow = true; /* which refuses the login */
	else
		sp_radius_put_chap(packet, random[0], random + 1, asking->check->secret);
}

/* Called for each server that is asked. */
static void build(struct sp_radius_packet *packet, const char *secret, void *context)
{
	const struct asking *asking = context;
	const struct sp_ipc_check *check = asking->check;

	sp_radius_put_text(packet, SP_RADIUS_USER_NAME, check->name);
	put_secret(packet, asking, secret);
	sp_radius_put_number(packet, SP_RADIUS_SERVICE_TYPE, SP_RADIUS_SERVICE_LOGIN);
	sp_radius_put_nas(packet, asking->setup);
	sp_radius_put_client(packet, asking->setup, &check->client, check->zone);
	sp_radius_put_address(packet, SP_RADIUS_FRAMED_IP_ADDRESS, SP_RADIUS_FRAMED_IPV6_ADDRESS,
	                      &check->address);
	sp_radius_put_number(packet, SP_RADIUS_EVENT_TIMESTAMP, (uint32_t)time(NULL));
}

/* Every Class, each behind its length; those that do not fit are left out. */
static void keep_classes(const struct sp_radius_packet *reply, struct sp_ipc_verdict *verdict)
{
	struct sp_radius_cursor cursor = {0};
	struct sp_radius_attribute attribute;

	while (sp_radius_next(reply, &cursor, &attribute)) {
		uint32_t used = verdict->class_length;

		if (attribute.vendor || attribute.type != SP_RADIUS_CLASS || !attribute.length ||
		    used + 1 + attribute.length > SP_IPC_CLASS)
			continue;
		verdict->class_bytes[used] = attribute.length;
		memcpy(verdict->class_bytes + used + 1, attribute.value, attribute.length);
		verdict->class_length += 1u + attribute.length;
	}
}

void sp_radius_judge(const struct sp_radius_packet *reply, uint64_t now,
                     struct sp_ipc_verdict *verdict)
{
	struct sp_radius_terms terms;

	sp_radius_text(reply, SP_RADIUS_REPLY_MESSAGE, true, verdict->said, sizeof(verdict->said));
	if (sp_radius_code(reply) == SP_RADIUS_ACCESS_CHALLENGE)
		sp_log_limited(&log_limit, SP_LOG_WARNING,
		               "RADIUS: the server wants a second answer of the user "
		               "(Access-Challenge), for which there is no page: refused");
	verdict->result = SP_IPC_WRONG;
	if (sp_radius_code(reply) != SP_RADIUS_ACCESS_ACCEPT)
		return;
	sp_radius_terms_read(&terms, reply, now);
	verdict->result = terms.over ? SP_IPC_OVER : SP_IPC_DONE;
	if (terms.over)
		return;
	verdict->limited = terms.given != 0;
	verdict->limits = terms.limits;
	sp_radius_text(reply, SP_RADIUS_USER_NAME, false, verdict->name, sizeof(verdict->name));
	keep_classes(reply, verdict);
}

void sp_radius_login(struct sp_radius_client *client, const struct sp_ipc_check *check,
                     struct sp_ipc_verdict *verdict)
{
	static struct sp_radius_packet reply;
	struct asking asking = {client->setup, check};
	int ret;

	verdict->result = SP_IPC_WRONG;
	if (!*check->name || strlen(check->name) > SP_RADIUS_VALUE ||
	    (!client->setup->chap && strlen(check->secret) > SP_RADIUS_PASSWORD))
		return;
	ret = sp_radius_ask(client, build, &asking, &reply);
	if (!ret)
		sp_radius_judge(&reply, (uint64_t)time(NULL), verdict);
	else
		verdict->result = ret == -ETIMEDOUT ? SP_IPC_SILENT : SP_IPC_FAILED;
}
