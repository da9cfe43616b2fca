/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ledger backup, check, prune.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/moment.h"
#include "cli/open.h"
#include "cli/open_ledger.h"
#include "cli/output.h"
#include "lib/ledger_care.h"

#define PIECE    500   /* rows of one transaction: 5 to 10 ms */
#define PAUSE_US 20000 /* others may write then */

/* --- backup --- */

static int put_backup(const struct sp_invocation *invocation, struct sp_error *err)
{
	const char *file = invocation->operand;

	if (invocation->json)
		return sp_put_json(json_pack("{s:s}", "file", file), err);
	printf("%s holds the ledger as it is now; to use the vouchers in it, keep %s/voucher.key "
	       "as well\n",
	       file, invocation->instance.state);
	return 0;
}

int sp_ledger_backup_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct sp_ledger *ledger;
	int code = sp_open_ledger(invocation, &ledger, err);

	if (code)
		return code;
	code = sp_ledger_backup(ledger, invocation->operand, err);
	sp_ledger_close(ledger);
	return code ? code : put_backup(invocation, err);
}

/* --- check --- */

struct damage {
	json_t *list; /* NULL: text */
};

static void put_damage(const char *sentence, void *context)
{
	const struct damage *damage = context;

	if (damage->list)
		json_array_append_new(damage->list, json_string(sentence));
	else
		printf("%s\n", sentence);
}

static int conclude(const struct sp_invocation *invocation, const struct damage *damage, int found,
                    struct sp_error *err)
{
	int code = 0;

	if (invocation->json)
		code = sp_put_json(json_pack("{s:b, s:O}", "ok", !found, "damage", damage->list),
		                   err);
	else if (!found)
		printf("the ledger is as it should be\n");
	if (code || !found)
		return code;
	return sp_fail(err, -EUCLEAN, SP_EXIT_FAILED,
	               "%s/ledger.db is damaged: put back a copy (`sallyport ledger backup` makes "
	               "them), or move it away and a new one is made",
	               invocation->instance.state);
}

int sp_ledger_check_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct damage damage = {.list = invocation->json ? json_array() : NULL};
	struct sp_ledger *ledger;
	int code = sp_open_ledger(invocation, &ledger, err);

	if (!code) {
		code = sp_ledger_check(ledger, put_damage, &damage, err);
		sp_ledger_close(ledger);
		if (code >= 0)
			code = conclude(invocation, &damage, code, err);
	}
	json_decref(damage.list);
	return code;
}

/* --- prune --- */

/* What is older is deleted; 0: nothing, it is kept for ever. */
static int find_bound(const struct sp_invocation *invocation, uint64_t *before,
                      struct sp_error *err)
{
	static struct sp_config config;
	uint64_t now = (uint64_t)time(NULL);
	int code;

	*before = 0;
	if (invocation->option[SP_OPTION_BEFORE])
		return sp_moment_past_option(invocation, SP_OPTION_BEFORE, false, before, err);
	code = sp_open_config(invocation, &config, true, err);
	if (!code && config.retention && config.retention < now)
		*before = now - config.retention;
	return code;
}

static int prune_all(struct sp_ledger *ledger, uint64_t before, uint64_t *total,
                     struct sp_error *err)
{
	unsigned removed;
	int code;

	for (;;) {
		code = sp_ledger_prune(ledger, before, PIECE, &removed, err);
		if (code || !removed)
			return code;
		*total += removed;
		usleep(PAUSE_US);
	}
}

int sp_ledger_prune_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct sp_ledger *ledger;
	uint64_t before, total = 0;
	int code = find_bound(invocation, &before, err);

	if (!code)
		code = sp_open_ledger(invocation, &ledger, err);
	if (code)
		return code;
	code = prune_all(ledger, before, &total, err);
	sp_ledger_close(ledger);
	if (code)
		return code;
	if (invocation->json)
		return sp_put_json(json_pack("{s:I}", "deleted", (json_int_t)total), err);
	printf("%llu rows deleted\n", (unsigned long long)total);
	return 0;
}
