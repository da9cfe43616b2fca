/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "lib/ledger.h"
#include "lib/ledger_db.h"

#define COLUMNS "name, hash, " SP_LIMIT_COLUMNS ", devices, until, disabled, note"

static int missing(const char *name, struct sp_error *err)
{
	return sp_fail(err, -ENOENT, SP_EXIT_NOT_FOUND,
	               "there is no user \"%s\"; `sallyport user list` shows those that there are",
	               name);
}

static void take(struct sp_statement *query, struct sp_user *user)
{
	*user = (struct sp_user){.devices = 0};
	sp_out_text(query, user->name, sizeof(user->name));
	sp_out_text(query, user->hash, sizeof(user->hash));
	sp_out_limits(query, &user->limits);
	user->devices = (uint32_t)sp_out_number(query);
	user->until = sp_out_number(query);
	user->disabled = sp_out_number(query) != 0;
	sp_out_text(query, user->note, sizeof(user->note));
}

/* Run what changes one user. */
static int change(struct sp_statement *query, const char *name, struct sp_error *err)
{
	unsigned changed = 0;
	bool own;
	int code = sp_db_enter(query->ledger, true, &own, err);

	if (code)
		return code;
	code = sp_statement_run(query, &changed, err);
	if (!code && !changed)
		code = missing(name, err);
	return sp_db_leave(query->ledger, own, code, err);
}

int sp_ledger_user_add(struct sp_ledger *ledger, const struct sp_user *user, struct sp_error *err)
{
	static const char sql[] =
		"INSERT INTO user (" COLUMNS ") VALUES (?, ?, " SP_LIMIT_VALUES ", ?, ?, ?, ?)";
	struct sp_statement query = sp_statement(ledger, sql);
	int code;

	sp_in_text(&query, user->name);
	sp_in_text(&query, user->hash);
	sp_in_limits(&query, &user->limits);
	sp_in_number(&query, user->devices);
	sp_in_number(&query, user->until);
	sp_in_number(&query, user->disabled);
	sp_in_text(&query, user->note);
	code = change(&query, user->name, err);
	if (code == -EEXIST)
		return sp_fail(
			err, code, SP_EXIT_FAILED,
			"there is a user \"%s\" already; `sallyport user passwd` changes the "
			"password, `sallyport user remove` forgets the user",
			user->name);
	return code;
}

int sp_ledger_user_get(struct sp_ledger *ledger, const char *name, struct sp_user *user,
                       struct sp_error *err)
{
	static const char sql[] = "SELECT " COLUMNS " FROM user WHERE name = ?";
	struct sp_statement query = sp_statement(ledger, sql);
	int code;

	sp_in_text(&query, name);
	code = sp_statement_step(&query, err);
	if (code == 0)
		return missing(name, err);
	if (code < 0)
		return code;
	take(&query, user);
	sp_statement_end(&query);
	return 0;
}

int sp_ledger_user_remove(struct sp_ledger *ledger, const char *name, struct sp_error *err)
{
	static const char sql[] = "DELETE FROM user WHERE name = ?";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_text(&query, name);
	return change(&query, name, err);
}

int sp_ledger_user_password(struct sp_ledger *ledger, const char *name, const char *hash,
                            struct sp_error *err)
{
	static const char sql[] = "UPDATE user SET hash = ? WHERE name = ?";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_text(&query, hash);
	sp_in_text(&query, name);
	return change(&query, name, err);
}

int sp_ledger_user_disable(struct sp_ledger *ledger, const char *name, bool disabled,
                           struct sp_error *err)
{
	static const char sql[] = "UPDATE user SET disabled = ? WHERE name = ?";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_number(&query, disabled);
	sp_in_text(&query, name);
	return change(&query, name, err);
}

int sp_ledger_user_each(struct sp_ledger *ledger, sp_user_visit visit, void *context,
                        struct sp_error *err)
{
	static const char sql[] = "SELECT " COLUMNS " FROM user ORDER BY name";
	struct sp_statement query = sp_statement(ledger, sql);
	struct sp_user user;
	int code = 0, visited = 0;

	while (!visited && (code = sp_statement_step(&query, err)) > 0) {
		take(&query, &user);
		visited = visit(&user, context);
	}
	if (visited)
		sp_statement_end(&query);
	return visited ? visited : code;
}
