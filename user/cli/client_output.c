/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/client_output.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/line.h"
#include "cli/output.h"
#include "lib/text.h"

static const char *state_name(enum sp_client_state state)
{
	static const char *const names[] = {
		[SP_CLIENT_CAPTIVE] = "captive",
		[SP_CLIENT_AUTHORIZED] = "authorized",
		[SP_CLIENT_BLOCKED] = "blocked",
	};

	return names[state];
}

static enum sp_colour state_colour(enum sp_client_state state)
{
	return state == SP_CLIENT_AUTHORIZED ? SP_GOOD
	       : state == SP_CLIENT_BLOCKED  ? SP_BAD
	                                     : SP_FAINT;
}

static bool has(const struct sp_session *session, uint32_t limit)
{
	return session->policy.limits & limit;
}

/* Locally administered: chosen at random by nearly every phone. */
static bool is_randomized(const struct sp_session *session)
{
	return session->key.mac[0] & 2;
}

/* NULL: none. Without inet_ntop, which writes IPv4 addresses by sprintf. */
static const char *ipv4_text(uint32_t address, char text[INET6_ADDRSTRLEN])
{
	const uint8_t *byte = (const uint8_t *)&address;
	char *at = text;

	if (!address)
		return NULL;
	for (size_t i = 0; i < 4; i++) {
		if (byte[i] >= 100)
			*at++ = (char)('0' + byte[i] / 100);
		if (byte[i] >= 10)
			*at++ = (char)('0' + byte[i] / 10 % 10);
		*at++ = (char)('0' + byte[i] % 10);
		*at++ = i < 3 ? '.' : '\0';
	}
	return text;
}

static const char *ipv4(const struct sp_session *session, char text[INET6_ADDRSTRLEN])
{
	return ipv4_text(session->ipv4, text);
}

static const char *ipv6(const struct sp_session *session, char text[INET6_ADDRSTRLEN])
{
	static const uint8_t none[16];

	if (!memcmp(session->ipv6, none, sizeof(none)))
		return NULL;
	return inet_ntop(AF_INET6, session->ipv6, text, INET6_ADDRSTRLEN);
}

static uint64_t seconds_left(const struct sp_session *session, const struct sp_clock *clock)
{
	return session->effective == SP_CLIENT_AUTHORIZED
	               ? sp_clock_until(clock, session->policy.expires)
	               : 0;
}

static uint64_t idle_seconds(const struct sp_session *session, const struct sp_clock *clock)
{
	return session->policy.idle / clock->hz;
}

static void put_limits(struct sp_line *line, const struct sp_session *session,
                       const struct sp_clock *clock)
{
	const struct sp_client_policy *policy = &session->policy;
	bool expires = has(session, SP_LIMIT_EXPIRES);

	sp_line_number(line, "since", policy->granted_unix);
	sp_line_optional(line, "expires", policy->expires_unix, expires);
	sp_line_optional(line, "seconds_left", seconds_left(session, clock), expires);
	sp_line_optional(line, "idle_limit", idle_seconds(session, clock),
	                 has(session, SP_LIMIT_IDLE));
	sp_line_optional(line, "quota", policy->quota, has(session, SP_LIMIT_QUOTA));
	sp_line_optional(line, "quota_up", policy->quota_up, has(session, SP_LIMIT_QUOTA_UP));
	sp_line_optional(line, "quota_down", policy->quota_down, has(session, SP_LIMIT_QUOTA_DOWN));
	sp_line_optional(line, "rate_up", policy->rate_up, has(session, SP_LIMIT_RATE_UP));
	sp_line_optional(line, "rate_down", policy->rate_down, has(session, SP_LIMIT_RATE_DOWN));
	sp_line_optional(line, "burst_up", policy->burst_up, has(session, SP_LIMIT_RATE_UP));
	sp_line_optional(line, "burst_down", policy->burst_down, has(session, SP_LIMIT_RATE_DOWN));
}

/* `bind`: off, auto or the operator's address; `bound`: the address in force. */
static void put_binding(struct sp_line *line, const struct sp_session *session)
{
	char text[INET6_ADDRSTRLEN];
	const char *bind = "off";

	if (has(session, SP_LIMIT_BINDING))
		bind = session->policy.ipv4 ? ipv4_text(session->policy.ipv4, text) : "auto";
	sp_line_text(line, "bind", bind);
	sp_line_text(line, "bound", ipv4_text(session->bound, text));
}

/* The earlier of two jiffies, 0 being none. */
static uint64_t first_seen(const struct sp_session *session)
{
	uint64_t up = session->up_first, down = session->down_first;

	return up && (!down || up < down) ? up : down;
}

static void put_traces(struct sp_line *line, const struct sp_session *session,
                       const struct sp_owner *owner, const struct sp_clock *clock)
{
	uint64_t first = first_seen(session);
	char text[INET6_ADDRSTRLEN];

	sp_line_optional(line, "first_seen", sp_clock_unix(clock, first), first);
	sp_line_optional(line, "last_seen", sp_clock_unix(clock, session->up_last),
	                 session->up_last);
	sp_line_text(line, "ipv4", ipv4(session, text));
	sp_line_text(line, "ipv6", ipv6(session, text));
	sp_line_text(line, "note", owner->note);
}

int sp_put_client_json(const struct sp_session *session, const struct sp_owner *owner,
                       const struct sp_clock *clock, struct sp_error *err)
{
	struct sp_line line;
	char mac[SP_TEXT_MAC];

	sp_line_begin(&line);
	sp_line_text(&line, "mac", sp_text_put_mac(mac, session->key.mac));
	sp_line_number(&line, "vlan", session->key.vlan);
	sp_line_text(&line, "state", state_name(session->effective));
	if (session->ended)
		sp_line_text(&line, "ended", session->ended);
	/* All null when nobody knows, `who` also when the method knows nobody by name, `zone` also
	 * when it is in none. */
	sp_line_text(&line, "method", owner->method);
	sp_line_text(&line, "who", owner->name[0] ? owner->name : NULL);
	sp_line_text(&line, "zone", owner->zone[0] ? owner->zone : NULL);
	sp_line_bool(&line, "randomized_mac", is_randomized(session));
	put_limits(&line, session, clock);
	sp_line_number(&line, "up_packets", session->up_packets);
	sp_line_number(&line, "up_bytes", session->up_bytes);
	sp_line_number(&line, "down_packets", session->down_packets);
	sp_line_number(&line, "down_bytes", session->down_bytes);
	put_binding(&line, session);
	put_traces(&line, session, owner, clock);
	return sp_line_end(&line, err);
}

static void put_time(const char *name, uint64_t unix_time)
{
	time_t when = (time_t)unix_time;
	char text[64] = "?";
	struct tm parts;

	if (localtime_r(&when, &parts))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", &parts);
	sp_put_field(name, "%s", text);
}

static void put_rate(const char *name, uint64_t rate, uint64_t burst)
{
	char text[SP_TEXT_QUANTITY], size[SP_TEXT_QUANTITY];

	sp_put_field(name, "%s, %s at once", sp_text_put_rate(text, rate),
	             sp_text_put_size(size, burst));
}

static void put_binding_field(const struct sp_session *session)
{
	char text[INET6_ADDRSTRLEN];
	const char *bound = ipv4_text(session->bound, text);

	sp_put_field("Bound to", "%s%s", bound ? bound : "its first IPv4 address",
	             bound && !session->policy.ipv4 ? " (auto)" : "");
}

static void put_limit_fields(const struct sp_session *session, const struct sp_clock *clock)
{
	const struct sp_client_policy *policy = &session->policy;
	char text[SP_TEXT_QUANTITY];

	if (has(session, SP_LIMIT_EXPIRES)) {
		put_time("Expires", policy->expires_unix);
		sp_put_field("Time left", "%s",
		             sp_text_put_duration(text, seconds_left(session, clock)));
	}
	if (has(session, SP_LIMIT_IDLE))
		sp_put_field("Idle limit", "%s",
		             sp_text_put_duration(text, idle_seconds(session, clock)));
	if (has(session, SP_LIMIT_QUOTA))
		sp_put_field("Quota", "%s", sp_text_put_size(text, policy->quota));
	if (has(session, SP_LIMIT_QUOTA_UP))
		sp_put_field("Upload quota", "%s", sp_text_put_size(text, policy->quota_up));
	if (has(session, SP_LIMIT_QUOTA_DOWN))
		sp_put_field("Download quota", "%s", sp_text_put_size(text, policy->quota_down));
	if (has(session, SP_LIMIT_RATE_UP))
		put_rate("Upload rate", policy->rate_up, policy->burst_up);
	if (has(session, SP_LIMIT_RATE_DOWN))
		put_rate("Download rate", policy->rate_down, policy->burst_down);
	if (has(session, SP_LIMIT_BINDING))
		put_binding_field(session);
}

static void put_traffic_fields(const struct sp_session *session, const struct sp_clock *clock)
{
	char text[INET6_ADDRSTRLEN], size[SP_TEXT_QUANTITY];
	const char *address;

	sp_put_field("Uploaded", "%s, %llu packets", sp_text_put_size(size, session->up_bytes),
	             (unsigned long long)session->up_packets);
	sp_put_field("Downloaded", "%s, %llu packets", sp_text_put_size(size, session->down_bytes),
	             (unsigned long long)session->down_packets);
	if (first_seen(session))
		put_time("First seen", sp_clock_unix(clock, first_seen(session)));
	if (session->up_last)
		put_time("Last seen", sp_clock_unix(clock, session->up_last));
	address = ipv4(session, text);
	if (address)
		sp_put_field("IPv4", "%s", address);
	address = ipv6(session, text);
	if (address)
		sp_put_field("IPv6", "%s", address);
}

void sp_put_client(const struct sp_session *session, const struct sp_owner *owner,
                   const struct sp_clock *clock)
{
	char mac[SP_TEXT_MAC];

	sp_put_field("MAC", "%s%s", sp_text_put_mac(mac, session->key.mac),
	             is_randomized(session) ? " (randomized)" : "");
	sp_put_field("VLAN", "%u", session->key.vlan);
	sp_put_field("State", "%s%s%s%s%s", sp_colour(state_colour(session->effective)),
	             state_name(session->effective), sp_colour(SP_PLAIN),
	             session->ended ? ", session ended: " : "",
	             session->ended ? session->ended : "");
	if (owner->method)
		sp_put_field("By", "%s%s%s", owner->method, owner->name[0] ? " " : "", owner->name);
	if (owner->zone[0])
		sp_put_field("Zone", "%s", owner->zone);
	put_time("Since", session->policy.granted_unix);
	put_limit_fields(session, clock);
	put_traffic_fields(session, clock);
	if (owner->note[0])
		sp_put_field("Note", "%s", owner->note);
}

/* Columns of the table; BY and NOTE follow. */
enum { MAC = 17, VLAN = 4, STATE = 10, LEFT = 8, BYTES = 10, ADDRESS = 15, BY = 14 };

void sp_put_client_header(void)
{
	printf("%-*s  %*s  %-*s  %-*s  %*s  %*s  %-*s  %-*s  %s\n", MAC, "MAC", VLAN, "VLAN", STATE,
	       "STATE", LEFT, "LEFT", BYTES, "UP", BYTES, "DOWN", ADDRESS, "ADDRESS", BY, "BY",
	       "NOTE");
}

/* "anna", "voucher 17", "click in hall". */
static void owner_text(const struct sp_owner *owner, char *text, size_t size)
{
	const char *method = owner->method ? owner->method : "-", *blank = " ";

	if (!owner->name[0])
		blank = "";
	else if (strcmp(method, "voucher") != 0)
		method = blank = "";
	snprintf(text, size, "%s%s%s%s%s", method, blank, owner->name, owner->zone[0] ? " in " : "",
	         owner->zone);
}

static const char *left_text(char text[SP_TEXT_QUANTITY], const struct sp_session *session,
                             const struct sp_clock *clock)
{
	if (session->ended)
		return session->ended;
	return has(session, SP_LIMIT_EXPIRES)
	               ? sp_text_put_duration(text, seconds_left(session, clock))
	               : "-";
}

int sp_put_client_row(const struct sp_session *session, const struct sp_owner *owner,
                      const struct sp_clock *clock, struct sp_error *err)
{
	char text[INET6_ADDRSTRLEN], number[SP_TEXT_QUANTITY],
		by[SP_LEDGER_NAME + SP_LEDGER_ZONE + 16];
	const char *address = ipv4(session, text);
	struct sp_line line;

	line.length = 0;
	sp_line_left(&line, sp_text_put_mac(by, session->key.mac), MAC);
	snprintf(number, sizeof(number), "%u", session->key.vlan);
	sp_line_right(&line, session->key.vlan ? number : "0", VLAN);
	sp_line_put(&line, sp_colour(state_colour(session->effective)));
	sp_line_left(&line, state_name(session->effective), STATE);
	sp_line_put(&line, sp_colour(SP_PLAIN));
	sp_line_left(&line, left_text(number, session, clock), LEFT);
	sp_line_right(&line, sp_text_put_size(number, session->up_bytes), BYTES);
	sp_line_right(&line, sp_text_put_size(number, session->down_bytes), BYTES);
	if (!address)
		address = ipv6(session, text);
	sp_line_left(&line, address ? address : "-", ADDRESS);
	owner_text(owner, by, sizeof(by));
	sp_line_left(&line, by, BY);
	sp_line_put(&line, owner->note);
	return sp_line_row_end(&line, err);
}

void sp_put_client_granted(const struct sp_session *session, const struct sp_clock *clock)
{
	const struct sp_client_policy *policy = &session->policy;
	char text[SP_TEXT_QUANTITY], mac[SP_TEXT_MAC], address[INET6_ADDRSTRLEN];

	printf("%s", sp_text_put_mac(mac, session->key.mac));
	if (session->key.vlan)
		printf(" on VLAN %u", session->key.vlan);
	printf(" is %s", state_name(session->effective));
	if (has(session, SP_LIMIT_EXPIRES))
		printf(" for %s", sp_text_put_duration(text, seconds_left(session, clock)));
	else if (session->effective == SP_CLIENT_AUTHORIZED)
		printf(" without a time limit");
	if (has(session, SP_LIMIT_IDLE))
		printf(", idle at most %s",
		       sp_text_put_duration(text, idle_seconds(session, clock)));
	if (has(session, SP_LIMIT_QUOTA))
		printf(", quota %s", sp_text_put_size(text, policy->quota));
	if (has(session, SP_LIMIT_QUOTA_UP))
		printf(", quota up %s", sp_text_put_size(text, policy->quota_up));
	if (has(session, SP_LIMIT_QUOTA_DOWN))
		printf(", quota down %s", sp_text_put_size(text, policy->quota_down));
	if (has(session, SP_LIMIT_RATE_UP))
		printf(", up %s", sp_text_put_rate(text, policy->rate_up));
	if (has(session, SP_LIMIT_RATE_DOWN))
		printf(", down %s", sp_text_put_rate(text, policy->rate_down));
	if (has(session, SP_LIMIT_BINDING))
		printf(", bound to %s",
		       session->bound ? ipv4_text(session->bound, address) : "one IPv4 address");
	putchar('\n');
}
