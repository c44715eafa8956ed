/* What is seen of one half of a pair from outside. */
#include "core/io/store_half.h"

#include <sys/stat.h>

#include "core/io/voter_file.h"
#include "io_store_entries.h"
#include "proto/pair_record.h"

static const struct ms_uuid id = {{1, 2, 3}};
static struct place place;
static struct ms_complaint complaint;
static struct ms_council_record record, seen;

static void set_up(void)
{
    place_make(&place);
    record = (struct ms_council_record){
        .voter = {.promised = 7,
                  .accepted = {.epoch = 7, .kind = MS_DECISION_JOIN, .set = {id, id}}},
        .incarnation = id,
        .is_complete = true};
}

static void tear_down(void)
{
    place_remove(&place);
}

static void keep_record(void)
{
    uint8_t bytes[MS_PAIR_RECORD_SIZE_MAX];
    struct ms_voter_file file;
    const size_t size = ms_pair_record_write(bytes, &record);

    ck_assert_int_eq(ms_voter_file_open(&file, place.path, MS_STORE_HALF_RECORD_NAME, &complaint),
                     MS_E_OK);
    ck_assert_int_eq(ms_voter_file_write(&file, (struct ms_bytes){bytes, size}, &complaint),
                     MS_E_OK);
    ms_voter_file_close(&file);
}

static void make_file(const char *name, const char *text)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", place.path, name);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(test_what_it_wrote_is_seen)
{
    ck_assert_int_eq(ms_store_half_look(place.path, &seen, &complaint), MS_E_NOT_FOUND);
    ck_assert_int_eq(ms_store_half_look(place.data, &seen, &complaint), MS_E_NOT_FOUND);
    keep_record();
    ck_assert_int_eq(ms_store_half_look(place.path, &seen, &complaint), MS_E_OK);
    ck_assert_uint_eq(seen.voter.promised, 7);
    ck_assert(seen.is_complete);
}
END_TEST

START_TEST(test_what_is_damaged_is_named)
{
    make_file(MS_STORE_HALF_RECORD_NAME, "MSPR, and no more");
    ck_assert_int_eq(ms_store_half_look(place.path, &seen, &complaint), MS_E_MALFORMED);
    ck_assert_ptr_nonnull(strstr(complaint.text, "pair.meta is damaged"));
    make_file("file", "");
    snprintf(place.data, sizeof place.data, "%s/file", place.path);
    ck_assert_int_eq(ms_store_half_look(place.data, &seen, &complaint), MS_E_NOT_FOUND);
    ck_assert_int_eq(unlink(place.data), 0);
}
END_TEST

START_TEST(test_a_store_that_is_gone_is_missed)
{
    ck_assert(!ms_store_half_check(place.path, &record, &complaint));
    ck_assert_ptr_nonnull(strstr(complaint.text, "is empty, and its pair.meta says"));
    make_file("store.db", "");
    ck_assert(!ms_store_half_check(place.path, &record, &complaint));
    make_file("store.db-wal", "what is left of it is for whoever opens it");
    ck_assert(ms_store_half_check(place.path, &record, &complaint));
}
END_TEST

START_TEST(test_who_has_nothing_yet_misses_nothing)
{
    record.is_fresh = true;
    ck_assert(ms_store_half_check(place.path, &record, &complaint));
    ck_assert(ms_store_half_fits(place.path, &record, false, 0, &complaint));
    ck_assert(
        ms_store_half_fits(place.path, &record, true, 100, &complaint)); /* a single master's */
    record.is_fresh = false;
    record.is_complete = false;
    ck_assert(ms_store_half_check(place.path, &record, &complaint));
    record.is_complete = true;
    record.voter.accepted.kind = MS_DECISION_BOOTSTRAP;
    ck_assert(ms_store_half_check(place.path, &record, &complaint));
}
END_TEST

START_TEST(test_a_store_that_is_not_its_own_is_told)
{
    ck_assert(ms_store_half_fits(place.path, &record, true, 7, &complaint));
    ck_assert(ms_store_half_fits(place.path, &record, true, 3, &complaint)); /* a reign goes on */
    ck_assert(!ms_store_half_fits(place.path, &record, false, 0, &complaint));
    ck_assert_ptr_nonnull(strstr(complaint.text, "is empty, and its pair.meta says"));
    ck_assert(!ms_store_half_fits(place.path, &record, true, 8, &complaint));
    ck_assert_ptr_nonnull(strstr(complaint.text, "is older, of epoch 7"));
}
END_TEST

START_TEST(test_who_was_active_last_may_leave)
{
    make_file("store.db", "not looked at");
    record.incarnation = record.voter.accepted.set[0] = (struct ms_uuid){{1}};
    record.served = record.voter.accepted.epoch;
    ck_assert(ms_store_half_may_leave(place.path, &record, &complaint));
    record.served--; /* what it proposed last was not decided, as far as it knows */
    ck_assert(!ms_store_half_may_leave(place.path, &record, &complaint));
    record.served++;
    record.lead = 1; /* the other one is */
    ck_assert(!ms_store_half_may_leave(place.path, &record, &complaint));
    ck_assert_ptr_nonnull(strstr(complaint.text, "was not active last"));
    record.lead = 0;
    record.is_complete = false;
    ck_assert(!ms_store_half_may_leave(place.path, &record, &complaint));
    record.is_complete = true;
    record.is_fresh = true;
    ck_assert(!ms_store_half_may_leave(place.path, &record, &complaint));
    record.is_fresh = false;
    record.voter.accepted.set[0] = (struct ms_uuid){{2}}; /* somebody else was in that place */
    ck_assert(!ms_store_half_may_leave(place.path, &record, &complaint));
    record.voter.accepted.set[0] = record.incarnation;
    make_file("store.db", "");
    ck_assert(!ms_store_half_may_leave(place.path, &record, &complaint));
    ck_assert_ptr_nonnull(strstr(complaint.text, "is empty"));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("io_store_half");
    TCase *tcase = tcase_create("half");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_what_it_wrote_is_seen);
    tcase_add_test(tcase, test_what_is_damaged_is_named);
    tcase_add_test(tcase, test_a_store_that_is_gone_is_missed);
    tcase_add_test(tcase, test_who_has_nothing_yet_misses_nothing);
    tcase_add_test(tcase, test_a_store_that_is_not_its_own_is_told);
    tcase_add_test(tcase, test_who_was_active_last_may_leave);
    suite_add_tcase(suite, tcase);
    return suite;
}

ENTRIES_MAIN(make_suite)
