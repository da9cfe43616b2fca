/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the portal share: the whole process on the loopback with a keeper played here.
 */
#ifndef TESTS_UNIT_PORTAL_H
#define TESTS_UNIT_PORTAL_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <string.h>
#include <sys/types.h>

#include "ipc/ipc.h"
#include "web/link.h"

#define SOMEBODY      64813
#define OTHER_IFINDEX 900001u /* no such interface here; the portal only compares numbers */
#define EXTERNAL_URL  "https://login.example.org/"
#define WANTED        "http://www.example.org/a?b=1&c='2'"
#define WANTED_HTML   "http://www.example.org/a?b=1&amp;c=&#39;2&#39;"
#define WANTED_FORM   "http%3A%2F%2Fwww.example.org%2Fa%3Fb%3D1%26c%3D%272%27"

extern const struct sp_client_key visitor;

struct world {
	struct sp_ipc_portal_setup setup;
	char root[32];
	int origins, listener[2], keeper; /* IPv4, IPv6 */
	pid_t pid;
	bool ipv6;
	char tag[SP_LINK_TAG];
	char request[16384], response[65536];
	int socket; /* connection to the portal, -1: none */
};

/* Setup and teardown of a test: the portal runs, with `click` for a method, and ends by itself,
 * without an error, when the keeper goes away. _start_with: with @methods and the URL over TLS, "":
 * none. */
int portal_start(void **state);
int portal_start_with(void **state, uint32_t methods, const char *secure_url);
int portal_stop(void **state);

/* Its exit status; -1: it did not exit within 20 seconds, or was killed. */
int wait_exit(struct world *world);

/* Wait for something to read, 10 s at most: 1. */
int receive_soon(int fd);

/* A connection whose client is known; */
void visit(struct world *world);
/* step by step: a socket that has its port, */
void open_socket(struct world *world);
/* the record that the connection is @client's, as the datapath makes when it sees the SYN, */
void record(struct world *world, uint32_t ifindex, const struct sp_client_key *client);
/* the connection. */
void connect_portal(struct world *world);

/* Send a request. */
void send_text(struct world *world, const char *text, size_t length);
__attribute__((format(printf, 2, 3))) void request(struct world *world, const char *format, ...);
void get(struct world *world, const char *method, const char *target, const char *fields);
/* A form of the visitor's, with its token; */
void post(struct world *world, const char *path, const char *body, const char *fields);
/* without. */
void post_bare(struct world *world, const char *path, const char *body, const char *fields);

/* The response up to the end of the connection; its status. */
int read_response(struct world *world);

/* Be the keeper: expect one question of @kind and answer it. Returns the question. */
struct sp_ipc_request keep(struct world *world, enum sp_ipc_kind kind, struct sp_ipc_answer answer);
void nothing_asked(struct world *world);

extern const struct sp_ipc_answer captive, authorized, unlimited;

#define HAS(text)     assert_non_null(strstr(world->response, text))
#define LACKS(text)   assert_null(strstr(world->response, text))
#define STATUS(value) assert_int_equal(read_response(world), value)

#define PROCESS(test) cmocka_unit_test_setup_teardown(test, portal_start, portal_stop)

#endif
