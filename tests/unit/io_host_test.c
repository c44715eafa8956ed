#include "core/io/host.h"

#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/io/link.h"
#include "core/io/process.h"
#include "tests/support/host_program.h"

static struct ms_process process;
static struct ms_link host;
static struct ms_decoder *decoder;

/* What has come, until somebody looks. */
static struct {
    bool is_ready, is_over;
    size_t data_size, errors_size;
    uint8_t status;
    char data[64];
} got;

static bool take(void *context, const struct ms_command *command)
{
    (void)context;
    if (command->kind == MS_KIND_BEAT) {
        got.is_ready = true;
        return true;
    }
    ck_assert_uint_eq(command->token.epoch, 4);
    ck_assert_uint_eq(command->token.n, 11);
    ck_assert(!got.is_over);
    if (command->kind == MS_KIND_OUTPUT && command->stream == MS_STREAM_STDERR) {
        got.errors_size += command->payload.size;
        return true;
    }
    if (got.data_size == 0 && command->payload.size > 0 &&
        command->payload.size < sizeof got.data) {
        memcpy(got.data, command->payload.data, command->payload.size);
    }
    got.data_size += command->payload.size;
    if (command->kind == MS_KIND_RESULT) {
        got.is_over = true;
        got.status = command->status;
    } else {
        ck_assert_int_eq(command->kind, MS_KIND_OUTPUT);
    }
    return true;
}

/* Waits for more. False at the end of the link. */
static bool receive(void)
{
    struct pollfd fd = {.fd = host.fd, .events = POLLIN};

    ck_assert_int_eq(poll(&fd, 1, -1), 1);
    const enum ms_link_state state = ms_link_receive(&host, decoder, take, NULL);

    ck_assert_int_ne(state, MS_LINK_BROKEN);
    return state != MS_LINK_ENDED;
}

static void send_command(const struct ms_command *command)
{
    ck_assert(ms_link_send(&host, command));
    ck_assert_int_eq(ms_link_flush(&host), MS_LINK_OK);
}

static void submit(ms_type type, const char *payload)
{
    got.is_over = false;
    got.data_size = 0;
    send_command(&(struct ms_command){
        .kind = MS_KIND_COMMAND,
        .id = {{{9}}, 1},
        .type = type,
        .token = {4, 11},
        .attempt = 1,
        .payload = ms_bytes_of(payload),
    });
}

static void await_result(void)
{
    while (!got.is_over) {
        ck_assert(receive());
    }
}

static void start(char *const *argv)
{
    int fd;

    decoder = ms_decoder_create();
    ck_assert_ptr_nonnull(decoder);
    ck_assert_int_eq(ms_process_spawn(&process, argv, &fd), 0);
    ms_link_init(&host, fd, MS_CHUNK_MAX);
}

static void setup(void)
{
    start(host_program_argv);
}

static void teardown(void)
{
    int status = 0;

    ms_link_finish(&host);
    ck_assert_int_eq(waitpid(process.pid, &status, 0), process.pid);
    ck_assert_int_eq(status, 0); /* the end of the link is an orderly end */
    ms_process_close(&process);
    ms_decoder_destroy(decoder);
}

START_TEST(it_says_when_it_is_ready)
{
    while (!got.is_ready) {
        ck_assert(receive());
    }
}
END_TEST

START_TEST(jobs_come_one_after_the_other)
{
    for (int i = 0; i < 100; i++) {
        submit(i % 2 == 0 ? HOST_PROGRAM_ECHO : HOST_PROGRAM_DEFERRED, "over and over");
        await_result();
        ck_assert_int_eq(got.status, MS_STATUS_OK);
        ck_assert_mem_eq(got.data, "over and over", got.data_size);
        ck_assert_uint_eq(got.data_size, 13);
    }
}
END_TEST

START_TEST(all_output_comes_before_the_end)
{
    submit(HOST_PROGRAM_FLOOD, "");
    await_result();
    ck_assert_int_eq(got.status, MS_STATUS_OK);
    ck_assert_uint_eq(got.data_size, HOST_PROGRAM_FLOOD_SIZE);
}
END_TEST

START_TEST(cancelling_reaches_the_handler)
{
    submit(HOST_PROGRAM_POLITE, "");
    while (got.errors_size == 0) {
        ck_assert(receive());
    }
    send_command(&(struct ms_command){.kind = MS_KIND_REVOKE, .token = {4, 12}}); /* another's */
    send_command(&(struct ms_command){.kind = MS_KIND_REVOKE, .token = {4, 11}});
    await_result();
    ck_assert_int_eq(got.status, MS_STATUS_CANCELLED);
}
END_TEST

START_TEST(an_unknown_type_or_a_second_job_ends_it)
{
    submit(_i == 0 ? 9999 : HOST_PROGRAM_POLITE, "");
    if (_i == 1) {
        submit(HOST_PROGRAM_ECHO, "");
    }
    while (receive()) {
    }
}
END_TEST

START_TEST(handlers_that_do_not_start_are_its_last_words)
{
    char words[512];
    struct ms_text text;
    struct ms_command result = {0};
    int status = 0;

    start(host_program_bad_init_argv);
    while (receive()) {
    }
    ck_assert(!got.is_ready);
    ck_assert_int_eq(waitpid(process.pid, &status, 0), process.pid);
    ms_process_listen(&process);
    ms_text_init(&text, words, sizeof words);
    ms_process_describe(&process, status, &result, &text);
    ck_assert_str_eq(words, "exit 70: test: handler bad does not start: init returned 42");
    ms_process_close(&process);
    ms_link_finish(&host);
    ms_decoder_destroy(decoder);
}
END_TEST

int main(int argc, char **argv)
{
    int exit_code;

    if (host_program_run(argc, argv, &exit_code)) {
        return exit_code;
    }
    Suite *suite = suite_create("io_host");
    TCase *tests = tcase_create("host");
    TCase *bad = tcase_create("bad");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, it_says_when_it_is_ready);
    tcase_add_test(tests, jobs_come_one_after_the_other);
    tcase_add_test(tests, all_output_comes_before_the_end);
    tcase_add_test(tests, cancelling_reaches_the_handler);
    tcase_add_loop_test(tests, an_unknown_type_or_a_second_job_ends_it, 0, 2);
    tcase_set_timeout(bad, 60);
    tcase_add_test(bad, handlers_that_do_not_start_are_its_last_words);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, bad);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
