/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "lib/ledger.h"
#include "lib/ledger_db.h"

/* Run what changes a block. Who was blocked must be so after a power failure as well. */
static int change(struct sp_statement *query, struct sp_error *err)
{
	bool own;
	int code = sp_db_enter(query->ledger, true, &own, err);

	if (code)
		return code;
	code = sp_statement_run(query, NULL, err);
	return sp_db_leave(query->ledger, own, code, err);
}

int sp_ledger_block_set(struct sp_ledger *ledger, const struct sp_block *block,
                        struct sp_error *err)
{
	static const char sql[] =
		"INSERT INTO block (mac, vlan, since, note) VALUES (?, ?, ?, ?) "
		"ON CONFLICT DO UPDATE SET since = excluded.since, note = excluded.note";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_client(&query, &block->client);
	sp_in_number(&query, block->since);
	sp_in_text(&query, block->note);
	return change(&query, err);
}

int sp_ledger_block_remove(struct sp_ledger *ledger, const struct sp_client_key *client,
                           struct sp_error *err)
{
	static const char sql[] = "DELETE FROM block WHERE mac = ? AND vlan = ?";
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_client(&query, client);
	return change(&query, err);
}

static void take(struct sp_statement *query, struct sp_block *block)
{
	sp_out_client(query, &block->client);
	block->since = sp_out_number(query);
	sp_out_text(query, block->note, sizeof(block->note));
}

int sp_ledger_block_get(struct sp_ledger *ledger, const struct sp_client_key *client,
                        struct sp_block *block, struct sp_error *err)
{
	static const char sql[] =
		"SELECT mac, vlan, since, note FROM block WHERE mac = ? AND vlan = ?";
	struct sp_statement query = sp_statement(ledger, sql);
	int code;

	sp_in_client(&query, client);
	code = sp_statement_step(&query, err);
	if (code < 0)
		return code;
	if (!code)
		return sp_fail(err, -ENOENT, SP_EXIT_NOT_FOUND, "that client is not blocked");
	take(&query, block);
	sp_statement_end(&query);
	return 0;
}

int sp_ledger_block_each(struct sp_ledger *ledger, sp_block_visit visit, void *context,
                         struct sp_error *err)
{
	static const char sql[] = "SELECT mac, vlan, since, note FROM block";
	struct sp_statement query = sp_statement(ledger, sql);
	struct sp_block block;
	int code = 0, visited = 0;

	while (!visited && (code = sp_statement_step(&query, err)) > 0) {
		take(&query, &block);
		visited = visit(&block, context);
	}
	if (visited)
		sp_statement_end(&query);
	return visited ? visited : code;
}
