/* Numbers of clients: what is remembered of them, how it is written, and how long. */
#include "master_returning.h"
#include "master/floors.h"

#define SPAN 4096u

/* A command that nobody wants an outcome of, from its submission to its end. */
static void live_once(struct script *s, uint64_t seq)
{
    struct ms_command command = submission(seq, "x");

    command.flags = MS_FLAG_BACKGROUND;
    pull(s, 1, 1);
    receive(s, 2, &command);
    result(s, 1, s->last_token, MS_STATUS_OK, "");
}

static void begin(struct script *s, struct shelf *shelf)
{
    setup_durable(s, shelf);
    slave_durably(s, 1, 1);
    client(s, 2, 2);
}

static void want_closed(struct script *s, uint64_t seq)
{
    submit(s, 2, seq, "x");
    ck_assert_uint_eq(want(s, MS_KIND_SUBMIT_NAK)->effect.command.error, MS_E_CLOSED_ID);
}

static void want_open(struct script *s, uint64_t seq)
{
    submit(s, 2, seq, "x");
    ck_assert_ptr_null(find(s, MS_KIND_SUBMIT_NAK));
}

static const struct ms_floor *floor_of(const struct script *s, uint8_t node)
{
    const struct ms_uuid uuid = uuid_of(node);

    return ms_floors_find(&s->master->floors, &uuid);
}

START_TEST(closed_numbers_survive_a_restart)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf);
    live_once(&s, 1);
    live_once(&s, 2);
    live_once(&s, 5);
    live_once(&s, 3 * SPAN + 7);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_CLIENT], 1);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_CLOSED], 2);
    restart(&s);
    ck_assert_uint_eq(floor_of(&s, 2)->closed.floor, 2);
    client(&s, 2, 2);
    want_closed(&s, 1);
    want_closed(&s, 5);
    want_closed(&s, 3 * SPAN + 7);
    want_open(&s, 3);
    want_open(&s, 4);
    want_open(&s, 3 * SPAN + 8);
    teardown_durable(&s);
}
END_TEST

START_TEST(what_was_not_committed_is_open_again)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf);
    live_once(&s, 1);
    commit(&s);
    live_once(&s, 2);
    restart(&s);
    client(&s, 2, 2);
    want_closed(&s, 1);
    want_open(&s, 2);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_span_replaces_its_record)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf);
    for (uint64_t seq = 10; seq < 20; seq += 2) {
        live_once(&s, seq);
        commit(&s);
        ck_assert_uint_eq(shelf.counts[MS_RECORD_CLOSED], 1);
        ck_assert_uint_eq(shelf.counts[MS_RECORD_CLIENT], 1);
    }
    teardown_durable(&s);
}
END_TEST

START_TEST(a_rising_floor_erases_spans)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf);
    live_once(&s, 10);
    live_once(&s, SPAN + 10);
    live_once(&s, 2 * SPAN + 10);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_CLOSED], 3);
    close_peer(&s, 2);
    struct ms_hello hello = hello_of(MS_ROLE_CLIENT, 2);

    hello.floor = 2 * SPAN + 5;
    greet(&s, 3, &hello);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_CLOSED], 1);
    restart(&s);
    ck_assert_uint_eq(floor_of(&s, 2)->closed.floor, 2 * SPAN + 5);
    ck_assert(ms_closed_has(&floor_of(&s, 2)->closed, 2 * SPAN + 10));
    teardown_durable(&s);
}
END_TEST

START_TEST(spans_that_the_floor_passed_on_the_disk_are_erased_when_read)
{
    struct script s;
    struct shelf shelf;
    uint8_t bytes[512];
    const uint8_t bits[1] = {0x10};
    uint8_t *at = ms_record_write(
        bytes, 1,
        &(struct ms_record){
            .kind = MS_RECORD_CLOSED, .at = 1, .id = {.client = uuid_of(2)}, .payload = {bits, 1}});
    uint8_t *end = ms_record_write(
        at, 2,
        &(struct ms_record){
            .kind = MS_RECORD_CLIENT, .at = 1, .id = {.client = uuid_of(2)}, .count = SPAN + 1});
    uint8_t more[512];
    uint8_t *more_end = ms_record_write(
        more, 3,
        &(struct ms_record){
            .kind = MS_RECORD_CLOSED, .at = 1, .id = {.client = uuid_of(2)}, .payload = {bits, 1}});

    setup_durable(&s, &shelf);
    ms_master_destroy(s.master);
    create_master(&s);
    s.epoch = EPOCH - 1; /* nothing tells of an epoch here */
    replay(&s, (struct ms_bytes){bytes, (size_t)(at - bytes)});
    replay(&s, (struct ms_bytes){at, (size_t)(end - at)});
    replay(&s, (struct ms_bytes){more, (size_t)(more_end - more)});
    ck_assert_uint_eq(floor_of(&s, 2)->closed.floor, SPAN + 1);
    ck_assert_uint_eq(s.master->journal.erasures_count, 1); /* the other one at the next flush */
    ck_assert_uint_eq(s.master->journal.erasures[0], 3);
    teardown_durable(&s);
}
END_TEST

START_TEST(clients_without_durable_commands_leave_nothing)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf);
    ck_assert_ptr_nonnull(floor_of(&s, 2));
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_BYE});
    ck_assert_ptr_null(floor_of(&s, 2));
    ck_assert_uint_eq(stats_of(&s).dormant_count, 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(numbers_outlive_their_client_and_expire)
{
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    shelf.config.client_ttl = 100 * MS_SEC;
    restart(&s);
    slave_durably(&s, 1, 1);
    client(&s, 2, 2);
    live_once(&s, 1);
    commit(&s);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_BYE});
    ck_assert_uint_eq(stats_of(&s).dormant_count, 1);
    client(&s, 2, 2);
    ck_assert_uint_eq(stats_of(&s).dormant_count, 0);
    want_closed(&s, 1);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_BYE});
    const ms_time left_at = s.now;

    run_until(&s, left_at + 99 * MS_SEC);
    ck_assert_ptr_nonnull(floor_of(&s, 2));
    run_until(&s, left_at + 101 * MS_SEC);
    ck_assert_ptr_null(floor_of(&s, 2));
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_CLIENT], 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(their_age_survives_a_restart)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf);
    live_once(&s, 1);
    commit(&s);
    shelf.config.client_ttl = 100 * MS_SEC;
    shelf.config.wall_offset += 60 * MS_SEC; /* it was away for a minute */
    restart(&s);
    const ms_time at = s.now;

    run_until(&s, at + 39 * MS_SEC);
    ck_assert_ptr_nonnull(floor_of(&s, 2));
    run_until(&s, at + 41 * MS_SEC);
    ck_assert_ptr_null(floor_of(&s, 2));
    teardown_durable(&s);
}
END_TEST

/* However many commands pass one that stays open, they cost the store one record. */
START_TEST(what_passes_an_open_command_is_one_record)
{
    struct script s;
    struct shelf shelf;
    const struct ms_uuid uuid = uuid_of(2);

    begin(&s, &shelf);
    submit(&s, 2, 1, "stays open");
    for (uint64_t number = 1; number < 100; number++) {
        ms_floors_close_range(s.master, ms_floors_wake(s.master, &uuid), number * SPAN, SPAN, true);
        submit(&s, 2, 200 * SPAN + number, "waits");
        commit(&s);
        ck_assert_uint_eq(shelf.counts[MS_RECORD_CLOSED_RUN], 1);
        ck_assert_uint_eq(shelf.counts[MS_RECORD_CLOSED], 0);
    }
    restart(&s);
    client(&s, 2, 2);
    want_closed(&s, 50 * SPAN);
    want_open(&s, 2);
    teardown_durable(&s);
}
END_TEST

TESTS(closed_numbers_survive_a_restart, what_was_not_committed_is_open_again,
      a_span_replaces_its_record, a_rising_floor_erases_spans,
      spans_that_the_floor_passed_on_the_disk_are_erased_when_read,
      clients_without_durable_commands_leave_nothing, numbers_outlive_their_client_and_expire,
      their_age_survives_a_restart, what_passes_an_open_command_is_one_record)
