/* SPDX-License-Identifier: GPL-2.0-or-later */
/* voucher list, revoke. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/command.h"
#include "cli/end_sessions.h"
#include "cli/output.h"
#include "cli/voucher_output.h"
#include "lib/voucher_key.h"
#include "lib/ledger.h"
#include "lib/text.h"

struct listing {
	uint64_t now;
	bool json;
	struct sp_error *err;
};

static int list_one(const struct sp_voucher *voucher, void *context)
{
	const struct listing *listing = context;

	if (listing->json)
		return sp_put_voucher_json(voucher, listing->now, NULL, listing->err);
	sp_put_voucher_row(voucher, listing->now);
	return ferror(stdout) ? sp_put_end(listing->err) : 0;
}

int sp_voucher_list_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct listing listing = {(uint64_t)time(NULL), invocation->json, err};
	struct sp_ledger *ledger = NULL;
	int code = 0;

	if (sp_ledger_exists(&invocation->instance))
		code = sp_ledger_open(&ledger, &invocation->instance, err);
	if (!code && !invocation->json)
		sp_put_voucher_header();
	if (code || !ledger)
		return code;
	code = sp_ledger_voucher_each(ledger, invocation->option[SP_OPTION_BATCH], list_one,
	                              &listing, err);
	sp_ledger_close(ledger);
	return code;
}

/* --- revoke --- */

struct revocation {
	const struct sp_invocation *invocation;
	struct sp_ledger *ledger;
	uint64_t *ids;
	size_t count, room;
	unsigned ended;
	struct sp_error *err;
};

static int collect(const struct sp_voucher *voucher, void *context)
{
	struct revocation *revocation = context;

	if (revocation->count == revocation->room) {
		size_t room = revocation->room ? revocation->room * 2 : 64;
		uint64_t *more = reallocarray(revocation->ids, room, sizeof(*more));

		if (!more)
			return sp_fail(revocation->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
		revocation->ids = more;
		revocation->room = room;
	}
	revocation->ids[revocation->count++] = voucher->id;
	return 0;
}

static int find_batch(struct revocation *revocation, const char *batch)
{
	int code = sp_ledger_voucher_each(revocation->ledger, batch, collect, revocation,
	                                  revocation->err);

	if (!code && !revocation->count && batch)
		return sp_fail(revocation->err, -ENOENT, SP_EXIT_NOT_FOUND,
		               "there is no batch \"%s\"", batch);
	return code;
}

static int find_code(struct revocation *revocation, const char *plain, struct sp_voucher *voucher)
{
	uint8_t key[SP_KEY_BYTES], digest[SP_VOUCHER_DIGEST];
	int code = sp_voucher_key(&revocation->invocation->instance, revocation->ledger, key,
	                          revocation->err);

	if (code)
		return code;
	sp_voucher_code_digest(digest, key, plain);
	return sp_ledger_voucher_find(revocation->ledger, digest, voucher, revocation->err);
}

/* By its number, which has fewer digits than a code has characters, or by its code. */
static int find_one(struct revocation *revocation, const char *text)
{
	char plain[SP_VOUCHER_CODE];
	struct sp_voucher voucher;
	uint64_t id;
	int code;

	if (!sp_text_number(text, 1, 999999999, &id))
		code = sp_ledger_voucher_get(revocation->ledger, id, &voucher, revocation->err);
	else if (!sp_voucher_code_read(text, plain))
		code = find_code(revocation, plain, &voucher);
	else
		return sp_fail(revocation->err, -EINVAL, SP_EXIT_USAGE,
		               "VOUCHER: expected a number of `voucher list` or a code such as "
		               "7KQ2M-W4TXN, got \"%s\"",
		               text);
	return code ? code : collect(&voucher, revocation);
}

static int revoke_all(struct revocation *revocation)
{
	int code = sp_ledger_begin(revocation->ledger, revocation->err);

	if (code)
		return code;
	for (size_t i = 0; i < revocation->count && !code; i++)
		code = sp_ledger_voucher_revoke(revocation->ledger, revocation->ids[i],
		                                revocation->err);
	if (!code)
		return sp_ledger_commit(revocation->ledger, revocation->err);
	sp_ledger_rollback(revocation->ledger);
	return code;
}

/* Their ids are in the order of creation. */
static bool is_revoked(const struct sp_record *record, const void *context)
{
	const struct revocation *revocation = context;
	size_t low = 0, high = revocation->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (revocation->ids[middle] < record->who.voucher)
			low = middle + 1;
		else
			high = middle;
	}
	return low < revocation->count && revocation->ids[low] == record->who.voucher;
}

static int end_sessions(struct revocation *revocation)
{
	return sp_end_sessions(&revocation->invocation->instance, is_revoked, revocation,
	                       &revocation->ended, revocation->err);
}

static int put_revoked(const struct revocation *revocation)
{
	if (revocation->invocation->json)
		return sp_put_json(json_pack("{s:i, s:i}", "revoked", (int)revocation->count,
		                             "sessions_ended", (int)revocation->ended),
		                   revocation->err);
	printf("%zu voucher%s revoked, %u session%s ended\n", revocation->count,
	       revocation->count == 1 ? "" : "s", revocation->ended,
	       revocation->ended == 1 ? "" : "s");
	return 0;
}

static int revoke(struct revocation *revocation)
{
	const char *batch = revocation->invocation->option[SP_OPTION_BATCH];
	bool all = revocation->invocation->option[SP_OPTION_ALL];
	int code = batch || all ? find_batch(revocation, batch)
	                        : find_one(revocation, revocation->invocation->operand);

	if (!code)
		code = revoke_all(revocation);
	if (!code)
		code = end_sessions(revocation);
	return code ? code : put_revoked(revocation);
}

int sp_voucher_revoke_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct revocation revocation = {.invocation = invocation, .err = err};
	int code;

	if (!!invocation->operand + !!invocation->option[SP_OPTION_BATCH] +
	            !!invocation->option[SP_OPTION_ALL] !=
	    1)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "`voucher revoke` needs a VOUCHER, a --batch or --all, and one of "
		               "them alone");
	code = sp_ledger_open(&revocation.ledger, &invocation->instance, err);
	if (code)
		return code;
	code = revoke(&revocation);
	free(revocation.ids);
	sp_ledger_close(revocation.ledger);
	return code;
}
