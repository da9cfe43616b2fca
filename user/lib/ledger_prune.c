/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ledger_care.h"
#include "lib/ledger_db.h"

/* A creation of vouchers takes seconds; one that is as old as this was killed. */
#define CREATION_SECONDS 3600

struct pruning {
	struct sp_ledger *ledger;
	uint64_t before;
	unsigned most, removed;
	struct sp_error *err;
};

/* Run @query, which deletes. */
static int count(struct pruning *pruning, struct sp_statement *query)
{
	unsigned changed = 0;
	int code = sp_statement_run(query, &changed, pruning->err);

	pruning->removed += changed;
	return code;
}

/* From here on the log's own trigger lets go of what is older. */
static int allow(struct pruning *pruning)
{
	static const char sql[] =
		"UPDATE state SET log_before = ?, refused_before = max(refused_before, ifnull("
		"(SELECT id FROM log WHERE event = 5 ORDER BY id DESC LIMIT 1 OFFSET ?), 0) + 1)";
	struct sp_statement query = sp_statement(pruning->ledger, sql);

	sp_in_number(&query, pruning->before);
	sp_in_number(&query, SP_LEDGER_REFUSED);
	return sp_statement_run(&query, NULL, pruning->err);
}

static int prune_log(struct pruning *pruning)
{
	static const char sql[] = "DELETE FROM log WHERE id IN (SELECT id FROM log WHERE time < "
				  "(SELECT log_before FROM state) ORDER BY time LIMIT ?)";
	struct sp_statement query = sp_statement(pruning->ledger, sql);

	sp_in_number(&query, pruning->most);
	return count(pruning, &query);
}

static int prune_refused(struct pruning *pruning)
{
	static const char sql[] =
		"DELETE FROM log WHERE id IN (SELECT id FROM log WHERE event = 5 AND id < "
		"(SELECT refused_before FROM state) ORDER BY id LIMIT ?)";
	struct sp_statement query = sp_statement(pruning->ledger, sql);

	sp_in_number(&query, pruning->most);
	return count(pruning, &query);
}

/* Twice the same ones, in one transaction. */
#define OLD_SESSIONS                                                                     \
	"SELECT id FROM session WHERE ended > 0 AND ended < ?1 AND NOT (method = 4 AND " \
	"accounted < 2) ORDER BY ended, id LIMIT ?2"

static int sum_up(struct pruning *pruning)
{
	static const char sql[] =
		"UPDATE place SET sessions = sessions + used.count, "
		"up_bytes = place.up_bytes + used.up, down_bytes = place.down_bytes + used.down "
		"FROM (SELECT voucher, mac, vlan, count(*) AS count, sum(up_bytes) AS up, "
		"sum(down_bytes) AS down FROM session WHERE voucher IS NOT NULL AND id IN "
		"(" OLD_SESSIONS ") GROUP BY voucher, mac, vlan) AS used WHERE "
		"place.voucher = used.voucher AND place.mac = used.mac AND place.vlan = used.vlan";
	struct sp_statement query = sp_statement(pruning->ledger, sql);

	sp_in_number(&query, pruning->before);
	sp_in_number(&query, pruning->most);
	return sp_statement_run(&query, NULL, pruning->err);
}

static int prune_sessions(struct pruning *pruning)
{
	static const char sql[] = "DELETE FROM session WHERE id IN (" OLD_SESSIONS ")";
	struct sp_statement query = sp_statement(pruning->ledger, sql);

	sp_in_number(&query, pruning->before);
	sp_in_number(&query, pruning->most);
	return count(pruning, &query);
}

static int prune_vouchers(struct pruning *pruning)
{
	static const char vouchers[] =
		"DELETE FROM voucher WHERE id IN (SELECT voucher.id FROM voucher JOIN creation ON "
		"creation.id = voucher.creation WHERE creation > 0 AND begun < unixepoch() - ? "
		"LIMIT ?)";
	static const char creations[] =
		"DELETE FROM creation WHERE begun < unixepoch() - ? AND NOT EXISTS "
		"(SELECT 1 FROM voucher WHERE creation > 0 AND creation = creation.id)";
	struct sp_statement query = sp_statement(pruning->ledger, vouchers);
	int code;

	sp_in_number(&query, CREATION_SECONDS);
	sp_in_number(&query, pruning->most);
	code = count(pruning, &query);
	if (code)
		return code;
	query = sp_statement(pruning->ledger, creations);
	sp_in_number(&query, CREATION_SECONDS);
	return count(pruning, &query);
}

static int prune(struct pruning *pruning)
{
	int code = allow(pruning);

	if (!code)
		code = prune_log(pruning);
	if (!code)
		code = prune_refused(pruning);
	if (!code)
		code = sum_up(pruning);
	if (!code)
		code = prune_sessions(pruning);
	return code ? code : prune_vouchers(pruning);
}

int sp_ledger_prune(struct sp_ledger *ledger, uint64_t before, unsigned most, unsigned *removed,
                    struct sp_error *err)
{
	struct pruning pruning = {.ledger = ledger, .before = before, .most = most, .err = err};
	bool own;
	int code = sp_db_enter(ledger, false, &own, err);

	*removed = 0;
	if (code)
		return code;
	code = prune(&pruning);
	*removed = pruning.removed;
	return sp_db_leave(ledger, own, code, err);
}
