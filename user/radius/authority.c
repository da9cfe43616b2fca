/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "radius/authority.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/text.h"
#include "radius/account.h"
#include "radius/terms.h"

#define AUTHENTICATOR_AT 4u

/* Error-Cause (RFC 5176, 3.5), besides those of the keeper. */
#define UNSUPPORTED_ATTRIBUTE 401u
#define MISSING_ATTRIBUTE     402u
#define NAS_MISMATCH          403u
#define UNSUPPORTED_SERVICE   405u
#define INVALID_VALUE         407u
#define NOT_FOUND             503u
#define NO_RESOURCES          506u

/* --- replays --- */

static const uint8_t *authenticator_of(const struct sp_radius_packet *packet)
{
	return packet->data + AUTHENTICATOR_AT;
}

/* The authenticator is a digest of all of the request. */
static bool was_seen(const struct sp_radius_authority *authority, uint64_t now)
{
	const uint8_t *asked = authenticator_of(&authority->request);

	for (unsigned i = 0; i < SP_RADIUS_SEEN; i++)
		if (authority->seen[i].until >= now &&
		    !memcmp(authority->seen[i].authenticator, asked, SP_RADIUS_AUTHENTICATOR))
			return true;
	return false;
}

/* False: all are needed still. */
static bool remember(struct sp_radius_authority *authority, uint64_t until, uint64_t now)
{
	for (unsigned i = 0; i < SP_RADIUS_SEEN; i++) {
		unsigned at = authority->next_seen++ % SP_RADIUS_SEEN;

		if (authority->seen[at].until >= now)
			continue;
		authority->seen[at].until = until;
		memcpy(authority->seen[at].authenticator, authenticator_of(&authority->request),
		       SP_RADIUS_AUTHENTICATOR);
		return true;
	}
	return false;
}

/* Who asks again because our answer was lost is given it again (RFC 5080, 2.2.2). */
static const struct sp_radius_packet *find_answer(const struct sp_radius_authority *authority)
{
	const uint8_t *asked = authenticator_of(&authority->request);

	for (unsigned i = 0; i < SP_RADIUS_ANSWERS; i++) {
		const struct sp_radius_answer *answer = &authority->answer[i];

		if (answer->packet.length && answer->port == authority->port &&
		    !memcmp(&answer->from, &authority->from, sizeof(answer->from)) &&
		    !memcmp(answer->asked, asked, sizeof(answer->asked)))
			return &answer->packet;
	}
	return NULL;
}

/* When the request was made; 0: it does not say, or says it twice. */
static uint64_t find_time(const struct sp_radius_packet *request)
{
	struct sp_radius_cursor cursor = {0};
	struct sp_radius_attribute attribute;
	uint32_t time = 0;
	unsigned count = 0;

	while (sp_radius_next(request, &cursor, &attribute))
		if (!attribute.vendor && attribute.type == SP_RADIUS_EVENT_TIMESTAMP) {
			count++;
			if (!sp_radius_number(&attribute, &time))
				return 0;
		}
	return count == 1 ? time : 0;
}

/* --- what is wanted --- */

static bool is_text(const struct sp_radius_attribute *attribute, const char *text)
{
	return attribute->length == strlen(text) &&
	       !memcmp(attribute->value, text, attribute->length);
}

/* A copy with its end; false if it does not fit or has an end within. */
static bool copy_text(const struct sp_radius_attribute *attribute, char *out, size_t room)
{
	if (!attribute->length || attribute->length >= room ||
	    memchr(attribute->value, '\0', attribute->length))
		return false;
	memcpy(out, attribute->value, attribute->length);
	out[attribute->length] = '\0';
	return true;
}

static bool is_address(const struct sp_radius_attribute *attribute,
                       const struct sp_address *address, bool ipv4)
{
	const void *own = ipv4 ? (const void *)&address->word[3] : address->word;

	return attribute->length == (ipv4 ? 4 : 16) &&
	       !memcmp(attribute->value, own, attribute->length);
}

/* Whether this gateway is meant, of the attributes that name one. 0 or a cause. */
static uint32_t check_gateway(const struct sp_ipc_radius *own,
                              const struct sp_radius_attribute *attribute, bool *taken)
{
	bool ours = true;

	*taken = true;
	switch (attribute->type) {
	case SP_RADIUS_NAS_IDENTIFIER:
		ours = is_text(attribute, own->nas_identifier);
		break;
	case SP_RADIUS_NAS_IP_ADDRESS:
		ours = is_address(attribute, &own->nas_address[0], true);
		break;
	case SP_RADIUS_NAS_IPV6_ADDRESS:
		ours = is_address(attribute, &own->nas_address[1], false);
		break;
	case SP_RADIUS_CALLED_STATION_ID:
		ours = is_text(attribute, own->called);
		break;
	default:
		*taken = false;
	}
	return ours ? 0 : NAS_MISMATCH;
}

static bool read_session(const struct sp_radius_attribute *attribute, uint64_t *session)
{
	char text[SP_RADIUS_SESSION_ID], again[SP_RADIUS_SESSION_ID];

	if (!copy_text(attribute, text, sizeof(text)))
		return false;
	*session = strtoull(text, NULL, 16);
	return !strcmp(sp_radius_session_id(again, *session), text);
}

static bool read_mac(const struct sp_radius_attribute *attribute, uint8_t mac[6])
{
	char text[SP_TEXT_MAC];

	return copy_text(attribute, text, sizeof(text)) && !sp_text_mac(text, mac);
}

static bool read_vlan(const struct sp_radius_attribute *attribute, uint16_t *vlan)
{
	uint32_t number;

	if (!sp_radius_number(attribute, &number) || number > SP_VLAN_MAX)
		return false;
	*vlan = (uint16_t)number;
	return true;
}

static bool read_bytes(const struct sp_radius_attribute *attribute, void *out, size_t size)
{
	if (attribute->length != size)
		return false;
	memcpy(out, attribute->value, size);
	return true;
}

/* Of the attributes that name sessions. What cannot be one of ours names none. 0 or a cause. */
static uint32_t name_sessions(struct sp_ipc_change *change,
                              const struct sp_radius_attribute *attribute, bool *taken)
{
	uint32_t named = 0;
	bool good = false;

	switch (attribute->type) {
	case SP_RADIUS_ACCT_SESSION_ID:
		named = SP_IPC_NAMED_SESSION;
		good = read_session(attribute, &change->session);
		break;
	case SP_RADIUS_USER_NAME:
		named = SP_IPC_NAMED_USER;
		good = copy_text(attribute, change->name, sizeof(change->name));
		break;
	case SP_RADIUS_CALLING_STATION_ID:
		named = SP_IPC_NAMED_CLIENT;
		good = read_mac(attribute, change->client.mac);
		break;
	case SP_RADIUS_NAS_PORT:
		named = SP_IPC_NAMED_VLAN;
		good = read_vlan(attribute, &change->client.vlan);
		break;
	case SP_RADIUS_FRAMED_IP_ADDRESS:
		named = SP_IPC_NAMED_IPV4;
		good = read_bytes(attribute, &change->ipv4, sizeof(change->ipv4));
		break;
	case SP_RADIUS_FRAMED_IPV6_ADDRESS:
		named = SP_IPC_NAMED_IPV6;
		good = read_bytes(attribute, change->ipv6, sizeof(change->ipv6));
		break;
	default:
		*taken = false;
		return 0;
	}
	*taken = true;
	/* The same twice would be two demands. */
	if (!good || (change->named & named))
		return NOT_FOUND;
	change->named |= named;
	return 0;
}

/* What is allowed everywhere and asks for nothing. */
static bool is_harmless(uint8_t type)
{
	return type == SP_RADIUS_MESSAGE_AUTHENTICATOR || type == SP_RADIUS_EVENT_TIMESTAMP ||
	       type == SP_RADIUS_PROXY_STATE || type == SP_RADIUS_REPLY_MESSAGE;
}

/* Only what can be changed while a session goes on. */
static bool is_change(const struct sp_radius_attribute *attribute)
{
	return sp_radius_terms_has(attribute) &&
	       (attribute->vendor || attribute->type != SP_RADIUS_ACCT_INTERIM_INTERVAL);
}

/* What cannot be done is not done in part (RFC 5176, 2.3). 0 or a cause. */
static uint32_t take(const struct sp_radius_authority *authority, struct sp_ipc_change *change,
                     const struct sp_radius_attribute *attribute)
{
	const bool coa = sp_radius_code(&authority->request) == SP_RADIUS_COA_REQUEST;
	bool taken = false;
	uint32_t cause = 0;

	if (is_change(attribute))
		return coa ? 0 : UNSUPPORTED_ATTRIBUTE;
	if (attribute->vendor)
		return UNSUPPORTED_ATTRIBUTE;
	cause = check_gateway(&authority->setup->radius, attribute, &taken);
	if (!taken)
		cause = name_sessions(change, attribute, &taken);
	if (taken || is_harmless(attribute->type))
		return cause;
	if (attribute->type == SP_RADIUS_ACCT_TERMINATE_CAUSE && !coa)
		return 0;
	return attribute->type == SP_RADIUS_SERVICE_TYPE ? UNSUPPORTED_SERVICE
	                                                 : UNSUPPORTED_ATTRIBUTE;
}

static uint32_t read_change(const struct sp_radius_authority *authority, uint64_t now,
                            struct sp_ipc_change *change)
{
	const struct sp_radius_packet *request = &authority->request;
	struct sp_radius_cursor cursor = {0};
	struct sp_radius_attribute attribute;
	struct sp_radius_terms terms;
	uint32_t cause = 0;

	*change = (struct sp_ipc_change){0};
	while (!cause && sp_radius_next(request, &cursor, &attribute))
		cause = take(authority, change, &attribute);
	if (cause)
		return cause;
	if (!change->named)
		return MISSING_ATTRIBUTE;
	if (sp_radius_code(request) == SP_RADIUS_DISCONNECT_REQUEST)
		return 0;
	sp_radius_terms_read(&terms, request, now);
	/* An end that is past, or no end at all, is asked for by Disconnect, or by nobody. */
	if (terms.over || ((terms.given & SP_IPC_CHANGES_SECONDS) && !terms.limits.seconds))
		return INVALID_VALUE;
	change->changed = terms.given;
	change->limits = terms.limits;
	return terms.given ? 0 : MISSING_ATTRIBUTE;
}

/* --- the whole --- */

static const char *check(struct sp_radius_authority *authority, const void *data, size_t length)
{
	const struct sp_ipc_verifier_setup *setup = authority->setup;

	if (!sp_address_listed(setup->source, setup->source_count, &authority->from))
		return "that address is not one of coa_clients";
	if (!sp_radius_receive(&authority->request, data, length))
		return "it is malformed";
	return sp_radius_check_request(&authority->request, setup->source_secret);
}

/* Whether it is new and of now. */
static enum sp_radius_step check_age(struct sp_radius_authority *authority, uint64_t now,
                                     uint32_t *cause, const char **why)
{
	const uint64_t made = find_time(&authority->request);

	*cause = MISSING_ATTRIBUTE;
	if (!made)
		return SP_RADIUS_REFUSE;
	*why = "it is older than five minutes, or a clock is wrong";
	if (made + SP_RADIUS_WINDOW < now || now + SP_RADIUS_WINDOW < made)
		return SP_RADIUS_DROP;
	*why = "it has been sent before";
	if (was_seen(authority, now))
		return SP_RADIUS_DROP;
	*cause = NO_RESOURCES;
	return remember(authority, made + SP_RADIUS_WINDOW, now) ? SP_RADIUS_APPLY
	                                                         : SP_RADIUS_REFUSE;
}

enum sp_radius_step sp_radius_authority_read(struct sp_radius_authority *authority,
                                             const void *data, size_t length,
                                             const struct sp_address *from, uint16_t port,
                                             uint64_t now, struct sp_ipc_change *change,
                                             const struct sp_radius_packet **answer,
                                             uint32_t *cause, const char **why)
{
	enum sp_radius_step step;

	authority->from = *from;
	authority->port = port;
	*why = check(authority, data, length);
	if (*why)
		return SP_RADIUS_DROP;
	*answer = find_answer(authority);
	if (*answer)
		return SP_RADIUS_REPEAT;
	step = check_age(authority, now, cause, why);
	if (step != SP_RADIUS_APPLY)
		return step;
	*cause = read_change(authority, now, change);
	return *cause ? SP_RADIUS_REFUSE : SP_RADIUS_APPLY;
}

/* Word for word, in their order (RFC 5176, 3.1). */
static void copy_proxy_states(const struct sp_radius_packet *request,
                              struct sp_radius_packet *packet)
{
	struct sp_radius_cursor cursor = {0};
	struct sp_radius_attribute attribute;

	while (sp_radius_next(request, &cursor, &attribute))
		if (!attribute.vendor && attribute.type == SP_RADIUS_PROXY_STATE)
			sp_radius_put(packet, SP_RADIUS_PROXY_STATE, attribute.value,
			              attribute.length);
}

const struct sp_radius_packet *sp_radius_authority_answer(struct sp_radius_authority *authority,
                                                          uint32_t cause)
{
	struct sp_radius_answer *answer =
		&authority->answer[authority->next_answer++ % SP_RADIUS_ANSWERS];
	const struct sp_radius_packet *request = &authority->request;
	const bool coa = sp_radius_code(request) == SP_RADIUS_COA_REQUEST;
	const uint8_t code = coa     ? cause ? SP_RADIUS_COA_NAK : SP_RADIUS_COA_ACK
	                     : cause ? SP_RADIUS_DISCONNECT_NAK
	                             : SP_RADIUS_DISCONNECT_ACK;

	answer->from = authority->from;
	answer->port = authority->port;
	memcpy(answer->asked, authenticator_of(request), sizeof(answer->asked));
	sp_radius_begin(&answer->packet, code, sp_radius_id(request), authenticator_of(request));
	if (cause)
		sp_radius_put_number(&answer->packet, SP_RADIUS_ERROR_CAUSE, cause);
	copy_proxy_states(request, &answer->packet);
	if (!sp_radius_seal(&answer->packet, authority->setup->source_secret))
		return &answer->packet;
	answer->packet.length = 0;
	return NULL;
}
