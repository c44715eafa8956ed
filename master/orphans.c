#include "master/orphans.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/dispatch.h"
#include "master/slaves.h"
#include "master/state.h"
#include "master/targets.h"

bool ms_orphans_init(struct ms_orphans *orphans, uint64_t seed)
{
    ms_map_init(&orphans->by_id, MS_ORPHANS_MAX, seed);
    return ms_pool_init(&orphans->pool, sizeof(struct ms_orphan), MS_ORPHANS_MAX);
}

void ms_orphans_finish(struct ms_orphans *orphans)
{
    ms_map_finish(&orphans->by_id);
    ms_pool_finish(&orphans->pool);
}

/* Two ids may meet in one key; then one of them is not kept. */
static struct ms_key key_of(const struct ms_id *id)
{
    struct ms_key key = ms_key_of_uuid(&id->client);

    key.b ^= id->seq * UINT64_C(0x9e3779b97f4a7c15);
    return key;
}

static bool is_same(const struct ms_id *a, const struct ms_id *b)
{
    return a->seq == b->seq && ms_uuid_equal(&a->client, &b->client);
}

static void forget(struct ms_orphans *orphans, struct ms_orphan *orphan)
{
    ms_map_remove(&orphans->by_id, key_of(&orphan->holding.id));
    ms_list_remove(&orphan->link);
    ms_pool_give(&orphans->pool, orphan);
}

static bool is_closed(const struct ms_master *master, const struct ms_id *id)
{
    const struct ms_floor *floor = ms_floors_find(&master->floors, &id->client);

    return id->seq == 0 || (floor != NULL && ms_closed_has(&floor->closed, id->seq));
}

/* Of two attempts of one command the later one stands; true when it is the one told now. */
static bool replace(struct ms_orphan *orphan, struct ms_slave *slave, const struct ms_token *token,
                    const struct ms_holding *holding)
{
    const struct ms_token former = orphan->token;

    if (ms_token_equal(former, *token)) {
        return orphan->slave == slave;
    }
    if (former.epoch > token->epoch || (former.epoch == token->epoch && former.n > token->n)) {
        return false;
    }
    ms_list_remove(&orphan->link);
    *orphan = (struct ms_orphan){.slave = slave, .token = *token, .holding = *holding};
    ms_list_init(&orphan->link);
    ms_list_push_back(&slave->orphans, &orphan->link);
    return true;
}

bool ms_orphans_keep(struct ms_master *master, struct ms_slave *slave, const struct ms_token *token,
                     const struct ms_holding *holding)
{
    struct ms_orphans *orphans = &master->orphans;
    const struct ms_key key = key_of(&holding->id);
    struct ms_orphan *orphan = ms_map_find_pointer(&orphans->by_id, key);

    if (is_closed(master, &holding->id)) {
        return false;
    }
    if (orphan != NULL) { /* told again on another connection, or there were two attempts */
        return is_same(&orphan->holding.id, &holding->id) && replace(orphan, slave, token, holding);
    }
    orphan = ms_pool_take(&orphans->pool);
    if (orphan == NULL) {
        return false;
    }
    if (!ms_map_put_pointer(&orphans->by_id, key, orphan)) {
        ms_pool_give(&orphans->pool, orphan);
        return false;
    }
    *orphan = (struct ms_orphan){.slave = slave, .token = *token, .holding = *holding};
    ms_list_init(&orphan->link);
    ms_list_push_back(&slave->orphans, &orphan->link);
    orphans->until = master->engine.now + master->config.client_keep;
    return true;
}

bool ms_orphans_hold(struct ms_slave *slave, const struct ms_token *token, bool is_result)
{
    ms_list_for_each(link, &slave->orphans)
    {
        struct ms_orphan *orphan = ms_container_of(link, struct ms_orphan, link);

        if (ms_token_equal(orphan->token, *token)) {
            orphan->was_heard = true;
            orphan->has_result |= is_result;
            return true;
        }
    }
    return false;
}

/* The slave tells all it has again on a new connection. */
static void ask_again(struct ms_master *master, const struct ms_slave *slave)
{
    const ms_peer peer = slave->session->peer;

    if (peer != MS_PEER_NONE) {
        ms_master_refuse(master, peer, MS_E_REPLACED, "output and results are to be told again");
    }
}

/* The command is in the hands of the orphan's slave. */
static void adopt(struct ms_master *master, ms_time now, struct ms_work *work,
                  struct ms_orphan *orphan)
{
    const struct ms_record lease = {
        .kind = MS_RECORD_LEASE, .token = orphan->token, .attempt = orphan->holding.attempt};
    struct ms_slave *slave = orphan->slave;
    const bool was_heard = orphan->was_heard;

    if (ms_target_may_hold(work, &slave->session->token) &&
        ms_queue_adopt(&master->queue, now, work, slave, &lease)) {
        forget(&master->orphans, orphan);
        ms_dispatch_note(master, work);
        if (was_heard) {
            ask_again(master, slave);
        }
    }
}

void ms_orphans_claim(struct ms_master *master, ms_time now, struct ms_work *work)
{
    struct ms_orphans *orphans = &master->orphans;
    const struct ms_id id = {work->client->uuid, work->seq};
    struct ms_orphan *orphan;

    if (ms_pool_used(&orphans->pool) == 0) {
        return;
    }
    orphan = ms_map_find_pointer(&orphans->by_id, key_of(&id));
    if (orphan != NULL && is_same(&orphan->holding.id, &id)) {
        adopt(master, now, work, orphan);
    }
}

void ms_orphans_claim_array(struct ms_master *master, ms_time now, struct ms_array *array)
{
    struct ms_orphans *orphans = &master->orphans;
    struct ms_orphan *orphan;
    uint32_t cursor = 0;

    if (ms_pool_used(&orphans->pool) == 0) {
        return;
    }
    while ((orphan = ms_pool_next(&orphans->pool, &cursor)) != NULL) {
        const struct ms_id *id = &orphan->holding.id;
        struct ms_work *work = NULL;

        if (ms_uuid_equal(&id->client, &array->client->uuid) && id->seq >= array->first &&
            id->seq - array->first < array->count) {
            work = ms_array_reach(&master->queue, now, array, id->seq);
        }
        if (work != NULL && (work->state == MS_LIFE_READY || work->state == MS_LIFE_DELAYED)) {
            adopt(master, now, work, orphan);
        }
    }
}

void ms_orphans_lose(struct ms_master *master, struct ms_slave *slave)
{
    ms_list_for_each(link, &slave->orphans)
    {
        forget(&master->orphans, ms_container_of(link, struct ms_orphan, link));
    }
}

/* What runs is stopped, and the result is acknowledged when it comes; one that came may go, once all is durable that is known by now: a
 * merge may have brought the command, at its end. */
static void dismiss(struct ms_master *master, struct ms_orphan *orphan)
{
    const struct ms_session *session = orphan->slave->session;

    if (session->peer == MS_PEER_NONE) {
        return;
    }
    if (orphan->has_result) {
        ms_journal_answer(master, master->journal.last,
                          &(struct ms_answer){
                              .kind = MS_KIND_RESULT_ACK,
                              .peer = session->peer,
                              .made_at = master->engine.now,
                              .first = orphan->token.n,
                              .epoch = orphan->token.epoch,
                              .count = 1,
                          });
    } else {
        ms_slaves_revoke(master, orphan->slave, orphan->token);
    }
}

void ms_orphans_expire(struct ms_master *master, ms_time now)
{
    struct ms_orphans *orphans = &master->orphans;
    struct ms_orphan *orphan;
    uint32_t cursor = 0;

    if (ms_orphans_deadline(orphans) > now) {
        return;
    }
    while (ms_engine_room(&master->engine) > MS_DISPATCH_BURST &&
           (orphan = ms_pool_next(&orphans->pool, &cursor)) != NULL) {
        dismiss(master, orphan);
        forget(orphans, orphan);
    }
}
