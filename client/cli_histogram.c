#include "client/cli_histogram.h"

#include "core/invariant.h"

#define EXACT       64u /* values below have a bucket each */
#define PARTS       32u /* buckets of each doubling above */
#define PARTS_SHIFT 5u
#define PERMILLE    1000u

static uint32_t bucket_of(uint64_t value)
{
    if (value < EXACT) {
        return (uint32_t)value;
    }
    const uint32_t top = 63u - (uint32_t)__builtin_clzll(value); /* 6 .. 63 */
    const uint32_t part = (uint32_t)(value >> (top - PARTS_SHIFT)) & (PARTS - 1);

    return EXACT + (top - PARTS_SHIFT - 1) * PARTS + part;
}

/* The largest value that falls into it. */
static uint64_t top_of(uint32_t bucket)
{
    if (bucket < EXACT) {
        return bucket;
    }
    const uint32_t top = (bucket - EXACT) / PARTS + PARTS_SHIFT + 1;
    const uint64_t part = (bucket - EXACT) % PARTS;

    return ((part + PARTS) << (top - PARTS_SHIFT)) + ((1ull << (top - PARTS_SHIFT)) - 1);
}

void ms_cli_histogram_add(struct ms_cli_histogram *histogram, uint64_t value)
{
    const uint32_t bucket = bucket_of(value);

    ms_assert(bucket < MS_HISTOGRAM_BUCKETS);
    histogram->counts[bucket]++;
    histogram->total++;
    histogram->max = value > histogram->max ? value : histogram->max;
}

uint64_t ms_cli_histogram_quantile(const struct ms_cli_histogram *histogram, uint32_t permille)
{
    const uint64_t wanted = histogram->total / PERMILLE * permille +
                            (histogram->total % PERMILLE * permille + PERMILLE - 1) / PERMILLE;
    uint64_t seen = 0;

    ms_assert(permille <= PERMILLE);
    for (uint32_t i = 0; i < MS_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen >= wanted && seen > 0) {
            const uint64_t top = top_of(i);

            return top < histogram->max ? top : histogram->max;
        }
    }
    return 0;
}
