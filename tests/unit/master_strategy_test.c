/* Strategies: their names, and what they rank by, without a master. */
#include <check.h>

#include "core/limits.h"
#include "core/rng.h"
#include "master/strategy.h"
#include "master_script.h"

#define TURNS 100000u

static uint64_t draw(void *source)
{
    return ms_rng_next(source);
}

/* Sessions that always have credit: how often each of them is the one with the lowest rank, in TURNS turns. */
struct field {
    const struct ms_strategy *strategy;
    struct ms_candidate candidates[8];
    int64_t ranks[8];
    uint64_t entered[8]; /* who has waited longest, of equal ones */
    uint32_t won[8];
    uint32_t count;
    int64_t clock;
    uint64_t served, order;
    struct ms_rng rng;
};

static void rank(struct field *field, uint32_t i, enum ms_rank_event event)
{
    field->ranks[i] = field->strategy->rank(&field->candidates[i], &(struct ms_standing){
                                                                       .event = event,
                                                                       .rank = field->ranks[i],
                                                                       .clock = field->clock,
                                                                       .served = field->served,
                                                                       .draw = draw,
                                                                       .source = &field->rng,
                                                                   });
    field->entered[i] = ++field->order;
    ck_assert_int_ge(field->ranks[i], 0);
}

static struct field *begin(struct field *field, const struct ms_strategy *strategy,
                           const uint32_t *weights, uint32_t count)
{
    *field = (struct field){.strategy = strategy, .count = count};
    ms_rng_init(&field->rng, 7);
    for (uint32_t i = 0; i < count; i++) {
        field->candidates[i] = (struct ms_candidate){.name = "", .slots = 1, .weight = weights[i]};
        rank(field, i, MS_RANK_ENTER);
    }
    return field;
}

static uint32_t serve(struct field *field)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < field->count; i++) {
        if (field->ranks[i] < field->ranks[best] ||
            (field->ranks[i] == field->ranks[best] && field->entered[i] < field->entered[best])) {
            best = i;
        }
    }
    field->clock = field->ranks[best] > field->clock ? field->ranks[best] : field->clock;
    field->served++;
    field->won[best]++;
    rank(field, best, MS_RANK_SERVED);
    return best;
}

static const uint32_t equal[] = {100, 100, 100, 100, 100};
static const uint32_t unequal[] = {100, 200, 300, 400};

START_TEST(names_find_strategies)
{
    for (uint32_t i = 0; i < MS_STRATEGIES; i++) {
        const struct ms_strategy *strategy = ms_strategy_at(i);

        ck_assert_uint_eq(strategy->abi, MS_STRATEGY_ABI);
        ck_assert_uint_eq(strategy->size, sizeof *strategy);
        ck_assert_ptr_eq(ms_strategy_find(strategy->name), strategy);
        ck_assert_uint_gt(strlen(strategy->help), 0);
    }
    ck_assert_ptr_null(ms_strategy_find("roundrobin"));
    ck_assert(ms_strategy_any.rank == NULL);
}
END_TEST

START_TEST(round_robin_goes_in_turn)
{
    struct field field;

    begin(&field, &ms_strategy_round_robin, equal, 5);
    for (uint32_t i = 0; i < 50; i++) {
        ck_assert_uint_eq(serve(&field), i % 5);
    }
}
END_TEST

START_TEST(weighted_keeps_to_the_weights_at_any_moment)
{
    struct field field;

    begin(&field, &ms_strategy_weighted, unequal, 4);
    for (uint32_t turn = 1; turn <= 1000; turn++) {
        serve(&field);
        for (uint32_t i = 0; i < 4; i++) {
            const double due = turn * unequal[i] / 1000.0;

            ck_assert_double_le(field.won[i], due + 2);
            ck_assert_double_ge(field.won[i], due - 2);
        }
    }
}
END_TEST

START_TEST(weighted_lets_nobody_catch_up)
{
    struct field field;

    begin(&field, &ms_strategy_weighted, equal, 5);
    field.count = 4; /* the fifth has no credit */
    for (uint32_t i = 0; i < 400; i++) {
        serve(&field);
    }
    field.count = 5;
    rank(&field, 4, MS_RANK_ENTER);
    for (uint32_t i = 0; i < 100; i++) {
        serve(&field);
    }
    ck_assert_uint_ge(field.won[4], 20);
    ck_assert_uint_le(field.won[4], 21);
}
END_TEST

/* Of TURNS turns each has its share, within five standard deviations; and who was served last is as likely as before to be the
 * next one. */
START_TEST(random_is_uniform_and_has_no_memory)
{
    struct field field;
    uint32_t again = 0;
    uint32_t last = 5;

    begin(&field, &ms_strategy_random, equal, 5);
    for (uint32_t i = 0; i < TURNS; i++) {
        const uint32_t winner = serve(&field);

        again += winner == last;
        last = winner;
    }
    const double mean = TURNS / 5.0;
    const double deviation = 5 * 126.5; /* of a binomial distribution: sqrt(TURNS * 1/5 * 4/5) */

    for (uint32_t i = 0; i < 5; i++) {
        ck_assert_double_le(field.won[i], mean + deviation);
        ck_assert_double_ge(field.won[i], mean - deviation);
    }
    ck_assert_double_le(again, mean + deviation);
    ck_assert_double_ge(again, mean - deviation);
}
END_TEST

START_TEST(random_heeds_weights)
{
    struct field field;

    begin(&field, &ms_strategy_random, unequal, 4);
    for (uint32_t i = 0; i < TURNS; i++) {
        serve(&field);
    }
    for (uint32_t i = 0; i < 4; i++) {
        const double share = TURNS * unequal[i] / 1000.0;

        ck_assert_double_le(field.won[i], share + 5 * 155); /* sqrt(TURNS) / 2 at most */
        ck_assert_double_ge(field.won[i], share - 5 * 155);
    }
}
END_TEST

START_TEST(least_counts_what_is_in_hand_for_each_slot)
{
    const struct ms_standing standing = {.event = MS_RANK_LOAD};
    struct ms_candidate candidate = {.name = "", .slots = 4, .held = 2, .weight = 1};

    ck_assert(ms_strategy_least.follows_load);
    ck_assert_int_eq(ms_strategy_least.rank(&candidate, &standing), 500);
    candidate.held = 6;
    ck_assert_int_eq(ms_strategy_least.rank(&candidate, &standing), 1500);
    candidate = (struct ms_candidate){.name = "", .slots = 8, .held = 3, .weight = 1};
    ck_assert_int_eq(ms_strategy_least.rank(&candidate, &standing), 375);
}
END_TEST

TESTS(names_find_strategies, round_robin_goes_in_turn, weighted_keeps_to_the_weights_at_any_moment,
      weighted_lets_nobody_catch_up, random_is_uniform_and_has_no_memory, random_heeds_weights,
      least_counts_what_is_in_hand_for_each_slot)
