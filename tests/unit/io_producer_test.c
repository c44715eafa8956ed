/* Providers on their thread: questions come in order, answers go back to the loop, and what breaks the rules is said to. */
#include <check.h>
#include <stdlib.h>

#include "core/io/producer.h"

#define EVENTS_MAX 32

static struct {
    struct ev_loop *loop;
    struct ms_producer *producer;
    struct {
        enum ms_event_type type;
        uint64_t seq, count, peer;
        uint8_t kind;
        uint32_t index;
        char payload[64], detail[64];
    } events[EVENTS_MAX];
    size_t count, wanted;
} lab;

/* --- a provider that counts --- */

static int opened; /* instances that live */

static void *open_test(const struct ms_provider_setup *setup, struct ms_provider_reply *reply)
{
    int *sum;

    if (ms_provider_value(setup, "bad") != NULL) {
        memcpy(reply->why, "it is bad", sizeof "it is bad");
        return NULL;
    }
    sum = calloc(1, sizeof *sum);
    if (sum != NULL && setup->state_size == sizeof *sum) {
        memcpy(sum, setup->state, sizeof *sum);
    }
    opened++;
    return sum;
}

static void close_test(void *self)
{
    opened--;
    free(self);
}

static int produce_test(void *self, const struct ms_provider_ask *ask,
                        struct ms_provider_reply *reply)
{
    const struct ms_provider_command command = {
        .payload = "p", .payload_size = 1, .cursor = "c", .cursor_size = 1};

    (void)self;
    for (uint32_t i = 0; i < ask->count; i++) {
        reply->put(reply, &command);
    }
    if (ask->cursor_size > 0) { /* one too many */
        reply->put(reply, &command);
    }
    reply->rest_us = 7;
    return MS_PROVIDER_REST;
}

static int told_test(void *self, const struct ms_provider_outcome *outcome,
                     struct ms_provider_reply *reply)
{
    int *sum = self;

    *sum += (int)outcome->payload_size;
    reply->remember(reply, sum, sizeof *sum);
    return MS_PROVIDER_DONE;
}

static const char *const keys[] = {"bad", NULL};
static const struct ms_provider provider = {
    MS_PROVIDER_HEADER,  .name = "test",          .keys = keys,      .open = open_test,
    .close = close_test, .produce = produce_test, .told = told_test,
};

/* --- the loop --- */

static void on_answer(void *context, const struct ms_event *event)
{
    const struct ms_command *command = event->command;

    (void)context;
    ck_assert_uint_lt(lab.count, EVENTS_MAX);
    ck_assert_uint_eq(event->tag, 1);
    ck_assert_uint_eq(event->epoch, 5);
    lab.events[lab.count].type = event->type;
    lab.events[lab.count].seq = event->seq;
    lab.events[lab.count].count = event->count;
    lab.events[lab.count].peer = event->peer;
    lab.events[lab.count].kind = command->kind;
    lab.events[lab.count].index = command->index;
    ck_assert_uint_lt(command->payload.size, 64);
    ck_assert_uint_lt(command->detail.size, 64);
    if (command->payload.size > 0) {
        memcpy(lab.events[lab.count].payload, command->payload.data, command->payload.size);
    }
    if (command->detail.size > 0) {
        memcpy(lab.events[lab.count].detail, command->detail.data, command->detail.size);
    }
    if (++lab.count >= lab.wanted) {
        ev_break(lab.loop, EVBREAK_ALL);
    }
}

static void begin(const struct ms_option_list *with)
{
    static struct ms_producer_settings settings;
    struct ms_producer_options options = {.settings = &settings, .count = 1, .answer = on_answer};

    settings = (struct ms_producer_settings){.provider = &provider, .name = "t", .with = with};
    memset(&lab, 0, sizeof lab);
    lab.loop = ev_loop_new(EVFLAG_AUTO);
    options.loop = lab.loop;
    lab.producer = ms_producer_create(&options);
    ck_assert_ptr_nonnull(lab.producer);
    ev_ref(lab.loop); /* a producer alone does not keep a loop alive */
}

static void carry_out(enum ms_effect_type type, uint64_t seq, uint64_t count,
                      struct ms_command command)
{
    const struct ms_effect effect = {.type = type,
                                     .tag = 1,
                                     .peer = 3,
                                     .epoch = 5,
                                     .seq = seq,
                                     .count = count,
                                     .command = command};

    ms_producer_carry_out(lab.producer, &effect);
}

static void wait_for(size_t count)
{
    lab.wanted = count;
    if (lab.count < count) {
        ev_run(lab.loop, 0);
    }
    ck_assert_uint_eq(lab.count, count);
}

static void end(void)
{
    ev_unref(lab.loop);
    ms_producer_destroy(lab.producer);
    ev_loop_destroy(lab.loop);
    ck_assert_int_eq(opened, 0);
}

static const struct ms_option_list nothing;

START_TEST(commands_come_before_the_end_of_the_answer)
{
    begin(&nothing);
    carry_out(MS_EFFECT_OPEN, 0, 0, (struct ms_command){0});
    carry_out(MS_EFFECT_PRODUCE, 4, 2, (struct ms_command){0});
    wait_for(3);
    ck_assert_int_eq(lab.events[0].type, MS_EVENT_PRODUCED);
    ck_assert_uint_eq(lab.events[0].seq, 4);
    ck_assert_uint_eq(lab.events[0].peer, 3);
    ck_assert_str_eq(lab.events[0].payload, "p");
    ck_assert_str_eq(lab.events[0].detail, "c");
    ck_assert_uint_eq(lab.events[1].seq, 5);
    ck_assert_int_eq(lab.events[2].kind, MS_KIND_NONE);
    ck_assert_uint_eq(lab.events[2].count, MS_PRODUCED_REST);
    end();
}
END_TEST

START_TEST(what_was_remembered_comes_back)
{
    const int sum = 40;
    int now;

    begin(&nothing);
    carry_out(MS_EFFECT_OPEN, 0, 0,
              (struct ms_command){.payload = {(const uint8_t *)&sum, sizeof sum}});
    carry_out(MS_EFFECT_TELL, 9, 0,
              (struct ms_command){.kind = MS_KIND_OUTCOME, .payload = ms_bytes_of("ab")});
    wait_for(1);
    ck_assert_int_eq(lab.events[0].type, MS_EVENT_TOLD);
    ck_assert_uint_eq(lab.events[0].seq, 9);
    ck_assert_uint_eq(lab.events[0].count, MS_TOLD_DONE);
    ck_assert_uint_eq(lab.events[0].index, 1);
    memcpy(&now, lab.events[0].payload, sizeof now);
    ck_assert_int_eq(now, 42);
    carry_out(MS_EFFECT_OPEN, 0, 0, (struct ms_command){0}); /* anew, with nothing */
    carry_out(MS_EFFECT_TELL, 9, 0,
              (struct ms_command){.kind = MS_KIND_OUTCOME, .payload = ms_bytes_of("ab")});
    wait_for(2);
    memcpy(&now, lab.events[1].payload, sizeof now);
    ck_assert_int_eq(now, 2);
    end();
}
END_TEST

START_TEST(a_result_in_pieces_is_told_as_one)
{
    int now;

    begin(&nothing);
    carry_out(MS_EFFECT_OPEN, 0, 0, (struct ms_command){0});
    carry_out(MS_EFFECT_TELL, 9, 0, /* of a telling that was broken off */
              (struct ms_command){.kind = MS_KIND_STREAM, .payload = ms_bytes_of("abcdef")});
    for (uint32_t i = 0; i < 3; i++) {
        carry_out(MS_EFFECT_TELL, 9, 0,
                  (struct ms_command){.kind = MS_KIND_STREAM,
                                      .index = i,
                                      .stream = i == 1 ? MS_STREAM_LOG : MS_STREAM_DATA,
                                      .payload = ms_bytes_of("abc")});
    }
    carry_out(MS_EFFECT_TELL, 9, 0,
              (struct ms_command){.kind = MS_KIND_OUTCOME, .payload = ms_bytes_of("de")});
    wait_for(1);
    memcpy(&now, lab.events[0].payload, sizeof now);
    ck_assert_int_eq(now, 8);
    end();
}
END_TEST

START_TEST(one_that_is_not_open_fails)
{
    const char *words[] = {"bad=1"};
    const struct ms_option_list with = {.items = (void *)words, .count = 1};

    begin(&with);
    carry_out(MS_EFFECT_OPEN, 0, 0, (struct ms_command){0});
    carry_out(MS_EFFECT_PRODUCE, 1, 2, (struct ms_command){0});
    wait_for(1);
    ck_assert_uint_eq(lab.events[0].count, MS_PRODUCED_FAILED);
    ck_assert_str_eq(lab.events[0].detail, "it is bad");
    end();
}
END_TEST

START_TEST(more_than_was_asked_for_breaks_the_rules)
{
    begin(&nothing);
    carry_out(MS_EFFECT_OPEN, 0, 0, (struct ms_command){0});
    carry_out(MS_EFFECT_PRODUCE, 1, 1, (struct ms_command){.payload = ms_bytes_of("c")});
    wait_for(2);
    ck_assert_int_eq(lab.events[0].kind, MS_KIND_SUBMIT);
    ck_assert_uint_eq(lab.events[1].count, MS_PRODUCED_FAILED);
    ck_assert_ptr_nonnull(strstr(lab.events[1].detail, "ms_provider.h"));
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("producer");
    TCase *tcase = tcase_create("all");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, commands_come_before_the_end_of_the_answer);
    tcase_add_test(tcase, what_was_remembered_comes_back);
    tcase_add_test(tcase, a_result_in_pieces_is_told_as_one);
    tcase_add_test(tcase, one_that_is_not_open_fails);
    tcase_add_test(tcase, more_than_was_asked_for_breaks_the_rules);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
