/* Steps of two halves of a pair, and what comes of them. */
#ifndef TESTS_UNIT_MASTER_HALVES_STEP_H
#define TESTS_UNIT_MASTER_HALVES_STEP_H

#include "tests/unit/master_halves_disk.h"

/* --- halves --- */

static bool is_older; /* one half's program has no features, so neither sees any of the other one */

static void send_from(int place, const struct ms_effect *effect)
{
    struct ms_command command = effect->command;
    struct ms_pair_frame frame;

    if (is_older && command.kind == MS_KIND_PEER_HELLO) {
        frame = *command.body.pair;
        frame.features = 0;
        command.body.pair = &frame;
    }
    send_on((uint32_t)effect->peer - 1, place, effect->epoch, &command);
}

/* The own store is given up. */
static void note_clear(struct half *half, const struct ms_effect *effect)
{
    if (effect->seq == MS_CLEAR_ADOPT || (effect->seq == MS_CLEAR_ALL && !half->is_beside)) {
        half->clears++;
        half->cleared = *effect;
    }
}

static void dial_other(int place, const struct ms_effect *effect)
{
    if (strcmp(effect->text, OWN_ADDRESS) == 0) {
        self_dials++;
        connect_to_self(place, effect->tag);
    } else if (halves[1 - place].pair != NULL && !is_cut) {
        connect_to(place, 1 - place, effect->tag);
    } else if (!is_cut) {
        push(now + LATENCY, place,
             &(struct ms_event){.type = MS_EVENT_PEER_CLOSED,
                                .tag = effect->tag,
                                .count = 1,
                                .error = MS_E_UNREACHABLE});
    }
}

static void carry_out(int place, const struct ms_effect *effect)
{
    struct half *half = &halves[place];

    switch (effect->type) {
    case MS_EFFECT_CONNECT:
        dial_other(place, effect);
        break;
    case MS_EFFECT_CLOSE:
        end_wire((uint32_t)effect->peer - 1, place);
        break;
    case MS_EFFECT_SEND:
        send_from(place, effect);
        break;
    case MS_EFFECT_PERSIST:
        push(now + LATENCY > stuck_until[place] ? now + LATENCY : stuck_until[place], place,
             &(struct ms_event){
                 .type = MS_EVENT_PERSISTED, .seq = effect->seq, .command = &effect->command});
        break;
    case MS_EFFECT_STORE:
        push(now + record_latency[place], place,
             &(struct ms_event){.type = MS_EVENT_STORED, .command = &effect->command});
        break;
    case MS_EFFECT_REPLAY:
        push(now + LATENCY, place, &(struct ms_event){.type = MS_EVENT_REPLAYED})->is_replay = true;
        break;
    case MS_EFFECT_SCAN:
        push(now + LATENCY, place, &(struct ms_event){.type = MS_EVENT_SCANNED, .seq = effect->seq})
            ->is_scan = true;
        break;
    case MS_EFFECT_CLEAR:
        note_clear(half, effect);
        push(now + LATENCY, place,
             &(struct ms_event){.type = MS_EVENT_CLEARED, .seq = effect->seq});
        break;
    case MS_EFFECT_PAUSE:
        half->is_paused = true;
        break;
    case MS_EFFECT_RESUME:
        half->is_paused = false;
        break;
    case MS_EFFECT_STOPPED:
        half->stops++;
        break;
    case MS_EFFECT_MARK:
    case MS_EFFECT_KEEP:
    case MS_EFFECT_READY:
    case MS_EFFECT_PRODUCE:
        break;
    default:
        ck_abort_msg("effect %d", (int)effect->type);
    }
}

static void step(int place, const struct ms_event *event)
{
    struct ms_engine *engine = ms_pair_engine(halves[place].pair);
    struct ms_effect effect;

    ms_engine_step(engine, now, event);
    while (ms_engine_poll(engine, &effect)) {
        carry_out(place, &effect);
    }
    if (ms_pair_master(halves[place].pair) != NULL) {
        ms_master_check(ms_pair_master(halves[place].pair));
    }
}

static void replay(int place)
{
    struct half *half = &halves[place];

    for (size_t i = 0; i < half->entries_count; i++) {
        const struct ms_command command = {
            .payload = {half->entries[i].bytes, half->entries[i].size}};

        step(place, &(struct ms_event){.type = MS_EVENT_REPLAYED, .command = &command});
    }
    step(place, &(struct ms_event){.type = MS_EVENT_REPLAYED});
}

static void scan(int place, ms_seq above)
{
    const struct half *half = &halves[place];
    struct ms_command command = {0};
    ms_seq seq = above;

    for (size_t i = 0; i < half->entries_count && command.payload.size == 0; i++) {
        if (half->entries[i].seq > above) {
            command.payload = (struct ms_bytes){half->entries[i].bytes, half->entries[i].size};
            seq = half->entries[i].seq;
        }
    }
    step(place, &(struct ms_event){.type = MS_EVENT_SCANNED, .seq = seq, .command = &command});
}

static void happen(struct thing *thing)
{
    struct half *half = thing->place < GUEST ? &halves[thing->place] : NULL;
    const uint32_t slot = (uint32_t)thing->event.peer - 1;

    if (half == NULL) {
        heard[heard_count++] = thing;
        return;
    }
    if (half->pair == NULL || thing->life != half->life) {
        forget(thing);
        return;
    }
    switch (thing->event.type) {
    case MS_EVENT_PERSISTED:
        apply(half, thing->command.payload);
        thing->event.command = NULL;
        break;
    case MS_EVENT_STORED:
        half->record_size = thing->command.payload.size;
        memcpy(half->record, thing->command.payload.data, half->record_size);
        thing->event.command = NULL;
        break;
    case MS_EVENT_CLEARED:
        thing->event.count = !replace(half, (enum ms_clear)thing->event.seq);
        break;
    case MS_EVENT_PEER_CLOSED:
        if (thing->event.peer != MS_PEER_NONE && wires[slot].twin > 0) {
            if (!wires[slot].is_open[0]) {
                forget(thing);
                return;
            }
            wires[slot].is_open[0] = false;
        }
        break;
    case MS_EVENT_RECEIVED:
        if (!wires[slot].is_open[end_of(&wires[slot], thing->place)]) {
            forget(thing);
            return;
        }
        break;
    default:
        break;
    }
    if (thing->is_replay) {
        replay(thing->place);
    } else if (thing->is_scan) {
        scan(thing->place, thing->event.seq);
    } else {
        step(thing->place, &thing->event);
    }
    forget(thing);
}

#endif
