/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reader of the head of one HTTP/1.x request (RFC 9112). It copies and allocates nothing: it notes
 * where things are in the caller's buffer, as offsets, so that the buffer may move while it fills.
 * It is strict where leniency has been the cause of attacks, and it never looks at a body: the
 * answer does not depend on it.
 */
#ifndef SP_RESPONDER_REQUEST_H
#define SP_RESPONDER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_MAX_HEAD   16384 /* bytes up to the empty line, that included */
#define SP_MAX_TARGET 8192
#define SP_MAX_METHOD 32

/* Part of the head. Offsets below SP_MAX_HEAD. */
struct sp_span {
	uint16_t at, length;
};

enum sp_request_result {
	SP_REQUEST_MORE = 0, /* not complete */
	SP_REQUEST_DONE = 1,
	SP_REQUEST_BAD = 400,
	SP_REQUEST_TARGET_TOO_LONG = 414,
	SP_REQUEST_HEAD_TOO_LONG = 431,
};

enum sp_target_form {
	SP_TARGET_ORIGIN,    /* /path */
	SP_TARGET_ABSOLUTE,  /* http://host/path */
	SP_TARGET_AUTHORITY, /* host:port, of CONNECT */
	SP_TARGET_ASTERISK,  /* *, of OPTIONS */
};

struct sp_request {
	/* The results, valid after SP_REQUEST_DONE; what is absent has length 0. */
	struct sp_span method;
	struct sp_span target;
	struct sp_span authority; /* host[:port] from the target or else from Host */
	struct sp_span path;      /* of an http URL: path and query */
	/* Of a field that is repeated the first one counts: these only choose a wording. */
	struct sp_span user_agent;
	struct sp_span accept;
	struct sp_span accept_language;
	uint16_t length; /* of the head: what follows is body or another request */
	uint8_t minor;   /* HTTP/1.minor */
	enum sp_target_form form;
	bool head; /* the method is HEAD; valid after an error, too */
	bool get;  /* the method is GET */
	bool last; /* the client sends neither body nor another request */

	/* State of the reader. */
	uint16_t scanned, line;
	bool in_fields, host_seen, length_seen, close, keep_alive, encoded, chunked;
	struct sp_span host;
	uint64_t content_length;
};

/* Make @request ready for a new head. */
void sp_request_init(struct sp_request *request);

/*
 * Read on: @head holds all @length bytes (at most SP_MAX_HEAD) received so far. After anything but
 * SP_REQUEST_MORE the request is not read any further.
 */
enum sp_request_result sp_request_read(struct sp_request *request, const char *head, size_t length);

#endif
