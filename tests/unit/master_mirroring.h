/* What the tests of the mirror share. */
#ifndef TESTS_UNIT_MASTER_MIRRORING_H
#define TESTS_UNIT_MASTER_MIRRORING_H

#include "master_stream.h"
#include "core/limits.h"
#include "master/mirror.h"

#define REIGN ((ms_epoch)7)
#define PEER  ((ms_peer)3)
#define LAST  ((ms_seq)100) /* of the journal when the reign began */

static struct stream *stream;
static struct ms_mirror *mirror;
static ms_seq last;

static inline void set_up(void)
{
    stream = stream_make();
    mirror = ms_mirror_create(&stream->engine);
    ck_assert_ptr_nonnull(mirror);
    last = LAST;
    ms_mirror_begin(mirror, REIGN, LAST);
    ms_mirror_connect(mirror, PEER);
}

static inline void tear_down(void)
{
    stream_step(stream);
    ms_mirror_destroy(mirror);
    stream_drop(stream);
}

static inline bool pump(void)
{
    const bool is_more = ms_mirror_pump(mirror, true);

    stream_step(stream);
    return is_more;
}

static inline void append_sized(size_t size)
{
    last++;
    stream_put_sized(stream, last, size);
    ck_assert(ms_mirror_append(mirror, last, stream_entries(stream)));
}

static inline void append(void)
{
    append_sized(10);
}

static inline bool follow(ms_epoch reign, uint64_t number)
{
    const struct ms_command command = {.kind = MS_KIND_FOLLOW_LOG, .token = {reign, number}};

    return ms_mirror_hear(mirror, REIGN, &command);
}

static inline bool ack_in(ms_epoch epoch, uint64_t number, ms_seq seq)
{
    const struct ms_command command = {
        .kind = MS_KIND_LOG_ACK, .token = {REIGN, number}, .id.seq = seq};

    return ms_mirror_hear(mirror, epoch, &command);
}

static inline bool ack(uint64_t number, ms_seq seq)
{
    return ack_in(REIGN, number, seq);
}

/* What the store answers to SCAN: entries that were written to the stream, the last of them seq. */
static inline void scanned(ms_seq seq)
{
    const struct ms_command command = {.payload = stream_entries(stream)};

    ms_mirror_scanned(
        mirror, &(struct ms_event){.type = MS_EVENT_SCANNED, .seq = seq, .command = &command});
}

/* The peer follows from the beginning of the reign. */
static inline void stream_from_start(void)
{
    ck_assert(follow(REIGN, 0));
    pump();
    stream_want_sent(stream, MS_KIND_LOG_BEGIN);
}

/* The peer is copied: at the place where the copy begins, and empty. */
static inline void copy_from(uint64_t number)
{
    ck_assert(follow(0, 0));
    pump();
    const struct ms_command *begin = &stream_want_sent(stream, MS_KIND_LOG_BEGIN)->command;

    ck_assert_uint_eq(begin->flags, 1);
    ck_assert_uint_eq(begin->token.n, number);
    ck_assert(ack(number, 0));
    pump();
}

#endif
