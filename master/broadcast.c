#include "master/broadcast.h"

#include "core/heap.h"
#include "core/invariant.h"
#include "master/arrays.h"
#include "master/clients.h"
#include "master/fleet.h"
#include "master/slaves.h"
#include "master/state.h"
#include "master/targets.h"

#define RANK_MAX  (((int64_t)1 << 60) - 1)
#define PER_MILLE 1000

/* A slave that fits. */
struct fit {
    struct ms_heap_node place;
    const struct ms_session *session;
};

struct search {
    const struct ms_lane *lane; /* of its key */
    bool is_all;
    struct ms_filter filter;
    struct ms_heap found; /* the first to be chosen first */
    struct fit *fits;
    uint32_t count;
    size_t fits_size; /* bytes of them */
};

static bool is_in_lane(const struct ms_slave *slave, const struct ms_lane *lane)
{
    const struct ms_profile *profile = slave->profile;

    for (uint32_t i = 0; profile != NULL && i < profile->members_count; i++) {
        if (profile->members[i].lane == lane) {
            return true;
        }
    }
    return false;
}

static bool fits(const struct search *search, const struct ms_session *session)
{
    const struct ms_slave *slave = ms_slave_of(session);

    return !slave->is_ending && !ms_session_is_dead(session) && !slave->is_cordoned &&
           !slave->is_draining && is_in_lane(slave, search->lane) &&
           ms_fleet_is_meant(&search->filter, session);
}

/* As its strategy ranks it; where that ranks nobody, by what it has in hand for each slot. */
static int64_t rank_of(const struct ms_slave *slave, const struct ms_lane *lane)
{
    for (uint32_t i = 0; i < slave->seats.count; i++) {
        if (slave->seats.seats[i].lane == lane) {
            const int64_t rank = slave->seats.seats[i].rank;

            return rank < RANK_MAX ? rank : RANK_MAX;
        }
    }
    return (int64_t)slave->session->held * PER_MILLE / (slave->slots > 0 ? slave->slots : 1);
}

/* All are told apart by nothing but who came first. */
static int64_t order_of(const struct search *search, const struct ms_slave *slave)
{
    if (search->is_all) {
        return (int64_t)(slave->number & (uint64_t)RANK_MAX);
    }
    return rank_of(slave, search->lane) + (slave->session->credit > 0 ? 0 : RANK_MAX + 1);
}

static enum ms_error find_all(struct ms_master *master, struct search *search)
{
    const struct ms_slave *slave;
    uint32_t cursor = 0;

    search->fits_size = (ms_pool_used(&master->slaves) + 1) * sizeof *search->fits;
    search->fits = ms_slab_take(&master->queue.slab, search->fits_size);
    if (search->fits == NULL) {
        return MS_E_NO_MEMORY;
    }
    while ((slave = ms_pool_next(&master->slaves, &cursor)) != NULL) {
        struct fit *fit = &search->fits[search->count];

        if (!fits(search, slave->session)) {
            continue;
        }
        *fit = (struct fit){.session = slave->session};
        if (!ms_heap_push(&search->found, &fit->place, order_of(search, slave))) {
            return MS_E_NO_MEMORY;
        }
        search->count++;
    }
    return MS_E_OK;
}

/* Whether they are as many as they have to be. */
static enum ms_error judge(struct ms_master *master, const struct search *search,
                           const struct ms_terms *terms)
{
    const uint32_t wanted = search->is_all ? 1 : terms->on;

    if (search->count < wanted) {
        if (!search->is_all) {
            ms_complain(&master->complaint,
                        "%u slaves live, run %s, fit and are neither cordoned nor draining; it is "
                        "for %u",
                        search->count, search->lane->name, terms->on);
        } else {
            ms_complain(&master->complaint,
                        "no slave lives, runs %s, fits and is neither cordoned nor draining",
                        search->lane->name);
        }
        return MS_E_NOT_FOUND;
    }
    if (search->is_all && search->count > terms->array_count) {
        ms_complain(&master->complaint, "%u slaves fit, and array_count has room for %u",
                    search->count, terms->array_count);
        return MS_E_BAD_ARGUMENT;
    }
    return MS_E_OK;
}

/* The list of the record, in a block of which only the beginning is used. */
static enum ms_error list(struct ms_master *master, struct search *search, struct ms_terms *terms)
{
    const uint32_t count = search->is_all ? search->count : terms->on;
    uint8_t *bytes = ms_slab_take(&master->queue.slab, count * MS_TARGET_BYTES_MAX);
    uint8_t *at = bytes;

    if (bytes == NULL) {
        return MS_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct ms_heap_node *node = ms_heap_pop(&search->found);

        at = ms_targets_write(at, ms_container_of(node, struct fit, place)->session);
    }
    terms->array_count = count;
    terms->targets = (struct ms_bytes){bytes, (size_t)(at - bytes)};
    ms_assert(ms_targets_are_sound(terms->targets, count));
    return MS_E_OK;
}

static enum ms_error choose(struct ms_master *master, struct search *search, struct ms_terms *terms)
{
    enum ms_error error = find_all(master, search);

    if (error == MS_E_OK) {
        error = judge(master, search, terms);
    }
    if (error == MS_E_OK) {
        error = list(master, search, terms);
    }
    ms_slab_give(&master->queue.slab, search->fits, search->fits_size);
    return error;
}

enum ms_error ms_broadcast_aim(struct ms_master *master, struct ms_lane *lane,
                               const struct ms_command *submit, struct ms_terms *terms_out)
{
    const struct ms_terms *asked = submit->terms;
    struct search search = {.lane = ms_lane_for(lane, asked->key),
                            .is_all = asked->on == MS_ON_ALL};
    char where[MS_WHERE_MAX + 1] = "";
    enum ms_error error;

    ms_assert(asked->on > 0 && asked->where.size <= MS_WHERE_MAX && asked->targets.size == 0);
    *terms_out = *asked;
    if (asked->array_closed.size > 0) {
        return MS_E_OK; /* to begin it anew would be to repeat it */
    }
    if (master->awaited_count > 0) {
        return MS_E_RETRY_LATER;
    }
    if (asked->where.size > 0) {
        memcpy(where, asked->where.data, asked->where.size);
    }
    if (!ms_filter_parse_slaves(where, &search.filter, &master->complaint)) {
        return MS_E_BAD_ARGUMENT;
    }
    ms_heap_init(&search.found, ms_pool_used(&master->slaves) + 1);
    error = choose(master, &search, terms_out);
    ms_heap_finish(&search.found);
    return error;
}

void ms_broadcast_drop(struct ms_master *master, struct ms_terms *terms)
{
    if (terms->targets.size > 0) {
        ms_slab_give(&master->queue.slab, (uint8_t *)(uintptr_t)terms->targets.data,
                     terms->array_count * MS_TARGET_BYTES_MAX);
        terms->targets = (struct ms_bytes){0};
    }
}

void ms_broadcast_close_rest(struct ms_master *master, const struct ms_array *array, uint32_t room)
{
    const bool is_durable = array->record.durability != MS_DURABILITY_MEM;

    if (room == array->count) {
        return;
    }
    ms_floors_close_range(master, array->client->floor, array->first + array->count,
                          room - array->count, is_durable);
    if (is_durable) { /* with the SUBMIT: nothing else says of them that they are nobody's */
        ms_journal_flush(master);
    }
}

void ms_broadcast_tell_rest(struct ms_master *master, const struct ms_array *array, uint32_t room)
{
    for (uint32_t place = array->count; place < room; place += MS_NAK_RUN_MAX) {
        const uint32_t left = room - place;

        ms_journal_answer(master, array->submit_record,
                          &(struct ms_answer){
                              .kind = MS_KIND_SUBMIT_NAK,
                              .peer = array->client->session->peer,
                              .made_at = master->engine.now,
                              .error = MS_E_NOT_FOUND,
                              .first = array->first + place,
                              .count = left < MS_NAK_RUN_MAX ? left : MS_NAK_RUN_MAX,
                          });
    }
}
