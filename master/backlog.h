/* The backlog of a mirror: the last batches of the stream, numbered from 1 since the reign began, and what is known of
 * each. Batch 0 is all that was there before. */
#ifndef MASTER_BACKLOG_H
#define MASTER_BACKLOG_H

#include "core/command.h"

/* A place in the stream: behind the batch of that number. */
struct ms_place {
    uint64_t number;
    ms_seq seq;      /* highest record so far */
    uint64_t bytes;  /* of the stream so far */
    uint64_t digest; /* of the stream so far (ms_record_digest) */
};

struct ms_batch_block;

struct ms_batch {
    struct ms_place place;
    struct ms_batch_block *block;
    struct ms_bytes entries;
};

struct ms_backlog {
    struct ms_batch *batches; /* a ring; the batch of a number is at number & mask */
    size_t mask;
    struct ms_place base, tip; /* batches base.number + 1 .. tip.number are kept */
    uint64_t open_digest;      /* of the tip, before its end: ms_record_digest_add */
    struct ms_batch_block *dropped;
};

/* Batches that were kept are dropped. */
void ms_backlog_begin(struct ms_backlog *backlog, ms_epoch reign, ms_seq last);

/* Accepts a zeroed one. What was dropped is freed too. */
void ms_backlog_finish(struct ms_backlog *backlog);

/* Entries are copied. When memory is out, false: the batch counts, but nothing is kept any more. */
bool ms_backlog_append(struct ms_backlog *backlog, ms_seq seq, struct ms_bytes entries);

/* The last batch, which must be kept, has these entries too. The same of memory; what was read of it is void. */
bool ms_backlog_extend(struct ms_backlog *backlog, ms_seq seq, struct ms_bytes entries);

/* Drops the oldest. Its bytes stay where they are until ms_backlog_free. */
void ms_backlog_drop(struct ms_backlog *backlog);
void ms_backlog_free(struct ms_backlog *backlog);

static inline uint64_t ms_backlog_bytes(const struct ms_backlog *backlog)
{
    return backlog->tip.bytes - backlog->base.bytes;
}

/* Whether the place behind that batch is known. */
static inline bool ms_backlog_has(const struct ms_backlog *backlog, uint64_t number)
{
    return number >= backlog->base.number && number <= backlog->tip.number;
}

/* That batch, which is kept. */
const struct ms_batch *ms_backlog_at(const struct ms_backlog *backlog, uint64_t number);

/* That place, which is known. */
const struct ms_place *ms_backlog_place(const struct ms_backlog *backlog, uint64_t number);

/* The last place known up to number whose record is at most seq; base when there is none. */
const struct ms_place *ms_backlog_find(const struct ms_backlog *backlog, uint64_t number,
                                       ms_seq seq);

#endif
