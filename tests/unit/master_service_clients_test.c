#include "master/service_clients.h"

#include "tests/support/suite.h"

static struct ms_service_clients clients;

static struct ms_uuid uuid_of(uint32_t number)
{
    struct ms_uuid uuid = {{1}};

    memcpy(uuid.bytes + 8, &number, sizeof number);
    return uuid;
}

static struct ms_service_caller caller(uint32_t who, uint64_t number, uint64_t floor,
                                       ms_epoch epoch)
{
    return (struct ms_service_caller){uuid_of(who), number, floor, epoch};
}

static void keep(uint32_t who, uint64_t number, uint64_t floor, ms_epoch epoch)
{
    const struct ms_service_caller by = caller(who, number, floor, epoch);

    ck_assert(ms_service_clients_keep(&clients, &by, (uint16_t)(number % 7), ms_bytes_of("reply")));
}

static enum ms_call_past past(uint32_t who, uint64_t number)
{
    const struct ms_service_reply *reply = NULL;
    const struct ms_uuid uuid = uuid_of(who);
    const enum ms_call_past found = ms_service_clients_find(&clients, &uuid, number, &reply);

    ck_assert((reply != NULL) == (found == MS_CALL_KNOWN));
    ck_assert(reply == NULL || (reply->error == number % 7 && reply->size == 5));
    return found;
}

static bool repeated(uint32_t who, uint64_t number, ms_epoch epoch)
{
    const struct ms_service_caller by = caller(who, number, 0, epoch);

    return ms_service_clients_repeated(&clients, &by);
}

static void setup(void)
{
    memset(&clients, 0, sizeof clients);
    ck_assert(ms_service_clients_init(&clients, 1));
}

static void teardown(void)
{
    ms_service_clients_finish(&clients);
}

START_TEST(test_a_reply_is_there_until_it_is_answered)
{
    ck_assert_int_eq(past(1, 1), MS_CALL_NEW);
    keep(1, 1, 0, 5);
    keep(1, 3, 0, 5);
    keep(1, 2, 0, 5);
    ck_assert_int_eq(past(1, 1), MS_CALL_KNOWN);
    ck_assert_int_eq(past(1, 2), MS_CALL_KNOWN);
    ck_assert_int_eq(past(1, 4), MS_CALL_NEW);
    ck_assert_int_eq(past(2, 1), MS_CALL_NEW);
    keep(1, 4, 2, 5);
    ck_assert_int_eq(past(1, 1), MS_CALL_CLOSED);
    ck_assert_int_eq(past(1, 2), MS_CALL_CLOSED);
    ck_assert_int_eq(past(1, 3), MS_CALL_KNOWN);
}
END_TEST

START_TEST(test_there_is_room_for_so_many)
{
    const struct ms_uuid uuid = uuid_of(1);

    for (uint64_t i = 1; i <= MS_CALLS_MAX; i++) {
        ck_assert(ms_service_clients_have_room(&clients, &uuid, 0));
        keep(1, i, 0, 5);
    }
    ck_assert(!ms_service_clients_have_room(&clients, &uuid, 0));
    ck_assert(ms_service_clients_have_room(&clients, &uuid, 1));
    keep(1, MS_CALLS_MAX + 1, 0, 5); /* the lowest goes */
    ck_assert_int_eq(past(1, 1), MS_CALL_NEW);
    ck_assert_int_eq(past(1, 2), MS_CALL_KNOWN);
}
END_TEST

START_TEST(test_who_was_silent_longest_is_forgotten)
{
    for (uint32_t i = 1; i <= MS_SERVICE_CLIENTS_MAX; i++) {
        keep(i, 1, 0, 5);
    }
    keep(1, 2, 1, 5);
    keep(MS_SERVICE_CLIENTS_MAX + 1, 1, 0, 5);
    ck_assert_uint_eq(ms_service_clients_count(&clients), MS_SERVICE_CLIENTS_MAX);
    ck_assert_int_eq(past(1, 2), MS_CALL_KNOWN);
    ck_assert_int_eq(past(2, 1), MS_CALL_NEW);
    ck_assert_int_eq(past(3, 1), MS_CALL_KNOWN);
}
END_TEST

START_TEST(test_what_was_repeated_is_known_from_the_reigns)
{
    keep(1, 3, 2, 5);
    ck_assert(!repeated(1, 4, 4));
    ck_assert(repeated(1, 3, 4));
    keep(1, 5, 4, 7); /* 3 and 4 were answered before reign 7 */
    keep(1, 8, 7, 7); /* 6 and 7 in it */
    ck_assert(!repeated(1, 4, 6));
    ck_assert(repeated(1, 6, 6));
    ck_assert(repeated(1, 7, 6));
    ck_assert(repeated(1, 8, 6));
    ck_assert(!repeated(1, 9, 6));
    ck_assert(repeated(1, 1, 9)); /* nobody knows better */
    ck_assert(!repeated(2, 1, 6));
}
END_TEST

START_TEST(test_all_of_it_is_written_and_read)
{
    struct ms_service_buffer one = {.data = NULL}, two = {.data = NULL};
    struct ms_bytes bytes;

    keep(1, 3, 2, 5);
    keep(2, 1, 0, 5);
    keep(1, 4, 2, 6);
    ms_service_buffer_begin(&one, 100000);
    ms_service_clients_write(&clients, &one);
    teardown();
    for (size_t size = 0; size < one.size; size++) {
        setup();
        bytes = (struct ms_bytes){one.data, size};
        ck_assert(!ms_service_clients_read(&clients, &bytes));
        teardown();
    }
    setup();
    bytes = ms_service_buffer_bytes(&one);
    ck_assert(ms_service_clients_read(&clients, &bytes));
    ck_assert_uint_eq(bytes.size, 0);
    ck_assert_int_eq(past(1, 2), MS_CALL_CLOSED);
    ck_assert_int_eq(past(1, 3), MS_CALL_KNOWN);
    ms_service_buffer_begin(&two, 100000);
    ms_service_clients_write(&clients, &two);
    ck_assert_uint_eq(one.size, two.size);
    ck_assert_mem_eq(one.data, two.data, one.size);
    ms_service_buffer_finish(&one);
    ms_service_buffer_finish(&two);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service_clients");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_a_reply_is_there_until_it_is_answered);
    tcase_add_test(tcase, test_there_is_room_for_so_many);
    tcase_add_test(tcase, test_who_was_silent_longest_is_forgotten);
    tcase_add_test(tcase, test_what_was_repeated_is_known_from_the_reigns);
    tcase_add_test(tcase, test_all_of_it_is_written_and_read);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
