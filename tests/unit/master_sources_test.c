/* Providers: who is asked when, what is kept of the answers, and that a restart neither skips nor repeats anything. */
#include "master/clients.h"
#include "master/sources.h"
#include "master/state.h"
#include "master_reports.h"
#include "master_shelf.h"

static const struct ms_source_settings settings[] = {
    {.name = "tiles", .type = ECHO, .attempts_max = 2}};

/* The latest effect of that type of the latest steps, or NULL. */
static const struct ms_effect *last_of(const struct script *s, enum ms_effect_type type)
{
    for (size_t i = s->count; i > 0; i--) {
        if (s->sent[i - 1].effect.type == type) {
            return &s->sent[i - 1].effect;
        }
    }
    return NULL;
}

static const struct ms_effect *want_effect(const struct script *s, enum ms_effect_type type)
{
    const struct ms_effect *effect = last_of(s, type);

    ck_assert_ptr_nonnull(effect);
    ck_assert_uint_eq(effect->tag, 1);
    return effect;
}

static const struct ms_source *source_of(const struct script *s)
{
    return &s->master->sources.items[0];
}

/* An answer to what was opened last. */
static struct ms_event answer(const struct script *s, enum ms_event_type type,
                              const struct ms_command *command)
{
    return (struct ms_event){.type = type,
                             .tag = 1,
                             .peer = source_of(s)->openings,
                             .epoch = s->epoch,
                             .command = command};
}

static void made(struct script *s, uint64_t number, const char *payload, const char *cursor)
{
    const struct ms_command command = {
        .kind = MS_KIND_SUBMIT, .payload = ms_bytes_of(payload), .detail = ms_bytes_of(cursor)};
    struct ms_event event = answer(s, MS_EVENT_PRODUCED, &command);

    event.seq = number;
    step(s, &event);
}

static void made_all(struct script *s, enum ms_produced verdict)
{
    const struct ms_command command = {.delay = MS_SEC, .detail = ms_bytes_of("no more")};
    struct ms_event event = answer(s, MS_EVENT_PRODUCED, &command);

    event.count = verdict;
    step(s, &event);
}

static void told(struct script *s, uint64_t number, enum ms_told verdict, const char *state)
{
    const struct ms_command command = {.index = state != NULL,
                                       .payload = state != NULL ? ms_bytes_of(state)
                                                                : (struct ms_bytes){0}};
    struct ms_event event = answer(s, MS_EVENT_TOLD, &command);

    event.seq = number;
    event.count = verdict;
    step(s, &event);
}

static bool is_text(struct ms_bytes bytes, const char *text)
{
    return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

/* A master with a store and the provider, and a slave with that much credit. */
static void begin_with(struct script *s, struct shelf *shelf, uint64_t credit)
{
    setup_durable(s, shelf);
    shelf->config.sources = settings;
    shelf->config.sources_count = 1;
    restart(s);
    durable_slave(s, 1, 1);
    settle_down(s);
    pull(s, 1, credit);
}

/* Another slave comes to the next master, when the one of before has died. */
static void come_back(struct script *s, uint64_t credit)
{
    restart(s);
    run_until(s, s->now + 60 * MS_SEC);
    commit(s);
    durable_slave(s, 1, 2);
    pull(s, 1, credit);
}

START_TEST(it_is_asked_for_what_slaves_lack)
{
    struct script s;
    struct shelf shelf;

    begin_with(&s, &shelf, 3);
    ck_assert_uint_eq(want_effect(&s, MS_EFFECT_PRODUCE)->count, 3);
    ck_assert_uint_eq(want_effect(&s, MS_EFFECT_PRODUCE)->seq, 1);
    ck_assert_uint_eq(want_effect(&s, MS_EFFECT_PRODUCE)->command.payload.size, 0);
    pull(&s, 1, 5);
    ck_assert_ptr_null(last_of(&s, MS_EFFECT_PRODUCE)); /* one question at a time */
    made(&s, 1, "one", "c1");
    want(&s, MS_KIND_COMMAND);
    made(&s, 2, "two", "c2");
    made_all(&s, MS_PRODUCED_MORE);
    ck_assert_ptr_null(last_of(&s, MS_EFFECT_PRODUCE)); /* what it made is not durable */
    commit(&s);
    ck_assert_uint_eq(want_effect(&s, MS_EFFECT_PRODUCE)->count, 6);
    ck_assert_uint_eq(want_effect(&s, MS_EFFECT_PRODUCE)->seq, 3);
    ck_assert(is_text(want_effect(&s, MS_EFFECT_PRODUCE)->command.payload, "c2"));
    teardown_durable(&s);
}
END_TEST

START_TEST(commands_that_wait_are_enough)
{
    struct script s;
    struct shelf shelf;

    begin_with(&s, &shelf, 1);
    for (uint64_t number = 1; number <= 3; number++) { /* more than was asked for */
        made(&s, number, "x", "c");
    }
    made_all(&s, MS_PRODUCED_MORE);
    commit(&s);
    ck_assert_ptr_null(last_of(&s, MS_EFFECT_PRODUCE));
    pull(&s, 1, 2);
    settle_down(&s);
    ck_assert_ptr_null(last_of(&s, MS_EFFECT_PRODUCE));
    pull(&s, 1, 1);
    ck_assert_uint_eq(want_effect(&s, MS_EFFECT_PRODUCE)->count, 1);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_restart_goes_on_behind_the_cursor)
{
    struct script s;
    struct shelf shelf;

    begin_with(&s, &shelf, 5);
    made(&s, 1, "one", "c1");
    made(&s, 2, "two", "c2");
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_PROVIDER], 1);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SUBMIT], 2);
    made(&s, 3, "three", "c3"); /* is lost with its cursor */
    come_back(&s, 5);
    ck_assert_uint_eq(stats_of(&s).commands_count, 2);
    ck_assert_uint_eq(source_of(&s)->number, 2);
    settle_down(&s);
    ck_assert_int_eq(source_of(&s)->state, MS_SOURCE_ASKED);
    made(&s, 3, "three", "c3");
    ck_assert_uint_eq(stats_of(&s).commands_count, 3);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_number_that_is_known_is_not_submitted_again)
{
    struct script s;
    struct shelf shelf;
    struct ms_source *source;

    begin_with(&s, &shelf, 5);
    made(&s, 1, "one", "c1");
    made_all(&s, MS_PRODUCED_MORE);
    commit(&s);
    source = &s.master->sources.items[0];
    source->number = 0; /* as if the cursor had been lost */
    source->state = MS_SOURCE_ASKED;
    made(&s, 1, "one", "c1");
    ck_assert_uint_eq(stats_of(&s).commands_count, 1);
    ck_assert_uint_eq(source->number, 1);
    teardown_durable(&s);
}
END_TEST

START_TEST(numbers_come_one_after_the_other)
{
    struct script s;
    struct shelf shelf;

    begin_with(&s, &shelf, 5);
    made(&s, 2, "two", "c2");
    made(&s, 1, "one", "c1"); /* what is behind a hole is not taken, nor what comes after it */
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    made_all(&s, MS_PRODUCED_END); /* so that is not its end */
    ck_assert_int_eq(source_of(&s)->state, MS_SOURCE_RESTING);
    run_until(&s, s.now + MS_SEC / 2);
    ck_assert_uint_eq(want_effect(&s, MS_EFFECT_PRODUCE)->seq, 1);
    teardown_durable(&s);
}
END_TEST

/* Number 1 is done, and its outcome durable. */
static void do_one(struct script *s)
{
    made(s, 1, "one", "c1");
    made_all(s, MS_PRODUCED_END);
    commit(s);
    result(s, 1, s->last_token, MS_STATUS_OK, "fine");
    ck_assert_ptr_null(last_of(s, MS_EFFECT_TELL));
    commit(s);
    ck_assert_ptr_nonnull(last_of(s, MS_EFFECT_TELL));
    ck_assert_uint_eq(want_effect(s, MS_EFFECT_TELL)->seq, 1);
    ck_assert_int_eq(want_effect(s, MS_EFFECT_TELL)->command.status, MS_STATUS_OK);
    ck_assert(is_text(want_effect(s, MS_EFFECT_TELL)->command.payload, "fine"));
}

START_TEST(an_outcome_is_told_until_it_is_done_with)
{
    struct script s;
    struct shelf shelf;

    begin_with(&s, &shelf, 1);
    do_one(&s);
    restart(&s);
    settle_down(&s);
    ck_assert_uint_eq(want_effect(&s, MS_EFFECT_TELL)->seq, 1);
    told(&s, 1, MS_TOLD_DONE, NULL);
    commit(&s);
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SETTLE], 0);
    restart(&s);
    settle_down(&s);
    ck_assert_ptr_null(last_of(&s, MS_EFFECT_TELL));
    ck_assert_uint_eq(source_of(&s)->number, 1);
    teardown_durable(&s);
}
END_TEST

START_TEST(what_is_kept_is_told_to_the_next_one)
{
    struct script s;
    struct shelf shelf;

    begin_with(&s, &shelf, 1);
    do_one(&s);
    told(&s, 1, MS_TOLD_KEEP, NULL);
    commit(&s);
    settle_down(&s);
    ck_assert_ptr_null(last_of(&s, MS_EFFECT_TELL));
    ck_assert_uint_eq(source_of(&s)->kept, 1);
    restart(&s);
    settle_down(&s);
    ck_assert_uint_eq(want_effect(&s, MS_EFFECT_TELL)->seq, 1);
    told(&s, 1, MS_TOLD_ALL, NULL);
    commit(&s);
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(its_state_is_written_with_the_end)
{
    struct script s;
    struct shelf shelf;

    begin_with(&s, &shelf, 1);
    do_one(&s);
    told(&s, 1, MS_TOLD_DONE, "sum 4");
    ck_assert_ptr_nonnull(last_of(&s, MS_EFFECT_PERSIST)); /* both in the batch of this step */
    commit_once(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SETTLE], 0);
    restart(&s);
    ck_assert(is_text(want_effect(&s, MS_EFFECT_OPEN)->command.payload, "sum 4"));
    settle_down(&s);
    ck_assert_ptr_null(last_of(&s, MS_EFFECT_TELL));
    teardown_durable(&s);
}
END_TEST

START_TEST(a_state_that_was_not_written_is_worked_out_again)
{
    struct script s;
    struct shelf shelf;

    begin_with(&s, &shelf, 1);
    do_one(&s);
    told(&s, 1, MS_TOLD_DONE, "sum 4");
    restart(&s); /* before the batch is durable */
    ck_assert_uint_eq(want_effect(&s, MS_EFFECT_OPEN)->command.payload.size, 0);
    settle_down(&s);
    ck_assert_uint_eq(want_effect(&s, MS_EFFECT_TELL)->seq, 1);
    teardown_durable(&s);
}
END_TEST

START_TEST(verdicts_say_when_it_is_asked_again)
{
    struct script s;
    struct shelf shelf;

    begin_with(&s, &shelf, 1);
    made_all(&s, MS_PRODUCED_REST);
    run_until(&s, s.now + MS_SEC - 1);
    ck_assert_ptr_null(last_of(&s, MS_EFFECT_PRODUCE));
    run_until(&s, s.now + 1);
    ck_assert_uint_eq(want_effect(&s, MS_EFFECT_PRODUCE)->seq, 1);
    made_all(&s, MS_PRODUCED_END);
    pull(&s, 1, 1);
    settle_down(&s);
    ck_assert_ptr_null(last_of(&s, MS_EFFECT_PRODUCE));
    ck_assert_int_eq(source_of(&s)->state, MS_SOURCE_ENDED);
    restart(&s); /* it may have more by now */
    durable_slave(&s, 1, 2);
    pull(&s, 1, 1);
    made_all(&s, MS_PRODUCED_FAILED);
    ck_assert_int_eq(source_of(&s)->state, MS_SOURCE_FAILED);
    ck_assert_str_eq(source_of(&s)->why, "no more");
    teardown_durable(&s);
}
END_TEST

START_TEST(who_has_rested_and_is_not_wanted_keeps_nobody_awake)
{
    struct script s;
    struct shelf shelf;

    begin_with(&s, &shelf, 1);
    made_all(&s, MS_PRODUCED_REST);
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BYE}); /* its credit is gone */
    commit(&s);
    tick_at(&s, s.now + 2 * MS_SEC);
    settle_down(&s);
    ck_assert_int_gt(ms_engine_deadline(s.engine), s.now);
    ck_assert_int_eq(source_of(&s)->state, MS_SOURCE_IDLE);
    teardown_durable(&s);
}
END_TEST

START_TEST(answers_of_an_earlier_opening_are_not_heard)
{
    struct script s;
    struct shelf shelf;
    struct ms_event stale;
    const struct ms_command command = {.kind = MS_KIND_SUBMIT, .payload = ms_bytes_of("x")};

    begin_with(&s, &shelf, 1);
    stale = answer(&s, MS_EVENT_PRODUCED, &command);
    stale.seq = 1;
    ms_sources_reopen(s.master);
    step(&s, &stale);
    settle_down(&s);
    step(&s, &stale);
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    stale.peer++;
    stale.epoch--; /* and of an earlier reign */
    step(&s, &stale);
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    stale.epoch++;
    step(&s, &stale);
    ck_assert_uint_eq(stats_of(&s).commands_count, 1);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_command_that_has_no_room_is_asked_for_again)
{
    struct script s;
    struct shelf shelf;

    begin_with(&s, &shelf, 3);
    step(&s, &(struct ms_event){.type = MS_EVENT_ROOM, .count = 1});
    made(&s, 1, "one", "c1");
    made(&s, 2, "two", "c2");
    made_all(&s, MS_PRODUCED_END);
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    ck_assert_uint_eq(source_of(&s)->number, 0);
    step(&s, &(struct ms_event){.type = MS_EVENT_ROOM, .count = UINT64_MAX});
    run_until(&s, s.now + MS_SEC);
    ck_assert_uint_eq(want_effect(&s, MS_EFFECT_PRODUCE)->seq, 1);
    teardown_durable(&s);
}
END_TEST

START_TEST(one_that_makes_what_never_fits_fails)
{
    struct script s;
    struct shelf shelf;
    static char large[2048];

    setup_durable(&s, &shelf);
    shelf.config.sources = settings;
    shelf.config.sources_count = 1;
    shelf.config.payload_max = 1024;
    restart(&s);
    durable_slave(&s, 1, 1);
    settle_down(&s);
    pull(&s, 1, 1);
    memset(large, 'x', sizeof large - 1);
    made(&s, 1, large, "c1");
    ck_assert_int_eq(source_of(&s)->state, MS_SOURCE_FAILED);
    ck_assert_ptr_nonnull(strstr(source_of(&s)->why, "2047 bytes"));
    teardown_durable(&s);
}
END_TEST

START_TEST(nobody_else_has_its_name)
{
    struct script s;
    struct shelf shelf;
    struct ms_hello hello = hello_of(MS_ROLE_CLIENT, 9);

    begin_with(&s, &shelf, 1);
    hello.node = ms_clients_own_uuid("provider", "tiles");
    open_peer(&s, 9);
    say_hello(&s, 9, &hello);
    want_refusal(&s, 9, MS_E_BAD_ARGUMENT);
    teardown_durable(&s);
}
END_TEST

START_TEST(people_see_how_far_it_is)
{
    struct script s;
    struct shelf shelf;
    const struct ms_query query = {.what = MS_QUERY_PROVIDERS};
    const struct sent *report;

    begin_with(&s, &shelf, 1);
    made(&s, 1, "one", "c1");
    commit(&s);
    client(&s, 2, 2);
    report = ask(&s, &query);
    ck_assert_uint_eq(report->rows, 1);
    ck_assert_str_eq(text(report, "name"), "tiles");
    ck_assert_str_eq(text(report, "type"), "echo");
    ck_assert_str_eq(text(report, "state"), "asked");
    ck_assert_uint_eq(number(report, "made"), 1);
    ck_assert_uint_eq(number(report, "in_hand"), 1);
    ck_assert_str_eq(text(report, "cursor"), "c1");
    teardown_durable(&s);
}
END_TEST

TESTS(it_is_asked_for_what_slaves_lack, commands_that_wait_are_enough,
      a_restart_goes_on_behind_the_cursor, a_number_that_is_known_is_not_submitted_again,
      numbers_come_one_after_the_other, an_outcome_is_told_until_it_is_done_with,
      what_is_kept_is_told_to_the_next_one, its_state_is_written_with_the_end,
      a_state_that_was_not_written_is_worked_out_again, verdicts_say_when_it_is_asked_again,
      who_has_rested_and_is_not_wanted_keeps_nobody_awake,
      answers_of_an_earlier_opening_are_not_heard, a_command_that_has_no_room_is_asked_for_again,
      one_that_makes_what_never_fits_fails, nobody_else_has_its_name, people_see_how_far_it_is)
