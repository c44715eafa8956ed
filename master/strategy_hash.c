#include "core/invariant.h"
#include "core/limits.h"
#include "master/strategy.h"

#define BUCKETS 100u /* of java31 */

/* The hash of Java's byte arrays and ASCII strings, h = 31 h + b with signed bytes and 32 bits that wrap. Of 100 buckets each group
 * has as many, and the last one what is left over: kept as it was, so that a system that stores by it finds its data. */
static uint32_t place_java31(const uint8_t *key, size_t size, uint32_t groups)
{
    uint32_t hash = 0;

    ms_assert(groups > 0 && groups <= BUCKETS);
    for (size_t i = 0; i < size; i++) {
        hash = 31u * hash + (uint32_t)(int32_t)(int8_t)key[i];
    }
    const int32_t rest = (int32_t)hash % (int32_t)BUCKETS;
    const uint32_t group = (uint32_t)(rest < 0 ? -rest : rest) / (BUCKETS / groups);

    return group < groups ? group : groups - 1;
}

/* FNV-1a, whose bits are then mixed as in MurmurHash3: the next one wants all of them. */
static uint64_t hash_of(const uint8_t *key, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ key[i]) * UINT64_C(0x100000001b3);
    }
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ (hash >> 33);
}

/* Lamping, Veach: A Fast, Minimal Memory, Consistent Hash Algorithm, 2014. O(log groups). One more group at the end takes its share
 * of the keys from all others, and no other key moves. */
static uint32_t place_jump(const uint8_t *key, size_t size, uint32_t groups)
{
    uint64_t state = hash_of(key, size);
    int64_t group = -1;
    int64_t next = 0;

    ms_assert(groups > 0);
    while (next < (int64_t)groups) {
        group = next;
        state = state * UINT64_C(2862933555777941757) + 1;
        next = (int64_t)((double)(group + 1) *
                         ((double)(INT64_C(1) << 31) / (double)((state >> 33) + 1)));
    }
    return (uint32_t)group;
}

#define HEADER .abi = MS_STRATEGY_ABI, .size = sizeof(struct ms_strategy)

const struct ms_strategy ms_strategy_java31 = {
    HEADER, .name = "hash:java31",
    .help = "by key, with the hash of Java's strings and 100 buckets", .place = place_java31,
    .groups_max = BUCKETS};

const struct ms_strategy ms_strategy_jump = {
    HEADER, .name = "hash:jump",
    .help =
        "by key; one more group takes its share of keys from all others, and no other key moves",
    .place = place_jump, .groups_max = MS_ROUTE_GROUPS_MAX};
