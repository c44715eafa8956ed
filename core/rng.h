/* Seeded random numbers, the only randomness in pure code: xoshiro256** of Blackman and Vigna,
 * its state filled by splitmix64. Not for secrets. */
#ifndef CORE_RNG_H
#define CORE_RNG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/types.h"

struct ms_rng {
    uint64_t state[4];
};

/* Every seed is good, 0 too. The same seed gives the same numbers on every machine. */
void ms_rng_init(struct ms_rng *rng, uint64_t seed);

/* Uniform over all 64 bits. */
uint64_t ms_rng_next(struct ms_rng *rng);

/* Uniform in 0 .. bound - 1, without bias; bound > 0. */
uint64_t ms_rng_below(struct ms_rng *rng, uint64_t bound);

/* Uniform in low .. high, both included. */
int64_t ms_rng_between(struct ms_rng *rng, int64_t low, int64_t high);

/* True in numerator of denominator cases. */
bool ms_rng_chance(struct ms_rng *rng, uint64_t numerator, uint64_t denominator);

/* A pause around base that keeps many waiters from moving in step: uniform in
 * base / 2 .. base; base >= 0. */
ms_time ms_rng_jitter(struct ms_rng *rng, ms_time base);

/* The pause before the next try: uniform in 1 .. *backoff, which then doubles, up to max. */
ms_time ms_rng_backoff(struct ms_rng *rng, ms_time *backoff, ms_time max);

void ms_rng_fill(struct ms_rng *rng, void *bytes, size_t size);

#endif
