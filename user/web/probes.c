/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/probes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "web/keyfile.h"

static const char *const keys[SP_PROBE_PARTS] = {
	[SP_PROBE_HOST] = "host",
	[SP_PROBE_PATH] = "path",
	[SP_PROBE_AGENT] = "agent",
};

static int no_memory(const struct sp_keyfile_entry *entry, struct sp_error *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "%s: out of memory", entry->path);
}

static int bad_entry(const struct sp_keyfile_entry *entry, struct sp_error *err, const char *what)
{
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s:%u: `%s = %s`: %s", entry->path,
	               entry->line, entry->key, entry->text, what);
}

/* The probe whose section @entry stands in: the last one, or a new one. NULL without memory. */
static struct sp_probe *probe_of(struct sp_probes *probes, const struct sp_keyfile_entry *entry)
{
	struct sp_probe *last = probes->count ? &probes->probe[probes->count - 1] : NULL;
	struct sp_probe *grown;

	if (last && strcmp(last->name, entry->section) == 0)
		return last;
	grown = reallocarray(probes->probe, probes->count + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	probes->probe = grown;
	last = &grown[probes->count];
	memset(last, 0, sizeof(*last));
	last->name = strdup(entry->section);
	if (!last->name)
		return NULL;
	probes->count++;
	return last;
}

/* A star may stand at either end; what is between is matched as it is. */
static int parse_pattern(struct sp_probe_pattern *pattern, const char *text)
{
	size_t length = strlen(text);

	*pattern = (struct sp_probe_pattern){0};
	if (length > 0 && text[0] == '*') {
		pattern->open_start = true;
		text++;
		length--;
	}
	if (length > 0 && text[length - 1] == '*') {
		pattern->open_end = true;
		length--;
	}
	if (length == 0 || memchr(text, '*', length))
		return -EINVAL;
	pattern->text = strndup(text, length);
	pattern->length = length;
	return pattern->text ? 0 : -ENOMEM;
}

static int add_pattern(struct sp_probe *probe, enum sp_probe_part part,
                       const struct sp_keyfile_entry *entry, struct sp_error *err)
{
	struct sp_probe_pattern *grown =
		reallocarray(probe->pattern[part], probe->count[part] + 1, sizeof(*grown));
	int ret;

	if (!grown)
		return no_memory(entry, err);
	probe->pattern[part] = grown;
	ret = parse_pattern(&grown[probe->count[part]], entry->text);
	if (ret == -ENOMEM)
		return no_memory(entry, err);
	if (ret)
		return bad_entry(entry, err,
		                 "expected a text with `*` at most at its beginning "
		                 "and at its end, and not `*` alone");
	probe->count[part]++;
	return 0;
}

static int take_entry(const struct sp_keyfile_entry *entry, void *context, struct sp_error *err)
{
	struct sp_probe *probe;
	size_t part = 0;

	while (part < SP_PROBE_PARTS && strcmp(entry->key, keys[part]) != 0)
		part++;
	if (part == SP_PROBE_PARTS)
		return bad_entry(entry, err, "unknown key; expected host, path or agent");
	if (!*entry->section)
		return bad_entry(entry, err, "outside of a section; begin one with `[NAME]`");
	if (part == SP_PROBE_PATH && entry->text[0] != '/' && entry->text[0] != '*')
		return bad_entry(entry, err, "expected a path that begins with `/` or `*`");
	probe = probe_of(context, entry);
	return probe ? add_pattern(probe, (enum sp_probe_part)part, entry, err)
	             : no_memory(entry, err);
}

int sp_probes_load(struct sp_probes *probes, const char *path, struct sp_error *err)
{
	int ret;

	*probes = (struct sp_probes){0};
	ret = sp_keyfile_read(path, take_entry, probes, err);
	if (ret)
		sp_probes_free(probes);
	return ret;
}

static void free_probe(struct sp_probe *probe)
{
	for (size_t part = 0; part < SP_PROBE_PARTS; part++) {
		for (size_t i = 0; i < probe->count[part]; i++)
			free(probe->pattern[part][i].text);
		free(probe->pattern[part]);
	}
	free(probe->name);
}

void sp_probes_free(struct sp_probes *probes)
{
	for (size_t i = 0; i < probes->count; i++)
		free_probe(&probes->probe[i]);
	free(probes->probe);
	*probes = (struct sp_probes){0};
}

static bool same(const char *a, const char *b, size_t length, bool fold)
{
	return (fold ? strncasecmp(a, b, length) : memcmp(a, b, length)) == 0;
}

static bool match_pattern(const struct sp_probe_pattern *pattern, const struct sp_probe_text *text,
                          bool fold)
{
	size_t spare = text->length - pattern->length;

	if (pattern->length > text->length)
		return false;
	if (!pattern->open_start)
		return (spare == 0 || pattern->open_end) &&
		       same(text->text, pattern->text, pattern->length, fold);
	if (!pattern->open_end)
		return same(text->text + spare, pattern->text, pattern->length, fold);
	for (size_t i = 0; i <= spare; i++)
		if (same(text->text + i, pattern->text, pattern->length, fold))
			return true;
	return false;
}

static bool match_part(const struct sp_probe *probe, enum sp_probe_part part,
                       const struct sp_probe_text *text)
{
	if (probe->count[part] == 0)
		return true;
	for (size_t i = 0; i < probe->count[part]; i++)
		if (match_pattern(&probe->pattern[part][i], text, part == SP_PROBE_HOST))
			return true;
	return false;
}

static bool match_probe(const struct sp_probe *probe,
                        const struct sp_probe_text part[SP_PROBE_PARTS])
{
	for (enum sp_probe_part i = SP_PROBE_HOST; i < SP_PROBE_PARTS; i++)
		if (!match_part(probe, i, &part[i]))
			return false;
	return true;
}

const struct sp_probe *sp_probes_match(const struct sp_probes *probes,
                                       const struct sp_probe_text part[SP_PROBE_PARTS])
{
	for (size_t i = 0; i < probes->count; i++)
		if (match_probe(&probes->probe[i], part))
			return &probes->probe[i];
	return NULL;
}
