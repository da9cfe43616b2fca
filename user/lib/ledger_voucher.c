/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/ledger.h"
#include "lib/ledger_db.h"

#define STORED SP_LIMIT_COLUMNS ", devices, starts, until, created, batch, note"
#define COLUMNS                                                                        \
	"id, first, seen, revoked, (SELECT count(*) FROM place WHERE place.voucher = " \
	"voucher.id), " STORED

/* Not of a creation that goes on, or was killed. */
#define MADE "(creation = 0 OR NOT EXISTS (SELECT 1 FROM creation WHERE id = voucher.creation))"

/* A voucher, and what only redeeming needs to know of it. */
struct row {
	struct sp_voucher voucher;
	uint64_t seen; /* the wall clock at the last redemption */
};

static void take(struct sp_statement *query, struct row *row)
{
	struct sp_voucher *voucher = &row->voucher;

	*row = (struct row){.seen = 0};
	voucher->id = sp_out_number(query);
	voucher->first = sp_out_number(query);
	row->seen = sp_out_number(query);
	voucher->revoked = sp_out_number(query) != 0;
	voucher->taken = (uint32_t)sp_out_number(query);
	sp_out_limits(query, &voucher->limits);
	voucher->devices = (uint32_t)sp_out_number(query);
	voucher->from = sp_out_number(query);
	voucher->until = sp_out_number(query);
	voucher->created = sp_out_number(query);
	sp_out_text(query, voucher->batch, sizeof(voucher->batch));
	sp_out_text(query, voucher->note, sizeof(voucher->note));
}

int sp_ledger_voucher_add(struct sp_ledger *ledger, const uint8_t digest[SP_VOUCHER_DIGEST],
                          struct sp_voucher *voucher, struct sp_error *err)
{
	static const char sql[] =
		"INSERT INTO voucher (digest, " STORED ", creation) VALUES (?, " SP_LIMIT_VALUES
		", ?, ?, ?, ?, ?, ?, ?)";
	struct sp_statement query = sp_statement(ledger, sql);
	bool own;
	int code = sp_db_enter(ledger, true, &own, err);

	if (code)
		return code;
	sp_in_bytes(&query, digest, SP_VOUCHER_DIGEST);
	sp_in_limits(&query, &voucher->limits);
	sp_in_number(&query, voucher->devices);
	sp_in_number(&query, voucher->from);
	sp_in_number(&query, voucher->until);
	sp_in_number(&query, voucher->created);
	sp_in_text(&query, voucher->batch);
	sp_in_text(&query, voucher->note);
	sp_in_number(&query, voucher->creation);
	code = sp_statement_run(&query, NULL, err);
	if (!code)
		voucher->id = (uint64_t)sqlite3_last_insert_rowid(ledger->db);
	return sp_db_leave(ledger, own, code, err);
}

/* Read the one row of @query. */
static int read_one(struct sp_statement *query, struct row *row, struct sp_error *err)
{
	int code = sp_statement_step(query, err);

	if (code < 0)
		return code;
	if (code == 0)
		return sp_fail(err, -ENOENT, SP_EXIT_NOT_FOUND,
		               "there is no such voucher; `sallyport voucher list` shows those "
		               "that there are");
	take(query, row);
	sp_statement_end(query);
	return 0;
}

static int find(struct sp_ledger *ledger, const uint8_t digest[SP_VOUCHER_DIGEST], struct row *row,
                struct sp_error *err)
{
	static const char sql[] = "SELECT " COLUMNS " FROM voucher WHERE digest = ? AND " MADE;
	struct sp_statement query = sp_statement(ledger, sql);

	sp_in_bytes(&query, digest, SP_VOUCHER_DIGEST);
	return read_one(&query, row, err);
}

int sp_ledger_voucher_find(struct sp_ledger *ledger, const uint8_t digest[SP_VOUCHER_DIGEST],
                           struct sp_voucher *voucher, struct sp_error *err)
{
	struct row row;
	int code = find(ledger, digest, &row, err);

	if (!code)
		*voucher = row.voucher;
	return code;
}

int sp_ledger_voucher_get(struct sp_ledger *ledger, uint64_t id, struct sp_voucher *voucher,
                          struct sp_error *err)
{
	static const char sql[] = "SELECT " COLUMNS " FROM voucher WHERE id = ? AND " MADE;
	struct sp_statement query = sp_statement(ledger, sql);
	struct row row;
	int code;

	sp_in_number(&query, id);
	code = read_one(&query, &row, err);
	if (!code)
		*voucher = row.voucher;
	return code;
}

int sp_ledger_voucher_count(struct sp_ledger *ledger, uint64_t *count, struct sp_error *err)
{
	int64_t number = 0;
	int code = sp_db_number(ledger, "SELECT count(*) FROM voucher WHERE revoked = 0 AND " MADE,
	                        &number, err);

	*count = (uint64_t)number;
	return code;
}

int sp_ledger_voucher_revoke(struct sp_ledger *ledger, uint64_t id, struct sp_error *err)
{
	static const char sql[] = "UPDATE voucher SET revoked = 1 WHERE id = ? AND " MADE;
	struct sp_statement query = sp_statement(ledger, sql);
	unsigned changed = 0;
	bool own;
	int code = sp_db_enter(ledger, true, &own, err);

	if (code)
		return code;
	sp_in_number(&query, id);
	code = sp_statement_run(&query, &changed, err);
	if (!code && !changed)
		code = sp_fail(err, -ENOENT, SP_EXIT_NOT_FOUND,
		               "there is no voucher %" PRIu64
		               "; `sallyport voucher list` shows those that there are",
		               id);
	return sp_db_leave(ledger, own, code, err);
}

int sp_ledger_voucher_each(struct sp_ledger *ledger, const char *batch, sp_voucher_visit visit,
                           void *context, struct sp_error *err)
{
	static const char all[] = "SELECT " COLUMNS " FROM voucher WHERE " MADE " ORDER BY id";
	static const char some[] =
		"SELECT " COLUMNS " FROM voucher WHERE batch = ? AND " MADE " ORDER BY id";
	struct sp_statement query = sp_statement(ledger, batch ? some : all);
	int code = 0, visited = 0;
	struct row row;

	if (batch)
		sp_in_text(&query, batch);
	while (!visited && (code = sp_statement_step(&query, err)) > 0) {
		take(&query, &row);
		visited = visit(&row.voucher, context);
	}
	if (visited)
		sp_statement_end(&query);
	return visited ? visited : code;
}

/* --- many at once --- */

int sp_ledger_creation_begin(struct sp_ledger *ledger, uint64_t now, uint64_t *creation,
                             struct sp_error *err)
{
	static const char sql[] = "INSERT INTO creation (begun) VALUES (?)";
	struct sp_statement query = sp_statement(ledger, sql);
	bool own;
	int code = sp_db_enter(ledger, false, &own, err);

	if (code)
		return code;
	sp_in_number(&query, now);
	code = sp_statement_run(&query, NULL, err);
	*creation = (uint64_t)sqlite3_last_insert_rowid(ledger->db);
	return sp_db_leave(ledger, own, code, err);
}

int sp_ledger_creation_end(struct sp_ledger *ledger, uint64_t creation, struct sp_error *err)
{
	static const char sql[] = "DELETE FROM creation WHERE id = ?";
	struct sp_statement query = sp_statement(ledger, sql);
	unsigned changed = 0;
	bool own;
	int code = sp_db_enter(ledger, true, &own, err);

	if (code)
		return code;
	sp_in_number(&query, creation);
	code = sp_statement_run(&query, &changed, err);
	if (!code && !changed)
		code = sp_fail(err, -ESTALE, SP_EXIT_FAILED,
		               "the vouchers took so long to be made that they were taken for "
		               "those of a command that was killed; nothing was made, try again");
	return sp_db_leave(ledger, own, code, err);
}

int sp_ledger_creation_undo(struct sp_ledger *ledger, uint64_t creation, unsigned most,
                            unsigned *removed, struct sp_error *err)
{
	static const char sql[] = "DELETE FROM voucher WHERE id IN (SELECT id FROM voucher WHERE "
				  "creation > 0 AND creation = ? LIMIT ?)";
	struct sp_statement query = sp_statement(ledger, sql);
	bool own;
	int code = sp_db_enter(ledger, false, &own, err);

	*removed = 0;
	if (code)
		return code;
	sp_in_number(&query, creation);
	sp_in_number(&query, most);
	code = sp_statement_run(&query, removed, err);
	return sp_db_leave(ledger, own, code, err);
}

/* --- redeeming --- */

struct redemption {
	struct sp_ledger *ledger;
	const struct sp_client_key *client;
	uint64_t now;
	struct row row;
	bool known; /* the client has a place */
	struct sp_limits left;
	struct sp_error *err;
};

static int refuse(const struct redemption *redemption, int code, const char *why)
{
	return sp_fail(redemption->err, code, SP_EXIT_FAILED, "voucher %" PRIu64 " %s",
	               redemption->row.voucher.id, why);
}

/*
 * A wall clock that was put back since the last redemption would give time back: the beginning
 * moves along with it, so that as much is used up as was then.
 */
static void follow_clock(struct redemption *redemption)
{
	struct sp_voucher *voucher = &redemption->row.voucher;
	uint64_t back =
		redemption->row.seen > redemption->now ? redemption->row.seen - redemption->now : 0;

	if (!voucher->first)
		voucher->first = redemption->now;
	else
		voucher->first = voucher->first > back ? voucher->first - back : 1;
}

static int look_for_place(struct redemption *redemption)
{
	static const char sql[] = "SELECT 1 FROM place WHERE voucher = ? AND mac = ? AND vlan = ?";
	struct sp_statement query = sp_statement(redemption->ledger, sql);
	int code;

	sp_in_number(&query, redemption->row.voucher.id);
	sp_in_client(&query, redemption->client);
	code = sp_statement_step(&query, redemption->err);
	redemption->known = code > 0;
	if (redemption->known)
		sp_statement_end(&query);
	return code < 0 ? code : 0;
}

static int check(struct redemption *redemption)
{
	const struct sp_voucher *voucher = &redemption->row.voucher;

	if (voucher->revoked)
		return refuse(redemption, -ENOENT, "is revoked");
	if (redemption->now < voucher->from)
		return refuse(redemption, -EAGAIN, "is not good yet");
	if (voucher->until && redemption->now >= voucher->until)
		return refuse(redemption, -ESTALE, "is not good any more");
	if (!redemption->known && voucher->taken >= voucher->devices)
		return refuse(redemption, -EUSERS, "is used by as many devices as it is for");
	return 0;
}

/* What is left of its time. */
static int count_time(struct redemption *redemption)
{
	const struct sp_voucher *voucher = &redemption->row.voucher;
	uint64_t used = redemption->now - voucher->first;

	redemption->left = voucher->limits;
	if (voucher->limits.seconds) {
		if (used >= voucher->limits.seconds)
			return refuse(redemption, -ESTALE, "has no time left");
		redemption->left.seconds -= used;
	}
	return sp_limits_until(&redemption->left, voucher->until, redemption->now);
}

/* What is left of its data: each device has its own. */
static int count_data(struct redemption *redemption)
{
	static const char sql[] =
		"SELECT ifnull(sum(up_bytes), 0), ifnull(sum(down_bytes), 0) FROM ("
		"SELECT up_bytes, down_bytes FROM session "
		"WHERE voucher = ?1 AND mac = ?2 AND vlan = ?3 UNION ALL "
		"SELECT up_bytes, down_bytes FROM place "
		"WHERE voucher = ?1 AND mac = ?2 AND vlan = ?3)";
	struct sp_statement query = sp_statement(redemption->ledger, sql);
	uint64_t up, down;
	int code;

	sp_in_number(&query, redemption->row.voucher.id);
	sp_in_client(&query, redemption->client);
	code = sp_statement_step(&query, redemption->err);
	if (code <= 0)
		return code;
	up = sp_out_number(&query);
	down = sp_out_number(&query);
	sp_statement_end(&query);
	if (!sp_limits_take_off(&redemption->left, up, down))
		return 0;
	return refuse(redemption, -ESTALE, "has no data left");
}

static int take_place(struct redemption *redemption)
{
	static const char sql[] =
		"INSERT INTO place (voucher, mac, vlan, since) VALUES (?, ?, ?, ?)";
	struct sp_statement query;

	if (redemption->known)
		return 0;
	query = sp_statement(redemption->ledger, sql);
	sp_in_number(&query, redemption->row.voucher.id);
	sp_in_client(&query, redemption->client);
	sp_in_number(&query, redemption->now);
	redemption->row.voucher.taken++;
	return sp_statement_run(&query, NULL, redemption->err);
}

static int write_times(const struct redemption *redemption)
{
	static const char sql[] = "UPDATE voucher SET first = ?, seen = ? WHERE id = ?";
	struct sp_statement query = sp_statement(redemption->ledger, sql);

	sp_in_number(&query, redemption->row.voucher.first);
	sp_in_number(&query, redemption->now);
	sp_in_number(&query, redemption->row.voucher.id);
	return sp_statement_run(&query, NULL, redemption->err);
}

int sp_ledger_voucher_redeem(struct sp_ledger *ledger, const uint8_t digest[SP_VOUCHER_DIGEST],
                             const struct sp_client_key *client, uint64_t now,
                             struct sp_voucher *voucher, struct sp_limits *left,
                             struct sp_error *err)
{
	struct redemption redemption = {.ledger = ledger, .client = client, .now = now, .err = err};
	int code = find(ledger, digest, &redemption.row, err);

	if (!code)
		code = look_for_place(&redemption);
	if (!code)
		code = check(&redemption);
	if (code)
		return code;
	follow_clock(&redemption);
	code = count_time(&redemption);
	if (!code)
		code = count_data(&redemption);
	if (!code)
		code = take_place(&redemption);
	if (!code)
		code = write_times(&redemption);
	*voucher = redemption.row.voucher;
	*left = redemption.left;
	return code;
}
