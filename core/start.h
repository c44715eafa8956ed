/* Starts of the program on the directory of one half of a pair. They are counted in its record, each with a number that was drawn, its
 * life; others remember the newest one that they have heard of. A directory that was set back to an older state (a clone, a
 * snapshot, a backup) has lived on in another way since then: what it promised and stored meanwhile is not in it.
 * docs/decisions/0011-pair-design.md, "An old copy". */
#ifndef CORE_START_H
#define CORE_START_H

#include "core/types.h"

/* So often an old copy may be started where nobody hears of it, beyond what others have heard of, and is still known for one. */
#define MS_START_LIVES 8u

struct ms_start {
    /* Of the last one; 0 = not told, by an older program. The first one of a new directory is above those of all before it in that place, as
     * far as its maker knows. */
    uint64_t number;
    uint64_t lives[MS_START_LIVES]; /* of that one, of the one before, ...; 0 = not known */
};

/* What somebody remembers of a half. */
struct ms_known_start {
    struct ms_uuid id;     /* incarnation of its directory */
    uint64_t number, life; /* of its newest start; 0 = of none */
};

/* Numbers beyond are an error of whoever told them, and count for nothing. */
#define MS_START_MAX ((uint64_t)1 << 62)
/* So far above what is remembered whoever begins anew goes on: another one may remember more, and must not take it for old. */
#define MS_START_LEAP ((uint64_t)1 << 20)

/* One more. life: drawn, not 0. */
void ms_start_count(struct ms_start *start, uint64_t life);
/* Goes on from there, and was nobody before. */
void ms_start_renew(struct ms_start *start, uint64_t number);

/* True when the start that is remembered is none of those that led to this one of that directory, nor of one that it has replaced. */
bool ms_known_outlives(const struct ms_known_start *known, const struct ms_uuid *id,
                       const struct ms_start *start);

/* Of one that is outlived: true when that is no old copy, but one that only has to go on with the numbers. It is a new directory in the
 * place of the one that is remembered, or has no start before this one: an older program has left none in it. */
bool ms_known_is_replaced(const struct ms_known_start *known, const struct ms_uuid *id,
                          const struct ms_start *start, bool is_fresh);

/* Remembers the start of that directory if it is newer than what is remembered, and follows from it. A half that is fresh has no rights
 * to be guarded: it is not remembered. True when something has changed. */
bool ms_known_take(struct ms_known_start *known, const struct ms_uuid *id,
                   const struct ms_start *start, bool is_fresh);

/* What whoever hears of a start does: false when it is that of an old copy; else the newest is remembered. */
bool ms_known_heed(struct ms_known_start *known, const struct ms_uuid *id,
                   const struct ms_start *start, bool is_fresh);

#endif
