#include "proto/pair.h"

#include "core/invariant.h"
#include "proto/pack_list.h"
#include "proto/wire_put.h"

#define NUMBER_FIELD_MAX (2 + MS_WIRE_VARINT_MAX)
#define UUID_FIELD_MAX   (2 + 1 + 16)
#define NAME_FIELD_MAX   (2 + 1 + MS_NAME_MAX)
#define DECISION_MAX     (2 + 5 * NUMBER_FIELD_MAX + 2 * UUID_FIELD_MAX)
#define SETTINGS_MAX     (3 + 7 * NUMBER_FIELD_MAX)

#define START_MAX (3 + NUMBER_FIELD_MAX + 2 + 8 * MS_START_LIVES + UUID_FIELD_MAX)
static_assert(19 * NUMBER_FIELD_MAX + SETTINGS_MAX + 3 * START_MAX +
                      (2 + 2 * MS_WITNESSES_MAX) * UUID_FIELD_MAX + DECISION_MAX +
                      2 * NAME_FIELD_MAX + 2 * (2 + MS_WIRE_KEY_MAX) <=
                  MS_PAIR_BODY_MAX,
              "a body fits what is reserved for it");
static_assert(MS_PAIR_BODY_MAX + MS_DETAIL_MAX <= MS_FRAME_HELLO_MAX, "a greeting fits");
static_assert(MS_PAIR_BODY_MAX + MS_DETAIL_MAX + 1024 <= MS_FRAME_OVERHEAD_MAX,
              "the largest payload fits");
static_assert(MS_LOG_FRAME_SIZE <= MS_FRAME_BATCH_SIZE, "a frame of the log fits");

size_t ms_pair_pack_max(const struct ms_command *command)
{
    ms_assert(command->payload.size <= MS_PAIR_PAYLOAD_MAX);
    return MS_PAIR_BODY_MAX + command->payload.size +
           (command->detail.size < MS_DETAIL_MAX ? command->detail.size : MS_DETAIL_MAX);
}

uint8_t *ms_pair_put_uuid(uint8_t *at, unsigned number, const struct ms_uuid *uuid)
{
    if (ms_uuid_is_zero(uuid)) {
        return at;
    }
    return ms_wire_put_bytes(at, number, (struct ms_bytes){uuid->bytes, sizeof uuid->bytes});
}

uint8_t *ms_pair_put_witnesses(uint8_t *at, unsigned number, const struct ms_witnesses *list)
{
    ms_assert(list->count <= MS_WITNESSES_MAX);
    for (uint32_t i = 0; i < list->count; i++) {
        ms_assert(!ms_uuid_is_zero(&list->ids[i]));
        at = ms_pair_put_uuid(at, number, &list->ids[i]);
    }
    return at;
}

uint8_t *ms_pair_put_decision(uint8_t *at, unsigned number, const struct ms_decision *decision)
{
    if (decision->kind == MS_DECISION_NONE) {
        return at;
    }
    ms_assert(ms_pair_judge_decision(decision));
    uint8_t *length = ms_wire_put_key(at, number, MS_WIRE_BYTES);
    at = ms_wire_put_u64(length + 1, 1, decision->epoch);
    at = ms_wire_put_u64(at, 2, (uint64_t)decision->kind);
    at = ms_wire_put_u64(at, 3, decision->proposer);
    at = ms_wire_put_u64(at, 4, decision->active);
    at = ms_pair_put_uuid(at, 5, &decision->set[0]);
    at = ms_pair_put_uuid(at, 6, &decision->set[1]);
    at = ms_wire_put_u64(at, 7, decision->served);
    ms_assert(at - length - 1 < 0x80); /* one byte of length is enough */
    *length = (uint8_t)(at - length - 1);
    return at;
}

static uint8_t *put_lives(uint8_t *at, const uint64_t *lives, unsigned count)
{
    uint8_t bytes[MS_START_LIVES * 8];

    for (unsigned i = 0; i < count * 8; i++) {
        bytes[i] = (uint8_t)(lives[i / 8] >> (8 * (i % 8)));
    }
    return ms_wire_put_bytes(at, 2, (struct ms_bytes){bytes, count * 8});
}

uint8_t *ms_pair_put_start(uint8_t *at, unsigned number, const struct ms_start *start)
{
    unsigned count = 0;

    if (start->number == 0) {
        return at;
    }
    while (count < MS_START_LIVES && start->lives[count] != 0) {
        count++;
    }
    uint8_t *length = ms_wire_put_key(at, number, MS_WIRE_BYTES);
    at = ms_wire_put_u64(length + 1, 1, start->number);
    at = put_lives(at, start->lives, count);
    ms_assert(at - length - 1 < 0x80); /* one byte of length is enough */
    *length = (uint8_t)(at - length - 1);
    return at;
}

uint8_t *ms_pair_put_known(uint8_t *at, unsigned number, const struct ms_known_start *known)
{
    if (known->number == 0) {
        return at;
    }
    uint8_t *length = ms_wire_put_key(at, number, MS_WIRE_BYTES);
    at = ms_wire_put_u64(length + 1, 1, known->number);
    at = put_lives(at, &known->life, 1);
    at = ms_pair_put_uuid(at, 3, &known->id);
    *length = (uint8_t)(at - length - 1);
    return at;
}

uint8_t *ms_pair_put_settings(uint8_t *at, unsigned number, const struct ms_pair_settings *settings)
{
    if (settings->failover == 0) {
        return at;
    }
    uint8_t *length = ms_wire_put_key(at, number, MS_WIRE_BYTES);
    at = ms_wire_put_u64(length + 1, 1, settings->failover);
    at = ms_wire_put_u64(at, 2, (uint64_t)settings->beat);
    at = ms_wire_put_u64(at, 3, (uint64_t)settings->lease);
    at = ms_wire_put_u64(at, 4, (uint64_t)settings->silent);
    at = ms_wire_put_u64(at, 5, (uint64_t)settings->vote);
    at = ms_wire_put_u64(at, 6, (uint64_t)settings->tick);
    at = ms_wire_put_u64(at, 7, settings->witnesses);
    at = ms_wire_put_u64(at, 8, settings->quorum_loss);
    at = ms_wire_put_u64(at, 9, settings->failback);
    ms_assert(at - length - 1 < 0x80); /* one byte of length is enough */
    *length = (uint8_t)(at - length - 1);
    return at;
}

static uint8_t *put_hello(uint8_t *at, const struct ms_pair_frame *pair)
{
    at = ms_wire_put_u64(at, 16, (uint64_t)pair->role);
    at = ms_wire_put_u64(at, 17, pair->version_min);
    at = ms_wire_put_u64(at, 18, pair->version_max);
    at = ms_pair_put_uuid(at, 19, &pair->cluster);
    at = ms_pair_put_uuid(at, 20, &pair->id);
    at = ms_wire_put_u64(at, 21, pair->node);
    at = ms_wire_put_u64(at, 22, pair->witness_version);
    at = ms_pair_put_witnesses(at, 23, &pair->witnesses);
    at = ms_pair_put_witnesses(at, 24, &pair->witnesses_next);
    at = ms_pack_name(at, 25, ms_bytes_of(pair->name));
    at = ms_pack_name(at, 26, ms_bytes_of(pair->build));
    at = ms_pair_put_settings(at, 27, &pair->settings);
    at = ms_wire_put_u64(at, 28, pair->hold.version << 1 | (pair->hold.is_on ? 1 : 0));
    at = ms_pair_put_start(at, 29, &pair->start);
    at = ms_pair_put_known(at, 30, &pair->known[0]);
    at = ms_pair_put_known(at, 31, &pair->known[1]);
    at = ms_wire_put_u64(at, 32, pair->features);
    return ms_wire_put_u64(at, 33, pair->routes);
}

/* Only whoever beats is asked for it, and no age is an age of none. */
static uint8_t *put_hears_active(uint8_t *at, enum ms_kind kind, ms_time age)
{
    if ((kind != MS_KIND_PEER_HELLO && kind != MS_KIND_PEER_BEAT) || age == MS_TIME_NEVER) {
        return at;
    }
    ms_assert(age >= 0);
    return ms_wire_put_u64(at, 14, 1 + (uint64_t)(age < MS_DURATION_MAX ? age : MS_DURATION_MAX));
}

uint8_t *ms_pair_pack(uint8_t *at, const struct ms_command *command)
{
    static const struct ms_pair_frame zero = {.hears_active = MS_TIME_NEVER};
    const enum ms_kind kind = (enum ms_kind)command->kind;
    const struct ms_pair_frame *pair = command->body.pair != NULL ? command->body.pair : &zero;

    ms_assert(ms_kind_is_pair(kind));
    ms_assert(pair->node < MS_MASTERS && pair->role < MS_ROLE_COUNT);
    at = ms_wire_put_u64(at, 1, pair->promised);
    at = ms_wire_put_u64(at, 2, pair->served);
    at = ms_wire_put_u64(at, 3, command->count);
    at = ms_wire_put_u64(at, 4, command->flags);
    at = ms_wire_put_u64(at, 5, command->error);
    at = ms_wire_put_u64(at, 6, command->token.epoch);
    at = ms_wire_put_u64(at, 7, command->token.n);
    at = ms_wire_put_u64(at, 8, command->id.seq);
    at = ms_wire_put_bytes(at, 9, command->payload);
    at = ms_pair_put_decision(at, 10, &pair->decision);
    at = ms_wire_put_u64(at, 11, pair->state);
    at = ms_wire_put_u64(at, 12, pair->is_fresh ? 1 : 0);
    at = ms_wire_put_u64(at, 13, pair->is_complete ? 1 : 0);
    at = put_hears_active(at, kind, pair->hears_active);
    at = ms_pack_detail(at, 15, command->detail);
    return put_hello(at, pair);
}
