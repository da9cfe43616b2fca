/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "responder/letters.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/address.h"
#include "responder/count.h"
#include "responder/request.h"

/* Bytes of a request: more than a client that was offered SP_LETTER_SIZE sends at once. */
#define ROOM 2048

/* Batches of one socket before the others have their turn. */
#define BATCHES 8

/* To carry where a datagram arrived, and where its answer comes from. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* What is received, and turned into what is sent back where it lies. */
struct batch {
	struct mmsghdr message[SP_LETTERS_BATCH];
	struct iovec part[SP_LETTERS_BATCH][2];
	union sp_letters_address client[SP_LETTERS_BATCH];
	union control control[SP_LETTERS_BATCH];
	struct sp_letter letter[SP_LETTERS_BATCH];
	char request[SP_LETTERS_BATCH][ROOM];
	char answer[SP_LETTERS_BATCH][SP_MAX_ANSWER];
};

static struct batch batch;

void sp_letters_init(struct sp_letters *letters, const struct sp_knowledge *knowledge,
                     const int answers[2])
{
	memset(letters, 0, sizeof(*letters));
	letters->knowledge = knowledge;
	memcpy(letters->answers, answers, sizeof(letters->answers));
}

static int receive(int socket)
{
	for (unsigned i = 0; i < SP_LETTERS_BATCH; i++) {
		struct msghdr *header = &batch.message[i].msg_hdr;

		batch.part[i][0] = (struct iovec){&batch.letter[i], sizeof(batch.letter[i])};
		batch.part[i][1] = (struct iovec){batch.request[i], ROOM};
		*header = (struct msghdr){
			.msg_name = &batch.client[i],
			.msg_namelen = sizeof(batch.client[i]),
			.msg_iov = batch.part[i],
			.msg_iovlen = 2,
			.msg_control = &batch.control[i],
			.msg_controllen = sizeof(batch.control[i]),
		};
	}
	return recvmmsg(socket, batch.message, SP_LETTERS_BATCH, MSG_DONTWAIT, NULL);
}

/*
 * Where the datagram arrived is where its answer comes from, over whatever interface the route
 * says. NULL: the kernel did not tell.
 */
static void *turn_control(struct msghdr *header)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(header);

	if (!control)
		return NULL;
	if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo *info = (void *)CMSG_DATA(control);

		info->ipi_ifindex = 0;
		info->ipi_spec_dst = info->ipi_addr;
		return &info->ipi_addr;
	}
	if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo *info = (void *)CMSG_DATA(control);

		info->ipi6_ifindex = 0;
		return &info->ipi6_addr;
	}
	return NULL;
}

static struct sp_letters_opened *find_opened(struct sp_letters *letters,
                                             const union sp_letters_address *client)
{
	bool is_ipv6 = client->any.sa_family == AF_INET6;
	uint32_t hash =
		is_ipv6 ? client->ipv6.sin6_addr.s6_addr32[3] : client->ipv4.sin_addr.s_addr;

	hash ^= is_ipv6 ? client->ipv6.sin6_port : client->ipv4.sin_port;
	hash = ntohl(hash) * 0x9e3779b1u; /* Knuth, TAOCP volume 3, section 6.4 */
	return &letters->opened[hash / (UINT32_MAX / SP_LETTERS_OPENED + 1)];
}

static void note_opened(struct sp_letters *letters, unsigned i, const void *own)
{
	struct sp_letters_opened *opened = find_opened(letters, &batch.client[i]);

	opened->client = batch.client[i];
	opened->letter = batch.letter[i];
	memcpy(&opened->own, own, opened->client.any.sa_family == AF_INET6 ? 16 : 4);
}

/* It has asked for something: nothing has to end early. */
static void forget_opened(struct sp_letters *letters, const union sp_letters_address *client)
{
	struct sp_letters_opened *opened = find_opened(letters, client);
	/* Behind a short address is what a long one has left there. */
	size_t length =
		client->any.sa_family == AF_INET6 ? sizeof(client->ipv6) : sizeof(client->ipv4);

	if (!memcmp(&opened->client, client, length))
		opened->client.any.sa_family = AF_UNSPEC;
}

/* RFC 1071, of @length bytes at @at, as they lie in memory. */
static uint16_t sum_of(const char *at, size_t length)
{
	uint64_t sum = 0;
	uint32_t word;

	for (; length >= sizeof(word); at += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum += word;
	}
	word = 0;
	memcpy(&word, at, length);
	sum += word;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Put the answer to request @i, of @length bytes, into the batch; nothing: that it is declined. */
static void write_answer(const struct sp_knowledge *knowledge, unsigned i, size_t length,
                         unsigned zone, bool is_ipv6, const struct sp_date *date)
{
	enum sp_request_result result;
	struct sp_request request;
	size_t size = 0;

	sp_request_init(&request);
	result = sp_request_read(&request, batch.request[i], length);
	if (result != SP_REQUEST_MORE)
		size = sp_respond(knowledge, zone, &request, result, batch.request[i], is_ipv6,
		                  date->text, batch.answer[i]);
	if (size > SP_LETTER_SIZE)
		size = 0;
	batch.part[i][1] = (struct iovec){batch.answer[i], size};
	batch.letter[i].sum = size ? sum_of(batch.answer[i], size) : SP_LETTER_DECLINE;
}

/* Deal with message @i. Whether there is something to send back. */
static bool handle(struct sp_letters *letters, unsigned i, unsigned zone, bool is_ipv6,
                   const struct sp_date *date)
{
	struct msghdr *header = &batch.message[i].msg_hdr;
	const size_t length = batch.message[i].msg_len;
	const void *own = turn_control(header);

	if (!own || header->msg_flags & MSG_CTRUNC || length < sizeof(struct sp_letter))
		return false;
	if (length == sizeof(struct sp_letter)) {
		note_opened(letters, i, own);
		return false;
	}
	forget_opened(letters, &batch.client[i]);
	/* Of what is longer than the room none is read: it is declined. */
	write_answer(letters->knowledge, i,
	             header->msg_flags & MSG_TRUNC ? 0 : length - sizeof(struct sp_letter), zone,
	             is_ipv6, date);
	header->msg_flags = 0;
	return true;
}

/* Send the first @count of the batch. What cannot be sent is left out: it will be asked for again,
 * and if it is too long for the way the next time by a connection. */
static void send_all(int socket, unsigned count, uint64_t now_us)
{
	unsigned done = 0;

	while (done < count) {
		int sent = sendmmsg(socket, batch.message + done, count - done,
		                    MSG_DONTWAIT | MSG_NOSIGNAL);

		for (int i = 0; i < sent; i++) {
			const struct iovec *answer =
				&batch.message[done + (unsigned)i].msg_hdr.msg_iov[1];

			if (answer->iov_len)
				sp_count_answer(answer->iov_base, now_us);
		}
		if (sent > 0) {
			done += (unsigned)sent;
		} else if (errno == EMSGSIZE && batch.message[done].msg_hdr.msg_iov[1].iov_len) {
			struct msghdr *header = &batch.message[done].msg_hdr;

			header->msg_iov[1].iov_len = 0;
			((struct sp_letter *)header->msg_iov[0].iov_base)->sum = SP_LETTER_DECLINE;
		} else if (errno == EAGAIN) {
			return; /* nor is there room for any of the others */
		} else if (errno != EINTR) {
			done++;
		}
	}
}

void sp_letters_serve(struct sp_letters *letters, int socket, unsigned zone, bool is_ipv6,
                      const struct sp_date *date, uint64_t now_us)
{
	for (unsigned round = 0; round < BATCHES; round++) {
		int received = receive(socket);
		unsigned count = 0;

		for (unsigned i = 0; received > 0 && i < (unsigned)received; i++)
			if (handle(letters, i, zone, is_ipv6, date))
				batch.message[count++] = batch.message[i];
		if (count)
			send_all(letters->answers[is_ipv6], count, now_us);
		if (received < SP_LETTERS_BATCH)
			return;
	}
}

static bool is_of(const union sp_letters_address *opened, const struct sp_address *client)
{
	if (opened->any.sa_family == AF_INET6)
		return !memcmp(&opened->ipv6.sin6_addr, client, sizeof(*client));
	return opened->any.sa_family == AF_INET && sp_address_is_ipv4(client) &&
	       opened->ipv4.sin_addr.s_addr == client->word[3];
}

static void send_reset(const struct sp_letters *letters, struct sp_letters_opened *opened)
{
	struct iovec part = {&opened->letter, sizeof(opened->letter)};
	union control control = {.room = ""};
	struct mmsghdr message = {
		.msg_hdr =
			{
				.msg_name = &opened->client,
				.msg_namelen = sizeof(opened->client),
				.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = &control,
			},
	};
	const bool is_ipv6 = opened->client.any.sa_family == AF_INET6;
	struct cmsghdr *to = &control.header;

	if (is_ipv6) {
		struct in6_pktinfo info = {.ipi6_ifindex = 0};

		memcpy(&info.ipi6_addr, &opened->own, sizeof(info.ipi6_addr));
		*to = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IPV6, IPV6_PKTINFO};
		memcpy(CMSG_DATA(to), &info, sizeof(info));
		message.msg_hdr.msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		struct in_pktinfo info = {.ipi_spec_dst.s_addr = opened->own.word[0]};

		*to = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO};
		memcpy(CMSG_DATA(to), &info, sizeof(info));
		message.msg_hdr.msg_controllen = CMSG_SPACE(sizeof(info));
		message.msg_hdr.msg_namelen = sizeof(opened->client.ipv4);
	}
	opened->letter.sum = SP_LETTER_RESET;
	/* Lost, it is as if the client had logged in a moment before. */
	sendmmsg(letters->answers[is_ipv6], &message, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void sp_letters_end(struct sp_letters *letters, const struct sp_address *client)
{
	for (unsigned i = 0; i < SP_LETTERS_OPENED; i++) {
		struct sp_letters_opened *opened = &letters->opened[i];

		if (!is_of(&opened->client, client))
			continue;
		send_reset(letters, opened);
		opened->client.any.sa_family = AF_UNSPEC;
	}
}
