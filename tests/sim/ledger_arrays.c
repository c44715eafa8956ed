/* Arrays on a disk: the one record of each, and which members it says are closed. */
#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "tests/sim/ledger.h"

static struct sim_array_bits *find(struct sim_ledger *ledger, const struct ms_id *first,
                                   uint64_t span)
{
    for (uint32_t i = 0; i < ledger->arrays_count; i++) {
        struct sim_array_bits *bits = &ledger->arrays[i];

        if (bits->first.seq == first->seq && bits->number == span &&
            ms_uuid_equal(&bits->first.client, &first->client)) {
            return bits;
        }
    }
    return NULL;
}

static struct sim_array_bits *take(struct sim_ledger *ledger)
{
    if ((ledger->arrays_count & (ledger->arrays_count - 1)) == 0) {
        const size_t capacity = ledger->arrays_count == 0 ? 1 : (size_t)ledger->arrays_count * 2;

        ledger->arrays = realloc(ledger->arrays, capacity * sizeof *ledger->arrays);
        ms_assert(ledger->arrays != NULL);
    }
    return &ledger->arrays[ledger->arrays_count++];
}

void sim_ledger_put_bits(struct sim_ledger *ledger, ms_seq seq, const struct ms_record *record)
{
    struct sim_array_bits *bits = find(ledger, &record->id, record->number);

    if (bits == NULL) {
        bits = take(ledger);
    }
    *bits = (struct sim_array_bits){.first = record->id, .number = record->number, .seq = seq};
    ms_assert(record->payload.size > 0 && record->payload.size <= sizeof bits->bits);
    memcpy(bits->bits, record->payload.data, record->payload.size);
}

void sim_ledger_erase_bits(struct sim_ledger *ledger, ms_seq seq, const struct ms_record *record)
{
    struct sim_array_bits *bits = find(ledger, &record->id, record->number);

    if (bits != NULL && bits->seq == seq) {
        memset(bits->bits, 0, sizeof bits->bits);
        bits->seq = 0;
    }
}

/* The open array that the id is of, but for its first member. */
const struct sim_life *sim_ledger_array(const struct sim_ledger *ledger, const struct ms_id *id)
{
    for (uint32_t i = 0; i < ledger->lives_count; i++) {
        const struct sim_life *life = &ledger->lives[i];

        if (life->array_count > 0 && life->submit != 0 && id->seq >= life->id.seq &&
            id->seq - life->id.seq < life->array_count &&
            ms_uuid_equal(&id->client, &life->id.client)) {
            return life;
        }
    }
    return NULL;
}

bool sim_ledger_is_closed_member(const struct sim_ledger *ledger, const struct ms_id *id)
{
    const struct sim_life *life = sim_ledger_array(ledger, id);

    for (uint32_t i = 0; life != NULL && i < ledger->arrays_count; i++) {
        const struct sim_array_bits *bits = &ledger->arrays[i];
        const uint64_t place = id->seq - life->id.seq;

        if (bits->first.seq == life->id.seq && bits->number == place / SIM_SPAN_NUMBERS &&
            ms_uuid_equal(&bits->first.client, &id->client)) {
            const uint32_t bit = (uint32_t)(place % SIM_SPAN_NUMBERS);

            return (bits->bits[bit / 8] >> bit % 8 & 1) != 0;
        }
    }
    return false;
}
