#include "slave/witness.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "core/uri.h"
#include "core/list.h"
#include "core/text.h"
#include "slave/witness_private.h"

#define HALF_OPEN 3 /* times that after which a master is silent: the connection is dead */

static struct ms_witness *witness_of(struct ms_engine *engine)
{
    return ms_container_of(engine, struct ms_witness, engine);
}

static struct ms_pair_frame *next_frame(struct ms_witness *witness,
                                        const struct ms_decision *decision)
{
    struct ms_pair_frame *frame = &witness->frames[witness->frames_count++];
    const uint8_t active = witness->voter.accepted.active;
    const ms_time active_at = witness->masters[active].active_at;

    *frame = (struct ms_pair_frame){
        .role = MS_ROLE_WITNESS,
        .version_min = MS_PROTOCOL_MIN,
        .version_max = MS_PROTOCOL_MAX,
        .cluster = witness->voter.cluster,
        .id = witness->id,
        .promised = witness->voter.promised,
        .served = witness->decided,
        .decision = decision != NULL ? *decision : witness->voter.accepted,
        .hears_active = active_at == INT64_MIN ? MS_TIME_NEVER : witness->engine.now - active_at,
    };
    memcpy(frame->known, witness->known, sizeof frame->known);
    memcpy(frame->name, witness->name, sizeof frame->name);
    memcpy(frame->build, witness->build, sizeof frame->build);
    return frame;
}

void ms_witness_say(struct ms_witness *witness, const struct ms_witness_link *link,
                    const struct ms_command *command, const struct ms_decision *decision)
{
    struct ms_command whole = *command;

    if (witness->frames_count == MS_WITNESS_FRAMES_MAX) {
        return; /* as if it were lost on its way */
    }
    whole.body.pair = next_frame(witness, decision);
    ms_engine_send(&witness->engine, link->peer, witness->voter.promised, &whole);
}

/* --- connections --- */

static struct ms_witness_link *find(struct ms_witness *witness, ms_peer peer)
{
    for (uint32_t i = 0; i < witness->links_count && peer != MS_PEER_NONE; i++) {
        if (witness->links[i].peer == peer) {
            return &witness->links[i];
        }
    }
    return NULL;
}

static void dial_later(struct ms_witness *witness, ms_time now, struct ms_witness_link *link)
{
    link->state = MS_WITNESS_IDLE;
    link->peer = MS_PEER_NONE;
    link->tag = 0;
    link->question.is_waiting = false;
    link->due = now + ms_rng_backoff(&witness->rng, &link->backoff, MS_PAIR_DIAL_BACKOFF_MAX);
}

static void dial(struct ms_witness *witness, ms_time now, struct ms_witness_link *link)
{
    witness->tags_count = witness->tags_count == UINT32_MAX ? 1 : witness->tags_count + 1;
    link->tag = witness->tags_count;
    link->state = MS_WITNESS_DIALLING;
    link->due = now + MS_RESPONSE_TIMEOUT;
    ms_engine_emit(
        &witness->engine,
        &(struct ms_effect){.type = MS_EFFECT_CONNECT, .tag = link->tag, .text = link->address});
}

static void give_up(struct ms_witness *witness, ms_time now, struct ms_witness_link *link)
{
    if (link->peer != MS_PEER_NONE) {
        ms_engine_emit(&witness->engine,
                       &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = link->peer});
    }
    dial_later(witness, now, link);
}

static void tick_link(struct ms_witness *witness, ms_time now, struct ms_witness_link *link)
{
    switch (link->state) {
    case MS_WITNESS_IDLE:
        if (now >= link->due) {
            dial(witness, now, link);
        }
        break;
    case MS_WITNESS_DIALLING:
    case MS_WITNESS_GREETING:
        if (now >= link->due) {
            give_up(witness, now, link);
        }
        break;
    case MS_WITNESS_UP:
        if (now >= link->heard_at + HALF_OPEN * witness->silent) { /* it is half open */
            give_up(witness, now, link);
            break;
        }
        ms_witness_reconsider(witness, now, link);
        if (now >= link->beat_at) {
            link->beat_at = now + witness->beat;
            ms_witness_say(
                witness, link,
                &(struct ms_command){.kind = MS_KIND_PEER_BEAT, .count = ++witness->beats_count},
                NULL);
        }
        break;
    }
}

static ms_time due_of(const struct ms_witness *witness, const struct ms_witness_link *link)
{
    ms_time due = link->heard_at + HALF_OPEN * witness->silent;

    if (link->state != MS_WITNESS_UP) {
        return link->due;
    }
    due = link->beat_at < due ? link->beat_at : due;
    return link->question.is_waiting && link->question.until < due ? link->question.until : due;
}

static void opened(struct ms_witness *witness, ms_time now, const struct ms_event *event)
{
    for (uint32_t i = 0; i < witness->links_count; i++) {
        struct ms_witness_link *link = &witness->links[i];

        if (link->state == MS_WITNESS_DIALLING && link->tag == event->tag) {
            link->state = MS_WITNESS_GREETING;
            link->peer = event->peer;
            link->due = now + MS_RESPONSE_TIMEOUT;
            ms_witness_say(witness, link, &(struct ms_command){.kind = MS_KIND_PEER_HELLO}, NULL);
            return;
        }
    }
    ms_engine_emit(&witness->engine,
                   &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = event->peer});
}

static bool is_up(const struct ms_witness *witness, uint8_t place)
{
    for (uint32_t i = 0; i < witness->links_count; i++) {
        if (witness->links[i].state == MS_WITNESS_UP && witness->links[i].place == place) {
            return true;
        }
    }
    return false;
}

/* Where a machine answers and nobody listens, or somebody who has just died, there is no master. Which one that was is known
 * only of an address at which one has greeted, and it may be met at another one. */
static void refused(struct ms_witness *witness, const struct ms_witness_link *link)
{
    if (link->place < MS_MASTERS && !is_up(witness, link->place)) {
        witness->masters[link->place].is_dead = true;
    }
}

/* A connection ends, or a dial fails. */
static void closed(struct ms_witness *witness, ms_time now, const struct ms_event *event)
{
    struct ms_witness_link *link = find(witness, event->peer);
    bool was_up;

    for (uint32_t i = 0; link == NULL && event->tag != 0 && i < witness->links_count; i++) {
        if (witness->links[i].tag == event->tag && witness->links[i].state == MS_WITNESS_DIALLING) {
            link = &witness->links[i];
        }
    }
    if (link == NULL) {
        return;
    }
    was_up = link->state == MS_WITNESS_UP;
    if (was_up) {
        link->backoff = MS_RECONNECT_MIN;
    } else if ((link->state == MS_WITNESS_DIALLING && event->count == 1) ||
               link->state == MS_WITNESS_GREETING) {
        refused(witness, link);
    }
    dial_later(witness, now, link);
    if (was_up) {
        link->due = now; /* somebody may soon ask whether it is dead */
    }
}

/* The master of that place is here now: an address at which it was met before, and is not any more, says nothing of it. */
static void settle(struct ms_witness *witness, struct ms_witness_link *link, uint8_t place)
{
    for (uint32_t i = 0; i < witness->links_count; i++) {
        struct ms_witness_link *other = &witness->links[i];

        if (other->place == place && other->state != MS_WITNESS_UP) {
            other->place = MS_MASTERS;
        }
    }
    link->place = place;
}

static void greeted(struct ms_witness *witness, ms_time now, struct ms_witness_link *link,
                    const struct ms_command *command)
{
    const struct ms_pair_frame *hello = command->body.pair;

    if (command->kind != MS_KIND_PEER_HELLO || hello->role != MS_ROLE_MASTER ||
        hello->version_min > MS_PROTOCOL_MAX || hello->version_max < MS_PROTOCOL_MIN ||
        (!ms_uuid_is_zero(&witness->voter.cluster) && !ms_uuid_is_zero(&hello->cluster) &&
         !ms_uuid_equal(&witness->voter.cluster, &hello->cluster))) {
        ms_trace(&witness->engine.trace, MS_LEVEL_WARN, "not a master of our pair", "address=%s",
                 link->address);
        give_up(witness, now, link);
        return;
    }
    if (!ms_witness_knows(witness, hello)) {
        ms_trace(&witness->engine.trace, MS_LEVEL_WARN,
                 "a master came with an old copy of its directory", "address=%s place=%u",
                 link->address, hello->node);
        give_up(witness, now, link);
        return;
    }
    ms_trace(&witness->engine.trace, MS_LEVEL_INFO, "witness", "master=%s place=%u promised=%llu",
             hello->name, hello->node, (unsigned long long)witness->voter.promised);
    if (hello->settings.beat > 0 && hello->settings.silent > 0) { /* it is patient as they are */
        witness->beat = hello->settings.beat;
        witness->silent = hello->settings.silent;
    }
    settle(witness, link, hello->node);
    link->state = MS_WITNESS_UP;
    link->heard_at = now;
    link->beat_at = now;
    link->backoff = MS_RECONNECT_MIN;
    witness->masters[link->place].is_dead = false;
}

static void received(struct ms_witness *witness, ms_time now, const struct ms_event *event)
{
    struct ms_witness_link *link = find(witness, event->peer);

    if (link == NULL) {
        return;
    }
    if (event->command->kind < MS_KIND_PEER_HELLO) { /* ERROR, mostly: a master without a pair */
        give_up(witness, now, link);
    } else if (link->state == MS_WITNESS_GREETING) {
        greeted(witness, now, link, event->command);
    } else if (link->state == MS_WITNESS_UP &&
               !ms_witness_knows(witness, event->command->body.pair)) {
        give_up(witness, now, link);
    } else if (link->state == MS_WITNESS_UP) {
        ms_witness_hear(witness, now, link, event->command);
    }
}

/* --- the engine --- */

void ms_witness_end(struct ms_witness *witness, enum ms_error error)
{
    if (witness->life == MS_WITNESS_OVER) {
        return;
    }
    witness->life = MS_WITNESS_OVER;
    for (uint32_t i = 0; i < witness->links_count; i++) {
        if (witness->links[i].peer != MS_PEER_NONE) {
            ms_engine_emit(&witness->engine, &(struct ms_effect){.type = MS_EFFECT_CLOSE,
                                                                 .peer = witness->links[i].peer});
        }
        witness->links[i].state = MS_WITNESS_IDLE;
        witness->links[i].peer = MS_PEER_NONE;
        witness->links[i].tag = 0;
    }
    ms_engine_emit(&witness->engine,
                   &(struct ms_effect){.type = MS_EFFECT_STOPPED, .error = error});
}

static void hear(struct ms_witness *witness, ms_time now, const struct ms_event *event)
{
    switch (event->type) {
    case MS_EVENT_PEER_OPENED:
        opened(witness, now, event);
        break;
    case MS_EVENT_PEER_CLOSED:
        closed(witness, now, event);
        break;
    case MS_EVENT_RECEIVED:
        received(witness, now, event);
        break;
    case MS_EVENT_STORED:
        ms_witness_stored(witness, event);
        break;
    case MS_EVENT_STOP:
        ms_witness_end(witness, MS_E_OK);
        break;
    default:
        break;
    }
}

static void step(struct ms_engine *engine, ms_time now, const struct ms_event *event)
{
    struct ms_witness *witness = witness_of(engine);

    witness->frames_count = 0;
    if (witness->life == MS_WITNESS_NEW) {
        witness->life = MS_WITNESS_AT_WORK;
        for (uint32_t i = 0; i < witness->links_count; i++) {
            witness->links[i].due = now;
        }
    }
    hear(witness, now, event);
    for (uint32_t i = 0; i < witness->links_count && witness->life != MS_WITNESS_OVER; i++) {
        tick_link(witness, now, &witness->links[i]);
    }
}

static ms_time deadline(const struct ms_engine *engine)
{
    const struct ms_witness *witness = (const struct ms_witness *)(const void *)engine;
    ms_time at = MS_TIME_NEVER;

    if (witness->life == MS_WITNESS_OVER) {
        return MS_TIME_NEVER;
    }
    if (witness->life == MS_WITNESS_NEW) {
        return engine->now;
    }
    for (uint32_t i = 0; i < witness->links_count; i++) {
        const ms_time due = due_of(witness, &witness->links[i]);

        at = due < at ? due : at;
    }
    return at;
}

static const struct ms_engine_ops ops = {.name = "witness", .step = step, .deadline = deadline};

static void read_addresses(struct ms_witness *witness, const char *list)
{
    char addresses[MS_ADDRESSES_MAX][MS_ADDRESS_MAX + 1];

    witness->links_count = ms_addresses_split(list, addresses);
    for (uint32_t i = 0; i < witness->links_count; i++) {
        struct ms_witness_link *link = &witness->links[i];

        memcpy(link->address, addresses[i], sizeof link->address);
        link->backoff = MS_RECONNECT_MIN;
        link->place = MS_MASTERS;
    }
}

struct ms_witness *ms_witness_create(const struct ms_witness_config *config)
{
    struct ms_witness *witness = calloc(1, sizeof *witness);

    ms_assert(!ms_uuid_is_zero(&config->id));
    if (witness == NULL || !ms_engine_init(&witness->engine, &ops)) {
        free(witness);
        return NULL;
    }
    witness->id = config->id;
    witness->voter = config->voter;
    memcpy(witness->known, config->known, sizeof witness->known);
    witness->beat = config->beat > 0 ? config->beat : MS_PEER_BEAT_DEFAULT;
    witness->silent = config->silent > 0 ? config->silent : MS_PEER_SILENT_DEFAULT;
    for (uint32_t i = 0; i < MS_MASTERS; i++) {
        witness->masters[i].active_at = INT64_MIN;
    }
    ms_text_copy_name(witness->name, config->name);
    ms_text_copy_name(witness->build, config->build);
    ms_rng_init(&witness->rng, config->seed);
    read_addresses(witness, config->masters);
    return witness;
}

void ms_witness_destroy(struct ms_witness *witness)
{
    if (witness != NULL) {
        ms_engine_finish(&witness->engine);
        free(witness);
    }
}

struct ms_engine *ms_witness_engine(struct ms_witness *witness)
{
    return &witness->engine;
}

const struct ms_voter *ms_witness_voter(const struct ms_witness *witness)
{
    return &witness->voter;
}

void ms_witness_stats(const struct ms_witness *witness, struct ms_witness_stats *stats_out)
{
    *stats_out = (struct ms_witness_stats){
        .promised = witness->voter.promised,
        .votes_total = witness->votes_total,
        .refusals_total = witness->refusals_total,
        .has_cluster = !ms_uuid_is_zero(&witness->voter.cluster),
    };
    for (uint32_t i = 0; i < witness->links_count; i++) {
        stats_out->masters_connected += witness->links[i].state == MS_WITNESS_UP;
    }
}
