#include "core/map.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "core/rng.h"

#define KEYS 700

/* Keys that differ in one half only, or hardly at all, are the rule: counters and indices. */
static struct ms_key key_number(size_t i)
{
    return ms_key_of(i % 7, i / 7);
}

static void run_against_model(uint64_t seed)
{
    uint64_t model[KEYS] = {0};
    size_t count = 0;
    struct ms_map map;
    struct ms_rng rng;

    ms_rng_init(&rng, seed);
    ms_map_init(&map, KEYS, ms_rng_next(&rng));
    for (int step = 0; step < 20000; step++) {
        /* The share of removals swings, so that the map fills, drains and fills again. */
        const uint64_t removals = (uint64_t)(step / 2500 % 2 == 0 ? 2 : 7);
        const size_t i = (size_t)ms_rng_below(&rng, KEYS);
        const size_t other = (size_t)ms_rng_below(&rng, KEYS);

        if (ms_rng_chance(&rng, removals, 10)) {
            ck_assert_uint_eq(ms_map_remove(&map, key_number(i)), model[i]);
            count -= model[i] != 0 ? 1 : 0;
            model[i] = 0;
        } else {
            const uint64_t value = ms_rng_next(&rng) | 1;

            ck_assert(ms_map_put(&map, key_number(i), value));
            count += model[i] == 0 ? 1 : 0;
            model[i] = value;
        }
        ck_assert_uint_eq(ms_map_find(&map, key_number(other)), model[other]);
        ck_assert_uint_eq(ms_map_count(&map), count);
    }
    for (size_t i = 0; i < KEYS; i++) {
        ck_assert_uint_eq(ms_map_find(&map, key_number(i)), model[i]);
    }
    ms_map_finish(&map);
}

START_TEST(agrees_with_naive_model)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        run_against_model(seed);
    }
}
END_TEST

START_TEST(nothing_is_lost_while_growing)
{
    struct ms_map map;

    ms_map_init(&map, 100000, 1);
    for (uint64_t i = 1; i <= 20000; i++) {
        ck_assert(ms_map_put(&map, ms_key_of(i, 0), i));
        ck_assert_uint_eq(ms_map_find(&map, ms_key_of(i, 0)), i);
        ck_assert_uint_eq(ms_map_find(&map, ms_key_of(i / 2 + 1, 0)), i / 2 + 1);
        /* Entries of the old table can be changed and removed while it is moved. */
        if (i % 3 == 0) {
            ck_assert_uint_eq(ms_map_remove(&map, ms_key_of(i / 3, 0)), i / 3);
            ck_assert_uint_eq(ms_map_find(&map, ms_key_of(i / 3, 0)), 0);
            ck_assert(ms_map_put(&map, ms_key_of(i / 3, 0), i / 3));
        }
    }
    ck_assert_uint_eq(ms_map_count(&map), 20000);
    for (uint64_t i = 1; i <= 20000; i++) {
        ck_assert_uint_eq(ms_map_remove(&map, ms_key_of(i, 0)), i);
    }
    ck_assert_uint_eq(ms_map_count(&map), 0);
    ms_map_finish(&map);
}
END_TEST

START_TEST(max_refuses_new_keys_only)
{
    struct ms_map map;

    ms_map_init(&map, 40, 1);
    for (uint64_t i = 0; i < 40; i++) {
        ck_assert(ms_map_put(&map, ms_key_of(i, i), 1));
    }
    ck_assert(!ms_map_put(&map, ms_key_of(40, 40), 1));
    ck_assert(ms_map_put(&map, ms_key_of(39, 39), 2));
    ck_assert_uint_eq(ms_map_find(&map, ms_key_of(39, 39)), 2);
    ck_assert_uint_eq(ms_map_remove(&map, ms_key_of(0, 0)), 1);
    ck_assert(ms_map_put(&map, ms_key_of(40, 40), 1));
    ms_map_finish(&map);
}
END_TEST

START_TEST(both_halves_of_the_key_count)
{
    const struct ms_uuid uuid = {{1, 2, 3}};
    struct ms_map map;
    int thing;

    ms_map_init(&map, 10, 1);
    ck_assert(ms_map_put(&map, ms_key_of(1, 2), 12));
    ck_assert(ms_map_put(&map, ms_key_of(2, 1), 21));
    ck_assert_uint_eq(ms_map_find(&map, ms_key_of(1, 2)), 12);
    ck_assert_uint_eq(ms_map_find(&map, ms_key_of(2, 1)), 21);
    ck_assert_uint_eq(ms_map_find(&map, ms_key_of(1, 1)), 0);
    ck_assert(ms_map_put_pointer(&map, ms_key_of_uuid(&uuid), &thing));
    ck_assert_ptr_eq(ms_map_find_pointer(&map, ms_key_of_uuid(&uuid)), &thing);
    ck_assert_ptr_null(ms_map_find_pointer(&map, ms_key_of(0, 0)));
    ms_map_finish(&map);
}
END_TEST

/* Longest run of filled cells: what the unluckiest miss walks over. */
static size_t longest_run(const struct ms_map_table *table)
{
    size_t longest = 0, run = 0;

    for (size_t i = 0; i <= table->mask; i++) {
        run = table->cells[i].value == 0 ? 0 : run + 1;
        longest = run > longest ? run : longest;
    }
    return longest;
}

START_TEST(regular_keys_spread)
{
    for (unsigned shift = 0; shift < 64; shift += 3) {
        struct ms_map map;

        ms_map_init(&map, 100000, shift);
        for (uint64_t i = 0; i < 6000; i++) {
            const struct ms_key key = shift % 2 == 0 ? ms_key_of(i << shift | i >> (63 - shift), 5)
                                                     : ms_key_of(5, i << shift | i >> (63 - shift));

            ck_assert(ms_map_put(&map, key, 1));
        }
        ck_assert_uint_lt(longest_run(&map.table), 300);
        ms_map_finish(&map);
    }
}
END_TEST

START_TEST(the_seed_moves_the_places)
{
    struct ms_map one, other;
    int same = 0;

    ms_map_init(&one, 10, 1);
    ms_map_init(&other, 10, 2);
    for (uint64_t i = 0; i < 1000; i++) {
        const uint64_t a = ms_map_hash(&one, ms_key_of(i, 0));
        const uint64_t b = ms_map_hash(&other, ms_key_of(i, 0));

        same += (a & 1023) == (b & 1023) ? 1 : 0;
    }
    ck_assert_int_lt(same, 20);
}
END_TEST

START_TEST(zeroed_map_is_empty)
{
    struct ms_map map = {.max = 0};

    ck_assert_uint_eq(ms_map_find(&map, ms_key_of(1, 1)), 0);
    ms_map_finish(&map);
    ms_map_finish(NULL);
}
END_TEST

START_TEST(value_zero_aborts)
{
    struct ms_map map;

    ms_map_init(&map, 10, 1);
    ms_map_put(&map, ms_key_of(1, 1), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_map");
    TCase *tests = tcase_create("map");

    tcase_add_test(tests, agrees_with_naive_model);
    tcase_add_test(tests, nothing_is_lost_while_growing);
    tcase_add_test(tests, max_refuses_new_keys_only);
    tcase_add_test(tests, both_halves_of_the_key_count);
    tcase_add_test(tests, regular_keys_spread);
    tcase_add_test(tests, the_seed_moves_the_places);
    tcase_add_test(tests, zeroed_map_is_empty);
    tcase_add_test_raise_signal(tests, value_zero_aborts, SIGABRT);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
