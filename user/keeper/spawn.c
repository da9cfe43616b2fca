/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ipc/ipc.h"
#include "lib/log.h"

/* Above every number that a child's files get. */
#define PARKED 256

/* Of a responder; the portal has a map and its listeners. */
#define MOST (SP_IPC_FIRST_FD + SP_IPC_RESPONDER_FILES(SP_ZONES))

_Static_assert(PARKED >= MOST, "parked files are out of the way");
_Static_assert(MOST >= SP_IPC_FIRST_FD + 1 + 2 * SP_MAX_ADDRESSES,
               "there is room for the portal's");

/* A copy of @fd where no file of the child will be; it must not be inherited itself. */
static int park(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, PARKED);

	return copy < 0 ? -errno : copy;
}

/* Move copies of @fds to @first and following. dup2 clears close-on-exec. */
static int place(int first, const int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (dup2(fds[i], first + (int)i) < 0)
			return -errno;
	return 0;
}

static int arrange_files(int socket, int log, int tally, const int *files, unsigned count)
{
	int parked[MOST];
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int common[SP_IPC_FIRST_FD] = {
		null, null,
		log, [SP_IPC_KEEPER_FD] = socket, [SP_IPC_TALLY_FD] = tally < 0 ? null : tally};
	const unsigned total = count + SP_IPC_FIRST_FD;
	int ret;

	if (null < 0)
		return -errno;
	if (total > sizeof(parked) / sizeof(*parked))
		return -E2BIG;
	for (unsigned i = 0; i < total; i++) {
		int fd = i < SP_IPC_FIRST_FD ? common[i] : files[i - SP_IPC_FIRST_FD];

		parked[i] = park(fd);
		if (parked[i] < 0)
			return parked[i];
	}
	ret = place(0, parked, total);
	if (!ret && close_range(total, ~0u, 0))
		ret = -errno;
	return ret;
}

static int arrange_signals(pid_t parent)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL); /* fails for those that cannot be changed */
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL))
		return -errno;
	/* Ctrl-C is for the keeper, which then ends its children in order. */
	if (setsid() < 0)
		return -errno;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		return -errno;
	/* The parent may have died before that. */
	return getppid() == parent ? 0 : -ECANCELED;
}

pid_t sp_spawn(const char *program, int socket, int log, int tally, const int *files,
               unsigned count)
{
	char *const arguments[] = {strrchr(program, '/') + 1, NULL};
	char *const environment[] = {NULL};
	pid_t parent = getpid();
	pid_t pid = fork();
	int ret;

	if (pid < 0)
		return -errno;
	if (pid > 0)
		return pid;
	ret = arrange_signals(parent);
	if (!ret)
		ret = arrange_files(socket, log, tally, files, count);
	if (!ret) {
		execve(program, arguments, environment);
		ret = -errno;
	}
	sp_log(SP_LOG_ERROR, "%s: cannot be started: %s", program, strerror(-ret));
	_exit(127);
}
