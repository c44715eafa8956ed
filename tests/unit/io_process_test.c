#include "core/io/process.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/host_program.h"

static struct ms_process process;
static int link_fd;

static void start(char *const *argv)
{
    ck_assert_int_eq(ms_process_spawn(&process, argv, &link_fd), 0);
    ck_assert_int_gt(process.pid, 0);
}

/* Until it has closed its outputs. */
static void listen_to_the_end(void)
{
    struct pollfd fd = {.fd = process.error_fd, .events = POLLIN};

    do {
        ck_assert_int_eq(poll(&fd, 1, -1), 1);
    } while (ms_process_listen(&process));
}

static void check_description(int status, const char *expected)
{
    char words[512];
    struct ms_text text;
    struct ms_command result = {0};

    ms_text_init(&text, words, sizeof words);
    ms_process_describe(&process, status, &result, &text);
    ck_assert_str_eq(words, expected);
}

START_TEST(what_it_prints_is_kept)
{
    int status = 0;

    start(host_program_print_argv);
    listen_to_the_end();
    ck_assert_int_eq(waitpid(process.pid, &status, 0), process.pid);
    check_description(status, "exit 5: a; b");
    ms_process_close(&process);
    close(link_fd);
}
END_TEST

START_TEST(it_is_killed_and_that_is_told)
{
    char byte;

    start(host_program_argv);
    ck_assert(!ms_process_has_ended(&process));
    ck_assert_int_eq(getsid(process.pid), process.pid);
    const int status = ms_process_end(&process);

    check_description(status, "signal 9 (SIGKILL)");
    fcntl(link_fd, F_SETFL, 0);
    while (recv(link_fd, &byte, 1, 0) > 0) { /* nobody else holds the other end */
    }
    ms_process_close(&process);
    ms_process_close(&process); /* twice does no harm */
    close(link_fd);
}
END_TEST

START_TEST(the_end_of_the_link_is_its_end)
{
    start(host_program_argv);
    close(link_fd);
    listen_to_the_end();
    struct pollfd fd = {.fd = process.watch_fd, .events = POLLIN};

    if (process.watch_fd >= 0) {
        ck_assert_int_eq(poll(&fd, 1, -1), 1);
    }
    while (!ms_process_has_ended(&process)) {
    }
    ms_process_close(&process);
}
END_TEST

START_TEST(only_the_last_words_are_kept)
{
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
    process = (struct ms_process){.watch_fd = -1, .error_fd = ends[0]};
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(write(ends[1], "a line of 17 bytes", 17), 17);
        ck_assert_int_eq(write(ends[1], "\n", 1), 1);
    }
    ck_assert(ms_process_listen(&process));
    ck_assert_uint_eq(process.tail_size, MS_PROCESS_TAIL_MAX);
    close(ends[1]);
    ck_assert(!ms_process_listen(&process));
    char words[512];
    struct ms_text text;
    struct ms_command result = {0};

    ms_text_init(&text, words, sizeof words);
    ms_process_describe(&process, 0, &result, &text);
    ck_assert(!ms_text_is_cut(&text));
    /* It begins with a whole line. */
    ck_assert_mem_eq(words, "exit 0: a line of 17 byte; a line", 33);
    ms_process_close(&process);
}
END_TEST

START_TEST(what_cannot_start_says_why)
{
    struct rlimit before;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {0, before.rlim_max};

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    const int error = ms_process_spawn(&process, host_program_argv, &link_fd);

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(error, EMFILE);
}
END_TEST

int main(int argc, char **argv)
{
    int exit_code;

    if (host_program_run(argc, argv, &exit_code)) {
        return exit_code;
    }
    Suite *suite = suite_create("io_process");
    TCase *tests = tcase_create("process");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_it_prints_is_kept);
    tcase_add_test(tests, it_is_killed_and_that_is_told);
    tcase_add_test(tests, the_end_of_the_link_is_its_end);
    tcase_add_test(tests, only_the_last_words_are_kept);
    tcase_add_test(tests, what_cannot_start_says_why);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
