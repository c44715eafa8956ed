/* The scalars and small values that every part of muster speaks in. */
#ifndef CORE_TYPES_H
#define CORE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Monotonic time in microseconds since an arbitrary origin; it never runs back. Time enters pure
 * code only as an argument. The wall clock is for display and has no type here. */
typedef int64_t ms_time;

#define MS_TIME_NEVER INT64_MAX
#define MS_USEC       ((ms_time)1)
#define MS_MSEC       (1000 * MS_USEC)
#define MS_SEC        (1000 * MS_MSEC)

/* Number of the latest decision about who is active; carried in every frame, 0 = never. */
typedef uint64_t ms_epoch;

/* Position in the journal; 0 = before the first record. */
typedef uint64_t ms_seq;

/* A connection, named by the driver: the low 32 bits are a dense slot number (1 .. MS_PEERS_MAX),
 * fit to index an array; the high 32 bits are a generation, so a stale name is detected. */
typedef uint64_t ms_peer;

#define MS_PEER_NONE ((ms_peer)0)

static inline uint32_t ms_peer_slot(ms_peer peer)
{
    return (uint32_t)peer;
}

/* Type of a work command: MS_TYPE_USER_MIN and above. Smaller numbers are the framework's own. */
typedef uint64_t ms_type;

#define MS_TYPE_USER_MIN ((ms_type)1024)

/* 128 bits that name a client, a slave or a session token. All zero = none. */
struct ms_uuid {
    uint8_t bytes[16];
};

static inline bool ms_uuid_equal(const struct ms_uuid *a, const struct ms_uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static inline bool ms_uuid_is_zero(const struct ms_uuid *uuid)
{
    static const struct ms_uuid zero;

    return ms_uuid_equal(uuid, &zero);
}

/* Name of a command, chosen by its submitter, so that a resubmission is recognised.
 * seq counts from 1 within one client; 0 = none. */
struct ms_id {
    struct ms_uuid client;
    uint64_t seq;
};

/* Fencing token of one attempt: ordered by (epoch, n); n counts from 1 within an epoch. */
struct ms_token {
    ms_epoch epoch;
    uint64_t n;
};

static inline bool ms_token_equal(struct ms_token a, struct ms_token b)
{
    return a.epoch == b.epoch && a.n == b.n;
}

/* Borrowed bytes; data may be NULL only when size is 0. */
struct ms_bytes {
    const uint8_t *data;
    size_t size;
};

static inline struct ms_bytes ms_bytes_of(const char *text)
{
    return (struct ms_bytes){(const uint8_t *)text, strlen(text)};
}

#endif
