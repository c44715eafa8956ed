/* The stores and the network of two halves of a pair. */
#ifndef TESTS_UNIT_MASTER_HALVES_DISK_H
#define TESTS_UNIT_MASTER_HALVES_DISK_H

#include "tests/unit/master_halves_world.h"

/* --- stores --- */

static void apply(struct half *half, struct ms_bytes bytes)
{
    struct ms_entry entry;

    while (ms_record_next(&bytes, &entry)) {
        size_t at = 0;

        while (at < half->entries_count && half->entries[at].seq < entry.seq) {
            at++;
        }
        if (entry.kind != MS_RECORD_ERASE) {
            ck_assert_uint_eq(at, half->entries_count); /* numbers rise */
            half->entries = realloc(half->entries, (at + 1) * sizeof *half->entries);
            half->entries[at] =
                (struct entry){entry.seq, entry.bytes.size, malloc(entry.bytes.size)};
            memcpy(half->entries[at].bytes, entry.bytes.data, entry.bytes.size);
            half->entries_count++;
        } else if (at < half->entries_count && half->entries[at].seq == entry.seq) {
            free(half->entries[at].bytes);
            half->entries_count--;
            memmove(&half->entries[at], &half->entries[at + 1],
                    (half->entries_count - at) * sizeof *half->entries);
        }
    }
    ck_assert_uint_eq(bytes.size, 0);
}

static void clear(struct half *half)
{
    for (size_t i = 0; i < half->entries_count; i++) {
        free(half->entries[i].bytes);
    }
    half->entries_count = 0;
}

static void drop_own(struct half *half)
{
    for (size_t i = 0; i < half->own_count; i++) {
        free(half->own[i].bytes);
    }
    free(half->own);
    half->own = NULL;
    half->own_count = 0;
    half->is_beside = false;
}

static void revert(struct half *half)
{
    struct entry *entries = half->own;
    const size_t count = half->own_count;

    clear(half);
    free(half->entries);
    half->own = NULL;
    half->own_count = 0;
    half->is_beside = false;
    half->entries = entries;
    half->entries_count = count;
}

/* False: there is no room. */
static bool replace(struct half *half, enum ms_clear how)
{
    ck_assert_int_eq(half->is_beside, how == MS_CLEAR_ADOPT || how == MS_CLEAR_REVERT ||
                                          (how == MS_CLEAR_ALL && half->is_beside));
    switch (how) {
    case MS_CLEAR_ALL:
        clear(half);
        break;
    case MS_CLEAR_BESIDE:
        if (half->is_cramped) {
            return false;
        }
        half->own = half->entries;
        half->own_count = half->entries_count;
        half->entries = NULL;
        half->entries_count = 0;
        half->is_beside = true;
        break;
    case MS_CLEAR_ADOPT:
        drop_own(half);
        break;
    case MS_CLEAR_REVERT:
        revert(half);
        break;
    default:
        ck_abort();
    }
    return true;
}

static bool stores_are_equal(void)
{
    if (halves[0].entries_count != halves[1].entries_count) {
        return false;
    }
    for (size_t i = 0; i < halves[0].entries_count; i++) {
        const struct entry *a = &halves[0].entries[i], *b = &halves[1].entries[i];

        if (a->seq != b->seq || a->size != b->size || memcmp(a->bytes, b->bytes, a->size) != 0) {
            return false;
        }
    }
    return true;
}

/* --- network --- */

static int end_of(const struct wire *wire, int place)
{
    return wire->ends[0] == place ? 0 : 1;
}

static void end_wire(uint32_t slot, int place)
{
    struct wire *wire = &wires[slot];
    const int mine = end_of(wire, place), other = 1 - mine;

    wire->is_open[mine] = false;
    if (wire->twin > 0 && wires[wire->twin - 1].is_open[0]) { /* it hears what was said before */
        push(now + LATENCY, place,
             &(struct ms_event){
                 .type = MS_EVENT_PEER_CLOSED, .peer = wire->twin, .error = MS_E_CLOSED});
    }
    if (wire->is_open[other]) {
        wire->is_open[other] = false;
        push(now + LATENCY, wire->ends[other],
             &(struct ms_event){
                 .type = MS_EVENT_PEER_CLOSED, .peer = slot + 1, .error = MS_E_CLOSED});
    }
}

static uint32_t connect_to(int from, int to, uint32_t tag)
{
    const uint32_t slot = wires_count++;

    ck_assert_uint_lt(slot, WIRES_MAX);
    wires[slot] = (struct wire){{from, to}, {true, true}, is_dialling_apart, 0};
    push(now + LATENCY, to,
         &(struct ms_event){.type = MS_EVENT_PEER_OPENED,
                            .peer = slot + 1,
                            .nonce = {{(uint8_t)slot, 9}},
                            .is_apart = is_dialling_apart});
    if (from < GUEST) {
        push(now + LATENCY, from,
             &(struct ms_event){.type = MS_EVENT_PEER_OPENED, .peer = slot + 1, .tag = tag});
    }
    return slot;
}

static void connect_to_self(int place, uint32_t tag)
{
    const uint32_t slot = wires_count;

    wires_count += 2;
    ck_assert_uint_lt(wires_count, WIRES_MAX);
    wires[slot] = (struct wire){.ends = {place, GUEST}, .is_open = {true}, .twin = slot + 2};
    wires[slot + 1] = (struct wire){.ends = {place, GUEST}, .is_open = {true}, .twin = slot + 1};
    push(now + LATENCY, place,
         &(struct ms_event){.type = MS_EVENT_PEER_OPENED, .peer = slot + 1, .tag = tag});
    push(now + LATENCY, place,
         &(struct ms_event){
             .type = MS_EVENT_PEER_OPENED, .peer = slot + 2, .nonce = {{(uint8_t)slot, 9}}});
}

static void send_on(uint32_t slot, int place, ms_epoch epoch, const struct ms_command *command)
{
    const struct wire *wire = &wires[slot];
    const int mine = end_of(wire, place);
    const bool is_ours = wire->ends[0] < GUEST && wire->ends[1] < GUEST;

    if (!wire->is_open[mine] || (is_ours && (is_cut || (is_deaf && place == 0)))) {
        return;
    }
    push(now + LATENCY, wire->twin > 0 ? place : wire->ends[1 - mine],
         &(struct ms_event){.type = MS_EVENT_RECEIVED,
                            .peer = wire->twin > 0 ? wire->twin : slot + 1,
                            .epoch = epoch,
                            .command = command,
                            .is_apart = mine == 0 && wire->is_apart});
}

#endif
