/* Connections that an engine asks for, by number, name and path; and their failures. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/echo.h"

static struct ev_loop *loop;
static struct echo server, client;

static void set_up(void)
{
    loop = ev_loop_new(EVFLAG_AUTO);
    ck_assert_ptr_nonnull(loop);
    echo_start(&server, loop, true, "127.0.0.1:0");
    echo_start(&client, loop, false, NULL);
}

static void tear_down(void)
{
    echo_stop(&client);
    echo_stop(&server);
    ev_loop_destroy(loop);
}

static void connect_to(const char *address, uint32_t tag)
{
    struct ms_command command = {.kind = MS_KIND_QUERY,
                                 .payload = {(const uint8_t *)address, strlen(address) + 1}};
    struct ms_event event = {.type = MS_EVENT_REQUEST, .tag = tag, .command = &command};

    ms_driver_post(client.driver, &event);
}

/* Connected and greeted, both ways. */
static void reaches(const char *address)
{
    connect_to(address, 42);
    echo_wait(loop, client.welcomes_count == 1);
    ck_assert_uint_eq(client.tag, 42);
    ck_assert_uint_eq(client.opened_count, 1);
    ck_assert_uint_eq(client.closed_count, 0);
}

static void fails_with(const char *address, enum ms_error error)
{
    connect_to(address, 43);
    echo_wait(loop, client.closed_count == 1);
    ck_assert_uint_eq(client.tag, 43);
    ck_assert_uint_eq(client.opened_count, 0);
    ck_assert_int_eq(client.error, error);
    echo_settle(loop);
    ck_assert_uint_eq(client.driver->stats.connections, 0);
}

START_TEST(test_number)
{
    reaches(server.bound);
}
END_TEST

/* The name may mean ::1 first, where nobody listens: then the next address is tried. */
START_TEST(test_name)
{
    char address[64];

    snprintf(address, sizeof address, "localhost%s", strrchr(server.bound, ':'));
    reaches(address);
}
END_TEST

START_TEST(test_unix)
{
    char folder[] = "/tmp/muster-connect-XXXXXX", address[64];
    struct echo other;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(address, sizeof address, "unix:%s/s", folder);
    echo_start(&other, loop, true, address);
    reaches(other.bound);
    echo_stop(&other);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(test_nobody_there)
{
    char address[MS_ADDRESS_MAX + 1];

    snprintf(address, sizeof address, "%s", server.bound);
    ms_driver_stop_listening(server.driver);
    fails_with(address, MS_E_UNREACHABLE);
}
END_TEST

START_TEST(test_no_such_name)
{
    fails_with("no.such.host.invalid:1", MS_E_UNREACHABLE);
}
END_TEST

START_TEST(test_no_such_path)
{
    fails_with("unix:/nonexistent/socket", MS_E_UNREACHABLE);
}
END_TEST

START_TEST(test_no_address)
{
    fails_with("what?", MS_E_BAD_ARGUMENT);
}
END_TEST

/* A master that takes the connection and never answers. */
START_TEST(test_no_welcome)
{
    server.is_mute = true;
    connect_to(server.bound, 1);
    echo_wait(loop, client.opened_count == 1 && server.opened_count == 1);
    client.driver->tuning.hello_timeout = 1;
    echo_wait(loop, client.closed_count == 1);
    ck_assert_int_eq(client.error, MS_E_TIMEOUT);
    echo_wait(loop, server.heard == MS_E_TIMEOUT);
}
END_TEST

START_TEST(test_lost)
{
    reaches(server.bound);
    echo_stop(&server);
    echo_wait(loop, client.closed_count == 1);
    ck_assert_int_eq(client.error, MS_E_CLOSED);
    echo_start(&server, loop, true, "127.0.0.1:0");
}
END_TEST

/* Commands both ways through two drivers on one loop. */
START_TEST(test_conversation)
{
    struct ms_command command = {
        .kind = MS_KIND_SUBMIT, .type = MS_TYPE_USER_MIN, .attempts_max = 1};
    struct ms_event event = {.type = MS_EVENT_REQUEST, .command = &command};

    reaches(server.bound);
    event.peer = client.peer;
    command.payload = ms_bytes_of("hello");
    for (uint64_t i = 1; i <= 500; i++) {
        command.id.seq = i;
        ms_driver_post(client.driver, &event);
    }
    echo_wait(loop, client.outcomes_count == 500);
    ck_assert_uint_eq(server.submits_count, 500);
    ck_assert_uint_le(client.driver->writes_total, 3);
}
END_TEST

/* Destroying a driver while a name is being looked up neither waits nor leaks. */
START_TEST(test_destroy_while_looking_up)
{
    connect_to("no.such.host.invalid:1", 1);
    echo_stop(&client);
    echo_start(&client, loop, false, NULL);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("connect");
    TCase *io = tcase_create("io");

    tcase_set_timeout(io, 60);
    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_number);
    tcase_add_test(io, test_name);
    tcase_add_test(io, test_unix);
    tcase_add_test(io, test_nobody_there);
    tcase_add_test(io, test_no_such_name);
    tcase_add_test(io, test_no_such_path);
    tcase_add_test(io, test_no_address);
    tcase_add_test(io, test_no_welcome);
    tcase_add_test(io, test_lost);
    tcase_add_test(io, test_conversation);
    tcase_add_test(io, test_destroy_while_looking_up);
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
