/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/rundir.h"
#include "lib/text.h"

#define NAME "dataplane"

static void path_of(char *path, size_t size, const struct sp_instance *instance, const char *suffix)
{
	snprintf(path, size, "%s/" NAME "%s", instance->run, suffix);
}

/* Take the next word off @line; "" when there is none. */
static const char *next_word(char **line)
{
	const char *word = strsep(line, " \n");

	return word ? word : "";
}

/* The next @count words, which are numbers, decimal or with 0x. */
static int next_numbers(char **line, uint64_t *numbers, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const char *word = next_word(line);
		char *end;

		errno = 0;
		numbers[i] = strtoull(word, &end, 0);
		if (errno || end == word || *end)
			return -EBADMSG;
	}
	return 0;
}

static int read_interface(char *line, struct sp_record *record, bool uplink)
{
	struct sp_record_interface *one = &record->interface[record->count];
	uint64_t numbers[4];

	if (record->count == sizeof(record->interface) / sizeof(record->interface[0]))
		return -E2BIG;
	snprintf(one->name, sizeof(one->name), "%s", next_word(&line));
	if (!one->name[0] || next_numbers(&line, numbers, 4))
		return -EBADMSG;
	one->ifindex = (uint32_t)numbers[0];
	one->attach = (unsigned)numbers[1];
	one->tc = (unsigned)numbers[2];
	one->own_qdisc = numbers[3];
	one->uplink = uplink;
	record->count++;
	return 0;
}

/* Of the interface of the line before. */
static int read_why(char *line, struct sp_record *record)
{
	uint64_t kind;

	if (next_numbers(&line, &kind, 1) || kind >= SP_HOOK_KINDS || !record->count || !line)
		return -EBADMSG;
	snprintf(record->interface[record->count - 1].why[kind], SP_WHY, "%.*s",
	         (int)strcspn(line, "\n"), line);
	return 0;
}

static int read_mac(char *line, struct sp_record *record)
{
	return record->count
	               ? sp_text_mac(next_word(&line), record->interface[record->count - 1].mac)
	               : -EBADMSG;
}

static int read_address(char *line, struct sp_record *record)
{
	struct sp_record_interface *one = &record->interface[record->count - 1];

	if (!record->count || one->address_count == SP_MAX_ADDRESSES ||
	    !sp_address_read(next_word(&line), &one->address[one->address_count]))
		return -EBADMSG;
	one->address_count++;
	return 0;
}

static int read_zone(char *line, struct sp_record *record)
{
	if (!record->zone_count)
		record->zone_count = 1;
	if (record->zone_count == SP_ZONES)
		return -E2BIG;
	snprintf(record->zone[record->zone_count++].name, SP_ZONE_NAME, "%s", next_word(&line));
	return 0;
}

/* Of the zone of the line before. */
static int read_zone_client(char *line, struct sp_record *record)
{
	struct sp_record_zone *zone =
		&record->zone[record->zone_count ? record->zone_count - 1 : 0];

	if (!record->zone_count || zone->client_count == SP_MAX_INTERFACES)
		return -EBADMSG;
	snprintf(zone->client[zone->client_count++], IF_NAMESIZE, "%s", next_word(&line));
	return 0;
}

static int read_zone_vlan(char *line, struct sp_record *record)
{
	struct sp_record_zone *zone =
		&record->zone[record->zone_count ? record->zone_count - 1 : 0];
	uint64_t vlan;

	if (!record->zone_count || zone->vlan_count == SP_ZONE_VLANS ||
	    next_numbers(&line, &vlan, 1) || !vlan || vlan > SP_VLAN_MAX)
		return -EBADMSG;
	zone->vlan[zone->vlan_count++] = (uint16_t)vlan;
	return 0;
}

static int read_line(char *line, struct sp_record *record)
{
	const char *what = next_word(&line);

	if (!strcmp(what, "interface"))
		return read_interface(line, record, false);
	if (!strcmp(what, "uplink"))
		return read_interface(line, record, true);
	if (!strcmp(what, "why"))
		return read_why(line, record);
	if (!strcmp(what, "mac"))
		return read_mac(line, record);
	if (!strcmp(what, "address"))
		return read_address(line, record);
	if (!strcmp(what, "zone"))
		return read_zone(line, record);
	if (!strcmp(what, "zone-client"))
		return read_zone_client(line, record);
	if (!strcmp(what, "zone-vlan"))
		return read_zone_vlan(line, record);
	if (!strcmp(what, "netns"))
		return next_numbers(&line, &record->netns, 1);
	return -EBADMSG;
}

static int read_file(const char *path, struct sp_record *record)
{
	char line[512];
	FILE *file = fopen(path, "re");
	int code = 0;

	*record = (struct sp_record){.count = 0};
	if (!file)
		return -errno;
	while (!code && fgets(line, sizeof(line), file))
		code = read_line(line, record);
	if (!code && ferror(file))
		code = -EIO;
	fclose(file);
	return code;
}

int sp_record_read(const struct sp_instance *instance, struct sp_record *record,
                   struct sp_error *err)
{
	char path[SP_INSTANCE_PATH + 16];
	int code;

	path_of(path, sizeof(path), instance, "");
	code = read_file(path, record);
	if (code == 0 || code == -ENOENT)
		return code;
	return sp_fail(err, code, SP_EXIT_FAILED, "cannot read %s, which `up` wrote: %s", path,
	               strerror(-code));
}

static void put_interface(FILE *file, const struct sp_record_interface *one)
{
	char text[INET6_ADDRSTRLEN], mac[SP_TEXT_MAC];

	fprintf(file, "%s %s %" PRIu32 " %u %u %u\n", one->uplink ? "uplink" : "interface",
	        one->name, one->ifindex, one->attach, one->tc, one->own_qdisc);
	for (unsigned kind = 0; kind < SP_HOOK_KINDS; kind++)
		if (one->why[kind][0])
			fprintf(file, "why %u %s\n", kind, one->why[kind]);
	fprintf(file, "mac %s\n", sp_text_put_mac(mac, one->mac));
	for (unsigned i = 0; i < one->address_count; i++)
		fprintf(file, "address %s\n", sp_address_text(&one->address[i], text));
}

static void put_zone(FILE *file, const struct sp_record_zone *zone)
{
	fprintf(file, "zone %s\n", zone->name);
	for (unsigned i = 0; i < zone->client_count; i++)
		fprintf(file, "zone-client %s\n", zone->client[i]);
	for (unsigned i = 0; i < zone->vlan_count; i++)
		fprintf(file, "zone-vlan %u\n", zone->vlan[i]);
}

static void put(FILE *file, const struct sp_record *record)
{
	fprintf(file, "netns %" PRIu64 "\n", record->netns);
	for (unsigned i = 0; i < record->count; i++)
		put_interface(file, &record->interface[i]);
	for (unsigned i = 1; i < record->zone_count; i++)
		put_zone(file, &record->zone[i]);
}

int sp_record_write(const struct sp_instance *instance, const struct sp_record *record,
                    struct sp_error *err)
{
	char path[SP_INSTANCE_PATH + 16], temporary[SP_INSTANCE_PATH + 16];
	FILE *file;
	int code = sp_run_make(instance, err);

	if (code)
		return code;
	path_of(path, sizeof(path), instance, "");
	path_of(temporary, sizeof(temporary), instance, ".new");
	file = fopen(temporary, "we");
	if (!file)
		goto fail;
	put(file, record);
	if (ferror(file) | fclose(file))
		goto fail;
	if (rename(temporary, path) == 0)
		return 0;
fail:
	code = errno ? -errno : -EIO;
	unlink(temporary);
	return sp_fail(err, code, SP_EXIT_FAILED, "cannot write %s: %s", path, strerror(-code));
}

struct sp_record_interface *sp_record_find(struct sp_record *record, const char *name)
{
	for (unsigned i = 0; i < record->count; i++)
		if (!strcmp(record->interface[i].name, name))
			return &record->interface[i];
	return NULL;
}

struct sp_record_interface *sp_record_find_at(struct sp_record *record, uint32_t ifindex)
{
	for (unsigned i = 0; i < record->count; i++)
		if (ifindex && record->interface[i].ifindex == ifindex)
			return &record->interface[i];
	return NULL;
}

bool sp_record_zone_has(const struct sp_record_zone *zone, const char *name)
{
	for (unsigned i = 0; i < zone->client_count; i++)
		if (!strcmp(zone->client[i], name))
			return true;
	return !zone->client_count;
}
