#include "master/foreign.h"

#include <check.h>
#include <stdlib.h>

#include "core/limits.h"
#include "master/life.h"

static const struct ms_uuid one = {{1}}, two = {{2}};
static struct ms_foreigners foreigners;
static ms_seq last;

static void begin(void)
{
    last = 0;
    ck_assert(ms_foreigners_init(&foreigners, 1));
}

static enum ms_error take(const struct ms_record *record)
{
    uint8_t *bytes = malloc(ms_record_size_max(record));
    enum ms_error error;

    ck_assert_ptr_nonnull(bytes);
    const size_t size = (size_t)(ms_record_write(bytes, ++last, record) - bytes);
    error = ms_foreigners_take(&foreigners, (struct ms_bytes){bytes, size});
    free(bytes);
    return error;
}

static void submit(const struct ms_uuid *client, uint64_t seq)
{
    ck_assert_int_eq(take(&(struct ms_record){.kind = MS_RECORD_SUBMIT,
                                              .type = 2000,
                                              .id = {*client, seq},
                                              .payload = ms_bytes_of("x")}),
                     MS_E_OK);
}

static void settle(uint64_t seq, enum ms_life_event event)
{
    ck_assert_int_eq(
        take(&(struct ms_record){
            .kind = MS_RECORD_SETTLE, .type = 2000, .event = (uint8_t)event, .id = {one, seq}}),
        MS_E_OK);
}

static void change(uint64_t seq, enum ms_operation operation)
{
    ck_assert_int_eq(take(&(struct ms_record){
                         .kind = MS_RECORD_CHANGE, .event = (uint8_t)operation, .id = {one, seq}}),
                     MS_E_OK);
}

static const struct ms_foreign *find(const struct ms_uuid *client, uint64_t seq)
{
    return ms_foreigners_find(&foreigners, &(struct ms_id){*client, seq});
}

START_TEST(records_are_kept_by_command)
{
    struct ms_record_room room;
    struct ms_record record;

    begin();
    submit(&one, 1);
    submit(&two, 1);
    settle(1, MS_LIFE_SUCCEED);
    ck_assert_int_eq(find(&one, 1)->state, MS_MERGE_DONE);
    ck_assert_int_eq(find(&two, 1)->state, MS_MERGE_QUEUED);
    ck_assert_ptr_null(find(&one, 2));
    ms_foreign_read(find(&one, 1)->row.first, &room, &record);
    ck_assert_int_eq(record.kind, MS_RECORD_SUBMIT);
    ms_foreign_read(find(&one, 1)->row.last, &room, &record);
    ck_assert_int_eq(record.kind, MS_RECORD_SETTLE);
    ms_foreigners_finish(&foreigners);
    ms_foreigners_finish(&foreigners);
}
END_TEST

START_TEST(the_last_record_counts)
{
    begin();
    submit(&one, 1);
    settle(1, MS_LIFE_FAIL);
    ck_assert_int_eq(find(&one, 1)->state, MS_MERGE_DEAD);
    change(1, MS_OPERATION_KICK);
    ck_assert_int_eq(find(&one, 1)->state, MS_MERGE_QUEUED);
    change(1, MS_OPERATION_CANCEL);
    ck_assert(find(&one, 1)->is_cancel_asked);
    settle(1, MS_LIFE_CANCEL);
    ck_assert_int_eq(find(&one, 1)->state, MS_MERGE_CANCELLED);
    ms_foreigners_finish(&foreigners);
}
END_TEST

START_TEST(numbers_that_are_closed)
{
    static const uint8_t bits[] = {0x02};

    begin();
    ck_assert_int_eq(
        take(&(struct ms_record){.kind = MS_RECORD_CLIENT, .id.client = one, .count = 3}), MS_E_OK);
    ck_assert_int_eq(take(&(struct ms_record){.kind = MS_RECORD_CLOSED,
                                              .id.client = one,
                                              .number = 1,
                                              .payload = {bits, sizeof bits}}),
                     MS_E_OK);
    submit(&one, 2);
    ck_assert(ms_foreigners_closed(&foreigners, &(struct ms_id){one, 3}));
    ck_assert(ms_foreigners_closed(&foreigners, &(struct ms_id){one, 4097}));
    ck_assert(!ms_foreigners_closed(&foreigners, &(struct ms_id){one, 4098}));
    ck_assert(!ms_foreigners_closed(&foreigners, &(struct ms_id){two, 1}));
    /* In the background, and its client went on: it is not over. */
    ck_assert(!ms_foreigners_closed(&foreigners, &(struct ms_id){one, 2}));
    ck_assert_ptr_nonnull(ms_foreigners_client(&foreigners, &one));
    ck_assert_ptr_null(ms_foreigners_client(&foreigners, &two));
    ms_foreigners_finish(&foreigners);
}
END_TEST

START_TEST(what_is_no_record_is_refused)
{
    uint8_t bytes[MS_RECORD_HEADER_SIZE];

    begin();
    ms_record_write_erase(bytes, 1);
    ck_assert_int_eq(ms_foreigners_take(&foreigners, (struct ms_bytes){bytes, sizeof bytes}),
                     MS_E_STORE_CORRUPT);
    bytes[0] ^= 1;
    ck_assert_int_eq(ms_foreigners_take(&foreigners, (struct ms_bytes){bytes, sizeof bytes}),
                     MS_E_STORE_CORRUPT);
    ms_foreigners_finish(&foreigners);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("foreign");
    TCase *tests = tcase_create("all");

    tcase_add_test(tests, records_are_kept_by_command);
    tcase_add_test(tests, the_last_record_counts);
    tcase_add_test(tests, numbers_that_are_closed);
    tcase_add_test(tests, what_is_no_record_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
