/* The driver against peers that misbehave: garbage, silence, slowness, too many. */
#include <check.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/echo.h"

static struct ev_loop *loop;
static struct echo server;

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

static void say_hello(struct raw *raw)
{
    struct ms_encoder encoder;
    struct ms_bytes bytes;

    ms_encoder_init(&encoder);
    echo_hello(&encoder, MS_ROLE_CLIENT);
    bytes = ms_encoder_flush(&encoder);
    raw_open(raw, loop, server.bound);
    raw_write(raw, bytes.data, bytes.size);
    echo_wait(loop, raw_count(raw, MS_KIND_WELCOME) == 1);
    ms_encoder_finish(&encoder);
}

/* One wrong peer is told why and closed; its neighbour never notices. */
static void refused_with(const void *data, size_t size, enum ms_error error)
{
    struct raw neighbour, raw;

    say_hello(&neighbour);
    raw_open(&raw, loop, server.bound);
    raw_write(&raw, data, size);
    echo_wait(loop, raw.is_at_end);
    ck_assert_uint_eq(raw_count(&raw, MS_KIND_ERROR), 1);
    ck_assert_int_eq(raw.error, error);
    ck_assert_uint_eq(server.closed_count, 1);
    ck_assert_int_eq(server.error, error);
    ck_assert_uint_eq(server.driver->stats.malformed_total, 1);
    ck_assert(!neighbour.is_at_end);
    raw_close(&raw);
    raw_close(&neighbour);
}

START_TEST(test_garbage)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n";

    refused_with(text, sizeof text - 1, MS_E_MAGIC);
}
END_TEST

/* More input than is ever read stands behind the mistake; the reason must arrive nevertheless. */
START_TEST(test_garbage_with_more_behind)
{
    uint8_t *noise = calloc(1, 200000);

    refused_with(noise, 200000, MS_E_MAGIC);
    free(noise);
}
END_TEST

START_TEST(test_too_long_before_hello)
{
    uint8_t header[MS_FRAME_HEADER_SIZE];

    ms_frame_header(header, MS_KIND_HELLO, 0, MS_FRAME_HELLO_MAX + 1);
    refused_with(header, sizeof header, MS_E_FRAME_SIZE);
}
END_TEST

START_TEST(test_bad_body)
{
    uint8_t frame[MS_FRAME_HEADER_SIZE + 3] = {0};

    ms_frame_header(frame, MS_KIND_HELLO, 0, 3);
    memset(frame + MS_FRAME_HEADER_SIZE, 0xff, 3);
    refused_with(frame, sizeof frame, MS_E_MALFORMED);
}
END_TEST

START_TEST(test_greeted_may_send_more)
{
    struct ms_encoder encoder;
    struct raw raw;
    static uint8_t payload[50000];
    struct ms_bytes bytes;

    say_hello(&raw);
    ms_encoder_init(&encoder);
    echo_submit(&encoder, 1, payload, sizeof payload);
    bytes = ms_encoder_flush(&encoder);
    raw_write(&raw, bytes.data, bytes.size);
    echo_wait(loop, raw_count(&raw, MS_KIND_OUTCOME) == 1);
    raw_close(&raw);
    ms_encoder_finish(&encoder);
}
END_TEST

START_TEST(test_no_hello)
{
    struct raw raw;

    server.driver->tuning.hello_timeout = 1;
    raw_open(&raw, loop, server.bound);
    echo_wait(loop, raw.is_at_end);
    ck_assert_uint_eq(raw_count(&raw, MS_KIND_ERROR), 1);
    ck_assert_int_eq(raw.error, MS_E_TIMEOUT);
    ck_assert_int_eq(server.error, MS_E_TIMEOUT);
    ck_assert_uint_eq(server.closed_count, 1);
    raw_close(&raw);
}
END_TEST

/* A frame begun and left is an end; one that moves on at the least rate is not. */
START_TEST(test_frame_stands_still)
{
    struct raw raw;
    uint8_t header[MS_FRAME_HEADER_SIZE];

    say_hello(&raw);
    server.driver->tuning.frame_timeout = MS_MSEC;
    ms_frame_header(header, MS_KIND_SUBMIT, 0, 1000);
    raw_write(&raw, header, sizeof header);
    echo_wait(loop, server.closed_count == 1);
    ck_assert_int_eq(server.error, MS_E_TIMEOUT);
    raw_close(&raw);
}
END_TEST

START_TEST(test_frame_moves_slowly)
{
    struct ms_encoder encoder;
    struct ms_bytes bytes;
    struct raw raw;
    static uint8_t payload[30000];

    say_hello(&raw);
    server.driver->tuning.frame_timeout = MS_MSEC;
    server.driver->tuning.frame_rate_min = 0;
    ms_encoder_init(&encoder);
    echo_submit(&encoder, 1, payload, sizeof payload);
    bytes = ms_encoder_flush(&encoder);
    for (size_t at = 0; at < bytes.size; at += 1000) {
        uint32_t ticks = server.ticks_count;

        raw_write(&raw, bytes.data + at, bytes.size - at < 1000 ? bytes.size - at : 1000);
        server.tick_at = ms_clock_now() + 2 * MS_MSEC; /* past the time limit of the frame */
        echo_wait(loop, server.ticks_count > ticks);
    }
    echo_wait(loop, raw_count(&raw, MS_KIND_OUTCOME) == 1);
    ck_assert_uint_eq(server.closed_count, 0);
    raw_close(&raw);
    ms_encoder_finish(&encoder);
}
END_TEST

/* A claim costs the claimant, not us: memory follows the bytes that came. */
START_TEST(test_claimed_length_is_not_allocated)
{
    struct ms_connection *connection;
    uint8_t header[MS_FRAME_HEADER_SIZE];
    struct raw raw;

    say_hello(&raw);
    ms_frame_header(header, MS_KIND_SUBMIT, 0, MS_PAYLOAD_MAX_DEFAULT);
    raw_write(&raw, header, sizeof header);
    connection = ms_pool_get(&server.driver->pool, server.peer);
    echo_wait(loop, connection->partial != NULL);
    ck_assert_uint_le(connection->partial_capacity, MS_DRIVER_PARTIAL_SIZE);
    raw_close(&raw);
}
END_TEST

START_TEST(test_silent_ones_make_room)
{
    struct raw raws[6];

    server.driver->tuning.pending_max = 4;
    for (size_t i = 0; i < 6; i++) {
        raw_open(&raws[i], loop, server.bound);
        echo_wait(loop, server.opened_count == i + 1);
    }
    echo_wait(loop, raws[0].is_at_end && raws[1].is_at_end);
    ck_assert_uint_eq(server.closed_count, 2);
    ck_assert_int_eq(server.error, MS_E_TOO_MANY);
    ck_assert_uint_eq(server.driver->stats.refused_total, 2);
    for (size_t i = 0; i < 6; i++) {
        ck_assert(raws[i].is_at_end == (i < 2));
        raw_close(&raws[i]);
    }
}
END_TEST

START_TEST(test_peers_max)
{
    struct raw *raws = calloc(1025, sizeof *raws);

    for (size_t i = 0; i < 1025; i++) {
        raw_open(&raws[i], loop, server.bound);
        echo_settle(loop);
    }
    echo_wait(loop, raws[1024].is_at_end);
    ck_assert_uint_eq(raw_count(&raws[1024], MS_KIND_ERROR), 1);
    ck_assert_int_eq(raws[1024].error, MS_E_TOO_MANY);
    ck_assert_uint_eq(server.opened_count, 1024);
    ck_assert_uint_eq(server.driver->stats.refused_total, 1);
    raw_close(&raws[0]);
    echo_wait(loop, server.closed_count == 1);
    raw_close(&raws[1024]);
    raw_open(&raws[1024], loop, server.bound);
    echo_wait(loop, server.opened_count == 1025);
    for (size_t i = 1; i < 1025; i++) {
        raw_close(&raws[i]);
    }
    free(raws);
}
END_TEST

/* Gives a socket as much as it takes; how much that was. */
static size_t push(struct raw *raw, struct ms_bytes bytes)
{
    size_t sent = 0;

    while (sent < bytes.size) {
        ssize_t size =
            send(raw->fd, bytes.data + sent, bytes.size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        echo_settle(loop);
        if (size <= 0) {
            return sent;
        }
        sent += (size_t)size;
    }
    return sent;
}

/* Who does not read its answers is not read; its memory stays bounded; when it reads, all arrives. */
START_TEST(test_back_pressure)
{
    struct ms_encoder encoder;
    struct ms_connection *connection;
    struct ms_bytes bytes;
    struct raw raw;
    static uint8_t payload[16384];
    size_t sent, soft = 256 << 10;

    say_hello(&raw);
    server.driver->tuning.output_soft_max = soft;
    connection = ms_pool_get(&server.driver->pool, server.peer);
    raw_read(&raw, false);
    ms_encoder_init(&encoder);
    for (uint64_t i = 1; i <= 4000; i++) { /* 64 MB: more than all socket buffers take */
        echo_submit(&encoder, i, payload, sizeof payload);
    }
    bytes = ms_encoder_flush(&encoder);
    sent = push(&raw, bytes);
    ck_assert_uint_lt(sent, bytes.size);
    ck_assert(connection->is_paused);
    ck_assert_uint_gt(ms_encoder_pending(&connection->encoder), soft);
    ck_assert_uint_lt(ms_encoder_pending(&connection->encoder), soft + 2 * MS_DRIVER_READ_SIZE);
    raw_read(&raw, true);
    raw_write(&raw, bytes.data + sent, bytes.size - sent);
    echo_wait(loop, raw.size >= bytes.size / 2 && server.submits_count == 4000 &&
                        ms_encoder_pending(&connection->encoder) == 0);
    echo_wait(loop, raw_count(&raw, MS_KIND_OUTCOME) == 4000);
    ck_assert(!connection->is_paused);
    raw_close(&raw);
    ms_encoder_finish(&encoder);
}
END_TEST

/* Output that nobody reads ends at the hard limit. */
START_TEST(test_slow_reader_is_closed)
{
    static uint8_t payload[65536];
    struct ms_command command = {
        .kind = MS_KIND_OUTCOME, .id.seq = 1, .payload = {payload, sizeof payload}};
    struct ms_event event = {.type = MS_EVENT_REQUEST, .command = &command};
    struct raw raw;

    say_hello(&raw);
    raw_read(&raw, false);
    server.driver->tuning.output_hard_max = 1 << 20;
    event.peer = server.peer;
    for (int i = 0; i < 2000 && server.closed_count == 0; i++) {
        ms_driver_post(server.driver, &event);
        ev_run(loop, EVRUN_NOWAIT);
    }
    ck_assert_uint_eq(server.closed_count, 1);
    ck_assert_int_eq(server.error, MS_E_SLOW);
    raw_close(&raw);
}
END_TEST

/* Without descriptors the waiting are told, and served again when there are some. */
START_TEST(test_no_descriptors)
{
    struct rlimit limit;
    struct raw raws[3];
    int last;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    server.driver->tuning.accept_pause = 1;
    raw_open(&raws[0], loop, server.bound);
    echo_wait(loop, server.opened_count == 1);
    raw_open(&raws[1], loop, server.bound); /* ours stands, theirs cannot be opened */
    last = raws[1].fd;
    limit.rlim_cur = (rlim_t)last + 1;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    echo_wait(loop, raws[1].is_at_end);
    ck_assert_uint_eq(raw_count(&raws[1], MS_KIND_ERROR), 1);
    ck_assert_int_eq(raws[1].error, MS_E_TOO_MANY);
    ck_assert_uint_eq(server.driver->stats.refused_total, 1);
    ck_assert_uint_eq(server.opened_count, 1);
    limit.rlim_cur = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    raw_open(&raws[2], loop, server.bound);
    echo_wait(loop, server.opened_count == 2);
    for (size_t i = 0; i < 3; i++) {
        raw_close(&raws[i]);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("limits");
    TCase *io = tcase_create("io");

    tcase_set_timeout(io, 60);
    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_garbage);
    tcase_add_test(io, test_garbage_with_more_behind);
    tcase_add_test(io, test_too_long_before_hello);
    tcase_add_test(io, test_bad_body);
    tcase_add_test(io, test_greeted_may_send_more);
    tcase_add_test(io, test_no_hello);
    tcase_add_test(io, test_frame_stands_still);
    tcase_add_test(io, test_frame_moves_slowly);
    tcase_add_test(io, test_claimed_length_is_not_allocated);
    tcase_add_test(io, test_silent_ones_make_room);
    tcase_add_test(io, test_peers_max);
    tcase_add_test(io, test_back_pressure);
    tcase_add_test(io, test_slow_reader_is_closed);
    tcase_add_test(io, test_no_descriptors);
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
