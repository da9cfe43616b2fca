/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/netlink_request.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ATTEMPTS 5
/* The kernel fills dumps in pieces of up to 32 KiB when the reader offers that much. */
#define ANSWER_SIZE 32768

struct answer {
	struct sp_netlink *netlink;
	mnl_cb_t visit;
	void *context;
};

static int open_socket(struct sp_netlink *netlink)
{
	int one = 1, code;

	netlink->socket = mnl_socket_open2(netlink->bus, SOCK_CLOEXEC);
	if (!netlink->socket)
		return -errno;
	if (mnl_socket_bind(netlink->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		code = -errno;
		sp_netlink_close(netlink);
		return code;
	}
	/* Strict checking makes the kernel filter dumps; both are comforts that may be missing. */
	(void)mnl_socket_setsockopt(netlink->socket, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)mnl_socket_setsockopt(netlink->socket, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	return 0;
}

static int open_bus(struct sp_netlink *netlink, int bus, struct sp_error *err)
{
	int code;

	*netlink = (struct sp_netlink){.bus = bus, .sequence = (unsigned)time(NULL)};
	code = open_socket(netlink);
	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED, "cannot open a netlink socket: %s",
		               strerror(-code));
	return 0;
}

int sp_netlink_open(struct sp_netlink *netlink, struct sp_error *err)
{
	return open_bus(netlink, NETLINK_ROUTE, err);
}

int sp_netlink_open_generic(struct sp_netlink *netlink, struct sp_error *err)
{
	return open_bus(netlink, NETLINK_GENERIC, err);
}

int sp_netlink_open_netfilter(struct sp_netlink *netlink, struct sp_error *err)
{
	return open_bus(netlink, NETLINK_NETFILTER, err);
}

void sp_netlink_close(struct sp_netlink *netlink)
{
	if (netlink->socket)
		mnl_socket_close(netlink->socket);
	netlink->socket = NULL;
}

struct nlmsghdr *sp_netlink_begin(struct sp_netlink *netlink, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *message;

	memset(&netlink->request, 0, sizeof(netlink->request));
	message = mnl_nlmsg_put_header(netlink->request.bytes);
	message->nlmsg_type = type;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return message;
}

static int keep_reason(const struct nlattr *attribute, void *context)
{
	struct sp_netlink *netlink = context;

	if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG &&
	    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		snprintf(netlink->reason, sizeof(netlink->reason), "%s",
		         mnl_attr_get_str(attribute));
	return MNL_CB_OK;
}

/* NLMSG_ERROR: the verdict on a request, 0 when it was carried out. */
static int on_verdict(const struct nlmsghdr *message, void *context)
{
	const struct answer *answer = context;
	const struct nlmsgerr *verdict = mnl_nlmsg_get_payload(message);
	size_t echoed = sizeof(*verdict);

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*verdict)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	if (!(message->nlmsg_flags & NLM_F_CAPPED))
		echoed += verdict->msg.nlmsg_len - sizeof(verdict->msg);
	if (verdict->error && (message->nlmsg_flags & NLM_F_ACK_TLVS))
		mnl_attr_parse(message, (unsigned)echoed, keep_reason, answer->netlink);
	errno = verdict->error < 0 ? -verdict->error : verdict->error;
	return verdict->error ? MNL_CB_ERROR : MNL_CB_STOP;
}

/* NLMSG_DONE: the end of a dump, which may carry an error of its own. */
static int on_done(const struct nlmsghdr *message, void *context)
{
	const int *error = mnl_nlmsg_get_payload(message);

	(void)context;
	if (mnl_nlmsg_get_payload_len(message) >= sizeof(*error) && *error < 0) {
		errno = -*error;
		return MNL_CB_ERROR;
	}
	return MNL_CB_STOP;
}

static int on_data(const struct nlmsghdr *message, void *context)
{
	const struct answer *answer = context;

	return answer->visit ? answer->visit(message, answer->context) : MNL_CB_OK;
}

static int exchange(struct sp_netlink *netlink, struct answer *answer, char *buffer)
{
	static mnl_cb_t control[NLMSG_MIN_TYPE] = {
		[NLMSG_ERROR] = on_verdict,
		[NLMSG_DONE] = on_done,
	};
	struct nlmsghdr *message = &netlink->request.header;
	unsigned port = mnl_socket_get_portid(netlink->socket);
	ssize_t length;
	int result;

	message->nlmsg_seq = ++netlink->sequence;
	if (mnl_socket_sendto(netlink->socket, message, message->nlmsg_len) < 0)
		return -errno;
	do {
		length = mnl_socket_recvfrom(netlink->socket, buffer, ANSWER_SIZE);
		if (length < 0)
			return -errno;
		result = mnl_cb_run2(buffer, (size_t)length, message->nlmsg_seq, port, on_data,
		                     answer, control, NLMSG_MIN_TYPE);
	} while (result > MNL_CB_STOP);
	return result < 0 ? -errno : 0;
}

int sp_netlink_send(struct sp_netlink *netlink, mnl_cb_t visit, void *context)
{
	struct answer answer = {.netlink = netlink, .visit = visit, .context = context};
	struct nlmsghdr *message = &netlink->request.header;
	char *buffer = malloc(ANSWER_SIZE);
	int code;

	if (!buffer)
		return -ENOMEM;
	if ((message->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		message->nlmsg_flags |= NLM_F_ACK;
	netlink->reason[0] = '\0';
	code = exchange(netlink, &answer, buffer);
	/* The tables changed during a dump (NLM_F_DUMP_INTR). Its rest is still on its way to the
	 * old socket, where it would be taken for the answer to the next request. */
	for (int i = 1; i < ATTEMPTS && code == -EINTR; i++) {
		sp_netlink_close(netlink);
		code = open_socket(netlink);
		if (code == 0)
			code = exchange(netlink, &answer, buffer);
	}
	free(buffer);
	return code;
}

const char *sp_netlink_reason(const struct sp_netlink *netlink, int code)
{
	return netlink->reason[0] ? netlink->reason : strerror(-code);
}
