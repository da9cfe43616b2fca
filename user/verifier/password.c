/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/password.h"

#include <crypt.h>
#include <errno.h>
#include <nettle/memops.h>
#include <stdbool.h>
#include <string.h>

/* In crypt(5)'s words: yescrypt, bcrypt, sha512crypt. */
static bool is_strong(const char *hash)
{
	static const char *const prefixes[] = {"$y$", "$2b$", "$6$"};

	for (unsigned i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(hash, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

/* Both come from crypt() or the ledger: their length is no secret. */
static bool equal(const char *a, const char *b)
{
	size_t length = strlen(a);

	return length == strlen(b) && memeql_sec(a, b, length);
}

int sp_password_check(const char *password, const char *hash)
{
	static struct crypt_data work;
	const char *made;
	int ret;

	if (!is_strong(hash))
		return -EINVAL;
	made = crypt_rn(password, hash, &work, sizeof(work));
	if (!made)
		ret = errno == ENOMEM ? -ENOMEM : -EINVAL;
	else
		ret = equal(made, hash) ? 0 : -EACCES;
	explicit_bzero(&work, sizeof(work));
	return ret;
}
