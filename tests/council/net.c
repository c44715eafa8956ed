/* Connections: in order within one, in any order across them; they break, and each side notices in its own time. */
#include "core/invariant.h"
#include "tests/council/parts.h"

static struct hall_link *link_of(struct hall *hall, uint8_t a, uint8_t b)
{
    ms_assert(a != b);
    return a < b ? &hall->links[a][b] : &hall->links[b][a];
}

static uint8_t side_of(uint8_t node, uint8_t other)
{
    return node < other ? 0 : 1;
}

bool hall_is_up(const struct hall *hall, uint8_t node)
{
    return node < MS_MASTERS ? hall->masters[node].council != NULL
                             : hall->witnesses[node - MS_MASTERS].is_up;
}

static uint32_t life_of(const struct hall *hall, uint8_t node)
{
    return node < MS_MASTERS ? hall->masters[node].life : hall->witnesses[node - MS_MASTERS].life;
}

bool hall_is_connected(const struct hall *hall, uint8_t from, uint8_t to)
{
    const struct hall_link *link = from < to ? &hall->links[from][to] : &hall->links[to][from];

    return link->view[side_of(from, to)] != 0;
}

void hall_send(struct hall *hall, uint8_t from, uint8_t to, const struct hall_note *note)
{
    struct hall_link *link = link_of(hall, from, to);
    const uint8_t side = side_of(from, to);
    const ms_time at = hall->now + hall_between(hall, 50, hall->faults.delay_max);
    uint32_t index;

    if (link->view[side] == 0) {
        return;
    }
    if (link->is_cut[side] || link->is_broken[side] || link->view[side] != link->number) {
        link->is_broken[side] = true; /* what is lost is never made good on this connection */
        return;
    }
    if (hall->free_count == 0) {
        hall_fail(hall, "too many notes are under way");
    }
    index = hall->free_notes[--hall->free_count];
    hall->notes[index] = *note;
    link->last[side] = at > link->last[side] ? at : link->last[side];
    hall_push(hall, &(struct hall_event){.at = link->last[side],
                                         .type = HALL_NOTE,
                                         .node = to,
                                         .other = from,
                                         .life = life_of(hall, to),
                                         .connection = link->number,
                                         .note = index});
}

static void dial_from(struct hall *hall, uint8_t dialer, uint8_t other)
{
    const ms_time pause =
        hall_chance(hall, 4) ? hall_between(hall, 10 * MS_MSEC, 1 * MS_SEC) : 10 * MS_MSEC;

    hall_push(hall, &(struct hall_event){.at = hall->now + pause,
                                         .type = HALL_DIAL,
                                         .node = dialer,
                                         .other = other,
                                         .life = life_of(hall, dialer)});
}

/* Masters dial each other, so each sees that nobody is there; witnesses dial both. */
void hall_dial_later(struct hall *hall, uint8_t a, uint8_t b)
{
    if (a < MS_MASTERS && b < MS_MASTERS) {
        dial_from(hall, a, b);
        dial_from(hall, b, a);
    } else if (a < MS_MASTERS || b < MS_MASTERS) {
        dial_from(hall, a > b ? a : b, a > b ? b : a);
    }
}

static void tell_lost(struct hall *hall, uint8_t node, uint8_t other, bool is_dead)
{
    if (node < MS_MASTERS) {
        hall_master_lost(hall, node, other, is_dead);
    } else {
        hall_witness_lost(hall, node, other, is_dead);
    }
}

void hall_dial(struct hall *hall, uint8_t node, uint8_t other)
{
    struct hall_link *link = link_of(hall, node, other);
    const uint8_t ends[2] = {node < other ? node : other, node < other ? other : node};

    if (link->view[side_of(node, other)] != 0) {
        return;
    }
    if (link->is_cut[0] || link->is_cut[1]) {
        dial_from(hall, node, other);
        return;
    }
    if (!hall_is_up(hall, other)) {
        tell_lost(hall, node, other, true); /* refused */
        dial_from(hall, node, other);
        return;
    }
    link->number++;
    for (uint8_t side = 0; side < 2; side++) {
        if (link->view[side] != 0) {
            /* The other end has not noticed yet that the last one is over: now it does. */
            link->view[side] = 0;
            tell_lost(hall, ends[side], ends[1 - side], false);
        }
    }
    if (!hall_is_up(hall, node) || !hall_is_up(hall, other)) {
        return;
    }
    for (uint8_t side = 0; side < 2; side++) {
        link->view[side] = link->number;
        link->has_met[side] = false;
        link->is_broken[side] = false;
        link->last[side] = hall->now;
    }
    for (uint8_t side = 0; side < 2; side++) {
        struct hall_note hello = {.kind = MS_KIND_PEER_HELLO};

        if (ends[side] < MS_MASTERS) {
            hall_master_hello(hall, ends[side], &hello);
        } else {
            hall_witness_hello(hall, ends[side], &hello);
        }
        hall_send(hall, ends[side], ends[1 - side], &hello);
    }
}

static void close_later(struct hall *hall, uint8_t node, uint8_t other)
{
    struct hall_link *link = link_of(hall, node, other);
    const uint8_t side = side_of(node, other);

    if (link->view[side] != 0 && hall_is_up(hall, node)) {
        hall_push(hall, &(struct hall_event){.at = hall->now + hall_between(hall, 20, 2 * MS_MSEC),
                                             .type = HALL_CLOSED,
                                             .node = node,
                                             .other = other,
                                             .life = life_of(hall, node),
                                             .connection = link->view[side]});
    }
}

void hall_break(struct hall *hall, uint8_t a, uint8_t b)
{
    struct hall_link *link = link_of(hall, a, b);

    close_later(hall, a, b);
    close_later(hall, b, a);
    for (uint8_t side = 0; side < 2; side++) {
        const uint8_t node = side_of(a, b) == side ? a : b;

        if (!hall_is_up(hall, node)) {
            link->view[side] = 0;
        }
        link->is_broken[side] = true;
    }
}

void hall_cut(struct hall *hall, uint8_t from, uint8_t to)
{
    link_of(hall, from, to)->is_cut[side_of(from, to)] = true;
    hall_stats[HALL_STAT_CUTS]++;
}

void hall_heal(struct hall *hall, uint8_t a, uint8_t b)
{
    struct hall_link *link = link_of(hall, a, b);

    link->is_cut[0] = link->is_cut[1] = false;
    /* A connection that lost something is given up in the end. */
    if (link->is_broken[0] || link->is_broken[1] || link->view[0] != link->view[1]) {
        hall_break(hall, a, b);
    }
    hall_dial_later(hall, a, b);
}

void hall_closed(struct hall *hall, const struct hall_event *event)
{
    struct hall_link *link = link_of(hall, event->node, event->other);
    const uint8_t side = side_of(event->node, event->other);

    if (link->view[side] != event->connection || event->life != life_of(hall, event->node)) {
        return;
    }
    link->view[side] = 0;
    tell_lost(hall, event->node, event->other, false);
    hall_dial_later(hall, event->node, event->other);
}

void hall_arrive(struct hall *hall, const struct hall_event *event)
{
    struct hall_link *link = link_of(hall, event->node, event->other);
    const uint8_t side = side_of(event->node, event->other);
    const struct hall_note note = hall->notes[event->note];

    hall->free_notes[hall->free_count++] = event->note;
    if (link->view[side] != event->connection || event->life != life_of(hall, event->node) ||
        !hall_is_up(hall, event->node)) {
        return;
    }
    hall_say(hall, "%u<-%u %u %s epoch %llu error %u", event->node, event->other, note.kind,
             ms_kind_name(note.kind), (unsigned long long)note.epoch, note.error);
    if (note.kind == MS_KIND_PEER_HELLO) {
        link->has_met[side] = true;
        if (event->node < MS_MASTERS) {
            hall_master_met(hall, event->node, event->other, &note);
        } else {
            hall_witness_met(hall, event->node, event->other, &note);
        }
    } else if (event->node < MS_MASTERS) {
        hall_master_hear(hall, event->node, event->other, &note);
    } else {
        hall_witness_hear(hall, event->node, event->other, &note);
    }
}
