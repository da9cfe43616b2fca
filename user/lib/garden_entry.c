/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/garden_entry.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/text.h"

#define SEPARATORS " \t,"
#define LAST_PORT  65535u

#define TARGET_EXPECTED                                                                  \
	"a prefix such as 192.0.2.0/24 or 2001:db8::/32, an address, or a name such as " \
	"example.org or *.example.org"
#define RULE_EXPECTED \
	"tcp, udp, icmp or a protocol number from 1 to 255, with ports tcp/443 or udp/1000-2000"

/* --- targets --- */

static int bad_target(const char *text, const char *why, struct sp_error *err)
{
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "'%.64s'%s: expected " TARGET_EXPECTED, text,
	               why);
}

/* Bits of the 128 of a stored address in front of a prefix of @family. */
static unsigned in_front(uint8_t family)
{
	return family == 4 ? 96 : 0;
}

/* Clear what is behind the first @bits. True if there was something. */
static bool cut(struct sp_address *address, unsigned bits)
{
	bool cleared = false;

	for (unsigned i = 0; i < 4; i++) {
		unsigned left = bits > 32 * i ? bits - 32 * i : 0;
		uint32_t mask = left >= 32 ? UINT32_MAX : left ? ~(UINT32_MAX >> left) : 0;
		uint32_t word = ntohl(address->word[i]);

		cleared = cleared || word & ~mask;
		address->word[i] = htonl(word & mask);
	}
	return cleared;
}

/* NULL, or why no captive client needs it. All zeros are the beginning of many a prefix. */
static const char *refuse_prefix(const struct sp_garden_target *target, uint8_t most)
{
	const uint32_t *word = target->address.word;
	bool zero = target->family == 4 ? !word[3] : !(word[0] | word[1] | word[2] | word[3]);

	return zero && target->length < most ? NULL : sp_address_refuse(&target->address);
}

/* "/24" behind the address, or nothing for the address alone. */
static int read_length(struct sp_garden_target *target, const char *text, const char *slash,
                       struct sp_error *err)
{
	uint8_t most = target->family == 4 ? 32 : 128;
	uint64_t length = most;
	const char *why;
	char right[INET6_ADDRSTRLEN];

	if (slash && sp_text_number(slash + 1, 0, most, &length))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "'%.64s': expected a prefix length from 0 to %u behind the '/'",
		               text, most);
	target->length = (uint8_t)length;
	if (cut(&target->address, in_front(target->family) + target->length))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "'%.64s' has bits behind the prefix: expected %s/%u, or the address "
		               "without a length",
		               text, sp_address_text(&target->address, right), target->length);
	why = refuse_prefix(target, most);
	return why ? bad_target(text, why, err) : 0;
}

/* 1: it is no address. */
static int read_prefix(struct sp_garden_target *target, const char *text, struct sp_error *err)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	char address[INET6_ADDRSTRLEN];

	if (length >= sizeof(address))
		return 1;
	memcpy(address, text, length);
	address[length] = '\0';
	if (!sp_address_read(address, &target->address))
		return 1;
	target->family = strchr(address, ':') ? 6 : 4;
	if (target->family == 6 && sp_address_is_ipv4(&target->address))
		return bad_target(text, " is an IPv4 address in disguise", err);
	return read_length(target, text, slash, err);
}

static int read_name(struct sp_garden_target *target, const char *text, struct sp_error *err)
{
	const char *host = strncmp(text, "*.", 2) != 0 ? text : text + 2;
	size_t length = strlen(text);

	if (strchr(text, '/') || strchr(text, ':'))
		return bad_target(text, " is no prefix", err);
	for (const char *at = text; *at; at++)
		if ((unsigned char)*at >= 0x80)
			return bad_target(text, " is not ASCII, write it as its A-label (xn--...)",
			                  err);
	if (length && text[length - 1] == '.')
		length--;
	if (length >= sizeof(target->name))
		return bad_target(text, " is too long", err);
	for (size_t i = 0; i < length; i++)
		target->name[i] = (char)tolower((unsigned char)text[i]);
	if (!sp_text_is_host_name(target->name + (host - text)))
		return bad_target(text, strchr(host, '*') ? " has a * that is not in front" : "",
		                  err);
	return 0;
}

static int read_target(struct sp_garden_target *target, const char *text, struct sp_error *err)
{
	int code;

	*target = (struct sp_garden_target){.family = 0};
	code = read_prefix(target, text, err);
	return code == 1 ? read_name(target, text, err) : code;
}

/* --- rules --- */

static int bad_rule(const char *text, struct sp_error *err)
{
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "'%.64s': expected " RULE_EXPECTED, text);
}

static bool read_protocol(const char *text, uint8_t *protocol)
{
	uint64_t number = !strcmp(text, "tcp")    ? IPPROTO_TCP
	                  : !strcmp(text, "udp")  ? IPPROTO_UDP
	                  : !strcmp(text, "icmp") ? IPPROTO_ICMP
	                                          : 0;

	if (!number && sp_text_number(text, 1, 255, &number))
		return false;
	*protocol = number == IPPROTO_ICMPV6 ? IPPROTO_ICMP : (uint8_t)number;
	return true;
}

/* "443" or "1000-2000". */
static bool read_ports(char *text, struct sp_garden_rule *rule)
{
	char *dash = strchr(text, '-');
	uint64_t low, high;

	if (dash)
		*dash = '\0';
	if (sp_text_number(text, 1, LAST_PORT, &low) ||
	    sp_text_number(dash ? dash + 1 : text, low, LAST_PORT, &high))
		return false;
	rule->port_low = (uint16_t)low;
	rule->port_high = (uint16_t)high;
	return true;
}

static int read_rule(struct sp_garden_rule *rule, const char *text, struct sp_error *err)
{
	char copy[32], *slash;

	*rule = (struct sp_garden_rule){.port_high = LAST_PORT};
	if (strlen(text) >= sizeof(copy))
		return bad_rule(text, err);
	memcpy(copy, text, strlen(text) + 1);
	slash = strchr(copy, '/');
	if (slash)
		*slash = '\0';
	if (!read_protocol(copy, &rule->protocol))
		return bad_rule(text, err);
	if (!slash)
		return 0;
	if (rule->protocol != IPPROTO_TCP && rule->protocol != IPPROTO_UDP)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "'%.64s': only tcp and udp have ports; expected " RULE_EXPECTED,
		               text);
	return read_ports(slash + 1, rule) ? 0 : bad_rule(text, err);
}

static int add_rule(struct sp_garden_entry *entry, const char *text, struct sp_error *err)
{
	struct sp_garden_rule rule;
	int code = read_rule(&rule, text, err);

	if (code)
		return code;
	for (uint32_t i = 0; i < entry->count; i++)
		if (sp_garden_rule_covers(&entry->rule[i], &rule) ||
		    sp_garden_rule_covers(&rule, &entry->rule[i]))
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			               "'%.64s' says the same twice: expected rules of which none "
			               "covers another",
			               text);
	if (entry->count == SP_GARDEN_RULES)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "'%.64s' is one rule too many: expected at most %u", text,
		               SP_GARDEN_RULES);
	entry->rule[entry->count++] = rule;
	return 0;
}

int sp_garden_entry_read(struct sp_garden_entry *entry, const char *const *words, unsigned count,
                         struct sp_error *err)
{
	int code;

	*entry = (struct sp_garden_entry){.count = 0};
	if (!count)
		return bad_target("", " names nothing", err);
	code = read_target(&entry->target, words[0], err);
	for (unsigned i = 1; i < count && !code; i++)
		code = add_rule(entry, words[i], err);
	if (!code && !entry->count)
		entry->rule[entry->count++] = (struct sp_garden_rule){.port_high = LAST_PORT};
	return code;
}

int sp_garden_entry_read_line(struct sp_garden_entry *entry, const char *line, struct sp_error *err)
{
	const char *words[SP_GARDEN_RULES + 2];
	char *copy = strdup(line), *rest = NULL;
	unsigned count = 0;
	int code;

	if (!copy)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	/* One more than there may be, so that it is complained of. */
	for (char *word = strtok_r(copy, SEPARATORS, &rest);
	     word && count < sizeof(words) / sizeof(*words);
	     word = strtok_r(NULL, SEPARATORS, &rest))
		words[count++] = word;
	code = sp_garden_entry_read(entry, words, count, err);
	free(copy);
	return code;
}

/* --- comparing --- */

bool sp_garden_rule_covers(const struct sp_garden_rule *wide, const struct sp_garden_rule *narrow)
{
	return (!wide->protocol || wide->protocol == narrow->protocol) &&
	       wide->port_low <= narrow->port_low && wide->port_high >= narrow->port_high;
}

bool sp_garden_rule_same(const struct sp_garden_rule *one, const struct sp_garden_rule *other)
{
	return sp_garden_rule_covers(one, other) && sp_garden_rule_covers(other, one);
}

static bool name_covers(const char *wide, const char *narrow)
{
	size_t suffix = strlen(wide), length = strlen(narrow);

	if (!strcmp(wide, narrow))
		return true;
	if (strncmp(wide, "*.", 2) != 0)
		return false;
	suffix--; /* ".example.org" */
	return length > suffix && !strcmp(narrow + length - suffix, wide + 1);
}

void sp_garden_target_widen(struct sp_garden_target *target, uint8_t length)
{
	target->length = length;
	cut(&target->address, in_front(target->family) + length);
}

bool sp_garden_target_covers(const struct sp_garden_target *wide,
                             const struct sp_garden_target *narrow)
{
	struct sp_garden_target same = *narrow;

	if (wide->family != narrow->family || wide->zone != narrow->zone)
		return false;
	if (!wide->family)
		return name_covers(wide->name, narrow->name);
	if (wide->length > narrow->length)
		return false;
	sp_garden_target_widen(&same, wide->length);
	return !memcmp(&same.address, &wide->address, sizeof(same.address));
}

bool sp_garden_name_next(const char *name, unsigned *at, struct sp_garden_name_key *key)
{
	const char *dot;
	size_t length;

	memset(key, 0, sizeof(*key));
	if (!*at) {
		length = strlen(name);
		if (length >= sizeof(key->name))
			return false;
		memcpy(key->name, name, length);
		*at = 1;
		return true;
	}
	dot = strchr(name + *at - 1, '.');
	if (!dot || strlen(dot) + 1 >= sizeof(key->name))
		return false;
	key->name[0] = '*';
	memcpy(key->name + 1, dot, strlen(dot));
	*at = (unsigned)(dot - name) + 2;
	return true;
}

/* --- writing --- */

char *sp_garden_put_target(char out[SP_GARDEN_TEXT], const struct sp_garden_target *target)
{
	char address[INET6_ADDRSTRLEN];
	uint8_t most = target->family == 4 ? 32 : 128;

	if (!target->family)
		snprintf(out, SP_GARDEN_TEXT, "%s", target->name);
	else if (target->length == most)
		snprintf(out, SP_GARDEN_TEXT, "%s", sp_address_text(&target->address, address));
	else
		snprintf(out, SP_GARDEN_TEXT, "%s/%u", sp_address_text(&target->address, address),
		         target->length);
	return out;
}

static void put_rule(char out[32], const struct sp_garden_rule *rule)
{
	char number[8];
	const char *protocol = rule->protocol == IPPROTO_TCP   ? "tcp"
	                       : rule->protocol == IPPROTO_UDP ? "udp"
	                       : rule->protocol == IPPROTO_ICMP || rule->protocol == IPPROTO_ICMPV6
	                               ? "icmp"
	                               : number;

	snprintf(number, sizeof(number), "%u", rule->protocol);
	if (!rule->protocol)
		snprintf(out, 32, "everything");
	else if (!rule->port_low && rule->port_high == LAST_PORT)
		snprintf(out, 32, "%s", protocol);
	else if (rule->port_low == rule->port_high)
		snprintf(out, 32, "%s/%u", protocol, rule->port_low);
	else
		snprintf(out, 32, "%s/%u-%u", protocol, rule->port_low, rule->port_high);
}

char *sp_garden_put_rules(char out[SP_GARDEN_TEXT], const struct sp_garden_rule *rules,
                          uint32_t count)
{
	size_t used = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < count; i++) {
		char rule[32];

		put_rule(rule, &rules[i]);
		snprintf(out + used, SP_GARDEN_TEXT - used, "%s%s", used ? ", " : "", rule);
		used += strlen(out + used);
	}
	return out;
}
