/* Arrays: one submission for many commands, which share its record, its terms and its payload. A member
 * that was never begun has no memory of its own but a bit. The first of these stands in the queue for all of
 * them, as the head, like any command that waits; when it is handed out the next one takes its place.
 *
 * What is durable: SUBMIT stands for every member that has no record of its own and is not among the closed
 * ones, whose bits stand in CLOSED records of the array, written in the same commit that erases theirs. With
 * the last member all of these are erased, and the numbers are closed in the books of the client. These alone
 * would not do meanwhile: a client may say that everything up to some number is closed to it, and members
 * that nobody waits for are run nevertheless. */
#ifndef MASTER_ARRAYS_H
#define MASTER_ARRAYS_H

#include "master/array.h"
#include "master/rare.h"

struct ms_client;
struct ms_lane;
struct ms_master;
struct ms_queue;

/* A member that waits, as if it had a work. */
struct ms_array_likeness {
    struct ms_work work;
    struct ms_rare rare;
};

/* Where a walk over all members that wait has come to. */
struct ms_array_walk {
    uint32_t cursor; /* of the pool of arrays */
    uint32_t place;
    bool is_over;
};

bool ms_arrays_init(struct ms_arrays *arrays);
void ms_arrays_finish(struct ms_queue *queue);

/* What the book takes of the slab; harmless for an empty one. */
void ms_arrays_close_book(struct ms_array_book *book, struct ms_slab *slab);

/* The array that the number is of; NULL. */
struct ms_array *ms_arrays_find(const struct ms_array_book *book, uint64_t seq);

/* SUBMIT of an array, none of whose numbers is known. NULL when memory is out. */
struct ms_array *ms_array_open(struct ms_queue *queue, ms_time now, struct ms_client *client,
                               struct ms_lane *lane, const struct ms_record *record);

/* The member's work, made if it waits. NULL when it is closed, or memory is out. */
struct ms_work *ms_array_reach(struct ms_queue *queue, ms_time now, struct ms_array *array,
                               uint64_t seq);

/* It has no work, and is not closed. */
bool ms_array_waits(const struct ms_queue *queue, const struct ms_array *array, uint64_t seq);
bool ms_array_is_closed(const struct ms_array *array, uint64_t seq);

/* The next member that waits, as its array and its number; NULL when the walk is over, or has visited as many as
 * it may: *visits counts down. */
struct ms_array *ms_arrays_next(struct ms_queue *queue, struct ms_array_walk *walk,
                                uint32_t *visits, uint64_t *seq_out);

/* What ms_facts_of, ms_why and such want to see of a member that waits. */
void ms_array_liken(const struct ms_array *array, ms_time now, uint64_t seq,
                    struct ms_array_likeness *likeness_out);

/* No member may be handed out now, because as many run as may. */
bool ms_array_is_full(const struct ms_array *array);

/* For arrays_*.c: something of it may go on; so many members wait; it is over, and so are its records. */
void ms_array_mark_due(struct ms_queue *queue, struct ms_array *array);
void ms_array_count_waiting(struct ms_queue *queue, struct ms_array *array, uint32_t count);
void ms_array_forget(struct ms_queue *queue, struct ms_array *array);

/* Members go on that were gated, and the first of those that wait stands for the others. False when memory is
 * out. */
bool ms_array_refill(struct ms_queue *queue, ms_time now, struct ms_array *array);

/* CHANGE: how many members may run at a time. */
void ms_array_limit(struct ms_queue *queue, struct ms_array *array, uint32_t concurrency,
                    ms_seq record);

/* For queue.c, of works that have rare; all but the first are harmless for those of no array. */
bool ms_array_gate(struct ms_work *work); /* true: it is gated, instead of going to its lane */
void ms_array_ungate(struct ms_work *work);
void ms_array_unready(struct ms_work *work); /* it left its lane */
void ms_array_left(struct ms_queue *queue, struct ms_work *work);
void ms_array_leased(struct ms_queue *queue, ms_time now, struct ms_work *work);
void ms_array_moved(struct ms_queue *queue, struct ms_work *work, enum ms_life_state from);

/* Lets arrays that are due go on: a bounded number. */
void ms_arrays_run(struct ms_master *master, ms_time now);
bool ms_arrays_are_behind(const struct ms_master *master); /* true when some are left */

/* Members that wait and have ended, as the client tells (told: see ms_terms); of a new array too those whose
 * numbers are closed in its books. */
void ms_array_close_known(struct ms_master *master, ms_time now, struct ms_array *array,
                          struct ms_bytes told, bool is_new);

/* Members were closed without a work: with the last one the array ends, and its client may be reaped. */
void ms_array_end_if_over(struct ms_master *master, struct ms_array *array);

/* Ends a finished member, whose outcome nobody wants any more, and with the last one the array. */
void ms_array_close(struct ms_master *master, ms_time now, struct ms_work *work,
                    enum ms_life_event event);

/* The client has submitted it again: it is told of every member that has come to its end. */
void ms_array_tell(struct ms_queue *queue, struct ms_array *array);
void ms_arrays_pump(struct ms_master *master);

/* Members that were forgotten are wanted again, and wait. */
void ms_array_recall(struct ms_queue *queue, struct ms_array *array);

/* Writes the CLOSED records that are out of date. */
void ms_arrays_flush(struct ms_master *master);

/* CLOSED of an array read back; and everything is. */
enum ms_error ms_arrays_replay(struct ms_master *master, ms_time now,
                               const struct ms_record *record, ms_seq seq);
void ms_arrays_replayed(struct ms_master *master, ms_time now);

static inline uint32_t ms_array_spans(const struct ms_array *array)
{
    return (array->count + MS_ARRAY_SPAN - 1) / MS_ARRAY_SPAN;
}

static inline size_t ms_array_bits_size(const struct ms_array *array)
{
    return (array->count + 7u) / 8;
}

/* The client tells that the member at that place has ended. */
static inline bool ms_array_is_told(struct ms_bytes told, uint64_t place)
{
    return place / 8 < told.size && (told.data[place / 8] >> (place % 8) & 1) != 0;
}

static inline struct ms_array *ms_work_array(const struct ms_work *work)
{
    return work->rare != NULL ? work->rare->array : NULL;
}

/* It is for one slave only (master/targets.h). */
static inline bool ms_work_is_aimed(const struct ms_work *work)
{
    const struct ms_array *array = ms_work_array(work);

    return array != NULL && array->terms.on > 0;
}

/* Who has it in hand is durable before it is begun there, and nobody else begins it after him. */
static inline bool ms_work_is_tied(const struct ms_work *work)
{
    return ms_work_is_once(work) || ms_work_is_aimed(work);
}

/* What it belongs to; empty = nothing. Of what has ended only as long as it can be kicked, or its array lasts. */
static inline struct ms_bytes ms_work_key(const struct ms_work *work)
{
    const struct ms_rare *rare = work->rare;

    if (rare == NULL) {
        return (struct ms_bytes){0};
    }
    return rare->array != NULL ? rare->array->terms.key
                               : (struct ms_bytes){rare->key, rare->key_size};
}

/* The payload of what is not finished. */
static inline struct ms_bytes ms_work_submitted(const struct ms_work *work)
{
    const struct ms_array *array = ms_work_array(work);

    return array != NULL ? array->record.payload : ms_work_payload(work);
}

#endif
