/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/systemd.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/monotonic.h"

/* See sd_notify(3), sd_watchdog_enabled(3) and sd_journal_print(3). */
static struct {
	int (*notify)(int unset, const char *state);
	int (*watchdog)(int unset, uint64_t *usec);
	int (*journal)(const struct iovec *fields, int count);
	int (*notify_with)(pid_t pid, int unset, const char *state, const int *fds, unsigned count);
} library;

static bool find(void *handle, const char *name, void *function)
{
	/* ISO C knows no way from an object's address to a function's; POSIX has this one. */
	return (*(void **)function = dlsym(handle, name)) != NULL;
}

int sp_systemd_open(bool journal)
{
	void *handle;

	if (library.notify || (!journal && !getenv("NOTIFY_SOCKET") && !getenv("JOURNAL_STREAM")))
		return 0;
	handle = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
	if (handle && find(handle, "sd_watchdog_enabled", &library.watchdog) &&
	    find(handle, "sd_journal_sendv", &library.journal) &&
	    find(handle, "sd_pid_notify_with_fds", &library.notify_with) &&
	    find(handle, "sd_notify", &library.notify))
		return 0;
	library.notify = NULL;
	library.watchdog = NULL;
	library.journal = NULL;
	return -ENOENT;
}

bool sp_systemd_has_stderr(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat status;
	char ours[64];

	if (!stream || fstat(STDERR_FILENO, &status))
		return false;
	/* As in systemd.exec(5). */
	snprintf(ours, sizeof(ours), "%llu:%llu", (unsigned long long)status.st_dev,
	         (unsigned long long)status.st_ino);
	return !strcmp(stream, ours);
}

int sp_systemd_journal(const struct iovec *fields, unsigned count)
{
	return library.journal ? library.journal(fields, (int)count) : -ENOENT;
}

void sp_systemd_notify(const char *format, ...)
{
	char state[512];
	va_list args;
	int length;

	if (!library.notify)
		return;
	va_start(args, format);
	length = vsnprintf(state, sizeof(state), format, args);
	va_end(args);
	if (length > 0 && (size_t)length < sizeof(state))
		library.notify(0, state);
}

void sp_systemd_keep(const char *name, int fd)
{
	char state[64];

	snprintf(state, sizeof(state), "FDSTORE=1\nFDNAME=%s", name);
	if (library.notify)
		library.notify_with(0, 0, state, &fd, 1);
}

void sp_systemd_forget(const char *name)
{
	sp_systemd_notify("FDSTOREREMOVE=1\nFDNAME=%s", name);
}

bool sp_systemd_keeps(void)
{
	return library.notify && getenv("NOTIFY_SOCKET");
}

/* ms between two signs of life, half of what the watchdog waits, sd_watchdog_enabled(3). */
static uint64_t watchdog_period(void)
{
	uint64_t usec = 0;

	if (!library.watchdog || library.watchdog(0, &usec) <= 0)
		return 0;
	return usec < 2000 ? 1 : usec / 2000;
}

uint64_t sp_systemd_attend(void)
{
	static uint64_t period = UINT64_MAX, due;
	const uint64_t now = sp_monotonic_ms();

	if (period == UINT64_MAX)
		period = watchdog_period();
	if (!period)
		return UINT64_MAX;
	if (now >= due) {
		sp_systemd_notify("WATCHDOG=1");
		due = now + period;
	}
	return due;
}
