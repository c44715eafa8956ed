/* Broadcasts as the client's engine knows them: arrays of which some numbers are nobody's. */
#include "tests/unit/client_dialogue.h"

static void submit_on(uint64_t n, uint32_t room)
{
    const struct ms_terms terms = {
        .on = MS_ON_ALL, .array_count = room, .where = ms_bytes_of("group=web")};

    request(n, &(struct ms_command){
                   .kind = MS_KIND_SUBMIT, .type = TYPE, .attempts_max = 1, .terms = &terms});
}

START_TEST(numbers_of_a_broadcast_that_are_nobodys_end_alone)
{
    told_features = MS_FEATURES_ALL;
    come_up();
    submit_on(1, 4);
    const struct ms_command sent = expect_sent(MS_KIND_SUBMIT);

    ck_assert_uint_eq(sent.terms->on, MS_ON_ALL);
    ck_assert_uint_eq(sent.terms->array_count, 4);
    ck_assert_mem_eq(sent.terms->where.data, "group=web", 9);
    ack(1, 2);
    expect_delivered(MS_KIND_SUBMIT_ACK, 1);
    receive(&(struct ms_command){
        .kind = MS_KIND_SUBMIT_NAK, .id.seq = 3, .error = MS_E_NOT_FOUND, .count = 2});
    ck_assert_uint_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 3).command.count, 1);
    ck_assert_int_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 4).command.error, MS_E_NOT_FOUND);
    outcome(1, 1, 0);
    expect_outcome(1);
    lose();
    come_up();
    const struct ms_command again = expect_sent(MS_KIND_SUBMIT);

    ck_assert_uint_eq(again.terms->array_count, 4);
    ck_assert_uint_eq(again.terms->array_closed.size, 1);
    ck_assert_uint_eq(again.terms->array_closed.data[0], 0x0d);
    outcome(2, 1, 0);
    expect_outcome(2);
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 0);
}
END_TEST

START_TEST(a_master_that_takes_broadcasts_for_arrays_gets_none)
{
    come_up();
    submit_on(1, 2);
    ck_assert_int_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 1).command.error, MS_E_BAD_ARGUMENT);
    ck_assert_int_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 2).command.error, MS_E_BAD_ARGUMENT);
    expect_nothing();
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("broadcasts");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, numbers_of_a_broadcast_that_are_nobodys_end_alone);
    tcase_add_test(tests, a_master_that_takes_broadcasts_for_arrays_gets_none);
    return run_tests("broadcasts", tests);
}
