/* The merge of who has a command in hand. */
#include "master/foreign.h"
#include "master/reconcile.h"
#include "master/slaves.h"
#include "master/state.h"
#include "master/targets.h"

/* Of the session in that LEASE; NULL when it is not here. */
static const struct ms_slave *slave_of(const struct ms_master *master,
                                       const struct ms_record *record)
{
    const struct ms_session *session;
    uint32_t cursor = 0;

    while ((session = ms_session_manager_next(&master->sessions, &cursor)) != NULL) {
        if (session->role == MS_ROLE_SLAVE && session->user != NULL &&
            !ms_session_is_dead(session) && ms_uuid_equal(&session->token, &record->uuid)) {
            return ms_slave_of(session);
        }
    }
    return NULL;
}

/* The slave has told this reign what it holds, and takes nothing of an earlier one any more: it does not have that, and will not. Nor
 * is it for who is not its target here. */
static bool is_void(const struct ms_work *work, const struct ms_record *record,
                    const struct ms_slave *slave)
{
    return !ms_target_may_hold(work, &record->uuid) ||
           (slave != NULL && !slave->is_awaited && !slave->is_ending);
}

/* If its slave is expected back, it is in its hands; else nobody starts it again that may be started once only. */
enum ms_error ms_merge_lease(struct ms_master *master, ms_time now, struct ms_work *work,
                             const struct ms_record *record)
{
    const struct ms_slave *slave = slave_of(master, record);

    if (is_void(work, record, slave)) {
        return MS_E_OK;
    }
    if (slave != NULL && slave->is_awaited && work->state != MS_LIFE_LEASED) {
        return ms_merge_put(master, now, record);
    }
    work->lease_record = ms_journal_put(&master->journal, record);
    return work->lease_record != 0 ? MS_E_OK : MS_E_NO_MEMORY;
}

/* It may have been started there. */
static bool is_held(const struct ms_master *master, const struct ms_work *work,
                    const struct ms_foreign *foreign)
{
    bool is_held = false;

    for (const struct ms_foreign_entry *at = foreign->row.first; at != NULL; at = at->next) {
        struct ms_record_room room;
        struct ms_record record;

        ms_foreign_read(at, &room, &record);
        is_held |=
            record.kind == MS_RECORD_LEASE && !is_void(work, &record, slave_of(master, &record));
    }
    return is_held;
}

void ms_merge_hold(struct ms_master *master, ms_time now, struct ms_work *work,
                   const struct ms_foreign *foreign)
{
    struct ms_queue *queue = &master->queue;
    const bool is_doubting = queue->is_doubting;
    struct ms_record_room room;
    struct ms_record record;

    if (!is_held(master, work, foreign) || !ms_work_is_tied(work) || work->lease_record != 0 ||
        work->state == MS_LIFE_LEASED || ms_unique_is_follower(work) || !ms_work_is_durable(work)) {
        return;
    }
    queue->is_doubting = true;
    ms_queue_leave(queue, work);
    if (work->state == MS_LIFE_DELAYED) {
        ms_queue_move(queue, now, work, MS_LIFE_RELEASE);
    }
    ms_queue_enter(queue, work);
    queue->is_doubting = is_doubting;
    for (const struct ms_foreign_entry *at = foreign->row.first; at != NULL; at = at->next) {
        ms_foreign_read(at, &room, &record);
        if (record.kind == MS_RECORD_LEASE && work->lease_record == 0 &&
            ms_merge_lease(master, now, work, &record) != MS_E_OK) {
            master->reconcile.phase = MS_RECONCILE_FAILED;
            return;
        }
    }
}
