/* Outcomes that are kept: whoever was told one can have it again until age, count or bytes let it go, whatever
 * crashes meanwhile; and what is fetched is what was delivered. */
#include <string.h>

#include "client/client.h"
#include "core/invariant.h"
#include "master/clients.h"
#include "master/state.h"
#include "tests/sim/load_keep.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

typedef unsigned long long number;

#define DRIFT_PERCENT 8    /* that two clocks may differ by, generously */
#define WEIGHT_FIXED  8192 /* bytes that an outcome takes at most beside what it carries */
#define WEIGHT_PIECE  1024 /* and a piece of output */

/* --- what is kept --- */

void sim_keep_said(struct sim_world *world, const struct sim_node *node, struct sim_record *record)
{
    struct sim_keep *keep = &record->keep;

    if (keep->ended_at == 0 || !sim_is_durable(world, record)) {
        keep->ended_at = world->now;
    }
    keep->master = sim_view(world, node)->tenure;
    keep->is_void = false;
    if ((record->flags & MS_FLAG_KEEP) != 0) {
        keep->is_kept = true;
    }
}

void sim_keep_told(struct sim_record *record, const struct ms_command *outcome)
{
    record->keep.told = (struct sim_told){
        .is_told = true,
        .status = outcome->status,
        .attempt = outcome->attempt,
        .code = outcome->code,
        .hash = sim_hash(0, outcome->payload.data, outcome->payload.size),
        .size = outcome->payload.size,
        .generation = record->keep.generation,
    };
}

/* It ended at that time or later: what is in memory only may have ended long before anybody heard of it. */
static ms_time ended_from(const struct sim_world *world, const struct sim_record *record)
{
    return sim_is_durable(world, record) && record->keep.ended_from > 0 ? record->keep.ended_from
                                                                        : record->submitted_at;
}

/* It may be among those that are kept, and have ended after the one. */
static bool is_younger(const struct sim_world *world, const struct sim_record *other,
                       const struct sim_record *record)
{
    const bool is_background = (other->flags & MS_FLAG_BACKGROUND) != 0;

    if (other == record || (!is_background && (other->flags & MS_FLAG_KEEP) == 0)) {
        return false;
    }
    if (!sim_is_durable(world, other)) {
        return other->is_sent; /* it may have ended unheard */
    }
    if (is_background && (other->flags & MS_FLAG_KEEP) == 0 &&
        (other->keep.status == MS_STATUS_OK || other->keep.status == MS_STATUS_CANCELLED)) {
        return false;
    }
    return other->keep.ended_at != 0 && other->keep.ended_at >= ended_from(world, record);
}

static uint64_t weight_of(const struct sim_world *world, const struct sim_record *record)
{
    return WEIGHT_FIXED + 2 * record->payload_size + world->config.pieces_max * WEIGHT_PIECE;
}

/* Age, count or bytes let it go. */
static bool is_retired(const struct sim_world *world, const struct sim_record *record)
{
    const struct sim_keep_config *limits = &world->config.keep;
    const struct sim_observer *observer = world->observer;
    uint64_t count = 0, bytes = weight_of(world, record);

    if (!sim_walls_agree(world)) {
        return true; /* ages and their order are of the wall clock */
    }
    if (limits->age_max > 0 &&
        world->now - ended_from(world, record) >= limits->age_max * (100 - DRIFT_PERCENT) / 100) {
        return true;
    }
    for (uint32_t i = 0; i < observer->records_count; i++) {
        const struct sim_record *other = &observer->records[i];

        if (is_younger(world, other, record)) {
            count++;
            bytes += weight_of(world, other);
        }
    }
    return (limits->count_max > 0 && count >= limits->count_max) ||
           (limits->bytes_max > 0 && bytes > limits->bytes_max);
}

static void look(struct sim_world *world, struct sim_record *record)
{
    const struct sim_node *node = sim_serving(world);
    const struct ms_work *work;

    if (node == NULL) {
        return;
    }
    work = ms_clients_find_work(sim_master_of(node), &record->id);
    if (work != NULL && ms_work_is_finished(work)) {
        return;
    }
    record->keep.is_kept = false;
    if (work != NULL) {
        sim_fail(world, "kept", "the outcome of seq %llu of %s was kept, and it is %s",
                 (number)record->id.seq, sim_node_name(world, record->node),
                 ms_life_state_name((enum ms_life_state)work->state));
    }
    if (!is_retired(world, record)) {
        sim_fail(world, "kept", "the outcome of seq %llu of %s was kept, and is gone too soon",
                 (number)record->id.seq, sim_node_name(world, record->node));
    }
    world->stats.counts[SIM_STAT_EVICTED]++;
}

void sim_keep_walk(struct sim_world *world)
{
    struct sim_observer *observer = world->observer;

    if (observer->is_torn) {
        return; /* the other half may have said it, and keeps it for the merge */
    }
    for (uint32_t i = 0; i < observer->records_count && world->config.keep.permille > 0; i++) {
        if (observer->records[i].keep.is_kept) {
            look(world, &observer->records[i]);
        }
    }
}

void sim_keep_death(struct sim_world *world)
{
    struct sim_observer *observer = world->observer;

    for (uint32_t i = 0; i < observer->records_count; i++) {
        struct sim_record *record = &observer->records[i];

        record->keep.is_kept = record->keep.is_kept && sim_is_durable(world, record);
    }
}

/* --- what is fetched --- */

static bool is_written(const struct sim_world *world, const struct sim_record *record,
                       const struct ms_command *tail)
{
    uint8_t expected[SIM_PIECE_MAX];

    for (uint32_t i = record->first; i != SIM_NONE; i = world->observer->attempts[i].next) {
        const struct sim_attempt *attempt = &world->observer->attempts[i];
        const uint32_t piece = tail->index < attempt->pieces ? tail->index : SIM_PIECE_RESULT;
        const size_t size = sim_piece(world, attempt->token, piece, expected);

        if (attempt->number == tail->attempt && tail->payload.size == size &&
            memcmp(tail->payload.data, expected, size) == 0) {
            return true;
        }
    }
    return false;
}

/* Each piece once, in order, and as some attempt wrote it; after a kick those of another attempt. */
static void hear_tail(struct sim_world *world, struct sim_ask *ask, const struct ms_command *tail)
{
    const struct sim_record *record = &world->observer->records[ask->record];

    if (tail->attempt > ask->attempt) {
        ask->attempt = tail->attempt;
        ask->tails = 0;
    }
    if (tail->attempt != ask->attempt || tail->index != ask->tails) {
        sim_fail(world, "kept",
                 "seq %llu: piece %u of attempt %u is fetched after %u of attempt %u",
                 (number)record->id.seq, tail->index, tail->attempt, ask->tails, ask->attempt);
    }
    if (record->key == 0 && !is_written(world, record, tail)) {
        sim_fail(world, "kept", "seq %llu: no attempt %u wrote piece %u like this",
                 (number)record->id.seq, tail->attempt, tail->index);
    }
    ask->tails++;
    ask->tail_size = tail->payload.size;
    ask->tail_hash = sim_hash(0, tail->payload.data, tail->payload.size);
}

static const struct ms_cell *cell_of(const struct ms_report *report, const char *name)
{
    for (uint32_t i = 0; i < report->cells_count; i++) {
        if (strcmp(report->cells[i].name, name) == 0) {
            return &report->cells[i];
        }
    }
    return NULL;
}

static bool is_text(const struct ms_cell *cell, const char *text)
{
    return cell != NULL && !cell->is_number && strcmp(cell->text, text) == 0;
}

/* The outcome of a command that ended, as it was delivered to whoever submitted it. */
static void compare(struct sim_world *world, const struct sim_ask *ask,
                    const struct sim_record *record, const struct ms_report *report)
{
    const struct sim_told *told = &record->keep.told;
    const struct ms_cell *attempt = cell_of(report, "attempt");
    const bool has_result = told->size > 0;

    if (!told->is_told || told->generation != record->keep.generation ||
        ask->generation != record->keep.generation) {
        return; /* nobody waited for it, or it has been kicked since */
    }
    if (!is_text(cell_of(report, "status"), ms_status_name((enum ms_status)told->status)) ||
        attempt == NULL ||
        /* Of a confirmed cancel the client knows the end itself. */
        (attempt->number != told->attempt && !record->is_cancel_confirmed)) {
        sim_fail(
            world, "kept", "seq %llu was said to be %s by attempt %u, and is fetched otherwise",
            (number)record->id.seq, ms_status_name((enum ms_status)told->status), told->attempt);
    }
    if (has_result && (ask->tails == 0 || ask->attempt != told->attempt ||
                       ask->tail_size != told->size || ask->tail_hash != told->hash)) {
        sim_fail(world, "kept", "seq %llu: %zu bytes were delivered, and others are fetched",
                 (number)record->id.seq, told->size);
    }
    const uint32_t pieces = ask->tails - has_result;

    if ((record->flags & MS_FLAG_STREAM) != 0 && record->key == 0 && told->status == MS_STATUS_OK &&
        pieces != record->stream.count) {
        sim_fail(world, "kept", "seq %llu: %u pieces were delivered, and %u are fetched",
                 (number)record->id.seq, record->stream.count, pieces);
    }
}

static void hear_row(struct sim_world *world, const struct sim_ask *ask,
                     const struct ms_report *report)
{
    const struct sim_record *record = &world->observer->records[ask->record];
    const struct ms_cell *state = cell_of(report, "state");

    if (report->error == MS_E_NOT_FOUND && ask->was_kept && record->keep.is_kept) {
        look(world, &world->observer->records[ask->record]);
        if (record->keep.is_kept) {
            sim_fail(world, "kept", "seq %llu is kept, and said to be not found",
                     (number)record->id.seq);
        }
    }
    if (!is_text(state, "done") && !is_text(state, "buried") && !is_text(state, "cancelled")) {
        return;
    }
    compare(world, ask, record, report);
    world->stats.counts[SIM_STAT_FETCHED]++;
    world->stats.counts[SIM_STAT_FETCHED_LATER] +=
        record->keep.master != 0 && record->keep.master != world->observer->tenures;
}

void sim_keep_heard(struct sim_world *world, const struct sim_node *node,
                    const struct ms_effect *effect)
{
    struct sim_observer *observer = world->observer;
    const struct ms_command *command = &effect->command;

    if (effect->seq <= SIM_QUERY_COOKIES ||
        effect->seq - SIM_QUERY_COOKIES > observer->asks_count) {
        return; /* only a look */
    }
    struct sim_ask *ask = &observer->asks[effect->seq - SIM_QUERY_COOKIES - 1];

    if (ask->node != node->index || ask->incarnation != node->incarnation) {
        sim_fail(world, "kept", "an answer for somebody else");
    }
    if (command->kind == MS_KIND_TAIL) {
        if (ask->what != MS_QUERY_RESULT) {
            sim_fail(world, "kept", "output that nobody asked for");
        }
        hear_tail(world, ask, command);
    } else if (effect->tag != MS_CLIENT_NOTE_RESET && ask->what == MS_QUERY_RESULT) {
        hear_row(world, ask, command->body.report);
    }
}
