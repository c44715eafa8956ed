#include "core/rng.h"

#include "core/invariant.h"

static uint64_t rotate_left(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void ms_rng_init(struct ms_rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        rng->state[i] = splitmix(&seed);
    }
    /* An all-zero state would stay zero; splitmix never gives four zeros in a row. */
    ms_assert((rng->state[0] | rng->state[1] | rng->state[2] | rng->state[3]) != 0);
}

uint64_t ms_rng_next(struct ms_rng *rng)
{
    uint64_t *s = rng->state;
    const uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    const uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t ms_rng_below(struct ms_rng *rng, uint64_t bound)
{
    ms_assert(bound > 0);
    /* The numbers from floor up are a whole multiple of bound. */
    const uint64_t floor = (0 - bound) % bound;
    uint64_t value = ms_rng_next(rng);

    while (value < floor) {
        value = ms_rng_next(rng);
    }
    return value % bound;
}

int64_t ms_rng_between(struct ms_rng *rng, int64_t low, int64_t high)
{
    ms_assert(low <= high);
    const uint64_t span = (uint64_t)high - (uint64_t)low;
    const uint64_t offset = span == UINT64_MAX ? ms_rng_next(rng) : ms_rng_below(rng, span + 1);

    return (int64_t)((uint64_t)low + offset);
}

bool ms_rng_chance(struct ms_rng *rng, uint64_t numerator, uint64_t denominator)
{
    ms_assert(numerator <= denominator);
    return ms_rng_below(rng, denominator) < numerator;
}

ms_time ms_rng_jitter(struct ms_rng *rng, ms_time base)
{
    ms_assert(base >= 0);
    return ms_rng_between(rng, base / 2, base);
}

ms_time ms_rng_backoff(struct ms_rng *rng, ms_time *backoff, ms_time max)
{
    const ms_time pause = ms_rng_between(rng, 1, *backoff);

    *backoff = 2 * *backoff < max ? 2 * *backoff : max;
    return pause;
}

void ms_rng_fill(struct ms_rng *rng, void *bytes, size_t size)
{
    uint8_t *to = bytes;

    ms_assert(bytes != NULL || size == 0);
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        const uint64_t value = ms_rng_next(rng);

        /* Byte by byte, so that every machine gets the same. */
        for (size_t j = 0; j < sizeof value && i + j < size; j++) {
            to[i + j] = (uint8_t)(value >> (8 * j));
        }
    }
}
