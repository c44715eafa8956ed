#include "tests/sim/observer_output.h"

#include <string.h>

#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"
#include "tests/sim/observer_unique.h"

/* Both are of one command, or of two with one key: what joined has the output of the other one, under numbers of its own. */
static bool is_of_one(const struct sim_record *record, const struct sim_record *other)
{
    return other == record ||
           (record->key != 0 && other->key == record->key && other->type == record->type);
}

/* The highest number that may have been taken where the attempt came to its end: of another attempt, or of its own end that was merged.
 * 0 when nobody counts but who made it, and took its result. */
static uint32_t highest_taken(const struct sim_world *world, const struct sim_record *record,
                              const struct sim_attempt *attempt)
{
    const struct sim_observer *observer = world->observer;
    uint32_t highest = 0;
    const bool is_taken_elsewhere =
        record->outcome_master != 0 && record->outcome_master != attempt->master;
    bool has_other = record->key != 0;

    for (uint32_t i = 0; i < observer->attempts_count; i++) {
        const struct sim_attempt *other = &observer->attempts[i];

        if (other != attempt && is_of_one(record, &observer->records[other->record])) {
            has_other |= (is_taken_elsewhere || other->master != attempt->master) &&
                         other->number >= attempt->number;
            highest = other->number > highest ? other->number : highest;
        }
    }
    for (uint32_t i = 0; i < observer->records_count; i++) {
        const struct sim_record *other = &observer->records[i];

        if (other->merged_number > 0 && is_of_one(record, other)) {
            has_other = true;
            highest = other->merged_number > highest ? other->merged_number : highest;
        }
    }
    return has_other ? highest : 0;
}

bool sim_attempt_is_number(const struct sim_world *world, const struct sim_record *record,
                           const struct sim_attempt *attempt, uint32_t number)
{
    if (number <= attempt->number) {
        return number == attempt->number;
    }
    const uint32_t highest = highest_taken(world, record, attempt);

    return highest >= attempt->number && number <= highest + 1;
}

/* An attempt of that command wrote the piece; for those that joined it, too. */
static bool is_written(const struct sim_world *world, const struct sim_record *record,
                       const void *context)
{
    const struct ms_command *piece = context;
    uint8_t expected[SIM_PIECE_MAX];

    for (uint32_t i = record->first; i != SIM_NONE; i = world->observer->attempts[i].next) {
        const struct sim_attempt *attempt = &world->observer->attempts[i];
        const size_t size = sim_piece(world, attempt->token, piece->index, expected);

        if (sim_attempt_is_number(world, record, attempt, piece->attempt) &&
            piece->index < attempt->pieces && piece->payload.size == size &&
            (size == 0 || memcmp(piece->payload.data, expected, size) == 0)) {
            return true;
        }
    }
    return false;
}

void sim_observe_piece(struct sim_world *world, struct sim_record *record,
                       const struct ms_effect *effect)
{
    const struct ms_command *command = &effect->command;

    if (effect->tag == 1) { /* MS_CLIENT_NOTE_RESET */
        record->stream = (struct sim_output){.attempt = command->attempt};
        return;
    }
    if (command->attempt != record->stream.attempt && record->stream.count > 0) {
        sim_fail(world, "stream", "attempt %u begins amid the pieces of attempt %u",
                 command->attempt, record->stream.attempt);
    }
    record->stream.attempt = command->attempt;
    if (command->index != record->stream.count) {
        sim_fail(world, "stream", "seq %llu: piece %u arrives where %u is due",
                 (unsigned long long)record->id.seq, command->index, record->stream.count);
    }
    record->stream.count++;
    record->stream.hash =
        sim_hash(record->stream.hash, command->payload.data, command->payload.size);
    world->stats.counts[SIM_STAT_PIECES]++;
    if (!is_written(world, record, command) &&
        !sim_unique_excuses(world, record, is_written, command)) {
        sim_fail(world, "stream", "seq %llu: no attempt %u wrote piece %u like this",
                 (unsigned long long)record->id.seq, command->attempt, command->index);
    }
}

bool sim_attempt_is_whole(const struct sim_world *world, const struct sim_attempt *attempt,
                          const struct sim_output *stream)
{
    uint8_t expected[SIM_PIECE_MAX];
    uint64_t hash = 0;

    if (attempt->pieces != stream->count) {
        return false;
    }
    for (uint32_t i = 0; i < attempt->pieces; i++) {
        hash = sim_hash(hash, expected, sim_piece(world, attempt->token, i, expected));
    }
    return hash == stream->hash;
}
