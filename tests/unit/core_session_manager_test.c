#include "core/session_manager.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"

#define PERIOD (1000 * MS_MSEC)

static struct ms_session_identity identity(unsigned number, enum ms_role role)
{
    struct ms_session_identity one = {.role = role, .name = "one", .token = {{1}}};

    memcpy(one.uuid.bytes, &number, sizeof number);
    one.uuid.bytes[15] = 1;
    return one;
}

static struct ms_session *open_one(struct ms_session_manager *manager, ms_time now, unsigned number)
{
    const struct ms_session_identity one = identity(number, MS_ROLE_SLAVE);
    struct ms_session *session = ms_session_manager_new(manager, now, &one, number + 1);

    ck_assert_ptr_nonnull(session);
    return session;
}

static void init(struct ms_session_manager *manager, uint32_t max)
{
    ck_assert(ms_session_manager_init(manager, max, PERIOD, 1));
}

/* Runs ticks exactly when due until the handle is stale; returns when it died and went. */
static void watch_die(struct ms_session_manager *manager, struct ms_session *session,
                      ms_time *died_out, ms_time *reclaimed_out)
{
    for (int i = 0; i < 10; i++) {
        const ms_time due = ms_session_manager_deadline(manager);

        ck_assert_int_eq(ms_session_manager_tick(manager, due - 1), MS_SESSION_TICK_EARLY);
        ck_assert_int_eq(ms_session_manager_tick(manager, due), MS_SESSION_TICK_AGED);
        for (struct ms_session *one; (one = ms_session_manager_take_dead(manager)) != NULL;) {
            *died_out = one == session ? due : *died_out;
        }
        for (struct ms_session *one; (one = ms_session_manager_take_reclaimed(manager)) != NULL;) {
            *reclaimed_out = one == session ? due : *reclaimed_out;
            ms_session_manager_free(manager, one);
        }
        if (*reclaimed_out != 0) {
            return;
        }
    }
    ck_abort_msg("it never went");
}

START_TEST(death_and_reclaim_come_within_their_bounds)
{
    struct ms_rng rng;

    ms_rng_init(&rng, 1);
    for (int round = 0; round < 2000; round++) {
        struct ms_session_manager manager;
        ms_time died = 0, reclaimed = 0;

        init(&manager, 4);
        open_one(&manager, 0, 1); /* sets the schedule */
        /* Often right on a tick or beside it, where rules break. */
        const ms_time offset = ms_rng_chance(&rng, 1, 3) ? ms_rng_between(&rng, -1, 1)
                                                         : ms_rng_between(&rng, 0, PERIOD);
        const ms_time beat = PERIOD * (1 + (ms_time)ms_rng_below(&rng, 3)) + offset;
        struct ms_session *session = open_one(&manager, 1, 2);

        while (ms_session_manager_deadline(&manager) < beat) {
            ms_session_manager_tick(&manager, ms_session_manager_deadline(&manager));
        }
        ck_assert(ms_session_manager_alive(&manager, session, beat));
        watch_die(&manager, session, &died, &reclaimed);
        ck_assert_int_gt(died - beat, 3 * PERIOD);
        ck_assert_int_le(died - beat, 4 * PERIOD);
        ck_assert_int_gt(reclaimed - beat, 4 * PERIOD);
        ck_assert_int_le(reclaimed - beat, 5 * PERIOD);
        ms_session_manager_finish(&manager);
    }
}
END_TEST

START_TEST(beats_keep_it_alive)
{
    struct ms_session_manager manager;

    init(&manager, 4);
    struct ms_session *session = open_one(&manager, 0, 1);

    for (ms_time now = 0; now < 100 * PERIOD; now += PERIOD / 2) {
        ck_assert(ms_session_manager_alive(&manager, session, now));
        ms_session_manager_tick(&manager, now);
        ck_assert_int_le(session->state, MS_SESSION_WAITING_0);
    }
    ck_assert_uint_gt(manager.ticks_count, 90);
    ck_assert_ptr_null(ms_session_manager_take_dead(&manager));
    ms_session_manager_finish(&manager);
}
END_TEST

START_TEST(own_stall_ages_nobody)
{
    struct ms_session_manager manager;

    init(&manager, 4);
    struct ms_session *session = open_one(&manager, 0, 1);

    for (int stall = 0; stall < 50; stall++) {
        const ms_time late =
            ms_session_manager_deadline(&manager) + PERIOD / 2 + 1 + stall * PERIOD;
        const uint8_t before = session->state;

        ck_assert_int_eq(ms_session_manager_tick(&manager, late), MS_SESSION_TICK_STALLED);
        ck_assert_int_eq(session->state, before);
        ck_assert_int_eq(ms_session_manager_deadline(&manager), late + PERIOD);
    }
    ck_assert_uint_eq(manager.stalls_count, 50);
    ck_assert_uint_eq(manager.ticks_count, 0);
    ms_session_manager_finish(&manager);
}
END_TEST

START_TEST(a_little_late_ages_but_does_not_drift)
{
    struct ms_session_manager manager;

    init(&manager, 4);
    struct ms_session *session = open_one(&manager, 0, 1);

    for (int i = 1; i <= 4; i++) {
        ck_assert_int_eq(ms_session_manager_tick(&manager, i * PERIOD + PERIOD / 2),
                         MS_SESSION_TICK_AGED);
        ck_assert_int_eq(session->state, i);
        ck_assert_int_eq(ms_session_manager_deadline(&manager), (i + 1) * PERIOD);
    }
    ck_assert_ptr_eq(ms_session_manager_take_dead(&manager), session);
    ms_session_manager_finish(&manager);
}
END_TEST

START_TEST(beat_between_due_and_late_tick_counts_for_the_next)
{
    struct ms_session_manager manager;

    init(&manager, 4);
    struct ms_session *session = open_one(&manager, 0, 1);

    ck_assert(ms_session_manager_alive(&manager, session, PERIOD + 10));
    ck_assert_int_eq(ms_session_manager_tick(&manager, PERIOD + 20), MS_SESSION_TICK_AGED);
    ck_assert_int_eq(session->state, MS_SESSION_ALIVE);
    ms_session_manager_finish(&manager);
}
END_TEST

START_TEST(a_beat_does_not_raise_the_dead)
{
    struct ms_session_manager manager;
    const struct ms_uuid token = {{1}};

    init(&manager, 4);
    struct ms_session *session = open_one(&manager, 0, 1);

    ms_session_manager_close(&manager, session);
    ck_assert(!ms_session_manager_alive(&manager, session, 1));
    ck_assert(!ms_session_manager_read(&manager, session, 1));
    ck_assert(!ms_session_manager_resume(&manager, session, 1, &token, 9));
    ck_assert(ms_session_is_dead(session));
    ms_session_manager_close(&manager, session);
    ck_assert_ptr_eq(ms_session_manager_take_dead(&manager), session);
    ck_assert_ptr_null(ms_session_manager_take_dead(&manager));
    ms_session_manager_finish(&manager);
}
END_TEST

START_TEST(untaken_dead_are_not_reclaimed)
{
    struct ms_session_manager manager;

    init(&manager, 4);
    struct ms_session *session = open_one(&manager, 0, 1);

    ms_session_manager_close(&manager, session);
    ms_session_manager_tick(&manager, PERIOD);
    ck_assert_ptr_null(ms_session_manager_take_reclaimed(&manager));
    ck_assert_ptr_eq(ms_session_manager_take_dead(&manager), session);
    ms_session_manager_tick(&manager, 2 * PERIOD);
    ms_session_manager_tick(&manager, 3 * PERIOD);
    ck_assert_ptr_eq(ms_session_manager_take_reclaimed(&manager), session);
    ck_assert_ptr_null(ms_session_manager_take_reclaimed(&manager));
    ms_session_manager_free(&manager, session);
    ck_assert_int_eq(ms_session_manager_deadline(&manager), MS_TIME_NEVER);
    ms_session_manager_finish(&manager);
}
END_TEST

START_TEST(names_are_unique_among_the_living)
{
    struct ms_session_manager manager;
    const struct ms_session_identity as_slave = identity(1, MS_ROLE_SLAVE);
    const struct ms_session_identity as_client = identity(1, MS_ROLE_CLIENT);

    init(&manager, 4);
    struct ms_session *first = ms_session_manager_new(&manager, 0, &as_slave, 1);

    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(ms_session_manager_new(&manager, 0, &as_slave, 2));
    ck_assert_ptr_nonnull(ms_session_manager_new(&manager, 0, &as_client, 2));
    ms_session_manager_close(&manager, first);
    struct ms_session *second = ms_session_manager_new(&manager, 0, &as_slave, 3);

    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_eq(ms_session_manager_find_uuid(&manager, MS_ROLE_SLAVE, &as_slave.uuid), second);
    ck_assert_ptr_eq(ms_session_manager_take_dead(&manager), first);
    /* Letting the first go must not make the second unknown. */
    const ms_handle handle = first->handle;

    ms_session_manager_tick(&manager, PERIOD);
    ck_assert_ptr_eq(ms_session_manager_take_reclaimed(&manager), first);
    ck_assert_ptr_eq(ms_session_manager_find(&manager, handle), first);
    ms_session_manager_free(&manager, first);
    ck_assert_ptr_null(ms_session_manager_find(&manager, handle));
    ck_assert_ptr_eq(ms_session_manager_find_uuid(&manager, MS_ROLE_SLAVE, &as_slave.uuid), second);
    ms_session_manager_finish(&manager);
}
END_TEST

START_TEST(full_pool_refuses)
{
    struct ms_session_manager manager;
    const struct ms_session_identity extra = identity(99, MS_ROLE_SLAVE);

    init(&manager, 3);
    for (unsigned i = 0; i < 3; i++) {
        open_one(&manager, 0, i);
    }
    ck_assert_ptr_null(ms_session_manager_new(&manager, 0, &extra, 9));
    ck_assert_ptr_null(ms_session_manager_find_uuid(&manager, MS_ROLE_SLAVE, &extra.uuid));
    ck_assert_uint_eq(ms_session_manager_count(&manager), 3);
    ms_session_manager_destroy_all(&manager);
    ck_assert_uint_eq(ms_session_manager_count(&manager), 0);
    ck_assert_ptr_nonnull(ms_session_manager_new(&manager, 0, &extra, 9));
    ms_session_manager_finish(&manager);
    ms_session_manager_finish(NULL);
}
END_TEST

/* Counts by state, from the sessions themselves. */
static void check_counts(const struct ms_session_manager *manager)
{
    uint32_t counts[MS_SESSION_STATES] = {0};
    uint32_t cursor = 0;

    for (struct ms_session *one; (one = ms_session_manager_next(manager, &cursor)) != NULL;) {
        if (!one->is_reclaimed) {
            counts[one->state]++;
        }
        ck_assert_ptr_eq(ms_session_manager_find(manager, one->handle), one);
    }
    ck_assert_mem_eq(counts, manager->states, sizeof counts);
}

static void random_step(struct ms_session_manager *manager, struct ms_rng *rng, ms_time now)
{
    const unsigned number = (unsigned)ms_rng_below(rng, 30);
    const struct ms_session_identity one = identity(number, MS_ROLE_SLAVE);
    struct ms_session *session = ms_session_manager_find_uuid(manager, one.role, &one.uuid);

    if (session == NULL || ms_session_is_dead(session)) {
        ms_session_manager_new(manager, now, &one, number + 1);
    } else if (ms_rng_chance(rng, 1, 10)) {
        ms_session_manager_close(manager, session);
    } else if (ms_rng_chance(rng, 1, 10)) {
        ms_session_lost(session);
        ck_assert(ms_session_manager_resume(manager, session, now, &one.token, number + 100));
    } else {
        ck_assert(ms_session_manager_alive(manager, session, now));
    }
}

START_TEST(pool_and_counts_are_conserved)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct ms_session_manager manager;
        struct ms_session *session;
        struct ms_rng rng;
        ms_time now = 0;

        ms_rng_init(&rng, seed);
        init(&manager, 40);
        for (int step = 0; step < 3000; step++) {
            now += ms_rng_between(&rng, 0, PERIOD / 4);
            random_step(&manager, &rng, now);
            ms_session_manager_tick(&manager, now);
            while (ms_rng_chance(&rng, 1, 2) &&
                   (session = ms_session_manager_take_dead(&manager)) != NULL) {
                ck_assert(ms_session_is_dead(session));
            }
            while ((session = ms_session_manager_take_reclaimed(&manager)) != NULL) {
                ms_session_manager_free(&manager, session);
            }
            check_counts(&manager);
        }
        ms_session_manager_finish(&manager);
    }
}
END_TEST

START_TEST(freeing_twice_aborts)
{
    struct ms_session_manager manager;

    init(&manager, 4);
    struct ms_session *session = open_one(&manager, 0, 1);

    ms_session_manager_free(&manager, session);
    ms_session_manager_free(&manager, session);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_session_manager");
    TCase *tests = tcase_create("session_manager");

    tcase_add_test(tests, death_and_reclaim_come_within_their_bounds);
    tcase_add_test(tests, beats_keep_it_alive);
    tcase_add_test(tests, own_stall_ages_nobody);
    tcase_add_test(tests, a_little_late_ages_but_does_not_drift);
    tcase_add_test(tests, beat_between_due_and_late_tick_counts_for_the_next);
    tcase_add_test(tests, a_beat_does_not_raise_the_dead);
    tcase_add_test(tests, untaken_dead_are_not_reclaimed);
    tcase_add_test(tests, names_are_unique_among_the_living);
    tcase_add_test(tests, full_pool_refuses);
    tcase_add_test(tests, pool_and_counts_are_conserved);
    tcase_add_test_raise_signal(tests, freeing_twice_aborts, SIGABRT);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
