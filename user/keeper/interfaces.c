/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's messages only say when to look; what is there is then asked for. So it does not
 * matter if messages are lost, or if an interface has come and gone several times since.
 */
#include "keeper/interfaces.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "lib/log.h"

#define MESSAGES 32768 /* bytes read at once */

static bool is_known_number(const struct sp_interfaces *interfaces, int number)
{
	for (unsigned i = 0; i < interfaces->status.attachment_count; i++)
		if (interfaces->status.attachment[i].ifindex == (uint32_t)number)
			return true;
	return false;
}

static bool is_known_name(const struct sp_interfaces *interfaces, const char *name)
{
	for (unsigned i = 0; i < interfaces->status.attachment_count; i++)
		if (!strcmp(interfaces->status.attachment[i].interface, name))
			return true;
	return false;
}

/* What tells that an interface is one of ours, or on one of ours. */
struct identity {
	const char *name;
	uint32_t lower;
};

static int take_identity(const struct nlattr *attribute, void *context)
{
	struct identity *identity = context;

	if (mnl_attr_get_type(attribute) == IFLA_IFNAME &&
	    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		identity->name = mnl_attr_get_str(attribute);
	else if (mnl_attr_get_type(attribute) == IFLA_LINK &&
	         mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
		identity->lower = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

static bool link_concerns(const struct sp_interfaces *interfaces, const struct nlmsghdr *message)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct identity identity = {.name = ""};

	if (is_known_number(interfaces, info->ifi_index))
		return true;
	mnl_attr_parse(message, sizeof(*info), take_identity, &identity);
	return is_known_name(interfaces, identity.name) ||
	       (identity.lower && is_known_number(interfaces, (int)identity.lower));
}

static bool concerns(const struct sp_interfaces *interfaces, const struct nlmsghdr *message)
{
	const struct ifaddrmsg *address = mnl_nlmsg_get_payload(message);

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return link_concerns(interfaces, message);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return is_known_number(interfaces, (int)address->ifa_index);
	default:
		return false;
	}
}

bool sp_interfaces_read(struct sp_interfaces *interfaces)
{
	union {
		struct nlmsghdr header;
		char bytes[MESSAGES];
	} buffer;
	bool result = false;
	ssize_t length;

	for (;;) {
		int left;

		length = mnl_socket_recvfrom(interfaces->socket, &buffer, sizeof(buffer));
		/* Messages were lost: anything may have happened. */
		if (length < 0 && errno == ENOBUFS)
			result = true;
		else if (length < 0 && errno != EINTR)
			return result;
		left = (int)length;
		for (const struct nlmsghdr *one = &buffer.header; mnl_nlmsg_ok(one, left);
		     one = mnl_nlmsg_next(one, &left))
			result |= concerns(interfaces, one);
	}
}

static void log_difference(const struct sp_attachment *was, const struct sp_attachment *now)
{
	if (!was->interface[0] && now->presence == SP_MISSING)
		sp_log(SP_LOG_WARNING, "interface %s is not there; it is attached when it comes",
		       now->interface);
	else if (was->presence != now->presence && now->presence == SP_MISSING)
		sp_log(SP_LOG_WARNING, "interface %s is gone; it is attached again when it is back",
		       now->interface);
	else if (was->presence != now->presence && now->presence == SP_RENAMED)
		sp_log(SP_LOG_WARNING, "interface %s: %s", now->interface, now->why);
	else if (was->presence == SP_RENAMED && now->presence == SP_ATTACHED)
		sp_log(SP_LOG_NOTICE, "interface %s has its name again", now->interface);
}

static void log_addresses(struct sp_interfaces *interfaces)
{
	for (unsigned i = 0; i < interfaces->status.attachment_count; i++) {
		const struct sp_attachment *one = &interfaces->status.attachment[i];

		if (one->changed[0] && strcmp(interfaces->told[i], one->changed) != 0)
			sp_log(SP_LOG_WARNING,
			       "interface %s: addresses changed since `up` (%s): run `sallyport "
			       "up`",
			       one->interface, one->changed);
		memcpy(interfaces->told[i], one->changed, sizeof(interfaces->told[i]));
	}
}

static struct sp_attachment *find(struct sp_dataplane_status *status, const char *name)
{
	for (unsigned i = 0; i < status->attachment_count; i++)
		if (!strcmp(status->attachment[i].interface, name))
			return &status->attachment[i];
	return NULL;
}

/* Once for each reason: it is tried again every few seconds. */
static void log_failure(struct sp_interfaces *interfaces, const struct sp_error *err)
{
	if (!strcmp(interfaces->failed, err->text))
		return;
	memcpy(interfaces->failed, err->text, sizeof(interfaces->failed));
	sp_log(SP_LOG_ERROR, "%s", err->text);
}

static void log_attached(const struct sp_attachment *now)
{
	sp_log(SP_LOG_NOTICE, "interface %s is attached: %s%s, TC %s%s%s%s", now->interface,
	       strcmp(now->mode, "tc") != 0 ? "XDP " : "",
	       strcmp(now->mode, "tc") != 0 ? now->mode : "no XDP", now->tc_hook,
	       now->why[0] ? " (" : "", now->why, now->why[0] ? ")" : "");
}

/* Whether any was. */
static bool reattach(struct sp_interfaces *interfaces, bool tried[SP_MAX_ATTACHED])
{
	bool result = false;
	struct sp_error err;

	for (unsigned i = 0; i < interfaces->status.attachment_count; i++) {
		const struct sp_attachment *one = &interfaces->status.attachment[i];

		if (one->presence != SP_DETACHED)
			continue;
		result = tried[i] = true;
		if (sp_dataplane_reattach(&interfaces->instance, one->interface, &err) == 0)
			interfaces->failed[0] = '\0';
		/* What has gone again meanwhile is no failure. */
		else if (err.exit_code != SP_EXIT_NOT_LOADED && if_nametoindex(one->interface))
			log_failure(interfaces, &err);
	}
	return result;
}

static int take_status(struct sp_interfaces *interfaces)
{
	struct sp_dataplane_status now;
	struct sp_error err;
	int code = sp_dataplane_status(&interfaces->instance, &now, &err);

	if (code)
		return code;
	for (unsigned i = 0; i < now.attachment_count; i++) {
		const struct sp_attachment nothing = {.presence = SP_ATTACHED};
		const struct sp_attachment *was =
			find(&interfaces->status, now.attachment[i].interface);

		log_difference(was ? was : &nothing, &now.attachment[i]);
	}
	interfaces->status = now;
	return 0;
}

/* Whether what is found now is known. */
static bool look_and_attach(struct sp_interfaces *interfaces)
{
	bool tried[SP_MAX_ATTACHED] = {false};

	/* `down` is at work, or was: the keeper finds that out elsewhere. */
	if (take_status(interfaces))
		return false;
	if (!reattach(interfaces, tried))
		return true;
	if (take_status(interfaces))
		return false;
	for (unsigned i = 0; i < interfaces->status.attachment_count; i++)
		if (tried[i] && interfaces->status.attachment[i].presence == SP_ATTACHED)
			log_attached(&interfaces->status.attachment[i]);
	return true;
}

void sp_interfaces_look(struct sp_interfaces *interfaces, bool settled)
{
	struct sp_error err;

	if (!look_and_attach(interfaces))
		return;
	if (settled)
		log_addresses(interfaces);
	if (sp_dataplane_ports(&interfaces->instance, &err))
		log_failure(interfaces, &err);
}

uint32_t sp_interfaces_number(const struct sp_interfaces *interfaces, const char *name)
{
	for (unsigned i = 0; i < interfaces->status.attachment_count; i++)
		if (!strcmp(interfaces->status.attachment[i].interface, name))
			return interfaces->status.attachment[i].ifindex;
	return 0;
}

int sp_interfaces_open(struct sp_interfaces *interfaces, const struct sp_instance *instance,
                       struct sp_error *err)
{
	const unsigned groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;

	*interfaces = (struct sp_interfaces){.instance = *instance};
	interfaces->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!interfaces->socket ||
	    mnl_socket_bind(interfaces->socket, groups, MNL_SOCKET_AUTOPID) < 0) {
		int code = -errno;

		sp_interfaces_close(interfaces);
		return sp_fail(err, code, SP_EXIT_FAILED, "cannot listen to rtnetlink: %s",
		               strerror(-code));
	}
	sp_interfaces_look(interfaces, true);
	return 0;
}

int sp_interfaces_file(const struct sp_interfaces *interfaces)
{
	return mnl_socket_get_fd(interfaces->socket);
}

void sp_interfaces_close(struct sp_interfaces *interfaces)
{
	if (interfaces->socket)
		mnl_socket_close(interfaces->socket);
	interfaces->socket = NULL;
}
