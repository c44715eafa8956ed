#include "proto/record.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "proto/wire_put.h"
#include "tests/support/oracle_record.h"
#include "tests/support/seal.h"

static uint8_t buffer[1 << 16];

static struct ms_bytes write_one(ms_seq seq, const struct ms_record *record)
{
    ck_assert_uint_le(ms_record_size_max(record), sizeof buffer);
    const uint8_t *end = ms_record_write(buffer, seq, record);
    const size_t size = (size_t)(end - buffer);
    ck_assert_uint_le(size, ms_record_size_max(record));
    return (struct ms_bytes){buffer, size};
}

static enum ms_error read_one(struct ms_bytes bytes, struct ms_record_room *room,
                              struct ms_record *record_out)
{
    struct ms_entry entry;

    ck_assert(ms_record_next(&bytes, &entry));
    ck_assert_uint_eq(bytes.size, 0);
    return ms_record_read(&entry, room, record_out);
}

/* Writes size and checksum anew. */
static void seal(uint8_t *entry, size_t size)
{
    for (unsigned i = 0; i < 4; i++) {
        entry[i] = (uint8_t)(size >> (8 * i));
    }
    seal_entries(entry, size);
}

/* An entry of that kind with this body. */
static enum ms_error read_body(uint8_t kind, const void *body, size_t size,
                               struct ms_record *record_out)
{
    static struct ms_record_room room;
    static uint8_t entry[1 << 12];

    memset(entry, 0, MS_RECORD_HEADER_SIZE);
    entry[8] = 1;
    entry[16] = kind;
    entry[17] = MS_RECORD_VERSION;
    if (size > 0) {
        memcpy(entry + MS_RECORD_HEADER_SIZE, body, size);
    }
    seal(entry, MS_RECORD_HEADER_SIZE + size);
    return read_one((struct ms_bytes){entry, MS_RECORD_HEADER_SIZE + size}, &room, record_out);
}

START_TEST(every_kind_comes_back)
{
    if (!ms_record_has_kind((unsigned)_i)) {
        return;
    }
    const struct ms_record *record = sample_record((enum ms_record_kind)_i);
    struct ms_record_room room;
    struct ms_record found;

    const struct ms_bytes bytes = write_one(77, record);
    ck_assert_int_eq(read_one(bytes, &room, &found), MS_E_OK);
    ck_assert(oracle_record_equal(record, &found));
    ck_assert_str_ne(ms_record_kind_name((enum ms_record_kind)_i), "unknown");
}
END_TEST

START_TEST(every_kind_is_what_protobuf_writes)
{
    if (!ms_record_has_kind((unsigned)_i)) {
        return;
    }
    const struct ms_record *record = sample_record((enum ms_record_kind)_i);
    uint8_t *expected = NULL;

    const size_t size = oracle_record_pack(record, &expected);
    const struct ms_bytes bytes = write_one(1, record);
    ck_assert_uint_eq(bytes.size, MS_RECORD_HEADER_SIZE + size);
    ck_assert_mem_eq(bytes.data + MS_RECORD_HEADER_SIZE, expected, size);
    ck_assert(
        oracle_record_matches((struct ms_bytes){bytes.data + MS_RECORD_HEADER_SIZE, size}, record));
    free(expected);
}
END_TEST

START_TEST(the_header_is_as_documented)
{
    const struct ms_record record = {.kind = MS_RECORD_DUE, .id.seq = 5};
    static const uint8_t expected[] = {22, 0, 0, 0, 0, 0,  0, 0, 8, 7,      6,
                                       5,  4, 3, 2, 1, 16, 1, 0, 0, 3 << 3, 5};

    const struct ms_bytes bytes = write_one(0x0102030405060708, &record);
    ck_assert_uint_eq(bytes.size, sizeof expected);
    ck_assert_mem_eq(bytes.data, expected, 4);
    ck_assert_mem_eq(bytes.data + 8, expected + 8, sizeof expected - 8);
    const uint32_t crc = seal_crc32(bytes.data + 8, bytes.size - 8);
    ck_assert_uint_eq(bytes.data[4], crc & 255);
    ck_assert_uint_eq(bytes.data[7], crc >> 24);
}
END_TEST

START_TEST(an_erasure_is_a_header)
{
    struct ms_bytes entries = {buffer, (size_t)(ms_record_write_erase(buffer, 9) - buffer)};
    struct ms_record_room room;
    struct ms_record record;
    struct ms_entry entry;

    ck_assert_uint_eq(entries.size, MS_RECORD_HEADER_SIZE);
    ck_assert(ms_record_next(&entries, &entry));
    ck_assert_uint_eq(entry.seq, 9);
    ck_assert_int_eq(entry.kind, MS_RECORD_ERASE);
    ck_assert_int_eq(ms_record_read(&entry, &room, &record), MS_E_OK);
    ck_assert_int_eq(read_body(MS_RECORD_ERASE, "\x18\x01", 2, &record), MS_E_MALFORMED);
}
END_TEST

START_TEST(entries_follow_each_other)
{
    uint8_t *end = buffer;
    struct ms_entry entry;

    for (unsigned kind = 1; kind < MS_RECORD_KINDS; kind++) {
        if (!ms_record_has_kind(kind)) {
            continue;
        }
        end = ms_record_write(end, 100 + kind, sample_record((enum ms_record_kind)kind));
        end = ms_record_write_erase(end, kind);
    }
    struct ms_bytes entries = {buffer, (size_t)(end - buffer)};
    for (unsigned kind = 1; kind < MS_RECORD_KINDS; kind++) {
        if (!ms_record_has_kind(kind)) {
            continue;
        }
        ck_assert(ms_record_next(&entries, &entry));
        ck_assert_uint_eq(entry.seq, 100 + kind);
        ck_assert_uint_eq(entry.kind, kind);
        ck_assert(ms_record_next(&entries, &entry));
        ck_assert_uint_eq(entry.seq, kind);
    }
    ck_assert(!ms_record_next(&entries, &entry));
    ck_assert_uint_eq(entries.size, 0);
}
END_TEST

START_TEST(the_digest_is_of_all_entries_in_their_order)
{
    uint8_t *middle = ms_record_write(buffer, 100, sample_record(MS_RECORD_SUBMIT));
    uint8_t *end = ms_record_write_erase(middle, 7);
    const struct ms_bytes first = {buffer, (size_t)(middle - buffer)};
    const struct ms_bytes second = {middle, (size_t)(end - middle)};
    const struct ms_bytes both = {buffer, (size_t)(end - buffer)};
    const uint64_t digest = ms_record_digest(1, both);

    ck_assert_uint_eq(
        digest, ms_record_digest_end(ms_record_digest_add(ms_record_digest_add(1, first), second)));
    ck_assert_uint_ne(digest, ms_record_digest(2, both));
    ck_assert_uint_ne(digest, ms_record_digest(1, first));
    ck_assert_uint_ne(ms_record_digest(ms_record_digest(1, first), second),
                      ms_record_digest(ms_record_digest(1, second), first));
    for (size_t size = 0; size < both.size; size++) { /* torn ones end it */
        ck_assert_uint_ne(digest, ms_record_digest(1, (struct ms_bytes){buffer, size}));
    }
    ms_record_write_erase(middle, 8);
    ck_assert_uint_ne(digest, ms_record_digest(1, both));
}
END_TEST

START_TEST(a_draft_is_taken_once_it_is_sealed)
{
    static uint8_t written[1 << 12];
    uint8_t *end = ms_record_draft(buffer, 3, sample_record(MS_RECORD_SETTLE));
    end = ms_record_draft_erase(end, 2);
    const size_t size = (size_t)(end - buffer);
    struct ms_bytes entries = {buffer, size};
    struct ms_entry entry;

    ck_assert(!ms_record_next(&entries, &entry));
    ms_record_seal(buffer, size);
    end = ms_record_write(written, 3, sample_record(MS_RECORD_SETTLE));
    end = ms_record_write_erase(end, 2);
    ck_assert_uint_eq((size_t)(end - written), size);
    ck_assert_mem_eq(buffer, written, size);
    ms_record_seal(buffer, size);
    ck_assert_mem_eq(buffer, written, size);
}
END_TEST

/* What was damaged before somebody sealed it again is still found. */
START_TEST(sealing_covers_no_damage_up)
{
    const struct ms_bytes whole = write_one(3, sample_record(MS_RECORD_SETTLE));
    struct ms_bytes entries = whole;
    struct ms_entry entry;

    buffer[whole.size - 1] ^= 1;
    ms_record_seal(buffer, whole.size);
    ck_assert(!ms_record_next(&entries, &entry));
}
END_TEST

START_TEST(half_an_entry_is_not_sealed)
{
    const struct ms_bytes whole = write_one(3, sample_record(MS_RECORD_SETTLE));

    ms_record_seal(buffer, whole.size - 1);
}
END_TEST

START_TEST(no_torn_entry_is_taken)
{
    const struct ms_bytes whole = write_one(3, sample_record(MS_RECORD_SUBMIT));
    struct ms_entry entry;

    for (size_t size = 0; size < whole.size; size++) {
        struct ms_bytes torn = {whole.data, size};
        ck_assert(!ms_record_next(&torn, &entry));
        ck_assert_uint_eq(torn.size, size);
    }
}
END_TEST

START_TEST(no_flipped_bit_is_taken)
{
    const struct ms_bytes whole = write_one(3, sample_record(MS_RECORD_SETTLE));
    struct ms_entry entry;

    for (size_t bit = 0; bit < 8 * whole.size; bit++) {
        struct ms_bytes entries = whole;
        buffer[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert(!ms_record_next(&entries, &entry));
        buffer[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
END_TEST

START_TEST(unknown_kinds_and_versions_are_refused)
{
    const struct ms_bytes bytes = write_one(3, sample_record(MS_RECORD_DUE));
    struct ms_record_room room;
    struct ms_record record;

    buffer[17] = MS_RECORD_VERSION + 1;
    seal(buffer, bytes.size);
    ck_assert_int_eq(read_one(bytes, &room, &record), MS_E_VERSION);
    buffer[17] = MS_RECORD_VERSION;
    buffer[16] = MS_RECORD_KINDS;
    seal(buffer, bytes.size);
    ck_assert_int_eq(read_one(bytes, &room, &record), MS_E_VERSION);
}
END_TEST

START_TEST(unknown_fields_are_skipped)
{
    struct ms_record record;
    uint8_t body[64];
    uint8_t *end = ms_wire_put_u64(body, 3, 5);

    for (unsigned i = 0; i < MS_UNKNOWN_FIELDS_MAX; i++) {
        end = ms_wire_put_u64(end, 100, 1);
    }
    ck_assert_int_eq(read_body(MS_RECORD_DUE, body, (size_t)(end - body), &record), MS_E_OK);
    ck_assert_uint_eq(record.id.seq, 5);
    end = ms_wire_put_u64(end, 100, 1);
    ck_assert_int_eq(read_body(MS_RECORD_DUE, body, (size_t)(end - body), &record), MS_E_MALFORMED);
}
END_TEST

static const struct {
    uint8_t kind;
    const char *body;
    size_t size;
} malformed[] = {
    {MS_RECORD_DUE, "", 0},                                              /* no id */
    {MS_RECORD_SUBMIT, "\x18\x01", 2},                                   /* no type */
    {MS_RECORD_LEASE, "\x18\x01\x30\x01", 4},                            /* no token */
    {MS_RECORD_EPOCH, "", 0},                                            /* no epoch */
    {MS_RECORD_TYPE, "", 0},                                             /* no type */
    {MS_RECORD_SESSION, "", 0},                                          /* no token */
    {MS_RECORD_DUE, "\x18\x01\x28\x08", 4},                              /* status */
    {MS_RECORD_DUE, "\x18\x01\x68\x04", 4},                              /* durability */
    {MS_RECORD_DUE, "\x18\x01\xa8\x01\x04", 5},                          /* stream */
    {MS_RECORD_DUE, "\x18\x01\x12\x02xy", 6},                            /* client of two bytes */
    {MS_RECORD_DUE, "\x18\x01\x09\x00\x00\x00\x00\x00\x00\x00\x80", 11}, /* a time too far */
    {MS_RECORD_DUE, "\x18\x01\xea\x01\x02\x08\x16", 7},                  /* priority 11 */
    {MS_RECORD_DUE, "\x18\x01\xea\x01\x02\x10\x04", 7},                  /* mode of uniqueness */
    {MS_RECORD_DUE, "\x18\x01\x1a\x00", 4},                              /* seq as bytes */
    {MS_RECORD_DUE, "\x18", 1},                                          /* torn */
};

START_TEST(what_cannot_be_is_malformed)
{
    struct ms_record record;

    ck_assert_int_eq(read_body(malformed[_i].kind, malformed[_i].body, malformed[_i].size, &record),
                     MS_E_MALFORMED);
}
END_TEST

START_TEST(long_names_are_malformed)
{
    struct ms_record record;
    uint8_t body[1024];
    const struct ms_bytes text = {buffer, MS_NAME_MAX + 1};
    uint8_t *end = ms_wire_put_bytes(ms_wire_put_u64(body, 3, 5), 12, text);

    ck_assert_int_eq(read_body(MS_RECORD_DUE, body, (size_t)(end - body), &record), MS_E_MALFORMED);
    const struct ms_bytes detail = {buffer, MS_DETAIL_MAX + 1};
    end = ms_wire_put_bytes(ms_wire_put_u64(body, 3, 5), 28, detail);
    ck_assert_int_eq(read_body(MS_RECORD_DUE, body, (size_t)(end - body), &record), MS_E_MALFORMED);
}
END_TEST

START_TEST(a_journal_can_always_go_on)
{
    struct ms_record record = *sample_record(MS_RECORD_EPOCH);
    struct ms_record_room room;
    struct ms_record found;

    ck_assert_int_eq(read_one(write_one(UINT64_MAX / 2 + 1, &record), &room, &found),
                     MS_E_MALFORMED);
    record.token.epoch = UINT64_MAX / 2 + 1;
    ck_assert_int_eq(read_one(write_one(1, &record), &room, &found), MS_E_MALFORMED);
}
END_TEST

START_TEST(terms_that_ask_for_nothing_are_absent)
{
    static const struct ms_terms none;
    struct ms_record record = *sample_record(MS_RECORD_SUBMIT);
    struct ms_record_room room;
    struct ms_record found;

    record.terms = &none;
    ck_assert_int_eq(read_one(write_one(1, &record), &room, &found), MS_E_OK);
    ck_assert_ptr_null(found.terms);
}
END_TEST

START_TEST(a_wrong_clock_is_written_as_none)
{
    struct ms_record record = *sample_record(MS_RECORD_DUE);
    struct ms_record_room room;
    struct ms_record found;

    record.at = -1;
    record.until = INT64_MAX;
    ck_assert_int_eq(read_one(write_one(1, &record), &room, &found), MS_E_OK);
    ck_assert_int_eq(found.at, 0);
    ck_assert_int_eq(found.until, MS_DURATION_MAX);
}
END_TEST

START_TEST(the_longest_fields_fit)
{
    static uint8_t bytes[MS_DETAIL_MAX];
    const struct ms_terms terms = {
        .priority = MS_PRIORITY_MIN,
        .unique_mode = MS_UNIQUE_REPLACE,
        .array_count = UINT32_MAX,
        .array_concurrency = UINT32_MAX,
        .parts_size = UINT64_MAX,
        .run_at = MS_DURATION_MAX,
        .deadline = MS_DURATION_MAX,
        .unique = {bytes, MS_UNIQUE_KEY_MAX},
        .group = {bytes, MS_NAME_MAX},
        .key = {bytes, MS_KEY_MAX},
        .on = MS_ON_ALL,
        .targets = {bytes, sizeof bytes},
    };
    const struct ms_usage usage = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    struct ms_record record;

    memset(&record, 0xff, sizeof record);
    record.kind = MS_RECORD_SETTLE;
    record.status = MS_STATUS_LOST;
    record.durability = MS_DURABILITY_STRICT;
    record.stream = MS_STREAM_PROGRESS;
    record.code = INT32_MIN;
    record.at = record.until = MS_DURATION_MAX;
    record.timeout = MS_DURATION_MAX;
    record.name = (struct ms_bytes){bytes, MS_NAME_MAX};
    record.detail = (struct ms_bytes){bytes, MS_DETAIL_MAX};
    record.payload = (struct ms_bytes){bytes, sizeof bytes};
    record.memo = (struct ms_bytes){bytes, sizeof bytes};
    record.usage = &usage;
    record.terms = &terms;
    struct ms_record_room room;
    struct ms_record found;
    ck_assert_int_eq(read_one(write_one(UINT64_MAX / 2, &record), &room, &found), MS_E_OK);
    ck_assert(oracle_record_equal(&record, &found));
}
END_TEST

START_TEST(a_record_without_its_id_is_not_written)
{
    (void)ms_record_write(buffer, 1, &(struct ms_record){.kind = MS_RECORD_DUE});
}
END_TEST

START_TEST(a_record_has_a_number)
{
    (void)ms_record_write(buffer, 0, sample_record(MS_RECORD_DUE));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proto_record");
    TCase *tcase = tcase_create("record");

    tcase_set_timeout(tcase, 60); /* machines may be busy */
    tcase_add_loop_test(tcase, every_kind_comes_back, 1, MS_RECORD_KINDS);
    tcase_add_loop_test(tcase, every_kind_is_what_protobuf_writes, 1, MS_RECORD_KINDS);
    tcase_add_test(tcase, the_header_is_as_documented);
    tcase_add_test(tcase, an_erasure_is_a_header);
    tcase_add_test(tcase, entries_follow_each_other);
    tcase_add_test(tcase, the_digest_is_of_all_entries_in_their_order);
    tcase_add_test(tcase, a_draft_is_taken_once_it_is_sealed);
    tcase_add_test(tcase, sealing_covers_no_damage_up);
    tcase_add_test_raise_signal(tcase, half_an_entry_is_not_sealed, SIGABRT);
    tcase_add_test(tcase, no_torn_entry_is_taken);
    tcase_add_test(tcase, no_flipped_bit_is_taken);
    tcase_add_test(tcase, unknown_kinds_and_versions_are_refused);
    tcase_add_test(tcase, unknown_fields_are_skipped);
    tcase_add_loop_test(tcase, what_cannot_be_is_malformed, 0,
                        sizeof malformed / sizeof malformed[0]);
    tcase_add_test(tcase, long_names_are_malformed);
    tcase_add_test(tcase, a_journal_can_always_go_on);
    tcase_add_test(tcase, terms_that_ask_for_nothing_are_absent);
    tcase_add_test(tcase, a_wrong_clock_is_written_as_none);
    tcase_add_test(tcase, the_longest_fields_fit);
    tcase_add_test_raise_signal(tcase, a_record_without_its_id_is_not_written, SIGABRT);
    tcase_add_test_raise_signal(tcase, a_record_has_a_number, SIGABRT);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
