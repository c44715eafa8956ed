/* The two masters: what their owners do with events and effects, and what must hold after each step. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/invariant.h"

struct world *world_now;

_Noreturn void world_fail(const struct world *world, const char *rule)
{
    (void)printf("seed %llu: invariant: %s\n", (unsigned long long)world->seed, rule);
    (void)fflush(stdout);
    exit(EXIT_FAILURE);
}

static void hear(struct node *node, const struct ms_event *event)
{
    const struct ms_command *command = event->command;
    const uint64_t denied = node->world->denied;
    bool is_sound = true;

    switch (command->kind) {
    case MS_KIND_DECIDED:
        if (node->follows == node->world->reign && event->epoch == node->world->epoch) {
            ms_follower_epoch(node->follower, event->epoch);
        }
        return;
    case MS_KIND_FOLLOW_LOG:
    case MS_KIND_LOG_ACK:
        is_sound = ms_mirror_hear(node->mirror, event->epoch, command);
        break;
    default:
        node->begun = command->kind == MS_KIND_LOG_BEGIN ? command->flags : node->begun;
        is_sound = ms_follower_hear(node->follower, event->epoch, command);
        break;
    }
    if (!is_sound && node->world->denied == denied) {
        world_fail(node->world, "peer: what a sound peer says is taken");
    }
    node->world->is_break_due = node->world->is_break_due || !is_sound; /* memory was out */
}

/* What was interrupted once has come to its end after all. */
static void count_whole(struct node *node)
{
    uint64_t *counts = node->world->counts;

    counts[COUNT_COPIES_AGAIN] += node->cut == FILLING_COPY && node->filling == FILLING_COPY;
    counts[COUNT_CATCHUPS_AGAIN] += node->cut == FILLING_CATCHUP;
    node->filling = node->cut = FILLING_NONE;
}

static void read_news(struct node *node)
{
    switch (ms_follower_news(node->follower)) {
    case MS_FOLLOWER_INCOMPLETE:
        node->is_go_on_due = true;
        node->filling = (node->begun & MS_FLAG_SPARSE) != 0 ? FILLING_CATCHUP : FILLING_COPY;
        break;
    case MS_FOLLOWER_COMPLETE:
        count_whole(node);
        node->is_incomplete = node->is_damaged = false;
        node->divergent = 0; /* what is there is the active's */
        break;
    case MS_FOLLOWER_REFUSED:
        node->world->counts[COUNT_REFUSALS]++;
        node->is_ask_due = true;
        break;
    case MS_FOLLOWER_NOTHING:
        break;
    }
}

static void route(struct node *node, const struct ms_event *event)
{
    const bool is_active = node == world_active(node->world);

    switch (event->type) {
    case MS_EVENT_RECEIVED:
        hear(node, event);
        break;
    case MS_EVENT_PERSISTED:
        if (is_active) {
            ms_mirror_persisted(node->mirror, event->seq);
        } else {
            ms_follower_persisted(node->follower, event->seq);
        }
        break;
    case MS_EVENT_SCANNED:
        if (ms_follower_is_reading(node->follower)) {
            ms_follower_scanned(node->follower, event);
        } else {
            ms_mirror_scanned(node->mirror, event);
        }
        break;
    case MS_EVENT_CLEARED:
        node->is_damaged = false;
        ms_follower_cleared(node->follower, false);
        break;
    default:
        break;
    }
}

/* There is one reader of the store at a time. */
static void pump(struct node *node, bool is_last)
{
    if (!ms_follower_is_reading(node->follower)) {
        (void)ms_mirror_pump(node->mirror, is_last);
    }
}

/* As the master does it: its records leave as the last effect of the step. */
static void append(struct node *node)
{
    struct world *world = node->world;
    const struct ms_bytes entries = world->todo;
    const ms_seq seq = world->past[world->past_count - 1].seq;

    if (!ms_mirror_append(node->mirror, seq, entries)) {
        world->counts[COUNT_NO_MEMORY]++;
    }
    if (ms_rng_chance(&world->rng, 3, 4)) {
        pump(node, seq % 3 != 0);
    }
    ms_engine_emit(&node->engine, &(struct ms_effect){.type = MS_EFFECT_PERSIST,
                                                      .seq = seq,
                                                      .command = {.payload = entries}});
    world->todo = (struct ms_bytes){0};
}

/* In which epoch it goes on. */
static void tell(struct node *node)
{
    const struct world *world = node->world;

    if (node == world_active(node->world) && world->connection != MS_PEER_NONE) {
        ms_engine_send(&node->engine, world->connection, world->epoch,
                       &(struct ms_command){.kind = MS_KIND_DECIDED});
    }
}

/* Others have filled the step: little can be said. */
static void fill(struct node *node)
{
    const uint64_t room = ms_rng_below(&node->world->rng, 3);

    while (ms_engine_room(&node->engine) > room) {
        ms_engine_emit(&node->engine, &(struct ms_effect){.type = MS_EFFECT_READY});
    }
}

static void step(struct ms_engine *engine, ms_time now, const struct ms_event *event)
{
    struct node *node = (struct node *)engine;

    (void)now;
    if (ms_rng_chance(&node->world->rng, 1, 16)) {
        fill(node);
    }
    if (node->act != NULL) {
        node->act(node);
    } else {
        route(node, event);
    }
    read_news(node);
    if (node->is_decided_due && ms_engine_room(&node->engine) > 0) {
        node->is_decided_due = false;
        tell(node);
    }
    if (node->world->todo.size > 0 && node == world_active(node->world)) {
        append(node);
    } else if (node == world_active(node->world)) {
        pump(node, true);
    } else {
        (void)ms_follower_pump(node->follower);
        if (!ms_mirror_is_scanning(node->mirror)) {
            (void)ms_follower_read(node->follower);
        }
    }
}

static ms_time deadline(const struct ms_engine *engine)
{
    (void)engine;
    return MS_TIME_NEVER;
}

/* What a follower says of its store: what lives up to that record is there, and nothing above it. */
static void check_claim(struct node *from, const struct ms_command *command)
{
    struct world *world = from->world;
    const struct shelf *own = &from->disk.view;

    if (command->kind != MS_KIND_FOLLOW_LOG || command->id.seq == 0 ||
        command->count != world->reign || from->is_damaged) {
        return;
    }
    if (shelf_highest(own) > command->id.seq ||
        !world_is_within(&world_active(world)->disk.view, own, command->id.seq)) {
        world_fail(world, "claim: it is true");
    }
    if (command->token.epoch == 0 && shelf_highest(&from->disk.durable) != command->id.seq) {
        world_fail(world, "claim: it is on the disk");
    }
}

/* A copy, or catching up, makes of a passive's log what the active's never was. */
static void check_memory(const struct node *node)
{
    if (node != world_active(node->world) && !node->is_incomplete &&
        !ms_follower_is_complete(node->follower)) {
        world_fail(node->world, "persist: the owner has remembered before that it is incomplete");
    }
}

static void carry(struct node *from, const struct ms_effect *effect)
{
    struct world *world = from->world;
    struct node *to = from == &world->nodes[0] ? &world->nodes[1] : &world->nodes[0];
    const struct ms_bytes payload = effect->command.payload;
    struct frame *frame;

    if (effect->peer != world->connection) {
        return;
    }
    check_claim(from, &effect->command);
    if (effect->command.kind == MS_KIND_LOG_ACK) {
        check_memory(from);
    }
    if (effect->command.kind == MS_KIND_LOG_ACK && effect->epoch == world->epoch &&
        effect->command.id.seq > world->said) {
        world->said = effect->command.id.seq;
    }
    frame = calloc(1, sizeof *frame + payload.size);
    ms_assert(frame != NULL);
    frame->epoch = effect->epoch;
    frame->command = effect->command;
    if (payload.size > 0) {
        memcpy(frame->bytes, payload.data, payload.size);
    }
    frame->command.payload.data = frame->bytes;
    *to->end = frame;
    to->end = &frame->next;
    to->frames++;
}

static void carry_out(struct node *node)
{
    const struct ms_effect *effect;
    bool is_last = false;

    while ((effect = ms_engine_next(&node->engine)) != NULL) {
        if (is_last) {
            world_fail(node->world, "persist: it is the last effect of a step");
        }
        switch (effect->type) {
        case MS_EFFECT_SEND:
            carry(node, effect);
            break;
        case MS_EFFECT_PERSIST:
            check_memory(node);
            disk_write(&node->disk, effect->seq, effect->command.payload);
            is_last = true;
            break;
        case MS_EFFECT_SCAN:
            disk_scan(&node->disk, effect, ms_rng_chance(&node->world->rng, 1, 2));
            break;
        case MS_EFFECT_CLEAR:
            if (!node->is_incomplete) {
                world_fail(node->world, "clear: the owner has remembered it before");
            }
            if (effect->count > 0 && effect->count == node->disk.aside_last) {
                world_fail(node->world, "clear: set aside once");
            }
            if (effect->count != node->divergent && node->divergent != node->disk.aside_last) {
                world_fail(node->world, "clear: what was served here is set aside");
            }
            node->world->counts[COUNT_ASIDE] += effect->count > 0;
            disk_clear(&node->disk, effect->count);
            break;
        case MS_EFFECT_READY:
            break;
        default:
            world_fail(node->world, "effect: none of its kind");
        }
    }
}

void world_step(struct node *node, const struct ms_event *event, void (*act)(struct node *node))
{
    static const struct ms_event tick = {.type = MS_EVENT_TICK};

    world_now = node->world;
    node->act = act;
    ms_engine_step(&node->engine, 0, event != NULL ? event : &tick);
    carry_out(node);
    world_check(node->world);
}

static void check_covered(struct world *world)
{
    const struct node *active = world_active(world), *passive = world_passive(world);
    const ms_seq covered = ms_mirror_covered(active->mirror);
    const bool is_raised = covered > world->covered;

    if (covered < world->covered) {
        world_fail(world, "covered: never goes back");
    }
    if (!world_was(world, &active->disk.durable, covered)) {
        world_fail(world, "covered: durable at the active");
    }
    if ((world->is_pair || (world->is_waiting && is_raised)) &&
        !world_was(world, &passive->disk.durable, covered)) {
        world_fail(world, "covered: durable at the passive");
    }
    if ((world->is_pair || world->is_waiting) && is_raised && covered > world->said) {
        world_fail(world, "covered: said in this epoch");
    }
    world->covered = covered;
    if ((world->is_pair || world->is_waiting) && ms_mirror_is_complete(active->mirror) &&
        !world_was(world, &passive->disk.durable, covered)) {
        world_fail(world, "complete: the peer has all that was covered");
    }
    if (ms_mirror_is_drained(active->mirror) &&
        (passive->disk.view.hash != active->disk.view.hash ||
         !world_was(world, &active->disk.durable, world->past[world->past_count - 1].seq))) {
        world_fail(world, "drained: the peer has all there is");
    }
}

static void check_follower(const struct world *world, const struct node *passive)
{
    if (passive->follows != world->reign || !ms_follower_is_complete(passive->follower)) {
        return;
    }
    if (!world_was(world, &passive->disk.view, 0)) {
        world_fail(world, "follower: its log is the active's");
    }
    if (!world_was(world, &passive->disk.durable, ms_follower_durable(passive->follower))) {
        world_fail(world, "follower: durable is what it says");
    }
}

void world_check(struct world *world)
{
    struct ms_mirror_stats stats;
    size_t bytes = 0;

    if (world->reign == 0) {
        return;
    }
    check_covered(world);
    check_follower(world, world_passive(world));
    ms_mirror_stats(world_active(world)->mirror, &stats);
    if (stats.backlog_bytes > MS_BACKLOG_COPY_BYTES) {
        world_fail(world, "backlog: it is bounded");
    }
    for (const struct frame *frame = world_passive(world)->first; frame != NULL;
         frame = frame->next) {
        bytes = frame->command.kind == MS_KIND_LOG_BEGIN ? 0 : bytes + frame->command.payload.size;
    }
    if (bytes > MS_LOG_AHEAD_BYTES + MS_SCAN_BYTES + world->batch_max) {
        world_fail(world, "ahead: it is bounded");
    }
}

static void on_trace(void *context, enum ms_level level, const char *message, const char *fields)
{
    const struct node *node = context;

    (void)message, (void)fields;
    if (level == MS_LEVEL_ERROR && !node->is_damaged) {
        world_fail(node->world, "claim: nothing refutes it");
    }
}

static void init_node(struct node *node, struct world *world)
{
    static const struct ms_engine_ops ops = {.name = "node", .step = step, .deadline = deadline};

    *node = (struct node){.world = world};
    node->end = &node->first;
    disk_init(&node->disk);
    ms_assert(ms_engine_init(&node->engine, &ops));
    node->engine.trace = (struct ms_trace){on_trace, node, MS_LEVEL_ERROR};
    node->mirror = ms_mirror_create(&node->engine);
    node->follower = ms_follower_create(&node->engine);
    ms_assert(node->mirror != NULL && node->follower != NULL);
}

void world_init(struct world *world, uint64_t seed)
{
    *world = (struct world){.seed = seed, .batch_max = 1000};
    world_now = world;
    ms_rng_init(&world->rng, seed);
    world->is_pressed = ms_rng_chance(&world->rng, 1, 4);
    world->calm = (uint64_t)1 << ms_rng_below(&world->rng, 4);
    init_node(&world->nodes[0], world);
    init_node(&world->nodes[1], world);
    world_begin_reign(world, false);
}

void world_finish(struct world *world)
{
    world_now = NULL;
    world_break(world);
    for (unsigned i = 0; i < 2; i++) {
        struct node *node = &world->nodes[i];

        world_count(node);
        ms_mirror_destroy(node->mirror);
        ms_follower_destroy(node->follower);
        ms_engine_finish(&node->engine);
        disk_finish(&node->disk);
    }
    world_forget(world);
    free(world->past);
    free(world->entries);
}
