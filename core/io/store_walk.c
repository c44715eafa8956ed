/* Reading the live records of a store in the order of their numbers: old ones from the file, young ones from memory. */
#include <stdlib.h>

#include "core/invariant.h"
#include "core/io/store_keeper.h"
#include "proto/record.h"

#define PIECE_BYTES_MIN ((size_t)4 << 10)

struct walk {
    const struct ms_store_ring *ring;
    ms_store_entry_fn fn;
    void *context;
    struct ms_complaint *complaint;
    ms_seq above;
    uint64_t batch; /* the next young record */
    size_t index;
    bool goes_on, is_sound;
};

/* The young records below a limit, from where the walk is among them. */
static void visit_young(struct walk *walk, ms_seq limit)
{
    for (; walk->batch < walk->ring->next; walk->batch++, walk->index = 0) {
        const struct ms_store_window *window = ms_store_ring_at(walk->ring, walk->batch);

        while (window->seq > walk->above && walk->index < window->count && walk->goes_on) {
            const struct ms_store_put *put = &window->puts[walk->index];

            if (put->seq >= limit) {
                return;
            }
            if (!put->is_dead && put->seq > walk->above) {
                walk->goes_on =
                    walk->fn(walk->context, put->seq, ms_store_window_entry(window, walk->index));
            }
            walk->index++;
        }
        if (!walk->goes_on) {
            return;
        }
    }
}

static bool on_old(void *context, ms_seq seq, struct ms_bytes value)
{
    struct walk *walk = context;
    struct ms_bytes rest = value;
    struct ms_entry entry;

    visit_young(walk, seq);
    if (!walk->goes_on) {
        return false;
    }
    if (!ms_record_next(&rest, &entry) || rest.size != 0 || entry.seq != seq ||
        entry.kind == MS_RECORD_ERASE) {
        ms_complain(walk->complaint, "record %llu of the store is damaged",
                    (unsigned long long)seq);
        walk->is_sound = false;
        return false;
    }
    walk->goes_on = walk->fn(walk->context, seq, value);
    return walk->goes_on;
}

/* Two rows of records, both in rising order, and no record in both. */
static enum ms_error walk_all(struct ms_store_keeper *keeper, struct walk *walk)
{
    walk->ring = &keeper->ring;
    walk->batch = keeper->ring.first;
    walk->goes_on = true;
    walk->is_sound = true;
    if (ms_store_file_walk_old(keeper->file, walk->above, on_old, walk) != MS_STORE_DONE) {
        ms_complain(walk->complaint, "%s", ms_store_file_failure(keeper->file));
        return ms_store_file_error(keeper->file);
    }
    if (!walk->is_sound) {
        return MS_E_STORE_CORRUPT;
    }
    if (walk->goes_on) {
        visit_young(walk, UINT64_MAX);
    }
    return MS_E_OK;
}

struct replay {
    ms_store_entry_fn fn;
    void *context;
    uint64_t records;
};

static bool replay_one(void *context, ms_seq seq, struct ms_bytes entry)
{
    struct replay *replay = context;

    replay->records++;
    return replay->fn(replay->context, seq, entry);
}

enum ms_error ms_store_keeper_replay(struct ms_store_keeper *keeper, ms_store_entry_fn fn,
                                     void *context, struct ms_complaint *complaint)
{
    struct replay replay = {.fn = fn, .context = context};
    struct walk walk = {.fn = replay_one, .context = &replay, .complaint = complaint};
    enum ms_error error;

    if (keeper->is_read_only && !ms_store_file_verify(keeper->file, complaint)) {
        return MS_E_STORE_CORRUPT;
    }
    error = walk_all(keeper, &walk);
    if (error == MS_E_OK && walk.goes_on) {
        keeper->records = replay.records;
    }
    return error;
}

struct scan {
    struct ms_store_piece *piece;
    size_t bytes_max;
};

static bool scan_one(void *context, ms_seq seq, struct ms_bytes entry)
{
    const struct scan *scan = context;
    struct ms_store_piece *piece = scan->piece;
    size_t capacity = piece->capacity == 0 ? PIECE_BYTES_MIN : piece->capacity;

    if (piece->size > 0 && piece->size + entry.size > scan->bytes_max) {
        return false;
    }
    while (capacity < piece->size + entry.size) {
        capacity *= 2;
    }
    if (capacity != piece->capacity) {
        piece->bytes = realloc(piece->bytes, capacity);
        ms_assert(piece->bytes != NULL);
        piece->capacity = capacity;
    }
    memcpy(piece->bytes + piece->size, entry.data, entry.size);
    piece->size += entry.size;
    piece->last = seq;
    return piece->size < scan->bytes_max;
}

enum ms_error ms_store_keeper_scan(struct ms_store_keeper *keeper, ms_seq above, size_t bytes_max,
                                   struct ms_store_piece *piece, struct ms_complaint *complaint)
{
    struct scan scan = {.piece = piece, .bytes_max = bytes_max};
    struct walk walk = {.fn = scan_one, .context = &scan, .complaint = complaint, .above = above};
    enum ms_error error;

    piece->size = 0;
    piece->last = 0;
    error = walk_all(keeper, &walk);
    if (piece->size == 0) { /* the last of a scan: its memory is not kept */
        free(piece->bytes);
        *piece = (struct ms_store_piece){0};
    }
    return error;
}
