/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections [zone NAME], and all that is wrong with a file at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/config.h"
#include "lib/method.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LAN          "[gateway]\nclient = lan0\n"
#define CLICK        SP_METHOD_BIT(SP_METHOD_CLICK)
#define VOUCHER      SP_METHOD_BIT(SP_METHOD_VOUCHER)

static struct sp_config config;
static struct sp_config_errors errors;
static struct sp_error error;

static int parse(const char *text)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	int result;

	assert_non_null(file);
	result = sp_config_read(&config, file, "x.conf", &errors, &error);
	fclose(file);
	return result;
}

static void must(const char *text)
{
	if (parse(text))
		fail_msg("%s", error.text);
}

/* The errors of @text begin with those of @said, and there is no other one. */
static void refuse(const char *text, const char *const *said, unsigned count)
{
	assert_int_equal(parse(text), -22);
	for (unsigned i = 0; i < errors.kept && i < count; i++)
		if (strncmp(errors.one[i].text, said[i], strlen(said[i])) != 0)
			fail_msg("'%s' is not '%s'", errors.one[i].text, said[i]);
	if (errors.count != count)
		fail_msg("%u errors in place of %u; the last: %s", errors.count, count,
		         errors.one[errors.kept - 1].text);
	assert_string_equal(error.text, errors.one[0].text);
	assert_int_equal(error.exit_code, SP_EXIT_USAGE);
}

static void refuse_one(const char *text, const char *said)
{
	refuse(text, &said, 1);
}

/* --- zones --- */

static void test_none(void **state)
{
	(void)state;
	must(LAN "[portal]\nmethods = voucher\n");
	assert_int_equal(config.zone_count, 1);
	assert_string_equal(config.zone[0].name, "");
	assert_int_equal(config.zone[0].methods, VOUCHER);
	assert_int_equal(config.zone[0].session_seconds, 28800);
}

static void test_every_key(void **state)
{
	const struct sp_zone *zone = &config.zone[1];

	(void)state;
	must("[gateway]\nclient = lan0\nuplink = wan0\n"
	     "[zone hall-2]\nclient = lan1 lan0\nvlan = 12, 20-22\t4094\nforward = route\n"
	     "methods = voucher click\nsession = 1h\nidle = 5m\nquota = 3G\nquota_up = 1G\n"
	     "quota_down = 2G\nup = 1M\ndown = 2M\nbind = on\npages = /srv/hall\n"
	     "venue_info = https://example.org/hall\ncan_extend = off\nhost = hall.example.org\n"
	     "allow = 192.0.2.0/24 tcp/443\nallow = example.org\n");
	assert_int_equal(config.zone_count, 2);
	assert_string_equal(zone->name, "hall-2");
	assert_int_equal(zone->client_count, 2);
	assert_string_equal(zone->client[0], "lan1");
	assert_int_equal(zone->vlan_count, 5);
	assert_int_equal(zone->vlan[0], 12);
	assert_int_equal(zone->vlan[3], 22);
	assert_int_equal(zone->vlan[4], 4094);
	assert_int_equal(zone->forward, SP_FORWARD_ROUTE);
	assert_int_equal(zone->methods, CLICK | VOUCHER);
	assert_int_equal(zone->session_seconds, 3600);
	assert_int_equal(zone->idle_seconds, 300);
	assert_int_equal(zone->quota_bytes, 3000000000);
	assert_int_equal(zone->quota_up, 1000000000);
	assert_int_equal(zone->quota_down, 2000000000);
	assert_int_equal(zone->rate_up, 1000000);
	assert_int_equal(zone->rate_down, 2000000);
	assert_true(zone->bind);
	assert_string_equal(zone->pages, "/srv/hall");
	assert_string_equal(zone->venue_info, "https://example.org/hall");
	assert_int_equal(zone->can_extend, SP_EXTEND_NO);
	assert_string_equal(zone->portal_host, "hall.example.org");
	assert_int_equal(config.garden_count, 2);
	assert_int_equal(config.garden[0].target.zone, 1);
	assert_int_equal(config.garden[1].target.zone, 1);
	/* The general sections are as they would be without it. */
	assert_int_equal(config.zone[0].methods, CLICK);
	assert_int_equal(config.zone[0].forward, SP_FORWARD_STACK);
	assert_string_equal(config.zone[0].portal_host, "");
	assert_int_equal(config.client_count, 2);
	assert_string_equal(config.client[0], "lan0");
	assert_string_equal(config.client[1], "lan1");
}

/* What a zone does not say is as the general sections say, also behind it. */
static void test_inheritance(void **state)
{
	(void)state;
	must("[zone a]\nclient = lan1\nmethods = click\nidle = none\n"
	     "[portal]\nmethods = voucher\nsession = 3h\nidle = 1h\nhost = a.example\npages = /p\n"
	     "[zone b]\nvlan = 7\nsession = 5m\n[garden]\nallow = 192.0.2.1\n"
	     "[zone a]\nallow = 192.0.2.1\n");
	assert_int_equal(config.zone_count, 3);
	assert_int_equal(config.zone[1].methods, CLICK);
	assert_int_equal(config.zone[1].session_seconds, 10800);
	assert_int_equal(config.zone[1].idle_seconds, 0);
	assert_string_equal(config.zone[1].portal_host, "a.example");
	assert_string_equal(config.zone[1].pages, "/p");
	assert_int_equal(config.zone[2].methods, VOUCHER);
	assert_int_equal(config.zone[2].session_seconds, 300);
	assert_int_equal(config.zone[2].idle_seconds, 3600);
	assert_int_equal(config.zone[2].client_count, 0);
	/* Interfaces of zones are clients; each garden entry is of the zone that names it. */
	assert_int_equal(config.client_count, 1);
	assert_int_equal(config.garden_count, 2);
	assert_int_equal(config.garden[0].target.zone, 0);
	assert_int_equal(config.garden[1].target.zone, 1);
	assert_int_equal(sp_config_zone(&config, "b"), 2);
	assert_int_equal(sp_config_zone(&config, "c"), -1);
	assert_int_equal(sp_config_zone(&config, ""), -1);
}

static void test_names(void **state)
{
	static const char *const wrong[] = {"Hall", "a b", "a_b", "sixteen-letters-", "\xc3\xa9"};
	char text[128];

	(void)state;
	must(LAN "[zone\t fifteen-letters] # x\nvlan = 1\n");
	assert_string_equal(config.zone[1].name, "fifteen-letters");
	for (size_t i = 0; i < COUNT(wrong); i++) {
		snprintf(text, sizeof(text), LAN "[zone %s]\nvlan = 1\n", wrong[i]);
		refuse_one(text, "x.conf:3: zone '");
	}
	refuse_one(LAN "[zone]\n", "x.conf:3: zone '': expected 1 to 15 of");
	refuse_one(LAN "[zones a]\n",
	           "x.conf:3: unknown section [zones a]: did you mean [zone a]?");
	refuse_one(LAN "[portal a]\n", "x.conf:3: unknown section [portal a]: expected [gateway]");
}

static void test_vlans(void **state)
{
	static const char *const wrong[] = {
		"0",   "4095",  "x",     "3-2",           "3-",   "-3", "3--4",
		"1 1", "1 1-2", "1-2-3", "0000000012-13", "1-257"};
	char text[128];

	(void)state;
	must(LAN "[zone a]\nvlan = 1-256\n");
	assert_int_equal(config.zone[1].vlan_count, 256);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		snprintf(text, sizeof(text), LAN "[zone a]\nvlan = %s\n", wrong[i]);
		refuse_one(text, "x.conf:4: key 'vlan': '");
	}
}

static void test_too_many(void **state)
{
	char text[4096] = LAN;
	size_t used = strlen(text);

	(void)state;
	for (int i = 1; i <= 15; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
		                         "[zone z%d]\nvlan = %d\n", i, i);
	must(text);
	assert_int_equal(config.zone_count, 16);
	snprintf(text + used, sizeof(text) - used, "[zone z16]\nvlan = 16\n");
	refuse_one(text, "x.conf:33: zone 'z16' is one too many: expected 1 to 15");
	refuse_one("[gateway]\nclient = a b c d e f g h i j k l m n o p\n[zone z]\nclient = p q\n",
	           "x.conf:4: key 'client': 'q' is one too many: expected 16 client interfaces");
	refuse_one("[gateway]\nclient = a b c d e\n[zone y]\nvlan = 1-100\n"
	           "[zone z]\nvlan = 201-400\n",
	           "x.conf:5: the zones up to 'z' have 1500 VLANs on interfaces: expected 1024");
}

static void test_contradictions(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{LAN "[zone a]\nmethods = click\n", "x.conf:3: zone 'a' has no clients: expected"},
		{"[zone a]\nclient = lan1\n[zone b]\nclient = lan2 lan1\n",
	         "x.conf:4: key 'client': 'lan1' is in zone 'a' too (line 2)"},
		{"[zone a]\nclient = lan1\nvlan = 3\n[zone b]\nclient = lan1\nvlan = 2-4\n",
	         "x.conf:6: key 'vlan': 3 is in zone 'a' too (line 3)"},
		{LAN "[zone a]\nvlan = 3\n[zone b]\nclient = lan0\nvlan = 2-4\n",
	         "x.conf:7: key 'vlan': 3 is in zone 'a' too (line 4)"},
		{"[gateway]\nuplink = wan0\n[zone a]\nclient = lan0 wan0\n",
	         "x.conf:2: key 'uplink': 'wan0' is in 'client' too (line 4)"},
		{LAN "[zone a]\nvlan = 3\nforward = route\n",
	         "x.conf:5: key 'forward': 'route' needs the key 'uplink' in section [gateway]"},
		{LAN "[zone a]\nvlan = 3\nmethods = radius\n",
	         "x.conf:5: key 'methods': 'radius' needs the key 'server' in section [radius]"},
		{LAN "[zone a]\nvlan = 3\nplain_port = 8080\n",
	         "x.conf:5: key 'plain_port' is not one of section [zone a]: expected it in "
	         "section [portal]"},
		{LAN "vlan = 3\n", "x.conf:3: key 'vlan' is not one of section [gateway]: expected "
	                           "it in section [zone NAME]"},
		{LAN "[zone a]\nvlan = 3\nvlan = 4\n", "x.conf:5: key 'vlan' is repeated"},
		{LAN "[zone a]\nvlan = 3\nsesion = 4h\n",
	         "x.conf:5: unknown key 'sesion' in section [zone a]: did you mean 'session'?"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		refuse_one(rows[i].text, rows[i].said);
	/* Neither of these is one. */
	must("[zone a]\nclient = lan1\n[zone b]\nclient = lan1\nvlan = 2-4\n");
	must("[zone a]\nclient = lan1\nvlan = 3\n[zone b]\nclient = lan2\nvlan = 3\n");
	must(LAN "[zone a]\nclient = lan0\n");
}

/* --- all errors --- */

static void test_all_at_once(void **state)
{
	static const char *const said[] = {
		"x.conf:2: unknown key 'clinet' in section [gateway]: did you mean 'client'?",
		("x.conf:3: key 'attach': 'natve': expected auto, native, generic or tc; did you "
	         "mean 'native'?"),
		"x.conf:4: expected key = value",
		"x.conf:5: the line is too long",
		"x.conf:6: unknown section [portl]: did you mean [portal]?",
		"x.conf:8: the line holds control characters",
		("x.conf:10: key 'methods': 'vouchr': expected one or several of click, voucher, "
	         "user, radius and external, separated by blanks or commas; did you mean "
	         "'voucher'?"),
		"x.conf:11: key 'host': '10.0.0.1': expected a DNS name",
		"x.conf:12: zone 'a' has no clients",
		"x.conf:13: key 'forward': 'route' needs the key 'uplink'",
		"x.conf: no key 'client' in section [gateway]",
	};
	char text[4096], longest[1200];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	/* Of a section that is wrong nothing is said but that. */
	snprintf(text, sizeof(text),
	         "[gateway]\nclinet = lan0\nattach = natve\nguard\n%s\n[portl]\nmethods = x\n"
	         "\x01\n[portal]\nmethods = vouchr\nhost = 10.0.0.1\n[zone a]\nforward = route\n",
	         longest);
	refuse(text, said, COUNT(said));
}

/* What is there and wrong is not missing besides. */
static void test_no_echo(void **state)
{
	(void)state;
	refuse_one("[gateway]\nclient = lo\n", "x.conf:2: key 'client': 'lo'");
	refuse_one(LAN "[portal]\nmethods = radius\n[radius]\nserver = x\nsecret_file = /s\n",
	           "x.conf:6: key 'server'");
	refuse_one(LAN "[portal]\nmethods = external\n[external]\nurl = x\nsecret_file = /s\n",
	           "x.conf:6: key 'url'");
	refuse_one(LAN "[zone a]\nvlan = x\n", "x.conf:4: key 'vlan'");
	refuse_one(LAN "uplink = lo\nforward = route\n", "x.conf:3: key 'uplink'");
}

/* The first lines of many; then how many more there are. */
static void test_bounded(void **state)
{
	char text[4096] = LAN;
	size_t used = strlen(text);

	(void)state;
	for (int i = 0; i < 40; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "key%d = 1\n", i);
	assert_int_equal(parse(text), -22);
	assert_int_equal(errors.count, 40);
	assert_int_equal(errors.kept, SP_CONFIG_ERRORS);
	assert_int_equal(sp_config_errors_lines(&errors), SP_CONFIG_ERRORS + 1);
	for (unsigned i = 0; i < errors.kept; i++)
		assert_int_equal(errors.one[i].line, 3 + i);
	sp_config_errors_get(&errors, "x.conf", SP_CONFIG_ERRORS, &error);
	assert_string_equal(error.text, "x.conf: and 8 more errors");
	sp_config_errors_get(&errors, "x.conf", 1, &error);
	assert_string_equal(error.text, errors.one[1].text);
	/* One that comes later and belongs before them. */
	sp_config_errors_add(&errors, "x.conf", 1, "early");
	assert_string_equal(errors.one[0].text, "x.conf:1: early");
	assert_int_equal(errors.one[SP_CONFIG_ERRORS - 1].line, 33);
	assert_int_equal(errors.count, 41);
	must(LAN);
	assert_int_equal(sp_config_errors_lines(&errors), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),           cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_inheritance),    cmocka_unit_test(test_names),
		cmocka_unit_test(test_vlans),          cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_contradictions), cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_no_echo),        cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
