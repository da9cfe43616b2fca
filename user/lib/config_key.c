/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/config_key.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/garden_set.h"
#include "lib/method.h"
#include "lib/text.h"

#define SEPARATORS " \t,"

/* --- values --- */

static int unexpected(const struct sp_config_key *key, const char *text, const char *why,
                      struct sp_error *reason)
{
	return sp_fail(reason, -EINVAL, SP_EXIT_USAGE, "'%.64s'%s: expected %s", text, why,
	               key->expected);
}

/* The same with what may have been meant by it: the nearest of the names that @name gives
 * one by one, up to NULL. */
static int unexpected_name(const struct sp_config_key *key, const char *text,
                           const char *(*name)(const struct sp_config_key *, unsigned),
                           struct sp_error *reason)
{
	unsigned least = 2 + (unsigned)strlen(text) / 4;
	const char *near = NULL, *one;

	for (unsigned i = 0; (one = name(key, i)); i++) {
		unsigned far = sp_text_distance(text, one);

		if (far >= least)
			continue;
		least = far;
		near = one;
	}
	if (!near)
		return unexpected(key, text, "", reason);
	return sp_fail(reason, -EINVAL, SP_EXIT_USAGE, "'%.64s': expected %s; did you mean '%s'?",
	               text, key->expected, near);
}

static void store(const struct sp_config_key *key, struct sp_config *config, uint64_t value)
{
	void *member = (char *)config + key->offset;

	switch (key->size) {
	case sizeof(bool):
		*(bool *)member = value != 0;
		break;
	case sizeof(uint16_t):
		*(uint16_t *)member = (uint16_t)value;
		break;
	case sizeof(uint32_t):
		*(uint32_t *)member = (uint32_t)value;
		break;
	default:
		*(uint64_t *)member = value;
	}
}

static const char *choice_name(const struct sp_config_key *key, unsigned index)
{
	return key->choices[index].name;
}

static int read_choice(const struct sp_config_key *key, struct sp_config *config, const char *text,
                       struct sp_error *reason)
{
	for (const struct sp_config_choice *choice = key->choices; choice->name; choice++) {
		if (strcmp(text, choice->name) != 0)
			continue;
		store(key, config, choice->value);
		return 0;
	}
	return unexpected_name(key, text, choice_name, reason);
}

static int read_number(const struct sp_config_key *key, struct sp_config *config, const char *text,
                       struct sp_error *reason)
{
	uint64_t number;
	const char *why;
	int result = sp_text_number(text, key->least, key->most, &number);

	if (result)
		return unexpected(key, text, result == -ERANGE ? " is out of range" : "", reason);
	why = key->refuse ? key->refuse(number) : NULL;
	if (why)
		return unexpected(key, text, why, reason);
	store(key, config, number);
	return 0;
}

static int read_quantity(const struct sp_config_key *key, struct sp_config *config,
                         const char *text, struct sp_error *reason)
{
	uint64_t value = 0;
	int result;

	if (!key->or_none || strcmp(text, "none") != 0) {
		result = key->quantity(text, &value);
		if (!result && key->most && (value < key->least || value > key->most))
			result = -ERANGE;
		if (result)
			return unexpected(key, text, result == -ERANGE ? " is out of range" : "",
			                  reason);
	}
	store(key, config, value);
	return 0;
}

static int read_retention(const struct sp_config_key *key, struct sp_config *config,
                          const char *text, struct sp_error *reason)
{
	if (strcmp(text, "forever") != 0)
		return read_quantity(key, config, text, reason);
	store(key, config, 0);
	return 0;
}

static int read_allowance(const struct sp_config_key *key, struct sp_config *config,
                          const char *text, struct sp_error *reason)
{
	void *member = (char *)config + key->offset;

	return sp_allowance_read(text, member) ? unexpected(key, text, "", reason) : 0;
}

/* A 32-bit number, decimal or 0x...; @end is where it stops. */
static int read_bits(const char *text, char **end, uint32_t *bits)
{
	bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned long value;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	value = strtoul(text, end, hexadecimal ? 16 : 10);
	if (errno || value > UINT32_MAX)
		return -EINVAL;
	*bits = (uint32_t)value;
	return 0;
}

static int read_mark(const struct sp_config_key *key, struct sp_config *config, const char *text,
                     struct sp_error *reason)
{
	uint32_t mark, mask;
	char *end;

	if (read_bits(text, &end, &mark) || *end != '/' || read_bits(end + 1, &end, &mask) || *end)
		return unexpected(key, text, "", reason);
	if (mark & ~mask)
		return unexpected(key, text, " has bits in the mark that are not in the mask",
		                  reason);
	if (!mark)
		return unexpected(key, text, " is also the mark of every unmarked packet", reason);
	config->mark = mark;
	config->mark_mask = mask;
	return 0;
}

static bool is_user_name(const char *text)
{
	size_t length = strlen(text);

	if (!isalpha((unsigned char)text[0]) && text[0] != '_')
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr("_-.", text[i]))
			return false;
	}
	return true;
}

static int read_user(const struct sp_config_key *key, struct sp_config *config, const char *text,
                     struct sp_error *reason)
{
	if (strlen(text) >= key->size || !is_user_name(text))
		return unexpected(key, text, "", reason);
	if (!strcmp(text, "root"))
		return unexpected(key, text, " must not read what clients send", reason);
	snprintf((char *)config + key->offset, key->size, "%s", text);
	return 0;
}

/* A number and a time. */
static int read_attempts(const struct sp_config_key *key, struct sp_config *config,
                         const char *text, struct sp_error *reason)
{
	struct sp_attempts *attempts = (void *)((char *)config + key->offset);
	size_t length = strcspn(text, SEPARATORS);
	const char *rest = text + length + strspn(text + length, SEPARATORS);
	uint64_t count = 0, seconds = 0;
	char first[8];

	if (strcmp(text, "none") != 0) {
		snprintf(first, sizeof(first), "%.*s", (int)length, text);
		if (length >= sizeof(first) || sp_text_number(first, 1, 1000, &count) ||
		    sp_text_duration(rest, &seconds) || seconds > 86400)
			return unexpected(key, text, "", reason);
	}
	*attempts = (struct sp_attempts){.count = (uint32_t)count, .seconds = seconds};
	return 0;
}

static int read_host(const struct sp_config_key *key, struct sp_config *config, const char *text,
                     struct sp_error *reason)
{
	if (!sp_text_is_host_name(text))
		return unexpected(key, text, "", reason);
	snprintf((char *)config + key->offset, key->size, "%s", text);
	return 0;
}

/* An https URL of characters that need no escape anywhere (RFC 3986, appendix A). */
static int read_url(const struct sp_config_key *key, struct sp_config *config, const char *text,
                    struct sp_error *reason)
{
	static const char scheme[] = "https://";
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
		"-._~:/?#[]@!$&'()*+,;=%";

	if (strlen(text) >= key->size)
		return unexpected(key, text, " is too long", reason);
	if (strncmp(text, scheme, strlen(scheme)) != 0 ||
	    !isalnum((unsigned char)text[strlen(scheme)]) || text[strspn(text, allowed)])
		return unexpected(key, text, "", reason);
	snprintf((char *)config + key->offset, key->size, "%s", text);
	return 0;
}

/* It gets parameters put behind it. */
static int read_external(const struct sp_config_key *key, struct sp_config *config,
                         const char *text, struct sp_error *reason)
{
	if (strchr(text, '#'))
		return unexpected(key, text, " has a fragment", reason);
	return read_url(key, config, text, reason);
}

static int read_path(const struct sp_config_key *key, struct sp_config *config, const char *text,
                     struct sp_error *reason)
{
	if (strlen(text) >= key->size)
		return unexpected(key, text, " is too long", reason);
	snprintf((char *)config + key->offset, key->size, "%s", text);
	return 0;
}

static int read_folder(const struct sp_config_key *key, struct sp_config *config, const char *text,
                       struct sp_error *reason)
{
	return text[0] == '/' ? read_path(key, config, text, reason)
	                      : unexpected(key, text, "", reason);
}

/* --- lists --- */

/* Call @put for each entry of @text; it appends the entry to the list of @key. */
static int read_list(const struct sp_config_key *key, struct sp_config *config, const char *text,
                     int (*put)(const struct sp_config_key *, struct sp_config *, const char *,
                                struct sp_error *),
                     struct sp_error *reason)
{
	char *copy = strdup(text);
	char *rest = NULL;
	int entries = 0;
	int result = 0;

	if (!copy)
		return sp_fail(reason, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	for (char *entry = strtok_r(copy, SEPARATORS, &rest); entry && !result;
	     entry = strtok_r(NULL, SEPARATORS, &rest)) {
		entries++;
		result = put(key, config, entry, reason);
	}
	if (!result && !entries)
		result = unexpected(key, text, " names none", reason);
	free(copy);
	return result;
}

static bool is_interface_name(const char *text)
{
	if (!strcmp(text, ".") || !strcmp(text, ".."))
		return false;
	for (; *text; text++) {
		if (!isgraph((unsigned char)*text) || strchr("/:;#=\"'", *text))
			return false;
	}
	return true;
}

static int put_interface(const struct sp_config_key *key, struct sp_config *config,
                         const char *name, struct sp_error *reason)
{
	char(*list)[IF_NAMESIZE] = (void *)((char *)config + key->offset);
	unsigned *count = (unsigned *)(void *)((char *)config + key->count);

	if (!is_interface_name(name))
		return unexpected(key, name, " is no interface name", reason);
	if (strlen(name) >= IF_NAMESIZE)
		return unexpected(key, name, " is longer than an interface name can be", reason);
	if (!strcmp(name, "lo"))
		return unexpected(key, name, " is the gateway itself, nobody is behind it", reason);
	for (unsigned i = 0; i < *count; i++) {
		if (!strcmp(list[i], name))
			return unexpected(key, name, " is named twice", reason);
	}
	if (*count == SP_MAX_INTERFACES)
		return unexpected(key, name, " is one too many", reason);
	snprintf(list[(*count)++], IF_NAMESIZE, "%s", name);
	return 0;
}

static int read_interfaces(const struct sp_config_key *key, struct sp_config *config,
                           const char *text, struct sp_error *reason)
{
	return read_list(key, config, text, put_interface, reason);
}

static int put_address(const struct sp_config_key *key, struct sp_config *config, const char *text,
                       struct sp_error *reason)
{
	struct sp_address *list = (struct sp_address *)(void *)((char *)config + key->offset);
	unsigned *count = (unsigned *)(void *)((char *)config + key->count);
	struct sp_address address;
	const char *wrong;

	if (!sp_address_read(text, &address))
		return unexpected(key, text, " is no IP address", reason);
	if (strchr(text, ':') && sp_address_is_ipv4(&address))
		return unexpected(key, text, " is an IPv4 address in disguise", reason);
	wrong = sp_address_refuse(&address);
	if (wrong)
		return unexpected(key, text, wrong, reason);
	for (unsigned i = 0; i < *count; i++) {
		if (!memcmp(&list[i], &address, sizeof(address)))
			return unexpected(key, text, " is named twice", reason);
	}
	if (*count == SP_MAX_ADDRESSES)
		return unexpected(key, text, " is one too many", reason);
	list[(*count)++] = address;
	return 0;
}

static int put_listener(const struct sp_config_key *key, struct sp_config *config, const char *text,
                        struct sp_error *reason)
{
	struct sp_address address;

	if (sp_address_read(text, &address) && !sp_address_is_ipv4(&address) &&
	    sp_address_is_link_local(&address))
		return unexpected(key, text, " is a link-local address, which names no interface",
		                  reason);
	return put_address(key, config, text, reason);
}

static int read_resolvers(const struct sp_config_key *key, struct sp_config *config,
                          const char *text, struct sp_error *reason)
{
	return read_list(key, config, text, put_address, reason);
}

static int read_listeners(const struct sp_config_key *key, struct sp_config *config,
                          const char *text, struct sp_error *reason)
{
	return read_list(key, config, text, put_listener, reason);
}

static const char *method_name(const struct sp_config_key *key, unsigned index)
{
	unsigned method = SP_METHOD_CLICK + index;

	(void)key;
	return method <= SP_METHOD_EXTERNAL ? sp_method_name(method) : NULL;
}

static int put_method(const struct sp_config_key *key, struct sp_config *config, const char *name,
                      struct sp_error *reason)
{
	uint32_t *methods = (uint32_t *)(void *)((char *)config + key->offset);

	for (unsigned method = SP_METHOD_CLICK; method <= SP_METHOD_EXTERNAL; method++) {
		if (strcmp(name, sp_method_name(method)) != 0)
			continue;
		if (*methods & SP_METHOD_BIT(method))
			return unexpected(key, name, " is named twice", reason);
		*methods |= SP_METHOD_BIT(method);
		return 0;
	}
	return unexpected_name(key, name, method_name, reason);
}

static int read_methods(const struct sp_config_key *key, struct sp_config *config, const char *text,
                        struct sp_error *reason)
{
	store(key, config, 0);
	return read_list(key, config, text, put_method, reason);
}

/* --- zones --- */

static int put_vlan(struct sp_zone *zone, uint16_t vlan, const struct sp_config_key *key,
                    const char *text, struct sp_error *reason)
{
	for (unsigned i = 0; i < zone->vlan_count; i++)
		if (zone->vlan[i] == vlan)
			return unexpected(key, text, " is there already", reason);
	if (zone->vlan_count == SP_ZONE_VLANS)
		return unexpected(key, text, " is too many", reason);
	zone->vlan[zone->vlan_count++] = vlan;
	return 0;
}

/* One, or FIRST-LAST. */
static int put_vlans(const struct sp_config_key *key, struct sp_config *config, const char *text,
                     struct sp_error *reason)
{
	const char *dash = strchr(text, '-');
	char first_text[8];
	uint64_t first, last;
	int code = 0;

	snprintf(first_text, sizeof(first_text), "%.*s", dash ? (int)(dash - text) : 7, text);
	if ((dash && dash - text >= (int)sizeof(first_text)) ||
	    sp_text_number(first_text, 1, SP_VLAN_MAX, &first) ||
	    sp_text_number(dash ? dash + 1 : text, 1, SP_VLAN_MAX, &last) || first > last)
		return unexpected(key, text, "", reason);
	for (uint64_t vlan = first; vlan <= last && !code; vlan++)
		code = put_vlan(&config->zone[key->zone], (uint16_t)vlan, key, text, reason);
	return code;
}

static int read_vlans(const struct sp_config_key *key, struct sp_config *config, const char *text,
                      struct sp_error *reason)
{
	return read_list(key, config, text, put_vlans, reason);
}

struct sp_config_key sp_config_key_of(const struct sp_config_key *key, unsigned zone)
{
	struct sp_config_key result = *key;

	result.zone = zone;
	/* Entries of the garden are in one list, which is not a part of any zone. */
	if (key->offset <
	    offsetof(struct sp_config, zone) + sizeof(((struct sp_config *)0)->zone)) {
		result.offset += zone * sizeof(struct sp_zone);
		result.count += zone * sizeof(struct sp_zone);
	}
	return result;
}

/* --- RADIUS --- */

static int put_server(const struct sp_config_key *key, struct sp_config *config, const char *text,
                      struct sp_error *reason)
{
	struct sp_endpoint *list = (struct sp_endpoint *)(void *)((char *)config + key->offset);
	unsigned *count = (unsigned *)(void *)((char *)config + key->count);
	struct sp_endpoint endpoint;
	const char *refused;

	if (!sp_endpoint_read(text, &endpoint))
		return unexpected(key, text, " is no IP address, with or without a port", reason);
	refused = sp_address_refuse(&endpoint.address);
	if (refused)
		return unexpected(key, text, refused, reason);
	for (unsigned i = 0; i < *count; i++)
		if (!memcmp(&list[i].address, &endpoint.address, sizeof(endpoint.address)) &&
		    list[i].port == endpoint.port)
			return unexpected(key, text, " is named twice", reason);
	if (*count == SP_CONFIG_RADIUS)
		return unexpected(key, text, " is one too many", reason);
	list[(*count)++] = endpoint;
	return 0;
}

static int read_servers(const struct sp_config_key *key, struct sp_config *config, const char *text,
                        struct sp_error *reason)
{
	if (key->or_none && !strcmp(text, "none")) {
		config->radius_no_accounting = true;
		return 0;
	}
	return read_list(key, config, text, put_server, reason);
}

static int put_nas_address(const struct sp_config_key *key, struct sp_config *config,
                           const char *text, struct sp_error *reason)
{
	static const struct sp_address none;
	struct sp_address address, *place;

	if (!sp_address_read(text, &address))
		return unexpected(key, text, " is no IP address", reason);
	place = &config->radius_nas[sp_address_is_ipv4(&address) ? 0 : 1];
	if (memcmp(place, &none, sizeof(none)) != 0)
		return unexpected(key, text, " is the second of its family", reason);
	*place = address;
	return 0;
}

static int read_nas_addresses(const struct sp_config_key *key, struct sp_config *config,
                              const char *text, struct sp_error *reason)
{
	return read_list(key, config, text, put_nas_address, reason);
}

static int read_identifier(const struct sp_config_key *key, struct sp_config *config,
                           const char *text, struct sp_error *reason)
{
	if (strlen(text) >= key->size)
		return unexpected(key, text, " is too long", reason);
	snprintf((char *)config + key->offset, key->size, "%s", text);
	return 0;
}

/* --- metrics --- */

#define METRICS_PORT 9487 /* what the configuration may leave out */

static int read_metrics_path(const struct sp_config_key *key, struct sp_metrics_listen *listen,
                             const char *text, struct sp_error *reason)
{
	const char *path = text + strlen("unix");

	if (*path && strncmp(path, ":/", 2) != 0)
		return unexpected(key, text, " names no absolute path", reason);
	path += *path == ':';
	if (strlen(path) >= sizeof(listen->path))
		return unexpected(key, text, " is longer than a socket's path can be", reason);
	*listen = (struct sp_metrics_listen){.on = true};
	memcpy(listen->path, path, strlen(path));
	return 0;
}

static int read_metrics(const struct sp_config_key *key, struct sp_config *config, const char *text,
                        struct sp_error *reason)
{
	struct sp_metrics_listen *listen = &config->metrics_listen;

	*listen = (struct sp_metrics_listen){.on = false};
	if (!strcmp(text, "none"))
		return 0;
	if (!strncmp(text, "unix", 4))
		return read_metrics_path(key, listen, text, reason);
	if (!sp_endpoint_read(text, &listen->endpoint))
		return unexpected(key, text, " is no IP address, with or without a port", reason);
	listen->on = true;
	if (!listen->endpoint.port)
		listen->endpoint.port = METRICS_PORT;
	return 0;
}

/* --- the garden --- */

static int read_garden(const struct sp_config_key *key, struct sp_config *config, const char *text,
                       struct sp_error *reason)
{
	struct sp_garden_entry *entry = &config->garden[config->garden_count];
	int result = 0;

	if (config->garden_count == SP_CONFIG_GARDEN)
		return unexpected(key, text, " is one too many", reason);
	result = sp_garden_entry_read_line(entry, text, reason);
	entry->target.zone = key->zone;
	for (unsigned i = 0; i < config->garden_count && !result; i++)
		if (config->garden[i].target.zone == entry->target.zone)
			result = sp_garden_check_pair(entry, &config->garden[i].target,
			                              config->garden[i].rule,
			                              config->garden[i].count, reason);
	if (!result)
		config->garden_count++;
	return result ? -EINVAL : 0;
}

/* --- the table --- */

static const char *refuse_port(uint64_t port)
{
	return port == 80
	               ? " is the port whose traffic is captured, so nobody would reach a portal "
	                 "there"
	               : NULL;
}

static const struct sp_config_choice forward_choices[] = {
	{"stack", SP_FORWARD_STACK}, {"route", SP_FORWARD_ROUTE}, {NULL, 0}};
static const struct sp_config_choice attach_choices[] = {{"auto", SP_ATTACH_AUTO},
                                                         {"native", SP_ATTACH_NATIVE},
                                                         {"generic", SP_ATTACH_GENERIC},
                                                         {"tc", SP_ATTACH_TC},
                                                         {NULL, 0}};
static const struct sp_config_choice tc_choices[] = {
	{"auto", SP_TC_AUTO}, {"tcx", SP_TC_TCX}, {"clsact", SP_TC_CLSACT}, {NULL, 0}};
static const struct sp_config_choice switch_choices[] = {{"on", 1}, {"off", 0}, {NULL, 0}};
static const struct sp_config_choice protocol_choices[] = {{"pap", 0}, {"chap", 1}, {NULL, 0}};
static const struct sp_config_choice port_type_choices[] = {
	{"wireless", 19}, {"ethernet", 15}, {NULL, 0}}; /* RFC 2865, 5.41 */
static const struct sp_config_choice refuse_choices[] = {
	{"reset", SP_REFUSE_ANSWER}, {"drop", SP_REFUSE_DROP}, {NULL, 0}};
static const struct sp_config_choice refuse_udp_choices[] = {
	{"unreachable", SP_REFUSE_ANSWER}, {"drop", SP_REFUSE_DROP}, {NULL, 0}};
static const struct sp_config_choice extend_choices[] = {
	{"on", SP_EXTEND_YES}, {"off", SP_EXTEND_NO}, {NULL, 0}};
static const struct sp_config_choice log_choices[] = {{"auto", SP_LOG_TO_AUTO},
                                                      {"journal", SP_LOG_TO_JOURNAL},
                                                      {"syslog", SP_LOG_TO_SYSLOG},
                                                      {"stderr", SP_LOG_TO_STDERR},
                                                      {NULL, 0}};
static const struct sp_config_choice form_choices[] = {{"text", 0}, {"json", 1}, {NULL, 0}};
static const struct sp_config_choice level_choices[] = {
	{"debug", SP_LOG_DEBUG},     {"info", SP_LOG_INFO},   {"notice", SP_LOG_NOTICE},
	{"warning", SP_LOG_WARNING}, {"error", SP_LOG_ERROR}, {NULL, 0}};
static const struct sp_config_choice status_choices[] = {{"302", 302}, {"511", 511}, {NULL, 0}};

#define MEMBER(name) \
	.offset = offsetof(struct sp_config, name), .size = sizeof(((struct sp_config *)0)->name)

/* Of zone 0, and of any other. */
#define ZONED(name) MEMBER(zone[0].name), .zoned = true

#define ADDRESSES_EXPECTED                                                          \
	"1 to 16 different IPv4 or IPv6 unicast addresses, separated by blanks or " \
	"commas"
#define ATTEMPTS_EXPECTED \
	"a number from 1 to 1000 and a duration of at most 1d, such as 5 1m, or none"
#define USER_EXPECTED \
	"the name of an unprivileged user, at most 31 letters, digits, '_', '-' or '.'"
/* A row of [budgets]. */
#define BUDGET(name, list, kind)                                                        \
	{                                                                               \
		"budgets", name, read_allowance,                                        \
			"two numbers, how many a second and how many at once, such as " \
			"30 200, or none",                                              \
			MEMBER(list[kind])                                              \
	}
#define SERVERS_EXPECTED                                                                 \
	"1 to 4 different IPv4 or IPv6 addresses, each with or without a port, such as " \
	"10.0.0.5 or [fd00::5]:1812, separated by blanks or commas"
#define SECRET_EXPECTED \
	"the absolute path of a file, at most 255 bytes, such as /etc/sallyport/radius.secret"
#define PATH_EXPECTED                                                                           \
	"the path of a PEM file, at most 255 bytes, absolute or from the folder of this file, " \
	"such as /etc/sallyport/portal.crt"
#define RATE_EXPECTED "bit/s from 8K to 400G, such as 5M, or none"

const struct sp_config_key sp_config_keys[SP_CONFIG_KEYS] = {
	{"gateway", "client", read_interfaces,
         "1 to 16 different interfaces, separated by blanks or commas, such as lan0",
         MEMBER(client), .count = offsetof(struct sp_config, client_count)},
	{"gateway", "uplink", read_interfaces,
         "1 to 16 different interfaces, separated by blanks or commas, such as wan0",
         MEMBER(uplink), .count = offsetof(struct sp_config, uplink_count)},
	{"gateway", "forward", read_choice, "stack or route", ZONED(forward),
         .choices = forward_choices},
	{"gateway", "attach", read_choice, "auto, native, generic or tc", MEMBER(attach),
         .choices = attach_choices},
	{"gateway", "tc", read_choice, "auto, tcx or clsact", MEMBER(tc), .choices = tc_choices},
	{"gateway", "max_clients", read_number, "a number from 1 to 4194304", MEMBER(max_clients),
         .least = 1, .most = 4194304},
	{"gateway", "mark", read_mark,
         "MARK/MASK, two numbers of 32 bits such as 0x53000000/0xff000000, the mark not 0 and "
         "within the mask",
         MEMBER(mark)},
	{"gateway", "guard", read_choice, "on or off", MEMBER(guard), .choices = switch_choices},
	{"captive", "resolvers", read_resolvers, ADDRESSES_EXPECTED, MEMBER(resolver),
         .count = offsetof(struct sp_config, resolver_count)},
	{"captive", "refuse", read_choice, "reset or drop", MEMBER(refuse_tcp),
         .choices = refuse_choices},
	{"captive", "refuse_udp", read_choice, "unreachable or drop", MEMBER(refuse_udp),
         .choices = refuse_udp_choices},
	{"captive", "probe_status", read_choice, "302 or 511", MEMBER(probe_status),
         .choices = status_choices},
	{"captive", "refresh", read_number, "seconds from 0 to 3600", MEMBER(refresh),
         .most = 3600},
	{"captive", "workers", read_number, "a number from 0 (one for each CPU) to 64",
         MEMBER(workers), .most = SP_MAX_WORKERS},
	{"captive", "responder_user", read_user, USER_EXPECTED, MEMBER(responder_user)},
	{"garden", "allow", read_garden,
         "a prefix, address, name or *.name, and what of it is open, such as 192.0.2.0/24 tcp/443, "
         "at "
         "most 1024 times",
         MEMBER(garden), .count = offsetof(struct sp_config, garden_count), .repeats = true,
         .zoned = true},
	{"garden", "addresses", read_number, "a number from 1 to 4096", MEMBER(garden_addresses),
         .least = 1, .most = 4096},
	{"garden", "garden_user", read_user, USER_EXPECTED, MEMBER(garden_user)},
	{"portal", "listen", read_listeners, ADDRESSES_EXPECTED, MEMBER(portal),
         .count = offsetof(struct sp_config, portal_count)},
	{"portal", "certificate", read_path, PATH_EXPECTED, MEMBER(certificate)},
	{"portal", "key", read_path, PATH_EXPECTED, MEMBER(key)},
	{"portal", "port", read_number, "a number from 1 to 65535, but not 80; 443 is usual",
         MEMBER(portal_port), .least = 1, .most = 65535, .refuse = refuse_port},
	{"portal", "plain_port", read_number, "a number from 1 to 65535, but not 80; 8080 is usual",
         MEMBER(plain_port), .least = 1, .most = 65535, .refuse = refuse_port},
	{"portal", "host", read_host, "a DNS name such as login.example.org, not an address",
         ZONED(portal_host)},
	{"portal", "methods", read_methods,
         "one or several of click, voucher, user, radius and external, separated by blanks or "
         "commas",
         ZONED(methods)},
	{"portal", "session", read_quantity, "a duration such as 90s, 30m, 8h or 7d",
         ZONED(session_seconds), .quantity = sp_text_duration},
	{"portal", "idle", read_quantity, "a duration such as 90s, 30m, 8h or 7d, or none",
         ZONED(idle_seconds), .quantity = sp_text_duration, .or_none = true},
	{"portal", "quota", read_quantity, "bytes such as 500M or 2G, or none", ZONED(quota_bytes),
         .quantity = sp_text_size, .or_none = true},
	{"portal", "quota_up", read_quantity, "bytes such as 500M or 2G, or none", ZONED(quota_up),
         .quantity = sp_text_size, .or_none = true},
	{"portal", "quota_down", read_quantity, "bytes such as 500M or 2G, or none",
         ZONED(quota_down), .quantity = sp_text_size, .or_none = true},
	{"portal", "bind", read_choice, "on or off", ZONED(bind), .choices = switch_choices},
	{"portal", "up", read_quantity, RATE_EXPECTED, ZONED(rate_up), .quantity = sp_text_rate,
         .or_none = true},
	{"portal", "down", read_quantity, RATE_EXPECTED, ZONED(rate_down), .quantity = sp_text_rate,
         .or_none = true},
	{"portal", "pages", read_folder,
         "the absolute path of a folder, at most 255 bytes, such as /etc/sallyport/pages",
         ZONED(pages)},
	{"portal", "venue_info", read_url,
         "an https URL of at most 255 characters, such as https://www.example.org/venue",
         ZONED(venue_info)},
	{"portal", "can_extend", read_choice, "on or off", ZONED(can_extend),
         .choices = extend_choices},
	{"portal", "portal_user", read_user, USER_EXPECTED, MEMBER(portal_user)},
	{"portal", "attempts", read_attempts, ATTEMPTS_EXPECTED, MEMBER(attempts)},
	{"portal", "account_attempts", read_attempts, ATTEMPTS_EXPECTED, MEMBER(account_attempts)},
	{"portal", "verifiers", read_number, "a number from 0 (as many as the methods need) to 16",
         MEMBER(verifiers), .most = SP_MAX_VERIFIERS},
	{"portal", "verifier_user", read_user, USER_EXPECTED, MEMBER(verifier_user)},
	{"radius", "server", read_servers, SERVERS_EXPECTED, MEMBER(radius_server),
         .count = offsetof(struct sp_config, radius_count)},
	{"radius", "accounting", read_servers, SERVERS_EXPECTED ", or none",
         MEMBER(radius_accounting), .count = offsetof(struct sp_config, radius_accounting_count),
         .or_none = true},
	{"radius", "secret_file", read_folder, SECRET_EXPECTED, MEMBER(radius_secret_file)},
	{"radius", "timeout", read_quantity, "a duration from 1s to 60s", MEMBER(radius_timeout),
         .quantity = sp_text_duration, .least = 1, .most = 60},
	{"radius", "tries", read_number, "a number from 1 to 10", MEMBER(radius_tries), .least = 1,
         .most = 10},
	{"radius", "protocol", read_choice, "pap or chap", MEMBER(radius_chap),
         .choices = protocol_choices},
	{"radius", "port_type", read_choice, "wireless or ethernet", MEMBER(radius_port_type),
         .choices = port_type_choices},
	{"radius", "nas_identifier", read_identifier, "a name of at most 63 bytes",
         MEMBER(radius_identifier)},
	{"radius", "nas_address", read_nas_addresses,
         "an IPv4 address, an IPv6 address, or one of each", MEMBER(radius_nas)},
	{"radius", "interim", read_quantity, "a duration from 60s to 1d, such as 5m, or none",
         MEMBER(radius_interim), .quantity = sp_text_duration, .least = 60, .most = 86400,
         .or_none = true},
	{"radius", "coa", read_choice, "on or off", MEMBER(radius_coa), .choices = switch_choices},
	{"radius", "coa_clients", read_resolvers, ADDRESSES_EXPECTED, MEMBER(radius_coa_client),
         .count = offsetof(struct sp_config, radius_coa_count)},
	{"radius", "coa_port", read_number, "a number from 1 to 65535; 3799 is usual",
         MEMBER(radius_coa_port), .least = 1, .most = 65535},
	{"radius", "coa_secret_file", read_folder, SECRET_EXPECTED, MEMBER(radius_coa_secret_file)},
	{"external", "url", read_external,
         "an https URL of at most 511 characters, such as https://login.example.org/",
         MEMBER(external_url)},
	{"external", "secret_file", read_folder,
         "the absolute path of a file, at most 255 bytes, such as /etc/sallyport/external.secret",
         MEMBER(external_secret)},
	{"ledger", "retention", read_retention,
         "a duration of a day or more, such as 180d, or forever", MEMBER(retention),
         .quantity = sp_text_duration, .least = 86400, .most = SP_TEXT_DURATION_MOST},
	{"metrics", "listen", read_metrics,
         "none, unix, unix: and the absolute path of a socket, or an address of this gateway and a "
         "port, such as 127.0.0.1:9487",
         MEMBER(metrics_listen)},
	{"metrics", "metrics_user", read_user, USER_EXPECTED, MEMBER(metrics_user)},
	{"log", "to", read_choice, "auto, journal, syslog or stderr", MEMBER(log_to),
         .choices = log_choices},
	{"log", "format", read_choice, "text or json", MEMBER(log_json), .choices = form_choices},
	{"log", "level", read_choice, "debug, info, notice, warning or error", MEMBER(log_level),
         .choices = level_choices},
	{"log", "names", read_choice, "on or off", MEMBER(log_names), .choices = switch_choices},
	BUDGET("neighbour", budget, SP_BUDGET_NEIGHBOUR),
	BUDGET("dns", budget, SP_BUDGET_DNS),
	BUDGET("dns_bytes", budget, SP_BUDGET_DNS_BYTES),
	BUDGET("http", budget, SP_BUDGET_HTTP),
	BUDGET("portal", budget, SP_BUDGET_PORTAL),
	BUDGET("echo", budget, SP_BUDGET_ECHO),
	BUDGET("garden", budget, SP_BUDGET_GARDEN),
	BUDGET("refusals", budget, SP_BUDGET_REFUSAL),
	BUDGET("neighbour_all", budget_all, SP_BUDGET_NEIGHBOUR),
	BUDGET("dns_all", budget_all, SP_BUDGET_DNS),
	BUDGET("dns_bytes_all", budget_all, SP_BUDGET_DNS_BYTES),
	BUDGET("http_all", budget_all, SP_BUDGET_HTTP),
	BUDGET("portal_all", budget_all, SP_BUDGET_PORTAL),
	BUDGET("echo_all", budget_all, SP_BUDGET_ECHO),
	BUDGET("garden_all", budget_all, SP_BUDGET_GARDEN),
	BUDGET("refusals_all", budget_all, SP_BUDGET_REFUSAL),
	BUDGET("new_clients", budget_all, SP_BUDGET_GUEST),
	BUDGET("events", budget_all, SP_BUDGET_EVENT),
	{SP_CONFIG_ZONE, "client", read_interfaces,
         "1 to 16 different interfaces, separated by blanks or commas, such as lan1", ZONED(client),
         .count = offsetof(struct sp_config, zone[0].client_count)},
	{SP_CONFIG_ZONE, "vlan", read_vlans,
         "1 to 256 different VLAN ids from 1 to 4094, or ranges of them, such as 12 20-29",
         ZONED(vlan), .count = offsetof(struct sp_config, zone[0].vlan_count)},
};

_Static_assert(SP_MAX_INTERFACES == 16 && SP_MAX_ADDRESSES == 16 && SP_MAX_WORKERS == 64 &&
                       SP_CONFIG_GARDEN == 1024 && SP_CONFIG_RADIUS == 4 && SP_ZONE_VLANS == 256,
               "the sentences above say so");
