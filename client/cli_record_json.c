#include <stdio.h>
#include <stdlib.h>

#include "client/cli_bytes.h"
#include "client/cli_record.h"

#define NAME_SIZE    64
#define HEX_SIZE     33
#define DECIMAL_SIZE 21

enum kind { U8, U32, U64, I8, I32, I64, ID, TEXT };

struct field {
    const char *name;
    enum kind kind;
    size_t offset;
};

/* Every field of a record but kind, payload and what it points to. New ones go here. */
static const struct field fields[] = {
    {"at", I64, offsetof(struct ms_record, at)},
    {"client", ID, offsetof(struct ms_record, id.client)},
    {"id_seq", U64, offsetof(struct ms_record, id.seq)},
    {"event", U8, offsetof(struct ms_record, event)},
    {"status", U8, offsetof(struct ms_record, status)},
    {"flags", U8, offsetof(struct ms_record, flags)},
    {"durability", U8, offsetof(struct ms_record, durability)},
    {"stream", U8, offsetof(struct ms_record, stream)},
    {"attempt", U32, offsetof(struct ms_record, attempt)},
    {"attempts_max", U32, offsetof(struct ms_record, attempts_max)},
    {"failures", U32, offsetof(struct ms_record, failures)},
    {"crashes", U32, offsetof(struct ms_record, crashes)},
    {"index", U32, offsetof(struct ms_record, index)},
    {"signal", U32, offsetof(struct ms_record, signal)},
    {"code", I32, offsetof(struct ms_record, code)},
    {"until", I64, offsetof(struct ms_record, until)},
    {"timeout", I64, offsetof(struct ms_record, timeout)},
    {"type", U64, offsetof(struct ms_record, type)},
    {"number", U64, offsetof(struct ms_record, number)},
    {"count", U64, offsetof(struct ms_record, count)},
    {"epoch", U64, offsetof(struct ms_record, token.epoch)},
    {"token", U64, offsetof(struct ms_record, token.n)},
    {"uuid", ID, offsetof(struct ms_record, uuid)},
    {"node", ID, offsetof(struct ms_record, node)},
    {"name", TEXT, offsetof(struct ms_record, name)},
    {"detail", TEXT, offsetof(struct ms_record, detail)},
    {"memo", TEXT, offsetof(struct ms_record, memo)},
};

static const struct field usage_fields[] = {
    {"wall_us", U64, offsetof(struct ms_usage, wall_us)},
    {"user_us", U64, offsetof(struct ms_usage, user_us)},
    {"system_us", U64, offsetof(struct ms_usage, system_us)},
    {"rss_kib", U64, offsetof(struct ms_usage, rss_kib)},
};

static const struct field terms_fields[] = {
    {"priority", I8, offsetof(struct ms_terms, priority)},
    {"unique_mode", U8, offsetof(struct ms_terms, unique_mode)},
    {"unique", TEXT, offsetof(struct ms_terms, unique)},
    {"group", TEXT, offsetof(struct ms_terms, group)},
    {"run_at", I64, offsetof(struct ms_terms, run_at)},
    {"deadline", I64, offsetof(struct ms_terms, deadline)},
    {"array_count", U32, offsetof(struct ms_terms, array_count)},
    {"array_concurrency", U32, offsetof(struct ms_terms, array_concurrency)},
    {"parts_size", U64, offsetof(struct ms_terms, parts_size)},
    {"key", TEXT, offsetof(struct ms_terms, key)},
    {"on", U32, offsetof(struct ms_terms, on)},
    {"targets", TEXT, offsetof(struct ms_terms, targets)},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct table {
    const struct field *fields;
    size_t count;
} record_table = {fields, COUNT(fields)}, usage_table = {usage_fields, COUNT(usage_fields)},
  terms_table = {terms_fields, COUNT(terms_fields)};

/* ---- to JSON ---- */

static json_t *from_u64(uint64_t number)
{
    char decimal[DECIMAL_SIZE];

    if (number <= INT64_MAX) {
        return json_integer((json_int_t)number);
    }
    snprintf(decimal, sizeof decimal, "%llu", (unsigned long long)number);
    return json_string(decimal);
}

static json_t *from_uuid(const struct ms_uuid *uuid)
{
    char hex[HEX_SIZE];

    for (size_t i = 0; i < sizeof uuid->bytes; i++) {
        snprintf(hex + 2 * i, 3, "%02x", uuid->bytes[i]);
    }
    return json_string(hex);
}

static void put_bytes(json_t *object, const char *name, struct ms_bytes from)
{
    const struct ms_cli_bytes bytes = {.data = (uint8_t *)(uintptr_t)from.data, .size = from.size};

    ms_cli_bytes_to_json(&bytes, object, name);
}

static void put_field(json_t *object, const struct field *field, const void *from)
{
    static const struct ms_uuid none;
    const uint8_t *at = (const uint8_t *)from + field->offset;
    json_t *value = NULL;

    switch (field->kind) {
    case U8:
        value = *at != 0 ? json_integer(*at) : NULL;
        break;
    case I8:
        value = *at != 0 ? json_integer(*(const int8_t *)at) : NULL;
        break;
    case U32:
        value = *(const uint32_t *)at != 0 ? json_integer(*(const uint32_t *)at) : NULL;
        break;
    case U64:
        value = *(const uint64_t *)at != 0 ? from_u64(*(const uint64_t *)at) : NULL;
        break;
    case I32:
        value = *(const int32_t *)at != 0 ? json_integer(*(const int32_t *)at) : NULL;
        break;
    case I64:
        value = *(const int64_t *)at != 0 ? json_integer(*(const int64_t *)at) : NULL;
        break;
    case ID:
        value = memcmp(at, &none, sizeof none) != 0 ? from_uuid((const struct ms_uuid *)at) : NULL;
        break;
    case TEXT:
        if (((const struct ms_bytes *)at)->size > 0) {
            put_bytes(object, field->name, *(const struct ms_bytes *)at);
        }
        break;
    }
    if (value != NULL) {
        json_object_set_new(object, field->name, value);
    }
}

static void put_fields(json_t *object, const struct table *table, const void *from)
{
    for (size_t i = 0; i < table->count; i++) {
        put_field(object, &table->fields[i], from);
    }
}

static void put_object(json_t *object, const char *name, const struct table *table,
                       const void *from)
{
    if (from != NULL) {
        json_t *inner = json_object();

        put_fields(inner, table, from);
        json_object_set_new(object, name, inner);
    }
}

json_t *ms_cli_record_to_json(ms_seq seq, const struct ms_record *record)
{
    json_t *object = json_object();

    if (object == NULL) {
        return NULL;
    }
    json_object_set_new(object, "seq", from_u64(seq));
    json_object_set_new(object, "kind",
                        json_string(ms_record_kind_name((enum ms_record_kind)record->kind)));
    put_fields(object, &record_table, record);
    put_object(object, "usage", &usage_table, record->usage);
    put_object(object, "terms", &terms_table, record->terms);
    if (record->payload.size > 0) {
        char *text = ms_cli_base64(record->payload.data, record->payload.size);

        json_object_set_new(object, "payload_base64", json_string(text != NULL ? text : ""));
        if (text == NULL) {
            json_decref(object);
            return NULL;
        }
        free(text);
    }
    return object;
}

/* ---- and back ---- */

static bool wrong(struct ms_complaint *complaint, const char *name, const char *what)
{
    return ms_complain(complaint, "\"%s\" is not %s", name, what);
}

static bool to_u64(const json_t *value, uint64_t max, uint64_t *number_out)
{
    if (json_is_string(value)) {
        return ms_text_to_u64(json_string_value(value), json_string_length(value), number_out) &&
               *number_out <= max;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *number_out = (uint64_t)json_integer_value(value);
    return *number_out <= max;
}

static bool to_i64(const json_t *value, int64_t min, int64_t max, int64_t *number_out)
{
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max) {
        return false;
    }
    *number_out = json_integer_value(value);
    return true;
}

static bool to_uuid(const json_t *value, struct ms_uuid *uuid_out)
{
    const char *text = json_string_value(value);

    if (text == NULL || strlen(text) != 2 * sizeof uuid_out->bytes ||
        strspn(text, "0123456789abcdef") != strlen(text)) {
        return false;
    }
    for (size_t i = 0; i < sizeof uuid_out->bytes; i++) {
        const char pair[] = {text[2 * i], text[2 * i + 1], '\0'};

        uuid_out->bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return true;
}

/* A number into its member; false when it does not fit. */
static bool take_number(const json_t *value, enum kind kind, uint8_t *at)
{
    uint64_t number = 0;
    int64_t integer = 0;

    switch (kind) {
    case U8:
        return to_u64(value, UINT8_MAX, &number) && (*at = (uint8_t)number, true);
    case U32:
        return to_u64(value, UINT32_MAX, &number) &&
               (*(uint32_t *)(void *)at = (uint32_t)number, true);
    case U64:
        return to_u64(value, UINT64_MAX, (uint64_t *)(void *)at);
    case I8:
        return to_i64(value, INT8_MIN, INT8_MAX, &integer) &&
               (*(int8_t *)(void *)at = (int8_t)integer, true);
    case I32:
        return to_i64(value, INT32_MIN, INT32_MAX, &integer) &&
               (*(int32_t *)(void *)at = (int32_t)integer, true);
    case I64: /* times and durations, as the disk can hold them */
        return to_i64(value, 0, MS_DURATION_MAX, (int64_t *)(void *)at);
    default:
        return false;
    }
}

/* Bytes that were no UTF-8 are decoded in place: the object is the reader's own. */
static bool take_base64(const json_t *object, const char *name, struct ms_bytes *bytes_out)
{
    char other_name[NAME_SIZE];

    snprintf(other_name, sizeof other_name, "%s_base64", name);
    const char *text = json_string_value(json_object_get(object, other_name));

    if (text == NULL) {
        return true;
    }
    uint8_t *bytes = (uint8_t *)(uintptr_t)text;

    bytes_out->data = bytes;
    return ms_cli_base64_decode(text, bytes, &bytes_out->size);
}

static bool take_field(const json_t *object, const struct field *field, void *to,
                       struct ms_complaint *complaint)
{
    uint8_t *at = (uint8_t *)to + field->offset;
    const json_t *value = json_object_get(object, field->name);

    if (field->kind == TEXT) {
        struct ms_bytes *bytes = (struct ms_bytes *)(void *)at;

        if (value == NULL) {
            return take_base64(object, field->name, bytes) ||
                   wrong(complaint, field->name, "base64");
        }
        *bytes =
            (struct ms_bytes){(const uint8_t *)json_string_value(value), json_string_length(value)};
        return json_is_string(value) || wrong(complaint, field->name, "a text");
    }
    if (value == NULL) {
        return true;
    }
    if (field->kind == ID) {
        return to_uuid(value, (struct ms_uuid *)(void *)at) ||
               wrong(complaint, field->name, "32 hex digits");
    }
    return take_number(value, field->kind, at) ||
           wrong(complaint, field->name, "a number in its range");
}

static bool take_fields(const json_t *object, const struct table *table, void *to,
                        struct ms_complaint *complaint)
{
    for (size_t i = 0; i < table->count; i++) {
        if (!take_field(object, &table->fields[i], to, complaint)) {
            return false;
        }
    }
    return true;
}

static bool take_kind(const json_t *object, uint8_t *kind_out, struct ms_complaint *complaint)
{
    const char *name = json_string_value(json_object_get(object, "kind"));

    for (uint8_t kind = MS_RECORD_EPOCH; name != NULL && kind < MS_RECORD_KINDS; kind++) {
        if (ms_record_has_kind(kind) &&
            strcmp(name, ms_record_kind_name((enum ms_record_kind)kind)) == 0) {
            *kind_out = kind;
            return true;
        }
    }
    return wrong(complaint, "kind", "that of a record");
}

static bool are_terms_sound(const struct ms_terms *terms)
{
    return terms->priority >= MS_PRIORITY_MIN && terms->priority <= MS_PRIORITY_MAX &&
           terms->unique_mode < MS_UNIQUE_COUNT && terms->unique.size <= MS_UNIQUE_KEY_MAX &&
           terms->group.size <= MS_NAME_MAX && terms->key.size <= MS_KEY_MAX &&
           terms->array_count <= MS_ARRAY_MAX && terms->targets.size <= MS_TARGETS_BYTES_MAX;
}

/* What the disk takes for granted. */
static bool is_sound(const struct ms_record *record, struct ms_complaint *complaint)
{
    if (record->status >= MS_STATUS_COUNT || record->stream >= MS_STREAM_COUNT ||
        record->durability >= MS_DURABILITY_COUNT || record->name.size > MS_NAME_MAX ||
        record->detail.size > MS_DETAIL_MAX || record->memo.size > MS_PROVIDER_STATE_MAX ||
        record->payload.size > MS_PAYLOAD_MAX_CEILING ||
        (record->terms != NULL && !are_terms_sound(record->terms)) ||
        !ms_record_is_complete(record)) {
        return ms_complain(complaint, "a record of kind %s does not hold that",
                           ms_record_kind_name((enum ms_record_kind)record->kind));
    }
    return true;
}

bool ms_cli_record_from_json(const json_t *object, ms_seq *seq_out, struct ms_record *record_out,
                             struct ms_record_room *room, struct ms_complaint *complaint)
{
    const json_t *usage = json_object_get(object, "usage");
    const json_t *terms = json_object_get(object, "terms");
    struct ms_record record = {.kind = 0};

    *room = (struct ms_record_room){.usage = {0}};
    if (!to_u64(json_object_get(object, "seq"), INT64_MAX, seq_out) || *seq_out == 0) {
        return wrong(complaint, "seq", "the number of a record");
    }
    if (!take_kind(object, &record.kind, complaint) ||
        !take_fields(object, &record_table, &record, complaint) ||
        !take_fields(usage, &usage_table, &room->usage, complaint) ||
        !take_fields(terms, &terms_table, &room->terms, complaint)) {
        return false;
    }
    record.usage = usage != NULL ? &room->usage : NULL;
    record.terms = terms != NULL ? &room->terms : NULL;
    if (!take_base64(object, "payload", &record.payload)) {
        return wrong(complaint, "payload_base64", "base64");
    }
    *record_out = record;
    return is_sound(&record, complaint);
}
