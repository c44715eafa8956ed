/* What a half writes of commands in slaves' hands while the other one has an older program, and when it is upgraded. */
#include "master/state.h"
#include "tests/unit/master_guest.h"

static size_t count_of(int place, enum ms_record_kind kind)
{
    const struct half *half = &halves[place];
    size_t count = 0;

    for (size_t i = 0; i < half->entries_count; i++) {
        struct ms_bytes left = {half->entries[i].bytes, half->entries[i].size};
        struct ms_entry entry;

        while (ms_record_next(&left, &entry)) {
            count += entry.kind == kind;
        }
    }
    return count;
}

/* A pair, and one command that stays in a slave's hands. */
static void make_busy_pair(void)
{
    make_pair();
    say(bring_slave(0), (struct ms_command){.kind = MS_KIND_PULL, .count = 1});
    submit(greet(0, MS_ROLE_CLIENT, 2), 1);
    ck_assert_ptr_nonnull(last_of(MS_KIND_COMMAND));
}

/* The passive one is started with another program, and joins. */
static void exchange(bool with_older)
{
    kill_half(1);
    pass(300 * MS_MSEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_SOLO);
    is_older = with_older;
    start(1);
    pass(2 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert_uint_eq(stats_of(0).copies, 2);
}

static bool knows_hands_after_switchover(void)
{
    order(0, MS_ORDER_SWITCHOVER);
    pass(1 * MS_SEC);
    ck_assert_ptr_nonnull(ms_pair_master(halves[1].pair));
    return ms_pair_master(halves[1].pair)->knows_hands;
}

START_TEST(test_two_of_the_same_write_hands)
{
    make_busy_pair();
    ck_assert_uint_eq(count_of(0, MS_RECORD_HAND), 1);
    ck_assert_uint_eq(count_of(1, MS_RECORD_HAND), 1);
    ck_assert(knows_hands_after_switchover());
}
END_TEST

START_TEST(test_an_older_half_is_given_none)
{
    is_older = true;
    make_busy_pair();
    ck_assert_uint_eq(count_of(0, MS_RECORD_HAND), 0);
    ck_assert_uint_eq(count_of(1, MS_RECORD_HAND), 0);
    ck_assert(!knows_hands_after_switchover());
}
END_TEST

START_TEST(test_what_is_in_hand_is_written_when_it_is_upgraded)
{
    is_older = true;
    make_busy_pair();
    exchange(false);
    ck_assert_uint_eq(count_of(0, MS_RECORD_HAND), 1);
    ck_assert_uint_eq(count_of(1, MS_RECORD_HAND), 1);
    ck_assert(stores_are_equal());
}
END_TEST

START_TEST(test_none_is_left_when_it_is_put_back)
{
    make_busy_pair();
    exchange(true);
    ck_assert_uint_eq(count_of(0, MS_RECORD_HAND), 0);
    ck_assert_uint_eq(count_of(1, MS_RECORD_HAND), 0);
    ck_assert(stores_are_equal());
    ck_assert(!knows_hands_after_switchover());
}
END_TEST

/* Nobody has said so far that he can read them. */
START_TEST(test_who_has_met_nobody_writes_none)
{
    make_pair();
    kill_half(1);
    kill_half(0);
    start(0);
    pass(20 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_SOLO);
    say(bring_slave(0), (struct ms_command){.kind = MS_KIND_PULL, .count = 1});
    submit(greet(0, MS_ROLE_CLIENT, 2), 1);
    ck_assert_ptr_nonnull(last_of(MS_KIND_COMMAND));
    ck_assert_uint_eq(count_of(0, MS_RECORD_HAND), 0);
    start(1);
    pass(2 * MS_SEC);
    ck_assert_uint_eq(count_of(0, MS_RECORD_HAND), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pair of two programs");
    TCase *tcase = tcase_create("older");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, set_up, end_world);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_two_of_the_same_write_hands);
    tcase_add_test(tcase, test_an_older_half_is_given_none);
    tcase_add_test(tcase, test_what_is_in_hand_is_written_when_it_is_upgraded);
    tcase_add_test(tcase, test_none_is_left_when_it_is_put_back);
    tcase_add_test(tcase, test_who_has_met_nobody_writes_none);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
