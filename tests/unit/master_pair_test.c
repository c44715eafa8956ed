#include "master/pair.h"

#include "tests/unit/master_guest.h"

/* --- tests --- */

START_TEST(test_a_pair_is_made_of_two_empty_halves)
{
    make_pair();
    ck_assert_uint_eq(stats_of(0).copies, 2);
    ck_assert_ptr_null(ms_pair_master(halves[1].pair));
    ck_assert(stores_are_equal());
}
END_TEST

static bool tells(const struct ms_command *error, const char *where)
{
    return error != NULL && error->error == MS_E_NOT_ACTIVE &&
           error->detail.size == strlen(where) &&
           memcmp(error->detail.data, where, error->detail.size) == 0;
}

START_TEST(test_whoever_is_sent_away_is_told_where_the_active_half_is)
{
    start(0);
    start(1);
    ms_pair_set_reached(halves[0].pair, "a:1,10.0.0.1:1");
    ms_pair_set_reached(halves[1].pair, "b:1");
    pass(20 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    greet(1, MS_ROLE_CLIENT, 2);
    ck_assert(tells(last_of(MS_KIND_ERROR), "a:1,10.0.0.1:1"));
    bring_slave(0);
    order(0, MS_ORDER_SWITCHOVER);
    pass(5 * MS_SEC);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_PAIR);
    ck_assert(tells(last_of(MS_KIND_ERROR), "b:1"));
    kill_half(1); /* who is gone is not recommended */
    pass(2 * LATENCY);
    greet(0, MS_ROLE_CLIENT, 3);
    pass(1 * MS_SEC);
    ck_assert(!tells(last_of(MS_KIND_ERROR), "b:1"));
}
END_TEST

/* A connection that says nothing for long costs nobody anything, and is welcome when it speaks. */
START_TEST(test_who_is_parked_at_the_passive_half_greets_when_it_is_lost)
{
    make_pair();
    bring_slave(0);
    const uint32_t parked = connect_to(GUEST, 1, 0);

    pass(600 * MS_SEC);
    ck_assert(wires[parked].is_open[0]);
    ck_assert_uint_eq(ms_pair_greeters(halves[1].pair), 0);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_SYNC);
    kill_half(0);
    pass(LATENCY);
    order(1, MS_ORDER_FORCE);
    const struct ms_hello hello = {
        .role = MS_ROLE_CLIENT, .version_min = 1, .version_max = 1, .node = {{2}}};

    say(parked, (struct ms_command){.kind = MS_KIND_HELLO, .body.hello = &hello});
    pass(1 * MS_SEC);
    ck_assert_ptr_nonnull(last_of(MS_KIND_WELCOME));
    ck_assert(wires[parked].is_open[0]);
}
END_TEST

START_TEST(test_an_acknowledgement_means_two_copies)
{
    make_pair();
    bring_slave(0);
    const uint32_t client = greet(0, MS_ROLE_CLIENT, 2);

    submit(client, 1);
    const struct ms_command *ack = last_of(MS_KIND_SUBMIT_ACK);

    ck_assert_ptr_nonnull(ack);
    ck_assert_uint_eq(ack->copies, 2);
    ck_assert_int_eq(ack->durability, MS_DURABILITY_SYNC);
    pass(1 * MS_SEC);
    ck_assert(stores_are_equal());
}
END_TEST

START_TEST(test_a_passive_half_sends_clients_away)
{
    make_pair();
    greet(1, MS_ROLE_CLIENT, 2);
    ck_assert_ptr_nonnull(last_of(MS_KIND_ERROR));
    ck_assert_uint_eq(last_of(MS_KIND_ERROR)->error, MS_E_NOT_ACTIVE);
}
END_TEST

START_TEST(test_who_greets_before_it_serves_waits_for_its_welcome)
{
    make_pair();
    kill_half(0);
    pass(10 * MS_MSEC);
    greet(1, MS_ROLE_CLIENT, 2);
    ck_assert_ptr_null(last_of(MS_KIND_ERROR));
    ck_assert_ptr_null(last_of(MS_KIND_WELCOME));
    order(1, MS_ORDER_FORCE);
    pass(50 * MS_MSEC);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_SOLO);
    ck_assert_ptr_nonnull(last_of(MS_KIND_WELCOME));
    ck_assert_ptr_null(last_of(MS_KIND_ERROR));
}
END_TEST

START_TEST(test_who_greets_in_vain_hears_of_it_in_time)
{
    make_pair();
    kill_half(0);
    pass(10 * MS_MSEC);
    const uint32_t client = greet(1, MS_ROLE_CLIENT, 2);

    ck_assert_ptr_null(last_of(MS_KIND_ERROR));
    ck_assert(wires[client].is_open[0]);
    pass(MS_GREETER_WAIT);
    ck_assert_ptr_nonnull(last_of(MS_KIND_ERROR));
    ck_assert_uint_eq(last_of(MS_KIND_ERROR)->error, MS_E_NOT_ACTIVE);
    ck_assert(!wires[client].is_open[0]);
    /* Whoever says more before it is answered is not waited for. */
    const uint32_t other = greet(1, MS_ROLE_CLIENT, 3);

    ck_assert(wires[other].is_open[0]);
    submit(other, 1);
    ck_assert(!wires[other].is_open[0]);
}
END_TEST

START_TEST(test_a_switchover_loses_nothing)
{
    make_pair();
    bring_slave(0);
    const uint32_t client = greet(0, MS_ROLE_CLIENT, 2);

    submit(client, 1);
    order(0, MS_ORDER_SWITCHOVER);
    pass(1 * MS_SEC);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_PAIR);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_SYNC);
    ck_assert(!wires[client].is_open[0]);
    ck_assert_uint_eq(commands_at(1), 1);
    ck_assert(!halves[0].is_paused);

    const uint32_t again = greet(1, MS_ROLE_CLIENT, 2);

    submit(again, 1);
    ck_assert_uint_eq(last_of(MS_KIND_SUBMIT_ACK)->copies, 2);
    ck_assert_uint_eq(commands_at(1), 1);
    pass(1 * MS_SEC);
    ck_assert(stores_are_equal());
    ck_assert_uint_eq(stats_of(1).copies_total, 0);
}
END_TEST

START_TEST(test_the_incumbent_goes_on_alone_and_takes_its_peer_back)
{
    make_pair();
    bring_slave(0);
    const uint32_t client = greet(0, MS_ROLE_CLIENT, 2);

    submit(client, 1);
    kill_half(1);
    pass(300 * MS_MSEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_SOLO);
    submit(client, 2);
    ck_assert_uint_eq(last_of(MS_KIND_SUBMIT_ACK)->copies, 1);
    ck_assert(wires[client].is_open[0]);
    start(1);
    pass(10 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert(stores_are_equal());
    bring_slave(0);
    submit(greet(0, MS_ROLE_CLIENT, 2), 3);
    ck_assert_uint_eq(last_of(MS_KIND_SUBMIT_ACK)->copies, 2);
    ck_assert_uint_eq(commands_at(0), 3);
}
END_TEST

START_TEST(test_without_witnesses_the_standby_waits_for_an_operator)
{
    make_pair();
    bring_slave(0);
    const uint32_t client = greet(0, MS_ROLE_CLIENT, 2);

    submit(client, 1);
    kill_half(0);
    pass(10 * MS_SEC);
    ck_assert_ptr_null(ms_pair_master(halves[1].pair));
    order(1, MS_ORDER_FORCE);
    pass(1 * MS_SEC);
    ck_assert_uint_eq(commands_at(1), 1);
    start(0);
    pass(20 * MS_SEC);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_PAIR);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_SYNC);
    ck_assert(stores_are_equal());
}
END_TEST

START_TEST(test_a_cut_link_leaves_one_active)
{
    make_pair();
    is_cut = true;
    pass(10 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_SOLO);
    ck_assert_ptr_null(ms_pair_master(halves[1].pair));
    is_cut = false;
    pass(20 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_SYNC);
}
END_TEST

/* The connection stands, and the other half goes on talking. */
START_TEST(test_a_peer_that_hears_nothing_is_not_waited_for)
{
    make_pair();
    bring_slave(0);
    const uint32_t client = greet(0, MS_ROLE_CLIENT, 2);

    is_deaf = true;
    pass(1500 * MS_MSEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_SOLO);
    submit(client, 1);
    pass(100 * MS_MSEC);
    ck_assert_ptr_nonnull(last_of(MS_KIND_SUBMIT_ACK));
    ck_assert_uint_eq(last_of(MS_KIND_SUBMIT_ACK)->copies, 1);
}
END_TEST

START_TEST(test_after_a_power_cut_the_one_that_served_goes_on)
{
    make_pair();
    bring_slave(0);
    submit(greet(0, MS_ROLE_CLIENT, 2), 1);
    kill_half(0);
    kill_half(1);
    start(1);
    pass(100 * MS_MSEC);
    start(0);
    pass(30 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert_uint_eq(commands_at(0), 1);
    ck_assert(stores_are_equal());
}
END_TEST

START_TEST(test_the_active_hands_over_before_it_stops)
{
    make_pair();
    step(0, &(struct ms_event){.type = MS_EVENT_STOP});
    pass(1 * MS_SEC);
    ck_assert_int_eq(halves[0].stops, 1);
    ck_assert_int_ne(stats_of(1).state, MS_COUNCIL_SYNC);
    ck_assert_ptr_nonnull(ms_pair_master(halves[1].pair));
}
END_TEST

/* Whoever wanted to hand over finds nobody, and goes all the same: at once, as going on alone would leave the other one behind. */
START_TEST(test_both_stop_at_once)
{
    make_pair();
    step(0, &(struct ms_event){.type = MS_EVENT_STOP});
    step(1, &(struct ms_event){.type = MS_EVENT_STOP});
    ck_assert_int_eq(halves[1].stops, 1);
    kill_half(1);
    pass(1 * MS_SEC);
    ck_assert_int_eq(halves[0].stops, 1);
}
END_TEST

/* Who is about to serve alone, and cannot hand over, goes when it has read what there is. */
START_TEST(test_who_still_reads_stops_later)
{
    make_pair();
    kill_half(1);
    kill_half(0);
    start(0);
    for (int i = 0; i < 100000 && ms_pair_master(halves[0].pair) == NULL; i++) {
        pass(MS_MSEC / 10);
    }
    ck_assert_ptr_nonnull(ms_pair_master(halves[0].pair));
    ck_assert(!ms_master_is_ready(ms_pair_master(halves[0].pair)));
    step(0, &(struct ms_event){.type = MS_EVENT_STOP});
    ck_assert_int_eq(halves[0].stops, 0);
    pass(20 * MS_SEC);
    ck_assert_int_eq(halves[0].stops, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pair");
    TCase *halves_case = tcase_create("halves");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(halves_case, set_up, end_world);
    tcase_set_timeout(halves_case, 60);
    tcase_add_test(halves_case, test_a_pair_is_made_of_two_empty_halves);
    tcase_add_test(halves_case, test_whoever_is_sent_away_is_told_where_the_active_half_is);
    tcase_add_test(halves_case, test_who_is_parked_at_the_passive_half_greets_when_it_is_lost);
    tcase_add_test(halves_case, test_an_acknowledgement_means_two_copies);
    tcase_add_test(halves_case, test_a_passive_half_sends_clients_away);
    tcase_add_test(halves_case, test_who_greets_before_it_serves_waits_for_its_welcome);
    tcase_add_test(halves_case, test_who_greets_in_vain_hears_of_it_in_time);
    tcase_add_test(halves_case, test_a_switchover_loses_nothing);
    tcase_add_test(halves_case, test_the_incumbent_goes_on_alone_and_takes_its_peer_back);
    tcase_add_test(halves_case, test_without_witnesses_the_standby_waits_for_an_operator);
    tcase_add_test(halves_case, test_a_cut_link_leaves_one_active);
    tcase_add_test(halves_case, test_a_peer_that_hears_nothing_is_not_waited_for);
    tcase_add_test(halves_case, test_after_a_power_cut_the_one_that_served_goes_on);
    tcase_add_test(halves_case, test_the_active_hands_over_before_it_stops);
    tcase_add_test(halves_case, test_both_stop_at_once);
    tcase_add_test(halves_case, test_who_still_reads_stops_later);
    suite_add_tcase(suite, halves_case);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
