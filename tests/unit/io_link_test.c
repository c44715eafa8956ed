#include "core/io/link.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int fds[2];
static struct ms_link ours;
static struct ms_decoder *decoder;
static unsigned taken;
static char last[64];

static void setup(void)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    decoder = ms_decoder_create();
    ck_assert_ptr_nonnull(decoder);
    ms_link_init(&ours, fds[0], MS_CHUNK_MAX);
}

static void teardown(void)
{
    ms_link_finish(&ours);
    ms_link_finish(&ours); /* twice does no harm */
    ms_decoder_destroy(decoder);
    close(fds[1]);
}

static bool take(void *context, const struct ms_command *command)
{
    ck_assert_ptr_eq(context, &taken);
    ck_assert_int_eq(command->kind, MS_KIND_COMMAND);
    ck_assert_uint_eq(command->token.epoch, 3);
    ck_assert_uint_lt(command->payload.size, sizeof last);
    memcpy(last, command->payload.data, command->payload.size);
    last[command->payload.size] = '\0';
    taken++;
    return true;
}

static bool refuse(void *context, const struct ms_command *command)
{
    (void)context;
    (void)command;
    return false;
}

static struct ms_command command_of(const char *payload)
{
    return (struct ms_command){
        .kind = MS_KIND_COMMAND,
        .id = {{{1}}, 1},
        .type = 5000,
        .token = {3, 7},
        .attempt = 1,
        .payload = ms_bytes_of(payload),
    };
}

START_TEST(commands_cross_however_they_are_cut)
{
    const struct ms_command first = command_of("first");
    const struct ms_command second = command_of("second");
    uint8_t byte;
    struct ms_link theirs;
    int more[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, more), 0);
    ms_link_init(&theirs, more[0], MS_CHUNK_MAX);
    ck_assert(ms_link_send(&theirs, &first));
    ck_assert(ms_link_send(&theirs, &second));
    ck_assert_int_eq(ms_link_flush(&theirs), MS_LINK_OK);
    while (recv(more[1], &byte, 1, 0) == 1) {
        ck_assert_int_eq(send(fds[1], &byte, 1, 0), 1);
        ck_assert_int_eq(ms_link_receive(&ours, decoder, take, &taken), MS_LINK_OK);
    }
    ck_assert_uint_eq(taken, 2);
    ck_assert_str_eq(last, "second");
    ck_assert_int_eq(ms_link_receive(&ours, decoder, take, &taken), MS_LINK_BLOCKED);
    ms_link_finish(&theirs);
    close(more[1]);
}
END_TEST

START_TEST(what_is_sent_before_the_descriptor_waits)
{
    const struct ms_command command = command_of("early");
    struct ms_link theirs;

    ms_link_init(&theirs, -1, MS_CHUNK_MAX);
    ck_assert(ms_link_send(&theirs, &command));
    theirs.fd = dup(fds[1]);
    ck_assert_int_eq(ms_link_flush(&theirs), MS_LINK_OK);
    ck_assert_int_eq(ms_link_receive(&ours, decoder, take, &taken), MS_LINK_OK);
    ck_assert_str_eq(last, "early");
    ms_link_finish(&theirs);
}
END_TEST

START_TEST(a_full_socket_blocks_and_goes_on)
{
    static char payload[MS_CHUNK_MAX];
    struct ms_command command = command_of("");
    enum ms_link_state state;
    char sink[4096];

    command.payload = (struct ms_bytes){(const uint8_t *)payload, sizeof payload};
    do {
        ck_assert(ms_link_send(&ours, &command));
        state = ms_link_flush(&ours);
    } while (state == MS_LINK_OK);
    ck_assert_int_eq(state, MS_LINK_BLOCKED);
    while (ms_link_flush(&ours) == MS_LINK_BLOCKED) {
        ck_assert_int_gt(recv(fds[1], sink, sizeof sink, 0), 0);
    }
    ck_assert_uint_eq(ms_encoder_pending(&ours.encoder), 0);
}
END_TEST

START_TEST(garbage_and_refusals_break_it)
{
    const struct ms_command command = command_of("x");
    static const char garbage[] = "neither magic nor version";

    if (_i == 0) {
        ck_assert_int_gt(send(fds[1], garbage, sizeof garbage, 0), 0);
        ck_assert_int_eq(ms_link_receive(&ours, decoder, take, &taken), MS_LINK_BROKEN);
    } else {
        struct ms_link theirs;

        ms_link_init(&theirs, dup(fds[1]), MS_CHUNK_MAX);
        ck_assert(ms_link_send(&theirs, &command));
        ck_assert_int_eq(ms_link_flush(&theirs), MS_LINK_OK);
        ck_assert_int_eq(ms_link_receive(&ours, decoder, refuse, NULL), MS_LINK_BROKEN);
        ms_link_finish(&theirs);
    }
}
END_TEST

START_TEST(both_directions_see_the_end)
{
    const struct ms_command command = command_of("x");

    shutdown(fds[1], SHUT_RDWR);
    ck_assert_int_eq(ms_link_receive(&ours, decoder, take, &taken), MS_LINK_ENDED);
    ck_assert(ms_link_send(&ours, &command));
    ck_assert_int_eq(ms_link_flush(&ours), MS_LINK_ENDED); /* and no SIGPIPE */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_link");
    TCase *tests = tcase_create("link");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, commands_cross_however_they_are_cut);
    tcase_add_test(tests, what_is_sent_before_the_descriptor_waits);
    tcase_add_test(tests, a_full_socket_blocks_and_goes_on);
    tcase_add_loop_test(tests, garbage_and_refusals_break_it, 0, 2);
    tcase_add_test(tests, both_directions_see_the_end);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
