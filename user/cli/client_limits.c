/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/client_limits.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "lib/address.h"
#include "lib/text.h"

/* What an option that is a quantity may be, and where it goes. */
struct quantity {
	enum sp_option option;
	int (*read)(const char *, uint64_t *);
	const char *expected;
	size_t at; /* in struct sp_limits */
};

static int read_burst(const char *text, uint64_t *bytes)
{
	uint64_t value;
	int code = sp_text_size(text, &value);

	if (!code && (value < SP_BURST_LEAST || value > SP_BURST_MOST))
		return -ERANGE;
	if (!code)
		*bytes = value;
	return code;
}

#define TIME  sp_text_duration, "a duration such as 90s, 30m, 8h or 7d, at most 100 years"
#define SIZE  sp_text_size, "a number of bytes such as 500M or 2G"
#define RATE  sp_text_rate, "a rate in bit/s such as 512K, 5M or 1G, from 8K to 400G"
#define BURST read_burst, "a number of bytes such as 64K, from 1500 to 1G"

#define QUANTITY(name, kind, member)                                       \
	{                                                                  \
		SP_OPTION_##name, kind, offsetof(struct sp_limits, member) \
	}

static const struct quantity quantities[] = {
	QUANTITY(FOR, TIME, seconds),
	QUANTITY(IDLE, TIME, idle),
	QUANTITY(QUOTA, SIZE, quota),
	QUANTITY(QUOTA_UP, SIZE, quota_up),
	QUANTITY(QUOTA_DOWN, SIZE, quota_down),
	QUANTITY(UP, RATE, rate_up),
	QUANTITY(DOWN, RATE, rate_down),
	QUANTITY(BURST_UP, BURST, burst_up),
	QUANTITY(BURST_DOWN, BURST, burst_down),
};

static int read_quantity(const struct sp_invocation *invocation, const struct quantity *quantity,
                         struct sp_limits *limits, struct sp_error *err)
{
	const char *name = sp_options[quantity->option].name;
	const char *text = invocation->option[quantity->option];
	uint64_t *value = (uint64_t *)(void *)((char *)limits + quantity->at);
	int code = text ? quantity->read(text, value) : 0;

	if (code == -ERANGE)
		return sp_fail(err, code, SP_EXIT_USAGE,
		               "--%s: \"%s\" is out of range: expected %s", name, text,
		               quantity->expected);
	if (code)
		return sp_fail(err, code, SP_EXIT_USAGE, "--%s: expected %s, got \"%s\"", name,
		               quantity->expected, text);
	return 0;
}

/* A burst is one of a rate. */
static int check_burst(enum sp_option burst, enum sp_option rate, uint64_t bytes, uint64_t bits,
                       struct sp_error *err)
{
	if (!bytes || bits)
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
	               "--%s: there is no rate that it belongs to: "
	               "expected --%s as well",
	               sp_options[burst].name, sp_options[rate].name);
}

static int read_binding(const struct sp_invocation *invocation, struct sp_limits *limits,
                        struct sp_error *err)
{
	const char *text = invocation->option[SP_OPTION_BIND];
	struct sp_address address;
	const char *wrong = "";

	if (!text)
		return 0;
	limits->bind = true;
	if (!strcmp(text, "auto"))
		return 0;
	if (sp_address_read(text, &address) && sp_address_is_ipv4(&address)) {
		wrong = sp_address_refuse(&address);
		limits->ipv4 = address.word[3];
		if (!wrong)
			return 0;
	}
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
	               "--bind: \"%s\"%s: expected auto or the IPv4 address of a client", text,
	               wrong);
}

int sp_client_limits_read(const struct sp_invocation *invocation, struct sp_limits *limits,
                          struct sp_error *err)
{
	int code = 0;

	*limits = (struct sp_limits){.seconds = 0};
	for (size_t i = 0; i < sizeof(quantities) / sizeof(*quantities) && !code; i++)
		code = read_quantity(invocation, &quantities[i], limits, err);
	if (!code)
		code = check_burst(SP_OPTION_BURST_UP, SP_OPTION_UP, limits->burst_up,
		                   limits->rate_up, err);
	if (!code)
		code = check_burst(SP_OPTION_BURST_DOWN, SP_OPTION_DOWN, limits->burst_down,
		                   limits->rate_down, err);
	return code ? code : read_binding(invocation, limits, err);
}
