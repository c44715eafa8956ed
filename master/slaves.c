#include "master/slaves.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/gates.h"
#include "master/orphans.h"
#include "master/recovery.h"
#include "master/results.h"
#include "master/sessions.h"
#include "master/state.h"
#include "master/targets.h"
#include "master/upload.h"
#include "master/work.h"

bool ms_slaves_init(struct ms_master *master)
{
    /* Groups and labels are of whoever connects, and nobody shall aim at a place of a table. */
    ms_tagging_init(&master->tagging, ~master->config.seed);
    ms_cordons_init(&master->cordons, ~master->config.seed);
    return ms_pool_init(&master->slaves, sizeof(struct ms_slave),
                        master->config.limits.sessions_max);
}

/* Profiles end with the last session that has one. */
void ms_slaves_finish(struct ms_master *master)
{
    uint32_t cursor = 0;
    struct ms_slave *slave;

    while (master->slaves.chunks != NULL &&
           (slave = ms_pool_next(&master->slaves, &cursor)) != NULL) {
        if (ms_list_is_linked(&slave->session->link)) {
            ms_lanes_withdraw(slave->profile, slave->session);
        }
        ms_seats_leave(slave);
        ms_lanes_leave(&master->lanes, slave->profile);
        ms_targets_abandon(slave);
    }
    ms_pool_finish(&master->slaves);
    ms_tagging_finish(&master->tagging);
    ms_cordons_finish(&master->cordons);
}

bool ms_slaves_open(struct ms_master *master, struct ms_session *session, uint32_t slots,
                    uint64_t number)
{
    struct ms_slave *slave = ms_pool_take(&master->slaves);

    ms_assert(session->user == NULL);
    if (slave == NULL) {
        return false;
    }
    slave->session = session;
    slave->number = number;
    slave->slots = slots;
    slave->group = "";
    slave->weight = MS_WEIGHT_DEFAULT;
    slave->is_cordoned = ms_cordons_has(&master->cordons, &session->uuid);
    slave->is_stranger = true;
    slave->is_rolled = true; /* a new session holds nothing */
    ms_list_init(&slave->held);
    ms_list_init(&slave->kept);
    ms_list_init(&slave->sweep);
    ms_list_init(&slave->orphans);
    ms_list_init(&slave->targets);
    ms_list_init(&slave->aimed);
    ms_list_init(&slave->due);
    ms_list_init(&slave->uploading);
    session->user = slave;
    master->slots += slave->slots;
    return true;
}

void ms_slaves_greet(struct ms_master *master, struct ms_slave *slave, const struct ms_hello *hello,
                     const struct ms_tags *tags)
{
    ms_assert(tags != NULL && tags->users_count > 0);
    ms_gates_forget_slave(slave);
    ms_tagging_give(&master->tagging, slave->tags);
    slave->tags = tags;
    slave->group = tags->group;
    slave->labels = tags->labels;
    slave->weight = hello->weight > 0 ? hello->weight : MS_WEIGHT_DEFAULT;
    slave->slots_max = hello->slots_max;
    slave->features = hello->features;
    slave->load_at = 0; /* of its last connection */
    ms_gates_count_slave(slave, master->engine.now);
}

static void set_slots(struct ms_master *master, struct ms_slave *slave, uint32_t slots)
{
    ms_assert(master->slots >= slave->slots);
    master->slots += (uint64_t)slots - slave->slots;
    slave->slots = slots;
}

void ms_slaves_load(struct ms_master *master, ms_time now, struct ms_session *session,
                    const struct ms_load *load)
{
    struct ms_slave *slave;

    if (session->role != MS_ROLE_SLAVE || load == NULL) {
        return;
    }
    slave = ms_slave_of(session);
    ms_assert(load->slots <= MS_SLOTS_MAX);
    slave->load = *load;
    slave->load_at = now;
    if (load->slots > 0 && load->slots != slave->slots) {
        ms_trace(&master->engine.trace, MS_LEVEL_INFO, "slots changed",
                 "slave=\"%s\" from=%u to=%u", slave->session->name, slave->slots, load->slots);
        set_slots(master, slave, load->slots);
    }
}

void ms_slaves_refresh(struct ms_lanes *lanes, struct ms_slave *slave)
{
    struct ms_session *session = slave->session;
    const bool is_ready = session->credit > 0 && slave->is_rolled && slave->is_announced &&
                          !slave->is_draining && !slave->is_ending && slave->upload == NULL &&
                          session->peer != MS_PEER_NONE;

    if (is_ready == ms_list_is_linked(&session->link)) {
        return;
    }
    ms_assert(slave->profile != NULL);
    if (is_ready) {
        ms_lanes_supply(lanes, slave->profile, session);
        lanes->is_taker_supplied |= ms_slave_takes_parts(slave);
        ms_targets_supply(lanes, slave);
    } else {
        ms_lanes_withdraw(slave->profile, session);
    }
}

static void void_credit(struct ms_master *master, struct ms_slave *slave)
{
    ms_assert(master->credit >= slave->session->credit);
    master->credit -= slave->session->credit;
    slave->session->credit = 0;
    slave->withheld = 0;
    ms_slaves_refresh(&master->lanes, slave);
}

void ms_slaves_grant(struct ms_master *master, struct ms_slave *slave, uint64_t count)
{
    struct ms_session *session = slave->session;
    const uint32_t room = MS_CREDIT_MAX - session->credit - slave->withheld;
    const uint32_t added = count < room ? (uint32_t)count : room;

    ms_assert(session->credit <= MS_CREDIT_MAX);
    if (slave->is_draining || slave->is_ending || added == 0) {
        return;
    }
    slave->granted_total += added;
    if (slave->is_cordoned) {
        slave->withheld += added;
        return;
    }
    session->credit += added;
    master->credit += added;
    ms_slaves_refresh(&master->lanes, slave);
}

void ms_slaves_cordon(struct ms_master *master, struct ms_slave *slave)
{
    const uint32_t credit = slave->session->credit;

    if (slave->is_cordoned) {
        return;
    }
    ms_upload_recall(master, master->engine.now, slave);
    void_credit(master, slave);
    slave->withheld = credit;
    slave->is_cordoned = true;
}

void ms_slaves_uncordon(struct ms_master *master, struct ms_slave *slave)
{
    if (!slave->is_cordoned) {
        return;
    }
    ms_assert(slave->session->credit == 0);
    slave->is_cordoned = false;
    slave->session->credit = slave->withheld;
    master->credit += slave->withheld;
    slave->withheld = 0;
    ms_slaves_refresh(&master->lanes, slave);
}

/* What a roll had named counts as held like the rest. */
static void forget_roll(struct ms_slave *slave)
{
    ms_list_splice(&slave->kept, &slave->held);
    ms_list_splice(&slave->held, &slave->kept);
    slave->is_called = false;
    ms_list_remove(&slave->sweep);
}

void ms_slaves_resume(struct ms_master *master, struct ms_slave *slave, uint32_t slots)
{
    ms_assert(!slave->is_ending);
    ms_upload_recall(master, master->engine.now, slave);
    void_credit(master, slave);
    forget_roll(slave);
    slave->is_welcome = false;
    slave->is_rolled = false;
    slave->is_announced = false;
    slave->is_draining = false;
    set_slots(master, slave, slots);
}

void ms_slaves_lost(struct ms_master *master, struct ms_slave *slave)
{
    ms_assert(slave->session->peer == MS_PEER_NONE);
    void_credit(master, slave);
    ms_upload_recall(master, master->engine.now, slave);
    slave->is_welcome = false;
    ms_assert(!ms_list_is_linked(&slave->session->link));
}

bool ms_slaves_are_sweeping(const struct ms_slave *slave)
{
    return ms_list_is_linked(&slave->sweep);
}

void ms_slaves_end(struct ms_master *master, struct ms_slave *slave, bool is_crash)
{
    ms_assert(!slave->is_ending);
    ms_upload_recall(master, master->engine.now, slave);
    forget_roll(slave);
    slave->is_ending = true;
    slave->is_crash = is_crash && !slave->is_awaited;
    ms_recovery_called(master, slave);
    ms_orphans_lose(master, slave);
    /* At once: the same slave may have a new session in this very step. */
    ms_journal_erase(&master->journal, slave->record);
    slave->record = 0;
    void_credit(master, slave);
    ms_seats_leave(slave);
    ms_lanes_leave(&master->lanes, slave->profile);
    slave->profile = NULL;
    ms_targets_lose(master, slave);
    if (slave->session->held > 0 || !ms_list_is_empty(&slave->targets)) {
        ms_list_push_back(&master->slave_sweeps, &slave->sweep);
    }
}

void ms_slaves_close(struct ms_master *master, struct ms_slave *slave)
{
    ms_assert(slave->is_ending);
    ms_assert(slave->session->held == 0 && ms_list_is_empty(&slave->held));
    ms_assert(ms_list_is_empty(&slave->targets) && ms_list_is_empty(&slave->aimed));
    ms_assert(master->slots >= slave->slots);
    master->slots -= slave->slots;
    ms_tagging_give(&master->tagging, slave->tags);
    slave->session->user = NULL;
    ms_pool_give(&master->slaves, slave);
}

/* Types announced for the first time are remembered, so that their commands can be read back: also those of an
 * announcement that was refused for another one of its types, since they are known from now on. */
static void keep_types(struct ms_master *master, const struct ms_announce *types)
{
    for (uint32_t i = 0; i < types->count && master->journal.is_on; i++) {
        struct ms_lane *lane = ms_lanes_find(&master->lanes, types->types[i].type);

        if (lane != NULL && lane->record == 0) {
            lane->record = ms_journal_put(&master->journal, &(struct ms_record){
                                                                .kind = MS_RECORD_TYPE,
                                                                .at = ms_master_wall(master),
                                                                .type = lane->type,
                                                                .name = ms_bytes_of(lane->name),
                                                            });
        }
    }
}

static void announce(struct ms_master *master, struct ms_slave *slave,
                     const struct ms_announce *types)
{
    enum ms_error error = MS_E_INTERNAL;
    const struct ms_traits traits = {slave->group, slave->labels.words, slave->labels.count};
    struct ms_profile *profile =
        ms_lanes_join(&master->lanes, types, &traits, &error, &master->complaint);

    keep_types(master, types);
    if (profile == NULL) {
        ms_trace(&master->engine.trace, MS_LEVEL_WARN, "announcement refused",
                 "slave=\"%s\" error=%s reason=\"%s\"", slave->session->name, ms_error_name(error),
                 master->complaint.text);
        ms_master_refuse(master, slave->session->peer, error, master->complaint.text);
        return;
    }
    slave->is_announced = false;
    ms_slaves_refresh(&master->lanes, slave);
    ms_seats_leave(slave);
    ms_lanes_leave(&master->lanes, slave->profile);
    slave->profile = profile;
    ms_seats_take(slave);
    slave->is_announced = true;
    ms_slaves_refresh(&master->lanes, slave);
}

static void drain(struct ms_master *master, struct ms_slave *slave)
{
    ms_upload_recall(master, master->engine.now, slave);
    slave->is_draining = true;
    void_credit(master, slave);
    ms_trace(&master->engine.trace, MS_LEVEL_INFO, "slave drains", "slave=\"%s\" held=%u",
             slave->session->name, slave->session->held);
    ms_assert(slave->session->credit == 0);
}

/* What came of an attempt may not be durable yet: until then its slave keeps the result. */
static bool may_be_undone(const struct ms_master *master)
{
    const struct ms_journal *journal = &master->journal;

    return journal->has_closed || !ms_journal_covers(journal, journal->last);
}

/* One attempt of a roll: true when the slave must drop it. */
static bool judge(struct ms_master *master, ms_time now, struct ms_slave *slave,
                  const struct ms_token *token, const struct ms_holding *holding)
{
    struct ms_work *work = ms_queue_find_token(&master->queue, *token, master->queue.epoch);

    if (work == NULL && holding != NULL && token->epoch < master->queue.epoch) {
        work = ms_recovery_claim(master, now, slave, token, holding);
        if (work == NULL) {
            return !ms_orphans_keep(master, slave, token, holding) && !may_be_undone(master);
        }
    }
    if (work == NULL || work->holder != slave || !ms_token_equal(ms_work_token(work), *token)) {
        const bool is_over = work == NULL || ms_work_is_finished(work);

        return !is_over || !may_be_undone(master);
    }
    if (work->is_cancel_asked) {
        const bool is_durable = ms_work_is_durable(work);

        ms_results_cancel(master, now, work);
        if (is_durable) { /* it stops, and forgets what it has once the cancel is durable */
            ms_slaves_revoke(master, slave, *token);
        }
        return !is_durable;
    }
    ms_list_remove(&work->link);
    ms_list_push_back(&slave->kept, &work->link);
    return false;
}

static void call_roll(struct ms_master *master, ms_time now, struct ms_slave *slave,
                      const struct ms_tokens *roll)
{
    uint32_t count = 0;

    if (slave->is_rolled || slave->is_called || roll->count > MS_HELD_PER_FRAME_MAX) {
        ms_master_refuse(master, slave->session->peer, MS_E_ORDER,
                         "a roll is called once, on a resumed connection");
        return;
    }
    for (uint32_t i = 0; i < roll->count; i++) {
        if (judge(master, now, slave, &roll->tokens[i],
                  roll->holdings != NULL ? &roll->holdings[i] : NULL)) {
            master->verdict[count++] = roll->tokens[i];
        }
    }
    if (count > 0 || roll->last) {
        master->verdict_tokens =
            (struct ms_tokens){.count = count, .tokens = master->verdict, .last = roll->last};
        ms_master_send(
            master, slave->session->peer,
            &(struct ms_command){.kind = MS_KIND_VERDICT, .body.tokens = &master->verdict_tokens});
    }
    if (roll->last) {
        ms_recovery_called(master, slave);
        slave->is_called = true;
        ms_tails_ask(master, slave);
        ms_list_push_back(&master->slave_sweeps, &slave->sweep);
    }
}

static void give_back(struct ms_master *master, ms_time now, struct ms_slave *slave,
                      struct ms_token token)
{
    struct ms_work *work = ms_queue_find_token(&master->queue, token, master->queue.epoch);

    if (work == NULL || work->holder != slave) {
        return;
    }
    if (work->is_cancel_asked) {
        ms_results_cancel(master, now, work);
    } else {
        ms_queue_give_back(&master->queue, now, work, MS_LIFE_RETURN);
    }
}

void ms_slaves_receive(struct ms_master *master, ms_time now, struct ms_slave *slave,
                       const struct ms_command *command)
{
    ms_assert(!slave->is_ending);
    switch (command->kind) {
    case MS_KIND_ANNOUNCE:
        announce(master, slave, command->body.announce);
        break;
    case MS_KIND_PULL:
        ms_slaves_grant(master, slave, command->count);
        break;
    case MS_KIND_OUTPUT:
        ms_results_output(master, now, slave, command);
        break;
    case MS_KIND_RESULT:
        ms_results_receive(master, now, slave, command);
        break;
    case MS_KIND_RETURN:
        give_back(master, now, slave, command->token);
        break;
    case MS_KIND_ROLL:
        call_roll(master, now, slave, command->body.tokens);
        break;
    case MS_KIND_GOAWAY:
        drain(master, slave);
        break;
    default:
        ms_master_refuse(master, slave->session->peer, MS_E_ROLE, NULL);
        break;
    }
}

/* One command of a session that ended, or that the slave does not know of. */
static void put_right(struct ms_master *master, ms_time now, struct ms_slave *slave,
                      struct ms_work *work)
{
    ms_assert(work->holder == slave);
    if (work->is_cancel_asked) {
        ms_results_cancel(master, now, work);
    } else if (slave->is_ending && (slave->is_crash || ms_work_is_tied(work))) {
        ms_results_died(master, now, slave, work);
    } else {
        master->totals.retries_total++;
        ms_queue_give_back(&master->queue, now, work, MS_LIFE_LOSE);
    }
}

static void end_sweep(struct ms_master *master, struct ms_slave *slave)
{
    ms_assert(ms_list_is_empty(&slave->held));
    ms_list_remove(&slave->sweep);
    if (slave->is_ending) {
        if (slave->session->is_reclaimed) {
            ms_sessions_let_go(master, slave->session);
        }
        return;
    }
    ms_list_splice(&slave->held, &slave->kept);
    slave->is_called = false;
    slave->is_rolled = true;
    ms_slaves_refresh(&master->lanes, slave);
}

/* From the youngest to the oldest, each to the head of its lane: so they wait in their old order. */
bool ms_slaves_sweep(struct ms_master *master, ms_time now)
{
    uint32_t burst = MS_SWEEP_BURST;
    struct ms_list *link;

    while ((link = ms_list_first(&master->slave_sweeps)) != NULL && burst > 0) {
        struct ms_slave *slave = ms_container_of(link, struct ms_slave, sweep);

        while (!ms_list_is_empty(&slave->held) && burst > 0) {
            put_right(master, now, slave, ms_work_of(ms_list_last(&slave->held)));
            burst--;
        }
        if (ms_list_is_empty(&slave->held) &&
            (!slave->is_ending || ms_targets_sweep(master, now, slave, &burst))) {
            end_sweep(master, slave);
            burst -= burst > 0;
        }
    }
    ms_assert(burst <= MS_SWEEP_BURST);
    return !ms_list_is_empty(&master->slave_sweeps);
}

void ms_slaves_revoke(struct ms_master *master, const struct ms_slave *slave, struct ms_token token)
{
    ms_assert(token.n > 0);
    if (!slave->is_welcome) {
        return;
    }
    ms_master_send(master, slave->session->peer,
                   &(struct ms_command){.kind = MS_KIND_REVOKE, .token = token});
}
