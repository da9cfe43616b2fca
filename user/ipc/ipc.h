/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the processes of sallyportd say to each other: fixed-size messages, one per datagram of a
 * SOCK_SEQPACKET socketpair. The keeper trusts no length, no number and no string from a child: a
 * message of another size, kind or form ends that child.
 *
 * A child is started with
 *   fd 0, 1: /dev/null, fd 2: the log,
 *   fd 3: the socket to the keeper, fd 4: the memory that it counts in (ipc/tally.h),
 *   responder: fd 5 the IPv4 listener, fd 6 the IPv6 listener (bound, listening, non-blocking) of
 *              the first of its zones, fd 7 and 8 those of the next (setup.zone_count),
 *   portal:    fd 5 the read-only map `origins`, fd 6.. its listeners (setup.listener_count),
 *   reader:    fd 5 the ring buffer `answers`, fd 6 the read-only map `garden_names`,
 *   metrics:   fd 5 its listener (bound, listening, non-blocking),
 *   verifier:  none; authority: fd 5 its UDP socket (bound, non-blocking).
 * It reads its setup message, opens the data files it needs, gives up its privileges
 * (sp_ipc_confine), sends SP_IPC_READY and only then reads a byte of any client. End of file on
 * fd 3 means that the keeper is gone: the child exits.
 */
#ifndef SP_IPC_H
#define SP_IPC_H

#include <stdbool.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "ipc/sandbox.h"
#include "lib/error.h"
#include "web/asset.h"

/* Files of a responder: from which it answers letters, then for each zone of its setup a listener,
 * and then for each where letters come; each for IPv4 and IPv6. */
#define SP_IPC_ANSWER_FILES           2u
#define SP_IPC_RESPONDER_FILES(zones) (SP_IPC_ANSWER_FILES + 4u * (zones))

#define SP_IPC_FOLDER         256 /* path of a folder of pages, NUL included */
#define SP_IPC_KEEPER_FD      3
#define SP_IPC_TALLY_FD       4
#define SP_IPC_FIRST_FD       5
#define SP_IPC_MAGIC          0x53504d31u /* "SPM1" */
#define SP_IPC_URL            280         /* longest login URL without a query, NUL included */
#define SP_IPC_KEY            32          /* bytes of the link key */
#define SP_IPC_NAME           256   /* a user name (RFC 2865: at most 253 bytes), NUL included */
#define SP_IPC_SECRET         1024  /* a password or an external portal's token, NUL included */
#define SP_IPC_HASH           384   /* a crypt(5) string, NUL included (CRYPT_OUTPUT_SIZE) */
#define SP_IPC_CLASS          505   /* bytes of RADIUS Class attributes, each behind its length */
#define SP_IPC_EXTERNAL       512   /* URL of an external portal, NUL included */
#define SP_IPC_SHARED         128   /* the secret shared with it, NUL included */
#define SP_IPC_NONCE          16    /* bytes */
#define SP_IPC_SAID           256   /* a sentence for the client, NUL included */
#define SP_IPC_CHAIN          8     /* certificates of a chain */
#define SP_IPC_CHAIN_DER      16384 /* bytes of them */
#define SP_IPC_KEY_DER        8192  /* bytes of a private key */
#define SP_IPC_RADIUS_SERVERS 4
#define SP_IPC_RADIUS_SECRET  128 /* a secret shared with a RADIUS server, NUL included */

enum sp_ipc_kind {
	SP_IPC_RESPONDER_SETUP = 1, /* keeper -> responder, first message */
	SP_IPC_PORTAL_SETUP = 2,    /* keeper -> portal, first message */
	SP_IPC_READY = 3,           /* child -> keeper: privileges dropped, serving */
	SP_IPC_LOGIN = 4,           /* portal -> keeper */
	SP_IPC_LOGOUT = 5,          /* portal -> keeper */
	SP_IPC_QUERY = 6,           /* portal -> keeper */
	SP_IPC_ANSWER = 7,          /* keeper -> portal, one for each of the three above */
	SP_IPC_CLOSE = 8,           /* keeper -> responder */
	SP_IPC_GARDEN_SETUP = 9,    /* keeper -> reader of DNS answers, first message */
	SP_IPC_LEARNT = 10,         /* reader -> keeper: an address of a name */
	SP_IPC_LEARNT_DONE = 11,    /* keeper -> reader, after the last of an answer; a header */
	SP_IPC_VERIFIER_SETUP = 12, /* keeper -> verifier, first message */
	SP_IPC_CHECK = 13,          /* keeper -> verifier: are these credentials good? */
	SP_IPC_VERDICT = 14,        /* verifier -> keeper, one for each CHECK */
	SP_IPC_ACCOUNT = 15,        /* keeper -> accounting (ipc/radius.h) */
	SP_IPC_ACCOUNTED = 16,      /* accounting -> keeper */
	SP_IPC_CHANGE = 17,         /* authority -> keeper */
	SP_IPC_CHANGED = 18,        /* keeper -> authority, one for each CHANGE */
	SP_IPC_CERTIFICATE = 19,    /* keeper -> portal: for connections from now on */
	SP_IPC_METRICS_SETUP = 20,  /* keeper -> metrics, first message */
	SP_IPC_SCRAPE = 21,         /* metrics -> keeper: what do the metrics say? */
	SP_IPC_SCRAPED = 22,        /* keeper -> metrics, one for each: a file with the text */
	SP_IPC_PROBER_SETUP = 30,   /* doctor -> prober, first message (ipc/prober.h) */
	SP_IPC_PROBED = 31,         /* prober -> doctor, the only one */
};

struct sp_ipc_header {
	uint32_t magic;
	uint32_t kind; /* enum sp_ipc_kind */
};

/* The operator's own pages, as struct sp_own_pages (web/asset.h). Strings in setups are
 * NUL-terminated. */
struct sp_ipc_pages {
	char folder[SP_OWN_PAGES][SP_IPC_FOLDER]; /* "": none */
};

/* What clients of a zone are told whose HTTP is captured. */
struct sp_ipc_responder_zone {
	char login_url4[SP_IPC_URL]; /* "http://10.85.0.1:8080/" for clients that came by IPv4 */
	char login_url6[SP_IPC_URL]; /* "http://[fd85::1]:8080/" */
	struct sp_ipc_pages pages;
};

struct sp_ipc_responder_setup {
	struct sp_ipc_header header;
	uint32_t uid, gid;
	uint32_t probe_status;    /* 302 or 511 */
	uint32_t refresh;         /* seconds */
	uint32_t zone_count;      /* from 1: those that differ; which is which is told by their
	                           * listeners */
	uint8_t key[SP_IPC_KEY];  /* HMAC-SHA-256 key of the wanted-URL tag, shared with the portal
	                           */
	char data[SP_IPC_FOLDER]; /* directory of probes.conf and pages/ */
	char root[128];           /* empty directory to chroot into */
	struct sp_ipc_responder_zone zone[SP_ZONES];
};

/* What the captive portal API says (RFC 8908 section 5). */
struct sp_ipc_api {
	char url[SP_IPC_URL]; /* user-portal-url, https; "": the portal has no certificate */
	char venue_info[256]; /* venue-info-url; "": none */
	char realm[256];      /* of Basic authentication (RFC 7617) */
	uint32_t tell_extend; /* 1: tell can-extend-session, */
	uint32_t can_extend;  /* which is this */
};

/* What the portal shows in TLS handshakes: the certificate, the ones that signed it, its key. */
struct sp_ipc_tls {
	uint32_t count; /* certificates; 0: no TLS */
	uint32_t key_length;
	uint64_t expires;                /* seconds since 1970: the end of the first one */
	uint32_t length[SP_IPC_CHAIN];   /* bytes of each certificate */
	uint8_t chain[SP_IPC_CHAIN_DER]; /* one behind the other, DER */
	uint8_t key[SP_IPC_KEY_DER];     /* PKCS #8, DER */
};

struct sp_ipc_certificate {
	struct sp_ipc_header header;
	struct sp_ipc_tls tls;
};

/* How the portal meets clients of a zone. */
struct sp_ipc_portal_zone {
	uint32_t methods;      /* SP_METHOD_BIT (lib/method.h) of those that may be used */
	char url4[SP_IPC_URL]; /* its first page, as in struct sp_ipc_responder_zone */
	char url6[SP_IPC_URL];
	struct sp_ipc_pages pages;
	struct sp_ipc_api api;
};

struct sp_ipc_portal_setup {
	struct sp_ipc_header header;
	uint32_t uid, gid;
	uint32_t listener_count;
	uint32_t tls_count; /* so many of them, the first ones, are for HTTPS */
	uint32_t interface_count;
	uint32_t ifindex[16]; /* client interfaces: where a connection may have come from */
	uint8_t key[SP_IPC_KEY];
	uint8_t handover_key[SP_IPC_KEY]; /* web/handover.h: that links to it are signed with */
	char external[SP_IPC_EXTERNAL];   /* URL of the external portal; "": there is none */
	char data[SP_IPC_FOLDER];
	char root[128];
	uint32_t zone_count; /* from 1 */
	struct sp_ipc_portal_zone
		zone[SP_ZONES]; /* by number; clients of any other are of zone 0 */
	struct sp_ipc_tls tls;
};

struct sp_ipc_metrics_setup {
	struct sp_ipc_header header;
	uint32_t uid, gid;
	char root[128];
};

struct sp_ipc_garden_setup {
	struct sp_ipc_header header;
	uint32_t uid, gid;
	char root[128];
};

/* The keeper believes none of it but that an answer may have said so. */
struct sp_ipc_learnt {
	struct sp_ipc_header header;
	struct sp_garden_name_key name; /* the entry of the garden that the name falls under */
	struct sp_address address;
	uint32_t ttl;     /* seconds */
	uint32_t ifindex; /* where the answer came from; 0: from this machine */
	uint32_t last;    /* 1: of its answer */
};

struct sp_ipc_ready {
	struct sp_ipc_header header;
};

/*
 * A client has logged in: its connections that wait for a request must end. Browsers connect ahead
 * of need, and a request on such a connection would be answered with the login page once more.
 */
struct sp_ipc_close {
	struct sp_ipc_header header;
	struct sp_address client; /* one of its addresses */
};

/*
 * LOGIN, LOGOUT and QUERY: about the client whose connection the portal serves. The keeper looks
 * for that connection in `origins` itself: whose it is, and in which zone. Bytes of a string behind
 * its NUL are zero. LOGOUT and QUERY leave all but id, client, address and origin zero.
 */
struct sp_ipc_request {
	struct sp_ipc_header header;
	uint64_t id; /* comes back in the answer */
	struct sp_client_key client;
	uint32_t method; /* enum sp_method (lib/method.h); SP_METHOD_USER for every password: the
	                  * keeper knows whether the user is a local one or RADIUS decides */
	uint32_t secure; /* 1: the credentials came over TLS */
	struct sp_address address;   /* where the client's connection comes from */
	struct sp_origin_key origin; /* which it is */
	char name[SP_IPC_NAME];      /* user name; voucher: the code in its plain form */
	char secret[SP_IPC_SECRET];  /* password; external portal: the token it signed */
};

enum sp_ipc_result {
	SP_IPC_DONE = 0,
	SP_IPC_REFUSED = 1, /* the client is blocked */
	SP_IPC_FULL = 2,    /* `clients` is full */
	SP_IPC_FAILED = 3,  /* something of ours does not work */
	SP_IPC_WRONG = 4,   /* no such user, voucher, password or token */
	SP_IPC_BUSY = 5,    /* too many attempts: again after retry_after seconds */
	SP_IPC_SILENT = 6,  /* no RADIUS server answered */
	SP_IPC_USED = 7,    /* as many devices as the voucher or user may have */
	SP_IPC_OVER = 8,  /* the voucher's or user's time or data is used up, or its window over */
	SP_IPC_EARLY = 9, /* the voucher's window has not begun */
	SP_IPC_DISABLED = 10, /* the operator has not enabled this method */
	SP_IPC_INSECURE = 11, /* a password, and not over TLS */
	SP_IPC_RESULTS
};

/* Why the client's last session ended, as far as it is known. */
enum sp_ipc_ended {
	SP_IPC_ENDED_NOT = 0, /* it goes on, or there was none lately */
	SP_IPC_ENDED_TIME = 1,
	SP_IPC_ENDED_IDLE = 2,
	SP_IPC_ENDED_QUOTA = 3,
	SP_IPC_ENDED_OPERATOR = 4, /* removed by the operator or by RADIUS */
	SP_IPC_ENDED_CLIENT = 5,   /* signed out */
	SP_IPC_ENDINGS
};

struct sp_ipc_answer {
	struct sp_ipc_header header;
	uint64_t id;
	uint32_t result;        /* enum sp_ipc_result */
	uint32_t authorized;    /* 1: the client is authorized now */
	uint64_t seconds_left;  /* UINT64_MAX: no time limit */
	uint64_t bytes_left;    /* UINT64_MAX: no quota */
	uint32_t retry_after;   /* seconds, of SP_IPC_BUSY */
	uint32_t ended;         /* enum sp_ipc_ended, of a client that is not authorized */
	char said[SP_IPC_SAID]; /* UTF-8 for the client (RADIUS Reply-Message), or "" */
};

struct sp_ipc_radius_server {
	struct sp_address address;
	uint32_t port;
	char secret[SP_IPC_RADIUS_SECRET];
};

/* Whom to ask, or to tell, by RADIUS, and what this gateway is called there. */
struct sp_ipc_radius {
	uint32_t server_count;            /* 0: none */
	uint32_t timeout_ms;              /* of each try */
	uint32_t tries;                   /* of each server */
	uint32_t chap;                    /* 1: CHAP, 0: PAP */
	uint32_t port_type;               /* NAS-Port-Type */
	struct sp_address nas_address[2]; /* zero: none */
	char nas_identifier[64];
	char called[64]; /* Called-Station-Id */
	struct sp_ipc_radius_server server[SP_IPC_RADIUS_SERVERS];
};

/* What a verifier process is for. */
enum sp_ipc_verifier_role {
	SP_IPC_VERIFIER_LOGIN = 0,      /* judges credentials, one CHECK at a time */
	SP_IPC_VERIFIER_ACCOUNTING = 1, /* tells RADIUS servers of sessions */
	SP_IPC_VERIFIER_AUTHORITY = 2,  /* lets RADIUS servers end and change sessions */
};

struct sp_ipc_verifier_setup {
	struct sp_ipc_header header;
	uint32_t uid, gid;
	uint32_t role; /* enum sp_ipc_verifier_role */
	uint32_t spare;
	char shared[SP_IPC_SHARED]; /* secret of the external portal; "": there is none */
	uint8_t key[SP_IPC_KEY];    /* the link key: of the nonces of web/handover.h */
	char root[128];
	struct sp_ipc_radius radius; /* servers that check names and passwords; accounting: those
	                              * that are told; authority: names this gateway */
	uint32_t source_count;       /* authority: who may ask */
	uint32_t spare2;
	struct sp_address source[SP_MAX_ADDRESSES];
	char source_secret[SP_IPC_RADIUS_SECRET];
};

struct sp_ipc_check {
	struct sp_ipc_header header;
	uint64_t id; /* comes back in the verdict */
	struct sp_client_key client;
	uint32_t method; /* SP_METHOD_USER, SP_METHOD_RADIUS or SP_METHOD_EXTERNAL */
	uint32_t spare;
	struct sp_address address;
	char name[SP_IPC_NAME];
	char secret[SP_IPC_SECRET];
	char hash[SP_IPC_HASH];  /* of a local user; of one that does not exist, that of nobody */
	char zone[SP_ZONE_NAME]; /* where the client is; "": in none */
};

/* What a session may use, as struct sp_limits (lib/session.h); 0: no such limit. */
struct sp_ipc_limits {
	uint64_t seconds, idle;
	uint64_t quota, quota_up, quota_down;
	uint64_t rate_up, rate_down;
	uint64_t interim; /* seconds between accounting updates; 0: as configured */
};

struct sp_ipc_verdict {
	struct sp_ipc_header header;
	uint64_t id;
	uint32_t result;  /* SP_IPC_DONE, WRONG, SILENT, FAILED, OVER or REFUSED */
	uint32_t limited; /* 1: limits below replace those of the configuration where not 0 */
	struct sp_ipc_limits limits;
	uint64_t nonce_until; /* external: last second of @nonce, since 1970; 0: there is none */
	uint8_t nonce[SP_IPC_NONCE]; /* which must not have been used before */
	char name[SP_IPC_NAME];      /* who it is, as the server or token says; "": as asked */
	char said[SP_IPC_SAID];
	uint32_t class_length; /* each Class: a byte that says its length, then that many */
	uint8_t class_bytes[SP_IPC_CLASS + 3];
};

_Static_assert(sizeof(struct sp_ipc_close) == 24, "no padding");
_Static_assert(sizeof(struct sp_ipc_learnt) == 296, "no padding");
_Static_assert(sizeof(struct sp_ipc_request) == 88 + SP_IPC_NAME + SP_IPC_SECRET, "no padding");
_Static_assert(sizeof(struct sp_ipc_answer) == 48 + SP_IPC_SAID, "no padding");
_Static_assert(sizeof(struct sp_ipc_check) ==
                       48 + SP_IPC_NAME + SP_IPC_SECRET + SP_IPC_HASH + SP_ZONE_NAME,
               "no padding");

/*
 * Send one message: @message begins with a header whose kind is set; the magic is filled in here.
 * 0 or negative errno (-EAGAIN when the peer does not read).
 */
int sp_ipc_send(int fd, void *message, uint32_t size);

/*
 * Receive one message of exactly @size bytes and @kind. 0; -EPIPE at end of file; -EAGAIN; -EPROTO
 * for anything that is not exactly that.
 */
int sp_ipc_receive(int fd, enum sp_ipc_kind kind, void *message, uint32_t size);

/* As sp_ipc_send, with the open file @file besides. */
int sp_ipc_send_file(int fd, void *message, uint32_t size, int file);

/* As sp_ipc_receive, for a message that comes with a file, which is put into @file. */
int sp_ipc_receive_file(int fd, enum sp_ipc_kind kind, void *message, uint32_t size, int *file);

/* The kind of the message that comes next and stays where it is. Results as above. */
int sp_ipc_next(int fd, uint32_t *kind);

/* Whether the paths in @pages end. */
bool sp_ipc_pages_end(const struct sp_ipc_pages *pages);

/* The same folders; they are those of @pages. */
struct sp_own_pages sp_ipc_own_pages(const struct sp_ipc_pages *pages);

/* Whether the lengths in @tls are within it. */
bool sp_ipc_tls_fits(const struct sp_ipc_tls *tls);

/* Receive a LOGIN, LOGOUT or QUERY about a client that can exist: a unicast MAC that is not zero, a
 * VLAN id in range; strings that end, a method that exists. Results as above. */
int sp_ipc_receive_request(int fd, struct sp_ipc_request *request);

/* Receive a CHECK, in a verifier: strings that end. Results as above. */
int sp_ipc_receive_check(int fd, struct sp_ipc_check *check);

/* Receive a VERDICT, in the keeper: a result that a verifier may give, strings that end and can be
 * shown, limits that a session can have. Results as above. */
int sp_ipc_receive_verdict(int fd, struct sp_ipc_verdict *verdict);

/*
 * Give up root for good: chroot into the empty directory @root, groups, gid and uid set to @gid and
 * @uid (both not 0), no capability and none to be had (bounding set), no_new_privs. Checks that
 * root cannot be had back. 0 or negative errno; a caller that gets an error must exit.
 */
int sp_drop_privileges(const char *root, uint32_t uid, uint32_t gid);

/* The steps of a child that waits for its setup, with a sentence for the log when one fails: read
 * the setup message of @kind, */
int sp_ipc_begin(enum sp_ipc_kind kind, void *setup, uint32_t size, struct sp_error *err);

/* give up privileges (@root comes from the setup and has @room bytes) and every system call and
 * resource that @sandbox does not have, */
int sp_ipc_confine(const char *root, uint32_t room, uint32_t uid, uint32_t gid,
                   const struct sp_sandbox *sandbox, struct sp_error *err);

/* and say so. */
int sp_ipc_tell_ready(struct sp_error *err);

#endif
