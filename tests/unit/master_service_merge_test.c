/* What a deposed half did with a service comes into the running master. */
#include "master_services.h"

static struct script here, there;
static struct shelf here_shelf, there_shelf;

static void take_all(void)
{
    ck_assert(ms_reconcile_begin(here.master));
    for (size_t i = 0; i < SHELF_MAX; i++) {
        if (there_shelf.entries[i].data != NULL) {
            ck_assert_int_eq(ms_reconcile_take(here.master, there_shelf.entries[i]), MS_E_OK);
        }
    }
    ms_reconcile_end(here.master);
    for (int i = 0; i < 8; i++) {
        commit_more(&here);
        settle_down(&here);
    }
    ck_assert_int_eq(here.master->reconcile.phase, MS_RECONCILE_DONE);
}

/* Both have the same first change; then each goes on alone, here in a later reign. */
static void part(void)
{
    begin_services(&there, &there_shelf);
    call(&there, 2, 1, "count/add", "1");
    commit(&there);
    setup_durable(&here, &here_shelf);
    crash(&here);
    here_shelf.config.services = &list;
    for (size_t i = 0; i < SHELF_MAX; i++) {
        const struct ms_bytes entry = there_shelf.entries[i];

        free((void *)(uintptr_t)here_shelf.entries[i].data);
        here_shelf.entries[i] = (struct ms_bytes){0};
        if (entry.data != NULL) {
            uint8_t *copy = malloc(entry.size);

            memcpy(copy, entry.data, entry.size);
            here_shelf.entries[i] = (struct ms_bytes){copy, entry.size};
        }
    }
    memcpy(here_shelf.counts, there_shelf.counts, sizeof here_shelf.counts);
    here_shelf.committed = here_shelf.seq = there_shelf.committed;
    here.epoch = there.epoch + 1;
    boot(&here);
    settle_down(&here);
    commit(&here);
    client(&here, 2, 2);
}

static void end(void)
{
    teardown_durable(&here);
    teardown_durable(&there);
}

static uint64_t total(void)
{
    return counter_of(&here)->total;
}

START_TEST(what_is_known_is_not_made_again)
{
    part();
    ck_assert_uint_eq(total(), 1);
    take_all();
    ck_assert_uint_eq(total(), 1);
    ck_assert(ms_reconcile_was_known(here.master));
    end();
}
END_TEST

START_TEST(what_is_not_known_is_made_at_the_end)
{
    part();
    call(&there, 2, 2, "count/add", "10");
    commit(&there);
    call(&here, 2, 3, "plain/x", "7");
    commit(&here);
    take_all();
    ck_assert_uint_eq(total(), 11);
    ck_assert(!ms_reconcile_has_refused(here.master));
    call(&here, 2, 2, "count/add", "10"); /* its client comes here with it: it is made by now */
    want_reply(&here, 2, "11");
    again(&here);
    ck_assert_uint_eq(total(), 11);
    end();
}
END_TEST

START_TEST(what_its_client_has_repeated_here_is_not_made_again)
{
    part();
    call(&there, 2, 2, "count/add", "10");
    commit(&there);
    call(&here, 2, 2, "count/add", "10");
    commit(&here);
    call(&here, 2, 3, "count/add", "100"); /* and the reply to 2 is forgotten */
    commit(&here);
    take_all();
    ck_assert_uint_eq(total(), 111);
    end();
}
END_TEST

START_TEST(what_was_answered_there_before_its_client_came_is_made)
{
    part();
    call(&there, 2, 2, "count/add", "10");
    commit(&there);
    want_reply(&there, 2, "11");
    call(&here, 2, 3, "count/add", "100"); /* 2 is answered, says it */
    commit(&here);
    take_all();
    ck_assert_uint_eq(total(), 111);
    ck_assert(!ms_reconcile_has_refused(here.master));
    end();
}
END_TEST

START_TEST(a_snapshot_of_what_is_unknown_is_left_to_people)
{
    part();
    call(&there, 2, 2, "count/add", "10");
    commit(&there);
    unit_of(&there, "count")->log_due = 1;
    settle_down(&there);
    commit(&there);
    call(&there, 2, 3, "count/add", "100");
    commit(&there);
    take_all();
    ck_assert(ms_reconcile_has_refused(here.master));
    ck_assert_uint_eq(total(), 101);
    end();
}
END_TEST

static int merge_nothing(const void *state, const struct ms_service_change *change,
                         struct ms_service_writer *out)
{
    ck_assert_ptr_nonnull(state);
    ck_assert_mem_eq(change->data, "10", 2);
    (void)out;
    return MS_SERVICE_REPLY;
}

static int merge_half(const void *state, const struct ms_service_change *change,
                      struct ms_service_writer *out)
{
    (void)state, (void)change;
    ms_service_say(out, "5");
    return MS_SERVICE_PROPOSE;
}

START_TEST(a_service_may_say_what_becomes_of_it)
{
    struct ms_service own = counter_service;

    own.merge = merge_nothing;
    part();
    call(&there, 2, 2, "count/add", "10");
    commit(&there);
    unit_of(&here, "count")->service = &own;
    take_all();
    ck_assert_uint_eq(total(), 1);
    own.merge = merge_half;
    take_all();
    ck_assert_uint_eq(total(), 6);
    unit_of(&here, "count")->service = &counter_service;
    end();
}
END_TEST

TESTS(what_is_known_is_not_made_again, what_is_not_known_is_made_at_the_end,
      what_its_client_has_repeated_here_is_not_made_again,
      what_was_answered_there_before_its_client_came_is_made,
      a_snapshot_of_what_is_unknown_is_left_to_people, a_service_may_say_what_becomes_of_it)
