/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "lib/monotonic.h"
#include "lib/text.h"

#define PATIENCE_MS 5000
#define KILL_MS     2000

#define ANSWER_PATH (SP_INSTANCE_PATH + 16)
#define ANSWER_MS   30000 /* more than a child gets to be ready */
#define AGAIN_MS    5000
#define LOOK_MS     10

int sp_daemon_pid(const struct sp_instance *instance)
{
	char path[SP_INSTANCE_PATH + 32], text[16] = "";
	uint64_t pid = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/sallyportd.pid", instance->run);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return 0;
	/* Read first: to try the lock of a daemon that is about to take it would disturb it. */
	if (read(fd, text, sizeof(text) - 1) > 0 && flock(fd, LOCK_SH | LOCK_NB) &&
	    errno == EWOULDBLOCK) {
		text[strcspn(text, "\n")] = '\0';
		sp_text_number(text, 1, INT_MAX, &pid);
	}
	close(fd);
	return (int)pid;
}

static bool has_ended(int pidfd, int milliseconds)
{
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

	return poll(&poll_fd, 1, milliseconds) == 1;
}

int sp_daemon_stop(const struct sp_instance *instance, struct sp_error *err)
{
	int pid = sp_daemon_pid(instance), pidfd, code = 0;

	if (!pid)
		return 0;
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0)
		return errno == ESRCH ? 0
		                      : sp_fail(err, -errno, SP_EXIT_FAILED,
		                                "cannot stop sallyportd, process %d: %s", pid,
		                                strerror(errno));
	/* Still the one that holds the lock: then the descriptor is that process's. */
	if (sp_daemon_pid(instance) != pid)
		goto out;
	if (pidfd_send_signal(pidfd, SIGTERM, NULL, 0) && errno != ESRCH)
		code = -errno;
	else if (!has_ended(pidfd, PATIENCE_MS) && pidfd_send_signal(pidfd, SIGKILL, NULL, 0) &&
	         errno != ESRCH)
		code = -errno;
	else if (!has_ended(pidfd, KILL_MS))
		code = -ETIMEDOUT;
	if (code)
		sp_fail(err, code, code == -EPERM ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
		        "cannot stop sallyportd, process %d: %s", pid, strerror(-code));
out:
	close(pidfd);
	return code;
}

/* /run/INSTANCE/reloaded: "TOKEN EXIT_CODE TEXT", written by the daemon. */
static void path_of_answer(const struct sp_instance *instance, char path[ANSWER_PATH])
{
	snprintf(path, ANSWER_PATH, "%s/reloaded", instance->run);
}

void sp_daemon_answer(const struct sp_instance *instance, int token, enum sp_exit code,
                      const char *text)
{
	char path[ANSWER_PATH], temporary[ANSWER_PATH + 4];
	FILE *file;

	path_of_answer(instance, path);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	file = fopen(temporary, "we");
	if (!file)
		return;
	fprintf(file, "%d %d %s", token, (int)code, text);
	/* Who waits sees that it takes too long. */
	if (fclose(file) || rename(temporary, path))
		unlink(temporary);
}

/* Whether the answer to @token is there: then @err has it, if it is not SP_EXIT_DONE. */
static bool read_answer(const struct sp_instance *instance, int token, struct sp_error *err)
{
	char path[ANSWER_PATH], text[SP_ERROR_TEXT + 32], *behind;
	size_t length;
	FILE *file;
	long code;

	path_of_answer(instance, path);
	file = fopen(path, "re");
	if (!file)
		return false;
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	if (strtol(text, &behind, 10) != token)
		return false;
	unlink(path);
	code = strtol(behind, &behind, 10);
	err->exit_code = SP_EXIT_DONE;
	if (code)
		sp_fail(err, -EINVAL, (enum sp_exit)code, "%s", behind + strspn(behind, " "));
	return true;
}

static int tell(int pid, int token, struct sp_error *err)
{
	const union sigval value = {.sival_int = token};

	if (!sigqueue(pid, SIGHUP, value))
		return 0;
	return sp_fail(err, -errno, SP_EXIT_FAILED, "cannot tell sallyportd, process %d: %s", pid,
	               strerror(errno));
}

/* The signal of somebody else at the same moment may have swallowed ours: it is told again. */
static int tell_and_wait(const struct sp_instance *instance, int pid, int pidfd,
                         struct sp_error *err)
{
	const int token = ((int)(getpid() ^ (int)sp_monotonic_ms()) & INT_MAX) | 1;
	const uint64_t until = sp_monotonic_ms() + ANSWER_MS;
	uint64_t next = 0;

	while (sp_monotonic_ms() < until) {
		bool over;

		if (sp_monotonic_ms() >= next && tell(pid, token, err))
			return -EPERM;
		if (sp_monotonic_ms() >= next)
			next = sp_monotonic_ms() + AGAIN_MS;
		over = has_ended(pidfd, LOOK_MS);
		if (read_answer(instance, token, err))
			return err->exit_code ? -EINVAL : 0;
		if (over)
			return sp_fail(err, -ESRCH, SP_EXIT_FAILED,
			               "sallyportd ended when it read the configuration; its log "
			               "says why");
	}
	return sp_fail(err, -ETIMEDOUT, SP_EXIT_FAILED,
	               "sallyportd does not say whether it has taken the configuration; see its "
	               "log");
}

/* One after the other: there is room for one answer. */
static int lock_answers(const struct sp_instance *instance)
{
	int fd = open(instance->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX)) {
		close(fd);
		return -errno;
	}
	return fd < 0 ? -errno : fd;
}

int sp_daemon_reload(const struct sp_instance *instance, struct sp_error *err)
{
	struct sp_error own = {.text = ""};
	int lock = lock_answers(instance), pid, pidfd, code;

	if (lock < 0)
		return sp_fail(err, lock, SP_EXIT_FAILED, "cannot lock %s: %s", instance->run,
		               strerror(-lock));
	pid = sp_daemon_pid(instance);
	pidfd = pid ? pidfd_open(pid, 0) : -1;
	if (pidfd >= 0)
		code = tell_and_wait(instance, pid, pidfd, &own);
	else if (!pid || errno == ESRCH)
		code = 0;
	else
		code = sp_fail(&own, -errno, SP_EXIT_FAILED,
		               "cannot watch sallyportd, process %d: %s", pid, strerror(errno));
	if (pidfd >= 0)
		close(pidfd);
	close(lock);
	if (code && err)
		*err = own;
	return code;
}
