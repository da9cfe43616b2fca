/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The doctor's prober: asks what it is told to on the sockets it is given, in a process without
 * privileges, reads the answers and says in fixed words what they were.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "ipc/ipc.h"
#include "ipc/prober.h"
#include "lib/log.h"
#include "prober/dns.h"
#include "prober/http.h"
#include "prober/sandbox.h"
#include "prober/wire.h"

#define AGAIN_MS 800  /* a question that may have been lost is asked once more */
#define MESSAGE  4096 /* bytes of an answer that are looked at */

static struct sp_ipc_prober_setup setup;
static struct sp_ipc_probed probed = {.header.kind = SP_IPC_PROBED};
static uint16_t id[SP_PROBE_QUESTIONS];
static bool done[SP_PROBE_QUESTIONS];

static int64_t now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static bool is_dns(const struct sp_probe_question *question)
{
	return question->kind == SP_PROBE_A || question->kind == SP_PROBE_AAAA;
}

static bool is_asked(const struct sp_probe_question *question)
{
	return is_dns(question) || question->kind == SP_PROBE_HTTP;
}

static void finish(unsigned number, enum sp_probe_outcome outcome)
{
	probed.answer[number] = (struct sp_probe_answer){.outcome = outcome};
	done[number] = true;
}

static void ask(unsigned number)
{
	const struct sp_probe_question *question = &setup.question[number];
	int fd = SP_IPC_FIRST_FD + (int)question->file, length;
	union {
		uint8_t dns[SP_DNS_QUERY];
		char http[SP_PROBE_NAME + 128];
	} message;

	length = is_dns(question) ? sp_dns_query(message.dns, question, id[number])
	                          : sp_http_request(message.http, sizeof(message.http), question);
	if (length < 0)
		finish(number, SP_PROBE_NONSENSE);
	else if (send(fd, &message, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	         errno != EAGAIN)
		finish(number, SP_PROBE_REFUSED);
}

static void ask_all(bool again)
{
	for (unsigned i = 0; i < setup.questions; i++)
		if (!done[i] && is_asked(&setup.question[i]) &&
		    (!again || is_dns(&setup.question[i])))
			ask(i);
}

/* Whether the @message is the answer to question @number, and if so, take it. */
static bool answers(unsigned number, const char *message, size_t length)
{
	const struct sp_probe_question *question = &setup.question[number];
	struct sp_probe_answer *answer = &probed.answer[number];
	const uint8_t *bytes = (const uint8_t *)message;

	if (is_dns(question))
		return sp_dns_read(answer, question, id[number], bytes, length) != -EAGAIN;
	if (is_asked(question))
		sp_http_read(answer, message, length);
	else
		return sp_wire_read(answer, question, bytes, length) != -EAGAIN;
	return true;
}

/* Of the questions on @file, the one that was answered. */
static void take(unsigned file, const char *message, size_t length)
{
	for (unsigned i = 0; i < setup.questions; i++) {
		if (done[i] || setup.question[i].file != file || !answers(i, message, length))
			continue;
		done[i] = true;
		return;
	}
}

/* An ICMP error is of all that was asked there. */
static void give_up(unsigned file)
{
	for (unsigned i = 0; i < setup.questions; i++)
		if (!done[i] && setup.question[i].file == file)
			finish(i, SP_PROBE_REFUSED);
}

static void receive(unsigned file)
{
	static char message[MESSAGE];
	ssize_t length = recv(SP_IPC_FIRST_FD + (int)file, message, sizeof(message), MSG_DONTWAIT);

	if (length > 0)
		take(file, message, (size_t)length);
	else if (length == 0 || (errno != EAGAIN && errno != EINTR))
		give_up(file);
}

static bool is_open(unsigned file)
{
	for (unsigned i = 0; i < setup.questions; i++)
		if (!done[i] && setup.question[i].file == file)
			return true;
	return false;
}

/* Wait until @end for answers. True: there are some to wait for yet. */
static bool wait_until(int64_t end)
{
	struct pollfd files[SP_PROBE_FILES];
	bool waiting = true;

	while (waiting && now_ms() < end) {
		waiting = false;
		for (unsigned i = 0; i < setup.files; i++) {
			bool open = is_open(i);

			waiting |= open;
			files[i] = (struct pollfd){.fd = open ? SP_IPC_FIRST_FD + (int)i : -1,
			                           .events = POLLIN};
		}
		if (!waiting || poll(files, setup.files, (int)(end - now_ms() + 1)) <= 0)
			continue;
		for (unsigned i = 0; i < setup.files; i++)
			if (files[i].revents)
				receive(i);
	}
	return waiting;
}

static bool setup_fits(void)
{
	if (setup.files > SP_PROBE_FILES || setup.questions > SP_PROBE_QUESTIONS)
		return false;
	for (unsigned i = 0; i < setup.questions; i++)
		if (setup.question[i].file >= setup.files ||
		    strnlen(setup.question[i].name, SP_PROBE_NAME) == SP_PROBE_NAME)
			return false;
	return true;
}

static int start(struct sp_error *err)
{
	int ret = sp_ipc_begin(SP_IPC_PROBER_SETUP, &setup, sizeof(setup), err);

	if (ret)
		return ret;
	if (!setup_fits())
		return sp_fail(err, -EPROTO, SP_EXIT_FAILED, "the setup is not one of the doctor");
	ret = sp_ipc_confine(setup.root, sizeof(setup.root), setup.uid, setup.gid,
	                     &sp_prober_sandbox, err);
	if (!ret && getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id))
		ret = sp_fail(err, -EIO, SP_EXIT_FAILED, "no random numbers");
	return ret;
}

int main(void)
{
	struct sp_error err;
	int64_t begun;

	sp_log_name("sallyport-prober");
	if (start(&err)) {
		sp_log(SP_LOG_ERROR, "%s", err.text);
		return EXIT_FAILURE;
	}
	begun = now_ms();
	ask_all(false);
	if (wait_until(begun + AGAIN_MS)) {
		ask_all(true);
		wait_until(begun + setup.milliseconds);
	}
	return sp_ipc_send(SP_IPC_KEEPER_FD, &probed, sizeof(probed)) ? EXIT_FAILURE : EXIT_SUCCESS;
}
