/* A store as a master uses it, for tests: events from a loop, one directory, one owner. */
#ifndef TESTS_UNIT_IO_STORE_FIXTURE_H
#define TESTS_UNIT_IO_STORE_FIXTURE_H

#include "core/io/store.h"
#include "io_store_entries.h"

static struct place place;
static struct ms_store *store;
static struct entries entries;
static struct ms_complaint complaint;
static struct {
    ms_seq persisted;
    uint64_t answers, rooms, room;
    enum ms_error error;
    bool is_inside; /* a function of the store */
    uint64_t scans, clears;
    enum ms_error clear_error;
    uint64_t cleared_count;
    ms_seq persisted_at_clear;
    struct ms_bytes piece; /* of the last SCANNED; a copy */
    ms_seq piece_last;
} seen;

static inline void keep_piece(const struct ms_event *event)
{
    const struct ms_bytes payload = event->command->payload;
    uint8_t *copy = malloc(payload.size + 1);

    if (payload.size > 0) {
        memcpy(copy, payload.data, payload.size);
    }
    free((void *)seen.piece.data);
    seen.piece = (struct ms_bytes){copy, payload.size};
    seen.piece_last = event->seq;
    seen.scans++;
}

static inline void on_event(void *context, const struct ms_event *event)
{
    ck_assert_ptr_eq(context, &seen);
    ck_assert(!seen.is_inside);
    ck_assert_int_eq(seen.error, MS_E_OK);
    if (event->type == MS_EVENT_ROOM) {
        seen.rooms++;
        seen.room = event->count;
        return;
    }
    if (event->type == MS_EVENT_CLEARED) {
        seen.clears++;
        seen.clear_error = event->error;
        seen.cleared_count = event->count;
        seen.persisted_at_clear = seen.persisted;
        seen.persisted = 0; /* numbers may begin anew */
        return;
    }
    if (event->type == MS_EVENT_SCANNED) {
        keep_piece(event);
        return;
    }
    ck_assert_int_eq(event->type, MS_EVENT_PERSISTED);
    ck_assert(event->seq >= seen.persisted || seen.persisted == 6000); /* its number is gone */
    seen.persisted = event->seq;
    seen.error = event->error;
    seen.answers++;
}

static inline struct ms_store *open_with(struct ev_loop *loop, bool is_read_only,
                                         enum ms_error *error_out)
{
    struct ms_store_options options = {.size = sizeof options,
                                       .loop = loop,
                                       .directory = place.data,
                                       .bytes_max = 256u << 20,
                                       .reserve = 1u << 20,
                                       .event = loop == NULL ? NULL : on_event,
                                       .context = &seen,
                                       .is_read_only = is_read_only};

    return ms_store_open(&options, error_out, &complaint);
}

static inline void open_store(void)
{
    enum ms_error error = MS_E_OK;

    store = open_with(EV_DEFAULT, false, &error);
    ck_assert_msg(store != NULL, "%s", complaint.text);
}

static inline void set_up(void)
{
    place_make(&place);
    open_store();
}

static inline void tear_down(void)
{
    ms_store_close(store);
    entries_finish(&entries);
    place_remove(&place);
    free((void *)seen.piece.data);
}

static inline void write_all(void)
{
    seen.is_inside = true;
    ms_store_write(store, entries.seq, entries_take(&entries));
    seen.is_inside = false;
}

static inline void wait_for(ms_seq seq)
{
    while (seen.persisted < seq && seen.error == MS_E_OK) {
        ev_run(EV_DEFAULT, EVRUN_ONCE);
    }
}

struct census {
    uint64_t count, sum;
    size_t payload;
    ms_seq last;
};

static inline bool take_census(void *context, ms_seq seq, struct ms_bytes entry)
{
    struct census *census = context;

    ck_assert_uint_gt(seq, census->last);
    entries_check(seq, entry, census->payload);
    census->last = seq;
    census->count++;
    census->sum += seq;
    return true;
}

static inline struct census count_records(size_t payload)
{
    struct census census = {.payload = payload};

    ck_assert_int_eq(ms_store_replay(store, take_census, &census, &complaint), MS_E_OK);
    return census;
}

static inline void reopen(void)
{
    ck_assert(ms_store_close(store));
    seen.persisted = 0;
    open_store();
}

#endif
