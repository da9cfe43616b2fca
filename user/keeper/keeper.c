/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation: one thread, one epoll. Its events are messages of the children, signals, a
 * timer, and what the kernel says of interfaces. Children that are to be started (again) are looked
 * after between the rounds, by the time-out of epoll_wait. Listening sockets live here and not in
 * the children: while one of those is being replaced, its connections wait in the backlog.
 */
#include "keeper/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "keeper/again.h"
#include "keeper/capabilities.h"
#include "keeper/desk.h"
#include "keeper/hear.h"
#include "keeper/inherit.h"
#include "keeper/pidfile.h"
#include "keeper/reload.h"
#include "keeper/state.h"
#include "keeper/systemd.h"
#include "keeper/tls.h"
#include "lib/daemon.h"
#include "lib/log.h"
#include "lib/monotonic.h"
#include "lib/session.h"
#include "lib/settings.h"
#include "web/pages.h"

#define SWEEP_SECONDS 5
#define GRACE_SECONDS 60 /* an ended session stays visible so long, to say why it ended */

#define WORKERS offsetof(struct sp_settings, workers)

/* epoll data: below these, the index of a child; from SP_CREW_LOG on, that of its log. */
#define EVENT_SIGNAL 1000u
#define EVENT_TIMER  1001u
#define EVENT_TOLD   1002u /* by the datapath */
#define EVENT_CALLER 1003u /* who wants to be told */
#define EVENT_SCRAPE 1010u /* who wants metrics */
#define EVENT_LINK   1004u /* by the kernel, of interfaces */

static int watch(const struct sp_keeper *keeper, int fd, uint32_t data)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = data};

	return epoll_ctl(keeper->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* Children read their pages at their start; pages that they could not read are not given to them.
 * Those that are the same end nobody's connections. */
static void renew_pages(struct sp_keeper *keeper)
{
	const char *data = keeper->setup.paths.data;
	uint64_t stamp = sp_pages_stamp(data, keeper->config);
	struct sp_error err;

	if (stamp == keeper->pages)
		return;
	if (sp_pages_check(data, keeper->config, &err)) {
		sp_log(SP_LOG_ERROR, "%s; the pages stay as they are", err.text);
		return;
	}
	keeper->pages = stamp;
	sp_crew_renew(&keeper->crew, SP_ROLE_RESPONDER, "the pages are read again");
	sp_crew_renew(&keeper->crew, SP_ROLE_PORTAL, "the pages are read again");
}

static struct sp_child *find_portal(struct sp_keeper *keeper)
{
	struct sp_child *child = keeper->crew.child;

	while (child->plan.role != SP_ROLE_PORTAL)
		child++;
	return child;
}

/* For handshakes from now on, and for a portal that is started again. */
static void renew_certificate(struct sp_keeper *keeper)
{
	static struct sp_ipc_certificate message;
	struct sp_child *portal = find_portal(keeper);
	struct sp_error err;

	if (!keeper->config->certificate[0])
		return;
	if (sp_tls_make(&keeper->setup.portal.tls, keeper->config, &err)) {
		sp_log(SP_LOG_ERROR, "%s; the certificate stays as it is", err.text);
		return;
	}
	message.header.kind = SP_IPC_CERTIFICATE;
	message.tls = keeper->setup.portal.tls;
	if (portal->socket >= 0 && sp_ipc_send(portal->socket, &message, sizeof(message)))
		sp_child_stop(portal, "it does not take its certificate");
	explicit_bzero(&message, sizeof(message));
	sp_tls_publish(&keeper->setup.portal.tls, &keeper->maps.instance);
	sp_log(SP_LOG_NOTICE, "%s is read again", keeper->config->certificate);
}

/* Without the maps there is nothing to serve: after `down`, and after an `up` that made others. */
static bool lost_maps(struct sp_keeper *keeper)
{
	if (sp_maps_current(&keeper->maps))
		return false;
	keeper->stop = true;
	keeper->again = sp_settings_loaded(&keeper->maps.instance);
	if (keeper->again)
		sp_log(SP_LOG_NOTICE, "instance %s has other maps now: beginning anew with them",
		       keeper->maps.instance.name);
	else
		keeper->gone = -ENOENT;
	return true;
}

/* To who waits for it, once. */
static void answer(struct sp_keeper *keeper, enum sp_exit code, const char *text)
{
	if (keeper->token)
		sp_daemon_answer(&keeper->maps.instance, keeper->token, code, text);
	keeper->token = 0;
}

static void begin_anew(struct sp_keeper *keeper)
{
	keeper->stop = true;
	keeper->again = true;
}

static void apply(struct sp_keeper *keeper)
{
	struct sp_error err = {.exit_code = SP_EXIT_FAILED};

	switch (sp_reload(keeper, &err)) {
	case SP_RELOAD_FAILED:
		sp_log(SP_LOG_ERROR, "%s; going on with the configuration as it was", err.text);
		answer(keeper, err.exit_code, err.text);
		return;
	case SP_RELOAD_AGAIN:
		sp_log(SP_LOG_NOTICE, "the configuration has changed: beginning anew with it");
		begin_anew(keeper);
		return;
	case SP_RELOAD_TAKEN:
		sp_log(SP_LOG_NOTICE, "what a login is given has changed");
		break;
	case SP_RELOAD_SAME:
		break;
	}
	renew_certificate(keeper);
	renew_pages(keeper);
	answer(keeper, SP_EXIT_DONE, "");
}

/* @token: of who waits for an answer, or 0. */
static void reload(struct sp_keeper *keeper, int token)
{
	keeper->token = token;
	if (lost_maps(keeper))
		return;
	sp_systemd_notify("RELOADING=1\nMONOTONIC_USEC=%llu",
	                  (unsigned long long)sp_monotonic_ms() * 1000);
	apply(keeper);
	if (!keeper->again)
		sp_systemd_notify("READY=1");
}

static void signal_event(struct sp_keeper *keeper)
{
	struct signalfd_siginfo info;

	while (read(keeper->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			keeper->stop = true;
		else if (info.ssi_signo == SIGHUP)
			reload(keeper, info.ssi_code == SI_QUEUE ? info.ssi_int : 0);
	/* Several SIGCHLD can have become one. */
	for (unsigned i = 0; i < keeper->crew.count; i++)
		sp_child_reap(&keeper->crew.child[i]);
}

/* The portal knows its clients by the number of the interface they come from. */
static void renew_portal(struct sp_keeper *keeper)
{
	struct sp_ipc_portal_setup *portal = &keeper->setup.portal;
	bool changed = false;

	for (unsigned i = 0; i < keeper->config->client_count; i++) {
		uint32_t number =
			sp_interfaces_number(&keeper->interfaces, keeper->config->client[i]);

		changed |= number && number != portal->ifindex[i];
		if (number)
			portal->ifindex[i] = number;
	}
	if (changed)
		sp_crew_renew(&keeper->crew, SP_ROLE_PORTAL, "an interface is new");
}

static void look_at_interfaces(struct sp_keeper *keeper, bool settled)
{
	sp_interfaces_look(&keeper->interfaces, settled);
	renew_portal(keeper);
}

static void link_event(struct sp_keeper *keeper)
{
	if (sp_interfaces_read(&keeper->interfaces))
		look_at_interfaces(keeper, false);
}

static void timer_event(struct sp_keeper *keeper)
{
	struct sp_error err;
	uint64_t expirations;

	if (read(keeper->timer, &expirations, sizeof(expirations)) != (ssize_t)sizeof(expirations))
		return;
	if (lost_maps(keeper))
		return;
	/* Also for programs that were taken away, of which no message comes. */
	look_at_interfaces(keeper, true);
	if (sp_session_sweep(&keeper->maps, GRACE_SECONDS, &err) < 0)
		sp_log(SP_LOG_ERROR, "cannot remove ended sessions: %s", err.text);
}

static void dispatch(struct sp_keeper *keeper, uint32_t data)
{
	if (data == EVENT_SIGNAL)
		signal_event(keeper);
	else if (data == EVENT_TIMER)
		timer_event(keeper);
	else if (data == EVENT_TOLD)
		sp_herald_read(&keeper->herald);
	else if (data == EVENT_CALLER)
		sp_herald_accept(&keeper->herald);
	else if (data == EVENT_SCRAPE)
		sp_scraper_call(keeper);
	else if (data == EVENT_LINK)
		link_event(keeper);
	else if (data < SP_CREW_MOST)
		sp_hear(keeper, &keeper->crew.child[data]);
	else
		sp_child_relay(&keeper->crew.child[data - SP_CREW_LOG]);
}

/* Start and end what is due. Returns the ms until something is due again, at most a minute. */
static int attend(struct sp_keeper *keeper)
{
	uint64_t now = sp_monotonic_ms(), next = now + 60000;
	/* In this order: the desk has to know of an end before there is a new beginning. */
	const uint64_t desk = sp_desk_attend(keeper);
	const uint64_t due[] = {desk,
	                        sp_gardener_attend(&keeper->gardener),
	                        sp_scribe_attend(&keeper->scribe),
	                        sp_pruner_attend(&keeper->pruner, keeper->config),
	                        sp_crew_attend(&keeper->crew),
	                        sp_accountant_attend(&keeper->accountant),
	                        sp_systemd_attend()};

	for (unsigned i = 0; i < sizeof(due) / sizeof(*due); i++)
		if (due[i] < next)
			next = due[i];
	return next > now ? (int)(next - now) : 0;
}

static int loop(struct sp_keeper *keeper)
{
	struct epoll_event events[16];

	while (!keeper->stop) {
		int count = epoll_wait(keeper->epoll, events, 16, attend(keeper));

		if (count < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < count; i++)
			dispatch(keeper, events[i].data.u32);
	}
	return keeper->gone;
}

static int open_events(struct sp_keeper *keeper)
{
	const struct itimerspec period = {{SWEEP_SECONDS, 0}, {SWEEP_SECONDS, 0}};
	sigset_t wanted;
	int ret;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGCHLD);
	sigaddset(&wanted, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &wanted, NULL))
		return -errno;
	/* A log that nobody reads any more must not end the keeper. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	keeper->epoll = epoll_create1(EPOLL_CLOEXEC);
	keeper->signals = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
	keeper->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (keeper->epoll < 0 || keeper->signals < 0 || keeper->timer < 0 ||
	    timerfd_settime(keeper->timer, 0, &period, NULL))
		return -errno;
	ret = watch(keeper, keeper->signals, EVENT_SIGNAL);
	if (!ret)
		ret = watch(keeper, keeper->timer, EVENT_TIMER);
	if (!ret)
		ret = watch(keeper, keeper->herald.events.fd, EVENT_TOLD);
	if (!ret)
		ret = watch(keeper, keeper->herald.socket, EVENT_CALLER);
	if (!ret)
		ret = watch(keeper, keeper->scraper.socket, EVENT_SCRAPE);
	return ret ? ret : watch(keeper, sp_interfaces_file(&keeper->interfaces), EVENT_LINK);
}

static void close_events(struct sp_keeper *keeper)
{
	const int files[] = {keeper->epoll, keeper->signals, keeper->timer};

	for (unsigned i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (files[i] >= 0)
			close(files[i]);
}

/*
 * Before children end, the datapath stops capturing: what they have accepted they answer, and a SYN
 * that comes now comes again. Not so when the sockets live on, with the keeper that begins anew or
 * with the service manager: then it waits there.
 */
static void end(struct sp_keeper *keeper)
{
	bool ours = !keeper->gone && !keeper->again;
	struct sp_error err;

	sp_systemd_notify(keeper->again ? "RELOADING=1\nMONOTONIC_USEC=%llu"
	                                : "STOPPING=1\nSTATUS=Ending; sessions go on",
	                  (unsigned long long)sp_monotonic_ms() * 1000);
	if (ours && !sp_systemd_keeps() && sp_maps_set(&keeper->maps, WORKERS, 0, &err))
		sp_log(SP_LOG_ERROR, "%s", err.text);
	if (ours)
		sp_accountant_end(&keeper->accountant);
	sp_child_end_all(keeper->crew.child, keeper->crew.count);
}

/* With the lock of the instance held and everything open: serve until told to stop. */
static int serve(struct sp_keeper *keeper, struct sp_error *err)
{
	int ret = open_events(keeper);

	if (!ret) {
		sp_crew_plan(&keeper->crew, &keeper->setup, keeper->epoll);
		sp_accountant_init(&keeper->accountant, &keeper->maps, keeper->config,
		                   sp_crew_find(&keeper->crew, SP_ROLE_ACCOUNTING));
		sp_pruner_init(&keeper->pruner, &keeper->maps);
		sp_gardener_init(&keeper->gardener, &keeper->maps, keeper->config);
		ret = sp_capabilities_keep(err);
		if (ret)
			goto out;
		/* From here on the datapath captures; connections wait for the responders. */
		ret = sp_maps_set(&keeper->maps, WORKERS, keeper->setup.workers, err);
		if (ret)
			goto out;
		ret = loop(keeper);
		end(keeper);
	}
	if (keeper->gone)
		sp_fail(err, ret, SP_EXIT_NOT_LOADED,
		        "instance %s was taken down; run `sallyport up`, then start sallyportd "
		        "again",
		        keeper->maps.instance.name);
	else if (ret)
		sp_fail(err, ret, SP_EXIT_FAILED, "waiting for events: %s", strerror(-ret));
out:
	sp_gardener_close(&keeper->gardener);
	close_events(keeper);
	return ret;
}

/* Who listens to events is told as well as who reads the log. */
static void ledger_changed(void *context, bool failing)
{
	struct sp_keeper *keeper = context;
	struct sp_event event = {.kind = failing ? SP_EVENT_LEDGER : SP_EVENT_LEDGER_FINE};
	struct sp_clock clock;

	if (sp_clock_read(&clock, keeper->maps.clock, NULL))
		return;
	event.time = clock.jiffies;
	sp_herald_tell(&keeper->herald, &event);
}

/* With the interfaces looked after. */
static int serve_prepared(struct sp_keeper *keeper, struct sp_error *err)
{
	int ret = sp_setup_make(&keeper->setup, &keeper->maps, keeper->config, err);

	if (ret)
		return ret;
	/* Where nobody listens any more. */
	sp_inherit_settle();
	sp_systemd_forget(SP_INHERIT_RESPONDER);
	sp_systemd_forget(SP_INHERIT_PORTAL);
	sp_inherit_each(sp_systemd_keep);
	sp_reload_begin(keeper);
	ret = sp_setup_forget_answers(&keeper->setup, err);
	if (ret) {
		sp_setup_close(&keeper->setup);
		return ret;
	}
	keeper->pages = sp_pages_stamp(keeper->setup.paths.data, keeper->config);
	sp_tls_publish(&keeper->setup.portal.tls, &keeper->maps.instance);
	ret = sp_herald_open(&keeper->herald, &keeper->maps.instance, err);
	if (!ret)
		ret = sp_scribe_init(&keeper->scribe, &keeper->maps, err);
	keeper->scribe.changed = ledger_changed;
	keeper->scribe.context = keeper;
	if (!ret)
		ret = sp_scraper_open(keeper, err);
	if (!ret) {
		ret = sp_desk_open(keeper, err);
		if (!ret)
			ret = serve(keeper, err);
		sp_desk_close(keeper);
	}
	sp_scraper_close(keeper);
	sp_scribe_close(&keeper->scribe);
	sp_herald_close(&keeper->herald);
	sp_setup_close(&keeper->setup);
	return ret;
}

/* As the only keeper of the instance. */
static int serve_alone(struct sp_keeper *keeper, struct sp_error *err)
{
	int ret = sp_session_recount(&keeper->maps, err);

	if (ret > 0)
		sp_log(SP_LOG_WARNING, "%d slots had been left taken by nobody", ret);
	/* Sessions go on and end without it; nobody is let in until it is mended. */
	if (ret >= 0 && sp_session_reconcile(&keeper->maps, err))
		sp_log(SP_LOG_ERROR, "nobody can log in: %s", err->text);
	if (ret >= 0)
		ret = sp_interfaces_open(&keeper->interfaces, &keeper->maps.instance, err);
	if (ret)
		return ret;
	ret = serve_prepared(keeper, err);
	sp_interfaces_close(&keeper->interfaces);
	return ret;
}

static int lock_and_serve(struct sp_keeper *keeper, struct sp_error *err)
{
	const struct sp_instance *instance = &keeper->maps.instance;
	int lock, ret;

	if (prctl(PR_SET_NAME, "sallyportd"))
		return sp_fail(err, -errno, SP_EXIT_FAILED, "prctl: %s", strerror(errno));
	if (mkdir(instance->run, 0755) && errno != EEXIST)
		return sp_fail(err, -errno, SP_EXIT_FAILED, "%s: %s", instance->run,
		               strerror(errno));
	lock = sp_pidfile_take(instance, err);
	if (lock < 0)
		return lock;
	ret = serve_alone(keeper, err);
	sp_pidfile_release(instance, lock);
	return ret;
}

int sp_keeper_run(const struct sp_instance *instance, struct sp_config *config,
                  struct sp_error *err)
{
	struct sp_keeper keeper = {.config = config,
	                           .epoll = -1,
	                           .signals = -1,
	                           .timer = -1,
	                           .scraper = {.socket = -1, .text = -1}};
	int ret;

	sp_log_name("sallyportd");
	sp_inherit_open();
	keeper.token = sp_again_token();
	/* Without it there is nobody to tell. */
	sp_systemd_open(false);
	/* First of all: for an instance that is not loaded no file is made. */
	ret = sp_maps_open(&keeper.maps, instance, err);
	if (ret)
		return ret;
	keeper.maps.remember = true;
	/* All of it is looked at every ten seconds. */
	ret = sp_maps_map_usage(&keeper.maps, err);
	if (!ret)
		ret = lock_and_serve(&keeper, err);
	sp_maps_close(&keeper.maps);
	if (!ret && keeper.again)
		ret = sp_again(keeper.token, err);
	sp_inherit_close();
	return ret;
}
