/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "keeper/address.h"
#include "keeper/inherit.h"

#define BACKLOG 4096

/* That wait for a responder, or for the network behind it: some thousand datagrams, as the kernel
 * counts them. */
#define LETTER_BYTES (4 << 20)

/* Retransmissions of a SYN-ACK: gives up after 7 s, so that clients which never answer one leave
 * few half-open connections behind. */
#define SYN_ACK_RETRIES 2

union endpoint {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

static socklen_t endpoint_fill(union endpoint *endpoint, const struct sp_address *address,
                               uint16_t port)
{
	memset(endpoint, 0, sizeof(*endpoint));
	if (sp_address_is_ipv4(address)) {
		endpoint->ipv4.sin_family = AF_INET;
		endpoint->ipv4.sin_addr.s_addr = address->word[3];
		endpoint->ipv4.sin_port = htons(port);
		return sizeof(endpoint->ipv4);
	}
	endpoint->ipv6.sin6_family = AF_INET6;
	memcpy(&endpoint->ipv6.sin6_addr, address, sizeof(*address));
	endpoint->ipv6.sin6_port = htons(port);
	return sizeof(endpoint->ipv6);
}

struct option {
	int level, name, value;
};

/* A non-blocking socket of @type at @endpoint with @options, whose last has level -1; listening if
 * it is for connections. */
static int bind_anew(const union endpoint *endpoint, socklen_t length, int type,
                     const struct option *options)
{
	int ret;
	int fd = socket(endpoint->any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	for (; options->level >= 0; options++)
		if (setsockopt(fd, options->level, options->name, &options->value,
		               sizeof(options->value)))
			goto fail;
	if (bind(fd, &endpoint->any, length) || (type == SOCK_STREAM && listen(fd, BACKLOG)))
		goto fail;
	return fd;
fail:
	ret = -errno;
	close(fd);
	return ret;
}

/* The one that an earlier keeper or setup called @name and listened at with, else a new one. */
static int listen_at(const char *name, const struct sp_address *address, uint16_t port,
                     const struct option *options)
{
	union endpoint endpoint;
	socklen_t length = endpoint_fill(&endpoint, address, port);
	int fd = sp_inherit_take(name, &endpoint.any, length);

	if (fd >= 0)
		return fd;
	fd = bind_anew(&endpoint, length, SOCK_STREAM, options);
	if (fd >= 0)
		sp_inherit_keep(name, fd);
	return fd;
}

/* Only bpf_sk_assign brings packets to a responder, which looks at no address; bound to loopback,
 * nobody on a network can come by another way. */
static struct sp_address loopback(bool ipv6)
{
	if (ipv6)
		return (struct sp_address){{0, 0, 0, htonl(1)}};
	return (struct sp_address){{0, 0, htonl(0xffff), htonl(INADDR_LOOPBACK)}};
}

/*
 * Where source NAT is configured, since Linux 6.6, netfilter takes back the socket that a packet
 * was given unless it is of this packet's connection, which a listener is not, or is transparent
 * (nf_nat_ipv4_local_in in net/netfilter/nf_nat_proto.c). Also for one that was taken over.
 */
static int make_transparent(int fd, bool ipv6)
{
	const int on = 1;
	int ret = ipv6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, sizeof(on))
	               : setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on));

	if (!ret)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static int no_loopback(int code, const char *what, bool ipv6, struct sp_error *err)
{
	return sp_fail(err, code, SP_EXIT_FAILED, "cannot %s at %s: %s; is the interface lo up%s?",
	               what, ipv6 ? "[::1]" : "127.0.0.1", strerror(-code),
	               ipv6 ? " and IPv6 not disabled (sysctl net.ipv6.conf.lo.disable_ipv6)" : "");
}

int sp_listen_responder(bool ipv6, struct sp_error *err)
{
	static const struct option options4[] = {
		{IPPROTO_TCP, TCP_NODELAY, 1},
		{IPPROTO_TCP, TCP_SYNCNT, SYN_ACK_RETRIES},
		{-1, 0, 0},
	};
	static const struct option options6[] = {
		{IPPROTO_IPV6, IPV6_V6ONLY, 1},
		{IPPROTO_TCP, TCP_NODELAY, 1},
		{IPPROTO_TCP, TCP_SYNCNT, SYN_ACK_RETRIES},
		{-1, 0, 0},
	};
	const struct sp_address own = loopback(ipv6);
	const int off = 0;
	int fd = listen_at(SP_INHERIT_RESPONDER, &own, 0, ipv6 ? options6 : options4);

	if (fd >= 0)
		fd = make_transparent(fd, ipv6);
	if (fd >= 0) {
		/* The answer acknowledges the request: a packet less, which is a tenth of all that
		 * an answer costs. Connections inherit it; only now, since listen() forgets it. */
		setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
		return fd;
	}
	return no_loopback(fd, "listen for captured HTTP", ipv6, err);
}

static int bind_datagrams(bool ipv6, const struct option *options)
{
	const struct sp_address own = loopback(ipv6);
	union endpoint endpoint;
	socklen_t length = endpoint_fill(&endpoint, &own, 0);

	return bind_anew(&endpoint, length, SOCK_DGRAM, options);
}

int sp_listen_letters(bool ipv6, struct sp_error *err)
{
	static const struct option options4[] = {
		{IPPROTO_IP, IP_PKTINFO, 1},
		{SOL_SOCKET, SO_RCVBUFFORCE, LETTER_BYTES},
		{-1, 0, 0},
	};
	static const struct option options6[] = {
		{IPPROTO_IPV6, IPV6_V6ONLY, 1},
		{IPPROTO_IPV6, IPV6_RECVPKTINFO, 1},
		{SOL_SOCKET, SO_RCVBUFFORCE, LETTER_BYTES},
		{-1, 0, 0},
	};
	int fd = bind_datagrams(ipv6, ipv6 ? options6 : options4);

	if (fd >= 0)
		fd = make_transparent(fd, ipv6);
	return fd >= 0 ? fd : no_loopback(fd, "wait for captured requests", ipv6, err);
}

int sp_listen_answers(bool ipv6, struct sp_error *err)
{
	/* Without checksums of UDP, which would be of no use (bpf/letter.h); never in fragments. */
	static const struct option options4[] = {
		{IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE},
		{SOL_SOCKET, SO_NO_CHECK, 1},
		{SOL_SOCKET, SO_SNDBUFFORCE, LETTER_BYTES},
		{-1, 0, 0},
	};
	static const struct option options6[] = {
		{IPPROTO_IPV6, IPV6_V6ONLY, 1},
		{IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE},
		{IPPROTO_UDP, UDP_NO_CHECK6_TX, 1},
		{SOL_SOCKET, SO_SNDBUFFORCE, LETTER_BYTES},
		{-1, 0, 0},
	};
	int fd = bind_datagrams(ipv6, ipv6 ? options6 : options4);

	return fd >= 0 ? fd : no_loopback(fd, "answer captured requests", ipv6, err);
}

int sp_listen_portal(const struct sp_address *address, const char *key, uint16_t port,
                     struct sp_error *err)
{
	/* FREEBIND: an address that is still tentative, or that comes with an interface a moment
	 * later, stops nobody. */
	static const struct option options4[] = {
		{SOL_SOCKET, SO_REUSEADDR, 1},
		{IPPROTO_IP, IP_FREEBIND, 1},
		{-1, 0, 0},
	};
	static const struct option options6[] = {
		{SOL_SOCKET, SO_REUSEADDR, 1},
		{IPPROTO_IPV6, IPV6_V6ONLY, 1},
		{IPPROTO_IPV6, IPV6_FREEBIND, 1},
		{-1, 0, 0},
	};
	char text[INET6_ADDRSTRLEN];
	int fd = listen_at(SP_INHERIT_PORTAL, address, port,
	                   sp_address_is_ipv4(address) ? options4 : options6);

	if (fd >= 0)
		return fd;
	return sp_fail(err, fd, fd == -EACCES ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
	               "cannot listen for the portal at %s port %u: %s; choose another `%s` or "
	               "`listen` in [portal]%s",
	               sp_address_text(address, text), port, strerror(-fd), key,
	               fd == -EACCES ? ", or restart sallyportd, which has given up the right to "
	                               "ports below 1024"
	                             : "");
}

int sp_listen_metrics(const struct sp_address *address, uint16_t port, struct sp_error *err)
{
	static const struct option options[] = {
		{SOL_SOCKET, SO_REUSEADDR, 1},
		{-1, 0, 0},
	};
	char text[INET6_ADDRSTRLEN];
	union endpoint endpoint;
	socklen_t length = endpoint_fill(&endpoint, address, port);
	int fd = bind_anew(&endpoint, length, SOCK_STREAM, options);

	if (fd >= 0)
		return fd;
	return sp_fail(err, fd, fd == -EACCES ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
	               "cannot serve metrics at %s port %u: %s; choose another `listen` in "
	               "[metrics]",
	               sp_address_text(address, text), port, strerror(-fd));
}

/* A socket that is there but refuses has been left behind. */
static bool is_abandoned(int fd, const struct sockaddr_un *address)
{
	return connect(fd, (const struct sockaddr *)address, sizeof(*address)) &&
	       errno == ECONNREFUSED;
}

static int bind_path(int fd, const struct sockaddr_un *address)
{
	const struct sockaddr *name = (const struct sockaddr *)address;
	int ret = bind(fd, name, sizeof(*address)) ? -errno : 0;

	if (ret != -EADDRINUSE || !is_abandoned(fd, address))
		return ret;
	if (unlink(address->sun_path) || bind(fd, name, sizeof(*address)))
		return -errno;
	return 0;
}

int sp_listen_path(const char *path, struct sp_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int ret = fd < 0 ? -errno : 0;
	mode_t mask = umask(0111);

	memcpy(address.sun_path, path, strlen(path));
	if (!ret)
		ret = bind_path(fd, &address);
	umask(mask);
	if (!ret && listen(fd, BACKLOG))
		ret = -errno;
	if (!ret)
		return fd;
	if (fd >= 0)
		close(fd);
	return sp_fail(err, ret, SP_EXIT_FAILED,
	               "cannot serve metrics at %s: %s; choose another `listen` in [metrics]", path,
	               strerror(-ret));
}

int sp_listen_authority(uint16_t port, struct sp_error *err)
{
	const struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	const int on = 1, off = 0;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), ret = 0;

	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)))
		ret = -errno;
	if (!ret)
		return fd;
	if (fd >= 0)
		close(fd);
	return sp_fail(err, ret, ret == -EACCES ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
	               "cannot listen for CoA and Disconnect at UDP port %u: %s; choose another "
	               "`coa_port` in [radius]",
	               port, strerror(-ret));
}
