#include "tests/support/oracle_record.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "proto/record.pb-c.h"
#include "tests/support/oracle.h"

static ProtobufCBinaryData data_of(struct ms_bytes bytes)
{
    return (ProtobufCBinaryData){bytes.size, (uint8_t *)(uintptr_t)bytes.data};
}

static ProtobufCBinaryData uuid_of(const struct ms_uuid *uuid)
{
    return ms_uuid_is_zero(uuid) ? (ProtobufCBinaryData){0}
                                 : data_of((struct ms_bytes){uuid->bytes, sizeof uuid->bytes});
}

static void make_usage(const struct ms_usage *from, Muster__Usage *to)
{
    muster__usage__init(to);
    to->wall_us = from->wall_us;
    to->user_us = from->user_us;
    to->system_us = from->system_us;
    to->rss_kib = from->rss_kib;
}

static void make_terms(const struct ms_terms *from, Muster__Terms *to)
{
    muster__terms__init(to);
    to->priority = from->priority;
    to->unique_mode = from->unique_mode;
    to->unique = data_of(from->unique);
    to->group = data_of(from->group);
    to->key = data_of(from->key);
    to->on = from->on;
    to->targets = data_of(from->targets);
    to->run_at = (uint64_t)from->run_at;
    to->deadline = (uint64_t)from->deadline;
    to->array_count = from->array_count;
    to->array_concurrency = from->array_concurrency;
    to->parts_size = from->parts_size;
}

static void make_record(const struct ms_record *from, Muster__Record *to)
{
    muster__record__init(to);
    to->at = (uint64_t)from->at;
    to->client = uuid_of(&from->id.client);
    to->seq = from->id.seq;
    to->event = from->event;
    to->status = from->status;
    to->attempt = from->attempt;
    to->type = from->type;
    to->payload = data_of(from->payload);
    to->flags = from->flags;
    to->token = from->token.n;
    to->epoch = from->token.epoch;
    to->name = data_of(from->name);
    to->durability = from->durability;
    to->attempts_max = from->attempts_max;
    to->failures = from->failures;
    to->crashes = from->crashes;
    to->code = from->code;
    to->signal = from->signal;
    to->index = from->index;
    to->stream = from->stream;
    to->until = (uint64_t)from->until;
    to->timeout = (uint64_t)from->timeout;
    to->number = from->number;
    to->count = from->count;
    to->uuid = uuid_of(&from->uuid);
    to->node = uuid_of(&from->node);
    to->detail = data_of(from->detail);
    to->memo = data_of(from->memo);
}

size_t oracle_record_pack(const struct ms_record *record, uint8_t **body_out)
{
    Muster__Record message;
    Muster__Usage usage;
    Muster__Terms terms;

    make_record(record, &message);
    if (record->usage != NULL) {
        make_usage(record->usage, &usage);
        message.usage = &usage;
    }
    if (record->terms != NULL) {
        make_terms(record->terms, &terms);
        message.terms = muster__terms__get_packed_size(&terms) > 0 ? &terms : NULL;
    }
    *body_out = malloc(muster__record__get_packed_size(&message) + 1);
    ms_assert(*body_out != NULL);
    return muster__record__pack(&message, *body_out);
}

static struct ms_bytes bytes_of(ProtobufCBinaryData data)
{
    return (struct ms_bytes){data.data, data.len};
}

static void take_uuid(ProtobufCBinaryData from, struct ms_uuid *to)
{
    ms_assert(from.len == 0 || from.len == sizeof to->bytes);
    if (from.len > 0) {
        memcpy(to->bytes, from.data, sizeof to->bytes);
    }
}

static void take_terms(const Muster__Terms *from, struct ms_terms *to)
{
    *to = (struct ms_terms){
        .priority = (int8_t)from->priority,
        .unique_mode = (uint8_t)from->unique_mode,
        .array_count = from->array_count,
        .array_concurrency = from->array_concurrency,
        .parts_size = from->parts_size,
        .run_at = (int64_t)from->run_at,
        .deadline = (int64_t)from->deadline,
        .unique = bytes_of(from->unique),
        .group = bytes_of(from->group),
        .key = bytes_of(from->key),
        .on = from->on,
        .targets = bytes_of(from->targets),
    };
}

static void take_record(const Muster__Record *from, struct ms_record *to)
{
    *to = (struct ms_record){
        .event = (uint8_t)(from->event < 255 ? from->event : 255),
        .status = (uint8_t)from->status,
        .flags = (uint8_t)from->flags,
        .durability = (uint8_t)from->durability,
        .stream = (uint8_t)from->stream,
        .attempt = from->attempt,
        .attempts_max = from->attempts_max,
        .failures = from->failures,
        .crashes = from->crashes,
        .index = from->index,
        .signal = from->signal,
        .code = from->code,
        .at = (int64_t)from->at,
        .until = (int64_t)from->until,
        .timeout = (ms_time)from->timeout,
        .type = from->type,
        .number = from->number,
        .count = from->count,
        .id.seq = from->seq,
        .token = {.epoch = from->epoch, .n = from->token},
        .name = bytes_of(from->name),
        .detail = bytes_of(from->detail),
        .payload = bytes_of(from->payload),
        .memo = bytes_of(from->memo),
    };
    take_uuid(from->client, &to->id.client);
    take_uuid(from->uuid, &to->uuid);
    take_uuid(from->node, &to->node);
}

bool oracle_record_matches(struct ms_bytes body, const struct ms_record *record)
{
    Muster__Record *message = muster__record__unpack(NULL, body.size, body.data);
    struct ms_record found;
    struct ms_usage usage;
    struct ms_terms terms;

    if (message == NULL) {
        return false;
    }
    take_record(message, &found);
    found.kind = record->kind;
    if (message->usage != NULL) {
        usage = (struct ms_usage){message->usage->wall_us, message->usage->user_us,
                                  message->usage->system_us, message->usage->rss_kib};
        found.usage = &usage;
    }
    if (message->terms != NULL) {
        take_terms(message->terms, &terms);
        found.terms = &terms;
    }
    const bool is_same = oracle_record_equal(&found, record);
    muster__record__free_unpacked(message, NULL);
    return is_same;
}

bool oracle_record_equal(const struct ms_record *a, const struct ms_record *b)
{
    return a->kind == b->kind && a->event == b->event && a->status == b->status &&
           a->flags == b->flags && a->durability == b->durability && a->stream == b->stream &&
           a->attempt == b->attempt && a->attempts_max == b->attempts_max &&
           a->failures == b->failures && a->crashes == b->crashes && a->index == b->index &&
           a->signal == b->signal && a->code == b->code && a->at == b->at && a->until == b->until &&
           a->timeout == b->timeout && a->type == b->type && a->number == b->number &&
           a->count == b->count && ms_uuid_equal(&a->id.client, &b->id.client) &&
           a->id.seq == b->id.seq && ms_token_equal(a->token, b->token) &&
           ms_uuid_equal(&a->uuid, &b->uuid) && ms_uuid_equal(&a->node, &b->node) &&
           oracle_bytes_equal(a->name, b->name) && oracle_bytes_equal(a->detail, b->detail) &&
           oracle_bytes_equal(a->payload, b->payload) && oracle_bytes_equal(a->memo, b->memo) &&
           oracle_usage_equal(a->usage, b->usage) && oracle_terms_equal(a->terms, b->terms);
}
