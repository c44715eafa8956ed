/* Names to addresses, with and without waiting. */
#include <check.h>
#include <stdlib.h>

#include "core/io/resolver.h"

static struct ms_address parse(const char *text)
{
    struct ms_address address;

    ck_assert(ms_address_parse(text, MS_ADDRESS_LISTEN, &address, NULL));
    return address;
}

/* A numeric address comes back as it went in. */
START_TEST(test_numbers)
{
    static const char *const texts[] = {"127.0.0.1:7400", "[::1]:1", "[fe80::1]:65535",
                                        "unix:/run/muster.socket"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ms_address address = parse(texts[i]);
        struct ms_endpoints endpoints;
        struct ms_text text;
        char out[MS_ADDRESS_MAX + 1];

        ck_assert(ms_endpoints_find(&endpoints, &address, true));
        ck_assert_uint_eq(endpoints.count, 1);
        ms_text_init(&text, out, sizeof out);
        ms_endpoint_print(&endpoints.items[0], &text);
        ck_assert_str_eq(out, texts[i]);
    }
}
END_TEST

START_TEST(test_names_are_no_numbers)
{
    struct ms_address address = parse("localhost:1");
    struct ms_endpoints endpoints;

    ck_assert(!ms_endpoints_find(&endpoints, &address, true));
    ck_assert_uint_eq(endpoints.count, 0);
    ck_assert(ms_endpoints_find(&endpoints, &address, false));
    ck_assert_uint_ge(endpoints.count, 1);
}
END_TEST

static uint64_t users[3];
static uint32_t counts[3];
static size_t answers;

static void on_resolved(void *context, const struct ms_resolution *resolution)
{
    users[answers] = resolution->user;
    counts[answers] = resolution->endpoints.count;
    if (++answers == 3) {
        ev_break(context, EVBREAK_ALL);
    }
}

/* Answers in the order of the questions, in the loop's thread. */
START_TEST(test_thread)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct ms_resolver *resolver = ms_resolver_create(loop, on_resolved, loop);
    struct ms_address name = parse("localhost:1"), nobody = parse("no.such.host.invalid:1");

    ck_assert_ptr_nonnull(resolver);
    ev_ref(loop); /* a resolver alone does not keep a loop alive */
    ck_assert(ms_resolver_ask(resolver, &name, 1));
    ck_assert(ms_resolver_ask(resolver, &nobody, 2));
    ck_assert(ms_resolver_ask(resolver, &name, 3));
    ev_run(loop, 0);
    for (uint64_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(users[i], i + 1);
        ck_assert((counts[i] > 0) == (i != 1));
    }
    ms_resolver_destroy(resolver);
    ev_loop_destroy(loop);
}
END_TEST

START_TEST(test_destroy_at_once)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);

    for (int i = 0; i < 100; i++) {
        struct ms_resolver *resolver = ms_resolver_create(loop, on_resolved, loop);
        struct ms_address name = parse("localhost:1");

        ck_assert_ptr_nonnull(resolver);
        ck_assert(ms_resolver_ask(resolver, &name, 1));
        ms_resolver_destroy(resolver);
    }
    ms_resolver_destroy(NULL);
    ck_assert_uint_eq(answers, 0);
    ev_loop_destroy(loop);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("resolver");
    TCase *io = tcase_create("io");

    tcase_set_timeout(io, 60);
    tcase_add_test(io, test_numbers);
    tcase_add_test(io, test_names_are_no_numbers);
    tcase_add_test(io, test_thread);
    tcase_add_test(io, test_destroy_at_once);
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
