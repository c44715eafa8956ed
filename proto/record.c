#include "proto/record.h"

#include <libdeflate.h>

#include "core/invariant.h"
#include "proto/pack_list.h"
#include "proto/wire_put.h"

enum {
    AT_SIZE = 0,
    AT_CHECKSUM = 4,
    AT_SEQ = 8,
    AT_KIND = 16,
    AT_VERSION = 17,
    AT_ZERO = 18,
};

static_assert(AT_ZERO + 2 == MS_RECORD_HEADER_SIZE, "the header ends with two zeros");
static_assert(MS_RECORD_HEADER_SIZE + MS_RECORD_BODY_MAX <= INT32_MAX,
              "a checksum's length is int");

/* Bytes of a body beside name, detail, payload and terms; and of terms beside keys and group. */
#define FIELDS_MAX 400
#define TERMS_MAX  80

#define TERMS_TARGETS    12 /* their number among the terms */
#define TARGETS_HEAD_MAX 8  /* bytes of that and of their size */
static const char *const kind_names[MS_RECORD_KINDS] = {
    [MS_RECORD_ERASE] = "ERASE",
    [MS_RECORD_EPOCH] = "EPOCH",
    [MS_RECORD_TYPE] = "TYPE",
    [MS_RECORD_SESSION] = "SESSION",
    [MS_RECORD_CLIENT] = "CLIENT",
    [MS_RECORD_SESSION_END] = "SESSION_END",
    [MS_RECORD_CLOSED] = "CLOSED",
    [MS_RECORD_CLOSED_RUN] = "CLOSED_RUN",
    [MS_RECORD_SUBMIT] = "SUBMIT",
    [MS_RECORD_LEASE] = "LEASE",
    [MS_RECORD_RETURN] = "RETURN",
    [MS_RECORD_PIECE] = "PIECE",
    [MS_RECORD_RETRY] = "RETRY",
    [MS_RECORD_SETTLE] = "SETTLE",
    [MS_RECORD_CLOSE] = "CLOSE",
    [MS_RECORD_CHANGE] = "CHANGE",
    [MS_RECORD_PART] = "PART",
    [MS_RECORD_DUE] = "DUE",
    [MS_RECORD_GROUP] = "GROUP",
    [MS_RECORD_HAND] = "HAND",
    [MS_RECORD_PROVIDER] = "PROVIDER",
    [MS_RECORD_SERVICE] = "SERVICE",
    [MS_RECORD_SERVICE_STATE] = "SERVICE_STATE",
};

bool ms_record_has_kind(unsigned kind)
{
    return kind < MS_RECORD_KINDS && kind_names[kind] != NULL;
}

const char *ms_record_kind_name(enum ms_record_kind kind)
{
    return ms_record_has_kind((unsigned)kind) ? kind_names[kind] : "unknown";
}

static inline void store_u32(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
    to[2] = (uint8_t)(value >> 16);
    to[3] = (uint8_t)(value >> 24);
}

static inline uint32_t load_u32(const uint8_t *from)
{
    return (uint32_t)from[3] << 24 | (uint32_t)from[2] << 16 | (uint32_t)from[1] << 8 | from[0];
}

/* Of everything behind it. */
static uint32_t checksum(const uint8_t *entry, size_t size)
{
    ms_assert(size >= MS_RECORD_HEADER_SIZE);
    return libdeflate_crc32(0, entry + AT_SEQ, size - AT_SEQ);
}

/* Completes an entry whose body stands there already, but for its checksum; returns the place after it. */
static uint8_t *close_entry(uint8_t *entry, uint8_t *end, ms_seq seq, enum ms_record_kind kind)
{
    const size_t size = (size_t)(end - entry);

    ms_assert(seq > 0);
    ms_assert(size <= MS_RECORD_HEADER_SIZE + MS_RECORD_BODY_MAX);
    store_u32(entry + AT_SIZE, (uint32_t)size);
    store_u32(entry + AT_SEQ, (uint32_t)seq);
    store_u32(entry + AT_SEQ + 4, (uint32_t)(seq >> 32));
    entry[AT_KIND] = (uint8_t)kind;
    entry[AT_VERSION] = MS_RECORD_VERSION;
    entry[AT_ZERO] = entry[AT_ZERO + 1] = 0;
    store_u32(entry + AT_CHECKSUM, 0);
    return end;
}

/* One whose checksum happens to be 0 is sealed over and over, and is the same each time. */
void ms_record_seal(uint8_t *entries, size_t size)
{
    while (size > 0) {
        ms_assert(size >= MS_RECORD_HEADER_SIZE);
        const size_t entry_size = load_u32(entries + AT_SIZE);

        ms_assert(entry_size >= MS_RECORD_HEADER_SIZE);
        ms_assert(entry_size <= size);
        if (load_u32(entries + AT_CHECKSUM) == 0) {
            store_u32(entries + AT_CHECKSUM, checksum(entries, entry_size));
        }
        entries += entry_size;
        size -= entry_size;
    }
}

/* A clock that is out of its mind is no reason to write what nobody reads back. */
static inline uint8_t *put_wall(uint8_t *at, unsigned number, int64_t time)
{
    const int64_t bounded = time < MS_DURATION_MAX ? time : MS_DURATION_MAX;

    return bounded > 0 ? ms_wire_put_fixed64(at, number, (uint64_t)bounded) : at;
}

static inline uint8_t *put_uuid(uint8_t *at, unsigned number, const struct ms_uuid *uuid)
{
    if (ms_uuid_is_zero(uuid)) {
        return at;
    }
    return ms_wire_put_bytes(at, number, (struct ms_bytes){uuid->bytes, sizeof uuid->bytes});
}

/* Targets may be many, so they go straight to where they belong. */
static uint8_t *put_with_targets(uint8_t *at, unsigned number, struct ms_bytes body,
                                 struct ms_bytes targets)
{
    uint8_t head[TARGETS_HEAD_MAX];
    const uint8_t *end =
        ms_wire_put_varint(ms_wire_put_key(head, TERMS_TARGETS, MS_WIRE_BYTES), targets.size);

    ms_assert(targets.size <= MS_TARGETS_BYTES_MAX);
    if (targets.size == 0) {
        return ms_wire_put_bytes(at, number, body);
    }
    at = ms_wire_put_key(at, number, MS_WIRE_BYTES);
    at = ms_wire_put_varint(at, body.size + (size_t)(end - head) + targets.size);
    if (body.size > 0) {
        memcpy(at, body.data, body.size);
    }
    return ms_wire_put_bytes(at + body.size, TERMS_TARGETS, targets);
}

/* Terms that ask for nothing are none. */
static uint8_t *put_terms(uint8_t *at, unsigned number, const struct ms_terms *terms)
{
    uint8_t body[TERMS_MAX + MS_UNIQUE_KEY_MAX + MS_NAME_MAX + MS_KEY_MAX];
    uint8_t *end = body;

    ms_assert(terms->unique.size <= MS_UNIQUE_KEY_MAX);
    ms_assert(terms->group.size <= MS_NAME_MAX);
    ms_assert(terms->key.size <= MS_KEY_MAX);
    ms_assert(terms->unique_mode < MS_UNIQUE_COUNT);
    end = ms_wire_put_u64(end, 1, ms_wire_zigzag(terms->priority));
    end = ms_wire_put_u64(end, 2, terms->unique_mode);
    end = ms_wire_put_bytes(end, 3, terms->unique);
    end = ms_wire_put_bytes(end, 4, terms->group);
    end = put_wall(end, 5, terms->run_at);
    end = put_wall(end, 6, terms->deadline);
    end = ms_wire_put_u64(end, 7, terms->array_count);
    end = ms_wire_put_u64(end, 8, terms->array_concurrency);
    end = ms_wire_put_u64(end, 9, terms->parts_size);
    end = ms_wire_put_bytes(end, 10, terms->key);
    end = ms_wire_put_u64(end, 11, terms->on);
    ms_assert(end <= body + sizeof body);
    return put_with_targets(at, number, (struct ms_bytes){body, (size_t)(end - body)},
                            terms->targets);
}

static inline uint8_t *put_body(uint8_t *at, const struct ms_record *record)
{
    at = put_wall(at, 1, record->at);
    at = put_uuid(at, 2, &record->id.client);
    at = ms_wire_put_u64(at, 3, record->id.seq);
    at = ms_wire_put_u64(at, 4, record->event);
    at = ms_wire_put_u64(at, 5, record->status);
    at = ms_wire_put_u64(at, 6, record->attempt);
    at = ms_wire_put_fixed64(at, 7, record->type);
    at = ms_wire_put_bytes(at, 8, record->payload);
    at = ms_wire_put_u64(at, 9, record->flags);
    at = ms_wire_put_u64(at, 10, record->token.n);
    at = ms_wire_put_u64(at, 11, record->token.epoch);
    at = ms_wire_put_bytes(at, 12, record->name);
    at = ms_wire_put_u64(at, 13, record->durability);
    at = ms_wire_put_u64(at, 14, record->attempts_max);
    at = ms_pack_usage(at, 15, record->usage);
    at = ms_wire_put_u64(at, 16, record->failures);
    at = ms_wire_put_u64(at, 17, record->crashes);
    at = ms_wire_put_u64(at, 18, ms_wire_zigzag(record->code));
    at = ms_wire_put_u64(at, 19, record->signal);
    at = ms_wire_put_u64(at, 20, record->index);
    at = ms_wire_put_u64(at, 21, record->stream);
    at = put_wall(at, 22, record->until);
    at = ms_pack_time(at, 23, record->timeout);
    at = ms_wire_put_u64(at, 24, record->number);
    at = ms_wire_put_u64(at, 25, record->count);
    at = put_uuid(at, 26, &record->uuid);
    at = put_uuid(at, 27, &record->node);
    at = ms_wire_put_bytes(at, 28, record->detail);
    if (record->terms != NULL) {
        at = put_terms(at, 29, record->terms);
    }
    return ms_wire_put_bytes(at, 30, record->memo);
}

size_t ms_record_size_max(const struct ms_record *record)
{
    size_t size = MS_RECORD_HEADER_SIZE + FIELDS_MAX;

    ms_assert(record->payload.size <= MS_PAYLOAD_MAX_CEILING);
    size += record->payload.size + record->name.size + record->detail.size + record->memo.size;
    if (record->terms != NULL) {
        size += TERMS_MAX + record->terms->unique.size + record->terms->group.size +
                record->terms->key.size + record->terms->targets.size;
    }
    return size;
}

uint8_t *ms_record_draft(uint8_t *at, ms_seq seq, const struct ms_record *record)
{
    ms_assert(record->kind != MS_RECORD_ERASE && record->kind < MS_RECORD_KINDS);
    ms_assert(record->name.size <= MS_NAME_MAX);
    ms_assert(record->detail.size <= MS_DETAIL_MAX);
    ms_assert(ms_record_is_complete(record)); /* what nobody would read back is not written */
    return close_entry(at, put_body(at + MS_RECORD_HEADER_SIZE, record), seq,
                       (enum ms_record_kind)record->kind);
}

uint8_t *ms_record_draft_erase(uint8_t *at, ms_seq seq)
{
    ms_assert(at != NULL);
    return close_entry(at, at + MS_RECORD_HEADER_SIZE, seq, MS_RECORD_ERASE);
}

/* Odd constants of the 64-bit golden ratio and of splitmix64. */
#define DIGEST_FACTOR UINT64_C(0x9e3779b97f4a7c15)
#define DIGEST_MIX    UINT64_C(0xbf58476d1ce4e5b9)

static inline uint64_t digest_word(uint64_t digest, uint64_t word)
{
    digest = (digest ^ word) * DIGEST_FACTOR;
    return (digest ^ (digest >> 29)) * DIGEST_MIX;
}

/* What is not a whole entry is left in entries. */
static uint64_t digest_entries(uint64_t digest, struct ms_bytes *entries)
{
    while (entries->size >= MS_RECORD_HEADER_SIZE) {
        const uint8_t *entry = entries->data;
        const size_t size = load_u32(entry + AT_SIZE);

        digest = digest_word(digest, (uint64_t)load_u32(entry + AT_SEQ + 4) << 32 |
                                         load_u32(entry + AT_SEQ));
        digest = digest_word(digest, (uint64_t)load_u32(entry + AT_CHECKSUM) << 8 | entry[AT_KIND]);
        if (size < MS_RECORD_HEADER_SIZE || size > entries->size) {
            break;
        }
        entries->data += size;
        entries->size -= size;
    }
    return digest;
}

static uint64_t end_digest(uint64_t digest, size_t rest)
{
    digest = digest_word(digest, rest);
    return digest != 0 ? digest : 1;
}

uint64_t ms_record_digest(uint64_t digest, struct ms_bytes entries)
{
    digest = digest_entries(digest, &entries);
    return end_digest(digest, entries.size);
}

uint64_t ms_record_digest_add(uint64_t open, struct ms_bytes entries)
{
    return digest_entries(open, &entries);
}

uint64_t ms_record_digest_end(uint64_t open)
{
    return end_digest(open, 0);
}

uint8_t *ms_record_write(uint8_t *at, ms_seq seq, const struct ms_record *record)
{
    uint8_t *end = ms_record_draft(at, seq, record);

    ms_record_seal(at, (size_t)(end - at));
    return end;
}

uint8_t *ms_record_write_erase(uint8_t *at, ms_seq seq)
{
    uint8_t *end = ms_record_draft_erase(at, seq);

    ms_record_seal(at, (size_t)(end - at));
    return end;
}

bool ms_record_next(struct ms_bytes *entries, struct ms_entry *entry_out)
{
    const uint8_t *entry = entries->data;

    if (entries->size < MS_RECORD_HEADER_SIZE) {
        return false;
    }
    const size_t size = load_u32(entry + AT_SIZE);
    if (size < MS_RECORD_HEADER_SIZE || size > MS_RECORD_HEADER_SIZE + MS_RECORD_BODY_MAX ||
        size > entries->size || load_u32(entry + AT_CHECKSUM) != checksum(entry, size)) {
        return false;
    }
    *entry_out = (struct ms_entry){
        .seq = (ms_seq)load_u32(entry + AT_SEQ + 4) << 32 | load_u32(entry + AT_SEQ),
        .kind = entry[AT_KIND],
        .bytes = {entry, size},
    };
    entries->data += size;
    entries->size -= size;
    ms_assert(entry_out->bytes.size >= MS_RECORD_HEADER_SIZE);
    return true;
}
