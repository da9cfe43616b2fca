// SPDX-License-Identifier: GPL-2.0-or-later
#include "received.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define MAPS 8 /* of one program */

static int said(int result, const char *what, const char *name)
{
	fprintf(stderr, "traffic: %s %s: %s\n", what, name, strerror(-result));
	return result;
}

/* The map of this name among those of a program, or negative errno. */
static int map_of(const uint32_t *ids, uint32_t count, const char *name)
{
	for (uint32_t i = 0; i < count; i++) {
		struct bpf_map_info info = {0};
		uint32_t size = sizeof(info);
		int fd = bpf_map_get_fd_by_id(ids[i]);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &size) && !strcmp(info.name, name))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

/* In the namespace of the interface. */
static int open_sink(struct sp_bench_place *place)
{
	uint32_t ids[MAPS] = {0}, program = 0, size;
	struct bpf_prog_info info = {.nr_map_ids = MAPS, .map_ids = (uintptr_t)ids};
	int result = bpf_xdp_query_id((int)if_nametoindex(place->name), 0, &program), fd;

	if (result || !program)
		return result ? result : -ENOENT;
	fd = bpf_prog_get_fd_by_id(program);
	if (fd < 0)
		return -errno;
	size = sizeof(info);
	result = bpf_obj_get_info_by_fd(fd, &info, &size);
	close(fd);
	if (result)
		return result;
	place->counts = map_of(ids, info.nr_map_ids, "counts");
	place->delays = map_of(ids, info.nr_map_ids, "delays");
	return place->counts < 0 || place->delays < 0 ? -ENOENT : 0;
}

static int open_there(struct sp_bench_place *place, const char *where, int sink)
{
	int result;

	place->interfaces = open("/proc/thread-self/net/dev", O_RDONLY | O_CLOEXEC);
	if (place->interfaces < 0)
		return said(-errno, "/proc/net/dev of", where);
	if (!if_nametoindex(place->name))
		return said(-errno, "interface of", where);
	result = sink ? open_sink(place) : 0;
	return result ? said(result, "the program `sink` at", where) : 0;
}

int sp_bench_place_open(struct sp_bench_place *place, const char *where, int sink)
{
	const char *colon = strrchr(where, ':');
	int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), there, result;
	char path[256];

	*place = (struct sp_bench_place){.interfaces = -1, .counts = -1, .delays = -1};
	if (here < 0)
		return said(-errno, "cannot open", "our own namespace");
	if (!colon || colon - where >= (long)sizeof(path) || strlen(colon + 1) >= IF_NAMESIZE) {
		close(here);
		return said(-EINVAL, "expected NAMESPACE:INTERFACE, got", where);
	}
	snprintf(path, sizeof(path), "%.*s", (int)(colon - where), where);
	snprintf(place->name, sizeof(place->name), "%s", colon + 1);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (there < 0 || setns(there, CLONE_NEWNET)) {
		result = said(-errno, "cannot enter", path);
	} else {
		result = open_there(place, where, sink);
		if (setns(here, CLONE_NEWNET))
			result = said(-errno, "cannot leave", path);
	}
	if (there >= 0)
		close(there);
	close(here);
	if (result)
		sp_bench_place_close(place);
	return result;
}

void sp_bench_place_close(struct sp_bench_place *place)
{
	int *const fds[] = {&place->interfaces, &place->counts, &place->delays};

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* A line for each interface: its name, a colon, bytes and packets received (proc_net(5)). */
static int packets_of(const struct sp_bench_place *place, uint64_t *packets)
{
	char text[4096], *line, *rest = text;
	ssize_t size = pread(place->interfaces, text, sizeof(text) - 1, 0);

	if (size < 0)
		return -errno;
	text[size] = '\0';
	while ((line = strsep(&rest, "\n"))) {
		char *colon = strchr(line, ':'), *name = line + strspn(line, " ");

		if (!colon)
			continue;
		*colon = '\0';
		if (strcmp(name, place->name) != 0)
			continue;
		*packets = strtoull(colon + 1, &colon, 10); /* bytes */
		*packets = strtoull(colon, NULL, 10);
		return 0;
	}
	return -ENODEV;
}

static int sum_up(int map, uint32_t entries, uint32_t words, uint64_t *out)
{
	const int cpus = libbpf_num_possible_cpus();
	uint64_t *values = calloc((size_t)cpus * words, sizeof(*values));
	int result = values ? 0 : -ENOMEM;

	memset(out, 0, (size_t)entries * words * sizeof(*out));
	for (uint32_t key = 0; key < entries && !result; key++) {
		result = bpf_map_lookup_elem(map, &key, values);
		for (uint32_t i = 0; i < (uint32_t)cpus * words && !result; i++)
			out[key * words + i % words] += values[i];
	}
	free(values);
	return result;
}

int sp_bench_place_look(const struct sp_bench_place *place, struct sp_bench_received *received)
{
	int result = packets_of(place, &received->packets);

	if (!result && place->counts >= 0)
		result = sum_up(place->counts, SP_BENCH_ARRIVALS, 2, (uint64_t *)received->counts);
	if (!result && place->delays >= 0)
		result = sum_up(place->delays, SP_BENCH_BUCKETS, 1, received->delays);
	return result ? said(result, "cannot read the counters of", place->name) : 0;
}

void sp_bench_since(struct sp_bench_received *now, const struct sp_bench_received *before)
{
	now->packets -= before->packets;
	for (int i = 0; i < SP_BENCH_ARRIVALS; i++) {
		now->counts[i].packets -= before->counts[i].packets;
		now->counts[i].bytes -= before->counts[i].bytes;
	}
	for (uint32_t i = 0; i < SP_BENCH_BUCKETS; i++)
		now->delays[i] -= before->delays[i];
}

/* The largest delay of a bucket of fixed.bpf.c. */
static uint64_t delay_of(uint32_t bucket)
{
	const uint32_t doublings = bucket >> SP_BENCH_FINE;
	const uint64_t fine = bucket & ((1u << SP_BENCH_FINE) - 1);

	if (doublings < SP_BENCH_FINE)
		return (1u << SP_BENCH_FINE) - 1;
	return (((1u << SP_BENCH_FINE) + fine + 1) << (doublings - SP_BENCH_FINE)) - 1;
}

uint64_t sp_bench_delay(const struct sp_bench_received *received, uint32_t part)
{
	uint64_t all = 0, seen = 0;

	for (uint32_t i = 0; i < SP_BENCH_BUCKETS; i++)
		all += received->delays[i];
	for (uint32_t i = 0; i < SP_BENCH_BUCKETS && all; i++) {
		seen += received->delays[i];
		if (seen * 1000 >= all * part)
			return delay_of(i);
	}
	return 0;
}
