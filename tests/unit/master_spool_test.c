/* Payloads in parts from clients, and in the journal. */
#include "master_parts.h"
#include "master_shelf.h"

static void want_nak(struct script *s, uint64_t seq, enum ms_error error)
{
    const struct sent *nak = want(s, MS_KIND_SUBMIT_NAK);

    ck_assert_str_eq(ms_error_name((enum ms_error)nak->effect.command.error), ms_error_name(error));
    ck_assert_uint_eq(nak->effect.command.id.seq, seq);
    ck_assert_uint_gt(strlen(nak->detail), 0);
}

START_TEST(test_gap_is_refused_once)
{
    struct script s;

    begin(&s);
    part(&s, 1, 0, 1000);
    part(&s, 1, 2, 1000);
    want_nak(&s, 1, MS_E_BAD_ARGUMENT);
    part(&s, 1, 3, 1000);
    ck_assert_uint_eq(s.count, 0);
    submit_parts(&s, 1, 3000);
    ck_assert_uint_eq(s.count, 0);
    ck_assert_uint_eq(stats_of(&s).bytes_used, 0);
    submit_two(&s, 1);
    want(&s, MS_KIND_SUBMIT_ACK);
    teardown(&s);
}
END_TEST

START_TEST(test_wrong_totals_are_refused)
{
    struct script s;

    begin(&s);
    part(&s, 1, 0, 1000);
    submit_parts(&s, 1, 999);
    want_nak(&s, 1, MS_E_BAD_ARGUMENT);
    submit_parts(&s, 2, 10);
    want_nak(&s, 2, MS_E_BAD_ARGUMENT);
    part(&s, 3, 0, 0);
    want_nak(&s, 3, MS_E_BAD_ARGUMENT);
    part(&s, 4, 7, 10);
    want_nak(&s, 4, MS_E_RETRY_LATER);
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    teardown(&s);
}
END_TEST

START_TEST(test_full_memory_says_later)
{
    struct ms_master_config config = volatile_config;
    struct script s;
    uint32_t index = 0;

    config.limits.bytes_max = 1u << 20;
    setup_with(&s, &config);
    client(&s, CLIENT, 1);
    slave(&s, SLAVE, 2);
    do {
        part(&s, 1, index++, sizeof piece);
    } while (s.count == 0 && index < 100);
    want_nak(&s, 1, MS_E_RETRY_LATER);
    ck_assert_uint_gt(index, 10);
    submit_two(&s, 2);
    want(&s, MS_KIND_SUBMIT_ACK);
    teardown(&s);
}
END_TEST

START_TEST(test_new_connection_begins_anew)
{
    struct ms_hello hello = hello_of(MS_ROLE_CLIENT, 1);
    struct script s;

    setup_with(&s, &volatile_config);
    slave(&s, SLAVE, 2);
    hello.token = client(&s, CLIENT, 1).token;
    part(&s, 1, 0, 1000);
    close_peer(&s, CLIENT);
    ck_assert(greet(&s, CLIENT, &hello).resumed);
    ck_assert_uint_eq(stats_of(&s).bytes_used, 0);
    part(&s, 1, 1, 1000);
    want_nak(&s, 1, MS_E_RETRY_LATER);
    teardown(&s);
}
END_TEST

START_TEST(test_forgotten_ones_expire)
{
    struct script s;

    begin(&s);
    part(&s, 1, 0, 1000);
    for (int i = 0; i < 2 * (int)(MS_SPOOL_KEEP / MS_SEC); i++) {
        run_until(&s, s.now + MS_SEC);
        receive(&s, CLIENT, &(struct ms_command){.kind = MS_KIND_BEAT, .count = 1});
    }
    ck_assert_uint_eq(stats_of(&s).bytes_used, 0);
    teardown(&s);
}
END_TEST

/* ---- with a store ---- */

static void begin_durable(struct script *s, struct shelf *shelf)
{
    setup_durable(s, shelf);
    client(s, CLIENT, 1);
    durable_slave(s, SLAVE, 2);
}

static void submit_two_durably(struct script *s)
{
    part(s, 1, 0, 1000);
    commit(s);
    part(s, 1, 1, 1000);
    commit(s);
    submit_parts(s, 1, 2000);
    ck_assert_ptr_null(find(s, MS_KIND_SUBMIT_ACK));
    commit(s);
    ck_assert_uint_eq(want(s, MS_KIND_SUBMIT_ACK)->effect.command.durability, MS_DURABILITY_LOCAL);
}

/* The slave of before never comes back; another does. */
static void meet_another_slave(struct script *s)
{
    client(s, CLIENT, 1);
    for (int i = 0; i < 10; i++) {
        run_until(s, s->now + MS_SEC);
        commit(s);
    }
    durable_slave(s, SLAVE, 4);
    pull(s, SLAVE, 1);
}

START_TEST(test_written_crashed_read_back)
{
    struct script s;
    struct shelf shelf;

    begin_durable(&s, &shelf);
    submit_two_durably(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_PART], 2);
    restart(&s);
    ck_assert_uint_eq(stats_of(&s).commands_count, 1);
    meet_another_slave(&s);
    result(&s, SLAVE, want_two(&s, 1), MS_STATUS_OK, "done");
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_PART], 0);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SETTLE], 1);
    restart(&s);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DONE], 1);
    ck_assert(!stats_of(&s).is_failed);
    teardown_durable(&s);
}
END_TEST

START_TEST(test_outcome_after_a_retry_is_read_back)
{
    struct script s;
    struct shelf shelf;

    begin_durable(&s, &shelf);
    submit_two_durably(&s);
    pull(&s, SLAVE, 2);
    result(&s, SLAVE, want_two(&s, 1), MS_STATUS_RETRY, "");
    commit(&s);
    run_until(&s, s.now + MS_SEC);
    result(&s, SLAVE, want_two(&s, 2), MS_STATUS_OK, "done");
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_RETRY], 1);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_PART], 0);
    restart(&s);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DONE], 1);
    ck_assert(!stats_of(&s).is_failed);
    teardown_durable(&s);
}
END_TEST

START_TEST(test_parts_without_submission_are_erased)
{
    struct script s;
    struct shelf shelf;

    begin_durable(&s, &shelf);
    part(&s, 1, 0, 1000);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_PART], 1);
    restart(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_PART], 0);
    ck_assert_uint_eq(stats_of(&s).client_records_count, 0);
    ck_assert_uint_eq(stats_of(&s).bytes_used, 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(test_missing_part_is_corruption)
{
    struct script s;
    struct shelf shelf;

    begin_durable(&s, &shelf);
    submit_two_durably(&s);
    crash(&s);
    for (size_t i = 0; i < SHELF_MAX; i++) {
        struct ms_bytes *entry = &shelf.entries[i];

        if (entry->data != NULL && entry->data[16] == MS_RECORD_PART) {
            free((void *)(uintptr_t)entry->data);
            *entry = (struct ms_bytes){0};
            break;
        }
    }
    create_master(&s);
    replay_all(&s);
    ck_assert(stats_of(&s).is_failed);
    teardown_durable(&s);
}
END_TEST

START_TEST(test_memory_class_keeps_no_records)
{
    const struct ms_terms terms = {.parts_size = 1000};
    struct script s;
    struct shelf shelf;

    begin_durable(&s, &shelf);
    part(&s, 1, 0, 1000);
    commit(&s);
    receive(&s, CLIENT,
            &(struct ms_command){.kind = MS_KIND_SUBMIT,
                                 .type = ECHO,
                                 .flags = MS_FLAG_PARTS | MS_FLAG_DURABILITY,
                                 .durability = MS_DURABILITY_MEM,
                                 .id.seq = 1,
                                 .terms = &terms});
    want(&s, MS_KIND_SUBMIT_ACK);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_PART], 0);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SUBMIT], 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(test_beats_are_answered_at_the_pace_of_the_store)
{
    struct script s;
    struct shelf shelf;

    begin_durable(&s, &shelf);
    receive(&s, CLIENT, &(struct ms_command){.kind = MS_KIND_BEAT, .count = 4});
    want(&s, MS_KIND_BEAT_ACK);
    part(&s, 1, 0, 1000);
    receive(&s, CLIENT, &(struct ms_command){.kind = MS_KIND_BEAT, .count = 5});
    ck_assert_ptr_null(find(&s, MS_KIND_BEAT_ACK));
    commit(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_BEAT_ACK)->effect.command.count, 5);
    teardown_durable(&s);
}
END_TEST

START_TEST(test_full_disk_refuses_parts_by_name)
{
    struct script s;
    struct shelf shelf;

    begin_durable(&s, &shelf);
    step(&s, &(struct ms_event){.type = MS_EVENT_ROOM, .count = 1000});
    part(&s, 1, 0, 1000);
    want_nak(&s, 1, MS_E_STORE_FULL);
    teardown_durable(&s);
}
END_TEST

TESTS(test_gap_is_refused_once, test_wrong_totals_are_refused, test_full_memory_says_later,
      test_new_connection_begins_anew, test_forgotten_ones_expire, test_written_crashed_read_back,
      test_outcome_after_a_retry_is_read_back, test_parts_without_submission_are_erased,
      test_missing_part_is_corruption, test_memory_class_keeps_no_records,
      test_beats_are_answered_at_the_pace_of_the_store, test_full_disk_refuses_parts_by_name)
