/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/ask.h"

#include <errno.h>
#include <stddef.h>

#include "lib/monotonic.h"

void sp_ask_init(struct sp_asker *asker, int fd, sp_ask_done done)
{
	*asker = (struct sp_asker){.fd = fd, .done = done};
	asker->waiting.next = asker->waiting.previous = &asker->waiting;
}

static void append(struct sp_asker *asker, struct sp_ask *ask)
{
	ask->next = &asker->waiting;
	ask->previous = asker->waiting.previous;
	ask->previous->next = ask;
	asker->waiting.previous = ask;
}

void sp_ask_forget(struct sp_ask *ask)
{
	if (!ask->next)
		return;
	ask->next->previous = ask->previous;
	ask->previous->next = ask->next;
	ask->next = ask->previous = NULL;
}

int sp_ask_send(struct sp_asker *asker, struct sp_ask *ask, struct sp_ipc_request *request)
{
	int ret;

	request->id = ++asker->last_id;
	ret = sp_ipc_send(asker->fd, request, sizeof(*request));
	if (ret)
		return ret;
	*ask = (struct sp_ask){.deadline = sp_monotonic_ms() + SP_ASK_DEADLINE,
	                       .answer.id = request->id};
	append(asker, ask);
	return 0;
}

/* An answer that nobody waits for any more came too late. */
static void deliver(struct sp_asker *asker, const struct sp_ipc_answer *answer)
{
	for (struct sp_ask *ask = asker->waiting.next; ask != &asker->waiting; ask = ask->next) {
		if (ask->answer.id != answer->id)
			continue;
		sp_ask_forget(ask);
		ask->answer = *answer;
		ask->answered = true;
		asker->done(ask);
		return;
	}
}

int sp_ask_receive(struct sp_asker *asker)
{
	struct sp_ipc_answer answer;
	int ret = sp_ipc_receive(asker->fd, SP_IPC_ANSWER, &answer, sizeof(answer));

	if (!ret)
		deliver(asker, &answer);
	return ret;
}

void sp_ask_expire(struct sp_asker *asker, uint64_t now)
{
	while (asker->waiting.next != &asker->waiting && asker->waiting.next->deadline <= now) {
		struct sp_ask *ask = asker->waiting.next;

		sp_ask_forget(ask);
		asker->done(ask);
	}
}

uint64_t sp_ask_due(const struct sp_asker *asker)
{
	return asker->waiting.next == &asker->waiting ? UINT64_MAX : asker->waiting.next->deadline;
}
