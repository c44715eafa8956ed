#include "tests/sim/load_keep.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "core/text.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

#define RECENT       60 /* submissions among which one is chosen */
#define FETCH_CHANCE 3  /* one in so many asks for the outcome of somebody else's command */

/* --- what a seed is made of --- */

static uint32_t draw(struct ms_rng *rng, uint32_t low, uint32_t high)
{
    return (uint32_t)ms_rng_between(rng, low, high);
}

/* One limit of those is small in most seeds; with all of them small, one would hide the others. */
static void draw_limits(struct sim_keep_config *keep, struct ms_rng *rng, ms_time tick)
{
    switch (ms_rng_below(rng, 6)) {
    case 0:
        keep->age_max = draw(rng, 1, 30) * tick;
        break;
    case 1:
    case 2:
        keep->count_max = draw(rng, 1, 20);
        break;
    case 3:
        keep->bytes_max = draw(rng, 4, 200) * 1024ull;
        break;
    case 4:
        keep->age_max = draw(rng, 1, 30) * tick;
        keep->count_max = draw(rng, 1, 20);
        keep->bytes_max = draw(rng, 4, 200) * 1024ull;
        break;
    default:
        break;
    }
}

void sim_keep_config(struct sim_config *config)
{
    struct sim_keep_config *keep = &config->keep;
    struct ms_rng rng;

    ms_rng_init(&rng, config->seed ^ UINT64_C(0x6b656570));
    *keep = (struct sim_keep_config){0};
    if (ms_rng_chance(&rng, 1, 2)) {
        return;
    }
    keep->permille = ms_rng_chance(&rng, 1, 4) ? 1000 : draw(&rng, 0, 500);
    keep->wishes = draw(&rng, 0, (1u << SIM_WISHES) - 1);
    keep->wish_permille = ms_rng_chance(&rng, 1, 4) ? draw(&rng, 100, 400) : draw(&rng, 5, 100);
    draw_limits(keep, &rng, config->tick);
}

void sim_keep_draft(struct sim_world *world, struct sim_draft *draft)
{
    const uint32_t permille = world->config.keep.permille;

    if (permille > 0 && ms_rng_chance(&world->rng_keep, permille, 1000)) {
        draft->submit.flags |= MS_FLAG_KEEP;
        world->stats.counts[SIM_STAT_KEEP_ASKED]++;
    }
}

/* --- what an application wants --- */

typedef bool (*sim_suits_fn)(const struct sim_record *record);

static bool has_outcome(const struct sim_record *record)
{
    return record->is_over && (record->flags & (MS_FLAG_KEEP | MS_FLAG_BACKGROUND)) != 0;
}

static bool may_be_open(const struct sim_record *record)
{
    return !record->is_over || (record->flags & MS_FLAG_BACKGROUND) != 0;
}

/* One of the latest, of this client or of any; SIM_NONE. */
static uint32_t choose(struct sim_world *world, const struct sim_node *node, sim_suits_fn suits)
{
    const struct sim_observer *observer = world->observer;
    const bool is_own = !ms_rng_chance(&world->rng_keep, 1, FETCH_CHANCE);
    const uint32_t count = observer->records_count < RECENT ? observer->records_count : RECENT;

    for (uint32_t tries = 0; count > 0 && tries < 8; tries++) {
        const uint32_t i =
            observer->records_count - 1 - (uint32_t)ms_rng_below(&world->rng_keep, count);
        const struct sim_record *record = &observer->records[i];

        if (record->id.seq != 0 && record->incarnation > 0 && suits(record) &&
            (!is_own || record->node == node->index)) {
            return i;
        }
    }
    return SIM_NONE;
}

static void add_client(struct ms_text *text, const struct ms_uuid *uuid)
{
    ms_text_add(text, " client=");
    for (size_t i = 0; i < sizeof uuid->bytes; i++) {
        ms_text_add(text, "%02x", uuid->bytes[i]);
    }
}

/* Half of them mean the client's own commands; the words are those of core/filter.h. */
static void draw_where(struct sim_world *world, const struct sim_node *node, struct sim_ask *ask,
                       struct ms_query *query)
{
    struct ms_rng *rng = &world->rng_keep;
    struct sim_where *where = &ask->where;
    struct ms_text text;

    ms_text_init(&text, query->where, sizeof query->where);
    if (ask->operation == MS_OPERATION_KICK) {
        ms_text_add(&text, "state=buried");
    } else if (ask->operation == MS_OPERATION_RELEASE && ms_rng_chance(rng, 1, 2)) {
        ms_text_add(&text, "state=delayed,ready");
    }
    if (ms_rng_chance(rng, 1, 2)) {
        where->client = sim_name_find(world, node->index, node->incarnation);
        add_client(&text, &where->client);
    }
    if (ms_rng_chance(rng, 1, 2)) {
        where->type = SIM_TYPE_FIRST + ms_rng_below(rng, world->config.types);
        ms_text_add(&text, " type=%llu", (unsigned long long)where->type);
    }
    if (ms_rng_chance(rng, 1, 3)) {
        where->seq_below = 1 + ms_rng_below(rng, 60);
        ms_text_add(&text, " seq<%llu", (unsigned long long)where->seq_below);
    }
    if (ms_rng_chance(rng, 1, 3)) {
        where->size_at_least = ms_rng_below(rng, world->config.payload_max);
        ms_text_add(&text, " size>=%lluB", (unsigned long long)where->size_at_least);
    }
}

static void draw_operation(struct sim_world *world, struct sim_ask *ask, enum sim_wish wish)
{
    static const enum ms_operation operations[SIM_WISHES] = {
        [SIM_WISH_KICK] = MS_OPERATION_KICK,
        [SIM_WISH_CANCEL] = MS_OPERATION_CANCEL,
        [SIM_WISH_RELEASE] = MS_OPERATION_RELEASE,
        [SIM_WISH_PRIORITY] = MS_OPERATION_PRIORITY,
    };
    struct ms_rng *rng = &world->rng_keep;

    ask->what = MS_QUERY_OPERATE;
    ask->operation = operations[wish];
    ask->is_dry = ms_rng_chance(rng, 1, 4);
    if (wish == SIM_WISH_PRIORITY) {
        ask->value = ms_rng_between(rng, MS_PRIORITY_MIN, MS_PRIORITY_MAX);
    } else if (wish == SIM_WISH_RELEASE && ms_rng_chance(rng, 1, 3)) {
        ask->value = ms_rng_between(rng, 1, 4 * world->config.tick);
    }
}

static uint32_t add(struct sim_world *world, const struct sim_ask *ask)
{
    struct sim_observer *observer = world->observer;

    if (observer->asks_count == observer->asks_capacity) {
        observer->asks_capacity = observer->asks_capacity == 0 ? 32 : observer->asks_capacity * 2;
        observer->asks = realloc(observer->asks, observer->asks_capacity * sizeof *ask);
        ms_assert(observer->asks != NULL);
    }
    observer->asks[observer->asks_count] = *ask;
    return observer->asks_count++;
}

/* The wishes of this seed, one as likely as the other. */
static enum sim_wish draw_wish(struct sim_world *world)
{
    uint64_t wish;

    do {
        wish = ms_rng_below(&world->rng_keep, SIM_WISHES);
    } while ((world->config.keep.wishes >> wish & 1) == 0);
    return (enum sim_wish)wish;
}

bool sim_keep_ask(struct sim_world *world, struct sim_node *node, struct ms_query *query_out)
{
    const struct sim_keep_config *keep = &world->config.keep;
    struct ms_rng *rng = &world->rng_keep;
    struct sim_ask ask = {.node = node->index, .incarnation = node->incarnation};

    if (keep->wishes == 0 || !ms_rng_chance(rng, keep->wish_permille, 1000)) {
        return false;
    }
    const enum sim_wish wish = draw_wish(world);
    const bool is_one = wish == SIM_WISH_FETCH || ms_rng_chance(rng, 1, 2);

    *query_out = (struct ms_query){.what = MS_QUERY_RESULT};
    ask.what = MS_QUERY_RESULT;
    ask.record = SIM_NONE;
    if (wish != SIM_WISH_FETCH) {
        draw_operation(world, &ask, wish);
    }
    if (is_one) {
        const bool is_end = wish == SIM_WISH_FETCH || wish == SIM_WISH_KICK;

        ask.record = choose(world, node, is_end ? has_outcome : may_be_open);
        if (ask.record == SIM_NONE) {
            return false;
        }
        const struct sim_record *record = &world->observer->records[ask.record];

        query_out->id = record->id;
        ask.was_kept = record->keep.is_kept;
        ask.generation = record->keep.generation;
    } else {
        draw_where(world, node, &ask, query_out);
    }
    query_out->what = ask.what;
    query_out->operation = ask.operation;
    query_out->is_dry = ask.is_dry;
    query_out->value = ask.value;
    query_out->from = add(world, &ask) + 1; /* by which the observer knows it again */
    return true;
}
