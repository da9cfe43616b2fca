/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/limits_output.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "lib/text.h"

static int put(json_t *object, const char *name, uint64_t value)
{
	return json_object_set_new(object, name, sp_json_number(value, value != 0));
}

static int put_binding(json_t *object, const struct sp_limits *limits)
{
	char text[INET_ADDRSTRLEN] = "auto";

	if (!limits->bind)
		return json_object_set_new(object, "bind", json_null());
	if (limits->ipv4)
		inet_ntop(AF_INET, &limits->ipv4, text, sizeof(text));
	return json_object_set_new(object, "bind", json_string(text));
}

int sp_put_limits(json_t *object, const struct sp_limits *limits)
{
	return put(object, "seconds", limits->seconds) || put(object, "idle_limit", limits->idle) ||
	       put(object, "quota", limits->quota) || put(object, "quota_up", limits->quota_up) ||
	       put(object, "quota_down", limits->quota_down) ||
	       put(object, "rate_up", limits->rate_up) ||
	       put(object, "rate_down", limits->rate_down) ||
	       put(object, "burst_up", limits->burst_up) ||
	       put(object, "burst_down", limits->burst_down) || put_binding(object, limits);
}

struct words {
	char *out;
	size_t size, used;
};

static void add(struct words *words, const char *what, const char *value)
{
	int length = snprintf(words->out + words->used, words->size - words->used, "%s%s%s",
	                      words->used ? ", " : "", what, value);

	if (length > 0)
		words->used += (size_t)length;
	if (words->used >= words->size)
		words->used = words->size - 1;
}

static void add_quantity(struct words *words, const char *what, uint64_t value,
                         char *(*text)(char *, uint64_t))
{
	char quantity[SP_TEXT_QUANTITY];

	if (value)
		add(words, what, text(quantity, value));
}

char *sp_limits_text(char *out, size_t size, const struct sp_limits *limits)
{
	struct words words = {.out = out, .size = size};

	out[0] = '\0';
	add_quantity(&words, "", limits->seconds, sp_text_put_duration);
	add_quantity(&words, "", limits->quota, sp_text_put_size);
	add_quantity(&words, "up at most ", limits->quota_up, sp_text_put_size);
	add_quantity(&words, "down at most ", limits->quota_down, sp_text_put_size);
	add_quantity(&words, "up ", limits->rate_up, sp_text_put_rate);
	add_quantity(&words, "down ", limits->rate_down, sp_text_put_rate);
	add_quantity(&words, "idle ", limits->idle, sp_text_put_duration);
	if (limits->bind)
		add(&words, "one IPv4 address", "");
	return out;
}
