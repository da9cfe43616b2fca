/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/command.h"

#define OPTION_ENTRY(id, name, letter, value, help) {name, letter, value, help},
const struct sp_option_words sp_options[SP_OPTION_COUNT] = {SP_OPTIONS(OPTION_ENTRY)};

#define LIMIT_OPTIONS                                                                \
	(SP_OPTION_BIT(FOR) | SP_OPTION_BIT(IDLE) | SP_OPTION_BIT(QUOTA) |           \
	 SP_OPTION_BIT(QUOTA_UP) | SP_OPTION_BIT(QUOTA_DOWN) | SP_OPTION_BIT(UP) |   \
	 SP_OPTION_BIT(DOWN) | SP_OPTION_BIT(BURST_UP) | SP_OPTION_BIT(BURST_DOWN) | \
	 SP_OPTION_BIT(BIND))

const struct sp_command sp_commands[] = {
	{
		.name = "up",
		.options = SP_OPTION_BIT(CONFIG),
		.summary = "load the datapath and attach it to the client interfaces",
		.details =
			"From then on clients without a session are captive, whether the daemon "
			"runs\n"
			"or not. When it is loaded already, by this or another version, the "
			"configuration\n"
			"is applied anew, a running daemon takes it too, and no session is lost. "
			"Run it in\n"
			"the gateway's network namespace.\n",
		.examples = "sallyport up\n"
			    "sallyport up -c /etc/sallyport/lobby.conf\n"
			    "nsenter --net=/run/netns/lobby sallyport -I lobby up -c lobby.conf\n",
		.run = sp_up_run,
	},
	{
		.name = "reload",
		.options = SP_OPTION_BIT(CONFIG),
		.summary = "apply a changed configuration, and say what has changed in it",
		.details = "The same as `up` of a loaded instance, datapath and daemon: no session "
			   "and no\n"
			   "connection ends, and what is wrong with the configuration changes "
			   "nothing. "
			   "Without\n"
			   "-c it is the file of the last `up`. Returns when the daemon has taken "
			   "it, or "
			   "says\n"
			   "why it has not.\n",
		.examples = "sallyport reload\n"
			    "sallyport -j reload | jq .changes\n",
		.run = sp_reload_run,
	},
	{
		.name = "down",
		.summary = "stop the daemon, detach and remove everything",
		.details = "All sessions end and every client gets through as if there were no\n"
			   "Sallyport. Works without the configuration file.\n",
		.examples = "sallyport down\n",
		.run = sp_down_run,
	},
	{
		.name = "run",
		.options =
			SP_OPTION_BIT(CONFIG) | SP_OPTION_BIT(LOG_LEVEL) | SP_OPTION_BIT(VERBOSE),
		.summary = "the daemon, in the foreground (the same as sallyportd)",
		.details = "Serves captive clients: the 511 page and the login portal. Without -c "
			   "the\n"
			   "configuration is that of the last `up`. Ends on SIGTERM or SIGINT; "
			   "sessions\n"
			   "go on without it. Its log goes to stderr, or where section [log] of "
			   "the\n"
			   "configuration says; under systemd to the journal.\n",
		.examples = "sallyport run\n"
			    "sallyport run --log-level warning\n",
		.run = sp_run_run,
	},
	{
		.name = "status",
		.summary = "what is loaded, how it is attached, and whether the daemon runs",
		.details = "Exits 0 when the datapath is loaded, with or without the daemon; 4 "
			   "when not.\n",
		.examples = "sallyport status\n"
			    "sallyport -j status | jq .interfaces\n",
		.run = sp_status_run,
	},
	{
		.name = "client allow",
		.operand = "MAC",
		.options = SP_OPTION_BIT(VLAN) | LIMIT_OPTIONS | SP_OPTION_BIT(NOTE),
		.summary = "authorize a client, or change the limits of its session",
		.details =
			"Without limits the session lasts until it is removed. The limits replace\n"
			"those of a session that is alive; its counters stay, and a quota that "
			"they\n"
			"have used up already is refused.\n",
		.examples =
			"sallyport client allow 02:00:00:00:00:07\n"
			"sallyport client allow 02:00:00:00:00:07 --for 8h --idle 30m --quota 2G\n"
			"sallyport client allow 0200.0000.0007 --vlan 12 --up 5M --down 20M "
			"--note \"lobby TV\"\n"
			"sallyport client allow 02:00:00:00:00:07 --quota-down 1G --bind auto\n",
		.run = sp_client_allow_run,
	},
	{
		.name = "client block",
		.operand = "MAC",
		.options = SP_OPTION_BIT(VLAN) | SP_OPTION_BIT(NOTE),
		.summary = "drop everything from and to a client",
		.details =
			"It does not even reach the login page, until it is allowed or removed.\n",
		.examples = "sallyport client block 02:00:00:00:00:07 --note \"see ticket 12\"\n",
		.run = sp_client_block_run,
	},
	{
		.name = "client remove",
		.operand = "MAC",
		.options = SP_OPTION_BIT(VLAN),
		.summary = "end a session or a block: the client is captive again",
		.details = "Takes effect with the next packet, open connections included. Exits 3 "
			   "when\n"
			   "the client is not known.\n",
		.examples = "sallyport client remove 02:00:00:00:00:07\n",
		.run = sp_client_remove_run,
	},
	{
		.name = "client show",
		.operand = "MAC",
		.options = SP_OPTION_BIT(VLAN),
		.summary = "one client: state, limits, counters, addresses",
		.details =
			"Exits 3 when the client is not known, which means that it is captive.\n",
		.examples = "sallyport client show 02:00:00:00:00:07\n"
			    "sallyport -j client show 02:00:00:00:00:07 --vlan 12\n",
		.run = sp_client_show_run,
	},
	{
		.name = "client list",
		.summary = "every known client, in no order",
		.details = "With -j one object per line. An ended session is shown as captive "
			   "until it\n"
			   "is swept.\n",
		.examples = "sallyport client list\n"
			    "sallyport -j client list | jq 'select(.state == \"blocked\").mac'\n",
		.run = sp_client_list_run,
	},
	{
		.name = "export",
		.operand = "[FILE]",
		.summary = "write every session and block, for `import` on another gateway",
		.details =
			"One line of JSON for each client, with the members of `client list`, "
			"between a\n"
			"line that says the version and one that says how many there were. FILE "
			"is made\n"
			"for root alone and must not be there; without it, or as -, stdout. Not "
			"among\n"
			"them: what has ended, vouchers, users, and what the ledger tells of the "
			"past.\n",
		.examples = "sallyport export sessions.json\n"
			    "sallyport export | ssh other-gateway sallyport import -\n",
		.run = sp_export_run,
	},
	{
		.name = "import",
		.operand = "FILE",
		.options = SP_OPTION_BIT(REPLACE) | SP_OPTION_BIT(DRY_RUN),
		.summary = "let in and block the clients of a file, all of them or none",
		.details =
			"FILE (- is stdin) is what `export` wrote, or a list: a MAC a line and "
			"the\n"
			"options of `client allow` behind it, # begins a comment. Of an export the "
			"time\n"
			"and quota that are left are granted, from the same end on. Clients that "
			"have a\n"
			"session or a block keep it, unless --replace is given. Wrong lines are "
			"all named,\n"
			"and then nothing is changed: exit code 2.\n",
		.examples =
			"sallyport import sessions.json --dry-run\n"
			"printf '02:00:00:00:00:07 --for 8h --note \"lobby TV\"\\n' | sallyport "
			"import -\n",
		.run = sp_import_run,
	},
	{
		.name = "garden add",
		.operand = "ENTRY",
		.more = "[PROTOCOL[/PORT[-PORT]]]...",
		.options = SP_OPTION_BIT(ZONE),
		.summary = "open an address, prefix or name to captive clients",
		.details = "ENTRY is a prefix (192.0.2.0/24, 2001:db8::/32), an address, a name\n"
			   "(example.org) or every name below one (*.example.org). What follows "
			   "says what\n"
			   "of it is open: tcp, udp, icmp or a protocol number, tcp and udp with a "
			   "port or\n"
			   "a range of ports if need be; nothing: everything. Lasts until it is "
			   "removed or\n"
			   "the gateway is taken down; the configuration is the place for what "
			   "must last\n"
			   "longer. The addresses of a name are learnt by the daemon when a "
			   "captive client\n"
			   "asks a listed resolver for it, and closed when the answer is no longer "
			   "valid\n"
			   "and they are not in use. With --zone for the clients of that zone "
			   "alone, else\n"
			   "for those of every zone.\n",
		.examples = "sallyport garden add 192.0.2.0/24\n"
			    "sallyport garden add 2001:db8::7 tcp/443 udp/443\n"
			    "sallyport garden add example.org\n"
			    "sallyport garden add '*.example.org' tcp/80 tcp/443\n"
			    "sallyport garden add 192.0.2.7 --zone guests\n",
		.run = sp_garden_add_run,
	},
	{
		.name = "garden remove",
		.operand = "ENTRY",
		.more = "[PROTOCOL[/PORT[-PORT]]]...",
		.options = SP_OPTION_BIT(ZONE),
		.summary = "close an entry of the garden, or some of what it opens",
		.details = "Takes effect with the next packet, addresses learnt for a name "
			   "included. What\n"
			   "is in the configuration comes back with the next `up`. Exits 3 when "
			   "there is no\n"
			   "such entry.\n",
		.examples = "sallyport garden remove example.org\n"
			    "sallyport garden remove 2001:db8::7 udp/443\n",
		.run = sp_garden_remove_run,
	},
	{
		.name = "garden list",
		.options = SP_OPTION_BIT(ZONE),
		.summary = "the entries of the garden, and the addresses learnt for names",
		.details = "With -j one object per line. Addresses that were learnt show how long "
			   "they "
			   "stay\n"
			   "open without being used. With --zone only what holds in that zone.\n",
		.examples = "sallyport garden list\n"
			    "sallyport -j garden list | jq 'select(.source == \"learnt\")'\n",
		.run = sp_garden_list_run,
	},
	{
		.name = "garden test",
		.operand = "NAME|ADDRESS",
		.more = "[PROTOCOL[/PORT[-PORT]]]...",
		.options = SP_OPTION_BIT(ZONE),
		.summary = "whether captive clients may go there, and why",
		.details = "Exits 0 when it is open (or all that is asked for of it), 1 when it is "
			   "not.\n"
			   "Nothing is sent and no name is looked up. With --zone for a client of "
			   "that zone.\n",
		.examples = "sallyport garden test www.example.org\n"
			    "sallyport garden test 192.0.2.7 tcp/443\n",
		.run = sp_garden_test_run,
	},
	{
		.name = "voucher create",
		.options = LIMIT_OPTIONS | SP_OPTION_BIT(NUMBER) | SP_OPTION_BIT(DEVICES) |
                           SP_OPTION_BIT(FROM) | SP_OPTION_BIT(UNTIL) | SP_OPTION_BIT(BATCH) |
                           SP_OPTION_BIT(NOTE) | SP_OPTION_BIT(FORMAT) | SP_OPTION_BIT(SHEET) |
                           SP_OPTION_BIT(URL) | SP_OPTION_BIT(CONFIG),
		.summary = "make codes that let devices in, and print them",
		.details = "A code is shown here and never again: only its hash is kept. Its time "
			   "runs from\n"
			   "the first redemption on, for all its devices; each device has its own "
			   "quota.\n"
			   "What is not given is as the configuration says for a login. All of "
			   "them are\n"
			   "made, or none. --sheet is A4, one file a page: FILE-2.svg and so on.\n",
		.examples = "sallyport voucher create --for 8h\n"
			    "sallyport voucher create --count 100 --for 1d --quota 2G --down 20M "
			    "--batch august\n"
			    "sallyport voucher create --count 21 --for 2h --sheet desk.svg "
			    "--format csv\n"
			    "sallyport voucher create --devices 4 --from 2026-08-01 --until "
			    "2026-08-14 --note \"room 12\"\n",
		.run = sp_voucher_create_run,
	},
	{
		.name = "voucher list",
		.options = SP_OPTION_BIT(BATCH),
		.summary = "every voucher: number, state, devices, limits; never its code",
		.details = "States: new, used (places are left), full, expired, revoked.\n",
		.examples = "sallyport voucher list --batch august\n"
			    "sallyport -j voucher list | jq 'select(.state == \"new\").id'\n",
		.run = sp_voucher_list_run,
	},
	{
		.name = "voucher revoke",
		.operand = "[VOUCHER]",
		.options = SP_OPTION_BIT(BATCH) | SP_OPTION_BIT(ALL),
		.summary = "end a voucher, or all of a batch, and the sessions they gave",
		.details = "VOUCHER is a number of `voucher list`, or a code. Exits 3 when there "
			   "is none.\n",
		.examples = "sallyport voucher revoke 17\n"
			    "sallyport voucher revoke 7KQ2M-W4TXN\n"
			    "sallyport voucher revoke --batch august\n",
		.run = sp_voucher_revoke_run,
	},
	{
		.name = "user add",
		.operand = "NAME",
		.options = LIMIT_OPTIONS | SP_OPTION_BIT(DEVICES) | SP_OPTION_BIT(UNTIL) |
                           SP_OPTION_BIT(NOTE) | SP_OPTION_BIT(PASSWORD_STDIN),
		.summary = "make a user who signs in with a password",
		.details =
			"The password is asked for twice on the terminal, or is the first line of\n"
			"stdin; it is never an argument. What is not given is as the configuration "
			"says\n"
			"for a login; without --devices any number may be connected at once.\n",
		.examples =
			"sallyport user add anna --devices 2 --down 20M\n"
			"sallyport user add guest --until 2026-08-14 --password-stdin <secret\n",
		.run = sp_user_add_run,
	},
	{
		.name = "user remove",
		.operand = "NAME",
		.summary = "forget a user, and end the user's sessions",
		.details = "Exits 3 when there is no such user.\n",
		.examples = "sallyport user remove anna\n",
		.run = sp_user_remove_run,
	},
	{
		.name = "user list",
		.summary = "every user: state, devices, limits; never a password",
		.details = "With -j one object per line.\n",
		.examples = "sallyport user list\n"
			    "sallyport -j user list\n",
		.run = sp_user_list_run,
	},
	{
		.name = "user passwd",
		.operand = "NAME",
		.options = SP_OPTION_BIT(PASSWORD_STDIN),
		.summary = "give a user another password",
		.details = "Sessions go on. The password is asked for as with `user add`.\n",
		.examples = "sallyport user passwd anna\n",
		.run = sp_user_passwd_run,
	},
	{
		.name = "user disable",
		.operand = "NAME",
		.summary = "refuse a user for a while, and end the user's sessions",
		.details = "The user stays, until `user enable`, or `user remove`.\n",
		.examples = "sallyport user disable anna\n",
		.run = sp_user_disable_run,
	},
	{
		.name = "user enable",
		.operand = "NAME",
		.summary = "let a disabled user sign in again",
		.details = "Exits 3 when there is no such user.\n",
		.examples = "sallyport user enable anna\n",
		.run = sp_user_enable_run,
	},
	{
		.name = "stats",
		.summary = "packets and bytes by the reason they passed or were dropped for",
		.details = "Reasons that were never met are left out. Reason numbers are stable: 1 "
			   "to 31\n"
			   "pass, 32 and above drop.\n",
		.examples = "sallyport stats\n"
			    "sallyport -j stats | jq 'select(.verdict == \"drop\")'\n",
		.run = sp_stats_run,
	},
	{
		.name = "metrics",
		.options = SP_OPTION_BIT(PROMETHEUS),
		.summary = "everything that is counted, for Prometheus and its like",
		.details =
			"OpenMetrics 1.0. Without the daemon only what the maps and the files "
			"tell; the\n"
			"daemon serves the same over HTTP if [metrics] of the configuration says\n"
			"so. --prometheus is for readers of files, such as the textfile collector "
			"of\n"
			"node_exporter. With -j one object a sample.\n",
		.examples = "sallyport metrics\n"
			    "sallyport metrics --prometheus >sallyport.prom.new && mv "
			    "sallyport.prom.new /var/lib/prometheus/node-exporter/sallyport.prom\n",
		.run = sp_metrics_run,
	},
	{
		.name = "top",
		.options = SP_OPTION_BIT(INTERVAL) | SP_OPTION_BIT(NUMBER),
		.summary = "the clients that move most, as it happens",
		.details =
			"Keys: q ends it, s sorts by another column, / filters by a part of a "
			"MAC,\n"
			"address, name or note, r shows why packets passed or were dropped, space\n"
			"pauses, arrows and PgUp, PgDn scroll. With -j no terminal is needed: an "
			"object\n"
			"with the first 20 clients after each --interval, --count of them.\n",
		.examples = "sallyport top\n"
			    "sallyport top --interval 5s\n"
			    "sallyport -j top --count 10 | jq '.top[0]'\n",
		.run = sp_top_run,
	},
	{
		.name = "events",
		.options = SP_OPTION_BIT(KIND),
		.summary = "what the datapath tells, as it happens",
		.details = "New captive clients, first packets and ends of sessions, floods, "
			   "clashes of\n"
			   "addresses. With the daemon it begins with what was told lately; it "
			   "goes on until\n"
			   "it is interrupted, over a restart of the daemon too. With -j one "
			   "object per "
			   "line.\n",
		.examples = "sallyport events\n"
			    "sallyport events --kind login,expired,idle,quota\n"
			    "sallyport -j events | jq 'select(.event == \"flood\")'\n",
		.run = sp_events_run,
	},
	{
		.name = "log",
		.options = SP_OPTION_BIT(MAC) | SP_OPTION_BIT(VLAN) | SP_OPTION_BIT(USER) |
                           SP_OPTION_BIT(IP) | SP_OPTION_BIT(SINCE) | SP_OPTION_BIT(UNTIL) |
                           SP_OPTION_BIT(AT) | SP_OPTION_BIT(LIMIT) | SP_OPTION_BIT(FOLLOW),
		.summary =
			"who was connected when, by what, with which addresses, and why it ended",
		.details =
			"Lines of the log that the ledger keeps for as long as `retention` of the\n"
			"configuration says: sessions that begin, get other limits, are seen with "
			"a\n"
			"new address, end; refused logins; blocks. Without options all of them, "
			"oldest\n"
			"first. --at shows the sessions of one moment instead, with the addresses "
			"that\n"
			"they used then, to within ten seconds. With -j one object per line. "
			"Works\n"
			"without a loaded datapath.\n",
		.examples = "sallyport log --ip 10.0.0.7 --at \"2026-08-04 14:03\"\n"
			    "sallyport log --mac 02:00:00:00:00:07 --since 7d\n"
			    "sallyport log --user anna --limit 20\n"
			    "sallyport -j log --follow --since 1h\n",
		.run = sp_log_run,
	},
	{
		.name = "ledger backup",
		.operand = "FILE",
		.summary = "write a copy of the ledger to a new file, while it is in use",
		.details =
			"Users, vouchers, sessions, blocks and the log. Codes of vouchers can be "
			"told only\n"
			"with the key beside the ledger, voucher.key: keep that as well.\n",
		.examples = "sallyport ledger backup /var/backups/ledger-monday.db\n",
		.run = sp_ledger_backup_run,
	},
	{
		.name = "ledger check",
		.summary = "read all of the ledger and say what is damaged",
		.details = "Exits 1 when something is. Reads all of it, which takes a second for "
			   "some\n"
			   "hundred megabytes; nobody waits for it.\n",
		.examples = "sallyport ledger check\n",
		.run = sp_ledger_check_run,
	},
	{
		.name = "ledger prune",
		.options = SP_OPTION_BIT(CONFIG) | SP_OPTION_BIT(BEFORE),
		.summary = "delete what is older than the ledger is to keep",
		.details =
			"The daemon does it by itself, every hour. Sessions that go on stay, and "
			"so does\n"
			"what a voucher's quota counts, and what an accounting server has not "
			"confirmed.\n"
			"Without --before `retention` of the configuration holds, that of the "
			"last `up`\n"
			"unless -c says otherwise.\n",
		.examples = "sallyport ledger prune\n"
			    "sallyport ledger prune --before 2026-01-01\n",
		.run = sp_ledger_prune_run,
	},
	{
		.name = "forward",
		.operand = "[stack|route]",
		.options = SP_OPTION_BIT(ZONE),
		.summary = "how authorized clients' packets are forwarded, or switch it",
		.details = "stack: by the kernel, as without Sallyport. route: past it, by its "
			   "routes and\n"
			   "neighbours alone; netfilter and NAT do not see these packets. What is "
			   "not plain\n"
			   "goes through the stack in either mode. With --zone of that zone alone, "
			   "else of\n"
			   "every zone. Holds until the next `up`, which takes the mode of the\n"
			   "configuration.\n",
		.examples = "sallyport forward\n"
			    "sallyport forward route --zone staff\n"
			    "sallyport forward route\n"
			    "sallyport forward stack\n",
		.run = sp_forward_run,
	},
	{
		.name = "bypass",
		.operand = "on|off",
		.summary = "open the gate for everybody, or close it again",
		.details =
			"For emergencies: captive clients are let through, blocked ones are not. "
			"Sessions\n"
			"go on being counted and limited. `status` says loudly that the gate is "
			"open; it\n"
			"stays so until `bypass off` or `down`.\n",
		.examples = "sallyport bypass on\n"
			    "sallyport bypass off\n",
		.run = sp_bypass_run,
	},
	{
		.name = "dhcp-snippet",
		.operand = "SERVER",
		.options = SP_OPTION_BIT(CONFIG),
		.summary = "lines for a DHCP server that announce the captive portal API",
		.details =
			"SERVER is dnsmasq, kea, isc (dhcpd), radvd or odhcpd. Prints what belongs "
			"into its\n"
			"configuration: DHCPv4 option 114, DHCPv6 option 103 or option 37 of "
			"router "
			"advertisements\n"
			"(RFC 8910), with the portal's `host` and `port`. Without -c the "
			"configuration is\n"
			"that of the last `up`. Needs a `certificate` there.\n",
		.examples = "sallyport dhcp-snippet dnsmasq >/etc/dnsmasq.d/sallyport.conf\n"
			    "sallyport -j dhcp-snippet kea | jq -r .uri\n",
		.run = sp_dhcp_snippet_run,
	},
	{
		.name = "cert self-signed",
		.options = SP_OPTION_BIT(CONFIG) | SP_OPTION_BIT(HOST) | SP_OPTION_BIT(DAYS) |
                           SP_OPTION_BIT(OUT) | SP_OPTION_BIT(FORCE),
		.summary = "make a certificate and key for trials of the portal over HTTPS",
		.details =
			"Browsers warn of it until they are told to trust it. Names: those of "
			"--host, else\n"
			"`host` of the configuration and the addresses where the portal "
			"listens. Files:\n"
			"portal.crt and portal.key in the folder of --out, else those that the\n"
			"configuration names, else beside the configuration. The key is readable "
			"by root\n"
			"alone.\n",
		.examples =
			"sallyport cert self-signed\n"
			"sallyport cert self-signed --host login.example.org,10.0.0.1 --days 30\n"
			"sallyport cert self-signed --out /etc/sallyport --force\n",
		.run = sp_cert_self_signed_run,
	},
	{
		.name = "cert show",
		.operand = "[FILE]",
		.options = SP_OPTION_BIT(CONFIG),
		.summary = "names, validity and fingerprint of the portal's certificate",
		.details = "Without FILE that of the configuration, and whether its key can be "
			   "read and\n"
			   "fits. What the daemon shows to browsers at present is in `status`.\n",
		.examples = "sallyport cert show\n"
			    "sallyport -j cert show | jq .days_left\n",
		.run = sp_cert_show_run,
	},
	{
		.name = "verify",
		.options = SP_OPTION_BIT(REPAIR),
		.summary = "compare ledger, maps, programs and listeners with each other",
		.details = "Says how they differ, which side is believed, and what --repair does "
			   "about it.\n"
			   "Nobody is let in by a repair whom the map does not let in; a session "
			   "that the\n"
			   "ledger does not know is remembered from then on, one that the map does "
			   "not have\n"
			   "ends in the ledger. Exits 0 when there is no difference (left), else "
			   "1.\n",
		.examples = "sallyport verify\n"
			    "sallyport verify --repair\n"
			    "sallyport -j verify | jq '.differences[].about'\n",
		.run = sp_verify_run,
	},
	{
		.name = "doctor",
		.options = SP_OPTION_BIT(CONFIG) | SP_OPTION_BIT(MEND) | SP_OPTION_BIT(PROBE),
		.summary = "what is wrong with this gateway, why it matters and what mends it",
		.details =
			"Looks at the kernel, the interfaces and what their drivers do with "
			"frames, at\n"
			"programs of others, forwarding, NAT, resolvers, the portal, its "
			"certificate, the\n"
			"clock, the ledger, the daemon and what room is left. Works before and "
			"after `up`, in\n"
			"the gateway's network namespace; changes nothing without --mend. With "
			"--probe a\n"
			"made-up captive client is received on each client interface, and it is "
			"told what\n"
			"becomes of its packets. Exits 0 when there is nothing worse than a note, "
			"else 1.\n",
		.examples =
			"sallyport doctor\n"
			"sallyport doctor --mend\n"
			"sallyport -j doctor | jq '.findings[] | select(.level == \"error\")'\n",
		.run = sp_doctor_run,
	},
	{
		.name = "config check",
		.options = SP_OPTION_BIT(CONFIG),
		.summary = "read a configuration file and say what is wrong with it",
		.details = "Changes nothing. Exits 0 when the file is good, 2 when it is not.\n",
		.examples = "sallyport config check -c new.conf\n",
		.run = sp_config_check_run,
	},
	{.name = NULL},
};
