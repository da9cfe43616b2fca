/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/end_sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "lib/ledger.h"
#include "lib/maps.h"
#include "lib/session.h"

struct theirs {
	bool (*wanted)(const struct sp_record *record, const void *context);
	const void *context;
	struct one {
		uint64_t id;
		struct sp_client_key client;
		uint32_t generation;
	} * list;
	size_t count, room;
	struct sp_error *err;
};

static int collect(const struct sp_record *record, void *context)
{
	struct theirs *theirs = context;

	if (!theirs->wanted(record, theirs->context))
		return 0;
	if (theirs->count == theirs->room) {
		size_t room = theirs->room ? theirs->room * 2 : 16;
		struct one *more = reallocarray(theirs->list, room, sizeof(*theirs->list));

		if (!more)
			return sp_fail(theirs->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
		theirs->list = more;
		theirs->room = room;
	}
	theirs->list[theirs->count++] =
		(struct one){record->id, record->reading.client, record->reading.generation};
	return 0;
}

static int end_all(struct sp_maps *maps, struct theirs *theirs, unsigned *count)
{
	struct sp_ledger *ledger = sp_session_ledger(maps, theirs->err);
	int code = ledger ? sp_ledger_session_each(ledger, collect, theirs, theirs->err) : -EIO;

	for (size_t i = 0; i < theirs->count && !code; i++) {
		const struct one *one = &theirs->list[i];

		code = sp_session_end_one(maps, &one->client, one->generation, SP_CAUSE_OPERATOR,
		                          theirs->err);
		*count += code == 0;
		/* Ended by itself meanwhile. */
		code = code == -ENOENT ? 0 : code;
	}
	free(theirs->list);
	return code;
}

/* Of an instance that is not loaded: they must not come back with the next `up`. */
static int end_in_ledger(const struct sp_instance *instance, struct theirs *theirs, unsigned *count)
{
	struct sp_ledger *ledger;
	int code = sp_ledger_open(&ledger, instance, theirs->err);

	if (code)
		return code;
	code = sp_ledger_session_each(ledger, collect, theirs, theirs->err);
	for (size_t i = 0; i < theirs->count && !code; i++) {
		code = sp_ledger_session_end(ledger, theirs->list[i].id, SP_CAUSE_OPERATOR,
		                             (uint64_t)time(NULL), theirs->err);
		*count += code == 0;
	}
	free(theirs->list);
	sp_ledger_close(ledger);
	return code;
}

int sp_end_sessions(const struct sp_instance *instance,
                    bool (*wanted)(const struct sp_record *record, const void *context),
                    const void *context, unsigned *count, struct sp_error *err)
{
	struct theirs theirs = {.wanted = wanted, .context = context, .err = err};
	struct sp_maps maps;
	int code = sp_maps_open(&maps, instance, err);

	*count = 0;
	if (code && err->exit_code == SP_EXIT_NOT_LOADED)
		return end_in_ledger(instance, &theirs, count);
	if (code)
		return code;
	maps.remember = true;
	code = end_all(&maps, &theirs, count);
	sp_maps_close(&maps);
	return code;
}
