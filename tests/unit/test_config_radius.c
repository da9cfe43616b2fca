/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The section [radius], servers with and without ports, and files of secrets. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeper/radius.h"
#include "lib/address.h"
#include "lib/config.h"
#include "lib/secrets.h"

#define HEAD   "[gateway]\nclient = lan0\n[radius]\n"
#define SERVER HEAD "secret_file = /s\nserver = 10.0.0.5\n"

static struct sp_config config;
static struct sp_error error;
static char path[] = "/tmp/sallyport-secrets-XXXXXX";

static int parse(const char *text)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	int ret;

	assert_non_null(file);
	ret = sp_config_read(&config, file, "x.conf", NULL, &error);
	fclose(file);
	return ret;
}

static void must(const char *text)
{
	if (parse(text))
		fail_msg("%s", error.text);
}

static void assert_endpoint(const struct sp_endpoint *endpoint, const char *address, unsigned port)
{
	char text[INET6_ADDRSTRLEN];

	assert_string_equal(sp_address_text(&endpoint->address, text), address);
	assert_int_equal(endpoint->port, port);
}

static void test_endpoints(void **state)
{
	static const struct {
		const char *text, *address;
		unsigned port;
	} good[] = {
		{"10.0.0.5", "10.0.0.5", 0},
		{"10.0.0.5:1812", "10.0.0.5", 1812},
		{"fd00::5", "fd00::5", 0},
		{"[fd00::5]", "fd00::5", 0},
		{"[fd00::5]:65535", "fd00::5", 65535},
	};
	static const char *const bad[] = {
		"",
		"host",
		"10.0.0.5:",
		"10.0.0.5:0",
		"10.0.0.5:65536",
		"10.0.0.5:x",
		"[10.0.0.5]:1812",
		"[fd00::5",
		"[fd00::5]1812",
		"[fd00::5]:",
		"[]",
		"[]:1812",
		"fd00::5]:1812",
		":1812",
		"[fd00:1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb]:1812",
	};
	struct sp_endpoint endpoint;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(sp_endpoint_read(good[i].text, &endpoint));
		assert_endpoint(&endpoint, good[i].address, good[i].port);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (sp_endpoint_read(bad[i], &endpoint))
			fail_msg("accepted: %s", bad[i]);
}

static void test_defaults(void **state)
{
	(void)state;
	must(SERVER);
	assert_int_equal(config.radius_count, 1);
	assert_endpoint(&config.radius_server[0], "10.0.0.5", 0);
	assert_int_equal(config.radius_accounting_count, 0);
	assert_false(config.radius_no_accounting);
	assert_int_equal(config.radius_timeout, 3);
	assert_int_equal(config.radius_tries, 2);
	assert_false(config.radius_chap);
	assert_int_equal(config.radius_port_type, 19);
	assert_string_equal(config.radius_identifier, "");
	assert_int_equal(config.radius_interim, 300);
	assert_false(config.radius_coa);
	assert_int_equal(config.radius_coa_count, 0);
	assert_int_equal(config.radius_coa_port, 3799);
	assert_string_equal(config.radius_coa_secret_file, "");
}

static void test_every_key(void **state)
{
	(void)state;
	must("[gateway]\nclient = lan0\n[portal]\nmethods = radius\n[radius]\n"
	     "server = 10.0.0.5:18120, [fd00::5]:1812\naccounting = 10.0.0.6\n"
	     "secret_file = /etc/s\ntimeout = 1s\ntries = 7\nprotocol = chap\n"
	     "port_type = ethernet\nnas_identifier = lobby\nnas_address = fd00::1 10.0.0.1\n"
	     "interim = 60s\ncoa = on\ncoa_clients = 10.0.0.7 fd00::7\ncoa_port = 3800\n"
	     "coa_secret_file = /etc/c\n");
	assert_int_equal(config.radius_count, 2);
	assert_endpoint(&config.radius_server[0], "10.0.0.5", 18120);
	assert_endpoint(&config.radius_server[1], "fd00::5", 1812);
	assert_int_equal(config.radius_accounting_count, 1);
	assert_endpoint(&config.radius_accounting[0], "10.0.0.6", 0);
	assert_string_equal(config.radius_secret_file, "/etc/s");
	assert_int_equal(config.radius_timeout, 1);
	assert_int_equal(config.radius_tries, 7);
	assert_true(config.radius_chap);
	assert_int_equal(config.radius_port_type, 15);
	assert_string_equal(config.radius_identifier, "lobby");
	assert_true(sp_address_is_ipv4(&config.radius_nas[0]));
	assert_false(sp_address_is_ipv4(&config.radius_nas[1]));
	assert_int_equal(config.radius_interim, 60);
	assert_true(config.radius_coa);
	assert_int_equal(config.radius_coa_count, 2);
	assert_int_equal(config.radius_coa_port, 3800);
	assert_string_equal(config.radius_coa_secret_file, "/etc/c");
	must(SERVER "accounting = none\ninterim = none\n");
	assert_true(config.radius_no_accounting);
	assert_int_equal(config.radius_interim, 0);
}

static void test_bad_values(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{HEAD "server = radius.example.org\n",
	         "x.conf:4: key 'server': 'radius.example.org' "
	         "is no IP address"},
		{HEAD "server = 10.0.0.5:0\n", "x.conf:4: key 'server': '10.0.0.5:0'"},
		{HEAD "server = 10.0.0.5 10.0.0.5\n", "named twice"},
		{HEAD "server = 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5\n", "one too many"},
		{HEAD "server = none\n", "x.conf:4: key 'server': 'none'"},
		{HEAD "server = 224.0.0.1\n", "x.conf:4: key 'server': '224.0.0.1'"},
		{HEAD "server = 10.0.0.5\n", "x.conf:4: key 'server' needs the key 'secret_file'"},
		{HEAD "secret_file = secret\n", "expected the absolute path of a file"},
		{HEAD "timeout = 61s\n", "'61s' is out of range: expected a duration from 1s"},
		{HEAD "timeout = 3\n", "x.conf:4: key 'timeout': '3'"},
		{HEAD "tries = 0\n", "expected a number from 1 to 10"},
		{HEAD "protocol = mschap\n", "expected pap or chap"},
		{HEAD "interim = 30s\n", "'30s' is out of range"},
		{HEAD "nas_address = 10.0.0.1 10.0.0.2\n", "the second of its family"},
		{HEAD "port_type = token-ring\n", "expected wireless or ethernet"},
		{HEAD "coa = on\n", "x.conf:4: key 'coa': 'on' needs the key 'server'"},
		{"[gateway]\nclient = lan0\n[portal]\nmethods = radius\n",
	         "x.conf:4: key 'methods': 'radius' needs the key 'server'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!parse(rows[i].text) || error.exit_code != SP_EXIT_USAGE)
			fail_msg("accepted: %s", rows[i].text);
		if (!strstr(error.text, rows[i].said))
			fail_msg("'%s' does not say '%s'", error.text, rows[i].said);
	}
}

/* --- secrets --- */

static void write_secrets(const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static int read_secrets(char (*list)[SP_SECRET], unsigned most)
{
	return sp_secrets_read("secret_file", path, list, most, &error);
}

static void test_secrets(void **state)
{
	char list[2][SP_SECRET];

	(void)state;
	write_secrets("# of the lobby\n\n  one two\t\nthree", 0600);
	assert_int_equal(read_secrets(list, 2), 2);
	assert_string_equal(list[0], "one two");
	assert_string_equal(list[1], "three");
	assert_int_equal(read_secrets(list, 1), -EINVAL);
	assert_non_null(strstr(error.text, ":4: one secret too many"));
}

static void test_bad_secrets(void **state)
{
	static char many[200];
	char list[2][SP_SECRET];

	(void)state;
	memset(many, 'x', sizeof(many) - 1);
	write_secrets(many, 0600);
	assert_int_equal(read_secrets(list, 2), -EINVAL);
	assert_non_null(strstr(error.text, ":1: the secret is too long"));
	write_secrets("# nothing\n\n", 0600);
	assert_int_equal(read_secrets(list, 2), -EINVAL);
	write_secrets("a\033b\n", 0600);
	assert_int_equal(read_secrets(list, 2), -EINVAL);
	write_secrets("good\n", 0640);
	assert_int_equal(read_secrets(list, 2), -EPERM);
	assert_non_null(strstr(error.text, "chmod 600"));
	assert_int_equal(sp_secrets_read("secret_file", "/tmp", list, 2, &error), -EPERM);
	assert_int_equal(sp_secrets_read("secret_file", "/nowhere/s", list, 2, &error), -ENOENT);
	assert_string_equal(error.text, "secret_file = /nowhere/s: No such file or directory");
}

static void test_plans(void **state)
{
	static struct sp_ipc_radius radius;
	char text[512];

	(void)state;
	snprintf(text, sizeof(text),
	         HEAD "server = 10.0.0.5 10.0.0.6:1999\nsecret_file = %s\ntimeout = 2s\n", path);
	write_secrets("same\n", 0600);
	must(text);
	assert_int_equal(sp_radius_plan_access(&radius, &config, &error), 0);
	assert_int_equal(radius.server_count, 2);
	assert_int_equal(radius.timeout_ms, 2000);
	assert_int_equal(radius.server[0].port, 1812);
	assert_int_equal(radius.server[1].port, 1999);
	assert_string_equal(radius.server[1].secret, "same");
	assert_true(radius.nas_identifier[0]);
	assert_int_equal(sp_radius_plan_accounting(&radius, &config, &error), 0);
	assert_int_equal(radius.server[1].port, 1813);
	write_secrets("one\ntwo\n", 0600);
	assert_int_equal(sp_radius_plan_access(&radius, &config, &error), 0);
	assert_string_equal(radius.server[0].secret, "one");
	assert_string_equal(radius.server[1].secret, "two");
	config.radius_no_accounting = true;
	assert_int_equal(sp_radius_plan_accounting(&radius, &config, &error), 0);
	assert_int_equal(radius.server_count, 0);
	config.radius_count = 3;
	config.radius_server[2] = config.radius_server[0];
	assert_int_equal(sp_radius_plan_access(&radius, &config, &error), -EINVAL);
	assert_non_null(strstr(error.text, "it has 2 secrets and there are 3 servers"));
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoints), cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_key), cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_secrets),   cmocka_unit_test(test_bad_secrets),
		cmocka_unit_test(test_plans),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
