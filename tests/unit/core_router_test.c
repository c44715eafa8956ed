#include "core/router.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void serve(void *context, ms_time now, ms_peer from, const struct ms_command *command)
{
    (void)now;
    (void)from;
    (void)command;
    ++*(int *)context;
}

static struct ms_route queue_route(const char *name, ms_type type)
{
    return (struct ms_route){.name = name, .type = type, .kind = MS_ROUTE_QUEUE};
}

static void expect(struct ms_router *router, struct ms_route route, enum ms_error error,
                   const char *words, const char *more_words)
{
    struct ms_complaint complaint = {""};

    ck_assert_int_eq(ms_router_add(router, &route, &complaint), error);
    ck_assert_msg(strstr(complaint.text, words) != NULL, "%s", complaint.text);
    ck_assert_msg(strstr(complaint.text, more_words) != NULL, "%s", complaint.text);
}

START_TEST(hash_is_the_published_one)
{
    ck_assert_uint_eq(ms_type_of_name("a"), UINT64_C(0xaf63dc4c8601ec8c));
    ck_assert_uint_eq(ms_type_of_name("foobar"), UINT64_C(0x85944171f73967e8));
    ck_assert_uint_eq(ms_type_of_name("echo"), ms_type_of_name("echo"));
}
END_TEST

START_TEST(found_by_type_and_by_name)
{
    struct ms_router router;
    int calls = 0;
    const struct ms_route local = {
        .name = "status", .type = 5000, .handler = serve, .context = &calls};

    ck_assert(ms_router_init(&router, 10, 1));
    expect(&router, queue_route("echo", 0), MS_E_OK, "", "");
    ck_assert_int_eq(ms_router_add(&router, &local, NULL), MS_E_OK);
    ck_assert_uint_eq(ms_router_count(&router), 2);

    const struct ms_route *echo = ms_router_find_name(&router, "echo");
    const struct ms_route *status = ms_router_find(&router, 5000);

    ck_assert_ptr_nonnull(echo);
    ck_assert_uint_eq(echo->type, ms_type_of_name("echo"));
    ck_assert_ptr_eq(ms_router_find(&router, echo->type), echo);
    ck_assert_ptr_eq(ms_router_at(&router, 0), echo);
    ck_assert_ptr_eq(ms_router_find_name(&router, "status"), status);
    ck_assert_int_eq(status->kind, MS_ROUTE_LOCAL);
    status->handler(status->context, 0, 0, NULL);
    ck_assert_int_eq(calls, 1);
    ck_assert_ptr_null(ms_router_find(&router, 5001));
    ck_assert_ptr_null(ms_router_find_name(&router, "ech"));
    ms_router_finish(&router);
}
END_TEST

START_TEST(clash_is_refused_with_both_names)
{
    struct ms_router router;

    ck_assert(ms_router_init(&router, 10, 1));
    expect(&router, queue_route("thumb", 7000), MS_E_OK, "", "");
    expect(&router, queue_route("resize", 7000), MS_E_TYPE_CLASH, "thumb", "resize");
    expect(&router, queue_route("thumb", 7001), MS_E_TYPE_CLASH, "7000", "7001");
    expect(&router, queue_route("other", ms_type_of_name("echo")), MS_E_OK, "", "");
    expect(&router, queue_route("echo", 0), MS_E_TYPE_CLASH, "other", "echo");
    expect(&router, queue_route("thumb", 7000), MS_E_OK, "", "");
    ck_assert_uint_eq(ms_router_count(&router), 2);
    ms_router_finish(&router);
}
END_TEST

START_TEST(unfit_routes_are_refused)
{
    const struct ms_route deaf = {.name = "deaf", .kind = MS_ROUTE_LOCAL};
    struct ms_router router;
    char endless[100];

    memset(endless, 'a', sizeof endless);
    endless[MS_NAME_MAX + 1] = '\0';
    ck_assert(ms_router_init(&router, 10, 1));
    expect(&router, queue_route("echo", 1023), MS_E_BAD_ARGUMENT, "1023", "1024");
    expect(&router, queue_route("", 0), MS_E_BAD_ARGUMENT, "name", "63");
    expect(&router, queue_route(NULL, 0), MS_E_BAD_ARGUMENT, "name", "");
    expect(&router, queue_route("a b", 0), MS_E_BAD_ARGUMENT, "a b", "");
    expect(&router, queue_route(endless, 0), MS_E_BAD_ARGUMENT, "name", "");
    expect(&router, deaf, MS_E_BAD_ARGUMENT, "deaf", "handler");
    expect(&router, queue_route("echo", 1024), MS_E_OK, "", "");
    ck_assert_uint_eq(ms_router_count(&router), 1);
    ms_router_finish(&router);
}
END_TEST

START_TEST(full_table_refuses_and_keeps_what_it_has)
{
    struct ms_router router;
    char name[32];

    ck_assert(ms_router_init(&router, 100, 1));
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "type-%d", i);
        expect(&router, queue_route(name, 0), MS_E_OK, "", "");
    }
    expect(&router, queue_route("more", 0), MS_E_NO_MEMORY, "more", "100");
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "type-%d", i);
        const struct ms_route *route = ms_router_find(&router, ms_type_of_name(name));

        ck_assert_ptr_nonnull(route);
        ck_assert_str_eq(route->name, name);
    }
    ms_router_finish(&router);
    ms_router_finish(&router);
    ms_router_finish(NULL);
}
END_TEST

START_TEST(route_beyond_the_end_aborts)
{
    struct ms_router router;

    ck_assert(ms_router_init(&router, 10, 1));
    ms_router_at(&router, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_router");
    TCase *tests = tcase_create("router");

    tcase_add_test(tests, hash_is_the_published_one);
    tcase_add_test(tests, found_by_type_and_by_name);
    tcase_add_test(tests, clash_is_refused_with_both_names);
    tcase_add_test(tests, unfit_routes_are_refused);
    tcase_add_test(tests, full_table_refuses_and_keeps_what_it_has);
    tcase_add_test_raise_signal(tests, route_beyond_the_end_aborts, SIGABRT);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
