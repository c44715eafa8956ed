/* A script of commands with unique keys: one slave, and a client that submits. */
#ifndef TESTS_UNIT_MASTER_UNIQUE_SCRIPT_H
#define TESTS_UNIT_MASTER_UNIQUE_SCRIPT_H

#include "master_returning.h"
#include "master/state.h"

static inline struct ms_command keyed(uint64_t seq, enum ms_unique mode, const char *key)
{
    static struct ms_terms terms[8];
    static uint32_t turn;
    struct ms_terms *own = &terms[turn++ % 8];
    struct ms_command command = submission(seq, "x");

    *own = (struct ms_terms){.unique_mode = (uint8_t)mode, .unique = ms_bytes_of(key)};
    command.terms = own;
    return command;
}

static inline void submit_keyed(struct script *s, uint64_t seq, enum ms_unique mode,
                                const char *key)
{
    const struct ms_command command = keyed(seq, mode, key);

    receive(s, 2, &command);
}

/* The outcome of that number in the latest step. */
static inline struct sent *outcome_of(struct script *s, uint64_t seq)
{
    struct sent *sent;

    for (size_t i = 0; (sent = find_nth(s, MS_KIND_OUTCOME, i)) != NULL; i++) {
        if (sent->effect.command.id.seq == seq) {
            return sent;
        }
    }
    ck_abort_msg("no outcome of %u", (unsigned)seq);
}

static inline void begin(struct script *s)
{
    setup(s);
    slave(s, 1, 1);
    client(s, 2, 2);
}

#endif
