#include "master/greeters.h"

#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "core/limits.h"

#define GREETERS_MIN 16u

static bool make_room(struct ms_greeters *greeters)
{
    const uint32_t capacity = greeters->capacity > 0 ? 2 * greeters->capacity : GREETERS_MIN;
    struct ms_greeter *larger;

    if (greeters->first > 0) {
        memmove(greeters->greeters, greeters->greeters + greeters->first,
                greeters->count * sizeof *greeters->greeters);
        greeters->first = 0;
        return true;
    }
    larger = realloc(greeters->greeters, capacity * sizeof *larger);
    if (larger == NULL) {
        return false;
    }
    greeters->greeters = larger;
    greeters->capacity = capacity;
    return true;
}

static struct ms_key key_of(ms_peer peer)
{
    return ms_key_of(peer, 0);
}

static bool make_place(struct ms_greeters *greeters)
{
    const uint32_t capacity =
        greeters->newcomers_capacity > 0 ? 2 * greeters->newcomers_capacity : GREETERS_MIN;
    struct ms_newcomer *larger;

    if (greeters->newcomers_count < greeters->newcomers_capacity) {
        return true;
    }
    larger = realloc(greeters->newcomers, capacity * sizeof *larger);
    if (larger == NULL) {
        return false;
    }
    if (greeters->newcomers ==
        NULL) { /* names of connections are our own: nobody aims at a place */
        ms_map_init(&greeters->places, MS_PARKED_MAX, 0);
    }
    greeters->newcomers = larger;
    greeters->newcomers_capacity = capacity;
    return true;
}

bool ms_greeters_opened(struct ms_greeters *greeters, ms_peer peer, const struct ms_uuid *nonce)
{
    if (greeters->newcomers_count == MS_PARKED_MAX || !make_place(greeters) ||
        !ms_map_put(&greeters->places, key_of(peer), greeters->newcomers_count + 1)) {
        return false;
    }
    greeters->newcomers[greeters->newcomers_count++] = (struct ms_newcomer){peer, *nonce};
    return true;
}

bool ms_greeters_take_newcomer(struct ms_greeters *greeters, ms_peer peer,
                               struct ms_uuid *nonce_out)
{
    const uint64_t place = ms_map_remove(&greeters->places, key_of(peer));
    struct ms_newcomer *newcomer, *last;

    if (place == 0) {
        return false;
    }
    newcomer = &greeters->newcomers[place - 1];
    last = &greeters->newcomers[--greeters->newcomers_count];
    *nonce_out = newcomer->nonce;
    if (newcomer != last) {
        *newcomer = *last;
        ms_map_put(&greeters->places, key_of(last->peer),
                   place); /* it is there: no memory is needed */
    }
    return true;
}

bool ms_greeters_add(struct ms_greeters *greeters, const struct ms_greeter *greeter)
{
    ms_assert(greeter->peer != MS_PEER_NONE);
    if (greeters->count == MS_GREETERS_MAX ||
        (greeters->first + greeters->count == greeters->capacity && !make_room(greeters))) {
        return false;
    }
    greeters->greeters[greeters->first + greeters->count++] = *greeter;
    return true;
}

struct ms_greeter *ms_greeters_first(struct ms_greeters *greeters)
{
    return greeters->count > 0 ? &greeters->greeters[greeters->first] : NULL;
}

bool ms_greeters_drop(struct ms_greeters *greeters, ms_peer peer)
{
    struct ms_greeter *first = greeters->greeters + greeters->first;

    for (uint32_t i = 0; i < greeters->count; i++) {
        if (first[i].peer == peer) {
            memmove(first + 1, first, i * sizeof *first);
            greeters->first++;
            greeters->count--;
            return true;
        }
    }
    return false;
}

ms_time ms_greeters_deadline(const struct ms_greeters *greeters)
{
    return greeters->count > 0 ? greeters->greeters[greeters->first].until : MS_TIME_NEVER;
}

void ms_greeters_finish(struct ms_greeters *greeters)
{
    free(greeters->greeters);
    free(greeters->newcomers);
    ms_map_finish(&greeters->places);
    *greeters = (struct ms_greeters){0};
}
