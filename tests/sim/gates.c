#include "tests/sim/gates.h"

#include "core/bucket.h"
#include "core/invariant.h"
#include "master/clients.h"
#include "master/pair.h"
#include "master/state.h"
#include "tests/sim/disk.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

#define NO_GATE     4 /* one type in so many has no limits */
#define CAP_MAX     4
#define RATED_ONE   3 /* one type in so many has a rate */
#define RATE_MIN    20
#define GROUPS      3
#define GROUPED_ONE 2 /* one type in so many limits groups */

const char *sim_type_name(uint32_t type)
{
    static const char *const names[SIM_TYPES_MAX] = {"alpha", "beta", "gamma", "delta"};

    ms_assert(type < SIM_TYPES_MAX);
    return names[type];
}

const char *sim_group(const struct sim_world *world, uint32_t node)
{
    static const char *const groups[GROUPS] = {"", "east", "west"};

    return world->config.has_gates
               ? groups[sim_hash(world->config.seed + 11, &node, sizeof node) % GROUPS]
               : "";
}

/* All of it follows from the seed, and is the same at both halves at all times. */
static struct ms_route_settings route_of(const struct sim_world *world, uint32_t type)
{
    static const struct ms_strategy *const strategies[] = {
        &ms_strategy_any, &ms_strategy_round_robin, &ms_strategy_least, &ms_strategy_weighted};
    uint64_t drawn = sim_hash(world->config.seed + 7, &type, sizeof type);
    struct ms_route_settings route = {.chain = {.count = 1, .strategies = {strategies[drawn % 4]}}};

    ms_text_copy_name(route.pattern, sim_type_name(type));
    if ((drawn >> 8) % NO_GATE == 0) {
        return route;
    }
    route.concurrency[MS_ROUTE_ALL] = (uint32_t)(drawn >> 16) % (CAP_MAX + 1);
    if ((drawn >> 24) % GROUPED_ONE == 0) {
        route.concurrency[MS_ROUTE_PER_GROUP] = 1 + (uint32_t)(drawn >> 32) % CAP_MAX;
    }
    if ((drawn >> 40) % RATED_ONE == 0) {
        route.rate[MS_ROUTE_ALL] =
            (struct ms_rate){.per_second = (RATE_MIN + (drawn >> 48) % RATE_MIN) * MS_RATE_ONE,
                             .burst = 1 + (drawn >> 56) % 8};
    }
    return route;
}

void sim_gates_route(const struct sim_world *world, const struct sim_node *node)
{
    struct ms_route_settings items[SIM_TYPES_MAX];
    const struct ms_routes routes = {.items = items, .count = world->config.types};
    bool is_set;

    if (!world->config.has_gates) {
        return;
    }
    for (uint32_t i = 0; i < world->config.types; i++) {
        items[i] = route_of(world, i);
    }
    is_set = world->config.masters > 1
                 ? ms_pair_set_routes(node->state, node->driver.clock, &routes)
                 : ms_master_set_routes(node->state, node->driver.clock, &routes);
    ms_assert(is_set);
}

/* The command has an outcome there, or a merge has taken the attempt for void: its slave was told. */
static bool is_over(const struct sim_world *world, const struct sim_node *node,
                    const struct sim_attempt *attempt)
{
    const struct sim_observer *observer = world->observer;
    const struct ms_work *work =
        ms_clients_find_work(sim_master_of(node), &observer->records[attempt->record].id);
    const bool was_torn =
        observer->is_torn || (uint32_t)(attempt - observer->attempts) < observer->torn_attempts;

    return work == NULL || ms_work_is_finished(work) || (was_torn && work->state != MS_LIFE_LEASED);
}

/* The master that lives in the node must count it: it is its own, or it must know of it. */
static bool is_in_hand(const struct sim_world *world, const struct sim_node *node,
                       const struct sim_attempt *attempt)
{
    const struct sim_observer *observer = world->observer;
    const struct sim_record *record = &observer->records[attempt->record];
    const uint32_t tenure = observer->views[node->index].tenure;

    if (attempt->is_released || &observer->attempts[record->first] != attempt ||
        is_over(world, node, attempt)) {
        return false;
    }
    if (attempt->master == tenure) {
        return true;
    }
    return sim_is_durable(world, record) && !attempt->is_given_up && !attempt->is_stale &&
           !attempt->is_dropped && attempt->state < SIM_ATTEMPT_FINISHED &&
           !sim_attempt_is_apart(world, attempt, tenure) &&
           (node->disk == NULL || !sim_result_is_known(&node->disk->ledger, record, attempt));
}

void sim_gates_handed_out(struct sim_world *world, const struct sim_node *node,
                          const struct ms_command *command)
{
    const struct sim_observer *observer = world->observer;
    const struct sim_attempt *handed = sim_attempt_find(world, command->token);
    const struct sim_record *record = &observer->records[handed->record];
    const uint32_t tenure = sim_view(world, node)->tenure;
    uint32_t count = 0, group_count = 0, old_count = 0;

    if (!world->config.has_gates || sim_view(world, node)->is_over) {
        return;
    }
    const struct ms_route_settings route =
        route_of(world, (uint32_t)(record->type - SIM_TYPE_FIRST));
    const uint32_t limit = route.concurrency[MS_ROUTE_ALL];
    const uint32_t group_limit = route.concurrency[MS_ROUTE_PER_GROUP];
    const char *group = sim_group(world, handed->node);

    for (uint32_t i = observer->released_before; i < observer->attempts_count; i++) {
        const struct sim_attempt *attempt = &observer->attempts[i];

        if (observer->records[attempt->record].type == record->type &&
            is_in_hand(world, node, attempt)) {
            count++;
            group_count += strcmp(sim_group(world, attempt->node), group) == 0;
            old_count += attempt->master != tenure;
        }
    }
    if ((limit > 0 && count > limit) || (group_limit > 0 && group_count > group_limit)) {
        sim_fail(world, "gates",
                 "seq %llu leaves, and %u of its type are in hand, %u in its group, %u of earlier "
                 "masters: at most %u and %u may be",
                 (unsigned long long)command->id.seq, count, group_count, old_count, limit,
                 group_limit);
    }
    world->stats.counts[SIM_STAT_GATED] += limit > 0 || group_limit > 0;
    world->stats.counts[SIM_STAT_GATED_FULL] += limit > 0 && count == limit;
    world->stats.counts[SIM_STAT_GATED_GROUP] += group_limit > 0 && group_count == group_limit;
    world->stats.counts[SIM_STAT_GATED_OLD] += old_count > 0;
}

static uint64_t handed_out(const struct ms_lane *lane)
{
    uint64_t total = lane->dispatched_total;

    for (uint32_t i = 0; i < lane->branches_count; i++) {
        total += lane->branches[i].dispatched_total;
    }
    return total;
}

/* The generic cell rate algorithm (ITU-T I.371): whoever keeps to the rate is never further ahead of it than a burst. */
static void check_pace(struct sim_world *world, const struct sim_node *node, uint32_t type)
{
    const struct ms_route_settings route = route_of(world, type);
    const struct ms_rate *rate = &route.rate[MS_ROUTE_ALL];
    const struct ms_lane *lane = ms_lanes_find(&sim_master_of(node)->lanes, SIM_TYPE_FIRST + type);
    struct sim_view *view = sim_view(world, node);
    struct sim_pacing *pacing = &view->pacing[type];
    const int64_t now = node->driver.clock * 1000;

    if (!ms_rate_is_limit(rate) || lane == NULL) {
        return;
    }
    const int64_t pause = (int64_t)MS_RATE_ONE * 1000 * MS_SEC / (int64_t)rate->per_second;

    if (pacing->tenure != view->tenure) {
        *pacing = (struct sim_pacing){.tenure = view->tenure};
    }
    for (; pacing->seen < handed_out(lane); pacing->seen++) {
        pacing->due = (pacing->due > now ? pacing->due : now) + pause;
        world->stats.counts[SIM_STAT_PACED]++;
    }
    if (pacing->due - now > (int64_t)rate->burst * pause + 1000) {
        sim_fail(world, "pace", "%s is handed out faster than its rate", sim_type_name(type));
    }
}

void sim_gates_step(struct sim_world *world, const struct sim_node *node)
{
    for (uint32_t i = 0; world->config.has_gates && i < world->config.types; i++) {
        check_pace(world, node, i);
    }
}
