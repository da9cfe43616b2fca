/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "radius/queue.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "ipc/tally.h"
#include "lib/monotonic.h"
#include "radius/account.h"

#define BACKOFF_MS      5000u  /* after a first round in vain */
#define BACKOFF_MOST_MS 60000u /* and at most */

int sp_radius_queue_open(struct sp_radius_queue *queue, const struct sp_ipc_radius *setup,
                         void (*done)(const struct sp_ipc_account *what, bool given_up),
                         struct sp_error *err)
{
	memset(queue, 0, sizeof(*queue));
	queue->done = done;
	return sp_radius_client_open(&queue->client, setup, err);
}

static bool is_update(const struct sp_radius_job *job)
{
	return job->what.status == SP_IPC_ACCOUNT_INTERIM;
}

/* Whether the ledger waits for a word about it. */
static bool is_awaited(const struct sp_radius_job *job)
{
	return job->what.status == SP_IPC_ACCOUNT_START || job->what.status == SP_IPC_ACCOUNT_STOP;
}

static struct sp_radius_out *find_out(struct sp_radius_queue *queue,
                                      const struct sp_radius_job *job)
{
	for (unsigned i = 0; i < SP_RADIUS_OUT; i++)
		if (queue->out[i].job == job)
			return &queue->out[i];
	return NULL;
}

static void end_job(struct sp_radius_queue *queue, struct sp_radius_job *job)
{
	struct sp_radius_out *out = job->out ? find_out(queue, job) : NULL;

	if (out)
		out->job = NULL;
	job->out = false;
	job->used = false;
}

/* A free place, of which updates leave some to others; the update about @session, if there is one,
 * goes. */
static struct sp_radius_job *find_room(struct sp_radius_queue *queue, uint64_t session, bool update)
{
	struct sp_radius_job *room = NULL;
	unsigned used = 0;

	for (unsigned i = 0; i < SP_RADIUS_JOBS; i++) {
		struct sp_radius_job *job = &queue->job[i];

		if (job->used && is_update(job) && job->what.id == session)
			end_job(queue, job);
		if (job->used)
			used++;
		else if (!room)
			room = job;
	}
	return update && used >= SP_RADIUS_JOBS - SP_RADIUS_RESERVED ? NULL : room;
}

bool sp_radius_queue_take(struct sp_radius_queue *queue, const struct sp_ipc_account *what,
                          uint64_t now)
{
	struct sp_radius_job *job =
		find_room(queue, what->id, what->status == SP_IPC_ACCOUNT_INTERIM);

	if (!job)
		return false;
	*job = (struct sp_radius_job){.used = true, .taken = now, .due = now, .what = *what};
	return true;
}

/* The first server that is not known to be silent; if all are, the one that was so first. */
static unsigned choose_server(const struct sp_radius_queue *queue, uint64_t now)
{
	unsigned best = 0;

	for (unsigned i = 0; i < queue->client.setup->server_count; i++) {
		if (queue->client.way[i].dead_until <= now)
			return i;
		if (queue->client.way[i].dead_until < queue->client.way[best].dead_until)
			best = i;
	}
	return best;
}

static bool id_in_use(const struct sp_radius_queue *queue, uint8_t id)
{
	for (unsigned i = 0; i < SP_RADIUS_OUT; i++)
		if (queue->out[i].job && queue->out[i].tries && queue->out[i].id == id)
			return true;
	return false;
}

/* Another id each time: what is sent says another Acct-Delay-Time (RFC 2866, 4.1). */
static uint8_t choose_id(struct sp_radius_queue *queue)
{
	while (id_in_use(queue, ++queue->next_id))
		;
	return queue->next_id;
}

static int transmit(const struct sp_radius_queue *queue, struct sp_radius_out *out)
{
	const struct sp_ipc_radius_server *server = &queue->client.setup->server[out->server];
	const struct sp_radius_way *way = &queue->client.way[out->server];
	int ret = 0;

	out->sent = sp_monotonic_us();
	sp_radius_begin(&out->request, SP_RADIUS_ACCOUNTING_REQUEST, out->id, NULL);
	sp_radius_account_build(&out->request, queue->client.setup, &out->job->what,
	                        (uint64_t)time(NULL));
	ret = sp_radius_seal(&out->request, server->secret);
	if (!ret && send(way->socket, out->request.data, out->request.length,
	                 MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		ret = -errno;
	return ret;
}

static void silent(struct sp_radius_queue *queue, unsigned index, uint64_t now)
{
	struct sp_radius_way *way = &queue->client.way[index];
	char name[SP_RADIUS_SERVER_NAME];

	if (way->dead_until > now)
		return;
	sp_log_limited(&way->limit, SP_LOG_WARNING, "RADIUS server %s: no answer to accounting",
	               sp_radius_server_name(name, &queue->client.setup->server[index]));
	way->dead_until = now + SP_RADIUS_DEAD_MS;
	/* With a port and a route that are fresh when it is asked next. */
	(void)sp_radius_client_connect(&queue->client, index);
}

static bool has_answered(const struct sp_radius_queue *queue, uint64_t since)
{
	for (unsigned i = 0; i < queue->client.setup->server_count; i++)
		if (queue->answered[i] > since)
			return true;
	return false;
}

/* No server has taken it: later again, or never. */
static void end_round(struct sp_radius_queue *queue, struct sp_radius_out *out, uint64_t now)
{
	struct sp_radius_job *job = out->job;
	uint64_t wait = (uint64_t)BACKOFF_MS << (job->rounds < 4 ? job->rounds : 4);
	const bool often = ++job->rounds >= SP_RADIUS_ROUNDS;

	out->job = NULL;
	job->out = false;
	job->due = now + (wait < BACKOFF_MOST_MS ? wait : BACKOFF_MOST_MS);
	if (!is_awaited(job)) {
		job->used = !often;
	} else if (often && has_answered(queue, job->taken)) {
		job->used = false;
		sp_tally->radius.given_up++;
		queue->done(&job->what, true);
	}
}

static void send_out(struct sp_radius_queue *queue, struct sp_radius_out *out, uint64_t now)
{
	const struct sp_ipc_radius *setup = queue->client.setup;

	if (out->tries >= setup->tries) {
		/* One that answers others is not silent: it will not have this one. */
		const bool alive =
			queue->answered[out->server] + (uint64_t)setup->tries * setup->timeout_ms >
			now;

		sp_tally->radius.server[out->server].asked[SP_TALLY_SILENT]++;
		if (!alive)
			silent(queue, out->server, now);
		out->tries = 0;
		if (alive || queue->client.way[choose_server(queue, now)].dead_until > now) {
			end_round(queue, out, now);
			return;
		}
	}
	if (!out->tries)
		out->server = choose_server(queue, now);
	out->id = choose_id(queue);
	out->tries++;
	out->job->due = now + setup->timeout_ms;
	/* What cannot be sent is as good as lost on its way. */
	if (transmit(queue, out))
		out->tries = setup->tries;
}

/* Give @job a place among those that are out. NULL: there is none. */
static struct sp_radius_out *let_out(struct sp_radius_queue *queue, struct sp_radius_job *job)
{
	struct sp_radius_out *out = find_out(queue, job->out ? job : NULL);

	if (out && !job->out) {
		out->job = job;
		out->tries = 0;
		job->out = true;
	}
	return out;
}

uint64_t sp_radius_queue_attend(struct sp_radius_queue *queue, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	unsigned used = 0;
	bool full = false;

	for (unsigned i = 0; i < SP_RADIUS_JOBS; i++) {
		struct sp_radius_job *job = &queue->job[i];

		if (job->used && job->due <= now && (job->out || !full)) {
			struct sp_radius_out *out = let_out(queue, job);

			full = !out;
			if (out)
				send_out(queue, out, now);
		}
		used += queue->job[i].used;
		/* What waits for a place goes on when one that is out ends. */
		if (job->used && job->due > now && job->due < next)
			next = job->due;
	}
	sp_tally->gauge[SP_TALLY_QUEUED] = used;
	return next;
}

static struct sp_radius_out *find_asked(struct sp_radius_queue *queue, unsigned index, uint8_t id)
{
	for (unsigned i = 0; i < SP_RADIUS_OUT; i++) {
		struct sp_radius_out *out = &queue->out[i];

		if (out->job && out->tries && out->server == index && out->id == id)
			return out;
	}
	return NULL;
}

static void take_answer(struct sp_radius_queue *queue, unsigned index,
                        const struct sp_radius_packet *reply, uint64_t now)
{
	const struct sp_ipc_radius_server *server = &queue->client.setup->server[index];
	struct sp_radius_way *way = &queue->client.way[index];
	struct sp_tally_radius_server *tally = &sp_tally->radius.server[index];
	struct sp_radius_out *out = find_asked(queue, index, sp_radius_id(reply));
	struct sp_radius_job *job;
	char name[SP_RADIUS_SERVER_NAME];
	const char *wrong;

	/* Late, to what was sent again meanwhile: its repetition will be answered too. */
	if (!out)
		return;
	wrong = sp_radius_check_reply(reply, &out->request, server->secret);
	if (wrong) {
		tally->asked[SP_TALLY_UNTRUSTED]++;
		sp_log_limited(&way->limit, SP_LOG_WARNING,
		               "RADIUS server %s: an answer is not believed: %s",
		               sp_radius_server_name(name, server), wrong);
		return;
	}
	if (way->dead_until > now)
		sp_log_limited(&way->limit, SP_LOG_NOTICE,
		               "RADIUS server %s answers to accounting again",
		               sp_radius_server_name(name, server));
	way->dead_until = 0;
	queue->answered[index] = now;
	tally->asked[SP_TALLY_ACCEPTED]++;
	sp_histogram_count(&tally->round_trip, sp_monotonic_us() - out->sent);
	job = out->job;
	end_job(queue, job);
	if (is_awaited(job))
		queue->done(&job->what, false);
}

void sp_radius_queue_read(struct sp_radius_queue *queue, unsigned index, uint64_t now)
{
	static uint8_t bytes[SP_RADIUS_MOST];
	static struct sp_radius_packet reply;

	for (;;) {
		ssize_t length =
			recv(queue->client.way[index].socket, bytes, sizeof(bytes), MSG_DONTWAIT);

		/* An ICMP error is told once; the time-out deals with what it means. */
		if (length < 0 && errno != ECONNREFUSED && errno != EHOSTUNREACH &&
		    errno != ENETUNREACH && errno != EINTR)
			return;
		if (length >= 0 && sp_radius_receive(&reply, bytes, (size_t)length))
			take_answer(queue, index, &reply, now);
	}
}

unsigned sp_radius_queue_files(const struct sp_radius_queue *queue, struct pollfd *files)
{
	for (unsigned i = 0; i < queue->client.setup->server_count; i++)
		files[i] = (struct pollfd){.fd = queue->client.way[i].socket, .events = POLLIN};
	return queue->client.setup->server_count;
}
