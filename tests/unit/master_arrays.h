/* Arrays as clients submit them: what their tests share. */
#ifndef UNIT_MASTER_ARRAYS_H
#define UNIT_MASTER_ARRAYS_H

#include "master/clients.h"
#include "master/state.h"
#include "master_frames.h"

static inline void submit_array(struct script *s, uint64_t first, uint32_t count,
                                uint32_t concurrency)
{
    const struct ms_terms terms = {
        .array_count = count, .array_concurrency = concurrency, .key = ms_bytes_of("user 7")};
    struct ms_command command = submission(first, "all");

    command.terms = &terms;
    receive(s, 2, &command);
}

/* NULL when no member of it is open. */
static inline struct ms_array *array_of(const struct script *s, uint64_t seq)
{
    return ms_clients_find_array(s->master, &(struct ms_id){uuid_of(2), seq});
}

/* The nth COMMAND of the latest step is that member. */
static inline uint64_t want_member(struct script *s, size_t n, uint64_t seq, uint32_t index,
                                   uint64_t count)
{
    const struct sent *sent = find_nth(s, MS_KIND_COMMAND, n);

    ck_assert_ptr_nonnull(sent);
    ck_assert_uint_eq(sent->effect.command.id.seq, seq);
    ck_assert_uint_eq(sent->effect.command.index, index);
    ck_assert_uint_eq(sent->effect.command.count, count);
    ck_assert_str_eq(sent->payload, "all");
    return token_of(sent);
}

#endif
