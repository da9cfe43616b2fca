/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <ini.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/config.h"

#define A64          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 64 bytes */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LAN          "[gateway]\nclient = lan0\n"

static struct sp_config config;
static struct sp_config_errors errors;
static struct sp_error error;

static int parse_bytes(const char *bytes, size_t size)
{
	FILE *file = fmemopen((void *)(uintptr_t)bytes, size, "r");
	int result;

	assert_non_null(file);
	memset(&error, 0, sizeof(error));
	result = sp_config_read(&config, file, "x.conf", &errors, &error);
	fclose(file);
	return result;
}

static int parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static void must(const char *text)
{
	if (parse(text))
		fail_msg("%s", error.text);
}

/* One of its errors has @said, which begins with "x.conf:LINE: ". */
static void refuse(const char *text, const char *said)
{
	if (parse(text) != -EINVAL || error.exit_code != SP_EXIT_USAGE || !errors.count)
		fail_msg("accepted: %s", text);
	assert_string_equal(error.text, errors.one[0].text);
	for (unsigned i = 0; i < errors.kept; i++)
		if (strstr(errors.one[i].text, said))
			return;
	fail_msg("'%s' does not say '%s'", error.text, said);
}

static void assert_address(const struct sp_address *address, const char *text)
{
	char mapped[64];
	struct in6_addr expected;

	snprintf(mapped, sizeof(mapped), "%s%s", strchr(text, ':') ? "" : "::ffff:", text);
	assert_int_equal(inet_pton(AF_INET6, mapped, &expected), 1);
	assert_memory_equal(address, &expected, 16);
}

/* --- what is accepted --- */

static void test_defaults(void **state)
{
	(void)state;
	must(LAN);
	assert_string_equal(config.path, "");
	assert_int_equal(config.client_count, 1);
	assert_string_equal(config.client[0], "lan0");
	assert_int_equal(config.uplink_count, 0);
	assert_int_equal(config.zone[0].forward, SP_FORWARD_STACK);
	assert_int_equal(config.attach, SP_ATTACH_AUTO);
	assert_int_equal(config.tc, SP_TC_AUTO);
	assert_int_equal(config.max_clients, 131072);
	assert_int_equal(config.mark, 0x53000000);
	assert_int_equal(config.mark_mask, 0xff000000);
	assert_true(config.guard);
	assert_int_equal(config.resolver_count, 0);
	assert_int_equal(config.refuse_tcp, SP_REFUSE_ANSWER);
	assert_int_equal(config.refuse_udp, SP_REFUSE_ANSWER);
	assert_int_equal(config.probe_status, 302);
	assert_int_equal(config.refresh, 0);
	assert_int_equal(config.workers, 0);
	assert_string_equal(config.responder_user, "sallyport-responder");
	assert_int_equal(config.portal_count, 0);
	assert_int_equal(config.plain_port, 0);
	assert_string_equal(config.zone[0].portal_host, "");
	assert_string_equal(config.zone[0].pages, "");
	assert_int_equal(config.zone[0].session_seconds, 28800);
	assert_int_equal(config.zone[0].idle_seconds, 0);
	assert_int_equal(config.zone[0].quota_bytes, 0);
	assert_int_equal(config.zone[0].quota_up, 0);
	assert_int_equal(config.zone[0].quota_down, 0);
	assert_false(config.zone[0].bind);
	assert_int_equal(config.zone[0].rate_up, 0);
	assert_int_equal(config.zone[0].rate_down, 0);
	assert_string_equal(config.portal_user, "sallyport-portal");
	assert_int_equal(config.verifiers, 0);
	assert_int_equal(config.attempts.count, 5);
	assert_int_equal(config.attempts.seconds, 60);
	assert_int_equal(config.account_attempts.count, 50);
	assert_string_equal(config.external_url, "");
	assert_string_equal(config.external_secret, "");
	assert_string_equal(config.verifier_user, "sallyport-verifier");
}

static void test_every_key(void **state)
{
	(void)state;
	must("[gateway]\n"
	     "client = lan0, lan1\tbr-lan.12\n"
	     "attach = generic\ntc = clsact\nmax_clients = 4194304\nmark = 5/0xF\n"
	     "guard = off\nuplink = wan0, wan1\nforward = route\n"
	     "[captive]\n"
	     "resolvers = 10.85.0.1,fd85::1 fe80::1\nprobe_status = 511\nrefresh = 3600\n"
	     "refuse = drop\nrefuse_udp = drop\n"
	     "workers = 64\nresponder_user = _web\n"
	     "[portal]\n"
	     "listen = 10.85.0.1\nplain_port = 65535\nhost = login.example.org\nsession = 7d\n"
	     "idle = 30m\nquota = 2G\nquota_up = 1G\nquota_down = 3G\nbind = on\nup = 5M\ndown = "
	     "20M\nverifiers = 16\nverifier_user = judge\nportal_user = portal\npages = /srv/my "
	     "pages\n");
	assert_int_equal(config.client_count, 3);
	assert_string_equal(config.client[1], "lan1");
	assert_string_equal(config.client[2], "br-lan.12");
	assert_int_equal(config.uplink_count, 2);
	assert_string_equal(config.uplink[1], "wan1");
	assert_int_equal(config.zone[0].forward, SP_FORWARD_ROUTE);
	assert_int_equal(config.attach, SP_ATTACH_GENERIC);
	assert_int_equal(config.tc, SP_TC_CLSACT);
	assert_int_equal(config.max_clients, 4194304);
	assert_int_equal(config.mark, 5);
	assert_int_equal(config.mark_mask, 15);
	assert_false(config.guard);
	assert_int_equal(config.resolver_count, 3);
	assert_address(&config.resolver[0], "10.85.0.1");
	assert_address(&config.resolver[1], "fd85::1");
	assert_address(&config.resolver[2], "fe80::1");
	assert_int_equal(config.refuse_tcp, SP_REFUSE_DROP);
	assert_int_equal(config.refuse_udp, SP_REFUSE_DROP);
	assert_int_equal(config.probe_status, 511);
	assert_int_equal(config.refresh, 3600);
	assert_int_equal(config.workers, 64);
	assert_string_equal(config.responder_user, "_web");
	assert_int_equal(config.portal_count, 1);
	assert_address(&config.portal[0], "10.85.0.1");
	assert_int_equal(config.plain_port, 65535);
	assert_string_equal(config.zone[0].portal_host, "login.example.org");
	assert_int_equal(config.zone[0].session_seconds, 604800);
	assert_int_equal(config.zone[0].idle_seconds, 1800);
	assert_int_equal(config.zone[0].quota_bytes, 2000000000);
	assert_int_equal(config.zone[0].quota_up, 1000000000);
	assert_int_equal(config.zone[0].quota_down, 3000000000);
	assert_true(config.zone[0].bind);
	assert_int_equal(config.zone[0].rate_up, 5000000);
	assert_int_equal(config.zone[0].rate_down, 20000000);
	assert_string_equal(config.portal_user, "portal");
	assert_int_equal(config.verifiers, 16);
	assert_string_equal(config.verifier_user, "judge");
	assert_string_equal(config.zone[0].pages, "/srv/my pages");
}

static void test_attempts(void **state)
{
	static const char *const wrong[] = {"5",       "5 ",     "1m",           "0 1m",
	                                    "1001 1m", "5 0s",   "5 2d",         "5 1m 1m",
	                                    "-5 1m",   "5 1m x", "0000000005 1m"};
	char text[128];

	(void)state;
	must(LAN "[portal]\nattempts = 1000,1d\naccount_attempts = none\n");
	assert_int_equal(config.attempts.count, 1000);
	assert_int_equal(config.attempts.seconds, 86400);
	assert_int_equal(config.account_attempts.count, 0);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		snprintf(text, sizeof(text), LAN "[portal]\nattempts = %s\n", wrong[i]);
		refuse(text, "x.conf:4: key 'attempts': '");
	}
}

static void test_external(void **state)
{
	(void)state;
	must(LAN "[portal]\nmethods = click external\n[external]\n"
	         "url = https://login.example.org/in?shop=7\nsecret_file = /etc/x.secret\n");
	assert_string_equal(config.external_url, "https://login.example.org/in?shop=7");
	assert_string_equal(config.external_secret, "/etc/x.secret");
	refuse(LAN "[portal]\nmethods = external\n",
	       "x.conf:4: key 'methods': 'external' needs the key 'url' in section [external]");
	refuse(LAN "[external]\nurl = https://a.b/\n[portal]\nmethods = external\n",
	       "x.conf:6: key 'methods': 'external' needs the key 'secret_file'");
	refuse(LAN "[external]\nurl = http://a.b/\n",
	       "x.conf:4: key 'url': 'http://a.b/': expected an https URL");
	refuse(LAN "[external]\nurl = https://a.b/#top\n", "has a fragment");
	refuse(LAN "[external]\nsecret_file = x\n", "expected the absolute path of a file");
}

static void test_choices(void **state)
{
	(void)state;
	must(LAN "attach = native\ntc = tcx\nguard = on");
	assert_int_equal(config.attach, SP_ATTACH_NATIVE);
	assert_int_equal(config.tc, SP_TC_TCX);
	assert_true(config.guard);
	must(LAN "attach = tc\ntc = auto\n[captive]\nprobe_status = 302");
	assert_int_equal(config.attach, SP_ATTACH_TC);
	must(LAN "[portal]\ncan_extend = on\nvenue_info = https://www.example.org/a?b=1&c='2'#d");
	assert_int_equal(config.zone[0].can_extend, SP_EXTEND_YES);
	assert_string_equal(config.zone[0].venue_info, "https://www.example.org/a?b=1&c='2'#d");
	must(LAN "[portal]\ncan_extend = off");
	assert_int_equal(config.zone[0].can_extend, SP_EXTEND_NO);
	assert_string_equal(config.zone[0].venue_info, "");
	must(LAN "[portal]\nidle = none\nquota = none\nup = none\ndown = none");
	assert_int_equal(config.zone[0].can_extend, SP_EXTEND_UNSAID);
	assert_int_equal(config.zone[0].idle_seconds, 0);
	assert_int_equal(config.zone[0].rate_down, 0);
}

static void test_layout(void **state)
{
	(void)state;
	must("\xef\xbb\xbf[gateway]\r\n\r\n  client=lan0\t \r\n");
	assert_string_equal(config.client[0], "lan0");
	must("# caf\xc3\xa9\n; [nothing]\n\t# x\n[gateway] # here\nclient = lan0 # the LAN\n"
	     "mark = 1/1 ; comment\n[captive]\n[portal] ; last\nplain_port = 81");
	assert_int_equal(config.client_count, 1);
	assert_int_equal(config.mark, 1);
	assert_int_equal(config.plain_port, 81);
	/* A section may be taken up again; a line that is indented continues nothing. */
	must("[gateway]\n[portal]\nplain_port = 81\n[gateway]\nclient = lan0\n   guard = off\n");
	assert_string_equal(config.client[0], "lan0");
	assert_false(config.guard);
}

/* The longest list that is allowed fits into a line. */
static void test_sixteen(void **state)
{
	char text[2048] = "[gateway]\nclient =";
	size_t used;

	(void)state;
	for (int i = 0; i < 16; i++) {
		used = strlen(text);
		snprintf(text + used, sizeof(text) - used, " interface-%05d", i);
	}
	used = strlen(text);
	snprintf(text + used, sizeof(text) - used, "\n[captive]\nresolvers =");
	for (int i = 0; i < 16; i++) {
		used = strlen(text);
		snprintf(text + used, sizeof(text) - used,
		         " 2001:db8:1111:2222:3333:4444:5555:66%02x,", i);
	}
	must(text);
	assert_int_equal(config.client_count, 16);
	assert_string_equal(config.client[15], "interface-00015");
	assert_int_equal(config.resolver_count, 16);
	used = strlen(text);
	snprintf(text + used, sizeof(text) - used, " ::2");
	refuse(text, "x.conf:4: key 'resolvers': '::2' is one too many: expected 1 to 16");
	refuse("[gateway]\nclient = a b c d e f g h i j k l m n o p q",
	       "x.conf:2: key 'client': 'q' is one too many");
}

/* --- what is refused, and where --- */

struct wrong {
	const char *text, *said;
};

static void refuse_all(const struct wrong *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		refuse(rows[i].text, rows[i].said);
}

static void test_structure(void **state)
{
	static const struct wrong rows[] = {
		{"", "x.conf: no key 'client' in section [gateway]: expected"},
		{"[gateway]\n[captive]\n", "x.conf: no key 'client'"},
		{"client = lan0\n", "x.conf:1: key 'client' stands before the first section"},
		{LAN "[portla]\n", "x.conf:3: unknown section [portla]: did you mean [portal]?"},
		{LAN "[]\n", "x.conf:3: unknown section []"},
		{LAN "[ portal ]\n", "x.conf:3: unknown section [ portal ]"},
		{LAN "[Portal]\n", "x.conf:3: unknown section [Portal]"},
		{LAN "[portal\nplain_port = 81\n", "x.conf:3: '[portal': expected ']'"},
		{LAN "[portal] plain_port = 81\n",
	         "x.conf:3: 'plain_port = 81' behind section [portal]"},
		{LAN "[portal]#\n", "x.conf:3: '#' behind section"},
		{LAN "guard\n", "x.conf:3: expected key = value"},
		{LAN "guard\nattach = x\n", "x.conf:3: expected key = value"},
		{LAN "attach = x\nguard\n", "x.conf:3: key 'attach'"},
		{LAN "\nguard =\n", "x.conf:4: key 'guard' has no value: expected on or off"},
		{LAN "guard = # off\n", "x.conf:3: key 'guard' has no value"},
		{"[gateway]\nclient = lan0\n   lan1\n", "x.conf:3: expected key = value"},
		{LAN "= 3\n", "x.conf:3: unknown key ''"},
		{LAN "guard = on\nguard = on\n",
	         "x.conf:4: key 'guard' is repeated: expected it once, it stands on line 3"},
		{LAN "[gateway]\nclient = lan1\n", "x.conf:4: key 'client' is repeated"},
	};

	(void)state;
	refuse_all(rows, COUNT(rows));
}

static void test_unknown_keys(void **state)
{
	static const struct wrong rows[] = {
		{LAN "gaurd = on\n",
	         "x.conf:3: unknown key 'gaurd' in section [gateway]: did you mean 'guard'?"},
		{LAN "Guard = on\n", "did you mean 'guard'?"},
		{LAN "max-clients = 5\n", "did you mean 'max_clients'?"},
		{"[gateway]\nclients = lan0\n", "did you mean 'client'?"},
		{LAN "plain_port = 81\n", "x.conf:3: key 'plain_port' is not one of section "
	                                  "[gateway]: expected it in section "
	                                  "[portal]"},
		{LAN "[captive]\ncolour = red\n",
	         "x.conf:4: unknown key 'colour' in section [captive]: expected one of resolvers, "
	         "refuse, refuse_udp, probe_status, refresh, workers, responder_user"},
		{LAN "[portal]\nkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk = 1\n",
	         "expected one of listen"},
	};

	(void)state;
	refuse_all(rows, COUNT(rows));
}

static void test_gateway_values(void **state)
{
	static const struct wrong rows[] = {
		{"[gateway]\nclient = lan0 lan1 lan0\n",
	         "x.conf:2: key 'client': 'lan0' is named twice: expected 1 to 16 different"},
		{"[gateway]\nclient = interface-000016\n", "'interface-000016' is longer"},
		{"[gateway]\nclient = a/b\n", "'a/b' is no interface name"},
		{"[gateway]\nclient = lan0;lan1\n", "'lan0;lan1' is no interface name"},
		{"[gateway]\nclient = \"lan0\"\n", "is no interface name"},
		{"[gateway]\nclient = ..\n", "'..' is no interface name"},
		{"[gateway]\nclient = caf\xc3\xa9\n", "is no interface name"},
		{"[gateway]\nclient = lo\n", "'lo' is the gateway itself"},
		{"[gateway]\nclient = ,\n", "',' names none"},
		{LAN "forward = route\n",
	         "x.conf:3: key 'forward': 'route' needs the key 'uplink': expected the "
	         "interfaces that lead to the network, such as uplink = wan0"},
		{LAN "forward = nat\n", "'nat': expected stack or route"},
		{LAN "uplink = wan0 lan0\n", "x.conf:3: key 'uplink': 'lan0' is in 'client' too "
	                                     "(line 2): expected an interface"},
		{"[gateway]\nuplink = lan0\nclient = lan0\n", "x.conf:2: key 'uplink': 'lan0'"},
		{LAN "uplink = wan0 wan0\n", "'wan0' is named twice"},
		{LAN "uplink = lo\n", "'lo' is the gateway itself"},
		{LAN "attach = xdp\n", "'xdp': expected auto, native, generic or tc"},
		{LAN "tc = qdisc\n", "expected auto, tcx or clsact"},
		{LAN "guard = yes\n", "'yes': expected on or off"},
		{LAN "max_clients = 0\n", "'0' is out of range: expected a number from 1"},
		{LAN "max_clients = 4194305\n", "out of range"},
		{LAN "max_clients = 4294967296\n", "out of range"},
		{LAN "max_clients = 1K\n", "'1K': expected a number from 1 to 4194304"},
		{LAN "max_clients = -1\n", "'-1': expected"},
		{LAN "mark = 0x53000000\n", "'0x53000000': expected MARK/MASK"},
		{LAN "mark = 0x54/0x0f\n", "bits in the mark that are not in the mask"},
		{LAN "mark = 0/0xff\n", "the mark of every unmarked packet"},
		{LAN "mark = 1/0\n", "not in the mask"},
		{LAN "mark = 0x100000000/0xff\n", "expected MARK/MASK"},
		{LAN "mark = 1/0x100000000\n", "expected MARK/MASK"},
		{LAN "mark = -1/1\n", "expected MARK/MASK"},
		{LAN "mark = 1/ 1\n", "expected MARK/MASK"},
		{LAN "mark = 1/1/1\n", "expected MARK/MASK"},
		{LAN "mark = 0xx/1\n", "expected MARK/MASK"},
	};

	(void)state;
	refuse_all(rows, COUNT(rows));
}

static void test_captive_values(void **state)
{
	static const struct wrong rows[] = {
		{LAN "[captive]\nresolvers = dns.example\n", "'dns.example' is no IP address"},
		{LAN "[captive]\nresolvers = 10.0.0\n", "'10.0.0' is no IP address"},
		{LAN "[captive]\nresolvers = 10.0.0.256\n", "is no IP address"},
		{LAN "[captive]\nresolvers = 10.0.0.1/24\n", "is no IP address"},
		{LAN "[captive]\nresolvers = fe80::1%lan0\n", "is no IP address"},
		{LAN "[captive]\nresolvers = [fd85::1]\n", "is no IP address"},
		{LAN "[captive]\nresolvers = none\n", "is no IP address"},
		{LAN "[captive]\nresolvers = 0.0.0.0\n", "'0.0.0.0' is not the address of a host"},
		{LAN "[captive]\nresolvers = 255.255.255.255\n", "is not the address of a host"},
		{LAN "[captive]\nresolvers = 224.0.0.251\n", "is not the address of a host"},
		{LAN "[captive]\nresolvers = ::\n", "is not the address of a host"},
		{LAN "[captive]\nresolvers = ff02::1\n", "is not the address of a host"},
		{LAN "[captive]\nresolvers = 127.0.0.53\n", "is a loopback address"},
		{LAN "[captive]\nresolvers = ::1\n", "is a loopback address"},
		{LAN "[captive]\nresolvers = ::ffff:10.0.0.1\n", "is an IPv4 address in disguise"},
		{LAN "[captive]\nresolvers = 10.0.0.1 fd00::1 fd00:0::1\n",
	         "x.conf:4: key 'resolvers': 'fd00:0::1' is named twice"},
		{LAN "[captive]\nprobe_status = 301\n", "expected 302 or 511"},
		{LAN "[captive]\nrefuse = unreachable\n", "'unreachable': expected reset or drop"},
		{LAN "[captive]\nrefuse_udp = reset\n", "'reset': expected unreachable or drop"},
		{LAN "[captive]\nrefresh = 3601\n",
	         "out of range: expected seconds from 0 to 3600"},
		{LAN "[captive]\nrefresh = 10s\n", "'10s': expected seconds"},
		{LAN "[captive]\nworkers = 65\n", "out of range"},
		{LAN "[portal]\nverifiers = 17\n", "out of range"},
		{LAN "[captive]\nresponder_user = root\n", "'root' must not read"},
		{LAN "[captive]\nresponder_user = 1000\n", "'1000': expected the name"},
		{LAN "[captive]\nresponder_user = -x\n", "expected the name"},
		{LAN "[captive]\nresponder_user = a b\n", "expected the name"},
		{LAN "[captive]\nresponder_user = abcdefghijklmnopqrstuvwxyz123456\n",
	         "expected the name"},
		{LAN "[captive]\nresponder_user = web\n[portal]\n\nportal_user = web\n",
	         "x.conf:7: keys 'responder_user' and 'portal_user' are both 'web'"},
		{LAN "[captive]\nresponder_user = sallyport-portal\n", "x.conf:4: keys"},
	};

	(void)state;
	refuse_all(rows, COUNT(rows));
}

static void test_portal_values(void **state)
{
	static const struct wrong rows[] = {
		{LAN "[portal]\nlisten = fe80::1\n", "'fe80::1' is a link-local address"},
		{LAN "[portal]\nlisten = 10.0.0.1 10.0.0.1\n", "'10.0.0.1' is named twice"},
		{LAN "[portal]\nplain_port = 80\n",
	         "x.conf:4: key 'plain_port': '80' is the port whose traffic is captured"},
		{LAN "[portal]\nplain_port = 0\n", "out of range"},
		{LAN "[portal]\nplain_port = 65536\n", "out of range"},
		{LAN "[portal]\nvenue_info = http://a.b/\n", "expected an https URL"},
		{LAN "[portal]\nvenue_info = https:///a\n", "expected an https URL"},
		{LAN "[portal]\nvenue_info = https://a.b/\"\n", "expected an https URL"},
		{LAN "[portal]\nvenue_info = https://a.b/ c\n", "expected an https URL"},
		{LAN "[portal]\nvenue_info = https://a.b/\u00e9\n", "expected an https URL"},
		{LAN "[portal]\nvenue_info = https://" A64 A64 A64 A64 "\n", "is too long"},
		{LAN "[portal]\ncan_extend = yes\n", "'yes': expected on or off"},
		{LAN "[portal]\nhost = 10.0.0.1\n", "'10.0.0.1': expected a DNS name"},
		{LAN "[portal]\nhost = fd85::1\n", "expected a DNS name"},
		{LAN "[portal]\nhost = a..b\n", "expected a DNS name"},
		{LAN "[portal]\nhost = .a\n", "expected a DNS name"},
		{LAN "[portal]\nhost = a.\n", "expected a DNS name"},
		{LAN "[portal]\nhost = -a.b\n", "expected a DNS name"},
		{LAN "[portal]\nhost = a-.b\n", "expected a DNS name"},
		{LAN "[portal]\nhost = a_b.c\n", "expected a DNS name"},
		{LAN "[portal]\nhost = http://a.b/\n", "expected a DNS name"},
		{LAN "[portal]\nhost = a.b:8080\n", "expected a DNS name"},
		{LAN "[portal]\nhost = a"
	             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b\n",
	         "expected a DNS name"},
		{LAN "[portal]\npages = pages\n",
	         "'pages': expected the absolute path of a folder"},
		{LAN "[portal]\npages = /" A64 A64 A64 A64 "\n",
	         "is too long: expected the absolute path"},
		{LAN "[portal]\nsession = none\n", "'none': expected a duration"},
		{LAN "[portal]\nsession = 8\n", "'8': expected a duration such as 90s"},
		{LAN "[portal]\nsession = 0s\n", "'0s' is out of range"},
		{LAN "[portal]\nsession = 40000d\n", "out of range"},
		{LAN "[portal]\nidle = off\n", "or none"},
		{LAN "[portal]\nquota = 2GB\n", "expected bytes such as 500M"},
		{LAN "[portal]\nquota = 99999999T\n", "out of range"},
		{LAN "[portal]\nup = 1K\n", "'1K' is out of range: expected bit/s from 8K"},
		{LAN "[portal]\ndown = 5Mbit\n", "'5Mbit': expected bit/s"},
	};

	(void)state;
	refuse_all(rows, COUNT(rows));
}

static void test_long_lines(void **state)
{
	char text[4096];
	size_t head = strlen(LAN);

	(void)state;
	/* 1000 bytes are a line, 1001 are not; a comment is no exception. */
	memcpy(text, LAN, head);
	memset(text + head, '#', 1001);
	text[head + 1000] = '\0';
	must(text);
	strcpy(text + head + 1000, "\n[portal]\nplain_port = 81");
	must(text);
	assert_int_equal(config.plain_port, 81);
	text[head + 1000] = '#';
	refuse(text, "x.conf:3: the line is too long: expected at most 1000 bytes");
	memset(text + head, ' ', 3000);
	memcpy(text + head + 3000, "[nonsense]", 11);
	refuse(text, "x.conf:3: the line is too long");
	/* A value at the end of the longest line is whole. */
	memset(text + head, ' ', 1000);
	memcpy(text + head + 1000 - 18, "max_clients = 1234\n", 20);
	must(text);
	assert_int_equal(config.max_clients, 1234);
}

static void test_bytes_that_are_no_text(void **state)
{
	static const char nul[] = LAN "guard = off\0\n";
	static const char nul_line[] = LAN "\0\n";

	(void)state;
	assert_int_equal(parse_bytes(nul, sizeof(nul) - 1), -EINVAL);
	assert_non_null(strstr(error.text, "x.conf:3: the line holds control characters"));
	assert_int_equal(parse_bytes(nul_line, sizeof(nul_line) - 1), -EINVAL);
	refuse(LAN "# \x1b[2J\n", "x.conf:3: the line holds control characters");
	refuse(LAN "# caf\xe9\n", "not UTF-8");
	refuse(LAN "guard = on\rguard = off\n", "x.conf:3: the line holds control");
}

/* Long values do not push the expectation out of the sentence. */
static void test_long_value_is_cut_in_the_sentence(void **state)
{
	char text[512] = LAN "guard = ";
	size_t used = strlen(text);

	(void)state;
	memset(text + used, 'x', 400);
	refuse(text, "x': expected on or off");
}

static void test_libinih_is_left_as_it_was(void **state)
{
	(void)state;
	ini_max_line = 200;
	ini_allow_multiline = true;
	must(LAN);
	assert_int_equal(ini_max_line, 200);
	assert_true(ini_allow_multiline);
	assert_string_equal(ini_inline_comment_prefixes, ";");
}

/* --- files --- */

static char directory[] = "/tmp/test-config-XXXXXX";

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink("good.conf");
	unlink("link.conf");
	unlink("bad.conf");
	unlink("fifo");
	return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void test_load(void **state)
{
	char *real = realpath(directory, NULL);
	char expected[4096];

	(void)state;
	assert_non_null(real);
	snprintf(expected, sizeof(expected), "%s/good.conf", real);
	free(real);
	write_file("good.conf", LAN "guard = off\n");
	assert_int_equal(symlink("good.conf", "link.conf"), 0);
	assert_int_equal(sp_config_load(&config, "./link.conf", NULL, &error), 0);
	assert_string_equal(config.path, expected);
	assert_false(config.guard);
	write_file("bad.conf", LAN "guard = maybe\n");
	assert_int_equal(sp_config_load(&config, "bad.conf", NULL, &error), -EINVAL);
	assert_string_equal(error.text, "bad.conf:3: key 'guard': 'maybe': expected on or off");
}

static void test_what_is_no_file(void **state)
{
	(void)state;
	assert_int_equal(sp_config_load(&config, "none.conf", NULL, &error), -ENOENT);
	assert_int_equal(error.exit_code, SP_EXIT_USAGE);
	assert_string_equal(error.text, "none.conf: No such file or directory");
	assert_int_equal(sp_config_load(&config, directory, NULL, &error), -EISDIR);
	assert_int_equal(error.exit_code, SP_EXIT_USAGE);
	assert_non_null(strstr(error.text, "directory"));
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(sp_config_load(&config, "fifo", NULL, &error), -EINVAL);
	assert_int_equal(sp_config_load(&config, "/dev/zero", NULL, &error), -EINVAL);
	assert_int_equal(sp_config_load(&config, "", NULL, &error), -ENOENT);
	if (access(SP_CONFIG_PATH, F_OK) != 0) {
		assert_int_equal(sp_config_load(&config, SP_CONFIG_PATH, NULL, &error), -ENOENT);
		assert_non_null(strstr(error.text, "[gateway]\nclient = lan0"));
	}
}

static void test_way_to_the_portal(void **state)
{
	(void)state;
	must(LAN "[portal]\nplain_port = 8080");
	assert_int_equal(sp_config_check_portal(&config, &error), 0);
	must(LAN);
	assert_int_equal(sp_config_check_portal(&config, &error), -EINVAL);
	assert_int_equal(error.exit_code, SP_EXIT_USAGE);
	assert_non_null(strstr(error.text, "plain_port = 8080"));
}

/* Root may read everything, so somebody else tries. */
static void test_unreadable_file(void **state)
{
	int result;

	(void)state;
	write_file("good.conf", LAN);
	assert_int_equal(chmod("good.conf", 0), 0);
	if (geteuid() == 0) {
		assert_int_equal(chmod(directory, 0755), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	result = sp_config_load(&config, "good.conf", NULL, &error);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(result, -EACCES);
	assert_int_equal(error.exit_code, SP_EXIT_PERMISSION);
	assert_string_equal(error.text, "good.conf: Permission denied");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_external),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_sixteen),
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_unknown_keys),
		cmocka_unit_test(test_gateway_values),
		cmocka_unit_test(test_captive_values),
		cmocka_unit_test(test_portal_values),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_bytes_that_are_no_text),
		cmocka_unit_test(test_long_value_is_cut_in_the_sentence),
		cmocka_unit_test(test_libinih_is_left_as_it_was),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_what_is_no_file),
		cmocka_unit_test(test_way_to_the_portal),
		cmocka_unit_test(test_unreadable_file),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
