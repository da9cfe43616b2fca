/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * voucher create: all of them or none, in pieces, between which others can log in. The sheet is
 * written before they are made, since it is the only place besides the output where their codes
 * are.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/client_limits.h"
#include "cli/command.h"
#include "cli/limits_output.h"
#include "cli/moment.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/sheet.h"
#include "cli/voucher_output.h"
#include "lib/voucher_key.h"
#include "lib/ledger.h"
#include "lib/text.h"

#define MOST_VOUCHERS 100000u
#define MOST_PRINTED  2100u /* a hundred pages */
#define MOST_DEVICES  10000u
#define PIECE         500u /* vouchers of one transaction: some 10 ms */

struct made {
	struct sp_voucher voucher;
	char code[SP_VOUCHER_CODE];
};

struct creation {
	const struct sp_invocation *invocation;
	struct sp_voucher model; /* what all of them are like */
	uint64_t count;
	enum sp_voucher_format format;
	const char *sheet; /* NULL: none */
	char url[400];     /* of the portal, up to the code */
	struct made *made;
	struct sp_error *err;
};

static int wrong(const struct creation *creation, enum sp_option option, const char *expected)
{
	return sp_fail(creation->err, -EINVAL, SP_EXIT_USAGE, "--%s: expected %s, got \"%s\"",
	               sp_options[option].name, expected, creation->invocation->option[option]);
}

static int read_number(const struct creation *creation, enum sp_option option, uint64_t most,
                       const char *expected, uint64_t *number)
{
	const char *text = creation->invocation->option[option];

	*number = 1;
	return text && sp_text_number(text, 1, most, number) ? wrong(creation, option, expected)
	                                                     : 0;
}

static int read_label(const struct creation *creation, enum sp_option option, char *label,
                      size_t size, const char *expected)
{
	const char *text = creation->invocation->option[option];

	if (!text)
		return 0;
	if (strlen(text) >= size || !sp_text_printable(text, strlen(text)) ||
	    (option == SP_OPTION_BATCH && !*text))
		return wrong(creation, option, expected);
	snprintf(label, size, "%s", text);
	return 0;
}

static int read_format(struct creation *creation)
{
	static const char *const names[] = {"plain", "csv", "json"};
	const char *text = creation->invocation->option[SP_OPTION_FORMAT];

	creation->format = creation->invocation->json ? SP_VOUCHER_JSON : SP_VOUCHER_PLAIN;
	if (!text)
		return 0;
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(text, names[i]) != 0)
			continue;
		creation->format = (enum sp_voucher_format)i;
		return 0;
	}
	return wrong(creation, SP_OPTION_FORMAT, "plain, csv or json");
}

static int read_limits(struct creation *creation)
{
	struct sp_voucher *model = &creation->model;
	int code = sp_client_limits_read(creation->invocation, &model->limits, creation->err);

	if (!code && model->limits.ipv4)
		return wrong(creation, SP_OPTION_BIND,
		             "auto, since a voucher is for devices that nobody knows yet");
	return code;
}

static int read_window(struct creation *creation)
{
	struct sp_voucher *model = &creation->model;
	int code = sp_moment_option(creation->invocation, SP_OPTION_FROM, false, &model->from,
	                            creation->err);

	if (!code)
		code = sp_moment_option(creation->invocation, SP_OPTION_UNTIL, true, &model->until,
		                        creation->err);
	if (!code && model->until && model->until <= model->created)
		return wrong(creation, SP_OPTION_UNTIL, "a time to come");
	if (!code && model->until && model->until <= model->from)
		return wrong(creation, SP_OPTION_UNTIL, "a time after --from");
	return code;
}

static int read_options(struct creation *creation)
{
	struct sp_voucher *model = &creation->model;
	uint64_t devices = 1;
	int code = read_number(creation, SP_OPTION_NUMBER, MOST_VOUCHERS,
	                       "a number from 1 to 100000", &creation->count);

	model->created = (uint64_t)time(NULL);
	if (!code)
		code = read_number(creation, SP_OPTION_DEVICES, MOST_DEVICES,
		                   "a number from 1 to 10000", &devices);
	model->devices = (uint32_t)devices;
	if (!code)
		code = read_limits(creation);
	if (!code)
		code = read_window(creation);
	if (!code)
		code = read_label(creation, SP_OPTION_BATCH, model->batch, sizeof(model->batch),
		                  "1 to 31 bytes of text");
	if (!code)
		code = read_label(creation, SP_OPTION_NOTE, model->note, sizeof(model->note),
		                  "at most 63 bytes of text");
	return code ? code : read_format(creation);
}

/* --- the sheet --- */

/* What precedes the code in the URL. */
static int set_url(struct creation *creation, const char *base)
{
	int length = snprintf(creation->url, sizeof(creation->url), "%s%s", base,
	                      strchr(base, '?') ? "&voucher=" : "?voucher=");

	if (length < (int)sizeof(creation->url))
		return 0;
	return sp_fail(creation->err, -EINVAL, SP_EXIT_USAGE, "--url: longer than %zu bytes",
	               sizeof(creation->url) - 16);
}

static int find_url(struct creation *creation)
{
	static struct sp_config config;
	const char *given = creation->invocation->option[SP_OPTION_URL];
	char base[SP_CONFIG_TEXT + 32];
	int code;

	if (given && strncmp(given, "http://", 7) != 0 && strncmp(given, "https://", 8) != 0)
		return wrong(creation, SP_OPTION_URL, "one that begins with https:// or http://");
	if (given)
		return set_url(creation, given);
	code = sp_open_config(creation->invocation, &config, true, creation->err);
	if (code)
		return code;
	if (!config.zone[0].portal_host[0])
		return sp_fail(creation->err, -EINVAL, SP_EXIT_USAGE,
		               "--sheet: %s names no `host`, so nobody knows where the QR codes "
		               "lead: set it in [portal], or give --url",
		               config.path);
	snprintf(base, sizeof(base), "https://%s/", config.zone[0].portal_host);
	return set_url(creation, base);
}

static int read_sheet(struct creation *creation)
{
	int code;

	creation->sheet = creation->invocation->option[SP_OPTION_SHEET];
	if (!creation->sheet && creation->invocation->option[SP_OPTION_URL])
		return sp_fail(creation->err, -EINVAL, SP_EXIT_USAGE,
		               "--url: there is no --sheet that it belongs to");
	if (!creation->sheet)
		return 0;
	code = sp_sheet_check(creation->sheet, creation->err);
	if (!code && creation->count > MOST_PRINTED)
		return sp_fail(
			creation->err, -EINVAL, SP_EXIT_USAGE,
			"--sheet: expected at most %u vouchers at once, which fill a hundred "
			"pages",
			MOST_PRINTED);
	return code ? code : find_url(creation);
}

static void fill_cell(const struct creation *creation, const struct made *made,
                      struct sp_sheet_cell *cell)
{
	const struct sp_voucher *voucher = &made->voucher;
	struct sp_limits brief = {.seconds = voucher->limits.seconds,
	                          .quota = voucher->limits.quota};
	char until[SP_MOMENT];

	sp_voucher_code_show(cell->code, made->code);
	snprintf(cell->url, sizeof(cell->url), "%s%s", creation->url, cell->code);
	sp_limits_text(cell->lines[0], sizeof(cell->lines[0]), &brief);
	if (voucher->until)
		snprintf(cell->lines[1], sizeof(cell->lines[1]), "> %s",
		         sp_moment_text(until, voucher->until));
	else
		snprintf(cell->lines[1], sizeof(cell->lines[1]), "%s", voucher->note);
}

static int write_sheet(const struct creation *creation)
{
	struct sp_sheet_cell *cells;
	int code;

	if (!creation->sheet)
		return 0;
	cells = calloc(creation->count, sizeof(*cells));
	if (!cells)
		return sp_fail(creation->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	for (uint64_t i = 0; i < creation->count; i++)
		fill_cell(creation, &creation->made[i], &cells[i]);
	code = sp_sheet_write(creation->sheet, cells, creation->count, creation->err);
	explicit_bzero(cells, creation->count * sizeof(*cells));
	free(cells);
	return code;
}

/* --- the vouchers --- */

static int make_codes(const struct creation *creation)
{
	for (uint64_t i = 0; i < creation->count; i++) {
		int code = sp_voucher_code_make(creation->made[i].code);

		if (code)
			return sp_fail(creation->err, code, SP_EXIT_FAILED,
			               "cannot get random numbers: %s", strerror(-code));
		creation->made[i].voucher = creation->model;
	}
	return 0;
}

static int add_one(const struct creation *creation, struct sp_ledger *ledger,
                   const uint8_t key[SP_KEY_BYTES], struct made *made)
{
	uint8_t digest[SP_VOUCHER_DIGEST];
	int code;

	sp_voucher_code_digest(digest, key, made->code);
	code = sp_ledger_voucher_add(ledger, digest, &made->voucher, creation->err);
	/* Of a million vouchers the next one has the code of another with a chance of 1e-9. */
	if (code == -EEXIST)
		return sp_fail(creation->err, code, SP_EXIT_FAILED,
		               "one of the codes has been given out already; nothing was made, try "
		               "again");
	return code;
}

/* From @first on. Others may write between two pieces. */
static int add_piece(const struct creation *creation, struct sp_ledger *ledger,
                     const uint8_t key[SP_KEY_BYTES], uint64_t first)
{
	int code = sp_ledger_begin_quick(ledger, creation->err);

	if (code)
		return code;
	for (uint64_t i = first; i < creation->count && i < first + PIECE && !code; i++)
		code = add_one(creation, ledger, key, &creation->made[i]);
	if (!code)
		return sp_ledger_commit(ledger, creation->err);
	sp_ledger_rollback(ledger);
	return code;
}

/* What cannot be deleted now is nobody's all the same, and is deleted later. */
static void undo(struct sp_ledger *ledger, uint64_t id)
{
	unsigned removed;

	while (!sp_ledger_creation_undo(ledger, id, PIECE, &removed, NULL) && removed)
		;
}

static int add_all(const struct creation *creation, struct sp_ledger *ledger,
                   const uint8_t key[SP_KEY_BYTES])
{
	uint64_t id;
	int code = sp_ledger_creation_begin(ledger, (uint64_t)time(NULL), &id, creation->err);

	for (uint64_t i = 0; i < creation->count && !code; i++)
		creation->made[i].voucher.creation = id;
	for (uint64_t i = 0; i < creation->count && !code; i += PIECE)
		code = add_piece(creation, ledger, key, i);
	if (!code)
		code = sp_ledger_creation_end(ledger, id, creation->err);
	if (code)
		undo(ledger, id);
	return code;
}

static int make_all(const struct creation *creation, struct sp_ledger *ledger,
                    const uint8_t key[SP_KEY_BYTES])
{
	int code = make_codes(creation);

	if (!code)
		code = write_sheet(creation);
	if (code)
		return code;
	code = add_all(creation, ledger, key);
	if (code && creation->sheet)
		sp_sheet_remove(creation->sheet, creation->count);
	return code;
}

static int put_all(const struct creation *creation)
{
	char code[SP_VOUCHER_SHOWN];
	int result = 0;

	if (creation->format == SP_VOUCHER_CSV)
		sp_put_voucher_csv_header();
	for (uint64_t i = 0; i < creation->count && !result; i++) {
		const struct made *made = &creation->made[i];

		result = sp_put_new_voucher(&made->voucher, sp_voucher_code_show(code, made->code),
		                            creation->format, creation->err);
	}
	return result ? result : sp_put_end(creation->err);
}

static int create(struct creation *creation)
{
	const struct sp_instance *instance = &creation->invocation->instance;
	uint8_t key[SP_KEY_BYTES];
	struct sp_ledger *ledger;
	int code = sp_ledger_open(&ledger, instance, creation->err);

	if (!code)
		code = sp_voucher_key(instance, ledger, key, creation->err);
	if (!code)
		code = make_all(creation, ledger, key);
	sp_ledger_close(ledger);
	explicit_bzero(key, sizeof(key));
	return code ? code : put_all(creation);
}

int sp_voucher_create_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct creation creation = {.invocation = invocation, .err = err};
	int code = read_options(&creation);

	if (!code)
		code = read_sheet(&creation);
	if (code)
		return code;
	creation.made = calloc(creation.count, sizeof(*creation.made));
	code = creation.made ? create(&creation)
	                     : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (creation.made)
		explicit_bzero(creation.made, creation.count * sizeof(*creation.made));
	free(creation.made);
	return code;
}
