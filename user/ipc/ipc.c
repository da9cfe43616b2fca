/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ipc/ipc.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/method.h"
#include "lib/text.h"

int sp_ipc_send(int fd, void *message, uint32_t size)
{
	struct sp_ipc_header *header = message;
	ssize_t sent;

	header->magic = SP_IPC_MAGIC;
	do
		sent = send(fd, message, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	/* A SEQPACKET socket takes a message whole or not at all; another kind may not. */
	return (size_t)sent == size ? 0 : -EPROTO;
}

/* One message of exactly @size bytes with our magic. */
static int receive(int fd, void *message, uint32_t size)
{
	const struct sp_ipc_header *header = message;
	ssize_t length;

	do
		/* MSG_TRUNC: the length that was sent, even if it is more than fits. */
		length = recv(fd, message, size, MSG_TRUNC);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : errno == ECONNRESET ? -EPIPE : -errno;
	if (length == 0)
		return -EPIPE;
	if ((size_t)length != size || header->magic != SP_IPC_MAGIC)
		return -EPROTO;
	return 0;
}

int sp_ipc_receive(int fd, enum sp_ipc_kind kind, void *message, uint32_t size)
{
	const struct sp_ipc_header *header = message;
	int ret = receive(fd, message, size);

	if (ret)
		return ret;
	return header->kind == (uint32_t)kind ? 0 : -EPROTO;
}

union ancillary {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

int sp_ipc_send_file(int fd, void *message, uint32_t size, int file)
{
	struct iovec bytes = {message, size};
	union ancillary ancillary = {.room = {0}};
	const struct msghdr parcel = {.msg_iov = &bytes,
	                              .msg_iovlen = 1,
	                              .msg_control = ancillary.room,
	                              .msg_controllen = sizeof(ancillary.room)};
	struct sp_ipc_header *header = message;
	ssize_t sent;

	header->magic = SP_IPC_MAGIC;
	ancillary.header.cmsg_level = SOL_SOCKET;
	ancillary.header.cmsg_type = SCM_RIGHTS;
	ancillary.header.cmsg_len = CMSG_LEN(sizeof(file));
	memcpy(CMSG_DATA(&ancillary.header), &file, sizeof(file));
	do
		sent = sendmsg(fd, &parcel, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return (size_t)sent == size ? 0 : -EPROTO;
}

/* The one file of @parcel, -1: there is none. */
static int file_of(struct msghdr *parcel)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(parcel);
	int file = -1;

	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(file)))
		memcpy(&file, CMSG_DATA(header), sizeof(file));
	return file;
}

int sp_ipc_receive_file(int fd, enum sp_ipc_kind kind, void *message, uint32_t size, int *file)
{
	const struct sp_ipc_header *header = message;
	struct iovec bytes = {message, size};
	union ancillary ancillary;
	struct msghdr parcel = {.msg_iov = &bytes,
	                        .msg_iovlen = 1,
	                        .msg_control = ancillary.room,
	                        .msg_controllen = sizeof(ancillary.room)};
	ssize_t length;

	do
		length = recvmsg(fd, &parcel, MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : errno == ECONNRESET ? -EPIPE : -errno;
	*file = file_of(&parcel);
	if (length == 0 && *file < 0)
		return -EPIPE;
	if (*file >= 0 && (size_t)length == size && !(parcel.msg_flags & MSG_TRUNC) &&
	    header->magic == SP_IPC_MAGIC && header->kind == (uint32_t)kind)
		return 0;
	if (*file >= 0)
		close(*file);
	*file = -1;
	return -EPROTO;
}

int sp_ipc_next(int fd, uint32_t *kind)
{
	struct sp_ipc_header header;
	ssize_t length;

	do
		length = recv(fd, &header, sizeof(header), MSG_PEEK);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : errno == ECONNRESET ? -EPIPE : -errno;
	if (length == 0)
		return -EPIPE;
	if ((size_t)length != sizeof(header))
		return -EPROTO;
	*kind = header.kind;
	return 0;
}

bool sp_ipc_pages_end(const struct sp_ipc_pages *pages)
{
	for (unsigned i = 0; i < SP_OWN_PAGES; i++)
		if (!memchr(pages->folder[i], '\0', sizeof(pages->folder[i])))
			return false;
	return true;
}

struct sp_own_pages sp_ipc_own_pages(const struct sp_ipc_pages *pages)
{
	struct sp_own_pages own = {{0}};

	for (unsigned i = 0; i < SP_OWN_PAGES; i++)
		own.folder[i] = pages->folder[i];
	return own;
}

bool sp_ipc_tls_fits(const struct sp_ipc_tls *tls)
{
	uint64_t total = 0;

	if (tls->count > SP_IPC_CHAIN || tls->key_length > sizeof(tls->key))
		return false;
	for (unsigned i = 0; i < tls->count; i++)
		total += tls->length[i];
	return total <= sizeof(tls->chain);
}

/* Whether @text of @room bytes ends, with nothing behind its end. */
static bool ends(const char *text, size_t room)
{
	size_t length = strnlen(text, room);

	for (size_t i = length; i < room; i++)
		if (text[i])
			return false;
	return length < room;
}

static bool is_client(const struct sp_client_key *client)
{
	static const uint8_t nobody[sizeof(client->mac)];

	return client->vlan <= SP_VLAN_MAX && !(client->mac[0] & 1) &&
	       memcmp(client->mac, nobody, sizeof(nobody)) != 0;
}

int sp_ipc_receive_request(int fd, struct sp_ipc_request *request)
{
	int ret = receive(fd, request, sizeof(*request));
	bool login;

	if (ret)
		return ret;
	login = request->header.kind == SP_IPC_LOGIN;
	if (!login && request->header.kind != SP_IPC_LOGOUT && request->header.kind != SP_IPC_QUERY)
		return -EPROTO;
	if (!is_client(&request->client) || request->secure > 1 ||
	    !ends(request->name, sizeof(request->name)) ||
	    !ends(request->secret, sizeof(request->secret)))
		return -EPROTO;
	if (login ? request->method < SP_METHOD_CLICK || request->method > SP_METHOD_EXTERNAL
	          : request->method || *request->name || *request->secret)
		return -EPROTO;
	return 0;
}

int sp_ipc_receive_check(int fd, struct sp_ipc_check *check)
{
	int ret = sp_ipc_receive(fd, SP_IPC_CHECK, check, sizeof(*check));

	if (ret)
		return ret;
	if (!is_client(&check->client) || !ends(check->name, sizeof(check->name)) ||
	    !ends(check->secret, sizeof(check->secret)) ||
	    !ends(check->hash, sizeof(check->hash)) || !ends(check->zone, sizeof(check->zone)))
		return -EPROTO;
	return 0;
}

static bool can_be_shown(const char *text, size_t room)
{
	return ends(text, room) && sp_text_printable(text, strlen(text));
}

/* As the configuration bounds what an operator writes (lib/text.h), but that 0 is "none". */
static bool can_be_limits(const struct sp_ipc_limits *limits)
{
	return limits->seconds <= SP_TEXT_DURATION_MOST && limits->idle <= SP_TEXT_DURATION_MOST &&
	       limits->interim <= SP_TEXT_DURATION_MOST && limits->quota <= INT64_MAX &&
	       limits->quota_up <= INT64_MAX && limits->quota_down <= INT64_MAX &&
	       limits->rate_up <= SP_TEXT_RATE_MOST && limits->rate_down <= SP_TEXT_RATE_MOST;
}

static bool is_verdict(uint32_t result)
{
	return result == SP_IPC_DONE || result == SP_IPC_WRONG || result == SP_IPC_SILENT ||
	       result == SP_IPC_FAILED || result == SP_IPC_OVER || result == SP_IPC_REFUSED;
}

int sp_ipc_receive_verdict(int fd, struct sp_ipc_verdict *verdict)
{
	int ret = sp_ipc_receive(fd, SP_IPC_VERDICT, verdict, sizeof(*verdict));

	if (ret)
		return ret;
	if (!is_verdict(verdict->result) || verdict->limited > 1 ||
	    !can_be_limits(&verdict->limits) ||
	    !can_be_shown(verdict->name, sizeof(verdict->name)) ||
	    !can_be_shown(verdict->said, sizeof(verdict->said)) ||
	    verdict->class_length > SP_IPC_CLASS)
		return -EPROTO;
	return 0;
}
