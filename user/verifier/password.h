/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Passwords of local users, against the hashes that crypt(5) describes. */
#ifndef SP_VERIFIER_PASSWORD_H
#define SP_VERIFIER_PASSWORD_H

/*
 * Whether @password is the one of @hash: 0; -EACCES if it is not; -EINVAL for a hash that is none,
 * or of a scheme that is too weak to be believed (anything but yescrypt, bcrypt and SHA-512);
 * -ENOMEM. How long it takes depends on the hash's own cost, not on how much of it is right. What
 * was computed is wiped.
 */
int sp_password_check(const char *password, const char *hash);

#endif
