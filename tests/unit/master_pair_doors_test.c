/* Who may say what on a listener for the pair alone, and on the others beside it. */
#include "tests/unit/master_halves.h"
#include "tests/support/suite.h"

#define APART "10.0.0.1:7405"

static void start_apart(int place)
{
    struct ms_council_record record = first_record(place);

    start_with(place, &record, place == 0);
    ms_pair_set_apart(halves[place].pair, APART);
}

/* A pair whose halves find each other. */
static void set_up(void)
{
    begin_world();
    is_dialling_apart = true;
    start_apart(0);
    start_apart(1);
    pass(20 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert(stores_are_equal());
}

static uint32_t dial(int place, bool is_apart)
{
    is_dialling_apart = is_apart;
    const uint32_t slot = connect_to(GUEST, place, 0);

    is_dialling_apart = true;
    pass(2 * LATENCY);
    return slot;
}

/* The last that the guest has heard. */
static const struct ms_command *answer(void)
{
    pass(20 * LATENCY);
    ck_assert_uint_gt(heard_count, 0);
    for (size_t i = heard_count; i > 0; i--) {
        if (heard[i - 1]->event.type == MS_EVENT_RECEIVED) {
            return &heard[i - 1]->command;
        }
    }
    ck_abort_msg("nothing was said");
}

static bool names(const struct ms_command *command, const char *what)
{
    char text[MS_DETAIL_MAX + 1] = "";

    memcpy(text, command->detail.data, command->detail.size);
    return strstr(text, what) != NULL;
}

static const struct ms_command *greet(int place, bool is_apart, enum ms_role role)
{
    const struct ms_pair_frame hello = {.role = role,
                                        .version_min = 1,
                                        .version_max = 1,
                                        .id = {{7}},
                                        .node = (uint8_t)(1 - place)};
    const uint32_t slot = dial(place, is_apart);

    send_on(slot, GUEST, 0, &(struct ms_command){.kind = MS_KIND_PEER_HELLO, .body.pair = &hello});
    return answer();
}

static const struct ms_command *order(int place, bool is_apart, enum ms_order what)
{
    greet(place, is_apart, MS_ROLE_OPERATOR);
    send_on(wires_count - 1, GUEST, 0, &(struct ms_command){.kind = MS_KIND_ORDER, .count = what});
    return answer();
}

static const struct ms_command *greet_as_client(int place, bool is_apart)
{
    const struct ms_hello hello = {
        .role = MS_ROLE_CLIENT, .version_min = 1, .version_max = 1, .node = {{3}}};

    send_on(dial(place, is_apart), GUEST, 0,
            &(struct ms_command){.kind = MS_KIND_HELLO, .body.hello = &hello});
    return answer();
}

static const char *orders_at(const struct ms_command *report)
{
    ck_assert_uint_eq(report->kind, MS_KIND_REPORT);
    for (uint32_t i = 0; i < report->body.report->cells_count; i++) {
        if (strcmp(report->body.report->cells[i].name, "orders_at") == 0) {
            return report->body.report->cells[i].text;
        }
    }
    ck_abort_msg("no column orders_at");
}

START_TEST(test_orders_are_for_the_listener_of_the_pair)
{
    const struct ms_command *refused = order(1, false, MS_ORDER_FORCE);

    ck_assert_uint_eq(refused->kind, MS_KIND_ORDER_ACK);
    ck_assert_uint_eq(refused->error, MS_E_PERMISSION);
    ck_assert(names(refused, APART));
    pass(5 * MS_SEC);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_SYNC); /* it has not taken over */
    ck_assert_uint_eq(order(0, false, MS_ORDER_HOLD)->error, MS_E_PERMISSION);
    ck_assert_uint_eq(order(0, true, MS_ORDER_HOLD)->error, MS_E_OK);
    ck_assert_uint_eq(order(0, true, MS_ORDER_SWITCHOVER)->error, MS_E_OK);
    pass(5 * MS_SEC);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_PAIR);
}
END_TEST

START_TEST(test_how_it_is_may_be_asked_everywhere)
{
    ck_assert_str_eq(orders_at(order(0, false, MS_ORDER_STATUS)), APART);
    ck_assert_str_eq(orders_at(order(1, false, MS_ORDER_STATUS)), APART);
    ck_assert_str_eq(orders_at(order(0, true, MS_ORDER_STATUS)), "");
}
END_TEST

START_TEST(test_witnesses_come_everywhere)
{
    ck_assert_uint_ge(greet(0, false, MS_ROLE_WITNESS)->kind, MS_KIND_PEER_HELLO);
    ck_assert(wires[wires_count - 1].is_open[1]);
    ck_assert_uint_ge(greet(1, true, MS_ROLE_WITNESS)->kind, MS_KIND_PEER_HELLO);
    ck_assert(wires[wires_count - 1].is_open[1]);
}
END_TEST

/* Who says that it is the other half would take its place. */
START_TEST(test_the_other_half_is_heard_at_the_listener_of_the_pair_only)
{
    const struct ms_command *refused = greet(0, false, MS_ROLE_MASTER);

    ck_assert_uint_eq(refused->kind, MS_KIND_ERROR);
    ck_assert_uint_eq(refused->error, MS_E_PERMISSION);
    ck_assert(names(refused, APART));
    ck_assert(!wires[wires_count - 1].is_open[1]);
    pass(1 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert(stats_of(0).has_peer);
}
END_TEST

START_TEST(test_slaves_and_clients_are_refused_there)
{
    for (int place = 0; place < 2; place++) {
        const struct ms_command *refused = greet_as_client(place, true);

        ck_assert_uint_eq(refused->kind, MS_KIND_ERROR);
        ck_assert_uint_eq(refused->error, MS_E_PERMISSION);
        ck_assert(names(refused, "--listen"));
    }
    ck_assert_uint_eq(greet_as_client(0, false)->kind, MS_KIND_WELCOME);
    ck_assert_uint_eq(greet_as_client(1, false)->error, MS_E_NOT_ACTIVE);
}
END_TEST

START_TEST(test_a_half_that_dials_the_wrong_listener_is_told)
{
    end_world();
    begin_world();
    start_apart(0);
    start_apart(1);
    const uint32_t before = wires_count;

    pass(5 * MS_SEC);
    ck_assert(!stats_of(0).has_peer && !stats_of(1).has_peer);
    ck_assert_uint_lt(wires_count - before, 200); /* with pauses */
    is_dialling_apart = true;                     /* its --peer was put right */
    pass(20 * MS_SEC);
    ck_assert(stats_of(0).has_peer && stats_of(1).has_peer);
}
END_TEST

START_TEST(test_without_such_a_listener_everything_is_taken_everywhere)
{
    end_world();
    begin_world();
    for (int place = 0; place < 2; place++) {
        struct ms_council_record record = first_record(place);

        start_with(place, &record, place == 0);
    }
    pass(20 * MS_SEC);
    is_dialling_apart = true;
    ck_assert_str_eq(orders_at(order(0, false, MS_ORDER_STATUS)), "");
    ck_assert_uint_eq(order(0, false, MS_ORDER_HOLD)->error, MS_E_OK);
    ck_assert_uint_eq(greet_as_client(0, true)->kind, MS_KIND_WELCOME);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pair_doors");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, set_up, end_world);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, test_orders_are_for_the_listener_of_the_pair);
    tcase_add_test(all, test_how_it_is_may_be_asked_everywhere);
    tcase_add_test(all, test_witnesses_come_everywhere);
    tcase_add_test(all, test_the_other_half_is_heard_at_the_listener_of_the_pair_only);
    tcase_add_test(all, test_slaves_and_clients_are_refused_there);
    tcase_add_test(all, test_a_half_that_dials_the_wrong_listener_is_told);
    tcase_add_test(all, test_without_such_a_listener_everything_is_taken_everywhere);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
