/* Pauses: who is of the pair is heard first and always; of the others nothing is heard, and nothing lost. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io_pause_lab.h"

#define CROWD 10000u

static void check_log(uint64_t from, uint64_t to)
{
    ck_assert_uint_eq(lab.count, to - from + 1);
    for (uint32_t i = 0; i < lab.count; i++) {
        ck_assert_uint_eq(lab.log[i], from + i);
    }
}

/* Small ones in one frame, in many, and a frame that comes in pieces. */
static const struct {
    size_t size;
    bool is_apart;
} manners[] = {{10, false}, {10, true}, {8000, false}};

START_TEST(test_pause_in_the_midst_of_input)
{
    enum { COUNT = 60 };
    struct raw raw;

    greet_as(&raw, MS_ROLE_CLIENT);
    lab.driver->tuning.read_size = 100000;
    for (uint64_t at = 1; at <= COUNT; at += at < 5 ? 1 : 11) {
        lab.count = 0;
        lab.pause_at[0] = at;
        lab.pause_at[1] = at + 3; /* again, in what was kept back */
        submit(&raw, 1, COUNT, manners[_i].size, manners[_i].is_apart);
        echo_wait(lab.loop, lab.count >= at);
        echo_settle(lab.loop);
        check_log(1, at);
        resume_all();
        if (at + 3 <= COUNT) {
            echo_wait(lab.loop, lab.count >= at + 3);
            echo_settle(lab.loop);
            check_log(1, at + 3);
            resume_all();
        }
        echo_wait(lab.loop, lab.count >= COUNT);
        echo_settle(lab.loop);
        check_log(1, COUNT);
    }
    raw_close(&raw);
    echo_wait(lab.loop, lab.closed_count == 1);
}
END_TEST

START_TEST(test_nothing_is_heard_in_a_pause)
{
    struct raw talks, ends;

    greet_as(&talks, MS_ROLE_CLIENT);
    greet_as(&ends, MS_ROLE_CLIENT);
    pause_all();
    submit(&talks, 1, 3, 10, true);
    submit(&ends, 4, 4, 10, true);
    raw_close(&ends);
    echo_settle(lab.loop);
    ck_assert_uint_eq(lab.count, 0);
    ck_assert_uint_eq(lab.closed_count, 0);
    resume_all();
    echo_wait(lab.loop, lab.count == 4 && lab.closed_count == 1);
    submit(&talks, 5, 5, 10, true);
    echo_wait(lab.loop, lab.count == 5);
    raw_close(&talks);
}
END_TEST

START_TEST(test_new_ones_are_heard_once)
{
    struct ms_encoder encoder;
    struct raw raw, silent;

    pause_all();
    raw_open(&raw, lab.loop, lab.bound);
    raw_open(&silent, lab.loop, lab.bound);
    ms_encoder_init(&encoder);
    echo_hello(&encoder, MS_ROLE_CLIENT);
    echo_submit(&encoder, 1, "", 0);
    say(&raw, &encoder);
    echo_wait(lab.loop, raw_count(&raw, MS_KIND_WELCOME) == 1);
    raw_close(&silent); /* said nothing: its end is told */
    echo_wait(lab.loop, lab.closed_count == 1);
    echo_settle(lab.loop);
    ck_assert_uint_eq(lab.count, 0);
    resume_all();
    echo_wait(lab.loop, lab.count == 1);
    raw_close(&raw);
}
END_TEST

START_TEST(test_marked_ones_are_heard)
{
    struct raw marked, other;
    ms_peer peer;

    greet_as(&marked, MS_ROLE_SLAVE);
    peer = greet_as(&other, MS_ROLE_CLIENT);
    pause_all();
    submit(&other, 1, 2, 10, false);
    submit(&marked, 7, 8, 10, false);
    echo_wait(lab.loop, lab.count == 2);
    check_log(7, 8);
    echo_settle(lab.loop);
    ask(MS_EFFECT_MARK, peer); /* now the other one, too */
    lab.count = 0;
    echo_wait(lab.loop, lab.count == 2);
    check_log(1, 2);
    raw_close(&marked);
    raw_close(&other);
    echo_wait(lab.loop, lab.closed_count == 2);
}
END_TEST

START_TEST(test_marked_ones_are_heard_first)
{
    enum { OTHERS = 9 };
    struct raw raws[OTHERS + 1];

    for (int i = 0; i <= OTHERS; i++) {
        greet_as(&raws[i], i == OTHERS / 2 ? MS_ROLE_SLAVE : MS_ROLE_CLIENT);
    }
    for (int turn = 0; turn < 5; turn++) {
        lab.count = 0;
        for (uint64_t i = 0; i <= OTHERS; i++) {
            submit(&raws[i], i + 1, i + 1, 10, false);
        }
        echo_wait(lab.loop, lab.count == OTHERS + 1);
        ck_assert_uint_eq(lab.log[0], OTHERS / 2 + 1);
    }
    for (int i = 0; i <= OTHERS; i++) {
        raw_close(&raws[i]);
    }
}
END_TEST

START_TEST(test_marked_ones_are_heard_of_in_the_midst_of_a_frame)
{
    static uint8_t payload[8192];
    struct raw marked, other;
    struct ms_encoder encoder;
    const ms_peer peer = greet_as(&marked, MS_ROLE_SLAVE);

    greet_as(&other, MS_ROLE_CLIENT);
    ms_encoder_init(&encoder);
    echo_submit(&encoder, 1, payload, sizeof payload);
    const struct ms_bytes bytes = ms_encoder_flush(&encoder);

    raw_write(&other, bytes.data, bytes.size / 2);
    echo_settle(lab.loop);
    ck_assert_uint_eq(lab.arriving_count, 0);
    for (size_t i = 0; i < 3; i++) {
        const uint32_t count = lab.arriving_count;

        raw_write(&marked, bytes.data + i * 1000, i < 2 ? 1000 : bytes.size - 2000);
        echo_wait(lab.loop, i < 2 ? lab.arriving_count > count : lab.count == 1);
        ck_assert_uint_eq(lab.arriving, peer);
    }
    ms_encoder_finish(&encoder);
    raw_close(&marked);
    raw_close(&other);
}
END_TEST

/* Closing with input unread resets the connection: the next write fails. */
static void reset(struct raw *raw)
{
    const struct linger linger = {.l_onoff = 1};

    setsockopt(raw->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    raw_close(raw);
}

START_TEST(test_end_by_a_failed_write)
{
    struct raw told, closed;
    const ms_peer first = greet_as(&told, MS_ROLE_CLIENT);
    const ms_peer second = greet_as(&closed, MS_ROLE_CLIENT);

    pause_all();
    reset(&told);
    reset(&closed);
    for (int i = 0; i < 3; i++) {
        ask(MS_EFFECT_SEND, first);
        ask(MS_EFFECT_SEND, second);
        echo_settle(lab.loop);
    }
    ck_assert_uint_eq(lab.closed_count, 0);
    ask(MS_EFFECT_CLOSE, second); /* the engine has ended it: it hears nothing of it any more */
    echo_settle(lab.loop);
    resume_all();
    echo_wait(lab.loop, lab.closed_count == 1);
    echo_settle(lab.loop);
    ck_assert_uint_eq(lab.closed_count, 1);
    ck_assert_uint_eq(lab.closed, first);
    ck_assert_uint_eq(lab.driver->stats.connections, 0);
}
END_TEST

/* What was kept back goes with the connection. */
START_TEST(test_closing_in_a_pause)
{
    struct raw raw;
    const ms_peer peer = greet_as(&raw, MS_ROLE_CLIENT);

    lab.pause_at[0] = 2;
    submit(&raw, 1, 9, 10, false);
    echo_wait(lab.loop, lab.count == 2);
    echo_settle(lab.loop);
    ask(MS_EFFECT_CLOSE, peer);
    echo_wait(lab.loop, raw.is_at_end);
    resume_all();
    echo_settle(lab.loop);
    check_log(1, 2);
    ck_assert_uint_eq(lab.closed_count, 0);
    raw_close(&raw);
    echo_wait(lab.loop, lab.driver->stats.connections == 0);
}
END_TEST

START_TEST(test_ending_in_a_pause)
{
    struct raw raws[3];

    lab.pause_at[0] = 2;
    for (int i = 0; i < 3; i++) {
        greet_as(&raws[i], MS_ROLE_CLIENT);
    }
    submit(&raws[0], 1, 9, 10, false);
    echo_wait(lab.loop, lab.count == 2);
    submit(&raws[1], 1, 9, 10, false);
    echo_settle(lab.loop);
    for (int i = 0; i < 3; i++) {
        raw_close(&raws[i]);
    }
    echo_settle(lab.loop);
    ck_assert_uint_eq(lab.closed_count, 0); /* and the driver goes with all of them */
}
END_TEST

/* A frame begun, and a greeting that is not answered: nobody is blamed for a time in which he was not heard. */
START_TEST(test_limits_stand_still)
{
    struct ms_encoder encoder;
    struct ms_bytes bytes;
    struct raw partial, mute;

    greet_as(&partial, MS_ROLE_CLIENT);
    lab.is_mute = true;
    greet_as(&mute, MS_ROLE_CLIENT);
    ms_encoder_init(&encoder);
    echo_submit(&encoder, 1, "payload", 7);
    bytes = ms_encoder_flush(&encoder);
    raw_write(&partial, bytes.data, bytes.size - 3);
    echo_wait(lab.loop, !ms_list_is_empty(&lab.driver->partial));
    pause_all();
    raw_write(&partial, bytes.data + bytes.size - 3, 3);
    lab.driver->tuning.frame_timeout = lab.driver->tuning.hello_timeout = MS_MSEC;
    for (ms_time until = ms_clock_now() + 20 * MS_MSEC; ms_clock_now() < until;) {
        ev_run(lab.loop, EVRUN_ONCE);
    }
    ck_assert_uint_eq(lab.closed_count, 0);
    lab.driver->tuning.frame_timeout = lab.driver->tuning.hello_timeout = 20 * MS_SEC;
    resume_all();
    echo_wait(lab.loop, lab.count == 1);
    ck_assert_uint_eq(lab.closed_count, 0);
    lab.driver->tuning.hello_timeout = MS_MSEC;
    submit(&partial, 2, 2, 10, false); /* wakes the loop */
    echo_wait(lab.loop, lab.closed_count == 1);
    echo_wait(lab.loop, mute.is_at_end);
    ck_assert_uint_eq(raw_count(&mute, MS_KIND_ERROR), 1);
    raw_close(&partial);
    raw_close(&mute);
    ms_encoder_finish(&encoder);
}
END_TEST

START_TEST(test_pauses_do_not_add_up)
{
    struct raw raw;

    greet_as(&raw, MS_ROLE_CLIENT);
    resume_all();
    pause_all();
    pause_all();
    submit(&raw, 1, 1, 10, false);
    echo_settle(lab.loop);
    resume_all();
    resume_all();
    echo_wait(lab.loop, lab.count == 1);
    raw_close(&raw);
}
END_TEST

/* The other ends of a crowd, in a process of their own because of its descriptors: it greets, and speaks when it is told to. */
_Noreturn static void be_crowd(int orders, int news)
{
    static int fds[CROWD];
    struct ms_address address;
    struct ms_endpoints endpoints;
    struct ms_encoder encoder;
    char order;

    ck_assert(ms_address_parse(lab.bound, MS_ADDRESS_CONNECT, &address, NULL));
    ck_assert(ms_endpoints_find(&endpoints, &address, false));
    for (uint32_t i = 0; i < CROWD; i++) {
        struct ms_bytes bytes;

        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fds[i] < 0 || connect(fds[i], (const struct sockaddr *)&endpoints.items[0].address,
                                  endpoints.items[0].size) != 0) {
            _exit(1);
        }
        ms_encoder_init(&encoder);
        echo_hello(&encoder, MS_ROLE_CLIENT);
        bytes = ms_encoder_flush(&encoder);
        (void)!send(fds[i], bytes.data, bytes.size, MSG_NOSIGNAL);
        ms_encoder_finish(&encoder);
    }
    while (read(orders, &order, 1) == 1) {
        for (uint32_t i = 0; i < CROWD; i++) {
            struct ms_bytes bytes;

            ms_encoder_init(&encoder);
            echo_submit(&encoder, i + 1, "", 0);
            bytes = ms_encoder_flush(&encoder);
            (void)!send(fds[i], bytes.data, bytes.size, MSG_NOSIGNAL);
            ms_encoder_finish(&encoder);
        }
        (void)!write(news, "", 1);
    }
    _exit(0);
}

/* Of this thread, so that a busy machine does not count. */
static ms_time used(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (ms_time)time.tv_sec * MS_SEC + time.tv_nsec / 1000;
}

static uint32_t count_held(void)
{
    uint32_t count = 0;

    ms_list_for_each(link, &lab.driver->held)
    {
        count++;
    }
    return count;
}

START_TEST(test_a_crowd_is_paused_at_once)
{
    const ms_time limit = 20 * MS_MSEC;
    struct rlimit files;
    int orders[2], news[2], status;
    ms_time begin, silent, loud;
    pid_t child;
    char byte;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    if (files.rlim_cur < CROWD + 100) {
        fprintf(stderr, "skipped: %u descriptors are needed\n", CROWD + 100);
        return;
    }
    ck_assert_int_eq(pipe(orders), 0);
    ck_assert_int_eq(pipe(news), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(orders[1]);
        be_crowd(orders[0], news[1]);
    }
    close(orders[0]);
    echo_wait(lab.loop, lab.hellos_count == CROWD);
    echo_settle(lab.loop);
    begin = used();
    pause_all();
    resume_all();
    silent = used() - begin;
    pause_all();
    ck_assert_int_eq(write(orders[1], "", 1), 1);
    ck_assert_int_eq(read(news[0], &byte, 1), 1);
    echo_wait(lab.loop, count_held() == CROWD);
    ck_assert_uint_eq(lab.count, 0);
    begin = used();
    resume_all();
    loud = used() - begin;
    echo_wait(lab.loop, lab.count == CROWD);
    fprintf(stderr, "pause and resume of %u: %lld us when all are silent, %lld us when all speak\n",
            CROWD, (long long)silent, (long long)loud);
    ck_assert_int_lt(silent, limit);
    ck_assert_int_lt(loud, limit);
    close(orders[1]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("pause");
    TCase *io = tcase_create("pause");

    tcase_set_timeout(io, 60);
    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_loop_test(io, test_pause_in_the_midst_of_input, 0,
                        (int)(sizeof manners / sizeof manners[0]));
    tcase_add_test(io, test_nothing_is_heard_in_a_pause);
    tcase_add_test(io, test_new_ones_are_heard_once);
    tcase_add_test(io, test_marked_ones_are_heard);
    tcase_add_test(io, test_marked_ones_are_heard_first);
    tcase_add_test(io, test_marked_ones_are_heard_of_in_the_midst_of_a_frame);
    tcase_add_test(io, test_end_by_a_failed_write);
    tcase_add_test(io, test_closing_in_a_pause);
    tcase_add_test(io, test_ending_in_a_pause);
    tcase_add_test(io, test_limits_stand_still);
    tcase_add_test(io, test_pauses_do_not_add_up);
    tcase_add_test(io, test_a_crowd_is_paused_at_once);
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
