#include "master/living.h"

#include "core/invariant.h"

#define VARINT_MAX 10u              /* bytes of 64 bits, 7 in each */
#define RUN_MAX    (2 * VARINT_MAX) /* of a run */

void ms_living_begin(struct ms_living *living, ms_seq above)
{
    living->size = 0;
    living->told = above;
    living->from = living->next = above + 1;
}

bool ms_living_is_full(const struct ms_living *living)
{
    return sizeof living->bytes - living->size < 2 * RUN_MAX; /* that under way, and another */
}

static void put(struct ms_living *living, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        living->bytes[living->size++] = (uint8_t)(value | 0x80);
    }
    living->bytes[living->size++] = (uint8_t)value;
}

static void close_run(struct ms_living *living)
{
    if (living->next > living->from) {
        put(living, living->from - living->told - 1);
        put(living, living->next - living->from);
        living->told = living->next - 1;
    }
}

bool ms_living_add(struct ms_living *living, ms_seq seq)
{
    ms_assert(seq >= living->next);
    if (ms_living_is_full(living)) {
        return false;
    }
    if (seq > living->next) {
        close_run(living);
        living->from = seq;
    }
    living->next = seq + 1;
    return true;
}

struct ms_bytes ms_living_end(struct ms_living *living)
{
    close_run(living);
    living->from = living->next;
    return (struct ms_bytes){living->bytes, living->size};
}

/* False when no number stands there. */
static bool take(struct ms_bytes *rest, uint64_t *value_out)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < VARINT_MAX && i < rest->size; i++) {
        const uint64_t bits = rest->data[i] & 0x7f;

        if (bits << 7 * i >> 7 * i != bits) {
            return false;
        }
        value |= bits << 7 * i;
        if ((rest->data[i] & 0x80) == 0) {
            *rest = (struct ms_bytes){rest->data + i + 1, rest->size - i - 1};
            *value_out = value;
            return true;
        }
    }
    return false;
}

/* The next run behind told; false when there is none that is sound. */
static bool next_run(struct ms_bytes *rest, ms_seq told, ms_seq *from_out, ms_seq *next_out)
{
    uint64_t gap = 0, count = 0;

    if (!take(rest, &gap) || !take(rest, &count) || count == 0 || gap >= UINT64_MAX - told - 1 ||
        count > UINT64_MAX - told - 1 - gap) {
        return false;
    }
    *from_out = told + 1 + gap;
    *next_out = *from_out + count;
    return true;
}

bool ms_living_is_sound(struct ms_bytes list, ms_seq above, ms_seq last)
{
    ms_seq from = above + 1, next = above + 1;

    while (list.size > 0) {
        if (!next_run(&list, next - 1, &from, &next)) {
            return false;
        }
    }
    return next - 1 <= last;
}

void ms_living_open(struct ms_living_reader *reader, struct ms_bytes list, ms_seq above)
{
    *reader = (struct ms_living_reader){list, above + 1, above + 1};
}

bool ms_living_has(struct ms_living_reader *reader, ms_seq seq)
{
    while (seq >= reader->next && reader->rest.size > 0) {
        if (!next_run(&reader->rest, reader->next - 1, &reader->from, &reader->next)) {
            ms_unreachable(); /* it is sound */
        }
    }
    return seq >= reader->from && seq < reader->next;
}
