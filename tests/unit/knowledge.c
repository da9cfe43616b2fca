/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "knowledge.h"

#include <limits.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/sp-responder-XXXXXX";
struct sp_ipc_responder_setup setup;
struct sp_knowledge knowledge;

static int link_data(const char *source, const char *name)
{
	char *real = realpath(source, NULL), path[PATH_MAX];
	int ret = -1;

	if (real) {
		snprintf(path, sizeof(path), "%s/%s", directory, name);
		ret = symlink(real, path);
	}
	free(real);
	return ret;
}

/* The sources of what is shipped. */
int make_knowledge(void **state)
{
	struct sp_error err = {0};

	(void)state;
	if (!mkdtemp(directory) || link_data("user/portal/pages", "pages") ||
	    link_data("user/responder/probes.conf", "probes.conf"))
		return -1;
	setup.probe_status = 302;
	setup.zone_count = 2;
	strcpy(setup.zone[0].login_url4, LOGIN4);
	strcpy(setup.zone[0].login_url6, LOGIN6);
	strcpy(setup.zone[1].login_url4, LOGIN4_OF1);
	strcpy(setup.zone[1].login_url6, LOGIN6_OF1);
	snprintf(setup.data, sizeof(setup.data), "%s", directory);
	memset(setup.key, 7, sizeof(setup.key));
	if (sp_knowledge_load(&knowledge, &setup, &err)) {
		print_error("%s\n", err.text);
		return -1;
	}
	return 0;
}

int remove_knowledge(void **state)
{
	char path[PATH_MAX];

	(void)state;
	sp_knowledge_free(&knowledge);
	snprintf(path, sizeof(path), "%s/pages", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/probes.conf", directory);
	unlink(path);
	return rmdir(directory);
}

size_t answer_to(const char *text, size_t size, unsigned zone, bool is_ipv6, const char *date,
                 char out[SP_MAX_ANSWER + 1])
{
	enum sp_request_result result;
	struct sp_request request;
	size_t length = 0;

	sp_request_init(&request);
	result = sp_request_read(&request, text, size);
	if (result != SP_REQUEST_MORE)
		length = sp_respond(&knowledge, zone, &request, result, text, is_ipv6, date, out);
	assert_true(length <= SP_MAX_ANSWER);
	out[length] = '\0';
	return length;
}
