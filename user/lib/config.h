/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration file: sections of `key = value` (read by libinih). Unknown sections and keys,
 * repeated keys, overlong lines, bad values and contradictions are errors that name file and line,
 * and all of a file are told. Lists are separated by blanks or commas. See
 * user/man/sallyport.conf.5 for the meaning of each key.
 */
#ifndef SP_LIB_CONFIG_H
#define SP_LIB_CONFIG_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <sallyport/abi.h>

#include "lib/budgets.h"
#include "lib/config_errors.h"
#include "lib/endpoint.h"
#include "lib/error.h"
#include "lib/garden_entry.h"
#include "lib/log.h"

#define SP_CONFIG_PATH    "/etc/sallyport/sallyport.conf"
#define SP_MAX_INTERFACES 16 /* of each role */
#define SP_MAX_ATTACHED   (2 * SP_MAX_INTERFACES)
#define SP_MAX_VERIFIERS  16
#define SP_CONFIG_TEXT    256
#define SP_CONFIG_URL     512
#define SP_CONFIG_SOCKET  108  /* path of a socket, NUL included (unix(7)) */
#define SP_CONFIG_GARDEN  1024 /* lines `allow` */
#define SP_CONFIG_RADIUS  4u   /* servers of a kind */
#define SP_ZONE_VLANS     256  /* of one zone */

enum sp_attach { SP_ATTACH_AUTO, SP_ATTACH_NATIVE, SP_ATTACH_GENERIC, SP_ATTACH_TC };
enum sp_tc_hook { SP_TC_AUTO, SP_TC_TCX, SP_TC_CLSACT };
enum sp_log_way { SP_LOG_TO_AUTO, SP_LOG_TO_JOURNAL, SP_LOG_TO_SYSLOG, SP_LOG_TO_STDERR };
enum sp_extend { SP_EXTEND_UNSAID, SP_EXTEND_NO, SP_EXTEND_YES };

/* So many in so many seconds; count 0: any number. */
struct sp_attempts {
	uint32_t count;
	uint64_t seconds;
};

/*
 * What holds for the clients of a part of the network: some interfaces, or some VLANs. Zone 0 is
 * what the general sections say, and everything that no other zone has.
 *
 * [zone NAME]; what it does not say is as in zone 0.
 */
struct sp_zone {
	char name[SP_ZONE_NAME]; /* "": zone 0 */
	char client[SP_MAX_INTERFACES]
		   [IF_NAMESIZE]; /* client = lan1: without `vlan` all of them, else those VLANs on
	                             them; none: on every client interface. Not of zone 0 */
	unsigned client_count;
	uint16_t vlan[SP_ZONE_VLANS]; /* vlan = 12 20-29. Not of zone 0 */
	unsigned vlan_count;
	enum sp_forward forward;          /* [gateway] forward = stack | route */
	char portal_host[SP_CONFIG_TEXT]; /* [portal] host = login.example.org: name in the login
	                                  link, resolved by the operator's DNS; empty: the listening
	                                  address of the family the client came with */
	uint32_t methods;              /* methods = click voucher ...: SP_METHOD_BIT (lib/method.h)
	                                  of those that may be used */
	uint64_t session_seconds;      /* session = 8h   what a click-through login is given */
	uint64_t idle_seconds;         /* idle = 30m | none   (default none: 0) */
	uint64_t quota_bytes;          /* quota = 2G | none */
	uint64_t quota_up, quota_down; /* quota_up = 1G | none, quota_down = 1G | none */
	uint64_t rate_up, rate_down;   /* up = 5M | none, down = 20M | none */
	char venue_info[SP_CONFIG_TEXT]; /* venue_info = https://example.org/hotel: about the place,
	                                    told by the captive portal API; empty: none */
	bool bind;                       /* bind = on | off */
	enum sp_extend can_extend;       /* can_extend = on | off: told by it; default: not told */
	char pages[SP_CONFIG_TEXT];      /* pages = /etc/sallyport/pages: texts, style and logo of
	                                    the operator's own; empty: none */
	/* Its garden: entries of sp_config.garden with its number. */
};

/* Where metrics are served over HTTP. */
struct sp_metrics_listen {
	bool on;
	struct sp_endpoint endpoint; /* port 0: at a socket in the file system, */
	char path[SP_CONFIG_SOCKET]; /* this one; "": metrics.sock in /run/INSTANCE */
};

struct sp_config {
	char path[4096]; /* absolute path of the file; "" for defaults */

	struct sp_zone zone[SP_ZONES];
	unsigned zone_count; /* at least 1 */

	/* [gateway] */
	char client[SP_MAX_INTERFACES]
		   [IF_NAMESIZE]; /* client = lan0 lan1: and those of the zones, each once */
	unsigned client_count;    /* at least 1 */
	char uplink[SP_MAX_INTERFACES][IF_NAMESIZE]; /* uplink = wan0 */
	unsigned uplink_count;
	enum sp_attach attach;    /* attach = auto | native | generic | tc */
	enum sp_tc_hook tc;       /* tc = auto | tcx | clsact */
	uint32_t max_clients;     /* max_clients = 131072    (1 .. 4194304) */
	uint32_t mark, mark_mask; /* mark = 0x53000000/0xff000000 */
	bool guard;               /* guard = on | off */

	/* [captive] */
	struct sp_address
		resolver[SP_MAX_ADDRESSES]; /* resolvers = 10.0.0.1 fd00::1; none: the
	                                       gateway's own addresses on client interfaces */
	unsigned resolver_count;
	enum sp_refuse refuse_tcp; /* refuse = reset | drop */
	enum sp_refuse refuse_udp; /* refuse_udp = unreachable | drop */
	unsigned probe_status;     /* probe_status = 302 | 511 */
	unsigned refresh; /* refresh = 0: seconds of the meta refresh of the 511 page (0 .. 3600) */
	unsigned workers; /* workers = 0: responder processes; 0: one per CPU (0 .. 64) */
	char responder_user[32]; /* responder_user = sallyport-responder */

	/* [garden] */
	struct sp_garden_entry
		garden[SP_CONFIG_GARDEN]; /* allow = 192.0.2.0/24 tcp/443   (any number of lines) */
	unsigned garden_count;
	uint32_t garden_addresses; /* addresses = 256: learnt at once for a name (1 .. 4096) */
	char garden_user[32];      /* garden_user = sallyport-garden */

	/* [portal] */
	struct sp_address
		portal[SP_MAX_ADDRESSES]; /* listen = 10.0.0.1 fd00::1; none: the gateway's
	                                     own addresses on client interfaces */
	unsigned portal_count;
	char certificate[SP_CONFIG_TEXT]; /* certificate = /etc/sallyport/portal.crt: PEM, with its
	                                     chain; the path is absolute or relative to the folder
	                                     of this file; empty: no HTTPS */
	char key[SP_CONFIG_TEXT];         /* key = /etc/sallyport/portal.key; empty: in the file of
	                                     the certificate */
	uint16_t portal_port;             /* port = 443: HTTPS (1 .. 65535, not 80) */
	uint16_t plain_port;              /* plain_port = 8080: plain HTTP (1 .. 65535, not 80: that
	                                     is captured); 0: none */
	unsigned verifiers; /* verifiers = 0: processes that judge logins; 0: as many as the
	                       methods need (0 .. 16) */
	struct sp_attempts attempts; /* attempts = 5 1m | none: wrong ones, of each client */
	struct sp_attempts account_attempts; /* account_attempts = 50 1m | none: of each account */
	char verifier_user[32];              /* verifier_user = sallyport-verifier */
	char portal_user[32];                /* portal_user = sallyport-portal */

	/* [radius] */
	struct sp_endpoint radius_server[SP_CONFIG_RADIUS]; /* server = 10.0.0.5 [fd00::5]:1812 */
	unsigned radius_count;
	struct sp_endpoint radius_accounting[SP_CONFIG_RADIUS]; /* accounting = 10.0.0.5:1813 | none
	                                                           (default: the hosts of server) */
	unsigned radius_accounting_count;
	bool radius_no_accounting;
	bool radius_chap;                        /* protocol = pap | chap */
	uint16_t radius_coa_port;                /* coa_port = 3799 */
	bool radius_coa;                         /* coa = off | on */
	char radius_secret_file[SP_CONFIG_TEXT]; /* secret_file = /etc/sallyport/radius.secret */
	uint64_t radius_timeout;                 /* timeout = 3s: of each try (1s .. 60s) */
	uint32_t radius_tries;                   /* tries = 2: of each server (1 .. 10) */
	unsigned radius_port_type;               /* port_type = wireless | ethernet */
	char radius_identifier[64];      /* nas_identifier = lobby; empty: the host's name */
	struct sp_address radius_nas[2]; /* nas_address = 10.0.0.1 fd00::1: IPv4, IPv6; zero:
	                                    not said */
	uint64_t radius_interim;         /* interim = 5m | none (from 60s) */
	struct sp_address radius_coa_client[SP_MAX_ADDRESSES]; /* coa_clients = 10.0.0.5; none: the
	                                                          addresses of server */
	unsigned radius_coa_count;
	char radius_coa_secret_file[SP_CONFIG_TEXT]; /* coa_secret_file; empty: as secret_file */

	/* [external] */
	char external_url[SP_CONFIG_URL];     /* url = https://login.example.org/ */
	char external_secret[SP_CONFIG_TEXT]; /* secret_file = /etc/sallyport/external.secret */

	/* [ledger] */
	uint64_t retention; /* retention = 180d | forever: seconds; 0: for ever */

	/* [metrics] */
	struct sp_metrics_listen metrics_listen; /* listen = none | unix | unix:/run/m.sock |
	                                            127.0.0.1:9487 */
	char metrics_user[32];                   /* metrics_user = sallyport-metrics */

	/* [log], of the daemon */
	enum sp_log_way log_to;      /* to = auto | journal | syslog | stderr; auto: the journal if
	                                stderr leads there, else stderr */
	bool log_json;               /* format = text | json: on stderr */
	enum sp_log_level log_level; /* level = debug | info | notice | warning | error */
	bool log_names;              /* names = off | on: names of accounts */

	/* [budgets] neighbour = 50 200 ..., neighbour_all = 5000 20000 ... | none */
	struct sp_allowance budget[SP_BUDGETS];     /* of each captive client */
	struct sp_allowance budget_all[SP_BUDGETS]; /* of all of them */
};

/* Fill @config with the defaults above (client_count 0). */
void sp_config_defaults(struct sp_config *config);

/*
 * Read @path into @config, which holds the defaults for what the file does not say. Returns 0 or a
 * negative errno with SP_EXIT_USAGE and "PATH:LINE: ..." (a file that cannot be opened: "PATH: ..."
 * and, for -EACCES, SP_EXIT_PERMISSION). @config is unspecified after an error. @errors (may be
 * NULL) gets all that is wrong in the file, of which @err has the first; none when that is not why
 * it failed.
 */
int sp_config_load(struct sp_config *config, const char *path, struct sp_config_errors *errors,
                   struct sp_error *err);

/* The same from an open @file that is called @path in errors; config->path stays empty. */
int sp_config_read(struct sp_config *config, FILE *file, const char *path,
                   struct sp_config_errors *errors, struct sp_error *err);

/* The number of the zone that is called @name, from 1; -1: there is none. */
int sp_config_zone(const struct sp_config *config, const char *name);

/* Whether any zone forwards past the stack. */
bool sp_config_routes(const struct sp_config *config);

/* The methods of all zones together, SP_METHOD_BIT of each. */
uint32_t sp_config_methods(const struct sp_config *config);

/* Whether clients are behind @interface: that of a zone, too. */
bool sp_config_is_client(const struct sp_config *config, const char *interface);

/* Put the path of the file that a key of @config names into @path, relative ones resolved. 0, or
 * -ENAMETOOLONG with SP_EXIT_USAGE. */
int sp_config_file(const struct sp_config *config, const char *name, char *path, size_t room,
                   struct sp_error *err);

/* Whether @config, read from a file, says how the portal is to be reached: 0, or -EINVAL with
 * SP_EXIT_USAGE and what to do. */
int sp_config_check_portal(const struct sp_config *config, struct sp_error *err);

#endif
