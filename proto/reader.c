#include "proto/reader.h"

#include "core/invariant.h"

const uint8_t *ms_reader_pass(struct ms_wire wire, uint64_t key, uint64_t known,
                              unsigned unknown_count)
{
    const uint64_t number = key >> 3;

    ms_assert(unknown_count > 0);
    if ((number < 64 && (known >> number & 1) != 0) || unknown_count > MS_UNKNOWN_FIELDS_MAX) {
        return NULL;
    }
    return ms_wire_after(wire, key & 7);
}

bool ms_reader_judge_terms(const struct ms_terms *terms)
{
    ms_assert(terms != NULL);
    return terms->priority >= MS_PRIORITY_MIN && terms->priority <= MS_PRIORITY_MAX &&
           terms->unique_mode < MS_UNIQUE_COUNT && terms->unique.size <= MS_UNIQUE_KEY_MAX &&
           terms->group.size <= MS_NAME_MAX && terms->key.size <= MS_KEY_MAX &&
           terms->array_closed.size <= MS_ARRAY_MAX / 8 && terms->where.size <= MS_WHERE_MAX &&
           terms->targets.size <= MS_TARGETS_BYTES_MAX && terms->run_at >= 0 &&
           terms->deadline >= 0;
}
