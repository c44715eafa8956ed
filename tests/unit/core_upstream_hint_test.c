/* A master that is not active names the one that is. */
#include <stdlib.h>

#include "core_upstream_owner.h"

static struct ms_command not_active(const char *detail)
{
    return (struct ms_command){
        .kind = MS_KIND_ERROR, .error = MS_E_NOT_ACTIVE, .detail = ms_bytes_of(detail)};
}

/* Dials when it is time to, expects that address, and stands as that peer, HELLO said. */
static void reach(const char *address, ms_peer peer)
{
    now = ms_upstream_deadline(&owner.upstream);
    tick();
    const struct ms_effect connect = expect(MS_EFFECT_CONNECT);

    ck_assert_str_eq(connect.text, address);
    open_peer(peer, connect.tag);
    expect_sent(MS_KIND_HELLO);
}

static void refuse(ms_peer peer, ms_epoch epoch, const char *detail)
{
    const struct ms_command error = not_active(detail);

    ck_assert_int_eq(receive(peer, epoch, &error), MS_UPSTREAM_REFUSED);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, peer);
}

static void miss(const char *address)
{
    now = ms_upstream_deadline(&owner.upstream);
    tick();
    const struct ms_effect connect = expect(MS_EFFECT_CONNECT);

    ck_assert_str_eq(connect.text, address);
    step(&(struct ms_event){
        .type = MS_EVENT_PEER_CLOSED, .tag = connect.tag, .error = MS_E_UNREACHABLE});
}

START_TEST(whoever_is_named_comes_next)
{
    reach("a:1", 1);
    refuse(1, 0, "elsewhere:9,unix:/tmp/c");
    reach("unix:/tmp/c", 2);
    ck_assert_int_eq(welcome(2, 3), MS_UPSTREAM_WELCOMED);
}
END_TEST

/* Nobody is sent where he was not told to look. */
START_TEST(strange_addresses_are_not_dialled)
{
    reach("a:1", 1);
    refuse(1, 0, "evil:666,b:22,unix:/tmp/cc,,a:1,");
    reach("b:2", 2);
    refuse(2, 0, "this master is not active");
    reach("unix:/tmp/c", 3);
    refuse(3, 0, "");
    reach("a:1", 4);
}
END_TEST

/* Each address has its turn, whoever names what again and again. */
START_TEST(a_name_that_leads_nowhere_is_passed_over)
{
    reach("a:1", 1);
    refuse(1, 0, "unix:/tmp/c");
    miss("unix:/tmp/c");
    reach("b:2", 2); /* behind the one that gave the name */
    refuse(2, 0, "unix:/tmp/c");
    miss("unix:/tmp/c");
    reach("a:1", 3);
    refuse(3, 0, "b:2"); /* a round later it is listened to again */
    reach("b:2", 4);
}
END_TEST

START_TEST(with_two_addresses_a_wrong_name_costs_no_turn)
{
    teardown();
    begin("a:1,b:2");
    reach("a:1", 1);
    refuse(1, 0, "b:2");
    miss("b:2");
    miss("a:1");
    miss("b:2");
}
END_TEST

START_TEST(a_hand_over_names_the_successor)
{
    const struct ms_command error = not_active("unix:/tmp/c");

    come_up(1, 1);
    receive(1, 1, &(struct ms_command){.kind = MS_KIND_BEAT_ACK, .count = 1});
    ck_assert_int_eq(receive(1, 0, &error), MS_UPSTREAM_LOST);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, 1);
    ck_assert_int_eq(ms_upstream_deadline(&owner.upstream), now); /* at once */
    reach("unix:/tmp/c", 2);
    ck_assert_int_eq(welcome(2, 2),
                     MS_UPSTREAM_WELCOMED); /* and back, before it has stayed for a beat */
    const struct ms_command back = not_active("a:1");

    ck_assert_int_eq(receive(2, 0, &back), MS_UPSTREAM_LOST);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, 2);
    reach("a:1", 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core/upstream hint");
    TCase *tests = tcase_create("hint");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, whoever_is_named_comes_next);
    tcase_add_test(tests, strange_addresses_are_not_dialled);
    tcase_add_test(tests, a_name_that_leads_nowhere_is_passed_over);
    tcase_add_test(tests, with_two_addresses_a_wrong_name_costs_no_turn);
    tcase_add_test(tests, a_hand_over_names_the_successor);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
