/* One service: its records in their order, damaged ones, and which changes it has. */
#include "master/service_unit.h"

#include "master_services.h"

static struct ms_service_unit *unit;
static struct ms_service_buffer reply;
static const struct ms_trace silent;
static ms_seq last; /* record */

static void begin(const struct ms_service *service)
{
    memset(&told, 0, sizeof told);
    unit = ms_service_unit_create("count", service, &silent, 1);
    ck_assert_ptr_nonnull(unit);
}

static void end(void)
{
    ms_service_unit_destroy(unit);
    ms_service_buffer_finish(&reply);
}

static bool apply(uint64_t number, ms_epoch epoch, const char *payload)
{
    enum ms_error error = MS_E_OK;

    return ms_service_unit_apply(unit,
                                 &(struct ms_record){.kind = MS_RECORD_SERVICE,
                                                     .event = MS_CHANGE_OWN,
                                                     .number = number,
                                                     .token.epoch = epoch,
                                                     .payload = ms_bytes_of(payload)},
                                 ++last, &error, &reply);
}

static bool piece(uint32_t index, uint64_t count, struct ms_bytes bytes)
{
    return ms_service_unit_piece(
        unit,
        &(struct ms_record){
            .kind = MS_RECORD_SERVICE_STATE, .index = index, .count = count, .payload = bytes},
        ++last);
}

START_TEST(changes_come_in_their_order)
{
    begin(&counter_service);
    ck_assert(apply(1, 5, "2"));
    ck_assert(apply(2, 5, "3"));
    ck_assert_uint_eq(((struct counter *)unit->data)->total, 5);
    ck_assert(!apply(2, 5, "3"));
    end();
    begin(&counter_service);
    ck_assert(!apply(2, 5, "3"));
    end();
}
END_TEST

START_TEST(it_knows_which_changes_it_has)
{
    begin(&counter_service);
    apply(1, 5, "1");
    apply(2, 5, "1");
    apply(3, 8, "1");
    ck_assert(ms_service_unit_has(unit, 5, 0) && ms_service_unit_has(unit, 5, 1));
    ck_assert(ms_service_unit_has(unit, 5, 2) && !ms_service_unit_has(unit, 5, 3));
    ck_assert(ms_service_unit_has(unit, 8, 3) && !ms_service_unit_has(unit, 8, 4));
    ck_assert(!ms_service_unit_has(unit, 8, 2) && !ms_service_unit_has(unit, 6, 3));
    for (uint64_t i = 0; i < MS_SERVICE_REIGNS_MAX; i++) {
        apply(4 + i, 10 + i, "1");
    }
    ck_assert(!ms_service_unit_has(unit, 5, 1));
    ck_assert(ms_service_unit_has(unit, 10, 4));
    end();
}
END_TEST

START_TEST(a_snapshot_comes_back_in_pieces)
{
    struct ms_bytes image;
    uint8_t *copy;

    begin(&counter_service);
    apply(1, 5, "7");
    image = ms_service_unit_image(unit);
    copy = malloc(image.size);
    memcpy(copy, image.data, image.size);
    end();
    begin(&counter_service);
    ck_assert(piece(0, 2, (struct ms_bytes){copy, 10}));
    ck_assert(piece(1, 2, (struct ms_bytes){copy + 10, image.size - 10}));
    ck_assert_uint_eq(unit->version, 1);
    ck_assert_uint_eq(((struct counter *)unit->data)->total, 7);
    end();
    begin(&counter_service);
    ck_assert(piece(0, 2, (struct ms_bytes){copy, 10}));
    ck_assert(!piece(0, 2, (struct ms_bytes){copy, 10}));
    end();
    begin(&counter_service);
    ck_assert(!piece(1, 2, (struct ms_bytes){copy, 10}));
    end();
    begin(&counter_service);
    ck_assert(!piece(0, 1, (struct ms_bytes){copy, 10})); /* it ends too soon */
    end();
    copy[0] = MS_SERVICE_IMAGE + 1;
    begin(&counter_service);
    ck_assert(!piece(0, 1, (struct ms_bytes){copy, image.size}));
    end();
    free(copy);
}
END_TEST

START_TEST(one_that_is_not_loaded_keeps_all_records)
{
    begin(NULL);
    ck_assert_int_eq(unit->state, MS_UNIT_ABSENT);
    ck_assert(apply(1, 5, "1") && apply(2, 5, "1"));
    ck_assert_uint_eq(unit->records_count, 2);
    ck_assert(!ms_service_unit_is_due(unit, false));
    end();
}
END_TEST

START_TEST(a_snapshot_is_due_when_it_is_worth_it)
{
    begin(&counter_service);
    apply(1, 5, "1");
    ck_assert(!ms_service_unit_is_due(unit, false));
    unit->log_bytes = MS_SERVICE_LOG_MIN;
    ck_assert(ms_service_unit_is_due(unit, false));
    ck_assert(!ms_service_unit_is_due(unit, true));
    unit->log_bytes = MS_SERVICE_LOG_ALONE_MIN;
    ck_assert(ms_service_unit_is_due(unit, true));
    ck_assert(!ms_service_unit_is_full(unit));
    unit->log_bytes = MS_SERVICE_LOG_MAX;
    ck_assert(ms_service_unit_is_full(unit));
    end();
}
END_TEST

TESTS(changes_come_in_their_order, it_knows_which_changes_it_has, a_snapshot_comes_back_in_pieces,
      one_that_is_not_loaded_keeps_all_records, a_snapshot_is_due_when_it_is_worth_it)
