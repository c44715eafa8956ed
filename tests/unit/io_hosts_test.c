#include "core/io/hosts.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "tests/support/host_program.h"

#define SLOTS      3
#define TOKENS_MAX 1000

static struct ev_loop *loop;
static struct ms_executor *executor;
static struct {
    uint8_t status;
    unsigned ends;
    uint32_t signal;
    int32_t code;
    size_t size;
    char detail[MS_DETAIL_MAX + 1];
} seen[TOKENS_MAX];
static uint64_t ends_count, ends_wanted;
static uint64_t next_token, to_submit;
static bool cancels_at_output;

static void submit(uint64_t n, ms_type type, const char *payload)
{
    executor->ops->submit(executor, &(struct ms_command){
                                        .kind = MS_KIND_COMMAND,
                                        .id = {{{9}}, n},
                                        .type = type,
                                        .token = {1, n},
                                        .attempt = 1,
                                        .payload = ms_bytes_of(payload),
                                    });
}

static void report(void *context, const struct ms_event *event)
{
    const struct ms_command *command = event->command;
    const uint64_t n = command->token.n;

    ck_assert_ptr_eq(context, &ends_count);
    ck_assert_uint_lt(n, TOKENS_MAX);
    ck_assert_uint_eq(seen[n].ends, 0); /* nothing follows the end */
    seen[n].size += command->payload.size;
    if (event->type == MS_EVENT_OUTPUT) {
        if (cancels_at_output) {
            executor->ops->abort(executor, command->token);
        }
        return;
    }
    ck_assert_int_eq(event->type, MS_EVENT_FINISHED);
    seen[n].ends++;
    seen[n].status = command->status;
    seen[n].signal = command->signal;
    seen[n].code = command->code;
    memcpy(seen[n].detail, command->detail.data != NULL ? command->detail.data : (const void *)"",
           command->detail.size);
    ends_count++;
    if (to_submit > 0) {
        to_submit--;
        next_token++;
        submit(next_token, next_token % 5 == 0 ? HOST_PROGRAM_EXIT : HOST_PROGRAM_ECHO, "next");
    } else if (ends_count == ends_wanted) {
        ev_break(loop, EVBREAK_ALL);
    }
}

static void setup(void)
{
    struct ms_complaint complaint;

    loop = ev_loop_new(EVFLAG_AUTO);
    executor = ms_hosts_create(
        &(struct ms_hosts_options){
            .size = sizeof(struct ms_hosts_options),
            .loop = loop,
            .argv = host_program_argv,
            .slots = SLOTS,
            .grace = 50 * MS_MSEC,
            .report = report,
            .context = &ends_count,
        },
        &complaint);
    ck_assert_msg(executor != NULL, "%s", complaint.text);
}

static void teardown(void)
{
    ck_assert(executor->ops->destroy(executor));
    ev_loop_destroy(loop);
}

static void await(uint64_t count)
{
    ends_wanted = count;
    if (ends_count < count) {
        ev_run(loop, 0);
    }
    ck_assert_uint_eq(ends_count, count);
}

static struct ms_hosts_stats stats_now(void)
{
    struct ms_hosts_stats stats;

    ms_hosts_stats(executor, &stats);
    return stats;
}

START_TEST(processes_are_used_again)
{
    for (uint64_t n = 1; n <= 300; n++) {
        submit(n, n % 2 == 0 ? HOST_PROGRAM_ECHO : HOST_PROGRAM_DEFERRED, "hello");
        await(n);
        ck_assert_int_eq(seen[n].status, MS_STATUS_OK);
        ck_assert_uint_eq(seen[n].size, 5);
    }
    ck_assert_uint_eq(stats_now().started_total, SLOTS);
    ck_assert_uint_eq(stats_now().running, 0);
}
END_TEST

START_TEST(large_output_comes_whole)
{
    for (uint64_t n = 1; n <= SLOTS; n++) {
        submit(n, HOST_PROGRAM_FLOOD, "");
    }
    await(SLOTS);
    for (uint64_t n = 1; n <= SLOTS; n++) {
        ck_assert_uint_eq(seen[n].size, HOST_PROGRAM_FLOOD_SIZE);
    }
}
END_TEST

START_TEST(a_crash_is_an_outcome_with_last_words)
{
    submit(1, HOST_PROGRAM_CRASH, "first\nthe last words");
    submit(2, HOST_PROGRAM_EXIT, "");
    submit(3, HOST_PROGRAM_ECHO, "untouched");
    await(3);
    ck_assert_int_eq(seen[1].status, MS_STATUS_CRASHED);
    ck_assert_uint_eq(seen[1].signal, SIGABRT);
    ck_assert_str_eq(seen[1].detail, "signal 6 (SIGABRT): first; the last words");
    ck_assert_int_eq(seen[2].status, MS_STATUS_CRASHED);
    ck_assert_int_eq(seen[2].code, 3);
    ck_assert_str_eq(seen[2].detail, "exit 3");
    ck_assert_int_eq(seen[3].status, MS_STATUS_OK);
    ck_assert_uint_eq(stats_now().crashed_total, 2);
}
END_TEST

/* Each end brings the next job, from within the report, and every fifth takes its process along. */
START_TEST(jobs_flow_through_crashes)
{
    next_token = SLOTS;
    to_submit = 200 - SLOTS;
    for (uint64_t n = 1; n <= SLOTS; n++) {
        submit(n, HOST_PROGRAM_ECHO, "first");
    }
    await(200);
    for (uint64_t n = 1; n <= 200; n++) {
        ck_assert_int_eq(seen[n].status,
                         n > SLOTS && n % 5 == 0 ? MS_STATUS_CRASHED : MS_STATUS_OK);
    }
}
END_TEST

START_TEST(cancel_is_heard_or_enforced)
{
    cancels_at_output = true;
    submit(1, HOST_PROGRAM_POLITE, "");
    submit(2, HOST_PROGRAM_DEAF, "");
    await(2);
    ck_assert_int_eq(seen[1].status, MS_STATUS_CANCELLED);
    ck_assert_str_eq(seen[1].detail, "");
    ck_assert_int_eq(seen[2].status, MS_STATUS_CANCELLED);
    ck_assert_str_eq(seen[2].detail, "killed: the handler did not stop when asked");
    ck_assert_uint_eq(stats_now().crashed_total, 0);
}
END_TEST

START_TEST(nonsense_on_the_link_ends_the_process_alone)
{
    submit(1, HOST_PROGRAM_WILD, "");
    submit(2, HOST_PROGRAM_ECHO, "well");
    await(2);
    ck_assert_int_eq(seen[1].status, MS_STATUS_CRASHED);
    ck_assert_str_eq(seen[1].detail,
                     "it wrote nonsense to its slave and was killed: signal 9 (SIGKILL)");
    ck_assert_int_eq(seen[2].status, MS_STATUS_OK);
}
END_TEST

START_TEST(work_in_hand_does_not_hold_up_the_end)
{
    submit(1, HOST_PROGRAM_POLITE, "");
    ev_run(loop, EVRUN_NOWAIT);
    /* teardown must not wait for the patience to be over: the handler listens */
}
END_TEST

START_TEST(handlers_that_do_not_start_are_a_complaint)
{
    struct ms_complaint complaint;

    loop = ev_loop_new(EVFLAG_AUTO);
    executor = ms_hosts_create(
        &(struct ms_hosts_options){
            .size = sizeof(struct ms_hosts_options),
            .loop = loop,
            .argv = host_program_bad_init_argv,
            .slots = 2,
            .report = report,
            .context = &ends_count,
        },
        &complaint);
    ck_assert_ptr_null(executor);
    ck_assert_str_eq(complaint.text, "the process of the handlers does not start: exit 70: test: "
                                     "handler bad does not start: init returned 42");
    ev_loop_destroy(loop);
}
END_TEST

int main(int argc, char **argv)
{
    int exit_code;

    if (host_program_run(argc, argv, &exit_code)) {
        return exit_code;
    }
    Suite *suite = suite_create("io_hosts");
    TCase *tests = tcase_create("hosts");
    TCase *bad = tcase_create("bad");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, processes_are_used_again);
    tcase_add_test(tests, large_output_comes_whole);
    tcase_add_test(tests, a_crash_is_an_outcome_with_last_words);
    tcase_add_test(tests, jobs_flow_through_crashes);
    tcase_add_test(tests, cancel_is_heard_or_enforced);
    tcase_add_test(tests, nonsense_on_the_link_ends_the_process_alone);
    tcase_add_test(tests, work_in_hand_does_not_hold_up_the_end);
    tcase_set_timeout(bad, 60);
    tcase_add_test(bad, handlers_that_do_not_start_are_a_complaint);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, bad);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
