/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/log_output.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/limits_output.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "lib/text.h"

#define ROW "%-19s  %-9s  %-17s  %4s  %7s  %-8s  %-16s  %s\n"

/* --- lines --- */

void sp_put_log_header(void)
{
	printf(ROW, "TIME", "EVENT", "MAC", "VLAN", "SESSION", "BY", "WHO", "WHAT");
}

/* The last ones that were seen, or the one that is new; "" when there is none. */
static void put_addresses(const struct sp_history_line *line, char ipv4[INET_ADDRSTRLEN],
                          char ipv6[INET6_ADDRSTRLEN])
{
	static const uint8_t none[16];

	ipv4[0] = ipv6[0] = '\0';
	if (line->ipv4)
		inet_ntop(AF_INET, &line->ipv4, ipv4, INET_ADDRSTRLEN);
	if (memcmp(line->ipv6, none, sizeof(none)) != 0)
		inet_ntop(AF_INET6, line->ipv6, ipv6, INET6_ADDRSTRLEN);
}

static void describe_end(const struct sp_history_line *line, char *out, size_t size)
{
	char up[SP_TEXT_QUANTITY], down[SP_TEXT_QUANTITY];
	char ipv4[INET_ADDRSTRLEN], ipv6[INET6_ADDRSTRLEN];

	put_addresses(line, ipv4, ipv6);
	snprintf(out, size, "%s%sup %s, down %s%s%s%s%s", sp_cause_name(line->cause),
	         line->cause ? ": " : "", sp_text_put_size(up, line->up_bytes),
	         sp_text_put_size(down, line->down_bytes), ipv4[0] ? ", " : "", ipv4,
	         ipv6[0] ? ", " : "", ipv6);
}

static void describe(const struct sp_history_line *line, char *out, size_t size)
{
	char ipv4[INET_ADDRSTRLEN], ipv6[INET6_ADDRSTRLEN];

	switch (line->event) {
	case SP_HISTORY_BEGIN:
	case SP_HISTORY_LIMITS:
		sp_limits_text(out, size, &line->limits);
		break;
	case SP_HISTORY_ADDRESS:
		put_addresses(line, ipv4, ipv6);
		snprintf(out, size, "%s%s%s", ipv4, ipv4[0] && ipv6[0] ? ", " : "", ipv6);
		break;
	case SP_HISTORY_END:
	case SP_HISTORY_RESTORED:
		describe_end(line, out, size);
		break;
	default:
		out[0] = '\0';
	}
}

/* "-": nobody. */
static const char *by(const struct sp_who *who)
{
	return who->method ? sp_method_name(who->method) : "-";
}

static const char *name_of(const struct sp_who *who)
{
	return who->name[0] ? who->name : "-";
}

void sp_put_log_row(const struct sp_history_line *line)
{
	char time[SP_MOMENT], mac[SP_TEXT_MAC], vlan[8], session[24], what[256];
	size_t length;

	snprintf(vlan, sizeof(vlan), "%u", line->client.vlan);
	snprintf(session, sizeof(session), line->session ? "%" PRIu64 : "-", line->session);
	describe(line, what, sizeof(what));
	length = strlen(what);
	if (line->note[0])
		length += (size_t)snprintf(what + length, sizeof(what) - length, "%s%s",
		                           length ? "; " : "", line->note);
	if (line->who.zone[0] && length < sizeof(what))
		snprintf(what + length, sizeof(what) - length, "%szone %s", length ? "; " : "",
		         line->who.zone);
	printf(ROW, sp_moment_second(time, line->time), sp_history_event_word(line->event),
	       sp_text_put_mac(mac, line->client.mac), vlan, session, by(&line->who),
	       name_of(&line->who), what);
}

static int put(json_t *object, const char *name, json_t *value)
{
	return json_object_set_new_nocheck(object, name, value);
}

static int put_text(json_t *object, const char *name, const char *text)
{
	return put(object, name, text[0] ? json_string(text) : json_null());
}

static int put_client(json_t *object, const struct sp_client_key *client, const struct sp_who *who,
                      uint64_t session)
{
	char mac[SP_TEXT_MAC];

	return put(object, "mac", json_string(sp_text_put_mac(mac, client->mac))) ||
	       put(object, "vlan", json_integer(client->vlan)) ||
	       put_text(object, "zone", who->zone) ||
	       put(object, "session", sp_json_number(session, session)) ||
	       put_text(object, "method", who->method ? sp_method_name(who->method) : "") ||
	       put_text(object, "who", who->name);
}

static int put_limits(json_t *object, const struct sp_history_line *line)
{
	bool has = line->event == SP_HISTORY_BEGIN || line->event == SP_HISTORY_LIMITS;
	json_t *limits = has ? json_object() : NULL;

	if (!has)
		return 0;
	return sp_put_limits(limits, &line->limits) || put(object, "limits", limits);
}

static int put_end(json_t *object, const struct sp_history_line *line)
{
	if (line->event != SP_HISTORY_END && line->event != SP_HISTORY_RESTORED)
		return 0;
	return put_text(object, "cause", sp_cause_name(line->cause)) ||
	       put(object, "up_bytes", json_integer((json_int_t)line->up_bytes)) ||
	       put(object, "down_bytes", json_integer((json_int_t)line->down_bytes));
}

static int fill_line(json_t *object, const struct sp_history_line *line)
{
	char ipv4[INET_ADDRSTRLEN], ipv6[INET6_ADDRSTRLEN];

	put_addresses(line, ipv4, ipv6);
	return put(object, "time", json_integer((json_int_t)line->time)) ||
	       put(object, "event", json_string(sp_history_event_word(line->event))) ||
	       put_client(object, &line->client, &line->who, line->session) ||
	       put_text(object, "ipv4", ipv4) || put_text(object, "ipv6", ipv6) ||
	       put_limits(object, line) || put_end(object, line) ||
	       put_text(object, line->event == SP_HISTORY_REFUSED ? "why" : "note", line->note);
}

static int put_object(json_t *object, int failed, struct sp_error *err)
{
	if (object && !failed)
		return sp_put_json(object, err);
	json_decref(object);
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

int sp_put_log_json(const struct sp_history_line *line, struct sp_error *err)
{
	json_t *object = json_object();

	return put_object(object, fill_line(object, line), err);
}

/* --- who was there --- */

#define USE "%-39s  %-17s  %4s  %-8s  %-16s  %-19s  %-19s  %7s  %s\n"

void sp_put_use_header(void)
{
	printf(USE, "ADDRESS", "MAC", "VLAN", "BY", "WHO", "FROM", "UNTIL", "SESSION", "ENDED");
}

void sp_put_use_row(const struct sp_history_use *use)
{
	char mac[SP_TEXT_MAC], vlan[8], session[24], from[SP_MOMENT], until[SP_MOMENT];

	snprintf(vlan, sizeof(vlan), "%u", use->client.vlan);
	snprintf(session, sizeof(session), "%" PRIu64, use->session);
	printf(USE, use->address[0] ? use->address : "-", sp_text_put_mac(mac, use->client.mac),
	       vlan, by(&use->who), name_of(&use->who), sp_moment_second(from, use->from),
	       sp_moment_second(until, use->until), session,
	       use->ended ? sp_cause_name(use->cause) : "goes on");
}

static int fill_use(json_t *object, const struct sp_history_use *use)
{
	return put_text(object, "address", use->address) ||
	       put_client(object, &use->client, &use->who, use->session) ||
	       put(object, "from", json_integer((json_int_t)use->from)) ||
	       put(object, "until", sp_json_number(use->until, use->until)) ||
	       put(object, "begun", json_integer((json_int_t)use->begun)) ||
	       put(object, "ended", sp_json_number(use->ended, use->ended)) ||
	       put_text(object, "cause", sp_cause_name(use->cause));
}

int sp_put_use_json(const struct sp_history_use *use, struct sp_error *err)
{
	json_t *object = json_object();

	return put_object(object, fill_use(object, use), err);
}
