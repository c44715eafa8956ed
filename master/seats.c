#include "master/seats.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "master/gates.h"
#include "master/lanes.h"
#include "master/slaves.h"

static uint64_t draw(void *source)
{
    return ms_rng_next(source);
}

static int64_t rank_of(struct ms_lanes *lanes, const struct ms_seat *seat, enum ms_rank_event event)
{
    const struct ms_slave *slave = ms_slave_of(seat->session);
    const struct ms_candidate candidate = {
        .name = seat->session->name,
        .slots = slave->slots > 0 ? slave->slots : 1,
        .held = seat->session->held,
        .weight = slave->weight,
        .dispatched = slave->dispatched_total,
    };
    const struct ms_standing standing = {
        .event = event,
        .rank = seat->rank,
        .clock = seat->lane->clock,
        .served = seat->lane->dispatched_total,
        .draw = draw,
        .source = &lanes->rng,
    };
    const int64_t rank = seat->lane->strategy->rank(&candidate, &standing);

    ms_assert(rank >= 0);
    return rank;
}

static struct ms_heap *heap_of(const struct ms_seat *seat)
{
    return ms_gate_seats(seat->lane, seat->gate);
}

/* Its gate knows who is first. */
static void tell_gate(const struct ms_seat *seat)
{
    if (seat->gate != NULL && seat->lane->root == seat->lane) {
        ms_gate_seated(seat->gate);
    }
}

static bool has_rank(const struct ms_member *member)
{
    return member->lane->strategy->rank != NULL;
}

void ms_seats_take(struct ms_slave *slave)
{
    struct ms_seats *seats = &slave->seats;
    const struct ms_profile *profile = slave->profile;
    uint32_t count = 0;

    ms_assert(seats->seats == NULL);
    for (uint32_t i = 0; i < profile->members_count; i++) {
        count += has_rank(&profile->members[i]);
    }
    seats->seats = count > 0 ? calloc(count, sizeof *seats->seats) : NULL;
    for (uint32_t i = 0; seats->seats != NULL && i < profile->members_count; i++) {
        if (has_rank(&profile->members[i])) {
            struct ms_lane *lane = profile->members[i].lane;

            seats->seats[seats->count++] = (struct ms_seat){
                .lane = lane, .gate = profile->members[i].gate, .session = slave->session};
            seats->is_following_load |= lane->strategy->follows_load;
        }
    }
    ms_assert(seats->seats == NULL || seats->count == count);
}

void ms_seats_leave(struct ms_slave *slave)
{
    for (uint32_t i = 0; i < slave->seats.count; i++) {
        struct ms_seat *seat = &slave->seats.seats[i];

        if (ms_heap_has(&seat->place)) {
            ms_heap_remove(heap_of(seat), &seat->place);
            tell_gate(seat);
        }
    }
    free(slave->seats.seats);
    slave->seats = (struct ms_seats){.seats = NULL};
}

void ms_seats_enter(struct ms_lanes *lanes, struct ms_slave *slave)
{
    for (uint32_t i = 0; i < slave->seats.count; i++) {
        struct ms_seat *seat = &slave->seats.seats[i];

        if (ms_heap_has(&seat->place)) {
            continue;
        }
        seat->rank = rank_of(lanes, seat, MS_RANK_ENTER);
        if (!ms_heap_push(heap_of(seat), &seat->place, seat->rank)) {
            ms_seats_leave(slave);
            return;
        }
        tell_gate(seat);
    }
}

void ms_seats_weigh(struct ms_lanes *lanes, struct ms_slave *slave)
{
    for (uint32_t i = 0; slave->seats.is_following_load && i < slave->seats.count; i++) {
        struct ms_seat *seat = &slave->seats.seats[i];
        const int64_t rank =
            seat->lane->strategy->follows_load ? rank_of(lanes, seat, MS_RANK_LOAD) : seat->rank;

        if (rank != seat->rank && ms_heap_has(&seat->place)) {
            ms_heap_update(heap_of(seat), &seat->place, rank);
            tell_gate(seat);
        }
        seat->rank = rank;
    }
}

/* Of one heap, without those whose gate is shut: all of a heap have the same. */
static struct ms_session *first_of(struct ms_heap *seats)
{
    struct ms_heap_node *place;

    while ((place = ms_heap_peek(seats)) != NULL) {
        struct ms_seat *seat = ms_container_of(place, struct ms_seat, place);

        if (ms_gate_is_shut(seat->gate)) {
            return NULL;
        }
        if (ms_list_is_linked(&seat->session->link)) {
            ms_assert(seat->session->credit > 0);
            return seat->session;
        }
        ms_heap_pop(seats);
    }
    return NULL;
}

struct ms_session *ms_seats_first(struct ms_lane *lane)
{
    struct ms_gate *gate;

    if (lane->gates == NULL || ms_heap_count(&lane->gates->benches) == 0) {
        return first_of(&lane->seats);
    }
    while ((gate = ms_gates_first(lane)) != NULL) {
        const int64_t rank = ms_heap_min(&gate->seats);
        struct ms_session *session = first_of(&gate->seats);

        if (session != NULL && ms_heap_min(&gate->seats) == rank) {
            return session;
        }
        ms_gate_seated(gate); /* somebody else may come before the next one */
    }
    return NULL;
}

/* They are in order of type, as the members of the profile. */
static struct ms_seat *find(struct ms_slave *slave, const struct ms_lane *lane)
{
    uint32_t low = 0;
    uint32_t high = slave->seats.count;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (slave->seats.seats[middle].lane->type < lane->type) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < slave->seats.count && slave->seats.seats[low].lane->type == lane->type; low++) {
        if (slave->seats.seats[low].lane == lane) {
            return &slave->seats.seats[low];
        }
    }
    return NULL;
}

void ms_seats_served(struct ms_lanes *lanes, struct ms_lane *lane, struct ms_slave *slave)
{
    struct ms_seat *seat = find(slave, lane);

    if (seat == NULL) {
        return;
    }
    lane->clock = seat->rank > lane->clock ? seat->rank : lane->clock;
    seat->rank = rank_of(lanes, seat, MS_RANK_SERVED);
    if (ms_heap_has(&seat->place)) {
        ms_heap_update(heap_of(seat), &seat->place, seat->rank);
        tell_gate(seat);
    }
}
