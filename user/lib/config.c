/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the file. libinih splits it; what libinih would pass over in silence (long lines cut in
 * two, text behind a section, empty unknown sections) is checked here, line by line, before it sees
 * the line. Only the first error is told.
 */
#include "lib/config.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/config_key.h"
#include "lib/method.h"
#include "lib/text.h"

#define LONGEST_LINE 1000 /* bytes, without the end of the line */
#define NEAR_ENOUGH  2    /* sp_text_distance at which a key is suggested */
#define BLANKS       " \t"
#define BOM          "\xef\xbb\xbf"

struct parser {
	struct sp_config *config;
	const char *path;
	FILE *file;
	struct sp_error *err;
	int line;                 /* the one being read */
	int code;                 /* of the first error, found on @line; 0: none yet */
	int seen[SP_CONFIG_KEYS]; /* line of each key; 0: not seen */
};

void sp_config_defaults(struct sp_config *config)
{
	*config = (struct sp_config){
		.max_clients = 131072,
		.mark = 0x53000000,
		.mark_mask = 0xff000000,
		.guard = true,
		.refuse_tcp = SP_REFUSE_ANSWER,
		.refuse_udp = SP_REFUSE_ANSWER,
		.probe_status = 302,
		.responder_user = "sallyport-responder",
		.portal_port = 443,
		.session_seconds = 28800, /* 8 h */
		.portal_user = "sallyport-portal",
		.verifier_user = "sallyport-verifier",
		.attempts = {.count = 5, .seconds = 60},
		.account_attempts = {.count = 50, .seconds = 60},
		.methods = SP_METHOD_BIT(SP_METHOD_CLICK),
		.radius_timeout = 3,
		.radius_tries = 2,
		.radius_port_type = 19, /* Wireless - IEEE 802.11 */
		.radius_interim = 300,
		.radius_coa_port = 3799, /* RFC 5176, 2.1 */
		.log_level = SP_LOG_INFO,
		.garden_addresses = 256,
		.garden_user = "sallyport-garden",
	};
	memcpy(config->budget, sp_allowance_client, sizeof(config->budget));
	memcpy(config->budget_all, sp_allowance_all, sizeof(config->budget_all));
}

__attribute__((format(printf, 3, 4))) static int wrong(struct parser *parser, int line,
                                                       const char *format, ...)
{
	char sentence[SP_ERROR_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	parser->line = line;
	parser->code = -EINVAL;
	return sp_fail(parser->err, -EINVAL, SP_EXIT_USAGE, "%s:%d: %s", parser->path, line,
	               sentence);
}

/* --- keys --- */

static const char *nearest_key(const char *section, const char *name)
{
	const char *nearest = NULL;
	unsigned least = NEAR_ENOUGH + 1;

	for (size_t i = 0; i < SP_CONFIG_KEYS; i++) {
		unsigned far;

		if (strcmp(sp_config_keys[i].section, section) != 0)
			continue;
		far = sp_text_distance(name, sp_config_keys[i].name);
		if (far < least) {
			least = far;
			nearest = sp_config_keys[i].name;
		}
	}
	return nearest;
}

/* "a, b, c": the keys of @section. */
static void list_keys(char *list, size_t room, const char *section)
{
	size_t used = 0;

	list[0] = '\0';
	for (size_t i = 0; i < SP_CONFIG_KEYS; i++) {
		if (strcmp(sp_config_keys[i].section, section) != 0)
			continue;
		snprintf(list + used, room - used, "%s%s", used ? ", " : "",
		         sp_config_keys[i].name);
		used += strlen(list + used);
	}
}

/* "[a], [b] or [c]": the sections, in the order of the table. */
static void list_sections(char *list, size_t room)
{
	const char *last = sp_config_keys[SP_CONFIG_KEYS - 1].section, *before = "";
	size_t used = 0;

	list[0] = '\0';
	for (size_t i = 0; i < SP_CONFIG_KEYS; i++) {
		const char *section = sp_config_keys[i].section;
		const char *joint = !used ? "" : strcmp(section, last) != 0 ? ", " : " or ";

		if (!strcmp(section, before))
			continue;
		before = section;
		snprintf(list + used, room - used, "%s[%s]", joint, section);
		used += strlen(list + used);
	}
}

static int unknown_key(struct parser *parser, const char *section, const char *name)
{
	const char *nearest = nearest_key(section, name);
	char list[512];

	if (!*section) {
		list_sections(list, sizeof(list));
		return wrong(parser, parser->line,
		             "key '%.64s' stands before the first section: expected %s above it",
		             name, list);
	}
	for (size_t i = 0; i < SP_CONFIG_KEYS; i++) {
		if (!strcmp(sp_config_keys[i].name, name))
			return wrong(parser, parser->line,
			             "key '%s' is not one of section [%s]: expected it in section "
			             "[%s]",
			             name, section, sp_config_keys[i].section);
	}
	if (nearest)
		return wrong(parser, parser->line,
		             "unknown key '%.64s' in section [%s]: did you mean '%s'?", name,
		             section, nearest);
	list_keys(list, sizeof(list), section);
	return wrong(parser, parser->line,
	             "unknown key '%.64s' in section [%s]: expected one of %s", name, section,
	             list);
}

static int read_key(struct parser *parser, size_t index, const char *value)
{
	const struct sp_config_key *key = &sp_config_keys[index];
	struct sp_error reason = {0};

	if (parser->seen[index] && !key->repeats)
		return wrong(parser, parser->line,
		             "key '%s' is repeated: expected it once, it stands on line %d already",
		             key->name, parser->seen[index]);
	parser->seen[index] = parser->line;
	if (!*value)
		return wrong(parser, parser->line,
		             "key '%s' has no value: expected %s; remove the line for the default",
		             key->name, key->expected);
	if (key->read(key, parser->config, value, &reason))
		return wrong(parser, parser->line, "key '%s': %s", key->name, reason.text);
	return 0;
}

/* Called by libinih for each key. Returns 0 on error, as libinih wants it. */
static int on_key(void *context, const char *section, const char *name, const char *value)
{
	struct parser *parser = context;

	for (size_t i = 0; i < SP_CONFIG_KEYS; i++) {
		if (!strcmp(sp_config_keys[i].section, section) &&
		    !strcmp(sp_config_keys[i].name, name))
			return read_key(parser, i, value) == 0;
	}
	return unknown_key(parser, section, name) == 0;
}

/* --- lines --- */

/* Whether @line is text that can be shown in an error; tabs are fine. */
static bool is_text(const char *line, size_t length)
{
	while (length) {
		size_t part = 0;

		while (part < length && line[part] != '\t')
			part++;
		if (!sp_text_printable(line, part))
			return false;
		if (part < length)
			part++;
		line += part;
		length -= part;
	}
	return true;
}

static bool is_section(const char *name)
{
	for (size_t i = 0; i < SP_CONFIG_KEYS; i++) {
		if (!strcmp(sp_config_keys[i].section, name))
			return true;
	}
	return false;
}

static int check_section(struct parser *parser, const char *line)
{
	const char *end = strchr(line, ']');
	char name[64], list[512];

	if (!end)
		return wrong(parser, parser->line,
		             "'%.64s': expected ']' behind the section's name", line);
	snprintf(name, sizeof(name), "%.*s", (int)(end - line - 1), line + 1);
	if (!is_section(name)) {
		list_sections(list, sizeof(list));
		return wrong(parser, parser->line, "unknown section [%s]: expected %s", name, list);
	}
	end++;
	end += strspn(end, BLANKS);
	if (*end && !(strchr(";#", *end) && strchr(BLANKS, end[-1])))
		return wrong(parser, parser->line,
		             "'%.64s' behind section [%s]: expected the end of the line", end,
		             name);
	return 0;
}

/* Read up to the end of the line into @buffer, without it. Returns the length, LONGEST_LINE + 1 for
 * anything longer, -1 at the end of the file. */
static int read_line(FILE *file, char buffer[LONGEST_LINE + 1])
{
	int length = 0;
	int c = getc(file);

	if (c == EOF)
		return -1;
	for (; c != EOF && c != '\n'; c = getc(file)) {
		if (length == LONGEST_LINE)
			return LONGEST_LINE + 1;
		buffer[length++] = (char)c;
	}
	if (length && buffer[length - 1] == '\r')
		length--;
	buffer[length] = '\0';
	return length;
}

static int check_line(struct parser *parser, const char *line, int length)
{
	if (length > LONGEST_LINE)
		return wrong(parser, parser->line,
		             "the line is too long: expected at most %d bytes", LONGEST_LINE);
	if (!is_text(line, (size_t)length))
		return wrong(
			parser, parser->line,
			"the line holds control characters or is not UTF-8: expected plain text");
	if (parser->line == 1 && !strncmp(line, BOM, strlen(BOM)))
		line += strlen(BOM);
	line += strspn(line, BLANKS);
	return *line == '[' ? check_section(parser, line) : 0;
}

/* Called by libinih for each line; NULL ends the file. */
static char *next_line(char *buffer, int size, void *context)
{
	struct parser *parser = context;
	int length;

	if (parser->code || size <= LONGEST_LINE)
		return NULL;
	length = read_line(parser->file, buffer);
	if (length < 0)
		return NULL;
	parser->line++;
	return check_line(parser, buffer, length) ? NULL : buffer;
}

/* libinih is set by global variables; the message catalogues are read with other settings. */
static int split(struct parser *parser)
{
	bool multiline = ini_allow_multiline;
	bool comments = ini_allow_inline_comments;
	char *prefixes = ini_inline_comment_prefixes;
	int longest = ini_max_line;
	static char both[] = ";#";
	int result;

	ini_allow_multiline = false;
	ini_allow_inline_comments = true;
	ini_inline_comment_prefixes = both;
	ini_max_line = LONGEST_LINE + 3;
	result = ini_parse_stream(next_line, parser, on_key, parser);
	ini_allow_multiline = multiline;
	ini_allow_inline_comments = comments;
	ini_inline_comment_prefixes = prefixes;
	ini_max_line = longest;
	return result;
}

/* --- files --- */

static int line_of(const struct parser *parser, const char *section, const char *name)
{
	for (size_t i = 0; i < SP_CONFIG_KEYS; i++) {
		if (!strcmp(sp_config_keys[i].section, section) &&
		    !strcmp(sp_config_keys[i].name, name))
			return parser->seen[i];
	}
	return 0;
}

/* Each process has a user of its own. */
static int check_users(struct parser *parser)
{
	const struct sp_config *config = parser->config;
	const struct {
		const char *section, *key, *user;
	} users[] = {
		{"captive", "responder_user", config->responder_user},
		{"portal", "portal_user", config->portal_user},
		{"portal", "verifier_user", config->verifier_user},
		{"garden", "garden_user", config->garden_user},
	};

	for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++) {
		for (size_t k = i + 1; k < sizeof(users) / sizeof(*users); k++) {
			int first = line_of(parser, users[i].section, users[i].key);
			int second = line_of(parser, users[k].section, users[k].key);

			if (!strcmp(users[i].user, users[k].user))
				return wrong(parser, first > second ? first : second,
				             "keys '%s' and '%s' are both '%s': expected two "
				             "users, so that neither process can touch the other",
				             users[i].key, users[k].key, users[i].user);
		}
	}
	return 0;
}

/* Frames of an interface go through one program: it is judged or it is an uplink. */
static int check_uplinks(struct parser *parser)
{
	const struct sp_config *config = parser->config;
	int line = line_of(parser, "gateway", "uplink");

	for (unsigned i = 0; i < config->uplink_count; i++)
		for (unsigned k = 0; k < config->client_count; k++)
			if (!strcmp(config->uplink[i], config->client[k]))
				return wrong(parser, line,
				             "key 'uplink': '%s' is in 'client' too: expected an "
				             "interface without clients",
				             config->uplink[i]);
	if (config->forward == SP_FORWARD_ROUTE && !config->uplink_count)
		return wrong(parser, line_of(parser, "gateway", "forward"),
		             "key 'forward': 'route' needs the key 'uplink': expected the "
		             "interfaces that lead to the network, such as uplink = wan0");
	return 0;
}

static int check_radius(struct parser *parser)
{
	const struct sp_config *config = parser->config;

	if ((config->methods & SP_METHOD_BIT(SP_METHOD_RADIUS)) && !config->radius_count)
		return wrong(parser, line_of(parser, "portal", "methods"),
		             "key 'methods': 'radius' needs the key 'server' in section [radius]: "
		             "expected the addresses of the RADIUS servers, such as server = "
		             "10.0.0.5");
	if (config->radius_count && !config->radius_secret_file[0])
		return wrong(parser, line_of(parser, "radius", "server"),
		             "key 'server' needs the key 'secret_file': expected a file with the "
		             "secret that the servers know, such as secret_file = "
		             "/etc/sallyport/radius.secret");
	if (config->radius_coa && !config->radius_count)
		return wrong(parser, line_of(parser, "radius", "coa"),
		             "key 'coa': 'on' needs the key 'server': expected the addresses of "
		             "the RADIUS servers, whose sessions it is about");
	return 0;
}

/* With the method there must be all that it needs; without it, what is there does no harm. */
static int check_external(struct parser *parser)
{
	const struct sp_config *config = parser->config;

	if (!(config->methods & SP_METHOD_BIT(SP_METHOD_EXTERNAL)) ||
	    (config->external_url[0] && config->external_secret[0]))
		return 0;
	return wrong(parser, line_of(parser, "portal", "methods"),
	             "key 'methods': 'external' needs the key '%s' in section [external]: expected "
	             "%s",
	             config->external_url[0] ? "secret_file" : "url",
	             config->external_url[0] ? "the file with the secret that is shared with the "
	                                       "external portal"
	                                     : "where the external portal is");
}

/* Two ways to the portal, which keep apart. */
static int check_ports(struct parser *parser)
{
	static const char *const of_https[] = {"key", "port"};
	const struct sp_config *config = parser->config;
	int line;

	for (size_t i = 0; i < sizeof(of_https) / sizeof(*of_https); i++) {
		line = line_of(parser, "portal", of_https[i]);
		if (line && !config->certificate[0])
			return wrong(parser, line,
			             "key '%s' is about HTTPS: expected the key 'certificate' with "
			             "it; the port of plain HTTP is 'plain_port'",
			             of_https[i]);
	}
	line = line_of(parser, "portal", "plain_port");
	if (config->certificate[0] && config->plain_port == config->portal_port)
		return wrong(parser, line,
		             "key 'plain_port': %u is the port of HTTPS: expected another one",
		             config->plain_port);
	return 0;
}

/* What only the whole file shows. */
static int check_whole(struct parser *parser)
{
	int code;

	if (parser->config->client_count == 0)
		return sp_fail(parser->err, -EINVAL, SP_EXIT_USAGE,
		               "%s: no key 'client' in section [gateway]: expected the interfaces "
		               "where the clients are, such as client = lan0",
		               parser->path);
	code = check_uplinks(parser);
	if (!code)
		code = check_ports(parser);
	if (!code)
		code = check_radius(parser);
	if (!code)
		code = check_external(parser);
	return code ? code : check_users(parser);
}

int sp_config_read(struct sp_config *config, FILE *file, const char *path, struct sp_error *err)
{
	struct parser parser = {.config = config, .path = path, .file = file, .err = err};
	int syntax;

	sp_config_defaults(config);
	syntax = split(&parser);
	/* libinih tells the line of the first error, which may be one that is already worded. */
	if (syntax > 0 && (!parser.code || syntax < parser.line))
		return wrong(
			&parser, syntax,
			"expected key = value, [section], or a comment that begins with '#' or "
			"';'");
	if (parser.code)
		return parser.code;
	if (ferror(file))
		return sp_fail(err, -EIO, SP_EXIT_USAGE, "%s: cannot be read", path);
	return check_whole(&parser);
}

static int cannot_open(const char *path, int code, struct sp_error *err)
{
	if (code == -ENOENT && !strcmp(path, SP_CONFIG_PATH))
		return sp_fail(err, code, SP_EXIT_USAGE,
		               "%s: no such file; write one that names the interfaces where the "
		               "clients are, and a port for the portal:\n[gateway]\nclient = lan0\n"
		               "[portal]\nplain_port = 8080",
		               path);
	return sp_fail(err, code, code == -EACCES ? SP_EXIT_PERMISSION : SP_EXIT_USAGE, "%s: %s",
	               path, strerror(-code));
}

static int open_file(const char *path, FILE **file, struct sp_error *err)
{
	/* Not blocking, lest a FIFO stop us before it is seen to be one. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	int result;

	if (fd < 0)
		return cannot_open(path, -errno, err);
	if (fstat(fd, &status)) {
		result = cannot_open(path, -errno, err);
	} else if (!S_ISREG(status.st_mode)) {
		result = sp_fail(err, S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL, SP_EXIT_USAGE,
		                 "%s: expected a regular file, this is a %s", path,
		                 S_ISDIR(status.st_mode) ? "directory" : "device or pipe");
	} else {
		*file = fdopen(fd, "r");
		if (*file)
			return 0;
		result = cannot_open(path, -errno, err);
	}
	close(fd);
	return result;
}

/* The daemon and later commands look for the file from other directories. */
static int remember_path(struct sp_config *config, const char *path, struct sp_error *err)
{
	char *absolute = realpath(path, NULL);
	size_t length = absolute ? strlen(absolute) : 0;

	if (!absolute)
		return cannot_open(path, -errno, err);
	if (length >= sizeof(config->path)) {
		free(absolute);
		return cannot_open(path, -ENAMETOOLONG, err);
	}
	memcpy(config->path, absolute, length + 1);
	free(absolute);
	return 0;
}

int sp_config_load(struct sp_config *config, const char *path, struct sp_error *err)
{
	FILE *file = NULL;
	int result = open_file(path, &file, err);

	if (!file)
		return result;
	result = sp_config_read(config, file, path, err);
	fclose(file);
	return result ? result : remember_path(config, path, err);
}

int sp_config_file(const struct sp_config *config, const char *name, char *path, size_t room,
                   struct sp_error *err)
{
	const char *slash = strrchr(config->path, '/');
	int folder = slash && name[0] != '/' ? (int)(slash - config->path) + 1 : 0;
	int length = snprintf(path, room, "%.*s%s", folder, config->path, name);

	if (length >= 0 && (size_t)length < room)
		return 0;
	return sp_fail(err, -ENAMETOOLONG, SP_EXIT_USAGE, "%s: %s", name, strerror(ENAMETOOLONG));
}

int sp_config_check_portal(const struct sp_config *config, struct sp_error *err)
{
	if (config->certificate[0] || config->plain_port)
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
	               "%s: section [portal] does not say how the portal is reached: expected the "
	               "key 'certificate' for HTTPS (for trials `sallyport cert self-signed` makes "
	               "one), or 'plain_port = 8080' for plain HTTP, where no passwords are taken",
	               config->path);
}
