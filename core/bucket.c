#include "core/bucket.h"

#include <assert.h>

#include "core/invariant.h"

#define TOKEN ((uint64_t)MS_RATE_ONE * MS_SEC)

static_assert(MS_RATE_MAX < INT64_MAX / ((uint64_t)MS_RATE_ONE * MS_SEC),
              "a full bucket is a number");

static uint64_t size_of(const struct ms_rate *rate)
{
    ms_assert(ms_rate_is_limit(rate) && rate->burst > 0);
    return rate->burst * TOKEN;
}

/* When it holds so much. In a second per_second parts of a token come, so in a microsecond as many of the level's, which are MS_SEC
 * times as fine. */
static ms_time time_of(const struct ms_bucket *bucket, const struct ms_rate *rate, uint64_t level)
{
    if (bucket->level >= level) {
        return bucket->at;
    }
    const uint64_t wait = (level - bucket->level + rate->per_second - 1) / rate->per_second;

    return wait < (uint64_t)(MS_TIME_NEVER - bucket->at) ? bucket->at + (ms_time)wait
                                                         : MS_TIME_NEVER;
}

/* Brings the level up to now. */
static void flow(struct ms_bucket *bucket, const struct ms_rate *rate, ms_time now)
{
    ms_assert(now >= bucket->at);
    if (time_of(bucket, rate, size_of(rate)) <= now) {
        bucket->level = size_of(rate);
    } else {
        bucket->level += (uint64_t)(now - bucket->at) * rate->per_second;
    }
    bucket->at = now;
    ms_assert(bucket->level <= size_of(rate));
}

void ms_bucket_fill(struct ms_bucket *bucket, const struct ms_rate *rate, ms_time now)
{
    *bucket = (struct ms_bucket){.level = size_of(rate), .at = now};
}

void ms_bucket_fit(struct ms_bucket *bucket, const struct ms_rate *former,
                   const struct ms_rate *rate, ms_time now)
{
    flow(bucket, former, now);
    if (bucket->level > size_of(rate)) {
        bucket->level = size_of(rate);
    }
}

void ms_bucket_take(struct ms_bucket *bucket, const struct ms_rate *rate, ms_time now)
{
    flow(bucket, rate, now);
    bucket->level -= bucket->level < TOKEN ? bucket->level : TOKEN;
}

ms_time ms_bucket_ready_at(const struct ms_bucket *bucket, const struct ms_rate *rate)
{
    return time_of(bucket, rate, TOKEN);
}

ms_time ms_bucket_full_at(const struct ms_bucket *bucket, const struct ms_rate *rate)
{
    return time_of(bucket, rate, size_of(rate));
}
