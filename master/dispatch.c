#include "master/dispatch.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/gates.h"
#include "master/rare.h"
#include "master/results.h"
#include "master/slaves.h"
#include "master/state.h"
#include "master/upload.h"

void ms_dispatch_command(struct ms_master *master, const struct ms_work *work)
{
    const uint8_t lasting = MS_FLAG_STREAM | MS_FLAG_PARTS;
    const uint8_t watched = work->is_followed ? MS_FLAG_STREAM : 0;
    const struct ms_array *array = ms_work_array(work);

    ms_assert(work->state == MS_LIFE_LEASED && work->holder != NULL);
    struct ms_command command = {
        .kind = MS_KIND_COMMAND,
        .flags = (work->flags & lasting) | watched,
        .attempt = work->attempt,
        .type = work->lane->type,
        .id = {.client = work->client->uuid, .seq = work->seq},
        .token = ms_work_token(work),
        .timeout = work->timeout,
        .payload = ms_work_payload(work),
    };

    if (array != NULL) {
        command.index = (uint32_t)(work->seq - array->first);
        command.count = array->count;
        command.payload = array->record.payload;
    }
    ms_master_send(master, work->holder->session->peer, &command);
}

void ms_dispatch_send(struct ms_master *master, const struct ms_work *work)
{
    if (ms_work_spool(work) != NULL) {
        ms_upload_begin(master, work);
    } else {
        ms_dispatch_command(master, work);
    }
}

static bool is_noted(const struct ms_master *master, const struct ms_work *work)
{
    const bool is_told = master->config.is_paired && !master->writes_no_hands;

    return ms_work_is_durable(work) && (is_told || ms_work_is_tied(work));
}

static void write_lease(struct ms_master *master, struct ms_work *work)
{
    const struct ms_session *session = work->holder->session;

    ms_journal_erase(&master->journal, work->lease_record);
    work->lease_record = ms_journal_put(
        &master->journal, &(struct ms_record){
                              .kind = ms_work_is_tied(work) ? MS_RECORD_LEASE : MS_RECORD_HAND,
                              .at = ms_master_wall(master),
                              .id = {.client = work->client->uuid, .seq = work->seq},
                              .token = ms_work_token(work),
                              .attempt = work->attempt,
                              .uuid = session->token,
                              .name = ms_bytes_of(session->name),
                          });
}

void ms_dispatch_note(struct ms_master *master, struct ms_work *work)
{
    ms_assert(work->state == MS_LIFE_LEASED);
    if (is_noted(master, work) && work->lease_record == 0) {
        write_lease(master, work);
    }
}

bool ms_dispatch_recall(struct ms_master *master, ms_time now, struct ms_work *work)
{
    struct ms_slave *slave = work->holder;

    ms_assert(work->state == MS_LIFE_LEASED);
    if (!work->is_leaving) {
        return false;
    }
    ms_queue_give_back(&master->queue, now, work, MS_LIFE_RETURN);
    if (slave->session->peer != MS_PEER_NONE && slave->is_rolled && !slave->is_draining) {
        ms_slaves_grant(master, slave, 1); /* else what it granted is void */
    }
    return true;
}

/* It leaves when those who must know of it do. */
static void send_noted(struct ms_master *master, struct ms_work *work)
{
    const struct ms_answer command = {
        .kind = MS_KIND_COMMAND,
        .peer = work->holder->session->peer,
        .made_at = master->engine.now,
        .first = work->token,
        .epoch = work->token_epoch,
    };

    write_lease(master, work);
    work->is_leaving = true;
    if (ms_work_is_tied(work)) {
        ms_journal_answer(master, work->lease_record, &command);
    } else {
        ms_journal_answer_known(master, work->lease_record, &command);
    }
}

/* False when memory is out: the command stays ready. */
static bool hand_out(struct ms_master *master, ms_time now, struct ms_work *work,
                     struct ms_session *session)
{
    struct ms_slave *slave = ms_slave_of(session);

    ms_assert(session->credit > 0);
    ms_assert(session->peer != MS_PEER_NONE);
    if (!ms_queue_lease(&master->queue, now, work, slave)) {
        return false;
    }
    ms_assert(master->credit > 0);
    master->credit--;
    slave->dispatched_total++;
    master->totals.dispatched_total++;
    session->credit--;
    ms_lanes_served(&master->lanes, work->lane, session);
    if (ms_work_spool(work) != NULL) {
        ms_upload_prepare(master, work);
    }
    if (is_noted(master, work)) {
        send_noted(master, work);
    } else {
        ms_dispatch_send(master, work);
    }
    return true;
}

/* Of one whose turn has come. */
enum turn {
    TURN_TAKEN, /* it is handed out */
    TURN_OVER,  /* it has ended, or is out of the way of the others */
    TURN_STAYS, /* for now */
};

static enum turn judge(struct ms_master *master, ms_time now, struct ms_work *work)
{
    ms_assert(work->state == MS_LIFE_READY);
    if (work->is_cancel_asked) { /* by a wish that was read back */
        ms_results_cancel(master, now, work);
        return TURN_OVER;
    }
    if (ms_work_deadline(work) < now) {
        ms_results_expire(master, now, work);
        return TURN_OVER;
    }
    if (ms_master_is_draining(master) && ms_work_is_durable(work)) {
        return TURN_STAYS; /* it waits for the next start */
    }
    if (work->lane->deputy != NULL && !ms_work_is_aimed(work)) {
        ms_lanes_pass_on(&master->lanes, work);
        return TURN_OVER;
    }
    if (work->rare != NULL && ms_array_is_full(work->rare->array)) {
        ms_queue_place_again(&master->queue, work); /* until one of its array has ended */
        return TURN_OVER;
    }
    if (!ms_queue_may_start(&master->queue, work)) {
        ms_queue_part(&master->queue, work);
        return TURN_OVER; /* those behind it may go */
    }
    return TURN_TAKEN;
}

/* Hands the lane's first command to whom its strategy chooses, or ends what must not be started; false when
 * nobody takes it now. */
static bool serve(struct ms_master *master, ms_time now, struct ms_lane *lane)
{
    struct ms_work *work = ms_lane_first(lane);
    struct ms_session *session;
    enum turn turn;

    if (ms_gates_hold_back(lane)) {
        return false;
    }
    turn = judge(master, now, work);
    if (turn != TURN_TAKEN) {
        return turn == TURN_OVER;
    }
    session = ms_lane_choose(lane);
    if (session != NULL && ms_work_spool(work) != NULL &&
        !ms_slave_takes_parts(ms_slave_of(session))) {
        session = ms_upload_taker(lane);
        if (session == NULL) {
            ms_upload_set_aside(&master->queue, work);
            return true; /* those behind it may go */
        }
    }
    return session != NULL && hand_out(master, now, work, session);
}

/* A command came where none waited: it may be taken by anybody with credit. */
static uint32_t run_lane(struct ms_master *master, ms_time now)
{
    struct ms_list *link = ms_list_first(&master->lanes.due_lanes);
    struct ms_lane *lane = ms_container_of(link, struct ms_lane, due);

    if (lane->ready_count == 0 || !serve(master, now, lane)) {
        ms_list_remove(link);
        return 0;
    }
    if (lane->ready_count == 0) {
        ms_list_remove(link);
    } else {
        ms_list_rotate(&master->lanes.due_lanes);
    }
    return 1;
}

/* Credit came where commands wait: one of the profile's lanes is served, in turn. */
static uint32_t run_profile(struct ms_master *master, ms_time now)
{
    struct ms_list *link = ms_list_first(&master->lanes.due_profiles);
    struct ms_profile *profile = ms_container_of(link, struct ms_profile, due);
    struct ms_member *member = profile->ready_count > 0 ? ms_profile_demand(profile) : NULL;

    if (member == NULL || !serve(master, now, member->lane)) {
        ms_list_remove(link);
        return 0;
    }
    ms_list_rotate(&profile->backlog);
    ms_list_rotate(&master->lanes.due_profiles);
    return 1;
}

/* Credit of a slave that alone may run something meets that. */
static uint32_t run_slave(struct ms_master *master, ms_time now)
{
    struct ms_list *link = ms_list_first(&master->lanes.due_slaves);
    struct ms_slave *slave = ms_container_of(link, struct ms_slave, due);
    struct ms_list *first = ms_list_first(&slave->aimed);
    const bool is_ready = ms_list_is_linked(&slave->session->link);

    if (first != NULL && is_ready && ms_gates_hold_back_slave(ms_work_of(first)->lane, slave)) {
        return 0;
    }
    enum turn turn = first != NULL && is_ready ? judge(master, now, ms_work_of(first)) : TURN_STAYS;

    if (turn == TURN_TAKEN && !hand_out(master, now, ms_work_of(first), slave->session)) {
        turn = TURN_STAYS;
    }
    if (turn == TURN_STAYS) {
        ms_list_remove(link);
        return 0;
    }
    ms_list_rotate(&master->lanes.due_slaves);
    return 1;
}

void ms_dispatch_run(struct ms_master *master, ms_time now)
{
    uint32_t burst = MS_DISPATCH_BURST;

    while (burst > 0 && ms_engine_room(&master->engine) > 0) {
        if (!ms_list_is_empty(&master->lanes.due_slaves)) {
            burst -= run_slave(master, now);
        } else if (!ms_list_is_empty(&master->lanes.due_lanes)) {
            burst -= run_lane(master, now);
        } else if (!ms_list_is_empty(&master->lanes.due_gates)) {
            ms_gates_run(&master->lanes, now);
            burst--;
        } else if (!ms_list_is_empty(&master->lanes.due_profiles)) {
            burst -= run_profile(master, now);
        } else {
            break;
        }
    }
    ms_assert(burst <= MS_DISPATCH_BURST);
}
