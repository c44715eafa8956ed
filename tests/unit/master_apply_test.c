/* Records applied: what is read back is what was there, and what makes no sense stops the start. */
#include "master/rare.h"
#include "master_returning.h"

/* What is known of a command wherever it is kept. */
struct facts {
    uint8_t state, status, flags, durability;
    uint16_t failures, crashes, attempts_max, detail_size;
    uint32_t attempt, size, signal, pasts;
    int32_t code;
    ms_time timeout, created_at;
    uint8_t bytes[64];
};

static struct facts facts_of(const struct script *s, uint64_t seq)
{
    const struct ms_work *work = work_of(s, 2, seq);

    ck_assert_msg(work != NULL, "command %u is gone", (unsigned)seq);
    struct facts facts;

    memset(&facts, 0, sizeof facts); /* padding is compared, too */
    facts.state = work->state;
    facts.status = work->status;
    facts.flags = work->flags;
    facts.durability = work->durability;
    facts.failures = work->failures;
    facts.crashes = work->crashes;
    facts.attempts_max = work->attempts_max;
    facts.detail_size = work->detail_size;
    facts.attempt = work->attempt;
    facts.size = work->size;
    facts.signal = work->signal;
    facts.code = work->code;
    facts.timeout = ms_work_is_finished(work) ? 0 : work->timeout; /* of no use any more */
    facts.created_at = work->created_at;
    facts.pasts = work->rare != NULL ? work->rare->past_count : 0;
    ck_assert_uint_le(work->size, sizeof facts.bytes);
    if (work->size > 0) {
        memcpy(facts.bytes, ms_work_payload(work).data, work->size);
    }
    return facts;
}

static void submit_as(struct script *s, uint64_t seq, uint8_t flags, ms_time delay)
{
    struct ms_command command = submission(seq, "payload");

    command.flags = flags;
    command.attempts_max = 5;
    command.timeout = 7 * MS_SEC;
    command.delay = delay;
    receive(s, 2, &command);
}

static void conclude(struct script *s, enum ms_status status)
{
    receive(s, 1,
            &(struct ms_command){.kind = MS_KIND_RESULT,
                                 .status = (uint8_t)status,
                                 .code = 4,
                                 .signal = 9,
                                 .token = {s->epoch, s->last_token},
                                 .detail = ms_bytes_of("detail"),
                                 .payload = ms_bytes_of("result")});
}

START_TEST(what_is_read_back_is_what_was_there)
{
    enum { COUNT = 7 };
    struct script s;
    struct shelf shelf;
    struct facts before[COUNT + 1];

    setup_durable(&s, &shelf);
    slave_durably(&s, 1, 1);
    client(&s, 2, 2);
    static const enum ms_status statuses[] = {MS_STATUS_OK, MS_STATUS_FAIL, MS_STATUS_RETRY,
                                              MS_STATUS_CRASHED, MS_STATUS_TIMEOUT};
    for (uint64_t seq = 1; seq <= 5; seq++) {
        pull(&s, 1, 1);
        submit_as(&s, seq, 0, 0);
        conclude(&s, statuses[seq - 1]);
    }
    submit_as(&s, 6, MS_FLAG_STREAM, 0);
    submit_as(&s, 7, MS_FLAG_BACKGROUND, 50 * MS_SEC);
    commit(&s);
    for (uint64_t seq = 1; seq <= COUNT; seq++) {
        before[seq] = facts_of(&s, seq);
    }
    for (int i = 0; i < 3; i++) {
        restart(&s);
        ck_assert_uint_eq(stats_of(&s).commands_count, COUNT);
        for (uint64_t seq = 1; seq <= COUNT; seq++) {
            const struct facts after = facts_of(&s, seq);

            ck_assert_msg(memcmp(&before[seq], &after, sizeof after) == 0, "command %u differs",
                          (unsigned)seq);
        }
    }
    teardown_durable(&s);
}
END_TEST

START_TEST(types_are_known_before_their_slaves_are_back)
{
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    slave_durably(&s, 1, 1);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_TYPE], 1);
    slave_durably(&s, 3, 3);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_TYPE], 1); /* known */
    restart(&s);
    ck_assert_uint_eq(stats_of(&s).types_count, 1);
    client(&s, 2, 2);
    submit(&s, 2, 1, "x");
    commit(&s);
    want(&s, MS_KIND_SUBMIT_ACK);
    teardown_durable(&s);
}
END_TEST

/* ---- records that make no sense ---- */

#define AT 5 /* a moment */

static struct ms_id id_of(uint64_t seq)
{
    return (struct ms_id){uuid_of(2), seq};
}

static void replay_record(struct script *s, ms_seq seq, const struct ms_record *record)
{
    uint8_t *bytes = malloc(ms_record_size_max(record));

    ck_assert_ptr_nonnull(bytes);
    replay(s, (struct ms_bytes){bytes, (size_t)(ms_record_write(bytes, seq, record) - bytes)});
    free(bytes);
}

static const struct ms_record type_record = {
    .kind = MS_RECORD_TYPE, .at = AT, .type = ECHO, .name = {(const uint8_t *)"echo", 4}};

static struct ms_record submit_record(uint64_t seq)
{
    return (struct ms_record){.kind = MS_RECORD_SUBMIT,
                              .at = AT,
                              .type = ECHO,
                              .durability = MS_DURABILITY_LOCAL,
                              .attempts_max = 3,
                              .id = id_of(seq)};
}

/* A master that has read a type as record 1 and command 1 as record 2. */
static void begin(struct script *s, struct shelf *shelf)
{
    const struct ms_record submit = submit_record(1);

    setup_durable(s, shelf);
    ms_master_destroy(s->master);
    create_master(s);
    replay_record(s, 1, &type_record);
    replay_record(s, 2, &submit);
    ck_assert_uint_eq(s->count, 0);
    ck_assert(!stats_of(s).is_failed);
}

/* It says why, stops, and listens to nothing any more. */
static void want_corrupt(struct script *s)
{
    ck_assert_uint_eq(s->count, 1);
    ck_assert_uint_eq(s->sent[0].effect.type, MS_EFFECT_STOPPED);
    ck_assert_str_eq(ms_error_name(s->sent[0].effect.error), "STORE_CORRUPT");
    ck_assert_uint_gt(strlen(s->master->complaint.text), 10);
    step(s, &(struct ms_event){.type = MS_EVENT_REPLAYED});
    ck_assert_uint_eq(s->count, 0);
    ck_assert_int_eq(ms_engine_deadline(s->engine), MS_TIME_NEVER);
    teardown_durable(s);
}

static const struct ms_record senseless[] = {
    {.kind = MS_RECORD_TYPE, .at = AT, .type = OTHER},
    {.kind = MS_RECORD_SUBMIT, .at = AT, .type = OTHER, .id = {{{2, 0xaa}}, 9}},
    {.kind = MS_RECORD_SUBMIT, .at = AT, .type = ECHO, .id = {{{2, 0xaa}}, 1}},
    {.kind = MS_RECORD_LEASE, .at = AT, .id = {{{2, 0xaa}}, 9}, .token = {1, 1}, .attempt = 1},
    {.kind = MS_RECORD_RETRY, .at = AT, .id = {{{2, 0xaa}}, 9}, .event = MS_LIFE_RETRY},
    {.kind = MS_RECORD_RETRY, .at = AT, .id = {{{2, 0xaa}}, 1}, .failures = 70000},
    {.kind = MS_RECORD_SETTLE,
     .at = AT,
     .type = OTHER,
     .id = {{{2, 0xaa}}, 9},
     .event = MS_LIFE_SUCCEED},
    {.kind = MS_RECORD_SETTLE,
     .at = AT,
     .type = ECHO,
     .id = {{{2, 0xaa}}, 1},
     .event = MS_LIFE_SUBMIT},
    {.kind = MS_RECORD_SETTLE,
     .at = AT,
     .type = ECHO,
     .id = {{{2, 0xaa}}, 1},
     .event = MS_LIFE_RETRY},
    {.kind = MS_RECORD_SETTLE,
     .at = AT,
     .type = ECHO,
     .id = {{{2, 0xaa}}, 9},
     .event = MS_LIFE_LOSE},
    {.kind = MS_RECORD_SETTLE, .at = AT, .type = ECHO, .id = {{{2, 0xaa}}, 1}, .event = 200},
    {.kind = MS_RECORD_CHANGE, .at = AT, .id = {{{2, 0xaa}}, 1}, .event = 200},
    {.kind = MS_RECORD_CHANGE, .at = AT, .id = {{{2, 0xaa}}, 9}, .event = MS_OPERATION_CANCEL},
    {.kind = MS_RECORD_SESSION, .at = AT, .uuid = {{1}}, .node = {{2}}, .count = MS_SLOTS_MAX + 1},
    {.kind = MS_RECORD_CLOSE, .at = AT, .id = {{{2, 0xaa}}, 1}},
};

START_TEST(what_makes_no_sense_is_refused)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf);
    replay_record(&s, 3, &senseless[_i]);
    want_corrupt(&s);
}
END_TEST

START_TEST(a_session_that_is_there_twice_is_refused)
{
    const struct ms_record session = {
        .kind = MS_RECORD_SESSION, .at = AT, .uuid = {{1}}, .node = {{2}}, .count = 4};
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf);
    replay_record(&s, 3, &session);
    ck_assert_uint_eq(stats_of(&s).awaited_count, 1);
    replay_record(&s, 4, &session);
    want_corrupt(&s);
}
END_TEST

START_TEST(a_command_ends_once)
{
    const struct ms_record settle = {.kind = MS_RECORD_SETTLE,
                                     .at = AT,
                                     .type = ECHO,
                                     .durability = MS_DURABILITY_LOCAL,
                                     .event = MS_LIFE_SUCCEED,
                                     .attempt = 1,
                                     .id = id_of(1)};
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf);
    replay_record(&s, 3, &settle);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DONE], 1);
    replay_record(&s, 4, &settle);
    want_corrupt(&s);
}
END_TEST

START_TEST(numbers_rise)
{
    const struct ms_record submit = submit_record(2);
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf);
    replay_record(&s, 2, &submit);
    want_corrupt(&s);
}
END_TEST

START_TEST(damaged_bytes_are_refused)
{
    struct script s;
    struct shelf shelf;
    const struct ms_record submit = submit_record(2);
    uint8_t *bytes = malloc(ms_record_size_max(&submit));

    begin(&s, &shelf);
    ck_assert_ptr_nonnull(bytes);
    const size_t size = (size_t)(ms_record_write(bytes, 3, &submit) - bytes);

    bytes[size - 1] ^= 1;
    replay(&s, (struct ms_bytes){bytes, size});
    free(bytes);
    want_corrupt(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create(__FILE__);
    TCase *tcase = tcase_create("all");

    tcase_set_timeout(tcase, 60); /* machines may be busy */
    tcase_add_test(tcase, what_is_read_back_is_what_was_there);
    tcase_add_test(tcase, types_are_known_before_their_slaves_are_back);
    tcase_add_loop_test(tcase, what_makes_no_sense_is_refused, 0,
                        (int)(sizeof senseless / sizeof senseless[0]));
    tcase_add_test(tcase, a_session_that_is_there_twice_is_refused);
    tcase_add_test(tcase, a_command_ends_once);
    tcase_add_test(tcase, numbers_rise);
    tcase_add_test(tcase, damaged_bytes_are_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
