/* The input is a journal with odd contents, its checksums put right, that a new master reads back. It takes
 * it or says that the store is damaged; what it took keeps its invariants, lives on for a while, and what it
 * writes meanwhile can be read back by the next master. */
#include <stdlib.h>

#include "core/invariant.h"
#include "master/master.h"
#include "proto/record.h"
#include "tests/support/seal.h"

#define INPUT_MAX   ((size_t)(64u << 10))
#define RECORDS_MAX 1024u
#define TICKS       12

struct world {
    struct ms_master *master;
    struct ms_engine *engine;
    ms_time now;
    bool is_stopped, is_ready;
    ms_seq seq; /* to be told as persisted; 0 = nothing */
    struct record {
        ms_seq seq;
        uint8_t *bytes;
        size_t size;
    } records[RECORDS_MAX]; /* the store */
    uint32_t records_count;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world world;

static void erase(ms_seq seq)
{
    for (uint32_t i = 0; i < world.records_count; i++) {
        if (world.records[i].seq == seq) {
            free(world.records[i].bytes);
            world.records_count--;
            memmove(&world.records[i], &world.records[i + 1],
                    (world.records_count - i) * sizeof world.records[0]);
            return;
        }
    }
}

static void put(const struct ms_entry *entry)
{
    struct record *record = &world.records[world.records_count];

    if (entry->kind == MS_RECORD_ERASE) {
        erase(entry->seq);
        return;
    }
    if (world.records_count == RECORDS_MAX) {
        return;
    }
    *record = (struct record){entry->seq, malloc(entry->bytes.size), entry->bytes.size};
    ms_assert(record->bytes != NULL);
    memcpy(record->bytes, entry->bytes.data, entry->bytes.size);
    world.records_count++;
}

static void carry_out(const struct ms_effect *effect)
{
    struct ms_bytes entries = effect->command.payload;
    struct ms_entry entry;

    if (effect->type == MS_EFFECT_STOPPED) {
        world.is_stopped = true;
    } else if (effect->type == MS_EFFECT_READY) {
        world.is_ready = true;
    } else if (effect->type == MS_EFFECT_PERSIST) {
        ms_record_seal((uint8_t *)(uintptr_t)entries.data, entries.size);
        while (ms_record_next(&entries, &entry)) {
            put(&entry);
        }
        ms_assert(entries.size == 0);
        world.seq = effect->seq;
    }
}

static void step(const struct ms_event *event)
{
    struct ms_effect effect;

    ms_engine_step(world.engine, world.now, event);
    while (ms_engine_poll(world.engine, &effect)) {
        carry_out(&effect);
    }
    if (!world.is_stopped) {
        ms_master_check(world.master);
    }
}

static void persist(void)
{
    while (world.seq != 0 && !world.is_stopped) {
        const ms_seq seq = world.seq;
        world.seq = 0;
        step(&(struct ms_event){.type = MS_EVENT_PERSISTED, .seq = seq});
    }
}

static void begin(void)
{
    const struct ms_master_config config = {
        .epoch = 1,
        .is_durable = true,
        .wall_offset = INT64_C(1700000000000000),
        .payload_max = 4096,
        .crashes_max = 1,
        .limits = {.sessions_max = 8,
                   .commands_max = 64,
                   .bytes_max = 256 << 10,
                   .store_reserve = 4096},
        .name = "fuzz",
        .build = "0",
    };

    world.master = ms_master_create(&config);
    ms_assert(world.master != NULL);
    world.engine = ms_master_engine(world.master);
    world.is_stopped = world.is_ready = false;
    world.seq = 0;
}

static void replay(struct ms_bytes bytes)
{
    const struct ms_command command = {.payload = bytes};

    if (!world.is_stopped) {
        step(&(struct ms_event){.type = MS_EVENT_REPLAYED, .command = &command});
    }
}

/* All is read; true when the master serves. */
static bool serve(void)
{
    if (world.is_stopped) {
        return false;
    }
    step(&(struct ms_event){.type = MS_EVENT_ROOM, .count = 1 << 20});
    step(&(struct ms_event){.type = MS_EVENT_REPLAYED});
    persist();
    ms_assert(world.is_ready || world.is_stopped);
    for (int i = 0; i < TICKS && !world.is_stopped; i++) {
        const ms_time deadline = ms_engine_deadline(world.engine);
        world.now = deadline > world.now && deadline < MS_TIME_NEVER ? deadline : world.now;
        step(&(struct ms_event){.type = MS_EVENT_TICK});
        persist();
    }
    return !world.is_stopped;
}

/* Numbers that only this fuzzer reaches, and from which on a next master finds no way. */
static bool is_extreme(const struct ms_entry *entry)
{
    struct ms_record_room room;
    struct ms_record record;

    return entry->seq > UINT64_MAX / 4 || ms_record_read(entry, &room, &record) != MS_E_OK ||
           record.token.epoch > UINT64_MAX / 4;
}

/* What the first master left is read by the second without a complaint. */
static void again(void)
{
    const uint32_t count = world.records_count;

    begin();
    for (uint32_t i = 0; i < count; i++) {
        replay((struct ms_bytes){world.records[i].bytes, world.records[i].size});
        ms_assert(!world.is_stopped);
    }
    (void)serve();
    ms_master_destroy(world.master);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX) {
        return 0;
    }
    uint8_t *copy = malloc(size + 1);
    struct ms_bytes entries = {copy, size};
    struct ms_entry entry;
    ms_assert(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    seal_entries(copy, size);
    world.now = 0;
    world.records_count = 0;
    begin();
    bool is_repeatable = true;
    while (ms_record_next(&entries, &entry)) {
        is_repeatable = is_repeatable && !is_extreme(&entry);
        put(&entry);
        replay(entry.bytes);
    }
    const bool is_taken = serve();
    ms_master_destroy(world.master);
    if (is_taken && is_repeatable && world.records_count < RECORDS_MAX) {
        again();
    }
    while (world.records_count > 0) {
        erase(world.records[0].seq);
    }
    free(copy);
    return 0;
}
