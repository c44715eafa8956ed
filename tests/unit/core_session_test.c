#include "core/session.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const struct ms_session_identity slave = {
    .role = MS_ROLE_SLAVE,
    .uuid = {{1, 2, 3}},
    .token = {{9, 8, 7}},
    .name = "worker-1",
};

static void open_session(struct ms_session *session)
{
    *session = (struct ms_session){.handle = 77};
    ms_session_init(session, &slave);
    ms_session_start(session, 1000, 5);
}

/* Walks the session to the state by ticks, as silence does. */
static void bring_to(struct ms_session *session, enum ms_session_state state)
{
    open_session(session);
    while (session->state != (uint8_t)state) {
        ms_session_transit_state(session, MS_SESSION_TICK);
    }
}

/* The rule in one expression, told apart from the table. */
static enum ms_session_state expected(enum ms_session_state from, enum ms_session_event event)
{
    if (from == MS_SESSION_DEAD || event == MS_SESSION_CLOSED) {
        return MS_SESSION_DEAD;
    }
    if (event == MS_SESSION_TICK) {
        return from + 1;
    }
    if (event == MS_SESSION_WRITE || event == MS_SESSION_LOST) {
        return from;
    }
    return MS_SESSION_ALIVE;
}

START_TEST(whole_product_of_states_and_events)
{
    for (enum ms_session_state from = 0; from < MS_SESSION_STATES; from++) {
        for (enum ms_session_event event = 0; event < MS_SESSION_EVENTS; event++) {
            const struct ms_session_transition *row = ms_session_transition(from, event);
            struct ms_session session;

            bring_to(&session, from);
            ck_assert_int_eq(row->from, from);
            ck_assert_int_eq(row->event, event);
            ck_assert_int_eq(row->to, expected(from, event));
            ck_assert_uint_gt(strlen(row->why), 10);
            ck_assert_int_eq(ms_session_transit_state(&session, event), row->to);
            ck_assert_int_eq(session.state, row->to);
            ck_assert_int_eq(ms_session_is_dead(&session), row->to == MS_SESSION_DEAD);
        }
    }
}
END_TEST

START_TEST(methods_follow_the_table)
{
    for (enum ms_session_state from = 0; from < MS_SESSION_STATES; from++) {
        const bool lives = from != MS_SESSION_DEAD;
        struct ms_session session;

        bring_to(&session, from);
        ck_assert_int_eq(ms_session_alive(&session, 2000), lives);
        ck_assert_int_eq(session.heard_at, lives ? 2000 : 1000);
        bring_to(&session, from);
        ck_assert_int_eq(ms_session_on_read(&session, 3000), lives);
        ck_assert_int_eq(session.heard_at, lives ? 3000 : 1000);
        bring_to(&session, from);
        ck_assert_int_eq(ms_session_on_write(&session, 4000), lives);
        ck_assert_int_eq(session.heard_at, 1000);
        ck_assert_int_eq(session.state, from);
        ms_session_lost(&session);
        ck_assert_int_eq(session.state, from);
        ck_assert_uint_eq(session.peer, MS_PEER_NONE);
    }
}
END_TEST

START_TEST(init_keeps_identity_and_nothing_else)
{
    struct ms_session session;

    memset(&session, 0xee, sizeof session);
    session.handle = 5;
    ms_session_init(&session, &slave);
    ck_assert_int_eq(session.state, MS_SESSION_ALIVE);
    ck_assert_int_eq(session.role, MS_ROLE_SLAVE);
    ck_assert_str_eq(session.name, "worker-1");
    ck_assert(ms_uuid_equal(&session.uuid, &slave.uuid));
    ck_assert_uint_eq(session.peer, MS_PEER_NONE);
    ck_assert_uint_eq(session.credit, 0);
    ck_assert_uint_eq(session.held, 0);
    ck_assert_ptr_null(session.user);
    ck_assert_uint_eq(session.handle, 5);
    ck_assert(!session.is_reclaimed);
    ck_assert(!ms_list_is_linked(&session.link));
}
END_TEST

START_TEST(resume_needs_the_whole_token)
{
    struct ms_session session;

    for (size_t i = 0; i < sizeof slave.token.bytes; i++) {
        struct ms_uuid wrong = slave.token;

        wrong.bytes[i] ^= 0x10;
        bring_to(&session, MS_SESSION_WAITING_1);
        ms_session_lost(&session);
        ck_assert(!ms_session_resume(&session, 2000, &wrong, 6));
        ck_assert_int_eq(session.state, MS_SESSION_WAITING_1);
        ck_assert_uint_eq(session.peer, MS_PEER_NONE);
        ck_assert_int_eq(session.heard_at, 1000);
    }
    ck_assert(ms_session_resume(&session, 2000, &slave.token, 6));
    ck_assert_int_eq(session.state, MS_SESSION_ALIVE);
    ck_assert_uint_eq(session.peer, 6);
    ck_assert_uint_eq(session.resumed_count, 1);
    ck_assert_int_eq(session.heard_at, 2000);
}
END_TEST

START_TEST(the_dead_are_not_resumed)
{
    struct ms_session session;

    bring_to(&session, MS_SESSION_DEAD);
    ms_session_lost(&session);
    ck_assert(!ms_session_resume(&session, 2000, &slave.token, 6));
    ck_assert(ms_session_is_dead(&session));
    ck_assert_uint_eq(session.peer, MS_PEER_NONE);
}
END_TEST

START_TEST(free_wipes_for_reuse)
{
    struct ms_session session;

    open_session(&session);
    session.credit = 5;
    ms_session_free(&session);
    ck_assert(ms_uuid_is_zero(&session.token));
    ck_assert(ms_uuid_is_zero(&session.uuid));
    ck_assert_uint_eq(session.credit, 0);
    ms_session_init(&session, &slave);
    ms_session_start(&session, 5, 6);
    ck_assert_str_eq(session.name, "worker-1");
}
END_TEST

START_TEST(destroy_works_on_lists_and_on_nothing)
{
    struct ms_session session, blank = {0};
    struct ms_list list;

    ms_list_init(&list);
    open_session(&session);
    ms_list_push_back(&list, &session.link);
    ms_session_destroy(&session);
    ck_assert(ms_list_is_empty(&list));
    ck_assert(ms_uuid_is_zero(&session.token));
    ck_assert(ms_session_is_dead(&session));
    ms_session_destroy(&blank);
    ms_session_destroy(NULL);
}
END_TEST

START_TEST(table_in_words_is_sound)
{
    struct ms_fsm_row rows[MS_SESSION_ROWS];
    struct ms_complaint complaint;

    ms_session_rows(rows);
    const struct ms_fsm fsm = ms_session_fsm(rows);

    ck_assert_msg(ms_fsm_lint(&fsm, &complaint), "%s", complaint.text);
    ck_assert_str_eq(rows[0].from, "alive");
    ck_assert_str_eq(rows[0].event, "tick");
    ck_assert_str_eq(rows[0].to, "waiting_0");
}
END_TEST

START_TEST(freeing_on_a_list_aborts)
{
    struct ms_session session;
    struct ms_list list;

    ms_list_init(&list);
    open_session(&session);
    ms_list_push_back(&list, &session.link);
    ms_session_free(&session);
}
END_TEST

START_TEST(unknown_event_aborts)
{
    ms_session_transition(MS_SESSION_ALIVE, MS_SESSION_EVENTS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_session");
    TCase *tests = tcase_create("session");

    tcase_add_test(tests, whole_product_of_states_and_events);
    tcase_add_test(tests, methods_follow_the_table);
    tcase_add_test(tests, init_keeps_identity_and_nothing_else);
    tcase_add_test(tests, resume_needs_the_whole_token);
    tcase_add_test(tests, the_dead_are_not_resumed);
    tcase_add_test(tests, free_wipes_for_reuse);
    tcase_add_test(tests, destroy_works_on_lists_and_on_nothing);
    tcase_add_test(tests, table_in_words_is_sound);
    tcase_add_test_raise_signal(tests, freeing_on_a_list_aborts, SIGABRT);
    tcase_add_test_raise_signal(tests, unknown_event_aborts, SIGABRT);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
