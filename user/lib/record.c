/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/record.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/rundir.h"

#define NAME "dataplane"

static void path_of(char *path, size_t size, const struct sp_instance *instance, const char *suffix)
{
	snprintf(path, size, "%s/" NAME "%s", instance->run, suffix);
}

static int read_interface(const char *line, struct sp_record *record)
{
	struct sp_record_interface *one = &record->interface[record->count];
	unsigned own_qdisc;

	if (record->count == sizeof(record->interface) / sizeof(record->interface[0]))
		return -E2BIG;
	if (sscanf(line, "interface %15s %" SCNu32 " %u %u %u", one->name, &one->ifindex,
	           &one->attach, &one->tc, &own_qdisc) != 5)
		return -EBADMSG;
	one->own_qdisc = own_qdisc;
	record->count++;
	return 0;
}

/* Of the interface of the line before. */
static int read_why(const char *line, struct sp_record *record)
{
	unsigned kind;
	int text = 0;

	if (sscanf(line, "why %u %n", &kind, &text) != 1 || !text || kind >= SP_HOOK_KINDS ||
	    !record->count)
		return -EBADMSG;
	snprintf(record->interface[record->count - 1].why[kind], SP_WHY, "%.*s",
	         (int)strcspn(line + text, "\n"), line + text);
	return 0;
}

static int read_line(const char *line, struct sp_record *record)
{
	if (!strncmp(line, "interface ", 10))
		return read_interface(line, record);
	if (!strncmp(line, "why ", 4))
		return read_why(line, record);
	if (sscanf(line, "netns %" SCNu64, &record->netns) == 1)
		return 0;
	if (sscanf(line, "capture %" SCNx32 " %" SCNx32 " %" SCNu32 " %" SCNu32, &record->mark,
	           &record->mask, &record->table, &record->priority) != 4)
		return -EBADMSG;
	record->capture = true;
	return 0;
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

static void put(FILE *file, const struct sp_record *record)
{
	fprintf(file, "netns %" PRIu64 "\n", record->netns);
	if (record->capture)
		fprintf(file, "capture %#" PRIx32 " %#" PRIx32 " %" PRIu32 " %" PRIu32 "\n",
		        record->mark, record->mask, record->table, record->priority);
	for (unsigned i = 0; i < record->count; i++) {
		const struct sp_record_interface *one = &record->interface[i];

		fprintf(file, "interface %s %" PRIu32 " %u %u %u\n", one->name, one->ifindex,
		        one->attach, one->tc, one->own_qdisc);
		for (unsigned kind = 0; kind < SP_HOOK_KINDS; kind++)
			if (one->why[kind][0])
				fprintf(file, "why %u %s\n", kind, one->why[kind]);
	}
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

static bool same_capture(const struct sp_record *a, const struct sp_record *b)
{
	return a->capture && b->capture && a->netns == b->netns && a->mark == b->mark &&
	       a->mask == b->mask && a->table == b->table && a->priority == b->priority;
}

bool sp_record_capture_shared(const struct sp_instance *instance, const struct sp_record *record)
{
	char own[SP_INSTANCE_PATH + 16];
	struct sp_record other;
	bool shared = false;
	glob_t all;

	path_of(own, sizeof(own), instance, "");
	if (glob("/run/*/" NAME, GLOB_NOSORT, NULL, &all))
		return false;
	for (size_t i = 0; i < all.gl_pathc && !shared; i++)
		shared = strcmp(all.gl_pathv[i], own) && !read_file(all.gl_pathv[i], &other) &&
		         same_capture(record, &other);
	globfree(&all);
	return shared;
}
