/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "lib/text.h"

#define PATIENCE_MS 5000
#define KILL_MS     2000

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
