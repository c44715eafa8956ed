#include "core/engine.h"

#include <stdlib.h>

#include "core/invariant.h"

bool ms_engine_init(struct ms_engine *engine, const struct ms_engine_ops *ops)
{
    ms_assert(ops != NULL && ops->step != NULL && ops->deadline != NULL);
    *engine = (struct ms_engine){.ops = ops, .now = INT64_MIN};
    engine->effects = calloc(MS_EFFECTS_MAX + 1, sizeof *engine->effects); /* one for PERSIST */
    return engine->effects != NULL;
}

void ms_engine_finish(struct ms_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    free(engine->effects);
    engine->effects = NULL;
}

void ms_engine_step(struct ms_engine *engine, ms_time now, const struct ms_event *event)
{
    ms_assert(engine->count == 0); /* polled dry since the last step */
    ms_assert(now >= engine->now);
    engine->now = now;
    engine->steps++;
    engine->head = 0;
    if (engine->outer != NULL) {
        engine->mark = engine->outer->count;
    }
    engine->ops->step(engine, now, event);
}

void ms_engine_nest(struct ms_engine *engine, struct ms_engine *outer, uint32_t reserve)
{
    ms_assert(engine->count == 0 && (outer == NULL || outer->outer == NULL));
    ms_assert(reserve < MS_EFFECTS_MAX);
    engine->outer = outer;
    engine->reserve = reserve;
}

const struct ms_effect *ms_engine_last_persist(const struct ms_engine *outer)
{
    const struct ms_effect *last = &outer->effects[outer->head + outer->count - 1];

    return outer->count > 0 && last->type == MS_EFFECT_PERSIST ? last : NULL;
}

/* Where its effects go. */
static inline struct ms_engine *queue_of(struct ms_engine *engine)
{
    return engine->outer != NULL ? engine->outer : engine;
}

const struct ms_effect *ms_engine_next(struct ms_engine *engine)
{
    if (engine->count == 0) {
        return NULL;
    }
    engine->count--;
    return &engine->effects[engine->head++];
}

bool ms_engine_poll(struct ms_engine *engine, struct ms_effect *effect_out)
{
    const struct ms_effect *effect = ms_engine_next(engine);

    if (effect == NULL) {
        return false;
    }
    *effect_out = *effect;
    return true;
}

ms_time ms_engine_deadline(const struct ms_engine *engine)
{
    return engine->ops->deadline(engine);
}

void ms_engine_emit(struct ms_engine *engine, const struct ms_effect *effect)
{
    struct ms_engine *queue = queue_of(engine);

    ms_assert(ms_engine_room(engine) > 0 || effect->type == MS_EFFECT_PERSIST);
    ms_assert(queue->head + queue->count <= MS_EFFECTS_MAX);
    queue->effects[queue->head + queue->count++] = *effect;
}

void ms_engine_send(struct ms_engine *engine, ms_peer peer, ms_epoch epoch,
                    const struct ms_command *command)
{
    struct ms_engine *queue = queue_of(engine);
    struct ms_effect *effect;

    ms_assert(ms_engine_room(engine) > 0);
    ms_assert(peer != MS_PEER_NONE);
    effect = &queue->effects[queue->head + queue->count++];
    effect->type = MS_EFFECT_SEND;
    effect->peer = peer;
    effect->epoch = epoch;
    effect->command = *command;
}

/* Nearly every step ends with one: what stood in its place is not cleared, but for what names a command. */
void ms_engine_persist(struct ms_engine *engine, ms_seq seq, struct ms_bytes entries)
{
    struct ms_engine *queue = queue_of(engine);
    struct ms_effect *effect = &queue->effects[queue->head + queue->count++];

    ms_assert(queue->head + queue->count <= MS_EFFECTS_MAX + 1);
    ms_assert(entries.size > 0);
    effect->type = MS_EFFECT_PERSIST;
    effect->peer = MS_PEER_NONE;
    effect->seq = seq;
    effect->command.kind = MS_KIND_NONE;
    effect->command.id = (struct ms_id){0};
    effect->command.token = (struct ms_token){0};
    effect->command.payload = entries;
}

void ms_engine_withdraw(struct ms_engine *engine)
{
    if (engine->outer != NULL) {
        engine->outer->count = engine->mark;
    } else {
        engine->head = 0;
        engine->count = 0;
    }
}

uint32_t ms_engine_room(const struct ms_engine *engine)
{
    const struct ms_engine *queue = engine->outer != NULL ? engine->outer : engine;
    const uint32_t used = queue->head + queue->count + engine->reserve;

    return used < MS_EFFECTS_MAX ? MS_EFFECTS_MAX - used : 0;
}

uint64_t ms_engine_steps(const struct ms_engine *engine)
{
    return engine->steps;
}
