/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes from a child: what the keeper takes as a request of the portal keeps every promise of
 * ipc.h. The first byte says how much of a whole message is filled with the rest of the input, so
 * that the length alone does not stop all.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/ipc.h"
#include "lib/method.h"

#define MOST 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
	if (!condition)
		abort();
}

static void check_text(const char *text, size_t room)
{
	size_t length = strnlen(text, room);

	demand(length < room);
	for (size_t i = length; i < room; i++)
		demand(text[i] == 0);
}

static void check_request(const struct sp_ipc_request *request)
{
	static const uint8_t nobody[6];
	bool login = request->header.kind == SP_IPC_LOGIN;

	demand(request->header.magic == SP_IPC_MAGIC);
	demand(login || request->header.kind == SP_IPC_LOGOUT ||
	       request->header.kind == SP_IPC_QUERY);
	demand(!(request->client.mac[0] & 1) && memcmp(request->client.mac, nobody, 6) != 0);
	demand(request->client.vlan <= SP_VLAN_MAX && request->secure <= 1);
	demand(login ? request->method >= SP_METHOD_CLICK && request->method <= SP_METHOD_EXTERNAL
	             : request->method == 0);
	check_text(request->name, sizeof(request->name));
	check_text(request->secret, sizeof(request->secret));
}

/* What comes out of one end when @message is put into the other; -EPROTO for what is refused. */
static int pass(const uint8_t *message, size_t size, struct sp_ipc_request *request)
{
	int ends[2], code;

	demand(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	demand(send(ends[0], message, size, MSG_DONTWAIT) == (ssize_t)size);
	code = sp_ipc_receive_request(ends[1], request);
	close(ends[0]);
	close(ends[1]);
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t message[MOST];
	struct sp_ipc_request request;
	size_t length;
	int code;

	if (size < 2 || size > MOST)
		return 0;
	length = data[0] < 128 ? sizeof(request) : size - 1;
	memset(message, 0, sizeof(message));
	memcpy(message, data + 1, size - 1 < length ? size - 1 : length);
	code = pass(message, length, &request);
	demand(code == 0 || code == -EPROTO);
	if (code == 0) {
		demand(length == sizeof(request) && !memcmp(message, &request, length));
		check_request(&request);
	}
	return 0;
}
