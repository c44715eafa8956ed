/* A half whose disk does nothing any more. */
#include "master/pair_stuck.h"

#include "master/pair_alarms.h"
#include "tests/support/suite.h"
#include "tests/unit/master_guest.h"

#define LONG (600 * MS_SEC)

static bool is_told(int place, const char *name)
{
    struct ms_pair_alarms alarms;

    ms_pair_alarms(halves[place].pair, now, &alarms);
    for (uint32_t i = 0; i < alarms.count; i++) {
        if (strncmp(alarms.texts[i], name, strlen(name)) == 0) {
            return true;
        }
    }
    return false;
}

/* With evidence the other one needs no votes. */
static void begin(enum ms_failover failover)
{
    failover_of_all = failover;
    make_pair();
    bring_slave(0);
}

/* Again if it was before: who says no more than that is given up after some seconds. */
static void submit_anew(uint64_t seq)
{
    bring_slave(0);
    submit(greet(0, MS_ROLE_CLIENT, 2), seq);
}

static bool is_acknowledged(uint64_t seq, uint8_t copies)
{
    const struct ms_command *ack = last_of(MS_KIND_SUBMIT_ACK);

    return ack != NULL && ack->id.seq == seq && ack->copies == copies;
}

START_TEST(test_an_active_that_hangs_gives_way)
{
    begin(MS_FAILOVER_EVIDENCE);

    stuck_until[0] = now + LONG;
    submit_anew(1);
    pass(MS_STORE_SILENCE + 1 * MS_SEC);
    ck_assert(stats_of(0).is_stuck);
    ck_assert(is_told(0, "STORE_STUCK: "));
    ck_assert_int_eq(halves[0].stops, 0);
    ck_assert_ptr_null(last_of(MS_KIND_SUBMIT_ACK));
    pass(MS_STUCK_PATIENCE - MS_STORE_SILENCE);
    ck_assert_int_eq(halves[0].stops, 1);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_HALTED);
    kill_half(0);
    bring_slave(1);
    pass(5 * MS_SEC);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_SOLO);
    ck_assert_uint_eq(commands_at(1), 1); /* which was on one disk only, and was not acknowledged */
}
END_TEST

START_TEST(test_one_that_is_slow_stays)
{
    begin(MS_FAILOVER_EVIDENCE);

    for (uint64_t seq = 1; seq < 5; seq++) {
        stuck_until[0] = now + MS_STUCK_PATIENCE - 1 * MS_SEC;
        submit_anew(seq);
        pass(MS_STUCK_PATIENCE);
        submit_anew(seq);
        ck_assert(is_acknowledged(seq, 2));
    }
    ck_assert_int_eq(halves[0].stops, 0);
    ck_assert(!stats_of(0).is_stuck);
    ck_assert(stores_are_equal());
}
END_TEST

START_TEST(test_it_does_not_end_when_nobody_would_take_over)
{
    begin(MS_FAILOVER_QUORUM); /* and no witness */

    stuck_until[0] = now + 60 * MS_SEC;
    submit_anew(1);
    pass(59 * MS_SEC);
    ck_assert_int_eq(halves[0].stops, 0);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert(is_told(0, "STORE_STUCK: "));
    pass(2 * MS_SEC);
    submit_anew(1);
    ck_assert(is_acknowledged(1, 2));
    ck_assert(!is_told(0, "STORE_STUCK: "));
}
END_TEST

/* One disk behind both. */
START_TEST(test_it_does_not_end_when_the_other_one_hangs_too)
{
    begin(MS_FAILOVER_EVIDENCE);

    stuck_until[0] = now + 60 * MS_SEC;
    submit_anew(1);
    stuck_until[1] = now + 60 * MS_SEC; /* it has the first one */
    submit_anew(2);
    pass(59 * MS_SEC);
    ck_assert_int_eq(halves[0].stops, 0);
    ck_assert(is_told(0, "STORE_STUCK: "));
    ck_assert(is_told(1, "STORE_STUCK: "));
    pass(2 * MS_SEC);
    submit_anew(2);
    ck_assert(is_acknowledged(2, 2));
}
END_TEST

START_TEST(test_one_that_is_alone_says_so)
{
    begin(MS_FAILOVER_EVIDENCE);

    kill_half(1);
    greet(0, MS_ROLE_CLIENT, 3);
    order(0, MS_ORDER_FORCE);
    pass(5 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_SOLO);
    stuck_until[0] = now + 60 * MS_SEC;
    submit_anew(1);
    pass(30 * MS_SEC);
    ck_assert_int_eq(halves[0].stops, 0);
    ck_assert(is_told(0, "STORE_STUCK: "));
    ms_pair_listen(halves[0].pair, now); /* as each step does */
    ck_assert(ms_pair_is_silent(halves[0].pair));
    ck_assert(!ms_pair_gives_way(halves[0].pair, now));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pair_stuck");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, set_up, end_world);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, test_an_active_that_hangs_gives_way);
    tcase_add_test(all, test_one_that_is_slow_stays);
    tcase_add_test(all, test_it_does_not_end_when_nobody_would_take_over);
    tcase_add_test(all, test_it_does_not_end_when_the_other_one_hangs_too);
    tcase_add_test(all, test_one_that_is_alone_says_so);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
