/* What only few commands have, kept apart so that the others stay small. */
#ifndef MASTER_RARE_H
#define MASTER_RARE_H

#include "core/command.h"
#include "core/slab.h"
#include "master/work.h"

struct ms_group;
struct ms_journal;
struct ms_claim;
struct ms_spool;

/* One attempt that went wrong. */
struct ms_past {
    ms_seq record; /* RETRY or RETURN; 0 = none is kept */
    ms_time at;    /* when it ended */
    uint32_t attempt;
    int32_t code;
    uint32_t signal;
    uint8_t status; /* enum ms_status */
    uint8_t event;  /* enum ms_life_event */
    char slave[MS_NAME_MAX + 1];
};

/* Allocated from the slab when it is needed first. */
struct ms_rare {
    struct ms_past *past; /* oldest first */
    uint32_t past_count;  /* at most MS_HISTORY_MAX */
    uint32_t past_capacity;
    ms_seq cancel_record;   /* CHANGE: somebody asked for its end */
    struct ms_group *group; /* of which it is a member */
    ms_seq submit_record;   /* finished: SUBMIT, without which the others here mean nothing */
    bool has_deadline;
    ms_time deadline;       /* not to be started after it, as long as it is not finished */
    struct ms_claim *claim; /* its key, which it has or joined for; NULL = none */
    struct ms_spool *spool; /* the payload, when it came in parts; NULL once it has ended */
};

/* It must not be started after this; MS_TIME_NEVER = it may always be. */
static inline ms_time ms_work_deadline(const struct ms_work *work)
{
    return work->rare != NULL && work->rare->has_deadline ? work->rare->deadline : MS_TIME_NEVER;
}

/* The work's, made when it has none. NULL when memory is out. */
struct ms_rare *ms_rare_of(struct ms_work *work, struct ms_slab *slab);

/* Remembers an attempt; the oldest one makes room. When memory is out it is not remembered and its record
 * is kept by nobody, so it is erased. */
void ms_rare_add_past(struct ms_work *work, struct ms_slab *slab, struct ms_journal *journal,
                      const struct ms_past *past);

/* Remembers the record of the wish to cancel it. */
void ms_rare_set_change(struct ms_work *work, struct ms_slab *slab, struct ms_journal *journal,
                        ms_seq record);

/* Something of it is in the journal. */
static inline bool ms_rare_has_records(const struct ms_rare *rare)
{
    return rare != NULL && (rare->past_count > 0 || rare->cancel_record != 0);
}

/* The payload is not needed any more. Harmless without. */
void ms_rare_drop_spool(struct ms_work *work, struct ms_slab *slab, struct ms_journal *journal);

/* Frees all of it, and erases its records with those of closed commands. Harmless without. */
void ms_rare_free(struct ms_work *work, struct ms_slab *slab, struct ms_journal *journal);

/* Its payload, if that came in parts and is still needed; NULL. */
static inline struct ms_spool *ms_work_spool(const struct ms_work *work)
{
    return work->rare != NULL ? work->rare->spool : NULL;
}

#endif
