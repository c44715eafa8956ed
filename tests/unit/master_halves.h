/* Two halves of a pair in one process: time passes, processes start and die. */
#ifndef TESTS_UNIT_MASTER_HALVES_H
#define TESTS_UNIT_MASTER_HALVES_H

#include "tests/unit/master_halves_step.h"

static ms_time deadline_of(int place)
{
    return halves[place].pair == NULL || halves[place].stops > 0
               ? MS_TIME_NEVER
               : ms_engine_deadline(ms_pair_engine(halves[place].pair));
}

/* Lets so much time pass. */
static void pass(ms_time span)
{
    const ms_time end = now + span;

    for (;;) {
        size_t first = SIZE_MAX;
        int due = 0;
        ms_time at = deadline_of(0);

        if (deadline_of(1) < at) {
            due = 1;
            at = deadline_of(1);
        }
        for (size_t i = 0; i < things_count; i++) {
            if (things[i]->at < at || (things[i]->at == at && first == SIZE_MAX) ||
                (first != SIZE_MAX && things[i]->at == at &&
                 things[i]->order < things[first]->order)) {
                at = things[i]->at;
                first = i;
            }
        }
        if (at > end) {
            now = end;
            return;
        }
        now = at > now ? at : now;
        if (first == SIZE_MAX) {
            step(due, &(struct ms_event){.type = MS_EVENT_TICK});
            continue;
        }
        struct thing *thing = things[first];

        memmove(&things[first], &things[first + 1], (--things_count - first) * sizeof things[0]);
        happen(thing);
    }
}

static void start_with(int place, struct ms_council_record *record, bool is_bootstrap)
{
    struct half *half = &halves[place];
    const struct ms_pair_config config = {
        .master = {.name = place == 0 ? "a" : "b", .build = "test", .crashes_max = 3, .seed = 7},
        .council = {.record = *record,
                    .failover = failover_of_all,
                    .is_bootstrap = is_bootstrap,
                    .cluster_new = {{1, 2, 3}},
                    .incarnation_new = {{0xd, (uint8_t)place}},
                    .seed = (uint64_t)place + 1},
        .peer = peers_of_all,
    };

    half->life++;
    half->stops = 0;
    half->is_paused = false;
    half->pair = ms_pair_create(&config);
    ck_assert_ptr_nonnull(half->pair);
    step(place, &(struct ms_event){.type = MS_EVENT_TICK});
}

static void kill_half(int place)
{
    for (uint32_t i = 0; i < wires_count; i++) {
        if ((wires[i].ends[0] == place || wires[i].ends[1] == place) &&
            wires[i].is_open[end_of(&wires[i], place)]) {
            end_wire(i, place);
        }
    }
    ms_pair_destroy(halves[place].pair);
    halves[place].pair = NULL;
    halves[place].life++;
    if (halves[place].is_beside) {
        revert(&halves[place]);
    }
}

static struct ms_pair_stats stats_of(int place)
{
    struct ms_pair_stats stats;

    ms_pair_stats(halves[place].pair, &stats);
    return stats;
}

/* What a half that has never run is started with. */
static struct ms_council_record first_record(int place)
{
    return (struct ms_council_record){
        .incarnation = {{(uint8_t)(0xa0 + place)}},
        .place = (uint8_t)place,
        .lead = MS_MASTERS,
        .is_fresh = true,
    };
}

/* Before each test: two halves that are down, with empty stores, and a network without connections. */
static void begin_world(void)
{
    now = 1000 * MS_SEC;
    wires_count = 0;
    heard_count = 0;
    is_cut = is_deaf = is_dialling_apart = is_older = false;
    failover_of_all = MS_FAILOVER_QUORUM;
    peers_of_all = OTHER_ADDRESS;
    self_dials = 0;
    for (int i = 0; i < 2; i++) {
        halves[i] = (struct half){0};
        stuck_until[i] = 0;
        record_latency[i] = LATENCY;
    }
}

/* After each test: nothing is left of them. */
static void end_world(void)
{
    for (int i = 0; i < 2; i++) {
        if (halves[i].pair != NULL) {
            kill_half(i);
        }
        clear(&halves[i]);
        free(halves[i].entries);
        halves[i].entries = NULL;
    }
    while (things_count > 0) {
        forget(things[--things_count]);
    }
    while (heard_count > 0) {
        forget(heard[--heard_count]);
    }
}

#endif
