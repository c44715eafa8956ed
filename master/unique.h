/* Unique keys: at most one live command of a type holds a key; others may have joined it, and get its
 * outcome. What is decided here follows from the order of submissions alone, so that a master that reads its
 * journal back decides the same. */
#ifndef MASTER_UNIQUE_H
#define MASTER_UNIQUE_H

#include "core/list.h"
#include "core/map.h"
#include "core/slab.h"
#include "master/rare.h"
#include "master/work.h"

/* A key, who has it and who joined. Lives as long as its leader does, and until all followers have got its
 * outcome; the key may have gone to somebody else long before. Allocated from the slab. */
struct ms_claim {
    struct ms_claim *next; /* held: another key with the same hash */
    struct ms_list
        settling; /* on uniques->settling: the leader has ended, and followers have not */
    struct ms_list followers; /* works by link, in the order of their submission */
    struct ms_work *leader;
    const struct ms_lane *lane;
    bool is_held; /* the leader has the key */
    uint8_t size;
    uint8_t key[MS_UNIQUE_KEY_MAX]; /* only size bytes are allocated */
};

struct ms_uniques {
    struct ms_map by_hash; /* those that are held */
    struct ms_list settling;
    uint64_t seed;
};

/* max: keys held at most. */
void ms_uniques_init(struct ms_uniques *uniques, size_t max, uint64_t seed);
void ms_uniques_finish(struct ms_uniques *uniques);

/* Who holds the key among the commands of a lane; NULL = nobody. */
struct ms_claim *ms_uniques_find(const struct ms_uniques *uniques, const struct ms_lane *lane,
                                 struct ms_bytes key);

/* The live command that a submission with these terms would replace; NULL = none. */
struct ms_work *ms_uniques_rival(const struct ms_uniques *uniques, const struct ms_lane *lane,
                                 const struct ms_terms *terms);

/* A new work with these terms (NULL = none) takes its key, away from whoever has it, or joins that one.
 * False, with nothing changed, when memory is out. */
bool ms_uniques_meet(struct ms_uniques *uniques, struct ms_slab *slab, struct ms_work *work,
                     const struct ms_terms *terms);

/* The follower goes its own way. */
void ms_unique_leave(struct ms_work *work);

/* The work is to end alone: the first of its followers has the key in its place, and is returned; NULL when there
 * are none, and then the key stays with the work. */
struct ms_work *ms_unique_pass_on(struct ms_work *work);

/* The work has ended: its key is free. Its followers, if any, are to be settled; else all is forgotten.
 * Harmless for a work without key. */
void ms_unique_release(struct ms_uniques *uniques, struct ms_slab *slab, struct ms_work *work);

/* All followers of one that has ended are settled. */
void ms_unique_forget(struct ms_claim *unique, struct ms_slab *slab);

/* The work was replaced: its key is free for others, and those that follow it still do. Harmless without one. */
void ms_unique_yield(struct ms_uniques *uniques, const struct ms_work *work);

static inline bool ms_unique_is_follower(const struct ms_work *work)
{
    return work->rare != NULL && work->rare->claim != NULL && work->rare->claim->leader != work;
}

/* It has ended, but must stay until its followers have its outcome. */
static inline bool ms_unique_is_settling(const struct ms_work *work)
{
    return work->rare != NULL && work->rare->claim != NULL && work->rare->claim->leader == work &&
           ms_list_is_linked(&work->rare->claim->settling);
}

/* It had the key, and another one has it now. */
static inline bool ms_unique_is_replaced(const struct ms_work *work)
{
    return work->rare != NULL && work->rare->claim != NULL && !work->rare->claim->is_held;
}

/* The key it has, or that it joined for; empty = none. */
static inline struct ms_bytes ms_unique_key(const struct ms_work *work)
{
    const struct ms_claim *unique = work->rare != NULL ? work->rare->claim : NULL;

    return unique == NULL ? (struct ms_bytes){0} : (struct ms_bytes){unique->key, unique->size};
}

#endif
