#include "core/node.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/list.h"

/* Writes down what was called. */
struct diary {
    struct ms_node node;
    char calls[64];
    enum ms_error fails_with; /* of init and start */
};

static void note(struct ms_node *node, const char *call)
{
    struct diary *diary = ms_container_of(node, struct diary, node);

    const size_t size = strlen(diary->calls);

    ck_assert_uint_lt(size + strlen(call), sizeof diary->calls);
    snprintf(diary->calls + size, sizeof diary->calls - size, "%s", call);
}

static enum ms_error init(struct ms_node *node)
{
    note(node, "i");
    return ms_container_of(node, struct diary, node)->fails_with;
}

static enum ms_error start(struct ms_node *node)
{
    note(node, "s");
    return ms_container_of(node, struct diary, node)->fails_with;
}

static void stop(struct ms_node *node)
{
    note(node, "x");
}

static void reset(struct ms_node *node)
{
    note(node, "r");
}

static void finish(struct ms_node *node)
{
    note(node, "f");
}

static const struct ms_node_ops ops = {
    .name = "diary",
    .init = init,
    .start = start,
    .stop = stop,
    .reset = reset,
    .finish = finish,
};

typedef enum ms_error (*call_function)(struct ms_node *);

static const call_function calls[MS_NODE_CALLS] = {ms_node_init, ms_node_start, ms_node_stop,
                                                   ms_node_reset, ms_node_finish};

static void bring_to(struct diary *diary, enum ms_node_state state)
{
    *diary = (struct diary){.fails_with = MS_E_OK};
    ms_node_prepare(&diary->node, &ops);
    for (unsigned call = 0; call < (unsigned)state; call++) {
        ck_assert_int_eq(calls[call](&diary->node), MS_E_OK);
    }
    ck_assert_int_eq(diary->node.state, state);
    diary->calls[0] = '\0';
}

START_TEST(whole_product_of_states_and_calls)
{
    /* What each call makes of each state, in letters; "-" = refused. */
    static const char *const expected[MS_NODE_STATES][MS_NODE_CALLS] = {
        {"i", "-", "", "-", ""},
        {"-", "s", "", "r", "f"},
        {"-", "-", "x", "xrs", "xf"},
        {"-", "s", "", "r", "f"},
    };

    for (enum ms_node_state from = 0; from < MS_NODE_STATES; from++) {
        for (enum ms_node_call call = 0; call < MS_NODE_CALLS; call++) {
            const bool is_refused = strcmp(expected[from][call], "-") == 0;
            enum ms_node_state to;
            const char *why;
            struct diary diary;

            bring_to(&diary, from);
            ck_assert_int_eq(ms_node_transition(from, call, &to, &why), !is_refused);
            ck_assert_int_eq(calls[call](&diary.node), is_refused ? MS_E_ORDER : MS_E_OK);
            ck_assert_str_eq(diary.calls, is_refused ? "" : expected[from][call]);
            ck_assert_int_eq(diary.node.state, to);
            ck_assert(!is_refused || to == from);
        }
    }
}
END_TEST

START_TEST(failure_leaves_the_state)
{
    struct diary diary;

    bring_to(&diary, MS_NODE_NEW);
    diary.fails_with = MS_E_IO;
    ck_assert_int_eq(ms_node_init(&diary.node), MS_E_IO);
    ck_assert_int_eq(diary.node.state, MS_NODE_NEW);
    bring_to(&diary, MS_NODE_STOPPED);
    diary.fails_with = MS_E_IO;
    ck_assert_int_eq(ms_node_start(&diary.node), MS_E_IO);
    ck_assert_int_eq(diary.node.state, MS_NODE_STOPPED);
    bring_to(&diary, MS_NODE_RUNNING);
    diary.fails_with = MS_E_IO;
    ck_assert_int_eq(ms_node_reset(&diary.node), MS_E_IO);
    ck_assert_str_eq(diary.calls, "xrs");
    ck_assert_int_eq(diary.node.state, MS_NODE_INITIALISED);
}
END_TEST

START_TEST(operations_may_be_missing)
{
    static const struct ms_node_ops none = {.name = "none"};
    struct ms_node node;

    ms_node_prepare(&node, &none);
    for (unsigned call = 0; call < MS_NODE_CALLS; call++) {
        ck_assert_int_eq(calls[call](&node), MS_E_OK);
    }
    ck_assert_int_eq(node.state, MS_NODE_NEW);
}
END_TEST

START_TEST(table_in_words_is_sound)
{
    struct ms_fsm_row rows[MS_NODE_ROWS];
    struct ms_complaint complaint;

    ms_node_rows(rows);
    const struct ms_fsm fsm = ms_node_fsm(rows);

    ck_assert_msg(ms_fsm_lint(&fsm, &complaint), "%s", complaint.text);
}
END_TEST

START_TEST(node_without_operations_aborts)
{
    struct ms_node node;

    ms_node_prepare(&node, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_node");
    TCase *tests = tcase_create("node");

    tcase_add_test(tests, whole_product_of_states_and_calls);
    tcase_add_test(tests, failure_leaves_the_state);
    tcase_add_test(tests, operations_may_be_missing);
    tcase_add_test(tests, table_in_words_is_sound);
    tcase_add_test_raise_signal(tests, node_without_operations_aborts, SIGABRT);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
