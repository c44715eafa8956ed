/* ms-log-sim --seeds FIRST..LAST [--coverage]: the log between two masters, under everything that may happen to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define STEPS_MAX   600
#define IDLE_STEPS  100
#define CALM_ROUNDS 3    /* in which nothing happens: nothing will */
#define ROUNDS_MAX  4000 /* until both logs are equal, when nothing is in the way any more */

/* The allocations of the code under test. */
static bool is_denied(void)
{
    struct world *world = world_now;

    if (world == NULL || !world->is_pressed || !ms_rng_chance(&world->rng, 1, 200)) {
        return false;
    }
    world->denied++;
    return true;
}

void *mirror_malloc(size_t size);
void *mirror_realloc(void *memory, size_t size);

void *mirror_malloc(size_t size)
{
    return is_denied() ? NULL : malloc(size);
}

void *mirror_realloc(void *memory, size_t size)
{
    return is_denied() ? NULL : realloc(memory, size);
}

static void disturb(struct world *world)
{
    struct ms_rng *rng = &world->rng;

    switch (ms_rng_below(rng, 24)) {
    case 0:
        world_take_over(world, ms_rng_chance(rng, 1, 2));
        break;
    case 1:
        world_restart_active(world, ms_rng_chance(rng, 1, 2));
        break;
    case 2:
        world_kill_passive(world);
        break;
    case 3:
        world->is_draining = world->is_pair;
        break;
    case 4:
        if (world->is_pair) {
            world_serve(world, false);
        }
        break;
    case 5:
    case 6:
    case 7:
        world_settle(world);
        break;
    case 8:
    case 9:
        for (int i = 0; i < 60; i++) {
            world_append(world);
        }
        break;
    case 10:
        world_settle(world);
        world_restart_active(world, false);
        world->idle = IDLE_STEPS;
        break;
    default:
        if (ms_rng_chance(rng, 1, 3)) {
            world_break(world);
        }
        break;
    }
}

void world_go_on(struct world *world)
{
    struct ms_rng *rng = &world->rng;
    struct node *node = &world->nodes[ms_rng_below(rng, 2)];

    world->idle -= world->idle > 0 ? 1 : 0;
    switch (ms_rng_below(rng, 16)) {
    case 0:
        world_connect(world);
        break;
    case 1:
        if (ms_rng_chance(rng, 1, world->calm)) {
            disturb(world);
        }
        break;
    case 2:
        (void)world_join(world);
        world_hand_over(world);
        break;
    case 3:
        world_answer_owner(node);
        node->is_ask_due = node->is_ask_due || (node->follows > 0 && ms_rng_chance(rng, 1, 40));
        break;
    case 4:
    case 5:
        world_commit(node, ms_rng_below(rng, 5) + 1);
        break;
    case 6:
        world_answer_scan(node);
        break;
    case 7:
        if (world->is_pair && ms_mirror_needs_copy(world_active(world)->mirror)) {
            world_serve(world, false);
        }
        break;
    case 8:
    case 9:
    case 10:
        if (world->idle == 0) {
            world_append(world);
        }
        break;
    default:
        for (uint64_t i = ms_rng_below(rng, 4); i > 0; i--) {
            world_deliver(node);
        }
        break;
    }
}

/* Everything that is under way comes to its end; true when there is nothing left. */
static bool calm_down(struct world *world)
{
    bool is_calm = world_join(world);

    world_connect(world);
    for (unsigned i = 0; i < 2; i++) {
        struct node *node = &world->nodes[i];

        is_calm = is_calm && node->first == NULL && node->disk.writes == 0 &&
                  !node->disk.is_scanning && !node->is_ask_due && !node->is_go_on_due;
        world_deliver(node);
        world_commit(node, 3);
        world_answer_scan(node);
        world_answer_owner(node);
        world_step(node, NULL, NULL);
    }
    if (world->is_pair && ms_mirror_needs_copy(world_active(world)->mirror)) {
        world_serve(world, false);
        return false;
    }
    return is_calm;
}

void world_settle(struct world *world)
{
    const bool is_pressed = world->is_pressed;
    const struct node *active, *passive;
    unsigned rounds = 0;

    world->is_pressed = world->is_draining = false;
    world_connect(world);
    for (unsigned calm = 0; calm < CALM_ROUNDS; calm = calm_down(world) ? calm + 1 : 0) {
        if (++rounds > ROUNDS_MAX) {
            world_fail(world, "liveness: the logs become equal");
        }
    }
    active = world_active(world);
    passive = world_passive(world);
    if (active->disk.view.hash != passive->disk.durable.hash ||
        active->disk.view.count != passive->disk.durable.count) {
        world_fail(world, "quiet: the follower has what the active has");
    }
    if (!world->is_pair || !ms_mirror_is_drained(active->mirror) ||
        ms_mirror_covered(active->mirror) != world->past[world->past_count - 1].seq ||
        !ms_follower_is_complete(passive->follower)) {
        world_fail(world, "liveness: the pair becomes whole");
    }
    world->counts[COUNT_QUIET]++;
    world->is_pressed = is_pressed;
}

static void run(uint64_t seed, uint64_t *counts)
{
    struct world world;

    world_init(&world, seed);
    for (unsigned i = 0; i < STEPS_MAX; i++) {
        world_go_on(&world);
    }
    world_settle(&world);
    world_finish(&world);
    for (unsigned i = 0; i < COUNTS; i++) {
        counts[i] += world.counts[i];
    }
}

int main(int argc, char **argv)
{
    static const char *const names[COUNTS] = {
        "copies",  "catchups",   "resumes",      "overruns",     "refusals",
        "joins",   "solos",      "handovers",    "takeovers",    "restarts",
        "damages", "copies_cut", "copies_again", "catchups_cut", "catchups_again",
        "reigns",  "breaks",     "set_asides",   "denied",       "quiet"};
    unsigned long long first = 1, last = 100;
    uint64_t counts[COUNTS] = {0};
    bool is_covered = true;

    if (argc >= 3 && strcmp(argv[1], "--seeds") == 0) {
        char *end = argv[2];

        first = strtoull(end, &end, 10);
        last = strncmp(end, "..", 2) == 0 ? strtoull(end + 2, NULL, 10) : first;
    }
    for (unsigned long long seed = first; seed <= last; seed++) {
        run(seed, counts);
    }
    for (unsigned i = 0; i < COUNTS; i++) {
        (void)printf("%s %llu\n", names[i], (unsigned long long)counts[i]);
        is_covered = is_covered && counts[i] > 0;
    }
    if (argc >= 4 && strcmp(argv[3], "--coverage") == 0 && !is_covered) {
        (void)printf("invariant: coverage: everything has happened\n");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
