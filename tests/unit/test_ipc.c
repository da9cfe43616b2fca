/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the processes say to each other: every message that is not exactly right is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/ipc.h"
#include "lib/method.h"

#define SOMEBODY 64813

struct pair {
	int a, b;
};

static int pair_open(void **state)
{
	static struct pair pair;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds))
		return -1;
	pair = (struct pair){fds[0], fds[1]};
	*state = &pair;
	return 0;
}

static int pair_close(void **state)
{
	struct pair *pair = *state;

	if (pair->a >= 0)
		close(pair->a);
	close(pair->b);
	return 0;
}

static struct sp_ipc_request good_request(void)
{
	return (struct sp_ipc_request){
		.header = {SP_IPC_MAGIC, SP_IPC_LOGIN},
		.id = 7,
		.client = {{0x02, 1, 2, 3, 4, 5}, 12},
		.method = SP_METHOD_CLICK,
	};
}

static void test_round_trip(void **state)
{
	struct pair *pair = *state;
	struct sp_ipc_answer sent = {.header.kind = SP_IPC_ANSWER, .id = 99, .seconds_left = 3};
	struct sp_ipc_answer got;

	assert_int_equal(sp_ipc_send(pair->a, &sent, sizeof(sent)), 0);
	assert_int_equal(sp_ipc_receive(pair->b, SP_IPC_ANSWER, &got, sizeof(got)), 0);
	assert_memory_equal(&sent, &got, sizeof(got));
	assert_int_equal(got.header.magic, SP_IPC_MAGIC);
	assert_int_equal(sp_ipc_receive(pair->b, SP_IPC_ANSWER, &got, sizeof(got)), -EAGAIN);
}

static void test_every_request_kind(void **state)
{
	static const uint32_t kinds[] = {SP_IPC_LOGIN, SP_IPC_LOGOUT, SP_IPC_QUERY};
	struct pair *pair = *state;
	struct sp_ipc_request got;

	for (size_t i = 0; i < 3; i++) {
		struct sp_ipc_request request = good_request();

		request.header.kind = kinds[i];
		if (kinds[i] != SP_IPC_LOGIN)
			request.method = SP_METHOD_NONE;
		assert_int_equal(sp_ipc_send(pair->a, &request, sizeof(request)), 0);
		assert_int_equal(sp_ipc_receive_request(pair->b, &got), 0);
		assert_int_equal(got.header.kind, kinds[i]);
		assert_int_equal(got.client.vlan, 12);
	}
}

static void test_wrong_size(void **state)
{
	struct pair *pair = *state;
	unsigned char bytes[sizeof(struct sp_ipc_request) + 64] = {0};
	struct sp_ipc_request request = good_request(), got;

	memcpy(bytes, &request, sizeof(request));
	for (size_t size = 1; size < sizeof(bytes); size++) {
		if (size == sizeof(request))
			continue;
		assert_int_equal(send(pair->a, bytes, size, 0), size);
		assert_int_equal(sp_ipc_receive_request(pair->b, &got), -EPROTO);
	}
	/* None of them has left anything behind. */
	assert_int_equal(sp_ipc_receive_request(pair->b, &got), -EAGAIN);
}

static void refuse(const struct pair *pair, const struct sp_ipc_request *request)
{
	struct sp_ipc_request got;

	assert_int_equal(send(pair->a, request, sizeof(*request), 0), sizeof(*request));
	assert_int_equal(sp_ipc_receive_request(pair->b, &got), -EPROTO);
}

static void test_wrong_content(void **state)
{
	static const uint8_t multicast[6] = {0x01, 0, 0x5e, 0, 0, 1}, nobody[6];
	struct pair *pair = *state;
	struct sp_ipc_request request = good_request();

	request.header.magic ^= 1;
	refuse(pair, &request);
	for (uint32_t kind = 0; kind < 300; kind++) {
		request = good_request();
		request.header.kind = kind;
		if (kind < SP_IPC_LOGIN || kind > SP_IPC_QUERY)
			refuse(pair, &request);
	}
	request = good_request();
	request.client.vlan = SP_VLAN_MAX + 1;
	refuse(pair, &request);
	request = good_request();
	request.method = SP_METHOD_OPERATOR;
	refuse(pair, &request);
	request.method = SP_METHOD_NONE;
	refuse(pair, &request);
	request = good_request();
	request.header.kind = SP_IPC_QUERY; /* with a method */
	refuse(pair, &request);
	request = good_request();
	request.secure = 2;
	refuse(pair, &request);
	request = good_request();
	memset(request.name, 'a', sizeof(request.name));
	refuse(pair, &request);
	request = good_request();
	request.secret[sizeof(request.secret) - 1] = 'a'; /* behind the end */
	refuse(pair, &request);
	request = good_request();
	memcpy(request.client.mac, multicast, 6);
	refuse(pair, &request);
	memcpy(request.client.mac, nobody, 6);
	refuse(pair, &request);
}

static void test_wrong_kind(void **state)
{
	struct pair *pair = *state;
	struct sp_ipc_ready ready = {.header.kind = SP_IPC_RESPONDER_SETUP};

	assert_int_equal(sp_ipc_send(pair->a, &ready, sizeof(ready)), 0);
	assert_int_equal(sp_ipc_receive(pair->b, SP_IPC_READY, &ready, sizeof(ready)), -EPROTO);
}

static void test_end_of_file(void **state)
{
	struct pair *pair = *state;
	struct sp_ipc_request request = good_request();

	close(pair->a);
	pair->a = -1;
	assert_int_equal(sp_ipc_receive_request(pair->b, &request), -EPIPE);
	assert_int_equal(sp_ipc_send(pair->b, &request, sizeof(request)), -EPIPE);
}

static void test_peer_does_not_read(void **state)
{
	struct pair *pair = *state;
	struct sp_ipc_answer answer = {.header.kind = SP_IPC_ANSWER};
	unsigned sent = 0;
	int ret;

	while (!(ret = sp_ipc_send(pair->a, &answer, sizeof(answer))))
		assert_true(sent++ < 1000000);
	assert_int_equal(ret, -EAGAIN);
	assert_true(sent > 10);
}

/* A descriptor sent along must not become one of ours. */
static void test_descriptor_is_not_taken(void **state)
{
	struct pair *pair = *state;
	struct sp_ipc_request request = good_request(), got;
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec part = {&request, sizeof(request)};
	struct msghdr message = {.msg_iov = &part,
	                         .msg_iovlen = 1,
	                         .msg_control = control.room,
	                         .msg_controllen = sizeof(control.room)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int next = dup(0);

	assert_true(next >= 0);
	close(next);
	*header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(header), &pair->a, sizeof(int));
	assert_int_equal(sendmsg(pair->a, &message, 0), sizeof(request));
	assert_int_equal(sp_ipc_receive_request(pair->b, &got), 0);
	assert_int_equal(fcntl(next, F_GETFD), -1);
}

/* In a process of its own: 0 or the number of the expectation that was not met. */
static int inside(const char *root)
{
	int death;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sp_drop_privileges(root, SOMEBODY, SOMEBODY + 1))
		return 1;
	if (getuid() != SOMEBODY || geteuid() != SOMEBODY || getgid() != SOMEBODY + 1)
		return 2;
	if (!setuid(0) || !seteuid(0) || !setgid(0))
		return 3;
	if (!access("/etc/passwd", F_OK) || !mkdir("/x", 0755))
		return 4;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE) != 0)
		return 5;
	if (prctl(PR_GET_PDEATHSIG, &death) || death != SIGKILL)
		return 7;
	return 0;
}

static int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_privileges(void **state)
{
	char root[] = "/tmp/sp-test-XXXXXX";
	pid_t pid;
	int status;

	(void)state;
	assert_non_null(mkdtemp(root));
	assert_int_equal(chmod(root, 0755), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(inside(root));
	status = status_of(pid);
	assert_int_equal(rmdir(root), 0);
	assert_int_equal(status, 0);
}

static void test_privileges_refused(void **state)
{
	pid_t pid;

	(void)state;
	assert_int_equal(sp_drop_privileges("/", 0, SOMEBODY), -EINVAL);
	assert_int_equal(sp_drop_privileges("/", SOMEBODY, 0), -EINVAL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(sp_drop_privileges("/nowhere/at/all", SOMEBODY, SOMEBODY) == -ENOENT);
	assert_int_equal(status_of(pid), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, pair_open, pair_close),
		cmocka_unit_test_setup_teardown(test_every_request_kind, pair_open, pair_close),
		cmocka_unit_test_setup_teardown(test_wrong_size, pair_open, pair_close),
		cmocka_unit_test_setup_teardown(test_wrong_content, pair_open, pair_close),
		cmocka_unit_test_setup_teardown(test_wrong_kind, pair_open, pair_close),
		cmocka_unit_test_setup_teardown(test_end_of_file, pair_open, pair_close),
		cmocka_unit_test_setup_teardown(test_peer_does_not_read, pair_open, pair_close),
		cmocka_unit_test_setup_teardown(test_descriptor_is_not_taken, pair_open,
	                                        pair_close),
		cmocka_unit_test(test_privileges),
		cmocka_unit_test(test_privileges_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
