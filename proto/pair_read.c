#include "core/invariant.h"
#include "proto/pair.h"
#include "proto/reader.h"
#include "proto/utf8.h"

/* What is judged when all is read. */
struct extra {
    uint32_t role, kind;
    struct ms_bytes name, build;
};

bool ms_pair_get_uuid(struct ms_wire *wire, struct ms_uuid *uuid)
{
    struct ms_bytes bytes = {0};

    if (!ms_wire_bytes(wire, &bytes) || (bytes.size != 0 && bytes.size != sizeof uuid->bytes)) {
        return false;
    }
    *uuid = (struct ms_uuid){0};
    if (bytes.size > 0) {
        memcpy(uuid->bytes, bytes.data, sizeof uuid->bytes);
    }
    return true;
}

bool ms_pair_get_witness(struct ms_wire *wire, struct ms_witnesses *list)
{
    if (list->count >= MS_WITNESSES_MAX) {
        return false;
    }
    return ms_pair_get_uuid(wire, &list->ids[list->count++]);
}

static inline bool ms_get_bool(struct ms_wire *wire, bool *member)
{
    uint64_t value = 0;

    if (!ms_wire_varint(wire, &value)) {
        return false;
    }
    *member = value != 0;
    return true;
}

static inline bool ms_get_uuid(struct ms_wire *wire, struct ms_uuid *member)
{
    return ms_pair_get_uuid(wire, member);
}

static inline bool ms_get_witness(struct ms_wire *wire, struct ms_witnesses *member)
{
    return ms_pair_get_witness(wire, member);
}

/* An age that is told is one more than it is; one beyond all bounds becomes negative. */
static inline bool ms_get_age(struct ms_wire *wire, ms_time *member)
{
    uint64_t value = 0;

    if (!ms_wire_varint(wire, &value)) {
        return false;
    }
    *member = value > 0 ? ms_get_bounded(value - 1) : MS_TIME_NEVER;
    return true;
}

#define DECISION_FIELDS(X)                                                                         \
    X(1, VARINT, u64, to->epoch)                                                                   \
    X(2, VARINT, u32, extra->kind)                                                                 \
    X(3, VARINT, u8, to->proposer)                                                                 \
    X(4, VARINT, u8, to->active)                                                                   \
    X(5, BYTES, uuid, to->set[0])                                                                  \
    X(6, BYTES, uuid, to->set[1])                                                                  \
    X(7, VARINT, u64, to->served)
MS_READER(read_decision, struct ms_decision, struct extra, DECISION_FIELDS)

bool ms_pair_get_decision(struct ms_wire *wire, struct ms_decision *decision)
{
    struct ms_bytes bytes = {0};
    struct extra extra = {.kind = (uint32_t)decision->kind};

    if (!ms_wire_bytes(wire, &bytes) || !read_decision(ms_wire_of(bytes), decision, &extra)) {
        return false;
    }
    decision->kind =
        extra.kind < MS_DECISION_KINDS ? (enum ms_decision_kind)extra.kind : MS_DECISION_KINDS;
    return true;
}

static inline bool ms_get_decision(struct ms_wire *wire, struct ms_decision *member)
{
    return ms_pair_get_decision(wire, member);
}

#define SETTINGS_FIELDS(X)                                                                         \
    X(1, VARINT, u32, to->failover)                                                                \
    X(2, VARINT, time, to->beat)                                                                   \
    X(3, VARINT, time, to->lease)                                                                  \
    X(4, VARINT, time, to->silent)                                                                 \
    X(5, VARINT, time, to->vote)                                                                   \
    X(6, VARINT, time, to->tick)                                                                   \
    X(7, VARINT, u64, to->witnesses)                                                               \
    X(8, VARINT, u32, to->quorum_loss)                                                             \
    X(9, VARINT, u32, to->failback)
MS_READER(read_settings, struct ms_pair_settings, struct extra, SETTINGS_FIELDS)

bool ms_pair_get_settings(struct ms_wire *wire, struct ms_pair_settings *settings)
{
    struct ms_bytes bytes = {0};
    struct extra extra = {0};

    return ms_wire_bytes(wire, &bytes) && read_settings(ms_wire_of(bytes), settings, &extra);
}

static inline bool ms_get_settings(struct ms_wire *wire, struct ms_pair_settings *member)
{
    return ms_pair_get_settings(wire, member);
}

static inline bool ms_get_hold(struct ms_wire *wire, struct ms_pair_hold *member)
{
    uint64_t value = 0;

    if (!ms_wire_varint(wire, &value)) {
        return false;
    }
    *member = (struct ms_pair_hold){.version = value >> 1, .is_on = (value & 1) != 0};
    return true;
}

static inline bool ms_get_lives(struct ms_wire *wire, uint64_t *member)
{
    struct ms_bytes bytes = {0};

    if (!ms_wire_bytes(wire, &bytes) || bytes.size > MS_START_LIVES * 8 || bytes.size % 8 != 0) {
        return false;
    }
    memset(member, 0, MS_START_LIVES * sizeof *member);
    for (size_t i = 0; i < bytes.size; i++) {
        member[i / 8] |= (uint64_t)bytes.data[i] << (8 * (i % 8));
    }
    return true;
}

/* As it is written: a start with the half that it is of. */
struct start {
    struct ms_start start;
    struct ms_uuid half;
};

#define START_FIELDS(X)                                                                            \
    X(1, VARINT, u64, to->start.number)                                                            \
    X(2, BYTES, lives, to->start.lives[0])                                                         \
    X(3, BYTES, uuid, to->half)
MS_READER(read_start, struct start, struct extra, START_FIELDS)

static bool get_start(struct ms_wire *wire, struct start *start)
{
    struct ms_bytes bytes = {0};
    struct extra extra = {0};

    return ms_wire_bytes(wire, &bytes) && read_start(ms_wire_of(bytes), start, &extra);
}

bool ms_pair_get_start(struct ms_wire *wire, struct ms_start *start)
{
    struct start found = {.start = *start};
    const bool is_read = get_start(wire, &found);

    *start = found.start;
    return is_read;
}

bool ms_pair_get_known(struct ms_wire *wire, struct ms_known_start *known)
{
    struct start found = {.start = {.number = known->number, .lives = {known->life}},
                          .half = known->id};
    const bool is_read = get_start(wire, &found);

    *known = (struct ms_known_start){
        .id = found.half, .number = found.start.number, .life = found.start.lives[0]};
    return is_read;
}

static inline bool ms_get_start(struct ms_wire *wire, struct ms_start *member)
{
    return ms_pair_get_start(wire, member);
}

static inline bool ms_get_known(struct ms_wire *wire, struct ms_known_start *member)
{
    return ms_pair_get_known(wire, member);
}

bool ms_pair_judge_decision(const struct ms_decision *decision)
{
    if (decision->kind == MS_DECISION_NONE) {
        return decision->epoch == 0 && decision->proposer == 0 && decision->active == 0 &&
               decision->served == 0 && ms_uuid_is_zero(&decision->set[0]) &&
               ms_uuid_is_zero(&decision->set[1]);
    }
    return decision->kind < MS_DECISION_KINDS && decision->epoch > 0 &&
           decision->proposer < MS_MASTERS && decision->active < MS_MASTERS &&
           !ms_uuid_is_zero(&decision->set[decision->proposer]) &&
           !ms_uuid_is_zero(&decision->set[decision->active]);
}

bool ms_pair_judge_witnesses(const struct ms_witnesses *list)
{
    ms_assert(list->count <= MS_WITNESSES_MAX);
    for (uint32_t i = 0; i < list->count; i++) {
        if (ms_uuid_is_zero(&list->ids[i])) {
            return false;
        }
        for (uint32_t j = 0; j < i; j++) {
            if (ms_uuid_equal(&list->ids[i], &list->ids[j])) {
                return false;
            }
        }
    }
    return true;
}

/* The command beside its body. */
struct target {
    struct ms_command *command;
    struct ms_pair_frame *pair;
};

#define PAIR_FIELDS(X)                                                                             \
    X(1, VARINT, u64, to->pair->promised)                                                          \
    X(2, VARINT, u64, to->pair->served)                                                            \
    X(3, VARINT, u64, to->command->count)                                                          \
    X(4, VARINT, flags, to->command->flags)                                                        \
    X(5, VARINT, u16, to->command->error)                                                          \
    X(6, VARINT, u64, to->command->token.epoch)                                                    \
    X(7, VARINT, u64, to->command->token.n)                                                        \
    X(8, VARINT, u64, to->command->id.seq)                                                         \
    X(9, BYTES, bytes, to->command->payload)                                                       \
    X(10, BYTES, decision, to->pair->decision)                                                     \
    X(11, VARINT, u8, to->pair->state)                                                             \
    X(12, VARINT, bool, to->pair->is_fresh)                                                        \
    X(13, VARINT, bool, to->pair->is_complete)                                                     \
    X(14, VARINT, age, to->pair->hears_active)                                                     \
    X(15, BYTES, text, to->command->detail)                                                        \
    X(16, VARINT, u32, extra->role)                                                                \
    X(17, VARINT, u32, to->pair->version_min)                                                      \
    X(18, VARINT, u32, to->pair->version_max)                                                      \
    X(19, BYTES, uuid, to->pair->cluster)                                                          \
    X(20, BYTES, uuid, to->pair->id)                                                               \
    X(21, VARINT, u8, to->pair->node)                                                              \
    X(22, VARINT, u32, to->pair->witness_version)                                                  \
    X(23, BYTES, witness, to->pair->witnesses)                                                     \
    X(24, BYTES, witness, to->pair->witnesses_next)                                                \
    X(25, BYTES, text, extra->name)                                                                \
    X(26, BYTES, text, extra->build)                                                               \
    X(27, BYTES, settings, to->pair->settings)                                                     \
    X(28, VARINT, hold, to->pair->hold)                                                            \
    X(29, BYTES, start, to->pair->start)                                                           \
    X(30, BYTES, known, to->pair->known[0])                                                        \
    X(31, BYTES, known, to->pair->known[1])                                                        \
    X(32, VARINT, u64, to->pair->features)                                                         \
    X(33, VARINT, u64, to->pair->routes)
MS_READER(read_pair, struct target, struct extra, PAIR_FIELDS)

/* to holds MS_NAME_MAX + 1 bytes, zeroed. */
static bool copy_name(char *to, struct ms_bytes from)
{
    if (from.size > MS_NAME_MAX || !ms_utf8_is_name(from)) {
        return false;
    }
    if (from.size > 0) {
        memcpy(to, from.data, from.size);
    }
    return true;
}

/* Who says hello is somebody: a master and a witness have an id. */
static bool is_hello(const struct ms_pair_frame *pair)
{
    switch (pair->role) {
    case MS_ROLE_MASTER:
    case MS_ROLE_WITNESS:
        return !ms_uuid_is_zero(&pair->id);
    case MS_ROLE_OPERATOR:
        return true;
    default:
        return false;
    }
}

/* What the kind cannot do without, and what it must not have. */
static bool is_fit(const struct ms_command *command, const struct ms_pair_frame *pair)
{
    const struct ms_token token = command->token;

    switch ((enum ms_kind)command->kind) {
    case MS_KIND_PEER_HELLO:
        return is_hello(pair);
    case MS_KIND_PREVOTE:
    case MS_KIND_PROPOSE:
    case MS_KIND_DECIDED:
        return pair->decision.kind != MS_DECISION_NONE;
    case MS_KIND_FOLLOW_LOG:
    case MS_KIND_LOG_BEGIN:
    case MS_KIND_LOG_ACK:
        return token.epoch > 0 || token.n == 0;
    case MS_KIND_LOG:
        return token.epoch > 0 && token.n > 0;
    case MS_KIND_RECONCILE:
    case MS_KIND_RECONCILE_ACK:
        return token.epoch > 0;
    case MS_KIND_ORDER:
        return command->count > MS_ORDER_NONE && command->count < MS_ORDER_COUNT;
    default:
        return true;
    }
}

static uint8_t flags_of(enum ms_kind kind)
{
    const bool has_one = kind == MS_KIND_PEER_BEAT || kind == MS_KIND_LOG_BEGIN ||
                         kind == MS_KIND_LOG_COPY || kind == MS_KIND_LOG ||
                         kind == MS_KIND_RECONCILE || kind == MS_KIND_RECONCILE_ACK;
    const uint8_t others = kind == MS_KIND_LOG_BEGIN       ? MS_FLAG_SPARSE
                           : kind == MS_KIND_LOG           ? MS_FLAG_PROMPT | MS_FLAG_TIP
                           : kind == MS_KIND_PEER_BEAT     ? MS_FLAG_FULL | MS_FLAG_SHORT
                           : kind == MS_KIND_RECONCILE_ACK ? MS_FLAG_KNOWN
                                                           : 0;

    return has_one ? MS_FLAG_PAIR | others : 0;
}

static bool judge(const struct ms_command *command, const struct ms_pair_frame *pair)
{
    const bool has_payload = command->kind == MS_KIND_LOG || command->kind == MS_KIND_LOG_COPY ||
                             command->kind == MS_KIND_LOG_LIVE ||
                             command->kind == MS_KIND_RECONCILE;

    return pair->node < MS_MASTERS && pair->state < MS_COUNCIL_STATES && pair->hears_active >= 0 &&
           command->detail.size <= MS_DETAIL_MAX && (has_payload || command->payload.size == 0) &&
           ms_pair_judge_decision(&pair->decision) && ms_pair_judge_witnesses(&pair->witnesses) &&
           ms_pair_judge_witnesses(&pair->witnesses_next) && is_fit(command, pair);
}

bool ms_pair_read(enum ms_kind kind, struct ms_bytes body, struct ms_command *command_out,
                  struct ms_pair_frame *pair_out)
{
    struct target target = {command_out, pair_out};
    struct extra extra = {0};

    ms_assert(ms_kind_is_pair(kind));
    *pair_out = (struct ms_pair_frame){.hears_active = MS_TIME_NEVER};
    *command_out = (struct ms_command){.kind = (uint8_t)kind, .body.pair = pair_out};
    if (!read_pair(ms_wire_of(body), &target, &extra) || extra.role >= MS_ROLE_COUNT ||
        !copy_name(pair_out->name, extra.name) || !copy_name(pair_out->build, extra.build)) {
        return false;
    }
    pair_out->role = (enum ms_role)extra.role;
    command_out->flags &= flags_of(kind);
    return judge(command_out, pair_out);
}
