/* Hashes of keys: java31 as it was, jump even and with the least movement. */
#include "core/limits.h"
#include "master/strategy.h"
#include "master_script.h"

#define KEYS 100000u

static uint32_t place(const struct ms_strategy *strategy, const char *key, uint32_t groups)
{
    return strategy->place((const uint8_t *)key, strlen(key), groups);
}

/* Of the system whose hash this was, which numbered groups by 2. */
START_TEST(java31_is_as_it_was)
{
    static const struct {
        const char *key;
        uint32_t doubled[4]; /* of 2, 3, 4 and 7 groups */
    } vectors[] = {
        {"a", {2, 4, 6, 12}},
        {"alice", {0, 2, 2, 4}},
        {"bob", {0, 0, 0, 2}},
        {"user-42", {2, 2, 4, 8}},
        {"\xe8\xb4\xa6\xe5\x8f\xb7", {0, 2, 2, 4}}, /* two Chinese letters */
        {"13800138000", {2, 2, 4, 8}},
        {"", {0, 0, 0, 0}},
    };
    static const uint32_t groups[] = {2, 3, 4, 7};

    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        for (size_t j = 0; j < 4; j++) {
            ck_assert_uint_eq(2 * place(&ms_strategy_java31, vectors[i].key, groups[j]),
                              vectors[i].doubled[j]);
        }
    }
    ck_assert_uint_eq(ms_strategy_java31.groups_max, 100);
    ck_assert_uint_eq(place(&ms_strategy_java31, "alice", 1), 0);
    ck_assert_uint_eq(place(&ms_strategy_java31, "a", 100), 97);
}
END_TEST

static const char *key_at(uint32_t i)
{
    static char key[32];

    snprintf(key, sizeof key, "user-%u", i);
    return key;
}

/* Each group has its share within five standard deviations, and one more takes its own share and nothing else moves. */
START_TEST(jump_is_even_and_moves_little)
{
    static const uint32_t sizes[] = {1, 2, 3, 7, 10, 100, MS_ROUTE_GROUPS_MAX - 1};

    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const uint32_t groups = sizes[s];
        uint32_t got[MS_ROUTE_GROUPS_MAX] = {0};
        uint32_t moved = 0;

        for (uint32_t i = 0; i < KEYS; i++) {
            const uint32_t before = place(&ms_strategy_jump, key_at(i), groups);
            const uint32_t after = place(&ms_strategy_jump, key_at(i), groups + 1);

            ck_assert_uint_lt(before, groups);
            ck_assert(after == before || after == groups);
            got[before]++;
            moved += after != before;
        }
        for (uint32_t i = 0; i < groups; i++) {
            const double share = (double)KEYS / groups;

            ck_assert_double_lt((got[i] - share) * (got[i] - share), 25 * share);
        }
        const double share = KEYS / (groups + 1.0);
        ck_assert_double_lt((moved - share) * (moved - share), 25 * share);
    }
}
END_TEST

START_TEST(java31_moves_most_keys)
{
    uint32_t moved = 0;

    for (uint32_t i = 0; i < KEYS; i++) {
        moved +=
            place(&ms_strategy_java31, key_at(i), 4) != place(&ms_strategy_java31, key_at(i), 5);
    }
    ck_assert_uint_gt(moved, KEYS * 4 / 10); /* jump: a fifth */
}
END_TEST

TESTS(java31_is_as_it_was, jump_is_even_and_moves_little, java31_moves_most_keys)
