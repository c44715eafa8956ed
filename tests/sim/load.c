#include "tests/sim/load.h"

#include "core/invariant.h"
#include "tests/sim/load_keep.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

#define KEYED_ONE_IN     3 /* submissions, in seeds that know keys */
#define BROADCAST_ONE_IN 6 /* the same of broadcasts */
#define BROADCAST_ROOM   8 /* for slaves that come and go */

typedef void (*attribute_fn)(struct sim_world *world, struct sim_node *node,
                             struct sim_draft *draft);

/* One in `one_in` submissions has it, in the seeds in which it is at work at all. */
struct attribute {
    const char *name;
    uint32_t one_in;
    attribute_fn draw;
};

static void background(struct sim_world *world, struct sim_node *node, struct sim_draft *draft)
{
    (void)world;
    (void)node;
    draft->submit.flags |= MS_FLAG_BACKGROUND;
}

static void stream(struct sim_world *world, struct sim_node *node, struct sim_draft *draft)
{
    (void)world;
    (void)node;
    draft->submit.flags |= MS_FLAG_STREAM;
}

static void once(struct sim_world *world, struct sim_node *node, struct sim_draft *draft)
{
    (void)world;
    (void)node;
    draft->submit.flags |= MS_FLAG_ONCE;
    draft->submit.attempts_max = 1;
}

static void delay(struct sim_world *world, struct sim_node *node, struct sim_draft *draft)
{
    (void)node;
    draft->submit.delay = ms_rng_between(&world->rng_load, 1, 4 * world->config.tick);
}

static void priority(struct sim_world *world, struct sim_node *node, struct sim_draft *draft)
{
    (void)node;
    draft->terms.priority =
        (int8_t)ms_rng_between(&world->rng_load, MS_PRIORITY_MIN, MS_PRIORITY_MAX);
    draft->has_terms = true;
}

/* The master's wall clock, wherever it was set to. */
static int64_t wall_of(const struct sim_world *world)
{
    const struct sim_node *node = &world->nodes[world->observer->newest];

    return node->driver.clock + node->wall_offset;
}

static void deadline(struct sim_world *world, struct sim_node *node, struct sim_draft *draft)
{
    (void)node;
    draft->terms.deadline =
        wall_of(world) + ms_rng_between(&world->rng_load, 1, 20 * world->config.tick);
    draft->has_terms = true;
}

/* Before a clock that is set back by days it would wait for days. */
static void run_at(struct sim_world *world, struct sim_node *node, struct sim_draft *draft)
{
    (void)node;
    if (world->config.faults[SIM_FAULT_WALL_JUMP] != 0) {
        return;
    }
    draft->terms.run_at =
        wall_of(world) + ms_rng_between(&world->rng_load, 1, 4 * world->config.tick);
    draft->has_terms = true;
}

/* Few keys, so that they meet. */
static void unique(struct sim_world *world, struct sim_node *node, struct sim_draft *draft)
{
    static const uint8_t keys[] = {1, 2, 3};
    const uint64_t key = ms_rng_below(&world->rng_load, sizeof keys);

    (void)node;
    draft->terms.unique = (struct ms_bytes){keys + key, key == 0 ? sizeof keys : 1};
    draft->terms.unique_mode =
        (uint8_t)ms_rng_between(&world->rng_load, MS_UNIQUE_JOIN, MS_UNIQUE_REPLACE);
    draft->has_terms = true;
}

static void large(struct sim_world *world, struct sim_node *node, struct sim_draft *draft)
{
    const struct sim_config *config = &world->config;
    const uint64_t rounds = (uint64_t)config->tick / (uint64_t)(2 * config->delay_base + 1);

    (void)node;
    /* A network that takes longer than a tick for it would hold up heartbeats. */
    draft->is_large = rounds * config->window > 16 * (uint64_t)SIM_PAYLOAD_LARGE;
}

/* As many as the client's books and the master hold, with a payload in one piece. Not where applications kick and
 * keep: those who judge that follow single commands. */
static void array(struct sim_world *world, struct sim_node *node, struct sim_draft *draft)
{
    const struct sim_config *config = &world->config;
    const uint32_t room = config->outstanding + SIM_CLIENTS_MAX;
    const uint32_t most = config->commands_max / 2 < room ? config->commands_max / 2 : room;

    (void)node;
    if (draft->is_large || draft->terms.unique_mode != MS_UNIQUE_NONE ||
        config->keep.permille > 0 || config->keep.wishes != 0) {
        return;
    }
    draft->terms.array_count = (uint32_t)ms_rng_between(&world->rng_load, 1, most);
    if (ms_rng_chance(&world->rng_load, 2, 3)) {
        draft->terms.array_concurrency = (uint32_t)ms_rng_between(&world->rng_load, 1, 4);
    }
    draft->has_terms = true;
}

/* Bit i of config.attributes switches row i: rows are added at the end. */
static const struct attribute attributes[] = {
    {"background", 20, background}, {"stream", 2, stream},
    {"delay", 10, delay},           {"once", 8, once},
    {"priority", 3, priority},      {"deadline", 12, deadline},
    {"run-at", 12, run_at},         {"unique", 6, unique},
    {"large", 60, large},           {"array", 12, array},
    {"often-once", 2, once},        {"often-large", 8, large}, /* in seeds that merge */
};

/* Asked for, or left to the master where that comes to the same. */
static void draw_class(const struct sim_world *world, struct ms_rng *rng, struct ms_command *submit)
{
    const struct sim_config *config = &world->config;
    const bool is_local = ms_rng_chance(rng, config->durable_permille, 1000);

    if (is_local != config->has_disk || !ms_rng_chance(rng, 1, 2)) {
        submit->flags |= MS_FLAG_DURABILITY;
        submit->durability = is_local ? MS_DURABILITY_LOCAL : MS_DURABILITY_MEM;
    }
    if (config->pair.is_strict && is_local && world->observer->records_count % 2 == 0) {
        submit->flags |= MS_FLAG_DURABILITY;
        submit->durability = MS_DURABILITY_STRICT;
    }
}

/* Few keys, so that they meet. Decided by its number instead of drawn: what is drawn beside it stays as it was. */
static void add_key(const struct sim_world *world, struct sim_draft *draft)
{
    static const uint8_t keys[] = {7, 0, 255, 9};
    const uint32_t number = world->observer->records_count;
    const uint64_t decided = sim_hash(world->config.seed, &number, sizeof number);

    if (world->config.has_keys && decided % KEYED_ONE_IN == 0) {
        draft->terms.key =
            (struct ms_bytes){keys, 1 + (size_t)(decided / KEYED_ONE_IN % sizeof keys)};
        draft->has_terms = true;
    }
}

/* Decided like a key, and like an array not where applications kick and keep. */
static void make_broadcast(const struct sim_world *world, struct sim_draft *draft)
{
    static const uint8_t word[] = "broadcast";
    const struct sim_config *config = &world->config;
    const uint64_t decided =
        sim_hash(sim_hash(config->seed, word, sizeof word), &world->observer->records_count,
                 sizeof world->observer->records_count);

    if (!config->has_broadcasts || decided % BROADCAST_ONE_IN != 0 || draft->is_large ||
        draft->terms.unique_mode != MS_UNIQUE_NONE || draft->terms.array_count > 0 ||
        config->keep.permille > 0 || config->keep.wishes != 0) {
        return;
    }
    const bool is_all = decided / BROADCAST_ONE_IN % 3 != 0;
    const uint32_t some = 1 + (uint32_t)(decided / BROADCAST_ONE_IN / 3 % config->slaves);

    draft->terms.on = is_all ? MS_ON_ALL : some;
    draft->terms.array_count = is_all ? BROADCAST_ROOM : some;
    draft->submit.flags &= (uint8_t)~MS_FLAG_DURABILITY; /* it is as durable as the master */
    draft->submit.durability = MS_DURABILITY_MEM;
    draft->has_terms = true;
}

void sim_draft(struct sim_world *world, struct sim_node *node, uint8_t *room,
               struct sim_draft *draft)
{
    struct ms_rng *rng = &world->rng_load;
    const struct sim_config *config = &world->config;
    struct ms_command *submit = &draft->submit;

    *draft = (struct sim_draft){.submit = {.kind = MS_KIND_SUBMIT}};
    submit->type = SIM_TYPE_FIRST + ms_rng_below(rng, config->types);
    if (ms_rng_chance(rng, config->strange_permille, 1000)) {
        submit->type = SIM_TYPE_FIRST + SIM_TYPES_MAX;
    }
    submit->attempts_max = (uint32_t)ms_rng_between(rng, 1, config->attempts_max);
    /* Only a limit of time ends an attempt that hangs. */
    if (config->faults[SIM_FAULT_HANG] != 0 || ms_rng_chance(rng, 1, 4)) {
        submit->timeout = config->work_max * 2 + config->tick;
    }
    draw_class(world, rng, submit);
    for (uint32_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        if ((config->attributes >> i & 1) != 0 && ms_rng_chance(rng, 1, attributes[i].one_in)) {
            attributes[i].draw(world, node, draft);
        }
    }
    sim_keep_draft(world, draft);
    add_key(world, draft);
    make_broadcast(world, draft);
    submit->terms = draft->has_terms ? &draft->terms : NULL;
    submit->payload.data = room;
    submit->payload.size = SIM_PAYLOAD_MIN + (size_t)ms_rng_below(rng, config->payload_max);
    if (draft->is_large) {
        submit->payload.size =
            SIM_PAYLOAD_MIN + (size_t)ms_rng_below(rng, SIM_PAYLOAD_LARGE - SIM_PAYLOAD_MIN);
    }
    if (draft->terms.array_count > 0 && submit->payload.size > SIM_PAYLOAD_ARRAY) {
        submit->payload.size = SIM_PAYLOAD_ARRAY;
    }
    sim_payload(world, world->observer->records_count, room, submit->payload.size);
}
