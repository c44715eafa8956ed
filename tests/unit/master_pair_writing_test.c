/* What goes on while the record of a half is on its way to a disk that takes its time. */
#include "master/pair_writing.h"

#include "tests/support/suite.h"
#include "tests/unit/master_halves.h"

#define TYPE 5000u

static uint32_t operator_at[2], client;

static void say(uint32_t slot, const struct ms_command *command)
{
    send_on(slot, GUEST, 0, command);
}

static const struct ms_command *last_of(uint32_t slot, enum ms_kind kind)
{
    for (size_t i = heard_count; i-- > 0;) {
        if (heard[i]->event.peer == slot + 1 && heard[i]->event.type == MS_EVENT_RECEIVED &&
            heard[i]->command.kind == kind) {
            return &heard[i]->command;
        }
    }
    return NULL;
}

static bool is_hung_up(uint32_t slot)
{
    for (size_t i = 0; i < heard_count; i++) {
        if (heard[i]->event.peer == slot + 1 && heard[i]->event.type == MS_EVENT_PEER_CLOSED) {
            return true;
        }
    }
    return false;
}

static uint32_t greet_as_operator(int place)
{
    const struct ms_pair_frame hello = {
        .role = MS_ROLE_OPERATOR, .version_min = MS_PROTOCOL_MIN, .version_max = MS_PROTOCOL_MAX};
    const uint32_t slot = connect_to(GUEST, place, 0);

    pass(2 * LATENCY);
    say(slot, &(struct ms_command){.kind = MS_KIND_PEER_HELLO, .body.pair = &hello});
    pass(2 * LATENCY);
    return slot;
}

static uint32_t join_in(enum ms_role role, uint8_t node)
{
    const struct ms_hello hello = {.role = role,
                                   .version_min = 1,
                                   .version_max = 1,
                                   .features = MS_FEATURES_ALL,
                                   .slots = role == MS_ROLE_SLAVE ? 1 : 0,
                                   .node = {{node}}};
    const uint32_t slot = connect_to(GUEST, 0, 0);

    pass(2 * LATENCY);
    say(slot, &(struct ms_command){.kind = MS_KIND_HELLO, .body.hello = &hello});
    pass(20 * LATENCY);
    ck_assert_ptr_nonnull(last_of(slot, MS_KIND_WELCOME));
    return slot;
}

/* A client, and a slave that knows what it wants. */
static uint32_t bring_client(void)
{
    static const struct ms_announced types[] = {{TYPE, "work"}};
    static const struct ms_announce announce = {1, types};

    say(join_in(MS_ROLE_SLAVE, 1),
        &(struct ms_command){.kind = MS_KIND_ANNOUNCE, .body.announce = &announce});
    pass(10 * LATENCY);
    return join_in(MS_ROLE_CLIENT, 2);
}

static void order(int place, enum ms_order what)
{
    say(operator_at[place], &(struct ms_command){.kind = MS_KIND_ORDER, .count = what});
}

static bool is_answered(int place, enum ms_order what)
{
    const struct ms_command *answer = last_of(operator_at[place], MS_KIND_ORDER_ACK);

    return answer != NULL && answer->count == what && answer->error == MS_E_OK;
}

/* A pair, of which the primary is active, and an operator at each. */
static void set_up(void)
{
    begin_world();
    for (int place = 0; place < 2; place++) {
        struct ms_council_record record = first_record(place);

        start_with(place, &record, place == 0);
    }
    pass(20 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_SYNC);
    for (int place = 0; place < 2; place++) {
        operator_at[place] = greet_as_operator(place);
    }
    client = bring_client();
}

/* The client's submission is acknowledged, by now or not at all. */
static bool is_acknowledged(uint64_t seq)
{
    say(client, &(struct ms_command){.kind = MS_KIND_SUBMIT,
                                     .id = {.seq = seq},
                                     .type = TYPE,
                                     .attempts_max = 1,
                                     .payload = ms_bytes_of("x")});
    pass(20 * LATENCY);
    const struct ms_command *answer = last_of(client, MS_KIND_SUBMIT_ACK);

    return answer != NULL && answer->id.seq >= seq;
}

START_TEST(test_work_goes_on_while_a_record_is_written)
{
    record_latency[0] = 500 * MS_MSEC;
    order(0, MS_ORDER_HOLD);
    pass(100 * MS_MSEC);
    ck_assert(is_acknowledged(1));
    ck_assert(!halves[0].is_paused);
    ck_assert(!is_answered(0, MS_ORDER_HOLD)); /* a crash would undo it */
    pass(500 * MS_MSEC);
    ck_assert(is_answered(0, MS_ORDER_HOLD));
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert(is_acknowledged(2));
}
END_TEST

/* It sends no beats meanwhile, so the other half may take over soon; whoever it serves shall look for that one. */
START_TEST(test_an_active_that_writes_for_too_long_pauses)
{
    record_latency[0] = 10 * MS_SEC;
    order(0, MS_ORDER_HOLD);
    pass(200 * MS_MSEC);
    ck_assert(!halves[0].is_paused);
    pass(900 * MS_MSEC);
    ck_assert(halves[0].is_paused);
    record_latency[0] = LATENCY;
    pass(12 * MS_SEC);
    ck_assert(is_answered(0, MS_ORDER_HOLD));
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR); /* the other one may not without votes */
    ck_assert(!halves[0].is_paused);
    ck_assert(is_acknowledged(1));
}
END_TEST

START_TEST(test_one_that_was_taken_over_from_meanwhile_follows)
{
    record_latency[0] = 10 * MS_SEC;
    order(0, MS_ORDER_HOLD);
    pass(3 * MS_SEC);
    ck_assert(halves[0].is_paused);
    say(operator_at[1], &(struct ms_command){.kind = MS_KIND_ORDER, .count = MS_ORDER_FORCE});
    pass(2 * MS_SEC);
    ck_assert(is_answered(1, MS_ORDER_FORCE));
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_SOLO);
    ck_assert(!is_hung_up(client));
    record_latency[0] = LATENCY;
    pass(30 * MS_SEC);
    ck_assert(is_hung_up(client));
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_SYNC);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_PAIR);
    ck_assert(stores_are_equal());
}
END_TEST

START_TEST(test_an_order_waits_for_the_record)
{
    const uint32_t second = greet_as_operator(0);

    record_latency[0] = 300 * MS_MSEC;
    order(0, MS_ORDER_HOLD);
    say(second, &(struct ms_command){.kind = MS_KIND_ORDER, .count = MS_ORDER_SWITCHOVER});
    pass(100 * MS_MSEC);
    ck_assert_ptr_null(last_of(second, MS_KIND_ORDER_ACK));
    order(0, MS_ORDER_RELEASE); /* who does not wait for his answer is told so */
    pass(10 * LATENCY);
    ck_assert_uint_eq(last_of(operator_at[0], MS_KIND_ORDER_ACK)->error, MS_E_RETRY_LATER);
    record_latency[0] = LATENCY;
    pass(5 * MS_SEC);
    ck_assert_uint_eq(last_of(second, MS_KIND_ORDER_ACK)->error, MS_E_OK);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_PAIR);
}
END_TEST

START_TEST(test_whoever_ordered_and_left_is_not_answered)
{
    record_latency[0] = 300 * MS_MSEC;
    order(0, MS_ORDER_HOLD);
    pass(10 * LATENCY);
    end_wire(operator_at[0], GUEST);
    pass(2 * MS_SEC);
    ck_assert_ptr_null(last_of(operator_at[0], MS_KIND_ORDER_ACK));
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
}
END_TEST

START_TEST(test_who_is_told_to_stop_meanwhile_hands_over)
{
    record_latency[0] = 300 * MS_MSEC;
    order(0, MS_ORDER_HOLD);
    pass(10 * LATENCY);
    step(0, &(struct ms_event){.type = MS_EVENT_STOP});
    pass(100 * MS_MSEC);
    ck_assert_int_eq(halves[0].stops, 0);
    record_latency[0] = LATENCY;
    pass(5 * MS_SEC);
    ck_assert_int_eq(halves[0].stops, 1);
    ck_assert_ptr_nonnull(ms_pair_master(halves[1].pair)); /* no vote would have made it active */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pair_writing");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, set_up, end_world);
    tcase_add_test(tests, test_work_goes_on_while_a_record_is_written);
    tcase_add_test(tests, test_an_active_that_writes_for_too_long_pauses);
    tcase_add_test(tests, test_one_that_was_taken_over_from_meanwhile_follows);
    tcase_add_test(tests, test_an_order_waits_for_the_record);
    tcase_add_test(tests, test_whoever_ordered_and_left_is_not_answered);
    tcase_add_test(tests, test_who_is_told_to_stop_meanwhile_hands_over);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
