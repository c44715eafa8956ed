#include "core/io/store_keeper.h"

#include "core/invariant.h"
#include "proto/record.h"

#define LOOK_SHARE 64 /* of the reserve may be written before the room is looked for again */
#define NEAR_MAX   8  /* places behind the last that are looked at first */

/* Records are mostly erased in the order in which they were put: the next is a few places behind the last. NULL:
 * it is not. */
static struct ms_store_put *find_behind(const struct ms_store_window *batch,
                                        struct ms_store_put *last, ms_seq seq)
{
    struct ms_store_put *end = batch->puts + batch->count;

    if (end - last > NEAR_MAX) {
        end = last + NEAR_MAX;
    }
    while (last < end && last->seq < seq) {
        last++;
    }
    return last < end && last->seq == seq ? last : NULL;
}

/* Marks the young records that the window erases. Those of old ones come first in its erases afterwards;
 * *old_out is their number. */
static void mark_erased(struct ms_store_keeper *keeper, struct ms_store_window *window,
                        size_t *old_out)
{
    struct ms_store_window *batch = NULL;
    struct ms_store_put *put = NULL;
    size_t old = 0, young = 0;

    for (size_t i = 0; i < window->erases_count; i++) {
        const ms_seq seq = window->erases[i];

        put = put != NULL ? find_behind(batch, put, seq) : NULL;
        if (put == NULL) {
            put = ms_store_ring_find(&keeper->ring, seq, &batch);
        }
        if (put == NULL) {
            window->erases[young + old] = window->erases[old];
            window->erases[old++] = seq;
        } else if (!put->is_dead) {
            put->is_dead = 1;
            batch->live--;
            window->erases[old + young++] = seq;
            keeper->erased_total++;
            keeper->records--;
        }
    }
    window->erases_count = old + young;
    *old_out = old;
}

/* What a young record was erased by has to be found again after a crash: an entry in this batch, unless the
 * record's own batch leaves now, as those before `leaving` do. Those of old records need none, they are erased in the
 * file itself. */
static void resolve_erases(struct ms_store_keeper *keeper, struct ms_store_window *window,
                           uint64_t leaving)
{
    size_t old;
    uint64_t spent;
    ms_seq gone;

    mark_erased(keeper, window, &old);
    spent = ms_store_ring_spent(&keeper->ring);
    spent = leaving > spent ? leaving : spent;
    gone = spent > keeper->ring.first ? ms_store_ring_at(&keeper->ring, spent - 1)->seq : 0;
    for (size_t i = old; i < window->erases_count; i++) {
        if (window->erases[i] > gone) {
            uint8_t *to = ms_store_window_reserve(window, MS_RECORD_HEADER_SIZE);

            window->size += (size_t)(ms_record_write_erase(to, window->erases[i]) - to);
        }
    }
    window->erases_count = old;
}

/* In the ring, numbers rise from batch to batch. Where they begin anew, below those of dead young records, all young
 * batches must leave first: those before the result. */
static uint64_t keep_order(const struct ms_store_keeper *keeper, struct ms_store_window *window)
{
    const struct ms_store_ring *ring = &keeper->ring;
    const ms_seq last = ring->first < ring->next ? ms_store_ring_at(ring, ring->next - 1)->seq : 0;

    if (window->count > 0 && window->puts[0].seq <= last) {
        return ring->next;
    }
    window->seq = window->seq < last ? last : window->seq;
    return ring->first;
}

void ms_store_keeper_plan(struct ms_store_keeper *keeper, struct ms_store_window *window,
                          struct ms_store_plan *plan_out)
{
    size_t puts_size;
    uint64_t leaving;

    ms_store_window_pack(window);
    leaving = keep_order(keeper, window);
    puts_size = window->size;
    keeper->unwritten_total += window->unwritten;
    keeper->records_total += window->count;
    keeper->records += window->count;
    resolve_erases(keeper, window, leaving);
    keeper->bytes_total += window->size;
    *plan_out = (struct ms_store_plan){
        .window = window,
        .blob = {window->bytes, window->size},
        .is_direct = puts_size > keeper->ring_max / 2,
    };
    if (plan_out->is_direct) {
        plan_out->blob.data += puts_size;
        plan_out->blob.size -= puts_size;
    }
    plan_out->horizon =
        plan_out->blob.size == 0
            ? ms_store_ring_spent(&keeper->ring)
            : ms_store_ring_horizon(&keeper->ring, plan_out->blob.size, keeper->ring_max);
    if (plan_out->horizon < leaving) {
        plan_out->horizon = leaving;
    }
    plan_out->has_batch = plan_out->blob.size > 0 || plan_out->horizon > keeper->ring.first;
}

static enum ms_store_result put_all_old(struct ms_store_keeper *keeper,
                                        const struct ms_store_window *window)
{
    enum ms_store_result result = MS_STORE_DONE;

    for (size_t i = 0; i < window->count && result == MS_STORE_DONE && window->live > 0; i++) {
        if (!window->puts[i].is_dead) {
            result = ms_store_file_put_old(keeper->file, window->puts[i].seq,
                                           ms_store_window_entry(window, i));
        }
    }
    return result;
}

/* What is left of the batches before the horizon is moved; they mean nothing from then on. */
static enum ms_store_result retire(struct ms_store_keeper *keeper, const struct ms_store_plan *plan)
{
    enum ms_store_result result = MS_STORE_DONE;

    for (uint64_t batch = keeper->ring.first; batch < plan->horizon && result == MS_STORE_DONE;
         batch++) {
        result = put_all_old(keeper, ms_store_ring_at(&keeper->ring, batch));
    }
    return result;
}

static enum ms_store_result put_young(struct ms_store_keeper *keeper,
                                      const struct ms_store_plan *plan)
{
    const struct ms_store_batch batch = {
        .number = keeper->ring.next + 1, .first = plan->horizon + 1, .entries = plan->blob};

    return ms_store_file_put_young(keeper->file, &batch);
}

static enum ms_store_result change(struct ms_store_keeper *keeper, const struct ms_store_plan *plan,
                                   uint64_t *erased_out)
{
    const struct ms_store_window *window = plan->window;
    enum ms_store_result result = ms_store_file_begin(keeper->file);

    for (size_t i = 0; i < window->erases_count && result == MS_STORE_DONE; i++) {
        result = ms_store_file_erase_old(keeper->file, window->erases[i], erased_out);
    }
    if (result == MS_STORE_DONE && plan->is_direct) {
        result = put_all_old(keeper, window);
    }
    if (result == MS_STORE_DONE) {
        result = retire(keeper, plan);
    }
    if (result == MS_STORE_DONE && plan->has_batch) {
        result = put_young(keeper, plan);
    }
    return result == MS_STORE_DONE ? ms_store_file_commit(keeper->file) : result;
}

/* Batches leave several at once, then none for a while; a window that has its memory needs no other. */
static void spare(struct ms_store_keeper *keeper, struct ms_store_window *window)
{
    if (keeper->spares_count == MS_STORE_SPARES_MAX) {
        ms_store_window_destroy(window);
        return;
    }
    ms_store_window_clear(window);
    keeper->spares[keeper->spares_count++] = window;
}

/* The window joins the ring, or is free again when it left nothing there. */
static void settle(struct ms_store_keeper *keeper, const struct ms_store_plan *plan)
{
    while (keeper->ring.first < plan->horizon) {
        spare(keeper, ms_store_ring_pop(&keeper->ring));
    }
    if (plan->is_direct) {
        plan->window->count = 0;
        plan->window->live = 0;
        plan->window->size = plan->blob.size;
    }
    if (plan->has_batch) {
        ms_store_ring_push(&keeper->ring, plan->window);
    } else {
        spare(keeper, plan->window);
    }
}

enum ms_store_result ms_store_keeper_carry_out(struct ms_store_keeper *keeper,
                                               const struct ms_store_plan *plan,
                                               struct ms_store_window **spare_out)
{
    uint64_t erased = 0;

    if (plan->has_batch || plan->window->count > 0 || plan->window->erases_count > 0) {
        enum ms_store_result result = change(keeper, plan, &erased);

        if (result != MS_STORE_DONE) {
            ms_store_file_rollback(keeper->file);
            return result;
        }
        keeper->commits_total++;
    }
    keeper->erased_total += erased;
    keeper->records -= erased < keeper->records ? erased : keeper->records;
    settle(keeper, plan);
    *spare_out = keeper->spares_count > 0 ? keeper->spares[--keeper->spares_count] : NULL;
    return MS_STORE_DONE;
}

enum ms_store_result ms_store_keeper_tidy(struct ms_store_keeper *keeper, bool is_idle)
{
    const size_t due = is_idle ? keeper->log_max / 2 : keeper->log_max;

    if (ms_store_file_log_bytes(keeper->file) < due) {
        return MS_STORE_DONE;
    }
    return ms_store_file_checkpoint(keeper->file);
}

bool ms_store_keeper_must_look(const struct ms_store_keeper *keeper)
{
    return ms_store_keeper_is_near(keeper) ||
           keeper->bytes_total - keeper->looked_at >= keeper->directory.reserve / LOOK_SHARE;
}

void ms_store_keeper_look(struct ms_store_keeper *keeper)
{
    uint64_t free_bytes;

    keeper->looked_at = keeper->bytes_total;
    if (!keeper->is_read_only) {
        ms_store_directory_hold(&keeper->directory);
    }
    ms_store_file_sizes(keeper->file, &keeper->file_bytes, &free_bytes);
    keeper->room = ms_store_directory_room(&keeper->directory, keeper->file_bytes, free_bytes);
}

bool ms_store_keeper_is_near(const struct ms_store_keeper *keeper)
{
    return ms_store_keeper_is_full(keeper) ||
           keeper->room < keeper->directory.reserve / MS_STORE_DISK_FACTOR + MS_PAYLOAD_MAX_CEILING;
}

bool ms_store_keeper_is_full(const struct ms_store_keeper *keeper)
{
    return !keeper->directory.is_reserve_held ||
           keeper->room < keeper->directory.reserve / MS_STORE_DISK_FACTOR;
}
