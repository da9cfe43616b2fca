/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/scraper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ipc/ipc.h"
#include "keeper/metrics.h"
#include "keeper/state.h"
#include "lib/log.h"
#include "lib/metrics.h"
#include "lib/monotonic.h"
#include "lib/slots.h"

#define AGE_MS  1000u /* of a text, for whom anybody may ask through HTTP */
#define CALLERS 16    /* that wait to be accepted */

/* Clients that are counted when somebody asks: a few milliseconds. Of more than that, and of a map
 * whose empty buckets alone take as long, the count of the scribe has to do, at most ten seconds
 * old. */
#define FEW_CLIENTS 8192u
#define SMALL_MAP   262144u

static struct sp_log_limit log_limit = {.burst = 5};

/* What is known of the clients; NULL: nothing yet. */
static const struct sp_census *count_clients(struct sp_keeper *keeper, struct sp_census *fresh)
{
	const struct sp_maps *maps = &keeper->maps;
	struct sp_clock clock;
	struct sp_error err;

	if (maps->max_clients <= SMALL_MAP && sp_slots_used(maps) <= FEW_CLIENTS &&
	    !sp_clock_read(&clock, maps->clock, &err) && !sp_census_take(fresh, maps, &clock, &err))
		return fresh;
	return keeper->scribe.counted ? &keeper->scribe.census : NULL;
}

static int write_text(struct sp_keeper *keeper, FILE *out, struct sp_error *err)
{
	const uint64_t begun = sp_monotonic_us();
	struct sp_openmetrics metrics = {.out = out};
	struct sp_census fresh;
	const struct sp_metrics_source source = {
		.maps = &keeper->maps,
		.status = &keeper->interfaces.status,
		.census = count_clients(keeper, &fresh),
		.daemon = true,
	};
	int code = sp_metrics_write(&metrics, &source, err);

	if (code)
		return code;
	for (unsigned i = 0; i < keeper->crew.count; i++)
		sp_tally_look(&keeper->crew.child[i].tally);
	sp_metrics_daemon(&metrics, keeper);
	sp_openmetrics_family(&metrics, SP_GAUGE, "exposition_seconds", "seconds",
	                      "What it took to make the text before this one.");
	sp_openmetrics_seconds(&metrics, keeper->scraper.took, SP_NO_MORE);
	sp_openmetrics_end(&metrics);
	keeper->scraper.took = sp_monotonic_us() - begun;
	return 0;
}

/* A file of memory that stays as it is. The descriptor or a negative errno. */
static int make_file(struct sp_keeper *keeper, struct sp_error *err)
{
	int fd = memfd_create("sallyport-metrics", MFD_CLOEXEC | MFD_ALLOW_SEALING), code = 0;
	int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *out = copy < 0 ? NULL : fdopen(copy, "w");

	if (!out)
		code = sp_fail(err, -errno, SP_EXIT_FAILED, "%s", strerror(errno));
	else
		code = write_text(keeper, out, err);
	if (out && fclose(out) && !code)
		code = sp_fail(err, -EIO, SP_EXIT_FAILED, "the text cannot be written");
	if (!out && copy >= 0)
		close(copy);
	if (!code &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		code = sp_fail(err, -errno, SP_EXIT_FAILED, "%s", strerror(errno));
	if (!code)
		return fd;
	if (fd >= 0)
		close(fd);
	return code;
}

/* Have a text that is not older than @age ms. 0 or negative errno, which is logged. */
static int refresh(struct sp_keeper *keeper, uint64_t age)
{
	struct sp_scraper *scraper = &keeper->scraper;
	const uint64_t now = sp_monotonic_ms();
	struct sp_error err;
	int fd;

	if (scraper->text >= 0 && now - scraper->made < age)
		return 0;
	fd = make_file(keeper, &err);
	if (fd < 0) {
		sp_log_limited(&log_limit, SP_LOG_ERROR, "metrics: %s", err.text);
		return fd;
	}
	if (scraper->text >= 0)
		close(scraper->text);
	scraper->text = fd;
	scraper->made = now;
	return 0;
}

static int send_text(const struct sp_scraper *scraper, int socket)
{
	struct sp_ipc_ready message = {.header.kind = SP_IPC_SCRAPED};

	return sp_ipc_send_file(socket, &message, sizeof(message), scraper->text);
}

void sp_scraper_call(struct sp_keeper *keeper)
{
	int fd = accept4(keeper->scraper.socket, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	/* Who has gone again is told nothing. */
	if (!refresh(keeper, 0))
		(void)send_text(&keeper->scraper, fd);
	close(fd);
}

int sp_scraper_tell(struct sp_keeper *keeper, const struct sp_child *child)
{
	int ret = refresh(keeper, AGE_MS);

	return ret ? ret : send_text(&keeper->scraper, child->socket);
}

/* --- beginning and end --- */

/* Only root may ask here. */
static int open_socket(struct sp_scraper *scraper, const struct sp_instance *instance)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t mask;
	int code;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/metrics", instance->run);
	snprintf(scraper->path, sizeof(scraper->path), "%s", address.sun_path);
	scraper->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (scraper->socket < 0)
		return -errno;
	/* Of a daemon that was killed; that of the instance is us. */
	unlink(scraper->path);
	mask = umask(0177);
	code = bind(scraper->socket, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
	umask(mask);
	if (!code && listen(scraper->socket, CALLERS))
		code = -errno;
	return code;
}

int sp_scraper_open(struct sp_keeper *keeper, struct sp_error *err)
{
	struct sp_scraper *scraper = &keeper->scraper;
	char path[PATH_MAX];
	int code;

	*scraper = (struct sp_scraper){.socket = -1, .text = -1, .started = (uint64_t)time(NULL)};
	snprintf(path, sizeof(path), "%s/probes.conf", keeper->setup.paths.data);
	code = sp_probes_load(&scraper->probes, path, err);
	if (code)
		return code;
	code = open_socket(scraper, &keeper->maps.instance);
	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED, "cannot listen at %s: %s", scraper->path,
		               strerror(-code));
	return 0;
}

void sp_scraper_close(struct sp_keeper *keeper)
{
	struct sp_scraper *scraper = &keeper->scraper;

	sp_probes_free(&scraper->probes);
	if (scraper->text >= 0)
		close(scraper->text);
	if (scraper->socket >= 0) {
		close(scraper->socket);
		unlink(scraper->path);
	}
	scraper->socket = scraper->text = -1;
}
