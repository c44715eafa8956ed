/* What was live at each place of the reign. */
#include <stdlib.h>

#include "core/invariant.h"
#include "world.h"

void world_forget(struct world *world)
{
    while (world->past_count > 0) {
        free(world->past[--world->past_count].bytes);
    }
    shelf_finish(&world->origin);
}

void world_remember(struct world *world, ms_seq seq, struct ms_bytes entries)
{
    const struct shelf *view = &world_active(world)->disk.view;
    struct past past = {.seq = seq, .hash = view->hash, .size = entries.size};
    struct shelf after = {0};

    if (world->past_count == world->past_capacity) {
        world->past_capacity = world->past_capacity * 2 + 64;
        world->past = realloc(world->past, world->past_capacity * sizeof *world->past);
        ms_assert(world->past != NULL);
    }
    if (world->past_count == 0) {
        shelf_copy(&world->origin, view);
    } else {
        past.bytes = malloc(entries.size);
        ms_assert(past.bytes != NULL);
        memcpy(past.bytes, entries.data, entries.size);
        shelf_copy(&after, view);
        shelf_apply(&after, entries);
        past.hash = after.hash;
        shelf_finish(&after);
    }
    world->past[world->past_count++] = past;
}

bool world_is_within(const struct shelf *small, const struct shelf *large, ms_seq upto)
{
    for (ms_seq seq = 1; seq < small->capacity && seq <= upto; seq++) {
        const struct record *record = &small->records[seq];

        if (record->bytes != NULL &&
            (seq >= large->capacity || large->records[seq].size != record->size ||
             memcmp(large->records[seq].bytes, record->bytes, record->size) != 0)) {
            return false;
        }
    }
    return true;
}

/* Behind a copy, some of what the batches after a place only erase may be gone already: nobody can say when they are
 * durable, because they have no record of their own. */
static bool was_nearly(const struct world *world, const struct shelf *shelf, ms_seq seq)
{
    struct shelf before = {0}, after = {0};
    bool was = false;

    shelf_copy(&before, &world->origin);
    for (size_t i = 0; i < world->past_count && !was; i++) {
        const struct past *past = &world->past[i];

        if (i > 0) {
            shelf_apply(&before, (struct ms_bytes){past->bytes, past->size});
        }
        if (past->seq >= seq && world_is_within(shelf, &before, UINT64_MAX)) {
            shelf_copy(&after, &before);
            for (size_t k = i + 1; k < world->past_count && world->past[k].seq == past->seq; k++) {
                shelf_apply(&after, (struct ms_bytes){world->past[k].bytes, world->past[k].size});
            }
            was = world_is_within(&after, shelf, UINT64_MAX);
        }
    }
    shelf_finish(&before);
    shelf_finish(&after);
    return was;
}

bool world_was(const struct world *world, const struct shelf *shelf, ms_seq seq)
{
    for (size_t i = world->past_count; i > 0 && world->past[i - 1].seq >= seq; i--) {
        if (world->past[i - 1].hash == shelf->hash) {
            return true;
        }
    }
    return was_nearly(world, shelf, seq);
}
