#include "tests/sim/observer_output.h"

#include <string.h>

#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"
#include "tests/sim/observer_unique.h"

/* A later master, which did not know of it, has counted another attempt like it. */
static bool is_counted_twice(const struct sim_world *world, const struct sim_record *record,
                             const struct sim_attempt *attempt)
{
    const struct sim_attempt *attempts = world->observer->attempts;

    for (uint32_t i = record->first; i != SIM_NONE; i = attempts[i].next) {
        if (attempts[i].token.epoch > attempt->token.epoch &&
            attempts[i].number >= attempt->number) {
            return true;
        }
    }
    return false;
}

/* Another half took its end in, and gave it a number that none has had there. */
static bool is_merged(const struct sim_world *world, const struct sim_record *record,
                      const struct sim_attempt *attempt)
{
    return world->config.masters > 1 && attempt->master != record->outcome_master;
}

bool sim_attempt_is_number(const struct sim_world *world, const struct sim_record *record,
                           const struct sim_attempt *attempt, uint32_t number)
{
    return attempt->number == number ||
           (attempt->number < number &&
            (sim_was_torn(world, record) || is_counted_twice(world, record, attempt) ||
             is_merged(world, record, attempt)));
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
