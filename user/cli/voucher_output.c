/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/voucher_output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/limits_output.h"
#include "cli/moment.h"
#include "cli/output.h"

static bool is_over(const struct sp_voucher *voucher, uint64_t now)
{
	uint64_t seconds = voucher->limits.seconds;

	return (voucher->until && now >= voucher->until) ||
	       (voucher->first && seconds && now >= voucher->first &&
	        now - voucher->first >= seconds);
}

const char *sp_voucher_state(const struct sp_voucher *voucher, uint64_t now)
{
	if (voucher->revoked)
		return "revoked";
	if (is_over(voucher, now))
		return "expired";
	if (!voucher->taken)
		return "new";
	return voucher->taken < voucher->devices ? "used" : "full";
}

#define ROW "%6s  %-7s  %-9s  %-28s  %-16s  %-16s  %-12s  %s\n"

void sp_put_voucher_header(void)
{
	printf(ROW, "ID", "STATE", "DEVICES", "LIMITS", "FROM", "UNTIL", "BATCH", "NOTE");
}

void sp_put_voucher_row(const struct sp_voucher *voucher, uint64_t now)
{
	char id[24], devices[24], limits[128], from[SP_MOMENT], until[SP_MOMENT];

	snprintf(id, sizeof(id), "%" PRIu64, voucher->id);
	snprintf(devices, sizeof(devices), "%u of %u", voucher->taken, voucher->devices);
	printf(ROW, id, sp_voucher_state(voucher, now), devices,
	       sp_limits_text(limits, sizeof(limits), &voucher->limits),
	       sp_moment_text(from, voucher->from), sp_moment_text(until, voucher->until),
	       voucher->batch[0] ? voucher->batch : "-", voucher->note);
}

static int put_number(json_t *object, const char *name, uint64_t value, bool present)
{
	return json_object_set_new(object, name, sp_json_number(value, present));
}

static int fill(json_t *object, const struct sp_voucher *voucher, uint64_t now, const char *code)
{
	return put_number(object, "id", voucher->id, true) ||
	       (code && json_object_set_new(object, "code", json_string(code))) ||
	       json_object_set_new(object, "state", json_string(sp_voucher_state(voucher, now))) ||
	       put_number(object, "devices", voucher->devices, true) ||
	       put_number(object, "taken", voucher->taken, true) ||
	       sp_put_limits(object, &voucher->limits) ||
	       put_number(object, "from", voucher->from, voucher->from) ||
	       put_number(object, "until", voucher->until, voucher->until) ||
	       put_number(object, "created", voucher->created, true) ||
	       put_number(object, "first_used", voucher->first, voucher->first) ||
	       json_object_set_new(object, "batch", json_string(voucher->batch)) ||
	       json_object_set_new(object, "note", json_string(voucher->note));
}

int sp_put_voucher_json(const struct sp_voucher *voucher, uint64_t now, const char *code,
                        struct sp_error *err)
{
	json_t *object = json_object();

	if (!object || fill(object, voucher, now, code)) {
		json_decref(object);
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	}
	return sp_put_json(object, err);
}

/* RFC 4180, section 2: quoted when it has to be. */
static void put_csv_text(const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		printf("%s", text);
		return;
	}
	putchar('"');
	for (; *text; text++)
		printf(*text == '"' ? "\"\"" : "%c", *text);
	putchar('"');
}

/* 0 is an empty field. */
static void put_csv_number(uint64_t number)
{
	if (number)
		printf("%" PRIu64, number);
	putchar(',');
}

void sp_put_voucher_csv_header(void)
{
	printf("id,code,devices,seconds,idle,quota,quota_up,quota_down,rate_up,rate_down,from,"
	       "until,batch,note\n");
}

static void put_csv(const struct sp_voucher *voucher, const char *code)
{
	const struct sp_limits *limits = &voucher->limits;
	const uint64_t numbers[] = {voucher->devices, limits->seconds,   limits->idle,
	                            limits->quota,    limits->quota_up,  limits->quota_down,
	                            limits->rate_up,  limits->rate_down, voucher->from,
	                            voucher->until};

	printf("%" PRIu64 ",%s,", voucher->id, code);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		put_csv_number(numbers[i]);
	put_csv_text(voucher->batch);
	putchar(',');
	put_csv_text(voucher->note);
	putchar('\n');
}

int sp_put_new_voucher(const struct sp_voucher *voucher, const char *code,
                       enum sp_voucher_format format, struct sp_error *err)
{
	if (format == SP_VOUCHER_JSON)
		return sp_put_voucher_json(voucher, voucher->created, code, err);
	if (format == SP_VOUCHER_CSV)
		put_csv(voucher, code);
	else
		puts(code);
	return ferror(stdout) ? sp_put_end(err) : 0;
}
