/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/openmetrics.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "lib/text.h"

#define PREFIX "sallyport_"

const uint64_t sp_histogram_bounds[SP_HISTOGRAM_BOUNDS] = {
	10,    25,    50,    100,    250,    500,    1000,    2500,    5000,
	10000, 25000, 50000, 100000, 250000, 500000, 1000000, 5000000, 15000000,
};

void sp_openmetrics_family(struct sp_openmetrics *metrics, enum sp_openmetrics_kind kind,
                           const char *name, const char *unit, const char *help)
{
	static const char *const kinds[] = {"gauge", "counter", "info", "histogram"};

	metrics->kind = kind;
	snprintf(metrics->name, sizeof(metrics->name), PREFIX "%s", name);
	fprintf(metrics->out, "# TYPE %s %s\n", metrics->name, kinds[kind]);
	if (*unit)
		fprintf(metrics->out, "# UNIT %s %s\n", metrics->name, unit);
	fprintf(metrics->out, "# HELP %s %s\n", metrics->name, help);
}

static void put_value(FILE *out, const char *value)
{
	if (!sp_text_printable(value, strlen(value)))
		value = "?";
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			putc('\\', out);
		putc(*value, out);
	}
}

/* "{name="value",...", without its end. Whether there were any. */
static bool put_labels(FILE *out, va_list labels)
{
	const char *name;
	bool any = false;

	while ((name = va_arg(labels, const char *))) {
		fprintf(out, "%c%s=\"", any ? ',' : '{', name);
		put_value(out, va_arg(labels, const char *));
		putc('"', out);
		any = true;
	}
	return any;
}

static void begin_sample(struct sp_openmetrics *metrics, va_list labels)
{
	static const char *const suffixes[] = {"", "_total", "_info", ""};

	fprintf(metrics->out, "%s%s", metrics->name, suffixes[metrics->kind]);
	if (put_labels(metrics->out, labels))
		putc('}', metrics->out);
}

static void put_seconds(FILE *out, uint64_t microseconds)
{
	fprintf(out, "%llu.%06llu", (unsigned long long)microseconds / 1000000,
	        (unsigned long long)microseconds % 1000000);
}

void sp_openmetrics_sample(struct sp_openmetrics *metrics, uint64_t value, ...)
{
	va_list labels;

	va_start(labels, value);
	begin_sample(metrics, labels);
	va_end(labels);
	fprintf(metrics->out, " %llu\n", (unsigned long long)value);
}

void sp_openmetrics_seconds(struct sp_openmetrics *metrics, uint64_t microseconds, ...)
{
	va_list labels;

	va_start(labels, microseconds);
	begin_sample(metrics, labels);
	va_end(labels);
	putc(' ', metrics->out);
	put_seconds(metrics->out, microseconds);
	putc('\n', metrics->out);
}

void sp_histogram_count(struct sp_histogram *histogram, uint64_t microseconds)
{
	unsigned bucket = 0;

	while (bucket < SP_HISTOGRAM_BOUNDS && microseconds > sp_histogram_bounds[bucket])
		bucket++;
	histogram->bucket[bucket]++;
	histogram->sum += microseconds;
}

/* In the canonical form of the specification: "1e-05", "0.5", "1.0". */
static void put_bound(FILE *out, unsigned index)
{
	char text[32];

	if (index == SP_HISTOGRAM_BOUNDS) {
		fputs("+Inf", out);
		return;
	}
	snprintf(text, sizeof(text), "%g", (double)sp_histogram_bounds[index] / 1e6);
	fputs(text, out);
	if (!strpbrk(text, ".e"))
		fputs(".0", out);
}

void sp_openmetrics_histogram(struct sp_openmetrics *metrics, const struct sp_histogram *histogram,
                              ...)
{
	uint64_t count = 0;
	va_list labels;

	for (unsigned i = 0; i < SP_HISTOGRAM_BUCKETS; i++) {
		count += histogram->bucket[i];
		fprintf(metrics->out, "%s_bucket", metrics->name);
		va_start(labels, histogram);
		fputs(put_labels(metrics->out, labels) ? ",le=\"" : "{le=\"", metrics->out);
		va_end(labels);
		put_bound(metrics->out, i);
		fprintf(metrics->out, "\"} %llu\n", (unsigned long long)count);
	}
	fprintf(metrics->out, "%s_count", metrics->name);
	va_start(labels, histogram);
	fputs(put_labels(metrics->out, labels) ? "} " : " ", metrics->out);
	va_end(labels);
	fprintf(metrics->out, "%llu\n%s_sum", (unsigned long long)count, metrics->name);
	va_start(labels, histogram);
	fputs(put_labels(metrics->out, labels) ? "} " : " ", metrics->out);
	va_end(labels);
	put_seconds(metrics->out, histogram->sum);
	putc('\n', metrics->out);
}

void sp_openmetrics_end(struct sp_openmetrics *metrics)
{
	fputs("# EOF\n", metrics->out);
}

/* --- the older format --- */

/* There a counter's name ends in _total and an info is a gauge whose name ends in _info. */
struct family {
	const char *name; /* in the text, not ended */
	size_t length;
	const char *suffix;
};

static void put_plain_comment(const char *line, size_t length, struct family *family, FILE *out)
{
	const char *name = line + strlen("# TYPE ");
	const char *rest = memchr(name, ' ', length - strlen("# TYPE "));

	if (!rest)
		return;
	if (!strncmp(line, "# TYPE ", 7)) {
		const bool counter = !strncmp(rest, " counter\n", 9);
		const bool info = !strncmp(rest, " info\n", 6);

		*family = (struct family){name, (size_t)(rest - name),
		                          counter ? "_total"
		                          : info  ? "_info"
		                                  : ""};
		fprintf(out, "# TYPE %.*s%s", (int)family->length, name, family->suffix);
		if (info)
			fputs(" gauge\n", out);
		else
			fwrite(rest, 1, length - (size_t)(rest - line), out);
	} else if (!strncmp(line, "# HELP ", 7)) {
		fprintf(out, "# HELP %.*s%s", (int)family->length, family->name, family->suffix);
		fwrite(rest, 1, length - (size_t)(rest - line), out);
	}
}

void sp_openmetrics_plain(const char *text, FILE *out)
{
	struct family family = {.suffix = ""};

	while (*text) {
		const char *end = strchrnul(text, '\n');
		size_t length = (size_t)(end - text) + (*end ? 1 : 0);

		if (*text != '#')
			fwrite(text, 1, length, out);
		else if (length > strlen("# EOF\n"))
			put_plain_comment(text, length, &family, out);
		text += length;
	}
}
