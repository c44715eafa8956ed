/* Which numbers of one client are closed: a floor and what lies scattered above it. */
#ifndef MASTER_CLOSED_H
#define MASTER_CLOSED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/list.h"
#include "core/map.h"
#include "core/slab.h"

/* Every number up to floor is closed. Above it, spans of 4096 numbers have a bit each, and spans that
 * are closed entirely only their name. Bounded: see ms_closed_is_full. */
struct ms_closed {
    uint64_t floor;
    struct ms_map spans;
    struct ms_list list;
    uint32_t partial_count; /* spans that keep bits */
};

void ms_closed_init(struct ms_closed *closed, uint64_t seed);
void ms_closed_finish(struct ms_closed *closed, struct ms_slab *slab);

bool ms_closed_has(const struct ms_closed *closed, uint64_t seq);

/* seq > 0; harmless when it is closed. False, with nothing remembered, when memory is out or the spans
 * are full. */
bool ms_closed_add(struct ms_closed *closed, struct ms_slab *slab, uint64_t seq);

/* Everything up to floor is closed; a lower floor than before changes nothing. */
void ms_closed_raise(struct ms_closed *closed, struct ms_slab *slab, uint64_t floor);

/* True when the client has scattered its numbers so widely that no more is remembered: it should
 * submit nothing new until its floor rises. */
bool ms_closed_is_full(const struct ms_closed *closed);

#endif
