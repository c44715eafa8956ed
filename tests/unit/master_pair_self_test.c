/* Halves whose list of addresses has their own in it, as one configuration for both machines has. */
#include "master/pair_alarms.h"

#include "tests/support/suite.h"
#include "tests/unit/master_halves.h"

static bool has_alarm(int place, const char *name)
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

static void start(int place)
{
    struct ms_council_record record = first_record(place);

    start_with(place, &record, place == 0);
}

static void begin(const char *peers)
{
    begin_world();
    peers_of_all = peers;
}

START_TEST(test_a_pair_forms_of_halves_that_are_told_of_both)
{
    begin(_i == 0 ? OWN_ADDRESS "," OTHER_ADDRESS : OTHER_ADDRESS "," OWN_ADDRESS);
    start(0);
    pass(3 * MS_SEC);
    ck_assert_uint_eq(self_dials, 1);
    ck_assert(!stats_of(0).has_peer);
    ck_assert(!has_alarm(0, "PEER_ROLE"));
    ck_assert(!has_alarm(0, "PEER_SELF"));
    start(1);
    pass(20 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_SYNC);
    ck_assert_uint_le(self_dials, 2);
    ck_assert(stores_are_equal());
}
END_TEST

START_TEST(test_alone_it_is_not_its_own_peer)
{
    begin(OWN_ADDRESS "," OTHER_ADDRESS);
    start(0);
    start(1);
    pass(20 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    kill_half(1);
    pass(100 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_SOLO);
    ck_assert(!stats_of(0).has_peer);
    ck_assert(has_alarm(0, "DEGRADED"));
    ck_assert_uint_le(self_dials,
                      4); /* once a minute, in case that address is the other one's by then */
    start(1);
    pass(20 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
}
END_TEST

START_TEST(test_who_knows_only_itself_says_so)
{
    begin(OWN_ADDRESS);
    start(0);
    pass(3 * MS_SEC);
    ck_assert(has_alarm(0, "PEER_SELF"));
    ck_assert(!has_alarm(0, "PEER_ROLE"));
    pass(MS_PAIR_OWN_PAUSE);
    ck_assert_uint_eq(self_dials, 2);
    ck_assert(has_alarm(0, "PEER_SELF"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pair_self");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, NULL, end_world);
    tcase_add_loop_test(tests, test_a_pair_forms_of_halves_that_are_told_of_both, 0, 2);
    tcase_add_test(tests, test_alone_it_is_not_its_own_peer);
    tcase_add_test(tests, test_who_knows_only_itself_says_so);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
