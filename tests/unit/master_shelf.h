/* A store in memory for the tests of a durable master: what was committed is there after a crash, and what was
 * only written is not. */
#ifndef UNIT_MASTER_SHELF_H
#define UNIT_MASTER_SHELF_H

#include "master_frames.h"
#include "proto/record.h"

#define SHELF_MAX 4096

struct shelf {
    struct ms_bytes entries[SHELF_MAX]; /* by number; data NULL = erased, or never written */
    uint8_t *written;                   /* and not committed */
    size_t written_size;
    ms_seq seq, committed;
    uint8_t copies;                   /* disks that have what is committed; 0 = one */
    struct ms_master_config config;   /* of the next master */
    uint32_t counts[MS_RECORD_KINDS]; /* records that are there */
};

static inline void shelf_keep(struct shelf *shelf, const struct ms_effect *persist)
{
    const struct ms_bytes bytes = persist->command.payload;

    shelf->written = realloc(shelf->written, shelf->written_size + bytes.size);
    ck_assert_ptr_nonnull(shelf->written);
    memcpy(shelf->written + shelf->written_size, bytes.data, bytes.size);
    ms_record_seal(shelf->written + shelf->written_size, bytes.size);
    shelf->written_size += bytes.size;
    shelf->seq = persist->seq;
}

static inline void shelf_put(struct shelf *shelf, const struct ms_entry *entry)
{
    struct ms_bytes *place = &shelf->entries[entry->seq];

    ck_assert_uint_lt(entry->seq, SHELF_MAX);
    ck_assert_msg((place->data == NULL) == (entry->kind != MS_RECORD_ERASE), "record %u",
                  (unsigned)entry->seq);
    if (entry->kind == MS_RECORD_ERASE) {
        shelf->counts[place->data[16]]--;
        free((void *)(uintptr_t)place->data);
        *place = (struct ms_bytes){0};
    } else {
        uint8_t *copy = malloc(entry->bytes.size);

        ck_assert_ptr_nonnull(copy);
        memcpy(copy, entry->bytes.data, entry->bytes.size);
        *place = (struct ms_bytes){copy, entry->bytes.size};
        shelf->counts[entry->kind]++;
    }
}

/* What was written becomes durable, and the master hears of it; effects add up. */
static inline void commit_once(struct script *s)
{
    struct shelf *shelf = s->shelf;
    struct ms_bytes bytes = {shelf->written, shelf->written_size};
    struct ms_entry entry;

    while (ms_record_next(&bytes, &entry)) {
        shelf_put(shelf, &entry);
    }
    ck_assert_uint_eq(bytes.size, 0);
    shelf->written_size = 0;
    shelf->committed = shelf->seq;
    ms_engine_step(
        s->engine, s->now,
        &(struct ms_event){.type = MS_EVENT_PERSISTED, .seq = shelf->seq, .count = shelf->copies});
    poll_dry(s);
}

/* The same until the master has nothing more to write. */
static inline void commit_more(struct script *s)
{
    while (s->shelf->committed < s->shelf->seq || s->shelf->written_size > 0) {
        commit_once(s);
    }
}

static inline void commit(struct script *s)
{
    s->count = 0;
    commit_more(s);
}

/* A master that has not read anything yet. */
static inline void create_master(struct script *s)
{
    s->master = ms_master_create(&s->shelf->config);
    ck_assert_ptr_nonnull(s->master);
    s->engine = ms_master_engine(s->master);
}

static inline void replay(struct script *s, struct ms_bytes entry)
{
    const struct ms_command command = {.payload = entry};

    step(s, &(struct ms_event){.type = MS_EVENT_REPLAYED, .command = &command});
}

static inline void replay_all(struct script *s)
{
    for (size_t i = 0; i < SHELF_MAX; i++) {
        if (s->shelf->entries[i].data != NULL) {
            replay(s, s->shelf->entries[i]);
        }
    }
    step(s, &(struct ms_event){.type = MS_EVENT_REPLAYED});
}

static inline void boot(struct script *s)
{
    create_master(s);
    replay_all(s);
    commit(s);
    ck_assert(stats_of(s).is_ready);
}

static inline void setup_durable(struct script *s, struct shelf *shelf)
{
    *s = (struct script){.now = 1000 * MS_SEC, .epoch = EPOCH, .shelf = shelf, .keep = shelf_keep};
    *shelf = (struct shelf){.config = {.epoch = EPOCH - 1,
                                       .is_durable = true,
                                       .wall_offset = 1000000 * MS_SEC,
                                       .crashes_max = MS_CRASHES_MAX_DEFAULT,
                                       .seed = 1,
                                       .name = "m",
                                       .build = "test"}};
    s->sent = calloc(SENT_MAX, sizeof *s->sent);
    ck_assert_ptr_nonnull(s->sent);
    boot(s);
}

/* kill -9: what was not committed is lost. */
static inline void crash(struct script *s)
{
    ms_master_destroy(s->master);
    s->master = NULL;
    s->engine = NULL;
    s->shelf->written_size = 0;
    s->shelf->seq = s->shelf->committed;
    s->epoch++;
}

/* And another master on what was committed. */
static inline void restart(struct script *s)
{
    crash(s);
    boot(s);
}

/* A slave that runs echo, without credit: its session is durable before it is welcome. */
static inline void durable_slave(struct script *s, ms_peer peer, uint8_t node)
{
    const struct ms_hello hello = hello_of(MS_ROLE_SLAVE, node);

    open_peer(s, peer);
    say_hello(s, peer, &hello);
    commit(s);
    want(s, MS_KIND_WELCOME);
    announce(s, peer, ECHO, "echo");
    commit(s);
}

static inline void teardown_durable(struct script *s)
{
    teardown(s);
    free(s->shelf->written);
    for (size_t i = 0; i < SHELF_MAX; i++) {
        free((void *)(uintptr_t)s->shelf->entries[i].data);
    }
}

#endif
