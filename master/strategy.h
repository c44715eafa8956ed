/* Who gets a command: a strategy ranks the sessions that run its type and have credit, and the one with the lowest rank is
 * next; among equal ones it is the one that has waited longest. So every strategy costs O(log n) however many sessions there
 * are, and one that ranks nobody costs O(1): with it, credit takes its turn as it comes.
 *
 * A strategy is a constant without memory of its own: what it has to remember of a session is the rank that it gave it last.
 * Ranks are not mirrored to the other half of a pair; they begin anew with each reign. */
#ifndef MASTER_STRATEGY_H
#define MASTER_STRATEGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MS_STRATEGY_ABI 2u

/* A session as a strategy sees it; borrowed for the call. */
struct ms_candidate {
    const char *name;    /* of the slave; may be "" */
    uint32_t slots;      /* commands it runs at a time, from 1 */
    uint32_t held;       /* commands it has in hand, prefetched ones included */
    uint32_t weight;     /* 1 .. MS_WEIGHT_MAX; MS_WEIGHT_DEFAULT when it said nothing */
    uint64_t dispatched; /* commands that it was ever given, of all types */
};

/* Why a rank is asked for. */
enum ms_rank_event {
    MS_RANK_ENTER,  /* it has credit again */
    MS_RANK_SERVED, /* it was given a command */
    MS_RANK_LOAD,   /* held has changed */
};

/* Where it stands among the others for one type; borrowed for the call. */
struct ms_standing {
    enum ms_rank_event event;
    int64_t rank; /* that it has; 0 at first */
    int64_t
        clock; /* the rank of who was served last; 0 at first. It never falls for a strategy whose ranks rise */
    uint64_t served; /* commands of the type that were handed out, this one included */
    uint64_t (*draw)(void *source); /* 64 random bits */
    void *source;
};

/* The abi and size come first and are checked before anything else is looked at. New functions are appended; size tells
 * whether they are there. */
struct ms_strategy {
    uint32_t abi;     /* MS_STRATEGY_ABI */
    uint32_t size;    /* sizeof(struct ms_strategy) of its maker */
    const char *name; /* letters, digits and '-' */
    const char *help; /* a sentence without full stop */

    /* The rank of a candidate, at least 0. Must depend on nothing but what it is given. NULL = in turn of credit. */
    int64_t (*rank)(const struct ms_candidate *candidate, const struct ms_standing *standing);

    /* It ranks by load, so it is asked at each MS_RANK_LOAD too. */
    bool follows_load;

    /* The group that the commands of a key belong to, counted from 0, below groups, which is 1 .. groups_max; the next strategy
     * of the chain ranks inside it. Must depend on nothing but what it is given. NULL = it takes commands whatever their
     * key. */
    uint32_t (*place)(const uint8_t *key, size_t size, uint32_t groups);
    uint32_t groups_max;
};

extern const struct ms_strategy ms_strategy_any; /* in turn of credit */
extern const struct ms_strategy
    ms_strategy_round_robin; /* in turn, strictly, passing over who has no credit */
extern const struct ms_strategy ms_strategy_random;   /* by chance, in proportion to weights */
extern const struct ms_strategy ms_strategy_weighted; /* evenly, in proportion to weights */
extern const struct ms_strategy ms_strategy_least; /* the fewest commands in hand for each slot */

extern const struct ms_strategy ms_strategy_java31; /* by key, as the hash of Java's strings */
extern const struct ms_strategy ms_strategy_jump;   /* by key; one more group moves few keys */

/* All of the above; index < MS_STRATEGIES. */
#define MS_STRATEGIES 7u
const struct ms_strategy *ms_strategy_at(uint32_t index);

/* NULL when there is none of that name. */
const struct ms_strategy *ms_strategy_find(const char *name);

#endif
