/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log: what happened to sessions, or who was there at one moment.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/log_output.h"
#include "cli/moment.h"
#include "cli/open_ledger.h"
#include "cli/output.h"
#include "lib/ledger_bulk.h"
#include "lib/ledger_log.h"
#include "lib/text.h"

#define SETTLE    100000u /* lines of one transaction */
#define FOLLOW_US 250000  /* between two looks for new lines */

struct request {
	const struct sp_invocation *invocation;
	struct sp_history_filter filter;
	uint8_t mac[6];
	uint16_t vlan;
	char address[INET6_ADDRSTRLEN];
	uint64_t at; /* 0: lines */
	bool follow;
	struct sp_error *err;
};

static int wrong(const struct request *request, enum sp_option option, const char *expected)
{
	return sp_fail(request->err, -EINVAL, SP_EXIT_USAGE, "--%s: expected %s, got \"%s\"",
	               sp_options[option].name, expected, request->invocation->option[option]);
}

/* --- what is asked for --- */

static int read_mac(struct request *request, const char *text)
{
	if (sp_text_mac(text, request->mac))
		return wrong(request, SP_OPTION_MAC, "an address such as 02:00:00:00:00:07");
	request->filter.mac = request->mac;
	return 0;
}

static int read_vlan(struct request *request, const char *text)
{
	if (sp_text_vlan(text, &request->vlan))
		return wrong(request, SP_OPTION_VLAN, "a number from 0 (untagged) to 4094");
	request->filter.vlan = &request->vlan;
	return 0;
}

/* As the ledger writes it, whatever the form that was typed. */
static int read_address(struct request *request, const char *text)
{
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	uint8_t bytes[16];

	if (inet_pton(family, text, bytes) != 1)
		return wrong(request, SP_OPTION_IP, "an address such as 10.0.0.7 or fd00::7");
	inet_ntop(family, bytes, request->address, sizeof(request->address));
	request->filter.address = request->address;
	return 0;
}

static int read_client(struct request *request)
{
	const char *const *option = request->invocation->option;
	int code = 0;

	if (option[SP_OPTION_MAC])
		code = read_mac(request, option[SP_OPTION_MAC]);
	if (!code && option[SP_OPTION_VLAN])
		code = read_vlan(request, option[SP_OPTION_VLAN]);
	if (!code && option[SP_OPTION_IP])
		code = read_address(request, option[SP_OPTION_IP]);
	request->filter.name = option[SP_OPTION_USER];
	return code;
}

static int read_times(struct request *request)
{
	const struct sp_invocation *invocation = request->invocation;
	struct sp_history_filter *filter = &request->filter;
	int code = sp_moment_past_option(invocation, SP_OPTION_SINCE, false, &filter->since,
	                                 request->err);

	if (!code)
		code = sp_moment_past_option(invocation, SP_OPTION_UNTIL, true, &filter->until,
		                             request->err);
	if (!code)
		code = sp_moment_past_option(invocation, SP_OPTION_AT, false, &request->at,
		                             request->err);
	if (!code && filter->since && filter->until && filter->since >= filter->until)
		return sp_fail(request->err, -EINVAL, SP_EXIT_USAGE,
		               "--until is not after --since: nothing can have happened between "
		               "them");
	return code;
}

static int read_rest(struct request *request)
{
	const char *const *option = request->invocation->option;
	bool lines = option[SP_OPTION_SINCE] || option[SP_OPTION_UNTIL] ||
	             option[SP_OPTION_LIMIT] || option[SP_OPTION_FOLLOW];

	if (request->at && lines)
		return sp_fail(request->err, -EINVAL, SP_EXIT_USAGE,
		               "--at is one moment: it does not go with --since, --until, --limit "
		               "or --follow");
	request->follow = option[SP_OPTION_FOLLOW];
	if (request->follow && request->filter.until)
		return sp_fail(request->err, -EINVAL, SP_EXIT_USAGE,
		               "--follow does not go with --until");
	if (option[SP_OPTION_LIMIT] &&
	    sp_text_number(option[SP_OPTION_LIMIT], 1, 1000000000, &request->filter.limit))
		return wrong(request, SP_OPTION_LIMIT, "a number from 1 to 1000000000");
	return 0;
}

static int read_request(struct request *request)
{
	int code = read_client(request);

	if (!code)
		code = read_times(request);
	return code ? code : read_rest(request);
}

/* --- lines --- */

static int put_line(const struct sp_history_line *line, void *context)
{
	struct request *request = context;

	/* Of the next look; lines come in the order of their time, which may be another one. */
	if (line->id > request->filter.after)
		request->filter.after = line->id;
	if (request->invocation->json)
		return sp_put_log_json(line, request->err);
	sp_put_log_row(line);
	return ferror(stdout) ? sp_put_end(request->err) : 0;
}

static int put_lines(struct sp_ledger *ledger, struct request *request)
{
	return sp_ledger_log_each(ledger, &request->filter, put_line, request, request->err);
}

/* Until it is interrupted, or nobody reads it any more. */
static int follow(struct sp_ledger *ledger, struct request *request)
{
	int code;

	request->filter.limit = 0;
	do {
		code = sp_put_end(request->err);
		if (!code)
			usleep(FOLLOW_US);
		if (!code)
			code = put_lines(ledger, request);
	} while (!code);
	return code;
}

/* What the log is still to be told. If that cannot be written now, it tells what it has. */
static void settle(struct sp_ledger *ledger)
{
	struct sp_error err;
	bool more = true;

	while (more && !sp_ledger_log_settle(ledger, SETTLE, &more, &err))
		;
}

static int put_log(struct sp_ledger *ledger, struct request *request)
{
	uint64_t newest = 0;
	int code = 0;

	settle(ledger);

	if (!request->invocation->json)
		sp_put_log_header();
	if (request->follow)
		code = sp_ledger_log_newest(ledger, &newest, request->err);
	if (!code)
		code = put_lines(ledger, request);
	if (code || !request->follow)
		return code;
	/* Lines that the filter left out are not to be looked at again. */
	if (newest > request->filter.after)
		request->filter.after = newest;
	return follow(ledger, request);
}

/* --- one moment --- */

static int put_use(const struct sp_history_use *use, void *context)
{
	const struct request *request = context;

	if (request->invocation->json)
		return sp_put_use_json(use, request->err);
	sp_put_use_row(use);
	return ferror(stdout) ? sp_put_end(request->err) : 0;
}

static int put_uses(struct sp_ledger *ledger, struct request *request)
{
	if (!request->invocation->json)
		sp_put_use_header();
	return sp_ledger_log_at(ledger, &request->filter, request->at, put_use, request,
	                        request->err);
}

int sp_log_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct request request = {.invocation = invocation, .err = err};
	struct sp_ledger *ledger;
	int code = read_request(&request);

	if (!code)
		code = sp_open_ledger(invocation, &ledger, err);
	if (code)
		return code;
	code = request.at ? put_uses(ledger, &request) : put_log(ledger, &request);
	sp_ledger_close(ledger);
	return code;
}
