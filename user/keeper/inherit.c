/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST 3 /* SD_LISTEN_FDS_START */
#define MOST  512
#define NAME  16

static struct kept {
	int fd; /* of our own */
	char name[NAME];
	bool offered;
} kept[MOST];
static unsigned count;

static bool listens(int fd)
{
	socklen_t size = sizeof(int);
	int value = 0;

	return !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) && value;
}

/* What we call ours; another socket of the unit is not to be lost in us. */
static bool is_known(const char *name)
{
	return !strcmp(name, SP_INHERIT_RESPONDER) || !strcmp(name, SP_INHERIT_PORTAL);
}

static void add(const char *name, int fd, bool offered)
{
	if (count == MOST) {
		close(fd);
		return;
	}
	kept[count] = (struct kept){.fd = fd, .offered = offered};
	snprintf(kept[count++].name, NAME, "%s", name);
}

static void take_over(const char *name, int fd)
{
	if (!is_known(name) || !listens(fd) || fcntl(fd, F_SETFD, FD_CLOEXEC))
		close(fd);
	else
		add(name, fd, true);
}

static long number_of(const char *variable)
{
	const char *text = getenv(variable);

	return text ? strtol(text, NULL, 10) : 0;
}

void sp_inherit_open(void)
{
	const char *names = getenv("LISTEN_FDNAMES");
	long files = number_of("LISTEN_FDS");

	if (number_of("LISTEN_PID") == getpid() && files > 0 && files <= MOST)
		for (int i = 0; i < files; i++) {
			char name[NAME] = "";
			size_t length = names ? strcspn(names, ":") : 0;

			if (length < sizeof(name))
				memcpy(name, names ? names : "", length);
			names += length + (names && names[length] == ':');
			take_over(name, FIRST + i);
		}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

/* Whether @fd is bound to @address; port 0 stands for any. */
static bool is_at(int fd, const struct sockaddr *address, socklen_t length)
{
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} bound = {.any.sa_family = AF_UNSPEC}, wanted = {.any.sa_family = AF_UNSPEC};
	socklen_t size = sizeof(bound);

	if (length > sizeof(wanted) || getsockname(fd, &bound.any, &size))
		return false;
	memcpy(&wanted, address, length);
	if (bound.any.sa_family != wanted.any.sa_family)
		return false;
	if (wanted.any.sa_family == AF_INET)
		return wanted.ipv4.sin_addr.s_addr == bound.ipv4.sin_addr.s_addr &&
		       (!wanted.ipv4.sin_port || wanted.ipv4.sin_port == bound.ipv4.sin_port);
	return !memcmp(&wanted.ipv6.sin6_addr, &bound.ipv6.sin6_addr,
	               sizeof(wanted.ipv6.sin6_addr)) &&
	       (!wanted.ipv6.sin6_port || wanted.ipv6.sin6_port == bound.ipv6.sin6_port);
}

int sp_inherit_take(const char *name, const struct sockaddr *address, socklen_t length)
{
	for (unsigned i = 0; i < count; i++) {
		int copy;

		if (!kept[i].offered || strcmp(kept[i].name, name) != 0 ||
		    !is_at(kept[i].fd, address, length))
			continue;
		copy = fcntl(kept[i].fd, F_DUPFD_CLOEXEC, FIRST);
		if (copy < 0)
			return -1;
		kept[i].offered = false;
		return copy;
	}
	return -1;
}

void sp_inherit_keep(const char *name, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, FIRST);

	if (copy >= 0)
		add(name, copy, false);
}

void sp_inherit_offer(void)
{
	for (unsigned i = 0; i < count; i++)
		kept[i].offered = true;
}

void sp_inherit_settle(void)
{
	unsigned left = 0;

	for (unsigned i = 0; i < count; i++)
		if (kept[i].offered)
			close(kept[i].fd);
		else
			kept[left++] = kept[i];
	count = left;
}

void sp_inherit_close(void)
{
	sp_inherit_offer();
	sp_inherit_settle();
}

void sp_inherit_each(void (*visit)(const char *name, int fd))
{
	for (unsigned i = 0; i < count; i++)
		visit(kept[i].name, kept[i].fd);
}

static int set_environment(void)
{
	char names[MOST * NAME], number[16];
	size_t used = 0;

	names[0] = '\0';
	for (unsigned i = 0; i < count; i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ":" : "",
		                         kept[i].name);
	if (setenv("LISTEN_FDNAMES", names, 1))
		return -errno;
	snprintf(number, sizeof(number), "%u", count);
	if (setenv("LISTEN_FDS", number, 1))
		return -errno;
	snprintf(number, sizeof(number), "%d", (int)getpid());
	return setenv("LISTEN_PID", number, 1) ? -errno : 0;
}

int sp_inherit_exec(const char *program, char *const arguments[])
{
	const int behind = FIRST + (int)count;
	int ret = set_environment();

	/* Out of the way of each other first. dup2 clears close-on-exec. */
	for (unsigned i = 0; i < count && !ret; i++) {
		int copy = fcntl(kept[i].fd, F_DUPFD_CLOEXEC, behind);

		if (copy < 0)
			return -errno;
		close(kept[i].fd);
		kept[i].fd = copy;
	}
	for (unsigned i = 0; i < count && !ret; i++)
		if (dup2(kept[i].fd, FIRST + (int)i) < 0)
			ret = -errno;
	if (!ret && close_range((unsigned)behind, ~0u, CLOSE_RANGE_CLOEXEC))
		ret = -errno;
	if (!ret) {
		execv(program, arguments);
		ret = -errno;
	}
	return ret;
}
