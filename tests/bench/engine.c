/* What the master's decisions cost without any I/O: one client, four slaves, commands round and round
 * through the engine alone. Prints nanoseconds of CPU per command for several depths. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/engine.h"
#include "master/master.h"

#define SLAVES      4u
#define TYPE        2000u
#define CLIENT_PEER (SLAVES + 1)
#define DEPTH_MAX   16384u

struct bench {
    struct ms_engine *engine;
    ms_time now;
    struct ms_token tokens[DEPTH_MAX]; /* attempts in hand, with whose they are */
    ms_peer holders[DEPTH_MAX];
    uint32_t head, count;
    uint64_t outcomes; /* not confirmed, in a run */
    uint64_t first_outcome;
    uint64_t done, seq;
};

/* CPU time: other programs on the machine do not count. */
static double seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void poll_dry(struct bench *bench)
{
    struct ms_effect effect;

    while (ms_engine_poll(bench->engine, &effect)) {
        if (effect.type != MS_EFFECT_SEND) {
            continue;
        }
        if (effect.command.kind == MS_KIND_COMMAND) {
            uint32_t at = (bench->head + bench->count++) % DEPTH_MAX;

            bench->tokens[at] = effect.command.token;
            bench->holders[at] = effect.peer;
        } else if (effect.command.kind == MS_KIND_OUTCOME) {
            bench->outcomes++;
            bench->done++;
        }
    }
}

static void step(struct bench *bench, const struct ms_event *event)
{
    ms_engine_step(bench->engine, bench->now, event);
    poll_dry(bench);
}

static void receive(struct bench *bench, ms_peer peer, ms_epoch epoch,
                    const struct ms_command *command)
{
    step(bench, &(struct ms_event){
                    .type = MS_EVENT_RECEIVED, .peer = peer, .epoch = epoch, .command = command});
}

static void join(struct bench *bench, ms_peer peer, enum ms_role role)
{
    struct ms_hello hello = {.role = role, .version_min = 1, .version_max = 1};
    struct ms_announced types[1] = {{TYPE, "echo"}};
    struct ms_announce announce = {1, types};

    hello.node.bytes[0] = (uint8_t)peer;
    step(bench, &(struct ms_event){
                    .type = MS_EVENT_PEER_OPENED, .peer = peer, .nonce.bytes[0] = (uint8_t)peer});
    receive(bench, peer, 0, &(struct ms_command){.kind = MS_KIND_HELLO, .body.hello = &hello});
    if (role == MS_ROLE_SLAVE) {
        receive(bench, peer, 1,
                &(struct ms_command){.kind = MS_KIND_ANNOUNCE, .body.announce = &announce});
    }
}

static void submit(struct bench *bench, struct ms_bytes payload)
{
    receive(bench, CLIENT_PEER, 1,
            &(struct ms_command){
                .kind = MS_KIND_SUBMIT, .type = TYPE, .id.seq = ++bench->seq, .payload = payload});
}

static void finish_one(struct bench *bench, struct ms_bytes payload)
{
    uint32_t at = bench->head;

    bench->head = (bench->head + 1) % DEPTH_MAX;
    bench->count--;
    receive(
        bench, bench->holders[at], 1,
        &(struct ms_command){
            .kind = MS_KIND_RESULT, .token = bench->tokens[at], .count = 1, .payload = payload});
}

static void confirm(struct bench *bench)
{
    receive(bench, CLIENT_PEER, 1,
            &(struct ms_command){.kind = MS_KIND_OUTCOME_ACK,
                                 .id.seq = bench->first_outcome + 1,
                                 .count = bench->outcomes});
    bench->first_outcome += bench->outcomes;
    bench->outcomes = 0;
}

/* Commands outstanding: depth; slots over all slaves: slots. */
static void run(uint32_t depth, uint32_t slots, size_t size, uint64_t total)
{
    static uint8_t bytes[4096];
    const struct ms_bytes payload = {bytes, size};
    struct ms_master *master = ms_master_create(&(struct ms_master_config){.epoch = 1});
    struct bench bench = {.engine = ms_master_engine(master)};

    for (ms_peer peer = 1; peer <= SLAVES; peer++) {
        join(&bench, peer, MS_ROLE_SLAVE);
        receive(&bench, peer, 1,
                &(struct ms_command){.kind = MS_KIND_PULL, .count = slots / SLAVES});
    }
    join(&bench, CLIENT_PEER, MS_ROLE_CLIENT);
    for (uint32_t i = 0; i < depth; i++) {
        submit(&bench, payload);
    }
    double start = seconds();
    while (bench.done < total) {
        uint32_t batch = bench.count < 64 ? bench.count : 64;

        for (uint32_t i = 0; i < batch; i++) {
            finish_one(&bench, payload);
        }
        batch = (uint32_t)bench.outcomes;
        confirm(&bench);
        for (uint32_t i = 0; i < batch; i++) {
            submit(&bench, payload);
        }
    }
    double took = seconds() - start;
    printf("depth %6u slots %6u payload %5zu B: %7.1f ns/command\n", depth, slots, size,
           took * 1e9 / (double)bench.done);
    ms_master_destroy(master);
}

int main(int argc, char **argv)
{
    uint64_t total = argc > 1 ? strtoull(argv[1], NULL, 10) : 3000000;

    run(1, 4, 64, total);
    run(128, 128, 64, total);
    run(1000, 1024, 64, total);
    run(1000, 1024, 1024, total);
    run(1000, 4, 64, total);
    run(10000, 10240, 64, total);
    return 0;
}
