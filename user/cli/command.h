/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of `sallyport` and what one call of it asks for.
 */
#ifndef SP_CLI_COMMAND_H
#define SP_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/instance.h"

/* Options: identifier, long name, short name or 0, value (NULL: it takes none), help. */
#define SP_OPTIONS(X)                                                                           \
	X(CONFIG, "config", 'c', "FILE", "configuration file")                                  \
	X(LOG_LEVEL, "log-level", 0, "LEVEL",                                                   \
	  "error, warning, notice, info or debug, whatever the configuration says")             \
	X(VERBOSE, "verbose", 'v', NULL, "the same as --log-level debug")                       \
	X(ZONE, "zone", 0, "NAME", "zone of the configuration")                                 \
	X(VLAN, "vlan", 0, "N", "VLAN id the client is on, 0 (untagged, the default) to 4094")  \
	X(FOR, "for", 0, "TIME", "the session ends after this long: 90s, 30m, 8h, 7d")          \
	X(IDLE, "idle", 0, "TIME", "it ends after this long without an upload")                 \
	X(QUOTA, "quota", 0, "SIZE", "it ends after this many bytes, up and down: 500M, 2G")    \
	X(QUOTA_UP, "quota-up", 0, "SIZE", "or after this many bytes up")                       \
	X(QUOTA_DOWN, "quota-down", 0, "SIZE", "or after this many bytes down")                 \
	X(UP, "up", 0, "RATE", "upload rate in bit/s: 512K, 5M, 1G")                            \
	X(DOWN, "down", 0, "RATE", "download rate in bit/s")                                    \
	X(BURST_UP, "burst-up", 0, "SIZE", "bytes that may come at once above that rate")       \
	X(BURST_DOWN, "burst-down", 0, "SIZE", "the same for downloads")                        \
	X(BIND, "bind", 0, "ADDRESS", "only from this IPv4 address; auto: the one it uses")     \
	X(NOTE, "note", 0, "TEXT", "label shown with the client, at most 63 bytes")             \
	X(DEVICES, "devices", 0, "N", "devices that may use it")                                \
	X(FROM, "from", 0, "DATE", "good from: 2026-08-01 or \"2026-08-01 14:00\", local time") \
	X(UNTIL, "until", 0, "DATE", "until then; a date alone: to its end")                    \
	X(SINCE, "since", 0, "TIME", "from a date on, or from so long ago: 2h, 7d")             \
	X(AT, "at", 0, "TIME", "who was there then: a date and time, or how long ago: 2h")      \
	X(BEFORE, "before", 0, "TIME", "what is older: a date, or how long ago: 30d")           \
	X(MAC, "mac", 0, "MAC", "of this client")                                               \
	X(USER, "user", 0, "NAME", "of this user, or of the voucher of this number")            \
	X(IP, "ip", 0, "ADDRESS", "of this IPv4 or IPv6 address")                               \
	X(LIMIT, "limit", 0, "N", "the last N of them")                                         \
	X(FOLLOW, "follow", 'f', NULL, "go on with what happens from now on")                   \
	X(NUMBER, "count", 0, "N", "how many, 1 (the default) to 100000")                       \
	X(BATCH, "batch", 0, "NAME", "name for those made together, at most 31 bytes")          \
	X(ALL, "all", 0, NULL, "all of them")                                                   \
	X(FORMAT, "format", 0, "FORMAT", "plain (the default), csv or json")                    \
	X(SHEET, "sheet", 0, "FILE", "new file FILE.svg or FILE.png to print, with QR codes")   \
	X(URL, "url", 0, "URL", "what the QR codes lead to (default: the portal)")              \
	X(HOST, "host", 0, "NAMES",                                                             \
	  "names and addresses of the portal: login.example.org,10.0.0.1")                      \
	X(DAYS, "days", 0, "N", "days it is good for, 365 (the default), 1 to 3650")            \
	X(OUT, "out", 0, "FOLDER", "folder for the new files")                                  \
	X(FORCE, "force", 0, NULL, "replace files that are there")                              \
	X(PROMETHEUS, "prometheus", 0, NULL, "in the older text format of Prometheus, 0.0.4")   \
	X(PROBE, "probe", 0, NULL, "play a client: DHCP, DNS and HTTP from its side")           \
	X(MEND, "mend", 0, NULL, "do the commands that interrupt nobody: sysctl, ethtool -K")   \
	X(REPAIR, "repair", 0, NULL, "mend the differences")                                    \
	X(INTERVAL, "interval", 0, "TIME", "between two looks, 1s (the default) to 1h")         \
	X(KIND, "kind", 0, "KINDS", "only these: login,expired,idle,quota; see events")         \
	X(REPLACE, "replace", 0, NULL, "also clients that have a session or a block")           \
	X(DRY_RUN, "dry-run", 0, NULL, "say what would be done, and change nothing")            \
	X(PASSWORD_STDIN, "password-stdin", 0, NULL, "the password is the first line of stdin")

#define SP_OPTION_ENUM(id, name, letter, value, help) SP_OPTION_##id,
enum sp_option { SP_OPTIONS(SP_OPTION_ENUM) SP_OPTION_COUNT };
#undef SP_OPTION_ENUM

struct sp_option_words {
	const char *name;
	char letter;              /* 0: none */
	const char *value, *help; /* no value: NULL */
};

extern const struct sp_option_words sp_options[SP_OPTION_COUNT];

#define SP_OPTION_BIT(id) (UINT64_C(1) << SP_OPTION_##id)

#define SP_MORE_WORDS 9u /* one more than any command has use for, so that it can complain */

struct sp_invocation;

struct sp_command {
	const char *name;     /* "up", "client allow" */
	const char *operand;  /* "MAC": one operand of this name; "[MAC]": or none; NULL: none */
	const char *more;     /* what may follow the operand; NULL: nothing */
	uint64_t options;     /* SP_OPTION_BIT of those it takes */
	const char *summary;  /* one line */
	const char *details;  /* paragraphs of its help; lines end in a newline */
	const char *examples; /* lines of its help, each an example */
	int (*run)(const struct sp_invocation *invocation, struct sp_error *err);
};

/* The one table, ended by a command without a name. */
extern const struct sp_command sp_commands[];

struct sp_invocation {
	const struct sp_command *command; /* NULL: help or version of the whole */
	const char *group;                /* help of the commands that begin with this word */
	bool help, version, json;
	const char *instance_name; /* NULL: not given */
	struct sp_instance instance;
	const char *operand;
	const char *more[SP_MORE_WORDS]; /* behind the operand */
	unsigned more_count;
	const char *option[SP_OPTION_COUNT]; /* NULL: not given; "": without a value */
	char *const *argv;                   /* what all this was read from, ended by NULL */
};

/*
 * Read the command line; @argv[0] is passed over, or means `run` when the program is called as
 * sallyportd. -EINVAL (SP_EXIT_USAGE) with a sentence. @invocation->json is valid even then, so
 * that the error can be said in the form that was asked for.
 */
int sp_arguments_read(struct sp_invocation *invocation, int argc, char *const argv[],
                      struct sp_error *err);

/* Print the help that @invocation asks for. */
void sp_help_print(const struct sp_invocation *invocation);

/* The command nearest to what was typed, or NULL when none is near. */
const char *sp_suggest(const char *typed);

int sp_up_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_reload_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_down_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_run_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_status_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_client_allow_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_client_block_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_client_remove_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_client_show_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_client_list_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_top_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_export_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_import_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_forward_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_bypass_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_events_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_garden_add_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_garden_remove_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_garden_list_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_garden_test_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_voucher_create_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_voucher_list_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_voucher_revoke_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_user_add_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_user_remove_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_user_list_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_user_passwd_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_user_disable_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_user_enable_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_metrics_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_stats_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_dhcp_snippet_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_cert_self_signed_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_cert_show_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_verify_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_doctor_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_log_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_ledger_backup_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_ledger_check_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_ledger_prune_run(const struct sp_invocation *invocation, struct sp_error *err);
int sp_config_check_run(const struct sp_invocation *invocation, struct sp_error *err);

#endif
