/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sallyport top: the command, and its snapshots as JSON. */
#include "cli/top.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/open.h"
#include "cli/output.h"
#include "lib/text.h"

#define SNAPSHOT 20u /* clients of one */
#define MOST     100000u

/* --- JSON --- */

static json_t *row_json(struct sp_top *top, const struct sp_top_row *row)
{
	struct sp_owner owner = sp_whose_find(&top->whose, &row->session);
	char mac[SP_TEXT_MAC], address[INET6_ADDRSTRLEN] = "";

	if (row->session.ipv4)
		inet_ntop(AF_INET, &row->session.ipv4, address, sizeof(address));
	return json_pack("{s:s, s:i, s:s?, s:s?, s:s?, s:I, s:I, s:I, s:I}", "mac",
	                 sp_text_put_mac(mac, row->key.mac), "vlan", (int)row->key.vlan, "method",
	                 owner.method, "who", owner.name[0] ? owner.name : NULL, "ipv4",
	                 address[0] ? address : NULL, "rate_up", (json_int_t)row->rate_up,
	                 "rate_down", (json_int_t)row->rate_down, "up_bytes",
	                 (json_int_t)row->session.up_bytes, "down_bytes",
	                 (json_int_t)row->session.down_bytes);
}

static json_t *rows_json(struct sp_top *top)
{
	static struct sp_top_row rows[SNAPSHOT];
	uint32_t count = sp_top_rows(top, 0, rows, SNAPSHOT);
	json_t *array = json_array();

	for (uint32_t i = 0; i < count; i++)
		if (json_array_append_new(array, row_json(top, &rows[i]))) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *reasons_json(const struct sp_top *top)
{
	static struct sp_top_reason reasons[SP_MAX_REASONS];
	uint32_t count = sp_top_reasons(top, reasons);
	json_t *object = json_object();

	for (uint32_t i = 0; i < count; i++)
		if (json_object_set_new(object, sp_reason_name(reasons[i].reason),
		                        json_integer((json_int_t)reasons[i].rate))) {
			json_decref(object);
			return NULL;
		}
	return object;
}

static int put_snapshot(struct sp_top *top, struct sp_error *err)
{
	int code = sp_put_json(json_pack("{s:I, s:{s:i, s:i, s:i}, s:I, s:I, s:o, s:o}", "time",
	                                 (json_int_t)top->clock.unix_time, "clients", "authorized",
	                                 (int)top->authorized, "ended", (int)top->ended, "blocked",
	                                 (int)top->blocked, "rate_up", (json_int_t)top->rate_up,
	                                 "rate_down", (json_int_t)top->rate_down, "top",
	                                 rows_json(top), "packets_per_second", reasons_json(top)),
	                       err);

	return code ? code : sp_put_end(err);
}

static void wait_ms(uint64_t ms)
{
	struct timespec left = {.tv_sec = (time_t)(ms / 1000),
	                        .tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

/* A rate needs two looks: the first snapshot comes after one interval. */
static int put_snapshots(struct sp_top *top, uint64_t interval, uint64_t count,
                         struct sp_error *err)
{
	int code = sp_top_look(top, err);

	for (uint64_t i = 0; i < count && !code; i++) {
		wait_ms(interval);
		code = sp_top_look(top, err);
		if (!code)
			code = put_snapshot(top, err);
	}
	return code;
}

/* --- the command --- */

static int read_options(const struct sp_invocation *invocation, uint64_t *interval, uint64_t *count,
                        struct sp_error *err)
{
	const char *time = invocation->option[SP_OPTION_INTERVAL];
	const char *number = invocation->option[SP_OPTION_NUMBER];

	*interval = 1;
	*count = 1;
	if (time && (sp_text_duration(time, interval) || *interval > 3600))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "--interval: expected a duration from 1s to 1h, got \"%s\"", time);
	if (number && sp_text_number(number, 1, MOST, count))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "--count: expected a number from 1 to %u, got \"%s\"", MOST, number);
	if (number && !invocation->json)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "--count: is for -j alone");
	if (!invocation->json && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
		return sp_fail(err, -ENOTTY, SP_EXIT_FAILED,
		               "`top` needs a terminal; `sallyport -j top` prints a look, and "
		               "`sallyport client list` all clients");
	*interval *= 1000;
	return 0;
}

static int show(const struct sp_invocation *invocation, struct sp_maps *maps, uint64_t interval,
                uint64_t count, struct sp_error *err)
{
	struct sp_top top;
	struct sp_top_screen screen = {.top = &top, .interval = interval};
	int code = sp_top_open(&top, maps, err);

	if (!code && invocation->json)
		code = put_snapshots(&top, interval, count, err);
	else if (!code)
		code = sp_top_show(&screen, err);
	sp_top_close(&top);
	return code;
}

int sp_top_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	uint64_t interval, count;
	struct sp_clock clock;
	struct sp_maps maps;
	int code = read_options(invocation, &interval, &count, err);

	if (!code)
		code = sp_open_maps(invocation, &maps, &clock, err);
	if (code)
		return code;
	code = show(invocation, &maps, interval, count, err);
	sp_maps_close(&maps);
	return code;
}
