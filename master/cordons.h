/* Slaves that get nothing new because people said so, by the number that each has chosen for itself: so a cordon
 * outlives the session, the connection and this master, and ends with the slave's program or when people say so. All of
 * them stand in the EPOCH record, which is written anew with each change. */
#ifndef MASTER_CORDONS_H
#define MASTER_CORDONS_H

#include "core/map.h"

struct ms_cordons {
    struct ms_uuid *
        nodes; /* in the order in which they came, but for those that took the place of one that is gone */
    uint32_t count, capacity;
    struct ms_map places; /* node -> place + 1 */
    bool is_changed;      /* since ms_cordons_bytes */
};

void ms_cordons_init(struct ms_cordons *cordons, uint64_t seed);
void ms_cordons_finish(struct ms_cordons *cordons); /* accepts a zeroed one */

bool ms_cordons_has(const struct ms_cordons *cordons, const struct ms_uuid *node);

/* Harmless when it is there. False when there are MS_CORDONS_MAX, or memory is out. */
bool ms_cordons_add(struct ms_cordons *cordons, const struct ms_uuid *node);

/* Harmless when it is not there. */
void ms_cordons_remove(struct ms_cordons *cordons, const struct ms_uuid *node);

/* All of them as a record has them, 16 bytes each; borrowed until the next change. */
struct ms_bytes ms_cordons_bytes(struct ms_cordons *cordons);

/* They are those of a record, and no others. False when these are none, or memory is out. */
bool ms_cordons_take(struct ms_cordons *cordons, struct ms_bytes bytes);

#endif
