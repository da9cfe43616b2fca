/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

struct part {
	pthread_t thread;
	bool started;
	unsigned number;
	void (*work)(unsigned part, void *context);
	void *context;
};

unsigned sp_parallel_parts(uint32_t count)
{
	uint32_t parts = count / SP_PART_LEAST;
	cpu_set_t set;
	uint32_t cpus;

	/* Fails where there are more CPUs than the set has room for. */
	cpus = sched_getaffinity(0, sizeof(set), &set) ? SP_PARTS_MAX : (uint32_t)CPU_COUNT(&set);
	if (parts > cpus)
		parts = cpus;
	if (parts > SP_PARTS_MAX)
		parts = SP_PARTS_MAX;
	return parts ? parts : 1;
}

uint32_t sp_parallel_begin(uint32_t count, unsigned part, unsigned parts)
{
	return (uint32_t)((uint64_t)count * part / parts);
}

static void *run(void *context)
{
	const struct part *part = context;

	part->work(part->number, part->context);
	return NULL;
}

void sp_parallel(unsigned parts, void (*work)(unsigned part, void *context), void *context)
{
	struct part part[SP_PARTS_MAX];

	for (unsigned i = 1; i < parts; i++) {
		part[i] = (struct part){.number = i, .work = work, .context = context};
		part[i].started = !pthread_create(&part[i].thread, NULL, run, &part[i]);
	}
	work(0, context);
	for (unsigned i = 1; i < parts; i++) {
		if (part[i].started)
			pthread_join(part[i].thread, NULL);
		else
			work(i, context);
	}
}
