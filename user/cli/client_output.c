/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/client_output.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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

/* NULL: none. */
static const char *ipv4_text(uint32_t address, char text[INET6_ADDRSTRLEN])
{
	return address ? inet_ntop(AF_INET, &address, text, INET6_ADDRSTRLEN) : NULL;
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

/* Name and value, where json_pack would read a format for every client of a long list. */
static int put(json_t *object, const char *name, json_t *value)
{
	return json_object_set_new_nocheck(object, name, value);
}

static int put_counters(json_t *object, const struct sp_session *session)
{
	return put(object, "up_packets", json_integer((json_int_t)session->up_packets)) ||
	       put(object, "up_bytes", json_integer((json_int_t)session->up_bytes)) ||
	       put(object, "down_packets", json_integer((json_int_t)session->down_packets)) ||
	       put(object, "down_bytes", json_integer((json_int_t)session->down_bytes));
}

static int put_limits(json_t *object, const struct sp_session *session,
                      const struct sp_clock *clock)
{
	const struct sp_client_policy *policy = &session->policy;
	bool expires = has(session, SP_LIMIT_EXPIRES);

	return put(object, "since", sp_json_number(policy->granted_unix, true)) ||
	       put(object, "expires", sp_json_number(policy->expires_unix, expires)) ||
	       put(object, "seconds_left", sp_json_number(seconds_left(session, clock), expires)) ||
	       put(object, "idle_limit",
	           sp_json_number(idle_seconds(session, clock), has(session, SP_LIMIT_IDLE))) ||
	       put(object, "quota", sp_json_number(policy->quota, has(session, SP_LIMIT_QUOTA))) ||
	       put(object, "quota_up",
	           sp_json_number(policy->quota_up, has(session, SP_LIMIT_QUOTA_UP))) ||
	       put(object, "quota_down",
	           sp_json_number(policy->quota_down, has(session, SP_LIMIT_QUOTA_DOWN))) ||
	       put(object, "rate_up",
	           sp_json_number(policy->rate_up, has(session, SP_LIMIT_RATE_UP))) ||
	       put(object, "rate_down",
	           sp_json_number(policy->rate_down, has(session, SP_LIMIT_RATE_DOWN))) ||
	       put(object, "burst_up",
	           sp_json_number(policy->burst_up, has(session, SP_LIMIT_RATE_UP))) ||
	       put(object, "burst_down",
	           sp_json_number(policy->burst_down, has(session, SP_LIMIT_RATE_DOWN)));
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

/* `bind`: off, auto or the operator's address; `bound`: the address in force. */
static int put_binding(json_t *object, const struct sp_session *session)
{
	char text[INET6_ADDRSTRLEN];
	const char *bind = "off";

	if (has(session, SP_LIMIT_BINDING))
		bind = session->policy.ipv4 ? ipv4_text(session->policy.ipv4, text) : "auto";
	return put(object, "bind", json_string_nocheck(bind)) ||
	       put(object, "bound", text_or_null(ipv4_text(session->bound, text)));
}

/* The earlier of two jiffies, 0 being none. */
static uint64_t first_seen(const struct sp_session *session)
{
	uint64_t up = session->up_first, down = session->down_first;

	return up && (!down || up < down) ? up : down;
}

static int put_traces(json_t *object, const struct sp_session *session,
                      const struct sp_clock *clock)
{
	char text4[INET6_ADDRSTRLEN], text6[INET6_ADDRSTRLEN];

	uint64_t first = first_seen(session);

	return put(object, "first_seen", sp_json_number(sp_clock_unix(clock, first), first)) ||
	       put(object, "last_seen",
	           sp_json_number(sp_clock_unix(clock, session->up_last), session->up_last)) ||
	       put(object, "ipv4", text_or_null(ipv4(session, text4))) ||
	       put(object, "ipv6", text_or_null(ipv6(session, text6))) ||
	       put(object, "note", json_string(session->policy.note));
}

static int put_end(json_t *object, const struct sp_session *session)
{
	if (session->ended)
		return put(object, "ended", json_string_nocheck(session->ended));
	/* Of the client before. */
	json_object_del(object, "ended");
	return 0;
}

/* Both null when nobody knows, `who` also when the method knows nobody by name. */
static int put_owner(json_t *object, const struct sp_owner *owner)
{
	return put(object, "method", text_or_null(owner->method)) ||
	       put(object, "who", text_or_null(owner->name[0] ? owner->name : NULL));
}

int sp_put_client_json(json_t *object, const struct sp_session *session,
                       const struct sp_owner *owner, const struct sp_clock *clock,
                       struct sp_error *err)
{
	char mac[SP_TEXT_MAC];

	if (put(object, "mac", json_string_nocheck(sp_text_put_mac(mac, session->key.mac))) ||
	    put(object, "vlan", json_integer(session->key.vlan)) ||
	    put(object, "state", json_string_nocheck(state_name(session->effective))) ||
	    put_end(object, session) || put_owner(object, owner) ||
	    put(object, "randomized_mac", json_boolean(is_randomized(session))) ||
	    put_limits(object, session, clock) || put_counters(object, session) ||
	    put_binding(object, session) || put_traces(object, session, clock))
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	return sp_put_json(json_incref(object), err);
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
	put_time("Since", session->policy.granted_unix);
	put_limit_fields(session, clock);
	put_traffic_fields(session, clock);
	if (session->policy.note[0])
		sp_put_field("Note", "%s", session->policy.note);
}

#define ROW "%-17s  %4s  %s%-10s%s  %-8s  %10s  %10s  %-15s  %-14s  %s\n"

void sp_put_client_header(void)
{
	printf(ROW, "MAC", "VLAN", "", "STATE", "", "LEFT", "UP", "DOWN", "ADDRESS", "BY", "NOTE");
}

/* "anna", "voucher 17", "click". */
static void owner_text(const struct sp_owner *owner, char *text, size_t size)
{
	if (!owner->method)
		snprintf(text, size, "-");
	else if (!owner->name[0] || !strcmp(owner->method, "voucher"))
		snprintf(text, size, "%s%s%s", owner->method, owner->name[0] ? " " : "",
		         owner->name);
	else
		snprintf(text, size, "%s", owner->name);
}

void sp_put_client_row(const struct sp_session *session, const struct sp_owner *owner,
                       const struct sp_clock *clock)
{
	char mac[SP_TEXT_MAC], vlan[8], left[SP_TEXT_QUANTITY], up[SP_TEXT_QUANTITY];
	char down[SP_TEXT_QUANTITY], text[INET6_ADDRSTRLEN], by[SP_LEDGER_NAME + 16];
	const char *address = ipv4(session, text);

	owner_text(owner, by, sizeof(by));
	snprintf(vlan, sizeof(vlan), "%u", session->key.vlan);
	if (session->ended)
		snprintf(left, sizeof(left), "%s", session->ended);
	else if (has(session, SP_LIMIT_EXPIRES))
		sp_text_put_duration(left, seconds_left(session, clock));
	else
		snprintf(left, sizeof(left), "-");
	if (!address)
		address = ipv6(session, text);
	printf(ROW, sp_text_put_mac(mac, session->key.mac), vlan,
	       sp_colour(state_colour(session->effective)), state_name(session->effective),
	       sp_colour(SP_PLAIN), left, sp_text_put_size(up, session->up_bytes),
	       sp_text_put_size(down, session->down_bytes), address ? address : "-", by,
	       session->policy.note);
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
