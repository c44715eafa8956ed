#include "master/strategy.h"

#include <string.h>

#include "core/invariant.h"
#include "core/limits.h"

/* Of virtual time, that a session of weight 1 takes for one command. At 100,000 commands a second, all of them for one session
 * of weight 1, the clock lasts for 2.9 years. */
#define STRIDE (INT64_C(1) << 20)

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The turn in which it was served last: who waits longest is next, and who is new is before all others. */
static int64_t rank_round_robin(const struct ms_candidate *candidate,
                                const struct ms_standing *standing)
{
    (void)candidate;
    return standing->event == MS_RANK_SERVED ? (int64_t)standing->served : standing->rank;
}

/* Stride scheduling (Waldspurger, Weihl: Stride Scheduling, 1995): each command moves its session on by the inverse of its
 * weight. Who had no credit for a while does not catch up. */
static int64_t rank_weighted(const struct ms_candidate *candidate,
                             const struct ms_standing *standing)
{
    const int64_t pass = later(standing->rank, standing->clock);

    ms_assert(candidate->weight > 0);
    return standing->event == MS_RANK_SERVED ? pass + STRIDE / candidate->weight : pass;
}

/* A number of the exponential distribution with mean 1, in 2^-32, by comparisons alone (von Neumann: Various Techniques Used in
 * Connection With Random Digits, 1951): the length of a falling run of uniform numbers is odd with probability e^-first. */
static uint64_t draw_exponential(const struct ms_standing *standing)
{
    for (uint64_t whole = 0;; whole += UINT64_C(1) << 32) {
        const uint64_t first = standing->draw(standing->source) >> 32;
        uint64_t last = first;
        uint64_t next;
        bool is_odd = true;

        while ((next = standing->draw(standing->source) >> 32) < last) {
            last = next;
            is_odd = !is_odd;
        }
        if (is_odd) {
            return whole + first;
        }
    }
}

/* Each waits for an exponentially distributed time, whose mean is the inverse of its weight; the first one to wake is served.
 * That time has no memory, so whoever is next does not depend on who was before, and the others need no new number. */
static int64_t rank_random(const struct ms_candidate *candidate, const struct ms_standing *standing)
{
    if (standing->event == MS_RANK_LOAD) {
        return standing->rank;
    }
    ms_assert(candidate->weight > 0);
    return standing->clock +
           (int64_t)(draw_exponential(standing) >> 12) / (int64_t)candidate->weight;
}

/* In thousandths of its slots; who holds more than it has slots for has more than a thousand. */
static int64_t rank_least(const struct ms_candidate *candidate, const struct ms_standing *standing)
{
    (void)standing;
    ms_assert(candidate->slots > 0);
    return (int64_t)candidate->held * 1000 / candidate->slots;
}

#define HEADER .abi = MS_STRATEGY_ABI, .size = sizeof(struct ms_strategy)

const struct ms_strategy ms_strategy_any = {
    HEADER, .name = "any", .help = "in turn of credit: who has asked longest ago is next"};

const struct ms_strategy ms_strategy_round_robin = {
    HEADER, .name = "round-robin",
    .help = "in turn: who was given one longest ago, of those with credit",
    .rank = rank_round_robin};

const struct ms_strategy ms_strategy_random = {
    HEADER, .name = "random", .help = "by chance, in proportion to the slaves' weights",
    .rank = rank_random};

const struct ms_strategy ms_strategy_weighted = {
    HEADER, .name = "weighted", .help = "evenly, in proportion to the slaves' weights",
    .rank = rank_weighted};

const struct ms_strategy ms_strategy_least = {HEADER, .name = "least",
                                              .help = "the fewest commands in hand for each slot",
                                              .rank = rank_least, .follows_load = true};

static const struct ms_strategy *const strategies[MS_STRATEGIES] = {
    &ms_strategy_any,   &ms_strategy_round_robin, &ms_strategy_random, &ms_strategy_weighted,
    &ms_strategy_least, &ms_strategy_java31,      &ms_strategy_jump,
};

const struct ms_strategy *ms_strategy_at(uint32_t index)
{
    ms_assert(index < MS_STRATEGIES);
    return strategies[index];
}

const struct ms_strategy *ms_strategy_find(const char *name)
{
    for (uint32_t i = 0; i < MS_STRATEGIES; i++) {
        if (strcmp(strategies[i]->name, name) == 0) {
            return strategies[i];
        }
    }
    return NULL;
}
