/* What the tests of the follower share. */
#ifndef TESTS_UNIT_MASTER_FOLLOWING_H
#define TESTS_UNIT_MASTER_FOLLOWING_H

#include "master_stream.h"
#include "core/limits.h"
#include "master/follower.h"

#define REIGN ((ms_epoch)7)
#define EPOCH ((ms_epoch)9)
#define PEER  ((ms_peer)3)

static struct stream *stream;
static struct ms_follower *follower;
static uint64_t copied; /* digest of the copy */

static inline void set_up(void)
{
    stream = stream_make();
    follower = ms_follower_create(&stream->engine);
    ck_assert_ptr_nonnull(follower);
}

static inline void tear_down(void)
{
    stream_step(stream);
    ms_follower_destroy(follower);
    stream_drop(stream);
}

static inline bool hear(const struct ms_command *command)
{
    const bool is_sound = ms_follower_hear(follower, EPOCH, command);

    stream_step(stream);
    return is_sound;
}

static inline bool begin(uint64_t number, ms_seq seq, uint8_t flags)
{
    return hear(&(struct ms_command){
        .kind = MS_KIND_LOG_BEGIN, .token = {REIGN, number}, .id.seq = seq, .flags = flags});
}

/* A LOG of what was written to the stream. */
static inline bool log_of(uint64_t number, ms_seq seq)
{
    return hear(&(struct ms_command){.kind = MS_KIND_LOG,
                                     .token = {REIGN, number},
                                     .id.seq = seq,
                                     .flags = 1,
                                     .payload = stream_entries(stream)});
}

/* Live records that were written to the stream, and whether they are taken. */
static inline bool copy_of(void)
{
    const struct ms_bytes entries = stream_entries(stream);
    const struct ms_command command = {.kind = MS_KIND_LOG_COPY, .payload = entries};
    const bool is_sound = hear(&command);

    copied = is_sound ? ms_record_digest(copied, entries) : copied;
    return is_sound;
}

static inline bool copy_ends(uint64_t number, ms_seq seq)
{
    return hear(&(struct ms_command){.kind = MS_KIND_LOG_COPY,
                                     .flags = 1,
                                     .token = {REIGN, number},
                                     .id.seq = seq,
                                     .count = copied});
}

/* What the store answers to SCAN: entries that were written to the stream, the last of them seq. */
static inline void scanned(ms_seq seq)
{
    const struct ms_command command = {.payload = stream_entries(stream)};

    ms_follower_scanned(
        follower, &(struct ms_event){.type = MS_EVENT_SCANNED, .seq = seq, .command = &command});
    stream_step(stream);
}

static inline void want_scan(ms_seq above)
{
    ck_assert(!ms_follower_read(follower));
    stream_step(stream);
    ck_assert_uint_eq(stream_want(stream, MS_EFFECT_SCAN, MS_KIND_NONE)->seq, above);
    stream_want_nothing(stream);
    ck_assert(ms_follower_is_reading(follower));
}

/* It may look into its store first, which is empty. */
static inline const struct ms_effect *follow_on(ms_peer peer, uint64_t divergent)
{
    ms_follower_follow(follower, peer, EPOCH, divergent);
    stream_step(stream);
    if (stream->count == 0) {
        want_scan(0);
        scanned(0);
    }
    return stream_want_sent(stream, MS_KIND_FOLLOW_LOG);
}

static inline void follow(uint64_t divergent)
{
    (void)follow_on(PEER, divergent);
}

static inline void persisted(ms_seq seq)
{
    ms_follower_persisted(follower, seq);
    stream_step(stream);
}

static inline void want_ack(uint64_t number, ms_seq seq)
{
    const struct ms_effect *ack = stream_want_sent(stream, MS_KIND_LOG_ACK);

    ck_assert_uint_eq(ack->peer, PEER);
    ck_assert_uint_eq(ack->epoch, EPOCH);
    ck_assert_uint_eq(ack->command.token.epoch, REIGN);
    ck_assert_uint_eq(ack->command.token.n, number);
    ck_assert_uint_eq(ack->command.id.seq, seq);
}

/* In the stream from the beginning of the reign, after a HANDOVER with that record. */
static inline void join(ms_seq seq)
{
    ms_follower_place(follower, REIGN, 0);
    follow(0);
    ck_assert(begin(0, seq, 0));
    want_ack(0, seq); /* what was its own is durable */
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_COMPLETE);
}

/* Empty, and a copy that began at that place will come. */
static inline void begin_copy(uint64_t number, ms_seq seq)
{
    follow(0);
    ck_assert(begin(number, seq, 1));
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_INCOMPLETE);
    ms_follower_go_on(follower);
    stream_step(stream);
    stream_want(stream, MS_EFFECT_CLEAR, MS_KIND_NONE);
    ms_follower_cleared(follower, false);
    stream_step(stream);
    want_ack(number, 0);
    copied = 0;
}

#endif
