/* Who is active, and what becomes of those who were. */
#include <stdlib.h>

#include "core/invariant.h"
#include "proto/record.h"
#include "world.h"

static void serve(struct node *node)
{
    ms_mirror_serve(node->mirror, node->world->epoch, node->world->is_pair);
    node->is_decided_due = true;
}

void world_serve(struct world *world, bool is_pair)
{
    world->counts[is_pair ? COUNT_JOINS : COUNT_SOLOS]++;
    world->epoch++;
    world->said = 0;
    world->is_pair = is_pair;
    world->is_waiting = world->is_draining = world->is_proposed = false;
    world_step(world_active(world), NULL, serve);
}

static void wait(struct node *node)
{
    ms_mirror_wait_for_peer(node->mirror, node->world->is_waiting);
}

/* One step towards it; true when there is nothing to be done. */
bool world_join(struct world *world)
{
    struct node *active = world_active(world);

    if (world->is_pair) {
        return true;
    }
    if (!world->is_waiting && ms_mirror_is_near(active->mirror)) {
        world->is_waiting = true;
        world_step(active, NULL, wait);
        return false;
    }
    if (world->is_proposed) {
        world_serve(world, true);
        return false;
    }
    if (ms_mirror_is_complete(active->mirror)) {
        world->is_proposed = true;
        return false;
    }
    return true;
}

static void step_down(struct node *node)
{
    ms_mirror_end(node->mirror);
    ms_follower_place(node->follower, node->world->epoch + 1, 0);
}

static void ask(struct node *node)
{
    struct world *world = node->world;

    node->follows = world->reign;
    ms_follower_follow(node->follower, world->connection, world->epoch, node->divergent);
}

void world_hand_over(struct world *world)
{
    struct node *former = world_active(world);

    if (!world->is_pair || !world->is_draining || !ms_mirror_is_drained(former->mirror) ||
        former->disk.writes > 0) {
        return;
    }
    if (world_passive(world)->disk.view.hash != former->disk.view.hash) {
        world_fail(world, "handover: both logs are equal");
    }
    world->counts[COUNT_HANDOVERS]++;
    former->divergent = world->reign;
    world_step(former, NULL, step_down);
    world->reign = 0;
    world->active = 1 - world->active;
    world_begin_reign(world, true);
    if (world->connection != MS_PEER_NONE) {
        world_step(former, NULL, ask);
    }
}

void world_count(const struct node *node)
{
    uint64_t *counts = node->world->counts;
    struct ms_mirror_stats stats;

    ms_mirror_stats(node->mirror, &stats);
    counts[COUNT_COPIES] += stats.copies_total;
    counts[COUNT_CATCHUPS] += stats.catchups_total;
    counts[COUNT_RESUMES] += stats.resumes_total;
    counts[COUNT_OVERRUNS] += stats.overruns_total;
}

/* The process is killed: what is on its way to the disk may be lost. */
static void replace(struct node *node)
{
    world_count(node);
    ms_mirror_destroy(node->mirror);
    ms_follower_destroy(node->follower);
    disk_crash(&node->disk, &node->world->rng);
    node->mirror = ms_mirror_create(&node->engine);
    node->follower = ms_follower_create(&node->engine);
    ms_assert(node->mirror != NULL && node->follower != NULL);
    node->follows = 0;
    node->is_ask_due = node->is_go_on_due = false;
    if (node->divergent == node->disk.aside_last) {
        node->divergent = 0; /* there is a file of that name */
    }
}

/* What a master begins with must hold all that was covered, and be what the active had at some time. */
static void inherit(const struct world *world, const struct node *heir)
{
    if (!world_was(world, &heir->disk.view, world->covered)) {
        world_fail(world, "takeover: all that was covered is there");
    }
}

void world_take_over(struct world *world, bool is_killed)
{
    struct node *former = world_active(world), *heir = world_passive(world);

    if (!world->is_pair) {
        return;
    }
    world->counts[COUNT_TAKEOVERS]++;
    world_break(world);
    if (is_killed) {
        replace(heir);
    }
    inherit(world, heir);
    former->divergent = world->reign;
    world->reign = 0;
    replace(former);
    world->active = 1 - world->active;
    world_begin_reign(world, false);
}

static void stop(struct node *node)
{
    ms_mirror_end(node->mirror);
}

/* It ends, or is killed, and serves again. */
void world_restart_active(struct world *world, bool is_killed)
{
    struct node *active = world_active(world), *passive = world_passive(world);

    if (is_killed) {
        world->counts[COUNT_RESTARTS]++;
        world_break(world);
        replace(active);
    } else {
        world->counts[COUNT_REIGNS]++;
        world_step(active, NULL, stop);
    }
    inherit(world, active);
    world->reign = 0;
    world_begin_reign(world, false);
    if (world->connection != MS_PEER_NONE) {
        passive->is_ask_due = passive->is_go_on_due = false;
        world_step(passive, NULL, ask);
    }
}

/* Of a half that is outside S a record is lost, as by a disk that forgets. */
static void damage(struct node *node)
{
    const ms_seq lost = shelf_any(&node->disk.durable, &node->world->rng);
    uint8_t bytes[MS_RECORD_HEADER_SIZE];

    if (lost > 0) {
        ms_record_write_erase(bytes, lost);
        shelf_apply(&node->disk.durable, (struct ms_bytes){bytes, sizeof bytes});
        shelf_copy(&node->disk.view, &node->disk.durable);
        node->is_damaged = true;
        node->world->counts[COUNT_DAMAGES]++;
    }
}

void world_kill_passive(struct world *world)
{
    world->counts[COUNT_RESTARTS]++;
    world->is_proposed = false;
    world_break(world);
    replace(world_passive(world));
    if (!world->is_pair && ms_rng_chance(&world->rng, 1, 2)) {
        damage(world_passive(world));
    }
}
