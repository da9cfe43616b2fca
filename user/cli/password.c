/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/password.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>

#include "lib/passwords.h"

/* RFC 2865, section 5.2: no more goes into User-Password, which the same people type. */
#define LONGEST 128

#define ROOM (LONGEST + 2) /* newline and NUL */

static int bad(struct sp_error *err, const char *why)
{
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "password: %s", why);
}

/* One line without its end, at most LONGEST bytes. */
static int read_line(FILE *file, char password[ROOM], struct sp_error *err)
{
	size_t length;

	errno = 0;
	if (!fgets(password, ROOM, file))
		return bad(err, "there is none");
	length = strcspn(password, "\r\n");
	if (!password[length] && !feof(file))
		return bad(err, "longer than 128 bytes");
	password[length] = '\0';
	if (!length)
		return bad(err, "it is empty");
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)password[i] < 0x20 || password[i] == 0x7f)
			return bad(err, "it holds a control character");
	return 0;
}

/* Without echo, and without signals, which would leave the terminal like that. */
static int ask(FILE *terminal, const char *prompt, char password[ROOM], struct sp_error *err)
{
	struct termios before, quiet;
	int code;

	if (tcgetattr(fileno(terminal), &before))
		return sp_fail(err, -errno, SP_EXIT_FAILED, "/dev/tty: %s", strerror(errno));
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	/* Before the prompt: what is typed as soon as that is seen must be neither shown nor lost.
	 */
	tcsetattr(fileno(terminal), TCSAFLUSH, &quiet);
	fprintf(terminal, "%s: ", prompt);
	fflush(terminal);
	code = read_line(terminal, password, err);
	tcsetattr(fileno(terminal), TCSADRAIN, &before);
	fputc('\n', terminal);
	fflush(terminal);
	return code;
}

static int ask_twice(char password[ROOM], struct sp_error *err)
{
	FILE *terminal = fopen("/dev/tty", "r+e");
	char again[ROOM] = "";
	int code;

	if (!terminal)
		return bad(err, "there is no terminal to ask on; give --password-stdin and the "
		                "password on stdin");
	setvbuf(terminal, NULL, _IONBF, 0);
	code = ask(terminal, "Password", password, err);
	if (!code)
		code = ask(terminal, "Once more", again, err);
	if (!code && strcmp(password, again) != 0)
		code = bad(err, "the two are not the same");
	explicit_bzero(again, sizeof(again));
	fclose(terminal);
	return code;
}

int sp_password_hash(const struct sp_invocation *invocation, char hash[SP_LEDGER_HASH],
                     struct sp_error *err)
{
	char password[ROOM] = "";
	int code = invocation->option[SP_OPTION_PASSWORD_STDIN] ? read_line(stdin, password, err)
	                                                        : ask_twice(password, err);

	if (!code)
		code = sp_passwords_hash(hash, password, err);
	explicit_bzero(password, sizeof(password));
	return code;
}
