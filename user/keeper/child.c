/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ipc/ipc.h"
#include "keeper/spawn.h"
#include "lib/log.h"
#include "lib/monotonic.h"

#define READY_DEADLINE 10000u /* ms from start to SP_IPC_READY */
#define DELAY_LEAST    100u   /* ms before the first restart, doubled for each further one ... */
#define DELAY_MOST     30000u
#define STEADY         60000u  /* ... until it has run for so long */
#define EXIT_DEADLINE  1000u   /* ms from the end of its socket to its own */
#define END_DEADLINE   2000u   /* ms that shutdown waits before it kills */
#define LOG_BURST      100u    /* lines of its log at once, then one a second */
#define LOG_LINES      64u     /* in one round, lest it keeps others waiting */
#define SOCKET_BUFFER  1048576 /* bytes: an answer for every connection of the portal */

void sp_child_init(struct sp_child *child, const struct sp_child_plan *plan)
{
	int ends[2];

	*child = (struct sp_child){.plan = *plan,
	                           .socket = -1,
	                           .delay = DELAY_LEAST,
	                           .log = -1,
	                           .log_end = STDERR_FILENO,
	                           .log_limit = {.burst = LOG_BURST}};
	/* O_DIRECT: what is written at once is read at once, pipe(2). Who writes faster than it is
	 * read loses lines and does not wait. */
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK | O_DIRECT)) {
		sp_log(SP_LOG_WARNING, "%s writes to stderr itself: pipe: %s", plan->name,
		       strerror(errno));
		return;
	}
	child->log = ends[0];
	child->log_end = ends[1];
}

static void close_log(struct sp_child *child)
{
	if (child->log < 0)
		return;
	close(child->log);
	close(child->log_end);
	child->log = -1;
}

/* The end of its program's path, by which it calls itself in its log. */
static const char *process_name(const struct sp_child *child)
{
	return strrchr(child->plan.program, '/') + 1;
}

void sp_child_relay(struct sp_child *child)
{
	char line[SP_LOG_TEXT];
	ssize_t length = 1;

	for (unsigned i = 0; i < LOG_LINES && child->log >= 0 && length > 0; i++) {
		length = read(child->log, line, sizeof(line));
		if (length > 0)
			sp_log_relay(&child->log_limit, process_name(child), (int)child->pid, line,
			             (unsigned)length);
	}
}

static void plan_restart(struct sp_child *child)
{
	uint64_t now = sp_monotonic_ms();

	if (now - child->started >= STEADY)
		child->delay = DELAY_LEAST;
	child->start_at = now + child->delay;
	child->delay = child->delay * 2 > DELAY_MOST ? DELAY_MOST : child->delay * 2;
}

/* A socketpair with room for bursts; the buffers stay smaller where the kernel refuses. */
static int make_pair(int pair[2])
{
	const int size = SOCKET_BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -errno;
	for (int i = 0; i < 2; i++)
		if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
			sp_log(SP_LOG_WARNING, "cannot enlarge a socket buffer: %s",
			       strerror(errno));
	return 0;
}

int sp_child_start(struct sp_child *child)
{
	const struct sp_child_plan *plan = &child->plan;
	int pair[2] = {-1, -1}, tally = sp_tally_begin(&child->tally);
	int ret = tally < 0 ? tally : make_pair(pair);

	child->started = sp_monotonic_ms();
	/* The setup waits in the socket, so the child need not wait for it. */
	if (!ret)
		ret = sp_ipc_send(pair[0], plan->setup, plan->setup_size);
	if (!ret)
		ret = sp_spawn(plan->program, pair[1], child->log_end, tally, plan->files,
		               plan->file_count);
	if (pair[1] >= 0)
		close(pair[1]);
	if (tally >= 0)
		close(tally);
	if (ret < 0) {
		if (pair[0] >= 0)
			close(pair[0]);
		plan_restart(child);
		sp_log(SP_LOG_ERROR, "%s: cannot be started: %s", plan->name, strerror(-ret));
		return ret;
	}
	child->pid = ret;
	child->socket = pair[0];
	child->ready = false;
	child->stopped = NULL;
	return 0;
}

static void close_socket(struct sp_child *child)
{
	if (child->socket >= 0)
		close(child->socket);
	child->socket = -1;
	child->ready = false;
}

void sp_child_stop(struct sp_child *child, const char *reason)
{
	close_socket(child);
	child->stopped = reason;
	kill(child->pid, SIGKILL);
}

void sp_child_renew(struct sp_child *child, const char *reason)
{
	if (!child->pid)
		return;
	child->renewed = true;
	sp_child_stop(child, reason);
}

void sp_child_hung_up(struct sp_child *child)
{
	close_socket(child);
	child->kill_at = sp_monotonic_ms() + EXIT_DEADLINE;
}

static void report(const struct sp_child *child, int status)
{
	const char *name = child->plan.name;
	uint64_t wait = child->start_at - sp_monotonic_ms();

	if (WIFEXITED(status))
		sp_log(SP_LOG_ERROR,
		       "%s (pid %d) exited with status %d; starting it again in %u ms", name,
		       (int)child->pid, WEXITSTATUS(status), (unsigned)wait);
	else if (child->stopped && WTERMSIG(status) == SIGKILL)
		sp_log(SP_LOG_ERROR, "%s (pid %d) was ended: %s; starting it again in %u ms", name,
		       (int)child->pid, child->stopped, (unsigned)wait);
	else if (WTERMSIG(status) == SIGSYS)
		sp_log(SP_LOG_ERROR,
		       "%s (pid %d) was killed for a forbidden system call; starting it again in "
		       "%u ms",
		       name, (int)child->pid, (unsigned)wait);
	else
		sp_log(SP_LOG_ERROR, "%s (pid %d) died of signal %d; starting it again in %u ms",
		       name, (int)child->pid, WTERMSIG(status), (unsigned)wait);
}

bool sp_child_reap(struct sp_child *child)
{
	int status;

	if (!child->pid || waitpid(child->pid, &status, WNOHANG) != child->pid)
		return false;
	close_socket(child);
	/* Its last words come first. */
	sp_child_relay(child);
	sp_tally_end(&child->tally);
	if (child->renewed) {
		child->start_at = sp_monotonic_ms();
		sp_log(SP_LOG_NOTICE, "%s (pid %d) is started again: %s", child->plan.name,
		       (int)child->pid, child->stopped);
	} else {
		plan_restart(child);
		child->restarts++;
		report(child, status);
	}
	child->pid = 0;
	child->renewed = false;
	return true;
}

uint64_t sp_child_due(const struct sp_child *child)
{
	if (!child->pid)
		return child->start_at;
	if (child->socket < 0)
		return child->stopped ? UINT64_MAX : child->kill_at;
	return child->ready ? UINT64_MAX : child->started + READY_DEADLINE;
}

void sp_child_attend(struct sp_child *child)
{
	if (!child->pid || sp_child_due(child) > sp_monotonic_ms())
		return;
	sp_child_stop(child, child->socket < 0 ? "it closed its socket and did not exit"
	                                       : "it was not ready in time");
}

static unsigned reap_quietly(struct sp_child *children, unsigned count)
{
	unsigned left = 0;

	for (unsigned i = 0; i < count; i++) {
		if (children[i].pid && waitpid(children[i].pid, NULL, WNOHANG) != 0)
			children[i].pid = 0;
		left += children[i].pid != 0;
	}
	return left;
}

void sp_child_end_all(struct sp_child *children, unsigned count)
{
	const struct timespec moment = {0, 10000000};
	uint64_t until = sp_monotonic_ms() + END_DEADLINE;

	for (unsigned i = 0; i < count; i++)
		close_socket(&children[i]);
	while (reap_quietly(children, count) && sp_monotonic_ms() < until)
		nanosleep(&moment, NULL);
	for (unsigned i = 0; i < count; i++) {
		sp_tally_close(&children[i].tally);
		if (!children[i].pid)
			continue;
		kill(children[i].pid, SIGKILL);
		waitpid(children[i].pid, NULL, 0);
		children[i].pid = 0;
	}
	for (unsigned i = 0; i < count; i++) {
		sp_child_relay(&children[i]);
		close_log(&children[i]);
	}
}
