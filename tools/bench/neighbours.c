/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tell the kernel the MACs of many clients at once, for good: what ends the traffic to them answers
 * no ARP. `ip -batch` does the same, at a tenth of the speed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/text.h"

/* Messages go in pieces: one system call for some hundreds of neighbours. */
#define PIECE      ((size_t)128 * 1024)
#define MESSAGE    128u /* room of one, generously */
#define NAMED_ACKS 1u   /* the sequence number of messages that the kernel answers */

struct order {
	uint32_t interface;
	int family;
	uint8_t address[16], mac[6];
	uint64_t count;
};

/* Number @number is added to the last four bytes, as in traffic.bpf.c. */
static void numbered(uint8_t *out, const uint8_t *first, size_t size, uint32_t number)
{
	uint32_t last;

	memcpy(out, first, size);
	memcpy(&last, out + size - 4, sizeof(last));
	last = htonl(ntohl(last) + number);
	memcpy(out + size - 4, &last, sizeof(last));
}

static void put(void *at, const struct order *order, uint32_t number, bool answered)
{
	const size_t size = order->family == AF_INET ? 4 : 16;
	uint8_t address[16], mac[6];
	struct nlmsghdr *message = mnl_nlmsg_put_header(at);
	struct ndmsg *neighbour;

	numbered(address, order->address, size, number);
	numbered(mac, order->mac, sizeof(mac), number);
	message->nlmsg_type = RTM_NEWNEIGH;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE;
	if (answered)
		message->nlmsg_flags |= NLM_F_ACK;
	message->nlmsg_seq = NAMED_ACKS;
	neighbour = mnl_nlmsg_put_extra_header(message, sizeof(*neighbour));
	neighbour->ndm_family = (uint8_t)order->family;
	neighbour->ndm_ifindex = (int)order->interface;
	neighbour->ndm_state = NUD_PERMANENT;
	mnl_attr_put(message, NDA_DST, size, address);
	mnl_attr_put(message, NDA_LLADDR, sizeof(mac), mac);
}

/* Messages up to the end of a piece; the last one of all is answered. Returns the number after it.
 */
static uint32_t put_piece(char *piece, size_t *size, const struct order *order, uint32_t number)
{
	*size = 0;
	while (number < order->count && *size + MESSAGE <= PIECE) {
		put(piece + *size, order, number, number + 1 == order->count);
		*size += ((struct nlmsghdr *)(piece + *size))->nlmsg_len;
		number++;
	}
	return number;
}

/* The answer to the last message, or to the first that was refused. */
static int answer(struct mnl_socket *socket)
{
	char buffer[8192];
	ssize_t size = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	const struct nlmsghdr *message = (const void *)buffer;

	if (size < 0)
		return -errno;
	if (!mnl_nlmsg_ok(message, (int)size) || message->nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(message))->error;
}

static int fill(struct mnl_socket *socket, const struct order *order)
{
	static char piece[PIECE] __attribute__((aligned(8)));
	uint32_t number = 0;
	size_t size;

	while (number < order->count) {
		number = put_piece(piece, &size, order, number);
		if (mnl_socket_sendto(socket, piece, size) < 0)
			return -errno;
	}
	return answer(socket);
}

static int run(const struct order *order)
{
	const int room = (int)(2 * PIECE);
	struct mnl_socket *socket = mnl_socket_open(NETLINK_ROUTE);
	int result;

	if (!socket)
		return -errno;
	if (setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_SNDBUFFORCE, &room,
	               sizeof(room)) ||
	    mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID))
		result = -errno;
	else
		result = fill(socket, order);
	mnl_socket_close(socket);
	return result;
}

static bool take(struct order *order, char **argv)
{
	order->family = strchr(argv[3], ':') ? AF_INET6 : AF_INET;
	order->interface = if_nametoindex(argv[1]);
	return order->interface && !sp_text_mac(argv[2], order->mac) &&
	       inet_pton(order->family, argv[3], order->address) == 1 &&
	       !sp_text_number(argv[4], 1, 1u << 24, &order->count);
}

int main(int argc, char **argv)
{
	struct order order;
	int result;

	if (argc != 5 || !take(&order, argv)) {
		fputs("usage: neighbours INTERFACE MAC ADDRESS COUNT\n\n"
		      "Add COUNT permanent neighbours: ADDRESS + n has MAC + n. INTERFACE is one "
		      "of this\n"
		      "network namespace; COUNT is at most 16777216.\n",
		      stderr);
		return 2;
	}
	result = run(&order);
	if (result)
		fprintf(stderr, "neighbours: %s\n", strerror(-result));
	return result ? EXIT_FAILURE : EXIT_SUCCESS;
}
