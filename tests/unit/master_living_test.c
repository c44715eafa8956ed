/* Lists of numbers that live: what was written comes back, and nothing else is taken. */
#include "core/rng.h"
#include "master_stream.h"
#include "master/living.h"

static struct ms_living living;

static struct ms_bytes list_of(ms_seq above, const ms_seq *numbers, size_t count)
{
    ms_living_begin(&living, above);
    for (size_t i = 0; i < count; i++) {
        ck_assert(ms_living_add(&living, numbers[i]));
    }
    return ms_living_end(&living);
}

START_TEST(runs_are_short)
{
    static const ms_seq numbers[] = {8, 9, 10, 200};
    const struct ms_bytes list = list_of(7, numbers, 4);

    ck_assert_uint_eq(list.size, 5); /* 189 takes two */
    ck_assert_int_eq(memcmp(list.data, "\0\3\275\1\1", 5), 0);
    ck_assert_uint_eq(list_of(7, NULL, 0).size, 0);
}
END_TEST

START_TEST(what_was_written_is_read)
{
    struct ms_living_reader reader;
    struct ms_rng rng;
    ms_seq numbers[500], above, seq;

    ms_rng_init(&rng, (uint64_t)_i + 1);
    above = seq = ms_rng_chance(&rng, 1, 2) ? 0 : ms_rng_next(&rng) / 2;
    for (size_t i = 0; i < 500; i++) {
        seq += 1 + (ms_rng_chance(&rng, 2, 3) ? 0 : ms_rng_below(&rng, 300));
        numbers[i] = seq;
    }
    const struct ms_bytes list = list_of(above, numbers, 500);

    ck_assert(ms_living_is_sound(list, above, seq));
    ck_assert(!ms_living_is_sound(list, above, seq - 1));
    ms_living_open(&reader, list, above);
    for (size_t i = 0, at = above + 1; at <= seq + 3; at++) {
        const bool lives = i < 500 && numbers[i] == at;

        ck_assert_int_eq(ms_living_has(&reader, at), lives);
        i += lives;
    }
}
END_TEST

START_TEST(a_list_is_bounded)
{
    ms_seq seq = 0;

    ms_living_begin(&living, 0);
    while (ms_living_add(&living, seq + 1)) {
        seq += (uint64_t)1 << 40;
    }
    ck_assert(ms_living_is_full(&living));
    const struct ms_bytes list = ms_living_end(&living);

    ck_assert_uint_le(list.size, MS_LOG_FRAME_SIZE);
    ck_assert_uint_gt(list.size, MS_LOG_FRAME_SIZE - 64);
}
END_TEST

START_TEST(what_is_no_list_is_not_taken)
{
    static const uint8_t huge[] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 1};
    static const uint8_t wraps[] = {1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1};

    ck_assert(!ms_living_is_sound((struct ms_bytes){huge, sizeof huge}, 0, UINT64_MAX));
    ck_assert(!ms_living_is_sound((struct ms_bytes){wraps, sizeof wraps}, 5, UINT64_MAX));
    ck_assert(!ms_living_is_sound((struct ms_bytes){huge, 9}, 0, UINT64_MAX));
    ck_assert(!ms_living_is_sound((struct ms_bytes){(const uint8_t *)"\1", 1}, 0, UINT64_MAX));
    ck_assert(!ms_living_is_sound((struct ms_bytes){(const uint8_t *)"\1\0", 2}, 0, UINT64_MAX));
    ck_assert(ms_living_is_sound((struct ms_bytes){0}, 9, 9));
}
END_TEST

static Suite *suite(void)
{
    Suite *made = suite_create("living");
    TCase *tests = tcase_create("living");

    tcase_add_test(tests, runs_are_short);
    tcase_add_loop_test(tests, what_was_written_is_read, 0, 50);
    tcase_add_test(tests, a_list_is_bounded);
    tcase_add_test(tests, what_is_no_list_is_not_taken);
    suite_add_tcase(made, tests);
    return made;
}

STREAM_MAIN(suite)
