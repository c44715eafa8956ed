#include "proto/pair_record.h"

#include <libdeflate.h>

#include "core/invariant.h"
#include "proto/pair.h"
#include "proto/reader.h"
#include "proto/wire_put.h"

enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_CHECKSUM = 8,
    AT_BODY = 12,
};

/* Bytes of a body: a decision, two lists, two ids, numbers, three starts, settings. */
#define BODY_MAX (128 + 2 * MS_WITNESSES_MAX * 19 + 2 * 19 + 12 * 12 + 3 * 100 + 128)

static_assert(AT_BODY + BODY_MAX <= MS_PAIR_RECORD_SIZE_MAX, "a record fits");

static const uint8_t head[AT_CHECKSUM] = {'M', 'S', 'P', 'R', MS_PAIR_RECORD_VERSION};

static uint8_t *put_bool(uint8_t *at, unsigned number, bool value)
{
    return ms_wire_put_u64(at, number, value ? 1 : 0);
}

size_t ms_pair_record_write(uint8_t *bytes_out, const struct ms_council_record *record)
{
    uint8_t *at = bytes_out + AT_BODY;

    ms_assert(record->place < MS_MASTERS && record->lead <= MS_MASTERS);
    ms_assert(!ms_uuid_is_zero(&record->incarnation));
    at = ms_pair_put_uuid(at, 1, &record->voter.cluster);
    at = ms_wire_put_u64(at, 2, record->voter.promised);
    at = ms_pair_put_decision(at, 3, &record->voter.accepted);
    at = ms_pair_put_uuid(at, 4, &record->incarnation);
    at = ms_wire_put_u64(at, 5, record->place);
    at = ms_wire_put_u64(at, 6, record->lead);
    at = put_bool(at, 7, record->is_fresh);
    at = put_bool(at, 8, record->is_complete);
    at = put_bool(at, 9, record->hold.is_on);
    at = ms_wire_put_u64(at, 10, record->served);
    at = ms_wire_put_u64(at, 11, record->witness_version);
    at = ms_pair_put_witnesses(at, 12, &record->witnesses);
    at = ms_pair_put_witnesses(at, 13, &record->witnesses_next);
    at = put_bool(at, 14, record->is_changing);
    at = ms_wire_put_u64(at, 15, record->unmerged);
    at = put_bool(at, 16, record->is_forced);
    at = ms_wire_put_u64(at, 17, record->hold.version);
    at = ms_pair_put_start(at, 18, &record->start);
    at = ms_pair_put_known(at, 19, &record->known[0]);
    at = ms_pair_put_known(at, 20, &record->known[1]);
    at = put_bool(at, 21, record->is_outlived);
    at = put_bool(at, 22, record->is_unmergeable);
    at = ms_pair_put_settings(at, 23, &record->theirs);
    const size_t size = (size_t)(at - bytes_out);
    ms_assert(size <= MS_PAIR_RECORD_SIZE_MAX);
    const uint32_t checksum = libdeflate_crc32(0, bytes_out + AT_BODY, size - AT_BODY);
    memcpy(bytes_out + AT_MAGIC, head, sizeof head);
    for (unsigned i = 0; i < 4; i++) {
        bytes_out[AT_CHECKSUM + i] = (uint8_t)(checksum >> (8 * i));
    }
    return size;
}

struct extra {
    bool unused;
};

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

static inline bool ms_get_decision(struct ms_wire *wire, struct ms_decision *member)
{
    return ms_pair_get_decision(wire, member);
}

static inline bool ms_get_start(struct ms_wire *wire, struct ms_start *member)
{
    return ms_pair_get_start(wire, member);
}

static inline bool ms_get_known(struct ms_wire *wire, struct ms_known_start *member)
{
    return ms_pair_get_known(wire, member);
}

static inline bool ms_get_settings(struct ms_wire *wire, struct ms_pair_settings *member)
{
    return ms_pair_get_settings(wire, member);
}

#define PAIR_RECORD_FIELDS(X)                                                                      \
    X(1, BYTES, uuid, to->voter.cluster)                                                           \
    X(2, VARINT, u64, to->voter.promised)                                                          \
    X(3, BYTES, decision, to->voter.accepted)                                                      \
    X(4, BYTES, uuid, to->incarnation)                                                             \
    X(5, VARINT, u8, to->place)                                                                    \
    X(6, VARINT, u8, to->lead)                                                                     \
    X(7, VARINT, bool, to->is_fresh)                                                               \
    X(8, VARINT, bool, to->is_complete)                                                            \
    X(9, VARINT, bool, to->hold.is_on)                                                             \
    X(10, VARINT, u64, to->served)                                                                 \
    X(11, VARINT, u32, to->witness_version)                                                        \
    X(12, BYTES, witness, to->witnesses)                                                           \
    X(13, BYTES, witness, to->witnesses_next)                                                      \
    X(14, VARINT, bool, to->is_changing)                                                           \
    X(15, VARINT, u64, to->unmerged)                                                               \
    X(16, VARINT, bool, to->is_forced)                                                             \
    X(17, VARINT, u64, to->hold.version)                                                           \
    X(18, BYTES, start, to->start)                                                                 \
    X(19, BYTES, known, to->known[0])                                                              \
    X(20, BYTES, known, to->known[1])                                                              \
    X(21, VARINT, bool, to->is_outlived)                                                           \
    X(22, VARINT, bool, to->is_unmergeable)                                                        \
    X(23, BYTES, settings, to->theirs)
MS_READER(read_record, struct ms_council_record, struct extra, PAIR_RECORD_FIELDS)

static uint32_t load_u32(const uint8_t *from)
{
    return (uint32_t)from[3] << 24 | (uint32_t)from[2] << 16 | (uint32_t)from[1] << 8 | from[0];
}

/* What no record can hold, however it came about. */
static bool judge(const struct ms_council_record *record)
{
    const struct ms_voter *voter = &record->voter;

    return !ms_uuid_is_zero(&record->incarnation) && record->place < MS_MASTERS &&
           record->lead <= MS_MASTERS && ms_pair_judge_decision(&voter->accepted) &&
           (voter->accepted.epoch <= voter->promised ||
            voter->accepted.kind == MS_DECISION_BOOTSTRAP) && /* that promises nothing yet */
           ms_pair_judge_witnesses(&record->witnesses) &&
           ms_pair_judge_witnesses(&record->witnesses_next);
}

enum ms_error ms_pair_record_read(struct ms_bytes bytes, struct ms_council_record *record_out)
{
    struct extra extra = {false};

    *record_out = (struct ms_council_record){.place = 0};
    if (bytes.size < AT_BODY || bytes.size > MS_PAIR_RECORD_SIZE_MAX ||
        memcmp(bytes.data, head, AT_VERSION) != 0) {
        return MS_E_MALFORMED;
    }
    const struct ms_bytes body = {bytes.data + AT_BODY, bytes.size - AT_BODY};
    if (load_u32(bytes.data + AT_CHECKSUM) != libdeflate_crc32(0, body.data, body.size)) {
        return MS_E_MALFORMED;
    }
    if (bytes.data[AT_VERSION] > MS_PAIR_RECORD_VERSION) {
        return MS_E_VERSION;
    }
    if (memcmp(bytes.data, head, sizeof head) != 0 ||
        !read_record(ms_wire_of(body), record_out, &extra) || !judge(record_out)) {
        return MS_E_MALFORMED;
    }
    return MS_E_OK;
}
