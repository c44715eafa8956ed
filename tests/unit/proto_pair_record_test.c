#include "proto/pair_record.h"

#include <check.h>
#include <stdlib.h>

#include "proto/record.pb-c.h"
#include "tests/support/oracle.h"
#include "tests/support/samples.h"
#include "tests/support/seal.h"

#define HEADER 12

static const struct ms_uuid id = {{1, 2, 3}}, cluster = {{4, 5, 6}};
static struct ms_council_record record, again;
static uint8_t bytes[MS_PAIR_RECORD_SIZE_MAX + 1];

/* With everything that there is, as long as it can be. */
static size_t write_full(void)
{
    const struct ms_pair_frame *pair = sample_of(MS_KIND_PEER_HELLO)->body.pair;

    record = (struct ms_council_record){
        .voter = {.cluster = cluster, .promised = UINT64_MAX, .accepted = pair->decision},
        .incarnation = id,
        .place = 1,
        .lead = MS_MASTERS,
        .is_fresh = true,
        .is_complete = true,
        .hold = {.version = 5, .is_on = true},
        .is_forced = true,
        .served = UINT64_MAX,
        .witness_version = UINT32_MAX,
        .witnesses = pair->witnesses,
        .witnesses_next = pair->witnesses,
        .is_changing = true,
        .unmerged = 4,
        .start = pair->start,
        .known = {pair->known[0], pair->known[1]},
        .is_outlived = true,
        .is_unmergeable = true,
        .theirs = pair->settings,
    };
    record.voter.accepted.served = UINT64_MAX;
    return ms_pair_record_write(bytes, &record);
}

static enum ms_error read_back(size_t size)
{
    uint8_t *exact = malloc(size + (size == 0));
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, bytes, size);
    const enum ms_error error = ms_pair_record_read((struct ms_bytes){exact, size}, &again);
    free(exact);
    return error;
}

static void assert_same(void)
{
    ck_assert(ms_uuid_equal(&again.voter.cluster, &record.voter.cluster));
    ck_assert_uint_eq(again.voter.promised, record.voter.promised);
    ck_assert(oracle_decision_equal(&again.voter.accepted, &record.voter.accepted));
    ck_assert(ms_uuid_equal(&again.incarnation, &record.incarnation));
    ck_assert_uint_eq(again.place, record.place);
    ck_assert_uint_eq(again.lead, record.lead);
    ck_assert(again.is_fresh == record.is_fresh);
    ck_assert(again.is_complete == record.is_complete);
    ck_assert(again.hold.is_on == record.hold.is_on);
    ck_assert_uint_eq(again.hold.version, record.hold.version);
    ck_assert(again.is_forced == record.is_forced);
    ck_assert_uint_eq(again.served, record.served);
    ck_assert_uint_eq(again.witness_version, record.witness_version);
    ck_assert(oracle_witnesses_equal(&again.witnesses, &record.witnesses));
    ck_assert(oracle_witnesses_equal(&again.witnesses_next, &record.witnesses_next));
    ck_assert(again.is_changing == record.is_changing);
    ck_assert_uint_eq(again.unmerged, record.unmerged);
    ck_assert_uint_eq(again.start.number, record.start.number);
    ck_assert_mem_eq(again.start.lives, record.start.lives, sizeof record.start.lives);
    ck_assert(oracle_start_equal(&again.known[0], &record.known[0]));
    ck_assert(oracle_start_equal(&again.known[1], &record.known[1]));
    ck_assert(again.is_outlived == record.is_outlived);
    ck_assert(again.is_unmergeable == record.is_unmergeable);
    ck_assert(oracle_settings_equal(&again.theirs, &record.theirs));
}

START_TEST(test_every_field_comes_back)
{
    const size_t size = write_full();

    ck_assert_uint_le(size, MS_PAIR_RECORD_SIZE_MAX);
    ck_assert_int_eq(read_back(size), MS_E_OK);
    assert_same();
}
END_TEST

/* protobuf-c takes the body, and would have written the same. */
START_TEST(test_protobuf_agrees)
{
    static uint8_t same[MS_PAIR_RECORD_SIZE_MAX];
    const size_t size = write_full() - HEADER;
    Muster__PairRecord *message = muster__pair_record__unpack(NULL, size, bytes + HEADER);

    ck_assert_ptr_nonnull(message);
    ck_assert_uint_eq(message->base.n_unknown_fields, 0);
    ck_assert_uint_eq(message->promised, record.voter.promised);
    ck_assert_uint_eq(message->n_witnesses_next, MS_WITNESSES_MAX);
    ck_assert_uint_eq(muster__pair_record__pack(message, same), size);
    ck_assert_mem_eq(same, bytes + HEADER, size);
    muster__pair_record__free_unpacked(message, NULL);
}
END_TEST

START_TEST(test_a_witness_has_little)
{
    record = (struct ms_council_record){.incarnation = id};
    const size_t size = ms_pair_record_write(bytes, &record);
    ck_assert_uint_eq(size, HEADER + 2 + 16);
    ck_assert_mem_eq(bytes, "MSPR\1\0\0", 8);
    ck_assert_int_eq(read_back(size), MS_E_OK);
    assert_same();
}
END_TEST

START_TEST(test_damage_of_every_bit_is_seen)
{
    const size_t size = write_full();

    for (size_t i = 0; i < size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1u << bit);
            ck_assert_int_ne(read_back(size), MS_E_OK);
            bytes[i] ^= (uint8_t)(1u << bit);
        }
    }
    ck_assert_int_eq(read_back(size), MS_E_OK);
}
END_TEST

START_TEST(test_every_cut_is_seen)
{
    const size_t size = write_full();

    for (size_t cut = 0; cut < size; cut++) {
        ck_assert_int_eq(read_back(cut), MS_E_MALFORMED);
    }
    ck_assert_int_eq(read_back(size + 1), MS_E_MALFORMED);
    ck_assert_int_eq(read_back(sizeof bytes), MS_E_MALFORMED);
}
END_TEST

/* Gives the body of that size its checksum. */
static enum ms_error read_sealed(size_t body_size)
{
    const uint32_t checksum = seal_crc32(bytes + HEADER, body_size);

    for (unsigned i = 0; i < 4; i++) {
        bytes[8 + i] = (uint8_t)(checksum >> (8 * i));
    }
    return read_back(HEADER + body_size);
}

START_TEST(test_what_nobody_wrote_is_refused)
{
    record = (struct ms_council_record){.incarnation = id};
    size_t size = ms_pair_record_write(bytes, &record) - HEADER;
    ck_assert_int_eq(read_sealed(size), MS_E_OK);
    ck_assert_int_eq(read_sealed(0), MS_E_MALFORMED); /* of nobody */
    uint8_t *end = bytes + HEADER + size;
    memcpy(end, "\x28\x02", 2); /* place 2 */
    ck_assert_int_eq(read_sealed(size + 2), MS_E_MALFORMED);
    memcpy(end, "\x30\x03", 2); /* lead 3 */
    ck_assert_int_eq(read_sealed(size + 2), MS_E_MALFORMED);
    memcpy(end, "\x1a\x02\x08\x01", 4); /* a decision without a kind */
    ck_assert_int_eq(read_sealed(size + 4), MS_E_MALFORMED);
    memcpy(end, "\x78\x01", 2); /* a field of a newer program */
    ck_assert_int_eq(read_sealed(size + 2), MS_E_OK);
    bytes[4] = MS_PAIR_RECORD_VERSION + 1;
    ck_assert_int_eq(read_sealed(size), MS_E_VERSION);
    bytes[4] = 0;
    ck_assert_int_eq(read_sealed(size), MS_E_MALFORMED);
    (void)write_full();
    record.voter.promised = record.voter.accepted.epoch = 5;
    size = ms_pair_record_write(bytes, &record);
    ck_assert_int_eq(read_back(size), MS_E_OK);
    record.voter.promised = 4; /* and yet it accepted 5 */
    size = ms_pair_record_write(bytes, &record);
    ck_assert_int_eq(read_back(size), MS_E_MALFORMED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proto_pair_record");
    TCase *tcase = tcase_create("pair_record");

    tcase_add_test(tcase, test_every_field_comes_back);
    tcase_add_test(tcase, test_protobuf_agrees);
    tcase_add_test(tcase, test_a_witness_has_little);
    tcase_add_test(tcase, test_damage_of_every_bit_is_seen);
    tcase_add_test(tcase, test_every_cut_is_seen);
    tcase_add_test(tcase, test_what_nobody_wrote_is_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
