/* Pauses, seen from those who are spoken to: nothing leaves. */
#include <stdlib.h>
#include <sys/socket.h>

#include "io_pause_lab.h"

/* What was said just before, and has not left yet, waits; or goes with its connection. */
START_TEST(test_nothing_leaves_in_a_pause)
{
    struct raw waits, ends;
    const ms_peer first = greet_as(&waits, MS_ROLE_CLIENT);
    const ms_peer second = greet_as(&ends, MS_ROLE_CLIENT);

    ask(MS_EFFECT_SEND, first);
    ask(MS_EFFECT_SEND, second);
    pause_all();
    echo_settle(lab.loop);
    ask(MS_EFFECT_SEND, second);
    ask(MS_EFFECT_CLOSE, second);
    echo_wait(lab.loop, ends.is_at_end);
    ck_assert_uint_eq(raw_count(&waits, MS_KIND_BYE), 0);
    ck_assert_uint_eq(raw_count(&ends, MS_KIND_BYE), 0);
    resume_all();
    echo_wait(lab.loop, raw_count(&waits, MS_KIND_BYE) == 1);
    ask(MS_EFFECT_SEND, first);
    echo_wait(lab.loop, raw_count(&waits, MS_KIND_BYE) == 2);
    raw_close(&waits);
    raw_close(&ends);
}
END_TEST

static void stall(struct ms_engine *engine, const struct ms_event *event)
{
    lab.due = ms_clock_now() + MS_DRIVER_STALL;
    ms_engine_send(engine, event->peer, 1, &(struct ms_command){.kind = MS_KIND_BYE});
    while (ms_clock_now() < lab.due) {
        continue;
    }
}

/* Of several that are to be written to, the first is found gone, which begins a pause. */
START_TEST(test_a_pause_in_the_midst_of_writing)
{
    const struct linger linger = {.l_onoff = 1};
    struct raw waits, ends;
    const ms_peer first = greet_as(&waits, MS_ROLE_CLIENT);
    const ms_peer second = greet_as(&ends, MS_ROLE_CLIENT);

    setsockopt(ends.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    raw_close(&ends);
    lab.pauses_at_close = true;
    ask(MS_EFFECT_SEND, first);
    ask(MS_EFFECT_SEND, second); /* is written first */
    echo_settle(lab.loop);
    ck_assert_uint_eq(lab.closed_count, 1);
    ck_assert_uint_eq(raw_count(&waits, MS_KIND_BYE), 0);
    resume_all();
    echo_wait(lab.loop, raw_count(&waits, MS_KIND_BYE) == 1);
    raw_close(&waits);
}
END_TEST

/* As a process that was stopped in the midst of a step: when it goes on, its word may not be good any more. */
START_TEST(test_what_is_overdue_comes_before_what_was_said)
{
    struct raw raw;

    greet_as(&raw, MS_ROLE_CLIENT);
    lab.on_submit = stall;
    submit(&raw, 1, 1, 10, false);
    echo_wait(lab.loop, lab.count == 1);
    echo_settle(lab.loop);
    ck_assert_uint_eq(lab.ticks_count, 1);
    ck_assert_uint_eq(raw_count(&raw, MS_KIND_BYE), 0);
    resume_all();
    echo_wait(lab.loop, raw_count(&raw, MS_KIND_BYE) == 1);
    raw_close(&raw);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("withhold");
    TCase *io = tcase_create("withhold");

    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_nothing_leaves_in_a_pause);
    tcase_add_test(io, test_a_pause_in_the_midst_of_writing);
    tcase_add_test(io, test_what_is_overdue_comes_before_what_was_said);
    suite_add_tcase(all, io);
    return all;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
