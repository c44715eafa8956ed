#include "tests/sim/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "master/life.h"

#define ENTRIES_MAX (1u << 24)

void sim_ledger_init(struct sim_ledger *ledger)
{
    *ledger = (struct sim_ledger){0};
    ms_map_init(&ledger->by_id, ENTRIES_MAX, 11);
    ms_map_init(&ledger->by_span, ENTRIES_MAX, 12);
    ms_map_init(&ledger->by_client, ENTRIES_MAX, 13);
    ms_map_init(&ledger->by_session, ENTRIES_MAX, 14);
}

void sim_ledger_finish(struct sim_ledger *ledger)
{
    ms_map_finish(&ledger->by_id);
    ms_map_finish(&ledger->by_span);
    ms_map_finish(&ledger->by_client);
    ms_map_finish(&ledger->by_session);
    free(ledger->lives);
    free(ledger->spans);
    free(ledger->arrays);
    free(ledger->clients);
    free(ledger->sessions);
}

static struct ms_key key_of(const struct ms_uuid *uuid, uint64_t number)
{
    const struct ms_key key = ms_key_of_uuid(uuid);

    return ms_key_of(key.a ^ (key.b * UINT64_C(0x9e3779b97f4a7c15)), number);
}

/* The place of key in an array whose elements are size bytes, made when it is new. */
static void *take(struct ms_map *map, struct ms_key key, void **array, uint32_t *count, size_t size)
{
    const uint64_t found = ms_map_find(map, key);

    if (found != 0) {
        return (uint8_t *)*array + (found - 1) * size;
    }
    if ((*count & (*count - 1)) == 0) {
        *array = realloc(*array, (*count == 0 ? 1 : (size_t)*count * 2) * size);
        ms_assert(*array != NULL);
    }
    const bool is_kept = ms_map_put(map, key, ++*count);

    ms_assert(is_kept);
    return memset((uint8_t *)*array + (size_t)(*count - 1) * size, 0, size);
}

static struct sim_life *life_of(struct sim_ledger *ledger, const struct ms_id *id)
{
    void *array = ledger->lives;
    struct sim_life *life = take(&ledger->by_id, key_of(&id->client, id->seq), &array,
                                 &ledger->lives_count, sizeof *life);

    ledger->lives = array;
    life->id = *id;
    return life;
}

static struct sim_span *span_of(struct sim_ledger *ledger, const struct ms_uuid *client,
                                uint64_t number)
{
    void *array = ledger->spans;
    struct sim_span *span =
        take(&ledger->by_span, key_of(client, number), &array, &ledger->spans_count, sizeof *span);

    ledger->spans = array;
    span->client = *client;
    span->number = number;
    return span;
}

static struct sim_known *known_of(struct ms_map *map, struct sim_known **array, uint32_t *count,
                                  const struct ms_uuid *uuid)
{
    void *place = *array;
    struct sim_known *known = take(map, key_of(uuid, 0), &place, count, sizeof *known);

    *array = place;
    known->uuid = *uuid;
    return known;
}

static struct sim_known *client_of(struct sim_ledger *ledger, const struct ms_uuid *uuid)
{
    return known_of(&ledger->by_client, &ledger->clients, &ledger->clients_count, uuid);
}

static struct sim_known *session_of(struct sim_ledger *ledger, const struct ms_uuid *uuid)
{
    return known_of(&ledger->by_session, &ledger->sessions, &ledger->sessions_count, uuid);
}

bool sim_record_names(const struct ms_record *record)
{
    switch (record->kind) {
    case MS_RECORD_SUBMIT:
    case MS_RECORD_LEASE:
    case MS_RECORD_HAND:
    case MS_RECORD_RETURN:
    case MS_RECORD_PIECE:
    case MS_RECORD_RETRY:
    case MS_RECORD_SETTLE:
    case MS_RECORD_CLOSE:
    case MS_RECORD_CHANGE:
    case MS_RECORD_PART:
    case MS_RECORD_DUE:
        return true;
    default:
        return false;
    }
}

static void note_change(struct sim_life *life, ms_seq seq, const struct ms_record *record)
{
    ms_assert(record->event < MS_OPERATION_COUNT);
    life->changes[record->event] = seq;
    life->values[record->event] = record->count;
    if (record->event == MS_OPERATION_KICK) { /* what came before it is void */
        life->settle = 0;
        life->was_settled = false;
        life->retry = 0;
        life->failures = 0;
        life->attempt = record->attempt;
    }
}

/* What a record adds to what is known of its command. */
static void note(struct sim_life *life, ms_seq seq, const struct ms_record *record)
{
    switch (record->kind) {
    case MS_RECORD_SUBMIT:
        life->submit = seq;
        life->array_count = record->terms != NULL ? record->terms->array_count : 0;
        break;
    case MS_RECORD_LEASE:
    case MS_RECORD_HAND:
        life->lease = seq;
        life->token = record->token;
        break;
    case MS_RECORD_RETRY:
    case MS_RECORD_RETURN:
        life->retry = seq;
        life->status = record->status;
        life->attempt = record->attempt;
        life->failures = record->failures;
        break;
    case MS_RECORD_SETTLE:
        life->settle = seq;
        life->was_settled = true;
        life->status = record->status;
        life->attempt = record->attempt;
        life->code = record->code;
        break;
    case MS_RECORD_CHANGE:
        note_change(life, seq, record);
        break;
    default:
        break;
    }
}

void sim_ledger_put(struct sim_ledger *ledger, ms_seq seq, const struct ms_record *record)
{
    struct sim_known *known;
    struct sim_span *span;

    ms_assert(seq > 0);
    switch (record->kind) {
    case MS_RECORD_EPOCH:
        if (record->token.epoch > ledger->epoch) {
            ledger->epoch = record->token.epoch;
        }
        return;
    case MS_RECORD_SESSION:
        session_of(ledger, &record->uuid)->seq = seq;
        return;
    case MS_RECORD_SESSION_END:
        session_of(ledger, &record->uuid)->seq = 0;
        return;
    case MS_RECORD_CLIENT:
        known = client_of(ledger, &record->id.client);
        known->seq = seq;
        known->floor = record->count;
        return;
    case MS_RECORD_CLOSED:
        if (record->id.seq != 0) {
            sim_ledger_put_bits(ledger, seq, record);
            return;
        }
        span = span_of(ledger, &record->id.client, record->number);
        span->seq = seq;
        memset(span->bits, 0, sizeof span->bits);
        ms_assert(record->payload.size <= sizeof span->bits);
        memcpy(span->bits, record->payload.data, record->payload.size);
        return;
    case MS_RECORD_CLOSED_RUN:
        for (uint64_t i = 0; i < record->count; i++) {
            span = span_of(ledger, &record->id.client, record->number + i);
            span->seq = seq;
            memset(span->bits, 0xff, sizeof span->bits);
        }
        return;
    default:
        break;
    }
    if (sim_record_names(record)) {
        struct sim_life *life = life_of(ledger, &record->id);

        life->entries++;
        note(life, seq, record);
    }
}

static void forget(struct sim_life *life, ms_seq seq)
{
    ms_seq *const places[] = {&life->submit, &life->lease, &life->retry, &life->settle};

    ms_assert(life->entries > 0);
    life->entries--;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (*places[i] == seq) {
            *places[i] = 0;
        }
    }
    for (size_t i = 0; i < MS_OPERATION_COUNT; i++) {
        life->changes[i] = life->changes[i] == seq ? 0 : life->changes[i];
    }
}

/* The i-th from the record's first. */
static void erase_span(struct sim_ledger *ledger, ms_seq seq, const struct ms_record *record,
                       uint64_t i)
{
    struct sim_span *span = span_of(ledger, &record->id.client, record->number + i);

    if (span->seq == seq) {
        span->seq = 0;
        memset(span->bits, 0, sizeof span->bits);
    }
}

void sim_ledger_erase(struct sim_ledger *ledger, ms_seq seq, const struct ms_record *record)
{
    struct sim_known *known;

    switch (record->kind) {
    case MS_RECORD_SESSION:
        known = session_of(ledger, &record->uuid);
        known->seq = known->seq == seq ? 0 : known->seq;
        return;
    case MS_RECORD_CLIENT:
        known = client_of(ledger, &record->id.client);
        if (known->seq == seq) {
            known->seq = 0;
            known->floor = 0;
        }
        return;
    case MS_RECORD_CLOSED:
        if (record->id.seq != 0) {
            sim_ledger_erase_bits(ledger, seq, record);
            return;
        }
        erase_span(ledger, seq, record, 0);
        return;
    case MS_RECORD_CLOSED_RUN:
        for (uint64_t i = 0; i < record->count; i++) {
            erase_span(ledger, seq, record, i);
        }
        return;
    default:
        break;
    }
    if (sim_record_names(record)) {
        forget(life_of(ledger, &record->id), seq);
    }
}

const struct sim_life *sim_ledger_find(const struct sim_ledger *ledger, const struct ms_id *id)
{
    const uint64_t found = ms_map_find(&ledger->by_id, key_of(&id->client, id->seq));

    return found == 0 ? NULL : &ledger->lives[found - 1];
}

bool sim_life_has(const struct sim_life *life, const struct ms_record *record)
{
    if (record->kind == MS_RECORD_SUBMIT) { /* to which output belongs */
        return life->submit != 0 && life->settle != 0;
    }
    if (record->kind == MS_RECORD_PIECE) {
        return life->settle != 0 && life->attempt <= record->attempt;
    }
    if (record->kind != MS_RECORD_SETTLE) {
        return false;
    }
    return (life->settle != 0 && life->status == record->status &&
            life->attempt <= record->attempt && life->code == record->code) ||
           (record->event == MS_LIFE_CANCEL && life->changes[MS_OPERATION_CANCEL] != 0);
}

bool sim_ledger_is_live(const struct sim_ledger *ledger, const struct ms_id *id)
{
    const struct sim_life *life = sim_ledger_find(ledger, id);

    if (life != NULL && (life->submit != 0 || life->settle != 0)) {
        return true;
    }
    return sim_ledger_array(ledger, id) != NULL && !sim_ledger_is_closed_member(ledger, id);
}

bool sim_ledger_is_closed(const struct sim_ledger *ledger, const struct ms_id *id)
{
    const uint64_t client = ms_map_find(&ledger->by_client, key_of(&id->client, 0));

    if (client != 0 && id->seq <= ledger->clients[client - 1].floor) {
        return true;
    }
    if (sim_ledger_is_closed_member(ledger, id)) {
        return true;
    }
    const uint64_t found =
        ms_map_find(&ledger->by_span, key_of(&id->client, id->seq / SIM_SPAN_NUMBERS));

    if (found == 0) {
        return false;
    }
    const uint32_t bit = (uint32_t)(id->seq % SIM_SPAN_NUMBERS);

    return (ledger->spans[found - 1].bits[bit / 8] >> bit % 8 & 1) != 0;
}

bool sim_ledger_has_session(const struct sim_ledger *ledger, const struct ms_uuid *uuid)
{
    const uint64_t found = ms_map_find(&ledger->by_session, key_of(uuid, 0));

    return found != 0 && ledger->sessions[found - 1].seq != 0;
}
