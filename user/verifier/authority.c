/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request at a time: the keeper answers at once. */
#include "verifier/authority.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "ipc/tally.h"
#include "lib/address.h"
#include "lib/log.h"
#include "radius/authority.h"

#define SOCKET SP_IPC_FIRST_FD

/* What came, and where an answer goes. */
struct parcel {
	struct sockaddr_in6 peer;
	struct iovec bytes;
	alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	struct msghdr message;
};

static struct sp_radius_authority authority;
static struct sp_log_limit log_limit = {.burst = 5};

void sp_verifier_authority_open(const struct sp_ipc_verifier_setup *setup)
{
	authority.setup = setup;
	tzset();
}

static void prepare(struct parcel *parcel, void *bytes, size_t length)
{
	parcel->bytes = (struct iovec){bytes, length};
	parcel->message = (struct msghdr){
		.msg_name = &parcel->peer,
		.msg_namelen = sizeof(parcel->peer),
		.msg_iov = &parcel->bytes,
		.msg_iovlen = 1,
		.msg_control = parcel->control,
		.msg_controllen = sizeof(parcel->control),
	};
}

/* From the address that was asked, by a route of the kernel's choice: what came as the destination
 * goes back as the source. */
static void answer(struct parcel *parcel, const struct sp_radius_packet *packet)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(&parcel->message);
	struct in6_pktinfo *info;

	if (control && control->cmsg_type == IPV6_PKTINFO) {
		info = (struct in6_pktinfo *)(void *)CMSG_DATA(control);
		if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
			info->ipi6_ifindex = 0;
	}
	parcel->bytes = (struct iovec){(void *)(uintptr_t)packet->data, packet->length};
	/* One that is lost is asked for again. */
	(void)sendmsg(SOCKET, &parcel->message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int wait_for(int fd, short events)
{
	struct pollfd files[] = {{.fd = SP_IPC_KEEPER_FD, .events = POLLIN},
	                         {.fd = fd, .events = events}};

	return poll(files, 2, -1) < 0 && errno != EINTR ? -errno : 0;
}

/* Have the keeper do it; @cause is what it says. 0 or negative errno. */
static int apply(struct sp_ipc_change *change, uint32_t *cause)
{
	static uint64_t last;
	struct sp_ipc_changed changed;
	int ret;

	change->header.kind = SP_IPC_CHANGE;
	change->id = ++last;
	ret = sp_ipc_send(SP_IPC_KEEPER_FD, change, sizeof(*change));
	if (ret)
		return ret;
	do
		ret = sp_ipc_receive(SP_IPC_KEEPER_FD, SP_IPC_CHANGED, &changed, sizeof(changed));
	while (ret == -EAGAIN && !(ret = wait_for(SP_IPC_KEEPER_FD, POLLIN)));
	if (ret)
		return ret;
	*cause = changed.result;
	return changed.id == last ? 0 : -EPROTO;
}

static void report(const struct sp_address *from, const char *why)
{
	char text[INET6_ADDRSTRLEN];

	sp_log_limited(&log_limit, SP_LOG_WARNING, "CoA or Disconnect from %s dropped: %s",
	               sp_address_text(from, text), why);
}

static int handle(struct parcel *parcel, size_t length)
{
	const struct sp_radius_packet *reply = NULL;
	struct sp_ipc_change change;
	struct sp_address from;
	const char *why = NULL;
	uint32_t cause = 0;
	int ret = 0;

	memcpy(&from, &parcel->peer.sin6_addr, sizeof(from));
	switch (sp_radius_authority_read(&authority, parcel->bytes.iov_base, length, &from,
	                                 ntohs(parcel->peer.sin6_port), (uint64_t)time(NULL),
	                                 &change, &reply, &cause, &why)) {
	case SP_RADIUS_DROP:
		sp_tally->radius.dropped++;
		report(&from, why);
		return 0;
	case SP_RADIUS_REPEAT:
		break;
	case SP_RADIUS_APPLY:
		ret = apply(&change, &cause);
		reply = sp_radius_authority_answer(&authority, cause);
		break;
	case SP_RADIUS_REFUSE:
		reply = sp_radius_authority_answer(&authority, cause);
		break;
	}
	if (!ret && reply)
		answer(parcel, reply);
	return ret;
}

/* What the keeper says without being asked is its end. */
static int check_keeper(void)
{
	struct sp_ipc_ready nothing;
	int ret = sp_ipc_receive(SP_IPC_KEEPER_FD, SP_IPC_READY, &nothing, sizeof(nothing));

	return ret == -EAGAIN ? 0 : ret ? ret : -EPROTO;
}

int sp_verifier_authority(void)
{
	static uint8_t bytes[SP_RADIUS_MOST];
	struct parcel parcel;
	ssize_t length;
	int ret = 0;

	while (!ret) {
		prepare(&parcel, bytes, sizeof(bytes));
		length = recvmsg(SOCKET, &parcel.message, MSG_DONTWAIT);
		if (length >= 0)
			ret = handle(&parcel, (size_t)length);
		else if (errno == EAGAIN)
			ret = wait_for(SOCKET, POLLIN);
		if (!ret)
			ret = check_keeper();
	}
	return ret;
}
