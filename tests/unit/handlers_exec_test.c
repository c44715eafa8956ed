#include "handlers/ms_handler.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handlers/exec.pb-c.h"
#include "tests/support/handler_run.h"

typedef Muster__Handlers__ExecRequest request_t;

static struct handler_run *handler;

static void setup(void)
{
    handler = handler_run_create(&ms_handler_v1, "");
}

static void teardown(void)
{
    handler_run_destroy(handler);
}

/* Packs the request; free what comes back. */
static struct ms_bytes pack(const request_t *request)
{
    const size_t size = muster__handlers__exec_request__get_packed_size(request);
    uint8_t *data = malloc(size + 1);

    ck_assert_ptr_nonnull(data);
    muster__handlers__exec_request__pack(request, data);
    return (struct ms_bytes){data, size};
}

static void run_bytes(struct ms_bytes payload)
{
    static const struct ms_uuid client = {{0xab, [15] = 0x01}};

    handler_run_job(handler, &(struct ms_command){
                                 .kind = MS_KIND_COMMAND,
                                 .id = {client, 7},
                                 .token = {2, 9},
                                 .attempt = 3,
                                 .payload = payload,
                             });
}

static void run_request(const request_t *request)
{
    const struct ms_bytes payload = pack(request);

    run_bytes(payload);
    free((void *)(uintptr_t)payload.data);
}

static void run_shell(const char *line)
{
    request_t request = MUSTER__HANDLERS__EXEC_REQUEST__INIT;

    request.shell = (char *)(uintptr_t)line;
    run_request(&request);
}

static void check_output(enum ms_stream stream, const char *expected)
{
    ck_assert_uint_eq(handler->sizes[stream], strlen(expected));
    ck_assert_mem_eq(handler->output[stream], expected, strlen(expected));
}

static void check_detail(const char *expected)
{
    const struct ms_bytes detail = handler->result.detail;

    ck_assert_msg(
        detail.size == strlen(expected) && memcmp(detail.data, expected, detail.size) == 0,
        "detail is '%.*s', not '%s'", (int)detail.size, (const char *)detail.data, expected);
}

START_TEST(argv_input_and_both_outputs)
{
    char *argv[] = {"/bin/sh", "-c", "cat; echo \"$1\" >&2", "sh", "two words"};
    request_t request = MUSTER__HANDLERS__EXEC_REQUEST__INIT;

    request.argv = argv;
    request.n_argv = sizeof argv / sizeof argv[0];
    request.input = (ProtobufCBinaryData){5, (uint8_t *)(uintptr_t) "a\nb\nc"};
    run_request(&request);
    ck_assert_int_eq(handler->result.status, MS_STATUS_OK);
    ck_assert_int_eq(handler->result.code, 0);
    check_output(MS_STREAM_DATA, "a\nb\nc");
    check_output(MS_STREAM_STDERR, "two words\n");
}
END_TEST

START_TEST(without_input_there_is_nothing_to_read)
{
    run_shell("cat; echo end");
    check_output(MS_STREAM_DATA, "end\n");
}
END_TEST

START_TEST(large_input_and_output_come_through)
{
    char *argv[] = {"cat"};
    const size_t size = 600000;
    request_t request = MUSTER__HANDLERS__EXEC_REQUEST__INIT;
    uint8_t *data = malloc(size);

    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(i * 31 / 7);
    }
    request.argv = argv;
    request.n_argv = 1;
    request.input = (ProtobufCBinaryData){size, data};
    run_request(&request);
    ck_assert_int_eq(handler->result.status, MS_STATUS_OK);
    ck_assert_uint_eq(handler->sizes[MS_STREAM_DATA], size);
    ck_assert_mem_eq(handler->output[MS_STREAM_DATA], data, size);
    free(data);
}
END_TEST

START_TEST(the_environment_says_which_command_it_is)
{
    char *env[] = {"GREETING=hello", "HOME=/elsewhere", "MUSTER_TYPE=forged"};
    request_t request = MUSTER__HANDLERS__EXEC_REQUEST__INIT;

    request.shell = "echo $GREETING $HOME $MUSTER_TYPE $MUSTER_ID $MUSTER_ATTEMPT $MUSTER_SLAVE "
                    "$MUSTER_TOKEN $MUSTER_ARRAY_INDEX $MUSTER_ARRAY_COUNT";
    request.env = env;
    request.n_env = 3;
    run_request(&request);
    check_output(MS_STREAM_DATA,
                 "hello /elsewhere exec ab000000000000000000000000000001:7 3 test 2.9 0 0\n");
}
END_TEST

START_TEST(it_runs_in_the_directory)
{
    request_t request = MUSTER__HANDLERS__EXEC_REQUEST__INIT;

    request.shell = "pwd";
    request.directory = "/usr";
    run_request(&request);
    check_output(MS_STREAM_DATA, "/usr\n");
    request.directory = "/usr/no-such-place";
    run_request(&request);
    ck_assert_int_eq(handler->result.status, MS_STATUS_FAIL);
    check_detail("cannot run in /usr/no-such-place: No such file or directory");
}
END_TEST

START_TEST(exit_status_and_signal_ask_for_a_retry)
{
    run_shell("exit 3");
    ck_assert_int_eq(handler->result.status, MS_STATUS_RETRY);
    ck_assert_int_eq(handler->result.code, 3);
    check_detail("exit 3");
    run_shell("kill -KILL $$");
    ck_assert_int_eq(handler->result.status, MS_STATUS_RETRY);
    ck_assert_uint_eq(handler->result.signal, SIGKILL);
    check_detail("signal 9 (SIGKILL)");
}
END_TEST

START_TEST(what_cannot_be_run_has_failed_for_good)
{
    static const struct {
        const char *name;
        int code;
        const char *detail;
    } wrong[] = {
        {"no-such-program-here", 127, "no-such-program-here: not found"},
        {"/etc/passwd", 126, "/etc/passwd: Permission denied"},
        {"/no/such/program", 127, "/no/such/program: not found"},
    };
    request_t request = MUSTER__HANDLERS__EXEC_REQUEST__INIT;
    char *argv[] = {(char *)(uintptr_t)wrong[_i].name};

    request.argv = argv;
    request.n_argv = 1;
    run_request(&request);
    ck_assert_int_eq(handler->result.status, MS_STATUS_FAIL);
    ck_assert_int_eq(handler->result.code, wrong[_i].code);
    check_detail(wrong[_i].detail);
}
END_TEST

START_TEST(a_script_without_a_first_line_runs)
{
    char path[] = "/tmp/muster-test-XXXXXX";
    char *argv[] = {path, "one", "two"};
    request_t request = MUSTER__HANDLERS__EXEC_REQUEST__INIT;
    const int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "echo $2 $1\n", 11), 11);
    fchmod(fd, 0700);
    close(fd);
    request.argv = argv;
    request.n_argv = 3;
    run_request(&request);
    unlink(path);
    ck_assert_int_eq(handler->result.status, MS_STATUS_OK);
    check_output(MS_STREAM_DATA, "two one\n");
}
END_TEST

START_TEST(the_shell_may_not_find_it_either)
{
    run_shell("no-such-program-here");
    ck_assert_int_eq(handler->result.status, MS_STATUS_FAIL);
    ck_assert_int_eq(handler->result.code, 127);
}
END_TEST

START_TEST(what_it_used_is_counted)
{
    run_shell("i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done");
    ck_assert_int_eq(handler->result.status, MS_STATUS_OK);
    ck_assert_uint_gt(handler->result.usage->user_us + handler->result.usage->system_us, 0);
    ck_assert_uint_gt(handler->result.usage->rss_kib, 0);
}
END_TEST

START_TEST(signals_are_as_a_program_expects_them)
{
    sigset_t all, old;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    /* yes ends by SIGPIPE, which must be neither ignored nor blocked; SIGTERM must arrive. */
    run_shell("yes | head -n 1; kill -TERM $$");
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    check_output(MS_STREAM_DATA, "y\n");
    ck_assert_uint_eq(handler->result.signal, SIGTERM);
}
END_TEST

START_TEST(malformed_requests_fail_with_a_reason)
{
    char *argv[] = {"true"};
    char *env[] = {"no-value"};
    request_t both = MUSTER__HANDLERS__EXEC_REQUEST__INIT;
    request_t bad_env = MUSTER__HANDLERS__EXEC_REQUEST__INIT;

    both.argv = argv;
    both.n_argv = 1;
    both.shell = "true";
    run_request(&both);
    ck_assert_int_eq(handler->result.status, MS_STATUS_FAIL);
    check_detail("the request has both argv and shell");
    bad_env.shell = "true";
    bad_env.env = env;
    bad_env.n_env = 1;
    run_request(&bad_env);
    check_detail("a line of env is not NAME=VALUE");
    run_bytes(ms_bytes_of(""));
    check_detail("the request has neither argv nor shell");
    run_bytes(ms_bytes_of("\xff\xff\xff"));
    ck_assert_int_eq(handler->result.status, MS_STATUS_FAIL);
    check_detail("the payload is no ExecRequest, or one of far too many words");
}
END_TEST

/* Two bytes of wire make a string of 16 in memory. */
START_TEST(a_bomb_of_empty_words_is_refused)
{
    const size_t size = 400000;
    uint8_t *bomb = malloc(size);

    ck_assert_ptr_nonnull(bomb);
    for (size_t i = 0; i < size; i += 2) {
        bomb[i] = 1 << 3 | 2;
        bomb[i + 1] = 0;
    }
    run_bytes((struct ms_bytes){bomb, size});
    ck_assert_int_eq(handler->result.status, MS_STATUS_FAIL);
    free(bomb);
}
END_TEST

/* A job whose output a second thread waits for, to cancel it then. */
static struct {
    struct ms_task task;
    int heard[2];
} watched;

static bool tell(struct ms_task *task, enum ms_stream stream, struct ms_bytes bytes)
{
    (void)task;
    (void)stream;
    return write(watched.heard[1], bytes.data, bytes.size) >= 0;
}

static void finished(struct ms_task *task)
{
    (void)task;
}

static void *cancel_when_heard(void *argument)
{
    char byte = 0;

    while (byte != '!' && read(watched.heard[0], &byte, 1) == 1) {
    }
    ms_task_cancel(&watched.task);
    return argument;
}

/* Runs the line, which must print a '!' to be cancelled, and returns when all its processes are gone:
 * they inherit the writing end of a pipe. */
static void run_and_cancel(const char *line)
{
    static const struct ms_task_ops ops = {tell, finished, finished};
    request_t request = MUSTER__HANDLERS__EXEC_REQUEST__INIT;
    pthread_t thread;
    int life[2];
    char byte;

    request.shell = (char *)(uintptr_t)line;
    const struct ms_bytes payload = pack(&request);

    ck_assert_int_eq(pipe(watched.heard), 0);
    ck_assert_int_eq(pipe(life), 0);
    ck_assert(ms_task_init(&watched.task, &ops, &handler->host));
    ck_assert(ms_task_assign(
        &watched.task,
        &(struct ms_command){.token = {1, 1}, .flags = MS_FLAG_STREAM, .payload = payload},
        ms_plugins_at(handler->plugins, 0)));
    pthread_create(&thread, NULL, cancel_when_heard, NULL);
    ck_assert(ms_task_run(&watched.task));
    close(watched.heard[1]);
    pthread_join(thread, NULL);
    close(watched.heard[0]);
    close(life[1]);
    ck_assert_int_eq(read(life[0], &byte, 1), 0); /* somebody who lived on would hold it */
    close(life[0]);
    ms_task_finish(&watched.task);
    free((void *)(uintptr_t)payload.data);
}

START_TEST(cancel_takes_the_grandchildren_along)
{
    run_and_cancel("sh -c 'sleep 1000 & sleep 1000' & sleep 1000 & printf '!'; wait");
    ck_assert_int_eq(watched.task.outcome, MS_CANCELLED);
    ck_assert_uint_eq(watched.task.exit.signal, SIGTERM);
}
END_TEST

START_TEST(who_ignores_the_request_is_killed)
{
    run_and_cancel("trap '' TERM; sh -c 'sleep 1000 & sleep 1000' & printf '!'; wait; wait");
    ck_assert_int_eq(watched.task.outcome, MS_CANCELLED);
    ck_assert_uint_eq(watched.task.exit.signal, SIGKILL);
}
END_TEST

START_TEST(a_stopped_program_hears_it_too)
{
    run_and_cancel("printf '!'; kill -STOP $$; sleep 1000");
    ck_assert_int_eq(watched.task.outcome, MS_CANCELLED);
}
END_TEST

/* The leader ends well; what it left behind does not live on, whether it holds the output or not. */
START_TEST(no_process_is_left_behind)
{
    run_and_cancel("sleep 1000 >/dev/null 2>&1 & printf now");
    ck_assert_int_eq(watched.task.outcome, MS_OK);
    run_and_cancel("sleep 1000 & printf now");
    ck_assert_int_eq(watched.task.outcome, MS_OK);
}
END_TEST

static TCase *cases(void)
{
    TCase *tests = tcase_create("exec");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, argv_input_and_both_outputs);
    tcase_add_test(tests, without_input_there_is_nothing_to_read);
    tcase_add_test(tests, large_input_and_output_come_through);
    tcase_add_test(tests, the_environment_says_which_command_it_is);
    tcase_add_test(tests, it_runs_in_the_directory);
    tcase_add_test(tests, exit_status_and_signal_ask_for_a_retry);
    tcase_add_loop_test(tests, what_cannot_be_run_has_failed_for_good, 0, 3);
    tcase_add_test(tests, a_script_without_a_first_line_runs);
    tcase_add_test(tests, the_shell_may_not_find_it_either);
    tcase_add_test(tests, what_it_used_is_counted);
    tcase_add_test(tests, signals_are_as_a_program_expects_them);
    tcase_add_test(tests, malformed_requests_fail_with_a_reason);
    tcase_add_test(tests, a_bomb_of_empty_words_is_refused);
    tcase_add_test(tests, cancel_takes_the_grandchildren_along);
    tcase_add_test(tests, who_ignores_the_request_is_killed);
    tcase_add_test(tests, a_stopped_program_hears_it_too);
    tcase_add_test(tests, no_process_is_left_behind);
    return tests;
}

int main(void)
{
    Suite *suite = suite_create("handlers_exec");

    suite_add_tcase(suite, cases());

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
