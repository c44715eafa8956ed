/* What it costs the master to choose: each strategy with 10, 1,000 and 10,000 slaves, commands round and round through the engine
 * alone. Prints a line of JSON for each: strategy, slaves, nanoseconds of CPU per command.
 *
 * Half as many commands as there are slots are outstanding, so about half of the slaves have credit at any time; they finish in
 * random order. Strategies that place by key have GROUPS groups, and commands of KEYS keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/engine.h"
#include "core/rng.h"
#include "master/master.h"
#include "master/routes.h"
#include "master/strategy.h"

#define SLAVES_MAX  10000u
#define SLOTS       2u /* of each slave */
#define GROUPS      10u
#define KEYS        4096u
#define TYPE        2000u
#define CLIENT_PEER (SLAVES_MAX + 1)
#define BATCH       64u /* results between two turns of the client */
#define DEPTH_MAX   (SLAVES_MAX * SLOTS)

struct attempt {
    struct ms_token token;
    ms_peer holder;
};

struct bench {
    struct ms_engine *engine;
    struct ms_rng rng;
    ms_time now;
    struct attempt attempts[DEPTH_MAX]; /* in hand, in no order */
    uint32_t count;
    uint64_t outcomes; /* not confirmed, in a run */
    uint64_t first_outcome;
    uint64_t done, seq;
    bool has_keys;
};

static struct bench bench;
static struct ms_route_name groups[GROUPS];

/* CPU time: other programs on the machine do not count. */
static double seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void poll_dry(void)
{
    struct ms_effect effect;

    while (ms_engine_poll(bench.engine, &effect)) {
        if (effect.type != MS_EFFECT_SEND) {
            continue;
        }
        if (effect.command.kind == MS_KIND_COMMAND) {
            bench.attempts[bench.count++] =
                (struct attempt){.token = effect.command.token, .holder = effect.peer};
        } else if (effect.command.kind == MS_KIND_OUTCOME) {
            bench.outcomes++;
            bench.done++;
        }
    }
}

static void step(const struct ms_event *event)
{
    ms_engine_step(bench.engine, bench.now, event);
    poll_dry();
}

static void receive(ms_peer peer, ms_epoch epoch, const struct ms_command *command)
{
    step(&(struct ms_event){
        .type = MS_EVENT_RECEIVED, .peer = peer, .epoch = epoch, .command = command});
}

static void join(ms_peer peer, enum ms_role role)
{
    struct ms_hello hello = {.role = role, .version_min = 1, .version_max = 1, .slots = SLOTS};
    struct ms_announced types[1] = {{TYPE, "work"}};
    struct ms_announce announce = {1, types};

    memcpy(hello.node.bytes, &peer, sizeof peer);
    if (role == MS_ROLE_SLAVE) {
        memcpy(hello.group, groups[peer % GROUPS].text, sizeof hello.group);
        hello.weight = 50 + peer % 100;
    }
    step(&(struct ms_event){.type = MS_EVENT_PEER_OPENED, .peer = peer, .nonce = hello.node});
    receive(peer, 0, &(struct ms_command){.kind = MS_KIND_HELLO, .body.hello = &hello});
    if (role == MS_ROLE_SLAVE) {
        receive(peer, 1,
                &(struct ms_command){.kind = MS_KIND_ANNOUNCE, .body.announce = &announce});
        receive(peer, 1, &(struct ms_command){.kind = MS_KIND_PULL, .count = SLOTS});
    }
}

static void submit(void)
{
    uint64_t key = ms_rng_below(&bench.rng, KEYS);
    const struct ms_terms terms = {.key = {(const uint8_t *)&key, sizeof key}};

    receive(CLIENT_PEER, 1,
            &(struct ms_command){.kind = MS_KIND_SUBMIT,
                                 .type = TYPE,
                                 .id.seq = ++bench.seq,
                                 .terms = bench.has_keys ? &terms : NULL});
}

static void finish_one(void)
{
    const uint32_t at = (uint32_t)ms_rng_below(&bench.rng, bench.count);
    const struct attempt attempt = bench.attempts[at];

    bench.attempts[at] = bench.attempts[--bench.count];
    receive(attempt.holder, 1,
            &(struct ms_command){.kind = MS_KIND_RESULT, .token = attempt.token, .count = 1});
}

static void confirm(void)
{
    receive(CLIENT_PEER, 1,
            &(struct ms_command){.kind = MS_KIND_OUTCOME_ACK,
                                 .id.seq = bench.first_outcome + 1,
                                 .count = bench.outcomes});
    bench.first_outcome += bench.outcomes;
    bench.outcomes = 0;
}

static void use(struct ms_master *master, const struct ms_strategy *strategy)
{
    struct ms_route_settings route = {.pattern = "work",
                                      .chain = {.count = 1, .strategies = {strategy}}};

    if (strategy->place != NULL) {
        route.groups = groups;
        route.groups_count = GROUPS;
    }
    if (!ms_master_set_routes(
            master, bench.now,
            &(struct ms_routes){
                .items = &route, .count = 1, .names = groups, .names_count = GROUPS})) {
        fprintf(stderr, "bench_strategies: out of memory\n");
        exit(1);
    }
}

static void turn(void)
{
    uint64_t again;

    for (uint32_t i = 0; i < BATCH && bench.count > 0; i++) {
        finish_one();
    }
    again = bench.outcomes;
    confirm();
    for (; again > 0; again--) {
        submit();
    }
}

static void run(const struct ms_strategy *strategy, uint32_t slaves, uint64_t total)
{
    struct ms_master *master = ms_master_create(&(struct ms_master_config){.epoch = 1});
    uint64_t before;
    double start;

    bench = (struct bench){.engine = ms_master_engine(master), .has_keys = strategy->place != NULL};
    ms_rng_init(&bench.rng, 1);
    use(master, strategy);
    for (ms_peer peer = 1; peer <= slaves; peer++) {
        join(peer, MS_ROLE_SLAVE);
    }
    join(CLIENT_PEER, MS_ROLE_CLIENT);
    for (uint32_t i = 0; i < slaves * SLOTS / 2; i++) {
        submit();
    }
    while (bench.done < total / 4) { /* until caches and heaps are as they will be */
        turn();
    }
    before = bench.done;
    start = seconds();
    while (bench.done < before + total) {
        turn();
    }
    printf("{\"strategy\": \"%s\", \"slaves\": %u, \"ns\": %.1f}\n", strategy->name, slaves,
           (seconds() - start) * 1e9 / (double)(bench.done - before));
    fflush(stdout);
    ms_master_destroy(master);
}

int main(int argc, char **argv)
{
    static const uint32_t sizes[] = {10, 1000, SLAVES_MAX};
    const uint64_t total = argc > 1 ? strtoull(argv[1], NULL, 10) : 400000;

    for (uint32_t i = 0; i < GROUPS; i++) {
        snprintf(groups[i].text, sizeof groups[i].text, "g%u", i);
    }
    for (uint32_t at = 0; at < MS_STRATEGIES; at++) {
        for (size_t size = 0; size < sizeof sizes / sizeof *sizes; size++) {
            run(ms_strategy_at(at), sizes[size], total);
        }
    }
    return 0;
}
