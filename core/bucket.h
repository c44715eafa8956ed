/* A bucket of tokens that fills at a rate: exact, without floating point, however seldom or often it is asked. */
#ifndef CORE_BUCKET_H
#define CORE_BUCKET_H

#include "core/rate.h"
#include "core/types.h"

/* Zeroed: empty since time 0. */
struct ms_bucket {
    uint64_t level; /* in tokens / (MS_RATE_ONE * MS_SEC), as of ... */
    ms_time at;     /* ... this time */
};

/* It is full now. */
void ms_bucket_fill(struct ms_bucket *bucket, const struct ms_rate *rate, ms_time now);

/* What it holds goes on under another rate: no more than its burst. */
void ms_bucket_fit(struct ms_bucket *bucket, const struct ms_rate *former,
                   const struct ms_rate *rate, ms_time now);

/* Takes a token, or what there is of one. now: not before the last call's. */
void ms_bucket_take(struct ms_bucket *bucket, const struct ms_rate *rate, ms_time now);

/* When there is, or was, a whole token: at most now when there is one now. */
ms_time ms_bucket_ready_at(const struct ms_bucket *bucket, const struct ms_rate *rate);

/* When it is, or was, full. */
ms_time ms_bucket_full_at(const struct ms_bucket *bucket, const struct ms_rate *rate);

#endif
