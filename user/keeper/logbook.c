/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/logbook.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "keeper/systemd.h"
#include "lib/text.h"

#define FIELDS 16
#define ROOM   4096 /* bytes of one line or entry: its text and a few short fields */

static const struct sp_instance *instance;
static bool prefixed; /* lines on stderr go to the journal, which takes the level from "<N>" */
static bool elsewhere;

static int severity(enum sp_log_level level)
{
	return (int)level + LOG_ERR;
}

/* --- text on stderr --- */

static void write_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void write_line(const char *format, ...)
{
	char line[ROOM];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (length > 0 && (size_t)length < sizeof(line) &&
	    write(STDERR_FILENO, line, (size_t)length) < 0) {
		/* There is nowhere left to say so. */
	}
}

static void to_text(const struct sp_log_entry *entry)
{
	const char *word = sp_log_word(entry->level);

	if (prefixed)
		write_line("<%d>%s: %s: %s\n", severity(entry->level), entry->process, word,
		           entry->text);
	else
		write_line("%s: %s: %s\n", entry->process, word, entry->text);
}

/* --- JSON on stderr --- */

/* What others wrote need not be UTF-8, and a line that was cut may end amidst a character. */
static json_t *make_string(const char *text)
{
	json_t *string = json_string(text);
	char plain[SP_LOG_TEXT];

	if (string)
		return string;
	snprintf(plain, sizeof(plain), "%s", text);
	for (char *at = plain; *at; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	return json_string(plain);
}

static void add_about(json_t *object, const struct sp_log_about *about)
{
	char mac[SP_TEXT_MAC];

	if (about->client) {
		json_object_set_new(object, "client",
		                    json_string(sp_text_put_mac(mac, about->client->mac)));
		json_object_set_new(object, "vlan", json_integer(about->client->vlan));
	}
	if (about->method)
		json_object_set_new(object, "method", json_string(about->method));
	if (about->user)
		json_object_set_new(object, "user", make_string(about->user));
	if (about->session)
		json_object_set_new(object, "session", json_integer((json_int_t)about->session));
	if (about->pid)
		json_object_set_new(object, "pid", json_integer(about->pid));
}

static void to_json(const struct sp_log_entry *entry)
{
	json_t *object = json_object();
	struct timespec now;
	char second[32], moment[64];
	struct tm day;
	char *line;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &day);
	strftime(second, sizeof(second), "%Y-%m-%dT%H:%M:%S", &day);
	snprintf(moment, sizeof(moment), "%s.%03ldZ", second, now.tv_nsec / 1000000);
	json_object_set_new(object, "time", json_string(moment));
	json_object_set_new(object, "level", json_string(sp_log_word(entry->level)));
	json_object_set_new(object, "instance", json_string(instance->name));
	json_object_set_new(object, "process", json_string(entry->process));
	json_object_set_new(object, "message", make_string(entry->text));
	add_about(object, entry->about);
	line = json_dumps(object, JSON_COMPACT);
	if (line)
		write_line("%s\n", line);
	free(line);
	json_decref(object);
}

/* --- syslog --- */

static void to_syslog(const struct sp_log_entry *entry)
{
	syslog(severity(entry->level), "%s: %s", entry->process, entry->text);
}

/* --- the journal --- */

struct fields {
	struct iovec field[FIELDS];
	unsigned count;
	char text[ROOM];
	size_t used;
};

static void add(struct fields *fields, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct fields *fields, const char *format, ...)
{
	char *start = fields->text + fields->used;
	const size_t room = sizeof(fields->text) - fields->used;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(start, room, format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= room || fields->count == FIELDS)
		return;
	fields->field[fields->count++] = (struct iovec){start, (size_t)length};
	fields->used += (size_t)length;
}

static void to_journal(const struct sp_log_entry *entry)
{
	const struct sp_log_about *about = entry->about;
	struct fields fields = {.count = 0};
	char mac[SP_TEXT_MAC];

	add(&fields, "MESSAGE=%s", entry->text);
	add(&fields, "PRIORITY=%d", severity(entry->level));
	add(&fields, "SYSLOG_IDENTIFIER=%s", entry->process);
	add(&fields, "SALLYPORT_INSTANCE=%s", instance->name);
	if (about->client) {
		add(&fields, "SALLYPORT_CLIENT=%s", sp_text_put_mac(mac, about->client->mac));
		add(&fields, "SALLYPORT_VLAN=%u", about->client->vlan);
	}
	if (about->method)
		add(&fields, "SALLYPORT_METHOD=%s", about->method);
	if (about->user)
		add(&fields, "SALLYPORT_USER=%s", about->user);
	if (about->session)
		add(&fields, "SALLYPORT_SESSION=%llu", (unsigned long long)about->session);
	if (about->pid)
		add(&fields, "SALLYPORT_PID=%d", about->pid);
	if (entry->place) {
		add(&fields, "CODE_FILE=%s", entry->place->file);
		add(&fields, "CODE_LINE=%d", entry->place->line);
		add(&fields, "CODE_FUNC=%s", entry->place->function);
	}
	/* A journal that is gone (it is restarted): what has nowhere else to go. */
	if (sp_systemd_journal(fields.field, fields.count))
		to_text(entry);
}

/* --- the whole --- */

static int open_journal(struct sp_error *err)
{
	const int code = sp_systemd_open(true);

	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED,
		               "key 'to' in section [log]: there is no libsystemd.so.0, so nothing "
		               "can be written to a journal; install it, or use to = stderr");
	return 0;
}

int sp_logbook_open(const struct sp_config *config, const struct sp_instance *of,
                    struct sp_error *err)
{
	const bool ours = sp_systemd_has_stderr();
	enum sp_log_way way = config->log_to;

	if (way == SP_LOG_TO_JOURNAL && open_journal(err))
		return -ENOENT;
	if (way == SP_LOG_TO_AUTO)
		way = ours && !sp_systemd_open(true) ? SP_LOG_TO_JOURNAL : SP_LOG_TO_STDERR;
	instance = of;
	prefixed = ours;
	elsewhere = way != SP_LOG_TO_STDERR;
	if (way == SP_LOG_TO_SYSLOG)
		openlog("sallyport", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	sp_log_to(way == SP_LOG_TO_JOURNAL  ? to_journal
	          : way == SP_LOG_TO_SYSLOG ? to_syslog
	          : config->log_json        ? to_json
	                                    : to_text);
	sp_log_least(config->log_level);
	sp_log_names(config->log_names);
	return 0;
}

bool sp_logbook_elsewhere(void)
{
	return elsewhere;
}
