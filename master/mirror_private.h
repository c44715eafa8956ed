/* Inside of the mirror: what mirror.c, which hears, and mirror_send.c share. */
#ifndef MASTER_MIRROR_PRIVATE_H
#define MASTER_MIRROR_PRIVATE_H

#include "core/limits.h"
#include "master/backlog.h"
#include "master/living.h"
#include "master/mirror.h"
#include "master/pace.h"
#include "master/reading.h"
#include "master/silence.h"

#define MS_MIRROR_PIECES_MAX                                                                       \
    64u /* of a copy, read from the store and not yet durable at the peer */

enum ms_mirror_phase {
    MS_MIRROR_SILENT,   /* nothing was asked, or it was refused */
    MS_MIRROR_REFUSING, /* NOT_ACTIVE is to be said */
    MS_MIRROR_ASKED,    /* FOLLOW_LOG is to be answered */
    MS_MIRROR_COPY_DUE, /* a copy is to be announced */
    MS_MIRROR_CLEARING, /* the copy was announced, and the peer is not ready yet */
    MS_MIRROR_LISTING,  /* of what the peer claims to have, which lives? */
    MS_MIRROR_COPYING,
    MS_MIRROR_STREAMING,
};

/* What one SCAN brought, as long as it is not durable at the peer. */
struct ms_mirror_piece {
    ms_seq seq;
    size_t size;
};

struct ms_mirror_copy {
    struct ms_place
        start;      /* the copy has what was live there, or less, or some of what came later */
    ms_seq claimed; /* what lives up to there the peer has; 0: nothing, it begins empty */
    struct ms_living living;
    ms_seq above;   /* is to be read next */
    uint8_t *bytes; /* what the last SCAN brought */
    size_t size, sent, capacity;
    uint64_t digest;      /* of what was read so far, and lives */
    bool is_read;         /* nothing is left in the store */
    unsigned tries;       /* that were overtaken, one behind the other */
    uint64_t unstored;    /* bytes sent and not durable at the peer */
    uint64_t bytes_total; /* of it, sent so far */
    uint64_t kept;        /* records that were there and live */
    uint32_t head, count;
    struct ms_mirror_piece pieces[MS_MIRROR_PIECES_MAX];
};

/* What the peer has said in this reign. */
struct ms_mirror_peer {
    ms_peer name;
    struct ms_token asked;
    unsigned questions;                /* not answered yet: each FOLLOW_LOG has one LOG_BEGIN */
    uint64_t sending;                  /* the batch that is sent next, or being sent */
    size_t offset;                     /* of it, sent already */
    uint64_t received, received_bytes; /* the last batch that is there; of the stream up to it */
    bool is_prefix;         /* it has said, on this connection, that its log is one of ours */
    struct ms_place stored; /* what is durable there */
    ms_seq confirmed;       /* the same, if it was said in the present epoch */
    ms_seq known;           /* is in its memory */
};

struct ms_mirror {
    struct ms_engine *engine;
    uint64_t step;
    ms_epoch reign, epoch; /* reign: 0 = none */
    bool is_pair, is_waiting, needs_copy;
    bool is_settled;      /* see ms_mirror_settle */
    uint64_t growing;     /* this batch has not been sent, and may still become larger; 0 = none */
    uint64_t hasty;       /* up to that batch somebody waits for its arrival */
    uint64_t unheeded;    /* up to that batch nobody waited for the peer before a COMMAND left */
    enum ms_reading scan; /* for a copy: SCANNED will come */
    enum ms_mirror_phase phase;
    ms_seq persisted, covered;
    struct ms_backlog backlog;
    struct ms_mirror_peer peer;
    struct ms_mirror_copy copy;
    struct ms_pace pace;          /* of the peer's disk */
    struct ms_silence own, there; /* of both disks */
    /* Before this place the peer's log is not a prefix of ours: a copy has some of what came later. */
    struct ms_place whole;
    uint64_t copies_total, catchups_total, resumes_total, overruns_total, differences_total;
};

/* What was dropped in an earlier step is not pointed to any more. First in all that changes something. */
static inline void ms_mirror_enter(struct ms_mirror *mirror)
{
    const uint64_t step = ms_engine_steps(mirror->engine);

    if (mirror->step != step) {
        mirror->step = step;
        ms_backlog_free(&mirror->backlog);
    }
}

/* Forgets how far the peer is and what it is being sent. */
void ms_mirror_interrupt(struct ms_mirror *mirror, enum ms_mirror_phase phase);

#endif
