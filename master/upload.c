#include "master/upload.h"

#include "core/invariant.h"
#include "master/dispatch.h"
#include "master/gates.h"
#include "master/rare.h"
#include "master/slaves.h"
#include "master/spool.h"
#include "master/state.h"

void ms_upload_prepare(struct ms_master *master, struct ms_work *work)
{
    struct ms_slave *slave = work->holder;

    ms_assert(slave->upload == NULL && ms_work_spool(work) != NULL);
    slave->upload = work;
    ms_slaves_refresh(&master->lanes, slave);
}

void ms_upload_begin(struct ms_master *master, const struct ms_work *work)
{
    struct ms_slave *slave = work->holder;

    ms_assert(slave->upload == work);
    ms_assert(!ms_list_is_linked(&slave->uploading));
    slave->upload_next = ms_work_spool(work)->first;
    slave->upload_index = 0;
    ms_list_push_back(&master->uploads, &slave->uploading);
}

void ms_upload_stop(struct ms_slave *slave)
{
    slave->upload = NULL;
    slave->upload_next = NULL;
    slave->upload_index = 0;
    ms_list_remove(&slave->uploading);
}

void ms_upload_recall(struct ms_master *master, ms_time now, struct ms_slave *slave)
{
    struct ms_work *work = slave->upload;

    if (work == NULL) {
        return;
    }
    ms_queue_give_back(&master->queue, now, work, MS_LIFE_RETURN);
    ms_assert(slave->upload == NULL);
    if (slave->session->peer != MS_PEER_NONE) {
        ms_slaves_grant(master, slave, 1);
    }
}

void ms_upload_recall_work(struct ms_master *master, ms_time now, const struct ms_work *work)
{
    ms_assert(work->state == MS_LIFE_LEASED);
    if (work->holder->upload == work) {
        ms_upload_recall(master, now, work->holder);
    }
}

struct ms_session *ms_upload_taker(const struct ms_lane *lane)
{
    const struct ms_list *members = &lane->members;

    for (const struct ms_list *of_lane = members->next; of_lane != members;
         of_lane = of_lane->next) {
        const struct ms_member *member = ms_container_of(of_lane, struct ms_member, of_lane);

        if (ms_gate_is_shut(member->gate)) {
            continue;
        }
        ms_list_for_each(link, &member->profile->ready)
        {
            struct ms_session *session = ms_container_of(link, struct ms_session, link);

            if (ms_slave_takes_parts(ms_slave_of(session))) {
                return session;
            }
        }
    }
    return NULL;
}

void ms_upload_set_aside(struct ms_queue *queue, struct ms_work *work)
{
    ms_assert(work->state == MS_LIFE_READY && !work->is_in_doubt && !work->is_aside);
    ms_lanes_remove(work); /* its timer goes on */
    work->is_aside = true;
    ms_list_push_back(&queue->aside, &work->link);
    queue->aside_count++;
}

void ms_upload_bring_back(struct ms_queue *queue)
{
    for (uint32_t i = 0; i < MS_SWEEP_BURST && queue->aside_count > 0; i++) {
        struct ms_work *work = ms_work_of(ms_list_pop_front(&queue->aside));

        ms_assert(work->is_aside);
        work->is_aside = false;
        queue->aside_count--;
        ms_lanes_push(queue->lanes, work, false);
    }
}

static void send_part(struct ms_master *master, struct ms_slave *slave,
                      struct ms_connection *connection)
{
    const struct ms_part *part = slave->upload_next;
    struct ms_pace *pace = &connection->pace;

    ms_master_send(master, connection->peer,
                   &(struct ms_command){
                       .kind = MS_KIND_PART,
                       .index = slave->upload_index,
                       .token = ms_work_token(slave->upload),
                       .payload = {part->data, part->size},
                   });
    slave->upload_next = part->next;
    slave->upload_index++;
    ms_master_paced(master, connection->peer, pace, part->size);
}

/* One part, or behind the last one the COMMAND; false when the slave has to take in more first. */
static bool send_next(struct ms_master *master, struct ms_slave *slave)
{
    struct ms_connection *connection =
        ms_connections_find(&master->connections, slave->session->peer);

    ms_assert(slave->upload != NULL && connection != NULL);
    if (slave->upload_next == NULL && ms_work_deadline(slave->upload) < master->engine.now) {
        ms_upload_recall(master, master->engine.now, slave); /* it took too long: it expires */
        return true;
    }
    if (slave->upload_next == NULL) {
        ms_dispatch_command(master, slave->upload);
        ms_upload_stop(slave);
        ms_slaves_refresh(&master->lanes, slave);
        return true;
    }
    if (ms_pace_is_held(&connection->pace)) {
        return false;
    }
    send_part(master, slave, connection);
    return true;
}

void ms_upload_pump(struct ms_master *master)
{
    struct ms_list *link;

    for (uint32_t i = 0; i < MS_UPLOAD_BURST && ms_engine_room(&master->engine) > 1 &&
                         (link = ms_list_first(&master->uploads)) != NULL;
         i++) {
        if (send_next(master, ms_container_of(link, struct ms_slave, uploading))) {
            ms_list_rotate(&master->uploads);
        } else {
            ms_list_remove(link); /* until its BEAT is answered */
        }
    }
}

void ms_upload_heard(struct ms_master *master, struct ms_slave *slave)
{
    const bool is_begun = slave->upload_next != NULL || slave->upload_index > 0;

    if (is_begun && !ms_list_is_linked(&slave->uploading)) {
        ms_list_push_back(&master->uploads, &slave->uploading);
    }
}
