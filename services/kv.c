/* kv: a replicated key-value store. What there is to call: docs/services.md. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "services/ms_service.h"

#define KEY_MAX           255
#define VALUE_MAX_DEFAULT (64u << 10)
#define BYTES_MAX_DEFAULT (8u << 20)
#define LIST_MAX          1000u
#define NUMBER_SIZE       24
#define HEAD              10 /* of a change: what, length of the key, wanted version */
#define ENTRY_COST        64 /* of a key, beside its bytes */

enum what { PUT = 1, DELETE = 2 };

/* wanted version of a change */
#define ANY    UINT64_MAX
#define ABSENT 0u

struct entry {
    uint64_t version; /* of the change that made it */
    size_t value_size;
    uint8_t *value;
    size_t key_size;
    char key[KEY_MAX + 1];
};

/* Sorted by key. */
struct kv {
    struct entry **entries;
    size_t count, capacity;
    size_t bytes;
    uint64_t value_max, bytes_max;
};

static void *create(const struct ms_service_host *host)
{
    struct kv *kv = calloc(1, sizeof *kv);

    (void)host;
    if (kv != NULL) {
        kv->value_max = VALUE_MAX_DEFAULT;
        kv->bytes_max = BYTES_MAX_DEFAULT;
    }
    return kv;
}

static size_t cost_of(const struct entry *entry)
{
    return ENTRY_COST + entry->key_size + entry->value_size;
}

static void free_entry(struct entry *entry)
{
    free(entry->value);
    free(entry);
}

static void destroy(void *state)
{
    struct kv *kv = state;

    for (size_t i = 0; i < kv->count; i++) {
        free_entry(kv->entries[i]);
    }
    free(kv->entries);
    free(kv);
}

/* --- what is asked for: WHAT?name=value&name=value, with %XX --- */

static int hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The value of that name, decoded; -1: it is not there, -2: it is too long, or badly written. */
static int find_value(const char *query, const char *name, char *out, size_t out_size)
{
    const size_t length = strlen(name);

    while (query != NULL && *query != '\0') {
        const char *end = strchr(query, '&');
        const size_t size = end != NULL ? (size_t)(end - query) : strlen(query);
        size_t written = 0;

        if (size <= length || strncmp(query, name, length) != 0 || query[length] != '=') {
            query = end != NULL ? end + 1 : NULL;
            continue;
        }
        for (size_t i = length + 1; i < size; i++) {
            char c = query[i];

            if (c == '%') {
                const int high = i + 2 < size ? hex(query[i + 1]) : -1;
                const int low = i + 2 < size ? hex(query[i + 2]) : -1;

                if (high < 0 || low < 0) {
                    return -2;
                }
                c = (char)(high << 4 | low);
                i += 2;
            }
            if (written + 1 >= out_size || c == '\0') {
                return -2;
            }
            out[written++] = c;
        }
        out[written] = '\0';
        return (int)written;
    }
    return -1;
}

/* 1 = there, 0 = not there, -1 = no number. */
static int find_number(const char *query, const char *name, uint64_t *number_out)
{
    char text[NUMBER_SIZE];
    const int size = find_value(query, name, text, sizeof text);
    uint64_t number = 0;

    if (size == -1) {
        return 0;
    }
    if (size <= 0) {
        return -1;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || number > (UINT64_MAX - 9) / 10) {
            return -1;
        }
        number = 10 * number + (uint64_t)(*at - '0');
    }
    *number_out = number;
    return 1;
}

/* --- entries --- */

static int compare(const struct entry *entry, const char *key, size_t size)
{
    const size_t least = entry->key_size < size ? entry->key_size : size;
    const int order = memcmp(entry->key, key, least);

    return order != 0 ? order : (entry->key_size > size) - (entry->key_size < size);
}

/* The first place whose key is not lower. */
static size_t place_of(const struct kv *kv, const char *key, size_t size)
{
    size_t low = 0, high = kv->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (compare(kv->entries[middle], key, size) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct entry *find(const struct kv *kv, const char *key, size_t size)
{
    const size_t at = place_of(kv, key, size);

    return at < kv->count && compare(kv->entries[at], key, size) == 0 ? kv->entries[at] : NULL;
}

static struct entry *insert(struct kv *kv, const char *key, size_t size)
{
    const size_t at = place_of(kv, key, size);
    struct entry *entry = calloc(1, sizeof *entry);

    if (entry != NULL && kv->count == kv->capacity) {
        const size_t capacity = kv->capacity > 0 ? 2 * kv->capacity : 64;
        struct entry **entries = realloc(kv->entries, capacity * sizeof(struct entry *));

        if (entries == NULL) {
            free(entry);
            return NULL;
        }
        kv->entries = entries;
        kv->capacity = capacity;
    }
    if (entry == NULL) {
        return NULL;
    }
    memmove(kv->entries + at + 1, kv->entries + at, (kv->count - at) * sizeof kv->entries[0]);
    memcpy(entry->key, key, size);
    entry->key_size = size;
    kv->entries[at] = entry;
    kv->count++;
    kv->bytes += cost_of(entry);
    return entry;
}

static void drop(struct kv *kv, const char *key, size_t size)
{
    const size_t at = place_of(kv, key, size);

    kv->bytes -= cost_of(kv->entries[at]);
    free_entry(kv->entries[at]);
    kv->count--;
    memmove(kv->entries + at, kv->entries + at + 1, (kv->count - at) * sizeof kv->entries[0]);
}

/* 0 = done, -1 = no memory. */
static int set(struct kv *kv, struct entry *entry, const void *value, size_t size)
{
    uint8_t *copy = malloc(size + 1);

    if (copy == NULL) {
        return -1;
    }
    memcpy(copy, value, size);
    free(entry->value);
    kv->bytes += size;
    kv->bytes -= entry->value_size;
    entry->value = copy;
    entry->value_size = size;
    return 0;
}

/* --- calls --- */

static int refuse(struct ms_service_writer *out, enum ms_service_verdict verdict, const char *why)
{
    ms_service_say(out, why);
    return (int)verdict;
}

static int get(const struct kv *kv, const char *query, struct ms_service_writer *out)
{
    char key[KEY_MAX + 1];
    const int size = find_value(query, "key", key, sizeof key);

    if (size <= 0) {
        return refuse(out, MS_SERVICE_BAD_ARGUMENT, "get?key=KEY, of 1 to 255 bytes");
    }
    const struct entry *entry = find(kv, key, (size_t)size);

    if (entry == NULL) {
        return refuse(out, MS_SERVICE_NOT_FOUND, "there is no such key");
    }
    ms_service_write(out, entry->value, entry->value_size);
    return MS_SERVICE_REPLY;
}

/* A line for each key: its version, its size, and the key. */
static int list(const struct kv *kv, const char *query, struct ms_service_writer *out)
{
    char prefix[KEY_MAX + 1] = "", line[KEY_MAX + 3 * NUMBER_SIZE];
    uint64_t limit = LIST_MAX;
    const int size = find_value(query, "prefix", prefix, sizeof prefix);

    if (size == -2 || find_number(query, "limit", &limit) < 0) {
        return refuse(out, MS_SERVICE_BAD_ARGUMENT, "list?prefix=TEXT&limit=COUNT");
    }
    const size_t length = size > 0 ? (size_t)size : 0;

    for (size_t i = place_of(kv, prefix, length); i < kv->count && limit > 0; i++, limit--) {
        const struct entry *entry = kv->entries[i];

        if (entry->key_size < length || memcmp(entry->key, prefix, length) != 0) {
            break;
        }
        snprintf(line, sizeof line, "%llu %zu %s\n", (unsigned long long)entry->version,
                 entry->value_size, entry->key);
        ms_service_say(out, line);
    }
    return MS_SERVICE_REPLY;
}

static int propose(enum what what, uint64_t wanted, const char *query,
                   const struct ms_service_call *call, struct ms_service_writer *out)
{
    char key[KEY_MAX + 1];
    uint8_t head[HEAD] = {(uint8_t)what};
    const int size = find_value(query, "key", key, sizeof key);

    if (size <= 0) {
        return refuse(out, MS_SERVICE_BAD_ARGUMENT, "key=KEY is missing, or not of 1 to 255 bytes");
    }
    head[1] = (uint8_t)size;
    for (int i = 0; i < 8; i++) {
        head[2 + i] = (uint8_t)(wanted >> (8 * i));
    }
    ms_service_write(out, head, sizeof head);
    ms_service_write(out, key, (size_t)size);
    if (what == PUT) {
        ms_service_write(out, call->payload, call->payload_size);
    }
    return MS_SERVICE_PROPOSE;
}

static int handle(void *state, const struct ms_service_call *call, struct ms_service_writer *out)
{
    const struct kv *kv = state;
    const char *query = strchr(call->url->parameters, '?');
    const size_t size =
        query != NULL ? (size_t)(query - call->url->parameters) : strlen(call->url->parameters);
    char what[16] = "";
    uint64_t wanted = ANY;

    if (size < sizeof what) {
        memcpy(what, call->url->parameters, size);
    }
    query = query != NULL ? query + 1 : "";
    if (strcmp(what, "get") == 0) {
        return get(kv, query, out);
    }
    if (strcmp(what, "list") == 0) {
        return list(kv, query, out);
    }
    if (strcmp(what, "put") != 0 && strcmp(what, "delete") != 0 && strcmp(what, "cas") != 0) {
        return refuse(out, MS_SERVICE_BAD_ARGUMENT,
                      "what there is: get, put, delete, cas, each ?key=KEY, and list");
    }
    const int found = find_number(query, "version", &wanted);

    if (found < 0 || (found == 0 && strcmp(what, "cas") == 0)) {
        return refuse(out, MS_SERVICE_BAD_ARGUMENT,
                      "version=NUMBER is what list says of the key, or 0: it is not there");
    }
    if (call->payload_size > kv->value_max) {
        return refuse(out, MS_SERVICE_FULL, "the value is larger than value_max");
    }
    return propose(strcmp(what, "delete") == 0 ? DELETE : PUT, wanted, query, call, out);
}

/* --- changes --- */

static int reply_version(struct ms_service_writer *out, uint64_t version)
{
    char text[NUMBER_SIZE];

    snprintf(text, sizeof text, "%llu", (unsigned long long)version);
    ms_service_say(out, text);
    return MS_SERVICE_REPLY;
}

static int put(struct kv *kv, const char *key, size_t key_size,
               const struct ms_service_change *change, struct ms_service_writer *out)
{
    struct entry *entry = find(kv, key, key_size);
    const uint8_t *value = (const uint8_t *)change->data + HEAD + key_size;
    const size_t size = change->data_size - HEAD - key_size;
    const size_t before = entry != NULL ? cost_of(entry) : 0;

    if (size > kv->value_max || kv->bytes - before + ENTRY_COST + key_size + size > kv->bytes_max) {
        return refuse(out, MS_SERVICE_FULL, "the store is full: bytes_max, or value_max");
    }
    entry = entry != NULL ? entry : insert(kv, key, key_size);
    if (entry == NULL || set(kv, entry, value, size) != 0) {
        abort(); /* the other half has memory, and would go another way */
    }
    entry->version = change->version;
    return reply_version(out, change->version);
}

static int apply(void *state, const struct ms_service_change *change, struct ms_service_writer *out)
{
    struct kv *kv = state;
    const uint8_t *head = change->data;
    uint64_t wanted = 0;

    if (change->data_size < HEAD || change->data_size - HEAD < head[1]) {
        return refuse(out, MS_SERVICE_BAD_ARGUMENT, "not a change of kv");
    }
    for (int i = 0; i < 8; i++) {
        wanted |= (uint64_t)head[2 + i] << (8 * i);
    }
    const char *key = (const char *)head + HEAD;
    const struct entry *entry = find(kv, key, head[1]);
    const uint64_t version = entry != NULL ? entry->version : ABSENT;

    if (wanted != ANY && wanted != version) {
        reply_version(out, version);
        ms_service_say(out, " is the version of that key");
        return MS_SERVICE_CONFLICT;
    }
    if (head[0] == PUT) {
        return put(kv, key, head[1], change, out);
    }
    if (entry == NULL) {
        return refuse(out, MS_SERVICE_NOT_FOUND, "there is no such key");
    }
    drop(kv, key, head[1]);
    return reply_version(out, change->version);
}

/* --- snapshots: of each entry version, sizes, key, value --- */

static void write_number(struct ms_service_writer *out, uint64_t number)
{
    uint8_t bytes[8];

    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(number >> (8 * i));
    }
    ms_service_write(out, bytes, sizeof bytes);
}

static uint64_t read_number(const uint8_t *bytes)
{
    uint64_t number = 0;

    for (int i = 0; i < 8; i++) {
        number |= (uint64_t)bytes[i] << (8 * i);
    }
    return number;
}

static int snapshot(const void *state, struct ms_service_writer *out)
{
    const struct kv *kv = state;

    for (size_t i = 0; i < kv->count; i++) {
        const struct entry *entry = kv->entries[i];

        write_number(out, entry->version);
        write_number(out, entry->key_size);
        write_number(out, entry->value_size);
        ms_service_write(out, entry->key, entry->key_size);
        ms_service_write(out, entry->value, entry->value_size);
    }
    return 0;
}

static int restore(void *state, const void *data, size_t size)
{
    struct kv *kv = state;
    const uint8_t *at = data;

    while (size > 0) {
        if (size < 24) {
            return -1;
        }
        const uint64_t version = read_number(at), key_size = read_number(at + 8);
        const uint64_t value_size = read_number(at + 16);

        at += 24;
        size -= 24;
        if (key_size == 0 || key_size > KEY_MAX || key_size > size ||
            value_size > size - key_size) {
            return -1;
        }
        struct entry *entry = insert(kv, (const char *)at, (size_t)key_size);

        if (entry == NULL || set(kv, entry, at + key_size, (size_t)value_size) != 0) {
            return -1;
        }
        entry->version = version;
        at += key_size + value_size;
        size -= (size_t)(key_size + value_size);
    }
    return 0;
}

static int configured(void *state, const void *data, size_t size)
{
    struct kv *kv = state;
    char text[256];

    if (size >= sizeof text) {
        return -1;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    return find_number(text, "value_max", &kv->value_max) < 0 ||
                   find_number(text, "bytes_max", &kv->bytes_max) < 0
               ? -1
               : 0;
}

static void heartbeat(const void *state, struct ms_service_writer *out)
{
    const struct kv *kv = state;
    char text[64];

    snprintf(text, sizeof text, "%zu keys, %zu bytes", kv->count, kv->bytes);
    ms_service_say(out, text);
}

MS_SERVICE_PUBLIC const struct ms_service ms_service_v1 = {
    MS_SERVICE_HEADER,
    .type = "kv",
    .about = "keys and values that both masters have",
    .create = create,
    .destroy = destroy,
    .handle = handle,
    .apply = apply,
    .snapshot = snapshot,
    .restore = restore,
    .configured = configured,
    .heartbeat = heartbeat,
};
