/* What strategies are good for: a load of long and short commands through the master's engine, in virtual time, so that nothing but
 * the choices counts. Prints a line of JSON for each strategy: seconds until all was done (makespan), mean seconds from submission
 * to outcome (turnaround), and by how much the busiest and the idlest slave differ in commands (spread).
 *
 * mixed: SLAVES slaves of one slot that fetch PREFETCH ahead, DEPTH commands outstanding, one of LONG_EVERY takes LONG, the
 * others take SHORT. even: EVEN_COUNT commands that all take LONG, at once, to EVEN_SLAVES slaves with the default credit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/engine.h"
#include "core/rng.h"
#include "master/master.h"
#include "master/routes.h"
#include "master/strategy.h"

#define SLAVES_MAX  64u
#define HELD_MAX    64u
#define TYPE        2000u
#define CLIENT_PEER (SLAVES_MAX + 1)

#define SLAVES     4u
#define PREFETCH   15u
#define DEPTH      (2 * SLAVES)
#define COUNT      4000u
#define LONG_EVERY 20u
#define LONG       (500 * MS_MSEC)
#define SHORT      (10 * MS_MSEC)

#define EVEN_SLAVES 16u
#define EVEN_COUNT  1000u

struct load {
    uint32_t slaves, slots, prefetch, depth, count;
    uint32_t long_every; /* one of so many is long */
};

/* Runs what it holds in order, as many at a time as it has slots; slots of [0] are those that run. */
struct slave {
    struct ms_token held[HELD_MAX];
    ms_time ends[HELD_MAX], takes[HELD_MAX];
    uint32_t count, running, done;
};

static struct world {
    struct ms_engine *engine;
    struct ms_rng rng;
    struct load load;
    ms_time now;
    struct slave slaves[SLAVES_MAX + 1]; /* by peer */
    ms_time submitted_at[COUNT + 1];
    ms_time waited;
    uint64_t seq, done;
} world;

static void start_some(struct slave *slave)
{
    while (slave->running < slave->count && slave->running < world.load.slots) {
        slave->ends[slave->running] = world.now + slave->takes[slave->running];
        slave->running++;
    }
}

static void take(ms_peer peer, const struct ms_command *command)
{
    struct slave *slave = &world.slaves[peer];
    ms_time takes;

    if (slave->count == HELD_MAX || command->payload.size != sizeof takes) {
        fprintf(stderr, "bench_makespan: slave %u cannot take a command\n", (unsigned)peer);
        exit(1);
    }
    memcpy(&takes, command->payload.data, sizeof takes);
    slave->held[slave->count] = command->token;
    slave->takes[slave->count++] = takes;
    start_some(slave);
}

static void poll_dry(uint64_t *outcomes)
{
    struct ms_effect effect;

    while (ms_engine_poll(world.engine, &effect)) {
        if (effect.type == MS_EFFECT_SEND && effect.command.kind == MS_KIND_COMMAND) {
            take(effect.peer, &effect.command);
        } else if (effect.type == MS_EFFECT_SEND && effect.command.kind == MS_KIND_OUTCOME) {
            world.waited += world.now - world.submitted_at[effect.command.id.seq];
            world.done++;
            *outcomes += 1;
        }
    }
}

static void submit(void);

static void step(const struct ms_event *event)
{
    uint64_t outcomes = 0;

    ms_engine_step(world.engine, world.now, event);
    poll_dry(&outcomes);
    while (outcomes-- > 0 && world.seq < world.load.count) {
        submit();
    }
}

static void receive(ms_peer peer, ms_epoch epoch, const struct ms_command *command)
{
    step(&(struct ms_event){
        .type = MS_EVENT_RECEIVED, .peer = peer, .epoch = epoch, .command = command});
}

static void submit(void)
{
    const bool is_long = ms_rng_below(&world.rng, world.load.long_every) == 0;
    const ms_time takes = is_long ? LONG : SHORT;

    world.submitted_at[++world.seq] = world.now;
    receive(CLIENT_PEER, 1,
            &(struct ms_command){.kind = MS_KIND_SUBMIT,
                                 .type = TYPE,
                                 .id.seq = world.seq,
                                 .payload = {(const uint8_t *)&takes, sizeof takes}});
}

static void join(ms_peer peer, enum ms_role role)
{
    struct ms_hello hello = {
        .role = role, .version_min = 1, .version_max = 1, .slots = world.load.slots};
    struct ms_announced types[1] = {{TYPE, "work"}};
    struct ms_announce announce = {1, types};

    memcpy(hello.node.bytes, &peer, sizeof peer);
    step(&(struct ms_event){.type = MS_EVENT_PEER_OPENED, .peer = peer, .nonce = hello.node});
    receive(peer, 0, &(struct ms_command){.kind = MS_KIND_HELLO, .body.hello = &hello});
    if (role == MS_ROLE_SLAVE) {
        receive(peer, 1,
                &(struct ms_command){.kind = MS_KIND_ANNOUNCE, .body.announce = &announce});
        receive(peer, 1,
                &(struct ms_command){.kind = MS_KIND_PULL,
                                     .count = world.load.slots + world.load.prefetch});
    }
}

/* The slave whose command ends first, of equal ones that of the lowest number; its place in at_out. */
static ms_peer first_to_end(uint32_t *at_out)
{
    ms_peer first = MS_PEER_NONE;
    ms_time end = MS_TIME_NEVER;

    for (ms_peer peer = 1; peer <= world.load.slaves; peer++) {
        for (uint32_t i = 0; i < world.slaves[peer].running; i++) {
            if (world.slaves[peer].ends[i] < end) {
                first = peer;
                end = world.slaves[peer].ends[i];
                *at_out = i;
            }
        }
    }
    return first;
}

static void finish_one(void)
{
    uint32_t at = 0;
    const ms_peer peer = first_to_end(&at);
    struct slave *slave = &world.slaves[peer];
    const struct ms_token token = slave->held[at];

    if (peer == MS_PEER_NONE) {
        fprintf(stderr, "bench_makespan: nobody has anything to do, and %llu are done\n",
                (unsigned long long)world.done);
        exit(1);
    }
    world.now = slave->ends[at];
    slave->count--;
    slave->running--;
    slave->done++;
    memmove(slave->held + at, slave->held + at + 1, (slave->count - at) * sizeof *slave->held);
    memmove(slave->takes + at, slave->takes + at + 1, (slave->count - at) * sizeof *slave->takes);
    memmove(slave->ends + at, slave->ends + at + 1, (slave->count - at) * sizeof *slave->ends);
    start_some(slave);
    receive(peer, 1, &(struct ms_command){.kind = MS_KIND_RESULT, .token = token, .count = 1});
}

static uint32_t spread(void)
{
    uint32_t least = UINT32_MAX, most = 0;

    for (ms_peer peer = 1; peer <= world.load.slaves; peer++) {
        const uint32_t done = world.slaves[peer].done;

        least = done < least ? done : least;
        most = done > most ? done : most;
    }
    return most - least;
}

static void run(const char *name, const struct ms_strategy *strategy, const struct load *load)
{
    struct ms_route_settings route = {.pattern = "work",
                                      .chain = {.count = 1, .strategies = {strategy}}};
    struct ms_master *master = ms_master_create(&(struct ms_master_config){.epoch = 1});

    world = (struct world){.engine = ms_master_engine(master), .load = *load, .now = 1};
    ms_rng_init(&world.rng, 1);
    if (!ms_master_set_routes(master, world.now,
                              &(struct ms_routes){.items = &route, .count = 1})) {
        fprintf(stderr, "bench_makespan: out of memory\n");
        exit(1);
    }
    for (ms_peer peer = 1; peer <= load->slaves; peer++) {
        join(peer, MS_ROLE_SLAVE);
    }
    join(CLIENT_PEER, MS_ROLE_CLIENT);
    while (world.seq < load->depth) {
        submit();
    }
    while (world.done < load->count) {
        finish_one();
    }
    printf("{\"load\": \"%s\", \"strategy\": \"%s\", \"makespan\": %.2f, \"turnaround\": %.3f, "
           "\"spread\": %u}\n",
           name, strategy->name, (double)world.now / MS_SEC,
           (double)world.waited / MS_SEC / load->count, spread());
    ms_master_destroy(master);
}

int main(void)
{
    static const struct load mixed = {SLAVES, 1, PREFETCH, DEPTH, COUNT, LONG_EVERY};
    static const struct load even = {EVEN_SLAVES, 2, 0, EVEN_COUNT, EVEN_COUNT, 1};

    for (uint32_t at = 0; at < MS_STRATEGIES; at++) {
        const struct ms_strategy *strategy = ms_strategy_at(at);

        if (strategy->place == NULL) {
            run("mixed", strategy, &mixed);
            run("even", strategy, &even);
        }
    }
    return 0;
}
