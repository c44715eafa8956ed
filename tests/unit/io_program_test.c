/* The life of a program: start, readiness, signals, end. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/io/program.h"
#include "core/list.h"

static struct ms_program program;
static struct ms_program_settings settings;
static char folder[] = "/tmp/muster-program-XXXXXX", port_file[64], socket_path[64];
static unsigned stops, stops_now, reloads, dumps, inits, starts, ends;
static enum ms_error start_error;

static void on_stop(void *context, bool is_now)
{
    ck_assert_ptr_eq(context, &program);
    stops++;
    stops_now += is_now;
    if (!is_now) {
        raise(SIGTERM); /* impatient */
    }
}

static void on_reload(void *context)
{
    ck_assert_ptr_eq(context, &program);
    reloads++;
    raise(SIGUSR2);
}

static void on_dump(void *context)
{
    ck_assert_ptr_eq(context, &program);
    dumps++;
    raise(SIGINT);
}

static enum ms_error node_init(struct ms_node *node)
{
    (void)node;
    inits++;
    return MS_E_OK;
}

static enum ms_error node_start(struct ms_node *node)
{
    (void)node;
    starts++;
    return start_error;
}

static void node_finish(struct ms_node *node)
{
    (void)node;
    ends++;
}

static const struct ms_node_ops ops = {
    .name = "test", .init = node_init, .start = node_start, .finish = node_finish};
static struct ms_node node;

static void set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(port_file, sizeof port_file, "%s/port", folder);
    snprintf(socket_path, sizeof socket_path, "%s/notify", folder);
    settings = (struct ms_program_settings){.port_file = port_file, .log_level = MS_LEVEL_ERROR};
    ck_assert(ms_program_init(&program, "test", &settings));
    ms_node_prepare(&node, &ops);
    program.node = &node;
    program.context = &program;
    program.on_stop = on_stop;
    program.on_reload = on_reload;
    program.on_dump = on_dump;
}

static void tear_down(void)
{
    ms_program_finish(&program);
    unlink(socket_path);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing is left behind */
}

static void read_port_file(char *text, size_t size)
{
    FILE *file = fopen(port_file, "r");

    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(text, (int)size, file));
    fclose(file);
}

static int notify_socket(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    snprintf(name.sun_path, sizeof name.sun_path, "%s", socket_path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    setenv("NOTIFY_SOCKET", socket_path, 1);
    return fd;
}

static void expect(int fd, const char *state)
{
    char text[64] = "";

    ck_assert_int_gt(recv(fd, text, sizeof text - 1, MSG_DONTWAIT), 0);
    ck_assert_str_eq(text, state);
}

START_TEST(test_signals)
{
    char text[64];
    int fd = notify_socket();

    ck_assert(ms_program_serving(&program, "127.0.0.1:4711"));
    read_port_file(text, sizeof text);
    ck_assert_str_eq(text, "127.0.0.1:4711\n");
    raise(SIGPIPE);
    raise(SIGHUP); /* then SIGUSR2, SIGINT, SIGTERM */
    ck_assert_int_eq(ms_program_run(&program), EX_OK);
    ck_assert_uint_eq(reloads, 1);
    ck_assert_uint_eq(dumps, 1);
    ck_assert_uint_eq(stops, 2);
    ck_assert_uint_eq(stops_now, 1);
    ck_assert(inits == 1 && starts == 1 && ends == 1);
    expect(fd, "READY=1");
    expect(fd, "RELOADING=1");
    expect(fd, "READY=1");
    expect(fd, "STOPPING=1");
    close(fd);
    ck_assert_int_ne(access(port_file, F_OK), 0);
}
END_TEST

START_TEST(test_end_with_code)
{
    ms_program_end(&program, EX_UNAVAILABLE); /* before the loop */
    ms_program_end(&program, EX_OK);
    ck_assert_int_eq(ms_program_run(&program), EX_UNAVAILABLE);
}
END_TEST

START_TEST(test_start_fails)
{
    start_error = MS_E_UNREACHABLE;
    program.log = (ms_log_destroy(program.log), NULL);
    ck_assert_int_eq(ms_program_run(&program), EX_UNAVAILABLE);
    ck_assert_uint_eq(ends, 1);
}
END_TEST

START_TEST(test_port_file_cannot_be_written)
{
    free(program.port_file);
    program.port_file = strdup("/nonexistent/folder/port");
    program.log = (ms_log_destroy(program.log), NULL);
    ck_assert(!ms_program_serving(&program, "x"));
}
END_TEST

START_TEST(test_exit_codes)
{
    ck_assert_int_eq(ms_program_exit_code(MS_E_OK), EX_OK);
    ck_assert_int_eq(ms_program_exit_code(MS_E_UNREACHABLE), EX_UNAVAILABLE);
    ck_assert_int_eq(ms_program_exit_code(MS_E_RETRY_LATER), EX_TEMPFAIL);
    ck_assert_int_eq(ms_program_exit_code(MS_E_PERMISSION), EX_NOPERM);
    ck_assert_int_eq(ms_program_exit_code(MS_E_MAGIC), EX_PROTOCOL);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("program");
    TCase *io = tcase_create("io");

    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_signals);
    tcase_add_test(io, test_end_with_code);
    tcase_add_test(io, test_start_fails);
    tcase_add_test(io, test_port_file_cannot_be_written);
    tcase_add_test(io, test_exit_codes);
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
