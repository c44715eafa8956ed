#include "core/io/workers.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/limits.h"

#define SLOTS 16

static struct ev_loop *loop;
static struct ms_plugins *plugins;
static struct ms_executor *executor;

/* What was reported, by token. */
#define TOKENS_MAX 20001
static struct {
    uint8_t status;
    unsigned ends;
    size_t output_size, pieces;
    size_t payload_size;
    int32_t code;
    uint64_t wall_us;
    char first[64], detail[64];
} seen[TOKENS_MAX];
static uint64_t ends_count, ends_wanted;
static uint64_t next_token, to_submit;
static ms_type flood_type;
static pthread_t loop_thread;

static void submit(uint64_t n, ms_type type, const char *payload, uint8_t flags)
{
    executor->ops->submit(executor, &(struct ms_command){
                                        .kind = MS_KIND_COMMAND,
                                        .type = type,
                                        .token = {1, n},
                                        .attempt = 1,
                                        .flags = flags,
                                        .payload = ms_bytes_of(payload),
                                    });
}

static void copy(char *to, size_t size, struct ms_bytes bytes)
{
    const size_t fits = bytes.size < size - 1 ? bytes.size : size - 1;

    if (fits > 0) {
        memcpy(to, bytes.data, fits);
    }
    to[fits] = '\0';
}

static void report(void *context, const struct ms_event *event)
{
    const struct ms_command *command = event->command;
    const uint64_t n = command->token.n;

    ck_assert_ptr_eq(context, &ends_count);
    ck_assert(pthread_equal(pthread_self(), loop_thread));
    ck_assert_uint_lt(n, TOKENS_MAX);
    ck_assert_uint_eq(seen[n].ends, 0); /* nothing follows the end */
    if (event->type == MS_EVENT_OUTPUT) {
        ck_assert_uint_le(command->payload.size, MS_CHUNK_MAX);
        if (seen[n].pieces++ == 0) {
            copy(seen[n].first, sizeof seen[n].first, command->payload);
        }
        seen[n].output_size += command->payload.size;
        return;
    }
    ck_assert_int_eq(event->type, MS_EVENT_FINISHED);
    seen[n].ends++;
    seen[n].status = command->status;
    seen[n].code = command->code;
    seen[n].wall_us = command->usage->wall_us;
    seen[n].payload_size = command->payload.size;
    seen[n].output_size += command->payload.size;
    if (seen[n].pieces == 0) {
        copy(seen[n].first, sizeof seen[n].first, command->payload);
    }
    copy(seen[n].detail, sizeof seen[n].detail, command->detail);
    if (to_submit > 0) {
        to_submit--;
        submit(++next_token, flood_type, "again", 0);
    }
    if (++ends_count == ends_wanted) {
        ev_break(loop, EVBREAK_ALL);
    }
}

static void run_until(uint64_t count)
{
    ends_wanted = count;
    if (ends_count < count) {
        ev_run(loop, 0);
    }
    ck_assert_uint_eq(ends_count, count);
}

/* The handlers under test. */
static int run_echo(struct ms_job *job, void *state)
{
    ck_assert_str_eq(state, "state");
    ck_assert(!pthread_equal(pthread_self(), loop_thread));
    ms_job_write(job, job->payload, job->payload_size);
    return MS_OK;
}

static int init_echo(const struct ms_host *host, const char *args, void **state)
{
    static char text[] = "state";

    ck_assert_str_eq(args, "args");
    ck_assert_str_eq(host->slave, "ada");
    ck_assert_uint_eq(host->slots, SLOTS);
    *state = text;
    return 0;
}

static int run_large(struct ms_job *job, void *state)
{
    static char block[100000];

    (void)state;
    for (int i = 0; i < 200; i++) {
        if (ms_job_write(job, block, sizeof block) != 0) {
            return MS_FAIL;
        }
    }
    return MS_OK;
}

static int run_words(struct ms_job *job, void *state)
{
    const struct ms_job_exit end = {.code = 42, .wall_us = 777};

    (void)state;
    ms_job_log(job, "a line");
    ms_job_write_to(job, MS_JOB_STDERR, "oops", 4);
    ck_assert_int_eq(ms_job_write_to(job, 77, "x", 1), -1);
    ms_job_set_detail(job, "because");
    ms_job_set_exit(job, &end);
    ck_assert(ms_job_time_left_us(job) == INT64_MAX);
    return MS_RETRY;
}

static int run_progress(struct ms_job *job, void *state)
{
    (void)state;
    for (uint64_t i = 1; i <= 10000; i++) {
        ms_job_progress(job, i, 10000, "steps");
    }
    return MS_OK;
}

static int run_patient(struct ms_job *job, void *state)
{
    (void)state;
    return ms_job_wait(job, -1) ? MS_CANCELLED : MS_FAIL;
}

static int run_bad(struct ms_job *job, void *state)
{
    (void)state;
    return job->payload_size == 0 ? MS_DEFERRED : 17;
}

/* Deferred jobs go through a ring to four threads. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct ms_job *jobs[SLOTS + 1];
    unsigned count;
    bool is_closing;
} ring = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

static int run_deferred(struct ms_job *job, void *state)
{
    (void)state;
    ms_job_defer(job);
    pthread_mutex_lock(&ring.lock);
    ring.jobs[ring.count++] = job;
    pthread_cond_signal(&ring.more);
    pthread_mutex_unlock(&ring.lock);
    return MS_DEFERRED;
}

static void *complete_jobs(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&ring.lock);
    for (;;) {
        while (ring.count == 0 && !ring.is_closing) {
            pthread_cond_wait(&ring.more, &ring.lock);
        }
        if (ring.count == 0) {
            break;
        }
        struct ms_job *job = ring.jobs[--ring.count];

        pthread_mutex_unlock(&ring.lock);
        ms_job_write(job, job->payload, job->payload_size);
        ck_assert_int_eq(ms_job_complete(job, 99), -1);
        ck_assert_int_eq(ms_job_complete(job, MS_OK), 0);
        pthread_mutex_lock(&ring.lock);
    }
    pthread_mutex_unlock(&ring.lock);
    return NULL;
}

static int run_self_completing(struct ms_job *job, void *state)
{
    (void)state;
    ck_assert_int_eq(ms_job_complete(job, MS_OK), -1); /* not deferred */
    ms_job_defer(job);
    ck_assert_int_eq(ms_job_complete(job, MS_RETRY), 0);
    ck_assert_int_eq(ms_job_complete(job, MS_OK), -1); /* once */
    return MS_FAIL;                                    /* ignored */
}

/* Waits until all slots are busy at once. */
static atomic_uint together;

static int run_together(struct ms_job *job, void *state)
{
    (void)state;
    atomic_fetch_add(&together, 1);
    while (atomic_load(&together) < SLOTS) {
        if (ms_job_wait(job, 1000)) {
            return MS_CANCELLED;
        }
    }
    return MS_OK;
}

/* Quick at first, then blocks: jobs behind it must not wait for ever. */
static int run_moody(struct ms_job *job, void *state)
{
    (void)state;
    if (job->payload_size == 4 && memcmp(job->payload, "wait", 4) == 0) {
        atomic_fetch_add(&together, 1);
        while (atomic_load(&together) < 3) {
            if (ms_job_wait(job, 1000)) {
                return MS_CANCELLED;
            }
        }
    }
    return MS_OK;
}

#define HANDLER(a_name, a_type, a_run)                                                             \
    {                                                                                              \
        MS_HANDLER_HEADER, .name = (a_name), .type = (a_type), .run = (a_run)                      \
    }

enum { ECHO = 2000, LARGE, WORDS, PROGRESS, PATIENT, BAD, DEFERRED, SELF, TOGETHER, MOODY };

static const struct ms_handler handlers[] = {
    {MS_HANDLER_HEADER, .name = "echo", .type = ECHO, .init = init_echo, .run = run_echo},
    HANDLER("large", LARGE, run_large),
    HANDLER("words", WORDS, run_words),
    HANDLER("progress", PROGRESS, run_progress),
    HANDLER("patient", PATIENT, run_patient),
    HANDLER("bad", BAD, run_bad),
    HANDLER("deferred", DEFERRED, run_deferred),
    HANDLER("self", SELF, run_self_completing),
    HANDLER("together", TOGETHER, run_together),
    HANDLER("moody", MOODY, run_moody),
};

static void setup(void)
{
    struct ms_complaint complaint;

    loop_thread = pthread_self();
    loop = ev_loop_new(EVFLAG_AUTO);
    plugins = ms_plugins_create();
    ck_assert(loop != NULL && plugins != NULL);
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
        ck_assert(ms_plugins_add(plugins, &handlers[i], "test", "args", &complaint));
    }
    executor = ms_workers_create(&(struct ms_workers_options){
        .size = sizeof(struct ms_workers_options),
        .loop = loop,
        .plugins = plugins,
        .slots = SLOTS,
        .slave = "ada",
        .report = report,
        .context = &ends_count,
    });
    ck_assert_ptr_nonnull(executor);
    ck_assert(ms_plugins_start(plugins, ms_workers_host(executor), &complaint));
}

static void teardown(void)
{
    ck_assert(executor->ops->destroy(executor));
    ms_plugins_destroy(plugins);
    ev_loop_destroy(loop);
}

START_TEST(a_small_result_comes_with_the_end)
{
    submit(1, ECHO, "hello", 0);
    run_until(1);
    ck_assert_int_eq(seen[1].status, MS_STATUS_OK);
    ck_assert_uint_eq(seen[1].pieces, 0);
    ck_assert_str_eq(seen[1].first, "hello");
}
END_TEST

START_TEST(watched_output_comes_as_it_is_written)
{
    submit(1, ECHO, "hello", MS_FLAG_STREAM);
    run_until(1);
    ck_assert_uint_eq(seen[1].pieces, 1);
    ck_assert_uint_eq(seen[1].payload_size, 0);
    ck_assert_str_eq(seen[1].first, "hello");
}
END_TEST

START_TEST(a_large_result_comes_in_pieces)
{
    submit(1, LARGE, "", 0);
    submit(2, LARGE, "", MS_FLAG_STREAM);
    run_until(2);
    ck_assert_uint_eq(seen[1].output_size, 200 * 100000);
    ck_assert_uint_eq(seen[2].output_size, 200 * 100000);
    ck_assert_uint_gt(seen[1].pieces, 200 * 100000 / MS_CHUNK_MAX - 1);
}
END_TEST

START_TEST(words_and_numbers_travel)
{
    submit(1, WORDS, "", 0);
    run_until(1);
    ck_assert_int_eq(seen[1].status, MS_STATUS_RETRY);
    ck_assert_uint_eq(seen[1].pieces, 2);
    ck_assert_str_eq(seen[1].first, "a line");
    ck_assert_str_eq(seen[1].detail, "because");
    ck_assert_int_eq(seen[1].code, 42);
    ck_assert_uint_eq(seen[1].wall_us, 777);
}
END_TEST

START_TEST(progress_is_throttled)
{
    submit(1, PROGRESS, "", MS_FLAG_STREAM);
    submit(2, PROGRESS, "", 0);
    run_until(2);
    ck_assert_uint_ge(seen[1].pieces, 2); /* the first and the last */
    ck_assert_uint_lt(seen[1].pieces, 1000);
    ck_assert_str_eq(seen[1].first, "1 10000 steps");
    ck_assert_uint_eq(seen[2].pieces, 0); /* nobody watches */
}
END_TEST

START_TEST(cancel_wakes_a_waiting_handler)
{
    for (uint64_t n = 1; n <= SLOTS; n++) {
        submit(n, PATIENT, "", 0);
    }
    ev_run(loop, EVRUN_NOWAIT);
    for (uint64_t n = 1; n <= SLOTS; n++) {
        executor->ops->abort(executor, (struct ms_token){1, n});
    }
    executor->ops->abort(executor, (struct ms_token){1, 99});
    executor->ops->abort(executor, (struct ms_token){0, 0});
    run_until(SLOTS);
    for (uint64_t n = 1; n <= SLOTS; n++) {
        ck_assert_int_eq(seen[n].status, MS_STATUS_CANCELLED);
    }
    submit(SLOTS + 1, ECHO, "the flag is down again", 0);
    run_until(SLOTS + 1);
    ck_assert_int_eq(seen[SLOTS + 1].status, MS_STATUS_OK);
}
END_TEST

START_TEST(a_job_cancelled_before_it_began_does_not_run)
{
    submit(1, ECHO, "x", 0);
    executor->ops->abort(executor, (struct ms_token){1, 1});
    run_until(1);
    ck_assert_int_eq(seen[1].status, MS_STATUS_CANCELLED);
    ck_assert_uint_eq(seen[1].output_size, 0);
}
END_TEST

START_TEST(what_is_no_outcome_fails)
{
    submit(1, BAD, "", 0);
    submit(2, BAD, "x", 0);
    run_until(2);
    ck_assert_int_eq(seen[1].status, MS_STATUS_FAIL);
    ck_assert_str_eq(seen[1].detail, "handler returned MS_DEFERRED without ms_job_defer");
    ck_assert_str_eq(seen[2].detail, "handler returned 17, which is no outcome");
}
END_TEST

START_TEST(a_job_may_be_completed_before_run_returns)
{
    submit(1, SELF, "", 0);
    run_until(1);
    ck_assert_int_eq(seen[1].status, MS_STATUS_RETRY);
}
END_TEST

START_TEST(ten_thousand_deferred_jobs_from_four_threads)
{
    pthread_t threads[4];

    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, complete_jobs, NULL);
    }
    flood_type = DEFERRED;
    next_token = SLOTS;
    to_submit = 10000 - SLOTS;
    for (uint64_t n = 1; n <= SLOTS; n++) {
        submit(n, DEFERRED, "again", 0);
    }
    run_until(10000);
    for (uint64_t n = 1; n <= 10000; n++) {
        ck_assert_uint_eq(seen[n].ends, 1);
        ck_assert_int_eq(seen[n].status, MS_STATUS_OK);
        ck_assert_str_eq(seen[n].first, "again");
    }
    pthread_mutex_lock(&ring.lock);
    ring.is_closing = true;
    pthread_cond_broadcast(&ring.more);
    pthread_mutex_unlock(&ring.lock);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
}
END_TEST

START_TEST(every_slot_gets_a_thread)
{
    struct ms_workers_stats stats;

    for (uint64_t n = 1; n <= SLOTS; n++) {
        submit(n, TOGETHER, "", 0);
    }
    run_until(SLOTS); /* each waits for all the others */
    ms_workers_stats(executor, &stats);
    ck_assert_uint_eq(stats.threads, SLOTS);
}
END_TEST

START_TEST(a_handler_that_changes_its_mind_blocks_nobody)
{
    for (uint64_t n = 1; n <= 200; n++) {
        submit(n, MOODY, "quick", 0);
        run_until(n);
    }
    for (uint64_t n = 201; n <= 203; n++) {
        submit(n, MOODY, "wait", 0);
    }
    run_until(203);
}
END_TEST

START_TEST(a_flood_of_small_jobs_all_end)
{
    flood_type = ECHO;
    next_token = SLOTS;
    to_submit = 20000 - SLOTS;
    for (uint64_t n = 1; n <= SLOTS; n++) {
        submit(n, ECHO, "again", 0);
    }
    run_until(20000);
    for (uint64_t n = 1; n <= 20000; n++) {
        ck_assert_uint_eq(seen[n].ends, 1);
    }
}
END_TEST

START_TEST(destroy_cancels_what_runs)
{
    submit(1, PATIENT, "", 0);
    submit(2, LARGE, "", MS_FLAG_STREAM); /* blocks for want of room */
    ev_run(loop, EVRUN_NOWAIT);
    ends_wanted = UINT64_MAX;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_workers");
    TCase *tests = tcase_create("workers");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_small_result_comes_with_the_end);
    tcase_add_test(tests, watched_output_comes_as_it_is_written);
    tcase_add_test(tests, a_large_result_comes_in_pieces);
    tcase_add_test(tests, words_and_numbers_travel);
    tcase_add_test(tests, progress_is_throttled);
    tcase_add_test(tests, cancel_wakes_a_waiting_handler);
    tcase_add_test(tests, a_job_cancelled_before_it_began_does_not_run);
    tcase_add_test(tests, what_is_no_outcome_fails);
    tcase_add_test(tests, a_job_may_be_completed_before_run_returns);
    tcase_add_test(tests, ten_thousand_deferred_jobs_from_four_threads);
    tcase_add_test(tests, every_slot_gets_a_thread);
    tcase_add_test(tests, a_handler_that_changes_its_mind_blocks_nobody);
    tcase_add_test(tests, a_flood_of_small_jobs_all_end);
    tcase_add_test(tests, destroy_cancels_what_runs);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
