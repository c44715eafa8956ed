/* What arrays do by themselves: they go on, and their clients are told how things stand. */
#include "core/invariant.h"
#include "master/arrays.h"
#include "master/clients.h"
#include "master/outcomes.h"
#include "master/results.h"
#include "master/state.h"

/* Members that are looked at in one step to tell how things stand. */
#define VISITS_MAX (16 * MS_SWEEP_BURST)

/* Nobody has it, and nobody may begin it any more. */
static bool is_expired(const struct ms_work *work, ms_time now)
{
    return work != NULL && work->state == MS_LIFE_READY && !work->is_in_doubt &&
           ms_work_deadline(work) < now;
}

void ms_arrays_run(struct ms_master *master, ms_time now)
{
    struct ms_arrays *arrays = &master->queue.arrays;
    uint32_t burst = MS_SWEEP_BURST;
    struct ms_list *link;

    while (burst-- > 0 && (link = ms_list_pop_front(&arrays->due)) != NULL) {
        struct ms_array *array = ms_container_of(link, struct ms_array, due);

        if (!ms_array_refill(&master->queue, now, array)) {
            ms_list_push_back(&arrays->short_of, &array->due);
        } else if (is_expired(array->head, now)) {
            ms_results_expire(master, now, array->head); /* it is due again, or over */
        }
    }
}

bool ms_arrays_are_behind(const struct ms_master *master)
{
    const struct ms_arrays *arrays = &master->queue.arrays;

    return !ms_list_is_empty(&arrays->due) || !ms_list_is_empty(&arrays->telling);
}

struct ms_array *ms_arrays_next(struct ms_queue *queue, struct ms_array_walk *walk,
                                uint32_t *visits, uint64_t *seq_out)
{
    while (*visits > 0 && !walk->is_over) {
        struct ms_array *array = ms_pool_at(&queue->arrays.pool, walk->cursor);

        (*visits)--;
        if (walk->cursor >= queue->arrays.pool.touched) {
            walk->is_over = true;
        } else if (array == NULL || walk->place >= array->count) {
            walk->cursor++;
            walk->place = 0;
        } else if (ms_array_waits(queue, array, array->first + walk->place++)) {
            *seq_out = array->first + walk->place - 1;
            return array;
        }
    }
    return NULL;
}

void ms_array_tell(struct ms_queue *queue, struct ms_array *array)
{
    array->told = 0;
    if (!ms_list_is_linked(&array->telling)) {
        ms_list_push_back(&queue->arrays.telling, &array->telling);
    }
}

/* Closed members from that place on, in one run; returns how many. */
static uint32_t tell_closed(struct ms_master *master, const struct ms_array *array, uint32_t place)
{
    uint32_t count = 0;

    while (count < MS_NAK_RUN_MAX && place + count < array->count &&
           ms_array_is_closed(array, array->first + place + count)) {
        count++;
    }
    if (count > 0) {
        ms_master_send(master, array->client->session->peer,
                       &(struct ms_command){
                           .kind = MS_KIND_SUBMIT_NAK,
                           .error = MS_E_CLOSED_ID,
                           .id = {array->client->uuid, array->first + place},
                           .count = count,
                           .detail = ms_bytes_of(ms_error_text(MS_E_CLOSED_ID)),
                       });
    }
    return count;
}

/* Returns how many members were told of, or have nothing to tell. */
static uint32_t tell(struct ms_master *master, const struct ms_array *array, uint32_t place)
{
    const uint32_t closed = tell_closed(master, array, place);
    struct ms_work *work;

    if (closed > 0) {
        return closed;
    }
    work = ms_queue_find(&master->queue, array->client, array->first + place);
    if (work != NULL && ms_work_is_finished(work)) {
        ms_outcomes_resend(master, work);
    }
    return 1;
}

void ms_arrays_pump(struct ms_master *master)
{
    struct ms_list *telling = &master->queue.arrays.telling;
    uint32_t visits = VISITS_MAX;
    struct ms_list *link;

    while ((link = ms_list_first(telling)) != NULL && visits > 0) {
        struct ms_array *array = ms_container_of(link, struct ms_array, telling);
        const struct ms_session *session = array->client->session;
        const bool is_heard = session != NULL && session->peer != MS_PEER_NONE;

        for (; is_heard && array->told < array->count && visits > 0; visits--) {
            if (ms_engine_room(&master->engine) <= MS_DISPATCH_BURST) {
                return;
            }
            array->told += tell(master, array, array->told);
        }
        if (!is_heard || array->told == array->count) {
            ms_list_remove(link);
        }
    }
}
