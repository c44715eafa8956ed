#include <stdlib.h>

#include "client/cli_record.h"

#define RECORDS_MAX  UINT32_MAX
#define ARRAYS_FIRST 16

/* How far a command is, as a value of the map. */
enum progress { OPEN = 1, SETTLED = 2 };

struct ms_cli_array {
    struct ms_uuid client;
    uint64_t first, count;
};

void ms_cli_audit_init(struct ms_cli_audit *audit, uint64_t seed)
{
    *audit = (struct ms_cli_audit){.arrays = NULL};
    ms_map_init(&audit->commands, RECORDS_MAX, seed);
    ms_map_init(&audit->types, RECORDS_MAX, seed);
    ms_map_init(&audit->sessions, RECORDS_MAX, seed);
}

void ms_cli_audit_finish(struct ms_cli_audit *audit)
{
    ms_map_finish(&audit->commands);
    ms_map_finish(&audit->types);
    ms_map_finish(&audit->sessions);
    free(audit->arrays);
}

/* Client ids are random or hashes, so that two ids of one key are as good as impossible. */
static struct ms_key key_of(const struct ms_id *id)
{
    struct ms_key key = ms_key_of_uuid(&id->client);

    key.a ^= id->seq * UINT64_C(0x9e3779b97f4a7c15);
    key.b += id->seq;
    return key;
}

static bool complain(struct ms_complaint *complaint, ms_seq seq, const struct ms_record *record,
                     const char *what)
{
    return ms_complain(complaint, "record %llu (%s): %s", (unsigned long long)seq,
                       ms_record_kind_name((enum ms_record_kind)record->kind), what);
}

static bool is_in_array(const struct ms_cli_audit *audit, const struct ms_id *id)
{
    for (size_t i = 0; i < audit->arrays_count; i++) {
        const struct ms_cli_array *array = &audit->arrays[i];

        if (ms_uuid_equal(&array->client, &id->client) && id->seq >= array->first &&
            id->seq - array->first < array->count) {
            return true;
        }
    }
    return false;
}

/* 0 = never heard of. */
static uint64_t progress_of(const struct ms_cli_audit *audit, const struct ms_id *id)
{
    const uint64_t progress = ms_map_find(&audit->commands, key_of(id));

    return progress != 0 ? progress : is_in_array(audit, id) ? OPEN : 0;
}

static bool add_array(struct ms_cli_audit *audit, const struct ms_record *record)
{
    if (audit->arrays_count == audit->arrays_capacity) {
        const size_t capacity =
            audit->arrays_capacity == 0 ? ARRAYS_FIRST : 2 * audit->arrays_capacity;
        struct ms_cli_array *grown = realloc(audit->arrays, capacity * sizeof *grown);

        if (grown == NULL) {
            return false;
        }
        audit->arrays = grown;
        audit->arrays_capacity = capacity;
    }
    audit->arrays[audit->arrays_count++] = (struct ms_cli_array){
        .client = record->id.client,
        .first = record->id.seq,
        .count = record->terms->array_count,
    };
    audit->open += record->terms->array_count;
    return true;
}

static bool is_array(const struct ms_record *record)
{
    return record->terms != NULL && record->terms->array_count > 0;
}

static bool add_submit(struct ms_cli_audit *audit, ms_seq seq, const struct ms_record *record,
                       struct ms_complaint *complaint)
{
    if (ms_map_find(&audit->types, ms_key_of(0, record->type)) == 0) {
        return complain(complaint, seq, record, "its type was never announced");
    }
    if (progress_of(audit, &record->id) != 0) {
        return complain(complaint, seq, record, "a command with its id is there already");
    }
    if (is_array(record) ? !add_array(audit, record)
                         : !ms_map_put(&audit->commands, key_of(&record->id), OPEN)) {
        return complain(complaint, seq, record, "out of memory");
    }
    audit->open += is_array(record) ? 0 : 1;
    return true;
}

/* Of a command that ended, only this stands here: its submission was erased with it. */
static bool add_settle(struct ms_cli_audit *audit, ms_seq seq, const struct ms_record *record,
                       struct ms_complaint *complaint)
{
    const uint64_t progress = progress_of(audit, &record->id);

    if (ms_map_find(&audit->types, ms_key_of(0, record->type)) == 0 && progress == 0) {
        return complain(complaint, seq, record, "its type was never announced");
    }
    if (progress == SETTLED) {
        return complain(complaint, seq, record, "its command has an outcome already");
    }
    if (!ms_map_put(&audit->commands, key_of(&record->id), SETTLED)) {
        return complain(complaint, seq, record, "out of memory");
    }
    audit->open -= progress == OPEN ? 1 : 0;
    audit->settled[record->status]++;
    return true;
}

static uint32_t count_bits(struct ms_bytes bits)
{
    uint32_t count = 0;

    for (size_t i = 0; i < bits.size * 8; i++) {
        count += bits.data[i / 8] >> (i % 8) & 1;
    }
    return count;
}

/* Of a client; or members of an array, which have no other record any more. */
static bool add_closed(struct ms_cli_audit *audit, ms_seq seq, const struct ms_record *record,
                       struct ms_complaint *complaint)
{
    if (record->id.seq == 0) {
        return true;
    }
    if (!is_in_array(audit, &record->id)) {
        return complain(complaint, seq, record, "no array was submitted under its id");
    }
    audit->open -= count_bits(record->payload);
    return true;
}

static bool add_session(struct ms_cli_audit *audit, ms_seq seq, const struct ms_record *record,
                        struct ms_complaint *complaint)
{
    const struct ms_key key = ms_key_of_uuid(&record->uuid);

    if (ms_map_find(&audit->sessions, key) != 0) {
        return complain(complaint, seq, record, "the session is there twice");
    }
    return ms_map_put(&audit->sessions, key, 1) ||
           complain(complaint, seq, record, "out of memory");
}

static bool add_type(struct ms_cli_audit *audit, ms_seq seq, const struct ms_record *record,
                     struct ms_complaint *complaint)
{
    const struct ms_key key = ms_key_of(0, record->type);

    if (ms_map_find(&audit->types, key) != 0) {
        return complain(complaint, seq, record, "the type is there twice");
    }
    return ms_map_put(&audit->types, key, 1) || complain(complaint, seq, record, "out of memory");
}

static bool add_epoch(struct ms_cli_audit *audit, ms_seq seq, const struct ms_record *record,
                      struct ms_complaint *complaint)
{
    if (record->token.epoch <= audit->epoch) {
        return complain(complaint, seq, record, "the epoch does not rise");
    }
    audit->epoch = record->token.epoch;
    return true;
}

/* What happens to a command happens while it is open. */
static bool needs_open(struct ms_cli_audit *audit, ms_seq seq, const struct ms_record *record,
                       struct ms_complaint *complaint)
{
    const uint64_t progress = progress_of(audit, &record->id);

    return progress == OPEN || complain(complaint, seq, record,
                                        progress == 0 ? "no command was submitted under its id"
                                                      : "its command has ended before");
}

bool ms_cli_audit_add(struct ms_cli_audit *audit, ms_seq seq, const struct ms_record *record,
                      struct ms_complaint *complaint)
{
    if (seq <= audit->seq) {
        return complain(complaint, seq, record, "its number does not rise");
    }
    if (record->kind >= MS_RECORD_KINDS || !ms_record_is_complete(record)) {
        return complain(complaint, seq, record, "it does not hold what a record of its kind does");
    }
    audit->seq = seq;
    audit->kinds[record->kind]++;
    audit->bytes += record->payload.size;
    switch (record->kind) {
    case MS_RECORD_EPOCH:
        return add_epoch(audit, seq, record, complaint);
    case MS_RECORD_TYPE:
        return add_type(audit, seq, record, complaint);
    case MS_RECORD_SESSION:
        return add_session(audit, seq, record, complaint);
    case MS_RECORD_SUBMIT:
        return add_submit(audit, seq, record, complaint);
    case MS_RECORD_SETTLE:
        return add_settle(audit, seq, record, complaint);
    case MS_RECORD_CLOSED:
        return add_closed(audit, seq, record, complaint);
    case MS_RECORD_LEASE:
    case MS_RECORD_HAND:
    case MS_RECORD_RETURN:
    case MS_RECORD_RETRY:
    case MS_RECORD_DUE:
        return needs_open(audit, seq, record, complaint);
    default: /* pieces, parts and wishes may outlive their command until the next flush */
        return true;
    }
}
