/* The output of one command that came in pieces: kept until its submitter has the outcome. */
#ifndef MASTER_OUTPUT_H
#define MASTER_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/command.h"
#include "core/list.h"
#include "core/slab.h"

struct ms_journal;
struct ms_queue;
struct ms_work;

struct ms_piece {
    struct ms_piece *next;
    ms_seq record; /* PIECE; 0 = none is kept */
    uint32_t size;
    uint32_t index;
    uint8_t stream; /* enum ms_stream */
    uint8_t data[];
};

/* Exists from the first piece on. link is on one of the client's two stream lists while pieces are
 * forwarded as they come. */
struct ms_output {
    struct ms_list link;
    struct ms_work *work;   /* NULL = it lost its output, which is kept for those who read it */
    struct ms_output *next; /* then: of the same command, what it lost later */
    uint32_t attempt;       /* that wrote it, */
    struct ms_token token;  /* and its token; zero = not known, it was read back */
    struct ms_piece *first, *last;
    struct ms_piece *unsent; /* next to be forwarded; NULL = none */
    uint64_t bytes;          /* of all pieces, with what they cost beside their payload */
    uint64_t live_bytes;     /* of those forwarded before the outcome; in client->live_bytes, too */
    uint32_t count;          /* index of the next piece */
    uint32_t sent_on;        /* client->connection that unsent and live_bytes speak of */
};

enum ms_output_result {
    MS_OUTPUT_KEPT,
    MS_OUTPUT_KNOWN,    /* a piece with this index is there: dropped */
    MS_OUTPUT_GAP,      /* a piece before it is missing */
    MS_OUTPUT_TOO_MUCH, /* beyond MS_RESULT_BYTES_MAX, or out of memory */
};

/* The number of an attempt that a slave has in hand, of that number in its own half of a pair: both count on their own. Who takes pieces
 * as they come tells attempts apart by their numbers, so one that follows the pieces of another has a higher one. */
uint32_t ms_output_number(const struct ms_work *work, uint32_t attempt, struct ms_token token);

/* Takes one piece of the work's present attempt; or of that whose outcome is merged (master/merge.c), when it has one already. */
enum ms_output_result ms_output_add(struct ms_work *work, struct ms_slab *slab,
                                    const struct ms_command *piece);

/* The next piece to forward on the client's present connection; on a new one they start anew. NULL
 * when all are forwarded. */
struct ms_piece *ms_output_next(struct ms_output *output);

/* The next piece goes out now; is_live: before the outcome. */
void ms_output_forward(struct ms_output *output, bool is_live);

/* The outcome takes over: nothing of it counts as forwarded live any more. */
void ms_output_calm(struct ms_output *output);

/* Copies the last bytes of what it wrote to standard output and standard error; returns how many. */
size_t ms_output_end(const struct ms_output *output, uint8_t *to, size_t size);

/* Drops all pieces and work->output, if there are any, and their records; takes it off the client's lists. Who
 * reads the output (master/tail.h) keeps what he has not read. */
void ms_output_discard(struct ms_queue *queue, struct ms_work *work);

/* Adds a piece whatever the limit is; false when memory is out. */
bool ms_output_append(struct ms_work *work, struct ms_slab *slab, const struct ms_command *piece);

/* Takes the output, which there must be, from the work, without its records. */
struct ms_output *ms_output_detach(struct ms_work *work, struct ms_journal *journal);

/* Frees the first piece, which there must be, of an output that was detached. */
void ms_output_drop_first(struct ms_output *output, struct ms_slab *slab);

/* How many pieces there are. */
static inline uint32_t ms_output_count(const struct ms_output *output)
{
    return output != NULL ? output->count : 0;
}

#endif
