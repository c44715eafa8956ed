#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "core/invariant.h"
#include "tests/sim/load_fleet.h"
#include "tests/sim/load_keep.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"
#include "tests/sim/observer_arrays.h"
#include "tests/sim/tally.h"

#define QUERY_CHANCE    30
#define QUERIES_MAX     8
#define COMMANDS_PLENTY 1000

enum { AFFAIR_SUBMIT };

struct client {
    struct ms_client_engine engine;
    bool is_direct; /* submits between steps, not by REQUEST */
    uint32_t open_count;
    uint32_t queries_open;
    uint8_t *payload;
};

/* Identities that outlive a process: a client may come back under its old name. */
struct identity {
    struct ms_uuid uuid;
    uint64_t seq_first, floor;
};

static struct identity identity_of(struct sim_world *world, struct sim_node *node)
{
    struct identity identity = {.uuid = sim_uuid(world, node, node->incarnation), .seq_first = 1};
    const struct sim_observer *observer = world->observer;

    if (node->incarnation == 1 || !ms_rng_chance(&world->rng_load, 1, 2)) {
        return identity;
    }
    /* It takes the latest name it had and goes on counting where its books end. */
    for (uint32_t i = observer->records_count; i > 0; i--) {
        const struct sim_record *record = &observer->records[i - 1];

        if (record->node != node->index || record->id.seq == 0) {
            continue;
        }
        if (identity.seq_first == 1) {
            identity.uuid = record->id.client;
        }
        if (ms_uuid_equal(&identity.uuid, &record->id.client) &&
            record->id.seq >= identity.seq_first) {
            identity.seq_first = record->id.seq + 1;
        }
    }
    /* Ids that were given out without anybody hearing of them are never given out again. */
    identity.seq_first += identity.seq_first > 1 ? 1000 : 0;
    identity.floor = identity.seq_first - 1;
    /* Without a floor the outcomes of the former run stay at the master, unclaimed, as long as this
     * one lives: that needs room. */
    if (world->config.commands_max >= COMMANDS_PLENTY && ms_rng_chance(&world->rng_load, 1, 3)) {
        identity.floor = 0;
    }
    return identity;
}

static void plan(struct sim_world *world, struct sim_node *node, ms_time pause)
{
    sim_world_push(world, (struct sim_item){.at = world->now + pause,
                                            .kind = SIM_ITEM_NODE,
                                            .a = node->index,
                                            .b = AFFAIR_SUBMIT,
                                            .c = node->incarnation});
}

static void start(struct sim_world *world, struct sim_node *node)
{
    struct client *client = calloc(1, sizeof *client);
    const struct identity identity = identity_of(world, node);
    const struct ms_client_config config = {
        .addresses = sim_addresses(world),
        .client = identity.uuid,
        .name = sim_node_name(world, node->index),
        .build = "sim",
        .seq_first = identity.seq_first,
        .floor = identity.floor,
        .window = ms_rng_chance(&world->rng_load, 1, 3) ? 2 + world->config.outstanding / 2 : 0,
        .kept_max = 2 * SIM_CLIENTS_MAX + world->config.outstanding,
        .seed = ms_rng_next(&world->rng_load),
        .calls_before = (uint64_t)world->now,
    };

    ms_assert(client != NULL);
    const bool is_made = ms_client_engine_init(&client->engine, &config);

    ms_assert(is_made);
    client->payload = malloc(world->config.payload_max + SIM_PAYLOAD_LARGE);
    ms_assert(client->payload != NULL);
    client->is_direct = ms_rng_chance(&world->rng_load, 1, 2);
    node->state = client;
    node->engine = &client->engine.base;
    sim_name_add(world, node, &identity.uuid);
    plan(world, node, (ms_time)ms_rng_below(&world->rng_load, (uint64_t)world->config.tick));
}

static void stop(struct sim_world *world, struct sim_node *node)
{
    struct client *client = node->state;

    world->observer->queries_open -= client->queries_open;
    ms_client_engine_finish(&client->engine);
    free(client->payload);
    free(client);
    node->state = NULL;
}

static void submit_one(struct sim_world *world, struct sim_node *node)
{
    struct client *client = node->state;
    struct sim_draft draft;

    sim_draft(world, node, client->payload, &draft);
    const struct ms_command submit = draft.submit;
    const uint32_t before = world->observer->records_count;
    const uint32_t record = sim_array_add(world, node, &submit);
    const uint32_t count = world->observer->records_count - before;

    client->open_count += count;
    if (!client->is_direct) {
        sim_driver_post(
            world, node,
            &(struct ms_event){.type = MS_EVENT_REQUEST, .seq = record, .command = &submit});
        return;
    }
    uint64_t seq = 0;
    const enum ms_error error =
        ms_client_engine_submit(&client->engine, &submit, record, false, &seq);

    if (error == MS_E_OK) {
        sim_array_number(world, record,
                         &(struct ms_id){.client = client->engine.client, .seq = seq});
    } else {
        client->open_count -= count;
        world->stats.counts[SIM_STAT_REFUSED]++;
        for (uint32_t i = 0; i < count; i++) {
            sim_record_over(world, &world->observer->records[record + i]);
        }
    }
    sim_node_wake(world, node, world->now + 1);
}

/* Somebody changes how many of the latest array run at a time; the answer is one like any other. */
static void limit_array(struct sim_world *world, struct sim_node *node, struct ms_query *query)
{
    const struct sim_observer *observer = world->observer;

    for (uint32_t i = observer->records_count; i > 0; i--) {
        const struct sim_record *record = &observer->records[i - 1];

        if (record->node == node->index && record->incarnation == node->incarnation &&
            record->array_count > 0 && record->id.seq != 0) {
            query->what = MS_QUERY_OPERATE;
            query->operation = MS_OPERATION_CONCURRENCY;
            query->value = (int64_t)ms_rng_below(&world->rng_load, 6);
            query->id = record->id;
            sim_array_limit(world, i - 1, (uint32_t)query->value);
            return;
        }
    }
}

static void ask(struct sim_world *world, struct sim_node *node, const struct ms_query *query)
{
    struct client *client = node->state;

    client->queries_open++;
    world->observer->queries_open++;
    sim_driver_post(world, node,
                    &(struct ms_event){.type = MS_EVENT_REQUEST,
                                       .seq = SIM_QUERY_COOKIES + query->from,
                                       .command = &(struct ms_command){.kind = MS_KIND_QUERY,
                                                                       .body.query = query}});
}

/* A look at what there is, and what is wanted of it. */
static void ask_maybe(struct sim_world *world, struct sim_node *node)
{
    const struct client *client = node->state;
    struct ms_query query;

    if (ms_rng_chance(&world->rng_load, 1, QUERY_CHANCE) && client->queries_open < QUERIES_MAX) {
        query = (struct ms_query){.what = (enum ms_query_what)ms_rng_between(
                                      &world->rng_load, MS_QUERY_STATUS, MS_QUERY_SHOW)};
        query.id = (struct ms_id){client->engine.client, 1 + ms_rng_below(&world->rng_load, 20)};
        if (query.what == MS_QUERY_STATUS) {
            limit_array(world, node, &query);
        }
        ask(world, node, &query);
    }
    if (client->queries_open < QUERIES_MAX && sim_keep_ask(world, node, &query)) {
        ask(world, node, &query);
    }
    if (client->queries_open < QUERIES_MAX && sim_fleet_ask(world, &query)) {
        ask(world, node, &query);
    }
}

static bool may_submit(const struct sim_world *world)
{
    const uint32_t most = world->config.submissions_max;

    return most == 0 || world->observer->records_count < most;
}

static void affair(struct sim_world *world, struct sim_node *node, uint32_t what)
{
    struct client *client = node->state;

    ms_assert(what == AFFAIR_SUBMIT);
    if (sim_node_is_stalled(world, node)) {
        plan(world, node, node->stalled_until - world->now + 1);
        return;
    }
    if (world->is_healing || node->is_stopping) {
        return;
    }
    ask_maybe(world, node);
    sim_tally_call(world, node);
    while (client->open_count < world->config.outstanding && may_submit(world)) {
        submit_one(world, node);
        if (!world->config.batches) {
            break;
        }
    }
    const ms_time pause = 1 + world->config.work_max / 2 + world->config.tick / 50;

    plan(world, node, (ms_time)ms_rng_below(&world->rng_load, (uint64_t)pause) + 1);
}

/* Answers come to an end each, once, and are whole rows. */
static void hear_report(struct sim_world *world, struct sim_node *node,
                        const struct ms_effect *effect)
{
    struct client *client = node->state;
    const struct ms_report *report = effect->command.body.report;

    if (effect->tag == MS_CLIENT_NOTE_RESET) {
        return; /* what came before the connection was lost does not count */
    }
    if (effect->seq < SIM_QUERY_COOKIES || report == NULL || client->queries_open == 0) {
        sim_fail(world, "queries", "an answer to a question that nobody asked");
    }
    if (report->columns_count != 0 && report->cells_count % report->columns_count != 0) {
        sim_fail(world, "queries", "a row of an answer is not whole");
    }
    if (report->last) {
        client->queries_open--;
        world->observer->queries_open--;
        world->stats.counts[SIM_STAT_QUERIES]++;
    }
}

static void effect(struct sim_world *world, struct sim_node *node, const struct ms_effect *effect)
{
    struct client *client = node->state;

    if (effect->type == MS_EFFECT_STOPPED) {
        sim_node_stopped(world, node);
        return;
    }
    if (effect->type != MS_EFFECT_DELIVER) {
        sim_fail(world, "contract", "a client emits effect %d", (int)effect->type);
    }
    if (effect->command.kind == MS_KIND_REPORT) {
        hear_report(world, node, effect);
        return;
    }
    if (effect->command.kind == MS_KIND_CALL_REPLY) {
        sim_tally_replied(world, effect);
        return;
    }
    if (effect->command.kind == MS_KIND_NONE || effect->command.kind == MS_KIND_TAIL ||
        effect->command.kind == MS_KIND_CANCEL_ACK) {
        return;
    }
    const struct sim_record *record = &world->observer->records[effect->seq];

    if (record->is_over && effect->command.kind != MS_KIND_STREAM) {
        const uint32_t ended = effect->command.kind == MS_KIND_SUBMIT_NAK
                                   ? sim_array_refused_count(record, &effect->command)
                                   : 1;

        ms_assert(client->open_count >= ended);
        client->open_count -= ended;
    }
}

static void cancel(struct sim_world *world, struct sim_node *node, uint32_t index)
{
    struct sim_record *record = &world->observer->records[index];

    record->is_cancel_asked = true;
    world->stats.counts[SIM_STAT_CANCELS]++;
    sim_driver_post(world, node,
                    &(struct ms_event){
                        .type = MS_EVENT_REQUEST,
                        .seq = index,
                        .command = &(struct ms_command){.kind = MS_KIND_CANCEL, .id = record->id}});
}

/* Of an array maybe all that are left. */
static void cancel_some(struct sim_world *world, struct sim_node *node, uint32_t index)
{
    const struct sim_record *record = &world->observer->records[index];
    const uint32_t first = record->array, count = record->array_count;

    if (count == 0 || ms_rng_chance(&world->rng_fault, 2, 3)) {
        cancel(world, node, index);
        return;
    }
    for (uint32_t i = first; i < first + count; i++) {
        if (!world->observer->records[i].is_over) {
            cancel(world, node, i);
        }
    }
}

void sim_client_cancel(struct sim_world *world, struct sim_node *node)
{
    struct sim_observer *observer = world->observer;

    if (!node->is_up) {
        return;
    }
    for (uint32_t i = observer->records_count; i > 0; i--) {
        struct sim_record *record = &observer->records[i - 1];

        if (record->node == node->index && record->incarnation == node->incarnation &&
            !record->is_over && record->id.seq != 0 && ms_rng_chance(&world->rng_fault, 1, 4)) {
            cancel_some(world, node, i - 1);
            return;
        }
    }
}

static void check(struct sim_world *world, struct sim_node *node)
{
    const struct client *client = node->state;

    (void)world;
    ms_client_engine_check(&client->engine);
}

const struct sim_role_ops sim_client_ops = {
    .name = "client",
    .start = start,
    .stop = stop,
    .effect = effect,
    .affair = affair,
    .check = check,
};
