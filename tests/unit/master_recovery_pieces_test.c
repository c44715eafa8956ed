/* What a store had comes back in pieces of many entries. */
#include "core/limits.h"
#include "master_returning.h"

/* All that was committed, as one piece; of the last entry so many bytes are left out. */
static void replay_whole(struct script *s, size_t cut)
{
    uint8_t *bytes = NULL;
    size_t size = 0;

    for (size_t i = 0; i < SHELF_MAX; i++) {
        const struct ms_bytes *entry = &s->shelf->entries[i];

        if (entry->data != NULL) {
            bytes = realloc(bytes, size + entry->size);
            ck_assert_ptr_nonnull(bytes);
            memcpy(bytes + size, entry->data, entry->size);
            size += entry->size;
        }
    }
    replay(s, (struct ms_bytes){bytes, size - cut});
    free(bytes);
}

START_TEST(entries_come_several_at_a_time)
{
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    slave_durably(&s, 1, 1);
    client(&s, 2, 2);
    submit(&s, 2, 1, "x");
    submit(&s, 2, 2, "y");
    commit(&s);
    crash(&s);
    create_master(&s);
    replay_whole(&s, 0);
    step(&s, &(struct ms_event){.type = MS_EVENT_REPLAYED});
    commit(&s);
    ck_assert(stats_of(&s).is_ready);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 2);
    teardown_durable(&s);
}
END_TEST

START_TEST(one_that_is_damaged_ends_it)
{
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    slave_durably(&s, 1, 1);
    client(&s, 2, 2);
    submit(&s, 2, 1, "x");
    commit(&s);
    crash(&s);
    create_master(&s);
    replay_whole(&s, 1);
    ck_assert(stats_of(&s).is_failed);
    ck_assert_uint_eq(s.count, 1);
    ck_assert_uint_eq(s.sent[0].effect.type, MS_EFFECT_STOPPED);
    ck_assert_uint_eq(s.sent[0].effect.error, MS_E_STORE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(s.master->complaint.text, "after record "));
    teardown_durable(&s);
}
END_TEST

TESTS(entries_come_several_at_a_time, one_that_is_damaged_ends_it)
