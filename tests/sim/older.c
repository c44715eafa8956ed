#include "tests/sim/older.h"

#include "core/invariant.h"
#include "master/state.h"
#include "proto/record.h"
#include "tests/sim/disk.h"
#include "tests/sim/faults.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

#define OLDER_ONE_IN    5 /* seeds, by their number: who draws something keeps what it drew */
#define OLDER_REMAINDER 0
#define OLDER_LIVES     3 /* of a half, before it is upgraded; or fewer */

/* What a program of that age does not know; all that the ones below it do not know, too. */
enum age {
    AGE_HANDS, /* HAND records, a LOG that is to be answered at once, output that somebody follows, whether a merge knew all */
    AGE_STARTS, /* starts that are counted */
    AGE_LISTS,  /* lists of living records; how both are configured */
    AGES,
};

/* What is decided for a seed and somebody in it; what is not drawn moves nothing. */
static uint64_t decide(const struct sim_config *config, uint32_t what)
{
    return sim_hash(config->seed ^ UINT64_C(0x6f6c646572), &what, sizeof what);
}

void sim_older_config(struct sim_config *config)
{
    struct sim_pair_config *pair = &config->pair;

    pair->older = SIM_NOT_OLDER;
    /* What an older program does not say is needed there. */
    if (config->seed % OLDER_ONE_IN != OLDER_REMAINDER || pair->is_set_back ||
        pair->unlike != SIM_LIKE || config->faults[SIM_FAULT_STUCK] != 0 ||
        config->faults[SIM_FAULT_STUCK_ACTIVE] != 0) {
        return;
    }
    pair->older =
        SIM_OLDER_FIRST + (uint32_t)(config->seed / OLDER_ONE_IN % (SIM_OLDERS - SIM_OLDER_FIRST));
    if (config->faults[SIM_FAULT_CRASH_MASTER] == 0) { /* or nobody would start anew */
        const uint32_t ticks = config->kind == SIM_KIND_SHORT ? 1 : 2;

        config->faults[SIM_FAULT_CRASH_MASTER] = 1 + ticks * (uint32_t)(config->tick / MS_MSEC);
    }
}

static bool is_older_half(struct sim_world *world, const struct sim_node *node)
{
    const uint64_t drawn = decide(&world->config, SIM_NODES_MAX);
    const struct sim_node *serving = sim_serving(world);

    switch ((enum sim_older)world->config.pair.older) {
    case SIM_OLDER_FIRST:
        return node->index == drawn % SIM_MASTERS_MAX &&
               node->incarnation <= 1 + drawn / SIM_MASTERS_MAX % OLDER_LIVES;
    case SIM_OLDER_LATER: /* only a standby is put back */
        return !node->was_older && serving != NULL && serving != node;
    default:
        return false;
    }
}

/* Others are older for all their time, or never. */
static bool is_older(struct sim_world *world, const struct sim_node *node)
{
    if (world->config.pair.older == SIM_NOT_OLDER || world->is_healing || node->is_upgraded) {
        return false;
    }
    return node->role == SIM_MASTER ? is_older_half(world, node)
                                    : decide(&world->config, node->index) % 4 == 0;
}

/* The highest number of such a record; 0 = there is none. */
static ms_seq last_hand(const struct sim_disk *disk)
{
    ms_seq last = 0;

    for (uint32_t i = 0; i < disk->entries_count; i++) {
        struct ms_bytes left = {disk->entries[i].bytes, disk->entries[i].size};
        struct ms_entry entry;

        if (ms_record_next(&left, &entry) && entry.kind == MS_RECORD_HAND) {
            last = entry.seq;
        }
    }
    return last;
}

void sim_older_start(struct sim_world *world, struct sim_node *node)
{
    uint64_t *counts = world->stats.counts;

    node->was_older = node->is_older;
    node->is_older = is_older(world, node);
    node->age =
        node->is_older ? 1 + (uint32_t)(decide(&world->config, SIM_NODES_MAX + 1) % AGES) : 0;
    if (node->role != SIM_MASTER) {
        return;
    }
    node->hands_before = node->is_older ? last_hand(node->disk) : 0;
    counts[SIM_STAT_OLDER] += node->is_older;
    counts[SIM_STAT_OLDER_UPGRADED] += node->was_older && !node->is_older && !world->is_healing;
    counts[SIM_STAT_OLDER_PUT_BACK] += !node->was_older && node->is_older && node->incarnation > 1;
}

/* --- frames --- */

static void see_pair(const struct sim_node *node, bool is_sent, struct sim_older_room *room)
{
    struct ms_command *command = &room->command;

    if (command->kind == MS_KIND_LOG && !is_sent) {
        command->flags &= (uint8_t) ~(MS_FLAG_PROMPT | MS_FLAG_TIP);
    }
    if (command->kind == MS_KIND_RECONCILE_ACK) {
        command->flags &= (uint8_t)~MS_FLAG_KNOWN;
    }
    if (command->kind == MS_KIND_PEER_BEAT) {
        command->flags &= (uint8_t)~MS_FLAG_FULL;
    }
    if (command->kind == MS_KIND_FOLLOW_LOG && node->age > AGE_LISTS) {
        command->id.seq = 0;
        command->count = 0;
    }
    if (command->body.pair == NULL) {
        return;
    }
    room->frame = *command->body.pair;
    command->body.pair = &room->frame;
    room->frame.features = 0;
    room->frame.routes = 0;
    if (node->age > AGE_STARTS) {
        room->frame.start = (struct ms_start){0};
        memset(room->frame.known, 0, sizeof room->frame.known);
    }
    if (node->age > AGE_LISTS) {
        room->frame.settings = (struct ms_pair_settings){0};
    }
}

const struct ms_command *sim_older_see(const struct sim_node *node, bool is_sent,
                                       const struct ms_command *command,
                                       struct sim_older_room *room)
{
    if (!node->is_older) {
        return command;
    }
    room->command = *command;
    if (command->kind >= MS_KIND_PEER_HELLO) {
        see_pair(node, is_sent, room);
    } else if (command->kind == MS_KIND_HELLO) {
        room->hello = *command->body.hello;
        room->hello.features &= ~(MS_FEATURE_FOLLOW | MS_FEATURE_ADJUST | MS_FEATURE_ON);
        room->command.body.hello = &room->hello;
    } else if (command->kind == MS_KIND_WELCOME) {
        room->welcome = *command->body.welcome;
        room->welcome.features &= ~(MS_FEATURE_FOLLOW | MS_FEATURE_ADJUST | MS_FEATURE_ON);
        room->command.body.welcome = &room->welcome;
    }
    return &room->command;
}

/* --- disks --- */

bool sim_older_refuses(struct sim_world *world, struct sim_node *node)
{
    const ms_seq last = node->is_older ? last_hand(node->disk) : 0;

    if (last == 0) {
        return false;
    }
    if (last > node->hands_before) {
        sim_fail(world, "older", "%s leads with an older program, and was given record %llu",
                 sim_node_name(world, node->index), (unsigned long long)last);
    }
    sim_trace(world, "%s cannot read what is on its disk, and is upgraded again",
              sim_node_name(world, node->index));
    world->stats.counts[SIM_STAT_OLDER_REFUSED]++;
    node->is_upgraded = true;
    sim_node_kill(world, node, false);
    sim_node_restart(world, node, 1);
    return true;
}

void sim_older_cleared(struct sim_node *node)
{
    node->hands_before = 0;
}

void sim_older_leads(struct sim_world *world, struct sim_node *node, const struct sim_node *former)
{
    if (former != node) {
        world->stats.counts[SIM_STAT_OLDER_LEADS] += node->is_older && !former->led_as_older;
        world->stats.counts[SIM_STAT_OLDER_LED] += !node->is_older && former->led_as_older;
    }
    node->led_as_older = node->is_older;
}
