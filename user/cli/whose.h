/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose the sessions of the map are, by the ledger. Without one, or with one that cannot be read,
 * nobody's: what is enforced can be seen all the same. */
#ifndef SP_CLI_WHOSE_H
#define SP_CLI_WHOSE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/maps.h"
#include "lib/session.h"
#include "lib/who.h"

/* "user" and "anna", "voucher" and "17", "click" and "". */
struct sp_owner {
	const char *method; /* NULL: nobody knows */
	const char *name;
	const char *zone; /* where it signed in; "": in none, or nobody knows */
	const char *note; /* the operator's, of a session or a block; "": none, or nobody knows */
};

/* What an owner's texts are in. */
struct sp_owner_text {
	struct sp_who who;
	char note[SP_NOTE_SIZE];
};

#define SP_WHOSE_ZONES 64 /* different names; sessions of further ones have none */

/* For a million of them 32 MB, and the names. */
struct sp_whose {
	struct sp_maps *maps;
	struct sp_whose_entry *list; /* sessions with a name, a zone or a note; blocks with one */
	uint32_t count, room;
	uint32_t *table; /* of entries by their client, from 1; 0: none */
	uint32_t mask;
	char *names;
	size_t length, names_room;
	char zone[SP_WHOSE_ZONES][SP_LEDGER_ZONE]; /* the first is "" */
	unsigned zones;
	struct sp_owner_text one; /* that was asked for alone */
};

/* All sessions that go on, and blocks; @maps must stay. sp_whose_close when done. */
void sp_whose_open(struct sp_whose *whose, struct sp_maps *maps);
void sp_whose_close(struct sp_whose *whose);
struct sp_owner sp_whose_find(struct sp_whose *whose, const struct sp_session *session);

/* One session or block alone, also a session that has ended; @text holds the names. */
struct sp_owner sp_whose_one(struct sp_maps *maps, const struct sp_session *session,
                             struct sp_owner_text *text);

#endif
