/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/session_gather.h"

#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bpf.h>

#include "lib/ledger.h"
#include "lib/log.h"
#include "lib/slots.h"

struct sp_gathering {
	bool open;
	unsigned count;
	struct sp_granted granted[SP_GATHER];
};

void sp_session_gather(struct sp_maps *maps)
{
	struct sp_ledger *ledger = maps->remember ? sp_session_ledger(maps, NULL) : NULL;

	if (!maps->gathering)
		maps->gathering = calloc(1, sizeof(*maps->gathering));
	if (!ledger || !maps->gathering)
		return;
	maps->gathering->open = true;
	sp_ledger_gather(ledger, true);
}

void sp_session_granted(struct sp_maps *maps, const struct sp_granted *granted)
{
	struct sp_gathering *gathering = maps->gathering;

	if (!gathering || !gathering->open || !granted->memory.ledger)
		return;
	if (gathering->count == SP_GATHER)
		return;
	gathering->granted[gathering->count++] = *granted;
	if (gathering->count == SP_GATHER)
		sp_ledger_gather(granted->memory.ledger, false);
}

/* The map as it was before, if it is as it was left. */
static bool put_out(const struct sp_maps *maps, const struct sp_granted *granted)
{
	struct sp_client_policy now;

	if (bpf_map_lookup_elem(maps->clients, &granted->key, &now) ||
	    memcmp(&now, &granted->policy, sizeof(now)) != 0)
		return false;
	if (granted->known)
		return !bpf_map_update_elem(maps->clients, &granted->key, &granted->before,
		                            BPF_EXIST);
	if (bpf_map_delete_elem(maps->clients, &granted->key))
		return false;
	sp_slots_release(maps, now.slot);
	return true;
}

static void undo(struct sp_maps *maps, struct sp_ledger *ledger, struct sp_granted *granted)
{
	if (sp_maps_lock(maps, NULL))
		return;
	if (put_out(maps, granted) && ledger) {
		granted->memory.clock = &granted->clock;
		granted->memory.ledger = ledger;
		sp_memory_undo(&granted->memory);
	}
	sp_maps_unlock(maps);
}

/* Last come, first gone. The ledger is opened anew, and does not wait for that disk. */
static void undo_all(struct sp_maps *maps, struct sp_gathering *gathering)
{
	struct sp_error err;
	struct sp_ledger *ledger = sp_session_ledger(maps, &err);

	if (ledger)
		sp_ledger_gather(ledger, true);
	else
		sp_log(SP_LOG_ERROR,
		       "%u sessions were not begun, but the ledger does not say so: %s",
		       gathering->count, err.text);
	for (unsigned i = gathering->count; i-- > 0;)
		undo(maps, ledger, &gathering->granted[i]);
	if (ledger)
		(void)sp_ledger_settle(ledger, NULL);
}

int sp_session_settle(struct sp_maps *maps, struct sp_error *err)
{
	struct sp_gathering *gathering = maps->gathering;
	int code = 0;

	if (!gathering || !gathering->open)
		return 0;
	gathering->open = false;
	if (maps->ledger)
		code = sp_ledger_settle(maps->ledger, err);
	if (code)
		undo_all(maps, gathering);
	gathering->count = 0;
	return code;
}

void sp_gathering_free(struct sp_gathering *gathering)
{
	free(gathering);
}
