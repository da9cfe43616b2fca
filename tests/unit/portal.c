/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/method.h"
#include "lib/monotonic.h"
#include "portal/server.h"
#include "portal/token.h"
#include "portal/visitor.h"

const struct sp_client_key visitor = {{0x02, 0, 0, 0xab, 0xcd, 0xef}, 7};
const struct sp_ipc_answer captive;
const struct sp_ipc_answer authorized = {
	.authorized = 1, .seconds_left = 28740, .bytes_left = 1500000000};
const struct sp_ipc_answer unlimited = {
	.authorized = 1, .seconds_left = UINT64_MAX, .bytes_left = UINT64_MAX};

static int listener_open(bool ipv6)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET,
	                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 address6 = {.sin6_family = AF_INET6,
	                                .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	if (ipv6)
		assert_int_equal(bind(fd, (struct sockaddr *)&address6, sizeof(address6)), 0);
	else
		assert_int_equal(bind(fd, (struct sockaddr *)&ipv4, sizeof(ipv4)), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

/* The directory user/portal of the sources, seen from .output/tests/unit. */
static void find_data(char *out, size_t room)
{
	char self[256];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *end;

	assert_true(length > 0);
	self[length] = '\0';
	end = strstr(self, "/.output/");
	assert_non_null(end);
	*end = '\0';
	assert_true((size_t)snprintf(out, room, "%s/user/portal", self) < room);
}

int receive_soon(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	/* Longer than the portal itself waits. */
	return poll(&wait, 1, SP_ASK_DEADLINE + 10000);
}

/* In the child: put the files where they belong and be the portal. */
static void become_portal(const struct world *world, int socket)
{
	/* The second stands for the memory to count in. */
	const int files[] = {socket, world->origins, world->origins, world->listener[0],
	                     world->listener[1]};
	int parked[5];

	for (int i = 0; i < 5; i++)
		parked[i] = fcntl(files[i], F_DUPFD_CLOEXEC, 100);
	for (int i = 0; i < 5; i++)
		dup2(parked[i], SP_IPC_KEEPER_FD + i);
	close_range(SP_IPC_KEEPER_FD + 5, ~0u, 0);
	_exit(sp_portal_run());
}

int portal_start_with(void **state, uint32_t methods, const char *secure_url)
{
	struct world *world = calloc(1, sizeof(*world));
	struct sp_ipc_ready ready;
	int fds[2];

	assert_non_null(world);
	*state = world;
	world->socket = -1;
	strcpy(world->root, "/tmp/sp-test-XXXXXX");
	assert_non_null(mkdtemp(world->root));
	assert_int_equal(chmod(world->root, 0755), 0);
	world->origins =
		bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "origins", sizeof(struct sp_origin_key),
	                       sizeof(struct sp_origin), 64, NULL);
	assert_true(world->origins >= 0);
	world->listener[0] = listener_open(false);
	world->listener[1] = listener_open(true);
	world->setup = (struct sp_ipc_portal_setup){.header.kind = SP_IPC_PORTAL_SETUP,
	                                            .uid = SOMEBODY,
	                                            .gid = SOMEBODY,
	                                            .listener_count = 2,
	                                            .interface_count = 2,
	                                            .ifindex = {1, OTHER_IFINDEX},
	                                            .key = "a key of the tests"};
	world->setup.zone_count = 1;
	world->setup.zone[0].methods = methods;
	strcpy(world->setup.zone[0].api.url, secure_url);
	strcpy(world->setup.zone[0].url4, "http://portal:8080/");
	strcpy(world->setup.zone[0].url6, "http://portal6:8080/");
	if (methods & SP_METHOD_BIT(SP_METHOD_EXTERNAL))
		strcpy(world->setup.external, EXTERNAL_URL);
	strcpy(world->setup.root, world->root);
	find_data(world->setup.data, sizeof(world->setup.data));
	sp_link_tag(world->tag, world->setup.key, WANTED, strlen(WANTED));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
	                 0);
	assert_int_equal(sp_ipc_send(fds[0], &world->setup, sizeof(world->setup)), 0);
	world->pid = fork();
	assert_true(world->pid >= 0);
	if (world->pid == 0)
		become_portal(world, fds[1]);
	close(fds[1]);
	world->keeper = fds[0];
	assert_int_equal(receive_soon(world->keeper), 1);
	assert_int_equal(sp_ipc_receive(world->keeper, SP_IPC_READY, &ready, sizeof(ready)), 0);
	return 0;
}

int portal_start(void **state)
{
	return portal_start_with(state, SP_METHOD_BIT(SP_METHOD_CLICK), "");
}

int wait_exit(struct world *world)
{
	int status = 0;

	for (int i = 0; i < 2000; i++) {
		if (waitpid(world->pid, &status, WNOHANG) == world->pid) {
			world->pid = 0;
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		}
		usleep(10000);
	}
	return -1;
}

int portal_stop(void **state)
{
	struct world *world = *state;
	int status = 0;

	if (world->socket >= 0)
		close(world->socket);
	if (world->keeper >= 0)
		close(world->keeper);
	if (world->pid)
		status = wait_exit(world);
	if (world->pid) {
		kill(world->pid, SIGKILL);
		waitpid(world->pid, NULL, 0);
	}
	close(world->origins);
	close(world->listener[0]);
	close(world->listener[1]);
	rmdir(world->root);
	free(world);
	return status; /* it ends by itself, without an error, when the keeper goes away */
}

void record(struct world *world, uint32_t ifindex, const struct sp_client_key *client)
{
	const struct sp_origin origin = {.client = *client};
	struct sockaddr_storage local, peer;
	socklen_t local_size = sizeof(local), peer_size = sizeof(peer);
	struct sp_origin_key key;

	assert_int_equal(getsockname(world->socket, (struct sockaddr *)&local, &local_size), 0);
	assert_int_equal(
		getsockname(world->listener[world->ipv6], (struct sockaddr *)&peer, &peer_size), 0);
	assert_int_equal(sp_visitor_key(&key, (struct sockaddr *)&local, (struct sockaddr *)&peer),
	                 0);
	key.ifindex = ifindex;
	assert_int_equal(bpf_map_update_elem(world->origins, &key, &origin, BPF_ANY), 0);
}

void open_socket(struct world *world)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	if (world->socket >= 0)
		close(world->socket);
	assert_int_equal(
		getsockname(world->listener[world->ipv6], (struct sockaddr *)&address, &size), 0);
	if (world->ipv6)
		((struct sockaddr_in6 *)&address)->sin6_port = 0;
	else
		((struct sockaddr_in *)&address)->sin_port = 0;
	world->socket = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(world->socket >= 0);
	assert_int_equal(bind(world->socket, (struct sockaddr *)&address, size), 0);
}

void connect_portal(struct world *world)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	assert_int_equal(
		getsockname(world->listener[world->ipv6], (struct sockaddr *)&address, &size), 0);
	assert_int_equal(connect(world->socket, (struct sockaddr *)&address, size), 0);
}

void send_text(struct world *world, const char *text, size_t length)
{
	while (length) {
		ssize_t sent = send(world->socket, text, length, MSG_NOSIGNAL);

		if (sent < 0)
			return; /* the portal has answered already, and closed */
		text += sent;
		length -= (size_t)sent;
	}
}

int read_response(struct world *world)
{
	size_t used = 0;
	int status = -1;

	while (used < sizeof(world->response) - 1 && receive_soon(world->socket) == 1) {
		ssize_t got = recv(world->socket, world->response + used,
		                   sizeof(world->response) - 1 - used, 0);

		if (got <= 0)
			break;
		used += (size_t)got;
	}
	world->response[used] = '\0';
	sscanf(world->response, "HTTP/1.1 %d ", &status);
	return status;
}

void request(struct world *world, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(world->request, sizeof(world->request), format, args);
	va_end(args);
	assert_true(length > 0 && (size_t)length < sizeof(world->request));
	send_text(world, world->request, (size_t)length);
}

void get(struct world *world, const char *method, const char *target, const char *fields)
{
	request(world, "%s %s HTTP/1.1\r\nHost: portal\r\nConnection: close\r\n%s\r\n", method,
	        target, fields);
}

void post_bare(struct world *world, const char *path, const char *body, const char *fields)
{
	request(world,
	        "POST %s HTTP/1.1\r\nHost: portal\r\nConnection: close\r\n"
	        "Content-Type: application/x-www-form-urlencoded\r\n"
	        "Content-Length: %zu\r\n%s\r\n%s",
	        path, strlen(body), fields, body);
}

void post(struct world *world, const char *path, const char *body, const char *fields)
{
	char whole[sizeof(world->request)], token[SP_TOKEN];

	sp_token_make(token, world->setup.key, &visitor, sp_monotonic_ms());
	snprintf(whole, sizeof(whole), "c=%s&%s", token, body);
	post_bare(world, path, whole, fields);
}

void visit(struct world *world)
{
	open_socket(world);
	record(world, 1, &visitor);
	connect_portal(world);
}

struct sp_ipc_request keep(struct world *world, enum sp_ipc_kind kind, struct sp_ipc_answer answer)
{
	struct sp_ipc_request question;

	assert_int_equal(receive_soon(world->keeper), 1);
	assert_int_equal(sp_ipc_receive_request(world->keeper, &question), 0);
	assert_int_equal(question.header.kind, kind);
	assert_memory_equal(&question.client, &visitor, sizeof(visitor));
	answer.header.kind = SP_IPC_ANSWER;
	answer.id = question.id;
	assert_int_equal(sp_ipc_send(world->keeper, &answer, sizeof(answer)), 0);
	return question;
}

void nothing_asked(struct world *world)
{
	struct sp_ipc_request question;

	assert_int_equal(sp_ipc_receive_request(world->keeper, &question), -EAGAIN);
}
