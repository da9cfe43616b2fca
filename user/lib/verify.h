/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether ledger, maps, programs, links and listeners of a loaded instance say the same, and making
 * them do so again. Looking changes nothing. What is enforced is never widened by a repair: nobody
 * is let in whom the map does not let in.
 */
#ifndef SP_LIB_VERIFY_H
#define SP_LIB_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/instance.h"
#include "lib/maps.h"

/*
 * What can differ: word (stable), who is believed, what the repair does.
 */
#define SP_DIFFERENCES(X)                                                               \
	X(LOST, "session_lost", "map",                                                  \
	  "the session ends in the ledger, when it was last heard of")                  \
	X(UNKNOWN, "session_unknown", "map", "the session is remembered from now on")   \
	X(UNTIL, "session_end", "map", "the ledger has the end that is enforced")       \
	X(BLOCK_LOST, "block_lost", "map", "the block is forgotten in the ledger")      \
	X(BLOCK_UNKNOWN, "block_unknown", "map", "the block is remembered from now on") \
	X(LIMITS, "limits", "ledger", "the session has the limits that were granted")   \
	X(ENTRY, "entry", "none", "the entry is removed: the client is captive")        \
	X(SLOT, "slot", "kernel", "the client gets a slot of its own")                  \
	X(SLOT_LEAKED, "slot_leaked", "map", "the slot is free again")                  \
	X(SLOT_FREE, "slot_free", "map", "the slot is taken")                           \
	X(SETTINGS, "settings", "kernel", "the number is put right")                    \
	X(GARDEN, "garden", "map", "the garden is worked out anew")                     \
	X(PORTS, "ports", "kernel", "the map is filled anew")                           \
	X(HOOK, "program", "record", "the program is attached again")                   \
	X(PINS, "pin", "kernel", NULL)                                                  \
	X(LISTENER, "listener", "map", NULL)                                            \
	X(LEDGER, "ledger", "map", NULL)

#define SP_DIFFERENCE_ENUM(id, word, believed, repair) SP_DIFFERENCE_##id,
enum sp_difference_kind { SP_DIFFERENCES(SP_DIFFERENCE_ENUM) SP_DIFFERENCE_KINDS };
#undef SP_DIFFERENCE_ENUM

struct sp_difference_words {
	const char *word;     /* "slot_leaked" */
	const char *believed; /* which side is right */
	const char *repair;   /* what sp_verify_repair does; NULL: nothing */
};
extern const struct sp_difference_words sp_difference_words[SP_DIFFERENCE_KINDS];

struct sp_difference {
	enum sp_difference_kind kind;
	char about[64];              /* client, interface, slot, map */
	struct sp_client_key client; /* of a session's difference */
	char text[192];              /* how it differs */
	char command[96];            /* that mends what sp_verify_repair cannot; "": none */
};

#define SP_VERIFY_LISTED 1000u /* differences that are listed; others are counted */

struct sp_verify {
	const struct sp_instance *instance;
	struct sp_maps *maps;
	struct sp_difference *difference;
	size_t listed;
	uint64_t found[SP_DIFFERENCE_KINDS], total;
	uint64_t clients, sessions; /* entries of the map, sessions of the ledger that were read */
	bool no_memory;
};

/*
 * Look at the instance that @maps are of; @verify is zero. The lock of the instance is held while
 * the map is read, not while the ledger is. 0, whatever is found, or a negative errno.
 * sp_verify_free in either case.
 */
int sp_verify_look(struct sp_verify *verify, const struct sp_instance *instance,
                   struct sp_maps *maps, struct sp_error *err);

/* Mend what sp_verify_look has found in @verify; of limits those that are listed. 0 or the first
 * negative errno; what could be mended is. */
int sp_verify_repair(const struct sp_verify *verify, struct sp_error *err);

void sp_verify_free(struct sp_verify *verify);

/* --- for the parts of it --- */

/* Count a difference, and list it if there is room. */
void sp_verify_add(struct sp_verify *verify, enum sp_difference_kind kind, const char *about,
                   const char *command, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* The same of the client @key. */
void sp_verify_add_client(struct sp_verify *verify, enum sp_difference_kind kind,
                          const struct sp_client_key *key, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

int sp_verify_sessions(struct sp_verify *verify, struct sp_error *err);
int sp_verify_garden(struct sp_verify *verify, struct sp_error *err);
int sp_verify_attached(struct sp_verify *verify, struct sp_error *err);
int sp_verify_listeners(struct sp_verify *verify, struct sp_error *err);

int sp_verify_repair_entries(const struct sp_verify *verify, struct sp_error *err);
int sp_verify_repair_limits(const struct sp_verify *verify, struct sp_error *err);
int sp_verify_repair_garden(const struct sp_verify *verify, struct sp_error *err);
int sp_verify_repair_attached(const struct sp_verify *verify, struct sp_error *err);

#endif
