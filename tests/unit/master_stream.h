/* What the tests of the mirror and of the follower share: an engine whose effects are kept, and batches of entries. */
#ifndef TESTS_UNIT_MASTER_STREAM_H
#define TESTS_UNIT_MASTER_STREAM_H

#include <check.h>
#include <stdlib.h>

#include "core/engine.h"
#include "proto/record.h"

#define EFFECTS_MAX 4096

struct stream {
    struct ms_engine engine;
    struct ms_effect effects[EFFECTS_MAX]; /* of the last step, payloads copied */
    size_t count, taken;
    uint8_t *entries; /* that are being written */
    size_t size, capacity;
};

static inline void stream_idle(struct ms_engine *engine, ms_time now, const struct ms_event *event)
{
    (void)engine, (void)now, (void)event;
}

static inline ms_time stream_never(const struct ms_engine *engine)
{
    (void)engine;
    return MS_TIME_NEVER;
}

static inline void stream_forget(struct stream *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free((void *)(uintptr_t)s->effects[i].command.payload.data);
    }
    s->count = s->taken = 0;
}

/* Ends the step: its effects are kept, in place of those of the step before, and the next begins. */
static inline void stream_step(struct stream *s)
{
    struct ms_effect effect;

    stream_forget(s);
    while (ms_engine_poll(&s->engine, &effect)) {
        struct ms_bytes *payload = &effect.command.payload;
        uint8_t *copy = malloc(payload->size + 1);

        ck_assert_uint_lt(s->count, EFFECTS_MAX);
        ck_assert_ptr_nonnull(copy);
        if (payload->size > 0) {
            memcpy(copy, payload->data, payload->size);
        }
        payload->data = copy;
        s->effects[s->count++] = effect;
    }
    ms_engine_step(&s->engine, 0, &(struct ms_event){.type = MS_EVENT_TICK});
}

static inline struct stream *stream_make(void)
{
    static const struct ms_engine_ops ops = {
        .name = "stream", .step = stream_idle, .deadline = stream_never};
    struct stream *s = calloc(1, sizeof *s);

    ck_assert_ptr_nonnull(s);
    ck_assert(ms_engine_init(&s->engine, &ops));
    stream_step(s);
    return s;
}

static inline void stream_drop(struct stream *s)
{
    stream_step(s);
    stream_forget(s);
    ms_engine_finish(&s->engine);
    free(s->entries);
    free(s);
}

/* The next effect of the last step, which is of that type; a SEND is of that kind. */
static inline const struct ms_effect *stream_want(struct stream *s, enum ms_effect_type type,
                                                  enum ms_kind kind)
{
    ck_assert_uint_lt(s->taken, s->count);
    const struct ms_effect *effect = &s->effects[s->taken++];

    ck_assert_int_eq(effect->type, type);
    ck_assert_str_eq(ms_kind_name(effect->command.kind), ms_kind_name(kind));
    return effect;
}

static inline const struct ms_effect *stream_want_sent(struct stream *s, enum ms_kind kind)
{
    return stream_want(s, MS_EFFECT_SEND, kind);
}

static inline void stream_want_nothing(const struct stream *s)
{
    ck_assert_uint_eq(s->taken, s->count);
}

static inline uint8_t *stream_room(struct stream *s, size_t size)
{
    if (s->capacity - s->size < size) {
        s->capacity = s->size + size * 2;
        s->entries = realloc(s->entries, s->capacity);
        ck_assert_ptr_nonnull(s->entries);
    }
    return s->entries + s->size;
}

static inline void stream_put_sized(struct stream *s, ms_seq seq, size_t size)
{
    uint8_t *payload = calloc(1, size + 1);
    const struct ms_record record = {
        .kind = MS_RECORD_SUBMIT, .type = 2000, .id.seq = seq, .payload = {payload, size}};
    uint8_t *at = stream_room(s, ms_record_size_max(&record));

    s->size += (size_t)(ms_record_write(at, seq, &record) - at);
    free(payload);
}

static inline void stream_put(struct stream *s, ms_seq seq)
{
    stream_put_sized(s, seq, 10);
}

static inline void stream_put_epoch(struct stream *s, ms_seq seq, ms_epoch epoch)
{
    const struct ms_record record = {.kind = MS_RECORD_EPOCH, .token = {epoch, 0}};
    uint8_t *at = stream_room(s, ms_record_size_max(&record));

    s->size += (size_t)(ms_record_write(at, seq, &record) - at);
}

static inline void stream_erase(struct stream *s, ms_seq seq)
{
    uint8_t *at = stream_room(s, MS_RECORD_HEADER_SIZE);

    s->size += (size_t)(ms_record_write_erase(at, seq) - at);
}

/* What was written since, until the next is begun. */
static inline struct ms_bytes stream_entries(struct stream *s)
{
    const struct ms_bytes bytes = {s->entries, s->size};

    s->size = 0;
    return bytes;
}

#define STREAM_MAIN(suite)                                                                         \
    int main(void)                                                                                 \
    {                                                                                              \
        SRunner *runner = srunner_create(suite());                                                 \
        int failed;                                                                                \
                                                                                                   \
        srunner_run_all(runner, CK_ENV);                                                           \
        failed = srunner_ntests_failed(runner);                                                    \
        srunner_free(runner);                                                                      \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;                                          \
    }

#endif
