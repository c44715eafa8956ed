/* What only few commands have, kept apart so that the others stay small. */
#ifndef MASTER_RARE_H
#define MASTER_RARE_H

#include "core/command.h"
#include "core/slab.h"
#include "master/work.h"

struct ms_array;
struct ms_group;
struct ms_journal;
struct ms_claim;
struct ms_spool;

/* One attempt that went wrong. */
struct ms_past {
    ms_seq record; /* RETRY or RETURN, or a void SETTLE; 0 = none is kept */
    ms_seq kick;   /* of a void SETTLE: the CHANGE that made it so, once another kick came */
    bool is_void;  /* of a former generation, kept because its key was free from then on */
    ms_time at;    /* when it ended */
    uint32_t attempt;
    int32_t code;
    uint32_t signal;
    uint8_t status; /* enum ms_status */
    uint8_t event;  /* enum ms_life_event */
    uint16_t detail_size;
    char *detail; /* what it said, or NULL */
    char slave[MS_NAME_MAX + 1];
};

/* The latest of one kind that somebody wished. */
struct ms_change {
    ms_seq record; /* CHANGE; 0 = none is kept */
    ms_time at;    /* 0 = there was none */
    int64_t value;
};

/* Allocated from the slab when it is needed first. */
struct ms_rare {
    struct ms_past *past; /* oldest first */
    uint32_t past_count;  /* at most MS_HISTORY_MAX */
    uint32_t past_capacity;
    struct ms_group *group; /* of which it is a member */
    struct ms_array *array; /* the same */
    bool is_likeness;       /* it is not there: see struct ms_array_likeness */
    uint32_t operated;      /* number of the inquiry that has been at it as a member that waited */
    uint32_t generation;    /* times it was kicked */
    struct ms_change changes[MS_OPERATION_COUNT];
    uint8_t *payload;      /* BURIED: of the submission, so that it can be kicked */
    uint32_t payload_size; /* bytes of it */
    uint32_t block_size;   /* as it was taken from the slab */
    bool has_payload;
    ms_seq submit_record; /* finished: SUBMIT, without which the others here mean nothing */
    bool has_deadline;
    ms_time deadline;       /* not to be started after it, as long as it is not finished */
    struct ms_claim *claim; /* its key, which it has or joined for; NULL = none */
    struct ms_spool *spool; /* the payload, when it came in parts; NULL once it has ended */
    bool had_claim;         /* finished: it had a key, or had joined for it */
    ms_time
        due; /* it joined: before which it is not to be started, should it have to go on alone */
    uint8_t *unique; /* BURIED: that key, for a kick; NULL = none */
    uint8_t *key;    /* that it was submitted with, as long as it may be started, so BURIED too: see
                      * ms_work_key. NULL = none */
    uint8_t unique_size, key_size;
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

/* Remembers a CHANGE, in place of the former one of its kind. When memory is out, the journal has failed. */
void ms_rare_set_change(struct ms_work *work, struct ms_slab *slab, struct ms_journal *journal,
                        enum ms_operation operation, const struct ms_change *change);

/* Forgets it, and erases its record. */
void ms_rare_drop_change(struct ms_work *work, struct ms_journal *journal,
                         enum ms_operation operation);

/* The payload moves from the work's block to where it outlives the outcome; not when memory is out. */
void ms_rare_keep_payload(struct ms_work *work, struct ms_slab *slab);

/* And back: what the block held is lost. It must be kept. */
void ms_rare_restore_payload(struct ms_work *work, struct ms_slab *slab);
void ms_rare_drop_payload(struct ms_work *work, struct ms_slab *slab);

/* BURIED: its unique key, or the one that it joined for, stays until it is kicked. Not when memory is out. */
void ms_rare_keep_unique(struct ms_work *work, struct ms_slab *slab, struct ms_bytes unique);
void ms_rare_drop_unique(struct ms_work *work, struct ms_slab *slab);

/* Submitted with these terms (NULL = none): its deadline, which is of the wall clock, and its key. False when memory is
 * out. */
bool ms_rare_keep_terms(struct ms_work *work, struct ms_slab *slab, const struct ms_terms *terms,
                        ms_time wall_offset);

/* It has ended: these mean nothing any more, but for the key of what can be kicked. Harmless without. */
void ms_rare_end_terms(struct ms_work *work, struct ms_slab *slab);
void ms_rare_drop_key(struct ms_work *work, struct ms_slab *slab);

/* Records beside SUBMIT and SETTLE that mean nothing without SUBMIT, or it can be kicked. */
bool ms_rare_needs_submission(const struct ms_rare *rare);

/* Bytes that all of it takes of the slab. */
size_t ms_rare_bytes(const struct ms_rare *rare);

/* The payload is not needed any more. Harmless without. */
void ms_rare_drop_spool(struct ms_work *work, struct ms_slab *slab, struct ms_journal *journal);

/* Finished, and another outcome takes the place of its own: SUBMIT goes, and all records that belong to it. Harmless without. */
void ms_rare_drop_records(struct ms_work *work, struct ms_slab *slab, struct ms_journal *journal);

/* Frees all of it, and erases its records with those of closed commands. Harmless without. */
void ms_rare_free(struct ms_work *work, struct ms_slab *slab, struct ms_journal *journal);

/* Its payload, if that came in parts and is still needed; NULL. */
static inline struct ms_spool *ms_work_spool(const struct ms_work *work)
{
    return work->rare != NULL ? work->rare->spool : NULL;
}

#endif
