/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doctor/probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper/account.h"
#include "keeper/paths.h"
#include "keeper/spawn.h"
#include "lib/address.h"

#define CONNECT_MS 1000
#define ANSWER_MS  3000
#define START_MS   5000 /* more, on a machine that has much to do */

#define ACCOUNT "sallyport-prober"

union endpoint {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

static socklen_t fill(union endpoint *endpoint, const struct sp_address *address, uint16_t port)
{
	memset(endpoint, 0, sizeof(*endpoint));
	if (sp_address_is_ipv4(address)) {
		endpoint->ipv4.sin_family = AF_INET;
		endpoint->ipv4.sin_addr.s_addr = address->word[3];
		endpoint->ipv4.sin_port = htons(port);
		return sizeof(endpoint->ipv4);
	}
	endpoint->ipv6.sin6_family = AF_INET6;
	memcpy(&endpoint->ipv6.sin6_addr, address, sizeof(*address));
	endpoint->ipv6.sin6_port = htons(port);
	return sizeof(endpoint->ipv6);
}

/* What became of a connection that was begun. */
static int finish_connection(int fd)
{
	struct pollfd file = {.fd = fd, .events = POLLOUT};
	int code = 0;
	socklen_t size = sizeof(code);

	if (poll(&file, 1, CONNECT_MS) != 1)
		return -ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) ? -errno : -code;
}

int sp_probe_take(struct sp_probe *probe, int fd)
{
	if (fd >= 0 && probe->files == SP_PROBE_FILES) {
		close(fd);
		fd = -ENOSPC;
	}
	if (fd < 0)
		return fd;
	probe->file[probe->files] = fd;
	return (int)probe->files++;
}

static int open_socket(struct sp_probe *probe, const struct sp_address *address, uint16_t port,
                       int kind)
{
	union endpoint endpoint;
	socklen_t length = fill(&endpoint, address, port);
	int fd, code = 0;

	if (sp_address_is_link_local(address))
		return -EAFNOSUPPORT;
	fd = socket(endpoint.any.sa_family, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, &endpoint.any, length))
		code = errno == EINPROGRESS ? finish_connection(fd) : -errno;
	if (code) {
		close(fd);
		return code;
	}
	return sp_probe_take(probe, fd);
}

int sp_probe_udp(struct sp_probe *probe, const struct sp_address *address, uint16_t port)
{
	return open_socket(probe, address, port, SOCK_DGRAM);
}

int sp_probe_tcp(struct sp_probe *probe, const struct sp_address *address, uint16_t port)
{
	return open_socket(probe, address, port, SOCK_STREAM);
}

int sp_probe_ask(struct sp_probe *probe, enum sp_probe_kind kind, int file, const char *name)
{
	struct sp_probe_question *question = &probe->question[probe->questions];

	if (probe->questions == SP_PROBE_QUESTIONS)
		return -ENOSPC;
	question->kind = kind;
	question->file = (uint32_t)file;
	snprintf(question->name, sizeof(question->name), "%s", name);
	return (int)probe->questions++;
}

/* --- the prober --- */

static int failed(int code, struct sp_error *err)
{
	return sp_fail(err, code, SP_EXIT_FAILED, "the doctor's prober: %s", strerror(-code));
}

static int make_setup(struct sp_ipc_prober_setup *setup, const struct sp_probe *probe,
                      const char *root, struct sp_error *err)
{
	*setup = (struct sp_ipc_prober_setup){
		.header.kind = SP_IPC_PROBER_SETUP,
		.files = probe->files,
		.questions = probe->questions,
		.milliseconds = ANSWER_MS,
	};
	memcpy(setup->question, probe->question, sizeof(setup->question));
	snprintf(setup->root, sizeof(setup->root), "%s", root);
	return sp_account_find("the doctor's account", ACCOUNT, SP_ACCOUNT_PROBER, &setup->uid,
	                       &setup->gid, err);
}

/* Its one message, which is not believed before it was looked at. */
static int hear(struct sp_probe *probe, int socket, struct sp_error *err)
{
	struct pollfd file = {.fd = socket, .events = POLLIN};
	int code = -ETIMEDOUT;

	if (poll(&file, 1, ANSWER_MS + START_MS) == 1)
		code = sp_ipc_receive(socket, SP_IPC_PROBED, &probe->said, sizeof(probe->said));
	if (!code && !sp_ipc_probed_fits(&probe->said))
		code = -EPROTO;
	return code ? failed(code, err) : 0;
}

static int converse(struct sp_probe *probe, const char *program, struct sp_ipc_prober_setup *setup,
                    struct sp_error *err)
{
	int pair[2], code;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return failed(-errno, err);
	pid = sp_spawn(program, pair[1], STDERR_FILENO, -1, probe->file, probe->files);
	close(pair[1]);
	code = pid < 0 ? failed(pid, err) : sp_ipc_send(pair[0], setup, sizeof(*setup));
	if (pid > 0) {
		code = code ? failed(code, err) : hear(probe, pair[0], err);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	close(pair[0]);
	return code;
}

int sp_probe_run(struct sp_probe *probe, struct sp_error *err)
{
	static struct sp_ipc_prober_setup setup;
	char root[] = "/run/sallyport-doctor-XXXXXX";
	struct sp_paths paths;
	int code = sp_paths_find(&paths, err);

	if (code || !probe->questions)
		return code;
	if (!mkdtemp(root))
		return sp_fail(err, -errno, SP_EXIT_FAILED, "%s: %s", root, strerror(errno));
	code = make_setup(&setup, probe, root, err);
	if (!code)
		code = converse(probe, paths.prober, &setup, err);
	rmdir(root);
	return code;
}

void sp_probe_end(struct sp_probe *probe)
{
	for (unsigned i = 0; i < probe->files; i++)
		close(probe->file[i]);
	probe->files = 0;
}
