/* Services of a durable master: changes, replies, restarts, and the six interfaces. */
#include "master_services.h"

START_TEST(a_reply_leaves_when_its_change_is_durable)
{
    struct script s;
    struct shelf shelf;

    begin_services(&s, &shelf);
    call(&s, 2, 1, "count/add", "5");
    ck_assert_ptr_null(reply_of(&s));
    ck_assert_uint_eq(counter_of(&s)->total, 5);
    commit(&s);
    want_reply(&s, 1, "5");
    call(&s, 2, 2, "count/get", "");
    want_reply(&s, 2, "5");
    teardown_durable(&s);
}
END_TEST

START_TEST(what_is_read_is_durable_too)
{
    struct script s;
    struct shelf shelf;

    begin_services(&s, &shelf);
    call(&s, 2, 1, "count/add", "5");
    call(&s, 2, 2, "count/get", "");
    ck_assert_ptr_null(reply_of(&s));
    commit(&s);
    want_reply(&s, 2, "5");
    teardown_durable(&s);
}
END_TEST

START_TEST(a_change_survives_and_is_made_once)
{
    struct script s;
    struct shelf shelf;

    begin_services(&s, &shelf);
    call(&s, 2, 1, "count/add", "5");
    commit(&s);
    again(&s);
    ck_assert_uint_eq(counter_of(&s)->total, 5);
    call(&s, 2, 1, "count/add", "5");
    want_reply(&s, 1, "5");
    ck_assert_uint_eq(counter_of(&s)->total, 5);
    call(&s, 2, 2, "count/add", "1");
    commit(&s);
    want_reply(&s, 2, "6");
    call(&s, 2, 1, "count/add", "5"); /* its client has said that it is answered */
    want_no(&s, MS_E_CLOSED_ID);
    teardown_durable(&s);
}
END_TEST

START_TEST(what_was_not_durable_is_not_told_and_made_when_it_comes_again)
{
    struct script s;
    struct shelf shelf;

    begin_services(&s, &shelf);
    call(&s, 2, 1, "count/add", "5");
    again(&s);
    ck_assert_uint_eq(counter_of(&s)->total, 0);
    call(&s, 2, 1, "count/add", "5");
    commit(&s);
    want_reply(&s, 1, "5");
    teardown_durable(&s);
}
END_TEST

START_TEST(a_snapshot_takes_the_place_of_the_changes)
{
    struct script s;
    struct shelf shelf;
    struct ms_service_unit *unit;

    begin_services(&s, &shelf);
    told.padding = 3 * MS_CHUNK_MAX;
    for (uint64_t i = 1; i <= 10; i++) {
        call(&s, 2, i, "count/add", "1");
        commit(&s);
    }
    unit = unit_of(&s, "count");
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SERVICE], 12); /* and two configurations */
    unit->log_due = 1;
    settle_down(&s);
    ck_assert_uint_eq(unit->log_bytes, 0);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SERVICE], 1);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SERVICE_STATE], 4);
    again(&s);
    ck_assert_uint_eq(counter_of(&s)->total, 10);
    ck_assert_uint_eq(counter_of(&s)->applied, 10);
    call(&s, 2, 10, "count/add", "1"); /* the reply is in the snapshot */
    want_reply(&s, 10, "10");
    call(&s, 2, 11, "count/add", "1");
    commit(&s);
    unit = unit_of(&s, "count");
    unit->log_due = 1;
    settle_down(&s);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SERVICE_STATE], 4);
    again(&s);
    ck_assert_uint_eq(counter_of(&s)->total, 11);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_snapshot_that_was_not_committed_is_none)
{
    struct script s;
    struct shelf shelf;

    begin_services(&s, &shelf);
    call(&s, 2, 1, "count/add", "4");
    commit(&s);
    unit_of(&s, "count")->log_due = 1;
    settle_down(&s);
    again(&s);
    ck_assert_uint_eq(counter_of(&s)->total, 4);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SERVICE_STATE], 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_service_without_snapshots_keeps_its_changes)
{
    struct script s;
    struct shelf shelf;

    begin_services(&s, &shelf);
    call(&s, 2, 1, "plain/anything", "7"); /* without handle each call is a change */
    commit(&s);
    want_reply(&s, 1, "7");
    unit_of(&s, "plain")->log_due = 1;
    settle_down(&s);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SERVICE_STATE], 0);
    again(&s);
    ck_assert_uint_eq(((const struct counter *)unit_of(&s, "plain")->data)->total, 7);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_configuration_is_a_part_of_the_state)
{
    struct script s;
    struct shelf shelf;

    begin_services(&s, &shelf);
    call(&s, 2, 1, "count/configuration", "");
    want_reply(&s, 1, "first");
    ck_assert_uint_eq(unit_of(&s, "count")->version, 1);
    again(&s); /* the same one is not written again */
    ck_assert_uint_eq(unit_of(&s, "count")->version, 1);
    entries[0].parameters = "second";
    again(&s);
    call(&s, 2, 2, "count/configuration", "");
    want_reply(&s, 2, "second");
    ck_assert_uint_eq(unit_of(&s, "count")->version, 2);
    entries[0].parameters = "first";
    teardown_durable(&s);
}
END_TEST

START_TEST(a_configuration_that_is_refused_stops_the_service_alone)
{
    struct script s;
    struct shelf shelf;

    begin_services(&s, &shelf);
    call(&s, 2, 1, "count/add", "5");
    commit(&s);
    told.refuses_configuration = true;
    again(&s);
    call(&s, 2, 2, "count/get", "");
    want_no(&s, MS_E_INTERNAL);
    call(&s, 2, 3, "plain/x", "1");
    commit(&s);
    want_reply(&s, 3, "1");
    told.refuses_configuration = false;
    again(&s);
    call(&s, 2, 4, "count/get", "");
    want_reply(&s, 4, "5");
    teardown_durable(&s);
}
END_TEST

START_TEST(what_is_not_loaded_is_kept)
{
    struct script s;
    struct shelf shelf;

    begin_services(&s, &shelf);
    call(&s, 2, 1, "count/add", "5");
    commit(&s);
    shelf.config.services = NULL;
    again(&s);
    call(&s, 2, 2, "count/get", "");
    want_no(&s, MS_E_NOT_FOUND);
    ck_assert(ms_services_have_records(&s.master->services));
    shelf.config.services = &list;
    again(&s);
    call(&s, 2, 3, "count/get", "");
    want_reply(&s, 3, "5");
    teardown_durable(&s);
}
END_TEST

START_TEST(it_hears_when_it_serves_and_when_no_longer)
{
    struct script s;
    struct shelf shelf;

    begin_services(&s, &shelf);
    ck_assert_int_eq(told.taken_over, 1);
    told.proposes_on_take_over = true;
    again(&s);
    ck_assert_int_eq(told.failed_back, 1);
    ck_assert_int_eq(told.taken_over, 2);
    call(&s, 2, 1, "count/get", "");
    want_reply(&s, 1, "1000");
    teardown_durable(&s);
    ck_assert_int_eq(told.created, told.destroyed);
}
END_TEST

START_TEST(a_half_hears_of_the_other_one)
{
    struct script s;
    struct shelf shelf;

    begin_services(&s, &shelf);
    s.master->config.is_paired = true;
    shelf.copies = 2;
    call(&s, 2, 1, "count/add", "1");
    commit(&s);
    settle_down(&s);
    ck_assert_int_eq(told.peer_back, 1);
    shelf.copies = 1;
    call(&s, 2, 2, "count/add", "1");
    commit(&s);
    settle_down(&s);
    ck_assert_int_eq(told.peer_lost, 1);
    teardown_durable(&s);
}
END_TEST

START_TEST(nothing_is_written_that_the_other_half_cannot_read)
{
    struct script s;
    struct shelf shelf;

    begin_services(&s, &shelf);
    ms_services_allow(&s.master->services, false);
    call(&s, 2, 1, "count/add", "1");
    want_no(&s, MS_E_RETRY_LATER);
    ck_assert_int_gt(reply_of(&s)->effect.command.delay, 0);
    call(&s, 2, 2, "count/get", "");
    want_reply(&s, 2, "0");
    ms_services_allow(&s.master->services, true);
    call(&s, 2, 3, "count/add", "1");
    commit(&s);
    want_reply(&s, 3, "1");
    teardown_durable(&s);
}
END_TEST

START_TEST(a_master_without_a_store_serves_from_memory)
{
    struct script s;

    memset(&told, 0, sizeof told);
    setup_with(&s, &(struct ms_master_config){
                       .epoch = EPOCH, .seed = 1, .name = "m", .build = "test", .services = &list});
    client(&s, 2, 2);
    settle_down(&s);
    call(&s, 2, 1, "count/add", "2");
    want_reply(&s, 1, "2");
    teardown(&s);
}
END_TEST

TESTS(a_reply_leaves_when_its_change_is_durable, what_is_read_is_durable_too,
      a_change_survives_and_is_made_once,
      what_was_not_durable_is_not_told_and_made_when_it_comes_again,
      a_snapshot_takes_the_place_of_the_changes, a_snapshot_that_was_not_committed_is_none,
      a_service_without_snapshots_keeps_its_changes, a_configuration_is_a_part_of_the_state,
      a_configuration_that_is_refused_stops_the_service_alone, what_is_not_loaded_is_kept,
      it_hears_when_it_serves_and_when_no_longer, a_half_hears_of_the_other_one,
      nothing_is_written_that_the_other_half_cannot_read,
      a_master_without_a_store_serves_from_memory)
