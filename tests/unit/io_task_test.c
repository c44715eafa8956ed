#include "core/io/task.h"

#include <check.h>
#include <poll.h>
#include <stdlib.h>

#include "tests/support/handler_run.h"

/* The handler of a test is whatever it sets here. */
static int (*body)(struct ms_job *job);

static int run(struct ms_job *job, void *state)
{
    (void)state;
    return body(job);
}

static const struct ms_handler handler = {MS_HANDLER_HEADER, .name = "test", .run = run};
static struct handler_run *test;

static void setup(void)
{
    test = handler_run_create(&handler, "");
}

static void teardown(void)
{
    handler_run_destroy(test);
}

static void job(int (*with)(struct ms_job *job), const char *payload)
{
    body = with;
    handler_run_text(test, payload);
}

static int write_three_times(struct ms_job *job)
{
    ms_job_write(job, "a", 1);
    ms_job_write(job, "", 0);
    ms_job_write(job, "bc", 2);
    return MS_OK;
}

START_TEST(small_writes_are_gathered)
{
    job(write_three_times, "");
    ck_assert_uint_eq(test->pieces, 0);
    ck_assert_uint_eq(test->sizes[MS_STREAM_DATA], 3);
    ck_assert_mem_eq(test->output[MS_STREAM_DATA], "abc", 3);
}
END_TEST

static int retry_in_a_minute(struct ms_job *job)
{
    return ms_job_retry_after(job, 60 * 1000000);
}

static int ask_and_succeed(struct ms_job *job)
{
    ms_job_retry_after(job, 5);
    return MS_OK;
}

static int retry_some_day(struct ms_job *job)
{
    return ms_job_retry_after(job, INT64_MAX);
}

static int retry_before_now(struct ms_job *job)
{
    return ms_job_retry_after(job, -1);
}

START_TEST(a_handler_asks_for_a_later_attempt)
{
    job(retry_in_a_minute, "");
    ck_assert_int_eq(test->result.status, MS_STATUS_RETRY);
    ck_assert_int_eq(test->result.delay, 60 * MS_SEC);
    job(ask_and_succeed, "");
    ck_assert_int_eq(test->result.status, MS_STATUS_OK);
    ck_assert_int_eq(test->result.delay, 0);
    job(retry_some_day, "");
    ck_assert_int_eq(test->result.delay, MS_DELAY_MAX);
    job(retry_before_now, "");
    ck_assert_int_eq(test->result.delay, 0);
}
END_TEST

/* A host of an earlier muster: its structs end before what came later. */
static int retry_at_an_old_host(struct ms_job *job)
{
    struct ms_host old = *job->host;
    struct ms_job old_job = *job;

    old.size = offsetof(struct ms_host, retry_after);
    old.retry_after = NULL;
    old_job.size = offsetof(struct ms_job, array_index);
    old_job.host = &old;
    ck_assert_uint_eq(ms_job_array_index(&old_job), 0);
    ck_assert_uint_eq(ms_job_array_count(&old_job), 0);
    return ms_job_retry_after(&old_job, 5);
}

static uint32_t place, places;

static int note_place(struct ms_job *job)
{
    place = ms_job_array_index(job);
    places = ms_job_array_count(job);
    return MS_OK;
}

START_TEST(a_job_knows_its_place_in_its_array)
{
    body = note_place;
    handler_run_job(test, &(struct ms_command){.token = {1, 1}, .index = 3, .count = 10});
    ck_assert_uint_eq(place, 3);
    ck_assert_uint_eq(places, 10);
    handler_run_job(test, &(struct ms_command){.token = {1, 2}});
    ck_assert_uint_eq(place, 0);
    ck_assert_uint_eq(places, 0);
    body = retry_at_an_old_host;
    handler_run_job(test, &(struct ms_command){.token = {1, 3}, .index = 3, .count = 10});
    ck_assert_int_eq(test->result.status, MS_STATUS_RETRY);
    ck_assert_int_eq(test->result.delay, 0);
}
END_TEST

START_TEST(watched_writes_leave_at_once)
{
    body = write_three_times;
    handler_run_job(test, &(struct ms_command){.token = {1, 1}, .flags = MS_FLAG_STREAM});
    ck_assert_uint_eq(test->pieces, 2);
    ck_assert_mem_eq(test->output[MS_STREAM_DATA], "abc", 3);
    ck_assert_uint_eq(test->result.payload.size, 0);
}
END_TEST

static int write_before_and_after(struct ms_job *job)
{
    ms_job_write(job, "ab", 2);
    ck_assert_uint_eq(test->pieces, 0);
    ms_task_follow(&test->task);
    ck_assert_uint_eq(test->pieces, 1);
    ms_job_write(job, "c", 1);
    ck_assert_uint_eq(test->pieces, 2);
    ms_job_progress(job, 1, 2, "half");
    ck_assert_uint_eq(test->pieces, 3);
    return MS_OK;
}

START_TEST(who_comes_later_gets_what_was_gathered_and_what_follows)
{
    job(write_before_and_after, "");
    ck_assert_mem_eq(test->output[MS_STREAM_DATA], "abc", 3);
    ck_assert_uint_eq(test->result.payload.size, 0);
    job(write_three_times, ""); /* the next job is watched by nobody */
    ck_assert_uint_eq(test->pieces, 0);
}
END_TEST

static int write_odd_sizes(struct ms_job *job)
{
    static uint8_t block[70000];

    for (size_t i = 0; i < sizeof block; i++) {
        block[i] = (uint8_t)i;
    }
    for (int i = 0; i < 5; i++) {
        ms_job_write(job, block, sizeof block);
    }
    return MS_OK;
}

START_TEST(pieces_hold_every_byte_in_order)
{
    job(write_odd_sizes, "");
    ck_assert_uint_eq(test->pieces, 5 * 70000 / MS_CHUNK_MAX);
    ck_assert_uint_eq(test->sizes[MS_STREAM_DATA], 5 * 70000);
    for (size_t i = 0; i < test->sizes[MS_STREAM_DATA]; i++) {
        ck_assert_uint_eq((uint8_t)test->output[MS_STREAM_DATA][i], (uint8_t)(i % 70000));
    }
}
END_TEST

/* 511 letters and then a character of two bytes. */
static int explain_at_length(struct ms_job *job)
{
    char words[MS_DETAIL_MAX + 2];

    memset(words, 'x', sizeof words);
    memcpy(words + MS_DETAIL_MAX - 1, "\xc3\xa4", 3);
    ms_job_set_detail(job, "first");
    ms_job_set_detail(job, words);
    return MS_FAIL;
}

START_TEST(a_long_detail_is_cut_between_characters)
{
    job(explain_at_length, "");
    ck_assert_int_eq(test->result.status, MS_STATUS_FAIL);
    ck_assert_uint_eq(test->result.detail.size, MS_DETAIL_MAX - 1);
}
END_TEST

static int look_at_the_job(struct ms_job *job)
{
    ck_assert_uint_eq(job->abi, MS_HANDLER_ABI);
    ck_assert_uint_eq(job->size, sizeof *job);
    ck_assert_uint_eq((uintptr_t)job->payload % 16, 0);
    ck_assert_uint_eq(job->payload_size, 4);
    ck_assert_uint_eq(job->client[0], 7);
    ck_assert_uint_eq(job->seq, 9);
    ck_assert_uint_eq(job->token_epoch, 2);
    ck_assert_uint_eq(job->token_n, 3);
    ck_assert_uint_eq(job->attempt, 5);
    ck_assert_uint_eq(job->type, 2000);
    ck_assert(ms_job_time_left_us(job) <= 1000000 * INT64_C(3600));
    ck_assert(ms_job_time_left_us(job) > 0);
    return MS_OK;
}

START_TEST(the_job_says_what_the_command_said)
{
    body = look_at_the_job;
    handler_run_job(test, &(struct ms_command){.id = {{{7}}, 9},
                                               .token = {2, 3},
                                               .attempt = 5,
                                               .type = 2000,
                                               .timeout = 3600 * MS_SEC,
                                               .payload = ms_bytes_of("load")});
    ck_assert_int_eq(test->result.status, MS_STATUS_OK);
    ck_assert_uint_eq(test->result.token.n, 3);
}
END_TEST

/* Asked before and after the cancel. */
static int watch_descriptor(struct ms_job *job)
{
    struct pollfd descriptor = {.fd = ms_job_cancel_fd(job), .events = POLLIN};

    ck_assert_int_ge(descriptor.fd, 0);
    ck_assert_int_eq(ms_job_cancel_fd(job), descriptor.fd);
    ck_assert_int_eq(poll(&descriptor, 1, 0), 0);
    ck_assert_int_eq(ms_job_wait(job, 0), 0);
    ms_task_cancel(&test->task);
    ms_task_cancel(&test->task);
    ck_assert_int_eq(poll(&descriptor, 1, 0), 1);
    ck_assert_int_ne(ms_job_cancelled(job), 0);
    ck_assert_int_ne(ms_job_wait(job, -1), 0);
    ck_assert_int_eq(ms_job_write(job, "partial", 7), -1);
    return MS_CANCELLED;
}

START_TEST(cancel_is_visible_and_forgotten_with_the_job)
{
    for (int i = 0; i < 3; i++) {
        job(watch_descriptor, "");
        ck_assert_int_eq(test->result.status, MS_STATUS_CANCELLED);
        ck_assert_uint_eq(test->sizes[MS_STREAM_DATA], 7); /* what was written counts */
    }
}
END_TEST

static int ask_late(struct ms_job *job)
{
    ms_task_cancel(&test->task);
    return ms_job_wait(job, -1) ? MS_CANCELLED : MS_OK;
}

START_TEST(a_descriptor_made_after_the_cancel_is_readable)
{
    job(ask_late, "");
    ck_assert_int_eq(test->result.status, MS_STATUS_CANCELLED);
}
END_TEST

static int defer(struct ms_job *job)
{
    ms_job_defer(job);
    return MS_DEFERRED;
}

START_TEST(a_deferred_job_ends_when_it_is_completed)
{
    job(defer, "");
    ck_assert(!test->is_over);
    ck_assert_int_eq(ms_job_write(&test->task.job, "later", 5), 0);
    ck_assert_int_eq(ms_job_complete(&test->task.job, MS_DEFERRED), -1);
    ck_assert_int_eq(ms_job_complete(&test->task.job, MS_OK), 0);
    ck_assert(test->is_over);
    ms_task_result(&test->task, &test->result);
    ck_assert_uint_eq(test->result.payload.size, 5);
}
END_TEST

START_TEST(nothing_follows_the_end)
{
    job(defer, "");
    ms_job_write(&test->task.job, "late", 4);
    ms_job_complete(&test->task.job, MS_OK);
    ms_task_follow(&test->task);
    ck_assert_uint_eq(test->pieces, 0);
    ms_task_result(&test->task, &test->result);
    ck_assert_uint_eq(test->result.payload.size, 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_task");
    TCase *tests = tcase_create("task");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_handler_asks_for_a_later_attempt);
    tcase_add_test(tests, a_job_knows_its_place_in_its_array);
    tcase_add_test(tests, small_writes_are_gathered);
    tcase_add_test(tests, watched_writes_leave_at_once);
    tcase_add_test(tests, who_comes_later_gets_what_was_gathered_and_what_follows);
    tcase_add_test(tests, nothing_follows_the_end);
    tcase_add_test(tests, pieces_hold_every_byte_in_order);
    tcase_add_test(tests, a_long_detail_is_cut_between_characters);
    tcase_add_test(tests, the_job_says_what_the_command_said);
    tcase_add_test(tests, cancel_is_visible_and_forgotten_with_the_job);
    tcase_add_test(tests, a_descriptor_made_after_the_cancel_is_readable);
    tcase_add_test(tests, a_deferred_job_ends_when_it_is_completed);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
