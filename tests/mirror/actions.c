/* What happens to the two masters. */
#include <stdlib.h>

#include "core/invariant.h"
#include "proto/record.h"
#include "world.h"

static void begin(struct node *node)
{
    struct world *world = node->world;

    node->is_go_on_due = node->is_ask_due = node->is_incomplete = false;
    ms_follower_leave(node->follower);
    ms_mirror_begin(node->mirror, world->reign, shelf_highest(&node->disk.view));
    ms_mirror_serve(node->mirror, world->epoch, world->is_pair);
    ms_mirror_connect(node->mirror, world->connection);
}

/* Reading back waits for what is on its way, and what it tells is nobody's any more. */
static void flush(struct disk *disk)
{
    struct ms_event event;

    while (disk_commit(disk, 1, &event)) {
    }
}

void world_begin_reign(struct world *world, bool is_pair)
{
    struct node *node = world_active(world);

    flush(&node->disk);
    world->epoch++;
    world->reign = world->epoch;
    world->is_pair = is_pair;
    world->is_waiting = world->is_draining = world->is_proposed = false;
    world_forget(world);
    world->said = 0;
    world->covered = shelf_highest(&node->disk.view);
    world_remember(world, world->covered, (struct ms_bytes){0});
    world_step(node, NULL, begin);
}

static size_t write_record(struct world *world, size_t size, ms_seq seq)
{
    static const uint8_t zeros[4096];
    const struct ms_record record = {
        .kind = MS_RECORD_SUBMIT,
        .type = 2000,
        .id.seq = ms_rng_next(&world->rng) / 2 + 1,
        .payload = {zeros, ms_rng_chance(&world->rng, 1, 16) ? ms_rng_below(&world->rng, 600) : 3}};

    ms_assert(world->entries_capacity - size > ms_record_size_max(&record));
    return (size_t)(ms_record_write(world->entries + size, seq, &record) - world->entries);
}

/* The first record of a reign says so, and that of the last one is void. */
static size_t write_epoch(struct world *world, size_t size, ms_seq seq)
{
    const ms_seq former = shelf_last(&world_active(world)->disk.view, MS_RECORD_EPOCH);
    const struct ms_record record = {.kind = MS_RECORD_EPOCH, .token = {world->reign, 0}};
    uint8_t *at = ms_record_write(world->entries + size, seq, &record);

    at = former > 0 ? ms_record_write_erase(at, former) : at;
    return (size_t)(at - world->entries);
}

/* Of a record of the reign, or one that there is not; the EPOCH stays. */
static ms_seq choose_erased(struct world *world, ms_seq last)
{
    const struct shelf *view = &world_active(world)->disk.view;
    const ms_seq erased = ms_rng_chance(&world->rng, 1, 8) ? ms_rng_below(&world->rng, last + 1)
                                                           : shelf_any(view, &world->rng);

    return erased == world->epoch_record ? 0 : erased;
}

void world_append(struct world *world)
{
    struct ms_rng *rng = &world->rng;
    const uint64_t puts = ms_rng_chance(rng, 1, 6) ? 0 : ms_rng_below(rng, 4) + 1;
    const bool is_first = world->past_count == 1;
    uint64_t erasures = ms_rng_below(rng, 4) + (puts == 0 ? 1 : 0);
    ms_seq seq = world->past[world->past_count - 1].seq;
    size_t size = 0;

    if (world->is_draining || world->is_proposed) {
        return;
    }
    if (world->entries == NULL) {
        world->entries_capacity = 64u << 10;
        world->entries = malloc(world->entries_capacity);
        ms_assert(world->entries != NULL);
    }
    if (is_first) {
        world->epoch_record = ++seq;
        size = write_epoch(world, size, seq);
    }
    for (uint64_t i = 0; i < puts; i++) {
        size = write_record(world, size, ++seq);
    }
    for (; erasures > 0; erasures--) {
        const ms_seq erased = choose_erased(world, seq);

        if (erased > 0) {
            size = (size_t)(ms_record_write_erase(world->entries + size, erased) - world->entries);
        }
    }
    if (size == 0) {
        return;
    }
    world->batch_max = size > world->batch_max ? size : world->batch_max;
    world->todo = (struct ms_bytes){world->entries, size};
    world_remember(world, seq, world->todo);
    world_step(world_active(world), NULL, NULL);
}

static struct frame *pop(struct node *node)
{
    struct frame *frame = node->first;

    if (frame != NULL) {
        node->first = frame->next;
        node->end = node->first == NULL ? &node->first : node->end;
        node->frames--;
    }
    return frame;
}

void world_deliver(struct node *node)
{
    struct frame *frame;

    if (node->world->is_break_due) {
        node->world->is_break_due = false;
        world_break(node->world);
    }
    frame = pop(node);
    if (frame != NULL) {
        world_step(node,
                   &(struct ms_event){.type = MS_EVENT_RECEIVED,
                                      .peer = node->world->connection,
                                      .epoch = frame->epoch,
                                      .command = &frame->command},
                   NULL);
        free(frame);
    }
}

void world_commit(struct node *node, size_t count)
{
    struct ms_event event;

    if (disk_commit(&node->disk, count, &event)) {
        world_step(node, &event, NULL);
    }
}

void world_answer_scan(struct node *node)
{
    struct ms_command command;
    struct ms_event event;

    if (disk_scanned(&node->disk, &event, &command)) {
        world_step(node, &event, NULL);
    }
}

static void follow(struct node *node)
{
    struct world *world = node->world;

    node->is_ask_due = false;
    if (world->connection != MS_PEER_NONE && node != world_active(world)) {
        node->follows = world->reign;
        ms_follower_follow(node->follower, world->connection, world->epoch, node->divergent);
    }
}

static void go_on(struct node *node)
{
    node->is_go_on_due = false;
    ms_follower_go_on(node->follower);
}

/* The owner's record is durable, or it is time to ask again. */
void world_answer_owner(struct node *node)
{
    if (node->is_go_on_due) {
        node->is_incomplete = true;
        world_step(node, NULL, go_on);
    } else if (node->is_ask_due) {
        world_step(node, NULL, follow);
    }
}

static void connect(struct node *node)
{
    ms_mirror_connect(node->mirror, node->world->connection);
}

static void leave(struct node *node)
{
    node->is_ask_due = node->is_go_on_due = false;
    node->follows = 0;
    ms_follower_leave(node->follower);
}

void world_connect(struct world *world)
{
    if (world->connection == MS_PEER_NONE) {
        world->connection = ++world->connections_total;
        world_step(world_active(world), NULL, connect);
        world_step(world_passive(world), NULL, connect);
        world_step(world_passive(world), NULL, follow);
    }
}

static void count_cut(struct node *node)
{
    if (node->filling != FILLING_NONE) {
        node->world
            ->counts[node->filling == FILLING_COPY ? COUNT_COPIES_CUT : COUNT_CATCHUPS_CUT]++;
        node->cut = node->filling;
        node->filling = FILLING_NONE;
    }
}

void world_break(struct world *world)
{
    if (world->connection == MS_PEER_NONE) {
        return;
    }
    world->counts[COUNT_BREAKS]++;
    count_cut(world_passive(world));
    world->connection = MS_PEER_NONE;
    for (unsigned i = 0; i < 2; i++) {
        struct frame *frame;

        while ((frame = pop(&world->nodes[i])) != NULL) {
            free(frame);
        }
        world_step(&world->nodes[i], NULL, connect);
        world_step(&world->nodes[i], NULL, leave);
    }
}
