/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values into statements and out of rows. Addresses are kept as text, so that an operator can read
 * the tables with nothing but sqlite3.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "lib/ledger_db.h"
#include "lib/text.h"

static void note(struct sp_statement *query, int code)
{
	if (!query->code)
		query->code = code;
}

void sp_in_number(struct sp_statement *query, uint64_t number)
{
	/* SQLite's integers are signed; what is longer than for ever is for ever. */
	sqlite3_int64 value = number > INT64_MAX ? INT64_MAX : (sqlite3_int64)number;

	if (!query->code)
		note(query, sqlite3_bind_int64(query->statement, ++query->in, value));
}

void sp_in_reference(struct sp_statement *query, uint64_t id)
{
	if (id)
		sp_in_number(query, id);
	else if (!query->code)
		note(query, sqlite3_bind_null(query->statement, ++query->in));
}

void sp_in_text(struct sp_statement *query, const char *text)
{
	if (!query->code)
		note(query,
		     sqlite3_bind_text(query->statement, ++query->in, text, -1, SQLITE_TRANSIENT));
}

void sp_in_bytes(struct sp_statement *query, const void *bytes, size_t size)
{
	if (!query->code)
		note(query, sqlite3_bind_blob64(query->statement, ++query->in, bytes, size,
		                                SQLITE_TRANSIENT));
}

void sp_in_client(struct sp_statement *query, const struct sp_client_key *client)
{
	char mac[SP_TEXT_MAC];

	sp_in_text(query, sp_text_put_mac(mac, client->mac));
	sp_in_number(query, client->vlan);
}

void sp_in_ipv4(struct sp_statement *query, uint32_t address)
{
	char text[INET_ADDRSTRLEN] = "";

	if (address)
		inet_ntop(AF_INET, &address, text, sizeof(text));
	sp_in_text(query, text);
}

void sp_in_ipv6(struct sp_statement *query, const uint8_t address[16])
{
	static const uint8_t none[16];
	char text[INET6_ADDRSTRLEN] = "";

	if (memcmp(address, none, sizeof(none)) != 0)
		inet_ntop(AF_INET6, address, text, sizeof(text));
	sp_in_text(query, text);
}

/* "", "auto" or an address. */
static void in_binding(struct sp_statement *query, const struct sp_limits *limits)
{
	if (limits->bind && limits->ipv4)
		sp_in_ipv4(query, limits->ipv4);
	else
		sp_in_text(query, limits->bind ? "auto" : "");
}

void sp_in_limits(struct sp_statement *query, const struct sp_limits *limits)
{
	sp_in_number(query, limits->seconds);
	sp_in_number(query, limits->idle);
	sp_in_number(query, limits->quota);
	sp_in_number(query, limits->quota_up);
	sp_in_number(query, limits->quota_down);
	sp_in_number(query, limits->rate_up);
	sp_in_number(query, limits->rate_down);
	sp_in_number(query, limits->burst_up);
	sp_in_number(query, limits->burst_down);
	in_binding(query, limits);
}

uint64_t sp_out_number(struct sp_statement *query)
{
	sqlite3_int64 value = sqlite3_column_int64(query->statement, query->out++);

	return value > 0 ? (uint64_t)value : 0;
}

void sp_out_text(struct sp_statement *query, char *text, size_t size)
{
	const unsigned char *value = sqlite3_column_text(query->statement, query->out++);

	snprintf(text, size, "%s", value ? (const char *)value : "");
}

char *sp_out_copy(struct sp_statement *query)
{
	const unsigned char *value = sqlite3_column_text(query->statement, query->out++);

	return value ? strdup((const char *)value) : NULL;
}

uint32_t sp_out_bytes(struct sp_statement *query, void *bytes, size_t size)
{
	const void *value = sqlite3_column_blob(query->statement, query->out);
	size_t length = (size_t)sqlite3_column_bytes(query->statement, query->out++);

	if (length > size)
		length = size;
	if (length)
		memcpy(bytes, value, length);
	return (uint32_t)length;
}

void sp_out_client(struct sp_statement *query, struct sp_client_key *client)
{
	char mac[SP_TEXT_MAC];

	*client = (struct sp_client_key){0};
	sp_out_text(query, mac, sizeof(mac));
	/* What cannot be read is the address of nobody. */
	(void)sp_text_mac(mac, client->mac);
	client->vlan = (uint16_t)sp_out_number(query);
}

uint32_t sp_out_ipv4(struct sp_statement *query)
{
	char text[INET_ADDRSTRLEN];
	uint32_t address;

	sp_out_text(query, text, sizeof(text));
	return inet_pton(AF_INET, text, &address) == 1 ? address : 0;
}

void sp_out_ipv6(struct sp_statement *query, uint8_t address[16])
{
	char text[INET6_ADDRSTRLEN];

	sp_out_text(query, text, sizeof(text));
	if (inet_pton(AF_INET6, text, address) != 1)
		memset(address, 0, 16);
}

static void out_binding(struct sp_statement *query, struct sp_limits *limits)
{
	limits->bind = sqlite3_column_bytes(query->statement, query->out) > 0;
	limits->ipv4 = sp_out_ipv4(query);
}

void sp_out_limits(struct sp_statement *query, struct sp_limits *limits)
{
	limits->seconds = sp_out_number(query);
	limits->idle = sp_out_number(query);
	limits->quota = sp_out_number(query);
	limits->quota_up = sp_out_number(query);
	limits->quota_down = sp_out_number(query);
	limits->rate_up = sp_out_number(query);
	limits->rate_down = sp_out_number(query);
	limits->burst_up = sp_out_number(query);
	limits->burst_down = sp_out_number(query);
	out_binding(query, limits);
}
