/* One seed: a time in which anything may fail, then one in which all is well and the pair must be whole again. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "master/council_table.h"
#include "tests/council/parts.h"

#define STORM_MAX   (12 * MS_SEC)
#define WHOLE_AFTER (3 * MS_PEER_SILENT_DEFAULT + 10 * MS_SEC) /* L1 */
#define WORK_PAUSE  (150 * MS_MSEC)
#define PLAN_MAX    (10 * MS_SEC) /* takes so long; then there are accidents as in other seeds */
#define PLAN_ONE_IN 16            /* seeds that have one */
#define PLAN_REST   8             /* and those of them that take over by evidence have none */
#define ROWS_ONE_IN 32            /* seeds that have one for rows of the council's table; */
#define ROWS_REST   20            /* those where nobody goes on without votes */

uint64_t hall_stats[HALL_STATS];
struct council_rows hall_rows;
bool hall_keeps_identity, hall_is_storm_only;

void hall_say(const struct hall *hall, const char *format, ...)
{
    va_list arguments;

    if (hall->is_loud) {
        va_start(arguments, format);
        printf("%10.6f ", (double)hall->now / MS_SEC);
        vprintf(format, arguments);
        putchar('\n');
        va_end(arguments);
    }
}

_Noreturn void hall_fail(const struct hall *hall, const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fprintf(stderr, "ms-council-sim: seed %llu at %.6f s: ", (unsigned long long)hall->seed,
            (double)hall->now / MS_SEC);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

ms_time hall_between(struct hall *hall, ms_time low, ms_time high)
{
    return ms_rng_between(&hall->rng, low, high > low ? high : low);
}

bool hall_chance(struct hall *hall, uint32_t one_in)
{
    return ms_rng_below(&hall->rng, one_in) == 0;
}

/* --- events --- */

static bool is_before(const struct hall_event *a, const struct hall_event *b)
{
    return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

void hall_push(struct hall *hall, const struct hall_event *event)
{
    uint32_t at = hall->events_count++;
    struct hall_event entered = *event;

    if (hall->events_count > HALL_EVENTS) {
        hall_fail(hall, "too many events");
    }
    entered.seq = hall->seq++;
    while (at > 0 && is_before(&entered, &hall->events[(at - 1) / 2])) {
        hall->events[at] = hall->events[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    hall->events[at] = entered;
}

static struct hall_event pop(struct hall *hall)
{
    const struct hall_event first = hall->events[0];
    const struct hall_event last = hall->events[--hall->events_count];
    uint32_t at = 0;

    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= hall->events_count) {
            break;
        }
        if (child + 1 < hall->events_count &&
            is_before(&hall->events[child + 1], &hall->events[child])) {
            child++;
        }
        if (!is_before(&hall->events[child], &last)) {
            break;
        }
        hall->events[at] = hall->events[child];
        at = child;
    }
    hall->events[at] = last;
    return first;
}

static ms_time stalled_until(const struct hall *hall, uint8_t node)
{
    return node < MS_MASTERS ? hall->masters[node].stalled_until
                             : hall->witnesses[node - MS_MASTERS].stalled_until;
}

static void tick(struct hall *hall, const struct hall_event *event)
{
    struct hall_master *self = &hall->masters[event->node];

    if (self->council == NULL || self->life != event->life) {
        return;
    }
    if (hall->now >= ms_council_deadline(self->council)) {
        const bool was_passive = self->reign == HALL_NO_REIGN && !self->is_writing;

        self->tick_at = MS_TIME_NEVER;
        ms_council_tick(self->council, hall->now);
        hall_master_act(hall, event->node);
        hall_observe_tick(hall, (uint8_t)event->node, was_passive);
        hall_log_compare(hall, event->node);
        hall_master_act(hall, event->node);
    }
}

/* Slaves and clients try whoever is there. */
static void ask(struct hall *hall, uint8_t place)
{
    struct hall_master *self = &hall->masters[place];

    if (self->council != NULL && self->reign != HALL_REIGNS && self->stalled_until <= hall->now) {
        ms_council_asked(self->council, hall->now);
        hall_master_act(hall, place);
    }
}

static void work(struct hall *hall)
{
    hall_log_submit(hall, 0);
    hall_log_submit(hall, 1);
    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        ask(hall, place);
        hall_log_compare(hall, place);
        hall_master_act(hall, place);
    }
    hall_push(hall, &(struct hall_event){.at = hall->now +
                                               hall_between(hall, 1 * MS_MSEC, 2 * WORK_PAUSE),
                                         .type = HALL_WORK});
}

static void fault(struct hall *hall)
{
    if (!hall->is_calm) {
        hall_fault(hall);
        hall_push(hall,
                  &(struct hall_event){.at = hall->now + hall_between(hall, hall->faults.pause_min,
                                                                      hall->faults.pause_max),
                                       .type = HALL_FAULT});
    }
}

static void stored(struct hall *hall, const struct hall_event *event)
{
    if (event->node < MS_MASTERS) {
        if (hall->masters[event->node].life == event->life) {
            hall_master_stored(hall, event->node);
        }
    } else if (hall->witnesses[event->node - MS_MASTERS].life == event->life) {
        hall_witness_stored(hall, event->node);
    }
}

static void start(struct hall *hall, uint8_t node)
{
    if (node < MS_MASTERS) {
        hall_master_start(hall, node);
    } else {
        hall_witness_start(hall, node);
    }
}

static void happen(struct hall *hall, const struct hall_event *event)
{
    switch (event->type) {
    case HALL_TICK:
        tick(hall, event);
        break;
    case HALL_NOTE:
        hall_arrive(hall, event);
        break;
    case HALL_STORED:
        stored(hall, event);
        break;
    case HALL_CLOSED:
        hall_closed(hall, event);
        break;
    case HALL_DIAL:
        if (hall_is_up(hall, event->node)) {
            hall_dial(hall, event->node, event->other);
        }
        break;
    case HALL_START:
        if (event->node != hall->killed) {
            start(hall, event->node);
        }
        break;
    case HALL_FAULT:
        fault(hall);
        break;
    case HALL_HEAL:
        hall_heal(hall, event->node, event->other);
        break;
    case HALL_SPLIT:
        hall_split(hall);
        break;
    case HALL_LOSE:
        hall_lose(hall, event->node);
        break;
    case HALL_WORK:
        work(hall);
        break;
    case HALL_COPY:
        hall_copy(hall);
        break;
    case HALL_PLAN:
        break; /* it is looked at after each step */
    }
}

static bool is_of_process(enum hall_event_type type)
{
    return type == HALL_TICK || type == HALL_NOTE || type == HALL_STORED || type == HALL_CLOSED ||
           type == HALL_DIAL;
}

static void step(struct hall *hall)
{
    struct hall_event event = pop(hall);

    hall->now = event.at > hall->now ? event.at : hall->now;
    if (is_of_process(event.type) && stalled_until(hall, event.node) > hall->now) {
        event.at = stalled_until(hall, event.node);
        hall_push(hall, &event);
        return;
    }
    hall->steps++;
    hall->digest = (hall->digest ^ (uint64_t)hall->now ^ ((uint64_t)event.type << 48) ^
                    ((uint64_t)event.node << 56)) *
                   1099511628211ull;
    happen(hall, &event);
    hall_plan_step(hall);
    hall_observe_logs(hall);
}

static void run_until(struct hall *hall, ms_time until)
{
    while (hall->events_count > 0 && hall->events[0].at <= until) {
        step(hall);
    }
    hall->now = until > hall->now ? until : hall->now;
}

/* --- the beginning --- */

static void prepare_pair(struct hall *hall)
{
    struct ms_decision decision = {.epoch = 1, .kind = MS_DECISION_JOIN};

    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        decision.set[place] = hall->masters[place].disk.incarnation;
    }
    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        struct ms_council_record *disk = &hall->masters[place].disk;

        disk->voter = (struct ms_voter){{{0xc}}, 1, decision};
        disk->lead = 0;
        disk->is_fresh = false;
        disk->is_complete = true;
        disk->served = place == 0 ? 1 : 0;
    }
    for (uint32_t i = 0; i < hall->masters[0].disk.witnesses.count; i++) {
        hall->witnesses[i].disk = (struct ms_voter){{{0xc}}, 1, decision};
    }
    hall->observer.epochs[0].epoch = 1;
    hall->observer.epochs[0].cluster = (struct ms_uuid){{0xc}};
    hall->observer.epochs_count = 1;
    hall->observer.newest = 1;
    hall->observer.holder = 0;
}

static void prepare(struct hall *hall)
{
    const bool has_plan = hall->plan.kind != HALL_PLAN_NONE;
    struct ms_witnesses list = {.count = 0};

    hall->witnesses_count = (uint32_t)ms_rng_below(&hall->rng, MS_WITNESSES_MAX + 1);
    const bool is_auto = hall_chance(hall, 6) && !has_plan;
    const bool is_auto_failback = hall_chance(hall, 8) && !has_plan;

    hall_plan_prepare(hall);
    for (uint32_t i = 0; i < hall->plan.enrolled && !is_auto; i++) {
        list.ids[list.count++] = hall_witness_id((uint8_t)(MS_MASTERS + i));
    }
    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        struct hall_master *self = &hall->masters[place];

        self->config = (struct ms_council_config){.record.witnesses = list};
        self->config.is_auto_failback = is_auto_failback;
        self->config.is_auto_enrol = is_auto;
        self->config.failover =
            hall->faults.is_evidence ? MS_FAILOVER_EVIDENCE : MS_FAILOVER_QUORUM;
        self->config.is_degrading = hall->faults.is_degrading;
        self->config.times.failback_delay = 4 * MS_SEC;
        hall_master_blank(hall, place);
        hall_push(hall, &(struct hall_event){.at = hall_between(hall, 0, 300 * MS_MSEC),
                                             .type = HALL_START,
                                             .node = place});
    }
    for (uint32_t i = 0; i < hall->witnesses_count; i++) {
        hall_push(hall, &(struct hall_event){.at = hall_between(hall, 0, 300 * MS_MSEC),
                                             .type = HALL_START,
                                             .node = (uint8_t)(MS_MASTERS + i)});
    }
    if (hall_chance(hall, 4) && !has_plan) {
        hall->masters[0].config.is_bootstrap = true;
        hall->masters[1].config.is_bootstrap = hall_chance(hall, 2);
        for (uint8_t place = 0; place < MS_MASTERS; place++) {
            const bool was_single = (hall->seed >> place) % 8 == 0;

            hall->masters[place].config.epoch_first = was_single ? 1000u + place : 0;
        }
    } else {
        prepare_pair(hall);
    }
}

/* --- the end --- */

static bool is_whole(const struct hall *hall)
{
    uint32_t pairs = 0, followers = 0;

    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        const struct hall_master *self = &hall->masters[place];

        if (self->council == NULL) {
            return false;
        }
        pairs += ms_council_state(self->council) == MS_COUNCIL_PAIR && self->reign == HALL_REIGNS &&
                 ms_decision_is_pair(&self->tenure);
        followers += ms_council_state(self->council) == MS_COUNCIL_SYNC;
    }
    return pairs == 1 && followers == 1;
}

static void calm_down(struct hall *hall)
{
    hall_say(hall, "the storm is over");
    hall->is_calm = true;
    hall->faults.store_max = 3 * MS_MSEC;
    hall->faults.delay_max = 2 * MS_MSEC;
    for (uint8_t a = 0; a < MS_MASTERS + hall->witnesses_count; a++) {
        start(hall, a);
        for (uint8_t b = (uint8_t)(a + 1); b < MS_MASTERS + hall->witnesses_count; b++) {
            if (a < MS_MASTERS) {
                hall_heal(hall, a, b);
            }
        }
    }
}

static void release(struct hall *hall)
{
    struct ms_complaint complaint;

    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        struct ms_council *council = hall->masters[place].council;

        if (council != NULL && ms_council_state(council) != MS_COUNCIL_HALTED) {
            ms_council_order(council, hall->now, MS_ORDER_RELEASE, &complaint);
            hall_master_act(hall, place);
        }
    }
}

static bool wait_whole(struct hall *hall)
{
    const ms_time until = hall->now + WHOLE_AFTER + MS_BOOT_WAIT;

    release(hall);
    while (!is_whole(hall) && hall->now < until) {
        run_until(hall, hall->now + 100 * MS_MSEC);
    }
    return is_whole(hall);
}

/* Disks were lost: an operator says who goes on, if anybody has a log at all. */
static bool call_operator(struct hall *hall)
{
    struct ms_complaint complaint;

    for (uint8_t i = 0; i < MS_MASTERS; i++) {
        const uint8_t place = hall->observer.holder < MS_MASTERS
                                  ? (uint8_t)((hall->observer.holder + i) % MS_MASTERS)
                                  : i;

        if (ms_council_order(hall->masters[place].council, hall->now, MS_ORDER_FORCE, &complaint) ==
            MS_E_OK) {
            hall_stats[HALL_STAT_OPERATOR]++;
            hall_master_act(hall, place);
            return true;
        }
    }
    return false;
}

/* Some may belong to a cluster of which both disks were lost; they would have to be wiped. */
static bool are_witnesses_ours(const struct hall *hall)
{
    for (uint32_t i = 0; i < hall->witnesses_count; i++) {
        const struct ms_uuid *cluster = &hall->witnesses[i].disk.cluster;

        if (!ms_uuid_is_zero(cluster) &&
            !ms_uuid_equal(cluster, &hall->masters[0].disk.voter.cluster)) {
            return false;
        }
    }
    return true;
}

/* L3: one of a whole pair, of which the witnesses know, is killed for good; the other goes on if it may. */
static void kill_one(struct hall *hall)
{
    const uint8_t killed = (uint8_t)ms_rng_below(&hall->rng, MS_MASTERS), left = 1 - killed;
    const struct hall_master *self = &hall->masters[left];
    ms_time until = hall->now + MS_PEER_SILENT_DEFAULT + 2 * MS_VOTE_TIMEOUT + 1 * MS_SEC;

    if (self->reign == HALL_NO_REIGN && !hall->faults.is_evidence &&
        (self->disk.witnesses.count == 0 ||
         (self->disk.is_changing && self->disk.witnesses_next.count == 0))) {
        return;
    }
    hall_stats[HALL_STAT_KILLED]++;
    hall_master_crash(hall, killed);
    hall->killed = killed;
    while (hall->now < until && ms_council_state(self->council) != MS_COUNCIL_SOLO) {
        run_until(hall, hall->now + 50 * MS_MSEC);
    }
    if (ms_council_state(self->council) != MS_COUNCIL_SOLO) {
        hall_fail(hall, "invariant: L3: %u does not go on alone, it is %s", left,
                  ms_council_state_name(ms_council_state(self->council)));
    }
}

static void end_well(struct hall *hall)
{
    if (!wait_whole(hall)) {
        if (hall->observer.wipes > 0 || hall->observer.newest == 0) {
            if (!call_operator(hall)) {
                return;
            }
            if (!wait_whole(hall)) {
                hall_fail(hall, "invariant: L1: not whole, though an operator has helped");
            }
        } else {
            hall_fail(hall, "invariant: L1: not whole: %s and %s",
                      ms_council_state_name(ms_council_state(hall->masters[0].council)),
                      ms_council_state_name(ms_council_state(hall->masters[1].council)));
        }
    }
    run_until(hall, hall->now + 1 * MS_SEC);
    release(hall);
    run_until(hall, hall->now + 1 * MS_SEC);
    if (!is_whole(hall)) {
        /* The primary may just be getting its role back, and that is no more than a moment. */
        run_until(hall, hall->now + 1 * MS_SEC);
    }
    if (!is_whole(hall)) {
        hall_fail(hall, "invariant: L1: whole, and again not");
    }
    if (hall_chance(hall, 2) && are_witnesses_ours(hall)) {
        kill_one(hall);
    }
}

static void clear(struct hall *hall, uint64_t seed, bool is_loud)
{
    memset(hall, 0, offsetof(struct hall, events));
    hall->seed = seed;
    hall->is_loud = is_loud;
    hall->events_count = 0;
    hall->seq = 0;
    hall->free_count = 0;
    for (uint32_t i = 0; i < HALL_NOTES; i++) {
        hall->free_notes[hall->free_count++] = i;
    }
    hall->observer.holder = MS_MASTERS;
    hall->killed = UINT8_MAX;
    hall->digest = 14695981039346656037ull;
    if (seed % PLAN_ONE_IN == PLAN_REST) {
        const uint64_t number = seed / PLAN_ONE_IN;

        hall->plan.kind = (enum hall_plan_kind)(1 + number % HALL_PLAN_LEAP);
        hall->plan.variant = (uint32_t)(number / HALL_PLAN_LEAP);
    } else if (seed % ROWS_ONE_IN == ROWS_REST) {
        hall_plan_for_rows(hall, seed / ROWS_ONE_IN);
    }
    ms_rng_init(&hall->rng, seed);
}

uint64_t hall_run(struct hall *hall, uint64_t seed, bool is_loud)
{
    clear(hall, seed, is_loud);
    hall_faults_draw(hall);
    prepare(hall);
    if (hall->plan.kind == HALL_PLAN_NONE) {
        hall_push(hall, &(struct hall_event){.at = hall_between(hall, 0, 3 * MS_SEC),
                                             .type = HALL_FAULT});
    }
    hall_push(hall, &(struct hall_event){.at = 0, .type = HALL_WORK});
    if (hall->faults.copied_every > 0) {
        hall_push(hall, &(struct hall_event){.at = hall->faults.copied_every, .type = HALL_COPY});
    }
    hall->until = hall_between(hall, 1 * MS_SEC, STORM_MAX);
    if (hall->plan.kind != HALL_PLAN_NONE) {
        hall->until += PLAN_MAX;
    }
    run_until(hall, hall->until);
    if (!hall_is_storm_only) {
        calm_down(hall);
        end_well(hall);
    }
    hall_stats[HALL_STAT_STEPS] += hall->steps;
    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        if (hall->masters[place].council != NULL) {
            hall_end(&hall->masters[place]);
        }
    }
    return hall->digest;
}
