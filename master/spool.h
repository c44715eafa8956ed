/* Payloads too large for one frame: pieces that a client sends ahead of their SUBMIT, and that stay with the
 * command until it ends. They are kept one by one and never copied together.
 *
 * Pieces are written to the journal as they come, so a SUBMIT waits for no more than the last of them. What
 * is refused once is refused as a whole: the rest of it is dropped in silence up to its SUBMIT, or until
 * its client begins it anew with piece 0. */
#ifndef MASTER_SPOOL_H
#define MASTER_SPOOL_H

#include "core/command.h"
#include "core/list.h"
#include "core/slab.h"

struct ms_client;
struct ms_journal;
struct ms_master;
struct ms_queue;
struct ms_rare;
struct ms_record;
struct ms_work;

struct ms_part {
    struct ms_part *next;
    ms_seq record; /* PART; 0 = none is kept */
    uint32_t size;
    uint8_t data[];
};

/* Of the slab. While it is open, its SUBMIT has not come, and it is on both lists. */
struct ms_spool {
    struct ms_list of_client; /* on client->spools, the latest first */
    struct ms_list open;      /* on master->spools, the one first that grew least lately */
    struct ms_client *client;
    struct ms_rare *rare; /* for the work that it will belong to, so that this cannot fail */
    uint64_t seq;
    uint64_t size; /* bytes of all parts */
    struct ms_part *first, *last;
    ms_time grown_at;
    uint32_t count;        /* index of the next part */
    enum ms_error refused; /* that was told; nothing of it is kept */
};

/* PART of a client. */
void ms_spool_receive(struct ms_master *master, ms_time now, struct ms_client *client,
                      const struct ms_command *part);

/* The open one of that submission; NULL. */
struct ms_spool *ms_spool_find(const struct ms_client *client, uint64_t seq);

/* Whether what came before a SUBMIT with flag PARTS is what that says, with a sentence in master->complaint
 * when not. */
enum ms_error ms_spool_examine(struct ms_master *master, const struct ms_client *client,
                               const struct ms_command *submit);

/* The work, which is new, has the payload from now on. Its class decides whether the records stay. */
void ms_spool_bind(struct ms_master *master, struct ms_spool *spool, struct ms_work *work);

/* The submission was refused: nothing of it is kept. NULL is ignored. */
void ms_spool_drop(struct ms_master *master, struct ms_spool *spool);

/* The client has another connection, or none: it begins all of them anew. */
void ms_spool_drop_all(struct ms_master *master, struct ms_client *client);

/* Drops those that have not grown for MS_SPOOL_KEEP. */
void ms_spool_expire(struct ms_master *master, ms_time now);
ms_time ms_spool_deadline(const struct ms_master *master);

/* The work has ended, and needs its payload no more. What was read back may lack the parts already. */
void ms_spool_end(struct ms_queue *queue, struct ms_work *work);

/* A bound one whose payload is not needed any more, with its records. NULL is ignored. */
void ms_spool_free(struct ms_spool *spool, struct ms_slab *slab, struct ms_journal *journal);

/* PART read back. NO_MEMORY, or STORE_CORRUPT. */
enum ms_error ms_spool_replay(struct ms_master *master, const struct ms_record *record, ms_seq seq);

/* All is read back: those whose SUBMIT never was durable go. */
void ms_spool_replayed(struct ms_master *master);

/* Bytes of the work's payload, in parts or not, or of its result. */
uint64_t ms_spool_size(const struct ms_work *work);

/* At the end of the master. */
void ms_spool_finish(struct ms_master *master);

#endif
