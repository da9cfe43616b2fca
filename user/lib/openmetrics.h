/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing OpenMetrics 1.0 (prometheus/OpenMetrics, specification/OpenMetrics.md): families of
 * samples, one behind the other, each with its type, unit and help in front. What cannot be written
 * shows in ferror() of the stream.
 */
#ifndef SP_LIB_OPENMETRICS_H
#define SP_LIB_OPENMETRICS_H

#include <stdint.h>
#include <stdio.h>

#define SP_OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define SP_OPENMETRICS_NAME 80u /* longest name of a family, NUL included */

enum sp_openmetrics_kind {
	SP_GAUGE,
	SP_COUNTER,
	SP_INFO,      /* of value 1: its labels are what it tells */
	SP_HISTOGRAM, /* of times: sp_openmetrics_histogram */
};

struct sp_openmetrics {
	FILE *out;
	enum sp_openmetrics_kind kind;  /* of the family that was begun last */
	char name[SP_OPENMETRICS_NAME]; /* and its name */
};

/*
 * Begin the family sallyport_@name. @unit is the end of its name, or "": "seconds", "bytes". @help
 * is one sentence without quotes and backslashes. A family is begun once, its samples follow.
 */
void sp_openmetrics_family(struct sp_openmetrics *metrics, enum sp_openmetrics_kind kind,
                           const char *name, const char *unit, const char *help);

/* The end of labels. */
#define SP_NO_MORE ((const char *)0)

/* A sample of the family; names and values of labels, ended by SP_NO_MORE. A value may be any text:
 * what is not printable UTF-8 is replaced. Each set of labels comes once. */
void sp_openmetrics_sample(struct sp_openmetrics *metrics, uint64_t value, ...)
	__attribute__((sentinel));

/* The same for a value in microseconds of a family in seconds. */
void sp_openmetrics_seconds(struct sp_openmetrics *metrics, uint64_t microseconds, ...)
	__attribute__((sentinel));

/* Upper bounds of the buckets of a histogram, in microseconds; one more is without a bound. */
#define SP_HISTOGRAM_BOUNDS  18u
#define SP_HISTOGRAM_BUCKETS (SP_HISTOGRAM_BOUNDS + 1)
extern const uint64_t sp_histogram_bounds[SP_HISTOGRAM_BOUNDS];

/* Events by how long they took. */
struct sp_histogram {
	uint64_t bucket[SP_HISTOGRAM_BUCKETS]; /* not cumulative */
	uint64_t sum;                          /* microseconds */
};

/* Count one that took that long. */
void sp_histogram_count(struct sp_histogram *histogram, uint64_t microseconds);

/* The samples of one set of labels of a histogram. */
void sp_openmetrics_histogram(struct sp_openmetrics *metrics, const struct sp_histogram *histogram,
                              ...) __attribute__((sentinel));

/* The end of the text. */
void sp_openmetrics_end(struct sp_openmetrics *metrics);

/* Write @text, which came from here, in the text format 0.0.4 of Prometheus, which has no
 * units, no infos and no end. */
void sp_openmetrics_plain(const char *text, FILE *out);

#endif
