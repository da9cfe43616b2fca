/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a DNS answer: what is read keeps the promises of garden/answer.h. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "garden/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sp_answer answer;
	int code = sp_answer_read(&answer, data, size);

	require(code == 0 || code == -ENODATA || code == -EBADMSG);
	require(memchr(answer.name, '\0', sizeof(answer.name)) != NULL);
	require(answer.count <= SP_ANSWER_ADDRESSES);
	require((code == 0) == (answer.count > 0));
	if (code == 0)
		for (const char *c = answer.name; *c; c++)
			require(*c < 'A' || *c > 'Z');
	return 0;
}
