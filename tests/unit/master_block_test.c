/* The block of a work holds its payload, then its outcome, and fits what it holds. */
#include "master/block.h"
#include "master_script.h"

static struct ms_slab slab;

START_TEST(an_outcome_takes_the_place_of_the_payload)
{
    static uint8_t large[100000];
    struct ms_work work = {0};
    const struct ms_usage usage = {.wall_us = 7};
    const struct ms_record outcome = {.status = MS_STATUS_FAIL,
                                      .attempt = 3,
                                      .usage = &usage,
                                      .payload = ms_bytes_of("result"),
                                      .detail = ms_bytes_of("words")};

    ms_slab_init(&slab, 1 << 20);
    ck_assert(ms_block_copy(&work, &slab, (struct ms_bytes){large, sizeof large}));
    ck_assert_uint_eq(work.size, sizeof large);
    ck_assert(ms_block_make_room(&work, &slab, &outcome));
    ck_assert_uint_eq(work.block_size, 11 + sizeof usage);
    ms_block_keep(&work, &outcome);
    ck_assert_uint_eq(work.status, MS_STATUS_FAIL);
    ck_assert_uint_eq(work.attempt, 3);
    ck_assert_uint_eq(ms_work_usage(&work)->wall_us, 7);
    ck_assert_int_eq(memcmp(ms_work_payload(&work).data, "result", 6), 0);
    ck_assert_int_eq(memcmp(ms_work_detail(&work).data, "words", 5), 0);
    ms_slab_give(&slab, work.block, work.block_size);
    ck_assert_uint_eq(ms_slab_used(&slab), 0);
    ms_slab_finish(&slab);
}
END_TEST

START_TEST(without_memory_it_says_so)
{
    static uint8_t bytes[4096];
    struct ms_work work = {0};
    const struct ms_record large = {.payload = {bytes, sizeof bytes}};
    const struct ms_record small = {.payload = {bytes, 10}};

    ms_slab_init(&slab, 1024);
    ck_assert(!ms_block_copy(&work, &slab, large.payload));
    ck_assert(ms_block_copy(&work, &slab, small.payload) || work.block == NULL);
    work = (struct ms_work){0};
    ck_assert(ms_block_copy(&work, &slab, (struct ms_bytes){0}));
    ck_assert_ptr_null(work.block);
    ck_assert(!ms_block_make_room(&work, &slab, &large));
    ck_assert(ms_block_make_room(&work, &slab, &small));
    ms_block_keep(&work, &small);
    ck_assert_uint_eq(work.size, 10);
    ms_slab_finish(&slab);
}
END_TEST

TESTS(an_outcome_takes_the_place_of_the_payload, without_memory_it_says_so)
