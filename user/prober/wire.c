/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prober/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#include "prober/dns.h"
#include "prober/http.h"

#define DHCP_CLIENT_PORT 68
#define DHCP_COOKIE_AT   236 /* RFC 2131 section 3: fixed part, then the cookie, then options */
#define DHCP_XID_AT      4
#define DHCP_TYPE        53
#define DHCP_API         114 /* RFC 8910 section 2.1 */

struct packet {
	uint8_t protocol;
	const uint8_t *data; /* behind the IP header */
	size_t length;
};

/* The IPv4 packet of @frame; -EAGAIN: there is none, or a piece of one. */
static int read_ip(struct packet *packet, const uint8_t *frame, size_t length)
{
	struct iphdr ip;
	size_t header, total;

	if (length < ETH_HLEN + sizeof(ip) || frame[12] != ETH_P_IP >> 8 ||
	    frame[13] != (ETH_P_IP & 0xff))
		return -EAGAIN;
	memcpy(&ip, frame + ETH_HLEN, sizeof(ip));
	header = (size_t)ip.ihl * 4;
	total = ntohs(ip.tot_len);
	if (ip.version != 4 || header < sizeof(ip) || total < header || ETH_HLEN + total > length ||
	    (ip.frag_off & htons(IP_MF | IP_OFFMASK)))
		return -EAGAIN;
	*packet = (struct packet){ip.protocol, frame + ETH_HLEN + header, total - header};
	return 0;
}

static int read_tcp(struct sp_probe_answer *answer, const struct sp_probe_question *question,
                    const struct packet *packet)
{
	struct tcphdr tcp;

	if (packet->protocol != IPPROTO_TCP || packet->length < sizeof(tcp))
		return -EAGAIN;
	memcpy(&tcp, packet->data, sizeof(tcp));
	if (ntohs(tcp.th_dport) != question->port)
		return -EAGAIN;
	*answer = (struct sp_probe_answer){
		.outcome = (tcp.th_flags & TH_RST)   ? SP_PROBE_REFUSED
	                   : (tcp.th_flags & TH_SYN) ? SP_PROBE_ANSWERED
	                                             : SP_PROBE_NONSENSE,
		.sequence = ntohl(tcp.th_seq),
	};
	return 0;
}

/* The segment in which an answer begins; what else is said on the connection is passed over. */
static int read_http(struct sp_probe_answer *answer, const struct sp_probe_question *question,
                     const struct packet *packet)
{
	struct tcphdr tcp;
	size_t header;

	if (packet->protocol != IPPROTO_TCP || packet->length < sizeof(tcp))
		return -EAGAIN;
	memcpy(&tcp, packet->data, sizeof(tcp));
	header = (size_t)tcp.th_off * 4;
	if (ntohs(tcp.th_dport) != question->port || header < sizeof(tcp))
		return -EAGAIN;
	*answer = (struct sp_probe_answer){.outcome = SP_PROBE_REFUSED};
	if (tcp.th_flags & TH_RST)
		return 0;
	if (packet->length <= header)
		return -EAGAIN;
	sp_http_read(answer, (const char *)packet->data + header, packet->length - header);
	return 0;
}

/* The payload of a datagram to @port; 0: it is none. */
static size_t read_udp(const struct packet *packet, uint32_t port, const uint8_t **payload)
{
	struct udphdr udp;
	size_t length;

	if (packet->protocol != IPPROTO_UDP || packet->length < sizeof(udp))
		return 0;
	memcpy(&udp, packet->data, sizeof(udp));
	length = ntohs(udp.len);
	if (ntohs(udp.dest) != port || length < sizeof(udp) || length > packet->length)
		return 0;
	*payload = packet->data + sizeof(udp);
	return length - sizeof(udp);
}

static int read_dns(struct sp_probe_answer *answer, const struct sp_probe_question *question,
                    const struct packet *packet)
{
	struct sp_probe_question asked = *question;
	const uint8_t *message = NULL;
	size_t length = read_udp(packet, question->port, &message);

	asked.kind = SP_PROBE_A;
	if (!length)
		return -EAGAIN;
	return sp_dns_read(answer, &asked, (uint16_t)question->id, message, length);
}

/* RFC 2132 section 2: code, length, bytes; 0 is padding, 255 the end. */
static void read_options(struct sp_probe_answer *answer, const uint8_t *option, size_t length)
{
	size_t at = 0;

	while (at + 1 < length && option[at] != 255) {
		size_t size = option[at + 1];

		if (option[at] == 0) {
			at++;
			continue;
		}
		if (at + 2 + size > length)
			return;
		if (option[at] == DHCP_TYPE && size == 1)
			answer->code = option[at + 2];
		else if (option[at] == DHCP_API && size < sizeof(answer->text))
			memcpy(answer->text, option + at + 2, size);
		at += 2 + size;
	}
}

static int read_dhcp(struct sp_probe_answer *answer, const struct sp_probe_question *question,
                     const struct packet *packet)
{
	static const uint8_t cookie[] = {99, 130, 83, 99};
	const uint8_t *message = NULL;
	size_t length = read_udp(packet, DHCP_CLIENT_PORT, &message);
	uint32_t xid;

	if (length < DHCP_COOKIE_AT + sizeof(cookie))
		return -EAGAIN;
	memcpy(&xid, message + DHCP_XID_AT, sizeof(xid));
	if (ntohl(xid) != question->id ||
	    memcmp(message + DHCP_COOKIE_AT, cookie, sizeof(cookie)) != 0)
		return -EAGAIN;
	*answer = (struct sp_probe_answer){.outcome = SP_PROBE_ANSWERED};
	read_options(answer, message + DHCP_COOKIE_AT + sizeof(cookie),
	             length - DHCP_COOKIE_AT - sizeof(cookie));
	return 0;
}

int sp_wire_read(struct sp_probe_answer *answer, const struct sp_probe_question *question,
                 const uint8_t *frame, size_t length)
{
	struct packet packet;
	int code = read_ip(&packet, frame, length);

	if (code)
		return code;
	if (question->kind == SP_PROBE_WIRE_TCP)
		return read_tcp(answer, question, &packet);
	if (question->kind == SP_PROBE_WIRE_HTTP)
		return read_http(answer, question, &packet);
	if (question->kind == SP_PROBE_WIRE_DNS)
		return read_dns(answer, question, &packet);
	return read_dhcp(answer, question, &packet);
}
