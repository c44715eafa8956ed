/* Broadcasts as clients submit them: what their tests share. */
#ifndef UNIT_MASTER_BROADCASTS_H
#define UNIT_MASTER_BROADCASTS_H

#include "master_arrays.h"
#include "master_reports.h"
#include "master_returning.h"

enum {
    FIRST = 1,
    CLIENT = 2,
    SECOND = 3,
    ROOM = 4
}; /* connections, and nodes of the same numbers */

/* Its terms are overwritten by the next one. */
static inline struct ms_command broadcast_of(uint64_t first, uint32_t on, uint32_t room,
                                             const char *where)
{
    static struct ms_terms terms;
    struct ms_command command = submission(first, "each");

    terms = (struct ms_terms){.on = on, .array_count = room, .where = ms_bytes_of(where)};
    command.terms = &terms;
    return command;
}

static inline void broadcast(struct script *s, uint64_t first, uint32_t on, uint32_t room,
                             const char *where)
{
    const struct ms_command command = broadcast_of(first, on, room, where);

    receive(s, CLIENT, &command);
}

/* Two slaves, s1 and s3, without credit, and a client. */
static inline void begin_fleet(struct script *s)
{
    begin(s);
    slave(s, SECOND, SECOND);
}

static inline void begin_durable_fleet_of(struct script *s, struct shelf *shelf,
                                          struct ms_welcome *first_out,
                                          struct ms_welcome *second_out)
{
    setup_durable(s, shelf);
    *first_out = slave_durably(s, FIRST, FIRST);
    *second_out = slave_durably(s, SECOND, SECOND);
    client(s, CLIENT, CLIENT);
    commit(s);
}

static inline void begin_durable_fleet(struct script *s, struct shelf *shelf)
{
    struct ms_welcome first, second;

    begin_durable_fleet_of(s, shelf, &first, &second);
}

/* That slave, and nobody else, was given that member in the latest step. */
static inline uint64_t want_on(struct script *s, ms_peer peer, uint64_t seq)
{
    for (size_t i = 0; i < count_of(s, MS_KIND_COMMAND); i++) {
        const struct sent *sent = find_nth(s, MS_KIND_COMMAND, i);

        if (sent->effect.command.id.seq == seq) {
            ck_assert_uint_eq(sent->effect.peer, peer);
            ck_assert_str_eq(sent->payload, "each");
            return token_of(sent);
        }
    }
    ck_abort_msg("member %u was not given to anybody", (unsigned)seq);
    return 0;
}

/* What is said of a member that waits begins so. */
static inline void want_why(struct script *s, uint64_t seq, const char *words)
{
    const struct ms_query query = {.what = MS_QUERY_WHY, .id = {uuid_of(CLIENT), seq}};
    const char *said = text(ask(s, &query), "reason");

    ck_assert_msg(strstr(said, words) == said, "\"%s\" does not begin with \"%s\"", said, words);
}

/* Of the outcome of a member that is known. */
static inline const char *detail_of(const struct script *s, uint64_t seq)
{
    static char text[MS_DETAIL_MAX + 1];
    const struct ms_work *work = work_of(s, CLIENT, seq);

    ck_assert_ptr_nonnull(work);
    copy_bytes(text, sizeof text, ms_work_detail(work));
    return text;
}

#endif
