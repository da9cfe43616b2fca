/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/passwords.h"

#include <crypt.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define YESCRYPT "$y$"
#define COST     0  /* as crypt(5) advises */
#define DIGEST   43 /* characters of a hash behind its salt */

static int make_setting(char setting[CRYPT_GENSALT_OUTPUT_SIZE], struct sp_error *err)
{
	int ret;

	if (crypt_gensalt_rn(YESCRYPT, COST, NULL, 0, setting, CRYPT_GENSALT_OUTPUT_SIZE))
		return 0;
	ret = -errno;
	return sp_fail(err, ret, SP_EXIT_FAILED, "cannot make a salt for yescrypt: %s",
	               strerror(-ret));
}

int sp_passwords_hash(char hash[SP_LEDGER_HASH], const char *password, struct sp_error *err)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	struct crypt_data work = {0};
	int ret = make_setting(setting, err);

	if (ret)
		return ret;
	if (!crypt_rn(password, setting, &work, (int)sizeof(work)))
		ret = sp_fail(err, -errno, SP_EXIT_FAILED, "cannot hash a password: %s",
		              strerror(errno));
	else if (snprintf(hash, SP_LEDGER_HASH, "%s", work.output) >= SP_LEDGER_HASH)
		ret = sp_fail(err, -ENOSPC, SP_EXIT_FAILED, "the hash of a password is too long");
	explicit_bzero(&work, sizeof(work));
	return ret;
}

int sp_passwords_nobody(char hash[SP_LEDGER_HASH], struct sp_error *err)
{
	static const char digits[] =
		"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	char setting[CRYPT_GENSALT_OUTPUT_SIZE], digest[DIGEST + 1] = "";
	int ret = make_setting(setting, err);

	if (ret)
		return ret;
	if (getrandom(digest, DIGEST, 0) != DIGEST)
		return sp_fail(err, -EIO, SP_EXIT_FAILED, "cannot get random numbers");
	for (unsigned i = 0; i < DIGEST; i++)
		digest[i] = digits[(unsigned char)digest[i] % 64];
	snprintf(hash, SP_LEDGER_HASH, "%s$%s", setting, digest);
	return 0;
}
