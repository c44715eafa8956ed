#include "core/io/voter_slots.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/suite.h"

#define SECTOR 512
#define LONG   1000 /* bytes of a record that reaches into a second sector */

static uint8_t content[MS_VOTER_FILE_SIZE], before[MS_VOTER_FILE_SIZE];
static uint8_t record[LONG];
static struct ms_voter_newest newest;

/* All bytes of the record of that number; no two numbers share one. */
static struct ms_bytes record_of(uint64_t number)
{
    for (size_t i = 0; i < sizeof record; i++) {
        record[i] = (uint8_t)(number * 37 + i * 11 + 1);
    }
    return (struct ms_bytes){record, sizeof record};
}

static void put(uint64_t number)
{
    ms_voter_block_put(content + ms_voter_slot_at(number), number, record_of(number));
}

static void put_mark(uint64_t number)
{
    ms_voter_block_put(content + MS_VOTER_MARK_AT, number, (struct ms_bytes){NULL, 0});
}

/* As after so many writes. */
static void write_until(uint64_t number)
{
    memset(content, 0, sizeof content);
    for (uint64_t i = 1; i <= number; i++) {
        put(i);
        put_mark(i);
    }
}

static void assert_newest(uint64_t number)
{
    const struct ms_bytes expected = record_of(number);

    ck_assert(ms_voter_slots_newest(content, &newest));
    ck_assert_uint_eq(newest.number, number);
    ck_assert_uint_eq(newest.record.size, expected.size);
    ck_assert_mem_eq(newest.record.data, expected.data, expected.size);
}

static void assert_damaged(void)
{
    newest.number = 77;
    ck_assert(!ms_voter_slots_newest(content, &newest));
    ck_assert_uint_eq(newest.number, 77);
}

/* Of the write of that number, the bytes from .. to are on the disk, and of the rest what was there before; it was not
 * said to be done. */
static void tear(uint64_t number, size_t from, size_t to)
{
    const size_t at = ms_voter_slot_at(number);

    memcpy(before, content, sizeof content);
    put(number);
    memcpy(content + at, before + at, from);
    memcpy(content + at + to, before + at + to, MS_VOTER_BLOCK - to);
}

/* All that matters of that write is there; some bytes of two records are alike. */
static bool is_whole(uint64_t number)
{
    uint8_t block[MS_VOTER_BLOCK];

    ms_voter_block_put(block, number, record_of(number));
    return memcmp(content + ms_voter_slot_at(number), block, 20 + LONG) == 0;
}

START_TEST(test_each_write_counts_and_spares_the_one_before)
{
    write_until(1);
    assert_newest(1);
    for (uint64_t number = 2; number < 9; number++) {
        memcpy(before, content, sizeof content);
        put(number);
        ck_assert_mem_eq(content + ms_voter_slot_at(number - 1),
                         before + ms_voter_slot_at(number - 1), MS_VOTER_BLOCK);
        assert_newest(number); /* before it is marked */
        put_mark(number);
        assert_newest(number);
    }
}
END_TEST

START_TEST(test_the_form_is_as_documented)
{
    static const uint8_t expected[20] = {'M', 'S', 'V', '1', 0x57, 0xde, 0xd6, 0x82, 5, 1,
                                         0,   0,   0,   0,   0,    0,    3,    0,    0, 0};
    uint8_t block[MS_VOTER_BLOCK];

    memset(block, 0xff, sizeof block);
    ms_voter_block_put(block, 261, ms_bytes_of("abc"));
    ck_assert_mem_eq(block, expected, sizeof expected);
    ck_assert_mem_eq(block + 20, "abc", 3);
    for (size_t i = 23; i < sizeof block; i++) {
        ck_assert_uint_eq(block[i], 0);
    }
    ck_assert_uint_eq(ms_voter_slot_at(0), 0);
    ck_assert_uint_eq(ms_voter_slot_at(1), 8192);
}
END_TEST

/* However many bytes from the front or from the back arrived: the new one as a whole, or the one before. */
START_TEST(test_torn_at_every_byte)
{
    for (uint64_t number = 2; number < 5; number++) {
        for (size_t size = 0; size <= MS_VOTER_BLOCK; size++) {
            write_until(number - 1);
            tear(number, 0, size);
            assert_newest(is_whole(number) ? number : number - 1);
            write_until(number - 1);
            tear(number, size, MS_VOTER_BLOCK);
            assert_newest(is_whole(number) ? number : number - 1);
        }
    }
}
END_TEST

/* Disks write sectors in any order; garbage = what a sector has that lost its power half way. */
START_TEST(test_torn_in_any_sectors)
{
    const size_t at = ms_voter_slot_at(4), held = (20 + LONG + SECTOR - 1) / SECTOR;

    for (unsigned arrived = 0; arrived < 1u << (MS_VOTER_BLOCK / SECTOR); arrived++) {
        for (int is_garbage = 0; is_garbage < 2; is_garbage++) {
            write_until(3);
            memcpy(before, content, sizeof content);
            put(4);
            for (unsigned i = 0; i < MS_VOTER_BLOCK / SECTOR; i++) {
                if ((arrived >> i & 1) == 0) {
                    memcpy(content + at + i * SECTOR, before + at + i * SECTOR, SECTOR);
                    content[at + i * SECTOR] ^= (uint8_t)(is_garbage != 0 ? 0x55 : 0);
                }
            }
            const unsigned needed = (1u << held) - 1;
            assert_newest((arrived & needed) == needed ? 4 : 3);
        }
    }
}
END_TEST

/* It was said to be done, and is not there any more: nobody knows what was promised. */
START_TEST(test_rot_of_the_newest_is_damage)
{
    for (uint64_t number = 1; number < 4; number++) {
        for (size_t i = 0; i < MS_VOTER_BLOCK; i++) {
            write_until(number);
            content[ms_voter_slot_at(number) + i] ^= 0x10;
            if (i < 20 + LONG) {
                assert_damaged();
            } else {
                assert_newest(number); /* nobody reads what is behind it */
            }
        }
    }
}
END_TEST

START_TEST(test_rot_elsewhere_does_no_harm)
{
    for (size_t i = 0; i < MS_VOTER_BLOCK; i++) {
        write_until(3);
        content[ms_voter_slot_at(2) + i] ^= 0x10;
        assert_newest(3);
        content[MS_VOTER_MARK_AT + i] ^= 0x10;
        assert_newest(3);
    }
}
END_TEST

/* A disk that said it had written, and had not, has an old block that is whole. */
START_TEST(test_a_write_that_was_lost_is_damage)
{
    write_until(3);
    memcpy(before, content, sizeof content);
    write_until(4);
    memcpy(content + ms_voter_slot_at(4), before + ms_voter_slot_at(4), MS_VOTER_BLOCK);
    assert_damaged();
}
END_TEST

/* It is written without a sync: the kernel may have kept it in memory. */
START_TEST(test_a_mark_may_be_old)
{
    for (uint64_t marked = 1; marked < 7; marked++) {
        write_until(6);
        put_mark(marked);
        assert_newest(6);
    }
    write_until(6);
    memset(content + MS_VOTER_MARK_AT, 0, MS_VOTER_BLOCK);
    assert_newest(6);
}
END_TEST

START_TEST(test_both_slots_damaged)
{
    write_until(6);
    content[ms_voter_slot_at(6) + 30] ^= 1;
    content[ms_voter_slot_at(5) + 30] ^= 1;
    assert_damaged();
    memset(content + MS_VOTER_MARK_AT, 0, MS_VOTER_BLOCK);
    assert_damaged();
    memset(content, 0, sizeof content);
    assert_damaged();
}
END_TEST

/* What was written to the wrong place is nothing. */
START_TEST(test_blocks_out_of_their_place)
{
    write_until(6);
    memcpy(content + ms_voter_slot_at(5), content + ms_voter_slot_at(6), MS_VOTER_BLOCK);
    assert_newest(6);
    memset(content + ms_voter_slot_at(6), 0, MS_VOTER_BLOCK);
    assert_damaged();
    memset(content + MS_VOTER_MARK_AT, 0, MS_VOTER_BLOCK);
    assert_damaged();
    write_until(6);
    memcpy(content + ms_voter_slot_at(5), content + MS_VOTER_MARK_AT, MS_VOTER_BLOCK);
    put_mark(7);
    assert_damaged();
    write_until(6);
    ms_voter_block_put(content + MS_VOTER_MARK_AT, 7, record_of(7)); /* no mark */
    assert_newest(6);
}
END_TEST

START_TEST(test_a_size_beyond_the_block)
{
    write_until(2);
    memset(content + MS_VOTER_MARK_AT, 0, MS_VOTER_BLOCK);
    content[ms_voter_slot_at(2) + 17] = 0xff;
    content[ms_voter_slot_at(2) + 19] = 0xff;
    assert_newest(1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_voter_slots");
    TCase *tcase = tcase_create("voter_slots");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_each_write_counts_and_spares_the_one_before);
    tcase_add_test(tcase, test_the_form_is_as_documented);
    tcase_add_test(tcase, test_torn_at_every_byte);
    tcase_add_test(tcase, test_torn_in_any_sectors);
    tcase_add_test(tcase, test_rot_of_the_newest_is_damage);
    tcase_add_test(tcase, test_rot_elsewhere_does_no_harm);
    tcase_add_test(tcase, test_a_write_that_was_lost_is_damage);
    tcase_add_test(tcase, test_a_mark_may_be_old);
    tcase_add_test(tcase, test_both_slots_damaged);
    tcase_add_test(tcase, test_blocks_out_of_their_place);
    tcase_add_test(tcase, test_a_size_beyond_the_block);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
