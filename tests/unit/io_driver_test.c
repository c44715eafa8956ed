/* The driver over real sockets: bytes to commands and back, however they are cut. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/echo.h"

static struct ev_loop *loop;
static struct echo server;
static char folder[] = "/tmp/muster-driver-XXXXXX";

static void set_up(void)
{
    loop = ev_loop_new(EVFLAG_AUTO);
    ck_assert_ptr_nonnull(loop);
    echo_start(&server, loop, true, "127.0.0.1:0");
}

static void tear_down(void)
{
    echo_stop(&server);
    ev_loop_destroy(loop);
}

/* HELLO and count submissions as bytes. */
static struct ms_bytes conversation(struct ms_encoder *encoder, uint32_t count, size_t size)
{
    static uint8_t payload[4096];

    ck_assert_uint_le(size, sizeof payload);
    ms_encoder_init(encoder);
    echo_hello(encoder, MS_ROLE_CLIENT);
    for (uint32_t i = 1; i <= count; i++) {
        echo_submit(encoder, i, payload, size);
    }
    return ms_encoder_flush(encoder);
}

static void echo_over(const char *address)
{
    struct ms_encoder encoder;
    struct ms_bytes bytes = conversation(&encoder, 10, 100);
    struct echo other;
    struct raw raw;

    echo_start(&other, loop, true, address);
    raw_open(&raw, loop, other.bound);
    raw_write(&raw, bytes.data, bytes.size);
    echo_wait(loop, raw_count(&raw, MS_KIND_OUTCOME) == 10);
    ck_assert_uint_eq(raw_count(&raw, MS_KIND_WELCOME), 1);
    ck_assert_uint_eq(other.opened_count, 1);
    ck_assert(!ms_uuid_is_zero(&other.nonce));
    raw_close(&raw);
    echo_wait(loop, other.closed_count == 1);
    ck_assert_int_eq(other.error, MS_E_CLOSED);
    echo_stop(&other);
    ms_encoder_finish(&encoder);
}

START_TEST(test_ipv4)
{
    echo_over("127.0.0.1:0");
}
END_TEST

START_TEST(test_ipv6)
{
    echo_over("[::1]:0");
}
END_TEST

START_TEST(test_every_interface)
{
    struct echo other;
    struct raw raw;
    char address[64];

    echo_start(&other, loop, true, "*:0");
    snprintf(address, sizeof address, "127.0.0.1%s", strrchr(other.bound, ':'));
    raw_open(&raw, loop, address);
    echo_wait(loop, other.opened_count == 1);
    raw_close(&raw);
    echo_stop(&other);
}
END_TEST

static void unix_address(char *out, size_t size)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(out, size, "unix:%s/socket", folder);
}

START_TEST(test_unix)
{
    char address[MS_ADDRESS_MAX + 1];

    unix_address(address, sizeof address);
    echo_over(address);
    ck_assert_int_ne(access(strchr(address, '/'), F_OK), 0); /* removed with the listener */
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(test_unix_left_behind)
{
    char address[MS_ADDRESS_MAX + 1], bound[MS_ADDRESS_MAX + 1], why[256] = "";
    struct echo first;

    unix_address(address, sizeof address);
    echo_start(&first, loop, true, address);
    ck_assert(!ms_driver_listen(server.driver, address, bound, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "in use"));
    /* A second name keeps the file when the listener removes its own: as after a kill. */
    ck_assert_int_eq(rename(strchr(address, '/'), "/tmp/muster-driver-kept"), 0);
    echo_stop(&first);
    ck_assert_int_eq(rename("/tmp/muster-driver-kept", strchr(address, '/')), 0);
    ck_assert(ms_driver_listen(server.driver, address, bound, why, sizeof why));
    ck_assert_str_eq(bound, address);
    ms_driver_stop_listening(server.driver);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(test_no_socket_is_not_removed)
{
    char address[MS_ADDRESS_MAX + 1], bound[MS_ADDRESS_MAX + 1], why[256] = "";
    FILE *file;

    unix_address(address, sizeof address);
    file = fopen(strchr(address, '/'), "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    ck_assert(!ms_driver_listen(server.driver, address, bound, why, sizeof why));
    ck_assert_int_eq(unlink(strchr(address, '/')), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(test_listen_refuses)
{
    static const char *const wrong[] = {"",
                                        "127.0.0.1",
                                        "127.0.0.1:99999",
                                        "unix:relative",
                                        "192.0.2.1:0",
                                        "no.such.host.invalid:0"};
    char bound[MS_ADDRESS_MAX + 1], why[256];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        why[0] = '\0';
        ck_assert_msg(!ms_driver_listen(server.driver, wrong[i], bound, why, sizeof why), "%s",
                      wrong[i]);
        ck_assert_uint_gt(strlen(why), 10);
    }
}
END_TEST

/* The same bytes in two pieces, cut at every place. */
START_TEST(test_cut_anywhere)
{
    struct ms_encoder encoder;
    struct ms_bytes bytes = conversation(&encoder, 3, 40);

    for (size_t cut = 1; cut < bytes.size; cut++) {
        struct raw raw;

        raw_open(&raw, loop, server.bound);
        raw_write(&raw, bytes.data, cut);
        echo_settle(loop);
        raw_write(&raw, bytes.data + cut, bytes.size - cut);
        echo_wait(loop, raw_count(&raw, MS_KIND_OUTCOME) == 3);
        raw_close(&raw);
    }
    echo_wait(loop, server.closed_count == bytes.size - 1);
    ck_assert_uint_eq(server.submits_count, 3 * (bytes.size - 1));
    ms_encoder_finish(&encoder);
}
END_TEST

START_TEST(test_byte_by_byte)
{
    struct ms_encoder encoder;
    struct ms_bytes bytes = conversation(&encoder, 5, 300);
    struct raw raw;

    raw_open(&raw, loop, server.bound);
    for (size_t i = 0; i < bytes.size; i++) {
        raw_write(&raw, bytes.data + i, 1);
        ev_run(loop, EVRUN_NOWAIT);
    }
    echo_wait(loop, raw_count(&raw, MS_KIND_OUTCOME) == 5);
    raw_close(&raw);
    ms_encoder_finish(&encoder);
}
END_TEST

/* A frame longer than the shared buffer passes through, and so do those behind it. */
START_TEST(test_long_frame)
{
    struct ms_encoder encoder;
    struct raw raw;
    uint8_t *payload = calloc(1, MS_PAYLOAD_MAX_DEFAULT);
    struct ms_bytes bytes;

    ms_encoder_init(&encoder);
    echo_hello(&encoder, MS_ROLE_CLIENT);
    echo_submit(&encoder, 1, payload, MS_PAYLOAD_MAX_DEFAULT);
    echo_submit(&encoder, 2, payload, 10);
    echo_submit(&encoder, 3, payload, MS_PAYLOAD_MAX_DEFAULT - 1);
    bytes = ms_encoder_flush(&encoder);
    raw_open(&raw, loop, server.bound);
    raw_write(&raw, bytes.data, bytes.size);
    echo_wait(loop, raw_count(&raw, MS_KIND_OUTCOME) == 3);
    raw_close(&raw);
    ms_encoder_finish(&encoder);
    free(payload);
}
END_TEST

/* What one read brings is answered with one write. */
START_TEST(test_coalescing)
{
    struct ms_encoder encoder;
    struct ms_bytes bytes = conversation(&encoder, 1000, 64);
    struct ms_driver_stats before, after;
    struct raw raw;
    uint64_t writes;

    raw_open(&raw, loop, server.bound);
    echo_wait(loop, server.opened_count == 1);
    ms_driver_stats(server.driver, &before);
    writes = server.driver->writes_total;
    raw_write(&raw, bytes.data, bytes.size);
    echo_wait(loop, raw_count(&raw, MS_KIND_OUTCOME) == 1000);
    ms_driver_stats(server.driver, &after);
    ck_assert_uint_eq(after.commands_in_total - before.commands_in_total, 1001);
    ck_assert_uint_eq(after.commands_out_total - before.commands_out_total, 1001);
    ck_assert_uint_le(after.frames_out_total - before.frames_out_total, 8);
    ck_assert_uint_eq(after.bytes_out_total - before.bytes_out_total, raw.size);
    ck_assert_uint_eq(after.bytes_in_total - before.bytes_in_total, bytes.size);
    /* One for the greeting's read, which is short, and one for each read of the rest. */
    ck_assert_uint_le(server.driver->writes_total - writes, 4);
    raw_close(&raw);
    ms_encoder_finish(&encoder);
}
END_TEST

START_TEST(test_idle_peer_holds_no_buffer)
{
    struct ms_encoder encoder;
    struct ms_bytes bytes = conversation(&encoder, 10, 1000);
    struct ms_connection *connection;
    struct raw raw;

    raw_open(&raw, loop, server.bound);
    raw_write(&raw, bytes.data, bytes.size);
    echo_wait(loop, raw_count(&raw, MS_KIND_OUTCOME) == 10);
    echo_settle(loop);
    connection = ms_pool_get(&server.driver->pool, server.peer);
    ck_assert_ptr_nonnull(connection);
    ck_assert_ptr_null(connection->partial);
    ck_assert_ptr_null(connection->encoder.data);
    ck_assert_uint_eq(ms_encoder_pending(&connection->encoder), 0);
    ck_assert_uint_le(sizeof *connection, 400);
    raw_close(&raw);
    ms_encoder_finish(&encoder);
}
END_TEST

/* CLOSE: all that was sent arrives, then the end; the name of the peer is dead at once. */
START_TEST(test_close_flushes)
{
    struct ms_encoder encoder;
    struct ms_bytes bytes;
    struct raw raw;
    uint8_t *payload = calloc(1, MS_PAYLOAD_MAX_DEFAULT);

    ms_encoder_init(&encoder);
    echo_hello(&encoder, MS_ROLE_CLIENT);
    for (uint64_t i = 1; i <= 8; i++) {
        echo_submit(&encoder, i, payload, MS_PAYLOAD_MAX_DEFAULT);
    }
    echo_bye(&encoder);
    bytes = ms_encoder_flush(&encoder);
    raw_open(&raw, loop, server.bound);
    raw_write(&raw, bytes.data, bytes.size);
    echo_wait(loop, raw.is_at_end);
    ck_assert_uint_eq(raw_count(&raw, MS_KIND_OUTCOME), 8);
    raw_close(&raw);
    echo_wait(loop, server.driver->stats.connections == 0);
    ck_assert_uint_eq(server.closed_count, 0);
    ms_encoder_finish(&encoder);
    free(payload);
}
END_TEST

/* Somebody who has been said goodbye to and stays is cut off after a while. */
START_TEST(test_linger_ends)
{
    struct ms_encoder encoder;
    struct ms_bytes bytes;
    struct raw raw;

    server.driver->tuning.linger = 1;
    ms_encoder_init(&encoder);
    echo_hello(&encoder, MS_ROLE_CLIENT);
    echo_bye(&encoder);
    bytes = ms_encoder_flush(&encoder);
    raw_open(&raw, loop, server.bound);
    raw_write(&raw, bytes.data, bytes.size);
    echo_wait(loop, raw.is_at_end && server.driver->stats.connections == 0);
    raw_close(&raw);
    ms_encoder_finish(&encoder);
}
END_TEST

START_TEST(test_deadline)
{
    server.tick_at = 0; /* long past */
    echo_wait(loop, server.ticks_count == 1);
    server.tick_at = ms_clock_now() + 2 * MS_MSEC;
    echo_wait(loop, server.ticks_count == 2);
    ck_assert_int_eq(server.tick_at, MS_TIME_NEVER);
}
END_TEST

/* Posting from the callback is for later and in order, with copies of what is borrowed. */
static void post_more(struct echo *echo, const struct ms_effect *effect)
{
    char payload[] = "x";
    struct ms_command command = {.kind = MS_KIND_SUBMIT, .flags = MS_FLAG_BACKGROUND};
    struct ms_event event = {.type = MS_EVENT_REQUEST, .command = &command};
    uint32_t before = echo->requests_count;

    if (effect->command.id.seq >= 7) {
        return;
    }
    for (uint64_t i = 1; i <= 2; i++) {
        payload[0] = (char)('a' + effect->command.id.seq);
        command.id.seq = effect->command.id.seq * 2 + i;
        command.payload = ms_bytes_of(payload);
        ms_driver_post(echo->driver, &event);
    }
    memset(payload, '!', sizeof payload);
    ck_assert_uint_eq(echo->requests_count, before);
}

START_TEST(test_post_from_callback)
{
    struct ms_command command = {.kind = MS_KIND_SUBMIT, .flags = MS_FLAG_BACKGROUND};
    struct ms_event event = {.type = MS_EVENT_REQUEST, .command = &command};

    server.on_effect = post_more;
    ms_driver_post(server.driver, &event);
    ck_assert_uint_eq(server.requests_count, 15);
    for (uint64_t i = 0; i < 15; i++) {
        ck_assert_uint_eq(server.requests[i], i);
    }
    ck_assert_int_eq(server.request_last, 'a' + 6);
}
END_TEST

START_TEST(test_send_to_nobody)
{
    struct ms_command command = {.kind = MS_KIND_SUBMIT};
    struct ms_event event = {
        .type = MS_EVENT_REQUEST, .command = &command, .peer = (ms_peer)1 << 32 | 5};

    ms_driver_post(server.driver, &event);
    ck_assert_uint_eq(server.requests_count, 1);
    ck_assert_uint_eq(server.closed_count, 0);
}
END_TEST

/* While it polls, the loop turns without sleeping, and stops doing so when nothing happens. */
START_TEST(test_busy_poll)
{
    struct ms_encoder encoder;
    struct ms_bytes bytes = conversation(&encoder, 1, 10);
    struct raw raw;

    server.driver->options.busy_poll = 3600 * MS_SEC;
    raw_open(&raw, loop, server.bound);
    raw_write(&raw, bytes.data, bytes.size);
    echo_wait(loop, raw_count(&raw, MS_KIND_OUTCOME) == 1);
    ck_assert(ev_is_active(&server.driver->spin));
    server.driver->options.busy_poll = 2 * MS_MSEC;
    server.tick_at = ms_clock_now() + 10 * MS_MSEC; /* wakes the loop when it sleeps again */
    echo_wait(loop, server.ticks_count == 1);
    echo_settle(loop);
    ck_assert(!ev_is_active(&server.driver->spin));
    raw_close(&raw);
    ms_encoder_finish(&encoder);
}
END_TEST

/* What the engine leaves for the time when all input was heard is not left for the next turn. */
START_TEST(test_a_turn_is_closed)
{
    struct ms_encoder encoder;
    struct ms_bytes bytes = conversation(&encoder, 10, 1);
    struct raw raw;

    server.is_late = true;
    raw_open(&raw, loop, server.bound);
    raw_write(&raw, bytes.data, bytes.size);
    echo_wait(loop, server.submits_count > 0);
    ck_assert_uint_eq(server.ticks_count, 1);
    echo_wait(loop, raw_count(&raw, MS_KIND_OUTCOME) == 10);
    raw_close(&raw);
    ms_encoder_finish(&encoder);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("driver");
    TCase *io = tcase_create("io");

    tcase_set_timeout(io, 60);
    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_ipv4);
    tcase_add_test(io, test_ipv6);
    tcase_add_test(io, test_every_interface);
    tcase_add_test(io, test_unix);
    tcase_add_test(io, test_unix_left_behind);
    tcase_add_test(io, test_no_socket_is_not_removed);
    tcase_add_test(io, test_listen_refuses);
    tcase_add_test(io, test_cut_anywhere);
    tcase_add_test(io, test_byte_by_byte);
    tcase_add_test(io, test_long_frame);
    tcase_add_test(io, test_coalescing);
    tcase_add_test(io, test_idle_peer_holds_no_buffer);
    tcase_add_test(io, test_close_flushes);
    tcase_add_test(io, test_linger_ends);
    tcase_add_test(io, test_deadline);
    tcase_add_test(io, test_post_from_callback);
    tcase_add_test(io, test_send_to_nobody);
    tcase_add_test(io, test_busy_poll);
    tcase_add_test(io, test_a_turn_is_closed);
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
