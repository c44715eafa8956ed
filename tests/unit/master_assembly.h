/* Two councils and some witnesses in one room: nothing is late, nothing is lost, but who is told to be away. */
#ifndef TESTS_UNIT_MASTER_ASSEMBLY_H
#define TESTS_UNIT_MASTER_ASSEMBLY_H

#include <check.h>
#include <stdlib.h>

#include "master/council.h"
#include "master/council_table.h"

#define WITNESSES 3u
#define MESSAGES  512u
#define STEPS_MAX 20000

struct message {
    uint8_t from, to; /* 0, 1 = masters, 2.. = witnesses */
    struct ms_command command;
    struct ms_pair_frame frame;
};

struct master {
    struct ms_council *council;
    struct ms_council_record disk;
    bool is_up, serves, pauses, is_renewed;
    bool never_drains; /* its log is not all on its own disk */
    ms_epoch epoch, follows;
    unsigned stores, serves_total, stops_total;
    struct ms_council_config config;
};

struct assembly {
    ms_time now;
    struct master masters[MS_MASTERS];
    struct ms_voter witnesses[WITNESSES];
    struct ms_known_start known[WITNESSES][MS_MASTERS]; /* what they remember */
    uint64_t lives;                                     /* starts of masters */
    bool is_witness_up[WITNESSES];
    uint32_t witnesses_count;
    bool is_cut;        /* between the masters */
    bool is_store_slow; /* nothing becomes durable */
    bool is_vote_slow;  /* witnesses do not vote yet; they are asked again */
    bool copies;        /* followers get the log at once */
    struct message messages[MESSAGES];
    uint32_t first, count;
};

static inline struct ms_uuid uuid_of(uint8_t kind, uint8_t n)
{
    return (struct ms_uuid){{kind, n, 1}};
}

static inline struct ms_uuid incarnation_of(uint8_t place)
{
    return uuid_of(0xa, place);
}

static inline struct ms_council_party party_of(uint8_t node)
{
    return node < MS_MASTERS
               ? (struct ms_council_party){.is_witness = false}
               : (struct ms_council_party){.is_witness = true, .id = uuid_of(0xb, node)};
}

static inline void post(struct assembly *room, const struct message *message)
{
    struct message *slot = &room->messages[(room->first + room->count) % MESSAGES];

    ck_assert_uint_lt(room->count, MESSAGES);
    *slot = *message;
    slot->command.body.pair = NULL;
    room->count++;
}

static inline bool is_here(const struct assembly *room, uint8_t node)
{
    return node < MS_MASTERS ? room->masters[node].is_up : room->is_witness_up[node - MS_MASTERS];
}

static inline bool is_connected(const struct assembly *room, uint8_t a, uint8_t b)
{
    return is_here(room, a) && is_here(room, b) &&
           !(room->is_cut && a < MS_MASTERS && b < MS_MASTERS);
}

static inline struct message from_witness(struct assembly *room, uint8_t node, uint8_t kind,
                                          enum ms_error error)
{
    const struct ms_voter *voter = &room->witnesses[node - MS_MASTERS];
    const struct ms_known_start *known = room->known[node - MS_MASTERS];

    return (struct message){.from = node,
                            .command = {.kind = kind, .error = (uint16_t)error},
                            .frame = {.role = MS_ROLE_WITNESS,
                                      .cluster = voter->cluster,
                                      .id = uuid_of(0xb, node),
                                      .promised = voter->promised,
                                      .decision = voter->accepted,
                                      .known = {known[0], known[1]},
                                      .hears_active = MS_TIME_NEVER}};
}

/* False: it has come with an old copy. */
static inline bool knows(struct assembly *room, uint8_t node, const struct ms_pair_frame *frame)
{
    struct ms_known_start *known = &room->known[node - MS_MASTERS][frame->node];

    (void)ms_known_take(known, &frame->id, &frame->start, frame->is_fresh);
    return !ms_known_outlives(known, &frame->id, &frame->start);
}

/* A witness votes by the rule, and takes what an active tells it. */
static inline void to_witness(struct assembly *room, const struct message *message)
{
    struct ms_voter *voter = &room->witnesses[message->to - MS_MASTERS];
    const struct ms_decision *decision = &message->frame.decision;
    const bool agrees = ms_decision_is_acceptable(decision, voter, false, 0);
    struct message answer;

    switch (message->command.kind) {
    case MS_KIND_PREVOTE:
        answer = from_witness(room, message->to, MS_KIND_PREVOTE_ACK,
                              agrees ? MS_E_OK : MS_E_PERMISSION);
        break;
    case MS_KIND_PROPOSE:
        if (room->is_vote_slow) {
            return;
        }
        if (agrees) {
            voter->promised = decision->epoch;
            voter->accepted = *decision;
            voter->cluster = message->frame.cluster;
        }
        answer = from_witness(room, message->to, MS_KIND_VOTE, agrees ? MS_E_OK : MS_E_PERMISSION);
        break;
    case MS_KIND_PEER_BEAT:
        answer = from_witness(room, message->to, MS_KIND_PEER_BEAT, MS_E_OK);
        answer.to = message->from;
        answer.command.flags = MS_FLAG_PAIR;
        answer.command.count = message->command.count;
        post(room, &answer);
        if (message->frame.promised != decision->epoch ||
            message->frame.served != decision->epoch) {
            return;
        }
        /* fall through */
    case MS_KIND_DECIDED:
        if (decision->epoch >= voter->promised && decision->epoch > 0) {
            voter->cluster = message->frame.cluster;
            voter->promised = decision->epoch;
            voter->accepted = *decision;
        }
        return;
    default:
        return;
    }
    answer.to = message->from;
    post(room, &answer);
}

#endif
