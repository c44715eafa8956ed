/* Outcomes that are kept after everybody who waited has them. */
#include "master/archive.h"

#include "master/clients.h"
#include "master/state.h"
#include "master_reports.h"
#include "master_shelf.h"

static void submit_flags(struct script *s, ms_peer peer, uint64_t seq, uint8_t flags)
{
    struct ms_command command = submission(seq, "payload");

    command.flags = flags;
    receive(s, peer, &command);
}

/* The next command runs and comes to that end. */
static void run_one(struct script *s, enum ms_status status, const char *payload)
{
    pull(s, 1, 1);
    settle_down(s);
    result(s, 1, s->last_token, status, payload);
}

static const struct ms_work *work_of(const struct script *s, uint64_t seq)
{
    return ms_clients_find_work(s->master, &(struct ms_id){uuid_of(2), seq});
}

static uint64_t floor_of(const struct script *s)
{
    const struct ms_uuid uuid = uuid_of(2);

    return ms_floors_find(&s->master->floors, &uuid)->closed.floor;
}

START_TEST(a_kept_outcome_stays_after_its_confirmation)
{
    struct script s;

    begin(&s);
    submit_flags(&s, 2, 1, MS_FLAG_KEEP);
    submit_flags(&s, 2, 2, 0);
    run_one(&s, MS_STATUS_OK, "one");
    run_one(&s, MS_STATUS_OK, "two");
    confirm(&s, 2, 1, 2);
    ck_assert_ptr_nonnull(work_of(&s, 1));
    ck_assert_ptr_null(work_of(&s, 2));
    ck_assert_uint_eq(stats_of(&s).kept_count, 1);
    ck_assert_uint_eq(floor_of(&s), 2);
    teardown(&s);
}
END_TEST

START_TEST(buried_in_the_background_stays_and_done_does_not)
{
    struct script s;

    begin(&s);
    submit_flags(&s, 2, 1, MS_FLAG_BACKGROUND);
    submit_flags(&s, 2, 2, MS_FLAG_BACKGROUND);
    run_one(&s, MS_STATUS_FAIL, "");
    run_one(&s, MS_STATUS_OK, "");
    ck_assert_int_eq(work_of(&s, 1)->state, MS_LIFE_BURIED);
    ck_assert_ptr_null(work_of(&s, 2));
    teardown(&s);
}
END_TEST

START_TEST(a_submission_that_comes_again_gets_its_outcome_again)
{
    struct script s;

    begin(&s);
    submit_flags(&s, 2, 1, MS_FLAG_KEEP);
    run_one(&s, MS_STATUS_OK, "one");
    confirm(&s, 2, 1, 1);
    submit_flags(&s, 2, 1, MS_FLAG_KEEP);
    want(&s, MS_KIND_SUBMIT_ACK);
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "one");
    ck_assert_uint_eq(stats_of(&s).kept_count, 0);
    confirm(&s, 2, 1, 1);
    ck_assert_uint_eq(stats_of(&s).kept_count, 1);
    submit_flags(&s, 2, 1, MS_FLAG_KEEP | MS_FLAG_BACKGROUND);
    want(&s, MS_KIND_SUBMIT_ACK);
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    teardown(&s);
}
END_TEST

START_TEST(the_client_is_gone_and_its_outcome_is_not)
{
    struct script s;

    begin(&s);
    submit_flags(&s, 2, 1, MS_FLAG_KEEP);
    run_one(&s, MS_STATUS_OK, "one");
    confirm(&s, 2, 1, 1);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_BYE});
    run_until(&s, s.now + 10 * MS_TICK_DEFAULT);
    ck_assert_uint_eq(stats_of(&s).client_records_count, 1);
    ck_assert_ptr_nonnull(work_of(&s, 1));
    run_until(&s, s.now + MS_KEEP_AGE_DEFAULT);
    ck_assert_uint_eq(stats_of(&s).kept_count, 0);
    ck_assert_uint_eq(stats_of(&s).client_records_count, 0);
    ck_assert_uint_eq(stats_of(&s).bytes_used, 0);
    teardown(&s);
}
END_TEST

START_TEST(nobody_came_for_it_and_it_is_kept)
{
    struct script s;

    begin(&s);
    submit_flags(&s, 2, 1, MS_FLAG_KEEP);
    submit_flags(&s, 2, 2, 0);
    pull(&s, 1, 2);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_BYE});
    result(&s, 1, s.last_token - 1, MS_STATUS_OK, "one");
    result(&s, 1, s.last_token, MS_STATUS_OK, "two");
    settle_down(&s);
    ck_assert_ptr_nonnull(work_of(&s, 1));
    ck_assert_ptr_null(work_of(&s, 2));
    teardown(&s);
}
END_TEST

START_TEST(count_and_bytes_have_limits)
{
    struct script s;

    setup_with(&s, &(struct ms_master_config){
                       .epoch = EPOCH, .limits = {.keep_count = 3, .keep_bytes = 64u << 10}});
    slave(&s, 1, 1);
    client(&s, 2, 2);
    for (uint64_t seq = 1; seq <= 5; seq++) {
        s.now += MS_MSEC;
        submit_flags(&s, 2, seq, MS_FLAG_KEEP | MS_FLAG_BACKGROUND);
        run_one(&s, MS_STATUS_OK, "");
    }
    settle_down(&s);
    ck_assert_uint_eq(stats_of(&s).kept_count, 3);
    ck_assert_ptr_null(work_of(&s, 2));
    ck_assert_ptr_nonnull(work_of(&s, 3));
    struct ms_master_config next = {.epoch = EPOCH, .limits = {.keep_count = 3, .keep_bytes = 1}};

    ms_master_reconfigure(s.master, &next);
    settle_down(&s);
    ck_assert_uint_eq(stats_of(&s).kept_count, 0);
    ck_assert_uint_eq(stats_of(&s).kept_bytes, 0);
    teardown(&s);
}
END_TEST

/* One step without the walk through everything that comes after each. */
static void quick(struct script *s, ms_peer peer, const struct ms_command *command)
{
    struct ms_effect effect;

    ms_engine_step(
        s->engine, s->now,
        &(struct ms_event){
            .type = MS_EVENT_RECEIVED, .peer = peer, .epoch = EPOCH, .command = command});
    while (ms_engine_poll(s->engine, &effect)) {
        if (effect.type == MS_EFFECT_SEND && effect.command.kind == MS_KIND_COMMAND) {
            s->last_token = effect.command.token.n;
        }
    }
}

START_TEST(one_old_buried_command_pins_nothing)
{
    enum { COUNT = 100000 };
    struct script s;

    begin(&s);
    submit_flags(&s, 2, 1, MS_FLAG_BACKGROUND);
    run_one(&s, MS_STATUS_FAIL, "");
    const uint64_t bytes = stats_of(&s).bytes_used;

    for (uint64_t seq = 2; seq <= COUNT; seq++) {
        const struct ms_command command = submission(seq, "x");

        quick(&s, 2, &command);
        quick(&s, 1, &(struct ms_command){.kind = MS_KIND_PULL, .count = 1});
        quick(&s, 1, &(struct ms_command){.kind = MS_KIND_RESULT, .token = {EPOCH, s.last_token}});
        quick(&s, 2, &(struct ms_command){.kind = MS_KIND_OUTCOME_ACK, .id.seq = seq, .count = 1});
    }
    const struct ms_client *client = work_of(&s, 1)->client;

    ck_assert_uint_eq(floor_of(&s), COUNT);
    ck_assert_uint_eq(stats_of(&s).commands_count, 1);
    ck_assert_uint_eq(stats_of(&s).bytes_used, bytes);
    ck_assert_uint_eq(client->live_count, 0);
    ck_assert_uint_le(client->index.mask, 127);
    ck_assert_uint_eq(client->index.spilled, 0);
    ck_assert_uint_eq(ms_map_count(&client->floor->closed.spans), 0);
    teardown(&s);
}
END_TEST

START_TEST(durable_ones_survive_in_the_order_of_their_end)
{
    struct shelf shelf;
    struct script s;

    setup_durable(&s, &shelf);
    durable_slave(&s, 1, 1);
    client(&s, 2, 2);
    for (uint64_t seq = 1; seq <= 4; seq++) {
        submit_flags(&s, 2, seq, MS_FLAG_KEEP);
    }
    submit_flags(&s, 2, 5, MS_FLAG_KEEP | MS_FLAG_DURABILITY);
    commit(&s);
    for (uint64_t seq = 1; seq <= 5; seq++) {
        s.now += 100 * MS_MSEC;
        run_one(&s, MS_STATUS_OK, "x");
        commit(&s);
    }
    confirm(&s, 2, 3, 3);
    confirm(&s, 2, 1, 1);
    commit(&s);
    ck_assert_uint_eq(stats_of(&s).kept_count, 4);
    restart(&s);
    ck_assert_uint_eq(stats_of(&s).kept_count, 3); /* without what was of class mem */
    ck_assert_uint_eq(stats_of(&s).commands_count, 4);
    ck_assert(!work_of(&s, 2)->is_archived); /* its client has not confirmed it */
    shelf.config.limits.keep_count = 2;
    ms_master_reconfigure(s.master, &shelf.config);
    settle_down(&s);
    ck_assert_ptr_null(work_of(&s, 1));
    ck_assert_ptr_nonnull(work_of(&s, 3));
    commit(&s);
    restart(&s);
    ck_assert_uint_eq(stats_of(&s).kept_count, 2);
    ck_assert_ptr_null(work_of(&s, 1));
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SETTLE], 3);
    teardown_durable(&s);
}
END_TEST

TESTS(a_kept_outcome_stays_after_its_confirmation, buried_in_the_background_stays_and_done_does_not,
      a_submission_that_comes_again_gets_its_outcome_again,
      the_client_is_gone_and_its_outcome_is_not, nobody_came_for_it_and_it_is_kept,
      count_and_bytes_have_limits, one_old_buried_command_pins_nothing,
      durable_ones_survive_in_the_order_of_their_end)
