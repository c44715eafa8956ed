#include "master/cordons.h"

#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "core/limits.h"

#define CAPACITY_MIN 16u

static_assert(sizeof(struct ms_uuid) == 16, "a record has them as they are");

void ms_cordons_init(struct ms_cordons *cordons, uint64_t seed)
{
    *cordons = (struct ms_cordons){0};
    ms_map_init(&cordons->places, MS_CORDONS_MAX, seed);
}

void ms_cordons_finish(struct ms_cordons *cordons)
{
    free(cordons->nodes);
    ms_map_finish(&cordons->places);
    cordons->nodes = NULL;
    cordons->count = cordons->capacity = 0;
}

bool ms_cordons_has(const struct ms_cordons *cordons, const struct ms_uuid *node)
{
    return cordons->count > 0 && ms_map_find(&cordons->places, ms_key_of_uuid(node)) != 0;
}

static bool make_room(struct ms_cordons *cordons)
{
    const uint32_t capacity = cordons->capacity > 0 ? 2 * cordons->capacity : CAPACITY_MIN;
    struct ms_uuid *larger;

    if (cordons->count < cordons->capacity) {
        return true;
    }
    larger = realloc(cordons->nodes, capacity * sizeof *larger);
    if (larger == NULL) {
        return false;
    }
    cordons->nodes = larger;
    cordons->capacity = capacity;
    return true;
}

bool ms_cordons_add(struct ms_cordons *cordons, const struct ms_uuid *node)
{
    ms_assert(!ms_uuid_is_zero(node));
    if (ms_cordons_has(cordons, node)) {
        return true;
    }
    if (cordons->count == MS_CORDONS_MAX || !make_room(cordons) ||
        !ms_map_put(&cordons->places, ms_key_of_uuid(node), cordons->count + 1u)) {
        return false;
    }
    cordons->nodes[cordons->count++] = *node;
    cordons->is_changed = true;
    return true;
}

void ms_cordons_remove(struct ms_cordons *cordons, const struct ms_uuid *node)
{
    const uint64_t place =
        cordons->count > 0 ? ms_map_remove(&cordons->places, ms_key_of_uuid(node)) : 0;

    if (place == 0) {
        return;
    }
    const struct ms_uuid last = cordons->nodes[--cordons->count];

    if (place <= cordons->count) { /* it is there: no memory is needed */
        cordons->nodes[place - 1] = last;
        ms_map_put(&cordons->places, ms_key_of_uuid(&last), place);
    }
    ms_assert(ms_map_count(&cordons->places) == cordons->count);
    cordons->is_changed = true;
}

struct ms_bytes ms_cordons_bytes(struct ms_cordons *cordons)
{
    cordons->is_changed = false;
    return (struct ms_bytes){(const uint8_t *)cordons->nodes,
                             cordons->count * sizeof *cordons->nodes};
}

bool ms_cordons_take(struct ms_cordons *cordons, struct ms_bytes bytes)
{
    while (cordons->count > 0) {
        const struct ms_uuid last = cordons->nodes[cordons->count - 1];

        ms_cordons_remove(cordons, &last);
    }
    for (size_t at = 0; at < bytes.size; at += sizeof(struct ms_uuid)) {
        struct ms_uuid node;

        if (bytes.size - at < sizeof node) {
            return false;
        }
        memcpy(&node, bytes.data + at, sizeof node);
        if (ms_uuid_is_zero(&node) || !ms_cordons_add(cordons, &node)) {
            return false;
        }
    }
    cordons->is_changed = false;
    return true;
}
