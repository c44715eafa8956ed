/* What a submission may ask for, and when commands may be started. */
#include "master_returning.h"
#include "master/terms.h"

static struct ms_command with(const struct ms_terms *terms)
{
    struct ms_command command = submission(1, "x");

    command.terms = terms;
    return command;
}

static void want_fit(const struct ms_terms *terms)
{
    const struct ms_command command = with(terms);
    struct ms_complaint complaint = {0};

    ck_assert_msg(ms_terms_examine(&command, &complaint) == MS_E_OK, "%s", complaint.text);
}

static void want_unfit(const struct ms_command *command, const char *words)
{
    struct ms_complaint complaint = {0};

    ck_assert_int_eq(ms_terms_examine(command, &complaint), MS_E_BAD_ARGUMENT);
    ck_assert_msg(strstr(complaint.text, words) != NULL, "\"%s\" lacks \"%s\"", complaint.text,
                  words);
}

static void want_unfit_terms(const struct ms_terms *terms, const char *words)
{
    const struct ms_command command = with(terms);

    want_unfit(&command, words);
}

START_TEST(ranges_are_named)
{
    static const uint8_t key[MS_UNIQUE_KEY_MAX + 1] = {1};
    struct ms_command command = submission(1, "x");

    want_fit(NULL);
    want_fit(&(struct ms_terms){.priority = MS_PRIORITY_MIN, .run_at = 1, .deadline = 2});
    want_fit(
        &(struct ms_terms){.unique_mode = MS_UNIQUE_REPLACE, .unique = {key, MS_UNIQUE_KEY_MAX}});
    want_unfit_terms(&(struct ms_terms){.priority = 11}, "priority is 11, it may be -10 to 10");
    want_unfit_terms(&(struct ms_terms){.priority = -11}, "priority is -11");
    want_unfit_terms(&(struct ms_terms){.run_at = -1}, "run_at is -1 us");
    want_unfit_terms(&(struct ms_terms){.deadline = MS_DURATION_MAX + 1}, "deadline is");
    want_unfit_terms(&(struct ms_terms){.unique_mode = 4, .unique = {key, 1}}, "unique_mode is 4");
    want_unfit_terms(&(struct ms_terms){.unique_mode = 1}, "is empty");
    want_unfit_terms(&(struct ms_terms){.unique = {key, 1}}, "unique_mode is 0");
    want_unfit_terms(&(struct ms_terms){.unique_mode = 1, .unique = {key, sizeof key}},
                     "at most 255");
    want_unfit_terms(&(struct ms_terms){.unique_mode = 1, .unique = {key, 1}, .array_count = 2},
                     "array");
    want_fit(&(struct ms_terms){.key = {key, MS_KEY_MAX}, .array_count = 2});
    want_unfit_terms(&(struct ms_terms){.key = {key, sizeof key}},
                     "key has 256 bytes, at most 255 are allowed");
    command.attempts_max = MS_ATTEMPTS_MAX + 1;
    want_unfit(&command, "1001 attempts");
    command.attempts_max = 2;
    command.flags = MS_FLAG_ONCE;
    want_unfit(&command, "only once");
    command = submission(1, "x");
    command.timeout = MS_DELAY_MAX + 1;
    want_unfit(&command, "timeout of");
    command.timeout = 0;
    command.delay = -1;
    want_unfit(&command, "delay of");
}
END_TEST

START_TEST(the_later_of_delay_and_time_holds)
{
    struct ms_terms terms = {.run_at = 500};
    struct ms_command command = with(&terms);

    ck_assert_int_eq(ms_terms_start(&command, 100), 500);
    command.delay = 300;
    ck_assert_int_eq(ms_terms_start(&command, 100), 500);
    command.delay = 500;
    ck_assert_int_eq(ms_terms_start(&command, 100), 600);
    command.terms = NULL;
    command.delay = 0;
    ck_assert_int_eq(ms_terms_start(&command, 100), 0);
}
END_TEST

static void submit_with(struct script *s, uint64_t seq, const struct ms_terms *terms)
{
    struct ms_command command = with(terms);

    command.id.seq = seq;
    receive(s, 2, &command);
}

static void submit_at(struct script *s, uint64_t seq, int priority)
{
    submit_with(s, seq, &(struct ms_terms){.priority = (int8_t)priority});
}

static uint64_t nth_started(struct script *s, size_t n)
{
    return find_nth(s, MS_KIND_COMMAND, n)->effect.command.id.seq;
}

START_TEST(higher_priorities_go_first)
{
    static const int priorities[] = {0, -10, 5, 10, 5, 0, -1, 10};
    static const uint64_t order[] = {4, 8, 3, 5, 1, 6, 7, 2};
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    for (uint64_t seq = 1; seq <= 8; seq++) {
        submit_at(&s, seq, priorities[seq - 1]);
        want(&s, MS_KIND_SUBMIT_ACK);
    }
    pull(&s, 1, 8);
    for (size_t i = 0; i < 8; i++) {
        ck_assert_uint_eq(nth_started(&s, i), order[i]);
    }
    teardown(&s);
}
END_TEST

START_TEST(what_is_handed_back_goes_first_in_its_priority)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        submit_at(&s, seq, 2);
    }
    pull(&s, 1, 1);
    const uint64_t token = token_of(want(&s, MS_KIND_COMMAND));

    submit_at(&s, 4, 3);
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_RETURN, .token = {EPOCH, token}});
    pull(&s, 1, 4);
    ck_assert_uint_eq(nth_started(&s, 0), 4);
    ck_assert_uint_eq(nth_started(&s, 1), 1);
    ck_assert_uint_eq(nth_started(&s, 2), 2);
    ck_assert_uint_eq(nth_started(&s, 3), 3);
    teardown(&s);
}
END_TEST

START_TEST(priorities_are_read_back)
{
    static struct shelf shelf;
    struct script s;

    setup_durable(&s, &shelf);
    durable_slave(&s, 1, 1);
    client(&s, 2, 2);
    for (uint64_t seq = 1; seq <= 4; seq++) {
        submit_at(&s, seq, (int)seq % 2 * 7);
    }
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BYE});
    commit(&s);
    restart(&s);
    durable_slave(&s, 1, 3);
    settle_down(&s);
    pull(&s, 1, 4);
    ck_assert_uint_eq(nth_started(&s, 0), 1);
    ck_assert_uint_eq(nth_started(&s, 1), 3);
    ck_assert_uint_eq(nth_started(&s, 2), 2);
    ck_assert_uint_eq(nth_started(&s, 3), 4);
    teardown_durable(&s);
}
END_TEST

/* --- deadlines --- */

static struct sent *want_expired(struct script *s)
{
    struct sent *outcome = want(s, MS_KIND_OUTCOME);

    ck_assert_uint_eq(outcome->effect.command.status, MS_STATUS_EXPIRED);
    ck_assert(strstr(outcome->detail, "deadline") != NULL);
    ck_assert_uint_eq(stats_of(s).commands[MS_LIFE_BURIED], 1);
    return outcome;
}

START_TEST(what_waits_expires)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    submit_with(&s, 1, &(struct ms_terms){.deadline = s.now + 100});
    ck_assert_int_eq(ms_engine_deadline(s.engine), s.now + 101);
    tick_at(&s, s.now + 100);
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    tick_at(&s, s.now + 1);
    ck_assert_str_eq(want_expired(&s)->detail, "its deadline passed before it was started");
    teardown(&s);
}
END_TEST

START_TEST(at_its_deadline_it_may_start_and_is_left_alone)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    submit_with(&s, 1, &(struct ms_terms){.deadline = s.now + 100});
    s.now += 100;
    pull(&s, 1, 1);
    const uint64_t token = token_of(want(&s, MS_KIND_COMMAND));

    tick_at(&s, s.now + 400 * MS_MSEC);
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    result(&s, 1, token, MS_STATUS_OK, "done");
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "done");
    teardown(&s);
}
END_TEST

START_TEST(credit_that_comes_late_starts_nothing)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    submit_with(&s, 1, &(struct ms_terms){.deadline = s.now + 100});
    submit_with(&s, 2, &(struct ms_terms){.deadline = s.now + 1000});
    s.now += 101;
    pull(&s, 1, 1);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 2);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 1);
    ck_assert_uint_eq(want_expired(&s)->effect.command.id.seq, 1);
    teardown(&s);
}
END_TEST

START_TEST(a_delay_beyond_the_deadline_is_not_waited_for)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    submit_with(&s, 1, &(struct ms_terms){.deadline = s.now + 100, .run_at = s.now + 5000});
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DELAYED], 1);
    tick_at(&s, s.now + 101);
    want_expired(&s);
    teardown(&s);
}
END_TEST

START_TEST(a_retry_beyond_the_deadline_is_none)
{
    struct script s;
    const struct ms_terms terms = {.deadline = 1000 * MS_SEC + MS_RETRY_DELAY_MIN / 4};
    struct ms_command command = with(&terms);

    command.attempts_max = 5;
    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    receive(&s, 2, &command);
    pull(&s, 1, 1);
    result(&s, 1, token_of(want(&s, MS_KIND_COMMAND)), MS_STATUS_RETRY, "");
    ck_assert_str_eq(want_expired(&s)->detail,
                     "attempt 1 came out as retry, and the next would come after its deadline");
    teardown(&s);
}
END_TEST

START_TEST(deadlines_are_read_back)
{
    static struct shelf shelf;
    struct script s;

    setup_durable(&s, &shelf);
    durable_slave(&s, 1, 1);
    client(&s, 2, 2);
    submit_with(&s, 1, &(struct ms_terms){.deadline = s.now + shelf.config.wall_offset + 100});
    submit_with(&s, 2,
                &(struct ms_terms){.run_at = s.now + shelf.config.wall_offset + 5000,
                                   .deadline = s.now + shelf.config.wall_offset + 100});
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BYE});
    commit(&s);
    restart(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SUBMIT], 2);
    run_until(&s, s.now + 101);
    commit(&s);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_BURIED], 2);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SETTLE], 2);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SUBMIT], 2); /* for a kick */
    restart(&s);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_BURIED], 2);
    client(&s, 2, 2);
    settle_down(&s);
    teardown_durable(&s);
}
END_TEST

/* What a slave may have in hand does not expire before it has told. */
START_TEST(what_may_be_in_hand_does_not_expire)
{
    static struct shelf shelf;
    struct script s;

    setup_durable(&s, &shelf);
    const struct ms_welcome was = slave_durably(&s, 1, 1);

    client(&s, 2, 2);
    submit_with(&s, 1, &(struct ms_terms){.deadline = s.now + shelf.config.wall_offset + 100});
    commit(&s);
    pull(&s, 1, 1);
    const struct ms_token token = {EPOCH, token_of(want(&s, MS_KIND_COMMAND))};
    const struct ms_holding holding = {.id = {uuid_of(2), 1}, .type = ECHO, .attempt = 1};
    const struct ms_tokens roll = {1, &token, &holding, true};

    restart(&s);
    run_until(&s, s.now + 200);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 1);
    come_back(&s, 1, 1, &was, &roll);
    settle_down(&s);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_LEASED], 1);
    teardown_durable(&s);
}
END_TEST

/* --- at most once --- */

static struct ms_command once(uint64_t seq)
{
    struct ms_command command = submission(seq, "x");

    command.flags = MS_FLAG_ONCE;
    return command;
}

START_TEST(in_memory_too_it_has_one_attempt)
{
    struct script s;
    const struct ms_command first = once(1);
    struct ms_command second = once(2);

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    second.attempts_max = 2;
    receive(&s, 2, &second);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.error, MS_E_BAD_ARGUMENT);
    receive(&s, 2, &first);
    pull(&s, 1, 2);
    result(&s, 1, token_of(want(&s, MS_KIND_COMMAND)), MS_STATUS_CRASHED, "");
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_CRASHED);
    receive(&s, 2,
            &(struct ms_command){
                .kind = MS_KIND_SUBMIT, .flags = MS_FLAG_ONCE, .type = ECHO, .id.seq = 3});
    want(&s, MS_KIND_COMMAND);
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BYE});
    settle_down(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_LOST);
    teardown(&s);
}
END_TEST

/* Steps of the life of a command that may be started once; the master dies after each in turn. */
static uint32_t live_until(struct script *s, uint32_t effects, bool is_result_told)
{
    const struct ms_command command = once(1);
    uint32_t starts = 0;

    receive(s, 2, &command);
    for (uint32_t i = 0; i < effects && s->shelf->seq > s->shelf->committed; i++) {
        s->count = 0;
        commit_once(s);
        starts += (uint32_t)count_of(s, MS_KIND_COMMAND);
    }
    if (starts > 0 && is_result_told) {
        result(s, 1, s->last_token, MS_STATUS_OK, "done");
        for (uint32_t i = 1; i < effects && s->shelf->seq > s->shelf->committed; i++) {
            commit_once(s);
        }
    }
    return starts;
}

/* The slave is gone with the master: nobody may start it again if it was started. */
static void die_and_come_back(uint32_t effects, bool is_result_told)
{
    static struct shelf shelf;
    const struct ms_command command = once(1);
    struct script s;
    uint32_t starts;

    setup_durable(&s, &shelf);
    slave_durably(&s, 1, 1);
    pull(&s, 1, 1);
    client(&s, 2, 2);
    starts = live_until(&s, effects, is_result_told);
    restart(&s);
    run_until(&s, s.now + 60 * MS_SEC); /* the slave's session dies */
    commit(&s);
    client(&s, 2, 2);
    commit(&s);
    receive(&s, 2, &command);
    starts += (uint32_t)count_of(&s, MS_KIND_COMMAND);
    commit(&s);
    starts += (uint32_t)count_of(&s, MS_KIND_COMMAND);
    slave_durably(&s, 3, 3);
    pull(&s, 3, 1);
    starts += (uint32_t)count_of(&s, MS_KIND_COMMAND);
    commit(&s);
    starts += (uint32_t)count_of(&s, MS_KIND_COMMAND);
    ck_assert_uint_le(starts, 1);
    ck_assert(effects > 0 || starts == 1);
    teardown_durable(&s);
}

START_TEST(a_master_that_dies_at_any_moment_starts_it_once)
{
    for (uint32_t effects = 0; effects < 6; effects++) {
        die_and_come_back(effects, false);
        die_and_come_back(effects, true);
    }
}
END_TEST

TESTS(ranges_are_named, the_later_of_delay_and_time_holds, higher_priorities_go_first,
      what_is_handed_back_goes_first_in_its_priority, priorities_are_read_back, what_waits_expires,
      at_its_deadline_it_may_start_and_is_left_alone, credit_that_comes_late_starts_nothing,
      a_delay_beyond_the_deadline_is_not_waited_for, a_retry_beyond_the_deadline_is_none,
      deadlines_are_read_back, what_may_be_in_hand_does_not_expire,
      in_memory_too_it_has_one_attempt, a_master_that_dies_at_any_moment_starts_it_once)
