/* What two halves of a pair live in, for tests: their stores are arrays, their network is a queue, time is a number.
 * A third party on it is whoever the test plays: a client, a witness, an operator. */
#ifndef TESTS_UNIT_MASTER_HALVES_WORLD_H
#define TESTS_UNIT_MASTER_HALVES_WORLD_H

#include <check.h>
#include <stdlib.h>

#include "core/heap.h"
#include "master/pair.h"
#include "proto/record.h"

#define LATENCY    (1 * MS_MSEC) /* of network and disk */
#define WIRES_MAX  512
#define GUESTS_MAX 8
#define GUEST      2 /* places 0 and 1 are the halves */

#define OTHER_ADDRESS "other:1"
#define OWN_ADDRESS   "own:1"

struct entry {
    ms_seq seq;
    size_t size;
    uint8_t *bytes;
};

struct
    wire { /* a connection: ends are places; a name is slot + 1 + generation, the same at both ends */
    int ends[2];
    bool is_open[2];
    bool is_apart; /* was dialled where only the pair is served */
    uint32_t twin; /* name of the other end, where both are one half's; 0 = they are not */
};

struct half {
    struct ms_pair *pair; /* NULL = it is down */
    struct entry *entries;
    size_t entries_count;
    struct entry *own; /* while what is in entries lies beside it */
    size_t own_count;
    bool is_beside, is_cramped; /* cramped: it has no room for two stores */
    uint8_t record[4096];
    size_t record_size;
    int stops;
    bool is_paused;
    uint32_t life;
    uint32_t clears;          /* that it asked for, */
    struct ms_effect cleared; /* and the last of them */
};

struct thing { /* to come */
    ms_time at;
    uint64_t order;
    int place;
    uint32_t life;
    bool is_replay, is_scan;
    struct ms_event event;
    struct ms_command command;
    struct ms_pair_frame frame;
    struct ms_hello hello;
    uint8_t *payload;
    uint8_t *detail;
};

static struct half halves[2];
static struct wire wires[WIRES_MAX];
static uint32_t wires_count;
static struct thing *things[1 << 16];
static size_t things_count;
static uint64_t things_order;
static ms_time now;
static bool
    is_deaf; /* the backup: what the primary says to it is lost, on a connection that stands */
static ms_time stuck_until[2];    /* their disks: what is written is durable then */
static ms_time record_latency[2]; /* of the small record */
static enum ms_failover failover_of_all;
static bool is_dialling_apart;   /* whoever dials from now on dials there */
static const char *peers_of_all; /* --peer */
static uint32_t self_dials;      /* of OWN_ADDRESS, at which a half meets itself */
static bool is_cut;              /* between the halves: nothing passes, nobody is told */

/* What the guest has received, oldest first. */
static struct thing *heard[1 << 12];
static size_t heard_count;

static struct thing *push(ms_time at, int place, const struct ms_event *event)
{
    struct thing *thing = calloc(1, sizeof *thing);

    ck_assert_ptr_nonnull(thing);
    thing->at = at;
    thing->order = things_order++;
    thing->place = place;
    thing->life = place < GUEST ? halves[place].life : 0;
    thing->event = *event;
    if (event->command != NULL) {
        const struct ms_command *command = event->command;

        thing->command = *command;
        if (command->payload.size > 0) {
            thing->payload = malloc(command->payload.size);
            memcpy(thing->payload, command->payload.data, command->payload.size);
            thing->command.payload.data = thing->payload;
        }
        if (command->detail.size > 0) {
            thing->detail = malloc(command->detail.size);
            memcpy(thing->detail, command->detail.data, command->detail.size);
            thing->command.detail.data = thing->detail;
        }
        if (command->kind >= MS_KIND_PEER_HELLO && command->body.pair != NULL) {
            thing->frame = *command->body.pair;
            thing->command.body.pair = &thing->frame;
        }
        if (command->kind == MS_KIND_HELLO) {
            thing->hello = *command->body.hello;
            thing->command.body.hello = &thing->hello;
        }
        thing->event.command = &thing->command;
    }
    ck_assert_uint_lt(things_count, sizeof things / sizeof things[0]);
    things[things_count++] = thing;
    return thing;
}

static void forget(struct thing *thing)
{
    free(thing->payload);
    free(thing->detail);
    free(thing);
}

#endif
